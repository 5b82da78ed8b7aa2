/* Requests to a server, and the stream of its changes. */
#include "cli/client.h"
#include "base/clock.h"
#include "net/http_client.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CALL_TIMEOUT_MS 120000 /* a save waits for its task */
#define TASK_TIMEOUT_MS 600000
#define TASK_POLL_MS 200
#define STREAM_TIMEOUT_MS (2 * 3600 * 1000)
#define STREAM_AGAIN_MS 1000

struct Client {
    HttpClient *http;
    char *server, *authorization;
};

const Option server_options[] = {
    {"server", 0, "URL", FALSE, "Where the server is (default: GENNAKER_SERVER, then " CLIENT_SERVER_OTHERWISE ")"},
    {"token", 0, "TOKEN", FALSE, "Bearer token (default: GENNAKER_TOKEN)"},
    {"user", 'u', "NAME", FALSE, "Sign in by name; the password is GENNAKER_PASSWORD, or is asked for (default: GENNAKER_USER)"},
    {"output", 'o', "table|json|yaml", FALSE, "How to print what comes back (default: table)"},
    {0},
};

static const char *setting(const Invocation *call, const char *option, const char *variable) {
    const char *given = invocation_option(call, option);
    const char *value = given != NULL ? given : g_getenv(variable);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static char *authorization(const Invocation *call, GError **error) {
    const char *token = setting(call, "token", "GENNAKER_TOKEN"), *user = setting(call, "user", "GENNAKER_USER");
    if (token != NULL)
        return g_strconcat("Bearer ", token, NULL);
    if (user == NULL)
        return NULL;
    const char *password = g_getenv("GENNAKER_PASSWORD");
    if (password == NULL && isatty(STDIN_FILENO))
        password = getpass("Password: ");
    if (password == NULL) {
        error_set(error, ERR_INVALID, "--user %s: no password; set GENNAKER_PASSWORD", user);
        return NULL;
    }
    g_autofree char *pair = g_strdup_printf("%s:%s", user, password);
    g_autofree char *coded = g_base64_encode((const guchar *)pair, strlen(pair));
    return g_strconcat("Basic ", coded, NULL);
}

Client *client_new(const Invocation *call, GError **error) {
    g_autoptr(GError) wrong = NULL;
    g_autofree char *header = authorization(call, &wrong);
    if (wrong != NULL) {
        g_propagate_error(error, g_steal_pointer(&wrong));
        return NULL;
    }
    const char *server = setting(call, "server", "GENNAKER_SERVER");
    g_autofree char *url = g_strdup(server != NULL ? server : CLIENT_SERVER_OTHERWISE);
    if (strstr(url, "://") == NULL) {
        char *with = g_strconcat("http://", url, NULL);
        g_free(url);
        url = with;
    }
    if (!g_str_has_prefix(url, "http://") && !g_str_has_prefix(url, "https://")) {
        error_set(error, ERR_INVALID, "--server %s: expected http://HOST[:PORT] or https://HOST[:PORT]", url);
        return NULL;
    }
    for (gsize length = strlen(url); length > 0 && url[length - 1] == '/'; length--)
        url[length - 1] = '\0';
    HttpClient *http = http_client_new(error);
    if (http == NULL)
        return NULL;
    Client *client = g_new0(Client, 1);
    *client = (Client){http, g_steal_pointer(&url), g_steal_pointer(&header)};
    return client;
}

void client_free(Client *client) {
    if (client == NULL)
        return;
    http_client_free(client->http);
    g_free(client->server);
    g_free(client->authorization);
    g_free(client);
}

/* ---- one request ---- */
static char *make_url(const Client *client, const char *path, va_list values) {
    GString *url = g_string_new(client->server);
    g_auto(GStrv) parts = g_strsplit(path, "{}", -1);
    for (gsize i = 0; parts[i] != NULL; i++) {
        g_string_append(url, parts[i]);
        if (parts[i + 1] == NULL)
            continue;
        g_autofree char *escaped = http_escape(va_arg(values, const char *));
        g_string_append(url, escaped);
    }
    return g_string_free(url, FALSE);
}

/* The code that the server's own error had: the first of the table with this status. */
static ErrorCode code_of(int status) {
    for (ErrorCode code = ERR_INVALID; code <= ERR_INTERNAL; code++)
        if (error_outward(code)->http_status == status)
            return code;
    return status == 429 ? ERR_LIMIT : status >= 400 && status < 500 ? ERR_INVALID : status >= 500 ? ERR_INTERNAL : ERR_REMOTE;
}

static void set_error(GError **error, const Client *client, const HttpResponse *response) {
    g_autoptr(Json) body = json_parse_limited(response->body, (gssize)response->body_length, HTTP_RESPONSE_MAX, NULL);
    const char *message = json_get_string(json_root(body), "message");
    ErrorCode code = code_of(response->status);
    if (message == NULL)
        error_set(error, code, "%s answered with status %d", client->server, response->status);
    else if (code == ERR_UNAUTHENTICATED)
        error_set(error, code, "%s (give --token, or --user)", message);
    else
        error_set(error, code, "%s", message);
}

static gboolean send(Client *client, const char *method, const char *url, const char *accept, const Json *body, HttpResponse *response,
                     GError **error) {
    gsize length = 0;
    g_autofree char *text = body != NULL ? json_write(json_root(body), &length) : NULL;
    const char *headers[9] = {"Accept", accept, "User-Agent", "gennaker/" GENNAKER_VERSION};
    gsize n = 4;
    if (text != NULL) {
        headers[n++] = "Content-Type";
        headers[n++] = "application/json";
    }
    if (client->authorization != NULL) {
        headers[n++] = "Authorization";
        headers[n++] = client->authorization;
    }
    const HttpRequest request = {
        .method = method, .url = url, .headers = headers, .body = text, .body_length = length, .timeout_ms = CALL_TIMEOUT_MS};
    if (!http_call(client->http, &request, NULL, response, error)) {
        if (error_code(*error) == ERR_UNAVAILABLE)
            g_prefix_error(error, "no server at %s: ", client->server);
        return FALSE;
    }
    if (response->status < 300)
        return TRUE;
    set_error(error, client, response);
    return FALSE;
}

Json *client_call(Client *client, const char *method, const Json *body, GError **error, const char *path, ...) {
    va_list values;
    va_start(values, path);
    g_autofree char *url = make_url(client, path, values);
    va_end(values);
    g_auto(HttpResponse) response = {0};
    g_autoptr(GError) wrong = NULL;
    if (!send(client, method, url, "application/json", body, &response, &wrong)) {
        g_propagate_error(error, g_steal_pointer(&wrong));
        return NULL;
    }
    if (response.body_length == 0)
        return json_parse("null", -1, error);
    Json *json = json_parse_limited(response.body, (gssize)response.body_length, HTTP_RESPONSE_MAX, error);
    if (json == NULL)
        g_prefix_error(error, "%s does not answer as Gennaker does: ", client->server);
    return json;
}

char *client_text(Client *client, GError **error, const char *path, ...) {
    va_list values;
    va_start(values, path);
    g_autofree char *url = make_url(client, path, values);
    va_end(values);
    g_auto(HttpResponse) response = {0};
    g_autoptr(GError) wrong = NULL;
    if (send(client, "GET", url, "text/plain, */*", NULL, &response, &wrong))
        return g_steal_pointer(&response.body);
    g_propagate_error(error, g_steal_pointer(&wrong));
    return NULL;
}

/* ---- tasks ---- */
/* What a failed task says, from its stages; caller frees. */
static char *task_problems(const JsonValue *task) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (JsonIter s = json_iter(json_dig(task, "execution", "stages", NULL)); json_next(&s);)
        for (JsonIter e = json_iter(json_dig(s.value, "context", "exception", "details", "errors", NULL)); json_next(&e);)
            if (json_is_string(e.value))
                g_string_append_printf(text, "%s%s", text->len > 0 ? "; " : "", json_string(e.value));
    return g_strdup(text->len > 0 ? text->str : "it says no reason");
}

/* The code of the first failure that the server's own table names. */
static ErrorCode task_code(const JsonValue *task) {
    for (JsonIter s = json_iter(json_dig(task, "execution", "stages", NULL)); json_next(&s);) {
        const char *type = json_string(json_dig(s.value, "context", "exception", "exceptionType", NULL));
        for (ErrorCode code = ERR_INVALID; type != NULL && code <= ERR_INTERNAL; code++)
            if (strcmp(error_outward(code)->exception_type, type) == 0)
                return code;
    }
    return ERR_REMOTE;
}

static Json *await_task(Client *client, const char *id, const char *description, GError **error) {
    static const char *const GOOD[] = {"SUCCEEDED", "STOPPED", "SKIPPED", NULL};
    static const char *const BAD[] = {"TERMINAL", "CANCELED", "FAILED_CONTINUE", NULL};
    gint64 until = clock_elapsed_ms() + TASK_TIMEOUT_MS;
    while (clock_elapsed_ms() < until) {
        g_autoptr(Json) task = client_get(client, error, "/tasks/{}", id, NULL);
        if (task == NULL)
            return NULL;
        const char *status = json_get_string(json_root(task), "status");
        if (status != NULL && g_strv_contains(GOOD, status))
            return g_steal_pointer(&task);
        if (status != NULL && g_strv_contains(BAD, status)) {
            g_autofree char *problems = task_problems(json_root(task));
            error_set(error, task_code(json_root(task)), "%s ended %s: %s", description, status, problems);
            return NULL;
        }
        g_usleep(TASK_POLL_MS * 1000);
    }
    error_set(error, ERR_TIMEOUT, "%s: task %s did not end within %d s", description, id, TASK_TIMEOUT_MS / 1000);
    return NULL;
}

Json *client_task(Client *client, const char *application, const char *description, const Json *job, GError **error) {
    g_autoptr(Json) body = json_pack("{s:s, s:s, s:[j]}", "application", application, "description", description, "job", job);
    g_autoptr(Json) answer = client_call(client, "POST", body, error, "/tasks", NULL);
    return answer != NULL ? client_await(client, answer, description, error) : NULL;
}

Json *client_await(Client *client, const Json *answer, const char *description, GError **error) {
    const char *ref = json_get_string(json_root(answer), "ref");
    if (ref == NULL || !g_str_has_prefix(ref, "/tasks/")) {
        error_set(error, ERR_REMOTE, "%s: %s names no task", description, client->server);
        return NULL;
    }
    return await_task(client, ref + strlen("/tasks/"), description, error);
}

/* ---- the stream ---- */
struct ClientStream {
    Client *client;
    char *url;
    Cancel *cancel;
    GThread *thread;
    GMutex lock;
    GCond cond;
    gboolean changed, closed;      /* under lock */
    gboolean line_begins, in_data; /* of the net thread: where in a record it is */
};

static void note_change(ClientStream *stream) {
    g_mutex_lock(&stream->lock);
    stream->changed = TRUE;
    g_cond_signal(&stream->cond);
    g_mutex_unlock(&stream->lock);
}

/* What changed is read by other calls: it is enough to know that a record arrived, which ends with an empty line. Comments, sent to
 * keep the connection alive, have none of the fields. On the net thread. */
static gboolean on_piece(const char *piece, gsize length, gpointer data) {
    ClientStream *stream = data;
    for (gsize i = 0; i < length; i++) {
        if (stream->line_begins && piece[i] == 'd')
            stream->in_data = TRUE;
        if (stream->line_begins && piece[i] == '\n' && stream->in_data) {
            stream->in_data = FALSE;
            note_change(stream);
        }
        stream->line_begins = piece[i] == '\n';
    }
    return TRUE;
}

static gboolean is_closed(ClientStream *stream, gint64 wait_ms) {
    gint64 until = g_get_monotonic_time() + wait_ms * 1000;
    g_mutex_lock(&stream->lock);
    while (!stream->closed && wait_ms > 0 && g_cond_wait_until(&stream->cond, &stream->lock, until))
        ;
    gboolean closed = stream->closed;
    g_mutex_unlock(&stream->lock);
    return closed;
}

/* Each connection begins with "hello", which counts as a change: whatever was missed before it is read then. */
static gpointer follow(gpointer data) {
    ClientStream *stream = data;
    const char *headers[] = {"Accept",
                             "text/event-stream",
                             "User-Agent",
                             "gennaker/" GENNAKER_VERSION,
                             stream->client->authorization != NULL ? "Authorization" : NULL,
                             stream->client->authorization,
                             NULL};
    const HttpRequest request = {.method = "GET",
                                 .url = stream->url,
                                 .headers = headers,
                                 .timeout_ms = STREAM_TIMEOUT_MS,
                                 .response_max = G_MAXSIZE,
                                 .on_data = on_piece,
                                 .on_data_data = stream};
    do {
        g_auto(HttpResponse) response = {0};
        stream->line_begins = TRUE;
        stream->in_data = FALSE;
        http_call(stream->client->http, &request, stream->cancel, &response, NULL);
        note_change(stream);
    } while (!is_closed(stream, STREAM_AGAIN_MS));
    return NULL;
}

ClientStream *client_stream_open(Client *client, const char *id) {
    ClientStream *stream = g_new0(ClientStream, 1);
    g_autofree char *escaped = http_escape(id);
    stream->client = client;
    stream->url = g_strdup_printf("%s/events?id=%s", client->server, escaped);
    stream->cancel = cancel_new();
    g_mutex_init(&stream->lock);
    g_cond_init(&stream->cond);
    stream->thread = g_thread_new("events", follow, stream);
    return stream;
}

gboolean client_stream_wait(ClientStream *stream, gint64 wait_ms) {
    gint64 until = g_get_monotonic_time() + wait_ms * 1000;
    g_mutex_lock(&stream->lock);
    while (!stream->changed && g_cond_wait_until(&stream->cond, &stream->lock, until))
        ;
    gboolean changed = stream->changed;
    stream->changed = FALSE;
    g_mutex_unlock(&stream->lock);
    return changed;
}

void client_stream_close(ClientStream *stream) {
    g_mutex_lock(&stream->lock);
    stream->closed = TRUE;
    g_cond_broadcast(&stream->cond);
    g_mutex_unlock(&stream->lock);
    cancel_set(stream->cancel);
    g_thread_join(stream->thread);
    cancel_unref(stream->cancel);
    g_mutex_clear(&stream->lock);
    g_cond_clear(&stream->cond);
    g_free(stream->url);
    g_free(stream);
}
