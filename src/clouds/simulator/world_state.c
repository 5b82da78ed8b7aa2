/* The world as JSON and back, so that it outlives the process (world.h). Times are absolute: what happened meanwhile happens at the next
 * world_advance. Faults are the configuration's and people's of the moment, and the log of calls is not kept. Pure. */
#include "clouds/naming.h"
#include "clouds/simulator/world_internal.h"

/* ---- writing ---- */

static void add_strings(JsonBuilder *builder, const char *key, char **texts) {
    json_add_strings(builder, key, (const char *const *)texts);
}

static void write_registrations(JsonBuilder *builder, const SimulatedInstance *instance) {
    json_begin_array(builder, "registrations");
    for (guint i = 0; i < instance->registrations->len; i++) {
        const SimulatedRegistration *registration = instance->registrations->pdata[i];
        g_autoptr(Json) one = json_pack("{s:s, s:b, s:i, s:i}", "name", registration->name, "target", registration->is_target, "since",
                                        registration->since_ms, "draining", registration->draining_ms);
        json_add_json(builder, NULL, one);
    }
    json_end_array(builder);
}

static void write_instance(JsonBuilder *builder, const SimulatedInstance *instance) {
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", instance->id);
    json_add_string(builder, "zone", instance->zone);
    json_add_int(builder, "launch", instance->launch_ms);
    json_add_int(builder, "healthy", instance->healthy_ms);
    json_add_int(builder, "crash", instance->crash_ms);
    json_add_int(builder, "terminate", instance->terminate_ms);
    json_add_int(builder, "gone", instance->gone_ms);
    json_add_bool(builder, "out", instance->out);
    json_add_double(builder, "errorRate", instance->error_rate);
    write_registrations(builder, instance);
    json_end_object(builder);
}

static void write_documents(JsonBuilder *builder, const char *key, const GPtrArray *documents) {
    json_begin_array(builder, key);
    for (guint i = 0; i < documents->len; i++)
        json_add_json(builder, NULL, documents->pdata[i]);
    json_end_array(builder);
}

static void write_group(JsonBuilder *builder, const SimulatedGroup *group) {
    g_autofree char *behaviour = simulated_behaviour_text(&group->behaviour);
    json_begin_object(builder, NULL);
    const struct {
        const char *key, *text;
    } texts[] = {{"account", group->account},    {"region", group->region},    {"name", group->name},
                 {"token", group->token},        {"imageId", group->image_id}, {"imageName", group->image_name},
                 {"type", group->instance_type}, {"network", group->network},  {"behaviour", behaviour}};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        json_add_string(builder, texts[i].key, texts[i].text);
    json_add_int(builder, "created", group->created_ms);
    json_add_int(builder, "min", group->capacity.min);
    json_add_int(builder, "max", group->capacity.max);
    json_add_int(builder, "desired", group->capacity.desired);
    add_strings(builder, "zones", group->zones);
    add_strings(builder, "loadBalancers", group->load_balancers);
    add_strings(builder, "targetGroups", group->target_groups);
    add_strings(builder, "securityGroups", group->security_groups);
    add_strings(builder, "suspended", group->suspended);
    json_add_json(builder, "tags", group->tags);
    json_add_bool(builder, "ending", group->ending);
    write_documents(builder, "policies", group->policies);
    write_documents(builder, "actions", group->actions);
    json_begin_array(builder, "instances");
    for (guint i = 0; i < group->instances->len; i++)
        write_instance(builder, group->instances->pdata[i]);
    json_end_array(builder);
    json_end_object(builder);
}

static void write_image(JsonBuilder *builder, const SimulatedImage *image) {
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", image->id);
    json_add_string(builder, "name", image->name);
    json_add_string(builder, "owner", image->owner);
    json_add_string(builder, "bake", image->bake);
    json_add_string(builder, "behaviour", image->behaviour);
    json_add_int(builder, "created", image->created_ms);
    json_add_int(builder, "ready", image->ready_ms);
    if (image->regions != NULL)
        add_strings(builder, "regions", image->regions);
    json_add_json(builder, "tags", image->tags);
    json_end_object(builder);
}

static void write_balancer(JsonBuilder *builder, const SimulatedBalancer *balancer) {
    g_autoptr(Json) one = json_pack("{s:i, s:s, s:s, s:s, s:j}", "kind", (gint64)balancer->kind, "account", balancer->account, "region",
                                    balancer->region, "name", balancer->name, "description", balancer->description);
    json_add_json(builder, NULL, one);
}

Json *world_state(const SimulatedWorld *world) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_int(builder, "chance", (gint64)world->chance);
    json_add_int(builder, "lastId", (gint64)world->last_id);
    json_begin_array(builder, "images");
    for (guint i = 0; i < world->images->len; i++)
        write_image(builder, world->images->pdata[i]);
    json_end_array(builder);
    json_begin_array(builder, "balancers");
    for (guint i = 0; i < world->balancers->len; i++)
        write_balancer(builder, world->balancers->pdata[i]);
    json_end_array(builder);
    json_begin_array(builder, "groups");
    for (guint i = 0; i < world->groups->len; i++)
        write_group(builder, world->groups->pdata[i]);
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

/* ---- reading ---- */

static char *text_of(const JsonValue *value, const char *key) {
    return g_strdup(json_get_string(value, key));
}

static char **strings_of(const JsonValue *value, const char *key) {
    g_autoptr(GStrvBuilder) texts = g_strv_builder_new();
    for (JsonIter i = json_iter(json_get(value, key)); json_next(&i);)
        if (json_is_string(i.value))
            g_strv_builder_add(texts, json_string(i.value));
    return g_strv_builder_end(texts);
}

static SimulatedInstance *read_instance(const JsonValue *value) {
    SimulatedInstance *instance = simulated_instance_new();
    instance->id = text_of(value, "id");
    instance->zone = text_of(value, "zone");
    instance->launch_ms = json_get_int(value, "launch", 0);
    instance->healthy_ms = json_get_int(value, "healthy", 0);
    instance->crash_ms = json_get_int(value, "crash", 0);
    instance->terminate_ms = json_get_int(value, "terminate", 0);
    instance->gone_ms = json_get_int(value, "gone", 0);
    instance->out = json_get_bool(value, "out", FALSE);
    instance->error_rate = json_double(json_get(value, "errorRate"), 0);
    for (JsonIter i = json_iter(json_get(value, "registrations")); json_next(&i);) {
        const char *name = json_get_string(i.value, "name");
        SimulatedRegistration *registration = simulated_registration_add(
            instance, name != NULL ? name : "", json_get_bool(i.value, "target", FALSE), json_get_int(i.value, "since", 0));
        registration->draining_ms = json_get_int(i.value, "draining", 0);
    }
    return instance;
}

static void read_documents(GPtrArray *into, const JsonValue *documents) {
    for (JsonIter i = json_iter(documents); json_next(&i);)
        g_ptr_array_add(into, json_copy(i.value));
}

static gboolean has_texts(const JsonValue *value, const char *const *keys, GError **error) {
    for (; *keys != NULL; keys++)
        if (json_get_string(value, *keys) == NULL) {
            error_set(error, ERR_INVALID, "state of the simulated cloud: %s: required", *keys);
            return FALSE;
        }
    return TRUE;
}

static gboolean read_group(SimulatedWorld *world, const JsonValue *value, GError **error) {
    static const char *const NEEDED[] = {"account", "region", "name", NULL};
    SimulatedBehaviour behaviour;
    if (!has_texts(value, NEEDED, error) || !simulated_behaviour_parse(json_get_string(value, "behaviour"), &behaviour, error))
        return FALSE;
    SimulatedGroup *group = simulated_group_new();
    group->account = text_of(value, "account");
    group->region = text_of(value, "region");
    group->name = text_of(value, "name");
    group->token = text_of(value, "token");
    group->image_id = text_of(value, "imageId");
    group->image_name = text_of(value, "imageName");
    group->instance_type = text_of(value, "type");
    group->network = text_of(value, "network");
    naming_parse(group->name, &group->moniker);
    group->created_ms = json_get_int(value, "created", 0);
    group->capacity = (Capacity){json_get_int(value, "min", 0), json_get_int(value, "max", 0), json_get_int(value, "desired", 0)};
    group->zones = strings_of(value, "zones");
    group->load_balancers = strings_of(value, "loadBalancers");
    group->target_groups = strings_of(value, "targetGroups");
    group->security_groups = strings_of(value, "securityGroups");
    group->suspended = strings_of(value, "suspended");
    group->behaviour = behaviour;
    group->tags = json_merge(json_get(value, "tags"), NULL);
    group->ending = json_get_bool(value, "ending", FALSE);
    group->changed = TRUE;
    read_documents(group->policies, json_get(value, "policies"));
    read_documents(group->actions, json_get(value, "actions"));
    for (JsonIter i = json_iter(json_get(value, "instances")); json_next(&i);) {
        g_ptr_array_add(group->instances, read_instance(i.value));
        world->instances++;
    }
    world_group_insert(world, group);
    return TRUE;
}

static gboolean read_image(SimulatedWorld *world, const JsonValue *value, GError **error) {
    static const char *const NEEDED[] = {"id", "name", NULL};
    if (!has_texts(value, NEEDED, error))
        return FALSE;
    g_auto(GStrv) regions = json_get(value, "regions") != NULL ? strings_of(value, "regions") : NULL;
    SimulatedImage *image = world_image_add(world, json_get_string(value, "id"), json_get_string(value, "name"),
                                            json_get_string(value, "owner"), (const char *const *)regions, json_get(value, "tags"),
                                            json_get_string(value, "behaviour"), json_get_int(value, "created", 0), error);
    if (image == NULL)
        return FALSE;
    image->bake = text_of(value, "bake");
    image->ready_ms = json_get_int(value, "ready", 0);
    return TRUE;
}

static gboolean read_balancer(SimulatedWorld *world, const JsonValue *value, GError **error) {
    static const char *const NEEDED[] = {"account", "region", "name", NULL};
    gint64 kind = json_get_int(value, "kind", 0);
    if (!has_texts(value, NEEDED, error))
        return FALSE;
    if (kind < 0 || kind > BALANCER_SECURITY_GROUP) {
        error_set(error, ERR_INVALID, "state of the simulated cloud: kind %" G_GINT64_FORMAT " is none", kind);
        return FALSE;
    }
    return world_balancer_put(world, (SimulatedBalancerKind)kind, json_get_string(value, "account"), json_get_string(value, "region"),
                              json_get_string(value, "name"), json_get(value, "description"), error) != NULL;
}

gboolean world_restore(SimulatedWorld *world, const JsonValue *state, GError **error) {
    static const struct {
        const char *key;
        gboolean (*read)(SimulatedWorld *world, const JsonValue *value, GError **error);
    } PARTS[] = {{"images", read_image}, {"balancers", read_balancer}, {"groups", read_group}};
    for (gsize part = 0; part < G_N_ELEMENTS(PARTS); part++)
        for (JsonIter i = json_iter(json_get(state, PARTS[part].key)); json_next(&i);)
            if (!PARTS[part].read(world, i.value, error)) {
                world_clear(world);
                return FALSE;
            }
    world->chance = (guint64)json_get_int(state, "chance", (gint64)world->chance);
    world->last_id = (guint64)json_get_int(state, "lastId", 0);
    world_settle_images(world, world->now_ms);
    return TRUE;
}
