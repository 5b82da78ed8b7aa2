/* What a deployment stage is about: account, cluster, locations, the server groups it recorded. Pure readings of a stage. */
#pragma once
#include "stages/stages.h"

const JsonValue *deploy_context(const Stage *stage);

/* The parameters of an execution that a deployment runs as its strategy: what account, cluster and locations are read from where a stage
 * says nothing itself (engine.md 17). NULL in every other execution. */
const JsonValue *deploy_strategy_parameters(const Execution *execution);
/* credentials, else account, else account.name, else the strategy's; NULL when absent. Fits TaskDefinition.account. */
const char *deploy_account(const Execution *execution, const Stage *stage);
/* moniker.cluster, else cluster, else that of a strategy when there is no stack or freeFormDetails either, else
 * application-stack-freeFormDetails; NULL when none is given. Caller frees. */
char *deploy_cluster(const Execution *execution, const Stage *stage);
const char *deploy_application(const Execution *execution, const Stage *stage);
/* deploy-strategies.md 4: regions, region, zones, zone, namespaces, namespace, or the keys of availabilityZones; else the strategy's.
 * Caller frees. */
char **deploy_locations(const Execution *execution, const Stage *stage);
char **deploy_locations_in(const JsonValue *object); /* the same of any object (or NULL): empty when it has none */
/* ERR_INVALID when a region (zone, namespace) is given that is not among the regions (…) given beside it: which is meant? */
gboolean deploy_locations_agree(const Stage *stage, GError **error);
char *deploy_location(const Execution *execution, const Stage *stage); /* the first, or NULL */

/* A server group by name. */
typedef struct {
    char *region, *name;
} GroupName;
/* Those recorded under deploy.server.groups; array of GroupName, caller unrefs. */
GPtrArray *deploy_recorded_groups(const Stage *stage);
GroupName *group_name_new(const char *region, const char *name);
void group_name_free(GroupName *name);
/* Records names (GroupName) under deploy.server.groups. */
void deploy_record_groups(TaskContext *context, const GPtrArray *names);

gboolean deploy_capacity(const JsonValue *object, Capacity *into); /* FALSE without desired; numbers may be text */
Json *deploy_capacity_json(const Capacity *capacity);
gboolean capacity_is_pinned(const Capacity *capacity);
gint64 deploy_number(const JsonValue *value, gint64 otherwise);                     /* a number, or text that is one */
gboolean deploy_flag(const JsonValue *object, const char *key, gboolean otherwise); /* a boolean, or text that is one */

/* What every operation on one server group carries: account, name, region. Caller unrefs. */
Json *deploy_group_payload(const char *account, const char *cloud, const GroupName *name);

/* How soon a wait looks again: at once at first, seldom after half an hour (deploy-strategies.md 1). For TaskDefinition.poll_after. */
gint64 deploy_poll_after(const Execution *execution, const Stage *stage, const TaskState *task, gint64 now_ms);

#define DEPLOY_WAIT_TIMEOUT_MS (30 * G_GINT64_CONSTANT(60000))
#define DEPLOY_UP_TIMEOUT_MS (2 * G_GINT64_CONSTANT(3600000))
#define DEPLOY_LOST_GROUP_MS (10 * G_GINT64_CONSTANT(60000)) /* how long a group may not be seen after it was made */
