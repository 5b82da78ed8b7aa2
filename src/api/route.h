/* The route table: what the API offers, who may use it, with which parameters, in one sentence each. From it come dispatch,
 * parameter checks, permission checks, GET /openapi.json and the reference pages. A route without permission does not compile.
 *
 * A handler runs on a reader thread of the HTTP server, has an ApiCall that owns everything of the request, and answers once:
 * by returning a Json (200), by api_answer…, or by setting *error (errors outward: one table, base/error.h). */
#pragma once
#include "auth/auth.h"
#include "base/params.h"
#include "net/http_server.h"
#include "stages/services.h"

typedef struct Api Api;

typedef enum {
    ACCESS_NONE = 0,
    ACCESS_OPEN /* also without sign-in: health, login */,
    ACCESS_SIGNED_IN,
    ACCESS_READ,
    ACCESS_EXECUTE,
    ACCESS_WRITE,
    ACCESS_ADMIN
} Access;
typedef enum {
    ON_SERVER = 1,
    ON_APPLICATION /* path or body names it; a body that is a list names one per element */,
    ON_EXECUTION /* {id} is a pipeline's execution: ApiCall.execution, else 404 */,
    ON_TASK /* {id} is an orchestration: ApiCall.execution, else 404 */,
    ON_ACCOUNT /* {account} */
} AccessOn;
typedef struct {
    AccessOn on;
    Access access;
} Needs;

typedef struct Route Route;
typedef struct Answer Answer;
typedef struct {
    HttpExchange *exchange;
    Services *services;
    Api *api;
    const Route *route;
    const Principal *principal;
    const JsonValue *body;      /* parsed JSON; NULL when the route takes none or none was sent */
    const void *query;          /* the route's params struct filled from the query; NULL when it has none */
    const Execution *execution; /* of routes ON_EXECUTION and ON_TASK: as it was committed last */
    gint64 now_ms;
    /* Dispatch's own. */
    const Answer *answer;
    GPtrArray *variables;
    gboolean answered;
} ApiCall;
/* A {name} of the path, decoded. Never NULL for a name in the route's path. */
const char *api_path(const ApiCall *call, const char *name);

typedef Json *(*ApiHandler)(ApiCall *call, GError **error);

typedef enum { BODY_NONE, BODY_JSON, BODY_OPTIONAL_JSON, BODY_ANY } BodyKind;
struct Route {
    const char *method, *path; /* "/applications/{application}/pipelines" */
    ApiHandler handler;
    Needs needs;
    const Param *query;
    gsize query_size;
    BodyKind body;
    const Param *body_params; /* documentation of the body, or NULL */
    int success;              /* 200, 202 … */
    const char *help;
};
/* NEEDS(ON_APPLICATION, ACCESS_READ): the division refuses ACCESS_NONE at compile time. */
#define NEEDS(on, access)                                                                                                                  \
    { (on), (Access)((access) / ((access) != ACCESS_NONE)) }

/* Each resource file exports one table, ended by an entry without method; api/routes.c lists the tables. */
typedef struct {
    const char *tag; /* "Applications": heading in documentation */
    const Route *routes;
} RouteTable;
extern const RouteTable *const api_route_tables[]; /* NULL-terminated */

/* What an execution that this call starts says of where it came from: "deck" or "api" (api.md 1). */
const char *api_origin(const ApiCall *call);
/* May this caller do that to the resource? For lists, which show only what their reader may read. */
gboolean api_may(const ApiCall *call, May what, const char *resource_type, const char *resource);

/* Other answers than a Json with the route's success status; afterwards the handler returns NULL without error. */
void api_answer_status(ApiCall *call, int status, Json *body /* taken, or NULL */);
void api_answer_text(ApiCall *call, int status, const char *content_type, char *text /* taken */);
void api_answer_bytes(ApiCall *call, int status, const char *content_type, guchar *bytes /* taken */, gsize length);
void api_answer_page(ApiCall *call, char *html /* taken */);
/* status 0: the one of the error's code. */
void api_answer_error(ApiCall *call, int status, const GError *error);
/* 302 */
void api_answer_redirect(ApiCall *call, const char *location, const char *set_cookie /* or NULL */);
/* Hands the answer over: it comes later and from any thread, by answer_… of api/answer.h, exactly once. Free it after that with g_free;
 * the handler returns NULL without error. */
Answer *api_answer_later(ApiCall *call);
