/* Regular expressions of users (pattern.h). Pure. */
#include "base/pattern.h"
#include <string.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define HEAP_KILOBYTES (16 * 1024)
#define NESTING_MAX 100
#define BYTES_PER_STEP 32

struct Pattern {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
    PatternWork work;
};

/* ---- what others share ---- */
char *pattern_from_java(const char *text, gsize length) {
    static const struct {
        const char *java, *pcre;
    } NAMES[] = {
        {"\\p{Alpha}", "[A-Za-z]"},
        {"\\p{Digit}", "[0-9]"},
        {"\\p{Alnum}", "[A-Za-z0-9]"},
        {"\\p{Upper}", "[A-Z]"},
        {"\\p{Lower}", "[a-z]"},
        {"\\p{Punct}", "[!-/:-@\\[-`{-~]"},
        {"\\p{Space}", "\\s"},
        {"\\p{XDigit}", "[0-9A-Fa-f]"},
        {"\\p{ASCII}", "[\\x00-\\x7F]"},
        {"\\p{Blank}", "[ \\t]"},
        {"\\p{IsAlphabetic}", "\\p{L}"},
        {"\\p{IsDigit}", "\\p{Nd}"},
        {"\\p{IsUppercase}", "\\p{Lu}"},
        {"\\p{IsLowercase}", "\\p{Ll}"},
        {"\\p{javaUpperCase}", "\\p{Lu}"},
        {"\\p{javaLowerCase}", "\\p{Ll}"},
    };
    GString *translated = g_string_new_len(text, (gssize)length);
    for (gsize i = 0; strstr(translated->str, "\\p{") != NULL && i < G_N_ELEMENTS(NAMES); i++)
        g_string_replace(translated, NAMES[i].java, NAMES[i].pcre, 0);
    return g_string_free(translated, FALSE);
}

gboolean pattern_work(PatternWork *work, gsize position) {
    gsize way = position > work->position ? position - work->position : work->position - position;
    work->position = position;
    work->done += 1 + way / BYTES_PER_STEP;
    return work->done <= work->most;
}

/* ---- a pattern ---- */
static int on_item(pcre2_callout_block *block, void *data) {
    return pattern_work(data, block->current_position) ? 0 : PCRE2_ERROR_CALLOUT;
}

static pcre2_code *compile(const char *text, GError **error) {
    g_autofree char *translated = pattern_from_java(text, strlen(text));
    pcre2_compile_context *settings = pcre2_compile_context_create(NULL);
    pcre2_set_newline(settings, PCRE2_NEWLINE_ANY);
    pcre2_set_parens_nest_limit(settings, NESTING_MAX);
    int code = 0;
    PCRE2_SIZE offset = 0;
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)translated, strlen(translated),
                                         PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT, &code, &offset, settings);
    pcre2_compile_context_free(settings);
    if (compiled != NULL)
        return compiled;
    PCRE2_UCHAR message[200] = "";
    pcre2_get_error_message(code, message, sizeof message);
    error_set(error, ERR_INVALID, "the regular expression \"%s\" is not valid: %s near index %zu", text, (const char *)message, offset);
    return NULL;
}

Pattern *pattern_new(const char *text, GError **error) {
    if (strlen(text) > PATTERN_LENGTH_MAX) {
        error_set(error, ERR_LIMIT, "a regular expression of %zu bytes is longer than %d (PATTERN_LENGTH_MAX)", strlen(text),
                  PATTERN_LENGTH_MAX);
        return NULL;
    }
    pcre2_code *code = compile(text, error);
    if (code == NULL)
        return NULL;
    Pattern *pattern = g_new0(Pattern, 1);
    pattern->code = code;
    pattern->match = pcre2_match_data_create_from_pattern(code, NULL);
    pattern->limits = pcre2_match_context_create(NULL);
    pcre2_set_heap_limit(pattern->limits, HEAP_KILOBYTES);
    pcre2_set_callout(pattern->limits, on_item, &pattern->work);
    return pattern;
}

void pattern_free(Pattern *pattern) {
    if (pattern == NULL)
        return;
    pcre2_match_data_free(pattern->match);
    pcre2_match_context_free(pattern->limits);
    pcre2_code_free(pattern->code);
    g_free(pattern);
}

gboolean pattern_run(Pattern *pattern, const char *text, PatternKind kind, guint64 *work, GError **error) {
    gsize length = strlen(text);
    if (length > PATTERN_TEXT_MAX) {
        error_set(error, ERR_LIMIT, "a text of %zu bytes for a regular expression is longer than %d (PATTERN_TEXT_MAX)", length,
                  PATTERN_TEXT_MAX);
        return FALSE;
    }
    guint32 options = kind == PATTERN_FULL ? PCRE2_ANCHORED | PCRE2_ENDANCHORED : 0;
    pattern->work = (PatternWork){.most = work != NULL ? *work : PATTERN_WORK_MAX};
    int count = pcre2_match(pattern->code, (PCRE2_SPTR)text, length, 0, options, pattern->match, pattern->limits);
    if (work != NULL)
        *work -= MIN(*work, pattern->work.done);
    if (count >= 0 || count == PCRE2_ERROR_NOMATCH)
        return count >= 0;
    if (count == PCRE2_ERROR_CALLOUT || count == PCRE2_ERROR_MATCHLIMIT || count == PCRE2_ERROR_HEAPLIMIT)
        error_set(error, ERR_LIMIT, "a regular expression needs more than %" G_GUINT64_FORMAT " steps (PATTERN_WORK_MAX)",
                  pattern->work.most);
    else
        error_set(error, ERR_INVALID, "a text cannot be matched: it is no UTF-8 (PCRE2 error %d)", count);
    return FALSE;
}

gboolean pattern_matches(const char *pattern, const char *text, PatternKind kind, GError **error) {
    g_autoptr(Pattern) compiled = pattern_new(pattern, error);
    return compiled != NULL && pattern_run(compiled, text, kind, NULL, error);
}
