/* Labels and shards inside of names, and the forms that users may not use for their own parts. Pure; any thread. */
#include "clouds/naming.h"
#include <string.h>

const char *const naming_label_names[NAMING_LABELS + 1] = {"countries", "devPhase",     "hardware", "partners", "revision",
                                                           "usedBy",    "redBlackSwap", "zone",     NULL};
static const char label_letters[NAMING_LABELS + 1] = "cdhpruwz";

/* Whether a label (letter, 0, letters and digits) begins here; returns the byte after it, or NULL. */
static const char *label_end(const char *text) {
    if (!*text || !strchr(label_letters, *text) || text[1] != '0' || !g_ascii_isalnum(text[2]))
        return NULL;
    const char *end = text + 2;
    while (g_ascii_isalnum(*end))
        end++;
    return end;
}

gboolean naming_is_reserved(const char *text) {
    gsize digits = 0;
    const gsize length = strlen(text);
    while (digits < length && g_ascii_isdigit(text[length - digits - 1]))
        digits++;
    if (digits >= 3 && digits <= 6 && digits < length && text[length - digits - 1] == 'v')
        return TRUE;
    for (const char *token = text; token; token = strchr(token, '-')) {
        token += *token == '-';
        if (label_end(token))
            return TRUE;
    }
    return FALSE;
}

/* The run of labels at the end of a cluster's name, or NULL. */
static const char *labels_of(const char *cluster) {
    for (const char *start = cluster; start; start = strchr(start + 1, '-')) {
        const char *at = label_end(start + (*start == '-'));
        while (at && *at == '-')
            at = label_end(at + 1);
        if (at && !*at)
            return start;
        if (!*start)
            break;
    }
    return NULL;
}

void naming_labels(const char *name, char *into[NAMING_LABELS]) {
    g_auto(Moniker) moniker = {0};
    naming_parse(name, &moniker);
    const char *labels = moniker.cluster ? labels_of(moniker.cluster) : NULL;
    for (guint i = 0; i < NAMING_LABELS; i++) {
        /* Searched as text, so that a value may be taken for another label: -u0abc0de has countries "de" as well. */
        const char key[] = {label_letters[i], '0', '\0'};
        into[i] = NULL;
        for (const char *at = labels ? strstr(labels, key) : NULL; at && !into[i]; at = strstr(at + 1, key)) {
            gsize length = 0;
            while (g_ascii_isalnum(at[2 + length]))
                length++;
            into[i] = length ? g_strndup(at + 2, length) : NULL;
        }
    }
}

static gboolean check_group_parts(const char *app, const char *stack, const char *detail, const char *const labels[NAMING_LABELS],
                                  GError **error) {
    if (!naming_check(app, stack, detail, error))
        return FALSE;
    const char *const parts[] = {app, stack, detail};
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (!parts[i] || !naming_is_reserved(parts[i]))
            continue;
        error_set(error, ERR_INVALID, "\"%s\" has a form that is reserved for numbers and labels of server groups", parts[i]);
        return FALSE;
    }
    for (guint i = 0; i < NAMING_LABELS; i++)
        if (labels[i] && *labels[i] && !naming_check(labels[i], NULL, NULL, error))
            return g_prefix_error(error, "%s: ", naming_label_names[i]), FALSE;
    return TRUE;
}

char *naming_group_name(const char *app, const char *stack, const char *detail, const char *const labels[NAMING_LABELS], gboolean checked,
                        GError **error) {
    if (!app || !*app) {
        error_set(error, ERR_INVALID, "a group's name begins with the application, which is not given");
        return NULL;
    }
    if (checked && !check_group_parts(app, stack, detail, labels, error))
        return NULL;
    g_autofree char *cluster = naming_cluster(app, stack, detail);
    GString *name = g_string_new(cluster);
    for (guint i = 0; i < NAMING_LABELS; i++)
        if (labels[i] && *labels[i])
            g_string_append_printf(name, "-%c0%s", label_letters[i], labels[i]);
    return g_string_free(name, FALSE);
}

/* ---- shards ---- */

/* A shard (x, a number, a letter, letters and digits) that begins here; returns the byte after it, or NULL. */
static const char *shard_end(const char *text, const char **value) {
    if (*text != 'x' || text[1] < '1' || text[1] > '9')
        return NULL;
    const char *at = text + 2;
    while (g_ascii_isdigit(*at))
        at++;
    if (!g_ascii_isalpha(*at))
        return NULL;
    *value = at;
    while (g_ascii_isalnum(*at))
        at++;
    return at;
}

const char *naming_shards(const char *detail, NamingShard each, gpointer data, guint *warnings) {
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const char *rest = detail, *value = NULL;
    *warnings = 0;
    while (*rest) {
        const char *start = rest + (*rest == '-');
        const char *end = shard_end(start, &value);
        if (!end)
            break;
        g_autofree char *id = g_strndup(start + 1, (gsize)(value - start - 1));
        g_autofree char *text = g_strndup(value, (gsize)(end - value));
        each(id, text, data);
        if (!g_hash_table_add(seen, g_steal_pointer(&id)))
            (*warnings)++;
        rest = end;
    }
    for (const char *at = strchr(rest, '-'); at; at = strchr(at + 1, '-')) {
        if (!shard_end(at + 1, &value))
            continue;
        (*warnings)++;
        break;
    }
    return rest;
}
