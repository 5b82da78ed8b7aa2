/* Starting a pipeline for an event (triggers.md 1.3 steps 9 and 10, 1.6 to 1.9). The execution's id is made from the event's, so that
 * the same start again gives the same execution. On the caller's thread, which waits for the commit. */
#include "base/clock.h"
#include "base/ids.h"
#include "base/log.h"
#include "expr/expr.h"
#include "triggers/internal.h"
#include <string.h>

#define ANONYMOUS "anonymous"

/* ---- reasons not to ---- */
static gboolean is_suppressed(const TriggerSettings *settings, const char *type) {
    for (gsize i = 0; settings->suppressed != NULL && settings->suppressed[i] != NULL; i++)
        if (g_ascii_strcasecmp(settings->suppressed[i], type) == 0)
            return TRUE;
    return FALSE;
}

static gboolean may_start(Triggers *triggers, const TriggerStart *start, TriggerDecision *why) {
    g_autoptr(TriggerSettings) settings = triggers_settings(triggers);
    const char *type = json_get_string(start->trigger, "type");
    if (!settings->starts_enabled) {
        decision_set(why, DECISION_STARTS_DISABLED, "Starts by events are switched off in the configuration (orca.enabled: false).");
        return FALSE;
    }
    if (!json_is_true(json_get(start->pipeline, "respectQuietPeriod")) || !trigger_settings_are_quiet(settings, triggers_now(triggers)) ||
        type == NULL || !is_suppressed(settings, type))
        return TRUE;
    g_autofree char *end = clock_iso8601(settings->quiet_end_ms);
    decision_set(why, DECISION_QUIET_PERIOD,
                 "There is a quiet period until %s: the pipeline respects it, and triggers of type %s are suppressed in it.", end, type);
    return FALSE;
}

/* ---- the submission ---- */
static const JsonValue *pipeline_lookup(const char *name, gpointer data) {
    return json_get(data, name);
}

/* Expressions in expectedArtifacts are evaluated against the pipeline; what cannot be evaluated stays. */
static Json *with_expected(const JsonValue *pipeline, gint64 now_ms) {
    const JsonValue *expected = json_get(pipeline, "expectedArtifacts");
    if (json_length(expected) == 0)
        return json_copy(pipeline);
    ExprOptions options = {.lookup = pipeline_lookup, .data = (gpointer)pipeline, .now_ms = now_ms};
    ExprProcessed processed;
    expr_process(expected, &options, &processed);
    Json *changed = json_with(pipeline, "expectedArtifacts", json_root(processed.value));
    expr_processed_clear(&processed);
    return changed;
}

static char *execution_id_of(const TriggerStart *start, gint64 now_ms) {
    const char *given = json_get_string(start->trigger, "executionId");
    if (given != NULL)
        return g_strdup(given);
    const char *pipeline_id = json_get_string(start->pipeline, "id");
    g_autofree char *ordinal = g_strdup_printf("%u", start->ordinal);
    g_autofree char *digits = id_from_parts("start", start->event_id, pipeline_id != NULL ? pipeline_id : "", ordinal, NULL);
    return id_ulid_from(now_ms, digits);
}

static Json *submission(const TriggerStart *start, const char *id, gboolean as_stored, gint64 now_ms) {
    g_autoptr(Json) own = json_pack("{s:v, s:v, s:s}", "trigger", start->trigger, "receivedArtifacts", start->artifacts, "executionId", id);
    g_autoptr(Json) whole = json_merge(start->pipeline, json_root(own));
    return as_stored ? json_ref(whole) : with_expected(json_root(whole), now_ms);
}

/* ---- what came of it ---- */
static gboolean exists(Triggers *triggers, const char *id) {
    g_autoptr(Execution) execution = engine_load(triggers->engine, id, NULL);
    return execution != NULL;
}

static void decide_started(TriggerDecision *into, const char *id, const char *wanted) {
    into->execution_id = g_strdup(id);
    if (strcmp(id, wanted) == 0)
        decision_set(into, DECISION_STARTED, "Execution %s was started.", id);
    else
        decision_set(into, DECISION_STARTED, "Execution %s, started before with the same correlation id, is still running.", id);
}

static gboolean decide_failed(Triggers *triggers, const char *wanted, const char *failed_id, const GError *failure, TriggerDecision *into,
                              GError **error) {
    ErrorCode code = error_code(failure);
    if (code == ERR_UNAVAILABLE || code == ERR_TIMEOUT) {
        g_propagate_error(error, g_error_copy(failure));
        return FALSE;
    }
    if (failed_id != NULL) {
        into->execution_id = g_strdup(failed_id);
        decision_set(into, DECISION_FAILED_AT_START, "Execution %s was recorded as failed at its start: %s", failed_id, failure->message);
    } else if (code == ERR_CONFLICT && exists(triggers, wanted)) {
        decide_started(into, wanted, wanted);
    } else {
        decision_set(into, DECISION_REFUSED, "It could not be started: %s", failure->message);
    }
    return TRUE;
}

gboolean start_pipeline(Triggers *triggers, const TriggerStart *start, gboolean as_stored, TriggerDecision *into, GError **error) {
    if (!may_start(triggers, start, into))
        return TRUE;
    g_autofree char *run_as = g_strdup(triggers->may_execute != NULL ? start->run_as : NULL);
    const char *user = run_as != NULL && *g_strstrip(run_as) != '\0' ? run_as : ANONYMOUS;
    Principal principal = {.user = user, .roles = (const char *const[]){NULL}, .anonymous = strcmp(user, ANONYMOUS) == 0};
    gint64 now_ms = triggers_now(triggers);
    g_autofree char *wanted = execution_id_of(start, start->event_ms > 0 ? start->event_ms : now_ms);
    g_autoptr(Json) pipeline = submission(start, wanted, as_stored, now_ms);
    g_autofree char *failed_id = NULL;
    g_autoptr(GError) failure = NULL;
    /* Not recorded as an execution, whose end would be the next event. */
    if (!engine_family_has_room(triggers->engine, json_string(json_dig(json_root(pipeline), "trigger", "parentExecution", "rootId", NULL)),
                                &failure)) {
        decision_set(into, DECISION_REFUSED, "It could not be started: %s", failure->message);
        return TRUE;
    }
    LOG_FIELD("application", json_get_string(start->pipeline, "application"));
    g_autofree char *id = engine_start_pipeline(triggers->engine, json_root(pipeline), start->pipeline, &principal, &failed_id, &failure);
    if (id == NULL)
        return decide_failed(triggers, wanted, failed_id, failure, into, error);
    decide_started(into, id, wanted);
    return TRUE;
}

gboolean triggers_start_pipeline(Triggers *triggers, const TriggerStart *start, TriggerDecision *into, GError **error) {
    *into = (TriggerDecision){0};
    return start_pipeline(triggers, start, TRUE, into, error);
}
