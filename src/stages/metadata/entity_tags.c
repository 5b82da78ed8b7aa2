/* Saving tags of entities. Saves are read, merged and committed under one lock. Any thread. */
#include "stages/metadata/entity_tags.h"
#include "clouds/naming.h"
#include <string.h>

static GMutex saving;

/* ---- ids ---- */
static const char *part_of(const JsonValue *ref, const char *key, const char *otherwise) {
    const char *text = json_get_string(ref, key);
    if ((text == NULL || *text == '\0') && otherwise != NULL)
        text = json_get_string(ref, otherwise);
    return text != NULL && *text != '\0' ? text : "*";
}

static char *id_of(const JsonValue *ref) {
    g_autofree char *id = g_strjoin(":", part_of(ref, "cloudProvider", NULL), part_of(ref, "entityType", NULL),
                                    part_of(ref, "entityId", NULL), part_of(ref, "accountId", "account"), part_of(ref, "region", NULL),
                                    NULL);
    return g_utf8_strdown(id, -1);
}

/* Whose it is: what the reference says, else what the entity's name does; lower case, or NULL; caller frees. */
static char *application_of(const JsonValue *ref) {
    const char *given = json_get_string(ref, "application"), *type = json_get_string(ref, "entityType");
    const char *entity = json_get_string(ref, "entityId");
    if (given != NULL && *given != '\0')
        return g_utf8_strdown(given, -1);
    if (g_ascii_strcasecmp(type, "application") == 0)
        return g_utf8_strdown(entity, -1);
    g_auto(Moniker) moniker = {0};
    naming_parse(entity, &moniker);
    return moniker.app != NULL ? g_utf8_strdown(moniker.app, -1) : NULL;
}

/* ---- checks ---- */
static gboolean check_payload(const JsonValue *payload, GError **error) {
    const JsonValue *ref = json_get(payload, "entityRef"), *tags = json_get(payload, "tags");
    const char *type = json_get_string(ref, "entityType"), *entity = json_get_string(ref, "entityId");
    if (type == NULL || *type == '\0' || entity == NULL || *entity == '\0')
        error_set(error, ERR_INVALID, "entity tags: entityRef.entityType and entityRef.entityId are required");
    else if (!json_is_array(tags))
        error_set(error, ERR_INVALID, "entity tags of %s %s: \"tags\" must be a list", type, entity);
    else if (json_length(tags) > ENTITY_TAGS_MAX)
        error_set(error, ERR_LIMIT, "entity tags of %s %s: more than %d", type, entity, ENTITY_TAGS_MAX);
    else {
        for (JsonIter i = json_iter(tags); json_next(&i);)
            if (json_get_string(i.value, "name") == NULL || json_get(i.value, "value") == NULL) {
                error_set(error, ERR_INVALID, "entity tags of %s %s: tag %" G_GSIZE_FORMAT " needs name and value", type, entity, i.index);
                return FALSE;
            }
        return TRUE;
    }
    return FALSE;
}

/* ---- documents ---- */
static const JsonValue *tag_named(const JsonValue *tags, const char *name) {
    const JsonValue *found = NULL;
    for (JsonIter i = json_iter(json_is_array(tags) ? tags : NULL); json_next(&i);)
        if (g_strcmp0(json_get_string(i.value, "name"), name) == 0)
            found = i.value;
    return found;
}

static void add_tag(JsonBuilder *builder, const JsonValue *tag, gint64 now_ms) {
    const JsonValue *value = json_get(tag, "value");
    const char *type = json_get_string(tag, "valueType"), *namespace = json_get_string(tag, "namespace");
    g_autoptr(Json) own = json_pack("{s:s, s:s, s:i}", "namespace", namespace != NULL ? namespace : "default", "valueType",
                                    type != NULL                                    ? type
                                    : json_is_object(value) || json_is_array(value) ? "object"
                                                                                    : "literal",
                                    "timestamp", now_ms);
    g_autoptr(Json) whole = json_merge(tag, json_root(own));
    json_add_json(builder, NULL, whole);
}

static void add_metadata(JsonBuilder *builder, const JsonValue *before, const char *name, const char *user, gint64 now_ms) {
    const JsonValue *known = tag_named(json_get(before, "tagsMetadata"), name);
    const char *created_by = json_get_string(known, "createdBy");
    g_autoptr(Json) entry = json_pack("{s:s, s:i, s:s, s:i, s:s}", "name", name, "created", json_get_int(known, "created", now_ms),
                                      "createdBy", created_by != NULL ? created_by : user, "lastModified", now_ms, "lastModifiedBy", user);
    json_add_json(builder, NULL, entry);
}

/* Those of before that stay, then the new ones; each name once, the last given. */
static Json *merged_tags(const JsonValue *before, const JsonValue *given, gint64 now_ms) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_is_array(before) ? before : NULL); json_next(&i);)
        if (tag_named(given, json_get_string(i.value, "name")) == NULL)
            json_add_value(builder, NULL, i.value);
    for (JsonIter i = json_iter(given); json_next(&i);)
        if (tag_named(given, json_get_string(i.value, "name")) == i.value)
            add_tag(builder, i.value, now_ms);
    json_end_array(builder);
    return json_builder_end(builder);
}

static Json *merged_metadata(const JsonValue *stored, const JsonValue *tags, const JsonValue *given, const char *user, gint64 now_ms) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(tags); json_next(&i);) {
        const char *name = json_get_string(i.value, "name");
        const JsonValue *known = tag_named(json_get(stored, "tagsMetadata"), name);
        if (known != NULL && tag_named(given, name) == NULL)
            json_add_value(builder, NULL, known);
        else
            add_metadata(builder, stored, name, user, now_ms);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

static Json *document_of(const char *id, const JsonValue *ref, const Json *tags, const Json *metadata, const char *user, gint64 now_ms) {
    return json_pack("{s:s, s:s, s:s, s:i, s:s, s:v, s:j, s:j}", "version", "v1", "id", id, "idPattern",
                     "{{cloudProvider}}:{{entityType}}:{{entityId}}:{{account}}:{{region}}", "lastModified", now_ms, "lastModifiedBy", user,
                     "entityRef", ref, "tags", tags, "tagsMetadata", metadata);
}

static gboolean store_document(Store *store, const char *id, const char *application, Json *body, const char *user, gint64 now_ms,
                               GError **error) {
    const StoreObject object = {.kind = ENTITY_TAGS_KIND,
                                .id = id,
                                .application = application,
                                .created_ms = now_ms,
                                .updated_ms = now_ms,
                                .updated_by = user,
                                .body = body};
    const StoreChange change = {ENTITY_TAGS_KIND, id, application, "SAVED", 0, NULL};
    StoreUnit *unit = store_unit_new();
    store_object_save(unit, &object, -1, FALSE);
    store_unit_change(unit, &change);
    return store_commit(store, unit, error);
}

/* ---- what can be done ---- */
Json *entity_tags_load(Store *store, const char *id, GError **error) {
    g_autofree char *lower = g_utf8_strdown(id, -1);
    g_autoptr(GError) missing = NULL;
    StoreObject object = {0};
    if (!store_object_load(store, ENTITY_TAGS_KIND, lower, &object, &missing)) {
        if (error_code(missing) == ERR_NOT_FOUND)
            error_set(error, ERR_NOT_FOUND, "No EntityTags found w/ id = %s", id);
        else
            g_propagate_error(error, g_steal_pointer(&missing));
        return NULL;
    }
    Json *body = json_ref(object.body);
    store_object_clear(&object);
    return body;
}

static Json *save_locked(Store *store, const JsonValue *payload, const char *id, const char *application, const char *user, gint64 now_ms,
                         GError **error) {
    const JsonValue *given = json_get(payload, "tags");
    g_autoptr(GError) missing = NULL;
    g_autoptr(Json) stored = entity_tags_load(store, id, &missing);
    if (stored == NULL && error_code(missing) != ERR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&missing));
        return NULL;
    }
    gboolean partial = json_get_bool(payload, "isPartial", TRUE);
    g_autoptr(Json) tags = merged_tags(partial ? json_get(json_root(stored), "tags") : NULL, given, now_ms);
    if (json_length(json_root(tags)) > ENTITY_TAGS_MAX) {
        error_set(error, ERR_LIMIT, "entity tags %s: more than %d", id, ENTITY_TAGS_MAX);
        return NULL;
    }
    g_autoptr(Json) metadata = merged_metadata(json_root(stored), json_root(tags), given, user, now_ms);
    g_autoptr(Json) ref = json_with_string(json_get(payload, "entityRef"), "application", application);
    g_autoptr(Json) body = document_of(id, json_root(ref), tags, metadata, user, now_ms);
    return store_document(store, id, application, body, user, now_ms, error) ? g_steal_pointer(&body) : NULL;
}

Json *entity_tags_save(Store *store, const JsonValue *payload, const Principal *principal, gint64 now_ms, GError **error) {
    if (!check_payload(payload, error))
        return NULL;
    const char *given_id = json_get_string(payload, "id");
    g_autofree char *id = given_id != NULL && *given_id != '\0' ? g_utf8_strdown(given_id, -1) : id_of(json_get(payload, "entityRef"));
    g_autofree char *application = application_of(json_get(payload, "entityRef"));
    g_mutex_lock(&saving);
    Json *saved = save_locked(store, payload, id, application, principal->user, now_ms, error);
    g_mutex_unlock(&saving);
    return saved;
}

static gboolean is_listed(const JsonValue *names, const char *name) {
    for (JsonIter i = json_iter(json_is_array(names) ? names : NULL); json_next(&i);)
        if (g_strcmp0(json_string(i.value), name) == 0)
            return TRUE;
    return FALSE;
}

static Json *without_listed(const JsonValue *list, const JsonValue *names) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (!is_listed(names, json_get_string(i.value, "name")))
            json_add_value(builder, NULL, i.value);
    json_end_array(builder);
    return json_builder_end(builder);
}

static gboolean delete_locked(Store *store, const char *id, const JsonValue *names, const char *user, gint64 now_ms, GError **error) {
    g_autoptr(GError) missing = NULL;
    g_autoptr(Json) stored = entity_tags_load(store, id, &missing);
    if (stored == NULL) {
        if (error_code(missing) == ERR_NOT_FOUND)
            return TRUE;
        g_propagate_error(error, g_steal_pointer(&missing));
        return FALSE;
    }
    const JsonValue *before = json_root(stored), *ref = json_get(before, "entityRef");
    g_autoptr(Json) tags = json_length(names) > 0 ? without_listed(json_get(before, "tags"), names) : json_empty_array();
    if (json_length(json_root(tags)) > 0) {
        g_autoptr(Json) metadata = without_listed(json_get(before, "tagsMetadata"), names);
        g_autoptr(Json) body = document_of(id, ref, tags, metadata, user, now_ms);
        return store_document(store, id, json_get_string(ref, "application"), body, user, now_ms, error);
    }
    const StoreChange change = {ENTITY_TAGS_KIND, id, json_get_string(ref, "application"), "DELETED", 0, NULL};
    StoreUnit *unit = store_unit_new();
    store_object_delete(unit, ENTITY_TAGS_KIND, id, -1);
    store_unit_change(unit, &change);
    return store_commit(store, unit, error);
}

gboolean entity_tags_delete(Store *store, const char *id, const JsonValue *names, const Principal *principal, gint64 now_ms,
                            GError **error) {
    g_autofree char *lower = g_utf8_strdown(id, -1);
    g_mutex_lock(&saving);
    gboolean deleted = delete_locked(store, lower, names, principal->user, now_ms, error);
    g_mutex_unlock(&saving);
    return deleted;
}
