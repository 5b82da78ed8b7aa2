/* Streams of changes. Each has a listener of its own at the store, which filters and queues on the committer's thread; the text of one
 * change is made once for all streams. A thread closes what has ended: a listener must not take itself off. */
#include "api/streams.h"
#include "base/clock.h"
#include "net/thread_signals.h"
#include <string.h>

#define SWEEP_MS 1000

typedef struct {
    Streams *streams;
    EventStream *out;
    Principal *principal;
    StreamFilter filter;
    char *quoted_id; /* filter.id as a JSON text, or NULL */
    guint listener;
    gint64 until_ms; /* clock_elapsed_ms */
    gint lost;       /* atomic: the client is gone or too far behind */
} Stream;

struct Streams {
    Store *store;
    Auth *auth;
    GMutex lock;
    GCond changed;
    GPtrArray *open; /* of Stream, under lock */
    guint opening;   /* not in open yet, under lock */
    gboolean stopping;
    GMutex text_lock;
    char *text_id; /* the change whose text is kept, under text_lock */
    GString *text;
    GThread *sweeper;
};

static Principal *copy_principal(const Principal *principal) {
    Principal *copy = g_new0(Principal, 1);
    *copy = *principal;
    copy->user = g_strdup(principal->user);
    copy->roles = (const char *const *)g_strdupv((char **)principal->roles);
    copy->accounts = (const char *const *)g_strdupv((char **)principal->accounts);
    return copy;
}

static void free_principal(Principal *principal) {
    g_free((char *)principal->user);
    g_strfreev((char **)principal->roles);
    g_strfreev((char **)principal->accounts);
    g_free(principal);
}

static void stream_end(Stream *stream) {
    if (stream->listener != 0)
        store_unlisten(stream->streams->store, stream->listener);
    event_stream_close(stream->out);
    event_stream_unref(stream->out);
    free_principal(stream->principal);
    g_strfreev(stream->filter.applications);
    g_strfreev(stream->filter.kinds);
    g_free(stream->filter.id);
    g_free(stream->quoted_id);
    g_free(stream);
}

/* ---- one change ---- */
static gboolean contains(char **list, const char *text) {
    return list == NULL || (text != NULL && g_strv_contains((const char *const *)list, text));
}

static gboolean is_wanted(const Stream *stream, const StoreChange *change) {
    const StreamFilter *filter = &stream->filter;
    if (!contains(filter->kinds, change->kind) || !contains(filter->applications, change->application))
        return FALSE;
    if (filter->id == NULL || strcmp(filter->id, change->id) == 0)
        return TRUE;
    return change->detail != NULL && strstr(change->detail, stream->quoted_id) != NULL;
}

static gboolean may_read(const Stream *stream, const StoreChange *change) {
    const char *type = change->application != NULL ? "application" : change->kind;
    const char *resource = change->application != NULL ? change->application : change->id;
    return auth_may(stream->streams->auth, stream->principal, MAY_READ, type, resource, NULL);
}

static void write_change(GString *text, const StoreChange *change) {
    g_autoptr(Json) detail = change->detail != NULL ? json_parse(change->detail, -1, NULL) : NULL;
    g_autoptr(Json)
        json = json_pack("{s:s, s:s, s:s, s:s, s:i, s:v}", "kind", change->kind, "id", change->id, "application", change->application,
                         "status", change->status, "version", change->version, "detail", json_root(detail));
    gsize length = 0;
    g_autofree char *written = json_write(json_root(json), &length);
    g_string_truncate(text, 0);
    g_string_append_len(text, written, (gssize)length);
}

static void on_change(const StoreChangeEvent *event, gpointer data) {
    Stream *stream = data;
    Streams *streams = stream->streams;
    if (!is_wanted(stream, &event->change) || !may_read(stream, &event->change) || g_atomic_int_get(&stream->lost))
        return;
    g_mutex_lock(&streams->text_lock);
    if (g_strcmp0(streams->text_id, event->id) != 0) {
        g_free(streams->text_id);
        streams->text_id = g_strdup(event->id);
        write_change(streams->text, &event->change);
    }
    if (!event_stream_send(stream->out, event->id, NULL, streams->text->str))
        g_atomic_int_set(&stream->lost, TRUE);
    g_mutex_unlock(&streams->text_lock);
}

/* ---- the sweeper ---- */
static gboolean has_ended(Stream *stream, gint64 now_ms) {
    return g_atomic_int_get(&stream->lost) || now_ms >= stream->until_ms || !event_stream_is_open(stream->out);
}

/* With the lock held; the caller ends them without it. */
static GPtrArray *take_ended(Streams *streams) {
    GPtrArray *ended = g_ptr_array_new();
    gint64 now_ms = clock_elapsed_ms();
    for (guint i = streams->open->len; i-- > 0;)
        if (streams->stopping || has_ended(streams->open->pdata[i], now_ms))
            g_ptr_array_add(ended, g_ptr_array_steal_index_fast(streams->open, i));
    return ended;
}

static gpointer run(gpointer data) {
    Streams *streams = data;
    gboolean last = FALSE;
    while (!last) {
        g_mutex_lock(&streams->lock);
        gint64 until = g_get_monotonic_time() + SWEEP_MS * 1000;
        while (!streams->stopping && (streams->open->len == 0 ? (g_cond_wait(&streams->changed, &streams->lock), FALSE)
                                                              : g_cond_wait_until(&streams->changed, &streams->lock, until)))
            ;
        last = streams->stopping;
        g_autoptr(GPtrArray) ended = take_ended(streams);
        g_mutex_unlock(&streams->lock);
        for (guint i = 0; i < ended->len; i++)
            stream_end(ended->pdata[i]);
    }
    return NULL;
}

/* ---- life ---- */
Streams *streams_new(Services *services, Auth *auth) {
    Streams *streams = g_new0(Streams, 1);
    streams->store = services->store;
    streams->auth = auth;
    g_mutex_init(&streams->lock);
    g_mutex_init(&streams->text_lock);
    g_cond_init(&streams->changed);
    streams->open = g_ptr_array_new();
    streams->text = g_string_new(NULL);
    sigset_t before;
    thread_signals_block(&before);
    streams->sweeper = g_thread_new("api-streams", run, streams);
    thread_signals_restore(&before);
    return streams;
}

void streams_free(Streams *streams) {
    if (streams == NULL)
        return;
    g_mutex_lock(&streams->lock);
    streams->stopping = TRUE;
    g_cond_signal(&streams->changed);
    g_mutex_unlock(&streams->lock);
    g_thread_join(streams->sweeper);
    g_ptr_array_unref(streams->open);
    g_string_free(streams->text, TRUE);
    g_free(streams->text_id);
    g_mutex_clear(&streams->lock);
    g_mutex_clear(&streams->text_lock);
    g_cond_clear(&streams->changed);
    g_free(streams);
}

static gboolean reserve(Streams *streams, GError **error) {
    g_mutex_lock(&streams->lock);
    gboolean room = !streams->stopping && streams->open->len + streams->opening < STREAMS_MAX;
    streams->opening += room ? 1 : 0;
    g_mutex_unlock(&streams->lock);
    if (!room)
        error_set(error, ERR_UNAVAILABLE, "%d event streams are open already", STREAMS_MAX);
    return room;
}

guint streams_count(Streams *streams) {
    g_mutex_lock(&streams->lock);
    guint count = streams->open->len;
    g_mutex_unlock(&streams->lock);
    return count;
}

static Stream *stream_new(Streams *streams, ApiCall *call, const StreamFilter *filter) {
    Stream *stream = g_new0(Stream, 1);
    g_autofree Answer *answer = api_answer_later(call);
    stream->streams = streams;
    stream->principal = copy_principal(call->principal);
    stream->filter = (StreamFilter){g_strdupv(filter->applications), g_strdupv(filter->kinds), g_strdup(filter->id)};
    stream->quoted_id = filter->id != NULL ? g_strdup_printf("\"%s\"", filter->id) : NULL;
    stream->until_ms = clock_elapsed_ms() + STREAM_MOST_MS;
    stream->out = answer_stream(answer);
    return stream;
}

gboolean streams_open(Streams *streams, ApiCall *call, const StreamFilter *filter, const char *since, GError **error) {
    if (!reserve(streams, error))
        return FALSE;
    gboolean complete = TRUE;
    g_autofree char *now = store_last_event_id(streams->store);
    g_autofree char *from = g_strdup(since != NULL ? since : now);
    Stream *stream = stream_new(streams, call, filter);
    event_stream_send(stream->out, from, "hello", "{}");
    stream->listener = store_listen_since(streams->store, from, on_change, stream, &complete);
    if (!complete) {
        g_free(now);
        now = store_last_event_id(streams->store);
        event_stream_send(stream->out, now, "reset", "{}");
    }
    g_mutex_lock(&streams->lock);
    streams->opening--;
    g_ptr_array_add(streams->open, stream);
    g_cond_signal(&streams->changed);
    g_mutex_unlock(&streams->lock);
    return TRUE;
}
