/* Server-sent events: a buffer that any thread fills and libmicrohttpd's thread drains.
 *
 * The connection is suspended while the buffer is empty and resumed by whoever fills it or closes the stream. Invariant: a
 * closing stream never suspends again, so that the server can stop.
 *
 * Format: "Server-sent events", HTML Living Standard 9.2. */
#include "net/http_server_internal.h"
#include <string.h>

#define PIECE_BYTES 32768
#define COMPACT_BYTES 65536 /* drained bytes that are kept at the front of the buffer before it is moved */

struct EventStream {
    gatomicrefcount references;
    GMutex lock;
    struct MHD_Connection *connection; /* NULL: gone */
    GString *buffer;
    gsize drained; /* bytes of buffer that were sent */
    gboolean suspended, closing;
};

EventStream *event_stream_new(struct MHD_Connection *connection) {
    EventStream *stream = g_new0(EventStream, 1);
    g_atomic_ref_count_init(&stream->references);
    g_mutex_init(&stream->lock);
    stream->connection = connection;
    stream->buffer = g_string_new(":\n\n"); /* proxies pass on headers with the first bytes of a body */
    return stream;
}

EventStream *event_stream_ref(EventStream *stream) {
    g_atomic_ref_count_inc(&stream->references);
    return stream;
}

void event_stream_unref(EventStream *stream) {
    if (!stream || !g_atomic_ref_count_dec(&stream->references))
        return;
    g_string_free(stream->buffer, TRUE);
    g_mutex_clear(&stream->lock);
    g_free(stream);
}

static gsize waiting(const EventStream *stream) {
    return stream->buffer->len - stream->drained;
}

/* With the lock held. */
static void wake(EventStream *stream) {
    if (!stream->suspended || !stream->connection)
        return;
    stream->suspended = FALSE;
    MHD_resume_connection(stream->connection);
}

static ssize_t drain(void *data, uint64_t position, char *out, size_t max) {
    EventStream *stream = data;
    (void)position;
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&stream->lock);
    gsize length = MIN(waiting(stream), max);
    if (length) {
        memcpy(out, stream->buffer->str + stream->drained, length);
        stream->drained += length;
        if (stream->drained == stream->buffer->len || stream->drained >= COMPACT_BYTES) {
            g_string_erase(stream->buffer, 0, (gssize)stream->drained);
            stream->drained = 0;
        }
        return (ssize_t)length;
    }
    if (stream->closing || !stream->connection)
        return MHD_CONTENT_READER_END_OF_STREAM;
    stream->suspended = TRUE;
    MHD_suspend_connection(stream->connection);
    return 0;
}

static void release(void *data) {
    event_stream_unref(data);
}

struct MHD_Response *event_stream_response(EventStream *stream) {
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE_BYTES, drain, event_stream_ref(stream), release);
}

/* The text up to a line's end: ids and names are one line. */
static void append_field(GString *out, const char *field, const char *text) {
    if (text)
        g_string_append_printf(out, "%s: %.*s\n", field, (int)strcspn(text, "\r\n"), text);
}

static void append_data(GString *out, const char *data) {
    for (;;) {
        gsize length = strcspn(data, "\r\n");
        g_string_append(out, "data: ");
        g_string_append_len(out, data, (gssize)length);
        g_string_append_c(out, '\n');
        data += length;
        if (!*data)
            break;
        data += data[0] == '\r' && data[1] == '\n' ? 2 : 1;
    }
    g_string_append_c(out, '\n');
}

static gboolean is_open(const EventStream *stream) {
    return stream->connection && !stream->closing;
}

gboolean event_stream_send(EventStream *stream, const char *id, const char *event, const char *data) {
    g_autoptr(GString) text = g_string_new(NULL);
    append_field(text, "id", id);
    append_field(text, "event", event);
    append_data(text, data);
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&stream->lock);
    if (!is_open(stream) || waiting(stream) + text->len > EVENT_STREAM_BACKLOG)
        return FALSE;
    g_string_append_len(stream->buffer, text->str, (gssize)text->len);
    wake(stream);
    return TRUE;
}

void event_stream_comment(EventStream *stream) {
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&stream->lock);
    if (!is_open(stream) || waiting(stream))
        return; /* what waits finds a vanished client as well */
    g_string_append(stream->buffer, ":\n\n");
    wake(stream);
}

gboolean event_stream_is_open(EventStream *stream) {
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&stream->lock);
    return is_open(stream);
}

void event_stream_close(EventStream *stream) {
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&stream->lock);
    stream->closing = TRUE;
    wake(stream);
}

void event_stream_detach(EventStream *stream) {
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&stream->lock);
    stream->connection = NULL;
    stream->suspended = FALSE;
}
