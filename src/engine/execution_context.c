/* What an execution comes to: the outputs of its top-level stages, put together (engine.md 1.1). Pure; any thread. */
#include "engine/graph.h"

/* Two lists are joined, each value once; anything else is replaced by the later one. */
static void join_output(Json **all, const char *key, const JsonValue *value) {
    const JsonValue *before = json_get(json_root(*all), key);
    g_autoptr(Json) joined = NULL;
    if (json_is_array(before) && json_is_array(value)) {
        g_autoptr(JsonBuilder) builder = json_builder_new();
        json_begin_array(builder, NULL);
        JsonIter iter = json_iter(before);
        while (json_next(&iter))
            json_add_value(builder, NULL, iter.value);
        iter = json_iter(value);
        while (json_next(&iter)) {
            gboolean known = FALSE;
            JsonIter other = json_iter(before);
            while (!known && json_next(&other))
                known = json_equal(other.value, iter.value);
            if (!known)
                json_add_value(builder, NULL, iter.value);
        }
        json_end_array(builder);
        joined = json_builder_end(builder);
    }
    Json *merged = json_with(json_root(*all), key, joined ? json_root(joined) : value);
    json_unref(*all);
    *all = merged;
}

Json *execution_outputs(const Execution *execution) {
    g_autoptr(GPtrArray) order = execution_topological(execution);
    Json *all = json_empty_object();
    for (guint i = 0; i < order->len; i++) {
        const Stage *stage = g_ptr_array_index(order, i);
        JsonIter iter = json_iter(json_root(stage->outputs));
        while (json_next(&iter))
            join_output(&all, iter.key, iter.value);
    }
    return all;
}
