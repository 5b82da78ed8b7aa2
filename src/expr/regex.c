/* Java's regular expressions through PCRE2: whole matches, replacement with $1, split. Bounded in length of the pattern, in
 * backtracking of each match, and in the number of matches by steps. */
#include "base/pattern.h"
#include "expr/class.h"
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define REGEX_HEAP_KILOBYTES (16 * 1024)
#define REGEX_STEPS_PER_STEP 16 /* of an expression */

struct ExprPattern {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
    PatternWork work;
};

static int on_item(pcre2_callout_block *block, void *data) {
    return pattern_work(data, block->current_position) ? 0 : PCRE2_ERROR_CALLOUT;
}

void expr_pattern_free(ExprPattern *pattern) {
    if (!pattern)
        return;
    pcre2_match_data_free(pattern->match);
    pcre2_match_context_free(pattern->limits);
    pcre2_code_free(pattern->code);
    g_free(pattern);
}

ExprPattern *expr_pattern_new(ExprContext *context, const ExprValue *pattern) {
    if (pattern->string.length > EXPR_PATTERN_MAX && expr_text_units(pattern) > EXPR_PATTERN_MAX) {
        expr_raise(context, EXCEPTION_LIMIT,
                   "EL1077E: Regular expression is too long, exceeding the threshold of '%d' characters (EXPR_PATTERN_MAX)",
                   EXPR_PATTERN_MAX);
        return NULL;
    }
    g_autofree char *text = pattern_from_java(pattern->string.text, pattern->string.length);
    pcre2_compile_context *settings = pcre2_compile_context_create(NULL);
    pcre2_set_newline(settings, PCRE2_NEWLINE_ANY);
    pcre2_set_parens_nest_limit(settings, EXPR_DEPTH_MAX);
    int code = 0;
    PCRE2_SIZE offset = 0;
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)text, strlen(text), PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT, &code,
                                         &offset, settings);
    pcre2_compile_context_free(settings);
    if (!compiled) {
        PCRE2_UCHAR message[200] = "";
        pcre2_get_error_message(code, message, sizeof message);
        expr_raise(context, EXCEPTION_PATTERN, "The regular expression \"%s\" is not valid: %s near index %zu", pattern->string.text,
                   (const char *)message, offset);
        return NULL;
    }
    ExprPattern *result = g_new0(ExprPattern, 1);
    result->code = compiled;
    result->match = pcre2_match_data_create_from_pattern(compiled, NULL);
    result->limits = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(result->limits, EXPR_REGEX_STEPS_MAX);
    pcre2_set_callout(result->limits, on_item, &result->work);
    pcre2_set_heap_limit(result->limits, REGEX_HEAP_KILOBYTES);
    return result;
}

/* 1 found, 0 not, -1 after raising. */
static int match_at(ExprContext *context, ExprPattern *pattern, const ExprValue *text, gsize from, guint32 options) {
    if (!expr_charge(context, 1))
        return -1;
    const guint64 most = MIN(EXPR_REGEX_STEPS_MAX, (context->steps_max - context->steps) * REGEX_STEPS_PER_STEP);
    pattern->work = (PatternWork){.most = most, .position = from};
    const int count = pcre2_match(pattern->code, (PCRE2_SPTR)text->string.text, text->string.length, from, options | PCRE2_NO_UTF_CHECK,
                                  pattern->match, pattern->limits);
    if (!expr_charge(context, pattern->work.done / REGEX_STEPS_PER_STEP))
        return -1;
    if (count > 0)
        return 1;
    if (count == PCRE2_ERROR_NOMATCH)
        return 0;
    expr_raise(context, EXCEPTION_LIMIT, "The regular expression needs more than %d steps for one match (EXPR_REGEX_STEPS_MAX)",
               EXPR_REGEX_STEPS_MAX);
    return -1;
}

int expr_pattern_matches_whole(ExprContext *context, ExprPattern *pattern, const ExprValue *text) {
    return match_at(context, pattern, text, 0, PCRE2_ANCHORED | PCRE2_ENDANCHORED);
}

/* Searches on after the last match; FALSE at the end or after raising. */
static gboolean find_next(ExprContext *context, ExprPattern *pattern, const ExprValue *text, gsize *from) {
    if (*from > text->string.length || match_at(context, pattern, text, *from, 0) <= 0)
        return FALSE;
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(pattern->match);
    if (at[1] > at[0])
        *from = at[1];
    else /* an empty match: the next one begins a character later */
        *from = at[1] < text->string.length ? (gsize)(g_utf8_next_char(text->string.text + at[1]) - text->string.text) : at[1] + 1;
    return TRUE;
}

static gboolean append_group(ExprPattern *pattern, GString *into, const ExprValue *text, guint group) {
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(pattern->match);
    if (group >= pcre2_get_ovector_count(pattern->match))
        return FALSE;
    if (at[2 * group] != PCRE2_UNSET)
        g_string_append_len(into, text->string.text + at[2 * group], (gssize)(at[2 * group + 1] - at[2 * group]));
    return TRUE;
}

/* $1 takes further digits as long as there is such a group; ${name}. *at stands after the dollar. */
static gboolean append_reference(ExprPattern *pattern, GString *into, const ExprValue *text, const char **at) {
    if (**at == '{') {
        const char *end = strchr(*at, '}');
        g_autofree char *name = end ? g_strndup(*at + 1, (gsize)(end - *at - 1)) : NULL;
        const int group = name ? pcre2_substring_number_from_name(pattern->code, (PCRE2_SPTR)name) : -1;
        *at = end ? end + 1 : *at;
        return group > 0 && append_group(pattern, into, text, (guint)group);
    }
    if (!g_ascii_isdigit(**at))
        return FALSE;
    guint group = (guint)(*(*at)++ - '0');
    while (g_ascii_isdigit(**at)) {
        const guint longer = group * 10 + (guint)(**at - '0');
        if (longer >= pcre2_get_ovector_count(pattern->match))
            break;
        group = longer;
        (*at)++;
    }
    return append_group(pattern, into, text, group);
}

static gboolean append_replacement(ExprContext *context, ExprPattern *pattern, GString *into, const ExprValue *text,
                                   const ExprValue *replacement) {
    for (const char *at = replacement->string.text; *at;) {
        const char c = *at++;
        if (c == '\\' && *at) {
            g_string_append_c(into, *at++);
        } else if (c != '\\' && c != '$') {
            g_string_append_c(into, c);
        } else if (c == '\\' || !append_reference(pattern, into, text, &at)) {
            expr_raise(context, EXCEPTION_ARGUMENT, "Illegal group reference in the replacement \"%s\"", replacement->string.text);
            return FALSE;
        }
    }
    return TRUE;
}

const ExprValue *expr_pattern_replace(ExprContext *context, ExprPattern *pattern, const ExprValue *text, const ExprValue *replacement,
                                      gboolean all) {
    g_autoptr(GString) result = g_string_new(NULL);
    gsize from = 0, copied = 0;
    while (find_next(context, pattern, text, &from)) {
        const PCRE2_SIZE *at = pcre2_get_ovector_pointer(pattern->match);
        if (at[0] < copied) /* \K and look-behind may step back */
            continue;
        g_string_append_len(result, text->string.text + copied, (gssize)(at[0] - copied));
        copied = at[1];
        if (!append_replacement(context, pattern, result, text, replacement))
            return NULL;
        if (!all || result->len > EXPR_TEXT_MAX)
            break;
    }
    if (context->failed)
        return NULL;
    g_string_append_len(result, text->string.text + copied, (gssize)(text->string.length - copied));
    return expr_text_copy(context, result->str, result->len);
}

const ExprValue *expr_pattern_split(ExprContext *context, ExprPattern *pattern, const ExprValue *text, gint64 limit) {
    ExprItems *parts = expr_items_new(context, 0);
    gsize from = 0, copied = 0;
    while ((limit <= 0 || parts->count + 1 < limit) && find_next(context, pattern, text, &from)) {
        const PCRE2_SIZE *at = pcre2_get_ovector_pointer(pattern->match);
        if (at[1] == 0 || at[0] < copied) /* an empty match at the start splits nothing off */
            continue;
        expr_items_add(context, parts, expr_text_copy(context, text->string.text + copied, at[0] - copied));
        copied = at[1];
    }
    if (context->failed)
        return NULL;
    expr_items_add(context, parts, expr_text_copy(context, text->string.text + copied, text->string.length - copied));
    if (context->failed)
        return NULL;
    /* Without any match the text itself is the only part, even when it is empty. */
    const gboolean nothing_split = parts->count == 1;
    while (limit == 0 && !nothing_split && parts->count > 0 && parts->at[parts->count - 1]->string.length == 0)
        parts->count--;
    return expr_items_value(context, EXPR_ARRAY, parts);
}
