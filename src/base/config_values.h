/* Nodes to a document: placeholders replaced, types given to plain texts, the place of every value kept.
 * Only for src/base/config*.c. */
#pragma once
#include "base/config_node.h"
#include "base/json.h"

/* "${name}" that stayed as it is. */
typedef struct {
    gsize position; /* json_position of the text that holds it */
    char *name;
} ConfigUnresolved;

/* What one service reads: a document and what is known of its values. */
typedef struct {
    Json *json;
    GArray *places;        /* of ConfigPlace, indexed by json_position */
    GPtrArray *unresolved; /* of ConfigUnresolved, by position */
    GHashTable *texts;     /* json_position + 1 -> text, of numbers and booleans */
} ConfigDocument;

/* root is a map. files: names by ConfigPlace.file, for messages. ERR_INVALID for placeholders in a circle, ERR_LIMIT for
 * CONFIG_PLACEHOLDERS_MAX and CONFIG_TEXT_MAX, with file and line. */
gboolean config_document_make(ConfigDocument *document, ConfigNode *root, const GPtrArray *files, GError **error);
void config_document_clear(ConfigDocument *document);
