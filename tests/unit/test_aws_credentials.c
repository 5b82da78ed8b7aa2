/* Where credentials come from, in which order, and how they are kept. */
#include "aws_fake.h"
#include "clouds/aws/credentials_metadata.h"
#include "clouds/aws/credentials_profile.h"
#include "clouds/aws/credentials_sts.h"
#include <glib/gstdio.h>
#include <unistd.h>

static const char *const VARIABLES[] = {"AWS_ACCESS_KEY_ID",
                                        "AWS_SECRET_ACCESS_KEY",
                                        "AWS_SESSION_TOKEN",
                                        "AWS_WEB_IDENTITY_TOKEN_FILE",
                                        "AWS_ROLE_ARN",
                                        "AWS_ROLE_SESSION_NAME",
                                        "AWS_PROFILE",
                                        "AWS_DEFAULT_PROFILE",
                                        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                                        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                                        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                                        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                                        "AWS_EC2_METADATA_DISABLED",
                                        "AWS_ENDPOINT_URL",
                                        "AWS_REGION"};

/* An empty machine: no variables, no files, no metadata. */
static void clear_machine(void) {
    for (guint i = 0; i < G_N_ELEMENTS(VARIABLES); i++)
        g_unsetenv(VARIABLES[i]);
    g_setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", TRUE);
    g_setenv("AWS_CONFIG_FILE", "/nonexistent/config", TRUE);
    g_setenv("AWS_EC2_METADATA_DISABLED", "true", TRUE);
}

static char *write_file(const char *text) {
    char *path = NULL;
    int fd = g_file_open_tmp("aws-test-XXXXXX", &path, NULL);
    g_assert_cmpint(fd, >=, 0);
    close(fd);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    return path;
}

/* What the chain finds; NULL with *error. */
static AwsCredentials *chain(const Fake *fake, GError **error) {
    g_autoptr(Json) override = json_from_string(fake->url);
    g_autoptr(AwsCredentialSource) source = aws_credentials_chain(fake->http, "us-east-1", override, NULL);
    return aws_credential_source_get(source, NULL, error);
}

static void check_key(AwsCredentials *found, const char *key, const char *token) {
    g_assert_nonnull(found);
    g_assert_cmpstr(found->access_key_id, ==, key);
    g_assert_cmpstr(found->session_token, ==, token);
    aws_credentials_unref(found);
}

static FakeAnswer hand_out(Fake *fake, guint number, const char *method, const char *path, const char *body) {
    (void)fake, (void)number;
    if (!strcmp(method, "PUT"))
        return strcmp(path, "/latest/api/token") ? fake_text(404, "") : fake_text(200, "metadata-token");
    if (g_str_has_suffix(path, "/security-credentials/"))
        return fake_text(200, "builder\n");
    if (g_str_has_suffix(path, "/security-credentials/builder"))
        return fake_text(200, "{\"Code\":\"Success\",\"AccessKeyId\":\"KEYMETA\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","
                              "\"Expiration\":\"2099-01-01T00:00:00Z\"}");
    if (!strcmp(path, "/container"))
        return fake_text(200, "{\"AccessKeyId\":\"KEYCONTAINER\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","
                              "\"Expiration\":\"2099-01-01T00:00:00Z\"}");
    if (strstr(body, "Action=AssumeRoleWithWebIdentity"))
        return fake_text(200, "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>KEYWEB"
                              "</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>"
                              "2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>"
                              "</AssumeRoleWithWebIdentityResponse>");
    if (strstr(body, "Action=AssumeRole"))
        return fake_text(200, "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>KEYROLE</AccessKeyId><SecretAccessKey>s"
                              "</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
                              "</Credentials></AssumeRoleResult></AssumeRoleResponse>");
    return fake_text(404, "");
}

/* ---- the chain's members ---- */

static void test_environment(void) {
    Fake fake;
    fake_start(&fake, hand_out);
    clear_machine();
    g_setenv("AWS_ACCESS_KEY_ID", "KEYENV", TRUE);
    g_setenv("AWS_SECRET_ACCESS_KEY", "s", TRUE);
    check_key(chain(&fake, NULL), "KEYENV", NULL);
    g_setenv("AWS_SESSION_TOKEN", "t", TRUE);
    check_key(chain(&fake, NULL), "KEYENV", "t");
    fake_stop(&fake);
}

static void test_nothing(void) {
    Fake fake;
    fake_start(&fake, hand_out);
    clear_machine();
    g_autoptr(GError) error = NULL;
    g_assert_null(chain(&fake, &error));
    g_assert_nonnull(strstr(error->message, "AWS_ACCESS_KEY_ID"));
    fake_stop(&fake);
}

static void test_web_identity(void) {
    Fake fake;
    fake_start(&fake, hand_out);
    clear_machine();
    g_autofree char *file = write_file("eyJ.token\n");
    g_setenv("AWS_WEB_IDENTITY_TOKEN_FILE", file, TRUE);
    g_setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/pod", TRUE);
    check_key(chain(&fake, NULL), "KEYWEB", "t");
    g_assert_nonnull(strstr(fake_seen(&fake, 0), "WebIdentityToken=eyJ.token"));
    g_assert_nonnull(strstr(fake_seen(&fake, 0), "RoleSessionName=Spinnaker"));
    g_assert_null(fake.authorizations->pdata[0]); /* it is its own proof */
    g_unlink(file);
    g_autoptr(GError) error = NULL;
    g_assert_null(chain(&fake, &error));
    g_assert_nonnull(strstr(error->message, file));
    fake_stop(&fake);
}

static void test_container(void) {
    Fake fake;
    fake_start(&fake, hand_out);
    clear_machine();
    g_autofree char *url = g_strconcat(fake.url, "/container", NULL);
    g_setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, TRUE);
    g_autofree char *file = write_file("Basic abc\n");
    g_setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file, TRUE);
    check_key(chain(&fake, NULL), "KEYCONTAINER", "t");
    g_assert_cmpstr(fake.authorizations->pdata[0], ==, "Basic abc");
    g_setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/x", TRUE);
    g_autoptr(GError) error = NULL;
    g_assert_null(chain(&fake, &error));
    g_assert_nonnull(strstr(error->message, "from this machine only"));
    g_unlink(file);
    fake_stop(&fake);
}

static void test_container_urls(void) {
    static const char *const good[] = {"https://example.com/x", "http://127.0.0.1/x", "http://169.254.170.23/x", "http://[::1]:80/x",
                                       "http://localhost/x"};
    static const char *const bad[] = {"http://example.com/x", "http://127.evil.example/x", "ftp://127.0.0.1/x", "nonsense",
                                      "http://10.0.0.1/"};
    for (guint i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(aws_container_url_is_allowed(good[i]));
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(aws_container_url_is_allowed(bad[i]));
}

static void test_metadata(void) {
    Fake fake;
    fake_start(&fake, hand_out);
    clear_machine();
    g_unsetenv("AWS_EC2_METADATA_DISABLED");
    g_setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", fake.url, TRUE);
    fake.want_header = "X-aws-ec2-metadata-token";
    check_key(chain(&fake, NULL), "KEYMETA", "t");
    g_assert_cmpuint(fake.seen->len, ==, 3);
    g_assert_true(g_str_has_prefix(fake_seen(&fake, 0), "PUT /latest/api/token"));
    g_assert_cmpstr(fake.authorizations->pdata[1], ==, "metadata-token");
    g_assert_cmpstr(fake.authorizations->pdata[2], ==, "metadata-token");
    fake_stop(&fake);
}

static void test_malformed_documents(void) {
    static const char *const bad[] = {"",
                                      "null",
                                      "{}",
                                      "{\"AccessKeyId\":1}",
                                      "[",
                                      "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\",\"Expiration\":\"soon\"}",
                                      "{\"Code\":\"Failed\",\"Message\":\"no role\"}"};
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(aws_credentials_parse(bad[i], strlen(bad[i]), &error));
        g_assert_nonnull(error);
    }
}

/* ---- profiles ---- */

static void test_profile_files(void) {
    static const char config[] =
        "# comment\n[default]\nregion = eu-west-1\n[profile deploy]\nrole_arn = arn:aws:iam::2:role/x\n"
        "source_profile=base\nexternal_id = e x\nduration_seconds = 1800\n  nested = ignored\n[sso-session y]\na=b\n";
    static const char credentials[] = "[default]\naws_access_key_id=D\naws_secret_access_key=s=with=equals\n\n[base]\n"
                                      "aws_access_key_id = B\naws_secret_access_key = s\naws_session_token = t\n";
    g_autoptr(AwsProfile) deploy = aws_profile_parse("deploy", credentials, config);
    g_assert_cmpstr(deploy->role_arn, ==, "arn:aws:iam::2:role/x");
    g_assert_cmpstr(deploy->source_profile, ==, "base");
    g_assert_cmpstr(deploy->external_id, ==, "e x");
    g_assert_cmpint(deploy->duration_s, ==, 1800);
    g_autoptr(AwsProfile) fallback = aws_profile_parse("default", credentials, config);
    g_assert_cmpstr(fallback->access_key_id, ==, "D");
    g_assert_cmpstr(fallback->secret_access_key, ==, "s=with=equals");
    g_assert_cmpstr(fallback->region, ==, "eu-west-1");
    g_assert_null(aws_profile_parse("absent", credentials, config));
    g_assert_null(aws_profile_parse("y", NULL, config));
    g_assert_null(aws_profile_parse("x", NULL, NULL));
}

/* Files for the whole process. */
static void set_profiles(char **credentials_file, char **config_file, const char *credentials, const char *config) {
    *credentials_file = write_file(credentials);
    *config_file = write_file(config);
    g_setenv("AWS_SHARED_CREDENTIALS_FILE", *credentials_file, TRUE);
    g_setenv("AWS_CONFIG_FILE", *config_file, TRUE);
}

static void test_profiles(void) {
    Fake fake;
    fake_start(&fake, hand_out);
    clear_machine();
    g_autofree char *credentials = NULL, *config = NULL;
    set_profiles(&credentials, &config, "[base]\naws_access_key_id = B\naws_secret_access_key = s\n",
                 "[profile role]\nrole_arn = arn:aws:iam::2:role/x\nsource_profile = base\nrole_session_name = me\nexternal_id = e\n"
                 "[profile loop]\nrole_arn = a\nsource_profile = loop\n[profile nowhere]\nrole_arn = a\nsource_profile = absent\n"
                 "[profile odd]\nrole_arn = a\ncredential_source = Moon\n[profile poor]\nregion = x\n");
    g_setenv("AWS_PROFILE", "base", TRUE);
    check_key(chain(&fake, NULL), "B", NULL);
    g_setenv("AWS_PROFILE", "role", TRUE);
    check_key(chain(&fake, NULL), "KEYROLE", "t");
    const char *asked = fake_seen(&fake, 0);
    g_assert_nonnull(strstr(asked, "RoleArn=arn%3Aaws%3Aiam%3A%3A2%3Arole%2Fx"));
    g_assert_nonnull(strstr(asked, "RoleSessionName=me"));
    g_assert_nonnull(strstr(asked, "ExternalId=e"));
    g_assert_nonnull(strstr(fake.authorizations->pdata[0], "Credential=B/"));
    static const char *const bad[][2] = {
        {"loop", "source profiles"}, {"nowhere", "absent"}, {"odd", "Moon"}, {"poor", "no aws_access_key_id"}, {"gone", "does not exist"}};
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_setenv("AWS_PROFILE", bad[i][0], TRUE);
        g_assert_null(chain(&fake, &error));
        if (!strstr(error->message, bad[i][1]))
            g_error("expected %s in: %s", bad[i][1], error->message);
    }
    g_unlink(credentials);
    g_unlink(config);
    fake_stop(&fake);
}

/* ---- roles ---- */

static void test_assume_role(void) {
    Fake fake;
    fake_start(&fake, hand_out);
    clear_machine();
    g_autoptr(AwsCredentialSource) base = aws_credentials_static("BASEKEY", "s");
    g_autoptr(Json) override = json_from_string(fake.url);
    AwsAssumeRole role = {"arn:aws:iam::111111111111:role/managed", "Spinnaker", "outside", 900, "us-west-2"};
    g_autoptr(AwsCredentialSource) source = aws_credentials_assume_role(fake.http, base, &role, override);
    for (guint i = 0; i < 3; i++)
        check_key(aws_credential_source_get(source, NULL, NULL), "KEYROLE", "t");
    g_assert_cmpuint(fake.seen->len, ==, 1); /* kept */
    const char *asked = fake_seen(&fake, 0);
    g_assert_nonnull(strstr(asked, "ExternalId=outside"));
    g_assert_nonnull(strstr(asked, "DurationSeconds=900"));
    g_assert_nonnull(strstr(fake.authorizations->pdata[0], "/us-west-2/sts/aws4_request"));
    fake_stop(&fake);
}

static void test_sts_regions(void) {
    g_assert_cmpstr(aws_sts_region("arn:aws:iam::1:role/x", "eu-west-1"), ==, "eu-west-1");
    g_assert_cmpstr(aws_sts_region("arn:aws-us-gov:iam::1:role/x", "eu-west-1"), ==, "us-gov-west-1");
    g_assert_cmpstr(aws_sts_region("arn:aws-cn:iam::1:role/x", NULL), ==, "cn-north-1");
    g_assert_cmpstr(aws_sts_region("arn:aws-cn:iam::1:role/x", "cn-northwest-1"), ==, "cn-northwest-1");
    g_assert_cmpstr(aws_sts_region("role/x", NULL), ==, "us-east-1");
}

/* ---- keeping ---- */

typedef struct {
    gint fetched, running, most;
    gint64 life_ms;
    gboolean fails;
} Counted;

static AwsCredentials *fetch_counted(gpointer data, Cancel *cancel, GError **error) {
    (void)cancel;
    Counted *counted = data;
    gint running = g_atomic_int_add(&counted->running, 1) + 1;
    counted->most = MAX(counted->most, running);
    g_usleep(50000);
    g_atomic_int_add(&counted->running, -1);
    gint number = g_atomic_int_add(&counted->fetched, 1);
    if (counted->fails) {
        error_set(error, ERR_UNAVAILABLE, "away");
        return NULL;
    }
    g_autofree char *key = g_strdup_printf("K%d", number);
    return aws_credentials_new(key, "s", "t", clock_now_ms() + counted->life_ms);
}

static gpointer get_in_thread(gpointer source) {
    AwsCredentials *found = aws_credential_source_get(source, NULL, NULL);
    g_assert_nonnull(found);
    aws_credentials_unref(found);
    return NULL;
}

static void test_single_flight(void) {
    Counted counted = {.life_ms = 3600000};
    g_autoptr(AwsCredentialSource) source = aws_credential_source_new("counted", fetch_counted, &counted, NULL);
    GThread *threads[16];
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("get", get_in_thread, source);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    g_assert_cmpint(counted.fetched, ==, 1);
    g_assert_cmpint(counted.most, ==, 1);
}

static void test_refreshed_before_the_end(void) {
    Counted counted = {.life_ms = 600};
    g_autoptr(AwsCredentialSource) source = aws_credential_source_new("counted", fetch_counted, &counted, NULL);
    check_key(aws_credential_source_get(source, NULL, NULL), "K0", "t");
    check_key(aws_credential_source_get(source, NULL, NULL), "K0", "t");
    g_usleep(450000); /* in the last third of their life */
    check_key(aws_credential_source_get(source, NULL, NULL), "K1", "t");
    counted.fails = TRUE;
    g_usleep(450000);
    check_key(aws_credential_source_get(source, NULL, NULL), "K1", "t"); /* the old ones still are valid */
    g_usleep(300000);
    g_autoptr(GError) error = NULL;
    g_assert_null(aws_credential_source_get(source, NULL, &error));
    g_assert_cmpstr(error->message, ==, "counted: away");
}

static void test_expired_by_word(void) {
    Counted counted = {.life_ms = 3600000};
    g_autoptr(AwsCredentialSource) source = aws_credential_source_new("counted", fetch_counted, &counted, NULL);
    AwsCredentials *first = aws_credential_source_get(source, NULL, NULL);
    aws_credential_source_expired(source, first);
    check_key(aws_credential_source_get(source, NULL, NULL), "K1", "t");
    aws_credential_source_expired(source, first); /* long replaced: nothing happens */
    check_key(aws_credential_source_get(source, NULL, NULL), "K1", "t");
    aws_credentials_unref(first);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    clear_machine();
    g_test_add_func("/aws/credentials/environment", test_environment);
    g_test_add_func("/aws/credentials/nothing", test_nothing);
    g_test_add_func("/aws/credentials/web-identity", test_web_identity);
    g_test_add_func("/aws/credentials/container", test_container);
    g_test_add_func("/aws/credentials/container-urls", test_container_urls);
    g_test_add_func("/aws/credentials/metadata", test_metadata);
    g_test_add_func("/aws/credentials/malformed-documents", test_malformed_documents);
    g_test_add_func("/aws/credentials/profile-files", test_profile_files);
    g_test_add_func("/aws/credentials/profiles", test_profiles);
    g_test_add_func("/aws/credentials/assume-role", test_assume_role);
    g_test_add_func("/aws/credentials/sts-regions", test_sts_regions);
    g_test_add_func("/aws/credentials/single-flight", test_single_flight);
    g_test_add_func("/aws/credentials/refreshed-before-the-end", test_refreshed_before_the_end);
    g_test_add_func("/aws/credentials/expired-by-word", test_expired_by_word);
    return g_test_run();
}
