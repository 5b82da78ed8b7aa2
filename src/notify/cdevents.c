/* CDEvents (notifications.md 3): a CloudEvent for what happened, posted to the entry's address in CloudEvents' binary mode. Facts:
 * cdevents.dev, core events pipelinerun and taskrun 0.1.1; cloudevents.io, HTTP binding. The event's id stays the same when it is sent again. */
#include "notify/send.h"
#include <string.h>

typedef struct {
    gboolean enabled;
    char *transport;
} EventsSettings;

static const Param events_params[] = {
    {.name = "enabled", .type = PARAM_BOOL, .offset = offsetof(EventsSettings, enabled), .help = "Whether CDEvents are sent."},
    {.name = "transport",
     .type = PARAM_STRING,
     .offset = offsetof(EventsSettings, transport),
     .otherwise = "\"http\"",
     .help = "How they are sent: http."},
    {0},
};
static const Param entry_params[] = {
    {.name = "cdEventsType",
     .type = PARAM_STRING,
     .help = "dev.cdevents.pipelinerun.queued, .started, .finished, dev.cdevents.taskrun.started, .finished; otherwise what fits what "
             "happened."},
    {.name = "customData", .type = PARAM_JSON, .help = "Data that the event carries beside its own."},
    {0},
};
static const ConfigSection events_section = {
    .service = SERVICE_ECHO, .prefix = "cdevents", .params = events_params, .help = "CDEvents for others."};
static const ConfigSection *const sections[] = {&events_section, NULL};

static gboolean events_check(const void *data, GError **error) {
    const EventsSettings *settings = data;
    if (settings->transport == NULL || g_ascii_strcasecmp(settings->transport, "http") == 0)
        return TRUE;
    error_set(error, ERR_INVALID, "cdevents.transport: %s; expected http", settings->transport);
    return FALSE;
}

static const struct EventKind {
    const char *type, *subject, *name_key, *phase;
    gboolean ends;
} KINDS[] = {
    {"dev.cdevents.pipelinerun.queued.0.1.1", "pipelineRun", "pipelineName", "", FALSE},
    {"dev.cdevents.pipelinerun.started.0.1.1", "pipelineRun", "pipelineName", "starting", FALSE},
    {"dev.cdevents.pipelinerun.finished.0.1.1", "pipelineRun", "pipelineName", "", TRUE},
    {"dev.cdevents.taskrun.started.0.1.1", "taskRun", "taskName", "starting", FALSE},
    {"dev.cdevents.taskrun.finished.0.1.1", "taskRun", "taskName", "", TRUE},
};

/* By the entry's type, a part of the name, else by what happened; NULL: there is none of that type. */
static const struct EventKind *kind_of(const Notification *notification) {
    const char *wanted = json_get_string(notification->entry, "cdEventsType");
    gboolean starting = g_strcmp0(notification->status, "starting") == 0;
    for (gsize i = 0; i < G_N_ELEMENTS(KINDS); i++) {
        gboolean of_stage = strcmp(KINDS[i].subject, "taskRun") == 0;
        if (wanted != NULL && *wanted != '\0') {
            if (strstr(KINDS[i].type, wanted) != NULL)
                return &KINDS[i];
        } else if (of_stage == (notification->stage_name != NULL) && (starting ? *KINDS[i].phase != '\0' : KINDS[i].ends))
            return &KINDS[i];
    }
    return NULL;
}

static char *time_of(gint64 ms) {
    g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(ms / 1000);
    return at != NULL ? g_date_time_format(at, "%Y-%m-%dT%H:%M:%SZ") : NULL;
}

static Json *content_of(const Notification *notification, const struct EventKind *kind) {
    gboolean fine = g_strcmp0(notification->status, "complete") == 0;
    gboolean task = strcmp(kind->subject, "taskRun") == 0 && notification->stage_name != NULL;
    g_autofree char *text = notification_text(notification, STYLE_PLAIN);
    g_autoptr(Json) run = json_pack("{s:s, s:s}", "id", notification->execution_id, "source", notification->link);
    return json_pack("{s:s, s:s, s:j, s:s, s:s}", kind->name_key, task ? notification->stage_name : notification->execution_name, "url",
                     notification->link, "pipelineRun", task ? run : NULL, "outcome",
                     !kind->ends ? NULL
                     : fine      ? "success"
                                 : "failure",
                     "errors", kind->ends && !fine ? text : NULL);
}

static Json *body_of(const Notification *notification, const struct EventKind *kind, const char *source, const char *at) {
    const JsonValue *data = json_get(notification->entry, "customData");
    g_autoptr(Json) content = content_of(notification, kind);
    g_autoptr(Json) subject = json_pack("{s:s, s:s, s:s, s:j}", "id", notification->execution_id, "source", source, "type", kind->subject,
                                        "content", content);
    return json_pack("{s:{s:s, s:s, s:s, s:s, s:s}, s:j, s:v, s:s}", "context", "version", "0.3.0", "id", notification->key, "source",
                     source, "type", kind->type, "timestamp", at, "subject", subject, "customData", data, "customDataContentType",
                     data != NULL ? "application/json" : NULL);
}

static gboolean events_build(const void *data, const Notification *notification, NotificationCall *call, GError **error) {
    const char *address = notification_address(notification, "the URL of a receiver of CloudEvents", error);
    const struct EventKind *kind = kind_of(notification);
    (void)data;
    if (address == NULL)
        return FALSE;
    if (kind == NULL) {
        error_set(
            error, ERR_INVALID,
            "cdEventsType %s: expected dev.cdevents.pipelinerun.queued, started or finished, or dev.cdevents.taskrun.started or finished",
            json_get_string(notification->entry, "cdEventsType"));
        return FALSE;
    }
    const char *source = notification->link != NULL ? notification->link : "gennaker";
    g_autofree char *at = time_of(notification->created_ms);
    g_autoptr(Json) body = body_of(notification, kind, source, at);
    call->url = g_strdup(address);
    call->guarded = TRUE;
    call_header(call, "ce-specversion", "1.0");
    call_header(call, "ce-id", notification->key);
    call_header(call, "ce-source", source);
    call_header(call, "ce-type", kind->type);
    call_header(call, "ce-time", at != NULL ? at : "1970-01-01T00:00:00Z");
    call_json(call, body);
    return TRUE;
}

const NotificationType notification_cdevents = {
    .name = "cdevents",
    .label = "CDEvents",
    .help = "A CloudEvent as cdevents.dev describes it.",
    .address_help = "The URL of a receiver of CloudEvents.",
    .example = "https://events.example.com/",
    .params = entry_params,
    .sections = sections,
    .settings_size = sizeof(EventsSettings),
    .check = events_check,
    .build = events_build,
};
