/* What the TLS of some calls does besides the usual: more trusted certificates, one of our own, a looser check. Immutable; any thread. */
#pragma once
#include "base/error.h"

#define HTTP_TLS_FILE_MAX (4 * 1024 * 1024) /* bytes of a file of certificates */

typedef struct {
    const char *trust_file;    /* certificates that are trusted beside the system's: PEM or PKCS #12; NULL: none */
    const char *identity_file; /* certificate, key and chain that are shown to who asks; NULL: none */
    const char *trust_password, *identity_password, *key_password; /* NULL: none; the key's own is for PEM */
    gboolean trust_self_signed; /* also a certificate that signed itself and comes alone; its name and dates are checked as ever */
    gboolean any_host_name;     /* the certificate's name is not compared with the host's */
} HttpTlsOptions;

typedef struct HttpTls HttpTls;
/* ERR_INVALID, ERR_NOT_FOUND: a file that cannot be read, with its path. Caller frees, after the calls that use it. */
HttpTls *http_tls_new(const HttpTlsOptions *options, GError **error);
void http_tls_free(HttpTls *tls); /* NULL-safe */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpTls, http_tls_free)
