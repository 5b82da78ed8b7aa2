/* One AWS call from query to answer. Owns the rate limits and the clock's correction of an account. */
#include "clouds/aws/client.h"
#include "base/clock.h"
#include "base/log.h"
#include "clouds/aws/endpoint.h"
#include "clouds/aws/failure.h"
#include "clouds/aws/rate.h"
#include "net/sigv4.h"
#include <stdio.h>
#include <string.h>

struct AwsClient {
    HttpClient *http;
    AwsCredentialSource *source;
    char *account;
    Json *account_override, *override;
    guint error_retries;
    AwsRates *rates;
    GMutex lock;
    gint64 skew_ms; /* their clock minus ours */
    gint ref_count;
};

AwsClient *aws_client_new(const AwsClientOptions *options) {
    AwsClient *client = g_new0(AwsClient, 1);
    client->http = options->http;
    client->source = options->source ? aws_credential_source_ref(options->source) : NULL;
    client->account = g_strdup(options->account);
    client->account_override = json_ref(options->account_override);
    client->override = json_ref(options->override);
    client->error_retries = options->error_retries < 0 ? AWS_ERROR_RETRIES : (guint)options->error_retries;
    client->rates = aws_rates_new(options->service_limits, options->account);
    g_mutex_init(&client->lock);
    client->ref_count = 1;
    return client;
}

AwsClient *aws_client_ref(AwsClient *client) {
    g_atomic_int_inc(&client->ref_count);
    return client;
}

void aws_client_unref(AwsClient *client) {
    if (!client || !g_atomic_int_dec_and_test(&client->ref_count))
        return;
    aws_credential_source_unref(client->source);
    aws_rates_free(client->rates);
    json_unref(client->account_override);
    json_unref(client->override);
    g_mutex_clear(&client->lock);
    g_free(client->account);
    g_free(client);
}

/* ---- one attempt ---- */

/* One call under way. */
typedef struct {
    AwsClient *client;
    const char *region;
    const AwsQuery *query;
    const AwsCall *call;
    const char *page;
    Cancel *cancel;
    AwsCredentials *used;  /* of the last attempt */
    XmlDocument *document; /* the answer */
    AwsFailure failure;    /* or this */
    gint64 date_ms;        /* the other side's clock in the last answer; -1: not told */
    gboolean did_skew, did_expire;
} Attempt;

static gint64 skew_of(AwsClient *client) {
    g_mutex_lock(&client->lock);
    gint64 skew_ms = client->skew_ms;
    g_mutex_unlock(&client->lock);
    return skew_ms;
}

/* "Tue, 24 Nov 2026 12:00:00 GMT" (RFC 9110); -1 when it is none. */
static gint64 parse_http_date(const char *text) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char month[4] = "", zone[4] = "";
    int day, year, hour, minute, second;
    if (!text || sscanf(text, "%*3s, %2d %3s %4d %2d:%2d:%2d %3s", &day, month, &year, &hour, &minute, &second, zone) != 7)
        return -1;
    const char *at = strlen(month) == 3 ? strstr(months, month) : NULL;
    if (!at || (at - months) % 3)
        return -1;
    g_autoptr(GDateTime) time = g_date_time_new_utc(year, (int)(at - months) / 3 + 1, day, hour, minute, second);
    return time ? g_date_time_to_unix(time) * 1000 : -1;
}

/* Headers that sign the form; NULL with *error. */
static char **sign(Attempt *attempt, const char *url, const char *body, const char *const *headers, GError **error) {
    if (attempt->call->is_unsigned)
        return g_new0(char *, 1);
    if (!attempt->client->source) {
        error_set(error, ERR_INTERNAL, "%s needs credentials, and there are none", attempt->call->action);
        return NULL;
    }
    AwsCredentials *credentials = aws_credential_source_get(attempt->client->source, attempt->cancel, error);
    if (!credentials)
        return NULL;
    g_clear_pointer(&attempt->used, aws_credentials_unref);
    attempt->used = credentials;
    SigV4Credentials keys = {credentials->access_key_id, credentials->secret_access_key, credentials->session_token};
    SigV4Request request = {
        .service = aws_service(attempt->call->service)->signs_as,
        .region = aws_endpoint_signing_region(attempt->call->service, attempt->region),
        .method = "POST",
        .url = url,
        .headers = headers,
        .body = body,
        .body_length = strlen(body),
        .now_ms = clock_now_ms() + skew_of(attempt->client),
    };
    return sigv4_sign(&keys, &request, error);
}

static void add_pairs(GPtrArray *into, const char *const *pairs) {
    for (guint i = 0; pairs[i] && pairs[i + 1]; i += 2) {
        g_ptr_array_add(into, (gpointer)pairs[i]);
        g_ptr_array_add(into, (gpointer)pairs[i + 1]);
    }
}

const XmlNode *aws_answer(const XmlDocument *document, AwsCallId call) {
    g_autofree char *name = g_strconcat(aws_call(call)->action, "Result", NULL);
    const XmlNode *root = xml_root(document), *result = xml_get(root, name);
    return result ? result : root;
}

/* Reads an answer of status 200: it must be the answer to this call, with its list. */
static void read_answer(Attempt *attempt, const HttpResponse *response) {
    g_autoptr(GError) error = NULL;
    g_autoptr(XmlDocument) document = xml_parse(response->body, response->body_length, &error);
    if (!document) {
        aws_failure_malformed(&attempt->failure, response->status, error->message);
        return;
    }
    g_autofree char *expected = g_strconcat(attempt->call->action, "Response", NULL);
    const char *name = xml_name(xml_root(document));
    if (g_strcmp0(name, expected)) {
        g_autofree char *what = g_strdup_printf("expected <%s>, got <%s>", expected, name);
        aws_failure_malformed(&attempt->failure, response->status, what);
        return;
    }
    const XmlNode *result = aws_answer(document, aws_query_call(attempt->query));
    if (attempt->call->list && !xml_get(result, attempt->call->list)) {
        g_autofree char *what = g_strdup_printf("<%s> has no <%s>", expected, attempt->call->list);
        aws_failure_malformed(&attempt->failure, response->status, what);
        return;
    }
    attempt->document = g_steal_pointer(&document);
}

/* TRUE: attempt->document is the answer. FALSE: attempt->failure says why; or *error, which ends all attempts. */
static gboolean attempt_once(Attempt *attempt, GError **error) {
    static const char *const form[] = {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8", NULL};
    AwsClient *client = attempt->client;
    const JsonValue *account_override = json_root(client->account_override), *override = json_root(client->override);
    g_autofree char *endpoint = aws_endpoint_url(attempt->call->service, attempt->region, account_override, override);
    g_autofree char *url = g_strconcat(endpoint, "/", NULL);
    g_autofree char *body = aws_query_body(attempt->query, attempt->page);
    g_auto(GStrv) signature = sign(attempt, url, body, form, error);
    if (!signature)
        return FALSE;
    g_autoptr(GPtrArray) headers = g_ptr_array_new();
    add_pairs(headers, form);
    add_pairs(headers, (const char *const *)signature);
    g_ptr_array_add(headers, (gpointer) "User-Agent");
    g_ptr_array_add(headers, (gpointer) "gennaker/" GENNAKER_VERSION);
    g_ptr_array_add(headers, NULL);
    HttpRequest request = {.method = "POST",
                           .url = url,
                           .headers = (HttpHeaders)headers->pdata,
                           .body = body,
                           .body_length = strlen(body),
                           .timeout_ms = AWS_CALL_TIMEOUT_MS,
                           .connect_timeout_ms = AWS_CALL_CONNECT_MS};
    HttpResponse response = {0};
    g_autoptr(GError) failed = NULL;
    attempt->date_ms = -1;
    if (!http_call(client->http, &request, attempt->cancel, &response, &failed)) {
        aws_failure_from_transport(&attempt->failure, failed);
        return FALSE;
    }
    attempt->date_ms = parse_http_date(http_response_header(&response, "date"));
    if (response.status == 200)
        read_answer(attempt, &response);
    else
        aws_failure_read(&attempt->failure, &response);
    http_response_clear(&response);
    return attempt->document != NULL;
}

/* ---- what to do after a failure ---- */

/* Corrects the clock, or has new credentials fetched: once each. TRUE: try again at once. */
static gboolean may_be_cured(Attempt *attempt) {
    AwsClient *client = attempt->client;
    gboolean skewed = attempt->failure.kind == AWS_FAILURE_SKEWED;
    if (!skewed && attempt->failure.kind != AWS_FAILURE_EXPIRED)
        return FALSE;
    gint64 skew_ms = attempt->date_ms - clock_now_ms();
    if (skewed && attempt->date_ms > 0 && !attempt->did_skew && ABS(skew_ms - skew_of(client)) > AWS_SKEW_MIN_MS) {
        log_warning("aws", "account %s: the clock here differs by %" G_GINT64_FORMAT " s from that of AWS; requests are dated by theirs",
                    client->account, skew_ms / 1000);
        g_mutex_lock(&client->lock);
        client->skew_ms = skew_ms;
        g_mutex_unlock(&client->lock);
        attempt->did_skew = TRUE;
        return TRUE;
    }
    if (attempt->did_expire || !attempt->used)
        return FALSE;
    aws_credential_source_expired(client->source, attempt->used);
    attempt->did_expire = TRUE;
    return TRUE;
}

static gboolean is_worth_a_repeat(const Attempt *attempt) {
    switch (attempt->failure.kind) {
    case AWS_FAILURE_THROTTLED:
    case AWS_FAILURE_NOT_SENT:
        return TRUE;
    case AWS_FAILURE_SERVER:
    case AWS_FAILURE_UNKNOWN:
        return !attempt->call->writes;
    default:
        return FALSE;
    }
}

/* Half of the back-off is fixed, half is chance, so that callers do not come back together. */
static gint64 back_off(const Attempt *attempt, guint repeats) {
    gint64 base_ms = attempt->failure.kind == AWS_FAILURE_THROTTLED ? AWS_THROTTLED_DELAY_MS : AWS_RETRY_DELAY_MS;
    gint64 delay_ms = MIN(base_ms << MIN(repeats, 16), AWS_RETRY_DELAY_MAX_MS);
    return delay_ms / 2 + g_random_int_range(0, (gint32)(delay_ms / 2) + 1);
}

static gboolean wait_for(Cancel *cancel, gint64 delay_ms) {
    if (cancel)
        return !cancel_wait(cancel, delay_ms);
    g_usleep((gulong)delay_ms * 1000);
    return TRUE;
}

/* Waits for a token of the account, region and service. */
static gboolean take_turn(Attempt *attempt) {
    gint64 wait_ms = 0;
    while (!aws_rates_take(attempt->client->rates, attempt->region, attempt->call, &wait_ms))
        if (!wait_for(attempt->cancel, wait_ms))
            return FALSE;
    return TRUE;
}

/* Nothing was sent, or what was sent was certainly not carried out. */
static void set_given_up(const Attempt *attempt, GError **error) {
    error_set(error, ERR_CANCELLED, "%s in %s (account %s): cancelled before it was sent", attempt->call->action, attempt->region,
              attempt->client->account);
}

static XmlDocument *run(Attempt *attempt, GError **error) {
    for (guint repeats = 0;;) {
        g_autoptr(GError) ended = NULL;
        if (!take_turn(attempt)) {
            set_given_up(attempt, error);
            return NULL;
        }
        aws_failure_clear(&attempt->failure);
        if (attempt_once(attempt, &ended))
            return attempt->document;
        if (ended) { /* no credentials: the call itself was not sent, so its outcome is known */
            ErrorCode code = error_code(ended) == ERR_TIMEOUT ? ERR_UNAVAILABLE : error_code(ended);
            error_set(error, code, "%s in %s (account %s): %s", attempt->call->action, attempt->region, attempt->client->account,
                      ended->message);
            return NULL;
        }
        if (may_be_cured(attempt))
            continue;
        if (!is_worth_a_repeat(attempt) || repeats >= attempt->client->error_retries) {
            aws_failure_to_error(&attempt->failure, attempt->query, attempt->client->account, attempt->region, error);
            return NULL;
        }
        if (!wait_for(attempt->cancel, back_off(attempt, repeats++))) {
            set_given_up(attempt, error);
            return NULL;
        }
    }
}

static XmlDocument *send_page(AwsClient *client, const char *region, const AwsQuery *query, const char *page, Cancel *cancel,
                              GError **error) {
    Attempt attempt = {.client = client, .region = region, .query = query, .page = page, .cancel = cancel};
    attempt.call = aws_call(aws_query_call(query));
    XmlDocument *document = run(&attempt, error);
    aws_credentials_unref(attempt.used);
    aws_failure_clear(&attempt.failure);
    return document;
}

XmlDocument *aws_client_send(AwsClient *client, const char *region, const AwsQuery *query, Cancel *cancel, GError **error) {
    return send_page(client, region, query, NULL, cancel, error);
}

gboolean aws_client_write(AwsClient *client, const char *region, const AwsQuery *query, Cancel *cancel, GError **error) {
    g_autoptr(XmlDocument) document = send_page(client, region, query, NULL, cancel, error);
    return document != NULL;
}

/* Visits the items of one page; sets *next to the token of the following one, or NULL. */
static gboolean visit_page(const XmlDocument *document, AwsCallId id, AwsVisit visit, gpointer data, char **next, GError **error) {
    const AwsCall *call = aws_call(id);
    const XmlNode *result = aws_answer(document, id), *list = xml_get(result, call->list);
    for (const XmlNode *item = xml_first(list, call->item); item; item = xml_next(item, call->item))
        if (!visit(item, data, error))
            return FALSE;
    *next = call->next ? xml_get_text(result, call->next) : NULL;
    if (*next && !**next)
        g_clear_pointer(next, g_free);
    return TRUE;
}

gboolean aws_client_list(AwsClient *client, const char *region, const AwsQuery *query, Cancel *cancel, AwsVisit visit, gpointer data,
                         GError **error) {
    const AwsCall *call = aws_call(aws_query_call(query));
    g_assert(call->list);
    g_autofree char *page = NULL;
    for (guint pages = 0; pages < AWS_PAGES_MAX; pages++) {
        g_autoptr(XmlDocument) document = send_page(client, region, query, page, cancel, error);
        g_autofree char *next = NULL;
        if (!document || !visit_page(document, aws_query_call(query), visit, data, &next, error))
            return FALSE;
        if (!next)
            return TRUE;
        if (g_strcmp0(next, page) == 0) {
            error_set(error, ERR_REMOTE, "%s in %s (account %s): the same page is offered again and again", call->action, region,
                      client->account);
            return FALSE;
        }
        g_free(page);
        page = g_steal_pointer(&next);
    }
    error_set(error, ERR_LIMIT, "%s in %s (account %s): more than %d pages (AWS_PAGES_MAX)", call->action, region, client->account,
              AWS_PAGES_MAX);
    return FALSE;
}
