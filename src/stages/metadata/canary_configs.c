/* Canary configurations (canary_configs.h). */
#include "stages/metadata/canary_configs.h"
#include "base/clock.h"
#include <string.h>

static StoredDocument document_of(const char *id, const char *user, gint64 now_ms) {
    return (StoredDocument){.kind = CANARY_CONFIG_KIND, .id = id, .what = "Canary config", .user = user, .now_ms = now_ms};
}

/* ---- what one must look like ---- */
static gboolean is_name(const char *name) {
    for (const char *c = name; *c != '\0'; c++)
        if (!g_ascii_isalnum(*c) && *c != '-' && *c != '_')
            return FALSE;
    return *name != '\0';
}

static gboolean check_metrics(const JsonValue *metrics, GError **error) {
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    if (json_length(metrics) > CANARY_METRICS_MAX) {
        error_set(error, ERR_LIMIT, "a canary config has at most %d metrics", CANARY_METRICS_MAX);
        return FALSE;
    }
    for (JsonIter i = json_iter(metrics); json_next(&i);) {
        const char *name = json_get_string(i.value, "name");
        if (name != NULL && *name != '\0' && g_hash_table_add(names, (gpointer)name))
            continue;
        error_set(error, ERR_INVALID, "metrics[%" G_GSIZE_FORMAT "]: Canary metric name %s", i.index,
                  name == NULL || *name == '\0' ? "must be specified." : "is there twice.");
        return FALSE;
    }
    return TRUE;
}

static gboolean check_config(const JsonValue *config, GError **error) {
    const char *name = json_get_string(config, "name");
    const JsonValue *applications = json_get(config, "applications"), *metrics = json_get(config, "metrics");
    if (!json_is_object(config))
        error_set(error, ERR_INVALID, "a canary config is an object: {name, applications, metrics, judge, classifier}");
    else if (name == NULL || *name == '\0')
        error_set(error, ERR_INVALID, "Canary config name must be specified.");
    else if (!is_name(name))
        error_set(error, ERR_INVALID, "Canary config cannot be named '%s': only letters, digits, - and _ are allowed.", name);
    else if (!json_is_array(applications) || json_length(applications) == 0)
        error_set(error, ERR_INVALID, "Canary config '%s' must reference at least one application.", name);
    else if (metrics != NULL && !json_is_array(metrics))
        error_set(error, ERR_INVALID, "Canary config '%s': metrics: expected a list.", name);
    else
        return check_metrics(metrics, error);
    return FALSE;
}

/* ---- saving ---- */
typedef struct {
    const JsonValue *config;
    const char *id;
    gint64 now_ms;
    gboolean create;
} Saving;

static Json *next_version(const JsonValue *stored, gpointer data, GError **error) {
    const Saving *saving = data;
    if ((stored != NULL) == saving->create) {
        error_set(error, ERR_INVALID, "Canary config '%s' %s.", saving->id, saving->create ? "already exists" : "does not exist");
        return NULL;
    }
    gint64 created = json_get_int(saving->config, "createdTimestamp", json_get_int(stored, "createdTimestamp", saving->now_ms));
    gint64 updated = saving->create ? json_get_int(saving->config, "updatedTimestamp", created) : saving->now_ms;
    g_autofree char *created_iso = clock_iso8601(created), *updated_iso = clock_iso8601(updated);
    g_autoptr(Json) times = json_pack("{s:i, s:s, s:i, s:s}", "createdTimestamp", created, "createdTimestampIso", created_iso,
                                      "updatedTimestamp", updated, "updatedTimestampIso", updated_iso);
    g_autoptr(Json) plain = json_without_nulls(saving->config);
    return json_merge(json_root(plain), json_root(times));
}

static Json *save(Store *store, const char *id, const JsonValue *config, gboolean create, const Principal *principal, gint64 now_ms,
                  GError **error) {
    Saving saving = {config, id, now_ms, create};
    const StoredDocument document = document_of(id, principal->user, now_ms);
    return check_config(config, error) ? stored_document_change(store, &document, next_version, &saving, error) : NULL;
}

Json *canary_config_create(Store *store, const JsonValue *config, const Principal *principal, gint64 now_ms, GError **error) {
    const char *given = json_get_string(config, "id");
    g_autofree char *id = given != NULL && *given != '\0' ? g_strdup(given) : g_uuid_string_random();
    return save(store, id, config, TRUE, principal, now_ms, error);
}

Json *canary_config_update(Store *store, const char *id, const JsonValue *config, const Principal *principal, gint64 now_ms,
                           GError **error) {
    return save(store, id, config, FALSE, principal, now_ms, error);
}

/* ---- reading and removing ---- */
Json *canary_config_load(Store *store, const char *id, GError **error) {
    const StoredDocument document = document_of(id, NULL, 0);
    return stored_document_load(store, &document, error);
}

gboolean canary_config_delete(Store *store, const char *id, GError **error) {
    const StoredDocument document = document_of(id, NULL, 0);
    g_autoptr(Json) known = canary_config_load(store, id, error);
    return known != NULL && stored_document_delete(store, &document, error);
}

static gboolean lists_application(const JsonValue *config, const char *application) {
    for (JsonIter i = json_iter(json_get(config, "applications")); json_next(&i);)
        if (json_is_string(i.value) && g_ascii_strcasecmp(json_string(i.value), application) == 0)
            return TRUE;
    return FALSE;
}

typedef struct {
    JsonBuilder *builder;
    const char *application, *name; /* or NULL */
    char *id;
} Search;

static gboolean add_summary(const StoreObject *object, gpointer data) {
    static const char *const SHOWN[] = {"id", "name", "updatedTimestamp", "updatedTimestampIso", "applications"};
    const Search *search = data;
    const JsonValue *config = json_root(object->body);
    if (search->application != NULL && *search->application != '\0' && !lists_application(config, search->application))
        return TRUE;
    json_begin_object(search->builder, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(SHOWN); i++)
        json_add_value(search->builder, SHOWN[i], json_get(config, SHOWN[i]));
    json_end_object(search->builder);
    return TRUE;
}

Json *canary_configs_list(Store *store, const char *application, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    Search search = {.builder = builder, .application = application};
    json_begin_array(builder, NULL);
    if (!store_objects_each(store, CANARY_CONFIG_KIND, NULL, NULL, add_summary, &search, error))
        return NULL;
    json_end_array(builder);
    return json_builder_end(builder);
}

static gboolean note_id(const StoreObject *object, gpointer data) {
    Search *search = data;
    if (lists_application(json_root(object->body), search->application))
        search->id = g_strdup(object->id);
    return search->id == NULL;
}

char *canary_config_id(Store *store, const char *name, const char *application, GError **error) {
    Search search = {.application = application};
    if (store_objects_each(store, CANARY_CONFIG_KIND, NULL, name, note_id, &search, error))
        return search.id;
    g_free(search.id);
    return NULL;
}
