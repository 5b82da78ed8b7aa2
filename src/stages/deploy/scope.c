/* Readings of a deployment stage (scope.h). */
#include "stages/deploy/scope.h"
#include "clouds/naming.h"

const JsonValue *deploy_context(const Stage *stage) {
    return json_root(stage->context);
}

const JsonValue *deploy_strategy_parameters(const Execution *execution) {
    const JsonValue *trigger = json_root(execution->trigger);
    gboolean is_strategy = execution_parameters_are_strategy(execution) && json_is_object(json_get(trigger, "parentExecution"));
    return is_strategy ? json_get(trigger, "parameters") : NULL;
}

static const char *account_in(const JsonValue *object) {
    const char *name = json_get_string(object, "credentials");
    name = name != NULL ? name : json_get_string(object, "account");
    return name != NULL ? name : json_string(json_dig(object, "account", "name", NULL));
}

const char *deploy_account(const Execution *execution, const Stage *stage) {
    const char *own = account_in(deploy_context(stage));
    return own != NULL ? own : account_in(deploy_strategy_parameters(execution));
}

const char *deploy_application(const Execution *execution, const Stage *stage) {
    const JsonValue *context = deploy_context(stage);
    const char *name = json_string(json_dig(context, "moniker", "app", NULL));
    name = name != NULL ? name : json_get_string(context, "application");
    return name != NULL ? name : execution->application;
}

static gboolean is_text(const char *text) {
    return text != NULL && *text != '\0';
}

static const char *cluster_in(const JsonValue *object) {
    const char *cluster = json_string(json_dig(object, "moniker", "cluster", NULL));
    cluster = is_text(cluster) ? cluster : json_get_string(object, "cluster");
    return is_text(cluster) ? cluster : NULL;
}

char *deploy_cluster(const Execution *execution, const Stage *stage) {
    const JsonValue *context = deploy_context(stage);
    const char *name = json_get_string(context, "stack"), *detail = json_get_string(context, "freeFormDetails");
    const char *cluster = cluster_in(context);
    if (cluster == NULL && !is_text(name) && !is_text(detail))
        cluster = cluster_in(deploy_strategy_parameters(execution));
    if (cluster != NULL)
        return g_strdup(cluster);
    const char *application = deploy_application(execution, stage);
    if (!is_text(application))
        return NULL;
    return naming_cluster(application, name, detail);
}

static void add_location(GPtrArray *locations, const JsonValue *value) {
    for (JsonIter i = json_iter(value); json_next(&i);)
        if (json_is_string(i.value))
            g_ptr_array_add(locations, g_strdup(json_string(i.value)));
    if (json_is_string(value))
        g_ptr_array_add(locations, g_strdup(json_string(value)));
}

char **deploy_locations_in(const JsonValue *object) {
    static const char *const KEYS[] = {"regions", "region", "zones", "zone", "namespaces", "namespace"};
    GPtrArray *locations = g_ptr_array_new();
    for (guint i = 0; i < G_N_ELEMENTS(KEYS) && locations->len == 0; i++)
        add_location(locations, json_get(object, KEYS[i]));
    if (locations->len == 0)
        for (JsonIter i = json_iter(json_get(object, "availabilityZones")); json_next(&i);)
            if (i.key != NULL)
                g_ptr_array_add(locations, g_strdup(i.key));
    g_ptr_array_add(locations, NULL);
    return (char **)g_ptr_array_free(locations, FALSE);
}

char **deploy_locations(const Execution *execution, const Stage *stage) {
    g_auto(GStrv) own = deploy_locations_in(deploy_context(stage));
    return own[0] != NULL ? g_steal_pointer(&own) : deploy_locations_in(deploy_strategy_parameters(execution));
}

static gboolean names(const JsonValue *list, const char *name) {
    if (json_is_string(list))
        return strcmp(json_string(list), name) == 0;
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (g_strcmp0(json_string(i.value), name) == 0)
            return TRUE;
    return FALSE;
}

gboolean deploy_locations_agree(const Stage *stage, GError **error) {
    static const char *const PAIRS[][2] = {{"region", "regions"}, {"zone", "zones"}, {"namespace", "namespaces"}};
    for (guint i = 0; i < G_N_ELEMENTS(PAIRS); i++) {
        const JsonValue *all = json_get(deploy_context(stage), PAIRS[i][1]);
        const char *one = json_get_string(deploy_context(stage), PAIRS[i][0]);
        if (!is_text(one) || !(json_is_string(all) || json_length(all) > 0) || names(all, one))
            continue;
        g_autofree char *listed = json_write(all, NULL);
        error_set(error, ERR_INVALID, "%s: %s %s is not among %s %s: give one of the two", stage->type, PAIRS[i][0], one, PAIRS[i][1],
                  listed);
        return FALSE;
    }
    return TRUE;
}

char *deploy_location(const Execution *execution, const Stage *stage) {
    g_auto(GStrv) locations = deploy_locations(execution, stage);
    return g_strdup(locations[0]);
}

/* ---- server groups by name ---- */

GroupName *group_name_new(const char *region, const char *name) {
    GroupName *group = g_new0(GroupName, 1);
    group->region = g_strdup(region);
    group->name = g_strdup(name);
    return group;
}

void group_name_free(GroupName *name) {
    if (name == NULL)
        return;
    g_free(name->region);
    g_free(name->name);
    g_free(name);
}

GPtrArray *deploy_recorded_groups(const Stage *stage) {
    GPtrArray *groups = g_ptr_array_new_with_free_func((GDestroyNotify)group_name_free);
    for (JsonIter region = json_iter(json_get(deploy_context(stage), "deploy.server.groups")); json_next(&region);)
        for (JsonIter i = json_iter(region.value); json_next(&i);)
            if (json_is_string(i.value))
                g_ptr_array_add(groups, group_name_new(region.key, json_string(i.value)));
    return groups;
}

static gboolean is_first_of_region(const GPtrArray *names, guint index) {
    for (guint i = 0; i < index; i++)
        if (strcmp(((const GroupName *)names->pdata[i])->region, ((const GroupName *)names->pdata[index])->region) == 0)
            return FALSE;
    return TRUE;
}

void deploy_record_groups(TaskContext *context, const GPtrArray *names) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (guint i = 0; i < names->len; i++) {
        const GroupName *first = names->pdata[i];
        if (!is_first_of_region(names, i))
            continue;
        json_begin_array(builder, first->region);
        for (guint k = i; k < names->len; k++) {
            const GroupName *name = names->pdata[k];
            if (strcmp(name->region, first->region) == 0)
                json_add_string(builder, NULL, name->name);
        }
        json_end_array(builder);
    }
    json_end_object(builder);
    g_autoptr(Json) groups = json_builder_end(builder);
    task_set_context_json(context, "deploy.server.groups", groups);
}

Json *deploy_group_payload(const char *account, const char *cloud, const GroupName *name) {
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "credentials", account, "accountName", account, "cloudProvider", cloud,
                     "serverGroupName", name->name, "asgName", name->name, "region", name->region);
}

/* ---- numbers ---- */

gint64 deploy_number(const JsonValue *value, gint64 otherwise) {
    if (json_is_number(value)) {
        gint64 whole = json_int(value, G_MININT64);
        return whole != G_MININT64 ? whole : (gint64)json_double(value, (double)otherwise);
    }
    const char *text = json_string(value);
    char *end = NULL;
    gint64 number = text != NULL ? g_ascii_strtoll(text, &end, 10) : 0;
    return end != NULL && end != text && *end == '\0' ? number : otherwise;
}

gboolean deploy_flag(const JsonValue *object, const char *key, gboolean otherwise) {
    const JsonValue *value = json_get(object, key);
    const char *text = json_string(value);
    if (text != NULL)
        return g_ascii_strcasecmp(text, "true") == 0;
    return json_is_true(value) || (otherwise && !json_is_false(value));
}

gboolean deploy_capacity(const JsonValue *object, Capacity *into) {
    into->min = deploy_number(json_get(object, "min"), -1);
    into->max = deploy_number(json_get(object, "max"), -1);
    into->desired = deploy_number(json_get(object, "desired"), -1);
    return into->desired >= 0;
}

Json *deploy_capacity_json(const Capacity *capacity) {
    return json_pack("{s:i, s:i, s:i}", "min", capacity->min, "max", capacity->max, "desired", capacity->desired);
}

gboolean capacity_is_pinned(const Capacity *capacity) {
    return capacity->min == capacity->max && capacity->max == capacity->desired;
}

gint64 deploy_poll_after(const Execution *execution, const Stage *stage, const TaskState *task, gint64 now_ms) {
    static const struct {
        gint64 younger_ms, delay_ms;
    } PACE[] = {{5000, 500}, {30000, 2000}, {120000, 5000}, {1800000, 10000}, {3600000, 60000}, {G_MAXINT64, 120000}};
    (void)execution, (void)stage;
    gint64 age_ms = task->start_ms > 0 ? now_ms - task->start_ms : 0;
    guint i = 0;
    while (age_ms >= PACE[i].younger_ms)
        i++;
    return PACE[i].delay_ms;
}
