/* Parameter tables: every type, nesting, names, bounds, messages, descriptions. */
#include "base/error.h"
#include "base/params.h"
#include <string.h>

typedef struct {
    char *city;
    gint64 zip;
} Address;

typedef struct {
    char *name;
    gboolean enabled;
    gint64 count;
    double ratio;
    gint64 wait_ms, poll_ms;
    char **regions;
    int strategy;
    Json *extra;
    Address address;
    char *cluster;
    char *password;
} Sample;

static const char *const strategies[] = {"none", "redblack", "highlander", NULL};
static const char *const name_aliases[] = {"title", "meta.label", NULL};

static const Param address_params[] = {
    {"city", PARAM_STRING, offsetof(Address, city), .required = TRUE, .help = "Where."},
    {"zip", PARAM_INT, offsetof(Address, zip), .otherwise = "12345"},
    {},
};

static const Param sample_params[] = {
    {"name", PARAM_STRING, offsetof(Sample, name), .aliases = name_aliases, .help = "What it is called."},
    {"enabled", PARAM_BOOL, offsetof(Sample, enabled), .otherwise = "true"},
    {"count", PARAM_INT, offsetof(Sample, count), .min = 1, .max = 10, .otherwise = "3"},
    {"ratio", PARAM_DOUBLE, offsetof(Sample, ratio), .otherwise = "0.5", .min = 0, .max = 1},
    {"wait", PARAM_SECONDS, offsetof(Sample, wait_ms), .min = 500, .max = 3600000, .otherwise = "60"},
    {"poll", PARAM_MILLISECONDS, offsetof(Sample, poll_ms), .min = 10, .max = G_MAXINT64, .otherwise = "100"},
    {"regions", PARAM_STRINGS, offsetof(Sample, regions)},
    {"strategy", PARAM_ENUM, offsetof(Sample, strategy), .choices = strategies},
    {"extra", PARAM_JSON, offsetof(Sample, extra)},
    {"address", PARAM_OBJECT, offsetof(Sample, address), .members = address_params, .help = "Home."},
    {"moniker.cluster", PARAM_STRING, offsetof(Sample, cluster)},
    {"password", PARAM_STRING, offsetof(Sample, password), .secret = TRUE},
    {},
};

static gboolean read_text(const char *text, Sample *sample, GError **error) {
    g_autoptr(Json) json = json_parse(text, -1, NULL);
    g_assert_nonnull(json);
    memset(sample, 0, sizeof *sample);
    return params_read(sample_params, json_root(json), sample, error);
}

static void assert_read(const char *text, Sample *sample) {
    g_autoptr(GError) error = NULL;
    const gboolean read = read_text(text, sample, &error);
    g_assert_no_error(error);
    g_assert_true(read);
}

static void assert_problem(const char *text, const char *message) {
    g_autoptr(GError) error = NULL;
    Sample sample;
    const Sample zero = {0};
    g_assert_false(read_text(text, &sample, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
    g_assert_cmpstr(error->message, ==, message);
    g_assert_cmpint(memcmp(&sample, &zero, sizeof sample), ==, 0);
}

static void test_defaults(void) {
    Sample s;
    assert_read("{}", &s);
    g_assert_null(s.name);
    g_assert_true(s.enabled);
    g_assert_cmpint(s.count, ==, 3);
    g_assert_cmpfloat(s.ratio, ==, 0.5);
    g_assert_cmpint(s.wait_ms, ==, 60000);
    g_assert_cmpint(s.poll_ms, ==, 100);
    g_assert_null(s.regions);
    g_assert_cmpint(s.strategy, ==, -1);
    g_assert_null(s.extra);
    g_assert_cmpint(s.address.zip, ==, 12345);
    params_clear(sample_params, &s);
    assert_read("null", &s);
    g_assert_cmpint(s.count, ==, 3);
    params_clear(sample_params, &s);
    memset(&s, 0, sizeof s);
    g_assert_true(params_read(sample_params, NULL, &s, NULL));
    params_clear(sample_params, &s);
    g_assert_cmpint(s.count, ==, 0);
    params_clear(sample_params, NULL);
}

static void test_values(void) {
    Sample s;
    assert_read("{\"name\":\"x\",\"enabled\":false,\"count\":7,\"ratio\":0.25,\"wait\":1.5,\"poll\":20,\"regions\":[\"a\",\"b\"],"
                "\"strategy\":\"REDBLACK\",\"extra\":{\"k\":[1]},\"address\":{\"city\":\"Kiel\",\"zip\":24103},"
                "\"moniker\":{\"cluster\":\"c\"},\"password\":\"p\",\"unknown\":1}",
                &s);
    g_assert_cmpstr(s.name, ==, "x");
    g_assert_false(s.enabled);
    g_assert_cmpint(s.count, ==, 7);
    g_assert_cmpfloat(s.ratio, ==, 0.25);
    g_assert_cmpint(s.wait_ms, ==, 1500);
    g_assert_cmpint(s.poll_ms, ==, 20);
    g_assert_cmpuint(g_strv_length(s.regions), ==, 2);
    g_assert_cmpint(s.strategy, ==, 1);
    g_assert_cmpuint(json_length(json_get(json_root(s.extra), "k")), ==, 1);
    g_assert_cmpstr(s.address.city, ==, "Kiel");
    g_assert_cmpint(s.address.zip, ==, 24103);
    g_assert_cmpstr(s.cluster, ==, "c");
    params_clear(sample_params, &s);
    g_assert_null(s.name);
    g_assert_null(s.extra);
}

static void test_lenient_values(void) {
    Sample s;
    assert_read("{\"name\":12,\"enabled\":\"False\",\"count\":\"7\",\"ratio\":\"1e-1\",\"wait\":\"2\",\"poll\":3e1,\"regions\":\"a,b\","
                "\"extra\":null,\"strategy\":null}",
                &s);
    g_assert_cmpstr(s.name, ==, "12");
    g_assert_false(s.enabled);
    g_assert_cmpint(s.count, ==, 7);
    g_assert_cmpfloat(s.ratio, ==, 0.1);
    g_assert_cmpint(s.wait_ms, ==, 2000);
    g_assert_cmpint(s.poll_ms, ==, 30);
    g_assert_cmpuint(g_strv_length(s.regions), ==, 1);
    g_assert_cmpstr(s.regions[0], ==, "a,b");
    params_clear(sample_params, &s);
    assert_read("{\"count\":\"\",\"enabled\":\"\",\"strategy\":\"\",\"name\":\"\",\"regions\":[1,true]}", &s);
    g_assert_cmpint(s.count, ==, 3);
    g_assert_cmpstr(s.name, ==, "");
    g_assert_cmpstr(s.regions[1], ==, "true");
    params_clear(sample_params, &s);
}

static void test_names(void) {
    Sample s;
    assert_read("{\"title\":\"t\",\"moniker.cluster\":\"literal\",\"moniker\":{\"cluster\":\"inner\"}}", &s);
    g_assert_cmpstr(s.name, ==, "t");
    g_assert_cmpstr(s.cluster, ==, "literal");
    params_clear(sample_params, &s);
    assert_read("{\"meta\":{\"label\":\"m\"},\"name\":null}", &s);
    g_assert_cmpstr(s.name, ==, "m");
    params_clear(sample_params, &s);
    assert_read("{\"meta\":{\"label\":\"m\"},\"name\":\"n\",\"moniker\":\"text\",\"NAME\":\"other\"}", &s);
    g_assert_cmpstr(s.name, ==, "n");
    g_assert_null(s.cluster);
    params_clear(sample_params, &s);
}

static void test_messages(void) {
    assert_problem("{\"count\":\"x\"}", "count: expected a whole number, got \"x\"");
    assert_problem("{\"count\":1.5}", "count: expected a whole number, got 1.5");
    assert_problem("{\"count\":99999999999999999999}", "count: expected a whole number, got 99999999999999999999");
    assert_problem("{\"count\":11}", "count: must be between 1 and 10, got 11");
    assert_problem("{\"ratio\":1.5}", "ratio: must be between 0 and 1, got 1.5");
    assert_problem("{\"ratio\":\"0x10\"}", "ratio: expected a number, got \"0x10\"");
    assert_problem("{\"wait\":0.1}", "wait: must be between 0.500 and 3600, got 0.1");
    assert_problem("{\"wait\":1e300}", "wait: expected a number of seconds, got 1e300");
    assert_problem("{\"poll\":1}", "poll: must be at least 10, got 1");
    assert_problem("{\"enabled\":\"maybe\"}", "enabled: expected true or false, got \"maybe\"");
    assert_problem("{\"name\":[\"a\"]}", "name: expected a text, got [\"a\"]");
    assert_problem("{\"regions\":[\"a\",{}]}", "regions: expected a list of texts, got [\"a\",{}]");
    assert_problem("{\"regions\":{}}", "regions: expected a list of texts, got {}");
    assert_problem("{\"strategy\":\"blue\"}", "strategy: expected one of none, redblack, highlander, got \"blue\"");
    assert_problem("{\"address\":5}", "address: expected an object, got 5");
    assert_problem("{\"address\":{\"zip\":\"y\"}}", "address.city: required; address.zip: expected a whole number, got \"y\"");
    assert_problem("{\"count\":0,\"name\":{},\"enabled\":3}",
                   "name: expected a text, got {}; enabled: expected true or false, got 3; count: must be between 1 and 10, got 0");
    assert_problem("{\"password\":{\"really\":\"secret\"}}", "password: expected a text, got something else (hidden)");
    assert_problem("[]", "expected an object, got []");
    g_autoptr(GError) error = NULL;
    Sample s;
    g_assert_false(read_text("{\"count\":\"äääääääääääääääääääääääääääääääääääääääääääääääääääääääääää\"}", &s, &error));
    g_assert_true(g_str_has_suffix(error->message, "…"));
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
}

static void test_unknown(void) {
    g_autoptr(Json) json = json_parse("{\"name\":1,\"nmae\":2,\"moniker\":{\"x\":1},\"title\":1,\"meta\":{},\"Count\":1}", -1, NULL);
    g_auto(GStrv) unknown = params_unknown(sample_params, json_root(json));
    g_autofree char *joined = g_strjoinv(",", unknown);
    g_assert_cmpstr(joined, ==, "nmae,Count");
    g_auto(GStrv) none = params_unknown(sample_params, NULL);
    g_assert_cmpuint(g_strv_length(none), ==, 0);
}

static void test_description(void) {
    static const Param nested[] = {
        {"wait", PARAM_SECONDS, 0, .min = 1500, .max = G_MAXINT64, .otherwise = "60"},
        {"moniker.app", PARAM_STRING, 0, .required = TRUE},
        {"regions", PARAM_STRINGS, 0},
        {"moniker.cluster", PARAM_STRING, 0},
        {"strategy", PARAM_ENUM, 0, .choices = strategies, .required = TRUE, .help = "How."},
        {"rules", PARAM_JSON, 0, .members = address_params},
        {"address", PARAM_OBJECT, 0, .members = address_params, .help = "Home."},
        {"password", PARAM_STRING, 0, .secret = TRUE, .otherwise = "\"x\""},
        {"any", PARAM_JSON, 0},
        {},
    };
    g_autoptr(JsonBuilder) builder = json_builder_new();
    params_describe(nested, builder, NULL);
    g_autoptr(Json) made = json_builder_end(builder);
    g_autoptr(Json)
        expected = json_parse("{\"type\":\"object\",\"properties\":{"
                              "\"wait\":{\"type\":\"number\",\"x-unit\":\"seconds\",\"default\":60,\"minimum\":1.5},"
                              "\"moniker\":{\"type\":\"object\",\"properties\":{\"app\":{\"type\":\"string\"},\"cluster\":{\"type\":"
                              "\"string\"}},\"required\":[\"app\"]},"
                              "\"regions\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
                              "\"strategy\":{\"type\":\"string\",\"description\":\"How.\",\"enum\":[\"none\",\"redblack\",\"highlander\"]},"
                              "\"rules\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\","
                              "\"description\":\"Where.\"},"
                              "\"zip\":{\"type\":\"integer\",\"default\":12345}},\"required\":[\"city\"]}},"
                              "\"address\":{\"type\":\"object\",\"description\":\"Home.\",\"properties\":{\"city\":{\"type\":\"string\","
                              "\"description\":\"Where.\"},"
                              "\"zip\":{\"type\":\"integer\",\"default\":12345}},\"required\":[\"city\"]},"
                              "\"password\":{\"type\":\"string\",\"format\":\"password\",\"writeOnly\":true},"
                              "\"any\":{}},\"required\":[\"moniker\",\"strategy\"]}",
                              -1, NULL);
    g_autofree char *text = json_write(json_root(made), NULL);
    g_test_message("%s", text);
    g_assert_true(json_equal(json_root(made), json_root(expected)));
}

static void misuse_default(void) {
    static const Param bad[] = {{"n", PARAM_INT, 0, .otherwise = "\"x\""}, {}};
    gint64 n = 0;
    params_read(bad, NULL, &n, NULL);
}

static void test_bad_default_aborts(void) {
    g_test_trap_subprocess("/base/params/bad-default/subprocess", 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*parameter n: bad default*");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/params/defaults", test_defaults);
    g_test_add_func("/base/params/values", test_values);
    g_test_add_func("/base/params/lenient-values", test_lenient_values);
    g_test_add_func("/base/params/names", test_names);
    g_test_add_func("/base/params/messages", test_messages);
    g_test_add_func("/base/params/unknown", test_unknown);
    g_test_add_func("/base/params/description", test_description);
    g_test_add_func("/base/params/bad-default", test_bad_default_aborts);
    g_test_add_func("/base/params/bad-default/subprocess", misuse_default);
    return g_test_run();
}
