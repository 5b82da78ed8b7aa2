/* Saving and deleting applications. Owns nothing; every change is one unit of the store. Any thread. */
#include "stages/metadata/applications.h"
#include "stages/metadata/deliveries.h"
#include "stages/metadata/pipeline_permissions.h"
#include "stages/metadata/pipelines.h"
#include "stages/metadata/projects.h"
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

/* What a name may look like where it becomes part of a cloud's own names (storage-and-config.md 1.2). */
typedef struct {
    const char *provider;
    glong length_max; /* characters */
    const char *pattern;
} NameRule;
static const NameRule NAME_RULES[] = {
    {"appengine", 58, "^[a-z0-9]*$"},
    {"aws", 250, "^[a-zA-Z_0-9.]*$"},
    {"dcos", 127, "^[a-z0-9]*$"},
    {"gce", 63, "^([a-zA-Z][a-zA-Z0-9]*)?$"},
    {"kubernetes", 63, "^([a-zA-Z][a-zA-Z0-9-]*)$"},
    {"openstack", 250, "^[a-zA-Z_0-9.]*$"},
    {"tencentcloud", 50, "^[a-zA-Z_0-9.\\x{4e00}-\\x{9fa5}-]*$"},
    {"titus", 250, "^[a-zA-Z_0-9.]*$"},
};

static gboolean pattern_matches(const char *pattern, const char *text) {
    int code = 0;
    PCRE2_SIZE at = 0;
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_DOLLAR_ENDONLY, &code, &at, NULL);
    g_assert(compiled != NULL);
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(compiled, NULL);
    gboolean matches = pcre2_match(compiled, (PCRE2_SPTR)text, strlen(text), 0, 0, match, NULL) > 0;
    pcre2_match_data_free(match);
    pcre2_code_free(compiled);
    return matches;
}

/* The providers as a list, whether stored as "aws,kubernetes" or as a list; caller frees. */
static char **cloud_providers(const JsonValue *attributes) {
    const JsonValue *providers = json_get(attributes, "cloudProviders");
    if (json_is_string(providers))
        return g_strsplit_set(json_string(providers), ", ", -1);
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    for (JsonIter i = json_iter(json_is_array(providers) ? providers : NULL); json_next(&i);)
        if (json_is_string(i.value))
            g_ptr_array_add(list, g_strdup(json_string(i.value)));
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_steal(list, NULL);
}

static gboolean check_name_for_clouds(const char *name, const JsonValue *attributes, GError **error) {
    g_auto(GStrv) providers = cloud_providers(attributes);
    g_autoptr(GString) wrong = g_string_new(NULL);
    for (gsize p = 0; providers[p] != NULL; p++)
        for (gsize r = 0; r < G_N_ELEMENTS(NAME_RULES); r++) {
            const NameRule *rule = &NAME_RULES[r];
            if (g_ascii_strcasecmp(providers[p], rule->provider) != 0)
                continue;
            if (g_utf8_strlen(name, -1) <= rule->length_max && pattern_matches(rule->pattern, name))
                continue;
            g_string_append_printf(
                wrong, "%sInvalid application name '%s'. Must match %s for cloud provider '%s' and be less than %ld characters.",
                wrong->len > 0 ? ", " : "", name, rule->pattern, rule->provider, rule->length_max);
        }
    if (wrong->len == 0)
        return TRUE;
    error_set(error, ERR_INVALID, "Invalid application name, errors: [%s]", wrong->str);
    return FALSE;
}

static gboolean is_blank(const char *text) {
    return text == NULL || text[strspn(text, " \t\r\n")] == '\0';
}

/* The document to store: what is there, the request over it, and who and when. */
static Json *merged_attributes(const JsonValue *stored, const JsonValue *attributes, const char *name, const char *user, gint64 now_ms) {
    g_autofree char *now = g_strdup_printf("%" G_GINT64_FORMAT, now_ms);
    g_autofree char *upper = g_utf8_strup(name, -1);
    g_auto(GStrv) providers = cloud_providers(attributes);
    g_autofree char *joined = g_strjoinv(",", providers);
    g_autoptr(Json) clean = json_without_nulls(attributes);
    g_autoptr(Json) merged = json_merge(stored, json_root(clean));
    g_autoptr(JsonBuilder) own = json_builder_new();
    json_begin_object(own, NULL);
    json_add_string(own, "name", upper);
    if (json_is_array(json_get(attributes, "cloudProviders")))
        json_add_string(own, "cloudProviders", joined);
    if (json_get(stored, "createTs") == NULL)
        json_add_string(own, "createTs", now);
    json_add_string(own, "updateTs", now);
    json_add_string(own, "lastModifiedBy", user);
    json_end_object(own);
    g_autoptr(Json) own_members = json_builder_end(own);
    return json_merge(json_root(merged), json_root(own_members));
}

gboolean application_save(Store *store, const JsonValue *attributes, const Principal *principal, gint64 now_ms, GError **error) {
    const char *given = json_get_string(attributes, "name");
    if (is_blank(given)) {
        error_set(error, ERR_INVALID, "Application must have a non-empty name");
        return FALSE;
    }
    if (strlen(given) != json_string_length(json_get(attributes, "name"))) {
        error_set(error, ERR_INVALID, "Application name must not hold a NUL character");
        return FALSE;
    }
    g_autofree char *name = g_strstrip(g_strdup(given));
    if (name[strspn(name, ".")] == '\0') {
        error_set(error, ERR_INVALID, "Application name '%s' must not be dots only: no URL could name it", name);
        return FALSE;
    }
    g_autofree char *id = g_utf8_strdown(name, -1);
    g_autoptr(GError) missing = NULL;
    StoreObject stored = {0};
    if (!store_object_load(store, APPLICATION_KIND, id, &stored, &missing) && error_code(missing) != ERR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&missing));
        return FALSE;
    }
    g_autoptr(Json) body = merged_attributes(json_root(stored.body), attributes, name, principal->user, now_ms);
    gboolean fine = TRUE;
    if (is_blank(json_get_string(json_root(body), "email"))) {
        error_set(error, ERR_INVALID, "Application must have a non-empty email");
        fine = FALSE;
    }
    fine = fine && check_name_for_clouds(name, json_root(body), error);
    if (fine) {
        StoreUnit *unit = store_unit_new();
        StoreObject next = {
            .kind = APPLICATION_KIND,
            .id = id,
            .application = id,
            .name = id,
            .version = stored.version + 1,
            .created_ms = stored.version > 0 ? stored.created_ms : now_ms,
            .updated_ms = now_ms,
            .updated_by = principal->user,
            .body = body,
        };
        const StoreChange change = {APPLICATION_KIND, id, id, "SAVED", next.version, NULL};
        store_object_save(unit, &next, stored.version, TRUE);
        store_unit_change(unit, &change);
        fine = store_commit(store, unit, error);
    }
    store_object_clear(&stored);
    return fine;
}

typedef struct {
    StoreUnit *unit;
    const char *kind;
} Deletion;

static gboolean delete_one(const StoreObject *object, gpointer data) {
    Deletion *deletion = data;
    const StoreChange change = {object->kind, object->id, object->application, "DELETED", object->version, NULL};
    store_object_delete(deletion->unit, deletion->kind, object->id, -1);
    if (strcmp(object->kind, PIPELINE_KIND) == 0)
        pipeline_permissions_forget(deletion->unit, object->id);
    store_unit_change(deletion->unit, &change);
    return TRUE;
}

gboolean application_delete(Store *store, const char *name, gint64 now_ms, GError **error) {
    static const char *const OWNED[] = {APPLICATION_KIND, PIPELINE_KIND, STRATEGY_KIND,
                                        "notification",   DELIVERY_KIND, DELIVERY_CONFIG_KIND};
    g_autofree char *id = g_utf8_strdown(name, -1);
    g_autoptr(StoreUnit) unit = store_unit_new();
    for (gsize k = 0; k < G_N_ELEMENTS(OWNED); k++) {
        Deletion deletion = {unit, OWNED[k]};
        if (!store_objects_each(store, OWNED[k], id, NULL, delete_one, &deletion, error))
            return FALSE;
    }
    if (!projects_forget_application(store, unit, id, now_ms, error))
        return FALSE;
    return store_commit(store, g_steal_pointer(&unit), error);
}

Json *application_load(Store *store, const char *name, GError **error) {
    g_autofree char *id = g_utf8_strdown(name, -1);
    StoreObject object = {0};
    if (!store_object_load(store, APPLICATION_KIND, id, &object, error))
        return NULL;
    Json *body = json_ref(object.body);
    store_object_clear(&object);
    return body;
}
