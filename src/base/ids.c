/* Making identifiers. The state behind monotonic ULIDs is one mutex-guarded variable. Any thread. */
#include "base/ids.h"
#include "base/clock.h"
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define TIME_BYTES 6
#define RANDOM_BYTES 10
#define ULID_BYTES (TIME_BYTES + RANDOM_BYTES)

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* Crockford's base 32 */

static void fill_random(guint8 *bytes, gsize length) {
    while (length > 0) {
        const ssize_t got = getrandom(bytes, length, 0);
        if (got <= 0) {
            if (got < 0 && errno == EINTR)
                continue;
            g_error("getrandom: %s", g_strerror(errno));
        }
        bytes += got;
        length -= (gsize)got;
    }
}

/* Adds one to a big-endian number; FALSE when it wrapped around. */
static gboolean increment(guint8 *bytes, gsize length) {
    while (length > 0)
        if (++bytes[--length] != 0)
            return TRUE;
    return FALSE;
}

static char *encode(const guint8 bytes[ULID_BYTES]) {
    char *text = g_malloc(ULID_LENGTH + 1);
    /* 128 bits in 26 digits of 5 bits: the first digit holds the upper 3 */
    guint pending = 0, pending_bits = 2;
    gsize at = 0;
    for (gsize i = 0; i < ULID_BYTES; i++) {
        pending = (pending << 8 | bytes[i]) & 0x1fff;
        pending_bits += 8;
        while (pending_bits >= 5) {
            pending_bits -= 5;
            text[at++] = alphabet[pending >> pending_bits & 31];
        }
    }
    text[at] = '\0';
    return text;
}

static void put_time(guint8 bytes[TIME_BYTES], gint64 now_ms) {
    for (guint i = 0; i < TIME_BYTES; i++)
        bytes[i] = (guint8)((guint64)now_ms >> (8 * (TIME_BYTES - 1 - i)));
}

char *id_new_at(gint64 now_ms) {
    static GMutex guard;
    static gint64 last_ms = -1;
    static guint8 last[ULID_BYTES];
    g_mutex_lock(&guard);
    /* at the same or an earlier time the order is kept by counting on; after 2^80 ids the time itself counts on */
    if (now_ms > last_ms) {
        last_ms = now_ms;
        put_time(last, now_ms);
        fill_random(last + TIME_BYTES, RANDOM_BYTES);
        last[TIME_BYTES] &= 0x7f; /* leaves room to count */
    } else if (!increment(last, ULID_BYTES)) {
        g_error("no ULID is left after the year 10889");
    }
    char *text = encode(last);
    g_mutex_unlock(&guard);
    return text;
}

char *id_new(void) {
    return id_new_at(clock_now_ms());
}

char *id_ulid_from(gint64 now_ms, const char *digits) {
    guint8 bytes[ULID_BYTES];
    g_assert(strlen(digits) >= 2 * RANDOM_BYTES);
    put_time(bytes, now_ms);
    for (guint i = 0; i < RANDOM_BYTES; i++)
        bytes[TIME_BYTES + i] = (guint8)(g_ascii_xdigit_value(digits[2 * i]) << 4 | g_ascii_xdigit_value(digits[2 * i + 1]));
    return encode(bytes);
}

gboolean id_is_ulid(const char *text) {
    if (text == NULL || strlen(text) != ULID_LENGTH || text[0] > '7')
        return FALSE;
    return strspn(text, alphabet) == ULID_LENGTH;
}

char *id_from_parts(const char *first, ...) {
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    va_list parts;
    va_start(parts, first);
    for (const char *part = first; part != NULL; part = va_arg(parts, const char *)) {
        const gsize length = strlen(part);
        g_autofree char *prefix = g_strdup_printf("%" G_GSIZE_FORMAT ":", length);
        g_checksum_update(sum, (const guint8 *)prefix, (gssize)strlen(prefix));
        g_checksum_update(sum, (const guint8 *)part, (gssize)length);
    }
    va_end(parts);
    return g_strndup(g_checksum_get_string(sum), 32);
}

char *id_secret(gsize n_bytes) {
    static const char digits[] = "0123456789abcdef";
    g_autofree guint8 *bytes = g_malloc(n_bytes);
    fill_random(bytes, n_bytes);
    char *text = g_malloc(2 * n_bytes + 1);
    for (gsize i = 0; i < n_bytes; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * n_bytes] = '\0';
    explicit_bzero(bytes, n_bytes);
    return text;
}
