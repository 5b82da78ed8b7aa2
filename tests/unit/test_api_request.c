/* What is checked of a request before its handler runs. */
#include "api/request.h"
#include <string.h>

static const Route JSON_ROUTE = {.method = "POST", .path = "/x", .body = BODY_JSON},
                   OPTIONAL = {.method = "POST", .path = "/x", .body = BODY_OPTIONAL_JSON},
                   PLAIN = {.method = "DELETE", .path = "/x", .body = BODY_NONE}, ANY = {.method = "POST", .path = "/x", .body = BODY_ANY},
                   READ = {.method = "GET", .path = "/x", .body = BODY_NONE};

static gboolean passes(const Route *route, const char *type, gsize length) {
    g_autoptr(GError) error = NULL;
    gboolean passed = request_check_content_type(route, route->method, type, length, &error);
    g_assert_true(passed == (error == NULL));
    return passed;
}

static void test_json_types(void) {
    g_assert_true(content_type_is_json("application/json"));
    g_assert_true(content_type_is_json("Application/JSON; charset=utf-8"));
    g_assert_true(content_type_is_json("application/merge-patch+json"));
    g_assert_false(content_type_is_json("text/json"));
    g_assert_false(content_type_is_json("application/jsonp"));
    g_assert_false(content_type_is_json("application/x-yaml"));
    g_assert_false(content_type_is_json(""));
}

static void test_forms_are_refused(void) {
    static const char *const FORMS[] = {"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain",
                                        "TEXT/PLAIN;charset=UTF-8"};
    for (gsize i = 0; i < G_N_ELEMENTS(FORMS); i++) {
        g_assert_false(passes(&JSON_ROUTE, FORMS[i], 2));
        g_assert_false(passes(&OPTIONAL, FORMS[i], 0));
        g_assert_false(passes(&PLAIN, FORMS[i], 0));
        g_assert_true(passes(&ANY, FORMS[i], 2));
        g_assert_true(passes(&READ, FORMS[i], 0));
    }
}

static void test_content_types(void) {
    g_assert_true(passes(&JSON_ROUTE, "application/json", 2));
    g_assert_false(passes(&JSON_ROUTE, NULL, 2));
    g_assert_true(passes(&JSON_ROUTE, NULL, 0));
    g_assert_true(passes(&OPTIONAL, NULL, 0));
    g_assert_true(passes(&OPTIONAL, "application/octet-stream", 0));
    g_assert_false(passes(&OPTIONAL, "application/octet-stream", 1));
    g_assert_true(passes(&PLAIN, NULL, 0));
}

static void test_bodies(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) fine = request_parse_body(&JSON_ROUTE, "{\"a\":1}", 7, &error);
    g_assert_no_error(error);
    g_assert_cmpint(json_get_int(json_root(fine), "a", 0), ==, 1);
    g_assert_null(request_parse_body(&JSON_ROUTE, "", 0, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
    g_clear_error(&error);
    g_assert_null(request_parse_body(&OPTIONAL, "", 0, &error));
    g_assert_no_error(error);
    g_assert_null(request_parse_body(&OPTIONAL, "{", 1, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
    g_assert_nonnull(strstr(error->message, "POST /x"));
    g_clear_error(&error);
    g_assert_null(request_parse_body(&PLAIN, "{", 1, &error));
    g_assert_no_error(error);
}

static void test_body_depth(void) {
    g_autoptr(GError) error = NULL;
    g_autofree char *deep = g_strnfill(JSON_DEPTH_INPUT_MAX + 1, '[');
    g_assert_null(request_parse_body(&JSON_ROUTE, deep, strlen(deep), &error));
    g_assert_nonnull(error);
}

static void test_request_id(void) {
    g_autofree char *longest = g_strnfill(REQUEST_ID_MAX, 'x');
    g_autofree char *too_long = g_strnfill(REQUEST_ID_MAX + 1, 'x');
    g_assert_cmpstr(request_id("abc-1", "ours"), ==, "abc-1");
    g_assert_cmpstr(request_id(longest, "ours"), ==, longest);
    g_assert_cmpstr(request_id(too_long, "ours"), ==, "ours");
    g_assert_cmpstr(request_id(NULL, "ours"), ==, "ours");
    g_assert_cmpstr(request_id("", "ours"), ==, "ours");
    g_assert_cmpstr(request_id("a b", "ours"), ==, "ours");
    g_assert_cmpstr(request_id("a\r\nSet-Cookie: x", "ours"), ==, "ours");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/api/request/json-types", test_json_types);
    g_test_add_func("/api/request/forms-are-refused", test_forms_are_refused);
    g_test_add_func("/api/request/content-types", test_content_types);
    g_test_add_func("/api/request/bodies", test_bodies);
    g_test_add_func("/api/request/body-depth", test_body_depth);
    g_test_add_func("/api/request/request-id", test_request_id);
    return g_test_run();
}
