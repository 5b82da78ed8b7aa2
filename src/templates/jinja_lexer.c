/* Tokens of what is between {{ and }}, {% and %}. */
#include "templates/jinja_internal.h"
#include <string.h>

static const char *const OPERATORS[] = {"==", "!=", "<=", ">=", "//", "**", "&&", "||", "<", ">", "+", "-", "*", "/",
                                        "%",  "~",  "|",  ".",  "[",  "]",  "(",  ")",  "{", "}", ",", ":", "=", "!"};

static gboolean is_name_char(char c) {
    return g_ascii_isalnum(c) || c == '_' || (unsigned char)c >= 0x80;
}

/* A number with its fraction; "1.x" is a number and a member. */
static gsize number_length(const char *text, gsize left) {
    gsize n = 0;
    while (n < left && g_ascii_isdigit(text[n]))
        n++;
    if (n + 1 < left && text[n] == '.' && g_ascii_isdigit(text[n + 1]))
        for (n++; n < left && g_ascii_isdigit(text[n]);)
            n++;
    return n;
}

/* What stands at the opening quote; *length: with both quotes. NULL: it does not end. */
static const char *read_text(Jinja *jinja, const char *text, gsize left, gsize *length) {
    static const char ESCAPES[] = "n\nt\tr\r";
    g_autoptr(GString) value = g_string_new(NULL);
    for (gsize i = 1; i < left; i++) {
        if (text[i] == *text) {
            *length = i + 1;
            return jinja_text(jinja, value->str, value->len);
        }
        if (text[i] != '\\' || i + 1 == left) {
            g_string_append_c(value, text[i]);
            continue;
        }
        const char *escape = strchr(ESCAPES, text[++i]);
        g_string_append_c(value, escape != NULL && (escape - ESCAPES) % 2 == 0 ? escape[1] : text[i]);
    }
    jinja_fail(jinja, ERR_INVALID, "a text in quotes does not end");
    return NULL;
}

static gsize operator_length(const char *text, gsize left) {
    for (gsize o = 0; o < G_N_ELEMENTS(OPERATORS); o++)
        if (strlen(OPERATORS[o]) <= left && strncmp(text, OPERATORS[o], strlen(OPERATORS[o])) == 0)
            return strlen(OPERATORS[o]);
    return 0;
}

/* The token at text, *length bytes of it. */
static JinjaToken read_token(Jinja *jinja, const char *text, gsize left, gsize *length) {
    JinjaToken token = {JINJA_OPERATOR, NULL};
    *length = 0;
    if (*text == '"' || *text == '\'') {
        token.kind = JINJA_TEXT;
        token.text = read_text(jinja, text, left, length);
        return token;
    }
    if (g_ascii_isdigit(*text)) {
        token.kind = JINJA_NUMBER;
        *length = number_length(text, left);
    } else if (is_name_char(*text)) {
        token.kind = JINJA_NAME;
        while (*length < left && is_name_char(text[*length]))
            ++*length;
    } else
        *length = operator_length(text, left);
    if (*length == 0)
        jinja_fail(jinja, ERR_INVALID, "unexpected character %.1s", text);
    token.text = jinja_text(jinja, text, *length);
    return token;
}

JinjaToken *jinja_lex(Jinja *jinja, const char *text, gsize length) {
    g_autoptr(GArray) tokens = g_array_new(FALSE, FALSE, sizeof(JinjaToken));
    for (gsize at = 0; at < length && jinja->error == NULL;) {
        if (g_ascii_isspace(text[at])) {
            at++;
            continue;
        }
        gsize used = 0;
        JinjaToken token = read_token(jinja, text + at, length - at, &used);
        at += used;
        g_array_append_val(tokens, token);
    }
    const JinjaToken end = {JINJA_END, "the end"};
    g_array_append_val(tokens, end);
    if (jinja->error != NULL)
        return NULL;
    JinjaToken *all = jinja_alloc(jinja, tokens->len * sizeof(JinjaToken));
    memcpy(all, tokens->data, tokens->len * sizeof(JinjaToken));
    return all;
}
