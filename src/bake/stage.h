/* The pieces of the `bake` stage (bake.md 7). All but the tasks are pure. */
#pragma once
#include "bake/bakery.h"
#include "bake/naming.h"
#include "engine/stage.h"
#include "stages/stages.h"

#define BAKE_STAGE_TYPE "bake"
#define BAKE_REGIONS_MAX 64
#define BAKE_PAUSE_KEY "stages.bake-stage.pause.enabled"
#define BAKE_MONITOR_TIMEOUT_KEY "tasks.monitor-bake.timeout-millis"
#define BAKE_POLL_MS (30 * 1000) /* between looks at a bake, and between tries to begin one */

typedef struct {
    gboolean allow_missing_packages, extract_build_details, unknown_keys, fail_on_name_mismatch, paused;
    gint64 monitor_timeout_ms; /* the engine reads it by its key */
} BakeStageSettings;
/* What the configuration says of the stage now. */
BakeStageSettings bake_stage_settings(Services *services);

/* Regions to bake in: own ones, and those of deployments behind the stage. Strv, caller frees. */
char **bake_stage_regions(const Execution *execution, const Stage *stage);
const char *bake_stage_cloud(const Stage *stage);

/* What is known of the build a package comes from; NULL where nothing is. */
typedef struct {
    char *url, *host, *job, *number, *commit;
} BakeBuild;
void bake_build_clear(BakeBuild *build);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BakeBuild, bake_build_clear)

/* The stage's packages with the versions that were built: "foo_1.2.3-h45.8e2f1aa_all bar_1.0_all". type: deb, rpm, nupkg. build is
 * filled when the execution knows one. ERR_INVALID: see bake.md 7. Caller frees. */
char *bake_resolve_packages(const Execution *execution, const Stage *stage, const char *type, const BakeStageSettings *settings,
                            BakeBuild *build, GError **error);

/* The BakeRequest of a region's stage. Caller owns. */
typedef struct {
    const Execution *execution;
    const Stage *stage;
    const BakeStageSettings *settings;
    const char *user, *packages, *package_type;
    const BakeBuild *build;
} BakeRequestFacts;
Json *bake_stage_request(const BakeRequestFacts *facts);

Status bake_delay_task(TaskContext *context, GError **error);
Status bake_create_task(TaskContext *context, GError **error);
Status bake_monitor_task(TaskContext *context, GError **error);
Status bake_completed_task(TaskContext *context, GError **error);
Status bake_complete_parallel_task(TaskContext *context, GError **error);
Status bake_cancel_task(TaskContext *context, GError **error);
