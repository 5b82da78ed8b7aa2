/* Events that may start pipelines, and the decisions about them. Any thread. */
#include "store/trigger_events.h"
#include "base/error.h"
#include "store/bodies.h"
#include <string.h>

static const StoreStatement NUMBER_NEXT = {"trigger_events.number", "UPDATE counters SET value = value + 1 WHERE name = 'trigger_events'"};
static const StoreStatement ADD = {
    "trigger_events.add", "INSERT INTO trigger_events (number, id, type, source, delivery, created_ms, handled_ms, considered, started, "
                          "left_out, repeats, note, body) SELECT value, $1, $2, $3, $4, $5, 0, 0, 0, 0, 0, $6, $7 FROM counters WHERE "
                          "name = 'trigger_events' ON CONFLICT DO NOTHING"};
static const StoreStatement REPEAT = {"trigger_events.repeat", "UPDATE trigger_events SET repeats = repeats + 1 WHERE id = $1"};
/* A new number, so that it is found behind all that were looked at. */
static const StoreStatement FORGET_DECISIONS = {"trigger_decisions.forget",
                                                "DELETE FROM trigger_decisions WHERE event_number = (SELECT number FROM trigger_events "
                                                "WHERE id = $1 AND started = 0 AND handled_ms > 0)"};
static const StoreStatement REOPEN = {
    "trigger_events.reopen", "UPDATE trigger_events SET handled_ms = 0, considered = 0, left_out = 0, note = NULL, body = $2, number = "
                             "(SELECT value FROM counters WHERE name = 'trigger_events') WHERE id = $1 AND started = 0 AND handled_ms > 0"};
static const StoreStatement CLOSE = {"trigger_events.close",
                                     "UPDATE trigger_events SET handled_ms = $2, considered = $3, started = $4, left_out = $5, note = $6, "
                                     "body = $7 WHERE id = $1 AND handled_ms = 0"};
static const StoreStatement DECISION_ADD = {
    "trigger_decisions.add",
    "INSERT INTO trigger_decisions (event_number, position, pipeline_id, pipeline_name, application, trigger_index, trigger_id, "
    "trigger_type, execution_id, decided_ms, reason, message) SELECT number, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM "
    "trigger_events WHERE id = $1 ON CONFLICT DO NOTHING"};
#define TRIMMED "(SELECT number FROM trigger_events WHERE created_ms < $1 AND handled_ms > 0 ORDER BY created_ms, number LIMIT $2)"
static const StoreStatement TRIM_DECISIONS = {"trigger_decisions.trim", "DELETE FROM trigger_decisions WHERE event_number IN " TRIMMED};
static const StoreStatement TRIM = {"trigger_events.trim", "DELETE FROM trigger_events WHERE number IN " TRIMMED};

#define EVENT_COLUMNS "number, id, type, source, delivery, created_ms, handled_ms, considered, started, left_out, repeats, note"
static const StoreStatement LOAD = {"trigger_events.load", "SELECT " EVENT_COLUMNS ", body FROM trigger_events WHERE id = $1"};
static const StoreStatement LOAD_DELIVERY = {"trigger_events.load_delivery",
                                             "SELECT " EVENT_COLUMNS ", body FROM trigger_events WHERE delivery = $1"};
static const StoreStatement OPEN = {"trigger_events.open", "SELECT " EVENT_COLUMNS ", body FROM trigger_events WHERE handled_ms = 0 AND "
                                                           "number > $1 ORDER BY number LIMIT $2"};
static const StoreStatement LIST = {"trigger_events.list",
                                    "SELECT " EVENT_COLUMNS " FROM trigger_events WHERE number < $1 ORDER BY number DESC LIMIT $2"};

#define DECISION_COLUMNS                                                                                                                   \
    "d.event_number, d.pipeline_id, d.pipeline_name, d.application, d.trigger_index, d.trigger_id, d.trigger_type, d.execution_id, "       \
    "d.decided_ms, d.reason, d.message, e.id, e.type, e.source, e.created_ms FROM trigger_decisions d JOIN trigger_events e ON e.number "  \
    "= "                                                                                                                                   \
    "d.event_number"
static const StoreStatement OF_EVENT = {"trigger_decisions.of_event",
                                        "SELECT " DECISION_COLUMNS " WHERE d.event_number = $1 ORDER BY d.position"};
static const StoreStatement OF_PIPELINE = {"trigger_decisions.of_pipeline",
                                           "SELECT " DECISION_COLUMNS
                                           " WHERE d.pipeline_id = $1 ORDER BY d.event_number DESC, d.position LIMIT $2"};
static const StoreStatement OF_APPLICATION = {"trigger_decisions.of_application",
                                              "SELECT " DECISION_COLUMNS
                                              " WHERE d.application = $1 ORDER BY d.event_number DESC, d.position LIMIT $2"};
static const StoreStatement OF_EXECUTION = {"trigger_decisions.of_execution",
                                            "SELECT " DECISION_COLUMNS " WHERE d.execution_id = $1 ORDER BY d.event_number DESC LIMIT $2"};

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static Body text_pack(const char *text) {
    return text != NULL ? body_pack(text, strlen(text)) : (Body){0};
}

static StoreValue body_value(const Body *body) {
    return body->data != NULL ? SV_BYTES(body->data, body->length) : SV_NULL;
}

void store_trigger_event_add(StoreUnit *unit, const TriggerEventRecord *record, gboolean required) {
    g_auto(Body) body = text_pack(record->body);
    StoreValue values[] = {SV_TEXT(record->id),        SV_TEXT(record->type), SV_TEXT(record->source), SV_TEXT(record->delivery),
                           SV_INT(record->created_ms), SV_TEXT(record->note), body_value(&body)};
    store_unit_add(unit, &NUMBER_NEXT, NULL, 0);
    if (required)
        store_unit_require(unit, &ADD, values, G_N_ELEMENTS(values), "the event is there already");
    else
        store_unit_add(unit, &ADD, values, G_N_ELEMENTS(values));
}

void store_trigger_event_repeat(StoreUnit *unit, const char *id, const char *text) {
    g_auto(Body) body = text_pack(text);
    StoreValue value = SV_TEXT(id);
    store_unit_add(unit, &NUMBER_NEXT, NULL, 0);
    store_unit_add(unit, &REPEAT, &value, 1);
    store_unit_add(unit, &FORGET_DECISIONS, &value, 1);
    store_unit_add(unit, &REOPEN, (StoreValue[]){value, body_value(&body)}, 2);
}

static void add_decisions(StoreUnit *unit, const char *event_id, const TriggerDecisionRecord *decisions, gsize n) {
    for (gsize i = 0; i < n; i++) {
        const TriggerDecisionRecord *decision = &decisions[i];
        StoreValue row[] = {SV_TEXT(event_id),
                            SV_INT((gint64)i),
                            SV_TEXT(decision->pipeline_id),
                            SV_TEXT(decision->pipeline_name),
                            SV_TEXT(decision->application),
                            SV_INT(decision->trigger_index),
                            SV_TEXT(decision->trigger_id),
                            SV_TEXT(decision->trigger_type),
                            SV_TEXT(decision->execution_id),
                            SV_INT(decision->decided_ms),
                            SV_TEXT(decision->reason),
                            SV_TEXT(decision->message)};
        store_unit_add(unit, &DECISION_ADD, row, G_N_ELEMENTS(row));
    }
}

static void close_row(StoreUnit *unit, const TriggerEventRecord *record, const char *conflict) {
    g_auto(Body) body = text_pack(record->body);
    StoreValue values[] = {SV_TEXT(record->id),      SV_INT(record->handled_ms), SV_INT(record->considered), SV_INT(record->started),
                           SV_INT(record->left_out), SV_TEXT(record->note),      body_value(&body)};
    if (conflict != NULL)
        store_unit_require(unit, &CLOSE, values, G_N_ELEMENTS(values), conflict);
    else
        store_unit_add(unit, &CLOSE, values, G_N_ELEMENTS(values));
}

void store_trigger_event_close(StoreUnit *unit, const TriggerEventRecord *record, const TriggerDecisionRecord *decisions, gsize n) {
    close_row(unit, record, "the event is closed already");
    add_decisions(unit, record->id, decisions, n);
}

void store_trigger_event_add_closed(StoreUnit *unit, const TriggerEventRecord *record, const TriggerDecisionRecord *decisions, gsize n) {
    store_trigger_event_add(unit, record, FALSE);
    close_row(unit, record, NULL);
    add_decisions(unit, record->id, decisions, n);
}

void store_trigger_events_trim(StoreUnit *unit, gint64 before_ms) {
    StoreValue values[] = {SV_INT(before_ms), SV_INT(TRIGGER_EVENTS_TRIM_MAX)};
    store_unit_add(unit, &TRIM_DECISIONS, values, 2);
    store_unit_add(unit, &TRIM, values, 2);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

typedef struct {
    GStringChunk *memory;
    GArray *records;
    gboolean with_bodies;
    GError *error;
} Page;

static void page_clear(Page *page) {
    g_clear_pointer(&page->memory, g_string_chunk_free);
    g_clear_pointer(&page->records, g_array_unref);
    g_clear_error(&page->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Page, page_clear)

static const char *kept(const Page *page, const StoreRow *row, guint column) {
    const char *text = store_row_text(row, column);
    return text != NULL ? g_string_chunk_insert(page->memory, text) : NULL;
}

static gboolean event_each(const StoreRow *row, gpointer data) {
    Page *page = data;
    TriggerEventRecord record = {.number = store_row_int(row, 0),
                                 .id = kept(page, row, 1),
                                 .type = kept(page, row, 2),
                                 .source = kept(page, row, 3),
                                 .delivery = kept(page, row, 4),
                                 .created_ms = store_row_int(row, 5),
                                 .handled_ms = store_row_int(row, 6),
                                 .considered = store_row_int(row, 7),
                                 .started = store_row_int(row, 8),
                                 .left_out = store_row_int(row, 9),
                                 .repeats = store_row_int(row, 10),
                                 .note = kept(page, row, 11)};
    gsize length = 0;
    const void *bytes = page->with_bodies ? store_row_bytes(row, 12, &length) : NULL;
    if (bytes != NULL && !body_unpack_into(page->memory, bytes, length, &record.body, &page->error))
        return FALSE;
    g_array_append_val(page->records, record);
    return TRUE;
}

static gboolean decision_each(const StoreRow *row, gpointer data) {
    Page *page = data;
    TriggerDecisionRecord record = {.event_number = store_row_int(row, 0),
                                    .pipeline_id = kept(page, row, 1),
                                    .pipeline_name = kept(page, row, 2),
                                    .application = kept(page, row, 3),
                                    .trigger_index = store_row_int(row, 4),
                                    .trigger_id = kept(page, row, 5),
                                    .trigger_type = kept(page, row, 6),
                                    .execution_id = kept(page, row, 7),
                                    .decided_ms = store_row_int(row, 8),
                                    .reason = kept(page, row, 9),
                                    .message = kept(page, row, 10),
                                    .event_id = kept(page, row, 11),
                                    .event_type = kept(page, row, 12),
                                    .event_source = kept(page, row, 13),
                                    .event_created_ms = store_row_int(row, 14)};
    g_array_append_val(page->records, record);
    return TRUE;
}

static gboolean page_read(Store *store, const StoreStatement *statement, const StoreValue *values, gsize n, StoreEach each, Page *page,
                          GError **error) {
    page->memory = g_string_chunk_new(4096);
    page->records = g_array_new(FALSE, FALSE, each == event_each ? sizeof(TriggerEventRecord) : sizeof(TriggerDecisionRecord));
    if (!store_query(store, statement, values, n, each, page, error))
        return FALSE;
    if (page->error == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&page->error));
    return FALSE;
}

static gboolean events_give(Store *store, const StoreStatement *statement, const StoreValue *values, gsize n, gboolean with_bodies,
                            TriggerEventEach each, gpointer data, guint *found, GError **error) {
    g_auto(Page) page = {.with_bodies = with_bodies};
    if (!page_read(store, statement, values, n, event_each, &page, error))
        return FALSE;
    *found = page.records->len;
    for (guint i = 0; i < page.records->len; i++)
        if (!each(&g_array_index(page.records, TriggerEventRecord, i), data))
            break;
    return TRUE;
}

static gboolean decisions_give(Store *store, const StoreStatement *statement, const StoreValue *values, gsize n, TriggerDecisionEach each,
                               gpointer data, GError **error) {
    g_auto(Page) page = {0};
    if (!page_read(store, statement, values, n, decision_each, &page, error))
        return FALSE;
    for (guint i = 0; i < page.records->len; i++)
        if (!each(&g_array_index(page.records, TriggerDecisionRecord, i), data))
            break;
    return TRUE;
}

gboolean store_trigger_event_load(Store *store, const char *id, const char *delivery, TriggerEventEach each, gpointer data,
                                  GError **error) {
    guint found = 0;
    StoreValue value = SV_TEXT(id != NULL ? id : delivery);
    if (!events_give(store, id != NULL ? &LOAD : &LOAD_DELIVERY, &value, 1, TRUE, each, data, &found, error))
        return FALSE;
    if (found == 0)
        error_set(error, ERR_NOT_FOUND, "no event %s", id != NULL ? id : delivery);
    return found > 0;
}

gboolean store_trigger_events_open(Store *store, gint64 after, guint limit, TriggerEventEach each, gpointer data, GError **error) {
    guint found = 0;
    StoreValue values[] = {SV_INT(after), SV_INT(MIN(limit, TRIGGER_EVENTS_LIST_MAX))};
    return events_give(store, &OPEN, values, 2, TRUE, each, data, &found, error);
}

gboolean store_trigger_events_list(Store *store, gint64 before, guint limit, TriggerEventEach each, gpointer data, GError **error) {
    guint found = 0;
    StoreValue values[] = {SV_INT(before > 0 ? before : G_MAXINT64), SV_INT(MIN(limit, TRIGGER_EVENTS_LIST_MAX))};
    return events_give(store, &LIST, values, 2, FALSE, each, data, &found, error);
}

gboolean store_trigger_decisions_of_event(Store *store, gint64 number, TriggerDecisionEach each, gpointer data, GError **error) {
    return decisions_give(store, &OF_EVENT, &SV_INT(number), 1, each, data, error);
}

gboolean store_trigger_decisions_list(Store *store, const char *pipeline_id, const char *application, const char *execution_id, guint limit,
                                      TriggerDecisionEach each, gpointer data, GError **error) {
    const StoreStatement *statement = pipeline_id != NULL ? &OF_PIPELINE : application != NULL ? &OF_APPLICATION : &OF_EXECUTION;
    const char *key = pipeline_id != NULL ? pipeline_id : application != NULL ? application : execution_id;
    StoreValue values[] = {SV_TEXT(key), SV_INT(MIN(limit, TRIGGER_EVENTS_LIST_MAX))};
    return decisions_give(store, statement, values, 2, each, data, error);
}
