/* Rules of faults: their text, their JSON, and when they strike (fault.h). Pure. */
#include "clouds/simulator/fault.h"
#include "clouds/simulator/words.h"
#include <string.h>

const char *const simulated_fault_kinds[] = {
    [FAULT_THROTTLE] = "throttle", [FAULT_TIMEOUT_AFTER] = "timeout-after", [FAULT_REFUSE] = "refuse",
    [FAULT_STALE] = "stale",       [FAULT_LOSE_INSTANCE] = "lose-instance", NULL};

typedef struct {
    int kind;
    char *operation, *account, *region, *after, *for_;
    gint64 times, every;
    double probability;
} FaultParams;

#define TEXT(NAME, FIELD, HELP)                                                                                                            \
    { .name = NAME, .type = PARAM_STRING, .offset = offsetof(FaultParams, FIELD), .help = HELP }
const Param simulated_fault_params[] = {
    {.name = "kind",
     .type = PARAM_ENUM,
     .offset = offsetof(FaultParams, kind),
     .required = TRUE,
     .choices = simulated_fault_kinds,
     .help = "throttle: not done, try again; timeout-after: done, the answer is lost; refuse: never done; stale: reads show the past; "
             "lose-instance: done, and an instance dies."},
    TEXT("operation", operation, "Operation it is about, * for any."),
    TEXT("account", account, "Account it is about; absent: any."),
    TEXT("region", region, "Region it is about; absent: any."),
    {.name = "times",
     .type = PARAM_INT,
     .offset = offsetof(FaultParams, times),
     .otherwise = "-1",
     .min = -1,
     .max = G_MAXINT64,
     .help = "How often at most; -1: always."},
    {.name = "every",
     .type = PARAM_INT,
     .offset = offsetof(FaultParams, every),
     .otherwise = "1",
     .min = 1,
     .max = G_MAXINT64,
     .help = "Only each nth call that it is about."},
    {.name = "probability", .type = PARAM_DOUBLE, .offset = offsetof(FaultParams, probability), .otherwise = "1", .help = "0 to 1."},
    TEXT("after", after, "Not before this much time has passed: \"30 s\"."),
    TEXT("for", for_, "For this long only: \"5 min\"."),
    {0},
};

void simulated_fault_free(SimulatedFault *fault) {
    if (fault == NULL)
        return;
    g_free(fault->operation);
    g_free(fault->account);
    g_free(fault->region);
    g_free(fault);
}

static SimulatedFault *fault_new(SimulatedFaultKind kind) {
    SimulatedFault *fault = g_new0(SimulatedFault, 1);
    *fault = (SimulatedFault){.kind = kind, .times = -1, .every = 1, .probability = 1, .for_ms = -1};
    return fault;
}

/* ---- text ---- */

static SimulatedFaultKind take_kind(Words *words) {
    for (int i = 0; simulated_fault_kinds[i] != NULL; i++)
        if (words_take(words, simulated_fault_kinds[i]))
            return (SimulatedFaultKind)i;
    return FAULT_NONE;
}

static gboolean take_place(Words *words, SimulatedFault *fault) {
    g_autofree char *place = words_take_word(words);
    if (place == NULL)
        return FALSE;
    char *slash = strchr(place, '/');
    g_free(fault->account);
    g_free(fault->region);
    fault->account = slash != NULL ? g_strndup(place, (gsize)(slash - place)) : g_strdup(place);
    fault->region = slash != NULL && slash[1] != '\0' ? g_strdup(slash + 1) : NULL;
    return *fault->account != '\0';
}

static gboolean take_count(Words *words, gint64 *count) {
    double number = 0;
    if (!words_take_number(words, &number) || number < 1 || number > G_MAXINT32)
        return FALSE;
    *count = (gint64)number;
    return TRUE;
}

static gboolean take_times(Words *words, SimulatedFault *fault) {
    return take_count(words, &fault->times) && (words_take(words, "times") || words_take(words, "time"));
}

static gboolean take_clause(Words *words, SimulatedFault *fault) {
    if (words_take(words, "in"))
        return take_place(words, fault);
    if (words_take(words, "once")) {
        fault->times = 1;
        return TRUE;
    }
    if (words_take(words, "every"))
        return take_count(words, &fault->every);
    if (words_take(words, "with"))
        return words_take_percentage(words, &fault->probability);
    if (words_take(words, "after"))
        return words_take_duration(words, &fault->after_ms);
    if (words_take(words, "for"))
        return words_take_duration(words, &fault->for_ms);
    return take_times(words, fault);
}

/* The word after the kind, unless a clause begins there. */
static void take_operation(Words *words, SimulatedFault *fault) {
    Words tried = *words;
    g_autoptr(SimulatedFault) unused = fault_new(fault->kind);
    if (words_end(words) || take_clause(&tried, unused))
        return;
    fault->operation = words_take_word(words);
    if (g_strcmp0(fault->operation, "*") == 0)
        g_clear_pointer(&fault->operation, g_free);
}

SimulatedFault *simulated_fault_parse(const char *text, GError **error) {
    if (strlen(text) > SIMULATED_TEXT_MAX) {
        error_set(error, ERR_LIMIT, "fault: longer than %d bytes", SIMULATED_TEXT_MAX);
        return NULL;
    }
    Words words = {text};
    SimulatedFaultKind kind = take_kind(&words);
    if (kind == FAULT_NONE) {
        error_set(error, ERR_INVALID, "fault: \"%s\" does not begin with throttle, timeout-after, refuse, stale or lose-instance", text);
        return NULL;
    }
    g_autoptr(SimulatedFault) fault = fault_new(kind);
    take_operation(&words, fault);
    while (!words_end(&words)) {
        const char *clause = words.at;
        if (take_clause(&words, fault))
            continue;
        error_set(error, ERR_INVALID,
                  "fault: \"%s\" is not understood; say \"KIND OPERATION in ACCOUNT/REGION\", then any of \"3 times\", \"every 2\", "
                  "\"with 10 %%\", \"after 30 s\", \"for 5 min\"",
                  clause);
        return NULL;
    }
    return g_steal_pointer(&fault);
}

char *simulated_fault_text(const SimulatedFault *fault) {
    GString *text = g_string_new(simulated_fault_kinds[fault->kind]);
    g_string_append_printf(text, " %s", fault->operation != NULL ? fault->operation : "*");
    if (fault->account != NULL)
        g_string_append_printf(text, " in %s%s%s", fault->account, fault->region != NULL ? "/" : "",
                               fault->region != NULL ? fault->region : "");
    if (fault->times >= 0)
        g_string_append_printf(text, " %" G_GINT64_FORMAT " times", fault->times);
    if (fault->every > 1)
        g_string_append_printf(text, " every %" G_GINT64_FORMAT, fault->every);
    if (fault->probability < 1) {
        char number[G_ASCII_DTOSTR_BUF_SIZE];
        g_string_append_printf(text, " with %s %%", g_ascii_formatd(number, sizeof number, "%.10g", fault->probability * 100));
    }
    if (fault->after_ms > 0)
        g_string_append_printf(text, " after %" G_GINT64_FORMAT " ms", fault->after_ms);
    if (fault->for_ms >= 0)
        g_string_append_printf(text, " for %" G_GINT64_FORMAT " ms", fault->for_ms);
    return g_string_free(text, FALSE);
}

/* ---- JSON ---- */

static gboolean read_duration(const char *key, const char *text, gint64 *ms, GError **error) {
    Words words = {text};
    if (words_take_duration(&words, ms) && words_end(&words))
        return TRUE;
    error_set(error, ERR_INVALID, "fault: %s: expected a duration like \"30 s\", got \"%s\"", key, text);
    return FALSE;
}

static SimulatedFault *fault_of(FaultParams *params, GError **error) {
    g_autoptr(SimulatedFault) fault = fault_new((SimulatedFaultKind)params->kind);
    fault->times = params->times;
    fault->every = params->every;
    fault->probability = params->probability;
    fault->operation = g_strcmp0(params->operation, "*") != 0 ? g_strdup(params->operation) : NULL;
    fault->account = g_strdup(params->account);
    fault->region = g_strdup(params->region);
    if (!(fault->probability >= 0 && fault->probability <= 1)) {
        error_set(error, ERR_INVALID, "fault: probability: expected a number from 0 to 1");
        return NULL;
    }
    if (params->after != NULL && !read_duration("after", params->after, &fault->after_ms, error))
        return NULL;
    if (params->for_ != NULL && !read_duration("for", params->for_, &fault->for_ms, error))
        return NULL;
    return g_steal_pointer(&fault);
}

SimulatedFault *simulated_fault_read(const JsonValue *value, GError **error) {
    if (json_is_string(value))
        return simulated_fault_parse(json_string(value), error);
    FaultParams params = {0};
    if (!params_read(simulated_fault_params, value, &params, error)) {
        g_prefix_error(error, "fault: ");
        return NULL;
    }
    SimulatedFault *fault = fault_of(&params, error);
    params_clear(simulated_fault_params, &params);
    return fault;
}

/* ---- striking ---- */

static gboolean is_about(const char *asked, const char *actual) {
    return asked == NULL || g_strcmp0(asked, actual) == 0;
}

gboolean simulated_fault_covers(const SimulatedFault *fault, const char *operation, const char *account, const char *region,
                                gint64 now_ms) {
    gint64 since_ms = now_ms - fault->began_ms - fault->after_ms;
    return since_ms >= 0 && (fault->for_ms < 0 || since_ms < fault->for_ms) && (fault->times < 0 || fault->struck < fault->times) &&
           is_about(fault->operation, operation) && is_about(fault->account, account) && is_about(fault->region, region);
}

gboolean simulated_fault_strikes(SimulatedFault *fault, double chance) {
    fault->matched++;
    if (fault->matched % fault->every != 0 || chance >= fault->probability)
        return FALSE;
    fault->struck++;
    return TRUE;
}
