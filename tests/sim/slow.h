/* What statuses have to be, worked out without the engine: the oracle of both simulations. */
#pragma once
#include "engine/execution.h"
#include "engine/graph.h"

gboolean slow_in(Status status, const char *names); /* one of names, separated by spaces */
/* Of the children that ended in this very step only `decider` counts with its new status; NULL: all do. */
Status slow_stage_status(const Execution *before, const Execution *execution, const Stage *stage, const Stage *decider);
/* A step may end several children of a stage; which of them decided about it depends on their order inside the step. */
gboolean slow_was_decided_by_one(const Execution *before, const Execution *after, const Stage *stage);
gboolean slow_may_start(const Execution *execution, const Stage *stage); /* its requisites are complete */
Status slow_execution_status(const Execution *execution);
void slow_print_stages(const Execution *execution); /* on standard error, for people */
