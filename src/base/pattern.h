/* Java's regular expressions through PCRE2, for texts that users write: bounded in length and in work, so that no pattern can run
 * for ever. Pure. A Pattern belongs to one thread at a time. */
#pragma once
#include "base/error.h"

#define PATTERN_LENGTH_MAX 10000       /* bytes of a pattern */
#define PATTERN_TEXT_MAX (1024 * 1024) /* bytes of a text that is looked at */
#define PATTERN_WORK_MAX (1000 * 1000) /* steps of one match, unless its caller says otherwise; about 20 ms */

typedef enum {
    PATTERN_FIND, /* somewhere in the text, as Matcher.find */
    PATTERN_FULL, /* the whole text, as String.matches */
} PatternKind;
/* Whether it matches. FALSE with *error (which may be NULL): ERR_INVALID for a bad pattern, ERR_LIMIT. */
gboolean pattern_matches(const char *pattern, const char *text, PatternKind kind, GError **error);

/* The same with a pattern that is used more than once. */
typedef struct Pattern Pattern;
/* ERR_INVALID says what is wrong and where; ERR_LIMIT. Caller frees. */
Pattern *pattern_new(const char *text, GError **error);
void pattern_free(Pattern *pattern); /* NULL-safe */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pattern, pattern_free)
/* work: how many steps it may take; those it took are taken off. NULL: PATTERN_WORK_MAX. */
gboolean pattern_run(Pattern *pattern, const char *text, PatternKind kind, guint64 *work, GError **error);

/* ---- for other users of PCRE2 (expr) ---- */
/* The pattern with Java's names of character classes written as PCRE2 has them; caller frees. */
char *pattern_from_java(const char *text, gsize length);
/* Counts work before each item of the pattern is tried: alike on every machine, long runs of a single item included, which the library's
 * own limits do not see. FALSE: more than most. */
typedef struct {
    guint64 done, most; /* of the match in progress */
    gsize position;
} PatternWork;
gboolean pattern_work(PatternWork *work, gsize position);
