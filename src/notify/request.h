/* Requests for notifications as POST /notifications takes them, and what can be said of kinds. Pure. */
#pragma once
#include "notify/send.h"

/* One document per address (one for all, where a kind sends so); array of Json, caller frees. ERR_INVALID, ERR_LIMIT. */
GPtrArray *request_documents(const Senders *senders, const JsonValue *request, const char *key, gint64 now_ms, GError **error);
/* notify_types, notify_unsent (notify/notify.h). */
Json *request_types(const Senders *senders);
Json *request_unsent(const Senders *senders, const Execution *execution);
