/* Executions: writing one, reading one. Lists are in execution_lists.c, what they share in execution_rows.h. */
#include "store/executions.h"
#include "base/error.h"
#include "store/bodies.h"
#include "store/execution_rows.h"
#include <string.h>

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static const StoreStatement INSERT = {
    "executions.insert",
    "INSERT INTO executions (key, id, type, application, config_id, name, status, correlation_id, parent_id, build_ms, start_ms, end_ms, "
    "finished, version, state, owner) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO "
    "NOTHING"};
static const StoreStatement BODY_INSERT = {"executions.insert_body",
                                           "INSERT INTO execution_bodies (key, shared, body) VALUES ($1, $2, $3)"};
/* The usual step changes no column that an index holds: naming such columns alone would make the database rewrite their indexes. */
static const StoreStatement UPDATE_STATE = {"executions.update_state",
                                            "UPDATE executions SET version = $2, state = $3 WHERE key = $1 AND version = $2 - 1 AND "
                                            "status = $4 AND finished = $5 AND start_ms = $6 AND end_ms = $7"};
static const StoreStatement UPDATE_STATUS = {"executions.update_status",
                                             "UPDATE executions SET version = $2, state = $3, status = $4, finished = $5, start_ms = $6, "
                                             "end_ms = $7 WHERE key = $1 AND version = $2 - 1"};
static const StoreStatement STAGE_PUT = {
    "stages.put", "INSERT INTO stages (key, id, status, shared, body) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key) DO "
                  "UPDATE SET id = excluded.id, status = excluded.status, shared = excluded.shared, body = excluded.body"};
static const StoreStatement STAGE_DELETE = {"stages.delete", "DELETE FROM stages WHERE key = $1"};

static StoreValue body_value(const Body *body) {
    return body->data != NULL ? SV_BYTES(body->data, body->length) : SV_NULL;
}

static Body state_pack(const char *state) {
    return state != NULL ? body_pack(state, strlen(state)) : (Body){0};
}

/* A document that may have large values, as the two columns shared and body. */
static void document_add(StoreUnit *unit, gint64 execution_key, const StoreStatement *statement, const StoreValue *before, gsize n,
                         const char *text, const Json *document) {
    g_autofree char *shared = NULL;
    g_autofree char *whole = NULL;
    g_autofree char *without = document != NULL ? shared_take_out_of(unit, execution_key, json_root(document), &shared)
                                                : shared_take_out(unit, execution_key, text, strlen(text), &shared);
    if (without == NULL && document != NULL)
        text = whole = json_write(json_root(document), NULL);
    const char *kept = without != NULL ? without : text;
    g_auto(Body) body = body_pack(kept, strlen(kept));
    StoreValue values[STORE_VALUES_MAX];
    memcpy(values, before, n * sizeof *values);
    values[n] = SV_TEXT(shared);
    values[n + 1] = body_value(&body);
    store_unit_add(unit, statement, values, n + 2);
}

static void stages_add(StoreUnit *unit, gint64 execution_key, const StageRecord *stages, gsize n) {
    for (gsize i = 0; i < n; i++) {
        const StageRecord *stage = &stages[i];
        g_assert(stage->position < STORE_STAGES_MAX);
        StoreValue key = SV_INT(execution_key * STORE_STAGES_MAX + stage->position);
        if (stage->body == NULL)
            store_unit_add(unit, &STAGE_DELETE, &key, 1);
        else
            document_add(unit, execution_key, &STAGE_PUT, (StoreValue[]){key, SV_TEXT(stage->id), SV_TEXT(stage->status)}, 3, stage->body,
                         NULL);
    }
}

void store_execution_insert(StoreUnit *unit, const ExecutionRecord *record, const StageRecord *stages, gsize n) {
    g_auto(Body) state = state_pack(record->state);
    StoreValue values[] = {
        SV_INT(record->key),           SV_TEXT(record->id),      SV_TEXT(record->type),    SV_TEXT(record->application),
        SV_TEXT(record->config_id),    SV_TEXT(record->name),    SV_TEXT(record->status),  SV_TEXT(record->correlation_id),
        SV_TEXT(record->parent_id),    SV_INT(record->build_ms), SV_INT(record->start_ms), SV_INT(record->end_ms),
        SV_INT(record->finished != 0), SV_INT(record->version),  body_value(&state),       SV_INT(record->owner),
    };
    g_autofree char *conflict = record->correlation_id != NULL
                                    ? g_strdup_printf("an execution %s exists already, or an unfinished one with correlation id %s",
                                                      record->id, record->correlation_id)
                                    : g_strdup_printf("an execution %s exists already", record->id);
    store_unit_require(unit, &INSERT, values, G_N_ELEMENTS(values), conflict);
    document_add(unit, record->key, &BODY_INSERT, (StoreValue[]){SV_INT(record->key)}, 1, record->body != NULL ? record->body : "{}",
                 record->document);
    stages_add(unit, record->key, stages, n);
}

void store_execution_update(StoreUnit *unit, const ExecutionRecord *record, const StageRecord *stages, gsize n) {
    g_auto(Body) state = state_pack(record->state);
    StoreValue values[] = {SV_INT(record->key),           SV_INT(record->version),  body_value(&state),    SV_TEXT(record->status),
                           SV_INT(record->finished != 0), SV_INT(record->start_ms), SV_INT(record->end_ms)};
    g_autofree char *conflict = g_strdup_printf("execution %s is not at version %" G_GINT64_FORMAT " any more", record->id,
                                                record->version - 1);
    unit_add(unit, &UPDATE_STATE, values, G_N_ELEMENTS(values), &(UnitOptions){0});
    unit_add(unit, &UPDATE_STATUS, values, G_N_ELEMENTS(values), &(UnitOptions){.conflict = conflict, .unless_before = TRUE});
    stages_add(unit, record->key, stages, n);
}

static const StoreStatement DELETES[] = {
    {"executions.delete_inbox", "DELETE FROM inbox WHERE recipient_id = (SELECT id FROM executions WHERE key = $1)"},
    {"executions.delete_lines", "DELETE FROM operation_lines WHERE operation_id IN (SELECT o.id FROM operations o JOIN executions e ON "
                                "e.id = o.execution_id WHERE e.key = $1)"},
    {"executions.delete_operations", "DELETE FROM operations WHERE execution_id = (SELECT id FROM executions WHERE key = $1)"},
    {"executions.delete_stages", "DELETE FROM stages WHERE key >= $1 * 65536 AND key < ($1 + 1) * 65536"},
    {"executions.delete_body", "DELETE FROM execution_bodies WHERE key = $1"},
    {"executions.delete", "DELETE FROM executions WHERE key = $1"},
};
G_STATIC_ASSERT(STORE_STAGES_MAX == 65536); /* stands in the statements */

void store_execution_delete(StoreUnit *unit, gint64 key) {
    shared_forget(unit, key);
    for (gsize i = 0; i < G_N_ELEMENTS(DELETES); i++)
        store_unit_add(unit, &DELETES[i], &SV_INT(key), 1);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static const StoreStatement LOAD_BY_ID = {
    "executions.load", "SELECT " EXECUTION_COLUMNS ", e.state, b.shared, b.body FROM executions e JOIN execution_bodies b ON b.key = e.key "
                       "WHERE e.id = $1"};
static const StoreStatement LOAD_BY_KEY = {"executions.load_key",
                                           "SELECT " EXECUTION_COLUMNS
                                           ", e.state, b.shared, b.body FROM executions e JOIN execution_bodies b ON b.key = e.key "
                                           "WHERE e.key = $1"};
static const StoreStatement LOAD_STAGES = {"stages.load", "SELECT key, id, status, shared, body FROM stages WHERE key >= $1 * 65536 AND "
                                                          "key < ($1 + 1) * 65536 ORDER BY key"};
static const StoreStatement CORRELATED = {"executions.correlated", "SELECT id FROM executions WHERE correlation_id = $1 AND finished = 0"};

static const char *text_keep(GStringChunk *memory, const char *text) {
    return text != NULL ? g_string_chunk_insert(memory, text) : NULL;
}

void execution_row_read(const StoreRow *row, GStringChunk *memory, ExecutionRecord *record) {
    *record = (ExecutionRecord){
        .key = store_row_int(row, 0),
        .id = text_keep(memory, store_row_text(row, 1)),
        .type = text_keep(memory, store_row_text(row, 2)),
        .application = text_keep(memory, store_row_text(row, 3)),
        .config_id = text_keep(memory, store_row_text(row, 4)),
        .name = text_keep(memory, store_row_text(row, 5)),
        .status = text_keep(memory, store_row_text(row, 6)),
        .correlation_id = text_keep(memory, store_row_text(row, 7)),
        .parent_id = text_keep(memory, store_row_text(row, 8)),
        .build_ms = store_row_int(row, 9),
        .start_ms = store_row_int(row, 10),
        .end_ms = store_row_int(row, 11),
        .finished = store_row_int(row, 12) != 0,
        .version = store_row_int(row, 13),
    };
}

typedef struct {
    guint stage;
    const char *hashes;
} SharedStage;

typedef struct {
    LoadedExecution *loaded;
    const char *body_shared; /* hashes of values to be put back into the body, or NULL */
    GArray *shared;          /* of SharedStage */
    GError *error;
} Loading;

static gboolean document_read(const StoreRow *row, guint column, GStringChunk *memory, const char **text, GError **error) {
    gsize length = 0;
    const void *bytes = store_row_bytes(row, column, &length);
    return body_unpack_into(memory, bytes, length, text, error);
}

static gboolean execution_each(const StoreRow *row, gpointer data) {
    Loading *loading = data;
    LoadedExecution *loaded = loading->loaded;
    execution_row_read(row, loaded->memory, &loaded->record);
    loading->body_shared = text_keep(loaded->memory, store_row_text(row, EXECUTION_COLUMNS_N + 1));
    (void)(document_read(row, EXECUTION_COLUMNS_N, loaded->memory, &loaded->record.state, &loading->error) &&
           document_read(row, EXECUTION_COLUMNS_N + 2, loaded->memory, &loaded->record.body, &loading->error));
    return FALSE;
}

static gboolean stage_each(const StoreRow *row, gpointer data) {
    Loading *loading = data;
    LoadedExecution *loaded = loading->loaded;
    StageRecord stage = {.position = (guint)(store_row_int(row, 0) % STORE_STAGES_MAX),
                         .id = text_keep(loaded->memory, store_row_text(row, 1)),
                         .status = text_keep(loaded->memory, store_row_text(row, 2))};
    if (!document_read(row, 4, loaded->memory, &stage.body, &loading->error))
        return FALSE;
    SharedStage shared = {.stage = loaded->stages->len, .hashes = text_keep(loaded->memory, store_row_text(row, 3))};
    if (shared.hashes != NULL)
        g_array_append_val(loading->shared, shared);
    g_array_append_val(loaded->stages, stage);
    return TRUE;
}

static gboolean text_put_back(Reader *reader, GStringChunk *memory, const char **text, const char *hashes, GError **error) {
    g_autofree char *whole = shared_put_back(reader, *text, hashes, error);
    if (whole != NULL)
        *text = g_string_chunk_insert(memory, whole);
    return whole != NULL;
}

/* Parents stay documents, of which one is enough for all their children. */
static gboolean body_put_back(Store *store, Reader *reader, Loading *loading, GError **error) {
    ExecutionRecord *record = &loading->loaded->record;
    if (strstr(record->body, "\"parentExecution\":{\"") == NULL)
        return text_put_back(reader, loading->loaded->memory, &record->body, loading->body_shared, error);
    record->document = shared_put_back_document(store, reader, record->body, loading->body_shared, error);
    record->body = NULL;
    return record->document != NULL;
}

static gboolean loading_run(Store *store, Reader *reader, const StoreStatement *statement, StoreValue key, Loading *loading,
                            GError **error) {
    LoadedExecution *loaded = loading->loaded;
    if (!reader_run(reader, statement, &key, 1, execution_each, loading, error))
        return FALSE;
    if (loaded->record.id == NULL) {
        error_set(error, ERR_NOT_FOUND, "no execution %s", key.type == STORE_TEXT ? (const char *)key.data : "any more");
        return FALSE;
    }
    if (loading->error == NULL && !reader_run(reader, &LOAD_STAGES, &SV_INT(loaded->record.key), 1, stage_each, loading, error))
        return FALSE;
    if (loading->error != NULL) {
        g_propagate_prefixed_error(error, g_steal_pointer(&loading->error), "execution %s: ", loaded->record.id);
        return FALSE;
    }
    if (loading->body_shared != NULL && !body_put_back(store, reader, loading, error))
        return FALSE;
    for (guint i = 0; i < loading->shared->len; i++) {
        const SharedStage *shared = &g_array_index(loading->shared, SharedStage, i);
        if (!text_put_back(reader, loaded->memory, &g_array_index(loaded->stages, StageRecord, shared->stage).body, shared->hashes, error))
            return FALSE;
    }
    return TRUE;
}

/* Execution, stages and shared values in one view of the database. */
static gboolean load(Store *store, const StoreStatement *statement, StoreValue key, LoadedExecution *into, GError **error) {
    *into = (LoadedExecution){.stages = g_array_new(FALSE, FALSE, sizeof(StageRecord)), .memory = g_string_chunk_new(4096)};
    g_autoptr(Reader) reader = reader_borrow(store, error);
    g_autoptr(GArray) shared = g_array_new(FALSE, FALSE, sizeof(SharedStage));
    Loading loading = {.loaded = into, .shared = shared};
    if (reader != NULL && reader_begin(reader, error) && loading_run(store, reader, statement, key, &loading, error))
        return TRUE;
    g_clear_error(&loading.error);
    loaded_execution_clear(into);
    return FALSE;
}

gboolean store_execution_load(Store *store, const char *id, LoadedExecution *into, GError **error) {
    return load(store, &LOAD_BY_ID, SV_TEXT(id), into, error);
}

gboolean execution_load_key(Store *store, gint64 key, LoadedExecution *into, GError **error) {
    return load(store, &LOAD_BY_KEY, SV_INT(key), into, error);
}

void loaded_execution_clear(LoadedExecution *loaded) {
    g_clear_pointer(&loaded->stages, g_array_unref);
    g_clear_pointer(&loaded->memory, g_string_chunk_free);
    json_unref(loaded->record.document);
    loaded->record = (ExecutionRecord){0};
}

static gboolean id_each(const StoreRow *row, gpointer data) {
    *(char **)data = g_strdup(store_row_text(row, 0));
    return FALSE;
}

char *store_execution_correlated(Store *store, const char *correlation_id, GError **error) {
    g_autofree char *id = NULL;
    if (!store_query(store, &CORRELATED, (StoreValue[]){SV_TEXT(correlation_id)}, 1, id_each, &id, error))
        return NULL;
    if (id == NULL)
        error_set(error, ERR_NOT_FOUND, "no unfinished execution with correlation id %s", correlation_id);
    return g_steal_pointer(&id);
}

static const StoreStatement OWNER = {"executions.owner", "SELECT owner, finished FROM executions WHERE id = $1"};

typedef struct {
    gint64 owner, finished;
    gboolean found;
} Owned;

static gboolean owner_each(const StoreRow *row, gpointer data) {
    *(Owned *)data = (Owned){store_row_int(row, 0), store_row_int(row, 1), TRUE};
    return FALSE;
}

gboolean store_execution_owner(Store *store, const char *id, gint64 *owner, gboolean *finished, GError **error) {
    Owned owned = {0};
    if (!store_query(store, &OWNER, (StoreValue[]){SV_TEXT(id)}, 1, owner_each, &owned, error))
        return FALSE;
    *owner = owned.owner;
    *finished = owned.finished != 0;
    if (!owned.found)
        error_set(error, ERR_NOT_FOUND, "no execution %s", id);
    return owned.found;
}
