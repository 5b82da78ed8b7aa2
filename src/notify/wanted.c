/* Notifications that a change asks for. Pure but for WantedContext.merge. */
#include "notify/wanted.h"
#include "engine/expressions.h"
#include "engine/graph.h"
#include "notify/events.h"
#include "notify/notification.h"
#include "notify/send.h"
#include <string.h>

#define JUDGMENT_TYPE "manualJudgment"
#define REMEMBERED "lastNotifiedByNotificationState"

typedef struct {
    const Execution *execution;
    const WantedContext *context;
    gint64 now_ms;
    GPtrArray *wanted; /* of Json */
} Asking;

static char *next_key(const Asking *asking) {
    return g_strdup_printf("%s-%" G_GINT64_FORMAT "-n%u", asking->execution->id, asking->execution->version + 1, asking->wanted->len);
}

gboolean wanted_matches(const JsonValue *entry, const char *event) {
    const JsonValue *when = json_get(entry, "when");
    if (json_is_string(when))
        return strstr(json_string(when), event) != NULL;
    for (JsonIter i = json_iter(json_is_array(when) ? when : NULL); json_next(&i);)
        if (g_strcmp0(json_string(i.value), event) == 0)
            return TRUE;
    return FALSE;
}

/* With its expressions evaluated; those that fail, or would read from elsewhere, stay. An execution's own entries see its parameters by name, as
 * those of its stages do. Caller owns. */
static Json *evaluated(const Asking *asking, const Stage *stage, const JsonValue *list) {
    g_autofree char *text = asking->context->settings != NULL ? json_write(list, NULL) : NULL;
    if (text == NULL || strstr(text, "${") == NULL)
        return json_copy(list);
    const JsonValue *parameters = json_get(json_root(asking->execution->trigger), "parameters");
    g_autoptr(Json) names = json_pack("{s:v}", "parameters", parameters);
    Json *values = expressions_evaluate(asking->execution, stage, list, stage == NULL && parameters != NULL ? json_root(names) : NULL,
                                        asking->context->settings, FALSE, asking->now_ms, NULL);
    return values != NULL ? values : json_copy(list);
}

static void add_entries(Asking *asking, const JsonValue *list, const Stage *stage, const char *level, const char *status) {
    g_autofree char *event = g_strdup_printf("%s.%s", level, status);
    for (JsonIter i = json_iter(json_is_array(list) ? list : NULL); json_next(&i);) {
        if (!json_is_object(i.value) || !wanted_matches(i.value, event))
            continue;
        g_autofree char *key = next_key(asking);
        g_ptr_array_add(asking->wanted, notification_of_event(key, i.value, asking->execution, stage, status, asking->now_ms));
    }
}

/* ---- executions ---- */
static void add_execution(Asking *asking, const char *status, gboolean ends) {
    const Execution *execution = asking->execution;
    gboolean pipeline = execution->type == EXECUTION_PIPELINE;
    const JsonValue *own = json_root(execution->notifications);
    g_autoptr(Json) merged = NULL;
    if (pipeline && ends && asking->context->merge != NULL)
        merged = asking->context->merge(execution->application, own, asking->context->data);
    const JsonValue *all = merged != NULL ? json_root(merged) : own;
    if (json_length(all) == 0)
        return;
    g_autoptr(Json) entries = evaluated(asking, NULL, all);
    add_entries(asking, json_root(entries), NULL, pipeline ? "pipeline" : "orchestration", status);
}

/* ---- judgements: the stage has written down whom it tells ---- */
static const char *remembered(const JsonValue *entry, const char *state, char **text) {
    return *text = json_as_text(json_get(json_get(entry, REMEMBERED), state));
}

static Json *judgement_request(const Asking *asking, const Stage *stage, const JsonValue *entry, const char *state,
                               const NotificationType *type) {
    const Execution *execution = asking->execution;
    const JsonValue *context = json_root(stage->context);
    static const char *const KEPT[] = {"instructions", "judgmentInputs", "judgmentInput", "restrictExecutionDuringTimeWindow"};
    static const char *const OWN[] = {"customSubject", "customBody", "formatter"};
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(Json) told = notification_execution(execution);
    json_begin_object(builder, NULL);
    json_add_string(builder, "notificationType", type->request_name);
    json_add_string(builder, "templateGroup", state);
    json_add_string(builder, "severity", "HIGH");
    json_begin_object(builder, "source");
    json_add_string(builder, "executionType", execution->type == EXECUTION_PIPELINE ? "pipeline" : "orchestration");
    json_add_string(builder, "executionId", execution->id);
    json_add_string(builder, "application", execution->application);
    json_end_object(builder);
    json_begin_object(builder, "additionalContext");
    json_add_string(builder, "stageName", stage->name);
    json_add_string(builder, "stageId", stage->ref_id);
    json_add_json(builder, "execution", told);
    json_add_string(builder, "message", json_get_string(json_get(json_get(entry, "message"), state), "text"));
    json_add_string(builder, "judgedBy", json_get_string(json_root(stage->last_modified), "user"));
    for (gsize i = 0; i < G_N_ELEMENTS(KEPT); i++)
        json_add_value(builder, KEPT[i], json_get(context, KEPT[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(OWN); i++)
        json_add_value(builder, OWN[i], json_get(entry, OWN[i]));
    json_end_object(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

static void add_judgement(Asking *asking, const Stage *stage, const JsonValue *entry, const char *state) {
    const NotificationType *type = notification_type_find(json_get_string(entry, "type"));
    const char *address = json_get_string(entry, "address"), *cc = json_get_string(entry, "cc");
    if (type == NULL || type->request_name == NULL)
        return;
    g_autoptr(Json) request = judgement_request(asking, stage, entry, state, type);
    g_autofree char *key = next_key(asking);
    const char *to_list[] = {address, NULL}, *cc_list[] = {cc, NULL};
    g_ptr_array_add(asking->wanted, notification_of_request(key, type->name, json_root(request), to_list, cc_list, asking->now_ms));
}

static void add_judgements(Asking *asking, const Stage *before, const Stage *stage) {
    static const char *const STATES[] = {"manualJudgment", "manualJudgmentContinue", "manualJudgmentStop"};
    const JsonValue *now = json_get(json_root(stage->context), "notifications");
    const JsonValue *was = before != NULL ? json_get(json_root(before->context), "notifications") : NULL;
    for (JsonIter i = json_iter(json_is_array(now) ? now : NULL); json_next(&i);)
        for (gsize k = 0; k < G_N_ELEMENTS(STATES); k++) {
            g_autofree char *new_text = NULL, *old_text = NULL;
            if (remembered(i.value, STATES[k], &new_text) != NULL &&
                g_strcmp0(new_text, remembered(json_at(was, i.index), STATES[k], &old_text)) != 0)
                add_judgement(asking, stage, i.value, STATES[k]);
        }
}

/* ---- stages ---- */
static void add_stage_phase(Asking *asking, const Stage *stage, const char *status) {
    const JsonValue *list = json_get(json_root(stage->context), "notifications");
    if (!json_get_bool(json_root(stage->context), "sendNotifications", FALSE) || json_length(list) == 0)
        return;
    g_autoptr(Json) entries = evaluated(asking, stage, list);
    add_entries(asking, json_root(entries), stage, "stage", status);
}

static void add_stage(Asking *asking, const Stage *before, const Stage *stage) {
    gboolean started, ended;
    if (stage->owner != OWNER_NONE)
        return;
    events_find_change(before != NULL ? before->status : STATUS_NOT_STARTED, before != NULL ? before->start_ms : 0, stage->status,
                       stage->start_ms, &started, &ended);
    if (started && stage->status != STATUS_SKIPPED && stage->status != STATUS_SUSPENDED)
        add_stage_phase(asking, stage, "starting");
    if (strcmp(stage->type, JUDGMENT_TYPE) == 0)
        add_judgements(asking, before, stage);
    if (ended && stage->status != STATUS_CANCELED)
        add_stage_phase(asking, stage, events_stage_phase(stage->status));
}

GPtrArray *wanted_between(const Execution *before, const Execution *after, const WantedContext *context, gint64 now_ms) {
    Asking asking = {after, context, now_ms, g_ptr_array_new_with_free_func((GDestroyNotify)json_unref)};
    gboolean started, ended;
    if (after->canceled || after->status == STATUS_CANCELED)
        return asking.wanted;
    events_find_change(before != NULL ? before->status : STATUS_NOT_STARTED, before != NULL ? before->start_ms : 0, after->status,
                       after->start_ms, &started, &ended);
    if (started && after->status != STATUS_SUSPENDED)
        add_execution(&asking, "starting", FALSE);
    for (guint i = 0; i < after->stages->len; i++) {
        const Stage *stage = execution_stage_at(after, i);
        const Stage *was = before != NULL ? execution_stage(before, stage->id) : NULL;
        if (stage != was)
            add_stage(&asking, was, stage);
    }
    if (ended)
        add_execution(&asking, status_info(after->status)->success ? "complete" : "failed", TRUE);
    return asking.wanted;
}
