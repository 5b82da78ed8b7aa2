/* What the files of the webhook stage have in common. */
#pragma once
#include "net/url_guard.h"
#include "stages/stages.h"

#define WEBHOOK_ANSWER_MAX (4 * 1024 * 1024) /* bytes of an answer, unless webhook.maxResponseBytes says less */
#define WEBHOOK_PAST_CODES_MAX 1000          /* answers a monitor remembers */

typedef struct {
    gint64 connect_timeout_ms, read_timeout_ms, request_max, response_max;
    gboolean follow_redirects, allowed_enabled, require_account, validate_account, trust_self_signed, any_host_name;
    gboolean trust, identity;
    char *trust_file, *trust_password, *identity_file, *identity_password, *key_password;
    Json *allowed;       /* allowedRequests */
    Json *retry_codes;   /* defaultRetryStatusCodes */
    Json *preconfigured; /* list */
} WebhookSettings;
extern const ConfigSection *const webhook_config_sections[];
/* ERR_INVALID names the key. What it read is cleared by the caller in any case. */
gboolean webhook_settings_read(Config *config, WebhookSettings *settings, GError **error);
/* What TLS does beside the usual: *tls is NULL where nothing is configured. The files are read anew for each call, so that a certificate can be
 * renewed without a reload. Caller frees *tls. */
gboolean webhook_tls(const WebhookSettings *settings, HttpTls **tls, GError **error);
void webhook_settings_clear(WebhookSettings *settings);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(WebhookSettings, webhook_settings_clear)
/* The entry of webhook.preconfigured for a stage type, or NULL. */
const JsonValue *webhook_preconfigured(const WebhookSettings *settings, const char *type);

/* A step of submission: see submission.c. Caller owns. */
#define PRECONFIGURED_ALIAS "preconfiguredWebhook"
Json *webhook_submission_step(Services *services, const JsonValue *pipeline, const Submission *submission, GError **error);

typedef struct {
    char *url, *method, *account, *status_url_resolution, *status_url_path, *status_endpoint, *status_path, *progress_path;
    char *success_statuses, *canceled_statuses, *terminal_statuses, *cancel_endpoint, *cancel_method;
    Json *payload, *cancel_payload, *headers, *fail_fast, *create_retry, *monitor_retry, *retries, *expected_artifacts;
    gboolean wait, monitor_only, signal_cancellation;
    gint64 wait_before_ms;
} WebhookParams;

/* Name of a code as Spring writes it ("NOT_FOUND"), or "UNKNOWN". */
const char *webhook_status_name(int code);
/* A code is in a list of numbers or numeric texts. */
gboolean webhook_code_in(const JsonValue *codes, int code);
/* The list of an answer's header fields as an object; caller owns. */
Json *webhook_headers(const HttpResponse *response);
/* The body: JSON where it is, else its text; NULL when empty. Caller owns. */
Json *webhook_body(const HttpResponse *response);

/* One call of a stage. `step` names it in the Idempotency-Key. */
typedef struct {
    const char *method, *url, *step;
    const JsonValue *payload, *headers;
} WebhookCall;
gboolean webhook_call(TaskContext *context, const WebhookSettings *settings, const WebhookCall *call, HttpResponse *response,
                      GError **error);
/* 32 hex digits of execution, stage, task, step and attempt; caller frees. */
char *webhook_key(const Execution *execution, const Stage *stage, const char *task, const char *step);
/* A repeat of this request is declared harmless by webhook.allowedRequests. */
gboolean webhook_may_repeat(const WebhookSettings *settings, const char *method, const char *url);

Status webhook_create(TaskContext *context, GError **error);
Status webhook_wait(TaskContext *context, GError **error);
Status webhook_monitor(TaskContext *context, GError **error);
gint64 webhook_monitor_poll(const Execution *execution, const Stage *stage, const TaskState *task, gint64 now_ms);
Status webhook_cancel(TaskContext *context, GError **error);
