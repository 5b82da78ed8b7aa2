/* The table of all stage types. A new stage: its own file in the group's folder, one `extern` and one row here. */
#include "stages/stages.h"

extern const StageType stage_wait, stage_noop, stage_manual_judgment;
extern const StageType stage_create_application, stage_update_application, stage_upsert_application, stage_delete_application;
extern const StageType stage_save_pipeline, stage_update_pipeline, stage_delete_pipeline, stage_reorder_pipelines;

static const StageType *const TYPES[] = {
    /* flow */
    &stage_wait,
    &stage_noop,
    &stage_manual_judgment,

    /* metadata */
    &stage_create_application,
    &stage_update_application,
    &stage_upsert_application,
    &stage_delete_application,
    &stage_save_pipeline,
    &stage_update_pipeline,
    &stage_delete_pipeline,
    &stage_reorder_pipelines,
    NULL,
};

const StageTypes stage_types = {TYPES};

Principal services_principal(const char *user) {
    static const char *const NO_ROLES[] = {NULL};
    return (Principal){.user = user != NULL ? user : "anonymous", .roles = NO_ROLES, .anonymous = user == NULL};
}
