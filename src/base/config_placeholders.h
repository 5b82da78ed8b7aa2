/* "${name:default}" in texts of a configuration. Only for src/base/config*.c. */
#pragma once
#include "base/config_node.h"

typedef struct {
    ConfigNode *root;      /* where names of other keys are looked up */
    guint replaced;        /* placeholders so far, against CONFIG_PLACEHOLDERS_MAX */
    GPtrArray *unresolved; /* names met that have neither value nor default: char *, the caller takes them out */
} ConfigPlaceholders;

/* The text with its placeholders replaced: by the environment (NAME, or a.b-c as A_B_C), then by other keys, then by the
 * default; what is left stays as it is. Caller frees. NULL with an error: see config_document_make. */
char *config_placeholders_replace(ConfigPlaceholders *placeholders, const char *text, GError **error);
