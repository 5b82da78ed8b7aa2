/* What lint says of a configuration. */
#include "base/config.h"
#include <glib/gstdio.h>
#include <string.h>

typedef struct {
    char *name, *role;
    gint64 count;
} Account;

static const Param account_params[] = {
    {"name", PARAM_STRING, offsetof(Account, name), .required = TRUE, .help = "Its name."},
    {"assumeRole", PARAM_STRING, offsetof(Account, role)},
    {"count", PARAM_INT, offsetof(Account, count), .min = 1, .max = 5},
    {},
};

typedef struct {
    gint64 wait_ms;
} Limits;

static const Param limits_params[] = {{"waitSeconds", PARAM_SECONDS, offsetof(Limits, wait_ms), .help = "Wait."}, {}};

typedef struct {
    gboolean enabled;
    char *key;
    Json *accounts, *free;
    Limits limits;
} Aws;

static const Param aws_params[] = {
    {"enabled", PARAM_BOOL, offsetof(Aws, enabled), .help = "Use AWS."},
    {"accessKeyId", PARAM_STRING, offsetof(Aws, key), .secret = TRUE},
    {"accounts", PARAM_JSON, offsetof(Aws, accounts), .members = account_params, .help = "Accounts."},
    {"free", PARAM_JSON, offsetof(Aws, free)},
    {"limits", PARAM_OBJECT, offsetof(Aws, limits), .members = limits_params},
    {},
};

static const ConfigSection aws = {SERVICE_CLOUDDRIVER, "aws", aws_params, "AWS."};
static const ConfigSection inventory = {SERVICE_GENNAKER, "inventory", limits_params, "Inventory."};
static const ConfigSection redirect = {SERVICE_GATE, "services.deck", limits_params, "Deck."};
static const ConfigSection *const sections[] = {&aws, &inventory, &redirect, NULL};

static const char level_letters[] = "uMX!~"; /* understood, no meaning, unknown, wrong, not there yet */

/* One line a finding: letter, file:line, key, message. */
static char *lint(const char *files[][2]) {
    g_autofree char *folder = g_dir_make_tmp("gennaker-lint-XXXXXX", NULL);
    g_autoptr(GError) error = NULL;
    for (gsize i = 0; files[i][0] != NULL; i++) {
        g_autofree char *path = g_build_filename(folder, files[i][0], NULL);
        g_assert_true(g_file_set_contents(path, files[i][1], -1, NULL));
    }
    g_autoptr(Config) config = config_load(folder, &error);
    g_assert_no_error(error);
    g_autoptr(GPtrArray) findings = config_lint(config, sections);
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < findings->len; i++) {
        const ConfigFinding *f = findings->pdata[i];
        g_string_append_printf(text, "%c %s:%u %s: %s\n", level_letters[f->level], f->file, f->line, f->key, f->message);
    }
    for (gsize i = 0; files[i][0] != NULL; i++) {
        g_autofree char *path = g_build_filename(folder, files[i][0], NULL);
        g_unlink(path);
    }
    g_rmdir(folder);
    return g_strdup(text->str);
}

static void assert_lint(const char *name, const char *yaml, const char *expected) {
    const char *files[][2] = {{name, yaml}, {NULL, NULL}};
    g_autofree char *text = lint(files);
    g_assert_cmpstr(text, ==, expected);
}

static void test_levels(void) {
    assert_lint("clouddriver.yml",
                "aws:\n  enabled: true\n  limits.wait-seconds: 5\n  acounts: []\nredis.connection: x\nserver:\n  port: 7002\nnonsense: {a: "
                "{b: 1}}\n",
                "u clouddriver.yml:2 aws.enabled: Use AWS.\n"
                "u clouddriver.yml:3 aws.limits.wait-seconds: Wait.\n"
                "X clouddriver.yml:4 aws.acounts: unknown key: did you mean accounts?\n"
                "M clouddriver.yml:5 redis: there is no Redis: state is kept in the store\n"
                "M clouddriver.yml:6 server: only one port is served: see gate's server settings and --listen\n"
                "X clouddriver.yml:8 nonsense: unknown key\n");
}

/* What comes later is no mistake; what is there already below it is understood. */
static void test_not_yet(void) {
    assert_lint("clouddriver.yml", "kubernetes.accounts: []\nartifacts:\n  gitRepo: {enabled: true}\n  helm-oci.accounts: []\n  s4: {}\n",
                "~ clouddriver.yml:1 kubernetes: accounts of this cloud come later\n"
                "~ clouddriver.yml:3 artifacts.gitRepo: artifact accounts of this kind come later\n"
                "~ clouddriver.yml:4 artifacts.helm-oci: artifact accounts of this kind come later\n"
                "X clouddriver.yml:5 artifacts.s4: unknown key\n");
    assert_lint("gate.yml", "cors.expectLocalhost: true\nsecurity.oauth2.client.clientId: x\n",
                "M gate.yml:1 cors.expectLocalhost: it only silences a line of Spinnaker's log\n"
                "~ gate.yml:2 security.oauth2: this way to sign in comes later\n");
}

static void test_scopes(void) {
    const char *files[][2] = {
        {"spinnaker.yml", "aws.enabled: true\n"},
        {"gate.yml", "aws.enabled: true\nservices:\n  deck.waitSeconds: 1\n  orca.baseUrl: x\n"},
        {"gennaker.yml", "gennaker:\n  inventory.waitSeconds: 3\n  inventroy: {}\n  redis: 1\n"},
        {"kayenta.yml", "x: 1\n"},
        {"notes.txt", "x"},
        {NULL, NULL},
    };
    g_autofree char *text = lint(files);
    g_assert_cmpstr(text, ==,
                    "X gate.yml:1 aws.enabled: unknown key here: it is read from clouddriver.yml\n"
                    "u gate.yml:3 services.deck.waitSeconds: Wait.\n"
                    "M gate.yml:4 services.orca: Spinnaker's services are one program here and need no addresses of each other\n"
                    "u gennaker.yml:2 gennaker.inventory.waitSeconds: Wait.\n"
                    "X gennaker.yml:3 gennaker.inventroy: unknown key: did you mean inventory?\n"
                    "X gennaker.yml:4 gennaker.redis: unknown key\n"
                    "M kayenta.yml:0 : this file is not read: its name is not that of a service whose settings have a meaning here\n"
                    "u spinnaker.yml:1 aws.enabled: Use AWS.\n");
}

static void test_wrong_values(void) {
    assert_lint(
        "clouddriver.yml",
        "aws:\n  enabled: perhaps\n  accessKeyId: '${GENNAKER_NOPE}'\n  limits: {waitSeconds: x}\n  free: {any: '${GENNAKER_NOPE}'}\n"
        "  accounts:\n  - name: a\n    count: 9\n    asumeRole: r\n  - assume-role: r\n  - text\n",
        "! clouddriver.yml:2 aws.enabled: expected true or false, got \"perhaps\"\n"
        "! clouddriver.yml:3 aws.accessKeyId: ${GENNAKER_NOPE} has no value: set the environment variable, or write a default: "
        "${GENNAKER_NOPE:default}\n"
        "! clouddriver.yml:4 aws.limits.waitSeconds: expected a number of seconds, got \"x\"\n"
        "u clouddriver.yml:5 aws.free: \n"
        "u clouddriver.yml:6 aws.accounts: Accounts.\n"
        "! clouddriver.yml:8 aws.accounts[0].count: must be between 1 and 5, got 9\n"
        "X clouddriver.yml:9 aws.accounts[0].asumeRole: unknown key: did you mean assumeRole?\n"
        "! clouddriver.yml:10 aws.accounts[1].name: required\n"
        "! clouddriver.yml:11 aws.accounts[2]: expected keys and values\n");
    assert_lint("clouddriver.yml", "aws: true\n", "! clouddriver.yml:1 aws: expected keys and values\n");
    assert_lint("clouddriver.yml", "aws:\n  limits: 3\n", "! clouddriver.yml:2 aws.limits: expected an object, got 3\n");
}

static void test_documents_of_other_profiles(void) {
    assert_lint("clouddriver.yml", "aws.enabled: true\n---\nspring.config.activate.on-profile: prod\naws.enabled: false\n",
                "u clouddriver.yml:1 aws.enabled: Use AWS.\n"
                "M clouddriver.yml:3 spring.config.activate.on-profile: this document is for the profile prod, which is not active\n");
}

static void test_nothing(void) {
    g_autoptr(Config) config = config_load(NULL, NULL);
    g_autoptr(GPtrArray) findings = config_lint(config, sections);
    g_assert_cmpuint(findings->len, ==, 0);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/config-lint/levels", test_levels);
    g_test_add_func("/base/config-lint/not-yet", test_not_yet);
    g_test_add_func("/base/config-lint/scopes", test_scopes);
    g_test_add_func("/base/config-lint/wrong-values", test_wrong_values);
    g_test_add_func("/base/config-lint/profiles", test_documents_of_other_profiles);
    g_test_add_func("/base/config-lint/nothing", test_nothing);
    return g_test_run();
}
