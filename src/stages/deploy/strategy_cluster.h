/* What a `deploy` stage of a custom strategy deploys: the cluster of the deployment that runs the strategy. Pure. */
#pragma once
#include "engine/stage.h"

/* Context of the stage that trigger.parameters.parentStageId names, out of trigger.parentExecution. Borrowed; NULL with ERR_INVALID. */
const JsonValue *strategy_parent_context(const Execution *execution, GError **error);
/* One cluster of it as the strategy deploys it: with strategy none, the image of the parameters when it names none, and traffic as the
 * stage's trafficOptions say (deploy-strategies.md 1). Caller unrefs. */
Json *strategy_cluster(const Stage *stage, const JsonValue *parameters, const JsonValue *cluster);
