/* Saving, finding and ordering pipeline and strategy configurations. Saves of one id, or of one name in an application, take turns, so
 * that two of one name cannot both pass. Any thread. */
#include "stages/metadata/pipelines.h"
#include "engine/engine.h"
#include "engine/graph.h"
#include "stages/metadata/pipeline_permissions.h"
#include "stages/metadata/save_turns.h"
#include "templates/templates.h"
#include <string.h>

static char *trimmed(const char *text) {
    return text == NULL ? g_strdup("") : g_strstrip(g_strdup(text));
}

static gboolean same_name(const char *a, const char *b) {
    g_autofree char *folded_a = g_utf8_casefold(a, -1);
    g_autofree char *folded_b = g_utf8_casefold(b, -1);
    return strcmp(folded_a, folded_b) == 0;
}

typedef struct {
    const char *name, *other_than_id;
    char *id; /* of what was found */
    gboolean exact;
} NameSearch;

static gboolean match_name(const StoreObject *object, gpointer data) {
    NameSearch *search = data;
    const char *name = object->name;
    if (name == NULL || (search->other_than_id != NULL && strcmp(object->id, search->other_than_id) == 0))
        return TRUE;
    if (search->exact ? strcmp(name, search->name) != 0 : !same_name(name, search->name))
        return TRUE;
    search->id = g_strdup(object->id);
    return FALSE;
}

/* search->id: of a configuration of that name in the application, or NULL; caller frees. */
static void find_by_name(Store *store, const char *kind, const char *application, NameSearch *search) {
    g_autofree char *lower = g_utf8_strdown(application, -1);
    store_object_names_each(store, kind, lower, match_name, search);
}

/* Triggers with ids on cron ones: new on creation or on request, else only where missing. */
static void add_triggers(JsonBuilder *builder, const JsonValue *triggers, gboolean fresh) {
    json_begin_array(builder, "triggers");
    for (JsonIter i = json_iter(triggers); json_next(&i);) {
        gboolean cron = g_strcmp0(json_get_string(i.value, "type"), "cron") == 0;
        if (!cron || (!fresh && json_get_string(i.value, "id") != NULL)) {
            json_add_value(builder, NULL, i.value);
            continue;
        }
        g_autofree char *id = g_uuid_string_random();
        g_autoptr(Json) with_id = json_with_string(i.value, "id", id);
        json_add_json(builder, NULL, with_id);
    }
    json_end_array(builder);
}

static Json *document_to_store(const JsonValue *pipeline, const JsonValue *stored, const char *id, const char *name, const char *kind,
                               const Principal *principal, gint64 now_ms) {
    static const char *const NOT_KEPT[] = {"regenerateCronTriggerIds", "lastModified", NULL};
    gboolean fresh = json_get_string(pipeline, "id") == NULL || json_get_bool(pipeline, "regenerateCronTriggerIds", FALSE);
    g_autofree char *now = g_strdup_printf("%" G_GINT64_FORMAT, now_ms);
    g_autoptr(Json) without_nulls = json_without_nulls(pipeline);
    g_autoptr(Json) clean = json_without(json_root(without_nulls), NOT_KEPT);
    g_autoptr(JsonBuilder) own = json_builder_new();
    json_begin_object(own, NULL);
    json_add_string(own, "id", id);
    json_add_string(own, "name", name);
    if (json_get(pipeline, "schema") == NULL)
        json_add_string(own, "schema", "1");
    if (json_get(pipeline, "index") == NULL)
        json_add_value(own, "index", json_get(stored, "index"));
    add_triggers(own, json_get(pipeline, "triggers"), fresh);
    json_add_string(own, "lastModifiedBy", principal->user);
    json_add_int(own, "lastModified", now_ms);
    json_add_string(own, "updateTs", now);
    const char *created = json_get_string(stored, "createTs");
    json_add_string(own, "createTs", created != NULL ? created : now);
    if (strcmp(kind, STRATEGY_KIND) == 0)
        json_add_bool(own, "strategy", TRUE);
    json_end_object(own);
    g_autoptr(Json) members = json_builder_end(own);
    return json_merge(json_root(clean), json_root(members));
}

static gboolean check_shape(const JsonValue *pipeline, const char *name, GError **error) {
    const char *application = json_get_string(pipeline, "application");
    if (!json_is_object(pipeline) || *name == '\0' || application == NULL || *application == '\0') {
        error_set(error, ERR_INVALID, "A pipeline requires name and application fields");
        return FALSE;
    }
    static const char *const TEXTS[] = {"name", "application", "id"};
    for (gsize t = 0; t < G_N_ELEMENTS(TEXTS); t++) {
        const JsonValue *text = json_get(pipeline, TEXTS[t]);
        if (!json_is_string(text) || strlen(json_string(text)) == json_string_length(text))
            continue;
        error_set(error, ERR_INVALID, "pipeline %s of %s: \"%s\" must not hold a NUL character", name, application, TEXTS[t]);
        return FALSE;
    }
    static const char *const LISTS[] = {"stages", "triggers", "parameterConfig", "notifications", "expectedArtifacts"};
    for (gsize l = 0; l < G_N_ELEMENTS(LISTS); l++) {
        const JsonValue *list = json_get(pipeline, LISTS[l]);
        if (list == NULL || json_is_null(list) || json_is_array(list))
            continue;
        error_set(error, ERR_INVALID, "pipeline %s of %s: \"%s\" must be a list", name, application, LISTS[l]);
        return FALSE;
    }
    if (!engine_check_types(pipeline, error)) {
        g_prefix_error(error, "pipeline %s of %s: ", name, application);
        return FALSE;
    }
    if (json_length(json_get(pipeline, "stages")) > PIPELINE_STAGES_MAX) {
        error_set(error, ERR_LIMIT, "pipeline %s of %s has more than %d stages", name, application, PIPELINE_STAGES_MAX);
        return FALSE;
    }
    return TRUE;
}

static gboolean check_unique(Store *store, const char *kind, const JsonValue *pipeline, const char *name, const char *id, GError **error) {
    const char *application = json_get_string(pipeline, "application");
    NameSearch search = {.name = name, .other_than_id = id};
    find_by_name(store, kind, application, &search);
    if (search.id == NULL)
        return TRUE;
    g_free(search.id);
    error_set(error, ERR_INVALID, "A %s with name %s already exists in application %s", kind, name, application);
    return FALSE;
}

static gboolean check_stale(const JsonValue *pipeline, const JsonValue *stored, GError **error) {
    const char *submitted = json_get_string(pipeline, "updateTs");
    const char *kept = json_get_string(stored, "updateTs");
    if (submitted == NULL || kept == NULL || strcmp(submitted, kept) == 0)
        return TRUE;
    error_set(error, ERR_INVALID, "The submitted pipeline is stale.  submitted updateTs %s does not match stored updateTs %s", submitted,
              kept);
    return FALSE;
}

/* Told to whoever follows what changes. */
static void add_change(StoreUnit *unit, const StoreObject *object, const char *status) {
    g_autoptr(Json) detail = json_pack("{s:s}", "name", object->name);
    g_autofree char *text = json_write(json_root(detail), NULL);
    const StoreChange change = {object->kind, object->id, object->application, status, object->version, text};
    store_unit_change(unit, &change);
}

/* In its turn. */
static Json *save_one(Store *store, const char *kind, const JsonValue *pipeline, const char *id, const char *name,
                      const Principal *principal, gboolean stale_check, gint64 now_ms, GError **error) {
    StoreObject stored = {0};
    g_autoptr(GError) missing = NULL;
    if (!store_object_load(store, kind, id, &stored, &missing) && error_code(missing) != ERR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&missing));
        return NULL;
    }
    g_autoptr(Json) body = NULL;
    if (check_unique(store, kind, pipeline, name, id, error) && (!stale_check || check_stale(pipeline, json_root(stored.body), error))) {
        body = document_to_store(pipeline, json_root(stored.body), id, name, kind, principal, now_ms);
        g_autofree char *application = g_utf8_strdown(json_get_string(pipeline, "application"), -1);
        StoreObject next = {
            .kind = kind,
            .id = id,
            .application = application,
            .name = name,
            .version = stored.version + 1,
            .created_ms = stored.version > 0 ? stored.created_ms : now_ms,
            .updated_ms = now_ms,
            .updated_by = principal->user,
            .body = body,
        };
        StoreUnit *unit = store_unit_new();
        store_object_save(unit, &next, stored.version, TRUE);
        add_change(unit, &next, "SAVED");
        if (!store_commit(store, unit, error))
            g_clear_pointer(&body, json_unref);
    }
    store_object_clear(&stored);
    return g_steal_pointer(&body);
}

Json *pipeline_save(Store *store, const char *kind, const JsonValue *pipeline, const Principal *principal, gboolean stale_check,
                    gint64 now_ms, GError **error) {
    g_autofree char *name = trimmed(json_get_string(pipeline, "name"));
    if (!check_shape(pipeline, name, error))
        return NULL;
    if (!templates_check_reference(store, pipeline, error))
        return NULL;
    const char *given_id = json_get_string(pipeline, "id");
    g_autofree char *id = given_id != NULL && *given_id != '\0' ? g_strdup(given_id) : g_uuid_string_random();
    g_autofree char *by_id = g_strconcat("id/", kind, "/", id, NULL), *folded = g_utf8_casefold(name, -1);
    g_autofree char *application = g_utf8_strdown(json_get_string(pipeline, "application"), -1);
    g_autofree char *by_name = g_strconcat("name/", kind, "/", application, "/", folded, NULL);
    SaveTurn turn = save_turn_take(by_id, by_name);
    Json *saved = save_one(store, kind, pipeline, id, name, principal, stale_check, now_ms, error);
    save_turn_give(&turn);
    return saved;
}

gboolean pipeline_delete(Store *store, const char *kind, const char *application, const char *name, GError **error) {
    g_autofree char *wanted = trimmed(name);
    NameSearch search = {.name = wanted};
    find_by_name(store, kind, application, &search);
    if (search.id == NULL)
        return TRUE;
    g_autofree char *id = search.id;
    StoreUnit *unit = store_unit_new();
    store_object_delete(unit, kind, id, -1);
    pipeline_permissions_forget(unit, id);
    g_autofree char *lower = g_utf8_strdown(application, -1);
    const StoreObject deleted = {.kind = kind, .id = id, .application = lower, .name = wanted};
    add_change(unit, &deleted, "DELETED");
    return store_commit(store, unit, error);
}

Json *pipeline_load(Store *store, const char *kind, const char *id, GError **error) {
    StoreObject object = {0};
    if (!store_object_load(store, kind, id, &object, error))
        return NULL;
    Json *body = json_ref(object.body);
    store_object_clear(&object);
    return body;
}

Json *pipeline_find(Store *store, const char *kind, const char *application, const char *name_or_id, GError **error) {
    NameSearch search = {.name = name_or_id, .exact = TRUE};
    find_by_name(store, kind, application, &search);
    g_autofree char *id = search.id != NULL ? search.id : g_strdup(name_or_id);
    g_autoptr(GError) inner = NULL;
    Json *found = pipeline_load(store, kind, id, &inner);
    if (found != NULL)
        return found;
    if (error_code(inner) == ERR_NOT_FOUND)
        error_set(error, ERR_NOT_FOUND, "Pipeline configuration not found (nameOrId: %s in application %s)", name_or_id, application);
    else
        g_propagate_error(error, g_steal_pointer(&inner));
    return NULL;
}

/* ---- lists ---- */
typedef struct {
    const char *filter; /* folded, or NULL */
    GPtrArray *found;   /* of Json */
} Listing;

static gboolean collect(const StoreObject *object, gpointer data) {
    Listing *listing = data;
    if (listing->filter != NULL) {
        const char *name = json_get_string(json_root(object->body), "name");
        g_autofree char *folded = g_utf8_casefold(name != NULL ? name : "", -1);
        if (strstr(folded, listing->filter) == NULL)
            return TRUE;
    }
    g_ptr_array_add(listing->found, json_ref(object->body));
    return TRUE;
}

static gint compare_listed(gconstpointer a, gconstpointer b) {
    const JsonValue *left = json_root(*(Json *const *)a), *right = json_root(*(Json *const *)b);
    gint64 left_index = json_get_int(left, "index", G_MAXINT64), right_index = json_get_int(right, "index", G_MAXINT64);
    if (left_index != right_index)
        return left_index < right_index ? -1 : 1;
    const char *left_name = json_get_string(left, "name"), *right_name = json_get_string(right, "name");
    if (left_name == NULL)
        left_name = json_get_string(left, "id");
    if (right_name == NULL)
        right_name = json_get_string(right, "id");
    g_autofree char *folded_left = g_utf8_casefold(left_name, -1);
    g_autofree char *folded_right = g_utf8_casefold(right_name, -1);
    return strcmp(folded_left, folded_right);
}

Json *pipelines_list(Store *store, const char *kind, const char *application, const char *name_filter, guint limit, GError **error) {
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    g_autofree char *folded = name_filter != NULL && *name_filter != '\0' ? g_utf8_casefold(name_filter, -1) : NULL;
    g_autofree char *lower = application != NULL ? g_utf8_strdown(application, -1) : NULL;
    Listing listing = {folded, found};
    if (!store_objects_each(store, kind, lower, NULL, collect, &listing, error))
        return NULL;
    if (application != NULL)
        g_ptr_array_sort(found, compare_listed);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < found->len && (limit == 0 || i < limit); i++) {
        const JsonValue *pipeline = json_root(found->pdata[i]);
        if (application == NULL) {
            json_add_value(builder, NULL, pipeline);
            continue;
        }
        g_autoptr(Json) index = json_from_int(i);
        g_autoptr(Json) numbered = json_with(pipeline, "index", json_root(index));
        json_add_json(builder, NULL, numbered);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

gboolean pipelines_reorder(Store *store, const char *kind, const char *application, const JsonValue *ids_to_indices,
                           const Principal *principal, gint64 now_ms, GError **error) {
    g_autoptr(StoreUnit) unit = store_unit_new();
    for (JsonIter i = json_iter(ids_to_indices); json_next(&i);) {
        StoreObject stored = {0};
        if (!store_object_load(store, kind, i.key, &stored, error)) {
            g_prefix_error(error, "reorder %s configurations of %s: ", kind, application);
            return FALSE;
        }
        g_autoptr(Json) index = json_from_int(json_int(i.value, 0));
        g_autoptr(Json) body = json_with(json_root(stored.body), "index", json_root(index));
        StoreObject next = stored;
        next.version++;
        next.updated_ms = now_ms;
        next.updated_by = principal->user;
        next.body = body;
        store_object_save(unit, &next, stored.version, FALSE);
        add_change(unit, &next, "SAVED");
        store_object_clear(&stored);
    }
    return store_commit(store, g_steal_pointer(&unit), error);
}
