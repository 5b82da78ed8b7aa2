/* Sign-in and who is signed in. */
#include "api/internal.h"
#include "api/request.h"
#include "net/http_query.h"
#include "stages/metadata/pipeline_permissions.h"
#include <string.h>

#define LOGIN_BODY_MAX 4096

static Json *user_json(const Principal *principal) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_bool(builder, "accountNonExpired", TRUE);
    json_add_bool(builder, "accountNonLocked", TRUE);
    json_begin_array(builder, "allowedAccounts");
    for (gsize i = 0; principal->accounts != NULL && principal->accounts[i] != NULL; i++)
        json_add_string(builder, NULL, principal->accounts[i]);
    json_end_array(builder);
    json_begin_array(builder, "authorities");
    for (gsize i = 0; principal->roles[i] != NULL; i++) {
        json_begin_object(builder, NULL);
        json_add_string(builder, "authority", principal->roles[i]);
        json_end_object(builder);
    }
    json_end_array(builder);
    json_add_bool(builder, "canMintApiTokens", FALSE);
    json_add_bool(builder, "credentialsNonExpired", TRUE);
    json_add_string(builder, "email", principal->user);
    json_add_bool(builder, "enabled", TRUE);
    json_add_null(builder, "firstName");
    json_add_bool(builder, "isAdmin", principal->admin && !principal->anonymous);
    json_add_null(builder, "lastName");
    json_add_strings(builder, "roles", principal->roles);
    json_add_string(builder, "username", principal->user);
    json_end_object(builder);
    return json_builder_end(builder);
}

static Json *user_get(ApiCall *call, GError **error) {
    (void)error;
    if (call->principal->anonymous && auth_is_required(call->api->auth))
        return NULL;
    return user_json(call->principal);
}

static Json *service_accounts_get(ApiCall *call, GError **error) {
    return service_accounts_of(call->services->store, call->principal, error);
}

/* ---- signing in and out ---- */
static AuthRequest auth_request(const ApiCall *call) {
    return (AuthRequest){
        .cookie = http_exchange_header(call->exchange, "Cookie"), .peer = http_exchange_peer(call->exchange), .now_ms = call->now_ms};
}

static gboolean redirect_is_accepted(Api *api, const char *url, const char *host) {
    g_mutex_lock(&api->lock);
    g_autoptr(BrowserRules) rules = browser_rules_ref(api->rules);
    g_mutex_unlock(&api->lock);
    return browser_url_accepted(rules, url, host);
}

static char *form_value(const GArray *form, const char *name) {
    for (guint i = 0; i < form->len; i++) {
        const HttpParameter *parameter = &g_array_index(form, HttpParameter, i);
        if (strcmp(parameter->name, name) == 0)
            return g_strdup(parameter->value);
    }
    return NULL;
}

/* Name and password of a form or of JSON. */
static gboolean read_login(const ApiCall *call, char **user, char **password, GError **error) {
    gsize length = 0;
    const char *body = http_exchange_body(call->exchange, &length);
    const char *type = http_exchange_header(call->exchange, "Content-Type");
    if (length > LOGIN_BODY_MAX) {
        error_set(error, ERR_LIMIT, "sign in: the body has more than %d bytes", LOGIN_BODY_MAX);
        return FALSE;
    }
    if (type != NULL && content_type_is_json(type)) {
        g_autoptr(Json) json = json_parse_limited(body, (gssize)length, LOGIN_BODY_MAX, error);
        if (json == NULL)
            return FALSE;
        *user = g_strdup(json_get_string(json_root(json), "username"));
        *password = g_strdup(json_get_string(json_root(json), "password"));
    } else {
        g_autoptr(GArray) form = http_query_parse(body, error);
        if (form == NULL)
            return FALSE;
        *user = form_value(form, "username");
        *password = form_value(form, "password");
    }
    if (*user != NULL && *password != NULL)
        return TRUE;
    error_set(error, ERR_INVALID, "sign in: username and password are required");
    return FALSE;
}

static Json *login_post(ApiCall *call, GError **error) {
    g_autofree char *user = NULL, *password = NULL;
    g_autoptr(GError) refused = NULL;
    if (!read_login(call, &user, &password, error))
        return NULL;
    const AuthRequest request = auth_request(call);
    g_autofree char *cookie = auth_sign_in(call->api->auth, user, password, &request, &refused);
    memset(password, 0, strlen(password));
    if (cookie != NULL)
        api_answer_redirect(call, "/", cookie);
    else
        api_answer_error(call, error_code(refused) == ERR_LIMIT ? 429 : 0, refused);
    return NULL;
}

static Json *logout(ApiCall *call, GError **error) {
    (void)error;
    const AuthRequest request = auth_request(call);
    g_autofree char *cookie = auth_sign_out(call->api->auth, &request);
    api_answer_redirect(call, "/auth/loggedOut", cookie);
    return NULL;
}

static Json *logged_out_get(ApiCall *call, GError **error) {
    (void)error;
    api_answer_text(call, 200, "text/plain;charset=UTF-8", g_strdup("You are signed out."));
    return NULL;
}

typedef struct {
    char *to;
} RedirectQuery;
static const Param redirect_query[] = {
    {.name = "to", .type = PARAM_STRING, .offset = offsetof(RedirectQuery, to), .required = TRUE, .help = "Where to go: a page of Deck."},
    {0},
};

static Json *redirect_get(ApiCall *call, GError **error) {
    const char *to = ((const RedirectQuery *)call->query)->to;
    if (redirect_is_accepted(call->api, to, http_exchange_header(call->exchange, "Host")))
        api_answer_redirect(call, to, NULL);
    else
        error_set(error, ERR_INVALID, "redirect to %s: only pages of services.deck.baseUrl or services.deck.redirectHostPattern", to);
    return NULL;
}

static const Route routes[] = {
    {.method = "GET",
     .path = "/auth/user",
     .handler = user_get,
     .needs = NEEDS(ON_SERVER, ACCESS_OPEN),
     .help = "The user who asks; an empty body when sign-in is required and nobody is signed in."},
    {.method = "GET", .path = "/auth/rawUser", .handler = user_get, .needs = NEEDS(ON_SERVER, ACCESS_OPEN), .help = "As /auth/user."},
    {.method = "GET",
     .path = "/auth/user/serviceAccounts",
     .handler = service_accounts_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "Names of the service accounts that the user may run pipelines as: those of whose roles he has all."},
    {.method = "POST",
     .path = "/login",
     .handler = login_post,
     .needs = NEEDS(ON_SERVER, ACCESS_OPEN),
     .body = BODY_ANY,
     .success = 302,
     .help = "Signs in with username and password, as a form or as JSON; sets the session's cookie."},
    {.method = "GET",
     .path = "/auth/logout",
     .handler = logout,
     .needs = NEEDS(ON_SERVER, ACCESS_OPEN),
     .success = 302,
     .help = "Ends the session."},
    {.method = "POST",
     .path = "/auth/logout",
     .handler = logout,
     .needs = NEEDS(ON_SERVER, ACCESS_OPEN),
     .body = BODY_ANY,
     .success = 302,
     .help = "Ends the session."},
    {.method = "GET",
     .path = "/auth/loggedOut",
     .handler = logged_out_get,
     .needs = NEEDS(ON_SERVER, ACCESS_OPEN),
     .help = "A sentence for those who have signed out."},
    {.method = "GET",
     .path = "/auth/redirect",
     .handler = redirect_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .query = redirect_query,
     .query_size = sizeof(RedirectQuery),
     .success = 302,
     .help = "Goes to a page of Deck."},
    {0},
};
const RouteTable auth_routes = {"Sign-in", routes};
