/* Versions of stored documents, newest first: what their routes have in common. */
#pragma once
#include "api/route.h"

typedef struct {
    gint64 limit;
} HistoryQuery;
extern const Param history_query[];
#define HISTORY_QUERY .query = history_query, .query_size = sizeof(HistoryQuery)

guint history_limit(const ApiCall *call); /* of a route with HISTORY_QUERY */
/* The documents as they were, for who may read the kind. Caller owns. */
Json *history_list(ApiCall *call, const char *kind, const char *id, GError **error);
