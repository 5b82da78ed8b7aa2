/* A small part of Jinja: text with {{ expressions }}, {% if for set raw %}, {# comments #} and filters, over a JSON context. For templates of
 * pipelines (engine.md 24.2) and of artifacts in messages (triggers.md 11.3). Closed: no files, no host access; every loop, depth and size
 * is bounded. Pure; any thread. */
#pragma once
#include "base/error.h"
#include "base/json.h"

#define JINJA_TEMPLATE_MAX (1024 * 1024)   /* bytes of one template */
#define JINJA_OUTPUT_MAX (4 * 1024 * 1024) /* bytes that it may make */
#define JINJA_STEPS_MAX 200000             /* expressions evaluated, turns of loops, elements looked at */
#define JINJA_MEMORY_MAX (32 * 1024 * 1024)
#define JINJA_DEPTH_MAX 64 /* of blocks and of expressions inside each other */

/* value | name(arguments): value NULL when it is undefined. Caller owns what it returns; NULL with *error. */
typedef struct {
    const char *name;
    Json *(*apply)(const JsonValue *value, const JsonValue *const *arguments, guint n, gpointer data, GError **error);
} JinjaFilter;
/* {% name text key=value %}: arguments is an object; a first word without key is its member "". scope: all names there are, an object.
 * Caller frees the text; NULL with *error. */
typedef struct {
    const char *name;
    char *(*render)(const JsonValue *arguments, const JsonValue *scope, gpointer data, GError **error);
} JinjaTag;

typedef struct {
    gsize output_max;           /* 0: JINJA_OUTPUT_MAX */
    guint64 steps_max;          /* 0: JINJA_STEPS_MAX */
    const JinjaFilter *filters; /* beside the general ones, or NULL; ends with an entry without name */
    const JinjaTag *tags;       /* or NULL */
    gpointer data;              /* for both */
} JinjaOptions;

/* options may be NULL. A name that does not exist is empty text. ERR_INVALID with the line, ERR_LIMIT names the limit. Caller frees. */
char *jinja_render(const char *template, const JsonValue *context, const JinjaOptions *options, GError **error);
/* Whether a text has anything to render at all. */
gboolean jinja_applies_to(const char *text);
