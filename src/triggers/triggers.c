/* The room as others see it: life, posting events, recording decisions, reading triggers. Any thread; what is done for events runs on
 * the engine's I/O workers. */
#include "triggers/triggers.h"
#include "base/ids.h"
#include "base/log.h"
#include "net/rate_limit.h"
#include "stages/metadata/pipelines.h"
#include "templates/stored.h"
#include "triggers/internal.h"
#include <string.h>

#define RECEIVED "RECEIVED"

TriggerSettings *triggers_settings(Triggers *triggers) {
    g_mutex_lock(&triggers->lock);
    TriggerSettings *settings = trigger_settings_ref(triggers->settings);
    g_mutex_unlock(&triggers->lock);
    return settings;
}

gint64 triggers_now(const Triggers *triggers) {
    return triggers->runtime->now_ms(triggers->runtime);
}

/* ---- work ---- */
gboolean triggers_run(Triggers *triggers, RuntimeWork work, gpointer data) {
    g_mutex_lock(&triggers->lock);
    gboolean runs = triggers->started && !triggers->stopping;
    if (runs)
        triggers->jobs++;
    g_mutex_unlock(&triggers->lock);
    if (runs)
        triggers->runtime->run(triggers->runtime, LANE_IO, TRIGGERS_LANE, work, data);
    return runs;
}

gboolean triggers_are_stopping(Triggers *triggers) {
    g_mutex_lock(&triggers->lock);
    gboolean stopping = triggers->stopping;
    g_mutex_unlock(&triggers->lock);
    return stopping;
}

void triggers_job_ended(Triggers *triggers) {
    g_mutex_lock(&triggers->lock);
    triggers->jobs--;
    g_cond_broadcast(&triggers->rest);
    g_mutex_unlock(&triggers->lock);
}

/* ---- changes in the store: on the committer's thread ---- */
static gboolean tell_watchers(gpointer data) {
    Triggers *triggers = data;
    g_mutex_lock(&triggers->lock);
    triggers->telling = FALSE;
    g_mutex_unlock(&triggers->lock);
    trigger_index_refresh(triggers->index);
    g_autoptr(GPtrArray) ids = trigger_index_take_refreshed(triggers->index);
    for (guint i = 0; i < ids->len; i++)
        for (guint w = 0; w < triggers->n_watchers; w++)
            triggers->watchers[w].changed(ids->pdata[i], triggers->watchers[w].data);
    triggers_job_ended(triggers);
    return TRUE;
}

static void on_change(const StoreChangeEvent *event, gpointer data) {
    Triggers *triggers = data;
    const StoreChange *change = &event->change;
    gboolean is_pipeline = strcmp(change->kind, PIPELINE_KIND) == 0;
    if (is_pipeline || strcmp(change->kind, TEMPLATE_KIND) == 0) {
        if (is_pipeline)
            trigger_index_invalidate(triggers->index, change->id);
        else
            trigger_index_invalidate_templated(triggers->index);
        g_mutex_lock(&triggers->lock);
        gboolean first = !triggers->telling && triggers->n_watchers > 0 && triggers->started && !triggers->stopping;
        triggers->telling |= first;
        g_mutex_unlock(&triggers->lock);
        if (first)
            triggers_run(triggers, tell_watchers, triggers);
    } else if (strcmp(change->kind, EVENT_KIND) == 0 && g_strcmp0(change->status, RECEIVED) == 0) {
        pump_kick(triggers);
    }
}

void triggers_watch(Triggers *triggers, TriggersChanged changed, gpointer data) {
    g_assert(triggers->n_watchers < TRIGGER_WATCHERS_MAX && !triggers->started);
    triggers->watchers[triggers->n_watchers].changed = changed;
    triggers->watchers[triggers->n_watchers++].data = data;
}

/* ---- life ---- */
Triggers *triggers_new(const TriggersOptions *options, GError **error) {
    TriggerSettings *settings = trigger_settings_new(options->config, error);
    if (settings == NULL)
        return NULL;
    Triggers *triggers = g_new0(Triggers, 1);
    triggers->store = options->store;
    triggers->engine = options->engine;
    triggers->services = options->services;
    triggers->runtime = engine_runtime(options->engine);
    triggers->may_execute = options->may_execute;
    triggers->data = options->data;
    triggers->settings = settings;
    g_mutex_init(&triggers->lock);
    g_cond_init(&triggers->rest);
    triggers->events = g_hash_table_new(NULL, NULL);
    triggers->rates = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)rate_limit_free);
    triggers->index = trigger_index_new(options->store, error);
    if (triggers->index != NULL)
        triggers->listener = store_listen(options->store, on_change, triggers);
    else
        g_clear_pointer(&triggers, triggers_free);
    return triggers;
}

void triggers_start(Triggers *triggers) {
    g_mutex_lock(&triggers->lock);
    triggers->started = TRUE;
    g_mutex_unlock(&triggers->lock);
    pump_kick(triggers);
}

void triggers_look(Triggers *triggers) {
    pump_kick(triggers);
}

void triggers_stop(Triggers *triggers, gint64 grace_ms) {
    gint64 until = g_get_monotonic_time() + grace_ms * G_TIME_SPAN_MILLISECOND;
    g_mutex_lock(&triggers->lock);
    triggers->stopping = TRUE;
    while (triggers->jobs > 0 && g_cond_wait_until(&triggers->rest, &triggers->lock, until))
        continue;
    if (triggers->jobs > 0)
        log_warning("triggers", "%u pieces of work on events do not end; they are done again after the next start", triggers->jobs);
    g_mutex_unlock(&triggers->lock);
}

void triggers_free(Triggers *triggers) {
    if (triggers == NULL || triggers->jobs > 0) /* what still runs uses it to the end of the process */
        return;
    if (triggers->listener != 0)
        store_unlisten(triggers->store, triggers->listener);
    g_autoptr(GList) waiting = g_hash_table_get_keys(triggers->events);
    for (GList *each = waiting; each != NULL; each = each->next)
        event_run_drop(each->data);
    g_hash_table_unref(triggers->events);
    g_hash_table_unref(triggers->rates);
    trigger_index_free(triggers->index);
    trigger_settings_unref(triggers->settings);
    g_cond_clear(&triggers->rest);
    g_mutex_clear(&triggers->lock);
    g_free(triggers);
}

gboolean triggers_reload(Triggers *triggers, Config *config, GError **error) {
    TriggerSettings *fresh = trigger_settings_new(config, error);
    if (fresh == NULL)
        return FALSE;
    g_mutex_lock(&triggers->lock);
    TriggerSettings *old = triggers->settings;
    triggers->settings = fresh;
    g_mutex_unlock(&triggers->lock);
    trigger_settings_unref(old);
    return TRUE;
}

/* ---- posting ---- */
static void add_change(StoreUnit *unit, const Event *event, const char *status) {
    g_autoptr(Json) detail = json_pack("{s:s, s:s}", "type", event->type, "source", event->source);
    g_autofree char *text = json_write(json_root(detail), NULL);
    store_unit_change(unit, &(StoreChange){.kind = EVENT_KIND, .id = event->id, .status = status, .version = 1, .detail = text});
}

static void add_event(StoreUnit *unit, const Event *event, gboolean required) {
    g_autofree char *text = json_write(json_root(event->envelope), NULL);
    TriggerEventRecord record = {.id = event->id,
                                 .type = event->type,
                                 .source = event->source,
                                 .delivery = event->delivery,
                                 .created_ms = event->created_ms,
                                 .body = text};
    store_trigger_event_add(unit, &record, required);
    add_change(unit, event, RECEIVED);
}

typedef struct {
    char *id, *body; /* body NULL: not kept any more */
} First;

static void first_clear(First *first) {
    g_free(first->id);
    g_free(first->body);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(First, first_clear)

static gboolean keep_first(const TriggerEventRecord *record, gpointer data) {
    *(First *)data = (First){g_strdup(record->id), g_strdup(record->body)};
    return FALSE;
}

/* A sender that names its deliveries says the same again, or the second would be lost without a word. */
static gboolean is_same_event(const First *first, const Event *event, GError **error) {
    g_autoptr(Json) envelope = first->body != NULL ? json_parse_stored(first->body, NULL) : NULL;
    const JsonValue *before = json_get(json_root(envelope), "payload"), *now = json_get(json_root(event->envelope), "payload");
    if (before == NULL || now == NULL || json_equal(before, now))
        return TRUE;
    error_set(error, ERR_CONFLICT,
              "event %s was sent with the same Idempotency-Key or delivery id and another body; another event has an id of its own",
              first->id);
    return FALSE;
}

/* It is there already: by its id, or by its delivery. */
static char *repeat(Triggers *triggers, const Event *event, GError **error) {
    g_auto(First) first = {NULL, NULL};
    if (!store_trigger_event_load(triggers->store, event->id, NULL, keep_first, &first, NULL) &&
        !store_trigger_event_load(triggers->store, NULL, event->delivery != NULL ? event->delivery : "", keep_first, &first, error))
        return NULL;
    if (!is_same_event(&first, event, error))
        return NULL;
    char *id = first.id;
    g_autoptr(Json) envelope = json_with_string(json_root(event->envelope), "eventId", id);
    g_autofree char *text = json_write(json_root(envelope), NULL);
    StoreUnit *unit = store_unit_new();
    store_trigger_event_repeat(unit, id, text);
    add_change(unit, &(Event){.id = id, .type = event->type, .source = event->source}, RECEIVED);
    return store_commit(triggers->store, unit, error) ? g_strdup(id) : NULL;
}

static gboolean has_room(Triggers *triggers, const TriggerEvent *event, GError **error) {
    if (store_is_behind(triggers->store))
        error_set(error, ERR_UNAVAILABLE, "The store is more than a second behind with its work; the event was not taken, send it again");
    else if (!store_has_room(triggers->store))
        error_set(error, ERR_UNAVAILABLE, "The disk of the store is almost full; no event is taken until there is room again");
    else if (!json_is_object(event->envelope))
        error_set(error, ERR_INVALID, "An event is a JSON object with details and content");
    else
        return TRUE;
    return FALSE;
}

char *triggers_post_event(Triggers *triggers, const TriggerEvent *given, gboolean *repeated, GError **error) {
    if (repeated != NULL)
        *repeated = FALSE;
    g_autoptr(Event) event = has_room(triggers, given, error) ? event_new(given, triggers_now(triggers), error) : NULL;
    if (event == NULL)
        return NULL;
    StoreUnit *unit = store_unit_new();
    add_event(unit, event, TRUE);
    g_autoptr(GError) failure = NULL;
    if (store_commit(triggers->store, unit, &failure))
        return g_strdup(event->id);
    if (error_code(failure) != ERR_CONFLICT) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    if (repeated != NULL)
        *repeated = TRUE;
    return repeat(triggers, event, error);
}

void triggers_execution_ended(Triggers *triggers, StoreUnit *unit, const Execution *execution) {
    if (execution->type != EXECUTION_PIPELINE || execution->config_id == NULL)
        return;
    g_autoptr(Json)
        narrow = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i}", "id", execution->id, "application", execution->application, "name",
                           execution->name, "pipelineConfigId", execution->config_id, "status", status_info(execution->status)->name,
                           "startTime", execution->start_ms, "endTime", execution->end_ms);
    g_autoptr(Json) envelope = json_pack("{s:{s:s, s:s, s:s}, s:{s:j}}", "details", "type", EVENT_EXECUTION_ENDED, "source", "gennaker",
                                         "application", execution->application, "content", "execution", narrow);
    g_autofree char *id = g_strdup_printf("ended-%s-%" G_GINT64_FORMAT, execution->id, execution->version + 1);
    TriggerEvent given = {.id = id, .envelope = json_root(envelope)};
    g_autoptr(Event) event = event_new(&given, triggers_now(triggers), NULL);
    g_autofree char *key = event != NULL ? trigger_key_of_event(&trigger_pipeline, event) : NULL;
    if (key != NULL && trigger_index_has(triggers->index, key))
        add_event(unit, event, FALSE);
}

/* ---- decisions of others ---- */
gboolean triggers_record(Triggers *triggers, const TriggerEvent *given, const TriggerDecisionRecord *decisions, gsize n, GError **error) {
    g_autoptr(Event) event = event_new(given, triggers_now(triggers), error);
    if (event == NULL)
        return FALSE;
    gint64 started = 0;
    for (gsize i = 0; i < n; i++)
        started += decisions[i].execution_id != NULL;
    g_autofree char *kept = event_text_to_keep(event);
    TriggerEventRecord record = {.id = event->id,
                                 .type = event->type,
                                 .source = event->source,
                                 .delivery = event->delivery,
                                 .created_ms = event->created_ms,
                                 .handled_ms = triggers_now(triggers),
                                 .considered = (gint64)n,
                                 .started = started,
                                 .body = kept};
    StoreUnit *unit = store_unit_new();
    store_trigger_event_add_closed(unit, &record, decisions, MIN(n, TRIGGER_DECISIONS_MAX));
    add_change(unit, event, EVENT_HANDLED);
    return store_commit(triggers->store, unit, error);
}

/* ---- reading ---- */
static gboolean view_trigger(const IndexedPipeline *pipeline, const IndexedTrigger *trigger, TriggerEach each, gpointer data) {
    g_autofree char *problem = trigger_problem(trigger->handler, json_root(trigger->trigger));
    TriggerView view = {.pipeline_id = pipeline->id,
                        .pipeline_name = pipeline->name,
                        .application = pipeline->application,
                        .pipeline_disabled = pipeline->disabled,
                        .enabled = trigger->enabled,
                        .index = trigger->index,
                        .id = trigger->id,
                        .trigger = json_root(trigger->trigger),
                        .problem = problem};
    return each(&view, data);
}

static gboolean view_of_type(const IndexedPipeline *pipeline, const char *type, TriggerEach each, gpointer data) {
    for (guint t = 0; t < pipeline->triggers->len; t++) {
        const IndexedTrigger *trigger = &g_array_index(pipeline->triggers, IndexedTrigger, t);
        if (g_strcmp0(json_get_string(json_root(trigger->trigger), "type"), type) == 0 && !view_trigger(pipeline, trigger, each, data))
            return FALSE;
    }
    return TRUE;
}

/* In the order of the pipeline, which both arrays keep. */
static gboolean view_all(const IndexedPipeline *pipeline, TriggerEach each, gpointer data) {
    const GArray *known = pipeline->triggers, *others = pipeline->others;
    guint k = 0, o = 0;
    while (k < known->len || o < others->len) {
        const IndexedTrigger *one = k < known->len ? &g_array_index(known, IndexedTrigger, k) : NULL;
        const IndexedTrigger *other = o < others->len ? &g_array_index(others, IndexedTrigger, o) : NULL;
        gboolean take_known = other == NULL || (one != NULL && one->index < other->index);
        guint *place = take_known ? &k : &o;
        if (!view_trigger(pipeline, take_known ? one : other, each, data))
            return FALSE;
        ++*place;
    }
    return TRUE;
}

void triggers_each(Triggers *triggers, const char *type, const char *pipeline_id, TriggerEach each, gpointer data) {
    g_autoptr(GPtrArray) pipelines = g_ptr_array_new_with_free_func((GDestroyNotify)indexed_pipeline_unref);
    IndexedPipeline *one = pipeline_id != NULL ? trigger_index_pipeline(triggers->index, pipeline_id) : NULL;
    if (one != NULL)
        g_ptr_array_add(pipelines, one);
    g_autoptr(GPtrArray) all = pipeline_id == NULL ? trigger_index_of_type(triggers->index, type) : NULL;
    const GPtrArray *list = all != NULL ? all : pipelines;
    for (guint p = 0; p < list->len; p++) {
        const IndexedPipeline *pipeline = list->pdata[p];
        if (!(type != NULL ? view_of_type(pipeline, type, each, data) : view_all(pipeline, each, data)))
            return;
    }
}

char *triggers_pipeline_problem(Triggers *triggers, const char *pipeline_id) {
    IndexedPipeline *pipeline = trigger_index_pipeline(triggers->index, pipeline_id);
    char *problem = pipeline != NULL ? g_strdup(pipeline->problem) : NULL;
    indexed_pipeline_unref(pipeline);
    return problem;
}

Json *triggers_quiet_period(Triggers *triggers, gint64 now_ms) {
    g_autoptr(TriggerSettings) settings = triggers_settings(triggers);
    return json_pack("{s:b, s:b, s:i, s:i}", "enabled", settings->quiet_enabled, "inQuietPeriod",
                     trigger_settings_are_quiet(settings, now_ms), "startTime", MAX(settings->quiet_start_ms, 0), "endTime",
                     MAX(settings->quiet_end_ms, 0));
}
