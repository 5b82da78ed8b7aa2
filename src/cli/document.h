/* Files that people write: JSON or YAML, told apart by what is in them. Main thread. */
#pragma once
#include "base/error.h"
#include "base/json.h"

typedef struct {
    char *name; /* for messages */
    Json *json;
    GArray *lines; /* guint by json_position */
} Document;

/* path "-": standard input. ERR_INVALID with file, line and reason; ERR_NOT_FOUND … */
Document *document_read(const char *path, GError **error);
void document_free(Document *document);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Document, document_free)
/* The line of a value of the document; 0 when it is not of it. */
guint document_line(const Document *document, const JsonValue *value);
