/* The bakery: machine images made by packer (bake.md 1-7). Bakes are rows (store objects of kind "bake"), keyed by request; each
 * runs packer under `gennaker run-child`, which outlives us; after a restart it is re-attached or cleanly repeated, and leftover
 * builder instances (tag gennaker:operation) are found and ended. Any thread. */
#pragma once
#include "base/cancel.h"
#include "base/config.h"
#include "clouds/cloud.h"
#include "store/store.h"

typedef struct Bakery Bakery;
typedef struct {
    Store *store;
    Clouds *clouds;
    Config *config;
    const char *folder;  /* data folder; bakes have their own folders below "bakes" */
    const char *program; /* path of this binary, for run-child */
    void (*bake_ended)(const char *execution_id, const char *stage_id, gpointer data); /* wakes the waiting stage */
    gpointer data;
} BakeryOptions;
Bakery *bakery_new(const BakeryOptions *options, GError **error);
void bakery_start(Bakery *bakery); /* re-attaches what ran */
void bakery_stop(Bakery *bakery);  /* builders go on without us */
void bakery_free(Bakery *bakery);
gboolean bakery_reload(Bakery *bakery, Config *config, GError **error);
extern const ConfigSection *const bake_config_sections[];

Json *bakery_options(Bakery *bakery, const char *cloud /* NULL: all */, GError **error);
Json *bakery_base_image(Bakery *bakery, const char *cloud, const char *id, GError **error);
/* BakeStatus (bake.md 1), with `error` when it failed. request: BakeRequest in snake_case; execution/stage for waking and clean-up, or
 * NULL. A request_id makes a repeat harmless: the bake of that id is answered. ERR_INVALID: no recipe for it. */
Json *bakery_bake(Bakery *bakery, const char *region, const JsonValue *request, gboolean rebake, const char *execution_id,
                  const char *stage_id, GError **error);
Json *bakery_status(Bakery *bakery, const char *id, GError **error);
Json *bakery_bake_details(Bakery *bakery, const char *region, const char *id, GError **error);
char *bakery_log(Bakery *bakery, const char *id, GError **error);       /* so far; kept after the end; secrets masked */
gboolean bakery_cancel(Bakery *bakery, const char *id, GError **error); /* ERR_CONFLICT when it is over */
/* The next bake of such a request makes a new image. ERR_NOT_FOUND: none was kept. Caller frees the id of the bake that is forgotten. */
char *bakery_forget(Bakery *bakery, const char *region, const JsonValue *request, GError **error);
/* The same for all bakes that stages of these executions waited for; how many. */
gboolean bakery_forget_executions(Bakery *bakery, const JsonValue *execution_ids, guint *forgotten, GError **error);
/* A stage no longer waits for it: cancelled when nobody else does. */
gboolean bakery_leave(Bakery *bakery, const char *id, const char *execution_id, const char *stage_id, GError **error);
/* `gennaker run-child FOLDER`: runs the argument vector in FOLDER/command.json in its own session; writes output, heartbeat and
 * exit code there. Returns the exit code of the command line. */
int bake_run_child(const char *folder);
