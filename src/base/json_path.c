/* JSONPath: reading a document. Pure, bounded by the work of PathRun. */
#include "base/json_path_internal.h"

static gboolean walk(PathRun *run, const JsonPath *path, guint index, const JsonValue *value, GPtrArray *found);

static gboolean count_work(PathRun *run) {
    if (run->work == 0) {
        if (*run->error == NULL)
            error_set(run->error, ERR_LIMIT, "JSON path: more than %d places had to be looked at", JSON_PATH_WORK_MAX);
        return FALSE;
    }
    run->work--;
    return TRUE;
}

/* A path that names one place leads nowhere: an error at once, as upstream; any other finds one place less. */
static gboolean missing(PathRun *run, const JsonPath *path, const PathStep *step, const char *what) {
    (void)path;
    if (!step->definite)
        return TRUE;
    error_set(run->error, ERR_NOT_FOUND, "%s", what);
    return FALSE;
}

static gboolean walk_names(PathRun *run, const JsonPath *path, guint index, const JsonValue *value, GPtrArray *found) {
    const PathStep *step = path->steps->pdata[index];
    gboolean last = index + 1 == path->steps->len;
    if (!json_is_object(value))
        return missing(run, path, step, "a member is asked of what is no object");
    if (step->names->len > 1 && last) {
        g_autoptr(JsonBuilder) picked = json_builder_new();
        json_begin_object(picked, NULL);
        for (guint i = 0; i < step->names->len; i++)
            json_add_value(picked, step->names->pdata[i], json_get(value, step->names->pdata[i]));
        json_end_object(picked);
        Json *object = json_builder_end(picked);
        g_ptr_array_add(run->kept, object);
        return walk(run, path, index + 1, json_root(object), found);
    }
    for (guint i = 0; i < step->names->len; i++) {
        const JsonValue *member = json_get(value, step->names->pdata[i]);
        gboolean fine = member != NULL ? walk(run, path, index + 1, member, found)
                                       : step->names->len > 1 || missing(run, path, step, "a member is missing");
        if (!fine)
            return FALSE;
    }
    return TRUE;
}

static gboolean walk_any(PathRun *run, const JsonPath *path, guint index, const JsonValue *value, GPtrArray *found) {
    for (JsonIter i = json_iter(value); json_next(&i);)
        if (!walk(run, path, index + 1, i.value, found))
            return FALSE;
    return TRUE;
}

static gboolean walk_scan(PathRun *run, const JsonPath *path, guint index, const JsonValue *value, GPtrArray *found) {
    if (!json_is_object(value) && !json_is_array(value))
        return TRUE;
    if (!walk(run, path, index + 1, value, found))
        return FALSE;
    for (JsonIter i = json_iter(value); json_next(&i);)
        if (!count_work(run) || !walk_scan(run, path, index, i.value, found))
            return FALSE;
    return TRUE;
}

static gboolean walk_element(PathRun *run, const JsonPath *path, guint index, const JsonValue *array, gint64 at, GPtrArray *found) {
    gint64 length = (gint64)json_length(array);
    if (at < 0)
        at += length;
    return at < 0 || at >= length || walk(run, path, index + 1, json_at(array, (gsize)at), found);
}

static gboolean walk_indexes(PathRun *run, const JsonPath *path, guint index, const JsonValue *value, GPtrArray *found) {
    const PathStep *step = path->steps->pdata[index];
    if (!json_is_array(value))
        return missing(run, path, step, "an element is asked of what is no list");
    for (guint i = 0; i < step->indexes->len; i++)
        if (!walk_element(run, path, index, value, g_array_index(step->indexes, gint64, i), found))
            return FALSE;
    return TRUE;
}

static gint64 slice_end(gint64 wanted, gint64 length) {
    return CLAMP(wanted < 0 && wanted > G_MININT64 ? wanted + length : wanted, 0, length);
}

static gboolean walk_slice(PathRun *run, const JsonPath *path, guint index, const JsonValue *value, GPtrArray *found) {
    const PathStep *step = path->steps->pdata[index];
    if (!json_is_array(value))
        return missing(run, path, step, "elements are asked of what is no list");
    gint64 length = (gint64)json_length(value);
    gint64 end = slice_end(step->to, length), at = slice_end(step->from, length);
    for (JsonIter i = json_iter(value); json_next(&i);)
        if ((gint64)i.index >= at && (gint64)i.index < end && !walk(run, path, index + 1, i.value, found))
            return FALSE;
    return TRUE;
}

static gboolean walk_filter(PathRun *run, const JsonPath *path, guint index, const JsonValue *value, GPtrArray *found) {
    const PathStep *step = path->steps->pdata[index];
    if (json_is_object(value)) {
        gboolean holds = path_filter_holds(run, step->filter, value);
        return *run->error == NULL && (!holds || walk(run, path, index + 1, value, found));
    }
    if (!json_is_array(value))
        return missing(run, path, step, "a filter is applied to what is neither list nor object");
    for (JsonIter i = json_iter(value); json_next(&i);) {
        gboolean holds = count_work(run) && path_filter_holds(run, step->filter, i.value);
        if (*run->error != NULL || (holds && !walk(run, path, index + 1, i.value, found)))
            return FALSE;
    }
    return TRUE;
}

static gboolean walk_function(PathRun *run, const JsonPath *path, guint index, const JsonValue *value, GPtrArray *found) {
    const PathStep *step = path->steps->pdata[index];
    if (step->collected)
        return walk(run, path, index + 1, value, found);
    Json *result = step->function(value);
    if (result == NULL)
        return TRUE;
    g_ptr_array_add(run->kept, result);
    return walk(run, path, index + 1, json_root(result), found);
}

static gboolean (*const WALKS[])(PathRun *, const JsonPath *, guint, const JsonValue *, GPtrArray *) = {
    [STEP_NAMES] = walk_names, [STEP_ANY] = walk_any,       [STEP_SCAN] = walk_scan,         [STEP_INDEXES] = walk_indexes,
    [STEP_SLICE] = walk_slice, [STEP_FILTER] = walk_filter, [STEP_FUNCTION] = walk_function,
};

static gboolean walk(PathRun *run, const JsonPath *path, guint index, const JsonValue *value, GPtrArray *found) {
    if (!count_work(run))
        return FALSE;
    if (index < path->steps->len)
        return WALKS[((const PathStep *)path->steps->pdata[index])->kind](run, path, index, value, found);
    if (found->len >= JSON_PATH_RESULTS_MAX) {
        error_set(run->error, ERR_LIMIT, "JSON path: it finds more than %d values", JSON_PATH_RESULTS_MAX);
        return FALSE;
    }
    g_ptr_array_add(found, (gpointer)value);
    return TRUE;
}

static Json *list_of(const GPtrArray *found) {
    g_autoptr(JsonBuilder) list = json_builder_new();
    json_begin_array(list, NULL);
    for (guint i = 0; i < found->len; i++)
        json_add_value(list, NULL, found->pdata[i]);
    json_end_array(list);
    return json_builder_end(list);
}

gboolean path_walk(PathRun *run, const JsonPath *path, const JsonValue *start, GPtrArray *found) {
    if (!walk(run, path, 0, start, found))
        return FALSE;
    const PathStep *last = path->steps->len > 0 ? path->steps->pdata[path->steps->len - 1] : NULL;
    if (last == NULL || !last->collected)
        return TRUE;
    g_autoptr(Json) list = list_of(found);
    Json *result = last->function(json_root(list));
    g_ptr_array_set_size(found, 0);
    if (result != NULL) {
        g_ptr_array_add(run->kept, result);
        g_ptr_array_add(found, (gpointer)json_root(result));
    }
    return TRUE;
}

/* Inside a filter a path that leads nowhere is no error. */
const JsonValue *path_value(PathRun *run, const JsonPath *path, const JsonValue *start) {
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    GError *error = NULL, **outer = run->error;
    run->error = &error;
    gboolean fine = path_walk(run, path, start, found);
    run->error = outer;
    if (!fine && error_code(error) != ERR_NOT_FOUND) {
        g_propagate_error(run->error, error);
        return NULL;
    }
    g_clear_error(&error);
    if (path->definite)
        return fine && found->len > 0 ? found->pdata[0] : NULL;
    Json *list = list_of(found);
    g_ptr_array_add(run->kept, list);
    return json_root(list);
}

static void unref_json(gpointer json) {
    json_unref(json);
}

Json *json_path_read(JsonPath *path, const JsonValue *document, GError **error) {
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func(unref_json);
    GError *problem = NULL;
    PathRun run = {.document = document, .work = JSON_PATH_WORK_MAX, .pattern_work = PATTERN_WORK_MAX, .kept = kept, .error = &problem};
    if (document != NULL)
        path_walk(&run, path, document, found);
    if (problem == NULL && path->definite && found->len == 0)
        error_set(&problem, ERR_NOT_FOUND, "it leads nowhere");
    if (problem != NULL) {
        g_prefix_error(&problem, "JSON path \"%s\": ", path->text);
        g_propagate_error(error, problem);
        return NULL;
    }
    return path->definite ? json_copy(found->pdata[0]) : list_of(found);
}

Json *json_path_find(const char *text, const JsonValue *document, GError **error) {
    g_autoptr(JsonPath) path = json_path_new(text, error);
    return path != NULL ? json_path_read(path, document, error) : NULL;
}
