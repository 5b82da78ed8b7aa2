/* Server groups as served: one full form, and the summary that lists show. */
#include "clouds/aws/reader.h"
#include "clouds/aws/views.h"
#include "clouds/naming.h"
#include <string.h>

/* What a view needs, looked up once. */
typedef struct {
    const InventorySnapshot *snapshot;
    const InventoryObject *object;
    const ServerGroup *group;
    const JsonValue *raw;          /* the group as AWS describes it, with policies and actions */
    const InventoryObject *image;  /* or NULL */
    const InventoryObject *launch; /* template or configuration; or NULL */
    GPtrArray *instances;          /* of Instance, known ones in the group's order */
    gint64 now_ms;
} GroupView;

static void load(GroupView *view) {
    const ServerGroup *group = view->group;
    const char *kind = group->launch_is_template ? KIND_LAUNCH_TEMPLATE : KIND_LAUNCH_CONFIGURATION;
    view->raw = json_root(view->object->document);
    if (group->image_id)
        view->image = inventory_get(view->snapshot, group->account, KIND_IMAGE, group->region, group->image_id);
    if (group->launch_name)
        view->launch = inventory_get(view->snapshot, group->account, kind, group->region, group->launch_name);
    view->instances = g_ptr_array_new_with_free_func((GDestroyNotify)instance_free);
    for (char **id = group->instance_ids; *id; id++) {
        const InventoryObject *known = inventory_get(view->snapshot, group->account, KIND_INSTANCE, group->region, *id);
        if (known && known->record)
            g_ptr_array_add(view->instances, aws_view_instance_record(view->snapshot, known));
    }
}

/* ---- parts ---- */

void aws_view_add_moniker(JsonBuilder *builder, const char *key, const char *name) {
    g_auto(Moniker) moniker = {0};
    naming_parse(name, &moniker);
    json_begin_object(builder, key);
    json_add_string(builder, "app", moniker.app);
    json_add_string(builder, "cluster", moniker.cluster);
    json_add_string(builder, "stack", moniker.stack);
    json_add_string(builder, "detail", moniker.detail);
    if (moniker.sequence >= 0)
        json_add_int(builder, "sequence", moniker.sequence);
    json_end_object(builder);
}

static void add_counts(JsonBuilder *builder, const GroupView *view) {
    static const struct {
        const char *key;
        HealthState state;
    } counted[] = {{"up", HEALTH_UP},
                   {"down", HEALTH_DOWN},
                   {"unknown", HEALTH_UNKNOWN},
                   {"starting", HEALTH_STARTING},
                   {"outOfService", HEALTH_OUT_OF_SERVICE}};
    gint64 counts[G_N_ELEMENTS(counted)] = {0};
    for (guint i = 0; i < view->instances->len; i++) {
        HealthState state = instance_health_state(view->instances->pdata[i], view->now_ms);
        for (guint c = 0; c < G_N_ELEMENTS(counted); c++) /* one that drains is on its way out of service */
            counts[c] += state == counted[c].state || (state == HEALTH_DRAINING && counted[c].state == HEALTH_OUT_OF_SERVICE);
    }
    json_begin_object(builder, "instanceCounts");
    json_add_int(builder, "total", view->instances->len);
    for (guint c = 0; c < G_N_ELEMENTS(counted); c++)
        json_add_int(builder, counted[c].key, counts[c]);
    json_end_object(builder);
}

static void add_instance(JsonBuilder *builder, const Instance *instance, gboolean summary, gint64 now_ms) {
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", instance->id);
    json_add_string(builder, "name", instance->id);
    json_add_string(builder, "availabilityZone", instance->zone);
    if (instance->launch_ms)
        json_add_int(builder, "launchTime", instance->launch_ms);
    json_add_string(builder, "healthState", health_state_name(instance_health_state(instance, now_ms)));
    aws_view_add_health(builder, "health", instance);
    if (!summary) {
        json_add_string(builder, "instanceId", instance->id);
        json_add_string(builder, "zone", instance->zone);
        json_add_string(builder, "lifecycleState", instance->lifecycle_state);
        json_add_bool(builder, "isHealthy", instance_is_healthy(instance));
        json_add_string(builder, "capacityType", instance->spot ? "spot" : "on-demand");
        json_add_string(builder, "cloudProvider", "aws");
        json_add_string(builder, "providerType", "aws");
    }
    json_end_object(builder);
}

/* Known members; in a summary without any, those that the group itself calls in service. */
static void add_instances(JsonBuilder *builder, const GroupView *view, gboolean summary) {
    json_begin_array(builder, "instances");
    for (guint i = 0; i < view->instances->len; i++)
        add_instance(builder, view->instances->pdata[i], summary, view->now_ms);
    for (JsonIter i = json_iter(summary && !view->instances->len ? json_get(view->raw, "instances") : NULL); json_next(&i);) {
        Instance member = {.id = (char *)json_get_string(i.value, "instanceId"),
                           .zone = (char *)json_get_string(i.value, "availabilityZone")};
        if (member.id && !g_strcmp0(json_get_string(i.value, "lifecycleState"), "InService"))
            add_instance(builder, &member, TRUE, view->now_ms);
    }
    json_end_array(builder);
}

static void add_list(JsonBuilder *builder, const char *key, char **texts) {
    json_add_strings(builder, key, (const char *const *)texts);
}

/* What both forms have. */
static void add_common(JsonBuilder *builder, const GroupView *view) {
    const ServerGroup *group = view->group;
    json_add_string(builder, "name", group->name);
    json_add_string(builder, "account", group->account);
    json_add_string(builder, "region", group->region);
    json_add_string(builder, "type", "aws");
    json_add_string(builder, "cloudProvider", "aws");
    if (group->created_ms)
        json_add_int(builder, "createdTime", group->created_ms);
    json_add_string(builder, "vpcId", group->vpc_id);
    json_begin_object(builder, "capacity");
    json_add_int(builder, "min", group->capacity.min);
    json_add_int(builder, "max", group->capacity.max);
    json_add_int(builder, "desired", group->capacity.desired);
    json_end_object(builder);
    json_add_string(builder, "instanceType", group->instance_type);
    add_counts(builder, view);
    add_list(builder, "loadBalancers", group->load_balancers);
    add_list(builder, "targetGroups", group->target_groups);
    add_list(builder, "securityGroups", group->security_groups);
    if (view->image && view->image->record)
        image_add_build(builder, "buildInfo", view->image->record);
    aws_view_add_moniker(builder, "moniker", group->name);
    json_add_json(builder, "tags", group->tags);
}

/* ---- the full form ---- */

/* The version that the group launches. */
static const JsonValue *launch_version(const GroupView *view) {
    const JsonValue *template = aws_group_template(view->raw);
    if (!view->launch)
        return NULL;
    return template ? aws_template_version(json_root(view->launch->document), json_get_string(template, "version"))
                    : json_root(view->launch->document);
}

static void add_mixed(JsonBuilder *builder, const GroupView *view, const JsonValue *version) {
    const JsonValue *policy = json_get(view->raw, "mixedInstancesPolicy");
    const JsonValue *overrides = json_dig(policy, "launchTemplate", "overrides", NULL);
    json_begin_object(builder, "mixedInstancesPolicy");
    json_begin_array(builder, "allowedInstanceTypes");
    for (JsonIter i = json_iter(overrides); json_next(&i);)
        json_add_string(builder, NULL, json_get_string(i.value, "instanceType"));
    if (!json_length(overrides))
        json_add_string(builder, NULL, view->group->instance_type ? view->group->instance_type : "");
    json_end_array(builder);
    json_add_value(builder, "instancesDistribution", json_get(policy, "instancesDistribution"));
    json_begin_array(builder, "launchTemplates");
    if (version)
        json_add_value(builder, NULL, version);
    json_end_array(builder);
    json_add_value(builder, "launchTemplateOverridesForInstanceType", overrides);
    json_end_object(builder);
}

static void add_launch(JsonBuilder *builder, const GroupView *view) {
    const JsonValue *version = launch_version(view);
    if (json_get(view->raw, "mixedInstancesPolicy"))
        add_mixed(builder, view, version);
    else
        json_add_value(builder, view->group->launch_is_template ? "launchTemplate" : "launchConfig", version);
}

static void add_image(JsonBuilder *builder, const GroupView *view) {
    if (!view->image)
        return;
    const Image *image = view->image->record;
    json_add_json(builder, "image", view->image->document);
    json_begin_object(builder, "imageSummary");
    json_add_string(builder, "serverGroupName", view->group->name);
    json_add_string(builder, "imageId", image->id);
    json_add_string(builder, "imageName", image->name);
    json_add_json(builder, "image", view->image->document);
    image_add_build(builder, "buildInfo", image);
    json_end_object(builder);
}

static void add_raw(JsonBuilder *builder, const GroupView *view) {
    static const char *const ours[] = {"scalingPolicies", "scheduledActions", NULL};
    g_autoptr(Json) asg = json_without(view->raw, ours);
    json_add_json(builder, "asg", asg);
    for (guint i = 0; ours[i]; i++)
        json_add_value(builder, ours[i], json_get(view->raw, ours[i]));
}

static Json *full_form(const GroupView *view) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    add_common(builder, view);
    json_add_string(builder, "accountName", view->group->account);
    json_add_string(builder, "application", view->object->application);
    json_add_string(builder, "cluster", view->object->cluster);
    json_add_bool(builder, "disabled", view->group->disabled);
    add_list(builder, "zones", view->group->zones);
    add_instances(builder, view, FALSE);
    add_launch(builder, view);
    add_raw(builder, view);
    add_image(builder, view);
    json_end_object(builder);
    return json_builder_end(builder);
}

static Json *summary_form(const GroupView *view) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    add_common(builder, view);
    json_add_string(builder, "application", view->object->application);
    json_add_string(builder, "cluster", view->object->cluster);
    json_add_bool(builder, "isDisabled", view->group->disabled);
    add_instances(builder, view, TRUE);
    json_end_object(builder);
    return json_builder_end(builder);
}

Json *aws_view_server_group(const InventorySnapshot *snapshot, const InventoryObject *object, gboolean summary, gint64 now_ms) {
    GroupView view = {.snapshot = snapshot, .object = object, .group = object->record, .now_ms = now_ms};
    load(&view);
    Json *json = summary ? summary_form(&view) : full_form(&view);
    g_ptr_array_unref(view.instances);
    return json;
}
