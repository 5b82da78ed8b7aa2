/* One evaluation: its arena, its limits, its failure. */
#include "expr/evaluation.h"

#define CHUNK_BYTES (16 * 1024)
#define TEXT_BYTES_PER_STEP 256

static const char *const exception_names[] = {
    [EXCEPTION_EVALUATION] = "org.springframework.expression.spel.SpelEvaluationException",
    [EXCEPTION_SYNTAX] = "org.springframework.expression.spel.SpelParseException",
    [EXCEPTION_TEMPLATE] = "org.springframework.expression.ParseException",
    [EXCEPTION_NUMBER_FORMAT] = "java.lang.NumberFormatException",
    [EXCEPTION_ARITHMETIC] = "java.lang.ArithmeticException",
    [EXCEPTION_STRING_INDEX] = "java.lang.StringIndexOutOfBoundsException",
    [EXCEPTION_ARGUMENT] = "java.lang.IllegalArgumentException",
    [EXCEPTION_NULL_POINTER] = "java.lang.NullPointerException",
    [EXCEPTION_UNSUPPORTED] = "java.lang.UnsupportedOperationException",
    [EXCEPTION_PATTERN] = "java.util.regex.PatternSyntaxException",
    [EXCEPTION_DATE_TIME] = "java.time.DateTimeException",
    [EXCEPTION_FUNCTION] = "com.netflix.spinnaker.kork.expressions.SpelHelperFunctionException",
    [EXCEPTION_LIMIT] = "org.springframework.expression.spel.SpelEvaluationException",
};

const char *expr_exception_name(ExprException exception) {
    return exception_names[exception];
}

void expr_context_init(ExprContext *context, const ExprOptions *options) {
    *context = (ExprContext){
        .options = options,
        .steps_max = options->steps_max ? options->steps_max : EXPR_STEPS_MAX,
    };
    context->free = context->first;
    context->free_bytes = EXPR_FIRST_CHUNK;
    ExprMap *root = expr_map_new(context, 0);
    root->is_root = TRUE;
    context->root = expr_map_value(context, root);
}

void expr_context_clear(ExprContext *context) {
    g_clear_pointer(&context->chunks, g_ptr_array_unref);
    g_clear_pointer(&context->kept, g_ptr_array_unref);
    g_clear_pointer(&context->message, g_free);
}

void *expr_alloc(ExprContext *context, gsize bytes) {
    bytes = (bytes + 15) & ~(gsize)15;
    if (bytes > context->free_bytes) {
        const gsize chunk = MAX(bytes, CHUNK_BYTES);
        context->free = g_malloc0(chunk);
        context->free_bytes = chunk;
        context->memory += chunk;
        if (!context->chunks)
            context->chunks = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(context->chunks, context->free);
    }
    void *memory = context->free;
    context->free += bytes;
    context->free_bytes -= bytes;
    return memory;
}

char *expr_new_text(ExprContext *context, gsize length) {
    if (length > EXPR_TEXT_MAX) {
        expr_raise(context, EXCEPTION_LIMIT, "The text would have %" G_GSIZE_FORMAT " bytes, the most is %d (EXPR_TEXT_MAX)", length,
                   EXPR_TEXT_MAX);
        return NULL;
    }
    return expr_charge_text(context, length) ? expr_alloc(context, length + 1) : NULL;
}

gboolean expr_charge(ExprContext *context, guint64 steps) {
    if (context->failed)
        return FALSE;
    context->steps += steps;
    if (context->steps > context->steps_max)
        expr_raise(context, EXCEPTION_LIMIT, "The expression needs more than %" G_GUINT64_FORMAT " steps (EXPR_STEPS_MAX)",
                   context->steps_max);
    else if (context->memory > EXPR_MEMORY_MAX)
        expr_raise(context, EXCEPTION_LIMIT, "The expression needs more than %d bytes of memory (EXPR_MEMORY_MAX)", EXPR_MEMORY_MAX);
    return !context->failed;
}

gboolean expr_charge_text(ExprContext *context, gsize bytes) {
    return expr_charge(context, 1 + bytes / TEXT_BYTES_PER_STEP);
}

gboolean expr_enter(ExprContext *context) {
    if (context->depth == EXPR_DEPTH_MAX) {
        expr_raise(context, EXCEPTION_LIMIT, "The expression or a value in it is nested more than %d levels deep (EXPR_DEPTH_MAX)",
                   EXPR_DEPTH_MAX);
        return FALSE;
    }
    context->depth++;
    return TRUE;
}

const ExprValue *expr_raise(ExprContext *context, ExprException exception, const char *format, ...) {
    if (context->failed)
        return NULL;
    context->failed = TRUE;
    context->exception = exception;
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    /* Messages quote what users wrote, of any length. */
    context->message = g_utf8_make_valid(message, (gssize)MIN(strlen(message), 2000));
    return NULL;
}
