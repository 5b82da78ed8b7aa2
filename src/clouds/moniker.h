/* Monikers of things whose cloud keeps the parts of the name beside the name: in tags, labels or annotations. Each way is a
 * row of data; what they share is one function. Pure; any thread. */
#pragma once
#include "clouds/naming.h"

typedef enum {
    MONIKER_CLUSTER_OF_NAME,  /* the name's, unless given */
    MONIKER_CLUSTER_OF_KEYS,  /* app and those of stack and detail that are given, when one of the two is */
    MONIKER_CLUSTER_OF_PARTS, /* app, stack and detail wherever they come from, when one of the three is given */
} MonikerCluster;

typedef struct {
    const char *application, *cluster, *stack, *detail, *sequence; /* keys */
    MonikerCluster composes;
    gboolean needs_name;        /* keys count only when the name can be parsed */
    gboolean name_has_no_parts; /* stack and detail come from keys alone */
    gboolean forgives_sequence; /* one that is no number counts as none; else ERR_INVALID */
    gboolean unquotes;          /* a value in double quotes is JSON */
    const char *whole_prefix;   /* names that begin so are taken whole; the prefix without its last character is the app */
    const char *revision;       /* another key for the sequence, of things of this kind */
    const char *revision_kind;
} MonikerSource;

extern const MonikerSource moniker_kubernetes, moniker_ecs, moniker_lambda, moniker_google;

/* keys: object of texts, or NULL. kind: of the thing, or NULL. ERR_INVALID for a sequence that is no number. */
gboolean moniker_derive(const MonikerSource *source, const char *name, const char *kind, const JsonValue *keys, Moniker *into,
                        GError **error);
