/* Why events started pipelines, or did not: events and the decisions about them (triggers.md 1.3). What is shown of a decision is only
 * what may be read of its application. */
#include "triggers/triggers.h"
#include "api/internal.h"
#include "stages/metadata/pipelines.h"
#include "triggers/cron.h"
#include <string.h>

#define EVENTS_SHOWN 20 /* unless the caller says otherwise */

/* ---- rows as JSON ---- */
static void add_decision(JsonBuilder *builder, const TriggerDecisionRecord *decision) {
    json_begin_object(builder, NULL);
    json_add_string(builder, "pipelineId", decision->pipeline_id);
    json_add_string(builder, "pipeline", decision->pipeline_name);
    json_add_string(builder, "application", decision->application);
    if (decision->trigger_index >= 0)
        json_add_int(builder, "triggerIndex", decision->trigger_index);
    json_add_string(builder, "triggerId", decision->trigger_id);
    json_add_string(builder, "triggerType", decision->trigger_type);
    json_add_string(builder, "executionId", decision->execution_id);
    json_add_string(builder, "reason", decision->reason);
    json_add_string(builder, "message", decision->message);
    json_add_int(builder, "time", decision->decided_ms);
    json_end_object(builder);
}

static void add_event_members(JsonBuilder *builder, const TriggerEventRecord *event) {
    json_add_string(builder, "id", event->id);
    json_add_string(builder, "type", event->type);
    json_add_string(builder, "source", event->source);
    json_add_int(builder, "createdTime", event->created_ms);
    json_add_string(builder, "state", event->handled_ms > 0 ? "HANDLED" : "OPEN");
    if (event->handled_ms > 0)
        json_add_int(builder, "handledTime", event->handled_ms);
    json_add_int(builder, "considered", event->considered);
    json_add_int(builder, "started", event->started);
    json_add_int(builder, "leftOut", event->left_out);
    json_add_int(builder, "repeats", event->repeats);
    json_add_string(builder, "note", event->note);
}

/* ---- lists ---- */
typedef struct {
    const ApiCall *call;
    JsonBuilder *builder;
    gint64 open_event; /* number of the event whose decisions are being listed; 0: none */
} Listing;

static gboolean list_event(const TriggerEventRecord *event, gpointer data) {
    Listing *listing = data;
    json_begin_object(listing->builder, NULL);
    add_event_members(listing->builder, event);
    json_end_object(listing->builder);
    return TRUE;
}

static void close_event(Listing *listing) {
    if (listing->open_event == 0)
        return;
    json_end_array(listing->builder);
    json_end_object(listing->builder);
    listing->open_event = 0;
}

/* Decisions of one event lie together. */
static gboolean list_by_event(const TriggerDecisionRecord *decision, gpointer data) {
    Listing *listing = data;
    if (!api_may(listing->call, MAY_READ, "application", decision->application))
        return TRUE;
    if (listing->open_event != decision->event_number) {
        close_event(listing);
        listing->open_event = decision->event_number;
        json_begin_object(listing->builder, NULL);
        json_add_string(listing->builder, "id", decision->event_id);
        json_add_string(listing->builder, "type", decision->event_type);
        json_add_string(listing->builder, "source", decision->event_source);
        json_add_int(listing->builder, "createdTime", decision->event_created_ms);
        json_begin_array(listing->builder, "decisions");
    }
    add_decision(listing->builder, decision);
    return TRUE;
}

static gboolean add_decisions_by_event(ApiCall *call, JsonBuilder *builder, const char *key, const char *pipeline_id,
                                       const char *application, const char *execution_id, guint limit, GError **error) {
    Listing listing = {call, builder, 0};
    json_begin_array(builder, key);
    gboolean fine = store_trigger_decisions_list(call->services->store, pipeline_id, application, execution_id, limit, list_by_event,
                                                 &listing, error);
    close_event(&listing);
    json_end_array(builder);
    return fine;
}

typedef struct {
    char *application, *pipeline;
    gint64 limit;
} EventsQuery;
static const Param events_query[] = {
    {.name = "application", .type = PARAM_STRING, .offset = offsetof(EventsQuery, application), .help = "Only what was decided about it."},
    {.name = "pipeline", .type = PARAM_STRING, .offset = offsetof(EventsQuery, pipeline), .help = "Id of a pipeline: only that one."},
    {.name = "limit",
     .type = PARAM_INT,
     .offset = offsetof(EventsQuery, limit),
     .otherwise = G_STRINGIFY(EVENTS_SHOWN),
     .min = 1,
     .max = TRIGGER_EVENTS_LIST_MAX,
     .help = "How many events, or decisions about a pipeline or application, at most."},
    {0},
};

static Json *events_get(ApiCall *call, GError **error) {
    const EventsQuery *query = call->query;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    if (query->application != NULL || query->pipeline != NULL) {
        g_autofree char *application = query->application != NULL ? g_utf8_strdown(query->application, -1) : NULL;
        return add_decisions_by_event(call, builder, NULL, query->pipeline, application, NULL, (guint)query->limit, error)
                   ? json_builder_end(builder)
                   : NULL;
    }
    Listing listing = {call, builder, 0};
    json_begin_array(builder, NULL);
    if (!store_trigger_events_list(call->services->store, 0, (guint)query->limit, list_event, &listing, error))
        return NULL;
    json_end_array(builder);
    return json_builder_end(builder);
}

/* ---- one event ---- */
typedef struct {
    Listing listing;
    gint64 number;
} OneEvent;

static gboolean show_event(const TriggerEventRecord *event, gpointer data) {
    OneEvent *one = data;
    g_autoptr(Json) body = event->body != NULL ? json_parse(event->body, -1, NULL) : NULL;
    static const char *const HIDDEN[] = {"rawContent", NULL};
    static const char *const HEADERS[] = {"requestHeaders", NULL};
    g_autoptr(Json) without_raw = body != NULL ? json_without(json_root(body), HIDDEN) : NULL;
    const JsonValue *details = json_get(json_root(without_raw), "details");
    g_autoptr(Json) bare = json_is_object(details) ? json_without(details, HEADERS) : NULL;
    g_autoptr(Json) shown = bare != NULL ? json_with(json_root(without_raw), "details", json_root(bare)) : json_ref(without_raw);
    add_event_members(one->listing.builder, event);
    json_add_value(one->listing.builder, "event", json_root(shown));
    one->number = event->number;
    return FALSE;
}

static gboolean list_decision(const TriggerDecisionRecord *decision, gpointer data) {
    OneEvent *one = data;
    if (api_may(one->listing.call, MAY_READ, "application", decision->application))
        add_decision(one->listing.builder, decision);
    return TRUE;
}

static Json *event_get(ApiCall *call, GError **error) {
    Store *store = call->services->store;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    OneEvent one = {.listing = {call, builder, 0}};
    json_begin_object(builder, NULL);
    if (!store_trigger_event_load(store, api_path(call, "eventId"), NULL, show_event, &one, error))
        return NULL;
    json_begin_array(builder, "decisions");
    if (!store_trigger_decisions_of_event(store, one.number, list_decision, &one, error))
        return NULL;
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

/* ---- one pipeline ---- */
typedef struct {
    JsonBuilder *builder;
    Cron *cron;
    GHashTable *due; /* cron expressions of the pipeline to when they are due next */
} TriggerList;

static gboolean note_due(const CronTrigger *trigger, const Quartz *quartz, gint64 next_ms, gpointer data) {
    (void)quartz;
    g_hash_table_insert(data, g_strdup(trigger->expression), g_memdup2(&next_ms, sizeof next_ms));
    return TRUE;
}

/* Why nothing can start the pipeline by this trigger; caller frees. */
static char *problem_of(const TriggerList *list, const TriggerView *view) {
    if (view->problem != NULL || g_strcmp0(json_get_string(view->trigger, "type"), "cron") != 0)
        return g_strdup(view->problem);
    return cron_problem(list->cron, json_get_string(view->trigger, "cronExpression"), view->id);
}

static gboolean list_trigger(const TriggerView *view, gpointer data) {
    static const char *const SECRETS[] = {"secret", "id", NULL};
    const TriggerList *list = data;
    JsonBuilder *builder = list->builder;
    const char *expression = json_get_string(view->trigger, "cronExpression");
    const gint64 *due = expression != NULL ? g_hash_table_lookup(list->due, expression) : NULL;
    g_autoptr(Json) shown = json_without(view->trigger, SECRETS);
    g_autofree char *problem = problem_of(list, view);
    json_begin_object(builder, NULL);
    json_add_int(builder, "index", view->index);
    json_add_string(builder, "id", view->id);
    json_add_bool(builder, "active", view->enabled && !view->pipeline_disabled && problem == NULL);
    json_add_string(builder, "problem", problem);
    json_add_json(builder, "trigger", shown);
    if (due != NULL) {
        json_begin_array(builder, "nextFires");
        json_add_int(builder, NULL, *due);
        json_end_array(builder);
    }
    json_end_object(builder);
    return TRUE;
}

static Json *pipeline_get(ApiCall *call, GError **error) {
    const char *id = api_path(call, "id");
    g_autoptr(Json) pipeline = pipeline_load(call->services->store, PIPELINE_KIND, id, error);
    if (pipeline == NULL)
        return NULL;
    const char *application = json_get_string(json_root(pipeline), "application");
    if (!api_may(call, MAY_READ, "application", application)) {
        error_set(error, ERR_NOT_FOUND, "no pipeline %s", id);
        return NULL;
    }
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", id);
    json_add_string(builder, "name", json_get_string(json_root(pipeline), "name"));
    json_add_string(builder, "application", application);
    json_add_bool(builder, "disabled", json_is_true(json_get(json_root(pipeline), "disabled")));
    g_autoptr(GHashTable) due = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    cron_each(call->services->cron, id, note_due, due);
    g_autofree char *problem = triggers_pipeline_problem(call->services->triggers, id);
    json_add_string(builder, "problem", problem);
    json_begin_array(builder, "triggers");
    triggers_each(call->services->triggers, NULL, id, list_trigger, &(TriggerList){builder, call->services->cron, due});
    json_end_array(builder);
    if (!add_decisions_by_event(call, builder, "events", id, NULL, NULL, EVENTS_SHOWN, error))
        return NULL;
    json_end_object(builder);
    return json_builder_end(builder);
}

/* ---- one execution ---- */
static Json *execution_get(ApiCall *call, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    return add_decisions_by_event(call, builder, NULL, NULL, NULL, call->execution->id, EVENTS_SHOWN, error) ? json_builder_end(builder)
                                                                                                             : NULL;
}

static Json *quiet_period_get(ApiCall *call, GError **error) {
    (void)error;
    return triggers_quiet_period(call->services->triggers, call->now_ms);
}

static const Route routes[] = {
    {.method = "GET",
     .path = "/triggers/events",
     .handler = events_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .query = events_query,
     .query_size = sizeof(EventsQuery),
     .help = "Events that may start pipelines, newest first; of an application or pipeline: with the decisions about it."},
    {.method = "GET",
     .path = "/triggers/events/{eventId}",
     .handler = event_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "An event, and for each pipeline that it might have started why it did or did not: {reason, message, executionId}."},
    {.method = "GET",
     .path = "/triggers/pipelines/{id}",
     .handler = pipeline_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "The triggers of a pipeline, with the problem of those that nothing can set off, and the newest events that considered it."},
    {.method = "GET",
     .path = "/triggers/executions/{id}",
     .handler = execution_get,
     .needs = NEEDS(ON_EXECUTION, ACCESS_READ),
     .help = "Events that started the execution; empty when somebody started it himself."},
    {.method = "GET",
     .path = "/capabilities/quietPeriod",
     .handler = quiet_period_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "Whether automatic triggers are held back now: {enabled, inQuietPeriod, startTime, endTime}."},
    {0},
};
const RouteTable trigger_routes = {"Triggers", routes};
