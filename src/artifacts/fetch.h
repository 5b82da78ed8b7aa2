/* Reading what an artifact refers to, with its account (artifacts.md 4). Blocks its caller; any thread that may wait for I/O. */
#pragma once
#include "artifacts/accounts.h"
#include "net/http_client.h"

#define ARTIFACT_BYTES_MAX (32 * 1024 * 1024) /* of one artifact's contents, unless a caller names less */

typedef struct {
    Config *config;
    HttpClient *http;  /* or NULL: only what is embedded can be read */
    Cancel *cancel;    /* or NULL */
    gint64 timeout_ms; /* of each call; 0: HTTP_TIMEOUT_MS */
    gsize most;        /* bytes; 0: ARTIFACT_BYTES_MAX */
} ArtifactSource;

/* The contents; NUL-terminated, caller frees; *length (may be NULL) without the NUL. ERR_INVALID: such an artifact is not fetched, or it lacks its
 * account or its reference; ERR_NOT_FOUND: no such account, or the other side knows no such thing; ERR_FORBIDDEN: the URL restrictions, or its
 * credentials are refused; ERR_LIMIT; ERR_UNAVAILABLE; ERR_REMOTE. Messages name the artifact, its account and the host. */
char *artifacts_fetch(const ArtifactSource *source, const JsonValue *artifact, gsize *length, GError **error);
