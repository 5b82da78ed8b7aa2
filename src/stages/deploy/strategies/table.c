/* The table of deployment strategies (strategies.h). Pure. */
#include "stages/deploy/strategies/strategies.h"

static const Strategy NONE = {
    .name = "none", .label = "None", .help = "The new server group joins those that are there.", .snapshots_capacity = TRUE};
static const Strategy *const STRATEGIES[] = {
    &NONE,           &strategy_red_black, &strategy_highlander, &strategy_rolling_red_black, &strategy_monitored, &strategy_rolling_push,
    &strategy_custom};
/* Known elsewhere; taking them for "none" would leave the old groups in traffic without a word. */
static const char *const NOT_HERE[] = {"cfrollingredblack", NULL};

static char *names_of_all(void) {
    GString *names = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(STRATEGIES); i++)
        g_string_append_printf(names, "%s%s", i == 0 ? "" : i + 1 == G_N_ELEMENTS(STRATEGIES) ? " or " : ", ", STRATEGIES[i]->name);
    return g_string_free(names, FALSE);
}

const Strategy *strategy_named(const char *given, GError **error) {
    g_autofree char *name = given != NULL ? g_ascii_strdown(given, -1) : NULL;
    for (guint i = 0; name != NULL && i < G_N_ELEMENTS(STRATEGIES); i++)
        if (strcmp(STRATEGIES[i]->name, name) == 0)
            return STRATEGIES[i];
    if (name == NULL || !g_strv_contains(NOT_HERE, name))
        return &NONE;
    g_autofree char *names = names_of_all();
    error_set(error, ERR_INVALID, "strategy %s is not available: %s", given, names);
    return NULL;
}

const Strategy *strategy_of(const Stage *stage, GError **error) {
    return strategy_named(json_get_string(deploy_context(stage), "strategy"), error);
}
