/* Parts of the net room that are pure: XML, percent-encoding, Host and Origin values, rate limits, gzip. */
#include "net/gzip.h"
#include "net/http_client.h"
#include "net/http_query.h"
#include "net/origin.h"
#include "net/rate_limit.h"
#include "net/xml.h"
#include <string.h>

static XmlDocument *parse(const char *text, GError **error) {
    return xml_parse(text, strlen(text), error);
}

static void test_xml_reading(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(XmlDocument) document = parse("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                                            "<R xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\" xmlns:x=\"urn:x\">\n"
                                            " <set><item><id> i-1 </id></item><!-- c --><x:item><id>i-2</id></x:item><other/></set>\n"
                                            " <empty/><text>a &lt;b&gt; <![CDATA[& c]]> &#228;</text>\n</R>",
                                            &error);
    g_assert_no_error(error);
    const XmlNode *root = xml_root(document);
    g_assert_cmpstr(xml_name(root), ==, "R");
    const XmlNode *set = xml_get(root, "set");
    g_autoptr(GString) ids = g_string_new(NULL);
    for (const XmlNode *item = xml_first(set, "item"); item; item = xml_next(item, "item")) {
        g_autofree char *id = xml_get_text(item, "id");
        g_string_append_printf(ids, "%s,", id);
    }
    g_assert_cmpstr(ids->str, ==, "i-1,i-2,");
    guint elements = 0;
    for (const XmlNode *item = xml_first(set, NULL); item; item = xml_next(item, NULL))
        elements++;
    g_assert_cmpuint(elements, ==, 3);
    g_autofree char *deep = xml_get_text(root, "set/item/id");
    g_autofree char *empty = xml_get_text(root, "empty");
    g_autofree char *text = xml_get_text(root, "text");
    g_assert_cmpstr(deep, ==, "i-1");
    g_assert_cmpstr(empty, ==, "");
    g_assert_cmpstr(text, ==, "a <b> & c \xc3\xa4");
    g_assert_null(xml_get(root, "set/none/id"));
    g_assert_null(xml_get_text(root, "none"));
    g_assert_null(xml_get(root, "se"));
    g_assert_null(xml_first(NULL, "a"));
    g_assert_null(xml_next(NULL, "a"));
    g_assert_null(xml_text(NULL));
    g_assert_null(xml_root(NULL));
}

static void test_xml_malformed(void) {
    static const struct {
        const char *text;
        ErrorCode code;
        const char *says;
    } cases[] = {
        {"", ERR_REMOTE, "malformed"},
        {"not xml", ERR_REMOTE, "line 1"},
        {"<a>\n<b></a>", ERR_REMOTE, "line 2"},
        {"<a/><b/>", ERR_REMOTE, "malformed"},
        {"<a>&unknown;</a>", ERR_REMOTE, "malformed"},
        {"<a>\xff</a>", ERR_REMOTE, "malformed"},
        {"<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><a>&e;</a>", ERR_REMOTE, "document type"},
        {"<!DOCTYPE a SYSTEM \"http://127.0.0.1:1/x.dtd\"><a/>", ERR_REMOTE, "document type"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(parse(cases[i].text, &error));
        g_assert_error(error, GENNAKER_ERROR, (int)cases[i].code);
        g_assert_nonnull(strstr(error->message, cases[i].says));
    }
}

static char *nested(guint depth) {
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < depth; i++)
        g_string_append(text, "<a>");
    for (guint i = 0; i < depth; i++)
        g_string_append(text, "</a>");
    return g_string_free(text, FALSE);
}

static void test_xml_limits(void) {
    g_autoptr(GError) error = NULL;
    g_autofree char *deepest = nested(XML_DEPTH_MAX);
    g_autofree char *too_deep = nested(XML_DEPTH_MAX + 1);
    g_autoptr(XmlDocument) document = parse(deepest, &error);
    g_assert_no_error(error);
    g_assert_nonnull(document);
    g_assert_null(parse(too_deep, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_LIMIT);
    g_clear_error(&error);
    g_assert_null(xml_parse("<a/>", XML_TEXT_MAX + 1, &error)); /* refused before it is read */
    g_assert_error(error, GENNAKER_ERROR, ERR_LIMIT);
}

static void test_escape(void) {
    g_autofree char *text = http_escape("a b/\xc3\xa4~-._%+&=");
    g_assert_cmpstr(text, ==, "a%20b%2F%C3%A4~-._%25%2B%26%3D");
    g_autofree char *back = http_decode(text, strlen(text), FALSE, NULL);
    g_assert_cmpstr(back, ==, "a b/\xc3\xa4~-._%+&=");
    g_autofree char *plus = http_decode("a+b%2B", 6, TRUE, NULL);
    g_assert_cmpstr(plus, ==, "a b+");
    static const char *const malformed[] = {"%", "%4", "%4g", "a%", "%00", "%ff", "%c3", "%ed%a0%80", "%c0%80"};
    for (gsize i = 0; i < G_N_ELEMENTS(malformed); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(http_decode(malformed[i], strlen(malformed[i]), FALSE, &error));
        g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
    }
}

static void check_query(const char *query, const char *expected) {
    g_autoptr(GArray) parameters = http_query_parse(query, NULL);
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < parameters->len; i++) {
        const HttpParameter *parameter = &g_array_index(parameters, HttpParameter, i);
        g_string_append_printf(text, "[%s|%s]", parameter->name, parameter->value);
    }
    g_assert_cmpstr(text->str, ==, expected);
}

static void test_query(void) {
    check_query("", "");
    check_query("&&", "");
    check_query("a=1&b&a=&=x&c=d=e&f%3D=%26", "[a|1][b|][a|][|x][c|d=e][f=|&]");
    g_autoptr(GError) error = NULL;
    g_assert_null(http_query_parse("a=1&expand=%zz", &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
    g_assert_nonnull(strstr(error->message, "expand"));
    g_clear_error(&error);
    g_assert_null(http_query_parse("%00=1", &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
    g_clear_error(&error);
    g_autoptr(GString) many = g_string_new(NULL);
    for (guint i = 0; i < HTTP_QUERY_PARAMETERS_MAX; i++)
        g_string_append(many, "a&");
    g_autoptr(GArray) most = http_query_parse(many->str, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(most->len, ==, HTTP_QUERY_PARAMETERS_MAX);
    g_string_append(many, "a");
    g_assert_null(http_query_parse(many->str, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_LIMIT);
}

static void test_origin(void) {
    static const struct {
        const char *text, *scheme, *host;
        guint16 port;
    } good[] = {
        {"http://localhost:9000", "http", "localhost", 9000},
        {"https://Deck.Example.COM", "https", "deck.example.com", 443},
        {"HTTP://[::1]", "http", "::1", 80},
        {"http://[0:0:0:0:0:0:0:1]:81", "http", "::1", 81},
        {"http://example.com.", "http", "example.com", 80},
    };
    static const char *const bad[] = {"",
                                      "null",
                                      "http://",
                                      "http://a/",
                                      "http://a/x",
                                      "http://a?b",
                                      "http://u@a",
                                      "ftp://a",
                                      "file://",
                                      "http://a:0",
                                      "http://a:65536",
                                      "http://a:",
                                      "http://a:8x",
                                      "http://a b",
                                      "http://[::1",
                                      "http://[::1]x",
                                      "http://[fe80::1%25eth0]",
                                      "http://a,http://b",
                                      "http://\xc3\xa4",
                                      "http://.",
                                      "http://a..",
                                      "http://.a",
                                      "http://a..b",
                                      "localhost"};
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_auto(Origin) origin = {0};
        g_assert_true(origin_parse(good[i].text, &origin));
        g_assert_cmpstr(origin.scheme, ==, good[i].scheme);
        g_assert_cmpstr(origin.host, ==, good[i].host);
        g_assert_cmpuint(origin.port, ==, good[i].port);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_auto(Origin) origin = {0};
        g_assert_false(origin_parse(bad[i], &origin));
        g_assert_null(origin.host);
    }
    g_auto(Origin) a = {0}, b = {0}, c = {0}, none = {0};
    g_assert_true(origin_of_url("https://deck.example.com:443/spin/?a#b", &a));
    g_assert_true(origin_parse("https://deck.example.com", &b));
    g_assert_true(origin_parse("http://deck.example.com:443", &c));
    g_assert_true(origin_equal(&a, &b));
    g_assert_false(origin_equal(&a, &c));
    g_assert_false(origin_of_url("/spin", &none));
    g_assert_false(origin_parse(NULL, &none));
    g_autofree char *longest = g_strnfill(ORIGIN_TEXT_MAX + 1, 'a');
    g_assert_false(origin_parse_host(longest, &none));
    g_assert_true(origin_parse_host(longest + 1, &none));
}

static void test_loopback(void) {
    static const struct {
        const char *host;
        gboolean valid, loopback;
    } cases[] = {
        {"localhost", TRUE, TRUE},
        {"LOCALHOST:8084", TRUE, TRUE},
        {"localhost.", TRUE, TRUE},
        {"127.0.0.1:80", TRUE, TRUE},
        {"127.200.3.4", TRUE, TRUE},
        {"[::1]", TRUE, TRUE},
        {"[::1]:8084", TRUE, TRUE},
        {"::1", FALSE, FALSE},
        {"10.0.0.1", TRUE, FALSE},
        {"localhost.evil", TRUE, FALSE},
        {"evil.localhost", TRUE, FALSE},
        {"127.0.0.1.evil.com", TRUE, FALSE},
        {"127.1", TRUE, FALSE},
        {"[::ffff:127.0.0.1]", TRUE, FALSE},
        {"0.0.0.0", TRUE, FALSE},
        {"a@127.0.0.1", FALSE, FALSE},
        {"", FALSE, FALSE},
        {":80", FALSE, FALSE},
        {"127.0.0.1:80:1", FALSE, FALSE},
        {"local host", FALSE, FALSE},
        {"localhost/", FALSE, FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(Origin) origin = {0};
        g_assert_cmpint(origin_parse_host(cases[i].host, &origin), ==, cases[i].valid);
        g_assert_cmpint(origin_is_loopback(origin.host), ==, cases[i].loopback);
    }
}

static void test_rate_writers(void) {
    g_autoptr(RateLimit) limit = rate_limit_new(RATE_LIMIT_PER_SECOND, RATE_LIMIT_BURST);
    gint64 wait_ms;
    for (int i = 0; i < 10; i++)
        g_assert_true(rate_limit_take(limit, TRUE, 1000, &wait_ms));
    g_assert_false(rate_limit_take(limit, TRUE, 1000, &wait_ms));
    g_assert_cmpint(wait_ms, ==, 100);
    g_assert_false(rate_limit_take(limit, TRUE, 1000, &wait_ms)); /* stands behind the first */
    g_assert_cmpint(wait_ms, ==, 200);
    g_assert_true(rate_limit_take(limit, TRUE, 1100, &wait_ms));
    g_assert_cmpint(wait_ms, ==, 0);
    g_assert_true(rate_limit_take(limit, TRUE, 1200, &wait_ms));
    g_assert_false(rate_limit_take(limit, TRUE, 1150, &wait_ms)); /* the clock stepped back: no time passed */
    g_assert_true(rate_limit_take(limit, TRUE, 60000, &wait_ms));
}

static void test_rate_readers(void) {
    g_autoptr(RateLimit) limit = rate_limit_new(10, 10);
    gint64 wait_ms;
    for (int i = 0; i < 8; i++)
        g_assert_true(rate_limit_take(limit, FALSE, 0, &wait_ms));
    g_assert_false(rate_limit_take(limit, FALSE, 0, &wait_ms)); /* the last two are the writers' */
    g_assert_cmpint(wait_ms, ==, 100);
    g_assert_true(rate_limit_take(limit, TRUE, 0, &wait_ms));
    g_assert_true(rate_limit_take(limit, TRUE, 0, &wait_ms));
    for (int i = 1; i <= 4; i++) {
        g_assert_false(rate_limit_take(limit, TRUE, 0, &wait_ms));
        g_assert_cmpint(wait_ms, ==, i * 100);
    }
    g_assert_false(rate_limit_take(limit, FALSE, 300, &wait_ms)); /* three tokens, four writers waiting */
    g_assert_cmpint(wait_ms, ==, 200);
    for (int i = 0; i < 3; i++)
        g_assert_true(rate_limit_take(limit, TRUE, 300, &wait_ms));
    g_assert_true(rate_limit_take(limit, FALSE, 400 + RATE_LIMIT_CLAIM_SLACK_MS + 100, &wait_ms)); /* the fourth gave up */
}

static void test_rate_small_burst(void) {
    g_autoptr(RateLimit) limit = rate_limit_new(1, 1);
    gint64 wait_ms;
    g_assert_true(rate_limit_take(limit, FALSE, 0, &wait_ms));
    for (int i = 0; i < 2 * RATE_LIMIT_CLAIMS_MAX; i++)
        g_assert_false(rate_limit_take(limit, TRUE, 0, &wait_ms));
    g_assert_cmpint(wait_ms, <=, (RATE_LIMIT_CLAIMS_MAX + 1) * 1000);
    g_assert_true(rate_limit_take(limit, FALSE, 3600 * 1000, &wait_ms));
}

static void test_gzip(void) {
    g_assert_true(gzip_is_accepted("gzip"));
    g_assert_true(gzip_is_accepted("deflate, GZIP;q=0.5, br"));
    g_assert_true(gzip_is_accepted("*"));
    g_assert_false(gzip_is_accepted("gzip;q=0, *"));
    g_assert_false(gzip_is_accepted("identity"));
    g_assert_false(gzip_is_accepted("*;q=0"));
    g_assert_false(gzip_is_accepted(""));
    g_assert_false(gzip_is_accepted(NULL));
    g_assert_true(gzip_is_worthwhile("application/json;charset=utf-8"));
    g_assert_false(gzip_is_worthwhile("image/png"));
    g_assert_false(gzip_is_worthwhile(NULL));
    gsize length;
    g_assert_null(gzip_compress("ab", 2, &length)); /* would grow */
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/net/xml/reading", test_xml_reading);
    g_test_add_func("/net/xml/malformed", test_xml_malformed);
    g_test_add_func("/net/xml/limits", test_xml_limits);
    g_test_add_func("/net/query/escape", test_escape);
    g_test_add_func("/net/query/parse", test_query);
    g_test_add_func("/net/origin/parse", test_origin);
    g_test_add_func("/net/origin/loopback", test_loopback);
    g_test_add_func("/net/rate-limit/writers", test_rate_writers);
    g_test_add_func("/net/rate-limit/readers", test_rate_readers);
    g_test_add_func("/net/rate-limit/small-burst", test_rate_small_burst);
    g_test_add_func("/net/gzip", test_gzip);
    return g_test_run();
}
