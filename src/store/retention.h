/* How old the oldest of what is only kept for a while is. Any thread. */
#pragma once
#include "store/store.h"

/* In milliseconds since the epoch; 0: there is none. */
gboolean store_oldest_trigger_event(Store *store, gint64 *created_ms, GError **error);
gboolean store_oldest_lone_operation(Store *store, gint64 *updated_ms, GError **error); /* finished, without an execution */
