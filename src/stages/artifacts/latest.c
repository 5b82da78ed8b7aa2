/* The latest execution of a pipeline (artifacts.md 5.3). Any thread; one indexed read of narrow rows. */
#include "stages/artifacts/artifacts.h"
#include "store/executions.h"

typedef struct {
    char *id;
    gint64 start_ms;
} Latest;

/* Rows come newest first, so of equal ones the first stays. */
static gboolean look(const ExecutionRecord *record, gpointer data) {
    Latest *latest = data;
    if (latest->id != NULL && record->start_ms <= latest->start_ms)
        return TRUE;
    g_free(latest->id);
    latest->id = g_strdup(record->id);
    latest->start_ms = record->start_ms;
    return TRUE;
}

char *execution_latest(Store *store, const char *config_id, const char *const *statuses, GError **error) {
    const char *const configs[] = {config_id, NULL};
    const ExecutionFilter filter = {.type = "PIPELINE", .config_ids = configs, .statuses = statuses, .limit = EXECUTIONS_LOOKED_AT};
    Latest latest = {0};
    if (store_executions_list(store, &filter, look, &latest, error))
        return latest.id;
    g_free(latest.id);
    return NULL;
}
