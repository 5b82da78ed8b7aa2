/* `bake`: one image per region (bake.md 7, stages.md 6.1). A top-level stage has one child of its own type per region. Planning is pure. */
#include "bake/stage.h"
#include "stages/artifacts/artifacts.h"
#include <string.h>

#define CREATE_TIMEOUT_MS (5 * 60 * 1000)
#define MONITOR_TIMEOUT_MS (60 * 60 * 1000)

static const JsonValue *own(const Stage *stage) {
    return json_root(stage->context);
}

const char *bake_stage_cloud(const Stage *stage) {
    const char *cloud = json_get_string(own(stage), "cloudProviderType");
    cloud = cloud != NULL ? cloud : json_get_string(own(stage), "cloudProvider");
    return cloud != NULL ? cloud : "aws";
}

static gboolean is_top_level(const Stage *stage) {
    return stage->parent_id == NULL;
}

/* ---- settings ---- */

static const Param settings_params[] = {
    {.name = "bakery.allow-missing-package-installation",
     .type = PARAM_BOOL,
     .offset = offsetof(BakeStageSettings, allow_missing_packages),
     .help = "A package that no build made is installed in its newest version, instead of an error."},
    {.name = "bakery.extract-build-details",
     .type = PARAM_BOOL,
     .offset = offsetof(BakeStageSettings, extract_build_details),
     .otherwise = "true",
     .help = "Whether images say which build made their package."},
    {.name = "bakery.rosco-apis-enabled",
     .type = PARAM_BOOL,
     .offset = offsetof(BakeStageSettings, unknown_keys),
     .otherwise = "true",
     .help = "Whether keys of a bake stage that are not known are passed on."},
    {.name = BAKE_PAUSE_KEY,
     .type = PARAM_BOOL,
     .offset = offsetof(BakeStageSettings, paused),
     .help = "While it is true no bake begins; stages wait."},
    {.name = BAKE_MONITOR_TIMEOUT_KEY,
     .type = PARAM_MILLISECONDS,
     .offset = offsetof(BakeStageSettings, monitor_timeout_ms),
     .otherwise = "3600000",
     .help = "How long a stage waits for its image; stageTimeoutMs of the stage wins."},
    {.name = "stages.bake.failOnImageNameMismatch",
     .type = PARAM_BOOL,
     .offset = offsetof(BakeStageSettings, fail_on_name_mismatch),
     .help = "Whether images of different names in the regions of one stage are an error."},
    {0},
};
extern const ConfigSection bake_stage_section;
const ConfigSection bake_stage_section = {SERVICE_ORCA, "", settings_params, "The bake stage."};

BakeStageSettings bake_stage_settings(Services *services) {
    BakeStageSettings settings = {.extract_build_details = TRUE, .unknown_keys = TRUE};
    g_autoptr(Config) config = services_config(services);
    config_read(config, &bake_stage_section, &settings, NULL);
    return settings;
}

/* ---- regions ---- */

static void add_once(GPtrArray *regions, const char *region) {
    if (region != NULL && region[0] != '\0' && !g_ptr_array_find_with_equal_func(regions, region, g_str_equal, NULL))
        g_ptr_array_add(regions, g_strdup(region));
}

static void add_cluster(GPtrArray *regions, const JsonValue *cluster, const char *cloud) {
    const char *whose = json_get_string(cluster, "cloudProvider");
    whose = whose != NULL ? whose : json_get_string(cluster, "provider");
    if (whose != NULL && strcmp(whose, cloud) != 0)
        return;
    for (JsonIter i = json_iter(json_get(cluster, "availabilityZones")); json_next(&i);)
        add_once(regions, i.key);
}

static gboolean is_behind(const Execution *execution, const Stage *of, const Stage *stage) {
    g_autoptr(GPtrArray) ancestors = stage_ancestors(execution, stage);
    return stage != of && g_ptr_array_find(ancestors, of, NULL);
}

static void add_deployment(GPtrArray *regions, const Stage *stage, const char *cloud) {
    if (strcmp(stage->type, "deploy") == 0) {
        const char *whose = json_get_string(own(stage), "cloudProviderType");
        if (whose != NULL && strcmp(whose, cloud) != 0)
            return;
        add_cluster(regions, json_get(own(stage), "cluster"), cloud);
        for (JsonIter i = json_iter(json_get(own(stage), "clusters")); json_next(&i);)
            add_cluster(regions, i.value, cloud);
    }
    for (JsonIter i = json_iter(json_get(own(stage), "clusterPairs")); json_next(&i);) {
        add_cluster(regions, json_get(i.value, "baseline"), cloud);
        add_cluster(regions, json_get(i.value, "canary"), cloud);
    }
}

char **bake_stage_regions(const Execution *execution, const Stage *stage) {
    g_autoptr(GPtrArray) regions = g_ptr_array_new();
    add_once(regions, json_get_string(own(stage), "region"));
    for (JsonIter i = json_iter(json_get(own(stage), "regions")); json_next(&i);)
        add_once(regions, json_string(i.value));
    gboolean global = g_ptr_array_find_with_equal_func(regions, "global", g_str_equal, NULL);
    if (!global && !json_get_bool(own(stage), "skipRegionDetection", FALSE))
        for (guint i = 0; i < execution->stages->len; i++)
            if (is_behind(execution, stage, execution->stages->pdata[i]))
                add_deployment(regions, execution->stages->pdata[i], bake_stage_cloud(stage));
    g_ptr_array_add(regions, NULL);
    return (char **)g_ptr_array_steal(regions, NULL);
}

/* ---- planning ---- */

#define PAUSED_KEY "_paused" /* of a region's stage: it begins with delayBake */

/* All regions share a name, so their suffix is chosen once. */
static Status prepare(TaskContext *context, GError **error) {
    (void)error;
    const char *suffix = json_get_string(own(context->stage), "amiSuffix");
    g_autoptr(Json) yes = json_from_bool(TRUE);
    if (!is_top_level(context->stage) && bake_stage_settings(context->services).paused)
        task_set_context_json(context, PAUSED_KEY, yes);
    if (!is_top_level(context->stage) || (suffix != NULL && suffix[0] != '\0'))
        return STATUS_SUCCEEDED;
    g_autoptr(GDateTime) now = g_date_time_new_from_unix_utc(context->now_ms / 1000);
    g_autofree char *text = g_date_time_format(now, "%Y%m%d%H%M%S");
    task_set_context_string(context, "amiSuffix", text);
    return STATUS_SUCCEEDED;
}

static void plan_regions(const Execution *execution, const Stage *stage, StagePlan *plan, GError **error) {
    static const char *const NOT_HANDED_ON[] = {"regions", "notifications", "sendNotifications", "stageEnabled", NULL};
    if (!is_top_level(stage))
        return;
    g_auto(GStrv) regions = bake_stage_regions(execution, stage);
    guint n = g_strv_length(regions);
    if (n == 0 || n > BAKE_REGIONS_MAX) {
        error_set(error, n == 0 ? ERR_INVALID : ERR_LIMIT,
                  n == 0 ? "bake: region or regions: required, unless a deployment behind it names one"
                         : "bake: more regions than " G_STRINGIFY(BAKE_REGIONS_MAX));
        return;
    }
    g_autoptr(Json) shared = json_without(own(stage), NOT_HANDED_ON);
    for (char **region = regions; *region != NULL; region++) {
        g_autofree char *name = g_strdup_printf("Bake in %s", *region);
        g_autoptr(Json) context = json_with_string(json_root(shared), "region", *region);
        plan_add(plan, BAKE_STAGE_TYPE, name, json_root(context));
    }
}

enum { TASK_DELAY, TASK_CREATE, TASK_MONITOR, TASK_COMPLETED, TASK_PARALLEL };
static const TaskDefinition tasks[] = {
    [TASK_DELAY] = {.name = "delayBake", .run = bake_delay_task, .backoff_ms = BAKE_POLL_MS, .no_io = TRUE},
    [TASK_CREATE] = {.name = "createBake", .run = bake_create_task, .timeout_ms = CREATE_TIMEOUT_MS, .backoff_ms = BAKE_POLL_MS},
    [TASK_MONITOR] = {.name = "monitorBake",
                      .run = bake_monitor_task,
                      .timeout_ms = MONITOR_TIMEOUT_MS,
                      .timeout_key = BAKE_MONITOR_TIMEOUT_KEY,
                      .backoff_ms = BAKE_POLL_MS,
                      .overridable_timeout = TRUE},
    [TASK_COMPLETED] = {.name = "completedBake", .run = bake_completed_task},
    [TASK_PARALLEL] = {.name = "completeParallel", .run = bake_complete_parallel_task, .no_io = TRUE},
    {0},
};

static void build_tasks(const Execution *execution, const Stage *stage, GPtrArray *into, GError **error) {
    (void)execution;
    (void)error;
    if (is_top_level(stage)) {
        g_ptr_array_add(into, (gpointer)&tasks[TASK_PARALLEL]);
        return;
    }
    for (guint i = json_is_true(json_get(own(stage), PAUSED_KEY)) ? TASK_DELAY : TASK_CREATE; i <= TASK_COMPLETED; i++)
        g_ptr_array_add(into, (gpointer)&tasks[i]);
    if (json_length(json_get(own(stage), EXPECTED_ARTIFACTS)) > 0)
        g_ptr_array_add(into, (gpointer)&bind_produced_artifacts[0]); /* of a region's stage alone, so it is no closing task */
}

static char *why_waiting(const Execution *execution, const Stage *stage, gint64 now_ms) {
    (void)execution;
    (void)now_ms;
    const char *id = json_get_string(json_get(own(stage), "status"), "id");
    return id != NULL ? g_strdup_printf("the image is being made (bake %s)", id) : NULL;
}

/* ---- what documentation, forms and lint say of the keys ---- */

typedef struct {
    char *package, *base_os, *region, *cloud, *vm_type, *store_type, *base_label, *ami_name, *ami_suffix, *base_ami, *template, *var_file,
        *account;
    char **regions;
    gboolean rebake, enhanced, upgrade, skip_detection;
    Json *attributes;
} BakeParams;
#define KEY(key, kind, member, text)                                                                                                       \
    { .name = (key), .type = (kind), .offset = offsetof(BakeParams, member), .help = (text) }
static const Param params[] = {
    KEY("package", PARAM_STRING, package, "Packages to install, parted by spaces."),
    KEY("baseOs", PARAM_STRING, base_os, "The base image, as the bakery's options name it."),
    KEY("region", PARAM_STRING, region, "Where, when it is one region."),
    KEY("regions", PARAM_STRINGS, regions, "Where; regions of deployments behind the stage are added."),
    KEY("cloudProviderType", PARAM_STRING, cloud, "The cloud; aws when absent."),
    KEY("vmType", PARAM_STRING, vm_type, "Virtualization: hvm or pv."),
    KEY("storeType", PARAM_STRING, store_type, "Where the image's disk lies: ebs."),
    KEY("baseLabel", PARAM_STRING, base_label, "Which of the base images: release, candidate, previous, unstable, foundation."),
    KEY("amiName", PARAM_STRING, ami_name, "Name of the image instead of the package's."),
    KEY("amiSuffix", PARAM_STRING, ami_suffix, "End of the image's name; the time when absent."),
    KEY("baseAmi", PARAM_STRING, base_ami, "Image to start from instead of the configured one."),
    KEY("templateFileName", PARAM_STRING, template, "Packer template instead of the configured one."),
    KEY("varFileName", PARAM_STRING, var_file, "Packer variable file."),
    KEY("account", PARAM_STRING, account, "The account that the image is made in."),
    KEY("rebake", PARAM_BOOL, rebake, "Make the image anew although there is one."),
    KEY("enhancedNetworking", PARAM_BOOL, enhanced, "Turn on enhanced networking."),
    KEY("upgrade", PARAM_BOOL, upgrade, "Upgrade the system's packages first."),
    KEY("skipRegionDetection", PARAM_BOOL, skip_detection, "Do not add regions of deployments behind the stage."),
    KEY("extendedAttributes", PARAM_JSON, attributes, "More variables of the packer template."),
    {0},
};

/* An image for each region, as if it had been made. */
static Json *dry_run_outputs(const Execution *execution, const Stage *stage) {
    if (!is_top_level(stage))
        return NULL;
    g_autoptr(GPtrArray) children = stage_synthetics(execution, stage, OWNER_BEFORE);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_begin_array(builder, "deploymentDetails");
    for (guint i = 0; i < children->len; i++) {
        const char *region = json_get_string(own(g_ptr_array_index(children, i)), "region");
        if (region == NULL)
            continue;
        json_begin_object(builder, NULL);
        json_add_string(builder, "ami", "ami-00000000");
        json_add_string(builder, "imageId", "ami-00000000");
        json_add_string(builder, "imageName", "dry-run");
        json_add_string(builder, "cloudProviderType", bake_stage_cloud(stage));
        json_add_string(builder, "region", region);
        json_end_object(builder);
    }
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

const StageType stage_bake = {
    .type = BAKE_STAGE_TYPE,
    .label = "Bake",
    .help = "Makes a machine image with packages installed, in each region.",
    .params = params,
    .params_size = sizeof(BakeParams),
    .tasks = tasks,
    .build_tasks = build_tasks,
    .prepare = prepare,
    .plan_before = plan_regions,
    .on_cancel = bake_cancel_task,
    .why_waiting = why_waiting,
    .dry_run_outputs = dry_run_outputs,
};
