/* What JSONPath computes at the end of a path. Pure. */
#include "base/json_path_internal.h"

static Json *length_of(const JsonValue *value) {
    return json_is_array(value) || json_is_object(value) ? json_from_int((gint64)json_length(value)) : NULL;
}

static Json *keys_of(const JsonValue *value) {
    if (!json_is_object(value))
        return NULL;
    g_autoptr(JsonBuilder) keys = json_builder_new();
    json_begin_array(keys, NULL);
    for (JsonIter i = json_iter(value); json_next(&i);)
        json_add_string(keys, NULL, i.key);
    json_end_array(keys);
    return json_builder_end(keys);
}

static Json *first_of(const JsonValue *value) {
    const JsonValue *element = json_is_array(value) ? json_at(value, 0) : NULL;
    return element != NULL ? json_copy(element) : NULL;
}

static Json *last_of(const JsonValue *value) {
    gsize length = json_is_array(value) ? json_length(value) : 0;
    return length > 0 ? json_copy(json_at(value, length - 1)) : NULL;
}

typedef struct {
    double sum, min, max;
    guint count;
} Figures;

static Figures figures_of(const JsonValue *value) {
    Figures figures = {.min = G_MAXDOUBLE, .max = -G_MAXDOUBLE};
    for (JsonIter i = json_iter(json_is_array(value) ? value : NULL); json_next(&i);) {
        if (!json_is_number(i.value))
            continue;
        double number = json_double(i.value, 0);
        figures.sum += number;
        figures.min = MIN(figures.min, number);
        figures.max = MAX(figures.max, number);
        figures.count++;
    }
    return figures;
}

static Json *from_double(double number) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_add_double(builder, NULL, number);
    return json_builder_end(builder);
}

static Json *min_of(const JsonValue *value) {
    Figures figures = figures_of(value);
    return figures.count > 0 ? from_double(figures.min) : NULL;
}

static Json *max_of(const JsonValue *value) {
    Figures figures = figures_of(value);
    return figures.count > 0 ? from_double(figures.max) : NULL;
}

static Json *sum_of(const JsonValue *value) {
    Figures figures = figures_of(value);
    return figures.count > 0 ? from_double(figures.sum) : NULL;
}

static Json *average_of(const JsonValue *value) {
    Figures figures = figures_of(value);
    return figures.count > 0 ? from_double(figures.sum / figures.count) : NULL;
}

const PathFunctionName path_functions[] = {
    {"length", length_of}, {"size", length_of}, {"keys", keys_of}, {"first", first_of}, {"last", last_of},
    {"min", min_of},       {"max", max_of},     {"sum", sum_of},   {"avg", average_of}, {NULL, NULL},
};
