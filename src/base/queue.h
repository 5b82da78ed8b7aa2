/* A bounded queue between threads: any number put in, any number take out, in order. Closing it lets what is inside be taken
 * and refuses what is new. The queue does not own its items. */
#pragma once
#include <glib.h>

typedef struct Queue Queue;
Queue *queue_new(gsize capacity);
void queue_free(Queue *queue); /* when no thread uses it any more; NULL-safe */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Queue, queue_free)

/* Waits for room. FALSE when the queue is closed: the item stays the caller's. Items are not NULL. */
gboolean queue_put(Queue *queue, gpointer item);
/* FALSE at once when it is full or closed. */
gboolean queue_try_put(Queue *queue, gpointer item);
/* Waits for an item; NULL when the queue is closed and empty. */
gpointer queue_take(Queue *queue);
/* Waits at most so long; NULL when nothing came. 0: does not wait. */
gpointer queue_take_for(Queue *queue, gint64 timeout_ms);
/* Waits for one item and takes up to max that are there, in order; 0 when closed and empty. */
gsize queue_take_many(Queue *queue, gpointer *items, gsize max);
void queue_close(Queue *queue);
gboolean queue_is_closed(Queue *queue);
gsize queue_length(Queue *queue);
