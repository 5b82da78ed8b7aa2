/* Texts of finished executions as lists show them, kept between requests: an interface asks for the same list every few seconds, and
 * what is finished does not change under its version. Any thread. */
#pragma once
#include <glib.h>

#define LISTED_TEXTS_BYTES_MAX (32 * 1024 * 1024) /* least recently used go first */
#define LISTED_TEXT_BYTES_MAX (64 * 1024)         /* longer ones are not kept */

typedef struct ListedTexts ListedTexts;
ListedTexts *listed_texts_new(void);
void listed_texts_free(ListedTexts *texts);
/* shape: how it was written. NULL: not kept, or of another version. Caller owns a reference. */
GBytes *listed_texts_get(ListedTexts *texts, const char *id, gint64 version, guint shape);
void listed_texts_put(ListedTexts *texts, const char *id, gint64 version, guint shape, GBytes *text);
