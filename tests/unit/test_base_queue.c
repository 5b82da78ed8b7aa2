/* The bounded queue. */
#include "base/queue.h"

static void test_order_and_bound(void) {
    g_autoptr(Queue) queue = queue_new(3);
    for (guint i = 1; i <= 3; i++)
        g_assert_true(queue_try_put(queue, GUINT_TO_POINTER(i)));
    g_assert_false(queue_try_put(queue, GUINT_TO_POINTER(4)));
    g_assert_cmpuint(queue_length(queue), ==, 3);
    g_assert_cmpuint(GPOINTER_TO_UINT(queue_take(queue)), ==, 1);
    g_assert_true(queue_put(queue, GUINT_TO_POINTER(5)));
    gpointer items[8];
    g_assert_cmpuint(queue_take_many(queue, items, 2), ==, 2);
    g_assert_cmpuint(GPOINTER_TO_UINT(items[1]), ==, 3);
    g_assert_cmpuint(queue_take_many(queue, items, 8), ==, 1);
    g_assert_cmpuint(GPOINTER_TO_UINT(items[0]), ==, 5);
    g_assert_null(queue_take_for(queue, 0));
    g_assert_null(queue_take_for(queue, 5));
}

static void test_close(void) {
    g_autoptr(Queue) queue = queue_new(2);
    g_assert_true(queue_put(queue, GUINT_TO_POINTER(1)));
    g_assert_false(queue_is_closed(queue));
    queue_close(queue);
    g_assert_true(queue_is_closed(queue));
    g_assert_false(queue_put(queue, GUINT_TO_POINTER(2)));
    g_assert_false(queue_try_put(queue, GUINT_TO_POINTER(2)));
    g_assert_cmpuint(GPOINTER_TO_UINT(queue_take(queue)), ==, 1);
    g_assert_null(queue_take(queue));
    g_assert_null(queue_take_for(queue, 60000));
}

#define ITEMS 5000
#define THREADS 3

typedef struct {
    Queue *queue;
    guint64 sum;
} Worker;

static gpointer produce(gpointer data) {
    Worker *worker = data;
    for (guint i = 1; i <= ITEMS; i++)
        g_assert_true(queue_put(worker->queue, GUINT_TO_POINTER(i)));
    return NULL;
}

static gpointer consume(gpointer data) {
    Worker *worker = data;
    for (gpointer item; (item = queue_take(worker->queue)) != NULL;)
        worker->sum += GPOINTER_TO_UINT(item);
    return NULL;
}

static void test_threads(void) {
    g_autoptr(Queue) queue = queue_new(7);
    Worker workers[2 * THREADS];
    GThread *threads[2 * THREADS];
    for (guint i = 0; i < 2 * THREADS; i++) {
        workers[i] = (Worker){queue, 0};
        threads[i] = g_thread_new("queue", i < THREADS ? produce : consume, &workers[i]);
    }
    for (guint i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    queue_close(queue);
    guint64 sum = 0;
    for (guint i = THREADS; i < 2 * THREADS; i++) {
        g_thread_join(threads[i]);
        sum += workers[i].sum;
    }
    g_assert_cmpuint(sum, ==, (guint64)THREADS * ITEMS * (ITEMS + 1) / 2);
}

static gpointer put_into_full(gpointer data) {
    return GINT_TO_POINTER(queue_put(data, GUINT_TO_POINTER(2)) ? 1 : 2);
}

static void test_close_wakes_a_putter(void) {
    g_autoptr(Queue) queue = queue_new(1);
    g_assert_true(queue_put(queue, GUINT_TO_POINTER(1)));
    GThread *thread = g_thread_new("put", put_into_full, queue);
    g_usleep(20000);
    queue_close(queue);
    g_assert_cmpint(GPOINTER_TO_INT(g_thread_join(thread)), ==, 2);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/queue/order-and-bound", test_order_and_bound);
    g_test_add_func("/base/queue/close", test_close);
    g_test_add_func("/base/queue/threads", test_threads);
    g_test_add_func("/base/queue/close-wakes", test_close_wakes_a_putter);
    return g_test_run();
}
