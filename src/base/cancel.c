/* The cancel flag: one mutex, one condition, a list of hooks. Hooks run without the mutex, on the thread that set it. */
#include "base/cancel.h"

typedef struct {
    guint id;
    void (*run)(gpointer data);
    gpointer data;
} Hook;

struct Cancel {
    gatomicrefcount references;
    GMutex guard; /* of everything below */
    GCond changed;
    gboolean set;
    GArray *hooks; /* of Hook */
    guint last_id;
    guint running_id; /* 0: none */
    GThread *running_on;
};

Cancel *cancel_new(void) {
    Cancel *cancel = g_new0(Cancel, 1);
    g_atomic_ref_count_init(&cancel->references);
    g_mutex_init(&cancel->guard);
    g_cond_init(&cancel->changed);
    cancel->hooks = g_array_new(FALSE, FALSE, sizeof(Hook));
    return cancel;
}

Cancel *cancel_ref(Cancel *cancel) {
    if (cancel != NULL)
        g_atomic_ref_count_inc(&cancel->references);
    return cancel;
}

void cancel_unref(Cancel *cancel) {
    if (cancel == NULL || !g_atomic_ref_count_dec(&cancel->references))
        return;
    g_array_unref(cancel->hooks);
    g_mutex_clear(&cancel->guard);
    g_cond_clear(&cancel->changed);
    g_free(cancel);
}

void cancel_set(Cancel *cancel) {
    if (cancel == NULL)
        return;
    g_autoptr(Cancel) alive = cancel_ref(cancel); /* a hook may give up the last other reference */
    g_mutex_lock(&alive->guard);
    const gboolean first = !alive->set;
    alive->set = TRUE;
    g_cond_broadcast(&alive->changed);
    while (first && alive->hooks->len > 0) {
        const Hook hook = g_array_index(alive->hooks, Hook, 0);
        g_array_remove_index(alive->hooks, 0);
        alive->running_id = hook.id;
        alive->running_on = g_thread_self();
        g_mutex_unlock(&alive->guard);
        hook.run(hook.data);
        g_mutex_lock(&alive->guard);
        alive->running_id = 0;
        g_cond_broadcast(&alive->changed);
    }
    g_mutex_unlock(&alive->guard);
}

gboolean cancel_is_set(Cancel *cancel) {
    if (cancel == NULL)
        return FALSE;
    g_mutex_lock(&cancel->guard);
    const gboolean set = cancel->set;
    g_mutex_unlock(&cancel->guard);
    return set;
}

gboolean cancel_wait(Cancel *cancel, gint64 timeout_ms) {
    if (cancel == NULL) {
        if (timeout_ms > 0)
            g_usleep((gulong)timeout_ms * 1000);
        return FALSE;
    }
    const gint64 end = g_get_monotonic_time() + timeout_ms * 1000;
    g_mutex_lock(&cancel->guard);
    while (!cancel->set)
        if (!g_cond_wait_until(&cancel->changed, &cancel->guard, end))
            break;
    const gboolean set = cancel->set;
    g_mutex_unlock(&cancel->guard);
    return set;
}

guint cancel_notify(Cancel *cancel, void (*hook)(gpointer data), gpointer data) {
    if (cancel == NULL)
        return 0;
    guint id = 0;
    g_mutex_lock(&cancel->guard);
    if (!cancel->set) {
        id = ++cancel->last_id;
        const Hook entry = {id, hook, data};
        g_array_append_val(cancel->hooks, entry);
    }
    g_mutex_unlock(&cancel->guard);
    if (id == 0)
        hook(data);
    return id;
}

void cancel_forget(Cancel *cancel, guint id) {
    if (cancel == NULL || id == 0)
        return;
    g_mutex_lock(&cancel->guard);
    for (guint i = 0; i < cancel->hooks->len; i++)
        if (g_array_index(cancel->hooks, Hook, i).id == id) {
            g_array_remove_index(cancel->hooks, i);
            break;
        }
    while (cancel->running_id == id && cancel->running_on != g_thread_self())
        g_cond_wait(&cancel->changed, &cancel->guard);
    g_mutex_unlock(&cancel->guard);
}
