/* The world as inventory objects: typed records and the documents that views show. Pure but for the inventory; under the room's lock. */
#include "clouds/naming.h"
#include "clouds/simulator/room.h"
#include <string.h>

#define NETWORK_ID "net-main"

char **simulator_zones(const char *region) {
    char **zones = g_new0(char *, 4);
    for (guint i = 0; i < 3; i++)
        zones[i] = g_strdup_printf("%s-%c", region, 'a' + (int)i);
    return zones;
}

static void put(Inventory *inventory, InventoryObject *object, Json *document, gpointer record, GDestroyNotify free_record, gint64 now_ms) {
    object->document = document;
    object->record = record;
    object->free_record = free_record;
    object->seen_ms = now_ms;
    inventory_put(inventory, object);
    inventory_object_unref(object);
}

/* ---- health ---- */

static gboolean is_simulator(const Account *account) {
    return strcmp(account->cloud->id, SIMULATOR_ID) == 0;
}

/* The platform's word. A real cloud never says more than "it runs"; ours also says that the instance passes its own check when no load
 * balancer is there to say it. */
static HealthState platform_state(const Account *account, const SimulatedGroup *group, const SimulatedInstance *instance, gint64 now_ms) {
    if (simulated_is_dead(instance, now_ms) || instance->terminate_ms > 0)
        return HEALTH_DOWN;
    if (strcmp(simulated_lifecycle(instance, now_ms), "Pending") == 0)
        return is_simulator(account) ? HEALTH_STARTING : HEALTH_DOWN;
    gboolean speaks = is_simulator(account) && group->load_balancers[0] == NULL && group->target_groups[0] == NULL;
    if (!speaks || instance->out || world_group_is_suspended(group, "AddToLoadBalancer"))
        return HEALTH_UNKNOWN;
    if (simulated_passes(instance, now_ms))
        return HEALTH_UP;
    return instance->healthy_ms == G_MAXINT64 && now_ms >= instance->launch_ms + SIMULATED_BOOT_MS ? HEALTH_DOWN : HEALTH_STARTING;
}

static Health *health_new(const char *type, gboolean platform, HealthState state, Json *detail) {
    Health *health = g_new0(Health, 1);
    *health = (Health){g_strdup(type), platform, state, detail};
    return health;
}

/* Of several words the worst (aws.md 3). */
static HealthState worse(HealthState a, HealthState b) {
    static const HealthState order[] = {HEALTH_STARTING, HEALTH_DOWN, HEALTH_OUT_OF_SERVICE, HEALTH_DRAINING};
    for (gsize i = 0; i < G_N_ELEMENTS(order); i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return a;
}

static const char *const SAID[] = {
    [HEALTH_UNKNOWN] = "unknown",       [HEALTH_UP] = "healthy",       [HEALTH_DOWN] = "unhealthy", [HEALTH_STARTING] = "initial",
    [HEALTH_OUT_OF_SERVICE] = "unused", [HEALTH_DRAINING] = "draining"};

/* What all load balancers, or all target groups, say together; NULL: none knows it. */
static Health *registered_health(const SimulatedInstance *instance, gboolean is_target, gint64 now_ms) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    HealthState together = HEALTH_UP, own;
    guint known = 0;
    json_begin_object(builder, NULL);
    json_begin_array(builder, is_target ? "targetGroups" : "loadBalancers");
    for (guint i = 0; i < instance->registrations->len; i++) {
        const SimulatedRegistration *registration = instance->registrations->pdata[i];
        if (registration->is_target != is_target || !simulated_registration_health(instance, registration, now_ms, &own))
            continue;
        together = worse(together, own);
        known++;
        json_begin_object(builder, NULL);
        json_add_string(builder, is_target ? "targetGroupName" : "loadBalancerName", registration->name);
        json_add_string(builder, "healthState", health_state_name(own));
        json_add_string(builder, "state", SAID[own]);
        json_end_object(builder);
    }
    json_end_array(builder);
    json_end_object(builder);
    Json *detail = json_builder_end(builder);
    if (known > 0)
        return health_new(is_target ? "TargetGroup" : "LoadBalancer", FALSE, together, detail);
    json_unref(detail);
    return NULL;
}

/* ---- instances ---- */

static Instance *instance_record(const Account *account, const SimulatedGroup *group, const SimulatedInstance *instance, gint64 now_ms) {
    Instance *record = g_new0(Instance, 1);
    *record = (Instance){.id = g_strdup(instance->id),
                         .zone = g_strdup(instance->zone),
                         .server_group = g_strdup(group->name),
                         .lifecycle_state = g_strdup(simulated_lifecycle(instance, now_ms)),
                         .launch_ms = instance->launch_ms,
                         .health = g_ptr_array_new_with_free_func((GDestroyNotify)health_free)};
    g_ptr_array_add(record->health,
                    health_new(account->cloud->platform_health, TRUE, platform_state(account, group, instance, now_ms), NULL));
    for (gboolean is_target = FALSE; is_target <= TRUE; is_target++) {
        Health *health = registered_health(instance, is_target, now_ms);
        if (health != NULL)
            g_ptr_array_add(record->health, health);
    }
    return record;
}

static Json *instance_document(const SimulatedGroup *group, const SimulatedInstance *instance, gint64 now_ms) {
    const char *state = simulated_is_dead(instance, now_ms) ? "crashed" : instance->terminate_ms > 0 ? "shutting-down" : "running";
    return json_pack("{s:s, s:s, s:s, s:i, s:s, s:d}", "instanceId", instance->id, "imageId", group->image_id, "instanceType",
                     group->instance_type, "launchTime", instance->launch_ms, "state", state, "errorRate", instance->error_rate);
}

/* All that changes of an instance, in one number; never 0. */
static guint look_of(const Account *account, const SimulatedGroup *group, const SimulatedInstance *instance, gint64 now_ms) {
    guint look = 1 + (guint)platform_state(account, group, instance, now_ms) + g_str_hash(simulated_lifecycle(instance, now_ms));
    for (guint i = 0; i < instance->registrations->len; i++) {
        HealthState state = HEALTH_UNKNOWN;
        gboolean known = simulated_registration_health(instance, instance->registrations->pdata[i], now_ms, &state);
        look = look * 31 + (known ? 1 + (guint)state : 0);
    }
    return look != 0 ? look : 1;
}

static void put_instance(Inventory *inventory, const Account *account, const SimulatedGroup *group, SimulatedInstance *instance,
                         gboolean always, gint64 now_ms) {
    guint look = look_of(account, group, instance, now_ms);
    if (!always && instance->told == look)
        return;
    instance->told = look;
    InventoryObject *object = inventory_object_new(KIND_INSTANCE, account->name, group->region, instance->id);
    put(inventory, object, instance_document(group, instance, now_ms), instance_record(account, group, instance, now_ms),
        (GDestroyNotify)instance_free, now_ms);
}

/* ---- server groups: the document has the members of an Auto Scaling group, which clients know ---- */

static void add_members(JsonBuilder *builder, const SimulatedGroup *group, gint64 now_ms) {
    json_begin_array(builder, "instances");
    for (guint i = 0; i < group->instances->len; i++) {
        const SimulatedInstance *instance = group->instances->pdata[i];
        json_begin_object(builder, NULL);
        json_add_string(builder, "instanceId", instance->id);
        json_add_string(builder, "availabilityZone", instance->zone);
        json_add_string(builder, "lifecycleState", simulated_lifecycle(instance, now_ms));
        json_add_string(builder, "healthStatus", simulated_is_dead(instance, now_ms) ? "Unhealthy" : "Healthy");
        json_end_object(builder);
    }
    json_end_array(builder);
}

static void add_named(JsonBuilder *builder, const char *key, const char *name, char **texts) {
    json_begin_array(builder, key);
    for (char **text = texts; *text != NULL; text++) {
        json_begin_object(builder, NULL);
        json_add_string(builder, name, *text);
        json_end_object(builder);
    }
    json_end_array(builder);
}

static void add_documents(JsonBuilder *builder, const char *key, const GPtrArray *documents) {
    json_begin_array(builder, key);
    for (guint i = 0; i < documents->len; i++)
        json_add_json(builder, NULL, documents->pdata[i]);
    json_end_array(builder);
}

static Json *group_document(const SimulatedGroup *group, gint64 now_ms) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autofree char *behaviour = simulated_behaviour_text(&group->behaviour);
    json_begin_object(builder, NULL);
    json_add_string(builder, "autoScalingGroupName", group->name);
    json_add_int(builder, "createdTime", group->created_ms);
    json_add_int(builder, "minSize", group->capacity.min);
    json_add_int(builder, "maxSize", group->capacity.max);
    json_add_int(builder, "desiredCapacity", group->capacity.desired);
    json_add_strings(builder, "availabilityZones", (const char *const *)group->zones);
    json_add_strings(builder, "loadBalancerNames", (const char *const *)group->load_balancers);
    json_add_strings(builder, "targetGroupNames", (const char *const *)group->target_groups);
    add_named(builder, "suspendedProcesses", "processName", group->suspended);
    add_members(builder, group, now_ms);
    json_add_string(builder, "imageId", group->image_id);
    json_add_string(builder, "instanceType", group->instance_type);
    json_add_string(builder, "behaviour", behaviour);
    json_add_string(builder, "problem", group->problem);
    add_documents(builder, "scalingPolicies", group->policies);
    add_documents(builder, "scheduledActions", group->actions);
    json_end_object(builder);
    return json_builder_end(builder);
}

static char **instance_ids(const SimulatedGroup *group) {
    char **ids = g_new0(char *, group->instances->len + 1);
    for (guint i = 0; i < group->instances->len; i++)
        ids[i] = g_strdup(((const SimulatedInstance *)group->instances->pdata[i])->id);
    return ids;
}

static ServerGroup *group_record(const Account *account, const SimulatedGroup *group, Json *document) {
    ServerGroup *record = g_new0(ServerGroup, 1);
    *record = (ServerGroup){
        .name = g_strdup(group->name),
        .account = g_strdup(group->account),
        .region = g_strdup(group->region),
        .cloud = g_strdup(account->cloud->id),
        .vpc_id = g_strdup(group->network),
        .created_ms = group->created_ms,
        .disabled = world_group_is_suspended(group, "AddToLoadBalancer"),
        .capacity = group->capacity,
        .zones = g_strdupv(group->zones),
        .load_balancers = g_strdupv(group->load_balancers),
        .target_groups = g_strdupv(group->target_groups),
        .security_groups = g_strdupv(group->security_groups),
        .suspended_processes = g_strdupv(group->suspended),
        .image_id = g_strdup(group->image_id),
        .image_name = g_strdup(group->image_name),
        .instance_type = g_strdup(group->instance_type),
        .instance_ids = instance_ids(group),
        .tags = json_ref(group->tags),
        .raw = json_ref(document),
    };
    naming_parse(group->name, &record->moniker);
    return record;
}

void simulator_put_group(Inventory *inventory, const Account *account, const SimulatedGroup *group, gboolean all, gint64 now_ms) {
    for (guint i = 0; i < group->instances->len; i++)
        put_instance(inventory, account, group, group->instances->pdata[i], all, now_ms);
    if (group->ending)
        return;
    InventoryObject *object = inventory_object_new(KIND_SERVER_GROUP, account->name, group->region, group->name);
    Json *document = group_document(group, now_ms);
    object->application = group->moniker.app != NULL ? g_ascii_strdown(group->moniker.app, -1) : NULL;
    object->cluster = g_strdup(group->moniker.cluster);
    put(inventory, object, document, group_record(account, group, document), (GDestroyNotify)server_group_free, now_ms);
}

/* ---- load balancers, target groups, firewalls ---- */

void simulator_put_balancer(Inventory *inventory, const Account *account, const SimulatedBalancer *balancer, gint64 now_ms) {
    static const char *const NAME_KEYS[] = {"loadBalancerName", "targetGroupName", "groupName"};
    const char *key = NAME_KEYS[balancer->kind];
    g_auto(Moniker) moniker = {0};
    naming_parse(balancer->name, &moniker);
    InventoryObject *object = inventory_object_new(simulated_balancer_kinds[balancer->kind], account->name, balancer->region,
                                                   balancer->name);
    object->application = moniker.app != NULL ? g_ascii_strdown(moniker.app, -1) : NULL;
    put(inventory, object, json_with_string(json_root(balancer->description), key, balancer->name), NULL, NULL, now_ms);
}

/* ---- images, networks ---- */

void simulator_put_image(Inventory *inventory, const Account *account, const char *region, const SimulatedImage *image, gint64 now_ms) {
    if (image->regions != NULL && !g_strv_contains((const char *const *)image->regions, region))
        return;
    g_autoptr(GDateTime) created = g_date_time_new_from_unix_utc(image->created_ms / 1000);
    g_autofree char *date = created != NULL ? g_date_time_format(created, "%Y-%m-%dT%H:%M:%S.000Z") : NULL;
    Image *record = g_new0(Image, 1);
    *record = (Image){
        .id = g_strdup(image->id),
        .name = g_strdup(image->name),
        .account = g_strdup(account->name),
        .region = g_strdup(region),
        .cloud = g_strdup(account->cloud->id),
        .owner = g_strdup(image->owner),
        .created_ms = image->created_ms,
        .tags = json_ref(image->tags),
        .attributes = json_pack("{s:s, s:s, s:s}", "creationDate", date, "virtualizationType", "hvm", "architecture", "x86_64")};
    Json *document = json_pack("{s:s, s:s, s:s, s:s, s:s, s:j}", "imageId", image->id, "name", image->name, "ownerId", image->owner,
                               "creationDate", date, "behaviour", image->behaviour, "tags", image->tags);
    put(inventory, inventory_object_new(KIND_IMAGE, account->name, region, image->id), document, record, (GDestroyNotify)image_free,
        now_ms);
}

void simulator_put_network(Inventory *inventory, const Account *account, const char *region, gint64 now_ms) {
    Json *network = json_pack("{s:s, s:s, s:s, s:b}", "id", NETWORK_ID, "name", "main", "cidrBlock", "10.0.0.0/16", "isDefault", TRUE);
    put(inventory, inventory_object_new(KIND_NETWORK, account->name, region, NETWORK_ID), network, NULL, NULL, now_ms);
    g_auto(GStrv) zones = simulator_zones(region);
    for (guint i = 0; zones[i] != NULL; i++) {
        g_autofree char *id = g_strconcat("subnet-", zones[i], NULL), *block = g_strdup_printf("10.0.%u.0/24", i);
        Json *subnet = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:s}", "id", id, "vpcId", NETWORK_ID, "availabilityZone", zones[i],
                                 "cidrBlock", block, "state", "available", "availableIpAddressCount", (gint64)250, "purpose", "internal");
        put(inventory, inventory_object_new(KIND_SUBNET, account->name, region, id), subnet, NULL, NULL, now_ms);
    }
}
