/* Identifiers: ULIDs (26 characters, Crockford base 32), monotonic within a process. Any thread. */
#pragma once
#include <glib.h>

#define ULID_LENGTH 26
/* A new ULID for the given time; caller frees. */
char *id_new_at(gint64 now_ms);
char *id_new(void);
gboolean id_is_ulid(const char *text);
/* A stable 32-hex-digit id from parts (NULL-terminated), each length-prefixed: for idempotency keys and operation ids. */
char *id_from_parts(const char *first, ...) G_GNUC_NULL_TERMINATED;
/* n random bytes from the kernel as lower-case hex; caller frees. For secrets. */
char *id_secret(gsize n_bytes);
/* A ULID of that time whose other part is taken from 20 or more hex digits (id_from_parts): the same parts give the same id. */
char *id_ulid_from(gint64 now_ms, const char *digits);
