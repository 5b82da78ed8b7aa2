/* Outgoing URLs of users (stages.md 3.3): which are refused, by name, by address, after a redirect; and that nothing is sent to them. */
#include "net/url_guard.h"
#include "net_rig.h"
#include <dlfcn.h>
#include <netdb.h>

static UrlGuard *guard_of(const char *yaml) {
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strconcat("user-configured-url-restrictions:\n  allowedSchemes: [http, https]\n", yaml, NULL);
    g_autoptr(Config) config = config_load_text("orca.yml", text, -1, &error);
    g_assert_no_error(error);
    UrlGuard *guard = url_guard_new(config, &error);
    g_assert_no_error(error);
    return guard;
}

static void expect(const UrlGuard *guard, const char *url, const char *rule) {
    g_autoptr(GError) error = NULL;
    gboolean fine = url_guard_check(guard, url, &error);
    g_test_message("%.80s: %s", url, error != NULL ? error->message : "allowed");
    g_assert_cmpint(fine, ==, rule == NULL);
    if (rule != NULL)
        g_assert_nonnull(strstr(error->message, rule));
}

static void test_names(void) {
    static const char *const CASES[][2] = {
        {"https://hooks.example.com/a?b", NULL},
        {"http://example.com:8080", NULL},
        {"ftp://example.com/", "malformed"},
        {"http://user:secret@example.com/", "user information"},
        {"http://example.com@127.0.0.1/", "user information"},
        {"http://localhost/", "rejectLocalhost"},
        {"http://a.localhost/", "rejectLocalhost"},
        {"http://LOCALHOST./", "rejectLocalhost"},
        {"http://gate/", "allowedHostnamesRegex"},
        {"http://gate.spinnaker/", "excludedDomains"},
        {"http://printer.local", "excludedDomains"},
        {"http://metadata.google.internal/computeMetadata/v1/", "excludedDomains"},
        {"http://METADATA.GOOGLE.INTERNAL./", "excludedDomains"},
        {"http://notinternal.com/", NULL},
        {"http://127.0.0.1/", "rejectLocalhost"},
        {"http://127.1/", "rejectLocalhost"},
        {"http://2130706433/", "rejectLocalhost"},
        {"http://0177.0.0.1/", "rejectLocalhost"},
        {"http://0x7f000001/", "rejectLocalhost"},
        {"http://0.0.0.0/", "rejectLocalhost"},
        {"http://[::1]/", "rejectLocalhost"},
        {"http://[::]/", "rejectLocalhost"},
        {"http://[::ffff:127.0.0.1]/", "rejectLocalhost"},
        {"http://[::127.0.0.1]/", "rejectLocalhost"},
        {"http://[64:ff9b::7f00:1]/", "rejectLocalhost"},
        {"http://[2002:7f00:1::]/", "rejectLocalhost"},
        {"http://169.254.169.254/latest/meta-data/", "rejectLinkLocal"},
        {"http://2852039166/", "rejectLinkLocal"},
        {"http://[fd00:ec2::254]/", "rejectLinkLocal"},
        {"http://[fe80::1]/", "rejectLinkLocal"},
        {"http://[::ffff:169.254.169.254]/", "rejectLinkLocal"},
        {"http://8.8.8.8/", "rejectVerbatimIps"},
        {"http://[2001:db8::1]/", "rejectVerbatimIps"},
        {"", "malformed"},
    };
    g_autoptr(UrlGuard) guard = guard_of("");
    for (gsize i = 0; i < G_N_ELEMENTS(CASES); i++)
        expect(guard, CASES[i][0], CASES[i][1]);
    g_autofree char *name = g_strnfill(URL_LENGTH_MAX, 'a');
    g_autofree char *longer = g_strconcat("http://example.com/", name, NULL);
    expect(guard, longer, "too long");
}

static void test_settings(void) {
    g_autoptr(UrlGuard) guard = guard_of("  rejectVerbatimIps: false\n  rejectedIps: [10.0.0.0/8, 'fc00::/7', 192.0.2.7]\n");
    expect(guard, "http://8.8.8.8/", NULL);
    expect(guard, "http://10.1.2.3/", "rejectedIps");
    expect(guard, "http://11.1.2.3/", NULL);
    expect(guard, "http://[fc00::1]/", "rejectedIps");
    expect(guard, "http://192.0.2.7/", "rejectedIps");
    expect(guard, "http://192.0.2.8/", NULL);
    expect(guard, "http://127.0.0.1/", "rejectLocalhost");
    g_autoptr(UrlGuard) open = guard_of("  rejectLocalhost: false\n  rejectVerbatimIps: false\n");
    expect(open, "http://127.0.0.1:1/", NULL);
    expect(open, "http://localhost:1/", NULL);
    expect(open, "http://169.254.169.254/", "rejectLinkLocal");
    g_autoptr(Config) bad = config_load_text("orca.yml", "user-configured-url-restrictions:\n  rejectedIps: [10.0.0.0/33]\n", -1, NULL);
    g_autoptr(GError) error = NULL;
    g_assert_null(url_guard_new(bad, &error));
    g_assert_cmpint(error_code(error), ==, ERR_INVALID);
}

/* ---- calls ---- */
static GError *guarded(const UrlGuard *guard, HttpRequest request, HttpResponse *response) {
    GError *error = NULL;
    HttpClient *client = http_client_new(NULL);
    gboolean fine = url_guard_call(guard, client, &request, TRUE, NULL, response, &error);
    g_assert_cmpint(fine, ==, error == NULL);
    http_client_free(client);
    return error;
}

static gint connections;

/* A name service in which names lead inward: this takes the place of the C library's, also for libcurl. */
static guint looked_up;
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **list) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&real, &symbol, sizeof real);
    gboolean inward = g_strcmp0(name, "inward.example.com") == 0;
    gboolean metadata = g_strcmp0(name, "metadata.example.com") == 0;
    if (inward || metadata)
        g_atomic_int_inc(&looked_up);
    return real(inward ? "127.0.0.1" : metadata ? "169.254.169.254" : name, service, hints, list);
}

static void serve_nothing(int fd, guint number) {
    (void)fd, (void)number;
    g_atomic_int_inc(&connections);
}

static void check_name_inward(const UrlGuard *guard, const char *name, guint16 port, const char *rule) {
    g_autofree char *url = g_strdup_printf("http://%s:%u/", name, port);
    HttpResponse response = {0};
    expect(guard, url, NULL);
    g_autoptr(GError) error = guarded(guard, (HttpRequest){.method = "GET", .url = url, .timeout_ms = 5000}, &response);
    g_test_message("%s", error->message);
    g_assert_cmpint(error_code(error), ==, ERR_FORBIDDEN);
    g_assert_nonnull(strstr(error->message, rule));
}

/* The name is harmless; where it leads is not: the connection is refused before it is opened. */
static void test_names_inward(void) {
    g_autoptr(UrlGuard) guard = guard_of("");
    RawPeer peer = {0};
    raw_peer_start(&peer, serve_nothing);
    g_atomic_int_set(&connections, 0);
    check_name_inward(guard, "inward.example.com", peer.port, "rejectLocalhost");
    check_name_inward(guard, "metadata.example.com", 80, "rejectLinkLocal");
    g_assert_cmpint(connections, ==, 0);
    g_assert_cmpint(g_atomic_int_get(&looked_up), >=, 2);
    raw_peer_end(&peer);
}
static const char *redirect_to;

static void serve_redirect(int fd, guint number) {
    g_atomic_int_inc(&connections);
    (void)number;
    g_autofree char *answer = g_strdup_printf("HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                                              redirect_to);
    raw_read_request(fd);
    raw_write(fd, answer);
}

/* A name that resolves to this machine passes the rules of names, and is refused at its address: nobody is connected to. */
static void test_address(void) {
    g_autoptr(UrlGuard) guard = guard_of("  allowedHostnamesRegex: .*\n  excludedDomains: [none]\n");
    g_assert_nonnull(url_guard_address(guard, "127.0.0.1"));
    g_assert_nonnull(url_guard_address(guard, "::ffff:127.0.0.1"));
    g_assert_nonnull(url_guard_address(guard, "fe80::1%eth0"));
    g_assert_nonnull(url_guard_address(guard, "nonsense"));
    g_assert_null(url_guard_address(guard, "93.184.216.34"));
    HttpResponse response = {0};
    g_autofree char *url = g_strdup_printf("http://%s:9/", g_get_host_name());
    GError *error = guarded(guard, (HttpRequest){.method = "GET", .url = url, .timeout_ms = 3000}, &response);
    g_test_message("%s", error->message);
    g_assert_true(error_code(error) == ERR_FORBIDDEN || error_code(error) == ERR_UNAVAILABLE); /* not every machine knows its own name */
    g_error_free(error);
}

static void check_redirect(const char *to, ErrorCode code, const char *text) {
    g_autoptr(UrlGuard) guard = guard_of("  rejectLocalhost: false\n  rejectVerbatimIps: false\n");
    RawPeer peer = {0};
    redirect_to = to;
    raw_peer_start(&peer, serve_redirect);
    g_autofree char *url = raw_peer_url(&peer);
    HttpResponse response = {0};
    GError *error = guarded(guard, (HttpRequest){.method = "POST", .url = url, .body = "x", .body_length = 1, .timeout_ms = 5000},
                            &response);
    g_test_message("%s", error->message);
    g_assert_cmpint(error_code(error), ==, (int)code);
    g_assert_nonnull(strstr(error->message, text));
    g_error_free(error);
    raw_peer_end(&peer);
}

static void test_redirects(void) {
    check_redirect("http://169.254.169.254/latest/", ERR_FORBIDDEN, "rejectLinkLocal");
    check_redirect("http://0xa9fea9fe/latest/", ERR_FORBIDDEN, "rejectLinkLocal");
    check_redirect("file:///etc/passwd", ERR_INVALID, "neither http nor https");
    check_redirect("http://metadata.google.internal/", ERR_FORBIDDEN, "excludedDomains");
    g_atomic_int_set(&connections, 0);
    check_redirect("/again", ERR_REMOTE, "HTTP_REDIRECTS_MAX");
    g_assert_cmpint(connections, ==, HTTP_REDIRECTS_MAX + 1);
}

/* The same rules as an account's own, with two that only accounts usually have. */
static void test_own_rules(void) {
    g_autoptr(Config) config = config_load_text("orca.yml", "", -1, NULL);
    g_autoptr(Json)
        rules = json_parse("{\"allowedDomains\": [\"example.com\"], \"extraExcludedPatterns\": [\"bad.*\"], \"rejectVerbatimIps\": "
                           "false}",
                           -1, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(UrlGuard) guard = url_guard_new_for(config, json_root(rules), "urlRestrictions of account a", &error);
    g_assert_no_error(error);
    expect(guard, "https://api.example.com/", NULL);
    expect(guard, "https://example.org/", "allowedDomains");
    expect(guard, "https://notexample.com/", "see urlRestrictions of account a");
    expect(guard, "http://8.8.8.8/", "allowedDomains");
    expect(guard, "https://bad.example.com/", "extraExcludedPatterns");
    g_autoptr(Json) wrong = json_parse("{\"extraExcludedPatterns\": [\"(\"]}", -1, NULL);
    g_assert_null(url_guard_new_for(config, json_root(wrong), "here", &error));
    g_assert_nonnull(strstr(error->message, "here.extraExcludedPatterns"));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/net/url_guard/names", test_names);
    g_test_add_func("/net/url_guard/settings", test_settings);
    g_test_add_func("/net/url_guard/address", test_address);
    g_test_add_func("/net/url_guard/names-inward", test_names_inward);
    g_test_add_func("/net/url_guard/own-rules", test_own_rules);
    g_test_add_func("/net/url_guard/redirects", test_redirects);
    return g_test_run();
}
