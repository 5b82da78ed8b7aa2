/* Configuration: YAML, scopes, relaxed and dotted names, overlays, placeholders, sections, limits. */
#include "base/config.h"
#include "base/error.h"
#include <glib/gstdio.h>
#include <string.h>

typedef struct {
    char *path;
} Folder;

static void folder_begin(Folder *folder, gconstpointer data) {
    (void)data;
    folder->path = g_dir_make_tmp("gennaker-config-XXXXXX", NULL);
    g_assert_nonnull(folder->path);
}

static void folder_end(Folder *folder, gconstpointer data) {
    (void)data;
    g_autoptr(GDir) names = g_dir_open(folder->path, 0, NULL);
    for (const char *name; (name = g_dir_read_name(names)) != NULL;) {
        g_autofree char *file = g_build_filename(folder->path, name, NULL);
        g_unlink(file);
    }
    g_rmdir(folder->path);
    g_free(folder->path);
}

static void write_file(Folder *folder, const char *name, const char *text) {
    g_autofree char *file = g_build_filename(folder->path, name, NULL);
    g_assert_true(g_file_set_contents(file, text, -1, NULL));
}

static Config *load(Folder *folder) {
    g_autoptr(GError) error = NULL;
    Config *config = config_load(folder->path, &error);
    g_assert_no_error(error);
    return config;
}

static void assert_refused(Folder *folder, ErrorCode code, const char *message) {
    g_autoptr(GError) error = NULL;
    g_assert_null(config_load(folder->path, &error));
    g_assert_error(error, GENNAKER_ERROR, (int)code);
    if (strstr(error->message, message) == NULL)
        g_error("\"%s\" not in \"%s\"", message, error->message);
}

static void assert_value(Config *config, ConfigService service, const char *path, const char *json) {
    const JsonValue *value = config_get(config, service, path);
    g_autofree char *text = value == NULL ? NULL : json_write(value, NULL);
    g_assert_cmpstr(text, ==, json);
}

static void test_empty(Folder *folder, gconstpointer data) {
    (void)data;
    g_autoptr(Config) none = config_load(NULL, NULL);
    g_assert_null(config_get(none, SERVICE_CLOUDDRIVER, "aws"));
    g_assert_cmpint(config_get_int(none, SERVICE_GATE, "server.port", 8084), ==, 8084);
    g_autoptr(Config) empty = load(folder);
    g_assert_null(config_get(empty, SERVICE_GENNAKER, "inventory"));
    write_file(folder, "gate.yml", "# nothing\n---\n");
    g_autoptr(Config) comment = load(folder);
    assert_value(comment, SERVICE_GATE, "", "{}");
    g_autofree char *missing = g_build_filename(folder->path, "missing.yml", NULL);
    g_autoptr(GError) error = NULL;
    g_assert_null(config_load(missing, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_NOT_FOUND);
}

static void test_types(Folder *folder, gconstpointer data) {
    (void)data;
    write_file(
        folder, "orca.yml",
        "int: 12\nneg: -3\nplus: +3\nunder: 1_000\nhex: 0x1F\naccount: 012345678901\noctal: 0755\nbig: 12345678901234567890123\n"
        "fraction: 1.5\nversion: 1.10\nexponent: 1e3\nyes: yes\noff: Off\nempty:\ntilde: ~\nquoted: '12'\nbare: a b\ntagged: !!str 12\n"
        "time: 22:30\ninf: .inf\nblock: |\n  a\n  b\nlist: [1, two, {three: 3}]\n");
    g_autoptr(Config) config = load(folder);
    static const struct {
        const char *key, *json;
    } cases[] = {{"int", "12"},
                 {"neg", "-3"},
                 {"plus", "3"},
                 {"under", "1000"},
                 {"hex", "31"},
                 {"account", "\"012345678901\""},
                 {"octal", "\"0755\""},
                 {"big", "12345678901234567890123"},
                 {"fraction", "1.5"},
                 {"version", "\"1.10\""},
                 {"exponent", "\"1e3\""},
                 {"yes", "true"},
                 {"off", "false"},
                 {"empty", NULL},
                 {"tilde", NULL},
                 {"quoted", "\"12\""},
                 {"bare", "\"a b\""},
                 {"tagged", "\"12\""},
                 {"time", "\"22:30\""},
                 {"inf", "\".inf\""},
                 {"block", "\"a\\nb\\n\""},
                 {"list", "[1,\"two\",{\"three\":3}]"}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_value(config, SERVICE_ORCA, cases[i].key, cases[i].json);
    g_assert_cmpstr(config_get_string(config, SERVICE_ORCA, "int"), ==, "12");
    g_assert_cmpstr(config_get_string(config, SERVICE_ORCA, "yes"), ==, "yes");
    g_assert_cmpstr(config_get_string(config, SERVICE_ORCA, "bare"), ==, "a b");
    g_assert_null(config_get_string(config, SERVICE_ORCA, "list"));
    g_assert_cmpint(config_get_int(config, SERVICE_ORCA, "quoted", 0), ==, 12);
    g_assert_cmpint(config_get_int(config, SERVICE_ORCA, "bare", 7), ==, 7);
    g_assert_true(config_get_bool(config, SERVICE_ORCA, "yes", FALSE));
    g_assert_true(config_get_bool(config, SERVICE_ORCA, "bare", TRUE));
}

static void test_names(Folder *folder, gconstpointer data) {
    (void)data;
    write_file(folder, "clouddriver.yml",
               "aws.bakery-defaults.base_images: [a]\naws:\n  defaultAssumeRole: role/x\n  bakeryDefaults: {}\n"
               "tags:\n  app.kubernetes.io/name: kept\n  '[team.name]': also kept\n  team.owner: split\n");
    g_autoptr(Config) config = load(folder);
    assert_value(config, SERVICE_CLOUDDRIVER, "aws.bakery-defaults.baseImages", "[\"a\"]");
    assert_value(config, SERVICE_CLOUDDRIVER, "aws.default-assume-role", "\"role/x\"");
    assert_value(config, SERVICE_CLOUDDRIVER, "AWS.DEFAULT_ASSUME_ROLE", "\"role/x\"");
    assert_value(config, SERVICE_CLOUDDRIVER, "aws.bakeryDefaults", "{\"base_images\":[\"a\"]}");
    assert_value(config, SERVICE_CLOUDDRIVER, "tags",
                 "{\"app.kubernetes.io/name\":\"kept\",\"team.name\":\"also kept\",\"team\":{\"owner\":\"split\"}}");
    g_assert_null(config_get(config, SERVICE_CLOUDDRIVER, "aws.nothing.here"));
}

static void test_scopes(Folder *folder, gconstpointer data) {
    (void)data;
    write_file(folder, "spinnaker.yml", "shared: {a: 1, b: 1, c: 1}\nserver.port: 1\n");
    write_file(folder, "gate.yml", "shared: {b: 2, c: 2}\nserver: {port: 8084}\n");
    write_file(folder, "echo.yaml", "server: {port: 8089}\n");
    write_file(folder, "gennaker.yml", "gate: {shared.d: 4}\naws: {enabled: true}\ngennaker: {inventory: {pollSeconds: 30}}\norca:\n");
    write_file(folder, "spinnaker-local.yml", "shared: {c: 3}\n");
    g_autoptr(Config) config = load(folder);
    assert_value(config, SERVICE_GATE, "shared", "{\"a\":1,\"b\":2,\"c\":3,\"d\":4}");
    assert_value(config, SERVICE_ORCA, "shared", "{\"a\":1,\"b\":1,\"c\":3}");
    assert_value(config, SERVICE_ANY, "shared.b", "1");
    assert_value(config, SERVICE_GATE, "server.port", "8084");
    assert_value(config, SERVICE_ECHO, "server.port", "8089");
    assert_value(config, SERVICE_IGOR, "server.port", "1");
    assert_value(config, SERVICE_CLOUDDRIVER, "aws.enabled", "true");
    assert_value(config, SERVICE_GENNAKER, "inventory.poll-seconds", "30");
    assert_value(config, SERVICE_GENNAKER, "server.port", NULL);
    assert_value(config, SERVICE_CLOUDDRIVER, "inventory", NULL);
    assert_value(config, SERVICE_ORCA | SERVICE_GATE, "shared.d", "4");
}

static void test_overlay(Folder *folder, gconstpointer data) {
    (void)data;
    write_file(folder, "clouddriver.yml",
               "aws:\n  accounts:\n  - name: a\n  - name: b\n  assumeRole: x\n  deep: {one: 1, two: 2}\n  gone: 1\n");
    write_file(folder, "clouddriver-local.yml", "aws.accounts:\n- name: c\naws:\n  assume-role: y\n  deep.two: 3\n  gone: ~\n");
    g_autoptr(Config) config = load(folder);
    assert_value(config, SERVICE_CLOUDDRIVER, "aws.accounts", "[{\"name\":\"c\"}]");
    assert_value(config, SERVICE_CLOUDDRIVER, "aws.assumeRole", "\"y\"");
    assert_value(config, SERVICE_CLOUDDRIVER, "aws.deep", "{\"one\":1,\"two\":3}");
    assert_value(config, SERVICE_CLOUDDRIVER, "aws.gone", NULL);
}

static void test_places(Folder *folder, gconstpointer data) {
    (void)data;
    write_file(folder, "clouddriver.yml", "aws:\n  accounts:\n  - name: a\n    regions:\n    - name: eu\n  role: x\n");
    write_file(folder, "clouddriver-local.yml", "\n\naws.role: y\n");
    g_autoptr(Config) config = load(folder);
    g_autofree char *account = config_where(config, json_at(config_get(config, SERVICE_CLOUDDRIVER, "aws.accounts"), 0));
    g_assert_cmpstr(account, ==, "clouddriver.yml:3");
    g_autofree char *role = config_where(config, config_get(config, SERVICE_CLOUDDRIVER, "aws.role"));
    g_assert_cmpstr(role, ==, "clouddriver-local.yml:3");
    g_autoptr(Json) foreign = json_empty_object();
    g_assert_null(config_where(config, json_root(foreign)));
    g_assert_null(config_where(config, NULL));
}

static void test_one_file(Folder *folder, gconstpointer data) {
    (void)data;
    write_file(folder, "gate-local.yml", "server.port: 1\n");
    write_file(folder, "mine.yml", "gate: {server.port: 2}\ngennaker: {x: 3}\n");
    g_autofree char *gate = g_build_filename(folder->path, "gate-local.yml", NULL);
    g_autoptr(Config) one = config_load(gate, NULL);
    assert_value(one, SERVICE_GATE, "server.port", "1");
    assert_value(one, SERVICE_ORCA, "server.port", NULL);
    g_autofree char *mine = g_build_filename(folder->path, "mine.yml", NULL);
    g_autoptr(Config) other = config_load(mine, NULL);
    assert_value(other, SERVICE_GATE, "server.port", "2");
    assert_value(other, SERVICE_GENNAKER, "x", "3");
}

static void test_text(Folder *folder, gconstpointer data) {
    (void)data;
    (void)folder;
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_load_text("rosco-local.yml", "a: 1", -1, &error);
    g_assert_no_error(error);
    assert_value(config, SERVICE_ROSCO, "a", "1");
    g_assert_null(config_load_text("any", "gate: [", -1, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
}

static void test_placeholders(Folder *folder, gconstpointer data) {
    (void)data;
    g_setenv("GENNAKER_TEST_HOST", "db.example", TRUE);
    g_setenv("GENNAKER_TEST_INNER", "GENNAKER_TEST_HOST", TRUE);
    write_file(folder, "spinnaker.yml", "base.url: http://${GENNAKER_TEST_HOST}:${port:80}\nname: shared\n");
    write_file(folder, "front50.yml",
               "env: ${GENNAKER_TEST_HOST}\nrelaxed: ${gennaker.test-host}\ndefault: ${NOPE:fall back}\nempty: ${NOPE:}\nnested: "
               "${NOPE:${ALSO_NOPE:deep}}\n"
               "computed: ${${GENNAKER_TEST_INNER}}\nkey: ${base.url}/v1\nrelaxedKey: ${baseUrl:}${base.URL}\nport: ${NOPE:9000}\ntyped: "
               "${NOPE:true}\n"
               "quoted: '${NOPE:true}'\ncolons: ${NOPE:jdbc:mysql://h:3306/x}\nbraces: '${NOPE:{\"a\":{}}}'\nopen: ${NOPE\nunresolved: a "
               "${NOPE} b\n"
               "expression: ${parameters['x']}\nlist: [\"${name}\"]\nrepeated: ${name}-${name}\n");
    g_autoptr(Config) config = load(folder);
    static const struct {
        const char *key, *json;
    } cases[] = {{"env", "\"db.example\""},
                 {"relaxed", "\"db.example\""},
                 {"default", "\"fall back\""},
                 {"empty", NULL},
                 {"nested", "\"deep\""},
                 {"computed", "\"db.example\""},
                 {"key", "\"http://db.example:9000/v1\""},
                 {"relaxedKey", "\"http://db.example:9000\""},
                 {"port", "9000"},
                 {"typed", "true"},
                 {"quoted", "\"true\""},
                 {"colons", "\"jdbc:mysql://h:3306/x\""},
                 {"braces", "\"{\\\"a\\\":{}}\""},
                 {"open", "\"${NOPE\""},
                 {"unresolved", "\"a ${NOPE} b\""},
                 {"expression", "\"${parameters['x']}\""},
                 {"list", "[\"shared\"]"},
                 {"repeated", "\"shared-shared\""}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_value(config, SERVICE_FRONT50, cases[i].key, cases[i].json);
    assert_value(config, SERVICE_ANY, "base.url", "\"http://db.example:80\"");
}

static void test_placeholder_limits(Folder *folder, gconstpointer data) {
    (void)data;
    write_file(folder, "orca.yml", "a: ${b}\nb: ${a}\n");
    assert_refused(folder, ERR_INVALID, "orca.yml:1: placeholders refer to each other in a circle");
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < 30; i++)
        g_string_append_printf(text, "k%u: ${k%u}${k%u}\n", i, i + 1, i + 1);
    g_string_append(text, "k30: ''\n");
    write_file(folder, "orca.yml", text->str);
    assert_refused(folder, ERR_LIMIT, "CONFIG_PLACEHOLDERS_MAX");
    g_autofree char *long_text = g_strnfill(CONFIG_TEXT_MAX / 2 + 10, 'x');
    g_string_printf(text, "a: %s\nb: ${a}${a}\n", long_text);
    write_file(folder, "orca.yml", text->str);
    assert_refused(folder, ERR_LIMIT, "CONFIG_TEXT_MAX");
}

static void test_anchors(Folder *folder, gconstpointer data) {
    (void)data;
    write_file(folder, "clouddriver.yml",
               "defaults: &d {region: eu, size: 1}\nmore: &m {size: 2, zone: a}\none:\n  <<: *d\n  size: 3\n"
               "two: {<<: [*d, *m]}\nthree: *d\nlist: &l [1, 2]\nagain: *l\nquoted: {'<<': 1}\n");
    g_autoptr(Config) config = load(folder);
    assert_value(config, SERVICE_CLOUDDRIVER, "one", "{\"size\":3,\"region\":\"eu\"}");
    assert_value(config, SERVICE_CLOUDDRIVER, "two", "{\"region\":\"eu\",\"size\":1,\"zone\":\"a\"}");
    assert_value(config, SERVICE_CLOUDDRIVER, "three", "{\"region\":\"eu\",\"size\":1}");
    assert_value(config, SERVICE_CLOUDDRIVER, "again", "[1,2]");
    assert_value(config, SERVICE_CLOUDDRIVER, "quoted", "{\"<<\":1}");
}

static void test_bad_yaml(Folder *folder, gconstpointer data) {
    (void)data;
    static const struct {
        const char *text, *message;
        ErrorCode code;
    } cases[] = {
        {"a: 1\nb: [1\nc: 2\n", "gate.yml:3: ", ERR_INVALID},
        {"a: 1\na: 2\n", "gate.yml:2: the key a is already in line 1", ERR_INVALID},
        {"a:\n  b: *c\n", "gate.yml:2: *c: there is no anchor &c before this line", ERR_INVALID},
        {"a: &x [*x]\n", "gate.yml:1: *x", ERR_INVALID},
        {"- a\n", "gate.yml:1: expected keys and values, found a list", ERR_INVALID},
        {"text\n", "gate.yml:1: expected keys and values, found a text", ERR_INVALID},
        {"a: 1\n? [b]\n: 2\n", "gate.yml:2: a key must be a text", ERR_INVALID},
        {"a: {<<: 1}\n", "gate.yml:1: << takes a map", ERR_INVALID},
        {"a: \"\\0\"\n", "gate.yml:1: a value contains a NUL", ERR_INVALID},
        {"a: 1\n\tb: 2\n", "gate.yml:2: ", ERR_INVALID},
        {"a: \xff\n", "gate.yml:1: ", ERR_INVALID},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        write_file(folder, "gate.yml", cases[i].text);
        assert_refused(folder, cases[i].code, cases[i].message);
    }
    write_file(folder, "gate.yml", "");
    write_file(folder, "gate.yaml", "");
    assert_refused(folder, ERR_INVALID, "keep one of them");
    g_autofree char *extra = g_build_filename(folder->path, "gate.yaml", NULL);
    g_unlink(extra);
    write_file(folder, "gennaker.yml", "gate: text\n");
    assert_refused(folder, ERR_INVALID, "gennaker.yml:1: gate: expected the keys of this service");
}

static void test_limits(Folder *folder, gconstpointer data) {
    (void)data;
    g_autoptr(GString) text = g_string_new("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for (guint i = 1; i < 30; i++)
        g_string_append_printf(text, "a%u: &a%u [*a%u, *a%u, *a%u, *a%u, *a%u]\n", i, i, i - 1, i - 1, i - 1, i - 1, i - 1);
    write_file(folder, "gate.yml", text->str);
    assert_refused(folder, ERR_LIMIT, "CONFIG_VALUES_MAX");
    g_string_assign(text, "m0: &m0 {a: x, b: x}\n");
    for (guint i = 1; i < 40; i++)
        g_string_append_printf(text, "m%u: &m%u {a: *m%u, b: *m%u}\n", i, i, i - 1, i - 1);
    write_file(folder, "gate.yml", text->str);
    assert_refused(folder, ERR_LIMIT, "CONFIG_VALUES_MAX");
    g_string_assign(text, "a: ");
    for (guint i = 0; i < 100000; i++)
        g_string_append_c(text, '[');
    write_file(folder, "gate.yml", text->str);
    assert_refused(folder, ERR_LIMIT, "CONFIG_DEPTH_MAX");
    g_string_assign(text, "a: &a0 [1]\n");
    for (guint i = 1; i < 80; i++)
        g_string_append_printf(text, "b%u: &a%u [*a%u]\n", i, i, i - 1);
    write_file(folder, "gate.yml", text->str);
    assert_refused(folder, ERR_LIMIT, "CONFIG_DEPTH_MAX");
    g_string_assign(text, "a");
    for (guint i = 0; i < 100; i++)
        g_string_append(text, ".a");
    g_string_append(text, ": 1\n");
    write_file(folder, "gate.yml", text->str);
    assert_refused(folder, ERR_LIMIT, "CONFIG_DEPTH_MAX");
    write_file(folder, "gate.yml",
               "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a:\n"
               "  a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a: 1\n");
    assert_refused(folder, ERR_LIMIT, "CONFIG_DEPTH_MAX");
    g_autofree char *large = g_strnfill(CONFIG_FILE_MAX + 1, '#');
    write_file(folder, "gate.yml", large);
    assert_refused(folder, ERR_LIMIT, "CONFIG_FILE_MAX");
}

static void test_profiles(Folder *folder, gconstpointer data) {
    (void)data;
    g_unsetenv("SPRING_PROFILES_ACTIVE");
    write_file(folder, "igor.yml",
               "a: 1\nb: 1\n---\nspring.config.activate.on-profile: local\na: 2\n---\nspring: {profiles: 'prod, other'}\na: 3\n---\n"
               "spring.profiles: '!prod'\nb: 4\n");
    g_autoptr(Config) config = load(folder);
    assert_value(config, SERVICE_IGOR, "a", "2");
    assert_value(config, SERVICE_IGOR, "b", "4");
    g_setenv("SPRING_PROFILES_ACTIVE", "x, prod", TRUE);
    g_autoptr(Config) production = load(folder);
    assert_value(production, SERVICE_IGOR, "a", "3");
    assert_value(production, SERVICE_IGOR, "b", "1");
    g_unsetenv("SPRING_PROFILES_ACTIVE");
}

typedef struct {
    char *role;
    gint64 poll_ms;
    char **regions;
    gboolean enabled;
    char *secret;
} Section;

static const Param section_params[] = {
    {"assumeRole", PARAM_STRING, offsetof(Section, role), .required = TRUE},
    {"pollSeconds", PARAM_SECONDS, offsetof(Section, poll_ms), .otherwise = "30", .min = 1000, .max = 600000},
    {"regions", PARAM_STRINGS, offsetof(Section, regions)},
    {"features.launchTemplates.enabled", PARAM_BOOL, offsetof(Section, enabled), .otherwise = "true"},
    {"secret", PARAM_STRING, offsetof(Section, secret), .secret = TRUE},
    {},
};

static const ConfigSection section = {SERVICE_CLOUDDRIVER, "aws", section_params, "For the test."};

static void test_sections(Folder *folder, gconstpointer data) {
    (void)data;
    Section s = {0};
    g_autoptr(Config) none = load(folder);
    g_assert_true(config_read(none, &section, &s, NULL));
    g_assert_null(s.role);
    g_assert_cmpint(s.poll_ms, ==, 30000);
    params_clear(section_params, &s);
    write_file(folder, "clouddriver.yml",
               "aws:\n  assume-role: 123456\n  poll_seconds: 5\n  regions: eu-west-1, us-east-1\n"
               "  features.launch-templates.enabled: false\n");
    g_autoptr(Config) config = load(folder);
    g_assert_true(config_read(config, &section, &s, NULL));
    g_assert_cmpstr(s.role, ==, "123456");
    g_assert_cmpint(s.poll_ms, ==, 5000);
    g_assert_cmpstr(s.regions[1], ==, "us-east-1");
    g_assert_false(s.enabled);
    params_clear(section_params, &s);
}

static void assert_section_error(Folder *folder, const char *text, const char *message) {
    write_file(folder, "clouddriver.yml", text);
    g_autoptr(Config) config = load(folder);
    g_autoptr(GError) error = NULL;
    Section s = {0};
    g_assert_false(config_read(config, &section, &s, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
    g_assert_cmpstr(error->message, ==, message);
}

static void test_section_errors(Folder *folder, gconstpointer data) {
    (void)data;
    assert_section_error(folder, "aws:\n  pollSeconds: often\n  assumeRole: [x]\n",
                         "clouddriver.yml:3: aws.assumeRole: expected a text, got [\"x\"]; "
                         "clouddriver.yml:2: aws.pollSeconds: expected a number of seconds, got \"often\"");
    assert_section_error(folder, "\naws: {enabled: true}\n", "clouddriver.yml:2: aws.assumeRole: required");
    assert_section_error(folder, "aws: yes\n", "clouddriver.yml:1: aws: expected an object, got true");
    assert_section_error(
        folder, "aws:\n  assumeRole: x\n  secret: a-${GENNAKER_NOPE}\n",
        "clouddriver.yml:3: aws.secret: ${GENNAKER_NOPE} has no value: set the environment variable GENNAKER_NOPE, or write a "
        "default: ${GENNAKER_NOPE:default}");
}

static void test_list_elements(Folder *folder, gconstpointer data) {
    (void)data;
    write_file(folder, "clouddriver.yml", "aws:\n  accounts:\n  - assume-role: x\n  - pollSeconds: 0\n    assumeRole: y\n");
    g_autoptr(Config) config = load(folder);
    const JsonValue *accounts = config_get(config, SERVICE_CLOUDDRIVER, "aws.accounts");
    Section s = {0};
    g_assert_true(config_read_value(config, json_at(accounts, 0), section_params, &s, NULL));
    g_assert_cmpstr(s.role, ==, "x");
    params_clear(section_params, &s);
    g_autoptr(GError) error = NULL;
    g_assert_false(config_read_value(config, json_at(accounts, 1), section_params, &s, &error));
    g_assert_cmpstr(error->message, ==, "clouddriver.yml:4: pollSeconds: must be between 1 and 600, got 0");
}

static void test_own_section_errors(Folder *folder, gconstpointer data) {
    (void)data;
    static const ConfigSection own = {SERVICE_GENNAKER, "limits", section_params, "For the test."};
    write_file(folder, "gennaker.yml", "gennaker:\n  limits: {assumeRole: [], pollSeconds: 1}\n");
    g_autoptr(Config) config = load(folder);
    g_autoptr(GError) error = NULL;
    Section s = {0};
    g_assert_false(config_read(config, &own, &s, &error));
    g_assert_cmpstr(error->message, ==, "gennaker.yml:2: gennaker.limits.assumeRole: expected a text, got []");
}

#define ADD(name, function) g_test_add("/base/config/" name, Folder, NULL, folder_begin, function, folder_end)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    ADD("empty", test_empty);
    ADD("types", test_types);
    ADD("names", test_names);
    ADD("scopes", test_scopes);
    ADD("overlay", test_overlay);
    ADD("places", test_places);
    ADD("one-file", test_one_file);
    ADD("text", test_text);
    ADD("placeholders", test_placeholders);
    ADD("placeholder-limits", test_placeholder_limits);
    ADD("anchors", test_anchors);
    ADD("bad-yaml", test_bad_yaml);
    ADD("limits", test_limits);
    ADD("profiles", test_profiles);
    ADD("sections", test_sections);
    ADD("section-errors", test_section_errors);
    ADD("own-section-errors", test_own_section_errors);
    ADD("list-elements", test_list_elements);
    return g_test_run();
}
