/* Typed records: names of health states, the health of an instance as a whole, and how records are freed. Pure; any thread. */
#include "clouds/appversion.h"
#include "clouds/naming.h"

#define STARTING_AFTER_LAUNCH_MS 180000

static const char *const HEALTH_NAMES[] = {
    [HEALTH_UNKNOWN] = "Unknown",
    [HEALTH_UP] = "Up",
    [HEALTH_DOWN] = "Down",
    [HEALTH_STARTING] = "Starting",
    [HEALTH_OUT_OF_SERVICE] = "OutOfService",
    [HEALTH_DRAINING] = "Draining",
};

const char *health_state_name(HealthState state) {
    return HEALTH_NAMES[state];
}

static guint count_state(const Instance *instance, HealthState state) {
    guint count = 0;
    for (guint i = 0; instance->health && i < instance->health->len; i++)
        count += ((const Health *)instance->health->pdata[i])->state == state;
    return count;
}

HealthState instance_health_state(const Instance *instance, gint64 now_ms) {
    static const HealthState worst_first[] = {HEALTH_STARTING, HEALTH_DOWN, HEALTH_OUT_OF_SERVICE, HEALTH_DRAINING};
    guint all = instance->health ? instance->health->len : 0, up = count_state(instance, HEALTH_UP);
    if (up && up + count_state(instance, HEALTH_UNKNOWN) == all)
        return HEALTH_UP;
    for (guint i = 0; i < G_N_ELEMENTS(worst_first); i++)
        if (count_state(instance, worst_first[i]))
            return worst_first[i];
    return instance->launch_ms && now_ms - instance->launch_ms < STARTING_AFTER_LAUNCH_MS ? HEALTH_STARTING : HEALTH_UNKNOWN;
}

gboolean instance_is_healthy(const Instance *instance) {
    guint up = count_state(instance, HEALTH_UP);
    return up && up + count_state(instance, HEALTH_UNKNOWN) == instance->health->len;
}

void health_free(Health *health) {
    if (!health)
        return;
    g_free(health->type);
    json_unref(health->detail);
    g_free(health);
}

void server_group_free(ServerGroup *group) {
    if (!group)
        return;
    char *const texts[] = {group->name,     group->account,    group->region,        group->cloud,      group->vpc_id,
                           group->image_id, group->image_name, group->instance_type, group->launch_name};
    char **const lists[] = {group->zones,           group->load_balancers,      group->target_groups,
                            group->security_groups, group->suspended_processes, group->instance_ids};
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    for (guint i = 0; i < G_N_ELEMENTS(lists); i++)
        g_strfreev(lists[i]);
    moniker_clear(&group->moniker);
    json_unref(group->tags);
    json_unref(group->raw);
    g_free(group);
}

void instance_free(Instance *instance) {
    if (!instance)
        return;
    g_free(instance->id);
    g_free(instance->zone);
    g_free(instance->server_group);
    g_free(instance->lifecycle_state);
    if (instance->health)
        g_ptr_array_unref(instance->health);
    g_free(instance);
}

void image_free(Image *image) {
    if (!image)
        return;
    char *const texts[] = {image->id, image->name, image->account, image->region, image->cloud, image->owner};
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    json_unref(image->tags);
    json_unref(image->attributes);
    g_free(image);
}

static const char *tag_of(const Image *image, const char *key) {
    return json_get_string(json_root(image->tags), key);
}

void image_add_build(JsonBuilder *builder, const char *key, const Image *image) {
    g_auto(AppVersion) version = {0};
    const char *text = tag_of(image, "appversion");
    if (!text || !appversion_parse(text, &version))
        return;
    json_begin_object(builder, key);
    json_add_string(builder, "package_name", version.package);
    json_add_string(builder, "version", version.version);
    json_add_string(builder, "commit", version.commit);
    if (version.job) {
        json_begin_object(builder, "jenkins");
        json_add_string(builder, "name", version.job);
        json_add_string(builder, "number", version.build);
        json_add_string(builder, "host", tag_of(image, "build_host"));
        json_end_object(builder);
    }
    json_add_string(builder, "buildInfoUrl", tag_of(image, "build_info_url"));
    json_end_object(builder);
}
