/* Deliveries: events for others, until they were answered. Any thread. */
#include "store/deliveries.h"
#include "store/bodies.h"
#include <string.h>

static const StoreStatement NUMBER_NEXT = {"deliveries.number", "UPDATE counters SET value = value + 1 WHERE name = 'deliveries'"};
static const StoreStatement ADD = {"deliveries.add",
                                   "INSERT INTO deliveries (number, destination, lane, execution_id, created_ms, body) SELECT value, $1, "
                                   "$2, $3, $4, $5 FROM counters WHERE name = 'deliveries'"};
static const StoreStatement REMOVE = {"deliveries.remove", "DELETE FROM deliveries WHERE number = $1"};
static const StoreStatement FORGET = {"deliveries.forget", "DELETE FROM deliveries WHERE destination = $1"};
static const StoreStatement NEXT = {"deliveries.next", "SELECT number, execution_id, created_ms, body FROM deliveries WHERE destination = "
                                                       "$1 AND lane = $2 AND number > $3 ORDER BY number LIMIT $4"};
static const StoreStatement COUNT = {"deliveries.count", "SELECT destination, count(*) FROM deliveries GROUP BY destination"};

void store_delivery_add(StoreUnit *unit, const DeliveryRecord *record) {
    g_auto(Body) body = body_pack(record->body, strlen(record->body));
    StoreValue values[] = {SV_TEXT(record->destination), SV_INT(record->lane), SV_TEXT(record->execution_id), SV_INT(record->created_ms),
                           SV_BYTES(body.data, body.length)};
    store_unit_add(unit, &NUMBER_NEXT, NULL, 0);
    store_unit_add(unit, &ADD, values, G_N_ELEMENTS(values));
}

void store_delivery_remove(StoreUnit *unit, gint64 number) {
    store_unit_add(unit, &REMOVE, &SV_INT(number), 1);
}

void store_deliveries_forget(StoreUnit *unit, const char *destination) {
    StoreValue value = SV_TEXT(destination);
    store_unit_add(unit, &FORGET, &value, 1);
}

typedef struct {
    gint64 number, created_ms;
    char *execution_id, *body;
} Row;

static void row_free(gpointer data) {
    Row *row = data;
    g_free(row->execution_id);
    g_free(row->body);
    g_free(row);
}

static gboolean row_each(const StoreRow *from, gpointer data) {
    gsize length = 0;
    const void *bytes = store_row_bytes(from, 3, &length);
    Row *row = g_new0(Row, 1);
    *row = (Row){store_row_int(from, 0), store_row_int(from, 2), g_strdup(store_row_text(from, 1)), body_unpack(bytes, length, NULL)};
    g_ptr_array_add(data, row);
    return TRUE;
}

gboolean store_deliveries_next(Store *store, const char *destination, guint lane, gint64 after, guint limit, DeliveryEach each,
                               gpointer data, GError **error) {
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(row_free);
    StoreValue values[] = {SV_TEXT(destination), SV_INT(lane), SV_INT(after), SV_INT(limit)};
    gboolean fine = store_query(store, &NEXT, values, G_N_ELEMENTS(values), row_each, rows, error);
    for (guint i = 0; fine && i < rows->len; i++) {
        const Row *row = g_ptr_array_index(rows, i);
        const DeliveryRecord record = {row->number, destination, row->execution_id, lane, row->created_ms, row->body};
        if (!each(&record, data))
            break;
    }
    return fine;
}

typedef struct {
    GPtrArray *destinations;
    gint64 total;
} Count;

static gboolean count_each(const StoreRow *row, gpointer data) {
    Count *count = data;
    g_ptr_array_add(count->destinations, g_strdup(store_row_text(row, 0)));
    count->total += store_row_int(row, 1);
    return TRUE;
}

gboolean store_deliveries_count(Store *store, GPtrArray *destinations, gint64 *total, GError **error) {
    Count count = {destinations, 0};
    gboolean fine = store_query(store, &COUNT, NULL, 0, count_each, &count, error);
    *total = count.total;
    return fine;
}
