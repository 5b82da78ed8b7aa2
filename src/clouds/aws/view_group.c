/* Server groups as served: one full form, and the summary that lists show. */
#include "clouds/aws/reader.h"
#include "clouds/aws/views.h"
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
    view->instances = view_instances(view->snapshot, group);
}

/* ---- parts ---- */

/* Known members; in a summary without any, those that the group itself calls in service. */
static void add_instances(JsonBuilder *builder, const GroupView *view, gboolean summary) {
    json_begin_array(builder, "instances");
    for (guint i = 0; i < view->instances->len; i++)
        view_add_instance(builder, view->instances->pdata[i], "aws", summary, view->now_ms);
    for (JsonIter i = json_iter(summary && !view->instances->len ? json_get(view->raw, "instances") : NULL); json_next(&i);) {
        Instance member = {.id = (char *)json_get_string(i.value, "instanceId"),
                           .zone = (char *)json_get_string(i.value, "availabilityZone")};
        if (member.id && !g_strcmp0(json_get_string(i.value, "lifecycleState"), "InService"))
            view_add_instance(builder, &member, "aws", TRUE, view->now_ms);
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
    view_add_instance_counts(builder, view->instances, view->now_ms);
    add_list(builder, "loadBalancers", group->load_balancers);
    add_list(builder, "targetGroups", group->target_groups);
    add_list(builder, "securityGroups", group->security_groups);
    if (view->image && view->image->record)
        image_add_build(builder, "buildInfo", view->image->record);
    view_add_moniker(builder, "moniker", group->name);
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
