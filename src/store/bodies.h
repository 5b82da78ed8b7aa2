/* How documents lie in the database: compressed above BODY_PLAIN_MAX, and with their large values taken out. */
#pragma once
#include "store/internal.h"

#define BODY_PLAIN_MAX 4096          /* bytes of text stored as they are */
#define SHARED_VALUE_MIN (64 * 1024) /* bytes of JSON text from which a value is stored once, by its hash */
#define SHARED_DEPTH_MAX 128         /* documents within documents: executions may be nested 100 deep */
#define BODY_TEXT_MAX (512 * 1024 * 1024)

/* A text as it is stored; data points into the text that was given, or into memory that body_clear frees. */
typedef struct {
    const void *data;
    gsize length;
    void *owned;
} Body;
Body body_pack(const char *text, gsize length);
void body_clear(Body *body);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Body, body_clear)
/* The text of what is stored, NUL-terminated; caller frees. ERR_INVALID when it is damaged; NULL bytes give NULL without error. */
char *body_unpack(const void *bytes, gsize length, GError **error);
/* The same into a chunk that owns it. FALSE with error. */
gboolean body_unpack_into(GStringChunk *memory, const void *bytes, gsize length, const char **text, GError **error);

/* Takes large values out of a JSON object text and adds a use by this execution to the unit for each. Values are members of the
 * root and of the objects in it. `parentExecution` is always taken out, and so is its own parent's. Answers the text to
 * store and in *shared the hashes (separated by spaces); NULL when there is nothing to take out. Caller frees both. */
char *shared_take_out(StoreUnit *unit, gint64 execution_key, const char *text, gsize length, char **shared);
/* The same of a document; NULL as well when there is nothing to take out. */
char *shared_take_out_of(StoreUnit *unit, gint64 execution_key, const JsonValue *document, char **shared);
/* Puts back those that are in the list of hashes (a user's own text may look like ours). Caller frees. */
char *shared_put_back(Reader *reader, const char *text, const char *shared, GError **error);
/* The same as a document that shares its parent executions with all others that were read lately. Caller owns. */
Json *shared_put_back_document(Store *store, Reader *reader, const char *text, const char *shared, GError **error);
/* Adds to the unit: forget this execution's uses and the values that nobody else uses. */
void shared_forget(StoreUnit *unit, gint64 execution_key);
