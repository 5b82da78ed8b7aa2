/* Certificates of calls (http_tls.h). Files are read on the caller's thread; the hook runs on the net thread, when a connection is prepared.
 *
 * Such a call has a connection, and a list of trusted certificates, of its own: nothing of it is seen by other calls. */
#include "net/http_tls.h"
#include "net/http_transfer.h"
#include <glib/gstdio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/ssl.h>
#include <string.h>

typedef struct {
    EVP_PKEY *key;
    X509 *own; /* the certificate of key */
    STACK_OF(X509) * others;
} Bundle;

struct HttpTls {
    Bundle trusted, identity;
    gboolean trust_self_signed, any_host_name;
};

static void bundle_clear(Bundle *bundle) {
    EVP_PKEY_free(bundle->key);
    X509_free(bundle->own);
    sk_X509_pop_free(bundle->others, X509_free);
    memset(bundle, 0, sizeof *bundle);
}

/* ---- files ---- */
static int give_password(char *into, int size, int writing, void *data) {
    const char *password = data != NULL ? data : "";
    (void)writing;
    return (int)MIN(g_strlcpy(into, password, (gsize)size), (gsize)size - 1);
}

/* The first certificate is that of the key. */
static gboolean read_pem(BIO *bio, const char *password, Bundle *bundle) {
    STACK_OF(X509_INFO) *entries = PEM_X509_INFO_read_bio(bio, NULL, give_password, (void *)password);
    for (int i = 0; i < sk_X509_INFO_num(entries); i++) {
        X509_INFO *entry = sk_X509_INFO_value(entries, i);
        if (entry->x509 != NULL && X509_up_ref(entry->x509) && sk_X509_push(bundle->others, entry->x509) == 0)
            X509_free(entry->x509);
        if (entry->x_pkey != NULL && entry->x_pkey->dec_pkey != NULL && bundle->key == NULL && EVP_PKEY_up_ref(entry->x_pkey->dec_pkey))
            bundle->key = entry->x_pkey->dec_pkey;
    }
    gboolean fine = entries != NULL;
    sk_X509_INFO_pop_free(entries, X509_INFO_free);
    if (bundle->key != NULL)
        bundle->own = sk_X509_shift(bundle->others);
    return fine;
}

static gboolean read_pkcs12(BIO *bio, const char *password, Bundle *bundle) {
    PKCS12 *store = d2i_PKCS12_bio(bio, NULL);
    gboolean fine = store != NULL && PKCS12_parse(store, password, &bundle->key, &bundle->own, &bundle->others) == 1;
    PKCS12_free(store);
    return fine;
}

static char *reason_of_openssl(void) {
    char text[256] = "nothing of use in it";
    gulong code = ERR_get_error();
    if (code != 0)
        ERR_error_string_n(code, text, sizeof text);
    ERR_clear_error();
    return g_strdup(text);
}

static gboolean read_bundle(const char *path, const char *password, const char *key_password, Bundle *bundle, GError **error) {
    static const char JAVA_STORE[] = "\xfe\xed\xfe\xed";
    g_autofree char *bytes = NULL;
    gsize length = 0;
    GStatBuf about;
    if (g_stat(path, &about) != 0 || !g_file_get_contents(path, &bytes, &length, NULL) || length > HTTP_TLS_FILE_MAX) {
        error_set(error, bytes == NULL ? ERR_NOT_FOUND : ERR_LIMIT, "%s: %s", path,
                  bytes == NULL ? "cannot be read" : "larger than HTTP_TLS_FILE_MAX");
        return FALSE;
    }
    if (length >= 4 && memcmp(bytes, JAVA_STORE, 4) == 0) {
        error_set(error, ERR_INVALID, "%s: a key store of Java's old format: keytool -importkeystore -deststoretype pkcs12 converts it",
                  path);
        return FALSE;
    }
    bundle->others = sk_X509_new_null();
    BIO *bio = BIO_new_mem_buf(bytes, (int)length);
    gboolean pem = g_strstr_len(bytes, (gssize)length, "-----BEGIN ") != NULL;
    ERR_clear_error();
    gboolean fine = pem ? read_pem(bio, key_password != NULL ? key_password : password, bundle) : read_pkcs12(bio, password, bundle);
    BIO_free(bio);
    if (fine && (bundle->own != NULL || sk_X509_num(bundle->others) > 0))
        return TRUE;
    g_autofree char *reason = reason_of_openssl();
    error_set(error, ERR_INVALID, "%s: certificates in PEM or PKCS #12 are needed, with the right password: %s", path, reason);
    return FALSE;
}

HttpTls *http_tls_new(const HttpTlsOptions *options, GError **error) {
    g_autoptr(HttpTls) tls = g_new0(HttpTls, 1);
    tls->trust_self_signed = options->trust_self_signed;
    tls->any_host_name = options->any_host_name;
    if (options->trust_file != NULL && !read_bundle(options->trust_file, options->trust_password, NULL, &tls->trusted, error))
        return NULL;
    if (options->identity_file == NULL)
        return g_steal_pointer(&tls);
    if (!read_bundle(options->identity_file, options->identity_password, options->key_password, &tls->identity, error))
        return NULL;
    if (tls->identity.key != NULL && tls->identity.own != NULL && X509_check_private_key(tls->identity.own, tls->identity.key) == 1)
        return g_steal_pointer(&tls);
    error_set(error, ERR_INVALID, "%s: a certificate and its key are needed", options->identity_file);
    return NULL;
}

void http_tls_free(HttpTls *tls) {
    if (tls == NULL)
        return;
    bundle_clear(&tls->trusted);
    bundle_clear(&tls->identity);
    g_free(tls);
}

/* ---- connections ---- */
static int accept_self_signed(int fine, X509_STORE_CTX *checked) {
    if (fine || X509_STORE_CTX_get_error(checked) != X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT)
        return fine;
    X509_STORE_CTX_set_error(checked, X509_V_OK);
    return 1;
}

static gboolean trust(SSL_CTX *context, const Bundle *bundle) {
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    for (int i = 0; i < sk_X509_num(bundle->others); i++)
        if (X509_STORE_add_cert(store, sk_X509_value(bundle->others, i)) != 1)
            return FALSE;
    return bundle->own == NULL || X509_STORE_add_cert(store, bundle->own) == 1;
}

static gboolean identify(SSL_CTX *context, const Bundle *bundle) {
    if (SSL_CTX_use_certificate(context, bundle->own) != 1 || SSL_CTX_use_PrivateKey(context, bundle->key) != 1)
        return FALSE;
    for (int i = 0; i < sk_X509_num(bundle->others); i++)
        if (SSL_CTX_add1_chain_cert(context, sk_X509_value(bundle->others, i)) != 1)
            return FALSE;
    return TRUE;
}

static CURLcode prepare(CURL *easy, void *context, void *data) {
    const HttpTls *tls = data;
    (void)easy;
    if (tls->trust_self_signed)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, accept_self_signed);
    if (trust(context, &tls->trusted) && (tls->identity.key == NULL || identify(context, &tls->identity)))
        return CURLE_OK;
    ERR_clear_error();
    return CURLE_SSL_CERTPROBLEM;
}

gboolean http_tls_apply(const HttpTls *tls, CURL *easy, GError **error) {
    if (curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, prepare) != CURLE_OK) {
        error_set(error, ERR_INVALID, "certificates of our own need a libcurl that was built with OpenSSL");
        return FALSE;
    }
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, (void *)tls);
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L); /* the list of trusted certificates is changed: it is not shared */
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    if (tls->any_host_name)
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    return TRUE;
}
