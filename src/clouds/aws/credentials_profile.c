/* Reads AWS's two profile files: an INI dialect with [section], key = value, # and ; comments, and indented sub-keys (skipped). */
#include "clouds/aws/credentials_profile.h"
#include <stddef.h>
#include <string.h>

#define PROFILE_FILE_MAX (1024 * 1024) /* bytes */

static const struct {
    const char *key;
    size_t offset;
} TEXT_KEYS[] = {
    {"aws_access_key_id", offsetof(AwsProfile, access_key_id)},
    {"aws_secret_access_key", offsetof(AwsProfile, secret_access_key)},
    {"aws_session_token", offsetof(AwsProfile, session_token)},
    {"role_arn", offsetof(AwsProfile, role_arn)},
    {"source_profile", offsetof(AwsProfile, source_profile)},
    {"credential_source", offsetof(AwsProfile, credential_source)},
    {"external_id", offsetof(AwsProfile, external_id)},
    {"role_session_name", offsetof(AwsProfile, role_session_name)},
    {"web_identity_token_file", offsetof(AwsProfile, web_identity_token_file)},
    {"region", offsetof(AwsProfile, region)},
};

static char **text_of(AwsProfile *profile, guint index) {
    return (char **)((char *)profile + TEXT_KEYS[index].offset);
}

void aws_profile_free(AwsProfile *profile) {
    if (!profile)
        return;
    for (guint i = 0; i < G_N_ELEMENTS(TEXT_KEYS); i++)
        g_free(*text_of(profile, i));
    g_free(profile->name);
    g_free(profile);
}

static void set_key(AwsProfile *profile, const char *key, const char *value) {
    for (guint i = 0; i < G_N_ELEMENTS(TEXT_KEYS); i++) {
        if (strcmp(TEXT_KEYS[i].key, key))
            continue;
        g_free(*text_of(profile, i));
        *text_of(profile, i) = g_strdup(value);
        return;
    }
    if (!strcmp(key, "duration_seconds"))
        profile->duration_s = g_ascii_strtoll(value, NULL, 10);
}

/* Is this the header of the section we look for? */
static gboolean is_section(char *line, const char *name, gboolean is_config) {
    char *end = strchr(line, ']');
    if (!end)
        return FALSE;
    *end = '\0';
    char *title = g_strstrip(line + 1);
    if (!is_config || !strcmp(title, "default"))
        return !strcmp(title, name);
    if (!g_str_has_prefix(title, "profile") || !g_ascii_isspace(title[strlen("profile")]))
        return FALSE;
    return !strcmp(g_strstrip(title + strlen("profile")), name);
}

/* Adds what a file says of the profile; TRUE when it has its section. */
static gboolean read_text(AwsProfile *profile, const char *text, gboolean is_config) {
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    gboolean inside = FALSE, found = FALSE;
    for (guint i = 0; lines[i]; i++) {
        gboolean indented = g_ascii_isspace(lines[i][0]);
        char *line = g_strstrip(lines[i]);
        if (!*line || *line == '#' || *line == ';')
            continue;
        if (*line == '[') {
            inside = is_section(line, profile->name, is_config);
            found = found || inside;
            continue;
        }
        char *equals = strchr(line, '=');
        if (!inside || indented || !equals)
            continue;
        *equals = '\0';
        set_key(profile, g_strstrip(line), g_strstrip(equals + 1));
    }
    return found;
}

AwsProfile *aws_profile_parse(const char *name, const char *credentials_text, const char *config_text) {
    g_autoptr(AwsProfile) profile = g_new0(AwsProfile, 1);
    profile->name = g_strdup(name);
    gboolean in_config = config_text && read_text(profile, config_text, TRUE);
    gboolean in_credentials = credentials_text && read_text(profile, credentials_text, FALSE);
    return in_config || in_credentials ? g_steal_pointer(&profile) : NULL;
}

static char *file_path(const char *variable, const char *name) {
    const char *given = g_getenv(variable);
    return given && *given ? g_strdup(given) : g_build_filename(g_get_home_dir(), ".aws", name, NULL);
}

/* *text stays NULL when there is no such file. */
static gboolean read_file(const char *path, char **text, GError **error) {
    g_autoptr(GError) failed = NULL;
    gsize length = 0;
    if (!g_file_get_contents(path, text, &length, &failed)) {
        if (g_error_matches(failed, G_FILE_ERROR, G_FILE_ERROR_NOENT) || g_error_matches(failed, G_FILE_ERROR, G_FILE_ERROR_NOTDIR))
            return TRUE;
        error_set(error, ERR_INVALID, "profile file %s: %s", path, failed->message);
        return FALSE;
    }
    if (length <= PROFILE_FILE_MAX)
        return TRUE;
    error_set(error, ERR_LIMIT, "profile file %s: larger than %d bytes", path, PROFILE_FILE_MAX);
    return FALSE;
}

AwsProfile *aws_profile_load(const char *name, GError **error) {
    g_autofree char *credentials_path = file_path("AWS_SHARED_CREDENTIALS_FILE", "credentials");
    g_autofree char *config_path = file_path("AWS_CONFIG_FILE", "config");
    g_autofree char *credentials_text = NULL, *config_text = NULL;
    if (!read_file(credentials_path, &credentials_text, error) || !read_file(config_path, &config_text, error))
        return NULL;
    return aws_profile_parse(name, credentials_text, config_text);
}

const char *aws_profile_default_name(void) {
    const char *const variables[] = {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"};
    for (guint i = 0; i < G_N_ELEMENTS(variables); i++) {
        const char *value = g_getenv(variables[i]);
        if (value && *value)
            return value;
    }
    return "default";
}
