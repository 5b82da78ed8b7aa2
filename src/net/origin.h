/* Host and Origin header values: who a browser thinks it talks to, and whose page it shows. Pure.
 *
 * "A browser is not the local user": the API refuses foreign hosts and origins with what is decided here. */
#pragma once
#include <glib.h>

#define ORIGIN_TEXT_MAX 512 /* bytes of a header value; longer ones are malformed */

typedef struct {
    char *scheme; /* "http", "https" in lower case; NULL for a Host value */
    char *host;   /* lower case, without a last dot; IPv6 in its shortest form, without brackets */
    guint16 port; /* of an origin: the scheme's when none is given; of a Host value: 0 when none is given */
} Origin;

/* "https://deck.example.com:9000". FALSE for anything else: "null", a path, user information, another scheme. */
gboolean origin_parse(const char *text, Origin *origin);
/* The origin of an http or https URL, path and query ignored. FALSE when it is none. */
gboolean origin_of_url(const char *url, Origin *origin);
/* "localhost:8084", "[::1]", "10.1.2.3:80". FALSE when malformed. */
gboolean origin_parse_host(const char *text, Origin *origin);
void origin_clear(Origin *origin);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Origin, origin_clear)

gboolean origin_equal(const Origin *a, const Origin *b); /* scheme, host and port */
/* localhost, 127.0.0.0/8 and ::1, as Origin.host has them. Other names are not, whatever they resolve to. */
gboolean origin_is_loopback(const char *host);
