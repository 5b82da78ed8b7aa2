/* The conditions of JSONPath: whether they hold. Pure. */
#include "base/json_path_internal.h"
#include <string.h>

static double number_of(const JsonValue *value) {
    const char *big = json_big_number(value);
    return big != NULL ? g_ascii_strtod(big, NULL) : json_double(value, 0);
}

static int order_of_numbers(const JsonValue *a, const JsonValue *b) {
    if (json_type(a) == JSON_INT && json_type(b) == JSON_INT) {
        gint64 x = json_int(a, 0), y = json_int(b, 0);
        return (x > y) - (x < y);
    }
    double x = number_of(a), y = number_of(b);
    return (x > y) - (x < y);
}

/* Of a number and a text the left one's type decides. */
static gboolean equal(const JsonValue *a, const JsonValue *b) {
    if (a == NULL || b == NULL)
        return FALSE;
    if (json_is_number(a) && json_is_number(b))
        return order_of_numbers(a, b) == 0;
    if (json_is_number(a) && json_is_string(b)) {
        char *end = NULL;
        double number = g_ascii_strtod(json_string(b), &end);
        return end != json_string(b) && *end == '\0' && number >= number_of(a) && number <= number_of(a);
    }
    if (json_is_string(a) && json_is_number(b)) {
        g_autofree char *text = json_as_text(b);
        return strcmp(json_string(a), text) == 0;
    }
    return json_equal(a, b);
}

/* 2: they have no order. */
static int order(const JsonValue *a, const JsonValue *b) {
    if (json_is_number(a) && json_is_number(b))
        return order_of_numbers(a, b);
    if (!json_is_string(a) || !json_is_string(b))
        return 2;
    int result = strcmp(json_string(a), json_string(b));
    return (result > 0) - (result < 0);
}

#define OPERATOR(name)                                                                                                                     \
    static gboolean name(PathRun *run, const PathOperand *left, const JsonValue *a, const PathOperand *right, const JsonValue *b)
#define UNUSED_OPERANDS (void)run, (void)left, (void)right

OPERATOR(is_equal) {
    UNUSED_OPERANDS;
    return equal(a, b);
}
OPERATOR(is_unequal) {
    UNUSED_OPERANDS;
    return !equal(a, b);
}
OPERATOR(is_less) {
    UNUSED_OPERANDS;
    return order(a, b) == -1;
}
OPERATOR(is_at_most) {
    UNUSED_OPERANDS;
    int result = order(a, b);
    return result == -1 || result == 0;
}
OPERATOR(is_greater) {
    UNUSED_OPERANDS;
    return order(a, b) == 1;
}
OPERATOR(is_at_least) {
    UNUSED_OPERANDS;
    int result = order(a, b);
    return result == 1 || result == 0;
}

/* Whole text, as Matcher.matches. */
OPERATOR(is_matched) {
    const PathOperand *pattern = right->kind == OPERAND_PATTERN ? right : left;
    const JsonValue *value = pattern == right ? a : b;
    g_autofree char *text = json_as_text(value);
    if (pattern->kind != OPERAND_PATTERN || text == NULL)
        return FALSE;
    GError *error = NULL;
    gboolean matches = pattern_run(pattern->pattern, text, PATTERN_FULL, &run->pattern_work, &error);
    if (error != NULL)
        g_propagate_error(run->error, error);
    return matches && error == NULL;
}

/* Places in lists count as work: a list may be compared with a list. */
static gboolean in_list(PathRun *run, const JsonValue *value, const JsonValue *list) {
    for (JsonIter i = json_iter(json_is_array(list) ? list : NULL); json_next(&i);) {
        if (run->work == 0)
            return FALSE;
        run->work--;
        if (equal(value, i.value))
            return TRUE;
    }
    return FALSE;
}

static guint count_in_list(PathRun *run, const JsonValue *values, const JsonValue *list) {
    guint found = 0;
    for (JsonIter i = json_iter(json_is_array(values) ? values : NULL); json_next(&i);)
        found += in_list(run, i.value, list) ? 1 : 0;
    return found;
}

OPERATOR(is_in) {
    UNUSED_OPERANDS;
    return in_list(run, a, b);
}
OPERATOR(is_not_in) {
    UNUSED_OPERANDS;
    return !in_list(run, a, b);
}
OPERATOR(is_containing) {
    UNUSED_OPERANDS;
    if (json_is_string(a) && json_is_string(b))
        return strstr(json_string(a), json_string(b)) != NULL;
    return in_list(run, b, a);
}
OPERATOR(is_of_size) {
    UNUSED_OPERANDS;
    gint64 size = -1;
    if (json_is_string(a))
        size = g_utf8_strlen(json_string(a), -1);
    else if (json_is_array(a))
        size = (gint64)json_length(a);
    return json_is_number(b) && size == json_int(b, -2);
}
OPERATOR(is_empty) {
    UNUSED_OPERANDS;
    gboolean known = json_is_string(a) || json_is_array(a) || json_is_object(a);
    gboolean empty = json_is_string(a) ? json_string_length(a) == 0 : json_length(a) == 0;
    return known && json_type(b) == JSON_BOOL && empty == json_is_true(b);
}
OPERATOR(is_subset) {
    UNUSED_OPERANDS;
    return json_is_array(a) && count_in_list(run, a, b) == json_length(a);
}
OPERATOR(has_any) {
    UNUSED_OPERANDS;
    return count_in_list(run, a, b) > 0;
}
OPERATOR(has_none) {
    UNUSED_OPERANDS;
    return json_is_array(a) && count_in_list(run, a, b) == 0;
}

const PathOperator path_operators[] = {
    {"===", is_equal},   {"!==", is_unequal},         {"==", is_equal},     {"!=", is_unequal},  {"<=", is_at_most},
    {">=", is_at_least}, {"=~", is_matched},          {"<", is_less},       {">", is_greater},   {"in", is_in},
    {"nin", is_not_in},  {"contains", is_containing}, {"size", is_of_size}, {"empty", is_empty}, {"subsetof", is_subset},
    {"anyof", has_any},  {"noneof", has_none},        {NULL, NULL},
};

static const JsonValue *operand_value(PathRun *run, const PathOperand *operand, const JsonValue *current) {
    if (operand->kind == OPERAND_LITERAL)
        return json_root(operand->literal);
    if (operand->kind == OPERAND_PATTERN)
        return NULL;
    return path_value(run, operand->path, operand->path->of_current ? current : run->document);
}

static gboolean exists(PathRun *run, const PathFilter *filter, const JsonValue *current) {
    const JsonValue *value = operand_value(run, &filter->left, current);
    return value != NULL && (filter->left.path->definite || json_length(value) > 0);
}

gboolean path_filter_holds(PathRun *run, const PathFilter *filter, const JsonValue *current) {
    gboolean holds = FALSE;
    switch (filter->kind) {
    case FILTER_OR:
        holds = path_filter_holds(run, filter->first, current) || (*run->error == NULL && path_filter_holds(run, filter->second, current));
        break;
    case FILTER_AND:
        holds = path_filter_holds(run, filter->first, current) && path_filter_holds(run, filter->second, current);
        break;
    case FILTER_NOT:
        holds = !path_filter_holds(run, filter->first, current);
        break;
    case FILTER_EXISTS:
        holds = exists(run, filter, current);
        break;
    case FILTER_COMPARE: {
        const JsonValue *a = operand_value(run, &filter->left, current);
        const JsonValue *b = *run->error == NULL ? operand_value(run, &filter->right, current) : NULL;
        holds = *run->error == NULL && filter->operator->compare(run, &filter->left, a, &filter->right, b);
        break;
    }
    }
    return holds && *run->error == NULL;
}
