/* From tokens to the tree of an expression. Recursive descent; each level of precedence is a row of a table. */
#include "templates/jinja_internal.h"
#include <string.h>

static gboolean is(const JinjaToken *token, JinjaTokenKind kind, const char *text) {
    return token->kind == kind && strcmp(token->text, text) == 0;
}

static gboolean take(const JinjaToken **at, JinjaTokenKind kind, const char *text) {
    if (!is(*at, kind, text))
        return FALSE;
    ++*at;
    return TRUE;
}

static gboolean expect(Jinja *jinja, const JinjaToken **at, const char *text) {
    if (take(at, JINJA_OPERATOR, text))
        return TRUE;
    jinja_fail(jinja, ERR_INVALID, "expected %s, got %s", text, (*at)->text);
    return FALSE;
}

static JinjaNode *node_new(Jinja *jinja, JinjaNodeKind kind, const char *text, JinjaNode *a, JinjaNode *b) {
    JinjaNode *node = jinja_alloc(jinja, sizeof(JinjaNode));
    node->kind = kind;
    node->text = text;
    node->a = a;
    node->b = b;
    return node;
}

/* Elements with commas between them up to the closing operator. */
static JinjaNode *parse_list(Jinja *jinja, const JinjaToken **at, const char *close, gboolean keyed) {
    JinjaNode *first = NULL, **last = &first;
    while (jinja->error == NULL && !take(at, JINJA_OPERATOR, close)) {
        JinjaNode *element = NULL;
        if (!keyed && (*at)->kind == JINJA_NAME && is(*at + 1, JINJA_OPERATOR, "=")) {
            element = node_new(jinja, NODE_KEYWORD, (*at)->text, NULL, NULL);
            *at += 2;
            element->b = jinja_parse_expression(jinja, at);
        } else
            element = jinja_parse_expression(jinja, at);
        if (keyed && expect(jinja, at, ":"))
            element = node_new(jinja, NODE_KEYWORD, NULL, element, jinja_parse_expression(jinja, at));
        *last = element;
        if (element == NULL)
            break;
        last = &element->next;
        if (!take(at, JINJA_OPERATOR, ",") && !is(*at, JINJA_OPERATOR, close)) {
            jinja_fail(jinja, ERR_INVALID, "expected , or %s, got %s", close, (*at)->text);
            break;
        }
    }
    return first;
}

static JinjaNode *literal(Jinja *jinja, Json *value /* taken */) {
    JinjaNode *node = node_new(jinja, NODE_LITERAL, NULL, NULL, NULL);
    node->literal = jinja_keep(jinja, value);
    return node;
}

static JinjaNode *parse_name(Jinja *jinja, const JinjaToken **at) {
    const char *name = (*at)++->text;
    if (g_ascii_strcasecmp(name, "true") == 0 || g_ascii_strcasecmp(name, "false") == 0)
        return literal(jinja, json_from_bool(g_ascii_strcasecmp(name, "true") == 0));
    if (g_ascii_strcasecmp(name, "none") == 0 || strcmp(name, "null") == 0)
        return literal(jinja, json_parse("null", -1, NULL));
    if (!take(at, JINJA_OPERATOR, "("))
        return node_new(jinja, NODE_NAME, name, NULL, NULL);
    JinjaNode *call = node_new(jinja, NODE_CALL, name, NULL, NULL);
    call->arguments = parse_list(jinja, at, ")", FALSE);
    return call;
}

static JinjaNode *parse_primary(Jinja *jinja, const JinjaToken **at) {
    const JinjaToken *token = *at;
    if (token->kind == JINJA_NAME)
        return parse_name(jinja, at);
    if (token->kind == JINJA_TEXT || token->kind == JINJA_NUMBER) {
        ++*at;
        return literal(jinja, token->kind == JINJA_TEXT ? json_from_string(token->text) : json_parse(token->text, -1, &jinja->error));
    }
    if (take(at, JINJA_OPERATOR, "(")) {
        JinjaNode *inner = jinja_parse_expression(jinja, at);
        return inner != NULL && expect(jinja, at, ")") ? inner : NULL;
    }
    gboolean list = take(at, JINJA_OPERATOR, "["), object = !list && take(at, JINJA_OPERATOR, "{");
    if (list || object) {
        JinjaNode *node = node_new(jinja, list ? NODE_LIST : NODE_OBJECT, NULL, NULL, NULL);
        node->arguments = parse_list(jinja, at, list ? "]" : "}", object);
        return node;
    }
    jinja_fail(jinja, ERR_INVALID, "expected an expression, got %s", token->text);
    return NULL;
}

/* A name behind "." or "|"; NULL: jinja->error. */
static const char *parse_word(Jinja *jinja, const JinjaToken **at) {
    if ((*at)->kind == JINJA_NAME || (*at)->kind == JINJA_NUMBER)
        return (*at)++->text;
    jinja_fail(jinja, ERR_INVALID, "expected a name, got %s", (*at)->text);
    return NULL;
}

/* a.b, a[b], a.f(x): a call on a value is a filter of that name. */
static JinjaNode *parse_postfix(Jinja *jinja, const JinjaToken **at) {
    JinjaNode *node = parse_primary(jinja, at);
    while (node != NULL && jinja->error == NULL) {
        if (take(at, JINJA_OPERATOR, ".")) {
            const char *word = parse_word(jinja, at);
            gboolean call = word != NULL && take(at, JINJA_OPERATOR, "(");
            node = node_new(jinja, call ? NODE_FILTER : NODE_MEMBER, word, node, NULL);
            if (call)
                node->arguments = parse_list(jinja, at, ")", FALSE);
        } else if (take(at, JINJA_OPERATOR, "[")) {
            node = node_new(jinja, NODE_INDEX, NULL, node, jinja_parse_expression(jinja, at));
            expect(jinja, at, "]");
        } else
            break;
    }
    return node;
}

static JinjaNode *parse_filtered(Jinja *jinja, const JinjaToken **at) {
    JinjaNode *node = parse_postfix(jinja, at);
    while (node != NULL && jinja->error == NULL && take(at, JINJA_OPERATOR, "|")) {
        const char *word = parse_word(jinja, at);
        node = node_new(jinja, NODE_FILTER, word, node, NULL);
        if (word != NULL && take(at, JINJA_OPERATOR, "("))
            node->arguments = parse_list(jinja, at, ")", FALSE);
    }
    return node;
}

static JinjaNode *parse_unary(Jinja *jinja, const JinjaToken **at) {
    if (!jinja_enter(jinja))
        return NULL;
    JinjaNode *node = NULL;
    if (take(at, JINJA_OPERATOR, "-"))
        node = node_new(jinja, NODE_MINUS, NULL, parse_unary(jinja, at), NULL);
    else
        node = parse_filtered(jinja, at);
    jinja->depth--;
    return node;
}

/* Operators that bind alike, weakest first. */
static const char *const LEVELS[][8] = {
    {"or", "||"}, {"and", "&&"}, {"not"}, {"==", "!=", "<", "<=", ">", ">=", "in", "is"}, {"~"}, {"+", "-"}, {"*", "/", "//", "%"},
};
enum { LEVEL_NOT = 2, LEVEL_COMPARE = 3 };

static const char *take_operator(const JinjaToken **at, guint level) {
    for (gsize o = 0; o < G_N_ELEMENTS(LEVELS[level]) && LEVELS[level][o] != NULL; o++)
        if (take(at, g_ascii_isalpha(*LEVELS[level][o]) ? JINJA_NAME : JINJA_OPERATOR, LEVELS[level][o]))
            return LEVELS[level][o];
    return NULL;
}

static JinjaNode *parse_test(Jinja *jinja, const JinjaToken **at, JinjaNode *left) {
    gboolean negated = take(at, JINJA_NAME, "not");
    JinjaNode *test = node_new(jinja, NODE_TEST, parse_word(jinja, at), left, NULL);
    return negated ? node_new(jinja, NODE_NOT, NULL, test, NULL) : test;
}

static JinjaNode *parse_level(Jinja *jinja, const JinjaToken **at, guint level) {
    if (level == G_N_ELEMENTS(LEVELS))
        return parse_unary(jinja, at);
    if (level == LEVEL_NOT) {
        gboolean negated = FALSE;
        while (take(at, JINJA_NAME, "not") || take(at, JINJA_OPERATOR, "!"))
            negated = !negated;
        JinjaNode *node = parse_level(jinja, at, level + 1);
        return negated ? node_new(jinja, NODE_NOT, NULL, node, NULL) : node;
    }
    JinjaNode *left = parse_level(jinja, at, level + 1);
    while (jinja->error == NULL) {
        gboolean not_in = level == LEVEL_COMPARE && is(*at, JINJA_NAME, "not") && is(*at + 1, JINJA_NAME, "in");
        *at += not_in;
        const char *operator= take_operator(at, level);
        if (operator== NULL)
            break;
        if (strcmp(operator, "is") == 0)
            left = parse_test(jinja, at, left);
        else
            left = node_new(jinja, NODE_BINARY, operator, left, parse_level(jinja, at, level + 1));
        if (not_in)
            left = node_new(jinja, NODE_NOT, NULL, left, NULL);
        if (!jinja_step(jinja, 1))
            return NULL;
    }
    return left;
}

JinjaNode *jinja_parse_expression(Jinja *jinja, const JinjaToken **at) {
    if (!jinja_enter(jinja))
        return NULL;
    JinjaNode *node = parse_level(jinja, at, 0);
    if (jinja->error == NULL && take(at, JINJA_NAME, "if")) {
        JinjaNode *condition = parse_level(jinja, at, 0);
        node = node_new(jinja, NODE_CHOICE, NULL, node, condition);
        if (take(at, JINJA_NAME, "else"))
            node->c = jinja_parse_expression(jinja, at);
    }
    jinja->depth--;
    return jinja->error == NULL ? node : NULL;
}
