/* Artifact accounts and what is read with them (artifacts.md 3, 4). */
#include "artifacts/fetch.h"
#include "base/error.h"
#include <string.h>

static Config *config_of(const char *yaml) {
    g_autoptr(GError) error = NULL;
    Config *config = config_load_text("clouddriver.yml", yaml, -1, &error);
    g_assert_no_error(error);
    return config;
}

static char *fetch(Config *config, const char *artifact, GError **error) {
    g_autofree char *strict = g_strdelimit(g_strdup(artifact), "'", '"');
    g_autoptr(Json) json = json_parse(strict, -1, NULL);
    const ArtifactSource source = {.config = config};
    return artifacts_fetch(&source, json_root(json), NULL, error);
}

static void expect_error(Config *config, const char *artifact, ErrorCode code, const char *text) {
    g_autoptr(GError) error = NULL;
    g_autofree char *contents = fetch(config, artifact, &error);
    g_assert_null(contents);
    g_test_message("%s", error->message);
    g_assert_cmpint(error_code(error), ==, code);
    g_assert_nonnull(strstr(error->message, text));
}

static void expect_wrong(const char *yaml, const char *text) {
    g_autoptr(Config) config = config_of(yaml);
    g_autoptr(GError) error = NULL;
    g_autoptr(ArtifactAccounts) accounts = artifact_accounts_new(config, &error);
    g_assert_null(accounts);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, text));
}

static void test_accounts(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_of("artifacts:\n  http:\n    enabled: true\n    accounts: [{name: a}]\n  github:\n    enabled: true\n"
                                         "    accounts: [{name: a, token: t}]\n  gitlab:\n    accounts: [{name: off, token: t}]\n");
    g_autoptr(ArtifactAccounts) accounts = artifact_accounts_new(config, &error);
    g_assert_no_error(error);
    g_assert_cmpint(artifact_accounts_find(accounts, "a", "http/file", NULL)->provider, ==, PROVIDER_HTTP);
    g_assert_cmpint(artifact_accounts_find(accounts, "a", "github/file", NULL)->provider, ==, PROVIDER_GITHUB);
    g_assert_nonnull(artifact_accounts_find(accounts, "no-auth-http-account", "http/file", NULL));
    g_assert_nonnull(artifact_accounts_find(accounts, "embedded-artifact", "embedded/anything", NULL));
    g_assert_null(artifact_accounts_find(accounts, "off", "gitlab/file", &error));
    g_assert_cmpstr(error->message, ==, "Credentials 'off' supporting artifact type 'gitlab/file' cannot be found");
    g_autoptr(Json) list = artifact_accounts_list(accounts);
    g_autofree char *text = json_write(json_root(list), NULL);
    g_assert_nonnull(strstr(text, "{\"name\":\"a\",\"types\":[\"github/file\"]}"));
    g_autoptr(Config) secured = config_of("artifacts: {http: {enabled: true, accounts: [{name: a, username: u, password: p}]}}\n");
    g_autoptr(ArtifactAccounts) others = artifact_accounts_new(secured, NULL);
    g_assert_null(artifact_accounts_find(others, "no-auth-http-account", "http/file", NULL));
    expect_wrong("artifacts: {http: {enabled: true, accounts: [{username: u}]}}\n", "artifacts.http.accounts[0]");
    expect_wrong("artifacts: {http: {enabled: true, accounts: [{name: a}, {name: a}]}}\n", "\"a\" is configured twice");
    expect_wrong("artifacts: {http: {enabled: true, accounts: yes}}\n", "expected");
    expect_wrong("artifacts: {http: {enabled: true, accounts: [{name: a, urlRestrictions: {rejectedIps: [x]}}]}}\n",
                 "urlRestrictions.rejectedIps");
}

static void test_without_calls(void) {
    g_autoptr(Config) config = config_of("");
    g_autoptr(GError) error = NULL;
    g_autofree char *text = fetch(config, "{'type':'embedded/base64','reference':'aGVsbG8='}", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(text, ==, "hello");
    expect_error(config, "{'type':'embedded/base64','reference':'!'}", ERR_INVALID, "no base64");
    expect_error(config, "{}", ERR_INVALID, "no type");
    expect_error(config, "{'type':'http/file','reference':'http://a.b/c'}", ERR_INVALID, "An artifact account must be supplied");
    expect_error(config, "{'type':'docker/image','artifactAccount':'docker-registry'}", ERR_INVALID, "Docker references");
    expect_error(config, "{'type':'kubernetes/secret','artifactAccount':'kubernetes'}", ERR_INVALID, "kubernetes directly");
    expect_error(config, "{'type':'custom/object','artifactAccount':'custom-artifact'}", ERR_INVALID, "never fetched");
    expect_error(config, "{'type':'remote/base64','reference':'ref://a/b','artifactAccount':'embedded-artifact'}", ERR_NOT_FOUND,
                 "no artifact store");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/artifacts/accounts", test_accounts);
    g_test_add_func("/artifacts/fetch/without-calls", test_without_calls);
    return g_test_run();
}
