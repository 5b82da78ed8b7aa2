/* `rollbackServerGroup`: one server group gives way to another one, or to a new one with an earlier image (stages.md 10.5,
 * deploy-strategies.md 7). prepare runs in a worker; planning is pure. */
#include "stages/deploy/rollback/rollback.h"
#include "stages/deploy/stage_params.h"
#include "stages/metadata/entity_tags.h"

/* The tags of a server group under one of the names of its account. Caller unrefs; NULL: none. */
static Json *load_tags(Store *store, const char *cloud, const char *account, const GroupName *name) {
    if (account == NULL)
        return NULL;
    g_autofree char *id = g_strdup_printf("%s:servergroup:%s:%s:%s", cloud, name->name, account, name->region);
    g_autofree char *lower = g_ascii_strdown(id, -1);
    return entity_tags_load(store, lower, NULL);
}

Json *rollback_tagged(TaskContext *context, const char *account, const char *cloud, const GroupName *name) {
    g_autoptr(Account) known = clouds_account(context->services->clouds, account, NULL);
    const char *number = known != NULL && known->details != NULL ? json_get_string(json_root(known->details), "accountId") : NULL;
    g_autoptr(Json) entity = load_tags(context->services->store, cloud, account, name);
    if (entity == NULL)
        entity = load_tags(context->services->store, cloud, number, name); /* what tags call accountId */
    const JsonValue *tags = entity != NULL ? json_get(json_root(entity), "tags") : NULL;
    for (JsonIter i = json_iter(tags); json_next(&i);) {
        const JsonValue *previous = json_dig(i.value, "value", "previousServerGroup", NULL);
        if (g_strcmp0(json_get_string(i.value, "name"), "spinnaker:metadata") == 0 && json_is_object(previous))
            return json_copy(previous);
    }
    return NULL;
}

/* ---- prepare ---- */

static gboolean note_capacity(TaskContext *context, const char *location, const char *role, const char *key, GError **error) {
    const char *account = deploy_account(context->execution, context->stage);
    GroupName name = {(char *)location, (char *)json_get_string(json_get(deploy_context(context->stage), "rollbackContext"), role)};
    if (name.name == NULL) {
        error_set(error, ERR_INVALID, "rollbackServerGroup: rollbackContext.%s: required", role);
        return FALSE;
    }
    if (live_read_group(context, account, &name, error) != GROUP_SEEN) {
        g_prefix_error(error, "rollbackServerGroup: rollbackContext.%s: ", role);
        return FALSE;
    }
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(context->services->clouds));
    const ServerGroup *group = clouds_server_group(snapshot, account, location, name.name);
    g_autoptr(Json) capacity = group != NULL ? deploy_capacity_json(&group->capacity) : NULL;
    if (capacity == NULL) {
        error_set(error, ERR_NOT_FOUND, "rollbackServerGroup: server group %s in %s (account %s) is gone", name.name, location, account);
        return FALSE;
    }
    task_set_context_json(context, key, capacity);
    return TRUE;
}

static gboolean prepare_explicit(TaskContext *context, const char *location, GError **error) {
    const JsonValue *told = json_get(deploy_context(context->stage), "rollbackContext");
    gboolean only_disables = deploy_flag(told, "disableOnly", FALSE);
    const char *bad = json_get_string(told, "rollbackServerGroupName"), *restore = json_get_string(told, "restoreServerGroupName");
    if (!only_disables && bad != NULL && g_strcmp0(bad, restore) == 0) {
        error_set(error, ERR_INVALID, "rollbackServerGroup: %s cannot be rolled back to itself: it would only be disabled", bad);
        return FALSE;
    }
    return note_capacity(context, location, "rollbackServerGroupName", ROLLBACK_BAD_KEY, error) &&
           (only_disables || note_capacity(context, location, "restoreServerGroupName", ROLLBACK_RESTORE_KEY, error));
}

/* The image that is not given is that of the server group before, as tagged. */
static gboolean prepare_image(TaskContext *context, const char *location, const Cloud *cloud, GError **error) {
    const JsonValue *told = json_get(deploy_context(context->stage), "rollbackContext");
    const char *account = deploy_account(context->execution, context->stage);
    if (!note_capacity(context, location, "rollbackServerGroupName", ROLLBACK_BAD_KEY, error))
        return FALSE;
    task_set_context_string(context, ROLLBACK_IMAGE_KEY, cloud->image_key != NULL ? cloud->image_key : "imageId");
    if (json_get_string(told, "imageId") != NULL || json_get_string(told, "imageName") != NULL)
        return TRUE;
    GroupName name = {(char *)location, (char *)json_get_string(told, "rollbackServerGroupName")};
    g_autoptr(Json) previous = rollback_tagged(context, account, cloud->id, &name);
    const JsonValue *id = previous != NULL ? json_get(json_root(previous), "imageId") : NULL;
    const JsonValue *image = previous != NULL ? json_get(json_root(previous), "imageName") : NULL;
    if (!json_is_string(id) && !json_is_string(image)) {
        error_set(error, ERR_NOT_FOUND,
                  "rollbackServerGroup: the image before that of %s in %s (account %s) is not known: give imageId or "
                  "imageName in rollbackContext",
                  name.name, location, account);
        return FALSE;
    }
    g_autoptr(Json) more = json_pack("{s:v, s:v}", "imageId", id, "imageName", image);
    g_autoptr(Json) whole = json_merge(told, json_root(more));
    task_set_context_json(context, "rollbackContext", whole);
    return TRUE;
}

static Status prepare(TaskContext *context, GError **error) {
    RollbackType type;
    g_autofree char *location = deploy_location(context->execution, context->stage);
    if (!rollback_type_parse(json_get_string(deploy_context(context->stage), "rollbackType"), &type, error))
        return STATUS_TERMINAL;
    if (type == ROLLBACK_TEST)
        return STATUS_SUCCEEDED;
    if (location == NULL || deploy_account(context->execution, context->stage) == NULL) {
        error_set(error, ERR_INVALID, "rollbackServerGroup: credentials and region: required");
        return STATUS_TERMINAL;
    }
    const Cloud *cloud = deploy_cloud(context, error);
    if (cloud == NULL)
        return STATUS_TERMINAL;
    gboolean fine = type == ROLLBACK_EXPLICIT ? prepare_explicit(context, location, error) : prepare_image(context, location, cloud, error);
    return fine ? STATUS_SUCCEEDED : STATUS_TERMINAL;
}

/* ---- plan ---- */

/* Does nothing but take time: for trying pipelines. */
static void plan_test(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    (void)execution, (void)error;
    gint64 seconds = deploy_number(json_dig(deploy_context(stage), "rollbackContext", "waitTime", NULL), 0);
    g_autoptr(Json) context = json_pack("{s:i}", "waitTime", MAX(seconds, 0));
    plan_append(plan, "wait", "wait", json_root(context));
}

static void plan_after(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    static const StagePlanner PLANNERS[] = {
        [ROLLBACK_EXPLICIT] = rollback_plan_explicit,
        [ROLLBACK_PREVIOUS_IMAGE] = rollback_plan_previous_image,
        [ROLLBACK_TEST] = plan_test,
    };
    RollbackType type;
    if (rollback_type_parse(json_get_string(deploy_context(stage), "rollbackType"), &type, error))
        PLANNERS[type](execution, stage, plan, error);
}

static const Param rollback_params[] = {
    DEPLOY_ACCOUNT_PARAMS,
    DEPLOY_PARAM("region", PARAM_STRING, region, .help = "Where."),
    DEPLOY_PARAM(
        "rollbackType", PARAM_STRING, rollback_type,
        .help = "EXPLICIT: to another server group that is there; PREVIOUS_IMAGE: to a new one with an earlier image; TEST: only waits "
                "rollbackContext.waitTime seconds."),
    DEPLOY_PARAM("rollbackContext", PARAM_JSON, rollback_context,
                 .help = "{rollbackServerGroupName, targetHealthyRollbackPercentage, …}. EXPLICIT: restoreServerGroupName, "
                         "delayBeforeDisableSeconds, disableOnly (only disables the first), enableAndDisableOnly (changes no size). "
                         "PREVIOUS_IMAGE: imageId or imageName; as tagged (spinnaker:metadata) when absent."),
    {0},
};

const StageType stage_rollback_server_group = {
    .type = "rollbackServerGroup",
    .label = "Rollback server group",
    .help = "Lets the server group before take over again.",
    .params = rollback_params,
    .params_size = sizeof(DeployParams),
    .prepare = prepare,
    .plan_after = plan_after,
};
