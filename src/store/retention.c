/* The oldest rows that store_trigger_events_trim and store_operations_trim would remove. */
#include "store/retention.h"

static const StoreStatement OLDEST_EVENT = {"trigger_events.oldest",
                                            "SELECT created_ms FROM trigger_events WHERE handled_ms <> 0 ORDER BY created_ms LIMIT 1"};
static const StoreStatement OLDEST_OPERATION = {
    "operations.oldest",
    "SELECT updated_ms FROM operations WHERE execution_id IS NULL AND status <> 'RUNNING' ORDER BY updated_ms LIMIT 1"};

static gboolean take_number(const StoreRow *row, gpointer data) {
    *(gint64 *)data = store_row_int(row, 0);
    return FALSE;
}

gboolean store_oldest_trigger_event(Store *store, gint64 *created_ms, GError **error) {
    *created_ms = 0;
    return store_query(store, &OLDEST_EVENT, NULL, 0, take_number, created_ms, error);
}

gboolean store_oldest_lone_operation(Store *store, gint64 *updated_ms, GError **error) {
    *updated_ms = 0;
    return store_query(store, &OLDEST_OPERATION, NULL, 0, take_number, updated_ms, error);
}
