/* Cloud operations as rows, with the lines they said. Any thread. */
#include "store/operations.h"
#include "base/error.h"
#include "store/bodies.h"
#include <string.h>

#define PAGE 200

static const StoreStatement INSERT = {
    "operations.insert", "INSERT INTO operations (id, execution_id, stage_id, cloud, account, status, created_ms, updated_ms, "
                         "version, request, state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING"};
static const StoreStatement UPDATE = {"operations.update", "UPDATE operations SET status = $2, updated_ms = $3, version = $4, state = $5 "
                                                           "WHERE id = $1 AND version = $4 - 1"};
static const StoreStatement LINE_ADD = {
    "operations.add_line",
    "INSERT INTO operation_lines (operation_id, number, time_ms, phase, status) SELECT $1, coalesce(max(number), 0) + "
    "1, $2, $3, $4 FROM operation_lines WHERE operation_id = $1"};
static const StoreStatement LINES_TRIM = {"operations.trim_lines",
                                          "DELETE FROM operation_lines WHERE operation_id = $1 AND number <= (SELECT "
                                          "max(number) FROM operation_lines WHERE operation_id = $1) - $2"};
#define TRIMMED                                                                                                                            \
    "(SELECT id FROM operations WHERE execution_id IS NULL AND status <> 'RUNNING' AND updated_ms < $1 ORDER BY updated_ms, id LIMIT $2)"
static const StoreStatement TRIM_LINES = {"operations.trim_lines_of", "DELETE FROM operation_lines WHERE operation_id IN " TRIMMED};
static const StoreStatement TRIM = {"operations.trim", "DELETE FROM operations WHERE id IN " TRIMMED};

#define COLUMNS "id, execution_id, stage_id, cloud, account, status, created_ms, updated_ms, version, request, state"
static const StoreStatement LOAD = {"operations.load", "SELECT " COLUMNS " FROM operations WHERE id = $1"};
static const StoreStatement UNFINISHED = {"operations.unfinished", "SELECT " COLUMNS " FROM operations WHERE status = 'RUNNING' AND "
                                                                   "(created_ms, id) > ($1, $2) ORDER BY created_ms, id LIMIT $3"};
static const StoreStatement LINES = {"operations.lines",
                                     "SELECT time_ms, phase, status FROM operation_lines WHERE operation_id = $1 ORDER BY number"};

static Body text_pack(const char *text) {
    return text != NULL ? body_pack(text, strlen(text)) : (Body){0};
}

static StoreValue body_value(const Body *body) {
    return body->data != NULL ? SV_BYTES(body->data, body->length) : SV_NULL;
}

void store_operation_insert(StoreUnit *unit, const OperationRecord *record) {
    g_auto(Body) request = text_pack(record->request);
    g_auto(Body) state = text_pack(record->state);
    StoreValue values[] = {SV_TEXT(record->id),      SV_TEXT(record->execution_id), SV_TEXT(record->stage_id),  SV_TEXT(record->cloud),
                           SV_TEXT(record->account), SV_TEXT(record->status),       SV_INT(record->created_ms), SV_INT(record->updated_ms),
                           SV_INT(record->version),  body_value(&request),          body_value(&state)};
    store_unit_add(unit, &INSERT, values, G_N_ELEMENTS(values));
}

void store_operation_update(StoreUnit *unit, const OperationRecord *record, const OperationLine *lines, gsize n) {
    g_auto(Body) state = text_pack(record->state);
    StoreValue values[] = {SV_TEXT(record->id), SV_TEXT(record->status), SV_INT(record->updated_ms), SV_INT(record->version),
                           body_value(&state)};
    g_autofree char *conflict = g_strdup_printf("operation %s is not at version %" G_GINT64_FORMAT " any more", record->id,
                                                record->version - 1);
    store_unit_require(unit, &UPDATE, values, G_N_ELEMENTS(values), conflict);
    gsize first = n > OPERATION_LINES_MAX ? n - OPERATION_LINES_MAX : 0;
    for (gsize i = first; i < n; i++) {
        StoreValue line[] = {values[0], SV_INT(lines[i].time_ms), SV_TEXT(lines[i].phase), SV_TEXT(lines[i].status)};
        store_unit_add(unit, &LINE_ADD, line, G_N_ELEMENTS(line));
    }
    if (n > 0)
        store_unit_add(unit, &LINES_TRIM, (StoreValue[]){values[0], SV_INT(OPERATION_LINES_MAX)}, 2);
}

void store_operations_trim(StoreUnit *unit, gint64 before_ms) {
    StoreValue values[] = {SV_INT(before_ms), SV_INT(OPERATIONS_TRIM_MAX)};
    store_unit_add(unit, &TRIM_LINES, values, 2);
    store_unit_add(unit, &TRIM, values, 2);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

typedef struct {
    GStringChunk *memory;
    GArray *records; /* of OperationRecord */
    GError *error;
} Page;

static void page_clear(Page *page) {
    g_string_chunk_free(page->memory);
    g_array_unref(page->records);
    g_clear_error(&page->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Page, page_clear)

static const char *text_keep(Page *page, const char *text) {
    return text != NULL ? g_string_chunk_insert(page->memory, text) : NULL;
}

static gboolean document_keep(Page *page, const StoreRow *row, guint column, const char **text) {
    gsize length = 0;
    const void *bytes = store_row_bytes(row, column, &length);
    return body_unpack_into(page->memory, bytes, length, text, &page->error);
}

static gboolean record_each(const StoreRow *row, gpointer data) {
    Page *page = data;
    OperationRecord record = {.id = text_keep(page, store_row_text(row, 0)),
                              .execution_id = text_keep(page, store_row_text(row, 1)),
                              .stage_id = text_keep(page, store_row_text(row, 2)),
                              .cloud = text_keep(page, store_row_text(row, 3)),
                              .account = text_keep(page, store_row_text(row, 4)),
                              .status = text_keep(page, store_row_text(row, 5)),
                              .created_ms = store_row_int(row, 6),
                              .updated_ms = store_row_int(row, 7),
                              .version = store_row_int(row, 8)};
    if (!document_keep(page, row, 9, &record.request) || !document_keep(page, row, 10, &record.state))
        return FALSE;
    g_array_append_val(page->records, record);
    return TRUE;
}

static gboolean page_read(Store *store, const StoreStatement *statement, const StoreValue *values, gsize n, Page *page, GError **error) {
    *page = (Page){.memory = g_string_chunk_new(4096), .records = g_array_new(FALSE, FALSE, sizeof(OperationRecord))};
    if (!store_query(store, statement, values, n, record_each, page, error))
        return FALSE;
    if (page->error != NULL)
        g_propagate_error(error, g_steal_pointer(&page->error));
    else
        return TRUE;
    return FALSE;
}

gboolean store_operation_load(Store *store, const char *id, OperationEach each, gpointer data, GError **error) {
    g_auto(Page) page = {0};
    if (!page_read(store, &LOAD, (StoreValue[]){SV_TEXT(id)}, 1, &page, error))
        return FALSE;
    if (page.records->len == 0) {
        error_set(error, ERR_NOT_FOUND, "no operation %s", id);
        return FALSE;
    }
    each(&g_array_index(page.records, OperationRecord, 0), data);
    return TRUE;
}

gboolean store_operations_unfinished(Store *store, OperationEach each, gpointer data, GError **error) {
    gint64 after_ms = -1;
    g_autofree char *after_id = g_strdup("");
    for (;;) {
        g_auto(Page) page = {0};
        StoreValue values[] = {SV_INT(after_ms), SV_TEXT(after_id), SV_INT(PAGE)};
        if (!page_read(store, &UNFINISHED, values, G_N_ELEMENTS(values), &page, error))
            return FALSE;
        for (guint i = 0; i < page.records->len; i++) {
            const OperationRecord *record = &g_array_index(page.records, OperationRecord, i);
            after_ms = record->created_ms;
            g_free(after_id);
            after_id = g_strdup(record->id);
            if (!each(record, data))
                return TRUE;
        }
        if (page.records->len < PAGE)
            return TRUE;
    }
}

typedef struct {
    OperationLineEach each;
    gpointer data;
} Lines;

static gboolean line_each(const StoreRow *row, gpointer data) {
    const Lines *lines = data;
    OperationLine line = {.time_ms = store_row_int(row, 0), .phase = store_row_text(row, 1), .status = store_row_text(row, 2)};
    return lines->each(&line, lines->data);
}

gboolean store_operation_lines(Store *store, const char *id, OperationLineEach each, gpointer data, GError **error) {
    Lines lines = {.each = each, .data = data};
    return store_query(store, &LINES, (StoreValue[]){SV_TEXT(id)}, 1, line_each, &lines, error);
}
