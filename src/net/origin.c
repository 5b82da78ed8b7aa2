/* Host and Origin header values. Pure; owns nothing; any thread. */
#include "net/origin.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const struct {
    const char *scheme;
    guint16 port;
} schemes[] = {{"http", 80}, {"https", 443}};

void origin_clear(Origin *origin) {
    g_free(origin->scheme);
    g_free(origin->host);
    memset(origin, 0, sizeof *origin);
}

/* Digits only, 1 to 65535. */
static gboolean parse_port(const char *text, gsize length, guint16 *port) {
    if (length < 1 || length > 5)
        return FALSE;
    guint value = 0;
    for (gsize i = 0; i < length; i++) {
        if (!g_ascii_isdigit(text[i]))
            return FALSE;
        value = value * 10 + (guint)(text[i] - '0');
    }
    if (value < 1 || value > G_MAXUINT16)
        return FALSE;
    *port = (guint16)value;
    return TRUE;
}

static char *canonical_ipv6(const char *text, gsize length) {
    g_autofree char *address = g_strndup(text, length);
    struct in6_addr binary;
    char shortest[INET6_ADDRSTRLEN];
    if (inet_pton(AF_INET6, address, &binary) != 1)
        return NULL;
    return g_strdup(inet_ntop(AF_INET6, &binary, shortest, sizeof shortest));
}

static char *canonical_name(const char *text, gsize length) {
    if (length && text[length - 1] == '.')
        length--;
    if (!length)
        return NULL;
    for (gsize i = 0; i < length; i++) {
        gboolean empty_label = text[i] == '.' && (i == 0 || i + 1 == length || text[i + 1] == '.');
        if (empty_label || (!g_ascii_isalnum(text[i]) && !strchr("-._", text[i])))
            return NULL;
    }
    return g_ascii_strdown(text, (gssize)length);
}

/* host[:port] up to end. */
static gboolean parse_authority(const char *text, gsize length, Origin *origin) {
    const char *after;
    if (length && *text == '[') {
        const char *bracket = memchr(text, ']', length);
        if (!bracket)
            return FALSE;
        origin->host = canonical_ipv6(text + 1, (gsize)(bracket - text - 1));
        after = bracket + 1;
    } else {
        const char *colon = memchr(text, ':', length);
        after = colon ? colon : text + length;
        origin->host = canonical_name(text, (gsize)(after - text));
    }
    if (!origin->host)
        return FALSE;
    if (after == text + length)
        return TRUE;
    return *after == ':' && parse_port(after + 1, length - (gsize)(after + 1 - text), &origin->port);
}

static gboolean parse_scheme(const char **text, Origin *origin) {
    for (gsize i = 0; i < G_N_ELEMENTS(schemes); i++) {
        gsize length = strlen(schemes[i].scheme);
        if (g_ascii_strncasecmp(*text, schemes[i].scheme, length) != 0 || strncmp(*text + length, "://", 3) != 0)
            continue;
        origin->scheme = g_strdup(schemes[i].scheme);
        origin->port = schemes[i].port;
        *text += length + 3;
        return TRUE;
    }
    return FALSE;
}

static gboolean finish(gboolean valid, Origin *origin) {
    if (!valid)
        origin_clear(origin);
    return valid;
}

gboolean origin_parse(const char *text, Origin *origin) {
    memset(origin, 0, sizeof *origin);
    if (!text || strlen(text) > ORIGIN_TEXT_MAX)
        return FALSE;
    return finish(parse_scheme(&text, origin) && parse_authority(text, strlen(text), origin), origin);
}

gboolean origin_of_url(const char *url, Origin *origin) {
    memset(origin, 0, sizeof *origin);
    if (!url || !parse_scheme(&url, origin))
        return FALSE;
    gsize length = strcspn(url, "/?#");
    return finish(length <= ORIGIN_TEXT_MAX && parse_authority(url, length, origin), origin);
}

gboolean origin_parse_host(const char *text, Origin *origin) {
    memset(origin, 0, sizeof *origin);
    if (!text || strlen(text) > ORIGIN_TEXT_MAX)
        return FALSE;
    return finish(parse_authority(text, strlen(text), origin), origin);
}

gboolean origin_equal(const Origin *a, const Origin *b) {
    return g_strcmp0(a->scheme, b->scheme) == 0 && g_strcmp0(a->host, b->host) == 0 && a->port == b->port;
}

gboolean origin_is_loopback(const char *host) {
    struct in_addr v4;
    if (!host)
        return FALSE;
    if (strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0)
        return TRUE;
    return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}
