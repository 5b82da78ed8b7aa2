/* The schedule of cron triggers: entries by pipeline, and all of them in a tree by their next time. */
#include "triggers/cron_schedule.h"
#include "base/log.h"
#include <string.h>

#define ROOM "triggers"

typedef struct {
    CronTrigger trigger; /* its texts are owned */
    Quartz *quartz;
    gint64 next_ms;
    GSequenceIter *place;
} Entry;

struct CronSchedule {
    GTimeZone *zone;
    GHashTable *pipelines; /* id → GPtrArray of Entry, which owns them */
    GSequence *order;      /* of Entry, by next time */
};

/* ---- entries ---- */
static void entry_free(Entry *entry) {
    if (entry->place != NULL)
        g_sequence_remove(entry->place);
    quartz_free(entry->quartz);
    g_free((char *)entry->trigger.pipeline_id);
    g_free((char *)entry->trigger.pipeline_name);
    g_free((char *)entry->trigger.application);
    g_free((char *)entry->trigger.trigger_id);
    g_free((char *)entry->trigger.expression);
    g_free(entry);
}

static int by_time(gconstpointer a, gconstpointer b, gpointer data) {
    const Entry *one = a, *other = b;
    (void)data;
    if (one->next_ms != other->next_ms)
        return one->next_ms < other->next_ms ? -1 : 1;
    int order = strcmp(one->trigger.pipeline_id, other->trigger.pipeline_id);
    return order != 0 ? order : strcmp(one->trigger.trigger_id, other->trigger.trigger_id);
}

static CronTrigger trigger_copy(const CronTrigger *trigger) {
    return (CronTrigger){
        .pipeline_id = g_strdup(trigger->pipeline_id),
        .pipeline_name = g_strdup(trigger->pipeline_name),
        .application = g_strdup(trigger->application),
        .trigger_id = g_strdup(trigger->trigger_id),
        .expression = g_strdup(trigger->expression),
        .index = trigger->index,
    };
}

static void log_left_out(const CronTrigger *trigger, const char *why) {
    LOG_FIELD("application", trigger->application);
    log_warning(ROOM, "cron trigger %u of pipeline %s (\"%s\") never starts it: %s", trigger->index, trigger->pipeline_name,
                trigger->expression, why);
}

/* NULL: it is never due. */
static Entry *entry_new(CronSchedule *schedule, const CronTrigger *trigger, gint64 next_ms, gint64 from_ms) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Quartz) quartz = quartz_parse(trigger->expression, trigger->trigger_id, &error);
    if (quartz == NULL) {
        log_left_out(trigger, error->message);
        return NULL;
    }
    if (next_ms < 0)
        next_ms = quartz_next(quartz, schedule->zone, from_ms);
    if (next_ms < 0) {
        log_left_out(trigger, "there is no such time any more");
        return NULL;
    }
    Entry *entry = g_new0(Entry, 1);
    entry->trigger = trigger_copy(trigger);
    entry->quartz = g_steal_pointer(&quartz);
    entry->next_ms = next_ms;
    entry->place = g_sequence_insert_sorted(schedule->order, entry, by_time, NULL);
    return entry;
}

static void entry_move(CronSchedule *schedule, Entry *entry, gint64 next_ms) {
    if (entry->place != NULL)
        g_sequence_remove(entry->place);
    entry->next_ms = next_ms;
    entry->place = next_ms >= 0 ? g_sequence_insert_sorted(schedule->order, entry, by_time, NULL) : NULL;
}

/* ---- the schedule ---- */
CronSchedule *cron_schedule_new(GTimeZone *zone) {
    CronSchedule *schedule = g_new0(CronSchedule, 1);
    schedule->zone = g_time_zone_ref(zone);
    schedule->pipelines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    schedule->order = g_sequence_new(NULL);
    return schedule;
}

void cron_schedule_free(CronSchedule *schedule) {
    if (schedule == NULL)
        return;
    g_hash_table_unref(schedule->pipelines);
    g_sequence_free(schedule->order);
    g_time_zone_unref(schedule->zone);
    g_free(schedule);
}

/* The next time of the same trigger as it was before, or -1. */
static gint64 kept_time(const GPtrArray *entries, const CronTrigger *trigger) {
    for (guint i = 0; entries != NULL && i < entries->len; i++) {
        const Entry *entry = entries->pdata[i];
        if (strcmp(entry->trigger.trigger_id, trigger->trigger_id) == 0 && g_strcmp0(entry->trigger.expression, trigger->expression) == 0)
            return entry->next_ms;
    }
    return -1;
}

static gboolean has_trigger(const GPtrArray *entries, const char *trigger_id) {
    for (guint i = 0; i < entries->len; i++)
        if (strcmp(((const Entry *)entries->pdata[i])->trigger.trigger_id, trigger_id) == 0)
            return TRUE;
    return FALSE;
}

void cron_schedule_set(CronSchedule *schedule, const char *pipeline_id, const CronTrigger *triggers, gsize n, gint64 from_ms) {
    const GPtrArray *before = g_hash_table_lookup(schedule->pipelines, pipeline_id);
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
    for (gsize i = 0; i < n; i++) {
        Entry *entry = has_trigger(entries, triggers[i].trigger_id)
                           ? NULL
                           : entry_new(schedule, &triggers[i], kept_time(before, &triggers[i]), from_ms);
        if (entry != NULL)
            g_ptr_array_add(entries, entry);
    }
    if (entries->len == 0)
        g_hash_table_remove(schedule->pipelines, pipeline_id);
    else
        g_hash_table_replace(schedule->pipelines, g_strdup(pipeline_id), g_steal_pointer(&entries));
}

static void each_entry(const CronSchedule *schedule, void (*visit)(Entry *entry, gpointer data), gpointer data) {
    GHashTableIter iter;
    gpointer entries;
    g_hash_table_iter_init(&iter, schedule->pipelines);
    while (g_hash_table_iter_next(&iter, NULL, &entries))
        for (guint i = 0; i < ((GPtrArray *)entries)->len; i++)
            visit(((GPtrArray *)entries)->pdata[i], data);
}

typedef struct {
    CronSchedule *schedule;
    gint64 from_ms;
} Restart;

static void restart_entry(Entry *entry, gpointer data) {
    const Restart *restart = data;
    entry_move(restart->schedule, entry, quartz_next(entry->quartz, restart->schedule->zone, restart->from_ms));
}

void cron_schedule_restart(CronSchedule *schedule, GTimeZone *zone, gint64 from_ms) {
    if (zone != NULL) {
        g_time_zone_unref(schedule->zone);
        schedule->zone = g_time_zone_ref(zone);
    }
    each_entry(schedule, restart_entry, &(Restart){schedule, from_ms});
}

/* ---- what is due ---- */
CronFire *cron_fire_new(const CronTrigger *trigger, gint64 at_ms, gint64 since_ms) {
    CronFire *fire = g_new0(CronFire, 1);
    fire->pipeline_id = g_strdup(trigger->pipeline_id);
    fire->pipeline_name = g_strdup(trigger->pipeline_name);
    fire->application = g_strdup(trigger->application);
    fire->trigger_id = g_strdup(trigger->trigger_id);
    fire->expression = g_strdup(trigger->expression);
    fire->index = trigger->index;
    fire->at_ms = at_ms;
    fire->since_ms = since_ms;
    return fire;
}

void cron_fire_free(CronFire *fire) {
    if (fire == NULL)
        return;
    g_free(fire->pipeline_id);
    g_free(fire->pipeline_name);
    g_free(fire->application);
    g_free(fire->trigger_id);
    g_free(fire->expression);
    g_free(fire);
}

/* One that was missed by more than CRON_LATE_MS takes all up to now with it. */
static CronFire *take_one(CronSchedule *schedule, Entry *entry, gint64 now_ms) {
    gint64 due = entry->next_ms;
    if (now_ms - due <= CRON_LATE_MS) {
        entry_move(schedule, entry, quartz_next(entry->quartz, schedule->zone, due));
        return cron_fire_new(&entry->trigger, due, 0);
    }
    gint64 last = quartz_last(entry->quartz, schedule->zone, due - 1, now_ms);
    entry_move(schedule, entry, quartz_next(entry->quartz, schedule->zone, now_ms));
    return cron_fire_new(&entry->trigger, MAX(last, due), due);
}

void cron_schedule_take(CronSchedule *schedule, gint64 now_ms, GQueue *into) {
    for (guint i = 0; i < CRON_TAKE_MAX; i++) {
        GSequenceIter *first = g_sequence_get_begin_iter(schedule->order);
        Entry *entry = g_sequence_iter_is_end(first) ? NULL : g_sequence_get(first);
        if (entry == NULL || entry->next_ms > now_ms)
            return;
        g_queue_push_tail(into, take_one(schedule, entry, now_ms));
    }
}

gint64 cron_schedule_next_ms(const CronSchedule *schedule) {
    GSequenceIter *first = g_sequence_get_begin_iter(schedule->order);
    return g_sequence_iter_is_end(first) ? -1 : ((const Entry *)g_sequence_get(first))->next_ms;
}

guint cron_schedule_count(const CronSchedule *schedule) {
    return (guint)g_sequence_get_length(schedule->order);
}

void cron_schedule_each(const CronSchedule *schedule, const char *pipeline_id, CronEach each, gpointer data) {
    for (GSequenceIter *at = g_sequence_get_begin_iter(schedule->order); pipeline_id == NULL && !g_sequence_iter_is_end(at);
         at = g_sequence_iter_next(at)) {
        const Entry *entry = g_sequence_get(at);
        if (!each(&entry->trigger, entry->quartz, entry->next_ms, data))
            return;
    }
    const GPtrArray *entries = pipeline_id != NULL ? g_hash_table_lookup(schedule->pipelines, pipeline_id) : NULL;
    for (guint i = 0; entries != NULL && i < entries->len; i++) {
        const Entry *entry = entries->pdata[i];
        if (!each(&entry->trigger, entry->quartz, entry->next_ms, data))
            return;
    }
}
