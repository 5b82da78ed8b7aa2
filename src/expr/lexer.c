/* The tokens of an expression. */
#include "expr/syntax.h"

typedef struct {
    ExprContext *context;
    const char *text;
    guint at;
    Token *tokens;
    guint count, capacity;
} Lexer;

static void add_token(Lexer *lexer, TokenKind kind, guint start, guint end) {
    if (lexer->count == lexer->capacity) {
        Token *more = expr_alloc(lexer->context, sizeof(Token) * lexer->capacity * 2);
        memcpy(more, lexer->tokens, sizeof(Token) * lexer->count);
        lexer->tokens = more;
        lexer->capacity *= 2;
    }
    lexer->tokens[lexer->count++] = (Token){kind, start, end - start};
    lexer->at = end;
}

static gboolean is_name_start(const char *at) {
    if (*at == '_' || *at == '$' || g_ascii_isalpha(*at))
        return TRUE;
    return (unsigned char)*at >= 0x80 && g_unichar_isalpha(g_utf8_get_char(at));
}

static gboolean is_name_part(const char *at) {
    if (g_ascii_isdigit(*at) || is_name_start(at))
        return TRUE;
    return (unsigned char)*at >= 0x80 && g_unichar_isdigit(g_utf8_get_char(at));
}

static void read_name(Lexer *lexer) {
    static const struct {
        const char *word;
        TokenKind kind;
    } operators[] = {{"div", TOKEN_DIVIDE}, {"eq", TOKEN_EQ},       {"ge", TOKEN_GE}, {"gt", TOKEN_GT},  {"le", TOKEN_LE},
                     {"lt", TOKEN_LT},      {"mod", TOKEN_MODULUS}, {"ne", TOKEN_NE}, {"not", TOKEN_NOT}};
    const char *start = lexer->text + lexer->at, *end = start;
    while (*end && is_name_part(end))
        end = g_utf8_next_char(end);
    const gsize length = (gsize)(end - start);
    TokenKind kind = TOKEN_NAME;
    for (gsize i = 0; i < G_N_ELEMENTS(operators); i++)
        if (strlen(operators[i].word) == length && g_ascii_strncasecmp(start, operators[i].word, length) == 0)
            kind = operators[i].kind;
    add_token(lexer, kind, lexer->at, lexer->at + (guint)length);
}

static guint skip_digits(const char *text, guint at) {
    while (g_ascii_isdigit(text[at]))
        at++;
    return at;
}

static gboolean is_in(char c, const char *set) {
    for (; *set; set++)
        if (*set == c)
            return TRUE;
    return FALSE;
}

static gboolean read_hex(Lexer *lexer) {
    const guint start = lexer->at;
    guint end = start + 2;
    while (g_ascii_isxdigit(lexer->text[end]))
        end++;
    if (end == start + 2)
        return expr_raise(lexer->context, EXCEPTION_SYNTAX, "EL1036E: The value '0x' cannot be parsed as an int"), FALSE;
    if (is_in(lexer->text[end], "lL"))
        add_token(lexer, TOKEN_LONG, start, end + 1);
    else
        add_token(lexer, TOKEN_INT, start, end);
    return TRUE;
}

static gboolean read_number(Lexer *lexer) {
    const char *text = lexer->text;
    const guint start = lexer->at;
    if (text[start] == '0' && is_in(text[start + 1], "xX"))
        return read_hex(lexer);
    guint end = skip_digits(text, start);
    gboolean real = FALSE;
    if (text[end] == '.' && g_ascii_isdigit(text[end + 1])) { /* "3." is an int and a dot: 3.toString() */
        real = TRUE;
        end = skip_digits(text, end + 1);
    }
    if (is_in(text[end], "lL")) {
        if (real)
            return expr_raise(lexer->context, EXCEPTION_SYNTAX, "EL1037E: A real number cannot be suffixed with 'L'"), FALSE;
        add_token(lexer, TOKEN_LONG, start, end + 1);
        return TRUE;
    }
    if (is_in(text[end], "eE")) {
        real = TRUE;
        end += is_in(text[end + 1], "+-") ? 2 : 1;
        if (!g_ascii_isdigit(text[end]))
            return expr_raise(lexer->context, EXCEPTION_SYNTAX, "EL1038E: The exponent of a number has no digits"), FALSE;
        end = skip_digits(text, end);
    }
    if (is_in(text[end], "fF"))
        add_token(lexer, TOKEN_FLOAT, start, end + 1);
    else if (is_in(text[end], "dD"))
        add_token(lexer, TOKEN_DOUBLE, start, end + 1);
    else
        add_token(lexer, real ? TOKEN_DOUBLE : TOKEN_INT, start, end);
    return TRUE;
}

static gboolean read_string(Lexer *lexer) {
    const char quote = lexer->text[lexer->at];
    guint end = lexer->at + 1;
    while (lexer->text[end]) {
        if (lexer->text[end++] != quote)
            continue;
        if (lexer->text[end] != quote) {
            add_token(lexer, TOKEN_STRING, lexer->at, end);
            return TRUE;
        }
        end++;
    }
    expr_raise(lexer->context, EXCEPTION_SYNTAX, "EL1045E: Cannot find terminating %c for string", quote);
    return FALSE;
}

/* Longer ones first. */
static const struct {
    const char *text;
    TokenKind kind;
} symbols[] = {
    {"?.", TOKEN_SAFE_DOT},    {"?:", TOKEN_ELVIS},     {"?[", TOKEN_SELECT},     {"^[", TOKEN_SELECT_FIRST}, {"$[", TOKEN_SELECT_LAST},
    {"![", TOKEN_PROJECT},     {"==", TOKEN_EQ},        {"!=", TOKEN_NE},         {"<=", TOKEN_LE},           {">=", TOKEN_GE},
    {"&&", TOKEN_AND},         {"||", TOKEN_OR},        {"++", TOKEN_INCREMENT},  {"--", TOKEN_DECREMENT},    {".", TOKEN_DOT},
    {",", TOKEN_COMMA},        {":", TOKEN_COLON},      {"?", TOKEN_QUESTION},    {"#", TOKEN_HASH},          {"@", TOKEN_AT},
    {"&", TOKEN_AMPERSAND},    {"=", TOKEN_ASSIGN},     {"(", TOKEN_OPEN},        {")", TOKEN_CLOSE},         {"[", TOKEN_OPEN_SQUARE},
    {"]", TOKEN_CLOSE_SQUARE}, {"{", TOKEN_OPEN_CURLY}, {"}", TOKEN_CLOSE_CURLY}, {"!", TOKEN_NOT},           {"<", TOKEN_LT},
    {">", TOKEN_GT},           {"+", TOKEN_PLUS},       {"-", TOKEN_MINUS},       {"*", TOKEN_TIMES},         {"/", TOKEN_DIVIDE},
    {"%", TOKEN_MODULUS},      {"^", TOKEN_POWER},
};

static gboolean read_symbol(Lexer *lexer) {
    const char *at = lexer->text + lexer->at;
    for (gsize i = 0; i < G_N_ELEMENTS(symbols); i++) {
        const char *symbol = symbols[i].text;
        if (symbol[0] != at[0] || (symbol[1] && symbol[1] != at[1]))
            continue;
        add_token(lexer, symbols[i].kind, lexer->at, lexer->at + (symbol[1] ? 2 : 1));
        return TRUE;
    }
    return FALSE;
}

static gboolean read_token(Lexer *lexer) {
    const char *at = lexer->text + lexer->at;
    if (g_ascii_isdigit(*at))
        return read_number(lexer);
    if (*at == '\'' || *at == '"')
        return read_string(lexer);
    const gboolean plain_name = g_ascii_isalpha(*at) || *at == '_'; /* no symbol begins with such */
    if (!plain_name && read_symbol(lexer))
        return TRUE;
    if (plain_name || is_name_start(at)) {
        read_name(lexer);
        return TRUE;
    }
    g_autofree char *character = g_strndup(at, (gsize)(g_utf8_next_char(at) - at));
    expr_raise(lexer->context, EXCEPTION_SYNTAX, "EL1065E: Unexpected character '%s' at position %u", character, lexer->at);
    return FALSE;
}

Token *expr_tokens(ExprContext *context, const char *text, guint *count) {
    Lexer lexer = {.context = context, .text = text, .capacity = 16};
    lexer.tokens = expr_alloc(context, sizeof(Token) * lexer.capacity);
    while (TRUE) {
        while (is_in(text[lexer.at], " \t\r\n"))
            lexer.at++;
        if (!text[lexer.at])
            break;
        if (!read_token(&lexer))
            return NULL;
    }
    *count = lexer.count;
    add_token(&lexer, TOKEN_END, lexer.at, lexer.at);
    return lexer.tokens;
}

const char *expr_token_name(TokenKind kind) {
    for (gsize i = 0; i < G_N_ELEMENTS(symbols); i++)
        if (symbols[i].kind == kind)
            return symbols[i].text;
    static const struct {
        TokenKind kind;
        const char *name;
    } names[] = {{TOKEN_END, "the end"},           {TOKEN_STRING, "a string"}, {TOKEN_NAME, "a name"},
                 {TOKEN_INSTANCEOF, "instanceof"}, {TOKEN_MATCHES, "matches"}, {TOKEN_BETWEEN, "between"}};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        if (names[i].kind == kind)
            return names[i].name;
    return "a number";
}
