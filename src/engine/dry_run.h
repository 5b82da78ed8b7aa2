/* What a dry run does instead of a stage's tasks. For the core alone. Pure. */
#pragma once
#include "engine/core.h"

/* The tasks that stand for those of a stage; ends with an entry without name. */
extern const TaskDefinition dry_run_tasks[];
/* The stage's tasks are not to be run. */
gboolean dry_run_replaces(const StageType *type, const Execution *execution, const Stage *stage);
/* The stage was planned that way: nothing was done that could be undone. */
gboolean dry_run_was(const Stage *stage);
