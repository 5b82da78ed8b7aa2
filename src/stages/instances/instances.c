/* Instances of a stage, by server group; what waits look at (instances.h). */
#include "stages/instances/instances.h"

static void set_free(gpointer data) {
    InstanceSet *set = data;
    group_name_free(set->group);
    g_ptr_array_unref(set->ids);
    g_free(set);
}

char **instances_ids(const InstanceSet *set) {
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    for (guint i = 0; i < set->ids->len; i++)
        g_ptr_array_add(ids, g_strdup(set->ids->pdata[i]));
    g_ptr_array_add(ids, NULL);
    return (char **)g_ptr_array_steal(ids, NULL);
}

/* ---- which ---- */

static const char *named_group(const Stage *stage) {
    const char *name = json_get_string(deploy_context(stage), "serverGroupName");
    return name != NULL ? name : json_get_string(deploy_context(stage), "asgName");
}

static const char *known_group(const InventorySnapshot *snapshot, const char *account, const char *region, const char *id) {
    const InventoryObject *object = inventory_get(snapshot, account, KIND_INSTANCE, region, id);
    return object != NULL && object->record != NULL ? ((const Instance *)object->record)->server_group : NULL;
}

static void add_instance(GPtrArray *sets, const char *region, const char *group, const char *id) {
    InstanceSet *set = NULL;
    for (guint i = 0; i < sets->len && set == NULL; i++) {
        InstanceSet *one = sets->pdata[i];
        set = g_strcmp0(one->group->name, group) == 0 ? one : NULL;
    }
    if (set == NULL) {
        set = g_new0(InstanceSet, 1);
        set->group = group_name_new(region, group);
        set->ids = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(sets, set);
    }
    if (!g_ptr_array_find_with_equal_func(set->ids, id, g_str_equal, NULL))
        g_ptr_array_add(set->ids, g_strdup(id));
}

/* The ids that the stage names; strv, empty when it names none. */
static char **named_ids(const Stage *stage) {
    const JsonValue *context = deploy_context(stage), *list = json_get(context, "instanceIds");
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (json_is_string(i.value))
            g_ptr_array_add(ids, g_strdup(json_string(i.value)));
    const char *single = json_is_string(list) ? json_string(list) : json_get_string(context, "instance");
    single = single != NULL ? single : json_get_string(context, "instanceId");
    if (ids->len == 0 && single != NULL)
        g_ptr_array_add(ids, g_strdup(single));
    g_ptr_array_add(ids, NULL);
    return (char **)g_ptr_array_steal(ids, NULL);
}

GPtrArray *instances_of_stage(TaskContext *context, GError **error) {
    const char *account = deploy_account(context->execution, context->stage), *named = named_group(context->stage);
    g_autofree char *region = deploy_location(context->execution, context->stage);
    g_auto(GStrv) ids = named_ids(context->stage);
    if (account == NULL || region == NULL || ids[0] == NULL) {
        error_set(error, ERR_INVALID, "%s: credentials, region and instanceIds: required", context->stage->type);
        return NULL;
    }
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(context->services->clouds));
    GPtrArray *sets = g_ptr_array_new_with_free_func(set_free);
    for (char **id = ids; *id != NULL; id++)
        add_instance(sets, region, named != NULL ? named : known_group(snapshot, account, region, *id), *id);
    return sets;
}

/* Keeps members; a group that is gone has none. FALSE with error. */
static gboolean keep_members(TaskContext *context, const char *account, InstanceSet *set, GError **error) {
    g_autoptr(GError) failed = NULL;
    GroupSight sight = live_read_group(context, account, set->group, &failed);
    if (sight == GROUP_UNREADABLE) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(context->services->clouds));
    const ServerGroup *group = sight == GROUP_SEEN ? clouds_server_group(snapshot, account, set->group->region, set->group->name) : NULL;
    for (guint i = set->ids->len; i-- > 0;)
        if (group == NULL || !g_strv_contains((const char *const *)group->instance_ids, set->ids->pdata[i]))
            g_ptr_array_remove_index(set->ids, i);
    set->was_read = TRUE;
    return TRUE;
}

gboolean instances_drop_missing(TaskContext *context, GPtrArray *sets, GError **error) {
    const char *account = deploy_account(context->execution, context->stage);
    for (guint i = sets->len; i-- > 0;) {
        InstanceSet *set = sets->pdata[i];
        if (set->group->name != NULL && !keep_members(context, account, set, error))
            return FALSE;
        if (set->ids->len == 0)
            g_ptr_array_remove_index(sets, i);
    }
    return TRUE;
}

Json *instances_check(TaskContext *context, const InstanceSet *set, const char *operation, GError **error) {
    if (set->group->name == NULL)
        return json_empty_object();
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_ptr_array_add(names, set->group);
    g_auto(GStrv) ids = instances_ids(set);
    WriteCheck check = {.operation = operation, .names = names, .instances = (const char *const *)ids, .guarded = TRUE};
    return write_check_new(context, deploy_account(context->execution, context->stage), &check, error);
}

/* ---- waiting ---- */

gboolean instance_rule_gone(const Instance *instance, const HealthInterest *interest) {
    (void)interest;
    return instance == NULL;
}

gboolean instance_rule_up(const Instance *instance, const HealthInterest *interest) {
    return health_interest_is_empty(interest) || (instance != NULL && instance_counts_as_up(instance, interest));
}

gboolean instance_rule_down(const Instance *instance, const HealthInterest *interest) {
    return health_interest_is_empty(interest) || instance == NULL || instance_counts_as_down(instance, interest);
}

/* Its record with all health, out of those of its group; NULL: it is no member, or ended. */
static const Instance *member(const GPtrArray *instances, const char *id) {
    for (guint i = 0; instances != NULL && i < instances->len; i++)
        if (strcmp(((const Instance *)instances->pdata[i])->id, id) == 0)
            return instances->pdata[i];
    return NULL;
}

/* How many of a set the rule does not hold for. */
static guint waited_for(TaskContext *context, const char *account, const InstanceSet *set, InstanceRule rule,
                        const HealthInterest *interest) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(context->services->clouds));
    const ServerGroup *group = set->group->name != NULL ? clouds_server_group(snapshot, account, set->group->region, set->group->name)
                                                        : NULL;
    g_autoptr(GPtrArray) members = group != NULL ? clouds_instances(snapshot, group) : NULL;
    guint left = 0;
    for (guint i = 0; i < set->ids->len; i++) {
        const char *id = set->ids->pdata[i];
        const InventoryObject *object = inventory_get(snapshot, account, KIND_INSTANCE, set->group->region, id);
        const Instance *alone = object != NULL ? object->record : NULL;
        left += !rule(set->group->name != NULL ? member(members, id) : alone, interest);
    }
    return left;
}

static void read_interest(const TaskContext *context, const Cloud *cloud, const char *const *health_types, HealthInterest *interest) {
    health_interest_read(context->stage, cloud->platform_health, interest);
    if (health_types == NULL)
        return;
    health_interest_clear(interest);
    interest->names = g_strdupv((char **)health_types);
}

static Status count_waited(TaskContext *context, const GPtrArray *sets, InstanceRule rule, const HealthInterest *interest,
                           const char *words, GError **error) {
    const char *account = deploy_account(context->execution, context->stage);
    guint left = 0, all = 0;
    for (guint i = 0; i < sets->len; i++) {
        const InstanceSet *set = sets->pdata[i];
        g_autoptr(GError) failed = NULL;
        GroupSight sight = set->group->name != NULL ? live_read_group(context, account, set->group, &failed) : GROUP_SEEN;
        if (sight == GROUP_UNREADABLE && !error_is_passing(failed)) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return STATUS_TERMINAL;
        }
        all += set->ids->len;
        left += sight == GROUP_UNREADABLE ? set->ids->len : waited_for(context, account, set, rule, interest);
    }
    task_progress(context, "%u of %u instances are %s", all - left, all, words);
    return left == 0 ? STATUS_SUCCEEDED : STATUS_RUNNING;
}

Status instances_wait(TaskContext *context, InstanceRule rule, const char *const *health_types, const char *words, GError **error) {
    if (json_get(deploy_context(context->stage), "kato.last.task.id") == NULL)
        return STATUS_SUCCEEDED; /* nothing was changed */
    const Cloud *cloud = deploy_cloud(context, error);
    g_autoptr(GPtrArray) sets = cloud != NULL ? instances_of_stage(context, error) : NULL;
    if (sets == NULL)
        return STATUS_TERMINAL;
    HealthInterest interest = {0};
    read_interest(context, cloud, health_types, &interest);
    Status status = count_waited(context, sets, rule, &interest, words, error);
    health_interest_clear(&interest);
    return status;
}
