/* One place of a document changed. Pure. */
#include "templates/path_change.h"
#include <string.h>

#define PATH_STEPS_MAX 64

typedef struct {
    GPtrArray *keys; /* of char *; an index is its digits */
    const char *path;
    PathChange change;
    const JsonValue *value;
    gboolean failed;
} Change;

/* The key of a step at *at, which is moved behind it; NULL: the path has another form. Caller frees. */
static char *read_step(const char **at) {
    const char *from = *at, *end = NULL;
    if (*from == '.') {
        *at = from + 1 + strcspn(from + 1, ".[");
        return *at > from + 1 ? g_strndup(from + 1, (gsize)(*at - from - 1)) : NULL;
    }
    if (*from != '[')
        return NULL;
    char quote = from[1] == '\'' || from[1] == '"' ? from[1] : '\0';
    from += quote != '\0' ? 2 : 1;
    end = strchr(from, quote != '\0' ? quote : ']');
    if (end == NULL || end == from || (quote != '\0' && end[1] != ']'))
        return NULL;
    *at = end + (quote != '\0' ? 2 : 1);
    return g_strndup(from, (gsize)(end - from));
}

static GPtrArray *read_path(const char *path, GError **error) {
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *relative = *path == '$' ? NULL : g_strconcat(".", path, NULL);
    const char *at = relative != NULL ? relative : path + 1;
    while (*at != '\0') {
        char *key = keys->len < PATH_STEPS_MAX ? read_step(&at) : NULL;
        if (key == NULL || strcmp(key, "*") == 0) {
            g_free(key);
            error_set(error, ERR_INVALID, "path %.200s: expected a form like $.a.b[0]['c'] of at most %d steps", path, PATH_STEPS_MAX);
            return NULL;
        }
        g_ptr_array_add(keys, key);
    }
    return g_steal_pointer(&keys);
}

static Json *changed_value(Change *change, const JsonValue *old) {
    if (change->change == PATH_MERGE && json_is_object(old) && json_is_object(change->value))
        return json_merge(old, change->value);
    if (change->change != PATH_MERGE || !json_is_array(old))
        return json_copy(change->value);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(old); json_next(&i);)
        json_add_value(builder, NULL, i.value);
    if (!json_is_array(change->value))
        json_add_value(builder, NULL, change->value);
    for (JsonIter i = json_iter(json_is_array(change->value) ? change->value : NULL); json_next(&i);)
        json_add_value(builder, NULL, i.value);
    json_end_array(builder);
    return json_builder_end(builder);
}

/* What comes into the place of a value `step` steps down; NULL: nothing. */
static Json *changed(Change *change, const JsonValue *value, guint step);

static Json *changed_list(Change *change, const JsonValue *list, guint step) {
    gint64 index = -1;
    if (!g_ascii_string_to_signed(change->keys->pdata[step], 10, 0, G_MAXINT32, &index, NULL))
        change->failed = TRUE;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(list); json_next(&i);) {
        g_autoptr(Json) next = (gint64)i.index == index ? changed(change, i.value, step + 1) : json_copy(i.value);
        if (next != NULL)
            json_add_json(builder, NULL, next);
    }
    if (index == (gint64)json_length(list) && change->change != PATH_REMOVE) {
        g_autoptr(Json) next = changed(change, NULL, step + 1);
        json_add_json(builder, NULL, next);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

static Json *changed_object(Change *change, const JsonValue *object, guint step) {
    const char *key = change->keys->pdata[step];
    const char *const keys[] = {key, NULL};
    g_autoptr(Json) next = changed(change, json_get(object, key), step + 1);
    return next != NULL ? json_with(object, key, json_root(next)) : json_without(object, keys);
}

static Json *changed(Change *change, const JsonValue *value, guint step) {
    if (step == change->keys->len)
        return change->change == PATH_REMOVE ? NULL : changed_value(change, value);
    if (value == NULL && change->change == PATH_REMOVE)
        return NULL;
    if (json_is_array(value))
        return changed_list(change, value, step);
    if (json_is_object(value) || value == NULL || json_is_null(value))
        return changed_object(change, value, step);
    change->failed = TRUE;
    return json_copy(value);
}

Json *path_change(const JsonValue *document, const char *path, PathChange change, const JsonValue *value, GError **error) {
    g_autoptr(GPtrArray) keys = read_path(path, error);
    if (keys == NULL)
        return NULL;
    Change all = {keys, path, change, value, FALSE};
    g_autoptr(Json) next = changed(&all, document, 0);
    if (next != NULL && !all.failed)
        return g_steal_pointer(&next);
    error_set(error, ERR_INVALID, "path %.200s: leads through what is neither list nor object", path);
    return NULL;
}
