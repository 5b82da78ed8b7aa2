/* The running API: dispatch of each request on a reader thread, and start and stop. What is checked, in this order: Host (421), Origin
 * (403), preflight, path and method (404, 405), who asks (401), content type (415), body (400), what is asked of exists (404) and may be
 * done (403), query (400); then the handler. */
#include "api/internal.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/log.h"
#include <string.h>

/* ---- answers of handlers ---- */
const char *api_path(const ApiCall *call, const char *name) {
    for (guint i = 0; i + 1 < call->variables->len; i += 2)
        if (strcmp(call->variables->pdata[i], name) == 0)
            return call->variables->pdata[i + 1];
    g_error("%s has no {%s}", call->route->path, name);
}

void api_answer_status(ApiCall *call, int status, Json *body) {
    call->answered = TRUE;
    answer_json(call->answer, status, body);
    json_unref(body);
}

void api_answer_text(ApiCall *call, int status, const char *content_type, char *text) {
    call->answered = TRUE;
    answer_text(call->answer, status, content_type, text, strlen(text));
}

void api_answer_bytes(ApiCall *call, int status, const char *content_type, guchar *bytes, gsize length) {
    call->answered = TRUE;
    answer_text(call->answer, status, content_type, (char *)bytes, length);
}

void api_answer_page(ApiCall *call, char *html) {
    call->answered = TRUE;
    answer_page(call->answer, html);
}

void api_answer_error(ApiCall *call, int status, const GError *error) {
    call->answered = TRUE;
    if (status == 0 && error_outward(error_code(error))->http_status >= 500)
        log_warning("api", "%s %s: %s", http_exchange_method(call->exchange), http_exchange_path(call->exchange), error->message);
    answer_error(call->answer, status, error, NULL);
}

void api_answer_redirect(ApiCall *call, const char *location, const char *set_cookie) {
    call->answered = TRUE;
    answer_redirect(call->answer, location, set_cookie);
}

Answer *api_answer_later(ApiCall *call) {
    call->answered = TRUE;
    return g_memdup2(call->answer, sizeof *call->answer);
}

const char *api_origin(const ApiCall *call) {
    const char *application = http_exchange_header(call->exchange, "X-RateLimit-App");
    return application != NULL && g_ascii_strcasecmp(application, "deck") == 0 ? "deck" : "api";
}

gboolean api_may(const ApiCall *call, May what, const char *resource_type, const char *resource) {
    return auth_may(call->api->auth, call->principal, what, resource_type, resource, NULL);
}

/* ---- who asks, and may they ---- */
static Principal *identify(Api *api, const ApiCall *call, GError **error) {
    const AuthRequest request = {
        .authorization = http_exchange_header(call->exchange, "Authorization"),
        .token = http_exchange_header(call->exchange, "X-Spinnaker-Token"),
        .cookie = http_exchange_header(call->exchange, "Cookie"),
        .peer = http_exchange_peer(call->exchange),
        .now_ms = call->now_ms,
    };
    return auth_identify(api->auth, &request, error);
}

static const char *const NO_ROLES[] = {NULL};
static const Principal NOBODY = {.user = "anonymous", .roles = NO_ROLES, .anonymous = TRUE};

static May may_of(Access access) {
    static const May may[] = {[ACCESS_SIGNED_IN] = MAY_READ,
                              [ACCESS_READ] = MAY_READ,
                              [ACCESS_EXECUTE] = MAY_EXECUTE,
                              [ACCESS_WRITE] = MAY_WRITE,
                              [ACCESS_ADMIN] = MAY_ADMIN};
    return may[access];
}

static const char *variable(const ApiCall *call, const char *name) {
    for (guint i = 0; i + 1 < call->variables->len; i += 2)
        if (strcmp(call->variables->pdata[i], name) == 0)
            return call->variables->pdata[i + 1];
    return NULL;
}

static gboolean may_application(const ApiCall *call, May what, GError **error) {
    Auth *auth = call->api->auth;
    const char *in_path = variable(call, "application");
    if (in_path != NULL)
        return auth_may(auth, call->principal, what, "application", in_path, error);
    if (!json_is_array(call->body))
        return auth_may(auth, call->principal, what, "application", json_get_string(call->body, "application"), error);
    for (JsonIter i = json_iter(call->body); json_next(&i);)
        if (!auth_may(auth, call->principal, what, "application", json_get_string(i.value, "application"), error))
            return FALSE;
    return TRUE;
}

/* Loads what ON_EXECUTION and ON_TASK name. The wrong type of execution is as absent. */
static Execution *load_named(const ApiCall *call, GError **error) {
    gboolean task = call->route->needs.on == ON_TASK;
    const char *id = api_path(call, "id");
    g_autoptr(GError) inner = NULL;
    g_autoptr(Execution) execution = engine_load(call->services->engine, id, &inner);
    if (execution == NULL && error_code(inner) != ERR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&inner));
        return NULL;
    }
    if (execution != NULL && (execution->type == EXECUTION_ORCHESTRATION) == task)
        return g_steal_pointer(&execution);
    error_set(error, ERR_NOT_FOUND, "%s not found (id: %s)", task ? "Task" : "Pipeline", id);
    return NULL;
}

static gboolean check_permission(const ApiCall *call, GError **error) {
    Needs needs = call->route->needs;
    if (needs.access == ACCESS_OPEN)
        return TRUE;
    May what = may_of(needs.access);
    Auth *auth = call->api->auth;
    switch (needs.on) {
    case ON_APPLICATION:
        return may_application(call, what, error);
    case ON_EXECUTION:
    case ON_TASK:
        return auth_may(auth, call->principal, what, "application", call->execution->application, error);
    case ON_ACCOUNT:
        return auth_may(auth, call->principal, what, "account", variable(call, "account"), error);
    case ON_SERVER:
        break;
    }
    return auth_may(auth, call->principal, what, NULL, NULL, error);
}

/* ---- dispatch ---- */
static void run_handler(ApiCall *call) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) result = call->route->handler(call, &error);
    if (call->answered) {
        g_assert(error == NULL && result == NULL);
        return;
    }
    if (error != NULL)
        api_answer_error(call, 0, error);
    else
        answer_json(call->answer, call->route->success != 0 ? call->route->success : 200, result);
}

static void run_with_query(ApiCall *call) {
    g_autoptr(GError) error = NULL;
    gpointer query = call->route->query != NULL ? route_query_read(call->route, call->exchange, &error) : NULL;
    const Route *route = call->route;
    call->query = query;
    if (error != NULL)
        api_answer_error(call, 0, error);
    else
        run_handler(call);
    route_query_free(route, query);
}

static void run_with_subject(ApiCall *call) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Execution) execution = NULL;
    AccessOn on = call->route->needs.on;
    if (on == ON_EXECUTION || on == ON_TASK) {
        execution = load_named(call, &error);
        call->execution = execution;
    }
    if (error != NULL || !check_permission(call, &error))
        api_answer_error(call, 0, error);
    else
        run_with_query(call);
}

static void run_with_body(ApiCall *call) {
    g_autoptr(GError) error = NULL;
    gsize length = 0;
    const char *text = http_exchange_body(call->exchange, &length);
    const char *content_type = http_exchange_header(call->exchange, "Content-Type");
    if (!request_check_content_type(call->route, http_exchange_method(call->exchange), content_type, length, &error)) {
        api_answer_error(call, 415, error);
        return;
    }
    g_autoptr(Json) body = request_parse_body(call->route, text, length, &error);
    call->body = json_root(body);
    if (error != NULL)
        api_answer_error(call, 0, error);
    else
        run_with_subject(call);
}

/* Nobody learns what exists, or has a body parsed, before he is known. */
static void run_with_principal(ApiCall *call) {
    g_autoptr(GError) error = NULL;
    Access access = call->route->needs.access;
    Principal *principal = identify(call->api, call, &error);
    call->principal = principal != NULL ? principal : &NOBODY;
    LOG_FIELD("user", call->principal->user);
    if (access == ACCESS_OPEN)
        g_clear_error(&error);
    if (error != NULL)
        api_answer_error(call, error_code(error) == ERR_LIMIT ? 429 : 0, error);
    else if (access != ACCESS_OPEN && !auth_may(call->api->auth, call->principal, MAY_READ, NULL, NULL, &error))
        api_answer_error(call, 0, error);
    else
        run_with_body(call);
    auth_principal_free(principal);
}

static void run_route(ApiCall *call) {
    g_autoptr(GError) error = NULL;
    g_autofree char *allowed = NULL;
    RouteMatch match;
    const char *path = http_exchange_path(call->exchange);
    if (!router_match(call->api->router, http_exchange_method(call->exchange), path, &match, &allowed, &error)) {
        answer_error(call->answer, allowed != NULL ? 405 : 0, error, allowed);
        return;
    }
    Answer answer = *call->answer;
    answer.route = match.route;
    call->answer = &answer;
    call->route = match.route;
    call->variables = match.variables;
    run_with_principal(call);
    route_match_clear(&match);
}

/* TRUE when the browser rules let it pass; else it is answered. *accepted: the origin to echo. */
static gboolean pass_browser_rules(Api *api, const Answer *answer, const char **accepted) {
    const char *host = http_exchange_header(answer->exchange, "Host");
    const char *origin = http_exchange_header(answer->exchange, "Origin");
    g_autoptr(GError) error = NULL;
    g_mutex_lock(&api->lock);
    g_autoptr(BrowserRules) rules = browser_rules_ref(api->rules);
    g_mutex_unlock(&api->lock);
    int status = 0;
    if (!browser_host_accepted(rules, host)) {
        status = 421;
        error_set(&error, ERR_INVALID, "this server is not called %s; add the name to gennaker.api.hosts in the configuration",
                  host != NULL ? host : "(no Host header)");
    } else if (origin != NULL && !browser_origin_accepted(rules, origin, host)) {
        status = 403;
        error_set(&error, ERR_FORBIDDEN,
                  "pages of %s may not use this server; accepted are its own, services.deck.baseUrl and cors.allowedOriginsPattern",
                  origin);
    }
    if (status != 0)
        answer_error(answer, status, error, NULL);
    *accepted = origin;
    return status == 0;
}

static void handle(HttpExchange *exchange, gpointer data) {
    Api *api = data;
    Answer answer = {
        .exchange = exchange,
        .request_id = request_id(http_exchange_header(exchange, "X-SPINNAKER-REQUEST-ID"), http_exchange_id(exchange)),
        .metrics = api->metrics,
        .began_us = g_get_monotonic_time(),
    };
    if (!pass_browser_rules(api, &answer, &answer.accepted_origin))
        return;
    if (strcmp(http_exchange_method(exchange), "OPTIONS") == 0) {
        answer_preflight(&answer);
        return;
    }
    ApiCall call = {.exchange = exchange, .services = api->services, .api = api, .answer = &answer, .now_ms = clock_now_ms()};
    run_route(&call);
}

/* ---- life ---- */

Api *api_start(const ApiOptions *options, GError **error) {
    g_autoptr(Config) config = services_config(options->services);
    if (!auth_check_listen(options->auth, options->address, error))
        return NULL;
    BrowserRules *rules = browser_rules_new(config, options->address, error);
    if (rules == NULL)
        return NULL;
    Api *api = g_new0(Api, 1);
    api->services = options->services;
    api->auth = options->auth;
    api->address = g_strdup(options->address);
    api->started_ms = options->started_ms;
    api->reload = options->reload;
    api->data = options->data;
    api->clouds = options->clouds;
    api->sections = options->sections;
    g_mutex_init(&api->lock);
    api->rules = rules;
    api->router = router_new(api_route_tables);
    api->metrics = metrics_new(api_route_tables);
    api->waits = waits_new(api->services);
    api->streams = streams_new(api->services, api->auth);
    api->texts = listed_texts_new();
    const HttpServerOptions server = {
        .address = options->address, .port = options->port, .handle = handle, .data = api, .body_max = API_BODY_MAX};
    api->server = http_server_start(&server, error);
    if (api->server == NULL)
        g_clear_pointer(&api, api_free);
    return api;
}

guint16 api_port(const Api *api) {
    return http_server_port(api->server);
}

void api_stop(Api *api, gint64 grace_ms) {
    waits_stop(api->waits);
    http_server_stop(g_steal_pointer(&api->server), grace_ms);
}

void api_free(Api *api) {
    if (api == NULL)
        return;
    if (api->server != NULL)
        api_stop(api, 0);
    waits_free(api->waits);
    streams_free(api->streams);
    listed_texts_free(api->texts);
    metrics_free(api->metrics);
    router_free(api->router);
    browser_rules_unref(api->rules);
    g_mutex_clear(&api->lock);
    g_free(api->address);
    g_free(api);
}

gboolean api_set_config(Api *api, Config *config, GError **error) {
    BrowserRules *rules = browser_rules_new(config, api->address, error);
    if (rules == NULL)
        return FALSE;
    g_mutex_lock(&api->lock);
    BrowserRules *before = api->rules;
    api->rules = rules;
    g_mutex_unlock(&api->lock);
    browser_rules_unref(before);
    return TRUE;
}

gboolean api_reload(Api *api, GError **error) {
    if (api->reload == NULL) {
        error_set(error, ERR_UNAVAILABLE, "this server was started without a way to read its configuration again");
        return FALSE;
    }
    return api->reload(api->data, error);
}
