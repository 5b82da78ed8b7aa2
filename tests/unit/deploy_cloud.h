/* A cloud for tests of deployments: server groups that live in memory, are up as soon as they exist, and go down when disabled. Every
 * write is kept in a list. Included by one test each. */
#pragma once
#include "base/clock.h"
#include "clouds/cloud.h"
#include "clouds/naming.h"

typedef struct {
    char *region, *name;
    gint64 created_ms;
    gboolean disabled;
    Capacity capacity;
    char *image;
    char **suspended;
    gint64 out; /* so many of its instances were taken out of traffic, the first ones */
} OutsideGroup;

static struct {
    GMutex lock;
    GPtrArray *groups; /* of OutsideGroup */
    GPtrArray *calls;  /* of char * */
    GHashTable *ended; /* ids of instances that are no more; their group has launched others */
    gboolean never_up;
    const char *never_up_from; /* only of groups by this name, or NULL */
    gboolean fail_create;
    /* Called, under the lock, when an operation on a group is about to look at it: what somebody else does at that moment. */
    void (*meanwhile)(const char *operation);
    gint gate; /* atomic: so many operations wait for each other right before they write */
} outside;

static void outside_group_free(gpointer data) {
    OutsideGroup *group = data;
    g_free(group->region);
    g_free(group->name);
    g_free(group->image);
    g_strfreev(group->suspended);
    g_free(group);
}

static void outside_reset(void) {
    g_clear_pointer(&outside.groups, g_ptr_array_unref);
    g_clear_pointer(&outside.calls, g_ptr_array_unref);
    g_clear_pointer(&outside.ended, g_hash_table_unref);
    outside.ended = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    outside.groups = g_ptr_array_new_with_free_func(outside_group_free);
    outside.calls = g_ptr_array_new_with_free_func(g_free);
    outside.never_up = outside.fail_create = FALSE;
    outside.never_up_from = NULL;
    outside.meanwhile = NULL;
}

static void outside_call(const char *format, ...) G_GNUC_PRINTF(1, 2);
static void outside_call(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    g_ptr_array_add(outside.calls, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

static OutsideGroup *outside_find(const char *region, const char *name) {
    for (guint i = 0; i < outside.groups->len; i++) {
        OutsideGroup *group = outside.groups->pdata[i];
        if (strcmp(group->region, region) == 0 && strcmp(group->name, name) == 0)
            return group;
    }
    return NULL;
}

static OutsideGroup *outside_add(const char *region, const char *name, Capacity capacity) {
    static gint64 last_ms;
    OutsideGroup *group = g_new0(OutsideGroup, 1);
    last_ms = MAX(last_ms + 1, clock_now_ms());
    *group = (OutsideGroup){g_strdup(region), g_strdup(name), last_ms, FALSE, capacity, g_strdup("image-0"), g_new0(char *, 1), 0};
    g_ptr_array_add(outside.groups, group);
    return group;
}

/* ---- publishing ---- */

static gboolean is_starting(const OutsideGroup *group) {
    return outside.never_up || g_strcmp0(outside.never_up_from, group->name) == 0;
}

static void publish_instance(Inventory *inventory, const OutsideGroup *group, const char *id, gboolean out, gint64 now_ms) {
    g_autoptr(InventoryObject) object = inventory_object_new(KIND_INSTANCE, "prod", group->region, id);
    Instance *instance = g_new0(Instance, 1);
    instance->id = g_strdup(id);
    instance->server_group = g_strdup(group->name);
    instance->health = g_ptr_array_new_with_free_func((GDestroyNotify)health_free);
    Health *platform = g_new0(Health, 1), *traffic = g_new0(Health, 1);
    *platform = (Health){g_strdup("Test"), TRUE, HEALTH_UNKNOWN, NULL};
    *traffic = (Health){g_strdup("LoadBalancer"), FALSE,
                        group->disabled || out ? HEALTH_OUT_OF_SERVICE
                        : is_starting(group)   ? HEALTH_STARTING
                                               : HEALTH_UP,
                        NULL};
    g_ptr_array_add(instance->health, platform);
    g_ptr_array_add(instance->health, traffic);
    object->record = instance;
    object->free_record = (GDestroyNotify)instance_free;
    object->seen_ms = now_ms;
    inventory_put(inventory, object);
}

static ServerGroup *record_of(const OutsideGroup *group) {
    ServerGroup *record = g_new0(ServerGroup, 1);
    *record = (ServerGroup){.name = g_strdup(group->name),
                            .account = g_strdup("prod"),
                            .region = g_strdup(group->region),
                            .cloud = g_strdup("test"),
                            .created_ms = group->created_ms,
                            .disabled = group->disabled,
                            .capacity = group->capacity,
                            .image_id = g_strdup(group->image),
                            .suspended_processes = g_strdupv(group->suspended),
                            .instance_ids = g_new0(char *, (gsize)group->capacity.desired + 1)};
    naming_parse(group->name, &record->moniker);
    for (gint64 i = 0, n = 0; n < group->capacity.desired; i++) {
        g_autofree char *id = g_strdup_printf("%s-i%" G_GINT64_FORMAT, group->name, i);
        if (!g_hash_table_contains(outside.ended, id))
            record->instance_ids[n++] = g_steal_pointer(&id);
    }
    return record;
}

static void publish(Inventory *inventory, const OutsideGroup *group) {
    gint64 now_ms = clock_now_ms();
    g_autoptr(InventoryObject) object = inventory_object_new(KIND_SERVER_GROUP, "prod", group->region, group->name);
    ServerGroup *record = record_of(group);
    for (char **id = record->instance_ids; *id != NULL; id++)
        publish_instance(inventory, group, *id, id - record->instance_ids < group->out, now_ms);
    object->application = g_strdup(record->moniker.app);
    object->cluster = g_strdup(record->moniker.cluster);
    object->record = record;
    object->free_record = (GDestroyNotify)server_group_free;
    object->seen_ms = now_ms;
    inventory_put(inventory, object);
}

static gboolean refresh_server_group(Account *account, const char *region, const char *name, Inventory *inventory, Cancel *cancel,
                                     GError **error) {
    (void)account, (void)cancel;
    g_mutex_lock(&outside.lock);
    const OutsideGroup *group = outside_find(region, name);
    if (group != NULL)
        publish(inventory, group);
    else
        inventory_remove(inventory, "prod", KIND_SERVER_GROUP, region, name, clock_now_ms());
    g_mutex_unlock(&outside.lock);
    if (group == NULL)
        error_set(error, ERR_NOT_FOUND, "server group %s in %s is gone", name, region);
    return group != NULL;
}

static gboolean refresh_cluster(Account *account, const char *region, const char *cluster, Inventory *inventory, Cancel *cancel,
                                GError **error) {
    (void)account, (void)cancel, (void)error, (void)cluster;
    g_mutex_lock(&outside.lock);
    for (guint i = 0; i < outside.groups->len; i++) {
        const OutsideGroup *group = outside.groups->pdata[i];
        if (strcmp(group->region, region) == 0)
            publish(inventory, group);
    }
    g_mutex_unlock(&outside.lock);
    return TRUE;
}

/* ---- operations ---- */

static const char *requested(Operation *operation, const char *key) {
    return json_get_string(operation_request(operation), key);
}

static gint64 requested_capacity(Operation *operation, const char *key, gint64 otherwise) {
    return json_int(json_dig(operation_request(operation), "capacity", key, NULL), otherwise);
}

static gboolean create_act(Operation *operation, guint item, GError **error) {
    (void)item;
    if (outside.fail_create) {
        error_set(error, ERR_REMOTE, "create in here (account prod): quota exceeded");
        return FALSE;
    }
    g_mutex_lock(&outside.lock);
    g_autofree char *cluster = naming_cluster(requested(operation, "application"), requested(operation, "stack"),
                                              requested(operation, "freeFormDetails"));
    guint next = 0;
    for (guint i = 0; i < outside.groups->len; i++)
        next += g_str_has_prefix(((OutsideGroup *)outside.groups->pdata[i])->name, cluster) ? 1 : 0;
    const JsonValue *source = json_get(operation_request(operation), "source");
    g_autofree char *name = g_strdup_printf("%s-v%03u", cluster, next);
    Capacity capacity = {requested_capacity(operation, "min", 1), requested_capacity(operation, "max", 1),
                         requested_capacity(operation, "desired", 1)};
    OutsideGroup *group = outside_add("here", name, capacity);
    g_free(group->image);
    group->image = g_strdup(requested(operation, "testImage"));
    outside_call("create %s %d/%d/%d %s after %s", name, (int)capacity.min, (int)capacity.max, (int)capacity.desired, group->image,
                 json_get_string(source, "serverGroupName"));
    operation_fact_set_string(operation, "name", name);
    g_mutex_unlock(&outside.lock);
    return TRUE;
}

static void create_finish(Operation *operation) {
    g_autofree char *text = g_strconcat("here:", operation_fact_string(operation, "name"), NULL);
    g_autoptr(Json) names = json_pack("[s]", text);
    operation_result_set(operation, "serverGroupNames", json_root(names));
}

static guint group_count(Operation *operation) {
    return (guint)json_length(json_get(operation_request(operation), "asgs"));
}

typedef void (*GroupChange)(Operation *operation, OutsideGroup *group);

static gboolean change_group(Operation *operation, guint item, const char *call, GroupChange change) {
    const JsonValue *named = json_at(json_get(operation_request(operation), "asgs"), item);
    g_mutex_lock(&outside.lock);
    OutsideGroup *group = outside_find(json_get_string(named, "region"), json_get_string(named, "serverGroupName"));
    outside_call("%s %s", call, json_get_string(named, "serverGroupName"));
    if (group != NULL)
        change(operation, group);
    g_mutex_unlock(&outside.lock);
    return TRUE;
}

static void set_enabled(Operation *operation, OutsideGroup *group) {
    (void)operation;
    group->disabled = FALSE;
    group->out = 0;
}

static void set_disabled(Operation *operation, OutsideGroup *group) {
    gint64 percentage = json_get_int(operation_request(operation), "desiredPercentage", 100);
    group->disabled = percentage >= 100;
    group->out = group->disabled ? 0 : (group->capacity.desired * percentage + 99) / 100;
    if (percentage < 100)
        outside_call("= %d%%", (int)percentage);
}

static void set_gone(Operation *operation, OutsideGroup *group) {
    (void)operation;
    g_ptr_array_remove(outside.groups, group);
}

static void set_size(Operation *operation, OutsideGroup *group) {
    Capacity *capacity = &group->capacity;
    *capacity = (Capacity){requested_capacity(operation, "min", capacity->min), requested_capacity(operation, "max", capacity->max),
                           requested_capacity(operation, "desired", capacity->desired)};
    outside_call("= %d/%d/%d", (int)capacity->min, (int)capacity->max, (int)capacity->desired);
}

static void set_resumed(Operation *operation, OutsideGroup *group) {
    (void)operation;
    g_strfreev(group->suspended);
    group->suspended = g_new0(char *, 1);
}

static void set_suspended(Operation *operation, OutsideGroup *group) {
    g_autofree char *first = g_strdup(json_string(json_at(json_get(operation_request(operation), "processes"), 0)));
    g_strfreev(group->suspended);
    group->suspended = g_strsplit(first, ",", -1);
}

static void set_image(Operation *operation, OutsideGroup *group) {
    g_free(group->image);
    group->image = g_strdup(requested(operation, "amiName"));
    outside_call("= %s", group->image);
}

/* A read before every change, as real clouds have it: here somebody else may get in between. */
static gboolean meanwhile_act(Operation *operation, guint item, GError **error) {
    (void)item, (void)error;
    g_mutex_lock(&outside.lock);
    if (outside.meanwhile != NULL)
        outside.meanwhile(operation_id(operation));
    g_mutex_unlock(&outside.lock);
    if (g_atomic_int_get(&outside.gate) > 0) {
        g_atomic_int_dec_and_test(&outside.gate);
        while (g_atomic_int_get(&outside.gate) > 0)
            g_usleep(1000);
    }
    return TRUE;
}

static LookResult not_done(Operation *operation, guint item, GError **error) {
    (void)operation, (void)item, (void)error;
    return LOOK_NOT_DONE;
}
#define enable_look not_done
#define disable_look not_done
#define destroy_look not_done
#define resume_look not_done
#define suspend_look not_done
#define launch_look not_done

/* constraints.capacity, as AWS has it. */
static LookResult resize_look(Operation *operation, guint item, GError **error) {
    const JsonValue *named = json_at(json_get(operation_request(operation), "asgs"), item);
    const JsonValue *expected = json_dig(operation_request(operation), "constraints", "capacity", NULL);
    g_mutex_lock(&outside.lock);
    const OutsideGroup *group = outside_find(json_get_string(named, "region"), json_get_string(named, "serverGroupName"));
    gint64 now = group != NULL ? group->capacity.desired : -1, wanted = json_get_int(expected, "desired", now);
    g_mutex_unlock(&outside.lock);
    if (now == wanted)
        return LOOK_NOT_DONE;
    error_set(error, ERR_CONFLICT, "desired is %d, expected %d", (int)now, (int)wanted);
    return LOOK_FOREIGN;
}

#define GROUP_OPERATION(id, operation_name, change)                                                                                        \
    static gboolean id##_act(Operation *operation, guint item, GError **error) {                                                           \
        (void)error;                                                                                                                       \
        return change_group(operation, item, #id, change);                                                                                 \
    }                                                                                                                                      \
    static const OperationStep id##_steps[] = {                                                                                            \
        {.name = "look", .act = meanwhile_act, .repeat = REPEAT_READ},                                                                     \
        {.name = #id, .count = group_count, .look = id##_look, .act = id##_act, .repeat = REPEAT_IDEMPOTENT},                              \
        {0}};                                                                                                                              \
    static const CloudOperation id##_operation = {.name = (operation_name), .takes_server_groups = TRUE, .steps = id##_steps}
GROUP_OPERATION(enable, "enableServerGroup", set_enabled);
GROUP_OPERATION(disable, "disableServerGroup", set_disabled);
GROUP_OPERATION(destroy, "destroyServerGroup", set_gone);
GROUP_OPERATION(resize, "resizeServerGroup", set_size);
GROUP_OPERATION(resume, "resumeAsgProcessesDescription", set_resumed);
GROUP_OPERATION(suspend, "suspendAsgProcessesDescription", set_suspended);
GROUP_OPERATION(launch, "updateLaunchConfig", set_image);

/* ---- single instances ---- */

static gboolean instances_act(Operation *operation, const char *call, gboolean ends) {
    const JsonValue *request = operation_request(operation), *list = json_get(request, "instanceIds");
    g_mutex_lock(&outside.lock);
    g_autoptr(GString) said = g_string_new(call);
    for (JsonIter i = json_iter(list); json_next(&i);) {
        g_string_append_printf(said, " %s", json_string(i.value));
        if (ends)
            g_hash_table_add(outside.ended, g_strdup(json_string(i.value)));
    }
    const char *one = json_get_string(request, "instance");
    if (one != NULL && list == NULL) {
        OutsideGroup *group = outside_find(json_get_string(request, "region"), json_get_string(request, "serverGroupName"));
        g_string_append_printf(said, " %s of %s", one, group->name);
        group->capacity.desired--;
        g_hash_table_add(outside.ended, g_strdup(one));
    }
    outside_call("%s", said->str);
    g_mutex_unlock(&outside.lock);
    return TRUE;
}

#define INSTANCE_OPERATION(id, operation_name, ends)                                                                                       \
    static gboolean id##_act(Operation *operation, guint item, GError **error) {                                                           \
        (void)item, (void)error;                                                                                                           \
        return instances_act(operation, #id, ends);                                                                                        \
    }                                                                                                                                      \
    static const OperationStep id##_steps[] = {                                                                                            \
        {.name = "look", .act = meanwhile_act, .repeat = REPEAT_READ}, {.name = #id, .act = id##_act, .repeat = REPEAT_IDEMPOTENT}, {0}};  \
    static const CloudOperation id##_operation = {.name = (operation_name), .steps = id##_steps}
INSTANCE_OPERATION(terminate, "terminateInstances", TRUE);
INSTANCE_OPERATION(decrement, "terminateInstanceAndDecrement", TRUE);
INSTANCE_OPERATION(detach, "detachInstances", TRUE);
INSTANCE_OPERATION(reboot, "rebootInstances", FALSE);

/* ---- operations that only say what they were asked ---- */

static gboolean said_act(Operation *operation, guint item, GError **error) {
    (void)item, (void)error;
    const JsonValue *request = operation_request(operation);
    static const char *const KEYS[] = {"name", "loadBalancerName", "region", "regions", "asgs", "tags", "stage", "refId", "credentials"};
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(KEYS); i++)
        if (json_get(request, KEYS[i]) != NULL)
            json_add_value(builder, KEYS[i], json_get(request, KEYS[i]));
    json_end_object(builder);
    g_autoptr(Json) said = json_builder_end(builder);
    g_autofree char *text = json_write(json_root(said), NULL);
    g_mutex_lock(&outside.lock);
    outside_call("%s", text);
    g_mutex_unlock(&outside.lock);
    return TRUE;
}

static void balancer_finish(Operation *operation) {
    g_autoptr(Json) made = json_pack("{s:{s:s}}", "here", "dnsName", "web.example");
    operation_result_set(operation, "loadBalancers", json_root(made));
}

static const OperationStep said_steps[] = {{.name = "say", .act = said_act, .repeat = REPEAT_IDEMPOTENT}, {0}};
static const CloudOperation tags_operation = {.name = "upsertServerGroupTags", .takes_server_groups = TRUE, .steps = said_steps},
                            balancer_operation = {.name = "upsertLoadBalancer", .steps = said_steps, .finish = balancer_finish},
                            delete_balancer_operation = {.name = "deleteLoadBalancer", .steps = said_steps};

/* ---- images: they live in the inventory alone ---- */

static void put_image(Inventory *inventory, const char *account, const char *region, const char *id, const char *name, gint64 created_ms,
                      const JsonValue *tags) {
    g_autoptr(InventoryObject) object = inventory_object_new(KIND_IMAGE, account, region, id);
    Image *image = g_new0(Image, 1);
    *image = (Image){.id = g_strdup(id),
                     .name = g_strdup(name),
                     .account = g_strdup(account),
                     .region = g_strdup(region),
                     .cloud = g_strdup("test"),
                     .created_ms = created_ms,
                     .tags = tags != NULL ? json_copy(tags) : json_empty_object()};
    object->record = image;
    object->free_record = (GDestroyNotify)image_free;
    object->seen_ms = clock_now_ms();
    inventory_put(inventory, object);
}

typedef struct {
    const char *name, *account;
    const JsonValue *tags;
    Inventory *inventory;
} ImageTagging;

static gboolean tag_image(const InventoryObject *object, gpointer data) {
    const ImageTagging *tagging = data;
    const Image *image = object->record;
    if (strcmp(image->name, tagging->name) != 0)
        return TRUE;
    g_autoptr(Json) tags = json_merge(json_root(image->tags), tagging->tags);
    put_image(tagging->inventory, object->account, object->region, image->id, image->name, image->created_ms, json_root(tags));
    return TRUE;
}

/* "tag <image> in <account> <tags>"; handing tags on is "allow <image> for <account> in <region>". */
static gboolean tag_images_act(Operation *operation, guint item, GError **error) {
    (void)item, (void)error;
    const JsonValue *request = operation_request(operation);
    const char *account = operation_account(operation)->name;
    g_autofree char *text = json_write(json_get(request, "tags"), NULL);
    ImageTagging tagging = {json_get_string(request, "amiName"), account, json_get(request, "tags"), operation_inventory(operation)};
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(operation_inventory(operation));
    inventory_each(snapshot, account, KIND_IMAGE, NULL, tag_image, &tagging);
    g_mutex_lock(&outside.lock);
    outside_call("tag %s in %s %s", tagging.name, account, text);
    g_mutex_unlock(&outside.lock);
    return TRUE;
}

static gboolean allow_act(Operation *operation, guint item, GError **error) {
    (void)item, (void)error;
    const JsonValue *request = operation_request(operation);
    const char *target = json_get_string(request, "targetAccount"), *name = json_get_string(request, "amiName");
    g_autoptr(Json) tags = json_pack("{s:s}", "Team", "sails");
    ImageTagging tagging = {name, target, json_root(tags), operation_inventory(operation)};
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(operation_inventory(operation));
    inventory_each(snapshot, target, KIND_IMAGE, NULL, tag_image, &tagging);
    g_mutex_lock(&outside.lock);
    outside_call("allow %s for %s in %s", name, target, json_get_string(request, "region"));
    g_mutex_unlock(&outside.lock);
    return TRUE;
}

static const OperationStep tag_images_steps[] = {{.name = "tag", .act = tag_images_act, .repeat = REPEAT_IDEMPOTENT}, {0}},
                           allow_steps[] = {{.name = "allow", .act = allow_act, .repeat = REPEAT_IDEMPOTENT}, {0}};
static const CloudOperation tag_images_operation = {.name = "upsertImageTags", .steps = tag_images_steps},
                            allow_operation = {.name = "allowLaunchDescription", .account_is_target = TRUE, .steps = allow_steps};

static const OperationStep create_steps[] = {{.name = "create", .act = create_act, .repeat = REPEAT_IDEMPOTENT}, {0}};
static const CloudOperation create_operation = {.name = "createServerGroup", .steps = create_steps, .finish = create_finish};
static const CloudOperation clone_operation = {.name = "cloneServerGroup", .steps = create_steps, .finish = create_finish};
static const CloudOperation *const operations[] = {&create_operation,
                                                   &clone_operation,
                                                   &enable_operation,
                                                   &disable_operation,
                                                   &destroy_operation,
                                                   &resize_operation,
                                                   &resume_operation,
                                                   &suspend_operation,
                                                   &terminate_operation,
                                                   &decrement_operation,
                                                   &detach_operation,
                                                   &reboot_operation,
                                                   &tags_operation,
                                                   &balancer_operation,
                                                   &delete_balancer_operation,
                                                   &tag_images_operation,
                                                   &allow_operation,
                                                   &launch_operation,
                                                   NULL};

/* ---- the cloud ---- */

static void account_free(Account *account) {
    g_free(account->name);
    g_strfreev(account->regions);
    g_free(account);
}

static const Cloud test_cloud;

static GPtrArray *open_accounts(Config *config, Clouds *clouds, GPtrArray *problems) {
    (void)config, (void)clouds, (void)problems;
    GPtrArray *accounts = g_ptr_array_new_with_free_func((GDestroyNotify)account_unref);
    static const char *const NAMES[] = {"prod", "base"};
    for (guint i = 0; i < G_N_ELEMENTS(NAMES); i++) {
        Account *account = g_new0(Account, 1);
        *account = (Account){
            .cloud = &test_cloud, .name = g_strdup(NAMES[i]), .regions = g_strsplit("here,there", ",", -1), .ref_count = 1};
        g_ptr_array_add(accounts, account);
    }
    return accounts;
}

static const Cloud test_cloud = {
    .id = "test",
    .platform_health = "Test",
    .image_key = "testImage",
    .snapshots_source_capacity = TRUE,
    .open = open_accounts,
    .account_free = account_free,
    .operations = operations,
    .refresh_server_group = refresh_server_group,
    .refresh_cluster = refresh_cluster,
};
static const Cloud *const test_clouds[] = {&test_cloud, NULL};
