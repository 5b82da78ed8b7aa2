/* Links of documents to shared ones (json_internal.h). Pure functions, any thread. */
#include "base/json_internal.h"

gboolean json_has_links(const yyjson_val *values, gsize n) {
    for (gsize i = 0; i < n; i++)
        if (json_is_link(&values[i]))
            return TRUE;
    return FALSE;
}

gboolean json_links_ref(const yyjson_val *values, gsize n) {
    gboolean any = FALSE;
    for (gsize i = 0; i < n; i++)
        if (json_is_link(&values[i])) {
            json_ref(json_link_target(&values[i]));
            any = TRUE;
        }
    return any;
}

void json_links_unref(const yyjson_val *values, gsize n) {
    for (gsize i = 0; i < n; i++)
        if (json_is_link(&values[i]))
            json_unref(json_link_target(&values[i]));
}

void json_note_links(Json *json, gsize n) {
    json->linking = TRUE;
    for (gsize i = 0; i < n; i++)
        if (json_is_link(&json->values[i]))
            json->memory += json_link_target(&json->values[i])->memory;
}
