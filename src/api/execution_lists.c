/* Lists of executions. Bodies are written one by one as they are read, so that a list needs the memory of its text only. Reader threads. */
#include "api/execution_lists.h"
#include "engine/record.h"
#include <string.h>

typedef struct {
    char *id, *text;
    gsize length;
    gint64 start_ms;
} Listed;

struct ExecutionList {
    ExecutionListShape shape;
    GArray *listed; /* of Listed */
};

static void clear_listed(gpointer data) {
    Listed *listed = data;
    g_free(listed->id);
    g_free(listed->text);
}

ExecutionList *execution_list_new(ExecutionListShape shape) {
    ExecutionList *list = g_new0(ExecutionList, 1);
    list->shape = shape;
    list->listed = g_array_new(FALSE, TRUE, sizeof(Listed));
    g_array_set_clear_func(list->listed, clear_listed);
    return list;
}

void execution_list_free(ExecutionList *list) {
    if (list == NULL)
        return;
    g_array_unref(list->listed);
    g_free(list);
}

gsize execution_list_length(const ExecutionList *list) {
    return list->listed->len;
}

gboolean execution_list_add(ExecutionList *list, const Execution *execution, GError **error) {
    if (list->listed->len >= EXECUTIONS_LISTED_MAX) {
        error_set(error, ERR_LIMIT, "list executions: more than %d; ask for fewer with limit", EXECUTIONS_LISTED_MAX);
        return FALSE;
    }
    g_autoptr(Json) json = list->shape == LIST_TASK_VIEWS ? orchestration_to_task_json(execution)
                                                          : execution_to_json(execution, list->shape == LIST_EXPANDED);
    Listed listed = {.id = g_strdup(execution->id), .start_ms = execution->start_ms};
    listed.text = json_write(json_root(json), &listed.length);
    g_array_append_val(list->listed, listed);
    return TRUE;
}

/* ---- the history rule ---- */
typedef struct {
    ExecutionList *list;
    gint64 old_before_ms; /* started earlier is old */
    guint fresh, old;
    GPtrArray *kept_old; /* of Execution *, at most EXECUTIONS_OLD_KEPT */
    GError *error;
} Choosing;

static gboolean choose(const LoadedExecution *loaded, gpointer data) {
    Choosing *choosing = data;
    gboolean old = loaded->record.start_ms != 0 && loaded->record.start_ms < choosing->old_before_ms;
    if (old && (choosing->fresh > 0 || choosing->kept_old->len >= EXECUTIONS_OLD_KEPT))
        return TRUE;
    Execution *execution = execution_from_loaded(loaded, &choosing->error);
    if (execution == NULL)
        return FALSE;
    if (old) {
        g_ptr_array_add(choosing->kept_old, execution);
        return TRUE;
    }
    choosing->fresh++;
    gboolean added = execution_list_add(choosing->list, execution, &choosing->error);
    execution_unref(execution);
    return added;
}

gboolean execution_list_add_config(ExecutionList *list, Store *store, const char *config_id, guint limit, const char *const *statuses,
                                   gint64 now_ms, GError **error) {
    const char *const config_ids[] = {config_id, NULL};
    const ExecutionFilter filter = {
        .type = "PIPELINE", .config_ids = config_ids, .statuses = statuses, .limit = MIN(limit, EXECUTIONS_PER_CONFIG_MAX)};
    g_autoptr(GPtrArray) kept_old = g_ptr_array_new_with_free_func((GDestroyNotify)execution_unref);
    Choosing choosing = {.list = list, .old_before_ms = now_ms - EXECUTIONS_OLD_MS, .kept_old = kept_old};
    if (!store_executions_list_whole(store, &filter, choose, &choosing, error))
        return FALSE;
    for (guint i = 0; choosing.error == NULL && choosing.fresh == 0 && i < kept_old->len; i++)
        execution_list_add(list, kept_old->pdata[i], &choosing.error);
    if (choosing.error == NULL)
        return TRUE;
    g_propagate_error(error, choosing.error);
    return FALSE;
}

/* ---- order and text ---- */
static gint compare_oldest_first(gconstpointer a, gconstpointer b) {
    const Listed *left = a, *right = b;
    if (left->start_ms != right->start_ms)
        return left->start_ms < right->start_ms ? -1 : 1;
    return -strcmp(left->id, right->id);
}

static gint compare_newest_first(gconstpointer a, gconstpointer b) {
    const Listed *left = a, *right = b;
    gint64 left_ms = left->start_ms != 0 ? left->start_ms : G_MAXINT64, right_ms = right->start_ms != 0 ? right->start_ms : G_MAXINT64;
    if (left_ms != right_ms)
        return left_ms > right_ms ? -1 : 1;
    return -strcmp(left->id, right->id);
}

void execution_list_sort_oldest_first(ExecutionList *list) {
    g_array_sort(list->listed, compare_oldest_first);
}

void execution_list_sort_newest_first(ExecutionList *list) {
    g_array_sort(list->listed, compare_newest_first);
}

char *execution_list_text(const ExecutionList *list, gsize offset, gsize limit) {
    gsize length = 2;
    for (guint i = 0; i < list->listed->len; i++)
        length += g_array_index(list->listed, Listed, i).length + 1;
    GString *text = g_string_sized_new(length);
    g_string_append_c(text, '[');
    for (gsize i = offset; i < list->listed->len && (limit == 0 || i - offset < limit); i++) {
        const Listed *listed = &g_array_index(list->listed, Listed, i);
        if (i > offset)
            g_string_append_c(text, ',');
        g_string_append_len(text, listed->text, (gssize)listed->length);
    }
    g_string_append_c(text, ']');
    return g_string_free(text, FALSE);
}

gboolean execution_statuses_check(char **statuses, GError **error) {
    for (gsize i = 0; statuses != NULL && statuses[i] != NULL; i++) {
        Status status = STATUS_RUNNING;
        if (status_parse(statuses[i], &status))
            continue;
        error_set(error, ERR_INVALID, "statuses: there is no status %s", statuses[i]);
        return FALSE;
    }
    return TRUE;
}

const char *const *execution_statuses(char **statuses) {
    return statuses != NULL && statuses[0] != NULL ? (const char *const *)statuses : NULL;
}
