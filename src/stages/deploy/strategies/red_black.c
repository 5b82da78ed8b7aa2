/* `redblack`: the new one takes over, the old ones stay aside; `highlander`: there can be only one (deploy-strategies.md 3). Pure. */
#include "stages/deploy/strategies/strategies.h"

static void highlander_after(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    (void)error;
    g_autoptr(Json) base = strategy_base(execution, stage);
    g_autoptr(Json)
        more = json_pack("{s:i, s:b, s:b}", "shrinkToSize", (gint64)1, "allowDeleteActive", TRUE, "retainLargerOverNewer", FALSE);
    strategy_append(plan, "shrinkCluster", "shrinkCluster", base, more);
}

const Strategy strategy_highlander = {.name = "highlander",
                                      .label = "Highlander",
                                      .help = "The new server group takes over; the old ones are destroyed.",
                                      .plan_after = highlander_after,
                                      .snapshots_capacity = TRUE,
                                      .disables_others = TRUE};

static void red_black_after(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    (void)error;
    if (strategy_source(stage) == NULL)
        return; /* nothing was there before */
    g_autoptr(Json) base = strategy_base(execution, stage);
    g_autoptr(Json) disable = json_pack("{s:i, s:b}", "remainingEnabledServerGroups", (gint64)1, "preferLargerOverNewer", FALSE);
    strategy_append_shrink(stage, plan, base, deploy_flag(deploy_context(stage), "allowDeleteActive", FALSE));
    strategy_append_wait(plan, "Wait Before Disable", strategy_seconds(stage, "delayBeforeCleanup", "delayBeforeDisableSec"));
    strategy_append(plan, "disableCluster", "disableCluster", base, disable);
    if (deploy_flag(deploy_context(stage), "scaleDown", FALSE))
        strategy_append_scale_down(stage, plan, base, deploy_flag(deploy_context(stage), "allowScaleDownActive", FALSE));
}

/* After one of its own tasks failed, the old ones were not touched yet: only the new one has to go out of traffic. */
static const char *red_black_rollback(const Stage *stage) {
    for (guint i = 0; i < stage->tasks->len; i++)
        if (((const TaskState *)stage->tasks->pdata[i])->status == STATUS_TERMINAL)
            return "disableOnly";
    return NULL;
}

const Strategy strategy_red_black = {.name = "redblack",
                                     .label = "Red/Black",
                                     .help = "The new server group takes over; the old ones are disabled and kept.",
                                     .plan_after = red_black_after,
                                     .rollback_flag = red_black_rollback,
                                     .snapshots_capacity = TRUE,
                                     .disables_others = TRUE};
