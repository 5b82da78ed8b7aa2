/* Operations on server groups that exist: resize, destroy, tags, processes, what they launch (aws.md 7). */
#include "clouds/simulator/operations/operations.h"
#include "clouds/sizes.h"
#include <string.h>

/* ---- resize ---- */

typedef struct {
    Json *capacity, *constraints;
} ResizeParams;
static const Param resize_params[] = {
    {.name = "capacity",
     .type = PARAM_JSON,
     .offset = offsetof(ResizeParams, capacity),
     .help = "New sizes: {min, max, desired}, each optional."},
    {.name = "constraints",
     .type = PARAM_JSON,
     .offset = offsetof(ResizeParams, constraints),
     .help = "Refuse unless these hold: {capacity: {min, max, desired}}."},
    {0},
};

static Json *read_sizes(Operation *operation, guint item, GPtrArray *errors) {
    const ResizeParams *asked = operation_params(operation);
    const JsonValue *own = json_get(json_at(json_get(operation_request(operation), "asgs"), item), "capacity");
    return sizes_read(own != NULL ? own : json_root(asked->capacity), errors);
}

static void resize_validate(Operation *operation, GPtrArray *errors) {
    for (guint item = 0; item < operation_groups(operation); item++) {
        guint before = errors->len;
        g_autoptr(Json) sizes = read_sizes(operation, item, errors);
        const JsonValue *capacity = json_root(sizes);
        gint64 min = json_get_int(capacity, "min", 0), max = json_get_int(capacity, "max", G_MAXINT32);
        gint64 desired = json_get_int(capacity, "desired", min);
        if (errors->len == before && (min > max || desired > max))
            g_ptr_array_add(errors, g_strdup_printf("capacity: min %" G_GINT64_FORMAT ", desired %" G_GINT64_FORMAT
                                                    ", max %" G_GINT64_FORMAT " do not fit together",
                                                    min, desired, max));
    }
}

static gboolean holds(const SimulatedGroup *group, const char *key, const JsonValue *expected, gint64 now, GError **error) {
    const JsonValue *value = json_get(expected, key);
    if (value == NULL || json_is_null(value) || json_int(value, -1) == now)
        return TRUE;
    error_set(error, ERR_CONFLICT, "resize %s in %s (account %s): %s is %" G_GINT64_FORMAT ", expected %" G_GINT64_FORMAT, group->name,
              group->region, group->account, key, now, json_int(value, -1));
    return FALSE;
}

static gboolean resize_group(Operation *operation, SimulatedWorld *world, SimulatedGroup *group, guint item, gint64 now_ms,
                             GError **error) {
    const ResizeParams *asked = operation_params(operation);
    const JsonValue *expected = json_get(json_root(asked->constraints), "capacity");
    g_autoptr(GPtrArray) unused = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(Json) sizes = read_sizes(operation, item, unused);
    const JsonValue *capacity = json_root(sizes);
    if (json_length(capacity) == 0)
        return TRUE;
    Capacity wanted = {json_get_int(capacity, "min", -1), json_get_int(capacity, "max", -1), json_get_int(capacity, "desired", -1)};
    gboolean is_repeat = (wanted.min < 0 || wanted.min == group->capacity.min) && (wanted.max < 0 || wanted.max == group->capacity.max) &&
                         (wanted.desired < 0 || wanted.desired == group->capacity.desired);
    if (is_repeat)
        return TRUE;
    if (!holds(group, "min", expected, group->capacity.min, error) || !holds(group, "max", expected, group->capacity.max, error) ||
        !holds(group, "desired", expected, group->capacity.desired, error) || !world_group_resize(world, group, wanted, now_ms, error))
        return FALSE;
    operation_line(operation, "Resized %s in %s to %" G_GINT64_FORMAT "/%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT, group->name, group->region,
                   group->capacity.min, group->capacity.desired, group->capacity.max);
    return TRUE;
}

/* ---- destroy ---- */

static gboolean destroy_group(Operation *operation, SimulatedWorld *world, SimulatedGroup *group, guint item, gint64 now_ms,
                              GError **error) {
    (void)item, (void)error;
    operation_line(operation, "Destroying %s in %s", group->name, group->region);
    world_group_destroy(world, group, now_ms);
    return TRUE;
}

/* ---- tags ---- */

typedef struct {
    Json *tags;
    char **keys;
} TagParams;
static const Param upsert_tags_params[] = {
    {.name = "tags", .type = PARAM_JSON, .offset = offsetof(TagParams, tags), .required = TRUE, .help = "Tags to set: {key: value}."}, {0}};
static const Param delete_tags_params[] = {
    {.name = "tagKeys", .type = PARAM_STRINGS, .offset = offsetof(TagParams, keys), .required = TRUE, .help = "Keys to remove."}, {0}};

static gboolean set_tags(Operation *operation, SimulatedWorld *world, SimulatedGroup *group, guint item, gint64 now_ms, GError **error) {
    (void)item, (void)error;
    world_group_tag(world, group, json_root(((const TagParams *)operation_params(operation))->tags), now_ms);
    return TRUE;
}

static gboolean remove_tags(Operation *operation, SimulatedWorld *world, SimulatedGroup *group, guint item, gint64 now_ms, GError **error) {
    (void)item, (void)error;
    const TagParams *asked = operation_params(operation);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (char **key = asked->keys; *key != NULL; key++)
        json_add_null(builder, *key);
    json_end_object(builder);
    g_autoptr(Json) gone = json_builder_end(builder);
    world_group_tag(world, group, json_root(gone), now_ms);
    return TRUE;
}

/* ---- processes ---- */

typedef struct {
    char **processes;
} ProcessParams;
static const Param process_params[] = {
    {.name = "processes",
     .type = PARAM_STRINGS,
     .offset = offsetof(ProcessParams, processes),
     .required = TRUE,
     .help = "Scaling processes, in any case."},
    {0},
};
static const char *const PROCESSES[] = {"Launch",      "Terminate",   "AddToLoadBalancer", "AlarmNotification",
                                        "AZRebalance", "HealthCheck", "ReplaceUnhealthy",  "ScheduledActions"};

static const char *process_named(const char *text) {
    for (gsize i = 0; i < G_N_ELEMENTS(PROCESSES); i++)
        if (g_ascii_strcasecmp(PROCESSES[i], text) == 0)
            return PROCESSES[i];
    return NULL;
}

static void processes_validate(Operation *operation, GPtrArray *errors) {
    const ProcessParams *asked = operation_params(operation);
    for (gsize i = 0; asked->processes[i] != NULL; i++)
        if (process_named(asked->processes[i]) == NULL)
            g_ptr_array_add(errors, g_strdup_printf("processes: %s is no scaling process", asked->processes[i]));
}

/* Known names, borrowed; the array is the caller's. */
static const char **asked_processes(Operation *operation) {
    const ProcessParams *asked = operation_params(operation);
    const char **names = g_new0(const char *, g_strv_length(asked->processes) + 1);
    for (gsize i = 0; asked->processes[i] != NULL; i++)
        names[i] = process_named(asked->processes[i]);
    return names;
}

static gboolean suspend_group(Operation *operation, SimulatedWorld *world, SimulatedGroup *group, guint item, gint64 now_ms,
                              GError **error) {
    (void)item, (void)error;
    g_autofree const char **names = asked_processes(operation);
    world_group_suspend(world, group, names, now_ms);
    return TRUE;
}

static gboolean resume_group(Operation *operation, SimulatedWorld *world, SimulatedGroup *group, guint item, gint64 now_ms,
                             GError **error) {
    (void)item, (void)error;
    g_autofree const char **names = asked_processes(operation);
    world_group_resume(world, group, names, now_ms);
    return TRUE;
}

/* ---- what it launches ---- */

typedef struct {
    char *image, *instance_type;
} LaunchParams;
static const Param launch_params[] = {
    {.name = "imageId",
     .type = PARAM_STRING,
     .offset = offsetof(LaunchParams, image),
     .aliases = (const char *const[]){"amiName", NULL},
     .help = "Image of new instances."},
    {.name = "instanceType", .type = PARAM_STRING, .offset = offsetof(LaunchParams, instance_type), .help = "Type of new instances."},
    {0},
};

static gboolean launch_group(Operation *operation, SimulatedWorld *world, SimulatedGroup *group, guint item, gint64 now_ms,
                             GError **error) {
    (void)item;
    const LaunchParams *asked = operation_params(operation);
    return world_group_launch(world, group, asked->image, asked->instance_type, now_ms, error);
}

/* Cooldowns, grace periods and metrics mean nothing here. */
static gboolean leave_group(Operation *operation, SimulatedWorld *world, SimulatedGroup *group, guint item, gint64 now_ms, GError **error) {
    (void)world, (void)item, (void)now_ms, (void)error;
    operation_line(operation, "%s: nothing of this changes a simulated group", group->name);
    return TRUE;
}

/* ---- the table ---- */

#define GROUP_OPERATION(id, operation_name, alias_names, description, table, size, check, change, ...)                                     \
    static gboolean id##_act(Operation *operation, guint item, GError **error) {                                                           \
        return simulator_write_group(operation, operation_name, item, change, error);                                                      \
    }                                                                                                                                      \
    static const OperationStep id##_steps[] = {                                                                                            \
        {.name = operation_name, .count = operation_groups, .act = id##_act, .repeat = REPEAT_IDEMPOTENT, __VA_ARGS__}, {0}};              \
    const CloudOperation simulator_##id = {.name = (operation_name),                                                                       \
                                           .aliases = (alias_names),                                                                       \
                                           .help = (description),                                                                          \
                                           .params = (table),                                                                              \
                                           .params_size = (size),                                                                          \
                                           .takes_server_groups = TRUE,                                                                    \
                                           .validate = (check),                                                                            \
                                           .steps = id##_steps}
#define ALSO(...) ((const char *const[]){__VA_ARGS__, NULL})

extern const CloudOperation simulator_resize_server_group, simulator_destroy_server_group, simulator_upsert_server_group_tags,
    simulator_delete_server_group_tags, simulator_suspend_processes, simulator_resume_processes, simulator_update_launch,
    simulator_modify_server_group;
GROUP_OPERATION(resize_server_group, "resizeServerGroup", ALSO("resizeAsgDescription"), "Changes the sizes of server groups.",
                resize_params, sizeof(ResizeParams), resize_validate, resize_group, .tries = 1);
GROUP_OPERATION(destroy_server_group, "destroyServerGroup", ALSO("destroyAsgDescription"),
                "Deletes server groups and terminates their instances.", NULL, 0, NULL, destroy_group, .tries = 1);
GROUP_OPERATION(upsert_server_group_tags, "upsertServerGroupTags", ALSO("upsertAsgTagsDescription"), "Sets tags of server groups.",
                upsert_tags_params, sizeof(TagParams), NULL, set_tags, .tries = 1);
GROUP_OPERATION(delete_server_group_tags, "deleteAsgTagsDescription", ALSO("deleteServerGroupTags"), "Removes tags of server groups.",
                delete_tags_params, sizeof(TagParams), NULL, remove_tags, .tries = 1);
GROUP_OPERATION(suspend_processes, "suspendAsgProcesses", ALSO("suspendAsgProcessesDescription"), "Suspends scaling processes.",
                process_params, sizeof(ProcessParams), processes_validate, suspend_group, .failure_is_reported_only = TRUE);
GROUP_OPERATION(resume_processes, "resumeAsgProcesses", ALSO("resumeAsgProcessesDescription"), "Resumes scaling processes.", process_params,
                sizeof(ProcessParams), processes_validate, resume_group, .failure_is_reported_only = TRUE);
GROUP_OPERATION(update_launch, "updateLaunchTemplate",
                ALSO("updateLaunchConfig", "modifyAsgLaunchConfigurationDescription", "modifyServerGroupLaunchTemplateDescription"),
                "Changes what server groups launch from now on.", launch_params, sizeof(LaunchParams), NULL, launch_group, .tries = 1);
GROUP_OPERATION(modify_server_group, "modifyAsg", ALSO("modifyAsgDescription", "upsertAsgLifecycleHookDescription"),
                "Changes settings of server groups that a simulated one does not have.", NULL, 0, NULL, leave_group, .tries = 1);
