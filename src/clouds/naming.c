/* Names of server groups: taking apart, putting together, the next one. Pure; any thread. */
#include "clouds/naming.h"
#include <string.h>

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._"
#define DETAIL_CHARACTERS NAME_CHARACTERS "-~^"
#define PUSH_DIGITS_MIN 3
#define PUSH_DIGITS_MAX 6

/* ---- taking apart ---- */

/* Digits at the end of the text. */
static gsize trailing_digits(const char *text, gsize length) {
    gsize digits = 0;
    while (digits < length && g_ascii_isdigit(text[length - digits - 1]))
        digits++;
    return digits;
}

const char *naming_push(const char *name) {
    const gsize length = strlen(name), digits = trailing_digits(name, length);
    if (digits < PUSH_DIGITS_MIN || digits > PUSH_DIGITS_MAX || length < digits + 2)
        return NULL;
    const char *push = name + length - digits - 1;
    return push[0] == 'v' && push[-1] == '-' ? push : NULL;
}

static gboolean consists_of(const char *text, const char *end, const char *characters) {
    return strspn(text, characters) >= (gsize)(end - text);
}

static char *part(const char *from, const char *to) {
    return to > from ? g_strndup(from, (gsize)(to - from)) : NULL;
}

void naming_parse(const char *name, Moniker *into) {
    *into = (Moniker){.sequence = -1};
    const char *push = name ? naming_push(name) : NULL;
    const char *end = push ? push - 1 : name ? name + strlen(name) : NULL;
    if (!name || name == end || !consists_of(name, end, DETAIL_CHARACTERS))
        return;
    const char *app_end = memchr(name, '-', (gsize)(end - name));
    app_end = app_end ? app_end : end;
    const char *stack = app_end < end ? app_end + 1 : end;
    const char *stack_end = memchr(stack, '-', (gsize)(end - stack));
    stack_end = stack_end ? stack_end : end;
    if (app_end == name || !consists_of(name, app_end, NAME_CHARACTERS) || !consists_of(stack, stack_end, NAME_CHARACTERS))
        return;
    into->app = part(name, app_end);
    into->stack = part(stack, stack_end);
    into->detail = part(stack_end < end ? stack_end + 1 : end, end);
    into->cluster = part(name, end);
    if (push)
        into->sequence = g_ascii_strtoll(push + 1, NULL, 10);
}

void moniker_clear(Moniker *moniker) {
    g_free(moniker->app);
    g_free(moniker->stack);
    g_free(moniker->detail);
    g_free(moniker->cluster);
    *moniker = (Moniker){.sequence = -1};
}

/* ---- putting together ---- */

static gboolean is_given(const char *text) {
    return text && *text;
}

char *naming_cluster(const char *app, const char *stack, const char *detail) {
    GString *name = g_string_new(app);
    if (is_given(stack) || is_given(detail))
        g_string_append_printf(name, "-%s", is_given(stack) ? stack : "");
    if (is_given(detail))
        g_string_append_printf(name, "-%s", detail);
    return g_string_free(name, FALSE);
}

static gboolean check_part(const char *what, const char *text, const char *characters, const char *allowed, GError **error) {
    if (!is_given(text) || strspn(text, characters) == strlen(text))
        return TRUE;
    error_set(error, ERR_INVALID, "%s \"%s\": only letters, digits, %s are allowed", what, text, allowed);
    return FALSE;
}

gboolean naming_check(const char *app, const char *stack, const char *detail, GError **error) {
    if (!is_given(app)) {
        error_set(error, ERR_INVALID, "a server group's name begins with the application, which is not given");
        return FALSE;
    }
    return check_part("application", app, NAME_CHARACTERS, ". and _", error) &&
           check_part("stack", stack, NAME_CHARACTERS, ". and _", error) &&
           check_part("detail", detail, DETAIL_CHARACTERS, ". _ - ~ and ^", error);
}

char *naming_server_group(const char *cluster, gint64 sequence, GError **error) {
    g_auto(Moniker) moniker = {0};
    /* As a whole, since a cluster may itself end like a server group. */
    g_autofree char *name = g_strdup_printf("%s-v%03" G_GINT64_FORMAT, cluster, sequence);
    naming_parse(name, &moniker);
    if (sequence < 0 || sequence >= NAMING_SEQUENCE_MAX) {
        error_set(error, ERR_INVALID, "server group of cluster %s: the sequence %" G_GINT64_FORMAT " is not within 0 and %d", cluster,
                  sequence, NAMING_SEQUENCE_MAX - 1);
        return NULL;
    }
    if (g_strcmp0(moniker.cluster, cluster) != 0) {
        error_set(error, ERR_INVALID, "server group of cluster \"%s\": the name does not have the form app-stack-detail", cluster);
        return NULL;
    }
    return g_steal_pointer(&name);
}

char *naming_successor(const char *name) {
    g_auto(Moniker) moniker = {0};
    naming_parse(name, &moniker);
    if (!moniker.cluster)
        return NULL;
    const gint64 next = moniker.sequence + 1 < NAMING_SEQUENCE_MAX ? moniker.sequence + 1 : 0;
    return g_strdup_printf("%s-v%03" G_GINT64_FORMAT, moniker.cluster, next);
}

/* ---- the next one ---- */

char *naming_next(const char *cluster, const NamedGroup *groups, gsize n, guint tried, GError **error) {
    gboolean held[NAMING_SEQUENCE_MAX] = {FALSE};
    gint64 newest_ms = G_MININT64, newest = -1;
    gboolean any = FALSE;
    for (gsize i = 0; i < n; i++) {
        g_auto(Moniker) moniker = {0};
        naming_parse(groups[i].name, &moniker);
        if (g_strcmp0(moniker.cluster, cluster) != 0)
            continue;
        if (moniker.sequence >= 0 && moniker.sequence < NAMING_SEQUENCE_MAX)
            held[moniker.sequence] = TRUE;
        if (any && groups[i].created_ms <= newest_ms)
            continue;
        any = TRUE;
        newest_ms = groups[i].created_ms;
        newest = moniker.sequence < 0 ? 0 : moniker.sequence;
    }
    gint64 next = any ? (newest + 1) % NAMING_SEQUENCE_MAX : 0;
    guint skipped = 0;
    for (; held[next] && skipped < NAMING_SEQUENCE_MAX; skipped++)
        next = (next + 1) % NAMING_SEQUENCE_MAX;
    if (skipped == NAMING_SEQUENCE_MAX) {
        error_set(error, ERR_LIMIT, "all names of server groups of cluster %s are taken", cluster);
        return NULL;
    }
    return naming_server_group(cluster, (next + tried) % NAMING_SEQUENCE_MAX, error);
}
