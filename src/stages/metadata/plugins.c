/* Registered plugins (plugins.h). */
#include "stages/metadata/plugins.h"
#include <string.h>

#define ID_MAX 200

static StoredDocument document_of(const char *id, const char *user, gint64 now_ms) {
    return (StoredDocument){.kind = PLUGIN_KIND, .id = id, .what = "Plugin", .user = user, .now_ms = now_ms};
}

const JsonValue *plugin_release(const JsonValue *info, const char *version) {
    for (JsonIter i = json_iter(json_get(info, "releases")); json_next(&i);)
        if (g_strcmp0(json_get_string(i.value, "version"), version) == 0)
            return i.value;
    return NULL;
}

/* ---- what a registration must look like ---- */
/* "<namespace>.<id>" of letters, digits, - and _. */
static gboolean is_id(const char *id) {
    gboolean dotted = FALSE;
    for (const char *c = id; *c != '\0'; c++) {
        if (*c == '.' ? c == id || c[1] == '\0' || c[1] == '.' : !g_ascii_isalnum(*c) && *c != '-' && *c != '_')
            return FALSE;
        dotted = dotted || *c == '.';
    }
    return dotted && strlen(id) <= ID_MAX;
}

static gboolean check_releases(const JsonValue *info, const char *id, GError **error) {
    const JsonValue *releases = json_get(info, "releases");
    guint preferred = 0;
    if ((releases != NULL && !json_is_null(releases) && !json_is_array(releases)) || json_length(releases) > PLUGIN_RELEASES_MAX) {
        error_set(error, ERR_INVALID, "plugin %s: releases: expected a list of at most %d", id, PLUGIN_RELEASES_MAX);
        return FALSE;
    }
    for (JsonIter i = json_iter(releases); json_next(&i);) {
        const char *version = json_get_string(i.value, "version");
        if (version == NULL || *version == '\0' || plugin_release(info, version) != i.value) {
            error_set(error, ERR_INVALID, "plugin %s: releases[%" G_GSIZE_FORMAT "].version: %s", id, i.index,
                      version == NULL || *version == '\0' ? "required" : "is there twice");
            return FALSE;
        }
        preferred += json_get_bool(i.value, "preferred", FALSE) ? 1 : 0;
    }
    if (preferred > 1)
        error_set(error, ERR_INVALID, "plugin %s: only one release can be the preferred one", id);
    return preferred <= 1;
}

/* ---- saving ---- */
typedef struct {
    const JsonValue *info;
    gint64 now_ms;
} Saving;

static gboolean same_release(const JsonValue *a, const JsonValue *b) {
    static const char *const OURS[] = {"preferred", "lastModified", NULL};
    g_autoptr(Json) first = json_without(a, OURS), second = json_without(b, OURS);
    return json_equal(json_root(first), json_root(second));
}

static void add_release(JsonBuilder *builder, const JsonValue *release, gboolean preferred, gint64 changed_ms) {
    g_autoptr(Json) own = json_pack("{s:b, s:i}", "preferred", preferred, "lastModified", changed_ms);
    g_autoptr(Json) whole = json_merge(release, json_root(own));
    json_add_json(builder, NULL, whole);
}

static Json *merged(const JsonValue *stored, gpointer data, GError **error) {
    const Saving *saving = data;
    const JsonValue *preferred = NULL;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    for (JsonIter i = json_iter(json_get(saving->info, "releases")); json_next(&i);) {
        const char *version = json_get_string(i.value, "version");
        const JsonValue *standing = plugin_release(stored, version);
        if (standing != NULL && !same_release(standing, i.value)) {
            error_set(error, ERR_INVALID, "plugin %s: Cannot update an existing release: %s", json_get_string(saving->info, "id"), version);
            return NULL;
        }
        preferred = json_get_bool(i.value, "preferred", FALSE) ? i.value : preferred;
    }
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_get(stored, "releases")); json_next(&i);) {
        gboolean is = preferred != NULL ? plugin_release(saving->info, json_get_string(i.value, "version")) == preferred
                                        : json_get_bool(i.value, "preferred", FALSE);
        add_release(builder, i.value, is, json_get_int(i.value, "lastModified", saving->now_ms));
    }
    for (JsonIter i = json_iter(json_get(saving->info, "releases")); json_next(&i);)
        if (plugin_release(stored, json_get_string(i.value, "version")) == NULL)
            add_release(builder, i.value, i.value == preferred, saving->now_ms);
    json_end_array(builder);
    g_autoptr(Json) releases = json_builder_end(builder);
    g_autoptr(Json) whole = json_merge(stored, saving->info);
    return json_with(json_root(whole), "releases", json_root(releases));
}

Json *plugin_save(Store *store, const JsonValue *info, const Principal *principal, gint64 now_ms, GError **error) {
    const char *id = json_get_string(info, "id");
    if (id == NULL || !is_id(id)) {
        error_set(error, ERR_INVALID, "a plugin's id has the form <namespace>.<id>");
        return NULL;
    }
    Saving saving = {info, now_ms};
    const StoredDocument document = document_of(id, principal->user, now_ms);
    return check_releases(info, id, error) ? stored_document_change(store, &document, merged, &saving, error) : NULL;
}

/* ---- the preferred release ---- */
typedef struct {
    const char *id, *version;
    gint64 now_ms;
} Preferring;

static Json *with_preferred(const JsonValue *stored, gpointer data, GError **error) {
    const Preferring *preferring = data;
    if (plugin_release(stored, preferring->version) == NULL) {
        error_set(error, ERR_NOT_FOUND, "plugin %s has no release %s", preferring->id, preferring->version);
        return NULL;
    }
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_get(stored, "releases")); json_next(&i);) {
        gboolean is = strcmp(json_get_string(i.value, "version"), preferring->version) == 0;
        gboolean was = json_get_bool(i.value, "preferred", FALSE);
        add_release(builder, i.value, is, is != was ? preferring->now_ms : json_get_int(i.value, "lastModified", preferring->now_ms));
    }
    json_end_array(builder);
    g_autoptr(Json) releases = json_builder_end(builder);
    return json_with(stored, "releases", json_root(releases));
}

Json *plugin_prefer(Store *store, const char *id, const char *version, const Principal *principal, gint64 now_ms, GError **error) {
    Preferring preferring = {id, version, now_ms};
    const StoredDocument document = document_of(id, principal->user, now_ms);
    return stored_document_change(store, &document, with_preferred, &preferring, error);
}

/* ---- reading and removing ---- */
Json *plugin_load(Store *store, const char *id, GError **error) {
    const StoredDocument document = document_of(id, NULL, 0);
    return stored_document_load(store, &document, error);
}

gboolean plugin_delete(Store *store, const char *id, GError **error) {
    const StoredDocument document = document_of(id, NULL, 0);
    return stored_document_delete(store, &document, error);
}

/* requires is "orca>=1.0.0,deck>=0.0.0": each part begins with a service's name. */
static gboolean requires(const JsonValue *release, const char *service) {
    const char *text = json_get_string(release, "requires");
    g_auto(GStrv) parts = g_strsplit(text != NULL ? text : "", ",", -1);
    for (guint i = 0; parts[i] != NULL; i++) {
        const char *part = g_strstrip(parts[i]);
        gsize length = strspn(part, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
        if (length == strlen(service) && g_ascii_strncasecmp(part, service, length) == 0)
            return TRUE;
    }
    return FALSE;
}

static Json *of_service(const JsonValue *info, const char *service) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_get(info, "releases")); json_next(&i);)
        if (requires(i.value, service))
            json_add_value(builder, NULL, i.value);
    json_end_array(builder);
    g_autoptr(Json) releases = json_builder_end(builder);
    return json_length(json_root(releases)) > 0 ? json_with(info, "releases", json_root(releases)) : NULL;
}

Json *plugins_list(Store *store, const char *service, GError **error) {
    g_autoptr(Json) all = stored_documents_list(store, PLUGIN_KIND, NULL, error);
    if (all == NULL || service == NULL || *service == '\0')
        return g_steal_pointer(&all);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_root(all)); json_next(&i);) {
        g_autoptr(Json) part = of_service(i.value, service);
        if (part != NULL)
            json_add_json(builder, NULL, part);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}
