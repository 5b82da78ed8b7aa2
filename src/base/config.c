/* The configuration as its readers see it. A Config is immutable once loaded; any thread may read it. */
#include "base/config.h"
#include "base/config_internal.h"
#include "base/error.h"
#include <string.h>

/* ---- loading ---- */

/* What a service reads: the plain files of all, its own, then the -local files in the same order. */
static ConfigNode *effective(const ConfigFiles *files, guint scope) {
    ConfigNode *node = NULL;
    for (guint local = 0; local < 2; local++) {
        if (scope != CONFIG_SCOPE_GENNAKER)
            node = config_node_merge(files->arena, node, files->own[CONFIG_SCOPE_ANY][local]);
        if (scope != CONFIG_SCOPE_ANY)
            node = config_node_merge(files->arena, node, files->own[scope][local]);
    }
    return node == NULL ? config_node_empty_map(files->arena, (ConfigPlace){0, (guint8)scope, 1}) : node;
}

static gboolean make_documents(Config *config, const ConfigFiles *files, GError **error) {
    for (guint scope = 0; scope < CONFIG_SCOPES; scope++)
        if (!config_document_make(&config->documents[scope], effective(files, scope), files->names, error))
            return FALSE;
    return TRUE;
}

/* Takes what was read, also when reading failed. */
static Config *config_make(ConfigFiles *files, gboolean good, GError **error) {
    g_autoptr(Config) config = g_new0(Config, 1);
    g_atomic_ref_count_init(&config->references);
    good = good && make_documents(config, files, error);
    config->files = g_steal_pointer(&files->names);
    config->notes = g_steal_pointer(&files->notes);
    config_files_clear(files);
    return good ? g_steal_pointer(&config) : NULL;
}

Config *config_load(const char *path, GError **error) {
    ConfigFiles files;
    config_files_init(&files);
    const gboolean good = path == NULL || config_files_read(&files, path, error);
    return config_make(&files, good, error);
}

Config *config_load_text(const char *name, const char *text, gssize length, GError **error) {
    ConfigFiles files;
    config_files_init(&files);
    const gboolean good = config_files_take(&files, name, text, length < 0 ? strlen(text) : (gsize)length, error);
    return config_make(&files, good, error);
}

Config *config_ref(Config *config) {
    if (config != NULL)
        g_atomic_ref_count_inc(&config->references);
    return config;
}

void config_unref(Config *config) {
    if (config == NULL || !g_atomic_ref_count_dec(&config->references))
        return;
    for (guint scope = 0; scope < CONFIG_SCOPES; scope++)
        config_document_clear(&config->documents[scope]);
    g_ptr_array_unref(config->files);
    g_ptr_array_unref(config->notes);
    g_free(config);
}

/* ---- places ---- */

static const ConfigDocument *document_of(const Config *config, const JsonValue *value, gsize *position) {
    for (guint scope = 0; scope < CONFIG_SCOPES; scope++) {
        *position = json_position(config->documents[scope].json, value);
        if (*position != JSON_NO_POSITION)
            return &config->documents[scope];
    }
    return NULL;
}

gboolean config_place(const Config *config, const JsonValue *value, ConfigPlace *place) {
    gsize position;
    const ConfigDocument *document = document_of(config, value, &position);
    if (document == NULL)
        return FALSE;
    *place = g_array_index(document->places, ConfigPlace, position);
    return TRUE;
}

gboolean config_key_place(const Config *config, const JsonValue *member, ConfigPlace *place) {
    gsize position;
    const ConfigDocument *document = document_of(config, member, &position);
    if (document == NULL || position == 0)
        return FALSE;
    *place = g_array_index(document->places, ConfigPlace, position - 1);
    return TRUE;
}

char *config_where(const Config *config, const JsonValue *value) {
    ConfigPlace place;
    if (!config_place(config, value, &place) || place.file >= config->files->len)
        return NULL;
    return g_strdup_printf("%s:%u", (const char *)config->files->pdata[place.file], place.line);
}

static char *where_in(gconstpointer data, const JsonValue *value) {
    return config_where(data, value);
}

ParamsReading config_reading(const Config *config, const char *path) {
    return (ParamsReading){.relaxed = TRUE, .optional = TRUE, .where = where_in, .data = config, .path = path};
}

/* ---- reading ---- */

const JsonValue *config_get(const Config *config, ConfigService service, const char *path) {
    const ParamsReading reading = config_reading(config, "");
    const JsonValue *found = NULL;
    for (guint scope = 0; scope < CONFIG_SCOPES && found == NULL; scope++) {
        if (service == SERVICE_ANY ? scope != CONFIG_SCOPE_ANY : (config_scopes[scope].service & service) == 0)
            continue;
        const JsonValue *root = json_root(config->documents[scope].json);
        found = path == NULL || *path == '\0' ? root : params_look_up(&reading, root, path);
    }
    return found;
}

const char *config_get_string(const Config *config, ConfigService service, const char *path) {
    const JsonValue *value = config_get(config, service, path);
    if (value == NULL || json_is_string(value))
        return json_string(value);
    gsize position;
    const ConfigDocument *document = document_of(config, value, &position);
    return g_hash_table_lookup(document->texts, GSIZE_TO_POINTER(position + 1));
}

gint64 config_get_int(const Config *config, ConfigService service, const char *path, gint64 otherwise) {
    const JsonValue *value = config_get(config, service, path);
    gint64 number = otherwise;
    if (json_is_string(value))
        return g_ascii_string_to_signed(json_string(value), 10, G_MININT64, G_MAXINT64, &number, NULL) ? number : otherwise;
    return json_int(value, otherwise);
}

gboolean config_get_bool(const Config *config, ConfigService service, const char *path, gboolean otherwise) {
    const JsonValue *value = config_get(config, service, path);
    const char *text = json_string(value);
    if (json_is_true(value) || (text != NULL && g_ascii_strcasecmp(text, "true") == 0))
        return TRUE;
    if (json_is_false(value) || (text != NULL && g_ascii_strcasecmp(text, "false") == 0))
        return FALSE;
    return otherwise;
}

/* ---- sections ---- */

const char *config_unresolved(const Config *config, const JsonValue *value) {
    gsize position;
    const ConfigDocument *document = document_of(config, value, &position);
    for (guint i = 0; document != NULL && i < document->unresolved->len; i++) {
        const ConfigUnresolved *entry = document->unresolved->pdata[i];
        if (entry->position == position)
            return entry->name;
    }
    return NULL;
}

/* A single setting whose placeholder has no value is refused; inside of lists and free JSON "${…}" may be meant for pipelines. */
static gboolean all_resolved(const Config *config, const ParamsReading *reading, const Param *params, const JsonValue *object,
                             GError **error) {
    for (const Param *param = params; param->type != PARAM_END; param++) {
        const JsonValue *value = params_find(reading, param, object);
        if (param->type == PARAM_OBJECT && !all_resolved(config, reading, param->members, value, error))
            return FALSE;
        const char *name = param->type == PARAM_JSON ? NULL : config_unresolved(config, value);
        if (name == NULL)
            continue;
        g_autofree char *where = config_where(config, value);
        error_set(error, ERR_INVALID, "%s: %s%s: ${%s} has no value: set the environment variable %s, or write a default: ${%s:default}",
                  where, reading->path, param->name, name, name, name);
        return FALSE;
    }
    return TRUE;
}

static gboolean read_at(const Config *config, const char *path, const JsonValue *value, const Param *params, void *into, GError **error) {
    const ParamsReading reading = config_reading(config, path);
    return all_resolved(config, &reading, params, value, error) && params_read_with(&reading, params, value, into, error);
}

gboolean config_read(const Config *config, const ConfigSection *section, void *into, GError **error) {
    const JsonValue *value = config_get(config, section->service, section->prefix);
    const gboolean whole = section->prefix == NULL || *section->prefix == '\0';
    g_autofree char *path = g_strconcat(section->service == SERVICE_GENNAKER ? "gennaker." : "", whole ? "" : section->prefix,
                                        whole ? "" : ".", NULL);
    return read_at(config, path, value, section->params, into, error);
}

gboolean config_read_value(const Config *config, const JsonValue *value, const Param *params, void *into, GError **error) {
    return read_at(config, "", value, params, into, error);
}
