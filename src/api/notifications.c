/* Telling people: requests for notifications, a test, which kinds there are, and Slack's buttons (notifications.md 3, 4, 4.1). */
#include "api/internal.h"
#include "base/ids.h"
#include "notify/notify.h"
#include <string.h>

#define TEST_TEXT "This is a test of notifications. Nothing happened."

/* Idempotency-Key of the request, so that its repeat is known, or a new one. Caller frees. */
static char *key_of(const ApiCall *call) {
    const char *given = http_exchange_header(call->exchange, "Idempotency-Key");
    return given != NULL && *given != '\0' ? id_from_parts(call->principal->user, given, NULL) : id_new();
}

/* In the name of an application by who may run its pipelines, which could tell as much; else by administrators. */
static gboolean may_tell(const ApiCall *call, GError **error) {
    const char *application = json_get_string(json_get(call->body, "source"), "application");
    if (application != NULL ? api_may(call, MAY_EXECUTE, "application", application) : call->principal->admin)
        return TRUE;
    if (application != NULL)
        error_set(error, ERR_FORBIDDEN, "notifications of application %s are for those who may run its pipelines", application);
    else
        error_set(error, ERR_FORBIDDEN, "source.application: notifications without one are for administrators");
    return FALSE;
}

static Json *notifications_post(ApiCall *call, GError **error) {
    if (!may_tell(call, error))
        return NULL;
    g_autofree char *key = key_of(call);
    notify_request(call->services->notify, call->body, key, call->now_ms, error);
    return NULL;
}

typedef struct {
    char *type, *address, *message;
} TestBody;
static const Param test_params[] = {
    {.name = "type", .type = PARAM_STRING, .offset = offsetof(TestBody, type), .required = TRUE, .help = "slack, email, …"},
    {.name = "address", .type = PARAM_STRING, .offset = offsetof(TestBody, address), .required = TRUE, .help = "Who gets it."},
    {.name = "message", .type = PARAM_STRING, .offset = offsetof(TestBody, message), .help = "Another text."},
    {0},
};

static Json *test_post(ApiCall *call, GError **error) {
    TestBody body = {0};
    if (!params_read(test_params, call->body, &body, error))
        return NULL;
    g_autofree char *key = id_new();
    g_autoptr(Json)
        request = json_pack("{s:s, s:[s], s:{s:s, s:s}}", "notificationType", body.type, "to", body.address, "additionalContext", "subject",
                            "Test of notifications", "body", body.message != NULL ? body.message : TEST_TEXT);
    gboolean fine = notify_request_now(call->services->notify, json_root(request), key, call->now_ms, NULL, error);
    Json *answer = fine ? json_pack("{s:b, s:s, s:s}", "sent", TRUE, "type", body.type, "address", body.address) : NULL;
    params_clear(test_params, &body);
    return answer;
}

static Json *types_get(ApiCall *call, GError **error) {
    (void)error;
    return notify_types(call->services->notify);
}

static Json *metadata_get(ApiCall *call, GError **error) {
    (void)call, (void)error;
    return json_empty_array();
}

static Json *unsent_get(ApiCall *call, GError **error) {
    (void)error;
    return notify_unsent(call->services->notify, call->execution);
}

static Json *callback_post(ApiCall *call, GError **error) {
    const char *source = api_path(call, "source");
    if (strcmp(source, "slack") != 0) {
        error_set(error, ERR_NOT_FOUND, "nobody called %s is known to call back; slack is", source);
        return NULL;
    }
    return notify_slack_callback(call->services->notify, http_exchange_header(call->exchange, "X-Slack-Request-Timestamp"),
                                 http_exchange_header(call->exchange, "X-Slack-Signature"), http_exchange_body(call->exchange, NULL),
                                 call->now_ms, error);
}

static const Route routes[] = {
    {.method = "POST",
     .path = "/notifications",
     .handler = notifications_post,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .body = BODY_JSON,
     .help = "Sends a notification: {notificationType: SLACK, EMAIL, SMS, PAGER_DUTY …, to, cc, templateGroup, source, additionalContext, "
             "interactiveActions}. It is stored, sent soon, and again until it was taken. With the header Idempotency-Key receivers that "
             "can tell "
             "take a repeat once."},
    {.method = "POST",
     .path = "/notifications/test",
     .handler = test_post,
     .needs = NEEDS(ON_SERVER, ACCESS_ADMIN),
     .body = BODY_JSON,
     .body_params = test_params,
     .help = "Sends a test message now and says what came of it."},
    {.method = "GET",
     .path = "/notifications/types",
     .handler = types_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "Kinds of notifications: what an address is, further keys of an entry, and whether they are sent."},
    {.method = "GET",
     .path = "/notifications/metadata",
     .handler = metadata_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "Types of notifications that plugins add: none."},
    {.method = "POST",
     .path = "/notifications/callbacks/{source}",
     .handler = callback_post,
     .needs = NEEDS(ON_SERVER, ACCESS_OPEN),
     .body = BODY_ANY,
     .help =
         "What somebody pressed in a message: slack, whose signature is checked. It is passed on to the service that sent the message."},
    {.method = "GET",
     .path = "/pipelines/{id}/notifications",
     .handler = unsent_get,
     .needs = NEEDS(ON_EXECUTION, ACCESS_READ),
     .help = "Types of notifications of an execution of which nothing is sent, and why: [{type, reason}]."},
    {0},
};
const RouteTable notification_routes = {"Notifications", routes};
