/* The general filters. Pure. */
#include "templates/jinja_internal.h"
#include <math.h>
#include <string.h>

#define FILTER(name_) static Json *name_(const JsonValue *value, const JsonValue *const *arguments, guint n, gpointer data, GError **error)
#define UNUSED (void)arguments, (void)n, (void)data, (void)error

static Json *copy_or_null(const JsonValue *value) {
    return value != NULL ? json_copy(value) : json_parse("null", -1, NULL);
}

static Json *text_json(char *text /* taken */) {
    Json *json = json_from_string(text);
    g_free(text);
    return json;
}

FILTER(filter_base64) {
    UNUSED;
    g_autofree char *text = jinja_as_text(value);
    return text_json(g_base64_encode((const guchar *)text, strlen(text)));
}

FILTER(filter_json) {
    UNUSED;
    return text_json(json_write(value, NULL));
}

FILTER(filter_default) {
    (void)data, (void)error;
    gboolean also_false = n > 1 && jinja_is_true(arguments[1]);
    gboolean missing = value == NULL || json_is_null(value) || (also_false && !jinja_is_true(value));
    return copy_or_null(missing && n > 0 ? arguments[0] : value);
}

FILTER(filter_lower) {
    UNUSED;
    g_autofree char *text = jinja_as_text(value);
    return text_json(g_utf8_strdown(text, -1));
}

FILTER(filter_upper) {
    UNUSED;
    g_autofree char *text = jinja_as_text(value);
    return text_json(g_utf8_strup(text, -1));
}

FILTER(filter_trim) {
    UNUSED;
    return text_json(g_strstrip(jinja_as_text(value)));
}

FILTER(filter_capitalize) {
    UNUSED;
    g_autofree char *text = jinja_as_text(value);
    const char *rest = *text != '\0' ? g_utf8_next_char(text) : text;
    g_autofree char *first = g_utf8_strup(text, rest - text), *lower = g_utf8_strdown(rest, -1);
    return text_json(g_strconcat(first, lower, NULL));
}

FILTER(filter_length) {
    UNUSED;
    return json_from_int(json_is_string(value) ? (gint64)g_utf8_strlen(json_string(value), -1) : (gint64)json_length(value));
}

FILTER(filter_first) {
    UNUSED;
    return copy_or_null(json_at(value, 0));
}

FILTER(filter_last) {
    UNUSED;
    return copy_or_null(json_length(value) > 0 ? json_at(value, json_length(value) - 1) : NULL);
}

FILTER(filter_join) {
    (void)data, (void)error;
    g_autofree char *between = n > 0 ? jinja_as_text(arguments[0]) : g_strdup("");
    g_autoptr(GString) text = g_string_new(NULL);
    for (JsonIter i = json_iter(json_is_array(value) ? value : NULL); json_next(&i);) {
        g_autofree char *part = jinja_as_text(i.value);
        if (i.index > 0)
            g_string_append(text, between);
        g_string_append(text, part);
        if (text->len <= JINJA_OUTPUT_MAX)
            continue;
        error_set(error, ERR_LIMIT, "the text is longer than %d bytes", JINJA_OUTPUT_MAX);
        return NULL;
    }
    return json_from_string(text->str);
}

FILTER(filter_split) {
    (void)data, (void)error;
    g_autofree char *text = jinja_as_text(value), *by = n > 0 ? jinja_as_text(arguments[0]) : g_strdup(" ");
    g_auto(GStrv) parts = g_strsplit(text, *by != '\0' ? by : " ", -1);
    return json_from_strings((const char *const *)parts);
}

FILTER(filter_replace) {
    (void)data;
    g_autofree char *text = jinja_as_text(value), *from = n > 0 ? jinja_as_text(arguments[0]) : g_strdup("");
    g_autofree char *to = n > 1 ? jinja_as_text(arguments[1]) : g_strdup("");
    if (n < 2 || *from == '\0') {
        error_set(error, ERR_INVALID, "expected what to replace, and by what");
        return NULL;
    }
    gsize times = 0;
    for (const char *at = text; (at = strstr(at, from)) != NULL; at += strlen(from))
        times++;
    if (strlen(text) + times * strlen(to) > JINJA_OUTPUT_MAX) {
        error_set(error, ERR_LIMIT, "the text is longer than %d bytes", JINJA_OUTPUT_MAX);
        return NULL;
    }
    g_auto(GStrv) parts = g_strsplit(text, from, -1);
    return text_json(g_strjoinv(to, parts));
}

static Json *number_json(double number) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_add_double(builder, NULL, number);
    return json_builder_end(builder);
}

FILTER(filter_int) {
    (void)data, (void)error;
    g_autofree char *text = jinja_as_text(value);
    gint64 whole = 0;
    if (g_ascii_string_to_signed(g_strstrip(text), 10, G_MININT64, G_MAXINT64, &whole, NULL))
        return json_from_int(whole);
    double number = json_is_number(value) ? json_double(value, 0) : g_ascii_strtod(text, NULL);
    if (fabs(number) < 9e15 && number != 0)
        return json_from_int((gint64)number);
    return n > 0 ? copy_or_null(arguments[0]) : json_from_int(0);
}

FILTER(filter_float) {
    UNUSED;
    g_autofree char *text = jinja_as_text(value);
    double number = json_is_number(value) ? json_double(value, 0) : g_ascii_strtod(text, NULL);
    return number_json(isfinite(number) ? number : 0);
}

FILTER(filter_string) {
    UNUSED;
    return text_json(jinja_as_text(value));
}

FILTER(filter_abs) {
    UNUSED;
    return json_type(value) == JSON_INT && json_int(value, 0) != G_MININT64 ? json_from_int(ABS(json_int(value, 0)))
                                                                            : number_json(fabs(json_double(value, 0)));
}

/* The greatest (or least) of the value's elements and the arguments. */
static Json *extreme(const JsonValue *value, const JsonValue *const *arguments, guint n, int sign, GError **error) {
    const JsonValue *best = json_is_number(value) ? value : NULL;
    for (JsonIter i = json_iter(json_is_array(value) ? value : NULL); json_next(&i);)
        if (json_is_number(i.value) && (best == NULL || sign * (json_double(i.value, 0) - json_double(best, 0)) > 0))
            best = i.value;
    for (guint a = 0; a < n; a++)
        if (json_is_number(arguments[a]) && (best == NULL || sign * (json_double(arguments[a], 0) - json_double(best, 0)) > 0))
            best = arguments[a];
    if (best == NULL)
        error_set(error, ERR_INVALID, "expected a list of numbers");
    return best != NULL ? json_copy(best) : NULL;
}

FILTER(filter_max) {
    (void)data;
    return extreme(value, arguments, n, 1, error);
}

FILTER(filter_min) {
    (void)data;
    return extreme(value, arguments, n, -1, error);
}

static int compare_values(gconstpointer a, gconstpointer b) {
    const JsonValue *left = *(const JsonValue *const *)a, *right = *(const JsonValue *const *)b;
    if (json_is_number(left) && json_is_number(right))
        return (json_double(left, 0) > json_double(right, 0)) - (json_double(left, 0) < json_double(right, 0));
    g_autofree char *x = jinja_as_text(left), *y = jinja_as_text(right);
    return strcmp(x, y);
}

static Json *list_json(const GPtrArray *values) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < values->len; i++)
        json_add_value(builder, NULL, values->pdata[i]);
    json_end_array(builder);
    return json_builder_end(builder);
}

static GPtrArray *elements_of(const JsonValue *value) {
    GPtrArray *values = g_ptr_array_new();
    for (JsonIter i = json_iter(json_is_array(value) ? value : NULL); json_next(&i);)
        g_ptr_array_add(values, (gpointer)i.value);
    return values;
}

FILTER(filter_sort) {
    UNUSED;
    g_autoptr(GPtrArray) values = elements_of(value);
    g_ptr_array_sort(values, compare_values);
    return list_json(values);
}

FILTER(filter_reverse) {
    UNUSED;
    g_autoptr(GPtrArray) values = elements_of(value);
    for (guint i = 0; i < values->len / 2; i++) {
        gpointer other = values->pdata[values->len - 1 - i];
        values->pdata[values->len - 1 - i] = values->pdata[i];
        values->pdata[i] = other;
    }
    return list_json(values);
}

FILTER(filter_unique) {
    UNUSED;
    g_autoptr(GPtrArray) values = g_ptr_array_new();
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (JsonIter i = json_iter(json_is_array(value) ? value : NULL); json_next(&i);)
        if (g_hash_table_add(seen, json_write(i.value, NULL)))
            g_ptr_array_add(values, (gpointer)i.value);
    return list_json(values);
}

/* The keys, the values or both of an object. */
static Json *members(const JsonValue *value, gboolean keys, gboolean values) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_is_object(value) ? value : NULL); json_next(&i);) {
        if (keys && values)
            json_begin_array(builder, NULL);
        if (keys)
            json_add_string(builder, NULL, i.key);
        if (values)
            json_add_value(builder, NULL, i.value);
        if (keys && values)
            json_end_array(builder);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

FILTER(filter_keys) {
    UNUSED;
    return members(value, TRUE, FALSE);
}

FILTER(filter_values) {
    UNUSED;
    return members(value, FALSE, TRUE);
}

FILTER(filter_items) {
    UNUSED;
    return members(value, TRUE, TRUE);
}

FILTER(filter_get) {
    (void)data, (void)error;
    const JsonValue *found = n > 0 && json_is_string(arguments[0]) ? json_get(value, json_string(arguments[0])) : NULL;
    if (found == NULL && n > 0 && json_is_array(value))
        found = json_at(value, (gsize)MAX(json_int(arguments[0], G_MAXINT32), 0));
    return copy_or_null(found == NULL && n > 1 ? arguments[1] : found);
}

static const JinjaFilter FILTERS[] = {
    {"abs", filter_abs},         {"base64", filter_base64},   {"b64encode", filter_base64}, {"capitalize", filter_capitalize},
    {"count", filter_length},    {"d", filter_default},       {"default", filter_default},  {"first", filter_first},
    {"float", filter_float},     {"get", filter_get},         {"int", filter_int},          {"items", filter_items},
    {"join", filter_join},       {"json", filter_json},       {"keys", filter_keys},        {"last", filter_last},
    {"length", filter_length},   {"lower", filter_lower},     {"max", filter_max},          {"min", filter_min},
    {"replace", filter_replace}, {"reverse", filter_reverse}, {"sort", filter_sort},        {"split", filter_split},
    {"string", filter_string},   {"tojson", filter_json},     {"trim", filter_trim},        {"unique", filter_unique},
    {"upper", filter_upper},     {"values", filter_values},
};

const JinjaFilter *jinja_filter_find(const char *name) {
    for (gsize f = 0; f < G_N_ELEMENTS(FILTERS); f++)
        if (strcmp(FILTERS[f].name, name) == 0)
            return &FILTERS[f];
    return NULL;
}
