/* `modifyAwsScalingProcess`: resumes or suspends a group's scaling processes; around every resize, so that the new size can be
 * reached (deploy-strategies.md 4). A cloud without such processes has no operation for them: then the tasks do nothing. */
#pragma once
#include "engine/stage.h"

/* Adds the stage around a resize: before (resume Launch and Terminate) or after (suspend again what was resumed). Pure. */
void scaling_processes_plan(const Stage *resize, StagePlan *plan, gboolean before);
