/* Documents in contexts of stages. Pure. */
#include "stages/metadata/decoded.h"

Json *metadata_decoded(const JsonValue *value, const char *what, GError **error) {
    if (json_is_object(value) || json_is_array(value))
        return json_copy(value);
    const char *text = json_string(value);
    if (text == NULL) {
        error_set(error, ERR_INVALID, "%s: expected an object or base64 text", what);
        return NULL;
    }
    gsize length = 0;
    g_autofree guchar *bytes = g_base64_decode(text, &length);
    Json *json = json_parse((const char *)bytes, (gssize)length, error);
    if (json == NULL)
        g_prefix_error(error, "%s: base64 text: ", what);
    return json;
}
