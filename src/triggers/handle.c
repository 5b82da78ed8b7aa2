/* One event from its candidates to its decisions (triggers.md 1.3). An EventRun is one event in work: its candidates are found and
 * matched in one piece of work, then started by up to START_WORKERS_MAX; whoever is last stores the decisions. A start that is not possible
 * at the moment is tried again after a pause. What stops in between stays open in the store. On I/O workers. */
#include "artifacts/match.h"
#include "base/log.h"
#include "stages/artifacts/artifacts.h"
#include "stages/metadata/pipelines.h"
#include "triggers/internal.h"
#include <string.h>

#define START_WORKERS_MAX 8

typedef struct {
    IndexedPipeline *pipeline; /* reference */
    const IndexedTrigger *trigger;
    TriggerDecision decision;
    gboolean starts, decided;
    guint ordinal;
    gint64 decided_ms;
    Json *run_time, *artifacts; /* what it starts with; artifacts or NULL */
} Candidate;

struct EventRun {
    Triggers *triggers;
    Event *event;
    const TriggerHandler *handler;
    TriggerSettings *settings;
    GPtrArray *candidates; /* of Candidate */
    char *note;
    char *kept;      /* of the event; or NULL */
    gint next, left; /* atomic: candidate to start, workers that are not done */
    gint64 attempts;
    guint64 timer; /* 0: none; under triggers->lock */
};

static void candidate_free(gpointer data) {
    Candidate *candidate = data;
    indexed_pipeline_unref(candidate->pipeline);
    trigger_decision_clear(&candidate->decision);
    json_unref(candidate->run_time);
    json_unref(candidate->artifacts);
    g_free(candidate);
}

static void run_free(EventRun *run) {
    event_free(run->event);
    trigger_settings_unref(run->settings);
    g_ptr_array_unref(run->candidates);
    g_free(run->note);
    g_free(run->kept);
    g_free(run);
}

/* ---- matching ---- */
static Json *load_pipeline(const EventRun *run, const Candidate *candidate, GError **error) {
    return pipeline_load(run->triggers->store, PIPELINE_KIND, candidate->pipeline->id, error);
}

static gboolean is_listed(const JsonValue *ids, const char *id) {
    for (JsonIter i = json_iter(ids); json_next(&i);)
        if (id != NULL && g_strcmp0(json_string(i.value), id) == 0)
            return TRUE;
    return FALSE;
}

gboolean trigger_artifacts_match(const JsonValue *trigger, const JsonValue *expected, const JsonValue *received, TriggerDecision *why) {
    const JsonValue *ids = json_get(trigger, "expectedArtifactIds");
    if (json_length(ids) == 0)
        return TRUE;
    for (JsonIter e = json_iter(expected); json_next(&e);) {
        if (!is_listed(ids, json_get_string(e.value, "id")))
            continue;
        for (JsonIter r = json_iter(received); json_next(&r);)
            if (artifact_matches(json_get(e.value, "matchArtifact"), r.value))
                return TRUE;
    }
    g_autofree char *names = constraint_text(ids);
    decision_set(why, DECISION_ARTIFACT,
                 "The event has %" G_GSIZE_FORMAT " artifacts, and none matches an expected artifact of the trigger: %s.",
                 json_length(received), names);
    return FALSE;
}

static gboolean is_permitted(const EventRun *run, const Candidate *candidate, TriggerDecision *why) {
    Triggers *triggers = run->triggers;
    const char *run_as = json_get_string(json_root(candidate->trigger->trigger), "runAsUser");
    g_autofree char *user = g_strstrip(g_strdup(run_as != NULL ? run_as : ""));
    const char *who = *user != '\0' ? user : "anonymous";
    g_autoptr(GError) error = NULL;
    if (triggers->may_execute == NULL || triggers->may_execute(who, candidate->pipeline->application, triggers->data, &error))
        return TRUE;
    decision_set(why, DECISION_NOT_PERMITTED, "%s (runAsUser) may not start pipelines of application %s.", who,
                 candidate->pipeline->application);
    return FALSE;
}

/* Two triggers that are the same start a pipeline once, two different ones twice; those of a parent's end always once. */
static const Candidate *same_as(const EventRun *run, const Candidate *candidate, guint *others) {
    *others = 0;
    for (guint i = run->candidates->len; i-- > 0;) {
        const Candidate *other = run->candidates->pdata[i];
        if (strcmp(other->pipeline->id, candidate->pipeline->id) != 0)
            break;
        if (!other->starts)
            continue;
        ++*others;
        if (run->handler->once || json_equal(json_root(other->run_time), json_root(candidate->run_time)))
            return other;
    }
    return NULL;
}

static void prepare(EventRun *run, Candidate *candidate, const Match *match) {
    candidate->run_time = trigger_build_run_time(run->handler, match, candidate->trigger->id);
    const Candidate *other = same_as(run, candidate, &candidate->ordinal);
    candidate->starts = other == NULL;
    candidate->decided = other != NULL;
    if (other != NULL)
        decision_set(&candidate->decision, DECISION_DUPLICATE, "Trigger %u of the pipeline stands for this one.",
                     other->trigger->index + 1);
}

/* Only what needs the pipeline itself loads it. */
static void consider(EventRun *run, Candidate *candidate) {
    Match match = {.event = run->event, .trigger = json_root(candidate->trigger->trigger), .settings = run->settings};
    g_autoptr(Json) identity = json_pack("{s:s, s:b}", "id", candidate->pipeline->id, "disabled", candidate->pipeline->disabled);
    match.pipeline = json_root(identity);
    candidate->decided = TRUE;
    candidate->decided_ms = triggers_now(run->triggers);
    if (!trigger_matches(run->handler, &match, &candidate->decision) ||
        (!run->handler->own_check && !is_permitted(run, candidate, &candidate->decision)))
        return;
    candidate->artifacts = run->handler->artifacts != NULL ? run->handler->artifacts(&match) : NULL;
    if (!run->handler->own_check && json_length(json_get(match.trigger, "expectedArtifactIds")) > 0) {
        g_autoptr(Json) pipeline = load_pipeline(run, candidate, NULL);
        if (!trigger_artifacts_match(match.trigger, json_get(json_root(pipeline), "expectedArtifacts"), json_root(candidate->artifacts),
                                     &candidate->decision))
            return;
    }
    prepare(run, candidate, &match);
}

static void add_candidates(EventRun *run, IndexedPipeline *pipeline, const char *key) {
    for (guint i = 0; i < pipeline->triggers->len; i++) {
        const IndexedTrigger *trigger = &g_array_index(pipeline->triggers, IndexedTrigger, i);
        if (trigger->handler != run->handler || g_strcmp0(trigger->key, key) != 0)
            continue;
        Candidate *candidate = g_new0(Candidate, 1);
        candidate->pipeline = indexed_pipeline_ref(pipeline);
        candidate->trigger = trigger;
        consider(run, candidate);
        g_ptr_array_add(run->candidates, candidate);
    }
}

/* ---- when nobody waits for it ---- */
#define NEAREST_SHOWN 3

static char *nobody(const EventRun *run) {
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "No pipeline has a trigger of type %s with ", run->handler->trigger_types[0]);
    g_autoptr(GString) given = g_string_new(NULL);
    for (const MatchKey *key = run->handler->keys; key->trigger != NULL; key++) {
        g_autofree char *value = json_as_text(event_at(run->event, key->event));
        g_string_append_printf(text, "%s%s \"%s\"", key == run->handler->keys ? "" : ", ", key->trigger, value != NULL ? value : "");
        g_string_append_printf(given, "%s%s", key == run->handler->keys ? "" : "/", value != NULL ? value : "");
    }
    g_autoptr(GPtrArray) keys = trigger_index_keys(run->triggers->index, run->handler);
    const char *nearest = config_suggest(given->str, keys);
    if (nearest != NULL) {
        g_string_append_printf(text, "; nearest: \"%s\".", nearest);
    } else if (keys->len == 0) {
        g_string_append(text, "; there is no trigger of this type at all.");
    } else {
        g_string_append(text, "; there are: ");
        for (guint i = 0; i < keys->len && i < NEAREST_SHOWN; i++)
            g_string_append_printf(text, "%s\"%s\"", i > 0 ? ", " : "", (const char *)keys->pdata[i]);
        g_string_append(text, keys->len > NEAREST_SHOWN ? " …" : ".");
    }
    return g_string_free(text, FALSE);
}

/* ---- storing ---- */
static int started_first(gconstpointer a, gconstpointer b) {
    const Candidate *left = *(Candidate *const *)a, *right = *(Candidate *const *)b;
    return (left->decision.execution_id == NULL) - (right->decision.execution_id == NULL);
}

static gboolean store_decisions(EventRun *run, GError **error) {
    GPtrArray *candidates = run->candidates;
    g_autoptr(GArray) rows = g_array_new(FALSE, TRUE, sizeof(TriggerDecisionRecord));
    gint64 started = 0;
    g_ptr_array_sort(candidates, started_first);
    for (guint i = 0; i < candidates->len; i++) {
        const Candidate *candidate = candidates->pdata[i];
        const IndexedPipeline *pipeline = candidate->pipeline;
        started += candidate->decision.execution_id != NULL;
        if (rows->len == TRIGGER_DECISIONS_MAX)
            continue;
        TriggerDecisionRecord row = {.pipeline_id = pipeline->id,
                                     .pipeline_name = pipeline->name,
                                     .application = pipeline->application,
                                     .trigger_index = candidate->trigger->index,
                                     .trigger_id = candidate->trigger->id,
                                     .trigger_type = json_get_string(json_root(candidate->trigger->trigger), "type"),
                                     .execution_id = candidate->decision.execution_id,
                                     .decided_ms = candidate->decided_ms,
                                     .reason = decision_reason_name(candidate->decision.reason),
                                     .message = candidate->decision.message};
        g_array_append_val(rows, row);
    }
    TriggerEventRecord record = {.id = run->event->id,
                                 .handled_ms = triggers_now(run->triggers),
                                 .considered = candidates->len,
                                 .started = started,
                                 .left_out = candidates->len - rows->len,
                                 .note = run->note,
                                 .body = run->kept};
    StoreUnit *unit = store_unit_new();
    store_trigger_event_close(unit, &record, (const TriggerDecisionRecord *)(gpointer)rows->data, rows->len);
    g_autoptr(Json) detail = json_pack("{s:s, s:s, s:i, s:i}", "type", run->event->type, "source", run->event->source, "considered",
                                       record.considered, "started", started);
    g_autofree char *text = json_write(json_root(detail), NULL);
    store_unit_change(unit,
                      &(StoreChange){.kind = EVENT_KIND, .id = run->event->id, .status = EVENT_HANDLED, .version = 2, .detail = text});
    return store_commit(run->triggers->store, unit, error);
}

/* ---- the end, or another try ---- */
static void leave(EventRun *run) {
    Triggers *triggers = run->triggers;
    g_mutex_lock(&triggers->lock);
    g_hash_table_remove(triggers->events, run);
    g_mutex_unlock(&triggers->lock);
    run_free(run);
    pump_kick(triggers);
}

static void start_all(EventRun *run);

static gboolean try_again(gpointer data) {
    EventRun *run = data;
    Triggers *triggers = run->triggers;
    start_all(run);
    triggers_job_ended(triggers);
    return TRUE;
}

static void due(gpointer data) {
    EventRun *run = data;
    g_mutex_lock(&run->triggers->lock);
    run->timer = 0;
    g_mutex_unlock(&run->triggers->lock);
    triggers_run(run->triggers, try_again, run); /* else it stops: the run is dropped with the room */
}

static void later(EventRun *run) {
    Triggers *triggers = run->triggers;
    g_mutex_lock(&triggers->lock);
    if (!triggers->stopping)
        run->timer = triggers->runtime->at(triggers->runtime, triggers_now(triggers) + run->settings->retry_ms, due, run);
    g_mutex_unlock(&triggers->lock);
}

static guint undecided(const EventRun *run) {
    guint n = 0;
    for (guint i = 0; i < run->candidates->len; i++)
        n += !((const Candidate *)run->candidates->pdata[i])->decided;
    return n;
}

static void give_up(EventRun *run) {
    for (guint i = 0; i < run->candidates->len; i++) {
        Candidate *candidate = run->candidates->pdata[i];
        candidate->decided_ms = candidate->decided ? candidate->decided_ms : triggers_now(run->triggers);
        candidate->decided = TRUE;
    }
}

static void conclude(EventRun *run) {
    g_autoptr(GError) error = NULL;
    guint open = undecided(run);
    if (open > 0 && ++run->attempts < run->settings->attempts) {
        log_warning("triggers", "event %s: %u pipelines cannot be started at the moment; again in %" G_GINT64_FORMAT " ms", run->event->id,
                    open, run->settings->retry_ms);
        later(run);
        return;
    }
    give_up(run);
    LOG_FIELD("event", run->event->id);
    if (!store_decisions(run, &error) && error_code(error) != ERR_CONFLICT) {
        log_warning("triggers", "the decisions on event %s are not stored yet: %s", run->event->id, error->message);
        later(run);
        return;
    }
    leave(run);
}

/* ---- starting ---- */
static void start_one(EventRun *run, Candidate *candidate) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) pipeline = load_pipeline(run, candidate, &error);
    candidate->decided_ms = triggers_now(run->triggers);
    if (pipeline == NULL) {
        decision_set(&candidate->decision, DECISION_REFUSED, "It could not be started: %s", error->message);
        candidate->decided = TRUE;
        return;
    }
    const JsonValue *received = json_root(candidate->artifacts);
    g_autoptr(Json) trigger = run->handler->complete != NULL
                                  ? run->handler->complete(json_root(candidate->run_time), json_root(pipeline), received)
                                  : json_ref(candidate->run_time);
    TriggerStart start = {.pipeline = json_root(pipeline),
                          .trigger = json_root(trigger),
                          .artifacts = received,
                          .run_as = json_get_string(json_root(candidate->trigger->trigger), "runAsUser"),
                          .event_id = run->event->id,
                          .event_ms = run->event->created_ms,
                          .ordinal = candidate->ordinal};
    candidate->decided = start_pipeline(run->triggers, &start, run->handler->own_check, &candidate->decision, &error);
    if (!candidate->decided)
        decision_set(&candidate->decision, DECISION_UNAVAILABLE, "It could not be started: %s", error->message);
}

static gboolean start_some(gpointer data) {
    EventRun *run = data;
    Triggers *triggers = run->triggers;
    for (;;) {
        guint i = (guint)g_atomic_int_add(&run->next, 1);
        if (i >= run->candidates->len)
            break;
        Candidate *candidate = run->candidates->pdata[i];
        if (!candidate->decided && !triggers_are_stopping(triggers))
            start_one(run, candidate);
    }
    if (g_atomic_int_dec_and_test(&run->left) && !triggers_are_stopping(triggers))
        conclude(run);
    triggers_job_ended(triggers);
    return TRUE;
}

static void start_all(EventRun *run) {
    guint workers = MIN(undecided(run), START_WORKERS_MAX);
    if (workers == 0) {
        conclude(run);
        return;
    }
    g_atomic_int_set(&run->next, 0);
    g_atomic_int_set(&run->left, (gint)workers);
    Triggers *triggers = run->triggers;
    for (guint i = 0; i < workers; i++)
        triggers_run(triggers, start_some, run);
}

/* ---- the event ---- */
/* The execution that ended, whole, as it ended. FALSE: it is gone. */
static gboolean complete_event(EventRun *run) {
    if (run->handler != &trigger_pipeline)
        return TRUE;
    const JsonValue *narrow = json_get(event_content(run->event), "execution");
    g_autoptr(GError) error = NULL;
    g_autoptr(Execution) execution = engine_load(run->triggers->engine, json_get_string(narrow, "id"), &error);
    if (execution == NULL) {
        run->note = g_strdup_printf("The execution that ended cannot be read: %s", error->message);
        return FALSE;
    }
    g_autoptr(Json) whole = execution_to_json(execution, TRUE);
    g_autoptr(Json) ended = json_merge(json_root(whole), narrow);
    g_autoptr(Json) artifacts = execution_artifacts(execution, NULL);
    g_autoptr(Json) own = json_pack("{s:j, s:j}", "execution", ended, "artifacts", artifacts);
    g_autoptr(Json) content = json_merge(event_content(run->event), json_root(own));
    Json *envelope = json_with(json_root(run->event->envelope), "content", json_root(content));
    json_unref(run->event->envelope);
    run->event->envelope = envelope;
    return TRUE;
}

static void find_candidates(EventRun *run) {
    if (run->handler == NULL) {
        run->note = g_strdup_printf("No type of trigger waits for events of type \"%s\".", run->event->type);
        return;
    }
    run->note = run->handler->ignore != NULL ? run->handler->ignore(run->event) : NULL;
    if (run->note != NULL || !complete_event(run))
        return;
    g_autofree char *key = trigger_key_of_event(run->handler, run->event);
    g_autoptr(GPtrArray) pipelines = key != NULL ? trigger_index_find(run->triggers->index, key) : NULL;
    for (guint i = 0; pipelines != NULL && i < pipelines->len; i++)
        add_candidates(run, pipelines->pdata[i], key);
    if (run->candidates->len == 0)
        run->note = nobody(run);
}

static gboolean handle(gpointer data) {
    EventRun *run = data;
    Triggers *triggers = run->triggers;
    find_candidates(run);
    start_all(run);
    triggers_job_ended(triggers);
    return TRUE;
}

void event_run_start(Triggers *triggers, Event *event) {
    EventRun *run = g_new0(EventRun, 1);
    run->triggers = triggers;
    run->event = event;
    run->kept = event_text_to_keep(event);
    run->handler = trigger_handler_of_event(event->type);
    run->settings = triggers_settings(triggers);
    run->candidates = g_ptr_array_new_with_free_func(candidate_free);
    g_mutex_lock(&triggers->lock);
    g_hash_table_add(triggers->events, run);
    g_mutex_unlock(&triggers->lock);
    triggers_run(triggers, handle, run);
}

void event_run_drop(EventRun *run) {
    if (run->timer != 0)
        run->triggers->runtime->forget(run->triggers->runtime, run->timer);
    run_free(run);
}
