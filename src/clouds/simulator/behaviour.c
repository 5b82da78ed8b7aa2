/* The sentences that say what instances of an image do (behaviour.h). Pure. */
#include "clouds/simulator/behaviour.h"
#include "clouds/simulator/words.h"
#include <string.h>

const SimulatedBehaviour simulated_behaviour_usual = {.boot_ms = -1, .crash_ms = -1};

static gboolean take_boot(Words *words, SimulatedBehaviour *into) {
    return words_take_duration(words, &into->boot_ms);
}

static gboolean take_crash(Words *words, SimulatedBehaviour *into) {
    return words_take_duration(words, &into->crash_ms);
}

static gboolean take_error_rate(Words *words, SimulatedBehaviour *into) {
    return words_take_percentage(words, &into->error_rate);
}

static gboolean take_never(Words *words, SimulatedBehaviour *into) {
    (void)words;
    return into->never_healthy = TRUE;
}

static const struct {
    const char *phrase;
    gboolean (*take)(Words *words, SimulatedBehaviour *into);
} CLAUSES[] = {{"boots in", take_boot}, {"never healthy", take_never}, {"crashes after", take_crash}, {"error rate", take_error_rate}};

static gboolean take_clause(Words *words, SimulatedBehaviour *into) {
    for (gsize i = 0; i < G_N_ELEMENTS(CLAUSES); i++)
        if (words_take(words, CLAUSES[i].phrase))
            return CLAUSES[i].take(words, into);
    return FALSE;
}

/* Between two clauses: a comma, a semicolon or "and". */
static gboolean take_separator(Words *words) {
    words_skip_blanks(words);
    if (*words->at == ',' || *words->at == ';') {
        words->at++;
        return TRUE;
    }
    return words_take(words, "and");
}

gboolean simulated_behaviour_parse(const char *text, SimulatedBehaviour *into, GError **error) {
    *into = simulated_behaviour_usual;
    Words words = {text != NULL ? text : ""};
    if (strlen(words.at) > SIMULATED_TEXT_MAX) {
        error_set(error, ERR_LIMIT, "behaviour: longer than %d bytes", SIMULATED_TEXT_MAX);
        return FALSE;
    }
    while (!words_end(&words)) {
        const char *clause = words.at;
        if (take_clause(&words, into) && (words_end(&words) || take_separator(&words)))
            continue;
        error_set(error, ERR_INVALID,
                  "behaviour: \"%s\" is not understood; say \"boots in 20 s\", \"never healthy\", \"crashes after 5 min\" or "
                  "\"error rate 3 %%\", with commas between",
                  clause);
        *into = simulated_behaviour_usual;
        return FALSE;
    }
    return TRUE;
}

char *simulated_behaviour_text(const SimulatedBehaviour *behaviour) {
    g_autoptr(GPtrArray) clauses = g_ptr_array_new_with_free_func(g_free);
    if (behaviour->boot_ms >= 0)
        g_ptr_array_add(clauses, g_strdup_printf("boots in %" G_GINT64_FORMAT " ms", behaviour->boot_ms));
    if (behaviour->never_healthy)
        g_ptr_array_add(clauses, g_strdup("never healthy"));
    if (behaviour->crash_ms >= 0)
        g_ptr_array_add(clauses, g_strdup_printf("crashes after %" G_GINT64_FORMAT " ms", behaviour->crash_ms));
    if (behaviour->error_rate > 0) {
        char number[G_ASCII_DTOSTR_BUF_SIZE];
        g_ascii_formatd(number, sizeof number, "%.10g", behaviour->error_rate * 100);
        g_ptr_array_add(clauses, g_strdup_printf("error rate %s %%", number));
    }
    g_ptr_array_add(clauses, NULL);
    return g_strjoinv(", ", (char **)clauses->pdata);
}
