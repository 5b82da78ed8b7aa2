/* Documents with expressions: templates, what failed and under which key, strict names, functions with I/O, the limits. */
#include "expr/expr.h"
#include <string.h>

static const JsonValue *lookup(const char *name, gpointer data) {
    return json_get(data ? json_root(data) : NULL, name);
}

static const ExprValue *call_stage(ExprContext *context, const ExprValue *const *arguments, guint n, gpointer data, GError **error) {
    (void)data;
    g_assert_cmpuint(n, ==, 1);
    const char *name = expr_text(context, arguments[0]);
    if (g_strcmp0(name, "Nope") == 0) {
        error_set(error, ERR_INVALID, "Unable to locate [Nope]");
        return NULL;
    }
    return expr_string(context, name);
}

static const ExprValue *call_url(ExprContext *context, const ExprValue *const *arguments, guint n, gpointer data, GError **error) {
    (void)n;
    (void)data;
    (void)error;
    return arguments[0] ? arguments[0] : expr_string(context, "");
}

static const ExprFunction functions[] = {
    {.name = "stage", .min_arguments = 1, .max_arguments = 1, .call = call_stage, .hidden_execution = TRUE},
    {.name = "deployedServerGroups", .max_arguments = EXPR_ANY_NUMBER, .call = call_stage, .hidden_execution = TRUE},
    {.name = "fromUrl", .kind = EXPR_IO, .min_arguments = 1, .max_arguments = 1, .call = call_url},
    {.name = NULL},
};

static Json *context_new(const char *text) {
    Json *json = json_parse(text, -1, NULL);
    g_assert_nonnull(json);
    return json;
}

/* Processes {"value": text} with the options; returns the field as JSON text. */
static char *process_with(const char *document, const ExprOptions *options, ExprProcessed *processed) {
    g_autoptr(Json) source = context_new(document);
    expr_process(json_root(source), options, processed);
    return json_write(json_root(processed->value), NULL);
}

#define CONTEXT "{\"app\":\"shop\",\"n\":4,\"x\":1.0,\"list\":[1,null,[2]],\"map\":{\"a\":1},\"maps\":[{}],\"execution\":\"E\"}"

static void check(const char *document, const char *expected, const char *failures) {
    g_autoptr(Json) context = context_new(CONTEXT);
    const ExprOptions options = {.lookup = lookup, .data = context, .functions = functions};
    ExprProcessed processed;
    g_autofree char *text = process_with(document, &options, &processed);
    g_assert_cmpstr(text, ==, expected);
    g_autoptr(GString) keys = g_string_new(NULL);
    for (guint i = 0; i < processed.failures->len; i++) {
        const ExprFailure *failure = g_ptr_array_index(processed.failures, i);
        g_string_append_printf(keys, "%s%s:%s", i ? "|" : "", failure->level, failure->expression);
        g_assert_cmpint(strcmp(failure->level, "INFO") == 0, ==, failure->exception_type == NULL);
    }
    g_assert_cmpstr(keys->str, ==, failures);
    expr_processed_clear(&processed);
}

static void test_templates(void) {
    check("{\"v\":\"plain\"}", "{\"v\":\"plain\"}", "");
    check("{\"v\":\"$ {x} {x} $x #{x}\"}", "{\"v\":\"$ {x} {x} $x #{x}\"}", "");
    check("{\"v\":\"${n}\"}", "{\"v\":4}", "");
    check("{\"v\":\" ${n}\"}", "{\"v\":\" 4\"}", "");
    check("{\"v\":\"$${app}-\\\\${n}\"}", "{\"v\":\"$shop-\\\\4\"}", "");
    check("{\"v\":\"${'${KEPT}'}\"}", "{\"v\":\"${KEPT}\"}", "");
    check("{\"v\":\"${'a}b'}${\\\"}\\\"}${{a:1}.a}\"}", "{\"v\":\"a}b}1\"}", "");
    check("{\"v\":\"l=${list} x=${x}\"}", "{\"v\":\"l=1,null,2 x=1.0\"}", "");
    check("{\"${app}\":\"${n}\",\"k${n}\":[\"${app}\",{\"z\":null}]}", "{\"shop\":4,\"k4\":[\"shop\",{\"z\":null}]}", "");
    check("\"${n}\"", "4", "");
    check("[true,5,null]", "[true,5,null]", "");
    check("{\"v\":\"line\\n${\\n n \\n}\"}", "{\"v\":\"line\\n4\"}", "");
}

static void test_failures(void) {
    check("{\"v\":\"${missing}\"}", "{\"v\":\"${missing}\"}", "INFO:missing");
    check("{\"v\":\"a.${ missing }.${app}\"}", "{\"v\":\"a.${missing}.shop\"}", "INFO:a.missing.app");
    check("{\"v\":\"${app} ${missing.x}\"}", "{\"v\":\"${app} ${missing.x}\"}", "ERROR:app missing.x");
    check("{\"v\":\"x${map}\"}", "{\"v\":\"x${map}\"}", "ERROR:xmap");
    check("{\"v\":\"x${maps}\"}", "{\"v\":\"x${maps}\"}", "ERROR:xmaps");
    check("{\"v\":\"${a +}\"}", "{\"v\":\"${a +}\"}", "ERROR:a +");
    check("{\"v\":\"a ${b +} c\"}", "{\"v\":\"a ${b +} c\"}", "ERROR:a {b +} c");
    check("{\"v\":\"${a\"}", "{\"v\":\"${a\"}", "ERROR:{a");
    check("{\"v\":\"${}\"}", "{\"v\":\"${}\"}", "ERROR:");
    check("{\"v\":\"${ }\"}", "{\"v\":\"${ }\"}", "ERROR:");
    check("{\"v\":\"${l[0}\"}", "{\"v\":\"${l[0}\"}", "ERROR:l[0");
    check("{\"v\":\"${x)}\"}", "{\"v\":\"${x)}\"}", "ERROR:x)");
    check("{\"v\":\"${'open}\"}", "{\"v\":\"${'open}\"}", "ERROR:'open");
    check("{\"v\":\"${${n}}\"}", "{\"v\":\"${${n}}\"}", "ERROR:${n}");
    check("{\"v\":\"${a +}\\n\"}", "{\"v\":\"${a +}\\n\"}", "ERROR:{a +}\n");
    check("{\"${missing}\":1}", "{\"${missing}\":1}", "INFO:missing");
    check("{\"a\":\"${n}\",\"b\":\"${nope.x}\"}", "{\"a\":4,\"b\":\"${nope.x}\"}", "ERROR:nope.x");
    check("{\"v\":\"\\u0000${n}\"}", "{\"v\":\"\\u0000${n}\"}", "");
    check("{\"v\":\"${n}\\u0000\"}", "{\"v\":\"${n}\\u0000\"}", "ERROR:n");
}

static void test_rewriting(void) {
    check("{\"v\":\"${#stage('A')}\"}", "{\"v\":\"A\"}", "");
    check("{\"v\":\"${#stage('Nope').status}\"}", "{\"v\":\"${#stage('Nope').status}\"}", "ERROR:#stage( #root.execution, 'Nope').status");
    check("{\"v\":\"${#stage( #root.execution, 'A')}${#stage('B')}\"}", "{\"v\":\"${#stage( #root.execution, 'A')}${#stage('B')}\"}",
          "ERROR:#stage( #root.execution, 'A')#stage('B')");
    check("{\"v\":\"deployedServerGroups ${missing}\"}", "{\"v\":\"#deployedServerGroups( #root.execution) ${missing}\"}",
          "INFO:#deployedServerGroups( #root.execution) missing");
}

static void test_descriptions(void) {
    g_autoptr(Json) context = context_new(CONTEXT);
    const ExprOptions options = {.lookup = lookup, .data = context, .functions = functions};
    ExprProcessed processed;
    g_autofree char *text = process_with("{\"a\":\"${nope.x}\",\"b\":\"${nope.x}\",\"c\":[\"${missing}\"],\"d\":\"${n}\"}", &options,
                                         &processed);
    g_assert_nonnull(text);
    g_assert_true(processed.changed);
    g_assert_cmpuint(processed.failures->len, ==, 3);
    const ExprFailure *first = g_ptr_array_index(processed.failures, 0), *last = g_ptr_array_index(processed.failures, 2);
    g_assert_cmpstr(first->description, ==, "Failed to evaluate [a, b] EL1007E: Property or field 'x' cannot be found on null");
    g_assert_cmpstr(first->exception_type, ==, "org.springframework.expression.spel.SpelEvaluationException");
    g_assert_cmpstr(last->description, ==, "Failed to evaluate ${missing} : missing not found");
    g_assert_cmpuint(processed.evaluated->len, ==, 1);
    g_assert_cmpstr(g_ptr_array_index(processed.evaluated, 0), ==, "n");
    expr_processed_clear(&processed);
}

static void test_strict_names(void) {
    g_autoptr(Json) context = context_new("{\"here\":null,\"m\":{\"a\":1}}");
    const ExprOptions options = {.lookup = lookup, .data = context, .strict = TRUE};
    static const struct {
        const char *expression, *expected;
    } rows[] = {{"missing ?: 'd'", NULL}, {"here ?: 'd'", "\"d\""}, {"m.b", NULL}, {"m['b'] ?: 1", "1"}, {"m.a", "1"},
                {"m.empty", "false"}};
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Json) value = expr_evaluate(rows[i].expression, &options, NULL);
        g_autofree char *text = value ? json_write(json_root(value), NULL) : NULL;
        g_assert_cmpstr(text, ==, rows[i].expected);
    }
}

static void test_io(void) {
    ExprOptions options = {.lookup = lookup, .functions = functions};
    ExprProcessed processed;
    g_autofree char *text = process_with("{\"v\":\"${#fromUrl('u')}\",\"w\":\"${1 + 1}\"}", &options, &processed);
    g_assert_true(processed.needs_io);
    g_assert_cmpuint(processed.failures->len, ==, 0);
    g_assert_cmpstr(text, ==, "{\"v\":\"${#fromUrl('u')}\",\"w\":2}");
    expr_processed_clear(&processed);
    g_autoptr(GError) error = NULL;
    g_assert_null(expr_evaluate("#fromUrl('u')", &options, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_UNAVAILABLE);
    options.allow_io = TRUE;
    g_autofree char *done = process_with("{\"v\":\"${#fromUrl('u')}\"}", &options, &processed);
    g_assert_false(processed.needs_io);
    g_assert_cmpstr(done, ==, "{\"v\":\"u\"}");
    expr_processed_clear(&processed);
}

/* ---- limits: each is reached, and its name is in the message ---- */

static void assert_refused(const char *expression, const char *limit) {
    g_autoptr(Json) context = context_new("{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"l\":[0,1,2,3,4,5,6,7,8,9]}");
    const ExprOptions options = {.lookup = lookup, .data = context};
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) value = expr_evaluate(expression, &options, &error);
    if (value || !strstr(error->message, limit))
        g_error("%.60s: %s", expression, value ? "no error" : error->message);
}

static char *repeated(const char *text, guint times) {
    GString *all = g_string_new(NULL);
    for (guint i = 0; i < times; i++)
        g_string_append(all, text);
    return g_string_free(all, FALSE);
}

static void test_limits(void) {
    g_autofree char *long_text = repeated("1+", EXPR_LENGTH_MAX);
    assert_refused(long_text, "EXPR_LENGTH_MAX");
    g_autofree char *nested = repeated("(", EXPR_DEPTH_MAX + 1);
    assert_refused(nested, "EXPR_DEPTH_MAX");
    g_autofree char *negated = repeated("!", EXPR_DEPTH_MAX + 1);
    assert_refused(negated, "EXPR_DEPTH_MAX");
    assert_refused("'a' * 257", "EXPR_REPETITION_MAX");
    assert_refused("'x'.repeat(99999) + 'xx'", "EXPR_CONCATENATION_MAX");
    assert_refused("'x'.repeat(99999999)", "EXPR_TEXT_MAX");
    assert_refused("T(String).format('%9999999s', 1)", "EXPR_TEXT_MAX");
    assert_refused("'x'.matches('a'.repeat(1001))", "EXPR_PATTERN_MAX");
    assert_refused("a.matches('(a+)+[bc]')", "EXPR_REGEX_STEPS_MAX");
    assert_refused("#root.l.![#root.l.![#root.l.![#root.l.![#root.l.![#root.l.![#this]]]]]]", "EXPR_STEPS_MAX");
    assert_refused("#root.l.![#root.l.![#root.l.!['x'.repeat(4000000)]]]", "EXPR_MEMORY_MAX");
    /* One value that is written many times. */
    assert_refused("{#x = 'x'.repeat(1000000), #root.l.![#root.l.![#x]]}", "EXPR_MEMORY_MAX");
}

static void test_limits_kept(void) {
    g_autoptr(Json) context = context_new("{\"l\":[1]}");
    ExprOptions options = {.lookup = lookup, .data = context};
    g_autofree char *chain = repeated("1+", EXPR_LENGTH_MAX / 2 - 1);
    g_autofree char *sum = g_strconcat(chain, "1", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) value = expr_evaluate(sum, &options, &error);
    g_assert_no_error(error);
    g_assert_cmpint(json_int(json_root(value), 0), ==, EXPR_LENGTH_MAX / 2);
    g_autoptr(Json) text = expr_evaluate("('x'.repeat(99999) + 'x').length()", &options, &error);
    g_assert_no_error(error);
    g_assert_cmpint(json_int(json_root(text), 0), ==, EXPR_CONCATENATION_MAX);
    g_autoptr(Json) most = expr_evaluate("('a' * 256).length", &options, &error);
    g_assert_cmpint(json_int(json_root(most), 0), ==, EXPR_REPETITION_MAX);
    options.steps_max = 5;
    g_assert_null(expr_evaluate("1+1+1+1+1+1", &options, NULL));
    options.length_max = 3;
    g_assert_null(expr_evaluate("1234", &options, NULL));
}

static void test_has_expression(void) {
    g_assert_true(expr_has_expression("a ${b}"));
    g_assert_false(expr_has_expression("$ {b}"));
    g_assert_false(expr_has_expression(NULL));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/expr/templates", test_templates);
    g_test_add_func("/expr/failures", test_failures);
    g_test_add_func("/expr/rewriting", test_rewriting);
    g_test_add_func("/expr/descriptions", test_descriptions);
    g_test_add_func("/expr/strict-names", test_strict_names);
    g_test_add_func("/expr/io", test_io);
    g_test_add_func("/expr/limits", test_limits);
    g_test_add_func("/expr/limits-kept", test_limits_kept);
    g_test_add_func("/expr/has-expression", test_has_expression);
    return g_test_run();
}
