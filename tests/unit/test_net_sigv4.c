/* Request signing against the signatures of AWS's published Signature Version 4 test suite (the cases are named as there), and
 * rules of S3 that the suite does not cover. */
#include "net/sigv4.h"
#include <string.h>

#define SUITE_TIME_MS G_GINT64_CONSTANT(1440938160000) /* 20150830T123600Z */
#define UNRESERVED "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define SUITE_TOKEN                                                                                                                        \
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/"            \
    "qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+"                     \
    "xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

typedef struct {
    const char *name, *method, *target;
    const char *headers[9];
    const char *body, *token, *signature;
} Case;

static const Case cases[] = {
    {"get-vanilla", "GET", "/", {NULL}, "", NULL, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla without a path", "GET", "", {NULL}, "", NULL, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-with-session-token",
     "GET",
     "/",
     {NULL},
     "",
     "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267",
     "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"},
    {"get-header-key-duplicate",
     "GET",
     "/",
     {"My-Header1", "value2", "My-Header1", "value2", "My-Header1", "value1", NULL},
     "",
     NULL,
     "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {"get-header-value-multiline",
     "GET",
     "/",
     {"My-Header1", "value1\n  value2\n     value3", NULL},
     "",
     NULL,
     "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd"},
    {"get-header-value-order",
     "GET",
     "/",
     {"My-Header1", "value4", "My-Header1", "value1", "My-Header1", "value3", "My-Header1", "value2", NULL},
     "",
     NULL,
     "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
    {"get-header-value-trim",
     "GET",
     "/",
     {"My-Header1", " value1", "My-Header2", " \"a   b   c\"", NULL},
     "",
     NULL,
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"get-relative", "GET", "/example/..", {NULL}, "", NULL, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-relative-relative",
     "GET",
     "/example1/example2/../..",
     {NULL},
     "",
     NULL,
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slash", "GET", "//", {NULL}, "", NULL, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slash-dot-slash", "GET", "/./", {NULL}, "", NULL, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slash-pointless-dot", "GET", "/./example", {NULL}, "", NULL, "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
    {"get-slashes", "GET", "//example//", {NULL}, "", NULL, "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
    {"get-space", "GET", "/example space/", {NULL}, "", NULL, "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
    {"get-unreserved", "GET", "/" UNRESERVED, {NULL}, "", NULL, "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-utf8", "GET", "/\xe1\x88\xb4", {NULL}, "", NULL, "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-vanilla-empty-query-key",
     "GET",
     "/?Param1=value1",
     {NULL},
     "",
     NULL,
     "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {"get-vanilla-query-order-encoded",
     "GET",
     "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
     {NULL},
     "",
     NULL,
     "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
    {"get-vanilla-query-order-key-case",
     "GET",
     "/?Param2=value2&Param1=value1",
     {NULL},
     "",
     NULL,
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-query-unreserved",
     "GET",
     "/?" UNRESERVED "=" UNRESERVED,
     {NULL},
     "",
     NULL,
     "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
    {"get-vanilla-utf8-query",
     "GET",
     "/?\xe1\x88\xb4=bar",
     {NULL},
     "",
     NULL,
     "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    {"post-vanilla", "POST", "/", {NULL}, "", NULL, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-header-key-sort",
     "POST",
     "/",
     {"My-Header1", "value1", NULL},
     "",
     NULL,
     "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
    {"post-header-value-case",
     "POST",
     "/",
     {"My-Header1", "VALUE1", NULL},
     "",
     NULL,
     "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
    {"post-sts-header-before", "POST", "/", {NULL}, "", SUITE_TOKEN, "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
    {"post-vanilla-query", "POST", "/?Param1=value1", {NULL}, "", NULL, "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
    {"post-x-www-form-urlencoded",
     "POST",
     "/",
     {"Content-Type", "application/x-www-form-urlencoded", "Content-Length", "13", "x-amz-content-sha256",
      "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e", NULL},
     "Param1=value1",
     NULL,
     "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"},
    {"post-x-www-form-urlencoded-parameters",
     "POST",
     "/",
     {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8", "Content-Length", "13", "x-amz-content-sha256",
      "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e", NULL},
     "Param1=value1",
     NULL,
     "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422"},
};

static char **sign(const char *service, const char *method, const char *url, const char *const *headers, const char *body,
                   const char *token, GError **error) {
    const SigV4Credentials credentials = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token};
    const SigV4Request request = {.service = service,
                                  .region = "us-east-1",
                                  .method = method,
                                  .url = url,
                                  .headers = headers,
                                  .body = body,
                                  .body_length = strlen(body),
                                  .now_ms = SUITE_TIME_MS};
    return sigv4_sign(&credentials, &request, error);
}

static const char *find(char **headers, const char *name) {
    for (; headers && *headers; headers += 2)
        if (strcmp(headers[0], name) == 0)
            return headers[1];
    return NULL;
}

static void check_signature(char **headers, const char *expected) {
    const char *authorization = find(headers, "Authorization");
    g_assert_nonnull(authorization);
    g_assert_cmpstr(strstr(authorization, "Signature=") + strlen("Signature="), ==, expected);
}

static void test_suite(gconstpointer data) {
    const Case *test = data;
    g_autofree char *url = g_strconcat("https://example.amazonaws.com", test->target, NULL);
    g_auto(GStrv) headers = sign("service", test->method, url, test->headers, test->body, test->token, NULL);
    check_signature(headers, test->signature);
    g_assert_cmpstr(find(headers, "X-Amz-Date"), ==, "20150830T123600Z");
    g_assert_cmpstr(find(headers, "X-Amz-Security-Token"), ==, test->token);
}

static void test_form(void) {
    g_auto(GStrv) headers = sign("service", "GET", "https://example.amazonaws.com/", NULL, "", NULL, NULL);
    g_assert_cmpstr(find(headers, "Authorization"), ==,
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                    "SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

/* The port is part of Host unless it is the scheme's; a Host header of the caller's wins. */
static void test_host(void) {
    static const char *const own[] = {"Host", "example.amazonaws.com", NULL};
    const char *expected = cases[0].signature;
    g_auto(GStrv) plain = sign("service", "GET", "https://example.amazonaws.com:443/#part", NULL, "", NULL, NULL);
    g_auto(GStrv) other = sign("service", "GET", "https://127.0.0.1:5000/", own, "", NULL, NULL);
    g_auto(GStrv) different = sign("service", "GET", "https://example.amazonaws.com:444/", NULL, "", NULL, NULL);
    check_signature(plain, expected);
    check_signature(other, expected);
    g_assert_null(strstr(find(different, "Authorization"), expected));
}

/* What is encoded is encoded again, except for S3, where the path stays as it is and the body's hash becomes a header. */
static void test_paths(void) {
    g_auto(GStrv) once = sign("service", "GET", "https://h/a%20b", NULL, "", NULL, NULL);
    g_auto(GStrv) raw = sign("service", "GET", "https://h/a b", NULL, "", NULL, NULL);
    g_assert_cmpstr(find(once, "Authorization"), !=, find(raw, "Authorization"));
    g_auto(GStrv) s3_once = sign("s3", "GET", "https://h/a%20b", NULL, "", NULL, NULL);
    g_auto(GStrv) s3_raw = sign("s3", "GET", "https://h/a b", NULL, "", NULL, NULL);
    g_auto(GStrv) s3_dots = sign("s3", "GET", "https://h/x/../a%20b", NULL, "", NULL, NULL);
    g_assert_cmpstr(find(s3_once, "Authorization"), ==, find(s3_raw, "Authorization"));
    g_assert_cmpstr(find(s3_once, "Authorization"), !=, find(s3_dots, "Authorization"));
    g_assert_cmpstr(find(s3_once, "X-Amz-Content-Sha256"), ==, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    g_assert_null(find(once, "X-Amz-Content-Sha256"));
}

static void test_refused(void) {
    static const char *const urls[] = {"ftp://h/", "https://", "https:///x", "https://user:word@h/", "h/x", ""};
    for (gsize i = 0; i < G_N_ELEMENTS(urls); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(sign("service", "GET", urls[i], NULL, "", NULL, &error));
        g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
    }
    const SigV4Credentials empty = {"", NULL, NULL};
    const SigV4Request request = {.service = "s", .region = "r", .method = "GET", .url = "https://h/", .now_ms = SUITE_TIME_MS};
    g_autoptr(GError) error = NULL;
    g_assert_null(sigv4_sign(&empty, &request, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/net/sigv4/suite/", cases[i].name, NULL);
        g_test_add_data_func(path, &cases[i], test_suite);
    }
    g_test_add_func("/net/sigv4/form", test_form);
    g_test_add_func("/net/sigv4/host", test_host);
    g_test_add_func("/net/sigv4/paths", test_paths);
    g_test_add_func("/net/sigv4/refused", test_refused);
    return g_test_run();
}
