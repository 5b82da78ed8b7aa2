/* HTTP calls outward: the loop. Runs on the thread "net", which alone touches the curl multi handle and its connections; a
 * caller hands over a Transfer and sleeps until the loop has concluded it.
 *
 * Invariant: a Transfer handed over is always concluded, by an answer, an error, its deadline, a cancel, or the client's end. */
#include "net/http_client.h"
#include "base/clock.h"
#include "net/http_transfer.h"
#include "net/thread_signals.h"
#include <string.h>

#define POLL_MAX_MS 60000 /* a wake-up is never needed for less; libcurl shortens it for its own timers */

struct HttpClient {
    CURLM *multi;
    GThread *thread;
    GPtrArray *active; /* of the loop thread */
    GMutex lock;
    GCond idle; /* no caller is left */
    GPtrArray *incoming;
    guint callers;
    gboolean stopping;
    gboolean (*may_write)(gpointer data); /* NULL: always */
    gpointer may_write_data;
};

static void conclude(HttpClient *client, Transfer *transfer) {
    curl_easy_cleanup(transfer->easy);
    transfer->easy = NULL;
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&client->lock);
    transfer->done = TRUE;
    g_cond_signal(&transfer->finished);
}

/* Takes an active transfer out of the loop with an error. */
static void abandon(HttpClient *client, guint index, void (*end)(Transfer *transfer, const char *why), const char *why) {
    Transfer *transfer = client->active->pdata[index];
    curl_multi_remove_handle(client->multi, transfer->easy);
    g_ptr_array_remove_index_fast(client->active, index);
    end(transfer, why);
    conclude(client, transfer);
}

static void expire(Transfer *transfer, const char *why) {
    (void)why;
    transfer_expire(transfer);
}

/* FALSE when the client is being freed. */
static gboolean take_incoming(HttpClient *client) {
    g_autoptr(GPtrArray) incoming = NULL;
    gboolean stopping;
    g_mutex_lock(&client->lock);
    incoming = g_steal_pointer(&client->incoming);
    client->incoming = g_ptr_array_new();
    stopping = client->stopping;
    g_mutex_unlock(&client->lock);
    for (guint i = 0; i < incoming->len; i++) {
        Transfer *transfer = incoming->pdata[i];
        CURLMcode code = curl_multi_add_handle(client->multi, transfer->easy);
        if (code == CURLM_OK) {
            g_ptr_array_add(client->active, transfer);
        } else {
            transfer_conclude(transfer, CURLE_OUT_OF_MEMORY);
            conclude(client, transfer);
        }
    }
    return !stopping;
}

/* Ends what was cancelled or is late. Returns milliseconds to the next deadline. */
static int end_overdue(HttpClient *client) {
    gint64 now_ms = clock_elapsed_ms();
    gint64 next_ms = now_ms + POLL_MAX_MS;
    for (guint i = client->active->len; i-- > 0;) {
        Transfer *transfer = client->active->pdata[i];
        if (g_atomic_int_get(&transfer->cancelled))
            abandon(client, i, transfer_cancel, "cancelled");
        else if (transfer->deadline_ms <= now_ms)
            abandon(client, i, expire, NULL);
        else
            next_ms = MIN(next_ms, transfer->deadline_ms);
    }
    return (int)(next_ms - now_ms);
}

static void collect_finished(HttpClient *client) {
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left));) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result; /* the message is gone once the handle is removed */
        Transfer *transfer = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
        curl_multi_remove_handle(client->multi, easy);
        g_ptr_array_remove_fast(client->active, transfer);
        transfer_conclude(transfer, result);
        conclude(client, transfer);
    }
}

static gpointer run_loop(gpointer data) {
    HttpClient *client = data;
    while (take_incoming(client)) {
        int running;
        curl_multi_perform(client->multi, &running);
        collect_finished(client);
        curl_multi_poll(client->multi, NULL, 0, end_overdue(client), NULL);
    }
    while (client->active->len)
        abandon(client, client->active->len - 1, transfer_cancel, "this program is stopping");
    return NULL;
}

HttpClient *http_client_new(GError **error) {
    static gsize initialised;
    if (g_once_init_enter(&initialised)) {
        curl_global_init(CURL_GLOBAL_DEFAULT);
        g_once_init_leave(&initialised, 1);
    }
    HttpClient *client = g_new0(HttpClient, 1);
    client->active = g_ptr_array_new();
    client->incoming = g_ptr_array_new();
    g_mutex_init(&client->lock);
    g_cond_init(&client->idle);
    client->multi = curl_multi_init();
    if (!client->multi)
        g_error("libcurl: out of memory");
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)HTTP_IDLE_CONNECTIONS_MAX);
    curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)HTTP_CONNECTIONS_MAX);
    curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)HTTP_CONNECTIONS_PER_HOST_MAX);
    sigset_t before;
    thread_signals_block(&before);
    client->thread = g_thread_try_new("net", run_loop, client, error);
    thread_signals_restore(&before);
    if (client->thread)
        return client;
    g_prefix_error(error, "start the thread for outgoing HTTP: ");
    http_client_free(client);
    return NULL;
}

void http_client_free(HttpClient *client) {
    if (!client)
        return;
    g_mutex_lock(&client->lock);
    client->stopping = TRUE;
    g_mutex_unlock(&client->lock);
    curl_multi_wakeup(client->multi);
    if (client->thread)
        g_thread_join(client->thread);
    g_mutex_lock(&client->lock);
    while (client->callers)
        g_cond_wait(&client->idle, &client->lock);
    g_mutex_unlock(&client->lock);
    curl_multi_cleanup(client->multi);
    g_ptr_array_unref(client->active);
    g_ptr_array_unref(client->incoming);
    g_mutex_clear(&client->lock);
    g_cond_clear(&client->idle);
    g_free(client);
}

/* A cancel that is set while the call runs. */
typedef struct {
    HttpClient *client;
    Transfer *transfer;
} CancelledCall;

static void on_cancel(gpointer data) {
    CancelledCall *call = data;
    g_atomic_int_set(&call->transfer->cancelled, TRUE);
    curl_multi_wakeup(call->client->multi);
}

static gboolean hand_over(HttpClient *client, Transfer *transfer) {
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&client->lock);
    if (client->stopping)
        return FALSE;
    client->callers++;
    g_ptr_array_add(client->incoming, transfer);
    return TRUE;
}

static void wait_until_done(HttpClient *client, Transfer *transfer, Cancel *cancel) {
    CancelledCall call = {client, transfer};
    guint hook = cancel ? cancel_notify(cancel, on_cancel, &call) : 0;
    curl_multi_wakeup(client->multi);
    g_mutex_lock(&client->lock);
    while (!transfer->done)
        g_cond_wait(&transfer->finished, &client->lock);
    g_mutex_unlock(&client->lock);
    if (cancel)
        cancel_forget(cancel, hook);
    g_mutex_lock(&client->lock);
    if (--client->callers == 0)
        g_cond_broadcast(&client->idle);
    g_mutex_unlock(&client->lock);
}

void http_client_set_write_gate(HttpClient *client, gboolean (*may_write)(gpointer data), gpointer data) {
    client->may_write = may_write;
    client->may_write_data = data;
}

static gboolean may_send(const HttpClient *client, const HttpRequest *request, GError **error) {
    gboolean reads = request->method == NULL || strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    if (reads || client->may_write == NULL || client->may_write(client->may_write_data))
        return TRUE;
    error_set(error, ERR_UNAVAILABLE, "%s %s was not sent: this server has no lease of the store it shares, so its work may be another's",
              request->method, request->url);
    return FALSE;
}

gboolean http_call(HttpClient *client, const HttpRequest *request, Cancel *cancel, HttpResponse *response, GError **error) {
    memset(response, 0, sizeof *response);
    if (client == NULL) {
        error_set(error, ERR_INVALID, "nothing outside is called in a rehearsal");
        return FALSE;
    }
    if (!may_send(client, request, error))
        return FALSE;
    Transfer *transfer = transfer_new(request, response, error);
    if (!transfer)
        return FALSE;
    if (cancel_is_set(cancel))
        transfer_cancel(transfer, "cancelled");
    else if (!hand_over(client, transfer))
        transfer_cancel(transfer, "this program is stopping");
    else
        wait_until_done(client, transfer, cancel);
    gboolean succeeded = transfer->succeeded;
    if (!succeeded)
        g_propagate_error(error, g_steal_pointer(&transfer->error));
    transfer_free(transfer);
    return succeeded;
}

void http_response_clear(HttpResponse *response) {
    g_strfreev(response->headers);
    g_free(response->body);
    memset(response, 0, sizeof *response);
}

const char *http_response_header(const HttpResponse *response, const char *name) {
    for (char **header = response->headers; header && header[0]; header += 2)
        if (g_ascii_strcasecmp(header[0], name) == 0)
            return header[1];
    return NULL;
}
