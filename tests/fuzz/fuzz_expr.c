/* Any text as a template and as a bare expression, against a context with every kind of value. What comes out must be a
 * document; what does not evaluate must be told; nothing may take longer than its limits allow. */
#include "expr/expr.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#define STEPS_MAX 20000 /* smaller than the real limit, so that many inputs are tried in a second */

static const char context_text[] = "{\"app\":\"storefront\",\"n\":4,\"big\":9000000000,\"huge\":123456789012345678901234567890,\"ratio\":0."
                                   "75,\"on\":true,\"nothing\":null,"
                                   "\"csv\":\"red,green,,blue,,\",\"text\":\"gr\\u00fc\\u00dfe "
                                   "\\ud83d\\ude00\",\"regions\":[\"us-east-1\",\"eu-west-1\"],\"sizes\":[3,8,1,12],"
                                   "\"labels\":{\"team\":\"checkout\",\"tier\":\"web\",\"weight\":10},\"images\":[{\"name\":\"api\","
                                   "\"size\":120,\"archs\":[\"amd64\"]},null]}";

static const JsonValue *lookup(const char *name, gpointer data) {
    return json_get(data, name);
}

static const ExprValue *call_stage(ExprContext *context, const ExprValue *const *arguments, guint n, gpointer data, GError **error) {
    (void)n;
    (void)error;
    const char *name = expr_text(context, arguments[0]);
    return name ? expr_json(context, json_get(data, name)) : expr_null();
}

static const ExprFunction functions[] = {
    {.name = "stage", .min_arguments = 1, .max_arguments = 1, .call = call_stage, .hidden_execution = TRUE},
    {.name = NULL},
};

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    static Json *context;
    if (!context)
        context = json_parse(context_text, -1, NULL);
    if (size > EXPR_LENGTH_MAX)
        return 0;
    g_autofree char *text = g_utf8_make_valid((const char *)data, (gssize)size);
    ExprTrace trace; /* of one text in two: both ways of evaluating are tried */
    expr_trace_init(&trace);
    const ExprOptions options = {.trace = size % 2 ? &trace : NULL,
                                 .lookup = lookup,
                                 .data = (gpointer)json_root(context),
                                 .functions = functions,
                                 .steps_max = STEPS_MAX,
                                 .now_ms = 1700000000000};
    g_autoptr(Json) document = json_with_string(NULL, "value", text);
    ExprProcessed processed;
    expr_process(json_root(document), &options, &processed);
    g_assert(json_is_object(json_root(processed.value)));
    g_assert(processed.failures->len <= 1);
    g_free(json_write(json_root(processed.value), NULL));
    expr_processed_clear(&processed);
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) value = expr_evaluate(text, &options, &error);
    g_assert((value == NULL) == (error != NULL));
    g_assert(trace.entries->len <= EXPR_TRACE_ENTRIES_MAX + 2);
    for (guint i = 0; i < trace.entries->len; i++) {
        const ExprTraceEntry *entry = g_ptr_array_index(trace.entries, i);
        g_assert((entry->value == NULL) == (entry->reason != NULL));
        g_assert(g_utf8_validate(entry->expression, -1, NULL) && (!entry->value || g_utf8_validate(entry->value, -1, NULL)));
        g_assert(strlen(entry->expression) <= EXPR_TRACE_VALUE_MAX + 8 &&
                 (!entry->value || strlen(entry->value) <= EXPR_TRACE_VALUE_MAX + 8));
    }
    expr_trace_clear(&trace);
    return 0;
}
