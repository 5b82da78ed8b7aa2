/* The views of the simulated cloud (views.h): the shapes that clients know from AWS. */
#include "clouds/simulator/views.h"
#include "clouds/image_search.h"
#include "clouds/simulator/room.h"
#include "clouds/view_parts.h"
#include <string.h>

static void begin(JsonBuilder *builder, const InventoryObject *object) {
    json_begin_object(builder, NULL);
    json_add_string(builder, "cloudProvider", SIMULATOR_ID);
    json_add_string(builder, "type", SIMULATOR_ID);
    json_add_string(builder, "account", object->account);
    json_add_string(builder, "region", object->region);
}

static Json *end(JsonBuilder *builder) {
    json_end_object(builder);
    return json_builder_end(builder);
}

/* ---- server groups ---- */

static void add_list(JsonBuilder *builder, const char *key, char **texts) {
    json_add_strings(builder, key, (const char *const *)texts);
}

static void add_capacity(JsonBuilder *builder, const Capacity *capacity) {
    json_begin_object(builder, "capacity");
    json_add_int(builder, "min", capacity->min);
    json_add_int(builder, "max", capacity->max);
    json_add_int(builder, "desired", capacity->desired);
    json_end_object(builder);
}

static void add_group(JsonBuilder *builder, const InventoryObject *object, const GPtrArray *instances, const InventoryObject *image,
                      gboolean summary, gint64 now_ms) {
    const ServerGroup *group = object->record;
    json_add_string(builder, "name", group->name);
    json_add_int(builder, "createdTime", group->created_ms);
    json_add_string(builder, "vpcId", group->vpc_id);
    add_capacity(builder, &group->capacity);
    json_add_string(builder, "instanceType", group->instance_type);
    view_add_instance_counts(builder, instances, now_ms);
    add_list(builder, "loadBalancers", group->load_balancers);
    add_list(builder, "targetGroups", group->target_groups);
    add_list(builder, "securityGroups", group->security_groups);
    if (image != NULL && image->record != NULL)
        image_add_build(builder, "buildInfo", image->record);
    view_add_moniker(builder, "moniker", group->name);
    json_add_json(builder, "tags", group->tags);
    json_add_string(builder, "application", object->application);
    json_add_string(builder, "cluster", object->cluster);
    json_add_bool(builder, summary ? "isDisabled" : "disabled", group->disabled);
    json_begin_array(builder, "instances");
    for (guint i = 0; i < instances->len; i++)
        view_add_instance(builder, instances->pdata[i], SIMULATOR_ID, summary, now_ms);
    json_end_array(builder);
}

static void add_image_summary(JsonBuilder *builder, const ServerGroup *group, const InventoryObject *image) {
    json_begin_object(builder, "imageSummary");
    json_add_string(builder, "serverGroupName", group->name);
    json_add_string(builder, "imageId", group->image_id);
    json_add_string(builder, "imageName", group->image_name);
    if (image != NULL && image->record != NULL)
        image_add_build(builder, "buildInfo", image->record);
    json_end_object(builder);
}

static void add_details(JsonBuilder *builder, const InventoryObject *object, const InventoryObject *image) {
    static const char *const OURS[] = {"scalingPolicies", "scheduledActions", "behaviour", "problem", NULL};
    const ServerGroup *group = object->record;
    const JsonValue *raw = json_root(object->document);
    g_autoptr(Json) asg = json_without(raw, OURS);
    json_add_string(builder, "accountName", group->account);
    add_list(builder, "zones", group->zones);
    json_add_json(builder, "asg", asg);
    for (guint i = 0; OURS[i] != NULL; i++)
        json_add_value(builder, OURS[i], json_get(raw, OURS[i]));
    g_autoptr(Json) launch = json_pack("{s:s, s:s}", "imageId", group->image_id, "instanceType", group->instance_type);
    json_add_json(builder, "launchConfig", launch);
    if (image != NULL)
        json_add_json(builder, "image", image->document);
    add_image_summary(builder, group, image);
}

static Json *view_server_group(const InventorySnapshot *snapshot, const InventoryObject *object, gboolean summary, gint64 now_ms) {
    const ServerGroup *group = object->record;
    const InventoryObject *image = group->image_id != NULL
                                       ? inventory_get(snapshot, group->account, KIND_IMAGE, group->region, group->image_id)
                                       : NULL;
    g_autoptr(GPtrArray) instances = view_instances(snapshot, group);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    begin(builder, object);
    add_group(builder, object, instances, image, summary, now_ms);
    if (!summary)
        add_details(builder, object, image);
    return end(builder);
}

/* ---- instances ---- */

static Json *view_instance(const InventorySnapshot *snapshot, const InventoryObject *object, gint64 now_ms) {
    Instance *instance = view_instance_record(snapshot, object);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    begin(builder, object);
    json_add_string(builder, "name", instance->id);
    json_add_string(builder, "zone", instance->zone);
    json_add_string(builder, "serverGroup", instance->server_group);
    json_add_string(builder, "healthState", health_state_name(instance_health_state(instance, now_ms)));
    json_add_bool(builder, "isHealthy", instance_is_healthy(instance));
    json_add_string(builder, "lifecycleState", instance->lifecycle_state);
    view_add_health(builder, "health", instance);
    json_add_string(builder, "capacityType", "on-demand");
    json_add_string(builder, "providerType", SIMULATOR_ID);
    json_end_object(builder);
    instance_free(instance);
    g_autoptr(Json) view = json_builder_end(builder);
    return json_merge(json_root(object->document), json_root(view));
}

/* ---- load balancers ---- */

typedef struct {
    const InventorySnapshot *snapshot;
    const InventoryObject *at;
    JsonBuilder *builder;
} Behind;

/* What this load balancer says of an instance, out of its health; NULL: it does not know it. */
static const JsonValue *word_of(const Behind *behind, const Instance *instance) {
    gboolean is_target = strcmp(behind->at->kind, KIND_TARGET_GROUP) == 0;
    for (guint i = 0; i < instance->health->len; i++) {
        const Health *health = instance->health->pdata[i];
        const JsonValue *said = json_get(json_root(health->detail), is_target ? "targetGroups" : "loadBalancers");
        for (JsonIter s = json_iter(said); json_next(&s);)
            if (g_strcmp0(json_get_string(s.value, is_target ? "targetGroupName" : "loadBalancerName"), behind->at->id) == 0)
                return s.value;
    }
    return NULL;
}

static void add_member(const Behind *behind, const Instance *instance, const JsonValue *word) {
    json_begin_object(behind->builder, NULL);
    json_add_string(behind->builder, "id", instance->id);
    json_add_string(behind->builder, "name", instance->id);
    json_add_string(behind->builder, "zone", instance->zone);
    json_begin_object(behind->builder, "health");
    json_add_members(behind->builder, word);
    json_add_value(behind->builder, "state", json_get(word, "healthState"));
    json_end_object(behind->builder);
    json_end_object(behind->builder);
}

static gboolean add_if_behind(const InventoryObject *object, gpointer data) {
    const Behind *behind = data;
    const ServerGroup *group = object->record;
    gboolean is_target = strcmp(behind->at->kind, KIND_TARGET_GROUP) == 0;
    char **names = is_target ? group->target_groups : group->load_balancers;
    if (!g_strv_contains((const char *const *)names, behind->at->id))
        return TRUE;
    g_autoptr(GPtrArray) instances = view_instances(behind->snapshot, group);
    JsonBuilder *builder = behind->builder;
    json_begin_object(builder, NULL);
    json_add_string(builder, "name", group->name);
    json_add_string(builder, "account", group->account);
    json_add_string(builder, "region", group->region);
    json_add_string(builder, "cloudProvider", SIMULATOR_ID);
    json_add_bool(builder, "isDisabled", group->disabled);
    json_begin_array(builder, "detachedInstances");
    for (guint i = 0; i < instances->len; i++)
        if (word_of(behind, instances->pdata[i]) == NULL)
            json_add_string(builder, NULL, ((const Instance *)instances->pdata[i])->id);
    json_end_array(builder);
    json_begin_array(builder, "instances");
    for (guint i = 0; i < instances->len; i++) {
        const JsonValue *word = word_of(behind, instances->pdata[i]);
        if (word != NULL)
            add_member(behind, instances->pdata[i], word);
    }
    json_end_array(builder);
    json_end_object(builder);
    return TRUE;
}

static void add_behind(JsonBuilder *builder, const InventorySnapshot *snapshot, const InventoryObject *at) {
    Behind behind = {snapshot, at, builder};
    json_begin_array(builder, "serverGroups");
    inventory_each(snapshot, at->account, KIND_SERVER_GROUP, at->region, add_if_behind, &behind);
    json_end_array(builder);
}

typedef struct {
    const InventorySnapshot *snapshot;
    const char *balancer;
    JsonBuilder *builder;
} Targets;

/* A target group says behind which load balancers it stands. */
static gboolean add_target_group(const InventoryObject *object, gpointer data) {
    const Targets *targets = data;
    for (JsonIter i = json_iter(json_get(json_root(object->document), "loadBalancerNames")); json_next(&i);) {
        if (g_strcmp0(json_string(i.value), targets->balancer) != 0)
            continue;
        begin(targets->builder, object);
        json_add_members(targets->builder, json_root(object->document));
        json_add_string(targets->builder, "name", object->id);
        add_behind(targets->builder, targets->snapshot, object);
        json_end_object(targets->builder);
    }
    return TRUE;
}

static Json *view_load_balancer(const InventorySnapshot *snapshot, const InventoryObject *object, gint64 now_ms) {
    (void)now_ms;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    begin(builder, object);
    json_add_string(builder, "name", object->id);
    json_add_string(builder, "loadBalancerType", "classic");
    view_add_moniker(builder, "moniker", object->id);
    add_behind(builder, snapshot, object);
    json_begin_array(builder, "targetGroups");
    Targets targets = {snapshot, object->id, builder};
    inventory_each(snapshot, object->account, KIND_TARGET_GROUP, object->region, add_target_group, &targets);
    json_end_array(builder);
    json_end_object(builder);
    g_autoptr(Json) view = json_builder_end(builder);
    return json_merge(json_root(object->document), json_root(view));
}

/* ---- the small ones ---- */

static Json *with_document(const InventoryObject *object) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    begin(builder, object);
    json_add_string(builder, "id", object->id);
    g_autoptr(Json) view = end(builder);
    return json_merge(json_root(object->document), json_root(view));
}

static Json *view_security_group(const InventorySnapshot *snapshot, const InventoryObject *object) {
    (void)snapshot;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    begin(builder, object);
    json_add_string(builder, "id", object->id);
    json_add_string(builder, "name", object->id);
    json_add_string(builder, "accountName", object->account);
    json_add_string(builder, "application", object->application);
    json_begin_array(builder, "inboundRules");
    json_end_array(builder);
    json_begin_array(builder, "outboundRules");
    json_end_array(builder);
    view_add_moniker(builder, "moniker", object->id);
    g_autoptr(Json) view = end(builder);
    return json_merge(json_root(object->document), json_root(view));
}

static Json *view_network(const InventorySnapshot *snapshot, const InventoryObject *object) {
    (void)snapshot;
    return with_document(object);
}

static Json *images_find(Clouds *clouds, const JsonValue *query, GError **error) {
    return view_images_check_query(json_get_string(query, "q"), error) ? view_images_find(clouds, SIMULATOR_ID, "img-", query) : NULL;
}

const CloudViews simulator_views = {
    .server_group = view_server_group,
    .instance = view_instance,
    .load_balancer = view_load_balancer,
    .security_group = view_security_group,
    .network = view_network,
    .subnet = view_network,
    .image = view_image,
    .images_find = images_find,
};
