/* Cutting texts at ${ and }, and what the reference does to a text before and after. */
#include "expr/template.h"

#define PREFIX "${"

gboolean expr_has_expression(const char *text) {
    return text && strstr(text, PREFIX) != NULL;
}

/* ---- cutting ---- */

typedef struct {
    char brackets[EXPR_DEPTH_MAX];
    guint open;
} Nesting;

static char opening_of(char closing) {
    return closing == ')' ? '(' : closing == ']' ? '[' : '{';
}

/* The end of the quoted string that begins at `at`, after the quote; NULL when there is none. */
static const char *skip_quoted(const char *at) {
    const char *end = strchr(at + 1, *at);
    return end ? end + 1 : NULL;
}

/* The } that belongs to the ${ before `start`; NULL after raising. */
static const char *find_end(ExprContext *context, const char *start) {
    Nesting nesting = {.open = 0};
    for (const char *at = start; *at;) {
        if (*at == '\'' || *at == '"') {
            const char *end = skip_quoted(at);
            if (!end) {
                expr_raise(context, EXCEPTION_TEMPLATE, "Found non terminating string literal in the expression: %.100s", start);
                return NULL;
            }
            at = end;
            continue;
        }
        if (*at == '}' && nesting.open == 0)
            return at;
        if (strchr("([{", *at)) {
            if (nesting.open == EXPR_DEPTH_MAX) {
                expr_raise(context, EXCEPTION_LIMIT, "The expression is nested more than %d levels deep (EXPR_DEPTH_MAX)", EXPR_DEPTH_MAX);
                return NULL;
            }
            nesting.brackets[nesting.open++] = *at;
        } else if (strchr(")]}", *at)) {
            if (nesting.open == 0 || nesting.brackets[--nesting.open] != opening_of(*at)) {
                expr_raise(context, EXCEPTION_TEMPLATE, "Found closing '%c' without an opening '%c' in the expression: %.100s", *at,
                           opening_of(*at), start);
                return NULL;
            }
        }
        at++;
    }
    expr_raise(context, EXCEPTION_TEMPLATE, "No ending suffix '}' for expression: %.100s", start);
    return NULL;
}

static void add_part(ExprContext *context, Template *template, TemplatePart part) {
    if ((template->count & (template->count - 1)) == 0) { /* full at every power of two */
        TemplatePart *more = expr_alloc(context, sizeof(TemplatePart) * MAX(4, template->count * 2));
        if (template->count)
            memcpy(more, template->parts, sizeof(TemplatePart) * template->count);
        template->parts = more;
    }
    template->parts[template->count++] = part;
}

static gboolean add_literal(ExprContext *context, Template *template, const char *from, const char *to) {
    if (from == to)
        return TRUE;
    const ExprValue *text = expr_text_copy(context, from, (gsize)(to - from));
    if (!text)
        return FALSE;
    add_part(context, template, (TemplatePart){.text = text->string.text});
    return TRUE;
}

static gboolean add_expression(ExprContext *context, Template *template, const char *from, const char *to) {
    const gsize length_max = context->options->length_max ? context->options->length_max : EXPR_LENGTH_MAX;
    while (from < to && (guchar)*from <= ' ')
        from++;
    while (to > from && (guchar)to[-1] <= ' ')
        to--;
    const gsize length = (gsize)(to - from);
    if (length == 0) {
        expr_raise(context, EXCEPTION_TEMPLATE, "No expression defined within delimiter '${}'");
        return FALSE;
    }
    /* Characters are counted only when the bytes are not already few enough. */
    if (length > length_max && (gsize)g_utf8_strlen(from, (gssize)length) > length_max) {
        expr_raise(context, EXCEPTION_LIMIT,
                   "EL1079E: SpEL expression is too long, exceeding the threshold of '%" G_GSIZE_FORMAT "' characters (EXPR_LENGTH_MAX)",
                   length_max);
        return FALSE;
    }
    const ExprValue *text = expr_text_copy(context, from, length);
    Node *tree = text ? expr_parse(context, text->string.text) : NULL;
    if (tree)
        add_part(context, template, (TemplatePart){.text = text->string.text, .is_expression = TRUE, .tree = tree});
    return tree != NULL;
}

gboolean expr_template_parse(ExprContext *context, const char *text, Template *into) {
    *into = (Template){.parts = NULL};
    const char *at = text;
    for (const char *start; (start = strstr(at, PREFIX));) {
        if (!add_literal(context, into, at, start))
            return FALSE;
        const char *end = find_end(context, start + strlen(PREFIX));
        if (!end || !add_expression(context, into, start + strlen(PREFIX), end))
            return FALSE;
        at = end + 1;
    }
    if (!add_literal(context, into, at, at + strlen(at)))
        return FALSE;
    into->single = into->count == 1 && into->parts[0].is_expression;
    return TRUE;
}

/* ---- keys of the summary ---- */

char *expr_template_key(const Template *template) {
    GString *key = g_string_new(NULL);
    for (guint i = 0; i < template->count; i++)
        g_string_append(key, template->parts[i].text);
    return g_string_free(key, FALSE);
}

char *expr_unparsed_key(const char *text) {
    const gsize length = strlen(text);
    if (length > strlen(PREFIX) && g_str_has_prefix(text, PREFIX) && text[length - 1] == '}' && !strpbrk(text, "\r\n"))
        return g_strstrip(g_strndup(text + strlen(PREFIX), length - strlen(PREFIX) - 1));
    GString *key = g_string_new(text);
    g_string_replace(key, "$", "", 0);
    return g_string_free(key, FALSE);
}

/* ---- rewriting ---- */

static void replace_all(GString **text, const char *what, const char *with) {
    g_string_replace(*text, what, with, 0);
}

char *expr_rewrite(const char *text, const ExprFunction *functions) {
    if (!strchr(text, '#') && !strstr(text, "deployedServerGroups"))
        return g_strdup(text);
    GString *rewritten = g_string_new(text);
    gboolean deployed = FALSE;
    for (const ExprFunction *function = functions; function && function->name; function++) {
        if (!function->hidden_execution)
            continue;
        deployed |= strcmp(function->name, "deployedServerGroups") == 0;
        g_autofree char *plain = g_strdup_printf("#%s(", function->name);
        g_autofree char *explicit = g_strdup_printf("#%s( #root.execution, ", function->name);
        if (!strstr(rewritten->str, explicit))
            replace_all(&rewritten, plain, explicit);
    }
    if (deployed && !strstr(rewritten->str, "#deployedServerGroups( #root.execution, "))
        replace_all(&rewritten, "deployedServerGroups", "#deployedServerGroups( #root.execution)");
    return g_string_free(rewritten, FALSE);
}
