/* Keeping templates. Saves and deletions are checked and committed under one lock. Any thread. */
#include "templates/stored.h"
#include <string.h>

static GMutex saving;

static const char *const TAGS[] = {"latest", "stable", "unstable", "experimental", "test", "canary", NULL};

static gboolean is_given(const char *text) {
    return text != NULL && *text != '\0';
}

static gboolean check_id(const char *id, GError **error) {
    if (!is_given(id)) {
        error_set(error, ERR_INVALID, "A pipeline template requires an id");
        return FALSE;
    }
    if (strlen(id) <= TEMPLATE_ID_MAX && strpbrk(id, ":@/ \t\r\n") == NULL)
        return TRUE;
    error_set(error, ERR_INVALID, "pipeline template id %.80s: at most %d bytes, without colon, @, slash and blanks", id, TEMPLATE_ID_MAX);
    return FALSE;
}

char *template_key(const TemplateName *name, GError **error) {
    gboolean tagged = is_given(name->tag), digested = is_given(name->digest);
    if (!check_id(name->id, error))
        return NULL;
    if (tagged && digested)
        error_set(error, ERR_INVALID, "pipeline template %s: a tag or a digest, not both", name->id);
    else if (tagged && !g_strv_contains(TAGS, name->tag)) {
        g_autofree char *known = g_strjoinv(", ", (char **)TAGS);
        error_set(error, ERR_INVALID, "pipeline template %s: the tag %s is none of %s", name->id, name->tag, known);
    } else if (digested)
        return g_strconcat(name->id, "@sha256:", g_str_has_prefix(name->digest, "sha256:") ? name->digest + 7 : name->digest, NULL);
    else
        return tagged ? g_strconcat(name->id, ":", name->tag, NULL) : g_strdup(name->id);
    return NULL;
}

const char *template_key_of_reference(const char *reference) {
    return reference != NULL && g_str_has_prefix(reference, TEMPLATE_REFERENCE) ? reference + strlen(TEMPLATE_REFERENCE) : NULL;
}

/* ---- digest ---- */
static int compare_texts(gconstpointer a, gconstpointer b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_sorted(JsonBuilder *builder, const char *key, const JsonValue *value) {
    if (json_is_array(value)) {
        json_begin_array(builder, key);
        for (JsonIter i = json_iter(value); json_next(&i);)
            add_sorted(builder, NULL, i.value);
        json_end_array(builder);
    } else if (json_is_object(value)) {
        g_autoptr(GPtrArray) keys = g_ptr_array_new();
        for (JsonIter i = json_iter(value); json_next(&i);)
            g_ptr_array_add(keys, (gpointer)i.key);
        g_ptr_array_sort(keys, compare_texts);
        json_begin_object(builder, key);
        for (guint k = 0; k < keys->len; k++)
            add_sorted(builder, keys->pdata[k], json_get(value, keys->pdata[k]));
        json_end_object(builder);
    } else
        json_add_value(builder, key, value);
}

static const char *const ADDED[] = {"digest", "tag", "updateTs", "lastModified", "lastModifiedBy", NULL};

char *template_digest(const JsonValue *template) {
    g_autoptr(Json) own = json_without(template, ADDED);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    add_sorted(builder, NULL, json_root(own));
    g_autofree char *text = json_builder_write(builder, NULL);
    char *to = text;
    for (const char *from = text; *from != '\0'; from++)
        if (!g_ascii_isspace(*from))
            *to++ = *from;
    return g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, (gsize)(to - text));
}

/* ---- saving ---- */
static gboolean is_version_2(const JsonValue *template) {
    return g_strcmp0(json_get_string(template, "schema"), "v2") == 0;
}

static gboolean check_shape(const JsonValue *template, GError **error) {
    const char *schema = json_get_string(template, "schema");
    if (!json_is_object(template))
        error_set(error, ERR_INVALID, "A pipeline template is a JSON object");
    else if (schema != NULL && strcmp(schema, "1") != 0 && strcmp(schema, "v2") != 0)
        error_set(error, ERR_INVALID, "Pipeline template schema version is invalid: %s", schema);
    else if (!check_id(json_get_string(template, "id"), error))
        return FALSE;
    else if (strlen(json_get_string(template, "id")) != json_string_length(json_get(template, "id")))
        error_set(error, ERR_INVALID, "pipeline template id must not hold a NUL character");
    else if (is_version_2(template) && !json_is_object(json_get(template, "pipeline")))
        error_set(error, ERR_INVALID, "pipeline template %s: \"pipeline\" must be an object", json_get_string(template, "id"));
    else if (json_get(template, "variables") != NULL && !json_is_array(json_get(template, "variables")) &&
             !json_is_null(json_get(template, "variables")))
        error_set(error, ERR_INVALID, "pipeline template %s: \"variables\" must be a list", json_get_string(template, "id"));
    else
        return TRUE;
    return FALSE;
}

static void save_variant(StoreUnit *unit, const char *key, Json *body, const Principal *principal, gint64 now_ms) {
    const StoreObject object = {.kind = TEMPLATE_KIND,
                                .id = key,
                                .name = key,
                                .created_ms = now_ms,
                                .updated_ms = now_ms,
                                .updated_by = principal->user,
                                .body = body};
    const StoreChange change = {TEMPLATE_KIND, key, NULL, "SAVED", 0, NULL};
    store_object_save(unit, &object, -1, TRUE);
    store_unit_change(unit, &change);
}

static Json *document_to_store(const JsonValue *template, const Principal *principal, gint64 now_ms) {
    g_autofree char *now = g_strdup_printf("%" G_GINT64_FORMAT, now_ms);
    g_autoptr(Json) own = json_without(template, ADDED);
    g_autoptr(Json) members = json_pack("{s:s, s:s}", "updateTs", now, "lastModifiedBy", principal->user);
    return json_merge(json_root(own), json_root(members));
}

/* FALSE with ERR_NOT_FOUND when it should exist, ERR_INVALID when it should not. */
static gboolean check_existence(Store *store, const char *key, gboolean must_exist, GError **error) {
    g_autoptr(GError) missing = NULL;
    StoreObject stored = {0};
    gboolean exists = store_object_load(store, TEMPLATE_KIND, key, &stored, &missing);
    store_object_clear(&stored);
    if (!exists && error_code(missing) != ERR_NOT_FOUND)
        g_propagate_error(error, g_steal_pointer(&missing));
    else if (exists && !must_exist)
        error_set(error, ERR_INVALID, "A pipeline template with the id %s already exists", key);
    else if (!exists && must_exist)
        error_set(error, ERR_NOT_FOUND, "Pipeline template %s not found", key);
    else
        return TRUE;
    return FALSE;
}

static Json *save_locked(Store *store, const JsonValue *template, const char *tag, const char *key, const Principal *principal,
                         gint64 now_ms, GError **error) {
    const char *id = json_get_string(template, "id");
    g_autoptr(StoreUnit) unit = store_unit_new();
    g_autoptr(Json) body = document_to_store(template, principal, now_ms);
    g_autoptr(Json) tagged = is_given(tag) ? json_with_string(json_root(body), "tag", tag) : json_ref(body);
    save_variant(unit, key, tagged, principal, now_ms);
    if (is_version_2(template)) {
        g_autofree char *digest = template_digest(template);
        g_autofree char *digest_key = g_strconcat(id, "@sha256:", digest, NULL);
        g_autofree char *latest_key = g_strconcat(id, ":latest", NULL);
        g_autoptr(Json) digested = json_with_string(json_root(body), "digest", digest);
        g_autoptr(Json) latest = json_with_string(json_root(body), "tag", "latest");
        save_variant(unit, digest_key, digested, principal, now_ms);
        if (!is_given(tag))
            save_variant(unit, latest_key, latest, principal, now_ms);
    }
    return store_commit(store, g_steal_pointer(&unit), error) ? json_ref(body) : NULL;
}

Json *template_save(Store *store, const JsonValue *template, const char *tag, gboolean must_exist, const Principal *principal,
                    gint64 now_ms, GError **error) {
    if (!check_shape(template, error))
        return NULL;
    const TemplateName name = {.id = json_get_string(template, "id"), .tag = tag};
    g_autofree char *key = template_key(&name, error);
    if (key == NULL)
        return NULL;
    g_mutex_lock(&saving);
    Json *saved = check_existence(store, key, must_exist, error) ? save_locked(store, template, tag, key, principal, now_ms, error) : NULL;
    g_mutex_unlock(&saving);
    return saved;
}

/* ---- deleting ---- */
static gboolean check_unused(Store *store, const char *const *keys, GError **error) {
    g_autoptr(Json) dependents = template_dependents(store, keys, FALSE, error);
    if (dependents == NULL)
        return FALSE;
    if (json_length(json_root(dependents)) == 0)
        return TRUE;
    g_autoptr(GString) names = g_string_new(NULL);
    for (JsonIter i = json_iter(json_root(dependents)); json_next(&i);) {
        const char *name = json_get_string(i.value, "name"), *application = json_get_string(i.value, "application");
        if (names->len < 1000)
            g_string_append_printf(names, "%s%s of %s", names->len > 0 ? ", " : "", name != NULL ? name : "UNKNOWN",
                                   application != NULL ? application : "UNKNOWN");
    }
    error_set(error, ERR_CONFLICT, "The following pipeline configs depend on this template: %s", names->str);
    return FALSE;
}

static gboolean delete_locked(Store *store, const char *key, const char *twin, GError **error) {
    const char *const keys[] = {key, twin, NULL};
    if (!check_existence(store, key, TRUE, error) || !check_unused(store, keys, error))
        return FALSE;
    g_autoptr(StoreUnit) unit = store_unit_new();
    for (gsize k = 0; keys[k] != NULL; k++) {
        const StoreChange change = {TEMPLATE_KIND, keys[k], NULL, "DELETED", 0, NULL};
        store_object_delete(unit, TEMPLATE_KIND, keys[k], -1);
        store_unit_change(unit, &change);
    }
    return store_commit(store, g_steal_pointer(&unit), error);
}

gboolean template_delete(Store *store, const TemplateName *name, GError **error) {
    g_autofree char *key = template_key(name, error);
    if (key == NULL)
        return FALSE;
    gboolean bare = !is_given(name->tag) && !is_given(name->digest);
    g_autofree char *latest = bare ? g_strconcat(name->id, ":latest", NULL) : NULL;
    g_mutex_lock(&saving);
    gboolean deleted = delete_locked(store, key, latest, error);
    g_mutex_unlock(&saving);
    return deleted;
}

/* ---- reading ---- */
static Json *load_body(Store *store, const char *key, GError **error) {
    StoreObject object = {0};
    if (!store_object_load(store, TEMPLATE_KIND, key, &object, error))
        return NULL;
    Json *body = json_ref(object.body);
    store_object_clear(&object);
    return body;
}

Json *template_load(Store *store, const char *key, GError **error) {
    g_autoptr(GError) missing = NULL;
    Json *body = load_body(store, key, &missing);
    if (body == NULL && error_code(missing) == ERR_NOT_FOUND && strpbrk(key, ":@") == NULL) {
        g_autofree char *latest = g_strconcat(key, ":latest", NULL);
        g_clear_error(&missing);
        body = load_body(store, latest, &missing);
    }
    if (body != NULL)
        return body;
    if (error_code(missing) == ERR_NOT_FOUND)
        error_set(error, ERR_NOT_FOUND, "Pipeline template %s not found", key);
    else
        g_propagate_error(error, g_steal_pointer(&missing));
    return NULL;
}

typedef struct {
    const char *const *scopes;
    TemplateEach each;
    gpointer data;
} Listing;

static gboolean has_scope(const JsonValue *template, const char *const *scopes) {
    if (scopes == NULL || *scopes == NULL)
        return TRUE;
    const JsonValue *own = json_dig(template, "metadata", "scopes", NULL);
    for (JsonIter i = json_iter(json_is_array(own) ? own : NULL); json_next(&i);)
        for (gsize s = 0; scopes[s] != NULL; s++)
            if (json_is_string(i.value) && g_ascii_strcasecmp(json_string(i.value), scopes[s]) == 0)
                return TRUE;
    return FALSE;
}

static gboolean list_one(const StoreObject *object, gpointer data) {
    const Listing *listing = data;
    const JsonValue *template = json_root(object->body);
    return !has_scope(template, listing->scopes) || listing->each(template, listing->data);
}

gboolean templates_each(Store *store, const char *const *scopes, TemplateEach each, gpointer data, GError **error) {
    Listing listing = {scopes, each, data};
    return store_objects_each(store, TEMPLATE_KIND, NULL, NULL, list_one, &listing, error);
}

/* ---- who depends on it ---- */
const char *template_reference_of(const JsonValue *pipeline) {
    const char *reference = json_get_string(json_get(pipeline, "template"), "reference");
    if (reference != NULL)
        return reference;
    reference = json_get_string(json_dig(pipeline, "config", "template", NULL), "reference");
    return reference != NULL ? reference : json_get_string(json_dig(pipeline, "config", "pipeline", "template", NULL), "source");
}

typedef struct {
    GHashTable *keys; /* of char * */
    gboolean grown;
    JsonBuilder *found;
} Dependents;

static gboolean add_heir(const StoreObject *object, gpointer data) {
    Dependents *dependents = data;
    const char *parent = template_key_of_reference(json_get_string(json_root(object->body), "source"));
    if (parent != NULL && g_hash_table_contains(dependents->keys, parent))
        dependents->grown = g_hash_table_add(dependents->keys, g_strdup(object->id)) || dependents->grown;
    return TRUE;
}

static gboolean add_dependent(const StoreObject *object, gpointer data) {
    const Dependents *dependents = data;
    const char *key = template_key_of_reference(template_reference_of(json_root(object->body)));
    if (key != NULL && g_hash_table_contains(dependents->keys, key))
        json_add_json(dependents->found, NULL, object->body);
    return TRUE;
}

Json *template_dependents(Store *store, const char *const *keys, gboolean recursive, GError **error) {
    g_autoptr(JsonBuilder) found = json_builder_new();
    g_autoptr(GHashTable) all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (gsize k = 0; keys[k] != NULL; k++)
        g_hash_table_add(all, g_strdup(keys[k]));
    Dependents dependents = {all, recursive, found};
    while (dependents.grown) {
        dependents.grown = FALSE;
        if (!store_objects_each(store, TEMPLATE_KIND, NULL, NULL, add_heir, &dependents, error))
            return NULL;
    }
    json_begin_array(found, NULL);
    if (!store_objects_each(store, "pipeline", NULL, NULL, add_dependent, &dependents, error))
        return NULL;
    json_end_array(found);
    return json_builder_end(found);
}

typedef struct {
    const char *id;
    GPtrArray *keys;
} Variants;

static gboolean add_key(const StoreObject *object, gpointer data) {
    Variants *variants = data;
    if (g_strcmp0(json_get_string(json_root(object->body), "id"), variants->id) == 0)
        g_ptr_array_add(variants->keys, g_strdup(object->id));
    return TRUE;
}

char **template_keys_of(Store *store, const char *id, GError **error) {
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
    Variants variants = {id, keys};
    if (!store_objects_each(store, TEMPLATE_KIND, NULL, NULL, add_key, &variants, error))
        return NULL;
    g_ptr_array_add(keys, NULL);
    return (char **)g_ptr_array_steal(keys, NULL);
}
