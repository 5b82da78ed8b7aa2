/* `rollbackCluster`: the newest enabled server group of each region gives way to the one before (stages.md 10.5, deploy-strategies.md 7).
 * In an execution that deployed the cluster it goes back to what that deployment replaced, and refuses when somebody changed that since.
 * The task runs in a worker; planning is pure. */
#include "clouds/naming.h"
#include "stages/deploy/replaced.h"
#include "stages/deploy/rollback/rollback.h"
#include "stages/deploy/stage_params.h"

#define CANDIDATES_TIMEOUT_MS 300000
#define CANDIDATES_BACKOFF_MS 15000

/* cluster, moniker, else that of serverGroup; NULL: none. Caller frees. */
static char *cluster_of(const Execution *execution, const Stage *stage) {
    const JsonValue *context = deploy_context(stage);
    const char *group = json_get_string(context, "serverGroup");
    gboolean named = json_get_string(context, "cluster") != NULL || json_is_object(json_get(context, "moniker"));
    if (named || group == NULL)
        return deploy_cluster(execution, stage);
    g_auto(Moniker) moniker = {0};
    naming_parse(group, &moniker);
    return g_strdup(moniker.cluster);
}

/* ---- what this execution replaced ---- */

static const ServerGroup *group_named(const GPtrArray *groups, const char *name) {
    for (guint i = 0; name != NULL && i < groups->len; i++) {
        const ServerGroup *group = ((const InventoryObject *)groups->pdata[i])->record;
        if (strcmp(group->name, name) == 0)
            return group;
    }
    return NULL;
}

/* Nobody may have made another one since, nor changed the one to go back to. */
static gboolean check_unchanged(const GPtrArray *groups, const char *made_name, const JsonValue *facts, GError **error) {
    const char *replaced = json_get_string(facts, "serverGroupName");
    const ServerGroup *made = group_named(groups, made_name), *newest = rollback_newest_enabled(groups);
    const ServerGroup *restore = group_named(groups, replaced);
    if (restore == NULL || made == NULL) {
        error_set(error, ERR_CONFLICT, "rollback of %s to %s: %s is gone; somebody destroyed it since this execution %s it", made_name,
                  replaced, restore == NULL ? replaced : made_name, restore == NULL ? "replaced" : "made");
        return FALSE;
    }
    if (newest != NULL && newest != made && newest->created_ms > made->created_ms) {
        error_set(error, ERR_CONFLICT, "rollback of %s to %s: %s was made since by somebody else and takes traffic", made_name, replaced,
                  newest->name);
        return FALSE;
    }
    g_autofree char *difference = replaced_difference(facts, restore);
    if (difference != NULL)
        error_set(error, ERR_CONFLICT, "rollback of %s to %s: somebody changed %s since this execution replaced it: %s", made_name,
                  replaced, replaced, difference);
    return difference == NULL;
}

/* ---- one region ---- */

typedef struct {
    JsonBuilder *types, *contexts, *images; /* under construction */
} Found;

static void add_image(JsonBuilder *images, const char *region, const RollbackAnswer *answer, const JsonValue *metadata) {
    const char *image = answer->image_name != NULL ? answer->image_name : answer->image_id;
    const JsonValue *build = json_dig(metadata, "buildInfo", "jenkins", "number", NULL);
    g_autoptr(Json) one = json_pack("{s:s, s:s, s:s, s:v}", "region", region, "image", image, "rollbackMethod",
                                    rollback_type_name(answer->type), "buildNumber", build);
    g_autoptr(Json) present = json_without_nulls(json_root(one));
    json_add_json(images, NULL, present);
}

static void add_answer(const TaskContext *context, const char *region, const RollbackAnswer *answer, const JsonValue *metadata,
                       Found *found) {
    const JsonValue *own = deploy_context(context->stage), *more = json_get(own, "additionalRollbackContext");
    gint64 percentage = deploy_number(json_get(own, "targetHealthyRollbackPercentage"), -1);
    percentage = percentage >= 0 ? percentage : rollback_healthy_percentage(answer->bad->capacity.desired);
    gboolean explicit_one = answer->type == ROLLBACK_EXPLICIT;
    g_autoptr(Json)
        basic = json_pack("{s:s, s:s, s:s, s:s, s:i}", "rollbackServerGroupName", answer->bad->name, "restoreServerGroupName",
                          answer->restore != NULL ? answer->restore->name : NULL, "imageId", explicit_one ? NULL : answer->image_id,
                          "imageName", explicit_one ? NULL : answer->image_name, "targetHealthyRollbackPercentage", percentage);
    g_autoptr(Json) present = json_without_nulls(json_root(basic));
    g_autoptr(Json) whole = json_merge(json_is_object(more) ? more : NULL, json_root(present));
    json_add_string(found->types, region, rollback_type_name(answer->type));
    json_add_json(found->contexts, region, whole);
    add_image(found->images, region, answer, metadata);
}

/* The one that this execution made is what is rolled back, whether it ever took traffic or not. */
static gboolean answer_by_memory(const GPtrArray *groups, const Stage *deployment, const char *region, RollbackAnswer *into,
                                 GError **error) {
    const JsonValue *facts = json_get(deploy_context(deployment), REPLACED_KEY);
    const JsonValue *made = json_dig(deploy_context(deployment), "deploy.server.groups", region, NULL);
    const char *made_name = json_string(json_at(made, 0));
    if (!check_unchanged(groups, made_name, facts, error))
        return FALSE;
    const ServerGroup *restore = group_named(groups, json_get_string(facts, "serverGroupName"));
    *into = (RollbackAnswer){ROLLBACK_EXPLICIT, group_named(groups, made_name), restore, restore->image_id, restore->image_name};
    return TRUE;
}

static gboolean answer_by_rule(TaskContext *context, const char *account, const GPtrArray *groups, RollbackAnswer *into, Json **metadata,
                               GError **error) {
    const JsonValue *own = deploy_context(context->stage);
    const ServerGroup *bad = rollback_newest_enabled(groups);
    GroupName name = {bad->region, bad->name};
    *metadata = rollback_tagged(context, account, bad->cloud, &name);
    RollbackQuestion question = {groups, deploy_flag(json_get(own, "additionalRollbackContext"), "onlyEnabledServerGroups", FALSE),
                                 json_get_string(own, "originalServerGroup"), *metadata != NULL ? json_root(*metadata) : NULL};
    return rollback_choose(&question, into, error);
}

/* The execution's own deployment found nothing there. */
static gboolean replaced_nothing(const Stage *deployment, const char *original) {
    const JsonValue *source = deployment != NULL ? json_get(deploy_context(deployment), "source") : NULL;
    return source != NULL && json_length(source) == 0 && original == NULL;
}

static gboolean look_at_region(TaskContext *context, const char *account, const char *cluster, const char *region, Found *found,
                               GError **error) {
    g_autoptr(InventorySnapshot) snapshot = NULL;
    g_autoptr(GPtrArray) groups = live_read_cluster(context, account, region, cluster, &snapshot, error);
    const char *original = json_get_string(deploy_context(context->stage), "originalServerGroup");
    const Stage *deployment = replaced_by(context->execution, account, region, cluster);
    const char *replaced = deployment != NULL ? json_string(json_dig(deploy_context(deployment), REPLACED_KEY, "serverGroupName", NULL))
                                              : NULL;
    RollbackAnswer answer;
    g_autoptr(Json) metadata = NULL;
    if (groups == NULL)
        return FALSE;
    gboolean remembers = replaced != NULL && (original == NULL || strcmp(original, replaced) == 0);
    if (!remembers && (replaced_nothing(deployment, original) || !rollback_is_possible(groups)))
        return TRUE; /* there is nothing to go back to */
    gboolean fine = remembers ? answer_by_memory(groups, deployment, region, &answer, error)
                              : answer_by_rule(context, account, groups, &answer, &metadata, error);
    if (fine)
        add_answer(context, region, &answer, metadata != NULL ? json_root(metadata) : NULL, found);
    return fine;
}

/* ---- the task ---- */

static void found_begin(Found *found) {
    *found = (Found){json_builder_new(), json_builder_new(), json_builder_new()};
    json_begin_object(found->types, NULL);
    json_begin_object(found->contexts, NULL);
    json_begin_array(found->images, NULL);
}

/* Takes what was found apart again; keeps it in the stage when all regions could be looked at. */
static void found_end(TaskContext *context, Found *found, gboolean keep) {
    json_end_object(found->types);
    json_end_object(found->contexts);
    json_end_array(found->images);
    g_autoptr(Json) types = json_builder_end(found->types), contexts = json_builder_end(found->contexts);
    g_autoptr(Json) images = json_builder_end(found->images);
    json_builder_free(found->types);
    json_builder_free(found->contexts);
    json_builder_free(found->images);
    if (!keep)
        return;
    task_set_output_json(context, "rollbackTypes", types);
    task_set_output_json(context, "rollbackContexts", contexts);
    task_set_context_json(context, "imagesToRestore", images);
}

static Status determine_candidates(TaskContext *context, GError **error) {
    g_autofree char *cluster = cluster_of(context->execution, context->stage);
    g_auto(GStrv) regions = deploy_locations(context->execution, context->stage);
    const char *account = deploy_account(context->execution, context->stage);
    if (cluster == NULL || account == NULL || regions[0] == NULL) {
        error_set(error, ERR_INVALID, "rollbackCluster: cluster (or moniker, or serverGroup), credentials and regions: required");
        return STATUS_TERMINAL;
    }
    Found found;
    found_begin(&found);
    gboolean fine = TRUE;
    for (char **region = regions; fine && *region != NULL; region++)
        fine = look_at_region(context, account, cluster, *region, &found, error);
    found_end(context, &found, fine);
    return fine ? STATUS_SUCCEEDED : STATUS_TERMINAL;
}

/* ---- plan ---- */

static void append_region(const Execution *execution, const Stage *stage, StagePlan *plan, const char *region, const JsonValue *type) {
    const JsonValue *context = deploy_context(stage);
    g_autofree char *title = g_strconcat("Rollback ", region, NULL);
    gint64 minutes = deploy_number(json_get(context, "rollbackTimeout"), 0);
    g_autoptr(Json) timeout = minutes > 0 ? json_from_int(minutes * 60000) : NULL;
    g_autoptr(Json) child = json_pack("{s:v, s:v, s:s, s:v, s:s, s:v, s:v, s:v}", "rollbackType", type, "rollbackContext",
                                      json_dig(json_root(stage->outputs), "rollbackContexts", region, NULL), "credentials",
                                      deploy_account(execution, stage), "cloudProvider", json_get(context, "cloudProvider"), "region",
                                      region, "moniker", json_get(context, "moniker"), "interestingHealthProviderNames",
                                      json_get(context, "interestingHealthProviderNames"), "stageTimeoutMs",
                                      timeout != NULL ? json_root(timeout) : NULL);
    plan_append(plan, "rollbackServerGroup", title, json_root(child));
}

static void plan_after(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    (void)error;
    gint64 seconds = deploy_number(json_get(deploy_context(stage), "waitTimeBetweenRegions"), 0);
    g_autoptr(Json) wait = json_pack("{s:i}", "waitTime", seconds);
    const char *before = NULL;
    for (JsonIter i = json_iter(json_get(json_root(stage->outputs), "rollbackTypes")); json_next(&i); before = i.key) {
        g_autofree char *title = before != NULL ? g_strconcat("Wait after ", before, NULL) : NULL;
        if (title != NULL && seconds > 0)
            plan_append(plan, "wait", title, json_root(wait));
        append_region(execution, stage, plan, i.key, i.value);
    }
}

static const Param cluster_params[] = {
    DEPLOY_ACCOUNT_PARAMS,
    DEPLOY_LOCATION_PARAMS,
    DEPLOY_CLUSTER_PARAMS,
    DEPLOY_HEALTH_PARAMS,
    DEPLOY_PARAM("serverGroup", PARAM_STRING, server_group, .help = "A server group of the cluster, instead of its name."),
    DEPLOY_PARAM("originalServerGroup", PARAM_STRING, original_server_group,
                 .help = "What to go back to; absent: what this execution replaced, else the newest server group of the image before, else "
                         "the newest other one."),
    DEPLOY_PARAM(
        "targetHealthyRollbackPercentage", PARAM_INT, healthy_percentage,
        .help = "How many of the restored instances must be up, in percent; absent: 100 below 10 instances, 90 below 20, else 95."),
    DEPLOY_PARAM("waitTimeBetweenRegions", PARAM_SECONDS, wait_between_regions_ms, .help = "Seconds between two regions."),
    DEPLOY_PARAM("rollbackTimeout", PARAM_INT, rollback_timeout, .help = "How many minutes each region may take."),
    DEPLOY_PARAM("additionalRollbackContext", PARAM_JSON, rollback_context,
                 .help = "{enableAndDisableOnly, disableOnly, onlyEnabledServerGroups (goes back to enabled ones only), "
                         "delayBeforeDisableSeconds}."),
    {0},
};

const StageType stage_rollback_cluster = {
    .type = "rollbackCluster",
    .label = "Rollback cluster",
    .help = "Lets the server group before take over again, region by region.",
    .params = cluster_params,
    .params_size = sizeof(DeployParams),
    .tasks = (const TaskDefinition[]){{.name = "determineRollbackCandidates",
                                       .run = determine_candidates,
                                       .timeout_ms = CANDIDATES_TIMEOUT_MS,
                                       .backoff_ms = CANDIDATES_BACKOFF_MS,
                                       .account = deploy_account},
                                      {0}},
    .plan_after = plan_after,
};
