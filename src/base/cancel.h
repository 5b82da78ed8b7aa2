/* A flag that many hold and one sets: ends reads, waits and streams at once. Any thread. */
#pragma once
#include <glib.h>

typedef struct Cancel Cancel;
Cancel *cancel_new(void);
Cancel *cancel_ref(Cancel *cancel); /* NULL-safe */
void cancel_unref(Cancel *cancel);  /* NULL-safe */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Cancel, cancel_unref)
void cancel_set(Cancel *cancel);
gboolean cancel_is_set(Cancel *cancel); /* FALSE for NULL */
/* Waits until set or timeout; returns whether it was set. */
gboolean cancel_wait(Cancel *cancel, gint64 timeout_ms);
/* hook runs once on the setting thread when set (at once if already set). Returns an id for cancel_forget,
 * 0 when nothing is kept. A NULL cancel is one that is never set. */
guint cancel_notify(Cancel *cancel, void (*hook)(gpointer data), gpointer data);
void cancel_forget(Cancel *cancel, guint id); /* afterwards the hook does not run (waits for one that is running on
                                              * another thread) */
