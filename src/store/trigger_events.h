/* Events that may start pipelines, and the decisions about them: one per pipeline that was considered. An event is stored open,
 * then looked at, and closed in one unit with its decisions. Any thread. */
#pragma once
#include "store/store.h"

#define TRIGGER_EVENTS_LIST_MAX 500
#define TRIGGER_EVENTS_TRIM_MAX 500

typedef struct {
    gint64 number;                 /* grows in the order of commits; 0 before it is stored */
    const char *id;                /* unique */
    const char *type, *source;     /* "webhook", "github"; source may be NULL */
    const char *delivery;          /* unique when not NULL: what the sender repeats when it sends the same event again */
    gint64 created_ms, handled_ms; /* handled_ms 0: open */
    gint64 considered, started;    /* pipelines */
    gint64 left_out;               /* decisions that were not kept */
    gint64 repeats;                /* how often it came again */
    const char *note;              /* what there is to say of the event as a whole, or NULL */
    const char *body;              /* JSON object text, or NULL: not kept, or not read (lists) */
} TriggerEventRecord;

typedef struct {
    const char *pipeline_id, *pipeline_name, *application; /* name may be NULL */
    gint64 trigger_index;                                  /* in the pipeline's triggers; -1: none in particular */
    const char *trigger_id, *trigger_type;                 /* or NULL */
    const char *execution_id;                              /* started, or NULL */
    gint64 decided_ms;
    const char *reason;  /* code */
    const char *message; /* sentence */
    /* Only when read. */
    gint64 event_number;
    const char *event_id, *event_type, *event_source;
    gint64 event_created_ms;
} TriggerDecisionRecord;

/* required: the unit fails with ERR_CONFLICT when there is an event of that id or delivery; else nothing happens then. */
void store_trigger_event_add(StoreUnit *unit, const TriggerEventRecord *record, gboolean required);
/* One that was decided elsewhere: nothing happens when there is an event of that id or delivery. */
void store_trigger_event_add_closed(StoreUnit *unit, const TriggerEventRecord *record, const TriggerDecisionRecord *decisions, gsize n);
/* It came again: counts, and opens it once more, with what came now, when it started nothing so far. */
void store_trigger_event_repeat(StoreUnit *unit, const char *id, const char *body);
/* Closes an open event: handled_ms, considered, started, left_out, note and body of the record, and all its decisions. */
void store_trigger_event_close(StoreUnit *unit, const TriggerEventRecord *record, const TriggerDecisionRecord *decisions, gsize n);
/* Removes closed events created before, at most TRIGGER_EVENTS_TRIM_MAX, the oldest first. */
void store_trigger_events_trim(StoreUnit *unit, gint64 before_ms);

/* Texts are borrowed during the callback; FALSE ends the list. No transaction is open meanwhile. */
typedef gboolean (*TriggerEventEach)(const TriggerEventRecord *record, gpointer data);
typedef gboolean (*TriggerDecisionEach)(const TriggerDecisionRecord *record, gpointer data);
/* By id, or by delivery when id is NULL. ERR_NOT_FOUND. */
gboolean store_trigger_event_load(Store *store, const char *id, const char *delivery, TriggerEventEach each, gpointer data, GError **error);
/* Open ones with a number above after, oldest first, with bodies. */
gboolean store_trigger_events_open(Store *store, gint64 after, guint limit, TriggerEventEach each, gpointer data, GError **error);
/* Newest first, with a number below before (0: all), without bodies. */
gboolean store_trigger_events_list(Store *store, gint64 before, guint limit, TriggerEventEach each, gpointer data, GError **error);
gboolean store_trigger_decisions_of_event(Store *store, gint64 number, TriggerDecisionEach each, gpointer data, GError **error);
/* About a pipeline, an application (pipeline_id NULL), or that started an execution (both NULL); newest event first. */
gboolean store_trigger_decisions_list(Store *store, const char *pipeline_id, const char *application, const char *execution_id, guint limit,
                                      TriggerDecisionEach each, gpointer data, GError **error);
