/* Requests as the API sees them: a method, a path, a content type and a body, one per line. */
#include "api/request.h"
#include "api/router.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const Route routes[] = {
    {.method = "GET", .path = "/"},
    {.method = "GET", .path = "/a/{x}"},
    {.method = "POST", .path = "/a/b", .body = BODY_JSON},
    {.method = "PUT", .path = "/a/{x}/c", .body = BODY_OPTIONAL_JSON},
    {.method = "POST", .path = "/a/{x}/{y}", .body = BODY_ANY},
    {0},
};
static const RouteTable table = {"fuzz", routes};
static const RouteTable *const tables[] = {&table, NULL};

static void look_at_request(const Route *route, const char *content_type, const char *body) {
    gsize length = strlen(body);
    g_autoptr(GError) error = NULL;
    if (!request_check_content_type(route, route->method, content_type, length, &error)) {
        g_assert_nonnull(error);
        return;
    }
    g_autoptr(Json) json = request_parse_body(route, body, length, &error);
    g_assert_true(json == NULL || error == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static Router *router;
    if (router == NULL)
        router = router_new(tables);
    g_autofree char *text = g_strndup((const char *)data, size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", 4);
    if (g_strv_length(lines) < 4)
        return 0;
    RouteMatch match;
    g_autofree char *allowed = NULL;
    g_autoptr(GError) error = NULL;
    gboolean found = router_match(router, lines[0], lines[1], &match, &allowed, &error);
    g_assert_true(found == (error == NULL));
    if (found) {
        look_at_request(match.route, lines[2], lines[3]);
        for (guint i = 0; match.variables->pdata[i] != NULL; i += 2)
            g_assert_true(g_utf8_validate(match.variables->pdata[i + 1], -1, NULL));
        route_match_clear(&match);
    }
    g_assert_nonnull(request_id(lines[1], "ours"));
    return 0;
}
