/* Saving and finding projects. Saves are checked and committed under one lock, so that two of one name cannot both pass. Any thread. */
#include "stages/metadata/projects.h"
#include <string.h>

static GMutex saving;

typedef struct {
    const char *name; /* folded */
    Json *found;
} NameSearch;

static gboolean match_name(const StoreObject *object, gpointer data) {
    NameSearch *search = data;
    const char *name = json_get_string(json_root(object->body), "name");
    g_autofree char *folded = g_utf8_casefold(name != NULL ? name : "", -1);
    if (strcmp(folded, search->name) == 0)
        search->found = json_ref(object->body);
    return search->found == NULL;
}

static gboolean find_by_name(Store *store, const char *name, Json **found, GError **error) {
    g_autofree char *folded = g_utf8_casefold(name, -1);
    NameSearch search = {.name = folded};
    gboolean read = store_objects_each(store, PROJECT_KIND, NULL, NULL, match_name, &search, error);
    *found = search.found;
    return read;
}

static Json *load(Store *store, const char *id, GError **error) {
    StoreObject object = {0};
    if (!store_object_load(store, PROJECT_KIND, id, &object, error))
        return NULL;
    Json *body = json_ref(object.body);
    store_object_clear(&object);
    return body;
}

Json *project_find(Store *store, const char *name_or_id, GError **error) {
    g_autoptr(Json) found = NULL;
    g_autoptr(GError) missing = NULL;
    if (!find_by_name(store, name_or_id, &found, error))
        return NULL;
    if (found == NULL)
        found = load(store, name_or_id, &missing);
    if (found != NULL)
        return g_steal_pointer(&found);
    if (error_code(missing) == ERR_NOT_FOUND)
        error_set(error, ERR_NOT_FOUND, "Project not found (id: %s)", name_or_id);
    else
        g_propagate_error(error, g_steal_pointer(&missing));
    return NULL;
}

/* ---- saving ---- */
static gboolean check_shape(const JsonValue *project, const char *name, GError **error) {
    static const char *const LISTS[] = {"applications", "clusters", "pipelineConfigs"};
    const JsonValue *config = json_get(project, "config"), *id = json_get(project, "id");
    if (!json_is_object(project) || *name == '\0') {
        error_set(error, ERR_INVALID, "A project requires a name");
        return FALSE;
    }
    if (strlen(name) > json_string_length(json_get(project, "name")) ||
        strlen(json_get_string(project, "name")) != json_string_length(json_get(project, "name")) ||
        (id != NULL && !json_is_null(id) && (!json_is_string(id) || strlen(json_string(id)) != json_string_length(id)))) {
        error_set(error, ERR_INVALID, "project %s: name and id are texts without NUL characters", name);
        return FALSE;
    }
    if (config != NULL && !json_is_null(config) && !json_is_object(config)) {
        error_set(error, ERR_INVALID, "project %s: \"config\" must be an object", name);
        return FALSE;
    }
    for (gsize l = 0; l < G_N_ELEMENTS(LISTS); l++) {
        const JsonValue *list = json_get(config, LISTS[l]);
        if (list == NULL || json_is_null(list) || json_is_array(list))
            continue;
        error_set(error, ERR_INVALID, "project %s: \"config.%s\" must be a list", name, LISTS[l]);
        return FALSE;
    }
    return TRUE;
}

static Json *document_to_store(const JsonValue *project, const JsonValue *stored, const char *id, const char *name, const char *user,
                               gint64 now_ms) {
    static const char *const NOT_KEPT[] = {"lastModified", NULL};
    g_autoptr(Json) config = json_is_object(json_get(project, "config"))
                                 ? json_copy(json_get(project, "config"))
                                 : json_pack("{s:[], s:[], s:[]}", "pipelineConfigs", "applications", "clusters");
    g_autoptr(Json) clean = json_without(project, NOT_KEPT);
    g_autoptr(Json) own = json_pack("{s:s, s:s, s:j, s:i, s:i, s:s}", "id", id, "name", name, "config", config, "createTs",
                                    json_get_int(stored, "createTs", now_ms), "updateTs", now_ms, "lastModifiedBy", user);
    return json_merge(json_root(clean), json_root(own));
}

static void save_object(StoreUnit *unit, const char *id, const char *name, Json *body, const char *user, gint64 now_ms) {
    const StoreObject next = {.kind = PROJECT_KIND,
                              .id = id,
                              .name = name,
                              .created_ms = json_get_int(json_root(body), "createTs", now_ms),
                              .updated_ms = now_ms,
                              .updated_by = user,
                              .body = body};
    const StoreChange change = {PROJECT_KIND, id, NULL, "SAVED", 0, NULL};
    store_object_save(unit, &next, -1, TRUE);
    store_unit_change(unit, &change);
}

static Json *save_locked(Store *store, const JsonValue *project, const char *name, const Principal *principal, gint64 now_ms,
                         GError **error) {
    const char *given_id = json_get_string(project, "id");
    g_autofree char *id = given_id != NULL && *given_id != '\0' ? g_strdup(given_id) : g_uuid_string_random();
    g_autoptr(Json) namesake = NULL;
    g_autoptr(GError) missing = NULL;
    if (!find_by_name(store, name, &namesake, error))
        return NULL;
    if (namesake != NULL && g_strcmp0(json_get_string(json_root(namesake), "id"), id) != 0) {
        error_set(error, ERR_INVALID, "A Project named '%s' already exists", name);
        return NULL;
    }
    g_autoptr(Json) stored = load(store, id, &missing);
    if (stored == NULL && error_code(missing) != ERR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&missing));
        return NULL;
    }
    g_autoptr(Json) body = document_to_store(project, json_root(stored), id, name, principal->user, now_ms);
    StoreUnit *unit = store_unit_new();
    save_object(unit, id, name, body, principal->user, now_ms);
    return store_commit(store, unit, error) ? g_steal_pointer(&body) : NULL;
}

Json *project_save(Store *store, const JsonValue *project, const Principal *principal, gint64 now_ms, GError **error) {
    const char *given = json_get_string(project, "name");
    g_autofree char *name = g_strstrip(g_strdup(given != NULL ? given : ""));
    if (!check_shape(project, name, error))
        return NULL;
    g_mutex_lock(&saving);
    Json *saved = save_locked(store, project, name, principal, now_ms, error);
    g_mutex_unlock(&saving);
    return saved;
}

static void delete_object(StoreUnit *unit, const char *id) {
    const StoreChange change = {PROJECT_KIND, id, NULL, "DELETED", 0, NULL};
    store_object_delete(unit, PROJECT_KIND, id, -1);
    store_unit_change(unit, &change);
}

gboolean project_delete(Store *store, const char *id, GError **error) {
    StoreUnit *unit = store_unit_new();
    delete_object(unit, id);
    return store_commit(store, unit, error);
}

/* ---- applications that go ---- */
typedef struct {
    StoreUnit *unit;
    const char *application; /* lower case */
    gint64 now_ms;
} Forgetting;

static gboolean is_application(const JsonValue *name, const char *application) {
    return json_is_string(name) && g_ascii_strcasecmp(json_string(name), application) == 0;
}

/* The list without the application; *found when it was in it. */
static Json *without_application(const JsonValue *list, const char *application, gboolean *found) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (is_application(i.value, application))
            *found = TRUE;
        else
            json_add_value(builder, NULL, i.value);
    json_end_array(builder);
    return json_builder_end(builder);
}

static Json *clusters_without(const JsonValue *clusters, const char *application, gboolean *found) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(clusters); json_next(&i);) {
        const JsonValue *own = json_get(i.value, "applications");
        g_autoptr(Json) left = json_is_array(own) ? without_application(own, application, found) : NULL;
        g_autoptr(Json) cluster = left != NULL ? json_with(i.value, "applications", json_root(left)) : json_copy(i.value);
        json_add_json(builder, NULL, cluster);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

static gboolean forget_in(const StoreObject *object, gpointer data) {
    const Forgetting *forgetting = data;
    const JsonValue *project = json_root(object->body), *config = json_get(project, "config");
    gboolean found = FALSE;
    g_autoptr(Json) applications = without_application(json_get(config, "applications"), forgetting->application, &found);
    if (found && json_length(json_root(applications)) == 0) {
        delete_object(forgetting->unit, object->id);
        return TRUE;
    }
    g_autoptr(Json) clusters = clusters_without(json_get(config, "clusters"), forgetting->application, &found);
    if (!found)
        return TRUE;
    g_autoptr(Json) changed = json_pack("{s:j, s:j}", "applications", applications, "clusters", clusters);
    g_autoptr(Json) next_config = json_merge(config, json_root(changed));
    g_autoptr(Json) body = json_with(project, "config", json_root(next_config));
    save_object(forgetting->unit, object->id, object->name, body, object->updated_by, forgetting->now_ms);
    return TRUE;
}

gboolean projects_forget_application(Store *store, StoreUnit *unit, const char *application, gint64 now_ms, GError **error) {
    Forgetting forgetting = {unit, application, now_ms};
    return store_objects_each(store, PROJECT_KIND, NULL, NULL, forget_in, &forgetting, error);
}
