/* Processing documents: every text with ${…} is evaluated on its own, in memory of its own; what fails stays as it was. */
#include "expr/class.h"
#include "expr/template.h"

typedef struct {
    const ExprOptions *options;
    ExprProcessed *into;
} Process;

static void failure_free(gpointer data) {
    ExprFailure *failure = data;
    g_free(failure->expression);
    g_free(failure->description);
    g_free(failure->exception_type);
    g_free(failure->level);
    g_free(failure);
}

/* ---- failures ---- */

/* "[name]", "[a, b]": the members of the enclosing object that hold just this text; else the text as it was evaluated. */
static char *describe_place(const JsonValue *object, const char *text, const char *rewritten) {
    g_autoptr(GString) names = g_string_new(NULL);
    for (JsonIter i = json_iter(object); json_next(&i);)
        if (i.key && g_strcmp0(json_string(i.value), text) == 0)
            g_string_append_printf(names, "%s%s", names->len ? ", " : "", i.key);
    return names->len ? g_strdup_printf("[%s]", names->str) : g_strdup(rewritten);
}

static void add_failure(Process *process, const JsonValue *object, const char *text, const char *rewritten, char *key,
                        const ExprContext *context) {
    g_autofree char *place = describe_place(object, text, rewritten);
    ExprFailure *failure = g_new0(ExprFailure, 1);
    failure->expression = key;
    failure->level = g_strdup(context->failed ? "ERROR" : "INFO");
    if (context->failed) {
        g_autoptr(GString) description = g_string_new(NULL);
        g_string_append_printf(description, "Failed to evaluate %s %s", place, context->message);
        g_string_replace(description, "$", "", 0);
        failure->description = g_string_free(g_steal_pointer(&description), FALSE);
        failure->exception_type = g_strdup(expr_exception_name(context->exception));
    } else {
        failure->description = g_strdup_printf("Failed to evaluate %s : %s not found", place, key);
    }
    g_ptr_array_add(process->into->failures, failure);
}

/* ---- texts ---- */

/* Appends the value of one part; FALSE after raising. *missing: it was null. */
static gboolean append_part(ExprContext *context, GString *into, const TemplatePart *part, gboolean *missing) {
    if (!part->is_expression) {
        g_string_append(into, part->text);
        return TRUE;
    }
    const ExprValue *value = expr_run(context, part->text, part->tree);
    const ExprValue *text = value ? expr_convert_to_text(context, value) : NULL;
    if (!text)
        return FALSE;
    if (text->type == EXPR_NULL) {
        *missing = TRUE;
        g_string_append_printf(into, "${%s}", part->text);
        return TRUE;
    }
    g_string_append_len(into, text->string.text, (gssize)text->string.length);
    if (into->len > EXPR_TEXT_MAX)
        expr_raise(context, EXCEPTION_LIMIT, "The text would have more than %d bytes (EXPR_TEXT_MAX)", EXPR_TEXT_MAX);
    return !context->failed;
}

/* The text's value, or NULL when it stays as it was. */
static Json *evaluate_parts(ExprContext *context, const Template *template, gboolean *missing) {
    if (template->single) {
        const ExprValue *value = expr_run(context, template->parts[0].text, template->parts[0].tree);
        *missing = value && value->type == EXPR_NULL;
        return value && !*missing ? expr_to_json(context, value, NULL) : NULL;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < template->count; i++)
        if (!append_part(context, text, &template->parts[i], missing))
            return NULL;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_add_string_len(builder, NULL, text->str, text->len);
    return json_builder_end(builder);
}

static Json *process_template(Process *process, const JsonValue *object, const char *text, gsize length) {
    g_auto(ExprContext) context = {0};
    expr_context_init(&context, process->options);
    g_autofree char *rewritten = expr_rewrite(text, process->options->functions);
    Template template = {.parts = NULL};
    if (strlen(text) != length)
        expr_raise(&context, EXCEPTION_TEMPLATE, "A text with an expression may not contain the character U+0000");
    const gboolean parsed = !context.failed && expr_template_parse(&context, rewritten, &template);
    gboolean missing = FALSE;
    g_autoptr(Json) value = parsed ? evaluate_parts(&context, &template, &missing) : NULL;
    if (context.needs_io) {
        process->into->needs_io = TRUE;
        return NULL;
    }
    char *key = parsed ? expr_template_key(&template) : expr_unparsed_key(text);
    if (context.failed || missing)
        add_failure(process, object, text, rewritten, key, &context);
    else
        g_ptr_array_add(process->into->evaluated, key);
    return context.failed ? NULL : g_steal_pointer(&value);
}

/* ---- documents ---- */

static void process_value(Process *process, JsonBuilder *builder, const char *key, const JsonValue *object, const JsonValue *value);

static void process_text(Process *process, JsonBuilder *builder, const char *key, const JsonValue *object, const JsonValue *value) {
    const char *text = json_string(value);
    g_autoptr(Json) result = expr_has_expression(text) ? process_template(process, object, text, json_string_length(value)) : NULL;
    if (result)
        process->into->changed = TRUE;
    json_add_value(builder, key, result ? json_root(result) : value);
}

/* Caller frees. */
static char *text_of(const JsonValue *value) {
    ExprOptions none = {.lookup = NULL};
    g_auto(ExprContext) context = {0};
    expr_context_init(&context, &none);
    const ExprValue *text = expr_java_text(&context, expr_json(&context, value));
    return text ? g_strdup(text->string.text) : NULL;
}

static char *process_key(Process *process, const JsonValue *object, const char *key) {
    g_autoptr(Json) result = expr_has_expression(key) ? process_template(process, object, key, strlen(key)) : NULL;
    g_autofree char *text = result ? text_of(json_root(result)) : NULL;
    if (!text)
        return g_strdup(key);
    process->into->changed = TRUE;
    return g_steal_pointer(&text);
}

static void process_object(Process *process, JsonBuilder *builder, const char *key, const JsonValue *value) {
    json_begin_object(builder, key);
    for (JsonIter i = json_iter(value); json_next(&i);) {
        g_autofree char *name = process_key(process, value, i.key);
        process_value(process, builder, name, value, i.value);
    }
    json_end_object(builder);
}

static void process_array(Process *process, JsonBuilder *builder, const char *key, const JsonValue *value) {
    json_begin_array(builder, key);
    for (JsonIter i = json_iter(value); json_next(&i);)
        process_value(process, builder, NULL, NULL, i.value);
    json_end_array(builder);
}

static void process_value(Process *process, JsonBuilder *builder, const char *key, const JsonValue *object, const JsonValue *value) {
    switch (json_type(value)) {
    case JSON_STRING:
        process_text(process, builder, key, object, value);
        break;
    case JSON_OBJECT:
        process_object(process, builder, key, value);
        break;
    case JSON_ARRAY:
        process_array(process, builder, key, value);
        break;
    default:
        json_add_value(builder, key, value);
        break;
    }
}

/* Whether any text or key in the document needs evaluating. */
static gboolean has_any(const JsonValue *value) {
    if (json_is_string(value))
        return expr_has_expression(json_string(value));
    for (JsonIter i = json_iter(value); json_next(&i);)
        if (expr_has_expression(i.key) || has_any(i.value))
            return TRUE;
    return FALSE;
}

void expr_process(const JsonValue *value, const ExprOptions *options, ExprProcessed *into) {
    *into = (ExprProcessed){
        .failures = g_ptr_array_new_with_free_func(failure_free),
        .evaluated = g_ptr_array_new_with_free_func(g_free),
    };
    if (!has_any(value)) {
        into->value = json_copy(value);
        return;
    }
    Process process = {.options = options, .into = into};
    g_autoptr(JsonBuilder) builder = json_builder_new();
    process_value(&process, builder, NULL, NULL, value);
    into->value = json_builder_end(builder);
}

void expr_processed_clear(ExprProcessed *processed) {
    g_clear_pointer(&processed->value, json_unref);
    g_clear_pointer(&processed->failures, g_ptr_array_unref);
    g_clear_pointer(&processed->evaluated, g_ptr_array_unref);
}

Json *expr_evaluate(const char *expression, const ExprOptions *options, GError **error) {
    g_auto(ExprContext) context = {0};
    expr_context_init(&context, options);
    const gsize length_max = options->length_max ? options->length_max : EXPR_LENGTH_MAX;
    if (!g_utf8_validate(expression, -1, NULL) || (gsize)g_utf8_strlen(expression, -1) > length_max) {
        error_set(error, ERR_INVALID, "the expression is not UTF-8 text of at most %" G_GSIZE_FORMAT " characters (EXPR_LENGTH_MAX)",
                  length_max);
        return NULL;
    }
    g_autofree char *rewritten = expr_rewrite(expression, options->functions);
    const Node *tree = expr_parse(&context, rewritten);
    const ExprValue *value = tree ? expr_run(&context, rewritten, tree) : NULL;
    Json *json = value ? expr_to_json(&context, value, NULL) : NULL;
    if (!json)
        error_set(error, context.needs_io ? ERR_UNAVAILABLE : ERR_INVALID, "%s", context.message ? context.message : "no value");
    return json;
}
