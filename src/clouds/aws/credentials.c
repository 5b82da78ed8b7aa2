/* Kept credentials and single flight: whoever finds them missing or near their end fetches, without a lock held; others wait
 * only when there are no valid ones. */
#include "clouds/aws/credentials.h"
#include "base/clock.h"
#include "base/log.h"

#define WAIT_SLICE_MS 50

struct AwsCredentialSource {
    char *label;
    AwsCredentialFetch fetch;
    gpointer data;
    GDestroyNotify free_data;
    GMutex lock;
    GCond fetched;
    AwsCredentials *kept; /* or NULL */
    gboolean fetching;
    gint64 not_before_ms; /* no early fetch before this */
    gint ref_count;
};

AwsCredentials *aws_credentials_new(const char *access_key_id, const char *secret_access_key, const char *session_token,
                                    gint64 expires_ms) {
    AwsCredentials *credentials = g_new0(AwsCredentials, 1);
    credentials->access_key_id = g_strdup(access_key_id);
    credentials->secret_access_key = g_strdup(secret_access_key);
    credentials->session_token = session_token && *session_token ? g_strdup(session_token) : NULL;
    credentials->begins_ms = clock_now_ms();
    credentials->expires_ms = expires_ms;
    credentials->ref_count = 1;
    return credentials;
}

AwsCredentials *aws_credentials_ref(AwsCredentials *credentials) {
    g_atomic_int_inc(&credentials->ref_count);
    return credentials;
}

void aws_credentials_unref(AwsCredentials *credentials) {
    if (!credentials || !g_atomic_int_dec_and_test(&credentials->ref_count))
        return;
    g_free(credentials->access_key_id);
    g_free(credentials->secret_access_key);
    g_free(credentials->session_token);
    g_free(credentials);
}

AwsCredentialSource *aws_credential_source_new(const char *label, AwsCredentialFetch fetch, gpointer data, GDestroyNotify free_data) {
    AwsCredentialSource *source = g_new0(AwsCredentialSource, 1);
    source->label = g_strdup(label);
    source->fetch = fetch;
    source->data = data;
    source->free_data = free_data;
    g_mutex_init(&source->lock);
    g_cond_init(&source->fetched);
    source->ref_count = 1;
    return source;
}

AwsCredentialSource *aws_credential_source_ref(AwsCredentialSource *source) {
    g_atomic_int_inc(&source->ref_count);
    return source;
}

void aws_credential_source_unref(AwsCredentialSource *source) {
    if (!source || !g_atomic_int_dec_and_test(&source->ref_count))
        return;
    if (source->free_data)
        source->free_data(source->data);
    aws_credentials_unref(source->kept);
    g_mutex_clear(&source->lock);
    g_cond_clear(&source->fetched);
    g_free(source->label);
    g_free(source);
}

static gboolean is_valid(const AwsCredentials *credentials, gint64 now_ms) {
    return credentials && (!credentials->expires_ms || now_ms < credentials->expires_ms);
}

static gboolean is_near_end(const AwsCredentials *credentials, gint64 now_ms) {
    if (!credentials->expires_ms)
        return FALSE;
    gint64 margin = MIN(AWS_CREDENTIALS_REFRESH_MS, (credentials->expires_ms - credentials->begins_ms) / 3);
    return now_ms >= credentials->expires_ms - margin;
}

/* Under the lock. TRUE: this thread fetches now. Otherwise kept is good, or the wait was ended (*error). */
static gboolean must_fetch(AwsCredentialSource *source, Cancel *cancel, GError **error) {
    for (;;) {
        gint64 now_ms = clock_now_ms();
        gboolean valid = is_valid(source->kept, now_ms);
        if (valid && (source->fetching || now_ms < source->not_before_ms || !is_near_end(source->kept, now_ms)))
            return FALSE;
        if (!source->fetching)
            return TRUE;
        g_cond_wait_until(&source->fetched, &source->lock, g_get_monotonic_time() + WAIT_SLICE_MS * 1000);
        if (cancel_is_set(cancel)) {
            error_set(error, ERR_CANCELLED, "%s: given up while waiting for credentials", source->label);
            return FALSE;
        }
    }
}

/* Under the lock; takes fetched (or NULL with failed). */
static AwsCredentials *keep(AwsCredentialSource *source, AwsCredentials *fetched, GError *failed, GError **error) {
    gint64 now_ms = clock_now_ms();
    if (fetched) {
        aws_credentials_unref(source->kept);
        source->kept = fetched;
        source->not_before_ms = 0;
        return aws_credentials_ref(fetched);
    }
    if (is_valid(source->kept, now_ms)) {
        log_warning("aws", "%s: not refreshed, the old credentials are used: %s", source->label, failed->message);
        source->not_before_ms = now_ms + AWS_CREDENTIALS_RETRY_MS;
        g_error_free(failed);
        return aws_credentials_ref(source->kept);
    }
    g_propagate_prefixed_error(error, failed, "%s: ", source->label);
    return NULL;
}

AwsCredentials *aws_credential_source_get(AwsCredentialSource *source, Cancel *cancel, GError **error) {
    g_mutex_lock(&source->lock);
    GError *problem = NULL;
    if (!must_fetch(source, cancel, &problem)) {
        AwsCredentials *kept = problem ? NULL : aws_credentials_ref(source->kept);
        g_mutex_unlock(&source->lock);
        if (problem)
            g_propagate_error(error, problem);
        return kept;
    }
    source->fetching = TRUE;
    g_mutex_unlock(&source->lock);

    AwsCredentials *fetched = source->fetch(source->data, cancel, &problem);

    g_mutex_lock(&source->lock);
    source->fetching = FALSE;
    AwsCredentials *result = keep(source, fetched, problem, error);
    g_cond_broadcast(&source->fetched);
    g_mutex_unlock(&source->lock);
    return result;
}

void aws_credential_source_expired(AwsCredentialSource *source, const AwsCredentials *used) {
    g_mutex_lock(&source->lock);
    if (source->kept == used) {
        aws_credentials_unref(source->kept);
        source->kept = NULL;
        source->not_before_ms = 0;
    }
    g_mutex_unlock(&source->lock);
}

static AwsCredentials *fetch_static(gpointer data, Cancel *cancel, GError **error) {
    (void)cancel, (void)error;
    return aws_credentials_ref(data);
}

AwsCredentialSource *aws_credentials_static(const char *access_key_id, const char *secret_access_key) {
    AwsCredentials *credentials = aws_credentials_new(access_key_id, secret_access_key, NULL, 0);
    return aws_credential_source_new("configured access key", fetch_static, credentials, (GDestroyNotify)aws_credentials_unref);
}
