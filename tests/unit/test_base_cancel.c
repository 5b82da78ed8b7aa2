/* The cancel flag: waiting, hooks, forgetting a hook that runs. */
#include "base/cancel.h"

static void count(gpointer data) {
    g_atomic_int_inc((gint *)data);
}

static void test_flag(void) {
    g_autoptr(Cancel) cancel = cancel_new();
    g_assert_false(cancel_is_set(cancel));
    g_assert_false(cancel_wait(cancel, 1));
    cancel_set(cancel);
    cancel_set(cancel);
    g_assert_true(cancel_is_set(cancel));
    g_assert_true(cancel_wait(cancel, 100000));
}

static void test_null(void) {
    g_assert_null(cancel_ref(NULL));
    cancel_unref(NULL);
    cancel_set(NULL);
    g_assert_false(cancel_is_set(NULL));
    g_assert_false(cancel_wait(NULL, 1));
    g_assert_cmpuint(cancel_notify(NULL, count, NULL), ==, 0);
    cancel_forget(NULL, 1);
}

static void test_hooks(void) {
    g_autoptr(Cancel) cancel = cancel_new();
    gint kept = 0, forgotten = 0, late = 0;
    g_assert_cmpuint(cancel_notify(cancel, count, &kept), >, 0);
    cancel_forget(cancel, cancel_notify(cancel, count, &forgotten));
    cancel_set(cancel);
    cancel_set(cancel);
    g_assert_cmpuint(cancel_notify(cancel, count, &late), ==, 0);
    g_assert_cmpint(kept, ==, 1);
    g_assert_cmpint(forgotten, ==, 0);
    g_assert_cmpint(late, ==, 1);
}

static gpointer set_later(gpointer data) {
    g_usleep(20000);
    cancel_set(data);
    cancel_unref(data);
    return NULL;
}

static void test_wakes_a_waiter(void) {
    g_autoptr(Cancel) cancel = cancel_new();
    GThread *thread = g_thread_new("set", set_later, cancel_ref(cancel));
    g_assert_true(cancel_wait(cancel, 60000));
    g_thread_join(thread);
}

typedef struct {
    Cancel *cancel;
    guint id;
    gint started, finished;
} Slow;

static void run_slowly(gpointer data) {
    Slow *slow = data;
    g_atomic_int_set(&slow->started, 1);
    g_usleep(50000);
    g_atomic_int_set(&slow->finished, 1);
}

static void test_forget_waits_for_a_running_hook(void) {
    g_autoptr(Cancel) cancel = cancel_new();
    Slow slow = {.cancel = cancel};
    slow.id = cancel_notify(cancel, run_slowly, &slow);
    GThread *thread = g_thread_new("set", set_later, cancel_ref(cancel));
    while (!g_atomic_int_get(&slow.started))
        g_usleep(100);
    cancel_forget(cancel, slow.id);
    g_assert_cmpint(g_atomic_int_get(&slow.finished), ==, 1);
    g_thread_join(thread);
}

static void forget_itself(gpointer data) {
    Slow *slow = data;
    cancel_forget(slow->cancel, slow->id);
    slow->finished = 1;
}

static void test_a_hook_may_forget_itself(void) {
    g_autoptr(Cancel) cancel = cancel_new();
    Slow slow = {.cancel = cancel};
    slow.id = cancel_notify(cancel, forget_itself, &slow);
    cancel_set(cancel);
    g_assert_cmpint(slow.finished, ==, 1);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/cancel/flag", test_flag);
    g_test_add_func("/base/cancel/null", test_null);
    g_test_add_func("/base/cancel/hooks", test_hooks);
    g_test_add_func("/base/cancel/wakes", test_wakes_a_waiter);
    g_test_add_func("/base/cancel/forget-waits", test_forget_waits_for_a_running_hook);
    g_test_add_func("/base/cancel/forget-itself", test_a_hook_may_forget_itself);
    return g_test_run();
}
