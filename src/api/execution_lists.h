/* Choosing executions for lists (api.md 6, engine.md 26) and writing them as one text. */
#pragma once
#include "api/listed_texts.h"
#include "api/route.h"
#include "store/executions.h"

#define EXECUTIONS_OLD_MS (14 * 24 * 3600 * 1000LL) /* executions started earlier are listed only when a configuration has none newer */
#define EXECUTIONS_OLD_KEPT 2
#define EXECUTIONS_PER_CONFIG_MAX 1000
#define EXECUTIONS_LISTED_MAX 20000 /* of one answer: ERR_LIMIT above */

/* Executions that were chosen, each as the API's JSON text with what it is sorted by. */
typedef struct ExecutionList ExecutionList;
typedef enum { LIST_EXECUTIONS, LIST_EXPANDED, LIST_TASK_VIEWS } ExecutionListShape;
/* texts outlives it. */
ExecutionList *execution_list_new(ExecutionListShape shape, Store *store, ListedTexts *texts);
void execution_list_free(ExecutionList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExecutionList, execution_list_free)
gsize execution_list_length(const ExecutionList *list);
gboolean execution_list_add(ExecutionList *list, const Execution *execution, GError **error);
/* One of which only the narrow columns are known; loaded when its text is not kept. One that is gone meanwhile is left out. */
gboolean execution_list_add_record(ExecutionList *list, const ExecutionRecord *record, GError **error);
/* By the history rule: the newest `limit` of a pipeline configuration among statuses (NULL: any). */
gboolean execution_list_add_config(ExecutionList *list, const char *config_id, guint limit, const char *const *statuses, gint64 now_ms,
                                   GError **error);
/* Start time ascending, those not started first; equal ones by id descending. */
void execution_list_sort_oldest_first(ExecutionList *list);
/* Those not started first, then start time descending, then id descending. */
void execution_list_sort_newest_first(ExecutionList *list);
/* The JSON array of elements from offset, at most limit (0: all); caller frees. */
char *execution_list_text(const ExecutionList *list, gsize offset, gsize limit);

/* ERR_INVALID for an unknown one. */
gboolean execution_statuses_check(char **statuses, GError **error);
