/* Parameter tables: how JSON becomes a struct, a form, a message, a page of documentation. Nothing is said twice. */
#pragma once
#include "base/json.h"
#include <stddef.h>

typedef enum {
    PARAM_END = 0,
    PARAM_STRING,       /* char *  (owned); numbers and booleans are accepted as their text */
    PARAM_BOOL,         /* gboolean; "true"/"false" accepted */
    PARAM_INT,          /* gint64; numeric strings accepted */
    PARAM_DOUBLE,       /* double */
    PARAM_SECONDS,      /* gint64 milliseconds; JSON holds seconds (may have a fraction) */
    PARAM_MILLISECONDS, /* gint64 milliseconds */
    PARAM_STRINGS,      /* char ** (owned, NULL when absent); a single string is a list of one */
    PARAM_ENUM,         /* int: index into .choices, -1 when absent without default; compared without case */
    PARAM_JSON,         /* Json * (owned reference, NULL when absent): any value, kept as it is */
    PARAM_OBJECT,       /* a nested struct at the offset, described by .members */
} ParamType;

typedef struct Param Param;
struct Param {
    const char *name; /* key; dotted names reach into objects ("moniker.cluster") */
    ParamType type;
    size_t offset;
    gboolean required;
    gboolean secret;            /* never shown in a log, response or documentation example */
    const char *otherwise;      /* default as JSON text ("5", "true", "\"x\""); NULL: zero, NULL, empty */
    const char *const *aliases; /* other keys, tried in order when name is absent; NULL-terminated */
    const char *const *choices; /* for PARAM_ENUM */
    const Param *members;       /* for PARAM_OBJECT; documentation of elements for PARAM_JSON */
    gint64 min, max;            /* inclusive bounds for numbers when not both 0 (milliseconds for PARAM_SECONDS); max G_MAXINT64: none */
    const char *help;           /* one sentence for a form or a page */
};

/* Fills a zeroed struct. ERR_INVALID lists every offending key in one message: "waitTime: required; n: expected a whole
 * number, got \"x\"". On error the struct holds nothing that needs freeing. Unknown keys are ignored,
 * null is absent, and so is an empty text where a number, switch or choice is expected. In an absent PARAM_OBJECT nothing is required. */
gboolean params_read(const Param *params, const JsonValue *object, void *into, GError **error);

/* Frees what params_read put into the struct and zeroes it. NULL-safe. */
void params_clear(const Param *params, void *from);

/* Unknown top-level keys of object, in order; caller frees with g_strfreev; empty list when none. */
char **params_unknown(const Param *params, const JsonValue *object);

/* Adds a JSON Schema object for the table under key (NULL: as an element): for OpenAPI, forms and the reference pages. */
void params_describe(const Param *params, JsonBuilder *builder, const char *key);
