/* A browser is not the local user: which hosts and origins are accepted. */
#include "api/browser.h"
#include <glib/gstdio.h>

/* Rules of a configuration given as YAML; NULL when it is refused. */
static BrowserRules *rules_of(const char *yaml, const char *address) {
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("gennaker-browser-XXXXXX", &error);
    g_assert_no_error(error);
    g_autofree char *file = g_build_filename(folder, "gennaker.yml", NULL);
    g_file_set_contents(file, yaml, -1, &error);
    g_assert_no_error(error);
    g_autoptr(Config) config = config_load(folder, &error);
    g_assert_no_error(error);
    BrowserRules *rules = browser_rules_new(config, address, &error);
    g_assert_true((rules == NULL) == (error != NULL));
    g_unlink(file);
    g_rmdir(folder);
    return rules;
}

static void test_hosts(void) {
    g_autoptr(BrowserRules) rules = rules_of("gennaker:\n  api:\n    hosts: [Build.Example.com]\n", "10.1.2.3");
    static const char *const ACCEPTED[] = {"localhost", "localhost:8084", "127.0.0.1:8084",    "[::1]:8084",           "LOCALHOST",
                                           "127.9.9.9", "10.1.2.3:80",    "build.example.com", "BUILD.example.com:443"};
    static const char *const REFUSED[] = {"example.com", "localhost.example.com", "10.1.2.4", "", "localhost:x", "a b", "[::2]:8084"};
    for (gsize i = 0; i < G_N_ELEMENTS(ACCEPTED); i++)
        g_assert_true(browser_host_accepted(rules, ACCEPTED[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(REFUSED); i++)
        g_assert_false(browser_host_accepted(rules, REFUSED[i]));
    g_assert_false(browser_host_accepted(rules, NULL));
    g_autoptr(BrowserRules) any = rules_of("{}", "0.0.0.0");
    g_assert_true(browser_host_accepted(any, "10.1.2.3:8084"));
    g_assert_true(browser_host_accepted(any, "[fe80::1]:8084"));
    g_assert_false(browser_host_accepted(any, "build.example.com:8084"));
}

static void test_origins_without_configuration(void) {
    g_autoptr(BrowserRules) rules = rules_of("{}\n", "127.0.0.1");
    g_assert_true(browser_origin_accepted(rules, "http://localhost:8084", "localhost:8084"));
    g_assert_true(browser_origin_accepted(rules, "https://localhost", "localhost"));
    g_assert_true(browser_origin_accepted(rules, "http://localhost:9000", "localhost:8084"));
    static const char *const REFUSED[] = {"http://localhost:8085",
                                          "http://127.0.0.1:8084",
                                          "http://evil.example",
                                          "null",
                                          "",
                                          "file://",
                                          "http://localhost:9000.evil.example"};
    for (gsize i = 0; i < G_N_ELEMENTS(REFUSED); i++)
        g_assert_false(browser_origin_accepted(rules, REFUSED[i], "localhost:8084"));
}

static void test_configured_origins(void) {
    g_autoptr(BrowserRules) rules = rules_of("gate:\n  cors:\n    allowedOriginsPattern: 'https?://(.*\\.)?corp\\.example(:\\d+)?'\n"
                                             "  services:\n    deck:\n      baseUrl: https://deck.example.com/ui\n"
                                             "      redirectHostPattern: 'ui-\\d+\\.example\\.com'\n",
                                             "127.0.0.1");
    g_assert_true(browser_origin_accepted(rules, "https://deck.example.com", "localhost"));
    g_assert_true(browser_origin_accepted(rules, "http://a.corp.example:81", "localhost"));
    g_assert_true(browser_origin_accepted(rules, "http://ui-7.example.com", "localhost"));
    g_assert_false(browser_origin_accepted(rules, "http://deck.example.com", "localhost"));
    g_assert_false(browser_origin_accepted(rules, "http://a.corp.example.evil", "localhost"));
    g_assert_false(browser_origin_accepted(rules, "http://xui-7.example.com", "localhost"));
    g_assert_false(browser_origin_accepted(rules, "http://localhost:9000", "localhost:8084"));
    g_assert_true(browser_url_accepted(rules, "https://deck.example.com/#/applications?x=1", "localhost"));
    g_assert_true(browser_url_accepted(rules, "http://ui-7.example.com/x", "localhost"));
    g_assert_false(browser_url_accepted(rules, "http://a.corp.example/", "localhost"));
    g_assert_false(browser_url_accepted(rules, "//evil.example", "localhost"));
    g_assert_false(browser_url_accepted(rules, "javascript:alert(1)", "localhost"));
}

static void test_bad_settings(void) {
    g_assert_null(rules_of("gate:\n  cors:\n    allowedOriginsPattern: '('\n", "127.0.0.1"));
    g_assert_null(rules_of("gate:\n  services:\n    deck:\n      baseUrl: nonsense\n", "127.0.0.1"));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/api/browser/hosts", test_hosts);
    g_test_add_func("/api/browser/origins-without-configuration", test_origins_without_configuration);
    g_test_add_func("/api/browser/configured-origins", test_configured_origins);
    g_test_add_func("/api/browser/bad-settings", test_bad_settings);
    return g_test_run();
}
