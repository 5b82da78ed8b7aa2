/* The conditions of JSONPath, [?(…)]: from text to a tree. Pure. */
#include "base/json_path_internal.h"
#include <string.h>

static void operand_clear(PathOperand *operand) {
    json_unref(operand->literal);
    json_path_free(operand->path);
    pattern_free(operand->pattern);
}

void path_filter_free(PathFilter *filter) {
    if (filter == NULL)
        return;
    path_filter_free(filter->first);
    path_filter_free(filter->second);
    operand_clear(&filter->left);
    operand_clear(&filter->right);
    g_free(filter);
}

/* /text/flags: the flags go into the pattern, as (?flags). */
static gboolean parse_pattern(PathParser *parser, PathOperand *operand) {
    const char *begin = ++parser->at;
    while (*parser->at != '/' && *parser->at != '\0')
        parser->at += *parser->at == '\\' && parser->at[1] != '\0' ? 2 : 1;
    if (*parser->at != '/')
        return path_fail(parser, "a regular expression is not closed");
    g_autofree char *text = g_strndup(begin, (gsize)(parser->at++ - begin));
    g_autoptr(GString) full = g_string_new(NULL);
    for (; g_ascii_isalpha(*parser->at); parser->at++)
        if (strchr("imsx", *parser->at) != NULL)
            g_string_append_c(full, *parser->at);
        else if (strchr("udU", *parser->at) == NULL)
            return path_fail(parser, "no such flag of a regular expression");
    if (full->len > 0) {
        g_string_prepend(full, "(?");
        g_string_append_c(full, ')');
    }
    g_string_append(full, text);
    operand->kind = OPERAND_PATTERN;
    operand->pattern = pattern_new(full->str, parser->error);
    return operand->pattern != NULL;
}

static gboolean parse_literal(PathParser *parser, JsonBuilder *into);

static gboolean parse_list(PathParser *parser, JsonBuilder *into) {
    parser->at++;
    if (!path_enter(parser))
        return FALSE;
    json_begin_array(into, NULL);
    path_skip_blanks(parser);
    for (gboolean more = *parser->at != ']'; more;) {
        if (!parse_literal(parser, into))
            return FALSE;
        path_skip_blanks(parser);
        more = *parser->at == ',';
        parser->at += more ? 1 : 0;
    }
    if (*parser->at != ']')
        return path_fail(parser, "expected ]");
    parser->at++;
    parser->nesting--;
    json_end_array(into);
    return TRUE;
}

/* Numbers, true, false, null. */
static gboolean parse_word(PathParser *parser, JsonBuilder *into) {
    const char *begin = parser->at;
    while (g_ascii_isalnum(*parser->at) || (*parser->at != '\0' && strchr("+-.", *parser->at) != NULL))
        parser->at++;
    g_autofree char *word = g_strndup(begin, (gsize)(parser->at - begin));
    g_autoptr(Json) value = *word != '\0' ? json_parse(word, -1, NULL) : NULL;
    if (value == NULL) {
        parser->at = begin;
        return path_fail(parser,
                         "expected a path, a text in quotation marks, a number, true, false, null, a list or /a regular expression/");
    }
    json_add_json(into, NULL, value);
    return TRUE;
}

static gboolean parse_literal(PathParser *parser, JsonBuilder *into) {
    path_skip_blanks(parser);
    if (*parser->at == '[')
        return parse_list(parser, into);
    if (*parser->at != '\'' && *parser->at != '"')
        return parse_word(parser, into);
    g_autofree char *text = path_parse_quoted(parser);
    if (text == NULL)
        return FALSE;
    json_add_string(into, NULL, text);
    return TRUE;
}

static gboolean parse_operand(PathParser *parser, PathOperand *operand) {
    path_skip_blanks(parser);
    if (*parser->at == '$' || *parser->at == '@') {
        operand->kind = OPERAND_PATH;
        operand->path = path_parse_path(parser);
        return operand->path != NULL;
    }
    if (*parser->at == '/')
        return parse_pattern(parser, operand);
    g_autoptr(JsonBuilder) literal = json_builder_new();
    json_begin_array(literal, NULL);
    if (!parse_literal(parser, literal))
        return FALSE;
    json_end_array(literal);
    g_autoptr(Json) list = json_builder_end(literal);
    operand->kind = OPERAND_LITERAL;
    operand->literal = json_copy(json_at(json_root(list), 0));
    return TRUE;
}

static const PathOperator *parse_operator(PathParser *parser) {
    path_skip_blanks(parser);
    for (const PathOperator *o = path_operators; o->name != NULL; o++) {
        gsize length = strlen(o->name);
        if (g_ascii_strncasecmp(parser->at, o->name, length) == 0 && !(g_ascii_isalpha(*o->name) && g_ascii_isalnum(parser->at[length]))) {
            parser->at += length;
            return o;
        }
    }
    return NULL;
}

static PathFilter *parse_comparison(PathParser *parser) {
    g_autoptr(PathFilter) filter = g_new0(PathFilter, 1);
    if (!parse_operand(parser, &filter->left))
        return NULL;
    filter->operator= parse_operator(parser);
    filter->kind = filter->operator!= NULL ? FILTER_COMPARE : FILTER_EXISTS;
    if (filter->operator== NULL && filter->left.kind != OPERAND_PATH) {
        path_fail(parser, "expected an operator");
        return NULL;
    }
    if (filter->operator!= NULL && !parse_operand(parser, &filter->right))
        return NULL;
    return g_steal_pointer(&filter);
}

static PathFilter *combine(PathFilterKind kind, PathFilter *first, PathFilter *second) {
    PathFilter *filter = g_new0(PathFilter, 1);
    filter->kind = kind;
    filter->first = first;
    filter->second = second;
    return filter;
}

static PathFilter *parse_grouped(PathParser *parser) {
    parser->at++;
    if (!path_enter(parser))
        return NULL;
    g_autoptr(PathFilter) inner = path_parse_filter(parser);
    parser->nesting--;
    if (inner == NULL)
        return NULL;
    if (*parser->at != ')') {
        path_fail(parser, "expected )");
        return NULL;
    }
    parser->at++;
    return g_steal_pointer(&inner);
}

static PathFilter *parse_term(PathParser *parser) {
    path_skip_blanks(parser);
    if (*parser->at == '(')
        return parse_grouped(parser);
    if (*parser->at != '!')
        return parse_comparison(parser);
    parser->at++;
    if (!path_enter(parser))
        return NULL;
    PathFilter *inner = parse_term(parser);
    parser->nesting--;
    return inner != NULL ? combine(FILTER_NOT, inner, NULL) : NULL;
}

/* A chain is one node deeper with each member: its length is bounded by that of the text, its depth by turning it to the left. */
static PathFilter *parse_chain(PathParser *parser, const char *sign, PathFilterKind kind, PathFilter *(*member)(PathParser *parser)) {
    g_autoptr(PathFilter) filter = member(parser);
    guint members = 1;
    for (path_skip_blanks(parser); filter != NULL && g_str_has_prefix(parser->at, sign); path_skip_blanks(parser)) {
        parser->at += strlen(sign);
        PathFilter *next = ++members <= JSON_PATH_STEPS_MAX ? member(parser) : NULL;
        if (next == NULL) {
            if (members > JSON_PATH_STEPS_MAX)
                error_set(parser->error, ERR_LIMIT, "JSON path: more than %d conditions in a row", JSON_PATH_STEPS_MAX);
            return NULL;
        }
        filter = combine(kind, filter, next);
    }
    return g_steal_pointer(&filter);
}

static PathFilter *parse_and(PathParser *parser) {
    return parse_chain(parser, "&&", FILTER_AND, parse_term);
}

PathFilter *path_parse_filter(PathParser *parser) {
    return parse_chain(parser, "||", FILTER_OR, parse_and);
}
