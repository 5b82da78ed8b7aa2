/* Reading sizes (sizes.h). */
#include "clouds/sizes.h"

static gboolean read_number(const JsonValue *value, gint64 *into) {
    const char *text = json_string(value);
    char *end = NULL;
    if (text == NULL) {
        *into = json_int(value, -1);
        return json_is_number(value) && *into >= 0;
    }
    *into = g_ascii_strtoll(text, &end, 10);
    return end != text && *end == '\0' && *into >= 0;
}

Json *sizes_read(const JsonValue *capacity, GPtrArray *errors) {
    static const char *const KEYS[] = {"min", "max", "desired"};
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(KEYS); i++) {
        const JsonValue *value = json_get(capacity, KEYS[i]);
        gint64 number;
        if (value == NULL || json_is_null(value))
            continue;
        if (read_number(value, &number)) {
            json_add_int(builder, KEYS[i], number);
            continue;
        }
        g_autofree char *shown = json_write(value, NULL);
        g_ptr_array_add(errors, g_strdup_printf("capacity.%s: expected a whole number, 0 or more, got %s", KEYS[i], shown));
    }
    json_end_object(builder);
    return json_builder_end(builder);
}
