/* One table per record serves both ways. Pure. */
#include "clouds/record_json.h"
#include "base/params.h"
#include <string.h>

#define FIELD(record, member, kind)                                                                                                        \
    { .name = #member, .type = kind, .offset = offsetof(record, member) }
#define TEXT(record, member) FIELD(record, member, PARAM_STRING)
#define TEXTS(record, member) FIELD(record, member, PARAM_STRINGS)
#define NUMBER(record, member) FIELD(record, member, PARAM_INT)
#define FLAG(record, member) FIELD(record, member, PARAM_BOOL)
#define ANY(record, member) FIELD(record, member, PARAM_JSON)
/* Members of members have names without a dot: a dot would reach into an object. */
#define INNER(record, member, name_, kind)                                                                                                 \
    { .name = name_, .type = kind, .offset = offsetof(record, member) }

static const Param group_fields[] = {
    TEXT(ServerGroup, name),
    TEXT(ServerGroup, account),
    TEXT(ServerGroup, region),
    TEXT(ServerGroup, cloud),
    TEXT(ServerGroup, vpc_id),
    INNER(ServerGroup, moniker.app, "app", PARAM_STRING),
    INNER(ServerGroup, moniker.stack, "stack", PARAM_STRING),
    INNER(ServerGroup, moniker.detail, "detail", PARAM_STRING),
    INNER(ServerGroup, moniker.cluster, "cluster", PARAM_STRING),
    INNER(ServerGroup, moniker.sequence, "sequence", PARAM_INT),
    NUMBER(ServerGroup, created_ms),
    FLAG(ServerGroup, disabled),
    INNER(ServerGroup, capacity.min, "min", PARAM_INT),
    INNER(ServerGroup, capacity.max, "max", PARAM_INT),
    INNER(ServerGroup, capacity.desired, "desired", PARAM_INT),
    TEXTS(ServerGroup, zones),
    TEXTS(ServerGroup, load_balancers),
    TEXTS(ServerGroup, target_groups),
    TEXTS(ServerGroup, security_groups),
    TEXTS(ServerGroup, suspended_processes),
    TEXT(ServerGroup, image_id),
    TEXT(ServerGroup, image_name),
    TEXT(ServerGroup, instance_type),
    TEXT(ServerGroup, launch_name),
    FLAG(ServerGroup, launch_is_template),
    FLAG(ServerGroup, spot),
    TEXTS(ServerGroup, instance_ids),
    ANY(ServerGroup, tags),
    {0},
};

static const Param image_fields[] = {
    TEXT(Image, id),    TEXT(Image, name),         TEXT(Image, account), TEXT(Image, region),    TEXT(Image, cloud),
    TEXT(Image, owner), NUMBER(Image, created_ms), ANY(Image, tags),     ANY(Image, attributes), {0},
};

/* What a Health is, with the state as a number. */
typedef struct {
    char *type;
    gboolean platform;
    gint64 state;
    Json *detail;
} HealthFields;
static const Param health_fields[] = {
    TEXT(HealthFields, type), FLAG(HealthFields, platform), NUMBER(HealthFields, state), ANY(HealthFields, detail), {0},
};

typedef struct {
    char *id, *zone, *server_group, *lifecycle_state;
    gint64 launch_ms;
    gboolean spot;
    Json *health;
} InstanceFields;
static const Param instance_fields[] = {
    TEXT(InstanceFields, id),           TEXT(InstanceFields, zone),
    TEXT(InstanceFields, server_group), TEXT(InstanceFields, lifecycle_state),
    NUMBER(InstanceFields, launch_ms),  FLAG(InstanceFields, spot),
    ANY(InstanceFields, health),        {0},
};

/* ---- writing ---- */
static void write_field(const Param *field, const char *struct_start, JsonBuilder *builder) {
    const void *at = struct_start + field->offset;
    if (field->type == PARAM_STRING)
        json_add_string(builder, field->name, *(char *const *)at);
    else if (field->type == PARAM_INT)
        json_add_int(builder, field->name, *(const gint64 *)at);
    else if (field->type == PARAM_BOOL)
        json_add_bool(builder, field->name, *(const gboolean *)at);
    else if (field->type == PARAM_STRINGS)
        json_add_strings(builder, field->name, *(const char *const *const *)at);
    else if (*(Json *const *)at != NULL)
        json_add_json(builder, field->name, *(Json *const *)at);
}

static void write_struct(const Param *fields, const void *record, JsonBuilder *builder, const char *key) {
    json_begin_object(builder, key);
    for (const Param *field = fields; field->name != NULL; field++)
        write_field(field, record, builder);
    json_end_object(builder);
}

static void write_health(const Health *health, JsonBuilder *builder, const char *key) {
    HealthFields fields = {health->type, health->platform, health->state, health->detail};
    write_struct(health_fields, &fields, builder, key);
}

static void write_instance(const Instance *instance, JsonBuilder *builder, const char *key) {
    g_autoptr(JsonBuilder) list = json_builder_new();
    json_begin_array(list, NULL);
    for (guint i = 0; instance->health != NULL && i < instance->health->len; i++)
        write_health(instance->health->pdata[i], list, NULL);
    json_end_array(list);
    g_autoptr(Json) health = json_builder_end(list);
    InstanceFields fields = {instance->id,   instance->zone, instance->server_group, instance->lifecycle_state, instance->launch_ms,
                             instance->spot, health};
    write_struct(instance_fields, &fields, builder, key);
}

void record_write(const InventoryObject *object, JsonBuilder *builder, const char *key) {
    if (object->record == NULL)
        return;
    if (strcmp(object->kind, KIND_SERVER_GROUP) == 0)
        write_struct(group_fields, object->record, builder, key);
    else if (strcmp(object->kind, KIND_IMAGE) == 0)
        write_struct(image_fields, object->record, builder, key);
    else if (strcmp(object->kind, KIND_INSTANCE) == 0)
        write_instance(object->record, builder, key);
    else if (strcmp(object->kind, KIND_HEALTH) == 0)
        write_health(object->record, builder, key);
}

/* ---- reading ---- */
static void fill_list(char ***list) {
    if (*list == NULL)
        *list = g_new0(char *, 1);
}

static gboolean read_group(InventoryObject *object, const JsonValue *value) {
    ServerGroup *group = g_new0(ServerGroup, 1);
    if (!params_read(group_fields, value, group, NULL)) {
        g_free(group);
        return FALSE;
    }
    char ***const lists[] = {&group->zones,           &group->load_balancers,      &group->target_groups,
                             &group->security_groups, &group->suspended_processes, &group->instance_ids};
    for (gsize i = 0; i < G_N_ELEMENTS(lists); i++)
        fill_list(lists[i]);
    group->raw = json_ref(object->document);
    object->record = group;
    object->free_record = (GDestroyNotify)server_group_free;
    return TRUE;
}

static gboolean read_image(InventoryObject *object, const JsonValue *value) {
    Image *image = g_new0(Image, 1);
    if (!params_read(image_fields, value, image, NULL)) {
        g_free(image);
        return FALSE;
    }
    object->record = image;
    object->free_record = (GDestroyNotify)image_free;
    return TRUE;
}

static Health *health_of(const JsonValue *value) {
    HealthFields fields = {0};
    if (!params_read(health_fields, value, &fields, NULL) || fields.state < HEALTH_UNKNOWN || fields.state > HEALTH_DRAINING) {
        params_clear(health_fields, &fields);
        return NULL;
    }
    Health *health = g_new0(Health, 1);
    *health = (Health){fields.type, fields.platform, (HealthState)fields.state, fields.detail};
    return health;
}

static gboolean read_health(InventoryObject *object, const JsonValue *value) {
    object->record = health_of(value);
    object->free_record = (GDestroyNotify)health_free;
    return object->record != NULL;
}

static gboolean read_instance(InventoryObject *object, const JsonValue *value) {
    InstanceFields fields = {0};
    if (!params_read(instance_fields, value, &fields, NULL))
        return FALSE;
    Instance *instance = g_new0(Instance, 1);
    *instance = (Instance){fields.id,
                           fields.zone,
                           fields.server_group,
                           fields.lifecycle_state,
                           fields.launch_ms,
                           fields.spot,
                           g_ptr_array_new_with_free_func((GDestroyNotify)health_free)};
    for (JsonIter i = json_iter(json_root(fields.health)); json_next(&i);) {
        Health *health = health_of(i.value);
        if (health != NULL)
            g_ptr_array_add(instance->health, health);
    }
    json_unref(fields.health);
    object->record = instance;
    object->free_record = (GDestroyNotify)instance_free;
    return TRUE;
}

gboolean record_read(InventoryObject *object, const JsonValue *value) {
    static const struct {
        const char *kind;
        gboolean (*read)(InventoryObject *object, const JsonValue *value);
    } readers[] = {{KIND_SERVER_GROUP, read_group}, {KIND_IMAGE, read_image}, {KIND_INSTANCE, read_instance}, {KIND_HEALTH, read_health}};
    for (gsize i = 0; i < G_N_ELEMENTS(readers); i++)
        if (strcmp(readers[i].kind, object->kind) == 0)
            return value != NULL && readers[i].read(object, value);
    return TRUE;
}
