/* The grammar, loosest first: assignment, elvis, ternary; or; and; one relation; sum; product; power; unary; a start with its
 * steps. Recursive descent, its depth bounded by expr_enter; chains of one level (a + b + …, a.b.c…) are one flat node, so
 * that their length costs no stack. */
#include "expr/class.h"
#include "expr/syntax.h"

typedef struct {
    ExprContext *context;
    const char *text;
    const Token *tokens;
    guint at;
} Parser;

static Node *parse_expression(Parser *parser);

static const Token *peek(const Parser *parser) {
    return &parser->tokens[parser->at];
}

static gboolean is_next(const Parser *parser, TokenKind kind) {
    return peek(parser)->kind == kind;
}

static gboolean is_after_next(const Parser *parser, TokenKind kind) {
    return peek(parser)->kind != TOKEN_END && parser->tokens[parser->at + 1].kind == kind;
}

static gboolean take(Parser *parser, TokenKind kind) {
    if (!is_next(parser, kind))
        return FALSE;
    parser->at++;
    return TRUE;
}

static Node *fail(Parser *parser, const char *wanted) {
    const Token *token = peek(parser);
    expr_raise(parser->context, EXCEPTION_SYNTAX, "EL1043E: Unexpected token at position %u: expected %s but was '%.*s'", token->start,
               wanted, token->kind == TOKEN_END ? 3 : (int)MIN(token->length, 50),
               token->kind == TOKEN_END ? "end" : parser->text + token->start);
    return NULL;
}

static gboolean expect(Parser *parser, TokenKind kind) {
    if (take(parser, kind))
        return TRUE;
    fail(parser, expr_token_name(kind));
    return FALSE;
}

static Node *node_new(Parser *parser, NodeKind kind) {
    Node *node = EXPR_NEW(parser->context, Node);
    node->kind = kind;
    return node;
}

static void append(Node *parent, Node *child) {
    if (parent->last)
        parent->last->next = child;
    else
        parent->children = child;
    parent->last = child;
    parent->count++;
}

/* What it stands for: from that token to the one taken last, unless it is known already. */
static Node *spanned(const Parser *parser, guint first, Node *node) {
    if (!node || node->end || parser->at == 0)
        return node;
    const Token *last = &parser->tokens[parser->at - 1];
    node->start = parser->tokens[first].start;
    node->end = last->start + last->length;
    return node;
}

static const char *copy(Parser *parser, const char *text, gsize length) {
    char *copied = expr_alloc(parser->context, length + 1);
    memcpy(copied, text, length);
    return copied;
}

static const char *token_text(Parser *parser, const Token *token) {
    return copy(parser, parser->text + token->start, token->length);
}

static gboolean is_word(const Parser *parser, const Token *token, const char *word) {
    return token->kind == TOKEN_NAME && token->length == strlen(word) &&
           g_ascii_strncasecmp(parser->text + token->start, word, token->length) == 0;
}

/* Exactly as written: T and new. */
static gboolean is_keyword(const Parser *parser, const char *word) {
    const Token *token = peek(parser);
    return is_word(parser, token, word) && memcmp(parser->text + token->start, word, token->length) == 0;
}

/* ---- literals ---- */

static Node *literal(Parser *parser, const ExprValue *value) {
    Node *node = node_new(parser, NODE_LITERAL);
    node->value = value;
    return node;
}

static Node *parse_string(Parser *parser, const Token *token) {
    const char quote = parser->text[token->start];
    const char *from = parser->text + token->start + 1, *end = from + token->length - 2;
    char *text = expr_alloc(parser->context, token->length);
    gsize length = 0;
    for (; from < end; from++) {
        text[length++] = *from;
        if (*from == quote)
            from++;
    }
    return literal(parser, expr_text_value(parser->context, text, length));
}

static Node *parse_number(Parser *parser, const Token *token) {
    g_autofree char *digits = g_strndup(parser->text + token->start, token->length);
    const gboolean real = token->kind == TOKEN_FLOAT || token->kind == TOKEN_DOUBLE;
    if (real) {
        double number;
        if (expr_parse_real(digits, &number))
            return literal(parser, expr_real(parser->context, token->kind == TOKEN_FLOAT ? EXPR_FLOAT : EXPR_DOUBLE, number));
        expr_raise(parser->context, EXCEPTION_SYNTAX, "EL1038E: The value '%s' cannot be parsed as a double", digits);
        return NULL;
    }
    const gboolean is_long = token->kind == TOKEN_LONG, hex = g_ascii_strncasecmp(digits, "0x", 2) == 0;
    if (is_long)
        digits[token->length - 1] = '\0';
    gint64 number;
    if (expr_parse_integer(hex ? digits + 2 : digits, hex ? 16 : 10, 0, is_long ? G_MAXINT64 : G_MAXINT32, &number))
        return literal(parser, expr_integer(parser->context, is_long ? EXPR_LONG : EXPR_INT, number));
    expr_raise(parser->context, EXCEPTION_SYNTAX, "EL103%s: The value '%s' cannot be parsed as %s", is_long ? "6E" : "5E", digits,
               is_long ? "a long" : "an int");
    return NULL;
}

static Node *parse_literal(Parser *parser) {
    const Token *token = peek(parser);
    switch (token->kind) {
    case TOKEN_INT:
    case TOKEN_LONG:
    case TOKEN_FLOAT:
    case TOKEN_DOUBLE:
        parser->at++;
        return parse_number(parser, token);
    case TOKEN_STRING:
        parser->at++;
        return parse_string(parser, token);
    default:
        break;
    }
    const ExprValue *value = is_word(parser, token, "true")    ? expr_bool(TRUE)
                             : is_word(parser, token, "false") ? expr_bool(FALSE)
                             : is_word(parser, token, "null")  ? expr_null()
                                                               : NULL;
    if (!value)
        return NULL;
    parser->at++;
    return literal(parser, value);
}

/* ---- names, calls, types ---- */

/* The opening parenthesis was taken. A comma before the closing one is accepted: the rewriting of functions makes it. */
static gboolean parse_arguments(Parser *parser, Node *call) {
    while (!is_next(parser, TOKEN_CLOSE)) {
        Node *argument = parse_expression(parser);
        if (!argument)
            return FALSE;
        append(call, argument);
        if (!take(parser, TOKEN_COMMA))
            break;
    }
    return expect(parser, TOKEN_CLOSE);
}

static Node *parse_method_or_property(Parser *parser) {
    if (!is_next(parser, TOKEN_NAME))
        return NULL;
    const char *name = token_text(parser, peek(parser));
    parser->at++;
    Node *node = node_new(parser, is_next(parser, TOKEN_OPEN) ? NODE_METHOD : NODE_PROPERTY);
    node->name = name;
    if (take(parser, TOKEN_OPEN) && !parse_arguments(parser, node))
        return NULL;
    return node;
}

static Node *parse_variable_or_function(Parser *parser) {
    parser->at++;
    Node *node = parse_method_or_property(parser);
    if (!node)
        return parser->context->failed ? NULL : fail(parser, "a name after '#'");
    node->kind = node->kind == NODE_METHOD ? NODE_FUNCTION : NODE_VARIABLE;
    return node;
}

static const char *parse_qualified_name(Parser *parser) {
    if (!is_next(parser, TOKEN_NAME)) {
        fail(parser, "the name of a type");
        return NULL;
    }
    g_autoptr(GString) name = g_string_new(NULL);
    while (is_next(parser, TOKEN_NAME)) {
        g_string_append_len(name, parser->text + peek(parser)->start, peek(parser)->length);
        parser->at++;
        if (!is_next(parser, TOKEN_DOT) || !is_after_next(parser, TOKEN_NAME))
            break;
        parser->at++;
        g_string_append_c(name, '.');
    }
    return copy(parser, name->str, name->len);
}

static Node *parse_type(Parser *parser) {
    parser->at += 2;
    Node *node = node_new(parser, NODE_TYPE);
    node->name = parse_qualified_name(parser);
    if (!node->name)
        return NULL;
    while (take(parser, TOKEN_OPEN_SQUARE)) {
        if (!expect(parser, TOKEN_CLOSE_SQUARE))
            return NULL;
        node->count++;
    }
    return expect(parser, TOKEN_CLOSE) ? node : NULL;
}

static Node *parse_array_elements(Parser *parser, Node *array) {
    while (!is_next(parser, TOKEN_CLOSE_CURLY)) {
        Node *element = parse_expression(parser);
        if (!element)
            return NULL;
        append(array, element);
        if (!take(parser, TOKEN_COMMA))
            break;
    }
    return expect(parser, TOKEN_CLOSE_CURLY) ? array : NULL;
}

/* After "new name": dimensions, then perhaps elements. The first child is the size of the first dimension, null if not given. */
static Node *parse_new_array(Parser *parser, Node *array) {
    array->kind = NODE_NEW_ARRAY;
    Node *size = NULL;
    guint dimensions = 0;
    while (take(parser, TOKEN_OPEN_SQUARE)) {
        if (!is_next(parser, TOKEN_CLOSE_SQUARE)) {
            Node *given = parse_expression(parser);
            if (!given)
                return NULL;
            size = size ? size : given;
        }
        if (!expect(parser, TOKEN_CLOSE_SQUARE))
            return NULL;
        dimensions++;
    }
    append(array, size ? size : literal(parser, expr_null()));
    if (take(parser, TOKEN_OPEN_CURLY) && !parse_array_elements(parser, array))
        return NULL;
    array->count = dimensions;
    return array;
}

static Node *parse_new(Parser *parser) {
    parser->at++;
    Node *node = node_new(parser, NODE_NEW);
    node->name = parse_qualified_name(parser);
    if (!node->name)
        return NULL;
    if (is_next(parser, TOKEN_OPEN_SQUARE))
        return parse_new_array(parser, node);
    return expect(parser, TOKEN_OPEN) && parse_arguments(parser, node) ? node : NULL;
}

static Node *parse_bean(Parser *parser) {
    parser->at++;
    Node *node = node_new(parser, NODE_BEAN);
    if (!is_next(parser, TOKEN_NAME) && !is_next(parser, TOKEN_STRING))
        return fail(parser, "the name of a bean");
    node->name = token_text(parser, peek(parser));
    parser->at++;
    return node;
}

/* ---- brackets ---- */

static Node *parse_bracketed(Parser *parser, NodeKind kind) {
    Node *node = node_new(parser, kind);
    node->operation = peek(parser)->kind;
    parser->at++;
    Node *inner = parse_expression(parser);
    if (!inner || !expect(parser, TOKEN_CLOSE_SQUARE))
        return NULL;
    append(node, inner);
    return node;
}

static Node *parse_selection(Parser *parser) {
    switch (peek(parser)->kind) {
    case TOKEN_PROJECT:
        return parse_bracketed(parser, NODE_PROJECT);
    case TOKEN_SELECT:
    case TOKEN_SELECT_FIRST:
    case TOKEN_SELECT_LAST:
        return parse_bracketed(parser, NODE_SELECT);
    default:
        return NULL;
    }
}

static Node *parse_entries(Parser *parser, Node *key) {
    Node *map = node_new(parser, NODE_MAP);
    while (TRUE) {
        Node *value = parse_expression(parser);
        if (!value)
            return NULL;
        append(map, key);
        append(map, value);
        if (!take(parser, TOKEN_COMMA))
            break;
        key = parse_expression(parser);
        if (!key || !expect(parser, TOKEN_COLON))
            return NULL;
    }
    return expect(parser, TOKEN_CLOSE_CURLY) ? map : NULL;
}

static Node *parse_list_or_map(Parser *parser) {
    parser->at++;
    Node *list = node_new(parser, NODE_LIST);
    if (take(parser, TOKEN_CLOSE_CURLY))
        return list;
    if (take(parser, TOKEN_COLON))
        return expect(parser, TOKEN_CLOSE_CURLY) ? node_new(parser, NODE_MAP) : NULL;
    Node *first = parse_expression(parser);
    if (!first)
        return NULL;
    if (take(parser, TOKEN_COLON))
        return parse_entries(parser, first);
    append(list, first);
    while (take(parser, TOKEN_COMMA)) {
        Node *element = parse_expression(parser);
        if (!element)
            return NULL;
        append(list, element);
    }
    return expect(parser, TOKEN_CLOSE_CURLY) ? list : NULL;
}

/* ---- a start and its steps ---- */

static Node *parse_start(Parser *parser) {
    switch (peek(parser)->kind) {
    case TOKEN_OPEN: {
        parser->at++;
        Node *inner = parse_expression(parser);
        return inner && expect(parser, TOKEN_CLOSE) ? inner : NULL;
    }
    case TOKEN_HASH:
        return parse_variable_or_function(parser);
    case TOKEN_AT:
    case TOKEN_AMPERSAND:
        return parse_bean(parser);
    case TOKEN_OPEN_SQUARE:
        return parse_bracketed(parser, NODE_INDEX);
    case TOKEN_OPEN_CURLY:
        return parse_list_or_map(parser);
    default:
        break;
    }
    Node *node = parse_literal(parser);
    if (node || parser->context->failed)
        return node;
    if (is_keyword(parser, "T") && is_after_next(parser, TOKEN_OPEN))
        return parse_type(parser);
    if (is_keyword(parser, "new") && is_after_next(parser, TOKEN_NAME))
        return parse_new(parser);
    node = parse_method_or_property(parser);
    if (!node && !parser->context->failed)
        node = parse_selection(parser);
    return node || parser->context->failed ? node : fail(parser, "a value");
}

static Node *parse_dotted_step(Parser *parser, gboolean safe) {
    Node *node = parse_method_or_property(parser);
    if (!node && !parser->context->failed && is_next(parser, TOKEN_HASH))
        node = parse_variable_or_function(parser);
    if (!node && !parser->context->failed)
        node = parse_selection(parser);
    if (!node && !parser->context->failed && safe && is_next(parser, TOKEN_OPEN_SQUARE))
        node = parse_bracketed(parser, NODE_INDEX);
    if (node)
        node->safe = safe;
    return node || parser->context->failed ? node : fail(parser, "a property, method, selection or projection after the dot");
}

static Node *parse_primary(Parser *parser) {
    const guint first = parser->at;
    Node *node = spanned(parser, first, parse_start(parser));
    Node *steps = NULL;
    while (node) {
        const gboolean safe = is_next(parser, TOKEN_SAFE_DOT);
        const gboolean index = is_next(parser, TOKEN_OPEN_SQUARE);
        if (!safe && !index && !is_next(parser, TOKEN_DOT))
            break;
        if (!index)
            parser->at++;
        Node *step = index ? parse_bracketed(parser, NODE_INDEX) : parse_dotted_step(parser, safe);
        if (!step)
            return NULL;
        if (!steps) {
            steps = node_new(parser, NODE_STEPS);
            append(steps, node);
        }
        step->end = 0;
        append(steps, spanned(parser, first, step));
    }
    return spanned(parser, first, steps && node ? steps : node);
}

/* ---- operators ---- */

static Node *wrap(Parser *parser, NodeKind kind, Node *child) {
    Node *node = node_new(parser, kind);
    append(node, child);
    return node;
}

static Node *parse_unary(Parser *parser) {
    static const struct {
        TokenKind token;
        NodeKind node;
    } prefixes[] = {{TOKEN_PLUS, NODE_POSITIVE},
                    {TOKEN_MINUS, NODE_NEGATE},
                    {TOKEN_NOT, NODE_NOT},
                    {TOKEN_INCREMENT, NODE_STEP_BY_ONE},
                    {TOKEN_DECREMENT, NODE_STEP_BY_ONE}};
    for (gsize i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        const guint first = parser->at;
        if (!take(parser, prefixes[i].token))
            continue;
        if (!expr_enter(parser->context))
            return NULL;
        Node *operand = parse_unary(parser);
        parser->context->depth--;
        Node *node = operand ? wrap(parser, prefixes[i].node, operand) : NULL;
        if (node)
            node->operation = prefixes[i].token;
        return spanned(parser, first, node);
    }
    return parse_primary(parser);
}

static Node *parse_power(Parser *parser) {
    const guint first = parser->at;
    Node *node = parse_unary(parser);
    if (node && take(parser, TOKEN_POWER)) {
        Node *exponent = parse_unary(parser);
        if (!exponent)
            return NULL;
        node = wrap(parser, NODE_OPERATORS, node);
        exponent->joint = TOKEN_POWER;
        append(node, exponent);
        return spanned(parser, first, node);
    }
    if (node && (is_next(parser, TOKEN_INCREMENT) || is_next(parser, TOKEN_DECREMENT))) {
        node = wrap(parser, NODE_STEP_BY_ONE, node);
        node->safe = TRUE;
        node->operation = peek(parser)->kind;
        parser->at++;
    }
    return spanned(parser, first, node);
}

/* One level of left-associative operators: operands that `inner` parses, joined by any of the kinds. */
static Node *parse_chain(Parser *parser, Node *(*inner)(Parser *), const TokenKind *kinds) {
    const guint first = parser->at;
    Node *node = inner(parser);
    Node *chain = NULL;
    while (node) {
        const TokenKind *kind = kinds;
        while (*kind != TOKEN_END && !is_next(parser, *kind))
            kind++;
        if (*kind == TOKEN_END)
            break;
        parser->at++;
        Node *operand = inner(parser);
        if (!operand)
            return NULL;
        chain = chain ? chain : wrap(parser, NODE_OPERATORS, node);
        operand->joint = *kind;
        append(chain, operand);
    }
    return spanned(parser, first, chain && node ? chain : node);
}

static Node *parse_product(Parser *parser) {
    static const TokenKind kinds[] = {TOKEN_TIMES, TOKEN_DIVIDE, TOKEN_MODULUS, TOKEN_END};
    return parse_chain(parser, parse_power, kinds);
}

static Node *parse_sum(Parser *parser) {
    static const TokenKind kinds[] = {TOKEN_PLUS, TOKEN_MINUS, TOKEN_END};
    return parse_chain(parser, parse_product, kinds);
}

static TokenKind relation_of(const Parser *parser) {
    static const struct {
        const char *word;
        TokenKind kind;
    } words[] = {{"instanceof", TOKEN_INSTANCEOF}, {"matches", TOKEN_MATCHES}, {"between", TOKEN_BETWEEN}};
    const Token *token = peek(parser);
    if (token->kind >= TOKEN_EQ && token->kind <= TOKEN_GE)
        return token->kind;
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
        if (is_word(parser, token, words[i].word))
            return words[i].kind;
    return TOKEN_END;
}

/* Relations do not chain. */
static Node *parse_relation(Parser *parser) {
    const guint first = parser->at;
    Node *node = parse_sum(parser);
    const TokenKind kind = node ? relation_of(parser) : TOKEN_END;
    if (kind == TOKEN_END)
        return node;
    parser->at++;
    Node *right = parse_sum(parser);
    if (!right)
        return NULL;
    node = wrap(parser, NODE_OPERATORS, node);
    right->joint = kind;
    append(node, right);
    return spanned(parser, first, node);
}

static Node *parse_logical(Parser *parser, Node *(*inner)(Parser *), NodeKind kind, TokenKind symbol, const char *word) {
    const guint first = parser->at;
    Node *node = inner(parser);
    Node *chain = NULL;
    while (node && (is_next(parser, symbol) || is_word(parser, peek(parser), word))) {
        parser->at++;
        Node *operand = inner(parser);
        if (!operand)
            return NULL;
        chain = chain ? chain : wrap(parser, kind, node);
        append(chain, operand);
    }
    return spanned(parser, first, chain && node ? chain : node);
}

static Node *parse_and(Parser *parser) {
    return parse_logical(parser, parse_relation, NODE_AND, TOKEN_AND, "and");
}

static Node *parse_or(Parser *parser) {
    return parse_logical(parser, parse_and, NODE_OR, TOKEN_OR, "or");
}

static Node *parse_ternary(Parser *parser, Node *condition) {
    Node *node = wrap(parser, NODE_TERNARY, condition);
    Node *then = parse_expression(parser);
    if (!then || !expect(parser, TOKEN_COLON))
        return NULL;
    Node *otherwise = parse_expression(parser);
    if (!otherwise)
        return NULL;
    append(node, then);
    append(node, otherwise);
    return node;
}

static Node *parse_top(Parser *parser) {
    Node *node = parse_or(parser);
    if (!node)
        return NULL;
    if (take(parser, TOKEN_QUESTION))
        return parse_ternary(parser, node);
    const gboolean assign = take(parser, TOKEN_ASSIGN);
    if (!assign && !take(parser, TOKEN_ELVIS))
        return node;
    Node *right = assign ? parse_or(parser) : parse_expression(parser);
    if (!right)
        return NULL;
    node = wrap(parser, assign ? NODE_ASSIGN : NODE_ELVIS, node);
    append(node, right);
    return node;
}

static Node *parse_expression(Parser *parser) {
    if (!expr_enter(parser->context))
        return NULL;
    const guint first = parser->at;
    Node *node = parse_top(parser);
    parser->context->depth--;
    return spanned(parser, first, node);
}

Node *expr_parse(ExprContext *context, const char *text) {
    guint count;
    const Token *tokens = expr_tokens(context, text, &count);
    if (!tokens)
        return NULL;
    Parser parser = {.context = context, .text = text, .tokens = tokens};
    Node *node = parse_expression(&parser);
    if (node && parser.at < count) {
        expr_raise(context, EXCEPTION_SYNTAX,
                   "EL1041E: After parsing a valid expression, there is still more data in the expression: '%.*s'", 50,
                   text + tokens[parser.at].start);
        return NULL;
    }
    return node;
}
