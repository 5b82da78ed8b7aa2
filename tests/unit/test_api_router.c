/* Finding routes, and reading paths. */
#include "api/router.h"

static Json *none(ApiCall *call, GError **error) {
    (void)call, (void)error;
    return NULL;
}

#define ROUTE(method_, path_, help_)                                                                                                       \
    { .method = method_, .path = path_, .handler = none, .needs = NEEDS(ON_SERVER, ACCESS_OPEN), .help = help_ }

static const Route first[] = {
    ROUTE("GET", "/", "root"),
    ROUTE("GET", "/things", "list"),
    ROUTE("POST", "/things", "create"),
    ROUTE("GET", "/things/{id}", "one"),
    ROUTE("GET", "/things/find", "find"),
    ROUTE("PUT", "/things/{id}/cancel", "cancel"),
    ROUTE("POST", "/things/{group}/{name}", "start"),
    ROUTE("GET", "/things/{group}/parts/{name}", "part"),
    {0},
};
static const Route second[] = {
    ROUTE("DELETE", "/things/{id}", "remove"),
    {0},
};
static const RouteTable first_table = {"first", first}, second_table = {"second", second};
static const RouteTable *const tables[] = {&first_table, &second_table, NULL};

typedef struct {
    Router *router;
    RouteMatch match;
    char *allowed;
    GError *error;
} Fixture;

static void set_up(Fixture *f, gconstpointer data) {
    (void)data;
    f->router = router_new(tables);
}

static void clear(Fixture *f) {
    route_match_clear(&f->match);
    g_clear_pointer(&f->allowed, g_free);
    g_clear_error(&f->error);
}

static void tear_down(Fixture *f, gconstpointer data) {
    (void)data;
    clear(f);
    router_free(f->router);
}

static const char *find(Fixture *f, const char *method, const char *path) {
    clear(f);
    return router_match(f->router, method, path, &f->match, &f->allowed, &f->error) ? f->match.route->help : NULL;
}

static const char *variable(Fixture *f, const char *name) {
    for (guint i = 0; i + 1 < f->match.variables->len; i += 2)
        if (g_str_equal(f->match.variables->pdata[i], name))
            return f->match.variables->pdata[i + 1];
    return NULL;
}

static void test_finds(Fixture *f, gconstpointer data) {
    (void)data;
    g_assert_cmpstr(find(f, "GET", "/"), ==, "root");
    g_assert_cmpstr(find(f, "GET", "/things"), ==, "list");
    g_assert_cmpstr(find(f, "POST", "/things"), ==, "create");
    g_assert_cmpstr(find(f, "GET", "/things/7"), ==, "one");
    g_assert_cmpstr(variable(f, "id"), ==, "7");
    g_assert_cmpstr(find(f, "DELETE", "/things/7"), ==, "remove");
    g_assert_cmpstr(find(f, "GET", "/things/a/parts/b"), ==, "part");
    g_assert_cmpstr(variable(f, "group"), ==, "a");
    g_assert_cmpstr(variable(f, "name"), ==, "b");
}

static void test_slash_at_the_end(Fixture *f, gconstpointer data) {
    (void)data;
    g_assert_cmpstr(find(f, "GET", "/things/"), ==, "list");
    g_assert_cmpstr(find(f, "GET", "/things/7/"), ==, "one");
    g_assert_cmpstr(find(f, "GET", "//"), ==, "root");
    g_assert_null(find(f, "GET", "/things//parts/b"));
}

static void test_literals_win(Fixture *f, gconstpointer data) {
    (void)data;
    g_assert_cmpstr(find(f, "GET", "/things/find"), ==, "find");
    g_assert_cmpstr(find(f, "DELETE", "/things/find"), ==, "remove");
    g_assert_cmpstr(find(f, "PUT", "/things/a/cancel"), ==, "cancel");
    g_assert_cmpstr(find(f, "POST", "/things/a/cancel"), ==, "start");
    g_assert_cmpstr(variable(f, "name"), ==, "cancel");
}

static void test_decodes_segments(Fixture *f, gconstpointer data) {
    (void)data;
    g_assert_cmpstr(find(f, "GET", "/things/a%2Fb%20c.d%C3%A9"), ==, "one");
    g_assert_cmpstr(variable(f, "id"), ==, "a/b c.dé");
    g_assert_cmpstr(find(f, "GET", "/things/.."), ==, "one");
    g_assert_cmpstr(variable(f, "id"), ==, "..");
    g_assert_cmpstr(find(f, "GET", "/things/a+b"), ==, "one");
    g_assert_cmpstr(variable(f, "id"), ==, "a+b");
}

static void test_refuses_malformed_paths(Fixture *f, gconstpointer data) {
    static const char *const MALFORMED[] = {"/things/%zz", "/things/%", "/things/%00", "/things/%ff"};
    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(MALFORMED); i++) {
        g_assert_null(find(f, "GET", MALFORMED[i]));
        g_assert_error(f->error, GENNAKER_ERROR, ERR_INVALID);
        g_assert_null(f->allowed);
    }
}

static void test_limits(Fixture *f, gconstpointer data) {
    (void)data;
    g_autofree char *id = g_strnfill(PATH_LENGTH_MAX, 'x');
    g_autofree char *longest = g_strconcat("/things/", id, NULL);
    longest[PATH_LENGTH_MAX] = '\0';
    g_assert_cmpstr(find(f, "GET", longest), ==, "one");
    longest[PATH_LENGTH_MAX] = 'x';
    g_assert_null(find(f, "GET", longest));
    g_assert_error(f->error, GENNAKER_ERROR, ERR_INVALID);
    g_autoptr(GString) deep = g_string_new(NULL);
    for (gsize i = 0; i < PATH_SEGMENTS_MAX; i++)
        g_string_append(deep, "/a");
    g_assert_null(find(f, "GET", deep->str));
    g_assert_error(f->error, GENNAKER_ERROR, ERR_NOT_FOUND);
    g_string_append(deep, "/a");
    g_assert_null(find(f, "GET", deep->str));
    g_assert_error(f->error, GENNAKER_ERROR, ERR_INVALID);
}

static void test_methods(Fixture *f, gconstpointer data) {
    (void)data;
    g_assert_cmpstr(find(f, "HEAD", "/things"), ==, "list");
    g_assert_null(find(f, "PATCH", "/things"));
    g_assert_error(f->error, GENNAKER_ERROR, ERR_INVALID);
    g_assert_cmpstr(f->allowed, ==, "GET, POST");
    g_assert_null(find(f, "PATCH", "/things/find"));
    g_assert_cmpstr(f->allowed, ==, "GET, DELETE");
    g_assert_null(find(f, "GET", "/nothing"));
    g_assert_error(f->error, GENNAKER_ERROR, ERR_NOT_FOUND);
    g_assert_null(f->allowed);
}

static void add(const char *name, void (*test)(Fixture *, gconstpointer)) {
    g_autofree char *path = g_strconcat("/api/router/", name, NULL);
    g_test_add(path, Fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    add("finds", test_finds);
    add("slash-at-the-end", test_slash_at_the_end);
    add("literals-win", test_literals_win);
    add("decodes-segments", test_decodes_segments);
    add("refuses-malformed-paths", test_refuses_malformed_paths);
    add("limits", test_limits);
    add("methods", test_methods);
    return g_test_run();
}
