/* Reading short sentences, word by word (words.h). Pure. */
#include "clouds/simulator/words.h"
#include <math.h>
#include <string.h>

#define SECOND_MS 1000.0

void words_skip_blanks(Words *words) {
    while (g_ascii_isspace(*words->at))
        words->at++;
}

gboolean words_end(Words *words) {
    words_skip_blanks(words);
    return *words->at == '\0';
}

static gboolean is_word_end(char c) {
    return c == '\0' || c == ',' || c == ';' || g_ascii_isspace(c);
}

gboolean words_take(Words *words, const char *phrase) {
    Words tried = *words;
    g_auto(GStrv) parts = g_strsplit(phrase, " ", -1);
    for (char **part = parts; *part != NULL; part++) {
        gsize length = strlen(*part);
        words_skip_blanks(&tried);
        if (g_ascii_strncasecmp(tried.at, *part, length) != 0 || !is_word_end(tried.at[length]))
            return FALSE;
        tried.at += length;
    }
    *words = tried;
    return TRUE;
}

char *words_take_word(Words *words) {
    words_skip_blanks(words);
    const char *start = words->at;
    while (!is_word_end(*words->at))
        words->at++;
    return words->at > start ? g_strndup(start, (gsize)(words->at - start)) : NULL;
}

gboolean words_take_number(Words *words, double *number) {
    words_skip_blanks(words);
    if (!g_ascii_isdigit(*words->at))
        return FALSE;
    char *end = NULL;
    *number = g_ascii_strtod(words->at, &end);
    if (!isfinite(*number))
        return FALSE;
    words->at = end;
    return TRUE;
}

/* The unit may stick to its number ("20s"). */
static double take_unit(Words *words) {
    static const struct {
        const char *name;
        double ms;
    } UNITS[] = {{"ms", 1},          {"seconds", SECOND_MS}, {"second", SECOND_MS}, {"sec", SECOND_MS}, {"s", SECOND_MS},
                 {"minutes", 60000}, {"minute", 60000},      {"min", 60000},        {"m", 60000},       {"hours", 3600000},
                 {"hour", 3600000},  {"h", 3600000},         {"days", 86400000},    {"day", 86400000},  {"d", 86400000}};
    for (gsize i = 0; i < G_N_ELEMENTS(UNITS); i++)
        if (words_take(words, UNITS[i].name))
            return UNITS[i].ms;
    return SECOND_MS;
}

gboolean words_take_duration(Words *words, gint64 *ms) {
    double number = 0;
    Words tried = *words;
    if (!words_take_number(&tried, &number))
        return FALSE;
    double product = number * take_unit(&tried);
    if (product > (double)SIMULATED_DURATION_MAX_MS)
        return FALSE;
    *ms = (gint64)(product + 0.5);
    *words = tried;
    return TRUE;
}

gboolean words_take_percentage(Words *words, double *share) {
    double number = 0;
    Words tried = *words;
    if (!words_take_number(&tried, &number) || number > 100)
        return FALSE;
    words_skip_blanks(&tried);
    if (*tried.at != '%')
        return FALSE;
    tried.at++;
    *share = number / 100;
    *words = tried;
    return TRUE;
}
