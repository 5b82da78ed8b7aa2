/* GET /: a plain page that says what there is, for people who open the server's address in a browser. No script. */
#include "api/internal.h"
#include "base/clock.h"
#include "store/executions.h"
#include <string.h>

#define RUNNING_SHOWN_MAX 50

static void append_escaped(GString *page, const char *before, const char *text, const char *after) {
    g_autofree char *escaped = g_markup_escape_text(text != NULL ? text : "", -1);
    g_string_append_printf(page, "%s%s%s", before, escaped, after);
}

static void append_head(GString *page) {
    g_string_append(page,
                    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Gennaker</title>"
                    "<meta name=\"viewport\" content=\"width=device-width\"><link rel=\"stylesheet\" href=\"/page.css\"></head><body>\n"
                    "<h1>Gennaker " GENNAKER_VERSION "</h1>\n");
}

static void append_sign_in(GString *page) {
    g_string_append(
        page, "<form method=\"post\" action=\"/login\"><p><label>Name <input name=\"username\" autocomplete=\"username\" required>"
              "</label></p>\n<p><label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\" required>"
              "</label></p>\n<p><button>Sign in</button></p></form>\n");
}

/* ---- accounts ---- */
typedef struct {
    gint64 oldest_ms;
    const char *error;
} State;

static gboolean note_leaf(const InventoryLeaf *leaf, gpointer data) {
    State *state = data;
    if (strcmp(leaf->kind, KIND_SERVER_GROUP) == 0 && leaf->read_ms > 0 && (state->oldest_ms == 0 || leaf->read_ms < state->oldest_ms))
        state->oldest_ms = leaf->read_ms;
    if (leaf->error_ms > 0)
        state->error = leaf->error;
    return TRUE;
}

static void append_accounts(GString *page, const ApiCall *call) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(call->services->clouds));
    g_autoptr(GPtrArray) accounts = clouds_accounts(call->services->clouds);
    g_string_append(page, "<h2>Accounts</h2>\n");
    if (accounts->len == 0) {
        g_string_append(page, "<p>None yet. Write them into <code>clouddriver.yml</code> in the configuration's folder and send the "
                              "server SIGHUP.</p>\n");
        return;
    }
    g_string_append(page, "<table><tr><th>Account</th><th>Cloud</th><th>Read</th><th>Last error</th></tr>\n");
    for (guint i = 0; i < accounts->len; i++) {
        const Account *account = accounts->pdata[i];
        State state = {0};
        inventory_leaves(snapshot, account->name, note_leaf, &state);
        g_autofree char *age = state.oldest_ms > 0 ? clock_duration_text(call->now_ms - state.oldest_ms) : NULL;
        g_autofree char *read = age != NULL ? g_strconcat(age, " ago", NULL) : g_strdup("not yet");
        append_escaped(page, "<tr><td>", account->name, "</td>");
        append_escaped(page, "<td>", account->cloud->id, "</td>");
        append_escaped(page, "<td>", read, "</td>");
        append_escaped(page, "<td>", state.error, "</td></tr>\n");
    }
    g_string_append(page, "</table>\n");
}

/* ---- running executions ---- */
typedef struct {
    GString *page;
    const ApiCall *call;
    guint shown;
} Running;

static gboolean append_execution(const ExecutionRecord *record, gpointer data) {
    Running *running = data;
    if (!api_may(running->call, MAY_READ, "application", record->application))
        return TRUE;
    if (running->shown++ == 0)
        g_string_append(running->page, "<table><tr><th>Application</th><th>Pipeline</th><th>State</th><th>Since</th><th></th></tr>\n");
    g_autofree char *id = g_uri_escape_string(record->id, NULL, FALSE);
    g_autofree char *since = clock_duration_text(running->call->now_ms - record->build_ms);
    append_escaped(running->page, "<tr><td>", record->application, "</td>");
    append_escaped(running->page, "<td>", record->name, "</td>");
    append_escaped(running->page, "<td>", record->status, "</td>");
    append_escaped(running->page, "<td>", since, "</td>");
    g_string_append_printf(
        running->page, "<td><a href=\"/pipelines/%s\">all of it</a>, <a href=\"/pipelines/%s/why\">why it waits</a></td></tr>\n", id, id);
    return TRUE;
}

static void append_running(GString *page, const ApiCall *call) {
    const ExecutionFilter filter = {.type = "PIPELINE", .unfinished_only = TRUE, .limit = RUNNING_SHOWN_MAX};
    Running running = {page, call, 0};
    g_string_append(page, "<h2>Running pipelines</h2>\n");
    gboolean read = store_executions_list(call->services->store, &filter, append_execution, &running, NULL);
    if (running.shown > 0)
        g_string_append(page, "</table>\n");
    else
        g_string_append(page, read ? "<p>None.</p>\n" : "<p>They could not be read.</p>\n");
}

static void append_rest(GString *page, const ApiCall *call) {
    const char *host = http_exchange_header(call->exchange, "Host");
    g_autofree char *server = g_markup_escape_text(host, -1);
    g_string_append(page, "<h2>More</h2>\n<ul><li><a href=\"/openapi.json\">The API</a>, which is that of Spinnaker's Gate and more</li>"
                          "<li><a href=\"/applications\">Applications</a>, <a href=\"/credentials?expand=true\">accounts</a>, "
                          "<a href=\"/pipelineConfigs\">pipelines</a></li><li><a href=\"/events\">What changes, as it changes</a></li>"
                          "<li><a href=\"/health\">Health</a>, <a href=\"/metrics\">metrics</a></li></ul>\n");
    g_string_append_printf(page,
                           "<h2>On the command line</h2>\n<pre>export GENNAKER_SERVER=http://%s\ngennaker application list\n"
                           "gennaker pipeline list APPLICATION\ngennaker pipeline execute APPLICATION PIPELINE --watch\n"
                           "gennaker execution list APPLICATION\ngennaker --help</pre>\n",
                           server);
    if (auth_is_required(call->api->auth)) {
        append_escaped(page, "<p>Signed in as ", call->principal->user, ". <a href=\"/auth/logout\">Sign out</a></p>\n");
    } else {
        g_string_append(page, "<p>No sign-in is needed: everybody who has an account on this machine may use this server.</p>\n");
    }
}

static Json *page_get(ApiCall *call, GError **error) {
    (void)error;
    GString *page = g_string_new(NULL);
    append_head(page);
    if (call->principal->anonymous && auth_is_required(call->api->auth)) {
        append_sign_in(page);
    } else {
        append_running(page, call);
        append_accounts(page, call);
        append_rest(page, call);
    }
    g_string_append(page, "</body></html>\n");
    api_answer_page(call, g_string_free(page, FALSE));
    return NULL;
}

static Json *style_get(ApiCall *call, GError **error) {
    static const char STYLE[] = "body{font:14px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2733}\n"
                                "h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}\n"
                                "table{border-collapse:collapse}th,td{text-align:left;padding:.2rem 1rem .2rem 0;vertical-align:top}\n"
                                "pre{background:#eef2f6;padding:.8rem;overflow:auto}\n"
                                "@media (prefers-color-scheme:dark){body{background:#12181f;color:#d8e0e8}pre{background:#1d2731}"
                                "a{color:#8ab8ff}}\n";
    (void)error;
    api_answer_text(call, 200, "text/css;charset=UTF-8", g_strdup(STYLE));
    return NULL;
}

static const Route routes[] = {
    {.method = "GET",
     .path = "/",
     .handler = page_get,
     .needs = NEEDS(ON_SERVER, ACCESS_OPEN),
     .help = "A page for people: what runs, which accounts there are, where to look next."},
    {.method = "GET", .path = "/page.css", .handler = style_get, .needs = NEEDS(ON_SERVER, ACCESS_OPEN), .help = "How that page looks."},
    {0},
};
const RouteTable page_routes = {"Page", routes};
