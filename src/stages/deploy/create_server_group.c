/* `createServerGroup`, `cloneServerGroup`: one new server group with its strategy (stages.md 10.2, deploy-strategies.md 1-3, 8). A clone is a
 * creation in which everything that is not said is what the source has. */
#include "clouds/naming.h"
#include "stages/deploy/deployment.h"
#include "stages/deploy/stage_params.h"
#include "stages/flow/settings.h"

#define WAITS_FOR_CONDITIONS "_waitsForConditions"
#define SNAPSHOTS_CAPACITY "_snapshotsSourceCapacity"

/* ---- prepare: the cluster's own description is the stage's ---- */

/* name: the account that will be taken, NULL: none is given. */
static gboolean check_account(const JsonValue *context, const char *name, GError **error) {
    const char *credentials = json_get_string(context, "credentials"), *account = json_get_string(context, "account");
    if (credentials != NULL && account != NULL && strcmp(credentials, account) != 0) {
        error_set(error, ERR_INVALID, "account %s and credentials %s must not differ", account, credentials);
        return FALSE;
    }
    if (name == NULL) {
        error_set(error, ERR_INVALID, "credentials: required, the name of an account");
        return FALSE;
    }
    return TRUE;
}

static gboolean is_clone(const Stage *stage) {
    return strcmp(stage->type, "createServerGroup") != 0;
}

/* A clone belongs to its source's cluster where it does not say another; the stages behind it read that too. */
static void take_cluster_of_source(TaskContext *context, const JsonValue *flat) {
    const JsonValue *source = json_get(flat, "source");
    const char *name = json_get_string(source, "serverGroupName");
    name = name != NULL ? name : json_get_string(source, "asgName");
    if (name == NULL || json_get(flat, "stack") != NULL || json_get(flat, "freeFormDetails") != NULL || json_get(flat, "moniker") != NULL)
        return;
    g_auto(Moniker) moniker = {0};
    naming_parse(name, &moniker);
    g_autoptr(Json) parts = json_pack("{s:s, s:s}", "stack", moniker.stack, "freeFormDetails", moniker.detail);
    task_merge_context(context, json_root(parts));
}

static Status prepare(TaskContext *context, GError **error) {
    const JsonValue *own = deploy_context(context->stage), *cluster = json_get(own, "cluster");
    g_autoptr(Json) flat = json_merge(own, json_is_object(cluster) ? cluster : NULL);
    const char *account = json_get_string(json_root(flat), "credentials");
    account = account != NULL ? account : json_get_string(json_root(flat), "account");
    account = account != NULL ? account : deploy_account(context->execution, context->stage);
    if (!check_account(json_root(flat), account, error))
        return STATUS_TERMINAL;
    g_autoptr(Account) known = clouds_account(context->services->clouds, account, error);
    g_autoptr(Config) config = services_config(context->services);
    g_auto(ConditionSettings) conditions = {0};
    const Strategy *strategy = strategy_named(json_get_string(json_root(flat), "strategy"), error);
    if (known == NULL || strategy == NULL || !condition_settings_read(config, &conditions, error))
        return STATUS_TERMINAL;
    if (json_is_object(cluster)) {
        task_merge_context(context, cluster);
        task_remove_context(context, "cluster");
    }
    if (is_clone(context->stage))
        take_cluster_of_source(context, json_root(flat));
    g_autoptr(Json) snapshots = json_from_bool(known->cloud->snapshots_source_capacity);
    task_set_context_json(context, SNAPSHOTS_CAPACITY, snapshots);
    g_autoptr(Json) waits = json_from_bool(conditions.enabled);
    task_set_context_json(context, WAITS_FOR_CONDITIONS, waits);
    return strategy->prepare == NULL || strategy->prepare(context, json_root(flat), error) ? STATUS_SUCCEEDED : STATUS_TERMINAL;
}

/* ---- the create task ---- */

static char **regions_of(const Execution *execution, const Stage *stage) {
    g_autoptr(GPtrArray) regions = g_ptr_array_new();
    for (JsonIter i = json_iter(json_get(deploy_context(stage), "availabilityZones")); json_next(&i);)
        g_ptr_array_add(regions, g_strdup(i.key));
    if (regions->len == 0)
        return deploy_locations(execution, stage);
    g_ptr_array_add(regions, NULL);
    return (char **)g_ptr_array_steal(regions, NULL);
}

static gboolean names_image(const JsonValue *description, const char *key) {
    return json_get_string(description, key) != NULL || json_get_string(description, "imageId") != NULL ||
           json_get_string(description, "amiName") != NULL;
}

/* The image of a description that names none; NULL with error, or without when a clone may take its source's. Caller frees. */
static char *find_image(TaskContext *context, const Cloud *cloud, GError **error) {
    if (image_is_given_as_artifact(context->stage))
        return image_given_as_artifact(context, error);
    g_auto(GStrv) regions = regions_of(context->execution, context->stage);
    const JsonValue *made = image_for_region(context->execution, context->stage, regions[0], cloud->id);
    char *image = made != NULL ? g_strdup(image_id(made))
                               : image_of_bound_artifact(context->execution, context->stage, regions[0], cloud->id);
    if (image == NULL && !is_clone(context->stage))
        error_set(error, ERR_INVALID,
                  "No image found for %s. Make sure an upstream stage, like bake or find image, runs before this one "
                  "and makes one there",
                  regions[0]);
    return image;
}

/* The description with the image that was made for its region; NULL with error. */
static Json *with_image(TaskContext *context, const Cloud *cloud, const Json *description, GError **error) {
    const char *key = cloud->image_key != NULL ? cloud->image_key : "imageId";
    if (names_image(json_root(description), key)) {
        const char *image = json_get_string(json_root(description), key);
        image = image != NULL ? image : json_get_string(json_root(description), "imageId");
        return image != NULL ? json_with_string(json_root(description), key, image) : json_copy(json_root(description));
    }
    g_autoptr(GError) failed = NULL;
    g_autofree char *image = find_image(context, cloud, &failed);
    if (image != NULL)
        return json_with_string(json_root(description), key, image);
    if (failed == NULL)
        return json_copy(json_root(description));
    g_propagate_error(error, g_steal_pointer(&failed));
    return NULL;
}

static Json *description_of(TaskContext *context, const Cloud *cloud, GError **error) {
    static const char *const STRATEGY_KEYS[] = {
        "strategy",          "maxRemainingAsgs",      "scaleDown",      "rollback",    "stageTimeoutMs",
        "clusters",          "savedCapacity",         "maxInitialAsgs", "deploySteps", "targetPercentages",
        "deploymentMonitor", "pipelineBeforeCleanup", "failureActions", NULL};
    g_autoptr(Json) whole = deploy_description(context->stage);
    g_autoptr(Json) own = json_without(json_root(whole), STRATEGY_KEYS);
    const char *account = deploy_account(context->execution, context->stage);
    g_autoptr(Json) more = json_pack("{s:s, s:s, s:s}", "credentials", account, "cloudProvider", cloud->id, "application",
                                     deploy_application(context->execution, context->stage));
    g_autoptr(Json) named = json_merge(json_root(own), json_root(more));
    return with_image(context, cloud, named, error);
}

/* What is sent, and under which operation; NULL with error. */
static Json *description_to_send(TaskContext *context, Account *account, const char **operation, GError **error) {
    g_autoptr(Json) description = description_of(context, account->cloud, error);
    *operation = "createServerGroup";
    if (description == NULL || !is_clone(context->stage))
        return g_steal_pointer(&description);
    if (account->cloud->prepare_clone != NULL)
        return account->cloud->prepare_clone(context->services->clouds, account, json_root(description), context->cancel, error);
    *operation = "cloneServerGroup";
    if (cloud_has_operation(account->cloud, *operation))
        return g_steal_pointer(&description);
    error_set(error, ERR_INVALID, "%s: account %s is of cloud %s, which cannot clone server groups", context->stage->type, account->name,
              account->cloud->id);
    return NULL;
}

static Status create(TaskContext *context, GError **error) {
    const char *account_name = deploy_account(context->execution, context->stage), *operation = NULL;
    g_autoptr(Account) account = clouds_account(context->services->clouds, account_name, error);
    g_autoptr(Json) description = account != NULL ? description_to_send(context, account, &operation, error) : NULL;
    if (description == NULL)
        return STATUS_TERMINAL;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    if (account->cloud->prepare_create != NULL &&
        !account->cloud->prepare_create(context->services->clouds, account, json_root(description), builder, error))
        return STATUS_TERMINAL;
    json_begin_object(builder, NULL);
    json_add_json(builder, operation, description);
    json_end_object(builder);
    json_end_array(builder);
    g_autoptr(Json) operations = json_builder_end(builder);
    g_autoptr(Json) expected = json_from_bool(TRUE);
    task_set_context_json(context, "kato.result.expected", expected);
    return cloud_operation_start(context, account_name, json_root(operations), error) ? STATUS_SUCCEEDED : STATUS_TERMINAL;
}

/* ---- the stage ---- */

static const TaskDefinition create_task = GROUP_OPERATION_TASK("createServerGroup", create),
                            clone_task = GROUP_OPERATION_TASK("cloneServerGroup", create);
static const TaskDefinition monitor_task = CLOUD_OPERATION_MONITOR("monitorDeploy");

static gboolean snapshots_capacity(const Stage *stage) {
    const Strategy *strategy = strategy_of(stage, NULL);
    return strategy != NULL && strategy->snapshots_capacity && json_is_true(json_get(deploy_context(stage), SNAPSHOTS_CAPACITY));
}

static void build_tasks(const Execution *execution, const Stage *stage, GPtrArray *tasks, GError **error) {
    (void)execution;
    const Strategy *strategy = strategy_of(stage, error);
    if (strategy == NULL)
        return;
    g_ptr_array_add(tasks, (gpointer)&task_determine_source);
    g_ptr_array_add(tasks, (gpointer)&task_determine_health_providers);
    if (snapshots_capacity(stage))
        g_ptr_array_add(tasks, (gpointer)&task_snapshot_source);
    if (strategy->replaces_tasks)
        return;
    g_ptr_array_add(tasks, (gpointer)(is_clone(stage) ? &clone_task : &create_task));
    g_ptr_array_add(tasks, (gpointer)&monitor_task);
    g_ptr_array_add(tasks, (gpointer)&task_wait_for_up);
}

static void plan_condition(const Execution *execution, const Stage *stage, StagePlan *plan) {
    g_autofree char *location = deploy_location(execution, stage), *cluster = deploy_cluster(execution, stage);
    g_autoptr(Json)
        child = json_pack("{s:s, s:s, s:s}", "region", location, "cluster", cluster, "account", deploy_account(execution, stage));
    plan_append(plan, STAGE_WAIT_FOR_CONDITION, "Wait For Condition", json_root(child));
}

/* More than maxInitialAsgs groups in traffic, and the capacity that is moved would not be all there is. -1: as many as there are. */
static void plan_initial_groups(const Execution *execution, const Stage *stage, StagePlan *plan) {
    const JsonValue *context = deploy_context(stage);
    gint64 most = deploy_number(json_get(context, "maxInitialAsgs"), 1);
    g_autofree char *location = deploy_location(execution, stage), *cluster = deploy_cluster(execution, stage);
    if (most < 0 || !json_is_true(json_get(context, SNAPSHOTS_CAPACITY)))
        return;
    g_autoptr(Json) child = json_pack("{s:s, s:b, s:{s:b, s:s, s:i, s:[s], s:s, s:s, s:s, s:v}}", "preconditionType", "clusterSize",
                                      "failPipeline", TRUE, "context", "onlyEnabledServerGroups", TRUE, "comparison", "<=", "expected",
                                      most, "regions", location, "cluster", cluster, "application", deploy_application(execution, stage),
                                      "credentials", deploy_account(execution, stage), "moniker", json_get(context, "moniker"));
    plan_append(plan, "checkPreconditions", "Check Deploy Preconditions", json_root(child));
}

static void plan_before(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    if (json_is_true(json_get(deploy_context(stage), WAITS_FOR_CONDITIONS)))
        plan_condition(execution, stage, plan);
    const Strategy *strategy = strategy_of(stage, error);
    if (strategy != NULL && strategy->plan_before != NULL)
        strategy->plan_before(execution, stage, plan, error);
    if (strategy != NULL && strategy->limits_initial_groups)
        plan_initial_groups(execution, stage, plan);
}

static void plan_after(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    const Strategy *strategy = strategy_of(stage, error);
    if (strategy != NULL && strategy->plan_after != NULL)
        strategy->plan_after(execution, stage, plan, error);
    if (strategy == NULL || !snapshots_capacity(stage))
        return;
    const JsonValue *context = deploy_context(stage);
    g_autofree char *location = deploy_location(execution, stage);
    g_autoptr(Json) child = json_pack("{s:s, s:v, s:s}", "credentials", deploy_account(execution, stage), "cloudProvider",
                                      json_get(context, "cloudProvider"), "region", location);
    plan_append(plan, "applySourceServerGroupCapacity", "restoreMinCapacityFromSnapshot", json_root(child));
}

/* ---- when it fails (deploy-strategies.md 8) ---- */

#define ROLLBACK_TIMEOUT_MS (30 * G_GINT64_CONSTANT(60000))
#define DESTROY_TIMEOUT_MS (5 * G_GINT64_CONSTANT(60000))

static void plan_rollback(const Execution *execution, const Stage *stage, const GroupName *made, const char *flag, StagePlan *plan) {
    g_autofree char *cluster = deploy_cluster(execution, stage), *title = g_strconcat("Rollback ", cluster, NULL);
    const JsonValue *context = deploy_context(stage);
    g_autoptr(Json) more = json_pack("{s:b, s:b}", flag, TRUE, "onlyEnabledServerGroups", TRUE);
    g_autoptr(Json) child = json_pack("{s:s, s:v, s:[s], s:s, s:s, s:v, s:i, s:j}", "credentials", deploy_account(execution, stage),
                                      "cloudProvider", json_get(context, "cloudProvider"), "regions", made->region, "serverGroup",
                                      made->name, "cluster", cluster, "moniker", json_get(context, "moniker"), "stageTimeoutMs",
                                      ROLLBACK_TIMEOUT_MS, "additionalRollbackContext", more);
    plan_append(plan, "rollbackCluster", title, json_root(child));
}

static void plan_destroy(const Execution *execution, const Stage *stage, const GroupName *made, StagePlan *plan) {
    g_autofree char *title = g_strconcat("Destroy ", made->name, NULL);
    g_autoptr(Json) child = json_pack("{s:s, s:v, s:s, s:s, s:s, s:i}", "credentials", deploy_account(execution, stage), "cloudProvider",
                                      json_get(deploy_context(stage), "cloudProvider"), "region", made->region, "serverGroupName",
                                      made->name, "asgName", made->name, "stageTimeoutMs", DESTROY_TIMEOUT_MS);
    plan_append(plan, "destroyServerGroup", title, json_root(child));
}

/* The new group may be all that serves: the strategy was taking the others out of traffic, and nobody brings them back. */
static gboolean is_needed(const Execution *execution, const Stage *stage, const Strategy *strategy, gboolean rolled_back) {
    gboolean begun = FALSE;
    g_autoptr(GPtrArray) children = stage_synthetics(execution, stage, OWNER_AFTER);
    for (guint i = 0; i < children->len; i++)
        begun = begun || ((const Stage *)children->pdata[i])->status != STATUS_NOT_STARTED;
    return strategy != NULL && strategy->disables_others && !rolled_back && begun;
}

static void plan_on_failure(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    const JsonValue *rollback = json_get(deploy_context(stage), "rollback");
    const Strategy *strategy = strategy_of(stage, NULL);
    g_autoptr(GPtrArray) made = deploy_recorded_groups(stage);
    gboolean wanted = deploy_flag(rollback, "onFailure", FALSE) && made->len > 0;
    const char *flag = wanted && strategy != NULL && strategy->rollback_flag != NULL ? strategy->rollback_flag(stage) : NULL;
    if (flag != NULL)
        plan_rollback(execution, stage, made->pdata[0], flag, plan);
    gboolean destroys = wanted && deploy_flag(rollback, "destroyLatest", FALSE) && !is_needed(execution, stage, strategy, flag != NULL);
    for (guint i = 0; destroys && i < made->len; i++)
        plan_destroy(execution, stage, made->pdata[i], plan);
    if (strategy != NULL && strategy->plan_on_failure != NULL)
        strategy->plan_on_failure(execution, stage, plan, error);
}

static const Param create_params[] = {
    DEPLOY_ACCOUNT_PARAMS,
    DEPLOY_HEALTH_PARAMS,
    DEPLOY_PARAM("stack", PARAM_STRING, stack, .help = "Second part of the cluster's name."),
    DEPLOY_PARAM("freeFormDetails", PARAM_STRING, detail, .help = "The rest of the cluster's name."),
    DEPLOY_PARAM("availabilityZones", PARAM_JSON, availability_zones, .help = "Where: {region: [zones]}."),
    DEPLOY_PARAM("region", PARAM_STRING, region, .help = "Where, when no zones are named."),
    DEPLOY_PARAM("capacity", PARAM_JSON, capacity, .help = "{min, max, desired}."),
    DEPLOY_PARAM("useSourceCapacity", PARAM_BOOL, use_source_capacity, .help = "Take the size of the server group it replaces."),
    DEPLOY_PARAM("preferSourceCapacity", PARAM_BOOL, prefer_source_capacity, .help = "… and capacity when there is none."),
    DEPLOY_PARAM("source", PARAM_JSON, source,
                 .help = "The server group it replaces: {account, region, serverGroupName}; found when absent."),
    DEPLOY_PARAM("strategy", PARAM_STRING, strategy,
                 .help = "none, redblack, highlander, rollingredblack, monitored, rollingpush or custom."),
    DEPLOY_PARAM("strategyApplication", PARAM_STRING, strategy_application, .help = "custom: application of the strategy."),
    DEPLOY_PARAM("strategyPipeline", PARAM_STRING, strategy_pipeline,
                 .help = "custom: id of the strategy, a pipeline that makes the server group and does whatever else it is to do."),
    DEPLOY_PARAM("pipelineParameters", PARAM_JSON, pipeline_parameters,
                 .help = "custom: more parameters for it, beside the cluster's place and name."),
    DEPLOY_PARAM("maxRemainingAsgs", PARAM_INT, max_remaining, .help = "redblack: how many server groups stay."),
    DEPLOY_PARAM("allowDeleteActive", PARAM_BOOL, allow_delete_active, .help = "redblack: those that take traffic may be destroyed too."),
    DEPLOY_PARAM("delayBeforeCleanup", PARAM_SECONDS, delay_before_cleanup_ms,
                 .help = "redblack, rollingredblack: seconds before (each time) the old ones are disabled."),
    DEPLOY_PARAM("scaleDown", PARAM_BOOL, scale_down, .help = "redblack, rollingredblack: set the disabled ones to size 0."),
    DEPLOY_PARAM("delayBeforeScaleDown", PARAM_SECONDS, delay_before_scale_down_ms, .help = "Seconds before that."),
    DEPLOY_PARAM("targetPercentages", PARAM_JSON, target_percentages,
                 .help = "rollingredblack: the sizes of the new one, in percent of the old one, one after another; 100 comes last anyway."),
    DEPLOY_PARAM("pipelineBeforeCleanup", PARAM_JSON, pipeline_before_cleanup,
                 .help = "rollingredblack: {application, pipelineId, pipelineParameters}: a pipeline that runs in each step, before the "
                         "old one loses traffic, and is told deployedServerGroup, sourceServerGroup and percentageComplete."),
    DEPLOY_PARAM("deploySteps", PARAM_JSON, deploy_steps,
                 .help = "monitored: the sizes of the new one, as targetPercentages: numbers, or {percentage}."),
    DEPLOY_PARAM(
        "deploymentMonitor", PARAM_JSON, deployment_monitor,
        .help = "monitored: {id, parameters, failOnErrorOverride, maxAnalysisMinutesOverride}: which monitor is asked, what else it "
                "is told, and what happens when it does not answer. Without an id nobody is asked."),
    DEPLOY_PARAM("failureActions", PARAM_JSON, failure_actions,
                 .help = "monitored: {rollback: None, Automatic or Manual, destroyInstances}: what happens when the deployment fails."),
    DEPLOY_PARAM("termination", PARAM_JSON, termination, .help = "rollingpush: which instances are replaced, as of the stage rollingPush."),
    DEPLOY_PARAM("setLaunchTemplate", PARAM_BOOL, set_launch_template,
                 .help = "rollingpush: by a new version of its launch template; else by a new launch configuration."),
    DEPLOY_PARAM("maxInitialAsgs", PARAM_INT, max_initial, .otherwise = "1", .min = -1, .max = G_MAXINT64,
                 .help = "rollingredblack, monitored: it begins beside at most so many enabled server groups; -1: any number."),
    DEPLOY_PARAM(
        "rollback", PARAM_JSON, rollback,
        .help = "{onFailure, destroyLatest}: what happens when the deployment fails. onFailure: redblack disables the new one when "
                "it did not come up, rollingredblack enables the old one and disables the new one; destroyLatest: and the new one "
                "is destroyed."),
    DEPLOY_PARAM("targetHealthyDeployPercentage", PARAM_INT, healthy_percentage,
                 .help = "How many of the instances must be up, in percent."),
    DEPLOY_PARAM("reason", PARAM_STRING, reason, .help = "Why, for people."),
    {0},
};

const StageType stage_create_server_group = {
    .type = "createServerGroup",
    .label = "Create server group",
    .help = "Makes one server group and waits until it is up; its strategy decides what becomes of those before it.",
    .params = create_params,
    .params_size = sizeof(DeployParams),
    .restart_drops = cloud_operation_restart_drops,
    .prepare = prepare,
    .build_tasks = build_tasks,
    .plan_before = plan_before,
    .plan_after = plan_after,
    .plan_on_failure = plan_on_failure,
};

const StageType stage_clone_server_group = {
    .type = "cloneServerGroup",
    .aliases = (const char *const[]){"copyLastAsg", NULL},
    .label = "Clone server group",
    .help = "Makes one more server group like the one that there is; what the stage says is different in it.",
    .params = create_params,
    .params_size = sizeof(DeployParams),
    .restart_drops = cloud_operation_restart_drops,
    .prepare = prepare,
    .build_tasks = build_tasks,
    .plan_before = plan_before,
    .plan_after = plan_after,
    .plan_on_failure = plan_on_failure,
};
