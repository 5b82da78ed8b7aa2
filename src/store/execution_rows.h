/* What reading one execution and listing many have in common. */
#pragma once
#include "store/executions.h"
#include "store/internal.h"

#define EXECUTION_COLUMNS                                                                                                                  \
    "e.key, e.id, e.type, e.application, e.config_id, e.name, e.status, e.correlation_id, e.parent_id, e.build_ms, e.start_ms, e.end_ms, " \
    "e.finished, e.version"
#define EXECUTION_COLUMNS_N 14

/* Narrow columns; texts are kept in memory. */
void execution_row_read(const StoreRow *row, GStringChunk *memory, ExecutionRecord *record);
/* ERR_NOT_FOUND when it was deleted meanwhile. */
gboolean execution_load_key(Store *store, gint64 key, LoadedExecution *into, GError **error);
/* All statements of the lists, in table order; unused combinations have no sql. For a test of their plans. */
const StoreStatement *execution_list_statements(gsize *n);
