/* The bounded queue: a ring under one mutex with a condition for each side. Any thread. */
#include "base/queue.h"

struct Queue {
    GMutex guard; /* of everything below */
    GCond may_put, may_take;
    gsize capacity, first, length;
    gboolean closed;
    gpointer items[];
};

Queue *queue_new(gsize capacity) {
    g_assert(capacity > 0);
    Queue *queue = g_malloc0(sizeof(Queue) + capacity * sizeof(gpointer));
    queue->capacity = capacity;
    g_mutex_init(&queue->guard);
    g_cond_init(&queue->may_put);
    g_cond_init(&queue->may_take);
    return queue;
}

void queue_free(Queue *queue) {
    if (queue == NULL)
        return;
    g_mutex_clear(&queue->guard);
    g_cond_clear(&queue->may_put);
    g_cond_clear(&queue->may_take);
    g_free(queue);
}

static gboolean put_locked(Queue *queue, gpointer item) {
    if (queue->closed || queue->length == queue->capacity)
        return FALSE;
    queue->items[(queue->first + queue->length++) % queue->capacity] = item;
    g_cond_signal(&queue->may_take);
    return TRUE;
}

static gpointer take_locked(Queue *queue) {
    if (queue->length == 0)
        return NULL;
    gpointer item = queue->items[queue->first];
    queue->first = (queue->first + 1) % queue->capacity;
    queue->length--;
    g_cond_signal(&queue->may_put);
    return item;
}

gboolean queue_put(Queue *queue, gpointer item) {
    g_assert(item != NULL);
    g_mutex_lock(&queue->guard);
    while (!queue->closed && queue->length == queue->capacity)
        g_cond_wait(&queue->may_put, &queue->guard);
    const gboolean done = put_locked(queue, item);
    g_mutex_unlock(&queue->guard);
    return done;
}

gboolean queue_try_put(Queue *queue, gpointer item) {
    g_assert(item != NULL);
    g_mutex_lock(&queue->guard);
    const gboolean done = put_locked(queue, item);
    g_mutex_unlock(&queue->guard);
    return done;
}

gpointer queue_take(Queue *queue) {
    gpointer item = NULL;
    return queue_take_many(queue, &item, 1) == 0 ? NULL : item;
}

gpointer queue_take_for(Queue *queue, gint64 timeout_ms) {
    const gint64 end = g_get_monotonic_time() + timeout_ms * 1000;
    g_mutex_lock(&queue->guard);
    while (!queue->closed && queue->length == 0)
        if (!g_cond_wait_until(&queue->may_take, &queue->guard, end))
            break;
    gpointer item = take_locked(queue);
    g_mutex_unlock(&queue->guard);
    return item;
}

gsize queue_take_many(Queue *queue, gpointer *items, gsize max) {
    g_mutex_lock(&queue->guard);
    while (!queue->closed && queue->length == 0)
        g_cond_wait(&queue->may_take, &queue->guard);
    gsize taken = 0;
    while (taken < max && queue->length > 0)
        items[taken++] = take_locked(queue);
    g_mutex_unlock(&queue->guard);
    return taken;
}

void queue_close(Queue *queue) {
    g_mutex_lock(&queue->guard);
    queue->closed = TRUE;
    g_cond_broadcast(&queue->may_put);
    g_cond_broadcast(&queue->may_take);
    g_mutex_unlock(&queue->guard);
}

gboolean queue_is_closed(Queue *queue) {
    g_mutex_lock(&queue->guard);
    const gboolean closed = queue->closed;
    g_mutex_unlock(&queue->guard);
    return closed;
}

gsize queue_length(Queue *queue) {
    g_mutex_lock(&queue->guard);
    const gsize length = queue->length;
    g_mutex_unlock(&queue->guard);
    return length;
}
