/* gzip of answers. Pure. */
#pragma once
#include <glib.h>

/* Whether an Accept-Encoding value (or NULL) allows gzip. */
gboolean gzip_is_accepted(const char *accept_encoding);
/* Whether bodies of this content type shrink. */
gboolean gzip_is_worthwhile(const char *content_type);
/* A gzip file of the bytes; NULL when it would not be smaller. Caller frees. */
char *gzip_compress(const char *data, gsize length, gsize *compressed_length);
