/* Builds the form of a request in AWS's query protocol. Pure. */
#include "clouds/aws/query.h"
#include "net/http_client.h"

struct AwsQuery {
    AwsCallId call;
    char *resource;
    GString *form;
    guint filters;
    gboolean sized; /* the caller chose what to list: no page size is added to a list of names */
};

AwsQuery *aws_query_new(AwsCallId id) {
    AwsQuery *query = g_new0(AwsQuery, 1);
    const AwsCall *call = aws_call(id);
    query->call = id;
    query->form = g_string_new(NULL);
    g_string_printf(query->form, "Action=%s&Version=%s", call->action, aws_service(call->service)->version);
    return query;
}

void aws_query_free(AwsQuery *query) {
    if (!query)
        return;
    g_free(query->resource);
    g_string_free(query->form, TRUE);
    g_free(query);
}

AwsCallId aws_query_call(const AwsQuery *query) {
    return query->call;
}

void aws_query_about(AwsQuery *query, const char *resource) {
    g_free(query->resource);
    query->resource = g_strdup(resource);
}

const char *aws_query_resource(const AwsQuery *query) {
    return query->resource;
}

static void append(GString *form, const char *key, const char *value) {
    g_autofree char *key_text = http_escape(key), *value_text = http_escape(value);
    g_string_append_printf(form, "&%s=%s", key_text, value_text);
}

void aws_query_add(AwsQuery *query, const char *value, const char *key_format, ...) {
    if (!value)
        return;
    va_list arguments;
    va_start(arguments, key_format);
    g_autofree char *key = g_strdup_vprintf(key_format, arguments);
    va_end(arguments);
    append(query->form, key, value);
}

void aws_query_add_int(AwsQuery *query, gint64 value, const char *key_format, ...) {
    va_list arguments;
    va_start(arguments, key_format);
    g_autofree char *key = g_strdup_vprintf(key_format, arguments);
    va_end(arguments);
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, value);
    append(query->form, key, text);
}

void aws_query_add_bool(AwsQuery *query, gboolean value, const char *key_format, ...) {
    va_list arguments;
    va_start(arguments, key_format);
    g_autofree char *key = g_strdup_vprintf(key_format, arguments);
    va_end(arguments);
    append(query->form, key, value ? "true" : "false");
}

void aws_query_add_list(AwsQuery *query, const char *const *values, const char *key) {
    for (guint i = 0; values && values[i]; i++)
        aws_query_add(query, values[i], "%s.%u", key, i + 1);
    query->sized = query->sized || (values && values[0]);
}

void aws_query_add_filter(AwsQuery *query, const char *name, const char *value) {
    aws_query_add_filter_list(query, name, (const char *const[]){value, NULL});
}

void aws_query_add_filter_list(AwsQuery *query, const char *name, const char *const *values) {
    guint number = ++query->filters;
    aws_query_add(query, name, "Filter.%u.Name", number);
    for (guint i = 0; values && values[i]; i++)
        aws_query_add(query, values[i], "Filter.%u.Value.%u", number, i + 1);
}

char *aws_query_body(const AwsQuery *query, const char *page) {
    const AwsCall *call = aws_call(query->call);
    GString *form = g_string_new_len(query->form->str, (gssize)query->form->len);
    if (call->size_key && !query->sized)
        g_string_append_printf(form, "&%s=%u", call->size_key, call->page_size);
    if (page && call->token_key)
        append(form, call->token_key, page);
    return g_string_free(form, FALSE);
}
