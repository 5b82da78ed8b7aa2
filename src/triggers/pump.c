/* The pump: takes open events from the store in the order of their commits and puts them to work, at most TRIGGER_EVENTS_BUSY_MAX at
 * once; the rest waits in the store. It runs when an event was stored and when one is done. On I/O workers. */
#include "base/log.h"
#include "triggers/internal.h"

static gboolean take(const TriggerEventRecord *record, gpointer data) {
    Triggers *triggers = data;
    g_autoptr(GError) error = NULL;
    Event *event = event_from_record(record, &error);
    triggers->looked_at = record->number; /* the pump's own */
    if (event != NULL)
        event_run_start(triggers, event);
    else
        log_error("triggers", "event %s cannot be read: %s", record->id, error->message);
    return TRUE;
}

/* Whether there may be more and room for it; else the pump stands still. */
static gboolean goes_on(Triggers *triggers, gboolean found, guint *room) {
    g_mutex_lock(&triggers->lock);
    guint busy = g_hash_table_size(triggers->events);
    *room = busy < TRIGGER_EVENTS_BUSY_MAX ? TRIGGER_EVENTS_BUSY_MAX - busy : 0;
    gboolean more = *room > 0 && !triggers->stopping && (found || triggers->again);
    triggers->again = FALSE;
    triggers->pumping = more;
    g_mutex_unlock(&triggers->lock);
    return more;
}

static gboolean pump(gpointer data) {
    Triggers *triggers = data;
    g_autoptr(GError) error = NULL;
    gboolean found = FALSE;
    guint room = 0;
    while (goes_on(triggers, found, &room)) {
        gint64 before = triggers->looked_at;
        if (!store_trigger_events_open(triggers->store, before, room, take, triggers, &error)) {
            log_warning("triggers", "open events are looked at again when the next one comes: %s", error->message);
            g_clear_error(&error);
        }
        found = triggers->looked_at > before;
    }
    triggers_job_ended(triggers);
    return TRUE;
}

void pump_kick(Triggers *triggers) {
    g_mutex_lock(&triggers->lock);
    gboolean starts = !triggers->pumping && triggers->started && !triggers->stopping;
    triggers->again = TRUE;
    triggers->pumping |= starts;
    g_mutex_unlock(&triggers->lock);
    if (starts && !triggers_run(triggers, pump, triggers)) {
        g_mutex_lock(&triggers->lock);
        triggers->pumping = FALSE;
        g_mutex_unlock(&triggers->lock);
    }
}
