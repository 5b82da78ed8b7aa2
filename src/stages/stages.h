/* The table of all stage types, and what their files have in common. */
#pragma once
#include "base/clock.h"
#include "engine/stage.h"
#include "stages/services.h"

/* All stage types of the program, by group. */
extern const StageTypes stage_types;

/* What is done to a pipeline before it becomes an execution; ends with an entry without name. */
extern const SubmissionStep submission_steps[];

/* Part of a start and a reload: ERR_INVALID with the key, and the reason, of what stages could not work with. */
gboolean stages_check_config(Config *config, GError **error);

/* The principal a task acts as: the stage's user. */
Principal services_principal(const char *user);
