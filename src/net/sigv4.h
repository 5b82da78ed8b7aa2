/* AWS Signature Version 4, checked by AWS's published test suite. Pure. */
#pragma once
#include "base/error.h"

typedef struct {
    const char *access_key_id, *secret_access_key, *session_token; /* token may be NULL */
} SigV4Credentials;

typedef struct {
    const char *service, *region;
    const char *method, *url;   /* the URL as it will be sent */
    const char *const *headers; /* pairs to sign besides host and x-amz-*; NULL-terminated */
    const char *body;
    gsize body_length;
    gint64 now_ms;
} SigV4Request;

/* The headers to add (Authorization, X-Amz-Date, X-Amz-Security-Token …): pairs, NULL-terminated; caller frees with g_strfreev. */
char **sigv4_sign(const SigV4Credentials *credentials, const SigV4Request *request, GError **error);
