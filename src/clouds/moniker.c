/* Monikers from tags, labels and annotations (aws.md 17, kubernetes.md 5, google.md 5). Pure; any thread. */
#include "clouds/moniker.h"
#include <string.h>

#define PREFIX "moniker.spinnaker.io/"
#define SPINNAKER_KEYS                                                                                                                     \
    .application = PREFIX "application", .cluster = PREFIX "cluster", .stack = PREFIX "stack", .detail = PREFIX "detail",                  \
    .sequence = PREFIX "sequence"

const MonikerSource moniker_kubernetes = {
    SPINNAKER_KEYS,
    .name_has_no_parts = TRUE,
    .forgives_sequence = TRUE,
    .unquotes = TRUE,
    .whole_prefix = "system:",
    .revision = "deployment.kubernetes.io/revision",
    .revision_kind = "replicaSet",
};
const MonikerSource moniker_ecs = {SPINNAKER_KEYS, .composes = MONIKER_CLUSTER_OF_KEYS, .needs_name = TRUE};
const MonikerSource moniker_lambda = {SPINNAKER_KEYS, .composes = MONIKER_CLUSTER_OF_PARTS, .forgives_sequence = TRUE};
const MonikerSource moniker_google = {
    .application = "spinnaker-moniker-application",
    .cluster = "spinnaker-moniker-cluster",
    .stack = "spinnaker-moniker-stack",
    .detail = "spinnaker-moniker-detail",
    .sequence = "spinnaker-moniker-sequence",
    .composes = MONIKER_CLUSTER_OF_KEYS,
    .needs_name = TRUE,
};

/* Caller frees; NULL when absent. */
static char *value_of(const MonikerSource *source, const JsonValue *keys, const char *key) {
    char *text = json_as_text(json_get(keys, key));
    const gsize length = text ? strlen(text) : 0;
    if (!source->unquotes || length < 2 || text[0] != '"' || text[length - 1] != '"')
        return text;
    g_autoptr(Json) unquoted = json_parse(text, (gssize)length, NULL);
    if (!json_is_string(json_root(unquoted)))
        return text;
    g_free(text);
    return g_strdup(json_string(json_root(unquoted)));
}

static void parse_name(const MonikerSource *source, const char *name, Moniker *into) {
    naming_parse(name, into);
    if (source->name_has_no_parts) {
        g_clear_pointer(&into->stack, g_free);
        g_clear_pointer(&into->detail, g_free);
    }
    if (into->app || !source->whole_prefix || !g_str_has_prefix(name, source->whole_prefix))
        return;
    const char *push = naming_push(name);
    into->app = g_strndup(name, strlen(source->whole_prefix) - 1);
    into->cluster = push ? g_strndup(name, (gsize)(push - 1 - name)) : g_strdup(name);
    into->sequence = push ? g_ascii_strtoll(push + 1, NULL, 10) : -1;
}

static gboolean read_sequence(const MonikerSource *source, const char *text, gint64 *into, GError **error) {
    *into = -1;
    if (g_ascii_string_to_signed(text, 10, G_MININT32, G_MAXINT32, into, NULL) || source->forgives_sequence)
        return TRUE;
    error_set(error, ERR_INVALID, "%s: \"%s\" is not a whole number", source->sequence, text);
    return FALSE;
}

static void replace(char **place, char *text) {
    if (!text)
        return;
    g_free(*place);
    *place = text;
}

static char *composed_cluster(const MonikerSource *source, const Moniker *parts, const char *app, const char *stack, const char *detail) {
    if (source->composes == MONIKER_CLUSTER_OF_KEYS && (stack || detail))
        return naming_cluster(parts->app, stack, detail);
    if (source->composes == MONIKER_CLUSTER_OF_PARTS && parts->app && (app || stack || detail))
        return naming_cluster(parts->app, parts->stack, parts->detail);
    return NULL;
}

gboolean moniker_derive(const MonikerSource *source, const char *name, const char *kind, const JsonValue *keys, Moniker *into,
                        GError **error) {
    parse_name(source, name, into);
    if (source->needs_name && !into->app)
        return TRUE;
    char *app = value_of(source, keys, source->application), *stack = value_of(source, keys, source->stack);
    char *detail = value_of(source, keys, source->detail), *cluster = value_of(source, keys, source->cluster);
    g_autofree char *sequence = value_of(source, keys, source->sequence);
    if (!sequence && source->revision && kind && g_ascii_strcasecmp(kind, source->revision_kind) == 0)
        sequence = value_of(source, keys, source->revision);
    replace(&into->app, app);
    replace(&into->stack, stack);
    replace(&into->detail, detail);
    replace(&into->cluster, cluster ? cluster : composed_cluster(source, into, app, stack, detail));
    if (!sequence || read_sequence(source, sequence, &into->sequence, error))
        return TRUE;
    moniker_clear(into);
    return FALSE;
}
