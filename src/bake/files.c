/* Making a bake's folder. Owns nothing; any thread. */
#include "bake/files.h"
#include "bake-resources.h"
#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define RESOURCES "/gennaker/bake/packer/"
#define VARIABLES "variables.pkrvars.json"

/* ---- templates ---- */

static const char *const OWN_FILES[] = {"aws-ebs.json", "aws-ebs.pkr.hcl", "install_packages.sh"};

static GResource *resource(void) {
    static gsize once = 0;
    if (g_once_init_enter(&once)) {
        bake_register_resource();
        g_once_init_leave(&once, 1);
    }
    return bake_get_resource();
}

static gboolean write_own(const char *folder, const char *name, GError **error) {
    g_autofree char *path = g_build_filename(folder, name, NULL), *where = g_strconcat(RESOURCES, name, NULL);
    if (g_file_test(path, G_FILE_TEST_EXISTS))
        return TRUE; /* the user's own */
    g_autoptr(GBytes) bytes = g_resource_lookup_data(resource(), where, G_RESOURCE_LOOKUP_FLAGS_NONE, error);
    if (bytes == NULL)
        return FALSE;
    gsize length = 0;
    const char *data = g_bytes_get_data(bytes, &length);
    return g_file_set_contents_full(path, data, (gssize)length, G_FILE_SET_CONTENTS_NONE, 0700, error);
}

static gboolean link_user_files(const char *folder, const char *from, GError **error) {
    g_autoptr(GDir) dir = g_dir_open(from, 0, error);
    if (dir == NULL) {
        g_prefix_error(error, "rosco.config-dir: ");
        return FALSE;
    }
    g_autofree char *absolute = g_canonicalize_filename(from, NULL);
    guint count = 0;
    for (const char *name; (name = g_dir_read_name(dir)) != NULL; count++) {
        g_autofree char *target = g_build_filename(absolute, name, NULL), *link = g_build_filename(folder, name, NULL);
        if (count >= BAKE_USER_FILES_MAX) {
            error_set(error, ERR_LIMIT, "rosco.config-dir %s has more than %d entries", from, BAKE_USER_FILES_MAX);
            return FALSE;
        }
        if (symlink(target, link) != 0 && errno != EEXIST) {
            error_set(error, ERR_INTERNAL, "link %s: %s", link, g_strerror(errno));
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean fill_files(const char *files, const BakeSettings *settings, GError **error) {
    if (g_mkdir_with_parents(files, 0700) != 0) {
        error_set(error, ERR_INTERNAL, "make folder %s: %s", files, g_strerror(errno));
        return FALSE;
    }
    if (settings->rosco.folder != NULL && !link_user_files(files, settings->rosco.folder, error))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(OWN_FILES); i++)
        if (!write_own(files, OWN_FILES[i], error))
            return FALSE;
    return TRUE;
}

static GHashTable *json_variables(const JsonValue *template) {
    GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (JsonIter i = json_iter(json_get(template, "variables")); json_next(&i);)
        g_hash_table_add(names, g_strdup(i.key));
    return names;
}

static GHashTable *hcl_variables(const char *text) {
    GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GRegex) regex = g_regex_new("^\\s*variable\\s+\"?([\\w-]+)\"?\\s*\\{", G_REGEX_MULTILINE, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    for (g_regex_match(regex, text, 0, &match); g_match_info_matches(match); g_match_info_next(match, NULL))
        g_hash_table_add(names, g_match_info_fetch(match, 1));
    return names;
}

static gboolean is_hcl(const char *name) {
    return g_str_has_suffix(name, ".hcl");
}

GHashTable *bake_template_variables(const char *name, const char *text) {
    if (is_hcl(name))
        return hcl_variables(text);
    g_autoptr(Json) json = json_parse_limited(text, -1, BAKE_TEMPLATE_MAX, NULL);
    return json_is_object(json_root(json)) ? json_variables(json_root(json)) : NULL;
}

static gboolean wants_tag(const JsonValue *builder) {
    const char *type = json_get_string(builder, "type");
    const JsonValue *tags = json_get(builder, "run_tags");
    return type != NULL && g_str_has_prefix(type, "amazon-") && strcmp(type, "amazon-chroot") != 0 &&
           (tags == NULL || (json_is_object(tags) && json_get(tags, BAKE_OPERATION_TAG) == NULL));
}

Json *bake_template_tagged(const JsonValue *template, const char *operation_id) {
    gboolean changed = FALSE;
    g_autoptr(JsonBuilder) list = json_builder_new();
    json_begin_array(list, NULL);
    for (JsonIter i = json_iter(json_get(template, "builders")); json_next(&i);) {
        if (!wants_tag(i.value)) {
            json_add_value(list, NULL, i.value);
            continue;
        }
        g_autoptr(Json) tags = json_with_string(json_get(i.value, "run_tags"), BAKE_OPERATION_TAG, operation_id);
        g_autoptr(Json) builder = json_with(i.value, "run_tags", json_root(tags));
        json_add_json(list, NULL, builder);
        changed = TRUE;
    }
    json_end_array(list);
    g_autoptr(Json) builders = json_builder_end(list);
    return changed ? json_with(template, "builders", json_root(builders)) : NULL;
}

/* A JSON template whose builders are not tagged yet is replaced by one where they are: else a builder that packer could not end would
 * not be found. */
static gboolean tag_builders(const char *path, const char *text, const char *operation_id, GError **error) {
    g_autoptr(Json) json = json_parse_limited(text, -1, BAKE_TEMPLATE_MAX, NULL);
    g_autoptr(Json) tagged = json_is_object(json_root(json)) ? bake_template_tagged(json_root(json), operation_id) : NULL;
    if (tagged == NULL)
        return TRUE;
    g_autofree char *written = json_write_pretty(json_root(tagged), NULL);
    g_unlink(path);
    return g_file_set_contents_full(path, written, -1, G_FILE_SET_CONTENTS_NONE, 0600, error);
}

/* ---- variables ---- */

/* All variables, or those that the template declares: packer refuses or warns of others. */
static Json *variables_for(const BakeFiles *files, GHashTable *declared, const char *folder, const char *operation_id) {
    g_autoptr(Json) ours = json_pack("{s:s, s:s}", "configDir", folder, "gennaker_operation", operation_id);
    g_autoptr(Json) all = json_merge(json_root(ours), json_root(files->variables));
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (JsonIter i = json_iter(json_root(all)); json_next(&i);)
        if (declared == NULL || g_hash_table_contains(declared, i.key))
            json_add_value(builder, i.key, i.value);
    json_end_object(builder);
    return json_builder_end(builder);
}

static gboolean write_variables(const char *folder, const char *files_folder, const BakeFiles *files, const char *operation_id,
                                GError **error) {
    g_autofree char *path = g_build_filename(files_folder, files->template, NULL);
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        error_set(error, ERR_NOT_FOUND, "bake: there is no template %s, neither in rosco.config-dir nor among our own", files->template);
        return FALSE;
    }
    if (!is_hcl(files->template) && !tag_builders(path, text, operation_id, error))
        return FALSE;
    g_autoptr(GHashTable) declared = bake_template_variables(files->template, text);
    g_autoptr(Json) variables = variables_for(files, declared, files_folder, operation_id);
    g_autofree char *written = json_write_pretty(json_root(variables), NULL);
    return child_file_write(folder, VARIABLES, written, error);
}

/* ---- the command ---- */

static void add(GPtrArray *list, char *text) {
    g_ptr_array_add(list, text);
}

static char **command(const char *folder, const char *files_folder, const BakeSettings *settings, const BakeFiles *files) {
    GPtrArray *argv = g_ptr_array_new();
    if (settings->general.needing_root != NULL && g_strv_contains((const char *const *)settings->general.needing_root, files->template)) {
        add(argv, g_strdup("sudo"));
        add(argv, g_strdup("--non-interactive"));
        add(argv, g_strdup("--preserve-env"));
    }
    add(argv, g_strdup(settings->own.packer));
    add(argv, g_strdup("build"));
    add(argv, g_strdup("-machine-readable"));
    add(argv, g_strdup("-color=false"));
    if (settings->rosco.timestamps)
        add(argv, g_strdup("-timestamp-ui"));
    for (char **more = settings->rosco.packer_arguments; more != NULL && *more != NULL; more++)
        add(argv, g_strdup(*more));
    add(argv, g_strdup_printf("-var-file=%s/" VARIABLES, folder));
    if (files->var_file != NULL)
        add(argv, g_strdup_printf("-var-file=%s/%s", files_folder, files->var_file));
    add(argv, g_build_filename(files_folder, files->template, NULL));
    add(argv, NULL);
    return (char **)g_ptr_array_free(argv, FALSE);
}

/* Of our environment packer gets what its cloud, its plugins and its network need. */
static gboolean is_passed_on(const char *name) {
    static const char *const PREFIXES[] = {"AWS_", "PACKER_", "PKR_VAR_", "LC_", "SSL_CERT_", "SSH_AUTH_SOCK"};
    static const char *const NAMES[] = {"PATH", "HOME",       "USER",        "LANG",     "TZ",         "TMPDIR",      "XDG_CONFIG_HOME",
                                        NULL,   "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"};
    for (guint i = 0; i < G_N_ELEMENTS(PREFIXES); i++)
        if (g_str_has_prefix(name, PREFIXES[i]))
            return TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(NAMES); i++)
        if (g_strcmp0(name, NAMES[i]) == 0)
            return TRUE;
    return FALSE;
}

static char **environment(const char *folder, const BakeSettings *settings) {
    char **result = g_new0(char *, 1);
    g_auto(GStrv) names = g_listenv();
    for (guint i = 0; names[i] != NULL; i++)
        if (is_passed_on(names[i]))
            result = g_environ_setenv(result, names[i], g_getenv(names[i]), TRUE);
    if (g_getenv("PATH") == NULL)
        result = g_environ_setenv(result, "PATH", "/usr/local/bin:/usr/bin:/bin", TRUE);
    const char *access_key = NULL, *secret_key = NULL;
    if (bake_static_credentials(settings, &access_key, &secret_key)) {
        result = g_environ_setenv(result, "AWS_ACCESS_KEY_ID", access_key, TRUE);
        result = g_environ_setenv(result, "AWS_SECRET_ACCESS_KEY", secret_key, TRUE);
        result = g_environ_unsetenv(result, "AWS_SESSION_TOKEN");
    }
    if (bake_ec2_endpoint(settings) != NULL)
        result = g_environ_setenv(result, "AWS_ENDPOINT_URL_EC2", bake_ec2_endpoint(settings), TRUE);
    g_autofree char *cache = g_build_filename(folder, "cache", NULL);
    result = g_environ_setenv(result, "PACKER_CACHE_DIR", cache, TRUE);
    result = g_environ_setenv(result, "CHECKPOINT_DISABLE", "1", TRUE);
    return g_environ_setenv(result, "PACKER_NO_COLOR", "1", TRUE);
}

gboolean bake_files_prepare(const char *folder, const BakeSettings *settings, const BakeFiles *files, const char *operation_id,
                            char ***argv, char ***environ_, GError **error) {
    g_autofree char *files_folder = g_build_filename(folder, "files", NULL);
    if (!fill_files(files_folder, settings, error) || !write_variables(folder, files_folder, files, operation_id, error))
        return FALSE;
    *argv = command(folder, files_folder, settings, files);
    *environ_ = environment(folder, settings);
    return TRUE;
}

/* ---- afterwards ---- */

void bake_folder_remove(const char *folder) {
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (g_file_test(path, G_FILE_TEST_IS_DIR) && !g_file_test(path, G_FILE_TEST_IS_SYMLINK))
            bake_folder_remove(path);
        else
            g_unlink(path);
    }
    g_rmdir(folder);
}

void bake_files_tidy(const char *folder) {
    static const char *const FOLDERS[] = {"files", "cache"};
    for (guint i = 0; i < G_N_ELEMENTS(FOLDERS); i++) {
        g_autofree char *path = g_build_filename(folder, FOLDERS[i], NULL);
        bake_folder_remove(path);
    }
    g_autofree char *variables = g_build_filename(folder, VARIABLES, NULL);
    g_unlink(variables);
    child_folder_tidy(folder);
}
