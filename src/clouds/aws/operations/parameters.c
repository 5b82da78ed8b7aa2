/* Parameters of a call out of JSON: what documents call a member, AWS calls by the same name with a capital. Pure; any thread. */
#include "clouds/aws/operations/operations.h"

void aws_add_parameters(AwsQuery *query, const char *name, const JsonValue *value) {
    if (json_is_array(value)) {
        for (JsonIter i = json_iter(value); json_next(&i);) {
            g_autofree char *element = g_strdup_printf("%s.member.%" G_GSIZE_FORMAT, name, i.index + 1);
            aws_add_parameters(query, element, i.value);
        }
        return;
    }
    if (json_is_object(value)) {
        for (JsonIter i = json_iter(value); json_next(&i);) {
            g_autofree char *member = g_strdup_printf("%s.%c%s", name, g_ascii_toupper(i.key[0]), i.key + 1);
            aws_add_parameters(query, member, i.value);
        }
        return;
    }
    g_autofree char *text = json_as_text(value);
    aws_query_add(query, text, "%s", name);
}

void aws_add_member_parameters(AwsQuery *query, const JsonValue *document, const char *const *keys) {
    for (gsize i = 0; keys[i] != NULL; i++) {
        g_autofree char *name = g_strdup_printf("%c%s", g_ascii_toupper(keys[i][0]), keys[i] + 1);
        const JsonValue *value = json_get(document, keys[i]);
        if (value != NULL && !json_is_null(value))
            aws_add_parameters(query, name, value);
    }
}
