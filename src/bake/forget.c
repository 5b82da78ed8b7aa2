/* Forgetting bakes, so that the next one of the same request makes a new image (bake.md 1). Images and logs stay. Any thread. */
#include "bake/internal.h"

/* TRUE: the key led to this bake (NULL: to any), and leads nowhere now. */
static gboolean forget_key(Bakery *bakery, const char *key, const char *only, char **forgotten, GError **error) {
    gint64 version = 0;
    g_autoptr(GError) failed = NULL;
    g_autofree char *id = bake_record_of_key(bakery->store, key, &version, &failed);
    if (failed != NULL) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    if (id == NULL || (only != NULL && strcmp(id, only) != 0) || !bake_record_forget_key(bakery->store, key, version, error))
        return FALSE;
    *forgotten = g_steal_pointer(&id);
    return TRUE;
}

char *bakery_forget(Bakery *bakery, const char *region, const JsonValue *request, GError **error) {
    g_autoptr(BakeSettings) settings = bakery_settings(bakery);
    if (bake_cloud(settings, request, error) == NULL)
        return NULL;
    g_autofree char *key = bake_key(settings, region, request);
    char *id = NULL;
    g_autoptr(GError) failed = NULL;
    if (forget_key(bakery, key, NULL, &id, &failed))
        return id;
    if (failed != NULL)
        g_propagate_error(error, g_steal_pointer(&failed));
    else
        error_set(error, ERR_NOT_FOUND, "no bake of this request in %s is known (key %s)", region, key);
    return NULL;
}

typedef struct {
    const JsonValue *execution_ids;
    GPtrArray *bakes; /* of char *: id, key, id, key … */
} Search;

static gboolean is_listed(const JsonValue *list, const char *id) {
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (g_strcmp0(json_string(i.value), id) == 0)
            return TRUE;
    return FALSE;
}

static gboolean collect(const StoreObject *object, gpointer data) {
    Search *search = data;
    const JsonValue *body = json_root(object->body);
    for (JsonIter i = json_iter(json_get(body, "waiters")); json_next(&i);) {
        if (!is_listed(search->execution_ids, json_get_string(i.value, "execution")))
            continue;
        g_ptr_array_add(search->bakes, g_strdup(object->id));
        g_ptr_array_add(search->bakes, g_strdup(json_get_string(body, "key")));
        return TRUE;
    }
    return TRUE;
}

gboolean bakery_forget_executions(Bakery *bakery, const JsonValue *execution_ids, guint *forgotten, GError **error) {
    Search search = {execution_ids, g_ptr_array_new_with_free_func(g_free)};
    g_autoptr(GPtrArray) bakes = search.bakes;
    *forgotten = 0;
    if (!store_objects_each(bakery->store, BAKE_KIND, NULL, NULL, collect, &search, error))
        return FALSE;
    for (guint i = 0; i + 1 < bakes->len; i += 2) {
        g_autofree char *id = NULL;
        g_autoptr(GError) failed = NULL;
        if (forget_key(bakery, bakes->pdata[i + 1], bakes->pdata[i], &id, &failed))
            (*forgotten)++;
        else if (failed != NULL && error_code(failed) != ERR_CONFLICT) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return FALSE;
        }
    }
    return TRUE;
}
