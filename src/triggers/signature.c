/* Who signed a webhook: GitHub and Bitbucket sign its bytes (X-Hub-Signature, X-Hub-Signature-256), GitLab sends the secret itself
 * (X-Gitlab-Token), of which only a digest was kept. Facts: triggers.md 6.1; the senders' documentation. Pure. */
#include "triggers/internal.h"
#include <string.h>

static const struct {
    const char *prefix;
    GChecksumType type;
} DIGESTS[] = {{"sha1=", G_CHECKSUM_SHA1}, {"sha256=", G_CHECKSUM_SHA256}};

/* In the same time wherever they differ. */
static gboolean are_equal(const char *a, const char *b) {
    gsize length = strlen(a);
    gboolean equal = length == strlen(b);
    for (gsize i = 0; i < length && i < strlen(b); i++)
        equal &= g_ascii_tolower(a[i]) == g_ascii_tolower(b[i]);
    return equal;
}

static gboolean is_signed(const char *signature, const char *secret, const char *raw) {
    GChecksumType type = G_CHECKSUM_SHA1;
    for (gsize i = 0; i < G_N_ELEMENTS(DIGESTS); i++) {
        if (!g_str_has_prefix(signature, DIGESTS[i].prefix))
            continue;
        type = DIGESTS[i].type;
        signature += strlen(DIGESTS[i].prefix);
        break;
    }
    g_autofree char *expected = g_compute_hmac_for_data(type, (const guchar *)secret, strlen(secret), (const guchar *)raw, strlen(raw));
    return are_equal(expected, signature);
}

char *signature_token_digest(const char *token) {
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, token, -1);
    return g_strconcat("sha256:", digest, NULL);
}

static gboolean is_token(const char *digest, const char *secret) {
    g_autofree char *expected = signature_token_digest(secret);
    return are_equal(expected, digest);
}

gboolean signature_is_good(const Event *event, const char *secret, TriggerDecision *why) {
    const char *signature = event_header(event, "X-Hub-Signature"), *longer = event_header(event, "X-Hub-Signature-256"),
               *token = event_header(event, "X-Gitlab-Token");
    const char *raw = json_get_string(json_root(event->envelope), "rawContent");
    gboolean has_secret = secret != NULL && *secret != '\0';
    if (!has_secret && signature == NULL)
        return TRUE;
    if (!has_secret) {
        decision_set(why, DECISION_SIGNATURE,
                     "The sender signed the event (X-Hub-Signature), but the trigger has no secret to check the signature with.");
        return FALSE;
    }
    const char *name = signature != NULL ? "X-Hub-Signature" : longer != NULL ? "X-Hub-Signature-256" : "X-Gitlab-Token";
    if (signature == NULL && longer == NULL && token == NULL) {
        decision_set(why, DECISION_SIGNATURE,
                     "The trigger has a secret, but the event has no signature (X-Hub-Signature, X-Hub-Signature-256 or X-Gitlab-Token).");
        return FALSE;
    }
    if (signature != NULL || longer != NULL ? is_signed(signature != NULL ? signature : longer, secret, raw != NULL ? raw : "")
                                            : is_token(token, secret))
        return TRUE;
    decision_set(why, DECISION_SIGNATURE, "The signature of the event (%s) is not one of the trigger's secret.", name);
    return FALSE;
}
