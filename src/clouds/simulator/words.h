/* Reading the short sentences in which behaviour and faults are written. Pure. */
#pragma once
#include "base/error.h"

#define SIMULATED_TEXT_MAX 1000                                               /* bytes of one sentence */
#define SIMULATED_DURATION_MAX_MS (366 * 24 * 3600 * G_GINT64_CONSTANT(1000)) /* longer is a slip */

/* A place in a text; it only moves forward. */
typedef struct {
    const char *at;
} Words;

void words_skip_blanks(Words *words);
gboolean words_end(Words *words); /* nothing but blanks is left */
/* Takes a phrase ("boots in"), whatever its case and blanks; FALSE: it does not stand here, nothing is taken. */
gboolean words_take(Words *words, const char *phrase);
/* Takes one word: all until a blank, comma or semicolon; NULL: there is none. Caller frees. */
char *words_take_word(Words *words);
gboolean words_take_number(Words *words, double *number);
/* "20 s", "5 min", "1.5 h", "300 ms"; a number alone is seconds. Negative and longer than SIMULATED_DURATION_MAX_MS are refused. */
gboolean words_take_duration(Words *words, gint64 *ms);
/* "3 %" is 0.03; more than 100 is refused. */
gboolean words_take_percentage(Words *words, double *share);
