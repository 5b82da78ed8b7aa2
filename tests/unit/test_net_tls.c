/* TLS on both sides: a certificate made on the spot, known, unknown, and ignored. */
#include "net_rig.h"
#include <glib/gstdio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

static char *take_pem(BIO *bio) {
    char *text;
    long length = BIO_get_mem_data(bio, &text);
    char *copy = g_strndup(text, (gsize)length);
    BIO_free(bio);
    return copy;
}

/* A certificate for 127.0.0.1, signed by itself. */
static void make_certificate(char **certificate_pem, char **key_pem) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (const guint8 *)"gennaker test", -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    g_assert_cmpint(X509_sign(certificate, key, EVP_sha256()), >, 0);
    BIO *out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, certificate);
    *certificate_pem = take_pem(out);
    out = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    *key_pem = take_pem(out);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static GAsyncQueue *streams;

static void handle(HttpExchange *exchange, gpointer data) {
    (void)data;
    if (g_str_equal(http_exchange_path(exchange), "/events"))
        g_async_queue_push(streams, http_exchange_stream(exchange, NULL));
    else
        http_exchange_answer(exchange, 200, "text/plain", g_strnfill(1000000, 'x'), 1000000, NULL);
}

static void check_call(const Rig *rig, const HttpRequest *request, ErrorCode code) {
    g_autoptr(GError) error = NULL;
    g_auto(HttpResponse) response = {0};
    if (http_call(rig->client, request, NULL, &response, &error))
        g_assert_cmpuint(response.body_length, ==, 1000000);
    if (code)
        g_assert_error(error, GENNAKER_ERROR, (int)code);
    else
        g_assert_no_error(error);
}

static void test_certificates(void) {
    g_autofree char *certificate = NULL, *key = NULL, *folder = g_dir_make_tmp("gennaker-tls-XXXXXX", NULL);
    make_certificate(&certificate, &key);
    g_autofree char *ca_file = g_build_filename(folder, "ca.pem", NULL), *no_file = g_build_filename(folder, "none.pem", NULL);
    g_assert_true(g_file_set_contents(ca_file, certificate, -1, NULL));
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle, .tls_certificate = certificate, .tls_key = key});
    g_autofree char *url = g_strdup_printf("https://127.0.0.1:%u/", http_server_port(rig.server));
    g_autofree char *name_url = g_strdup_printf("https://localhost:%u/", http_server_port(rig.server));
    g_autofree char *plain_url = rig_url(&rig, "/");
    const HttpRequest known = {.method = "POST", .url = url, .ca_file = ca_file}, unknown = {.method = "POST", .url = url},
                      ignored = {.method = "POST", .url = url, .insecure = TRUE},
                      other_name = {.method = "POST", .url = name_url, .ca_file = ca_file}, plain = {.method = "POST", .url = plain_url},
                      missing = {.method = "POST", .url = url, .ca_file = no_file};
    check_call(&rig, &known, 0);
    check_call(&rig, &unknown, ERR_UNAVAILABLE); /* although a connection that trusts it is open */
    check_call(&rig, &ignored, 0);
    check_call(&rig, &other_name, ERR_UNAVAILABLE);
    check_call(&rig, &plain, ERR_TIMEOUT);
    check_call(&rig, &missing, ERR_INVALID);
    rig_end(&rig);
    g_unlink(ca_file);
    g_rmdir(folder);
}

static void write_pkcs12(const char *path, const char *certificate_pem, const char *key_pem, const char *password) {
    BIO *in = BIO_new_mem_buf(certificate_pem, -1), *key_in = BIO_new_mem_buf(key_pem, -1), *out = BIO_new_file(path, "w");
    X509 *certificate = PEM_read_bio_X509(in, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_in, NULL, NULL, NULL);
    PKCS12 *store = PKCS12_create(password, "test", key, certificate, NULL, 0, 0, 0, 0, 0);
    g_assert_cmpint(i2d_PKCS12_bio(out, store), ==, 1);
    PKCS12_free(store);
    X509_free(certificate);
    EVP_PKEY_free(key);
    BIO_free(in), BIO_free(key_in), BIO_free(out);
}

static void check_unusable(const HttpTlsOptions *options, const char *words, ErrorCode code) {
    g_autoptr(GError) error = NULL;
    g_assert_null(http_tls_new(options, &error));
    g_test_message("%s", error->message);
    g_assert_cmpint(error_code(error), ==, (int)code);
    g_assert_nonnull(strstr(error->message, words));
}

static HttpTls *tls_of(HttpTlsOptions options) {
    g_autoptr(GError) error = NULL;
    HttpTls *tls = http_tls_new(&options, &error);
    g_assert_no_error(error);
    return tls;
}

/* Trusted files in both formats, self-signed certificates, other names; nothing of it stays for the next call. */
static void test_own_trust(void) {
    g_autofree char *certificate = NULL, *key = NULL, *folder = g_dir_make_tmp("gennaker-tls-XXXXXX", NULL);
    make_certificate(&certificate, &key);
    g_autofree char *pem = g_build_filename(folder, "a.pem", NULL), *both = g_build_filename(folder, "b.pem", NULL);
    g_autofree char *p12 = g_build_filename(folder, "c.p12", NULL), *whole = g_strconcat(certificate, key, NULL);
    g_assert_true(g_file_set_contents(pem, certificate, -1, NULL) && g_file_set_contents(both, whole, -1, NULL));
    write_pkcs12(p12, certificate, key, "secret");
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle, .tls_certificate = certificate, .tls_key = key});
    g_autofree char *url = g_strdup_printf("https://127.0.0.1:%u/", http_server_port(rig.server));
    g_autofree char *name_url = g_strdup_printf("https://localhost:%u/", http_server_port(rig.server));
    g_autoptr(HttpTls) by_pem = tls_of((HttpTlsOptions){.trust_file = pem, .identity_file = both});
    g_autoptr(HttpTls) by_p12 = tls_of((HttpTlsOptions){.trust_file = p12, .trust_password = "secret"});
    g_autoptr(HttpTls) self_signed = tls_of((HttpTlsOptions){.trust_self_signed = TRUE});
    g_autoptr(HttpTls) any_name = tls_of((HttpTlsOptions){.trust_file = pem, .any_host_name = TRUE});
    g_autoptr(HttpTls) any_name_alone = tls_of((HttpTlsOptions){.any_host_name = TRUE});
    const struct {
        const char *url;
        const HttpTls *tls;
        ErrorCode code;
    } cases[] = {
        {url, by_pem, 0},
        {url, NULL, ERR_UNAVAILABLE},
        {url, by_p12, 0},
        {url, self_signed, 0},
        {url, NULL, ERR_UNAVAILABLE},
        {name_url, by_pem, ERR_UNAVAILABLE},
        {name_url, self_signed, ERR_UNAVAILABLE},
        {name_url, any_name, 0},
        {name_url, any_name_alone, ERR_UNAVAILABLE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        check_call(&rig, &(HttpRequest){.method = "POST", .url = cases[i].url, .tls = cases[i].tls}, cases[i].code);
    rig_end(&rig);
    check_unusable(&(HttpTlsOptions){.trust_file = p12, .trust_password = "wrong"}, "c.p12", ERR_INVALID);
    check_unusable(&(HttpTlsOptions){.identity_file = pem}, "its key", ERR_INVALID);
    g_assert_true(g_file_set_contents(pem, "\xfe\xed\xfe\xed and more", -1, NULL));
    check_unusable(&(HttpTlsOptions){.trust_file = pem}, "keytool", ERR_INVALID);
    g_assert_true(g_file_set_contents(pem, "nothing", -1, NULL));
    check_unusable(&(HttpTlsOptions){.trust_file = pem}, "a.pem", ERR_INVALID);
    g_assert_cmpint(truncate(pem, HTTP_TLS_FILE_MAX + 1), ==, 0);
    check_unusable(&(HttpTlsOptions){.trust_file = pem}, "HTTP_TLS_FILE_MAX", ERR_LIMIT);
    g_unlink(pem), g_unlink(both), g_unlink(p12);
    check_unusable(&(HttpTlsOptions){.trust_file = pem}, "cannot be read", ERR_NOT_FOUND);
    g_rmdir(folder);
}

static gboolean stop_at_event(const char *piece, gsize length, gpointer data) {
    GString *got = data;
    g_string_append_len(got, piece, (gssize)length);
    return !strstr(got->str, "data: two\n\n");
}

static gpointer send_events(gpointer data) {
    EventStream *stream = g_async_queue_pop(streams);
    (void)data;
    g_usleep(50000);
    g_assert_true(event_stream_send(stream, NULL, NULL, "one"));
    g_usleep(50000);
    g_assert_true(event_stream_send(stream, NULL, NULL, "two"));
    return stream;
}

static void test_stream(void) {
    g_autofree char *certificate = NULL, *key = NULL;
    make_certificate(&certificate, &key);
    Rig rig;
    rig_start(&rig, (HttpServerOptions){.handle = handle, .tls_certificate = certificate, .tls_key = key});
    g_autofree char *url = g_strdup_printf("https://127.0.0.1:%u/events", http_server_port(rig.server));
    g_autoptr(GString) got = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_auto(HttpResponse) response = {0};
    GThread *thread = g_thread_new("events", send_events, NULL);
    const HttpRequest request = {.method = "GET", .url = url, .insecure = TRUE, .on_data = stop_at_event, .on_data_data = got};
    http_call(rig.client, &request, NULL, &response, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(got->str, ==, ":\n\ndata: one\n\ndata: two\n\n");
    event_stream_unref(g_thread_join(thread));
    rig_end(&rig);
}

static void test_unusable(void) {
    g_autoptr(GError) error = NULL;
    const HttpServerOptions options = {.address = "127.0.0.1", .handle = handle, .tls_certificate = "no", .tls_key = "no"};
    g_assert_null(http_server_start(&options, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    streams = g_async_queue_new();
    g_test_add_func("/net/tls/certificates", test_certificates);
    g_test_add_func("/net/tls/own-trust", test_own_trust);
    g_test_add_func("/net/tls/stream", test_stream);
    g_test_add_func("/net/tls/unusable", test_unusable);
    int result = g_test_run();
    g_async_queue_unref(streams);
    return result;
}
