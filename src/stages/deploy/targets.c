/* Targets of server-group stages (targets.h). Lookups run in a worker; planning is pure. */
#include "stages/deploy/targets.h"

#define TARGETS_KEY "_targets" /* [{region, serverGroupName}] that prepare found; read by the planning behind it */

/* ---- choosing ---- */

typedef enum { CHOOSE_NEWEST, CHOOSE_PREVIOUS, CHOOSE_OLDEST, CHOOSE_LARGEST, CHOOSE_ONLY } Choice;
static const struct {
    const char *name;
    Choice choice;
} CHOICES[] = {
    {"current", CHOOSE_NEWEST}, {"newest", CHOOSE_NEWEST},   {"previous", CHOOSE_PREVIOUS}, {"ancestor", CHOOSE_PREVIOUS},
    {"oldest", CHOOSE_OLDEST},  {"largest", CHOOSE_LARGEST}, {"fail", CHOOSE_ONLY},
};

gboolean target_is_dynamic(const char *target) {
    return target != NULL && g_str_has_suffix(target, "dynamic");
}

static gboolean parse_target(const char *target, Choice *into) {
    static const char *const ENDINGS[] = {"_dynamic", "_asg"};
    g_autofree char *name = g_ascii_strdown(target, -1);
    for (guint i = 0; i < G_N_ELEMENTS(ENDINGS); i++)
        if (g_str_has_suffix(name, ENDINGS[i]))
            name[strlen(name) - strlen(ENDINGS[i])] = '\0';
    for (guint i = 0; i < G_N_ELEMENTS(CHOICES); i++)
        if (strcmp(CHOICES[i].name, name) == 0) {
            *into = CHOICES[i].choice;
            return TRUE;
        }
    return FALSE;
}

static guint size_of(const ServerGroup *group) {
    return g_strv_length(group->instance_ids);
}

/* Of equal ones the newest. */
static const ServerGroup *largest(const GPtrArray *dated) {
    const ServerGroup *best = NULL;
    for (guint i = 0; i < dated->len; i++)
        if (best == NULL || size_of(dated->pdata[i]) >= size_of(best))
            best = dated->pdata[i];
    return best;
}

static const ServerGroup *choose_one(const GPtrArray *dated, Choice choice) {
    guint count = dated->len;
    if (count == 0)
        return NULL;
    switch (choice) {
    case CHOOSE_NEWEST:
        return dated->pdata[count - 1];
    case CHOOSE_PREVIOUS:
        return count > 1 ? dated->pdata[count - 2] : NULL;
    case CHOOSE_OLDEST:
        return count > 1 ? dated->pdata[0] : NULL;
    case CHOOSE_LARGEST:
        return largest(dated);
    case CHOOSE_ONLY:
        return count == 1 ? dated->pdata[0] : NULL;
    }
    return NULL;
}

const ServerGroup *target_choose(const GPtrArray *groups, const char *target, const char *cluster, const char *location, GError **error) {
    Choice choice;
    if (!parse_target(target, &choice)) {
        error_set(error, ERR_INVALID, "target %s is unknown: current_asg_dynamic, ancestor_asg_dynamic or oldest_asg_dynamic", target);
        return NULL;
    }
    g_autoptr(GPtrArray) dated = g_ptr_array_new();
    for (guint i = 0; i < groups->len; i++) {
        const ServerGroup *group = ((const InventoryObject *)groups->pdata[i])->record;
        if (group->created_ms > 0)
            g_ptr_array_add(dated, (gpointer)group);
    }
    const ServerGroup *chosen = choose_one(dated, choice);
    if (chosen == NULL)
        error_set(error, ERR_NOT_FOUND, "Unable to locate %s in %s: cluster %s has %u server groups there", target, location, cluster,
                  groups->len);
    return chosen;
}

/* ---- the group of a stage ---- */

static const char *referenced(const JsonValue *references, const char *location) {
    for (JsonIter i = json_iter(references); json_next(&i);)
        if (g_strcmp0(json_get_string(i.value, "region"), location) == 0)
            return json_get_string(i.value, "serverGroupName");
    return NULL;
}

GroupName *target_of_stage(const TaskContext *context, GError **error) {
    const JsonValue *own = deploy_context(context->stage);
    g_autofree char *location = deploy_location(context->execution, context->stage);
    const char *target = json_get_string(own, "target"), *name = NULL;
    if (location == NULL) {
        error_set(error, ERR_INVALID, "%s: region: required", context->stage->type);
        return NULL;
    }
    if (target_is_dynamic(target))
        name = referenced(task_get(context, "targetReferences"), location);
    if (name == NULL)
        name = json_get_string(own, "serverGroupName");
    if (name == NULL)
        name = json_get_string(own, "asgName");
    if (name == NULL) {
        error_set(error, ERR_INVALID, "%s: serverGroupName, or target with cluster: required", context->stage->type);
        return NULL;
    }
    return group_name_new(location, name);
}

/* ---- looking targets up ---- */

static gboolean add_reference(TaskContext *context, const char *account, const char *cluster, const char *target, const char *location,
                              JsonBuilder *builder, GError **error) {
    g_autoptr(InventorySnapshot) snapshot = NULL;
    g_autoptr(GPtrArray) groups = live_read_cluster(context, account, location, cluster, &snapshot, error);
    const ServerGroup *group = groups != NULL ? target_choose(groups, target, cluster, location, error) : NULL;
    if (group == NULL)
        return FALSE;
    json_begin_object(builder, NULL);
    json_add_string(builder, "region", location);
    json_add_string(builder, "serverGroupName", group->name);
    json_add_string(builder, "cluster", cluster);
    json_add_string(builder, "account", account);
    json_add_string(builder, "cloudProvider", group->cloud);
    json_end_object(builder);
    return TRUE;
}

/* [{region, serverGroupName …}] of all locations; NULL with error. */
static Json *look_up(TaskContext *context, const char *target, GError **error) {
    const char *account = deploy_account(context->execution, context->stage);
    g_autofree char *cluster = deploy_cluster(context->execution, context->stage);
    g_auto(GStrv) locations = deploy_locations(context->execution, context->stage);
    if (account == NULL || cluster == NULL || locations[0] == NULL) {
        error_set(error, ERR_INVALID, "%s: credentials, cluster and regions: required with target %s", context->stage->type, target);
        return NULL;
    }
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (char **location = locations; *location != NULL; location++)
        if (!add_reference(context, account, cluster, target, *location, builder, error))
            return NULL;
    json_end_array(builder);
    return json_builder_end(builder);
}

static Json *named_targets(TaskContext *context, const char *name, GError **error) {
    g_auto(GStrv) locations = deploy_locations(context->execution, context->stage);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    if (locations[0] == NULL) {
        error_set(error, ERR_INVALID, "%s: region: required", context->stage->type);
        return NULL;
    }
    json_begin_array(builder, NULL);
    for (char **location = locations; *location != NULL; location++) {
        g_autoptr(Json) one = json_pack("{s:s, s:s, s:s, s:v}", "region", *location, "serverGroupName", name, "account",
                                        deploy_account(context->execution, context->stage), "cloudProvider",
                                        json_get(deploy_context(context->stage), "cloudProvider"));
        json_add_json(builder, NULL, one);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

Status target_prepare(TaskContext *context, GError **error) {
    const JsonValue *own = deploy_context(context->stage);
    const char *target = json_get_string(own, "target"), *name = json_get_string(own, "serverGroupName");
    if (context->stage->parent_id != NULL)
        return STATUS_SUCCEEDED; /* works itself */
    if (!deploy_locations_agree(context->stage, error))
        return STATUS_TERMINAL;
    if (target_is_dynamic(target))
        return STATUS_SUCCEEDED; /* its targets are determined when it runs */
    if (deploy_account(context->execution, context->stage) == NULL) {
        error_set(error, ERR_INVALID, "%s: credentials: required, the name of an account", context->stage->type);
        return STATUS_TERMINAL;
    }
    name = name != NULL ? name : json_get_string(own, "asgName");
    if (target == NULL && name == NULL) {
        error_set(error, ERR_INVALID, "%s: serverGroupName, or target with cluster: required", context->stage->type);
        return STATUS_TERMINAL;
    }
    g_autoptr(Json) targets = target != NULL ? look_up(context, target, error) : named_targets(context, name, error);
    if (targets == NULL)
        return STATUS_TERMINAL;
    task_set_context_json(context, TARGETS_KEY, targets);
    return STATUS_SUCCEEDED;
}

/* ---- planning ---- */

gboolean target_stage_works(const Execution *execution, const Stage *stage) {
    (void)execution;
    return stage->parent_id != NULL;
}

gboolean target_stage_has_hooks(const Execution *execution, const Stage *stage) {
    const Stage *parent = stage_parent(execution, stage);
    return parent != NULL && parent->parent_id == NULL;
}

static Json *without_locations(const Stage *stage) {
    static const char *const KEYS[] = {"regions",   "region",    "zones",           "zone",    "namespaces",
                                       "namespace", TARGETS_KEY, "serverGroupName", "asgName", NULL};
    return json_without(deploy_context(stage), KEYS);
}

static void plan_dynamic(const Execution *execution, const Stage *stage, StagePlan *plan) {
    g_auto(GStrv) locations = deploy_locations(execution, stage);
    g_autoptr(Json) base = without_locations(stage);
    g_autoptr(Json) all = json_from_strings((const char *const *)locations);
    g_autoptr(Json) determine = json_with(json_root(base), "regions", json_root(all));
    plan_append(plan, "determineTargetServerGroup", "determineTargetServerGroup", json_root(determine));
    for (char **location = locations; *location != NULL; location++) {
        g_autoptr(Json) child = json_with_string(json_root(base), "region", *location);
        plan_append(plan, stage->type, stage->type, json_root(child));
    }
}

static void plan_found(const Stage *stage, StagePlan *plan) {
    static const char *const TARGET_KEYS[] = {"target", NULL};
    g_autoptr(Json) own = without_locations(stage);
    g_autoptr(Json) base = json_without(json_root(own), TARGET_KEYS);
    for (JsonIter i = json_iter(json_get(deploy_context(stage), TARGETS_KEY)); json_next(&i);) {
        const char *name = json_get_string(i.value, "serverGroupName"), *region = json_get_string(i.value, "region");
        g_autoptr(Json) more = json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s}}", "asgName", name, "serverGroupName", name, "region", region,
                                         "deployServerGroupsRegion", region, "targetLocation", "type", "REGION", "value", region);
        g_autoptr(Json) child = json_merge(json_root(base), json_root(more));
        plan_append(plan, stage->type, stage->type, json_root(child));
    }
}

void target_plan_children(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    (void)error;
    if (stage->parent_id != NULL)
        return;
    if (target_is_dynamic(json_get_string(deploy_context(stage), "target")))
        plan_dynamic(execution, stage, plan);
    else
        plan_found(stage, plan);
}

/* ---- determineTargetServerGroup ---- */

static Status determine(TaskContext *context, GError **error) {
    const JsonValue *own = deploy_context(context->stage);
    const char *target = json_get_string(own, "target"), *known = json_get_string(own, DEPLOY_KNOWN_TARGET);
    if (!deploy_locations_agree(context->stage, error))
        return STATUS_TERMINAL;
    g_autoptr(Json) references = known != NULL ? named_targets(context, known, error)
                                               : look_up(context, target != NULL ? target : "current_asg_dynamic", error);
    if (references == NULL)
        return STATUS_TERMINAL;
    task_set_output_json(context, "targetReferences", references);
    return STATUS_SUCCEEDED;
}

const StageType stage_determine_target_server_group = {
    .type = "determineTargetServerGroup",
    .label = "Determine target server group",
    .help = "Finds the newest, second newest or oldest server group of a cluster, for the stages behind it.",
    .tasks = (const TaskDefinition[]){{.name = "determineTargetServerGroup",
                                       .run = determine,
                                       .timeout_ms = 600000,
                                       .backoff_ms = 5000,
                                       .account = deploy_account},
                                      {0}},
    .dry_run_is_real = dry_run_always_real,
};
