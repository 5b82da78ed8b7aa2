/* The route tables themselves: what must hold of every entry. */
#include "api/api.h"
#include "api/router.h"
#include <string.h>

typedef void (*Check)(const Route *route);

static void each_route(Check check) {
    for (gsize t = 0; api_route_tables[t] != NULL; t++)
        for (const Route *route = api_route_tables[t]->routes; route->method != NULL; route++)
            check(route);
}

static gboolean is_one_of(const char *text, const char *const *list) {
    return g_strv_contains(list, text);
}

static void check_entry(const Route *route) {
    static const char *const METHODS[] = {"GET", "POST", "PUT", "PATCH", "DELETE", NULL};
    g_test_message("%s %s", route->method, route->path);
    g_assert_true(is_one_of(route->method, METHODS));
    g_assert_nonnull(route->handler);
    g_assert_true(route->path[0] == '/');
    g_assert_cmpint(route->needs.access, >, ACCESS_NONE);
    g_assert_cmpint(route->needs.access, <=, ACCESS_ADMIN);
    g_assert_true(g_str_has_suffix(route->help, "."));
    g_assert_true((route->query != NULL) == (route->query_size > 0));
    g_assert_true(strcmp(route->method, "GET") != 0 || route->body == BODY_NONE);
    g_assert_true(strcmp(route->method, "POST") != 0 || route->body != BODY_NONE);
}

/* What is loaded or asked about is in the path. */
static void check_subject(const Route *route) {
    static const char *const VARIABLES[] = {
        [ON_SERVER] = "", [ON_APPLICATION] = "", [ON_EXECUTION] = "{id}", [ON_TASK] = "{id}", [ON_ACCOUNT] = "{account}"};
    g_test_message("%s %s", route->method, route->path);
    g_assert_nonnull(strstr(route->path, VARIABLES[route->needs.on]));
    gboolean named = strstr(route->path, "{application}") != NULL || route->body == BODY_JSON;
    g_assert_true(route->needs.on != ON_APPLICATION || named);
}

static void check_query(const Route *route) {
    for (const Param *param = route->query; param != NULL && param->name != NULL; param++) {
        g_test_message("%s %s: %s", route->method, route->path, param->name);
        g_assert_true(g_str_has_suffix(param->help, "."));
        g_assert_cmpuint(param->offset, <, route->query_size);
        g_assert_true(param->type != PARAM_JSON && param->type != PARAM_OBJECT);
    }
}

/* Its defaults are readable, and an empty query is refused only for what is required. */
static void check_defaults(const Route *route) {
    if (route->query == NULL)
        return;
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) empty = json_empty_object();
    g_autofree gpointer query = g_malloc0(route->query_size);
    gboolean required = FALSE;
    for (const Param *param = route->query; param->name != NULL; param++)
        required |= param->required;
    g_test_message("%s %s", route->method, route->path);
    g_assert_true(params_read(route->query, json_root(empty), query, &error) == !required);
    if (!required)
        params_clear(route->query, query);
}

static void test_entries(void) {
    each_route(check_entry);
}

static void test_subjects(void) {
    each_route(check_subject);
}

static void test_queries(void) {
    each_route(check_query);
    each_route(check_defaults);
}

static Router *router;

static void check_found(const Route *route) {
    RouteMatch match;
    g_autofree char *allowed = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) path = g_string_new(route->path);
    g_string_replace(path, "{", "", 0);
    g_string_replace(path, "}", "", 0);
    g_test_message("%s %s", route->method, route->path);
    g_assert_true(router_match(router, route->method, path->str, &match, &allowed, &error));
    g_assert_true(match.route == route);
    route_match_clear(&match);
}

static void test_all_are_found(void) {
    router = router_new(api_route_tables);
    each_route(check_found);
    router_free(router);
}

static void test_document(void) {
    g_autoptr(Json) document = openapi_document();
    g_autoptr(GHashTable) ids = g_hash_table_new(g_str_hash, g_str_equal);
    for (JsonIter path = json_iter(json_get(json_root(document), "paths")); json_next(&path);)
        for (JsonIter method = json_iter(path.value); json_next(&method);)
            g_assert_true(g_hash_table_add(ids, (gpointer)json_get_string(method.value, "operationId")));
    g_assert_cmpuint(g_hash_table_size(ids), >, 80);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/api/tables/entries", test_entries);
    g_test_add_func("/api/tables/subjects", test_subjects);
    g_test_add_func("/api/tables/queries", test_queries);
    g_test_add_func("/api/tables/all-are-found", test_all_are_found);
    g_test_add_func("/api/tables/document", test_document);
    return g_test_run();
}
