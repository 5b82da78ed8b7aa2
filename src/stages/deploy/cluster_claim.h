/* One deployment of a cluster at a time (README.md, "One deployment of a cluster"). Runs in a worker. */
#pragma once
#include "stages/stages.h"

#define CLUSTER_CLAIM_KIND "deploymentClaim" /* of store/objects.h; id: account/location/cluster */

typedef enum { CLAIM_HELD, CLAIM_WAITS /* task_progress says for whom */, CLAIM_FAILED /* *error */ } ClaimAnswer;
#define CLUSTER_CLAIM_POLL_MS 5000
/* Claims the cluster that a stage deploys (the one of the context, or the one around it) for that stage, from now until it has ended. Asked
 * again it is still the stage's own: a task that runs twice, or goes on after a crash, claims once. A stage inside the one that holds it (a
 * strategy's pipeline, a rollback) goes ahead on that claim. A stage that names no cluster has nothing to claim: held. *since_ms: when the
 * claim was made (of one that is gone ahead on: now). */
ClaimAnswer cluster_claim(TaskContext *context, const Stage *deployment, gint64 *since_ms, GError **error);
/* The stage around makes a server group: what is asked for its sake waits for its turn. NULL: it does not. */
const Stage *cluster_claim_deployment(const Execution *execution, const Stage *stage);
