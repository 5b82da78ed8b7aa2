/* The router: one tree of path segments, made from the route tables at start and read by all reader threads. */
#include "api/router.h"
#include <string.h>

typedef struct Node Node;
struct Node {
    GHashTable *literals; /* segment → Node */
    Node *variable;       /* {name}: matches any one segment */
    GPtrArray *routes;    /* of const Route *, one per method, ending here */
};
struct Router {
    Node *root;
};

static void node_free(gpointer data) {
    Node *node = data;
    if (node == NULL)
        return;
    g_hash_table_unref(node->literals);
    node_free(node->variable);
    g_ptr_array_unref(node->routes);
    g_free(node);
}

static Node *node_new(void) {
    Node *node = g_new0(Node, 1);
    node->literals = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, node_free);
    node->routes = g_ptr_array_new();
    return node;
}

static gboolean is_variable(const char *segment) {
    return segment[0] == '{';
}

/* Segments without empty ones at the end; NULL-terminated. "/" has none. */
static char **split_path(const char *path) {
    g_autofree char *trimmed = g_strdup(path + (*path == '/'));
    for (gsize length = strlen(trimmed); length > 0 && trimmed[length - 1] == '/'; length--)
        trimmed[length - 1] = '\0';
    return *trimmed == '\0' ? g_new0(char *, 1) : g_strsplit(trimmed, "/", PATH_SEGMENTS_MAX + 1);
}

static void add_route(Node *root, const Route *route) {
    g_auto(GStrv) segments = split_path(route->path);
    Node *node = root;
    for (gsize i = 0; segments[i] != NULL; i++) {
        Node *next = is_variable(segments[i]) ? node->variable : g_hash_table_lookup(node->literals, segments[i]);
        if (next == NULL) {
            next = node_new();
            if (is_variable(segments[i]))
                node->variable = next;
            else
                g_hash_table_insert(node->literals, g_strdup(segments[i]), next);
        }
        node = next;
    }
    for (guint i = 0; i < node->routes->len; i++) {
        const Route *other = node->routes->pdata[i];
        if (strcmp(other->method, route->method) == 0)
            g_error("two routes for %s %s (the other: %s)", route->method, route->path, other->path);
    }
    g_ptr_array_add(node->routes, (gpointer)route);
}

Router *router_new(const RouteTable *const *tables) {
    Router *router = g_new0(Router, 1);
    router->root = node_new();
    for (gsize t = 0; tables[t] != NULL; t++)
        for (const Route *route = tables[t]->routes; route->method != NULL; route++)
            add_route(router->root, route);
    return router;
}

void router_free(Router *router) {
    if (router == NULL)
        return;
    node_free(router->root);
    g_free(router);
}

/* ---- matching ---- */
static const Route *route_of_method(const Node *node, const char *method) {
    for (guint i = 0; i < node->routes->len; i++) {
        const Route *route = node->routes->pdata[i];
        if (strcmp(route->method, method) == 0)
            return route;
    }
    return strcmp(method, "HEAD") == 0 ? route_of_method(node, "GET") : NULL;
}

static void note_method(GPtrArray *allowed, const char *method) {
    if (!g_ptr_array_find_with_equal_func(allowed, method, g_str_equal, NULL))
        g_ptr_array_add(allowed, (gpointer)method);
}

/* The route of the method, literals before variables: a pipeline may be called "cancel". Calls itself at most 2^variables times, which
 * is a constant of the program's table. allowed: methods of the places that fit otherwise. */
static const Route *find_route(const Node *node, char *const *segments, const char *method, GPtrArray *allowed) {
    if (segments[0] == NULL) {
        const Route *route = route_of_method(node, method);
        for (guint i = 0; route == NULL && i < node->routes->len; i++)
            note_method(allowed, ((const Route *)node->routes->pdata[i])->method);
        return route;
    }
    const Node *literal = g_hash_table_lookup(node->literals, segments[0]);
    const Route *found = literal != NULL ? find_route(literal, segments + 1, method, allowed) : NULL;
    if (found == NULL && node->variable != NULL && *segments[0] != '\0')
        found = find_route(node->variable, segments + 1, method, allowed);
    return found;
}

static GPtrArray *variables_of(const Route *route, char *const *segments) {
    GPtrArray *variables = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) pattern = split_path(route->path);
    for (gsize i = 0; pattern[i] != NULL; i++) {
        if (!is_variable(pattern[i]))
            continue;
        g_ptr_array_add(variables, g_strndup(pattern[i] + 1, strlen(pattern[i]) - 2));
        g_ptr_array_add(variables, g_strdup(segments[i]));
    }
    g_ptr_array_add(variables, NULL);
    return variables;
}

static char **decoded_segments(const char *path, GError **error) {
    g_auto(GStrv) segments = split_path(path);
    if (strlen(path) > PATH_LENGTH_MAX || g_strv_length(segments) > PATH_SEGMENTS_MAX) {
        error_set(error, ERR_INVALID, "the path has more than %d segments or %d bytes", PATH_SEGMENTS_MAX, PATH_LENGTH_MAX);
        return NULL;
    }
    for (gsize i = 0; segments[i] != NULL; i++) {
        char *decoded = g_uri_unescape_string(segments[i], NULL);
        if (decoded == NULL || !g_utf8_validate(decoded, -1, NULL)) {
            g_free(decoded);
            error_set(error, ERR_INVALID, "the path is not well-formed: %s", segments[i]);
            return NULL;
        }
        g_free(segments[i]);
        segments[i] = decoded;
    }
    return g_steal_pointer(&segments);
}

gboolean router_match(const Router *router, const char *method, const char *path, RouteMatch *match, char **allowed, GError **error) {
    *match = (RouteMatch){0};
    *allowed = NULL;
    g_auto(GStrv) segments = decoded_segments(path, error);
    if (segments == NULL)
        return FALSE;
    g_autoptr(GPtrArray) others = g_ptr_array_new();
    match->route = find_route(router->root, segments, method, others);
    if (match->route == NULL && others->len == 0) {
        error_set(error, ERR_NOT_FOUND, "no such path: %s", path);
        return FALSE;
    }
    if (match->route == NULL) {
        g_ptr_array_add(others, NULL);
        *allowed = g_strjoinv(", ", (char **)others->pdata);
        error_set(error, ERR_INVALID, "%s is not possible on %s; possible: %s", method, path, *allowed);
        return FALSE;
    }
    match->variables = variables_of(match->route, segments);
    return TRUE;
}

void route_match_clear(RouteMatch *match) {
    g_clear_pointer(&match->variables, g_ptr_array_unref);
    match->route = NULL;
}

/* ---- query ---- */
/* Clients write an empty list as "statuses=": it is as absent. */
static void add_list(const Param *param, const HttpExchange *exchange, JsonBuilder *builder) {
    g_auto(GStrv) values = http_exchange_query_all(exchange, param->name);
    g_autofree char *joined = g_strjoinv(",", values);
    g_auto(GStrv) parts = g_strsplit(joined, ",", -1);
    if (joined[strspn(joined, ",")] == '\0')
        return;
    json_begin_array(builder, param->name);
    for (gsize p = 0; parts[p] != NULL; p++)
        if (*parts[p] != '\0')
            json_add_string(builder, NULL, parts[p]);
    json_end_array(builder);
}

static void add_parameter(const Param *param, const HttpExchange *exchange, JsonBuilder *builder) {
    if (param->type != PARAM_STRINGS) {
        json_add_string(builder, param->name, http_exchange_query(exchange, param->name));
        return;
    }
    add_list(param, exchange, builder);
}

gpointer route_query_read(const Route *route, const HttpExchange *exchange, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (const Param *param = route->query; param->name != NULL; param++)
        add_parameter(param, exchange, builder);
    json_end_object(builder);
    g_autoptr(Json) object = json_builder_end(builder);
    gpointer query = g_malloc0(route->query_size);
    if (params_read(route->query, json_root(object), query, error))
        return query;
    g_prefix_error(error, "query of %s %s: ", route->method, route->path);
    g_free(query);
    return NULL;
}

void route_query_free(const Route *route, gpointer query) {
    if (query == NULL)
        return;
    params_clear(route->query, query);
    g_free(query);
}
