/* Versions of stored documents (history.h). */
#include "api/history.h"
#include "api/internal.h"
#include "store/objects.h"

const Param history_query[] = {
    {.name = "limit",
     .type = PARAM_INT,
     .offset = offsetof(HistoryQuery, limit),
     .otherwise = "20",
     .min = 1,
     .max = OBJECT_HISTORY_MAX,
     .help = "How many versions."},
    {0},
};

guint history_limit(const ApiCall *call) {
    return (guint)((const HistoryQuery *)call->query)->limit;
}

static gboolean add_version(const StoreObject *object, gpointer data) {
    json_add_json(data, NULL, object->body);
    return TRUE;
}

Json *history_list(ApiCall *call, const char *kind, const char *id, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    if (!store_object_history(call->services->store, kind, id, history_limit(call), add_version, builder, error))
        return NULL;
    json_end_array(builder);
    return json_builder_end(builder);
}
