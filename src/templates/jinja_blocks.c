/* From a text to its blocks: what stands between the marks, and which block is inside which. */
#include "templates/jinja_internal.h"
#include <string.h>

typedef struct {
    Jinja *jinja;
    const char *at;
    gboolean trim; /* the block before ended with -%} */
} Reader;

typedef struct {
    JinjaBlock *first, **last;
} Blocks;

static JinjaBlock *append(Reader *reader, Blocks *blocks, JinjaBlockKind kind) {
    JinjaBlock *block = jinja_alloc(reader->jinja, sizeof(JinjaBlock));
    block->kind = kind;
    block->line = reader->jinja->line;
    *blocks->last = block;
    blocks->last = &block->next;
    return block;
}

static void count_lines(Reader *reader, const char *from, const char *to) {
    for (; from < to; from++)
        reader->jinja->line += *from == '\n';
}

/* The next {{, {% or {#, or the end. */
static const char *next_mark(const char *at) {
    while ((at = strchr(at, '{')) != NULL && at[1] != '{' && at[1] != '%' && at[1] != '#')
        at++;
    return at;
}

static void add_text(Reader *reader, Blocks *blocks, const char *end, gboolean trim_end) {
    const char *from = reader->at, *to = end;
    while (reader->trim && from < to && g_ascii_isspace(*from))
        from++;
    while (trim_end && to > from && g_ascii_isspace(to[-1]))
        to--;
    if (to > from)
        append(reader, blocks, BLOCK_TEXT)->text = jinja_text(reader->jinja, from, (gsize)(to - from));
    count_lines(reader, reader->at, end);
}

/* The end of what opened at mark, quotes looked at; NULL: jinja->error. */
static const char *find_close(Reader *reader, const char *mark) {
    const char *close = mark[1] == '{' ? "}}" : mark[1] == '%' ? "%}" : "#}";
    char quote = 0;
    for (const char *at = mark + 2; *at != '\0'; at++) {
        if (quote != 0 && *at == '\\' && at[1] != '\0')
            at++;
        else if (quote != 0)
            quote = *at == quote ? 0 : quote;
        else if (mark[1] != '#' && (*at == '"' || *at == '\''))
            quote = *at;
        else if (at[0] == close[0] && at[1] == close[1])
            return at;
    }
    jinja_fail(reader->jinja, ERR_INVALID, "%.2s is not closed", mark);
    return NULL;
}

/* The tokens of the block at mark, with reader->at behind it. */
static const JinjaToken *read_block(Reader *reader, const char *mark) {
    const char *close = find_close(reader, mark);
    if (close == NULL)
        return NULL;
    const char *from = mark + 2 + (mark[2] == '-'), *to = close - (close > mark + 2 + (mark[2] == '-') && close[-1] == '-');
    reader->trim = to != close;
    reader->at = close + 2;
    const JinjaToken *tokens = mark[1] == '#' ? NULL : jinja_lex(reader->jinja, from, (gsize)(to - from));
    count_lines(reader, mark, close);
    return tokens;
}

static gboolean is_word(const JinjaToken *token, const char *word) {
    return token->kind == JINJA_NAME && strcmp(token->text, word) == 0;
}

static void expect_end(Reader *reader, const JinjaToken *at) {
    if (at->kind != JINJA_END)
        jinja_fail(reader->jinja, ERR_INVALID, "unexpected %s", at->text);
}

static JinjaNode *whole_expression(Reader *reader, const JinjaToken *at) {
    JinjaNode *node = jinja_parse_expression(reader->jinja, &at);
    expect_end(reader, at);
    return node;
}

/* Blocks up to one of the words (NULL-terminated), whose tokens are returned; NULL: the text's end, or jinja->error. */
static const JinjaToken *read_blocks(Reader *reader, Blocks *blocks, const char *const *until);

/* ---- tags ---- */
static void read_if(Reader *reader, JinjaBlock *block, const JinjaToken *at) {
    static const char *const UNTIL[] = {"elif", "else", "endif", NULL};
    static const char *const END[] = {"endif", NULL};
    block->expression = whole_expression(reader, at);
    Blocks body = {NULL, &body.first};
    const JinjaToken *end = read_blocks(reader, &body, UNTIL);
    block->body = body.first;
    if (end == NULL || is_word(end, "endif"))
        return;
    Blocks otherwise = {NULL, &otherwise.first};
    if (is_word(end, "elif")) {
        if (jinja_enter(reader->jinja)) {
            read_if(reader, append(reader, &otherwise, BLOCK_IF), end + 1);
            reader->jinja->depth--;
        }
    } else
        read_blocks(reader, &otherwise, END);
    block->otherwise = otherwise.first;
}

static void read_for(Reader *reader, JinjaBlock *block, const JinjaToken *at) {
    static const char *const UNTIL[] = {"else", "endfor", NULL};
    static const char *const END[] = {"endfor", NULL};
    block->text = at->kind == JINJA_NAME ? at++->text : NULL;
    if (block->text != NULL && at->kind == JINJA_OPERATOR && strcmp(at->text, ",") == 0) {
        block->second = at[1].kind == JINJA_NAME ? at[1].text : NULL;
        at += block->second != NULL ? 2 : 0;
    }
    if (block->text == NULL || !is_word(at, "in")) {
        jinja_fail(reader->jinja, ERR_INVALID, "for: expected NAME in …, got %s", at->text);
        return;
    }
    block->expression = whole_expression(reader, at + 1);
    Blocks body = {NULL, &body.first}, otherwise = {NULL, &otherwise.first};
    const JinjaToken *end = read_blocks(reader, &body, UNTIL);
    if (end != NULL && is_word(end, "else"))
        read_blocks(reader, &otherwise, END);
    block->body = body.first;
    block->otherwise = otherwise.first;
}

static void read_set(Reader *reader, JinjaBlock *block, const JinjaToken *at) {
    if (at->kind != JINJA_NAME || at[1].kind != JINJA_OPERATOR || strcmp(at[1].text, "=") != 0) {
        jinja_fail(reader->jinja, ERR_INVALID, "set: expected NAME = …, got %s", at->text);
        return;
    }
    block->text = at->text;
    block->expression = whole_expression(reader, at + 2);
}

/* Words and key=value, with or without commas, as an object. */
static void read_tag(Reader *reader, JinjaBlock *block, const JinjaToken *at) {
    JinjaNode *object = jinja_alloc(reader->jinja, sizeof(JinjaNode)), **last = &object->arguments;
    object->kind = NODE_OBJECT;
    while (at->kind != JINJA_END && reader->jinja->error == NULL) {
        JinjaNode *pair = jinja_alloc(reader->jinja, sizeof(JinjaNode));
        pair->kind = NODE_KEYWORD;
        gboolean keyed = at->kind == JINJA_NAME && at[1].kind == JINJA_OPERATOR && strcmp(at[1].text, "=") == 0;
        pair->text = keyed ? at->text : "";
        if (keyed) {
            at += 2;
            pair->b = jinja_parse_expression(reader->jinja, &at);
        } else if (at->kind == JINJA_NAME || at->kind == JINJA_TEXT) {
            pair->b = jinja_alloc(reader->jinja, sizeof(JinjaNode));
            pair->b->kind = NODE_LITERAL;
            pair->b->literal = jinja_keep(reader->jinja, json_from_string(at++->text));
        } else
            jinja_fail(reader->jinja, ERR_INVALID, "%s: unexpected %s", block->text, at->text);
        *last = pair;
        last = &pair->next;
        at += at->kind == JINJA_OPERATOR && strcmp(at->text, ",") == 0;
    }
    block->expression = object;
}

/* Everything up to {% endraw %} is text. */
static void read_raw(Reader *reader, Blocks *blocks) {
    for (const char *mark = reader->at; (mark = strstr(mark, "{%")) != NULL; mark++) {
        const char *word = mark + 2 + (mark[2] == '-');
        while (g_ascii_isspace(*word))
            word++;
        if (!g_str_has_prefix(word, "endraw"))
            continue;
        append(reader, blocks, BLOCK_TEXT)->text = jinja_text(reader->jinja, reader->at, (gsize)(mark - reader->at));
        count_lines(reader, reader->at, mark);
        read_block(reader, mark);
        return;
    }
    jinja_fail(reader->jinja, ERR_INVALID, "raw has no endraw");
}

static const JinjaTag *find_tag(const Jinja *jinja, const char *name) {
    for (const JinjaTag *tag = jinja->options->tags; tag != NULL && tag->name != NULL; tag++)
        if (strcmp(tag->name, name) == 0)
            return tag;
    return NULL;
}

static void read_statement(Reader *reader, Blocks *blocks, const JinjaToken *at) {
    static const struct {
        const char *word;
        JinjaBlockKind kind;
        void (*read)(Reader *reader, JinjaBlock *block, const JinjaToken *at);
    } STATEMENTS[] = {{"if", BLOCK_IF, read_if}, {"for", BLOCK_FOR, read_for}, {"set", BLOCK_SET, read_set}};
    if (!jinja_enter(reader->jinja))
        return;
    const JinjaTag *tag = at->kind == JINJA_NAME ? find_tag(reader->jinja, at->text) : NULL;
    gsize s = 0;
    while (s < G_N_ELEMENTS(STATEMENTS) && !is_word(at, STATEMENTS[s].word))
        s++;
    if (s < G_N_ELEMENTS(STATEMENTS))
        STATEMENTS[s].read(reader, append(reader, blocks, STATEMENTS[s].kind), at + 1);
    else if (is_word(at, "raw"))
        read_raw(reader, blocks);
    else if (tag != NULL) {
        JinjaBlock *block = append(reader, blocks, BLOCK_TAG);
        block->text = at->text;
        block->tag = tag;
        read_tag(reader, block, at + 1);
    } else
        jinja_fail(reader->jinja, ERR_INVALID, "unknown tag %s", at->text);
    reader->jinja->depth--;
}

static gboolean is_until(const JinjaToken *token, const char *const *until) {
    return token->kind == JINJA_NAME && until != NULL && g_strv_contains(until, token->text);
}

static const JinjaToken *read_blocks(Reader *reader, Blocks *blocks, const char *const *until) {
    while (reader->jinja->error == NULL) {
        const char *mark = next_mark(reader->at);
        add_text(reader, blocks, mark != NULL ? mark : reader->at + strlen(reader->at), mark != NULL && mark[2] == '-');
        if (mark == NULL) {
            reader->at += strlen(reader->at);
            if (until != NULL)
                jinja_fail(reader->jinja, ERR_INVALID, "the end of the text where {%% %s %%} is expected",
                           until[g_strv_length((char **)until) - 1]);
            return NULL;
        }
        const JinjaToken *tokens = read_block(reader, mark);
        if (reader->jinja->error != NULL || mark[1] == '#')
            continue;
        if (mark[1] == '{')
            append(reader, blocks, BLOCK_OUTPUT)->expression = whole_expression(reader, tokens);
        else if (is_until(tokens, until))
            return tokens;
        else
            read_statement(reader, blocks, tokens);
    }
    return NULL;
}

JinjaBlock *jinja_parse(Jinja *jinja, const char *text) {
    Reader reader = {jinja, text, FALSE};
    Blocks blocks = {NULL, &blocks.first};
    jinja->line = 1;
    read_blocks(&reader, &blocks, NULL);
    return jinja->error == NULL ? blocks.first : NULL;
}
