/* Talking to a server: the HTTP API and nothing else. Main thread, but for streams (see there). */
#pragma once
#include "base/json.h"
#include "cli/command.h"

#define CLIENT_SERVER_OTHERWISE "http://127.0.0.1:8084"

typedef struct Client Client;
/* From --server, --token, --user and their variables. */
Client *client_new(const Invocation *call, GError **error);
void client_free(Client *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Client, client_free)

/* The path's {} are replaced, percent-encoded, by the texts that follow, NULL-terminated: client_call(client, "GET", NULL, error,
 * "/pipelines/{}", id, NULL). body NULL: none. The answer as JSON, an empty one as null; caller owns. The server's error becomes
 * ours: its message, and the code of its status. */
Json *client_call(Client *client, const char *method, const Json *body, GError **error, const char *path, ...) G_GNUC_NULL_TERMINATED;
#define client_get(client, error, ...) client_call(client, "GET", NULL, error, __VA_ARGS__)
/* The answer's text; caller frees. */
char *client_text(Client *client, GError **error, const char *path, ...) G_GNUC_NULL_TERMINATED;
/* Starts a task (POST /tasks) and waits for its end; the finished task. ERR_REMOTE with what it says when it did not succeed. */
Json *client_task(Client *client, const char *application, const char *description, const Json *job, GError **error);
/* The same for a task that a call has started: its answer is {ref}. */
Json *client_await(Client *client, const Json *answer, const char *description, GError **error);

/* ---- GET /events ---- */
typedef struct ClientStream ClientStream;
/* Changes of one thing, from now on. A thread of its own reads, and connects again when the connection is lost. */
ClientStream *client_stream_open(Client *client, const char *id);
/* Whether something may have changed: TRUE at once or within wait_ms, FALSE when nothing did. Changes that came meanwhile count as one. */
gboolean client_stream_wait(ClientStream *stream, gint64 wait_ms);
void client_stream_close(ClientStream *stream);
