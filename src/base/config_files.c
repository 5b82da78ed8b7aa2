/* Reading configuration files from a folder, or one file. Runs on the loading thread. */
#include "base/config_files.h"
#include "base/config_yaml.h"
#include "base/error.h"
#include <string.h>
#include <sys/stat.h>

const ConfigScope config_scopes[CONFIG_SCOPES] = {
    {"spinnaker", SERVICE_ANY}, {"clouddriver", SERVICE_CLOUDDRIVER},
    {"gate", SERVICE_GATE},     {"echo", SERVICE_ECHO},
    {"igor", SERVICE_IGOR},     {"rosco", SERVICE_ROSCO},
    {"fiat", SERVICE_FIAT},     {"front50", SERVICE_FRONT50},
    {"orca", SERVICE_ORCA},     {"gennaker", SERVICE_GENNAKER},
};

ConfigFinding *config_finding_new(ConfigFindingLevel level, const char *file, guint line, const char *key, char *message) {
    ConfigFinding *finding = g_new(ConfigFinding, 1);
    *finding = (ConfigFinding){level, g_strdup(file), line, g_strdup(key), message};
    return finding;
}

void config_finding_free(gpointer data) {
    ConfigFinding *finding = data;
    g_free(finding->file);
    g_free(finding->key);
    g_free(finding->message);
    g_free(finding);
}

/* ---- documents for profiles ---- */

static gboolean profile_is_active(const char *profile) {
    if (strcmp(profile, "local") == 0 || strcmp(profile, "default") == 0)
        return TRUE;
    const char *variable = g_getenv("SPRING_PROFILES_ACTIVE");
    g_auto(GStrv) active = g_strsplit(variable == NULL ? "" : variable, ",", -1);
    for (char **name = active; *name != NULL; name++)
        if (strcmp(g_strstrip(*name), profile) == 0)
            return TRUE;
    return FALSE;
}

/* "a", "a, b" (any of them), "!a". */
static gboolean profiles_match(const char *text) {
    g_auto(GStrv) profiles = g_strsplit(text, ",", -1);
    for (char **profile = profiles; *profile != NULL; profile++) {
        const char *name = g_strstrip(*profile);
        const gboolean negated = name[0] == '!';
        if (profile_is_active(name + (negated ? 1 : 0)) != negated)
            return TRUE;
    }
    return FALSE;
}

static char *profiles_of(ConfigNode *document) {
    ConfigNode *node = config_node_at(document, "spring.config.activate.on-profile");
    if (node == NULL)
        node = config_node_at(document, "spring.profiles");
    if (node == NULL || node->kind == CONFIG_MAP)
        return NULL;
    if (node->kind == CONFIG_SCALAR)
        return g_strdup(node->text);
    GString *joined = g_string_new(NULL);
    for (guint i = 0; i < node->items->len; i++) {
        const ConfigNode *item = node->items->pdata[i];
        if (item->kind == CONFIG_SCALAR)
            g_string_append_printf(joined, "%s%s", i == 0 ? "" : ",", item->text);
    }
    return g_string_free(joined, FALSE);
}

/* ---- one file ---- */

static char *read_text(const char *path, gsize *length, GError **error) {
    struct stat status;
    if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > CONFIG_FILE_MAX) {
        error_set(error, ERR_LIMIT, "%s: longer than %d bytes (CONFIG_FILE_MAX)", path, CONFIG_FILE_MAX);
        return NULL;
    }
    char *text = NULL;
    g_autoptr(GError) problem = NULL;
    if (!g_file_get_contents(path, &text, length, &problem)) {
        error_set(error, error_code(problem), "read the configuration: %s", problem->message);
        return NULL;
    }
    return text;
}

/* The documents of a file that count, put together and with dotted names expanded; NULL with *good set for an empty file. */
static ConfigNode *join_documents(ConfigFiles *files, ConfigPlace place, const char *text, gsize length, gboolean *good, GError **error) {
    const char *name = files->names->pdata[place.file];
    g_autoptr(GPtrArray) documents = config_yaml_parse(files->arena, name, place, text, length, error);
    *good = documents != NULL;
    ConfigNode *result = NULL;
    for (guint i = 0; documents != NULL && i < documents->len; i++) {
        ConfigNode *document = config_node_expand(files->arena, documents->pdata[i]);
        if (document->depth > CONFIG_DEPTH_MAX) {
            *good = FALSE;
            error_set(error, ERR_LIMIT, "%s:%u: nested more than %d levels deep (CONFIG_DEPTH_MAX)", name, document->place.line,
                      CONFIG_DEPTH_MAX);
            return NULL;
        }
        g_autofree char *profiles = profiles_of(document);
        if (profiles == NULL || profiles_match(profiles))
            result = config_node_merge(files->arena, result, document);
        else
            g_ptr_array_add(files->notes,
                            config_finding_new(CONFIG_NO_MEANING, name, document->place.line, "spring.config.activate.on-profile",
                                               g_strdup_printf("this document is for the profile %s, which is not active", profiles)));
    }
    return result;
}

/* ---- gennaker.yml: sections of all services in one file ---- */

static ConfigNode *with_scope(ConfigArena *arena, ConfigNode *node, guint8 scope) {
    ConfigPlace place = node->place;
    place.scope = scope;
    if (node->kind == CONFIG_SCALAR)
        return config_node_scalar(arena, place, node->text, node->plain);
    GPtrArray *keys = g_ptr_array_new(), *items = g_ptr_array_new();
    for (guint i = 0; i < node->items->len; i++)
        g_ptr_array_add(items, with_scope(arena, node->items->pdata[i], scope));
    for (guint i = 0; node->keys != NULL && i < node->keys->len; i++)
        g_ptr_array_add(keys, with_scope(arena, node->keys->pdata[i], scope));
    if (node->kind == CONFIG_MAP)
        return config_node_map(arena, place, keys, items);
    g_ptr_array_unref(keys);
    return config_node_list(arena, place, items);
}

static void put_over(ConfigFiles *files, guint scope, gboolean local, ConfigNode *node) {
    files->own[scope][local] = config_node_merge(files->arena, files->own[scope][local], node);
}

static gboolean take_sections(ConfigFiles *files, ConfigNode *root, gboolean local, GError **error) {
    for (guint scope = 1; scope < CONFIG_SCOPES; scope++) {
        const char *service = config_scopes[scope].name;
        ConfigNode *section = config_node_member(root, service);
        if (section == NULL)
            continue;
        root = config_node_without(files->arena, root, service);
        if (config_node_is_null(section))
            continue;
        if (section->kind != CONFIG_MAP) {
            error_set(error, ERR_INVALID, "%s:%u: %s: expected the keys of this service",
                      (const char *)files->names->pdata[section->place.file], section->place.line, service);
            return FALSE;
        }
        put_over(files, scope, local, with_scope(files->arena, section, (guint8)scope));
    }
    put_over(files, CONFIG_SCOPE_ANY, local, with_scope(files->arena, root, CONFIG_SCOPE_ANY));
    return TRUE;
}

static gboolean take_text(ConfigFiles *files, const char *name, guint scope, gboolean local, const char *text, gsize length,
                          GError **error) {
    const ConfigPlace place = {(guint16)files->names->len, (guint8)scope, 1};
    g_ptr_array_add(files->names, g_strdup(name));
    gboolean good = FALSE;
    ConfigNode *root = join_documents(files, place, text, length, &good, error);
    if (root == NULL)
        return good;
    if (scope == CONFIG_SCOPE_GENNAKER)
        return take_sections(files, root, local, error);
    put_over(files, scope, local, root);
    return TRUE;
}

static gboolean take_file(ConfigFiles *files, const char *path, guint scope, gboolean local, GError **error) {
    gsize length = 0;
    g_autofree char *text = read_text(path, &length, error);
    g_autofree char *name = g_path_get_basename(path);
    return text != NULL && take_text(files, name, scope, local, text, length, error);
}

/* ---- files and folders ---- */

/* Whether a file's name is one of those that are read; which scope, and whether it is the -local one. */
static gboolean parse_name(const char *name, guint *scope, gboolean *local) {
    g_autofree char *stem = NULL;
    if (g_str_has_suffix(name, ".yml"))
        stem = g_strndup(name, strlen(name) - 4);
    else if (g_str_has_suffix(name, ".yaml"))
        stem = g_strndup(name, strlen(name) - 5);
    else
        return FALSE;
    *local = g_str_has_suffix(stem, "-local");
    if (*local)
        stem[strlen(stem) - 6] = '\0';
    for (*scope = 0; *scope < CONFIG_SCOPES; (*scope)++)
        if (strcmp(stem, config_scopes[*scope].name) == 0)
            return TRUE;
    return FALSE;
}

static gint compare_names(gconstpointer a, gconstpointer b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static GPtrArray *list_folder(const char *path, GError **error) {
    g_autoptr(GError) problem = NULL;
    g_autoptr(GDir) folder = g_dir_open(path, 0, &problem);
    if (folder == NULL) {
        error_set(error, error_code(problem), "read the configuration: %s", problem->message);
        return NULL;
    }
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    for (const char *name; (name = g_dir_read_name(folder)) != NULL;)
        g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, compare_names);
    return names;
}

static void note_unread(ConfigFiles *files, const char *name) {
    if (g_str_has_suffix(name, ".yml") || g_str_has_suffix(name, ".yaml"))
        g_ptr_array_add(
            files->notes,
            config_finding_new(CONFIG_NO_MEANING, name, 0, "",
                               g_strdup("this file is not read: its name is not that of a service whose settings have a meaning here")));
}

/* gennaker.yml comes last of its kind, so that it wins over the services' own files. */
static gboolean read_folder(ConfigFiles *files, const char *path, GError **error) {
    g_autoptr(GPtrArray) names = list_folder(path, error);
    if (names == NULL)
        return FALSE;
    const char *found[CONFIG_SCOPES][2] = {{NULL}};
    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];
        guint scope;
        gboolean local;
        if (!parse_name(name, &scope, &local)) {
            note_unread(files, name);
            continue;
        }
        if (found[scope][local] != NULL) {
            error_set(error, ERR_INVALID, "%s holds both %s and %s: keep one of them", path, found[scope][local], name);
            return FALSE;
        }
        found[scope][local] = name;
    }
    for (guint i = 0; i < 2 * CONFIG_SCOPES; i++) {
        const guint scope = i % CONFIG_SCOPES, local = i / CONFIG_SCOPES;
        if (found[scope][local] == NULL)
            continue;
        g_autofree char *file = g_build_filename(path, found[scope][local], NULL);
        if (!take_file(files, file, scope, (gboolean)local, error))
            return FALSE;
    }
    return TRUE;
}

void config_files_init(ConfigFiles *files) {
    memset(files, 0, sizeof *files);
    files->arena = config_arena_new();
    files->names = g_ptr_array_new_with_free_func(g_free);
    files->notes = g_ptr_array_new_with_free_func(config_finding_free);
}

/* A file of any other name is like gennaker.yml. */
static void scope_of_file(const char *name, guint *scope, gboolean *local) {
    if (parse_name(name, scope, local))
        return;
    *scope = CONFIG_SCOPE_GENNAKER;
    *local = FALSE;
}

gboolean config_files_read(ConfigFiles *files, const char *path, GError **error) {
    if (g_file_test(path, G_FILE_TEST_IS_DIR))
        return read_folder(files, path, error);
    g_autofree char *name = g_path_get_basename(path);
    guint scope;
    gboolean local;
    scope_of_file(name, &scope, &local);
    return take_file(files, path, scope, local, error);
}

gboolean config_files_take(ConfigFiles *files, const char *name, const char *text, gsize length, GError **error) {
    guint scope;
    gboolean local;
    scope_of_file(name, &scope, &local);
    return take_text(files, name, scope, local, text, length, error);
}

void config_files_clear(ConfigFiles *files) {
    g_clear_pointer(&files->arena, g_ptr_array_unref);
    g_clear_pointer(&files->names, g_ptr_array_unref);
    g_clear_pointer(&files->notes, g_ptr_array_unref);
}
