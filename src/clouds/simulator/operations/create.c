/* createServerGroup and cloneServerGroup of the simulated cloud (aws.md 5, 7).
 *
 * Facts: plan (everything but the name), name. The name is chosen by look, before the intent is written down; the group carries the
 * operation's token, so a repeat knows its own work. */
#include "clouds/naming.h"
#include "clouds/simulator/operations/operations.h"
#include "clouds/sizes.h"
#include <string.h>

#define CREATE_TRIES 6 /* somebody else may take the name first */
#define CREATE_DELAY_MS 200
#define DEFAULT_TYPE "small"

typedef struct {
    char *application, *stack, *detail, *image, *instance_type, *network, *region, *behaviour;
    char **load_balancers, **target_groups, **security_groups, **suspended;
    Json *zones, *capacity, *source, *tags;
    gint64 sequence;
    gboolean ignore_sequence, start_disabled, copy_policies;
} CreateParams;

#define TEXT(name_, member_, help_)                                                                                                        \
    { .name = name_, .type = PARAM_STRING, .offset = offsetof(CreateParams, member_), .help = help_ }
#define TEXTS(name_, member_, help_)                                                                                                       \
    { .name = name_, .type = PARAM_STRINGS, .offset = offsetof(CreateParams, member_), .help = help_ }
#define ANY(name_, member_, help_)                                                                                                         \
    { .name = name_, .type = PARAM_JSON, .offset = offsetof(CreateParams, member_), .help = help_ }
#define FLAG(name_, member_, otherwise_, help_)                                                                                            \
    { .name = name_, .type = PARAM_BOOL, .offset = offsetof(CreateParams, member_), .otherwise = otherwise_, .help = help_ }
static const Param params[] = {
    TEXT("application", application, "Application the group belongs to."),
    TEXT("stack", stack, "Stack: second part of the name."),
    TEXT("freeFormDetails", detail, "Detail: third part of the name."),
    {.name = "imageId",
     .type = PARAM_STRING,
     .offset = offsetof(CreateParams, image),
     .aliases = (const char *const[]){"amiName", "image", NULL},
     .help = "Name or id of the image."},
    TEXT("instanceType", instance_type, "Instance type; any."),
    ANY("availabilityZones", zones, "Region and its zones: {region: [zones]}; no zones: all."),
    TEXT("region", region, "The region, when no zones are named."),
    TEXT("vpcId", network, "Network."),
    TEXT("behaviour", behaviour, "What its instances do, instead of what the image says: \"boots in 20 s, never healthy\"."),
    TEXTS("loadBalancers", load_balancers, "Names of load balancers."),
    TEXTS("targetGroups", target_groups, "Names of target groups."),
    TEXTS("securityGroups", security_groups, "Names of firewalls."),
    TEXTS("suspendedProcesses", suspended, "Scaling processes to suspend from the start."),
    ANY("capacity", capacity, "Sizes: {min, max, desired}."),
    ANY("source", source, "Group to copy from: {account, region, asgName, useSourceCapacity}."),
    ANY("tags", tags, "Tags: {key: value}."),
    {.name = "sequence",
     .type = PARAM_INT,
     .offset = offsetof(CreateParams, sequence),
     .otherwise = "-1",
     .help = "A number for the name instead of the next free one."},
    FLAG("ignoreSequence", ignore_sequence, "false", "Name the group like its cluster, if that is free."),
    FLAG("startDisabled", start_disabled, "false", "Start without taking traffic."),
    FLAG("copySourceScalingPoliciesAndActions", copy_policies, "true", "Copy the source's scaling policies and scheduled actions."),
    {0},
};

/* ---- what is asked for ---- */

static const char *region_of(const CreateParams *asked) {
    JsonIter regions = json_iter(json_root(asked->zones));
    const char *source = json_get_string(json_root(asked->source), "region");
    return json_next(&regions) ? regions.key : asked->region != NULL ? asked->region : source;
}

static const char *source_name(const CreateParams *asked) {
    const char *name = json_get_string(json_root(asked->source), "asgName");
    return name != NULL ? name : json_get_string(json_root(asked->source), "serverGroupName");
}

static void validate_place(const CreateParams *asked, GPtrArray *errors) {
    if (json_length(json_root(asked->zones)) > 1)
        g_ptr_array_add(errors, g_strdup("availabilityZones: expected one region with its zones, {region: [zones]}; give each region a "
                                         "cluster of its own"));
    else if (region_of(asked) == NULL)
        g_ptr_array_add(errors, g_strdup("availabilityZones, or region: required"));
}

static void validate_capacity(const CreateParams *asked, GPtrArray *errors) {
    guint before = errors->len;
    g_autoptr(Json) sizes = sizes_read(json_root(asked->capacity), errors);
    const JsonValue *capacity = json_root(sizes);
    gint64 min = json_get_int(capacity, "min", -1), max = json_get_int(capacity, "max", -1),
           desired = json_get_int(capacity, "desired", -1);
    if (errors->len > before)
        return;
    if (min < 0 || max < 0 || desired < 0)
        g_ptr_array_add(errors, g_strdup("capacity: min, max and desired are required"));
    else if (min > desired || desired > max)
        g_ptr_array_add(errors, g_strdup_printf("capacity: 0 <= min <= desired <= max is not so (min %" G_GINT64_FORMAT
                                                ", desired %" G_GINT64_FORMAT ", max %" G_GINT64_FORMAT ")",
                                                min, desired, max));
}

static void create_validate(Operation *operation, GPtrArray *errors) {
    const CreateParams *asked = operation_params(operation);
    SimulatedBehaviour unused;
    g_autoptr(GError) error = NULL;
    if (asked->application == NULL)
        g_ptr_array_add(errors, g_strdup("application: required"));
    if (!simulated_behaviour_parse(asked->behaviour, &unused, &error))
        g_ptr_array_add(errors, g_strdup(error->message));
    validate_place(asked, errors);
    if (!json_get_bool(json_root(asked->source), "useSourceCapacity", FALSE))
        validate_capacity(asked, errors);
}

static void clone_validate(Operation *operation, GPtrArray *errors) {
    const CreateParams *asked = operation_params(operation);
    validate_place(asked, errors);
    if (source_name(asked) == NULL && asked->application == NULL)
        g_ptr_array_add(errors, g_strdup("source.asgName, or application: required"));
}

/* ---- the plan ---- */

/* What was allowed to be launched just before, else what is asked for. */
static const char *image_of(Operation *operation, const CreateParams *asked) {
    const char *allowed = json_get_string(operation_earlier_result(operation, "allowLaunchDescription", 0), "amiId");
    return allowed != NULL ? allowed : asked->image;
}

static void add_list(JsonBuilder *builder, const char *key, char **asked, char *const *copied) {
    char *const *chosen = asked != NULL ? asked : copied;
    json_add_strings(builder, key, (const char *const *)chosen);
}

static void add_zones(JsonBuilder *builder, const CreateParams *asked, const SimulatedGroup *copied, const char *region) {
    const JsonValue *given = json_get(json_root(asked->zones), region);
    g_auto(GStrv) all = simulator_zones(region);
    if (json_length(given) > 0)
        json_add_value(builder, "zones", given);
    else if (copied != NULL && strcmp(copied->region, region) == 0)
        json_add_strings(builder, "zones", (const char *const *)copied->zones);
    else
        json_add_strings(builder, "zones", (const char *const *)all);
}

static gint64 size_of(const CreateParams *asked, const char *key, gint64 otherwise) {
    g_autoptr(GPtrArray) unused = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(Json) sizes = sizes_read(json_root(asked->capacity), unused);
    return json_get_int(json_root(sizes), key, otherwise);
}

static void add_capacity(JsonBuilder *builder, const CreateParams *asked, const SimulatedGroup *source, gboolean of_source) {
    Capacity size = source != NULL ? source->capacity : (Capacity){0, 0, 0};
    if (!of_source || source == NULL)
        size = (Capacity){size_of(asked, "min", size.min), size_of(asked, "max", size.max), size_of(asked, "desired", size.desired)};
    json_begin_object(builder, "capacity");
    json_add_int(builder, "min", size.min);
    json_add_int(builder, "max", size.max);
    json_add_int(builder, "desired", size.desired);
    json_end_object(builder);
}

static void add_cluster(JsonBuilder *builder, const CreateParams *asked, const SimulatedGroup *copied) {
    const Moniker none = {0}, *of = copied != NULL ? &copied->moniker : &none;
    g_autofree char *cluster = naming_cluster(asked->application != NULL ? asked->application : of->app,
                                              asked->stack != NULL ? asked->stack : of->stack,
                                              asked->detail != NULL ? asked->detail : of->detail);
    json_add_string(builder, "cluster", cluster);
}

/* copied: the group whose properties stand in for those that are not asked for, or NULL. source: whose sizes and policies may be taken. */
static void set_plan(Operation *operation, const SimulatedGroup *copied, const SimulatedGroup *source) {
    const CreateParams *asked = operation_params(operation);
    const char *region = region_of(asked), *image = image_of(operation, asked);
    gboolean of_source = json_get_bool(json_root(asked->source), "useSourceCapacity", FALSE);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "region", region);
    add_cluster(builder, asked, copied);
    json_add_string(builder, "image", image != NULL ? image : copied != NULL ? copied->image_id : NULL);
    json_add_string(builder, "instanceType",
                    asked->instance_type != NULL ? asked->instance_type
                    : copied != NULL             ? copied->instance_type
                                                 : DEFAULT_TYPE);
    json_add_string(builder, "network", asked->network != NULL ? asked->network : copied != NULL ? copied->network : NULL);
    add_zones(builder, asked, copied, region);
    add_capacity(builder, asked, source, of_source || (copied != NULL && asked->capacity == NULL));
    add_list(builder, "loadBalancers", asked->load_balancers, copied != NULL ? copied->load_balancers : NULL);
    add_list(builder, "targetGroups", asked->target_groups, copied != NULL ? copied->target_groups : NULL);
    add_list(builder, "securityGroups", asked->security_groups, copied != NULL ? copied->security_groups : NULL);
    if (asked->tags != NULL)
        json_add_json(builder, "tags", asked->tags);
    else if (copied != NULL)
        json_add_json(builder, "tags", copied->tags);
    if (source != NULL)
        json_add_string(builder, "sourceName", source->name);
    json_add_string(builder, "sourceRegion", source != NULL ? source->region : NULL);
    json_add_string(builder, "sourceAccount", source != NULL ? source->account : NULL);
    json_end_object(builder);
    g_autoptr(Json) plan = json_builder_end(builder);
    operation_fact_set(operation, "plan", json_root(plan));
}

static const SimulatedGroup *find_source(Operation *operation, const SimulatedWorld *world) {
    const CreateParams *asked = operation_params(operation);
    const JsonValue *source = json_root(asked->source);
    const char *account = json_get_string(source, "account"), *region = json_get_string(source, "region");
    return world_group(world, account != NULL ? account : operation_account(operation)->name, region != NULL ? region : region_of(asked),
                       source_name(asked));
}

static gboolean create_plan_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const CreateParams *asked = operation_params(operation);
    SimulatorRoom *room = operation_room(operation);
    const SimulatedWorld *world = simulator_enter(room, NULL);
    const SimulatedGroup *source = find_source(operation, world);
    gboolean is_missing = source == NULL && json_get_bool(json_root(asked->source), "useSourceCapacity", FALSE) && asked->capacity == NULL;
    if (!is_missing)
        set_plan(operation, NULL, source);
    simulator_leave(room);
    if (is_missing)
        error_set(error, ERR_NOT_FOUND, "create server group in %s (account %s): the source %s is gone, and no capacity is given",
                  region_of(asked), operation_account(operation)->name, source_name(asked) != NULL ? source_name(asked) : "(none named)");
    return !is_missing;
}

/* The newest group of the cluster, when no source is named. */
static const SimulatedGroup *newest_of_cluster(Operation *operation, const SimulatedWorld *world) {
    const CreateParams *asked = operation_params(operation);
    g_autofree char *cluster = naming_cluster(asked->application, asked->stack, asked->detail);
    const SimulatedGroup *newest = NULL;
    const GPtrArray *groups = world_groups(world);
    for (guint i = 0; i < groups->len; i++) {
        const SimulatedGroup *group = groups->pdata[i];
        if (!group->ending && strcmp(group->account, operation_account(operation)->name) == 0 &&
            g_strcmp0(group->region, region_of(asked)) == 0 && g_strcmp0(group->moniker.cluster, cluster) == 0 &&
            (newest == NULL || group->created_ms >= newest->created_ms))
            newest = group;
    }
    return newest;
}

static gboolean clone_plan_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const CreateParams *asked = operation_params(operation);
    SimulatorRoom *room = operation_room(operation);
    const SimulatedWorld *world = simulator_enter(room, NULL);
    const SimulatedGroup *source = source_name(asked) != NULL ? find_source(operation, world) : newest_of_cluster(operation, world);
    gboolean found = source != NULL;
    if (found)
        set_plan(operation, source, source);
    simulator_leave(room);
    if (!found)
        error_set(error, ERR_NOT_FOUND, "clone server group in %s (account %s): the source %s does not exist", region_of(asked),
                  operation_account(operation)->name, source_name(asked) != NULL ? source_name(asked) : "(newest of the cluster)");
    return found;
}

/* ---- the group ---- */

static const char *planned(Operation *operation, const char *key) {
    return json_get_string(operation_fact(operation, "plan"), key);
}

/* Caller frees; NULL with *error. */
static char *choose_name(Operation *operation, const SimulatedWorld *world, GError **error) {
    const CreateParams *asked = operation_params(operation);
    const char *cluster = planned(operation, "cluster"), *region = planned(operation, "region");
    if (asked->ignore_sequence)
        return g_strdup(cluster);
    if (asked->sequence >= 0)
        return naming_server_group(cluster, asked->sequence, error);
    return world_next_name(world, operation_account(operation)->name, region, cluster, error);
}

/* Keeps the name that was chosen as long as it is free; another one is chosen when somebody else has it. */
static LookResult look_in(Operation *operation, const SimulatedWorld *world, const char *token, GError **error) {
    const CreateParams *asked = operation_params(operation);
    const char *name = operation_fact_string(operation, "name"), *account = operation_account(operation)->name;
    const SimulatedGroup *there = name != NULL ? world_group(world, account, planned(operation, "region"), name) : NULL;
    if (there != NULL && g_strcmp0(there->token, token) == 0)
        return LOOK_DONE;
    if (name != NULL && there == NULL)
        return LOOK_NOT_DONE;
    if (there != NULL && (asked->ignore_sequence || asked->sequence >= 0)) {
        error_set(error, ERR_CONFLICT, "create server group %s in %s (account %s): the name is taken", name, planned(operation, "region"),
                  account);
        return LOOK_FOREIGN;
    }
    g_autofree char *chosen = choose_name(operation, world, error);
    if (chosen == NULL)
        return LOOK_ERROR;
    operation_fact_set_string(operation, "name", chosen);
    return LOOK_NOT_DONE;
}

static LookResult create_look(Operation *operation, guint item, GError **error) {
    g_autofree char *token = operation_token(operation, "create", item);
    SimulatorRoom *room = operation_room(operation);
    const SimulatedWorld *world = simulator_enter(room, NULL);
    LookResult result = look_in(operation, world, token, error);
    simulator_leave(room);
    return result;
}

/* Borrowed texts of a planned list; the array is the caller's. */
static const char **planned_list(Operation *operation, const char *key) {
    const JsonValue *list = json_get(operation_fact(operation, "plan"), key);
    const char **texts = g_new0(const char *, json_length(list) + 1);
    for (JsonIter i = json_iter(list); json_next(&i);)
        texts[i.index] = json_string(i.value) != NULL ? json_string(i.value) : "";
    return texts;
}

static char **suspended_of(const CreateParams *asked) {
    g_autoptr(GStrvBuilder) all = g_strv_builder_new();
    for (char **process = asked->suspended; process != NULL && *process != NULL; process++)
        g_strv_builder_add(all, *process);
    if (asked->start_disabled)
        g_strv_builder_add(all, "AddToLoadBalancer");
    return g_strv_builder_end(all);
}

static void copy_policies(const SimulatedGroup *source, SimulatedGroup *group) {
    for (guint i = 0; i < source->policies->len; i++)
        g_ptr_array_add(group->policies, json_ref(source->policies->pdata[i]));
    for (guint i = 0; i < source->actions->len; i++)
        g_ptr_array_add(group->actions, json_ref(source->actions->pdata[i]));
}

static gboolean create_in(Operation *operation, SimulatedWorld *world, guint item, gint64 now_ms, gconstpointer data, GError **error) {
    (void)data;
    const CreateParams *asked = operation_params(operation);
    const JsonValue *plan = operation_fact(operation, "plan"), *capacity = json_get(plan, "capacity");
    g_autofree char *token = operation_token(operation, "create", item);
    g_autofree const char **zones = planned_list(operation, "zones"), **balancers = planned_list(operation, "loadBalancers"),
                          **targets = planned_list(operation, "targetGroups"), **firewalls = planned_list(operation, "securityGroups");
    g_auto(GStrv) suspended = suspended_of(asked);
    SimulatedGroupPlan group_plan = {
        .account = operation_account(operation)->name,
        .region = planned(operation, "region"),
        .name = operation_fact_string(operation, "name"),
        .token = token,
        .image = planned(operation, "image"),
        .instance_type = planned(operation, "instanceType"),
        .network = planned(operation, "network"),
        .behaviour = asked->behaviour,
        .capacity = {json_get_int(capacity, "min", 0), json_get_int(capacity, "max", 0), json_get_int(capacity, "desired", 0)},
        .zones = zones,
        .load_balancers = balancers,
        .target_groups = targets,
        .security_groups = firewalls,
        .suspended = (const char *const *)suspended,
        .tags = json_get(plan, "tags"),
    };
    SimulatedGroup *group = world_group_create(world, &group_plan, now_ms, error);
    if (group == NULL)
        return FALSE;
    const SimulatedGroup *source = world_group(world, json_get_string(plan, "sourceAccount"), json_get_string(plan, "sourceRegion"),
                                               json_get_string(plan, "sourceName"));
    if (source != NULL && asked->copy_policies)
        copy_policies(source, group);
    operation_line(operation, "Created %s in %s with %" G_GINT64_FORMAT " instances of %s", group->name, group->region,
                   group->capacity.desired, group->image_name);
    return TRUE;
}

static gboolean create_act(Operation *operation, guint item, GError **error) {
    return simulator_write(operation, "createServerGroup", planned(operation, "region"), operation_fact_string(operation, "name"), item,
                           create_in, NULL, error);
}

static gboolean is_taken(const GError *error) {
    return error_code(error) == ERR_CONFLICT;
}

/* ---- the result ---- */

static void create_finish(Operation *operation) {
    const char *region = planned(operation, "region"), *name = operation_fact_string(operation, "name");
    const Account *account = operation_account(operation);
    g_autofree char *located = g_strdup_printf("%s:%s", region, name);
    g_autoptr(Json)
        deployments = json_pack("[{s:s, s:s, s:s, s:s, s:v}]", "cloudProvider", account->cloud->id, "account", account->name, "location",
                                region, "serverGroupName", name, "capacity", json_get(operation_fact(operation, "plan"), "capacity"));
    g_autoptr(Json) names = json_pack("[s]", located);
    g_autoptr(Json) by_region = json_pack("{s:s}", region, name);
    operation_result_set(operation, "deployments", json_root(deployments));
    operation_result_set(operation, "serverGroupNames", json_root(names));
    operation_result_set(operation, "serverGroupNameByRegion", json_root(by_region));
    if (planned(operation, "sourceName") == NULL)
        return;
    g_autoptr(Json) ancestors = json_pack("{s:s}", region, planned(operation, "sourceName"));
    operation_result_set(operation, "ancestorServerGroupNameByRegion", json_root(ancestors));
}

#define CREATE_STEP                                                                                                                        \
    {                                                                                                                                      \
        .name = "create server group", .look = create_look, .act = create_act, .repeat = REPEAT_LOOK, .tries = CREATE_TRIES,               \
        .try_delay_ms = CREATE_DELAY_MS, .retry_on = is_taken                                                                              \
    }
static const OperationStep create_steps[] = {
    {.name = "look at the source", .act = create_plan_act, .repeat = REPEAT_READ}, CREATE_STEP, {0}};
static const OperationStep clone_steps[] = {{.name = "look at the source", .act = clone_plan_act, .repeat = REPEAT_READ}, CREATE_STEP, {0}};

extern const CloudOperation simulator_create_server_group, simulator_clone_server_group;
const CloudOperation simulator_create_server_group = {
    .name = "createServerGroup",
    .aliases = (const char *const[]){"basicAmazonDeployDescription", NULL},
    .help = "Creates a server group.",
    .params = params,
    .params_size = sizeof(CreateParams),
    .validate = create_validate,
    .steps = create_steps,
    .finish = create_finish,
};

const CloudOperation simulator_clone_server_group = {
    .name = "cloneServerGroup",
    .aliases = (const char *const[]){"copyLastAsgDescription", "copyLastAsg", NULL},
    .help = "Creates a server group like another one; what is given replaces what that one has.",
    .params = params,
    .params_size = sizeof(CreateParams),
    .validate = clone_validate,
    .steps = clone_steps,
    .finish = create_finish,
};
