/* What the stages on single instances share (stages.md 11): which instances, in which server groups, and what is known of them. Runs in
 * a worker. */
#pragma once
#include "stages/operation_stage.h"

/* Some instances of one server group. */
typedef struct {
    GroupName *group;  /* name NULL: their server group is not known */
    GPtrArray *ids;    /* of char * */
    gboolean was_read; /* the group was read live: ids are members */
} InstanceSet;

/* Instances named by the stage (instanceIds, else instance or instanceId), by server group (serverGroupName or asgName, else as the
 * inventory knows), oldest name first; array of InstanceSet, caller unrefs. NULL with error. */
GPtrArray *instances_of_stage(TaskContext *context, GError **error);
/* Reads each group live and leaves out what is not a member any more. FALSE with error: a group could not be read. */
gboolean instances_drop_missing(TaskContext *context, GPtrArray *sets, GError **error);
char **instances_ids(const InstanceSet *set); /* strv; caller frees */

/* Asks the guards for a set now and makes its {writeCheck}; NULL: refused. Caller unrefs. */
Json *instances_check(TaskContext *context, const InstanceSet *set, const char *operation, GError **error);

/* What is true of an instance that a wait waits for; NULL instance: it is gone. */
typedef gboolean (*InstanceRule)(const Instance *instance, const HealthInterest *interest);
/* Waits until the rule holds for every instance that the stage names; what is known of each is read live. health_types: whose health
 * counts whatever the stage says; NULL: as the stage says. */
Status instances_wait(TaskContext *context, InstanceRule rule, const char *const *health_types, const char *words, GError **error);
gboolean instance_rule_gone(const Instance *instance, const HealthInterest *interest);
gboolean instance_rule_up(const Instance *instance, const HealthInterest *interest);
gboolean instance_rule_down(const Instance *instance, const HealthInterest *interest);

#define INSTANCES_WAIT_TIMEOUT_MS 3600000
#define INSTANCES_WAIT(task_name, function)                                                                                                \
    {                                                                                                                                      \
        .name = (task_name), .run = (function), .timeout_ms = INSTANCES_WAIT_TIMEOUT_MS, .backoff_ms = 500,                                \
        .poll_after = deploy_poll_after, .overridable_timeout = TRUE, .account = deploy_account                                            \
    }

typedef struct {
    char *credentials, *provider, *region, *zone, *server_group, *instance, *reason;
    char **instances, **load_balancers, **target_groups, **health_providers;
    gboolean set_max, adjust_min, decrement, terminate;
} InstanceStageParams;
#define INSTANCE_PARAM(key, kind, member, ...)                                                                                             \
    { .name = (key), .type = (kind), .offset = offsetof(InstanceStageParams, member), __VA_ARGS__ }
#define INSTANCE_PLACE_PARAMS                                                                                                              \
    INSTANCE_PARAM("credentials", PARAM_STRING, credentials, .help = "The account; account is taken as well."),                            \
        INSTANCE_PARAM("cloudProvider", PARAM_STRING, provider, .help = "The cloud; that of the account when absent."),                    \
        INSTANCE_PARAM("region", PARAM_STRING, region, .help = "Where."),                                                                  \
        INSTANCE_PARAM("serverGroupName", PARAM_STRING, server_group,                                                                      \
                       .help = "Their server group (asgName is taken as well); found when absent.")
#define INSTANCE_IDS_PARAM INSTANCE_PARAM("instanceIds", PARAM_STRINGS, instances, .help = "Ids of the instances.")
#define INSTANCE_HEALTH_PARAM                                                                                                              \
    INSTANCE_PARAM("interestingHealthProviderNames", PARAM_STRINGS, health_providers,                                                      \
                   .help = "Whose health counts; absent: everybody's; empty: nobody's.")
