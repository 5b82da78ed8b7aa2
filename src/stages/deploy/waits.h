/* The waits of server-group stages, each a task (deploy-strategies.md 1, 4, 5). */
#pragma once
#include "stages/deploy/live.h"

extern const TaskDefinition task_wait_for_up, task_wait_for_down, task_wait_for_disabled, task_wait_for_destroyed,
    task_wait_for_capacity_match;
/* For other waits: the rule of waitForUpInstances on one group. */
gboolean rule_enough_up(GroupLook *look, GError **error);
gboolean rule_is_empty(GroupLook *look, GError **error);
gboolean rule_is_down(GroupLook *look, GError **error);
