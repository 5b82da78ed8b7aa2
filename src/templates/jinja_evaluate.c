/* Values of expressions. Every value is a place in a document that the run keeps. */
#include "templates/jinja_internal.h"
#include <math.h>
#include <string.h>

gboolean jinja_is_true(const JsonValue *value) {
    switch (json_type(value)) {
    case JSON_ABSENT:
    case JSON_NULL:
        return FALSE;
    case JSON_BOOL:
        return json_is_true(value);
    case JSON_STRING:
        return json_string_length(value) > 0;
    case JSON_ARRAY:
    case JSON_OBJECT:
        return json_length(value) > 0;
    default:
        return json_double(value, 1) != 0;
    }
}

char *jinja_as_text(const JsonValue *value) {
    if (value == NULL || json_is_null(value))
        return g_strdup("");
    char *text = json_as_text(value);
    return text != NULL ? text : json_write(value, NULL);
}

/* ---- names and members ---- */
static const JsonValue *look_up(const Jinja *jinja, const char *name) {
    for (guint s = jinja->scopes->len; s-- > 0;) {
        gpointer value = NULL;
        if (g_hash_table_lookup_extended(jinja->scopes->pdata[s], name, NULL, &value))
            return value;
    }
    return json_get(jinja->context, name);
}

static const JsonValue *element(const JsonValue *list, gint64 index) {
    gint64 length = (gint64)json_length(list);
    if (index < 0)
        index += length;
    return index >= 0 && index < length ? json_at(list, (gsize)index) : NULL;
}

static const JsonValue *member(const JsonValue *value, const JsonValue *key) {
    gint64 index = json_int(key, G_MAXINT64);
    const char *name = json_string(key);
    if (json_is_array(value)) {
        if (name != NULL && !g_ascii_string_to_signed(name, 10, G_MININT64, G_MAXINT64, &index, NULL))
            return NULL;
        return element(value, index);
    }
    return name != NULL ? json_get(value, name) : NULL;
}

/* ---- operators ---- */
static const JsonValue *kept_int(Jinja *jinja, gint64 number) {
    return jinja_keep(jinja, json_from_int(number));
}

static const JsonValue *kept_double(Jinja *jinja, double number) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    if (!isfinite(number)) {
        jinja_fail(jinja, ERR_INVALID, "a division by zero, or a number out of range");
        return NULL;
    }
    json_add_double(builder, NULL, number);
    return jinja_keep(jinja, json_builder_end(builder));
}

static const JsonValue *kept_bool(Jinja *jinja, gboolean value) {
    return jinja_keep(jinja, json_from_bool(value));
}

static const JsonValue *kept_text(Jinja *jinja, const char *text) {
    if (strlen(text) > jinja->output_max) {
        jinja_fail(jinja, ERR_LIMIT, "a text is longer than %" G_GSIZE_FORMAT " bytes", jinja->output_max);
        return NULL;
    }
    return jinja_step(jinja, strlen(text) / 256) ? jinja_keep(jinja, json_from_string(text)) : NULL;
}

static const JsonValue *joined(Jinja *jinja, const JsonValue *a, const JsonValue *b) {
    g_autofree char *left = jinja_as_text(a), *right = jinja_as_text(b);
    g_autofree char *both = g_strconcat(left, right, NULL);
    return kept_text(jinja, both);
}

static const JsonValue *appended(Jinja *jinja, const JsonValue *a, const JsonValue *b) {
    if (!jinja_step(jinja, json_length(a) + json_length(b)))
        return NULL;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(a); json_next(&i);)
        json_add_value(builder, NULL, i.value);
    for (JsonIter i = json_iter(b); json_next(&i);)
        json_add_value(builder, NULL, i.value);
    json_end_array(builder);
    return jinja_keep(jinja, json_builder_end(builder));
}

/* Whole numbers as long as they fit. */
static const JsonValue *calculate(Jinja *jinja, const char *operator, const JsonValue * a, const JsonValue *b) {
    gint64 result = 0, x = json_int(a, 0), y = json_int(b, 0);
    gboolean whole = json_type(a) == JSON_INT && json_type(b) == JSON_INT;
    double p = json_double(a, 0), q = json_double(b, 0);
    switch (operator[0]) {
    case '+':
        return whole && !__builtin_add_overflow(x, y, &result) ? kept_int(jinja, result) : kept_double(jinja, p + q);
    case '-':
        return whole && !__builtin_sub_overflow(x, y, &result) ? kept_int(jinja, result) : kept_double(jinja, p - q);
    case '*':
        return whole && !__builtin_mul_overflow(x, y, &result) ? kept_int(jinja, result) : kept_double(jinja, p * q);
    case '%':
        return whole && y != 0 && y != -1 ? kept_int(jinja, ((x % y) + y) % y) : kept_double(jinja, p - floor(p / q) * q);
    default:
        if (operator[1] == '/')
            return whole && y != 0 && y != -1 ? kept_int(jinja, x / y - ((x % y != 0) && ((x < 0) != (y < 0))))
                                              : kept_double(jinja, floor(p / q));
        return kept_double(jinja, p / q);
    }
}

static gboolean contains(const JsonValue *container, const JsonValue *value) {
    const char *text = json_string(value);
    if (json_is_string(container))
        return text != NULL && strstr(json_string(container), text) != NULL;
    if (json_is_object(container))
        return text != NULL && json_get(container, text) != NULL;
    for (JsonIter i = json_iter(json_is_array(container) ? container : NULL); json_next(&i);)
        if (json_equal(i.value, value))
            return TRUE;
    return FALSE;
}

static gboolean equals(const JsonValue *a, const JsonValue *b) {
    gboolean a_nothing = a == NULL || json_is_null(a), b_nothing = b == NULL || json_is_null(b);
    return a_nothing || b_nothing ? a_nothing && b_nothing : json_equal(a, b);
}

static const JsonValue *compare(Jinja *jinja, const char *operator, const JsonValue * a, const JsonValue *b) {
    double order = 0;
    if (json_is_number(a) && json_is_number(b))
        order = json_double(a, 0) - json_double(b, 0);
    else if (json_is_string(a) && json_is_string(b))
        order = strcmp(json_string(a), json_string(b));
    else {
        jinja_fail(jinja, ERR_INVALID, "%s compares two numbers or two texts", operator);
        return NULL;
    }
    gboolean result = operator[0] == '<' ? order < 0 : order> 0;
    return kept_bool(jinja, result || (operator[1] == '=' && order == 0));
}

static const JsonValue *apply_operator(Jinja *jinja, const char *operator, const JsonValue * a, const JsonValue *b) {
    if (strcmp(operator, "~") == 0 || (strcmp(operator, "+") == 0 && (json_is_string(a) || json_is_string(b))))
        return joined(jinja, a, b);
    if (strcmp(operator, "==") == 0 || strcmp(operator, "!=") == 0)
        return kept_bool(jinja, equals(a, b) == (operator[0] == '='));
    if (strcmp(operator, "in") == 0)
        return jinja_step(jinja, json_length(b)) ? kept_bool(jinja, contains(b, a)) : NULL;
    if (operator[0] == '<' || operator[0] == '>')
        return compare(jinja, operator, a, b);
    if (json_is_array(a) && json_is_array(b) && strcmp(operator, "+") == 0)
        return appended(jinja, a, b);
    if (json_is_number(a) && json_is_number(b))
        return calculate(jinja, operator, a, b);
    jinja_fail(jinja, ERR_INVALID, "%s needs two numbers", operator);
    return NULL;
}

static const JsonValue *evaluate_binary(Jinja *jinja, const JinjaNode *node) {
    const JsonValue *a = jinja_evaluate(jinja, node->a);
    gboolean either = strcmp(node->text, "or") == 0 || strcmp(node->text, "||") == 0;
    gboolean both = strcmp(node->text, "and") == 0 || strcmp(node->text, "&&") == 0;
    if (jinja->error != NULL || (either && jinja_is_true(a)) || (both && !jinja_is_true(a)))
        return a;
    const JsonValue *b = jinja_evaluate(jinja, node->b);
    if (jinja->error != NULL || either || both)
        return b;
    return apply_operator(jinja, node->text, a, b);
}

/* ---- tests ---- */
static gboolean is_defined(const JsonValue *value) {
    return value != NULL;
}
static gboolean is_undefined(const JsonValue *value) {
    return value == NULL;
}
static gboolean is_none(const JsonValue *value) {
    return value == NULL || json_is_null(value);
}
static gboolean is_iterable(const JsonValue *value) {
    return json_is_array(value) || json_is_object(value) || json_is_string(value);
}
static gboolean is_even(const JsonValue *value) {
    return json_int(value, 1) % 2 == 0;
}
static gboolean is_odd(const JsonValue *value) {
    return json_int(value, 0) % 2 != 0;
}
static const struct {
    const char *name;
    gboolean (*holds)(const JsonValue *value);
} TESTS[] = {
    {"defined", is_defined},     {"undefined", is_undefined},
    {"none", is_none},           {"string", json_is_string},
    {"number", json_is_number},  {"mapping", json_is_object},
    {"sequence", json_is_array}, {"iterable", is_iterable},
    {"even", is_even},           {"odd", is_odd},
    {"true", json_is_true},      {"false", json_is_false},
    {"truthy", jinja_is_true},
};

static const JsonValue *evaluate_test(Jinja *jinja, const JinjaNode *node) {
    const JsonValue *value = jinja_evaluate(jinja, node->a);
    for (gsize t = 0; jinja->error == NULL && t < G_N_ELEMENTS(TESTS); t++)
        if (strcmp(TESTS[t].name, node->text) == 0)
            return kept_bool(jinja, TESTS[t].holds(value));
    if (jinja->error == NULL)
        jinja_fail(jinja, ERR_INVALID, "unknown test %s", node->text);
    return NULL;
}

/* ---- lists, objects, filters, calls ---- */
static const JsonValue *evaluate_list(Jinja *jinja, const JinjaNode *node) {
    g_autoptr(GPtrArray) values = g_ptr_array_new();
    for (const JinjaNode *each = node->arguments; each != NULL && jinja->error == NULL; each = each->next)
        g_ptr_array_add(values, (gpointer)jinja_evaluate(jinja, each));
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < values->len; i++)
        if (values->pdata[i] != NULL)
            json_add_value(builder, NULL, values->pdata[i]);
        else
            json_add_null(builder, NULL);
    json_end_array(builder);
    return jinja->error == NULL ? jinja_keep(jinja, json_builder_end(builder)) : NULL;
}

static const JsonValue *evaluate_object(Jinja *jinja, const JinjaNode *node) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (const JinjaNode *each = node->arguments; each != NULL && jinja->error == NULL; each = each->next) {
        const JsonValue *key = each->text == NULL ? jinja_evaluate(jinja, each->a) : NULL;
        const JsonValue *value = jinja_evaluate(jinja, each->b);
        g_autofree char *name = each->text != NULL ? g_strdup(each->text) : jinja_as_text(key);
        if (value != NULL)
            json_add_value(builder, name, value);
    }
    json_end_object(builder);
    g_autoptr(Json) object = json_builder_end(builder);
    return jinja->error == NULL ? jinja_keep(jinja, g_steal_pointer(&object)) : NULL;
}

static const JinjaFilter *find_filter(const Jinja *jinja, const char *name) {
    for (const JinjaFilter *filter = jinja->options->filters; filter != NULL && filter->name != NULL; filter++)
        if (strcmp(filter->name, name) == 0)
            return filter;
    return jinja_filter_find(name);
}

static const JsonValue *evaluate_filter(Jinja *jinja, const JinjaNode *node) {
    const JinjaFilter *filter = find_filter(jinja, node->text);
    const JsonValue *value = node->a != NULL ? jinja_evaluate(jinja, node->a) : NULL;
    g_autoptr(GPtrArray) arguments = g_ptr_array_new();
    if (filter == NULL && jinja->error == NULL)
        jinja_fail(jinja, ERR_INVALID, "unknown filter %s", node->text);
    for (const JinjaNode *each = node->arguments; each != NULL && jinja->error == NULL; each = each->next)
        g_ptr_array_add(arguments, (gpointer)jinja_evaluate(jinja, each->kind == NODE_KEYWORD ? each->b : each));
    gsize size = json_is_string(value) ? json_string_length(value) / 256 : json_length(value);
    if (jinja->error != NULL || !jinja_step(jinja, size))
        return NULL;
    g_autoptr(GError) failure = NULL;
    Json *result = filter->apply(value, (const JsonValue *const *)arguments->pdata, arguments->len, jinja->options->data, &failure);
    if (result == NULL)
        jinja_fail(jinja, error_code(failure), "%s: %s", node->text, failure->message);
    return jinja_keep(jinja, result);
}

static const JsonValue *evaluate_call(Jinja *jinja, const JinjaNode *node) {
    gint64 bounds[3] = {0, 0, 1};
    guint n = 0;
    if (strcmp(node->text, "range") != 0)
        return evaluate_filter(jinja, node);
    for (const JinjaNode *each = node->arguments; each != NULL && n < 3 && jinja->error == NULL; each = each->next)
        bounds[n++] = json_int(jinja_evaluate(jinja, each), 0);
    gint64 from = n > 1 ? bounds[0] : 0, to = n > 1 ? bounds[1] : bounds[0], by = bounds[2];
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (gint64 i = from; jinja->error == NULL && by != 0 && (by > 0 ? i < to : i > to) && jinja_step(jinja, 1);) {
        json_add_int(builder, NULL, i);
        if (__builtin_add_overflow(i, by, &i))
            break;
    }
    json_end_array(builder);
    return jinja_keep(jinja, json_builder_end(builder));
}

static const JsonValue *evaluate_minus(Jinja *jinja, const JinjaNode *node) {
    const JsonValue *value = jinja_evaluate(jinja, node->a);
    if (jinja->error != NULL)
        return NULL;
    if (!json_is_number(value)) {
        jinja_fail(jinja, ERR_INVALID, "- needs a number");
        return NULL;
    }
    return json_type(value) == JSON_INT && json_int(value, 0) != G_MININT64 ? kept_int(jinja, -json_int(value, 0))
                                                                            : kept_double(jinja, -json_double(value, 0));
}

static const JsonValue *evaluate_index(Jinja *jinja, const JinjaNode *node) {
    const JsonValue *value = jinja_evaluate(jinja, node->a);
    const JsonValue *key = jinja->error == NULL ? jinja_evaluate(jinja, node->b) : NULL;
    return jinja->error == NULL ? member(value, key) : NULL;
}

static const JsonValue *evaluate_member(Jinja *jinja, const JinjaNode *node) {
    const JsonValue *value = jinja_evaluate(jinja, node->a);
    gint64 index = 0;
    if (json_is_array(value))
        return g_ascii_string_to_signed(node->text, 10, 0, G_MAXINT64, &index, NULL) ? element(value, index) : NULL;
    return json_get(value, node->text);
}

static const JsonValue *evaluate_choice(Jinja *jinja, const JinjaNode *node) {
    gboolean yes = jinja_is_true(jinja_evaluate(jinja, node->b));
    const JinjaNode *chosen = yes ? node->a : node->c;
    return jinja->error == NULL && chosen != NULL ? jinja_evaluate(jinja, chosen) : NULL;
}

static const JsonValue *evaluate_not(Jinja *jinja, const JinjaNode *node) {
    gboolean yes = jinja_is_true(jinja_evaluate(jinja, node->a));
    return jinja->error == NULL ? kept_bool(jinja, !yes) : NULL;
}

static const JsonValue *evaluate_literal(Jinja *jinja, const JinjaNode *node) {
    (void)jinja;
    return node->literal;
}

static const JsonValue *evaluate_name(Jinja *jinja, const JinjaNode *node) {
    return look_up(jinja, node->text);
}

const JsonValue *jinja_evaluate(Jinja *jinja, const JinjaNode *node) {
    static const JsonValue *(*const KINDS[])(Jinja * jinja, const JinjaNode *node) = {
        [NODE_LITERAL] = evaluate_literal, [NODE_NAME] = evaluate_name,       [NODE_MEMBER] = evaluate_member,
        [NODE_INDEX] = evaluate_index,     [NODE_FILTER] = evaluate_filter,   [NODE_TEST] = evaluate_test,
        [NODE_NOT] = evaluate_not,         [NODE_MINUS] = evaluate_minus,     [NODE_BINARY] = evaluate_binary,
        [NODE_CHOICE] = evaluate_choice,   [NODE_LIST] = evaluate_list,       [NODE_OBJECT] = evaluate_object,
        [NODE_CALL] = evaluate_call,       [NODE_KEYWORD] = evaluate_literal,
    };
    return jinja_step(jinja, 1) ? KINDS[node->kind](jinja, node) : NULL;
}
