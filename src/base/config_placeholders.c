/* Replacing placeholders as Spring does: the inside of a placeholder may hold placeholders, what it stands for too. */
#include "base/config_placeholders.h"
#include "base/config.h"
#include "base/error.h"
#include <string.h>

static gboolean replace(ConfigPlaceholders *placeholders, const char *text, guint depth, GString *result, GError **error);

/* The "}" that ends a placeholder whose inside begins here, or NULL. */
static const char *find_end(const char *inside) {
    guint open = 0;
    for (; *inside != '\0'; inside++) {
        if (*inside == '{')
            open++;
        else if (*inside == '}' && open-- == 0)
            return inside;
    }
    return NULL;
}

static const char *from_environment(const char *name) {
    const char *value = g_getenv(name);
    if (value != NULL)
        return value;
    g_autofree char *variable = g_ascii_strup(name, -1);
    return g_getenv(g_strdelimit(variable, ".-", '_'));
}

/* The raw value of a name; NULL when there is none. */
static const char *look_up(const ConfigPlaceholders *placeholders, const char *name) {
    if (name[0] == '\0' || strchr(name, '=') != NULL)
        return NULL;
    const char *value = from_environment(name);
    if (value != NULL)
        return value;
    const ConfigNode *node = config_node_at(placeholders->root, name);
    if (node == NULL || node->kind != CONFIG_SCALAR)
        return NULL;
    return config_node_is_null(node) ? "" : node->text;
}

/* Names of variables and keys; other things between "${" and "}" are expressions for pipelines. */
static gboolean is_name(const char *text) {
    return *text != '\0' && text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")] == '\0';
}

/* inside: what stands between the braces, its own placeholders replaced. */
static gboolean replace_one(ConfigPlaceholders *placeholders, const char *inside, guint depth, GString *result, GError **error) {
    const char *value = look_up(placeholders, inside);
    const char *colon = strchr(inside, ':');
    if (value == NULL && colon != NULL) {
        g_autofree char *name = g_strndup(inside, (gsize)(colon - inside));
        value = look_up(placeholders, name);
        if (value == NULL) {
            g_string_append(result, colon + 1);
            return TRUE;
        }
    }
    if (value != NULL)
        return replace(placeholders, value, depth + 1, result, error);
    if (is_name(inside))
        g_ptr_array_add(placeholders->unresolved, g_strdup(inside));
    g_string_append_printf(result, "${%s}", inside);
    return TRUE;
}

static gboolean check_limits(ConfigPlaceholders *placeholders, guint depth, const GString *result, GError **error) {
    if (depth > CONFIG_PLACEHOLDER_DEPTH_MAX) {
        error_set(error, ERR_INVALID, "placeholders refer to each other in a circle, or more than %d deep (CONFIG_PLACEHOLDER_DEPTH_MAX)",
                  CONFIG_PLACEHOLDER_DEPTH_MAX);
        return FALSE;
    }
    if (placeholders->replaced > CONFIG_PLACEHOLDERS_MAX) {
        error_set(error, ERR_LIMIT, "more than %d placeholders have to be replaced (CONFIG_PLACEHOLDERS_MAX)", CONFIG_PLACEHOLDERS_MAX);
        return FALSE;
    }
    if (result->len > CONFIG_TEXT_MAX) {
        error_set(error, ERR_LIMIT, "with its placeholders replaced the text is longer than %d bytes (CONFIG_TEXT_MAX)", CONFIG_TEXT_MAX);
        return FALSE;
    }
    return TRUE;
}

static gboolean replace(ConfigPlaceholders *placeholders, const char *text, guint depth, GString *result, GError **error) {
    for (const char *begin; (begin = strstr(text, "${")) != NULL;) {
        const char *end = find_end(begin + 2);
        if (end == NULL)
            break;
        g_string_append_len(result, text, begin - text);
        placeholders->replaced++;
        if (!check_limits(placeholders, depth, result, error))
            return FALSE;
        g_autofree char *inside = g_strndup(begin + 2, (gsize)(end - begin - 2));
        g_autoptr(GString) plain = g_string_new(NULL);
        if (!replace(placeholders, inside, depth + 1, plain, error) || !replace_one(placeholders, plain->str, depth, result, error))
            return FALSE;
        text = end + 1;
    }
    g_string_append(result, text);
    return check_limits(placeholders, depth, result, error);
}

char *config_placeholders_replace(ConfigPlaceholders *placeholders, const char *text, GError **error) {
    g_autoptr(GString) result = g_string_new(NULL);
    if (!replace(placeholders, text, 0, result, error))
        return NULL;
    return g_strdup(result->str);
}
