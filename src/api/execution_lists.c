/* Lists of executions. Bodies are written one by one as they are read, so that a list needs the memory of its text only. Reader threads. */
#include "api/execution_lists.h"
#include "engine/record.h"
#include <string.h>

typedef struct {
    char *id;
    GBytes *text;
    gint64 start_ms;
} Listed;

struct ExecutionList {
    ExecutionListShape shape;
    Store *store;
    ListedTexts *texts;
    GArray *listed; /* of Listed */
};

static void clear_listed(gpointer data) {
    Listed *listed = data;
    g_free(listed->id);
    g_bytes_unref(listed->text);
}

ExecutionList *execution_list_new(ExecutionListShape shape, Store *store, ListedTexts *texts) {
    ExecutionList *list = g_new0(ExecutionList, 1);
    list->shape = shape;
    list->store = store;
    list->texts = texts;
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

/* Takes text. */
static gboolean append(ExecutionList *list, const char *id, gint64 start_ms, GBytes *text, GError **error) {
    if (list->listed->len >= EXECUTIONS_LISTED_MAX) {
        g_bytes_unref(text);
        error_set(error, ERR_LIMIT, "list executions: more than %d; ask for fewer with limit", EXECUTIONS_LISTED_MAX);
        return FALSE;
    }
    const Listed listed = {g_strdup(id), text, start_ms};
    g_array_append_val(list->listed, listed);
    return TRUE;
}

static GBytes *text_of(const ExecutionList *list, const Execution *execution) {
    gsize length = 0;
    g_autoptr(Json) json = list->shape == LIST_TASK_VIEWS ? orchestration_to_task_json(execution)
                                                          : execution_to_json(execution, list->shape == LIST_EXPANDED);
    char *text = json_write(json_root(json), &length);
    return g_bytes_new_take(text, length);
}

gboolean execution_list_add(ExecutionList *list, const Execution *execution, GError **error) {
    return append(list, execution->id, execution->start_ms, text_of(list, execution), error);
}

/* Joined from what is stored when that can be. */
static GBytes *loaded_text(const ExecutionList *list, const LoadedExecution *loaded, GError **error) {
    gsize length = 0;
    char *joined = list->shape == LIST_TASK_VIEWS ? NULL : execution_text_join(loaded, list->shape == LIST_EXPANDED, &length);
    if (joined != NULL)
        return g_bytes_new_take(joined, length);
    g_autoptr(Execution) execution = execution_from_loaded(loaded, error);
    return execution != NULL ? text_of(list, execution) : NULL;
}

/* Reads it and keeps the text when nothing about it will change. NULL with *error; ERR_NOT_FOUND: it is gone. */
static GBytes *read_text(const ExecutionList *list, const char *id, GError **error) {
    LoadedExecution loaded;
    if (!store_execution_load(list->store, id, &loaded, error))
        return NULL;
    GBytes *text = loaded_text(list, &loaded, error);
    if (text != NULL && loaded.record.finished)
        listed_texts_put(list->texts, id, loaded.record.version, list->shape, text);
    loaded_execution_clear(&loaded);
    return text;
}

gboolean execution_list_add_record(ExecutionList *list, const ExecutionRecord *record, GError **error) {
    g_autoptr(GError) problem = NULL;
    GBytes *text = listed_texts_get(list->texts, record->id, record->version, list->shape);
    if (text == NULL)
        text = read_text(list, record->id, &problem);
    if (text != NULL)
        return append(list, record->id, record->start_ms, text, error);
    if (error_code(problem) == ERR_NOT_FOUND)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

/* ---- the history rule ---- */
typedef struct {
    ExecutionList *list;
    gint64 old_before_ms; /* started earlier is old */
    gboolean old;         /* the old ones are wanted, not the others */
    guint chosen, most;
    GError *error;
} Choosing;

static gboolean choose(const ExecutionRecord *record, gpointer data) {
    Choosing *choosing = data;
    gboolean old = record->start_ms != 0 && record->start_ms < choosing->old_before_ms;
    if (old != choosing->old)
        return TRUE;
    return execution_list_add_record(choosing->list, record, &choosing->error) && ++choosing->chosen < choosing->most;
}

gboolean execution_list_add_config(ExecutionList *list, const char *config_id, guint limit, const char *const *statuses, gint64 now_ms,
                                   GError **error) {
    const char *const config_ids[] = {config_id, NULL};
    const ExecutionFilter filter = {
        .type = "PIPELINE", .config_ids = config_ids, .statuses = statuses, .limit = MIN(limit, EXECUTIONS_PER_CONFIG_MAX)};
    Choosing choosing = {.list = list, .old_before_ms = now_ms - EXECUTIONS_OLD_MS, .most = filter.limit};
    gboolean read = store_executions_list(list->store, &filter, choose, &choosing, error);
    if (read && choosing.error == NULL && choosing.chosen == 0) {
        choosing.old = TRUE;
        choosing.most = EXECUTIONS_OLD_KEPT;
        read = store_executions_list(list->store, &filter, choose, &choosing, error);
    }
    if (choosing.error != NULL)
        g_propagate_error(error, choosing.error);
    return read && choosing.error == NULL;
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
    gsize end = limit == 0 ? list->listed->len : MIN(list->listed->len, offset + limit), length = 2;
    for (gsize i = offset; i < end; i++)
        length += g_bytes_get_size(g_array_index(list->listed, Listed, i).text) + 1;
    GString *text = g_string_sized_new(length);
    g_string_append_c(text, '[');
    for (gsize i = offset; i < end; i++) {
        gsize size = 0;
        const char *element = g_bytes_get_data(g_array_index(list->listed, Listed, i).text, &size);
        if (i > offset)
            g_string_append_c(text, ',');
        g_string_append_len(text, element, (gssize)size);
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
