/* gzip of answers, by zlib. Pure; any thread. */
#include "net/gzip.h"
#include <string.h>
#include <zlib.h>

#define LEVEL 4 /* JSON: within 8 % of level 6 in half the time */
#define GZIP_WINDOW_BITS (15 + 16)
#define MEMORY_LEVEL 8

/* ";q=0", ";q=0.000" in the parameters of one coding. */
static gboolean is_weight_zero(const char *parameters) {
    const char *weight = strstr(parameters, "q=");
    return weight && g_ascii_strtod(weight + 2, NULL) <= 0;
}

gboolean gzip_is_accepted(const char *accept_encoding) {
    if (!accept_encoding)
        return FALSE;
    g_auto(GStrv) codings = g_strsplit(accept_encoding, ",", 20);
    gboolean any = FALSE;
    for (char **coding = codings; *coding; coding++) {
        g_auto(GStrv) parts = g_strsplit(*coding, ";", 2);
        if (!parts[0])
            continue;
        char *name = g_strstrip(parts[0]);
        gboolean accepted = !parts[1] || !is_weight_zero(parts[1]);
        if (g_ascii_strcasecmp(name, "gzip") == 0)
            return accepted;
        any |= accepted && strcmp(name, "*") == 0;
    }
    return any;
}

gboolean gzip_is_worthwhile(const char *content_type) {
    static const char *const parts[] = {"text/", "json", "xml", "yaml", "javascript"};
    for (gsize i = 0; content_type && i < G_N_ELEMENTS(parts); i++)
        if (strstr(content_type, parts[i]))
            return TRUE;
    return FALSE;
}

char *gzip_compress(const char *data, gsize length, gsize *compressed_length) {
    z_stream stream = {0};
    if (length > G_MAXUINT32 || deflateInit2(&stream, LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return NULL;
    g_autofree char *out = g_malloc(length);
    stream.next_in = (Bytef *)(gpointer)data;
    stream.avail_in = (uInt)length;
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)length;
    gboolean smaller = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    *compressed_length = stream.total_out;
    deflateEnd(&stream);
    return smaller ? g_realloc(g_steal_pointer(&out), *compressed_length) : NULL;
}
