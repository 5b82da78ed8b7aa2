/* Finding the route of a request, and turning its path and query into what a handler reads. Pure; built once at start. */
#pragma once
#include "api/route.h"

#define PATH_SEGMENTS_MAX 32
#define PATH_LENGTH_MAX 8192

typedef struct Router Router;
Router *router_new(const RouteTable *const *tables); /* aborts on two routes of one method and path: a programmer's mistake */
void router_free(Router *router);

/* Path variables of a match: pairs of name (borrowed from the route) and decoded value, NULL-terminated. */
typedef struct {
    const Route *route;
    GPtrArray *variables;
} RouteMatch;
/* ERR_NOT_FOUND, or ERR_INVALID with *allowed set (comma-separated methods, caller frees) when only the method is wrong, or ERR_INVALID
 * for a malformed path. "/x" and "/x/" are alike; literal segments win over variables. */
gboolean router_match(const Router *router, const char *method, const char *path, RouteMatch *match, char **allowed, GError **error);
void route_match_clear(RouteMatch *match);

/* The query of an exchange as the route's parameter struct (NULL when the route has none); to be freed with route_query_free. Lists are
 * comma-separated or repeated. ERR_INVALID names what is wrong. */
gpointer route_query_read(const Route *route, const HttpExchange *exchange, GError **error);
void route_query_free(const Route *route, gpointer query);
