/* Cloud operations (kato tasks) as rows: what is to be done, how far it is, what it said. */
#pragma once
#include "store/store.h"

typedef struct {
    const char *id;
    const char *execution_id, *stage_id; /* or NULL: started through the API alone */
    const char *cloud, *account;
    const char *status; /* RUNNING, SUCCEEDED, FAILED, CANCELED */
    gint64 created_ms, updated_ms;
    const char *request; /* JSON array of single-key maps, as posted; written once */
    const char *state;   /* JSON: position, step checkpoints and intents, results, error */
    gint64 version;      /* an update requires version - 1 */
} OperationRecord;
typedef struct {
    gint64 time_ms;
    const char *phase, *status; /* Orca's history entries */
} OperationLine;
#define OPERATION_LINES_MAX 2000 /* the newest are kept */

void store_operation_insert(StoreUnit *unit, const OperationRecord *record); /* nothing when the id exists */
void store_operation_update(StoreUnit *unit, const OperationRecord *record, const OperationLine *lines, gsize n);
/* Removes finished operations without an execution that were last changed before the given time, at most
 * OPERATIONS_TRIM_MAX of them. Those of an execution go with it. */
#define OPERATIONS_TRIM_MAX 500
void store_operations_trim(StoreUnit *unit, gint64 before_ms);
typedef gboolean (*OperationEach)(const OperationRecord *record, gpointer data);
gboolean store_operation_load(Store *store, const char *id, OperationEach each, gpointer data, GError **error); /* ERR_NOT_FOUND */
gboolean store_operations_unfinished(Store *store, OperationEach each, gpointer data, GError **error);
typedef gboolean (*OperationLineEach)(const OperationLine *line, gpointer data);
gboolean store_operation_lines(Store *store, const char *id, OperationLineEach each, gpointer data, GError **error);
