/* What a request brings in its query, Host, Origin and Accept-Encoding: decoded as documented, or refused. */
#include "net/gzip.h"
#include "net/http_client.h"
#include "net/http_query.h"
#include "net/origin.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_text(const char *text) {
    g_assert_true(g_utf8_validate(text, -1, NULL));
    g_autofree char *escaped = http_escape(text);
    g_autofree char *back = http_decode(escaped, strlen(escaped), TRUE, NULL);
    g_assert_cmpstr(text, ==, back);
}

static void check_query(const char *text) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) parameters = http_query_parse(text, &error);
    g_assert_true(!parameters != !error);
    for (guint i = 0; parameters && i < parameters->len; i++) {
        check_text(g_array_index(parameters, HttpParameter, i).name);
        check_text(g_array_index(parameters, HttpParameter, i).value);
    }
}

/* What was understood once is understood the same in its canonical form. */
static void check_origin(const char *text) {
    g_auto(Origin) origin = {0}, again = {0}, host = {0}, url = {0};
    g_assert_true(!origin_parse_host(text, &host) || !host.scheme);
    origin_is_loopback(host.host);
    origin_of_url(text, &url);
    if (!origin_parse(text, &origin))
        return;
    gboolean v6 = strchr(origin.host, ':') != NULL;
    g_autofree char *canonical = g_strdup_printf("%s://%s%s%s:%u", origin.scheme, v6 ? "[" : "", origin.host, v6 ? "]" : "", origin.port);
    g_assert_true(origin_parse(canonical, &again) && origin_equal(&origin, &again) && origin_equal(&origin, &url));
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autofree char *decoded = http_decode((const char *)data, size, FALSE, NULL);
    if (decoded)
        check_text(decoded);
    check_query(text);
    check_origin(text);
    gzip_is_accepted(text);
    return 0;
}
