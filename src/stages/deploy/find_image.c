/* `findImage`: the image that a cluster runs (stages.md 6.4, deploy-strategies.md 9). Runs in a worker. */
#include "stages/deploy/deployment.h"
#include "stages/deploy/settings.h"
#include "stages/deploy/stage_params.h"
#include "stages/images/images.h"

#define FIND_TIMEOUT_MS 600000
#define FIND_BACKOFF_MS 10000

/* ---- which group ---- */

typedef enum { SELECT_NEWEST, SELECT_OLDEST, SELECT_LARGEST, SELECT_FAIL } Selection;

static gboolean parse_selection(const JsonValue *context, Selection *into, GError **error) {
    static const char *const NAMES[] = {"NEWEST", "OLDEST", "LARGEST", "FAIL"};
    const char *name = json_get_string(context, "selectionStrategy");
    *into = SELECT_NEWEST;
    for (guint i = 0; i < G_N_ELEMENTS(NAMES); i++)
        if (name == NULL || g_ascii_strcasecmp(name, NAMES[i]) == 0) {
            *into = (Selection)i;
            return TRUE;
        }
    error_set(error, ERR_INVALID, "findImage: selectionStrategy %s is unknown: NEWEST, OLDEST, LARGEST or FAIL", name);
    return FALSE;
}

static const ServerGroup *better(const ServerGroup *best, const ServerGroup *group, Selection selection) {
    if (best == NULL)
        return group;
    guint size = g_strv_length(group->instance_ids), best_size = g_strv_length(best->instance_ids);
    if (selection == SELECT_LARGEST)
        return size >= best_size ? group : best;
    return selection == SELECT_OLDEST ? best : group; /* they come oldest first */
}

/* The groups that count; the chosen one, or NULL with error. */
static const ServerGroup *select_group(const GPtrArray *groups, gboolean only_enabled, Selection selection, const char *cluster,
                                       const char *location, GError **error) {
    const ServerGroup *best = NULL;
    guint count = 0;
    for (guint i = 0; i < groups->len; i++) {
        const ServerGroup *group = ((const InventoryObject *)groups->pdata[i])->record;
        if (only_enabled && group->disabled)
            continue;
        best = better(best, group, selection);
        count++;
    }
    if (best == NULL)
        error_set(error, ERR_NOT_FOUND, "Could not find cluster '%s' with %sserver groups in %s", cluster, only_enabled ? "enabled " : "",
                  location);
    if (count > 1 && selection == SELECT_FAIL) {
        error_set(error, ERR_CONFLICT, "findImage: cluster %s has %u server groups in %s, and selectionStrategy is FAIL", cluster, count,
                  location);
        return NULL;
    }
    return best;
}

/* ---- the image ---- */

typedef struct {
    TaskContext *context;
    const char *account, *cluster, *cloud;
    gboolean only_enabled;
    Selection selection;
    GPtrArray *found; /* of Json: details per location */
} Finding;

static const Image *image_record(const InventorySnapshot *snapshot, const char *account, const char *location, const char *id) {
    const InventoryObject *object = inventory_get(snapshot, account, KIND_IMAGE, location, id);
    return object != NULL ? object->record : NULL;
}

/* FALSE with ERR_UNAVAILABLE when the group's image is not known yet: again. */
static gboolean add_group_image(Finding *finding, const ServerGroup *group, const char *location, GError **error) {
    Clouds *clouds = finding->context->services->clouds;
    if (group->image_id == NULL) {
        error_set(error, ERR_UNAVAILABLE, "findImage: the image of %s in %s is not known yet", group->name, location);
        return FALSE;
    }
    clouds_refresh_image(clouds, finding->account, location, group->image_id, finding->context->cancel, NULL);
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(clouds));
    const Image *image = image_record(snapshot, finding->account, location, group->image_id);
    const char *name = image != NULL && image->name != NULL ? image->name : group->image_name;
    g_ptr_array_add(finding->found, image_details(finding->cloud, location, group->image_id, name, group->name, image));
    return TRUE;
}

static gboolean find_in_cluster(Finding *finding, const char *location, GError **error) {
    g_autoptr(InventorySnapshot) snapshot = NULL;
    g_autoptr(GPtrArray) groups = live_read_cluster(finding->context, finding->account, location, finding->cluster, &snapshot, error);
    if (groups == NULL)
        return FALSE;
    const ServerGroup *group = select_group(groups, finding->only_enabled, finding->selection, finding->cluster, location, error);
    return group != NULL && add_group_image(finding, group, location, error);
}

/* ---- locations without the cluster: the image found elsewhere, by its name there ---- */

static char *base_name(const char *name) {
    static const char *const ENDINGS[] = {"-ebs", "-s3"};
    char *base = g_strdup(name);
    for (guint i = 0; base != NULL && i < G_N_ELEMENTS(ENDINGS); i++) {
        char *end = g_strrstr(base, ENDINGS[i]);
        if (end != NULL)
            *end = '\0';
    }
    return base;
}

/* The newest one whose name begins with the prefix, read live; *snapshot is the caller's and holds it. */
static const Image *newest_named(Finding *finding, const char *account, const char *location, const char *prefix,
                                 InventorySnapshot **snapshot) {
    Clouds *clouds = finding->context->services->clouds;
    g_autofree char *pattern = g_strconcat(prefix, "*", NULL);
    clouds_refresh_image(clouds, account, location, pattern, finding->context->cancel, NULL);
    *snapshot = inventory_snapshot(clouds_inventory(clouds));
    ImageWish wish = {.account = account, .region = location, .part = prefix};
    g_autoptr(GPtrArray) images = images_matching(*snapshot, &wish);
    for (guint i = 0; i < images->len; i++) {
        const Image *image = ((const InventoryObject *)images->pdata[i])->record;
        if (g_str_has_prefix(image->name, prefix))
            return image;
    }
    return NULL;
}

/* In the stage's account, else where images are made. */
static gboolean find_by_name(Finding *finding, const char *location, GError **error) {
    const char *name = finding->found->len > 0 ? json_get_string(json_root(finding->found->pdata[0]), "imageName") : NULL;
    g_autofree char *prefix = base_name(name), *baked_in = images_bake_account(finding->context->services);
    const char *const accounts[] = {finding->account, baked_in};
    for (guint i = 0; prefix != NULL && i < G_N_ELEMENTS(accounts); i++) {
        g_autoptr(InventorySnapshot) snapshot = NULL;
        const Image *image = accounts[i] != NULL ? newest_named(finding, accounts[i], location, prefix, &snapshot) : NULL;
        if (image == NULL)
            continue;
        g_ptr_array_add(finding->found, image_details(finding->cloud, location, image->id, image->name, NULL, image));
        return TRUE;
    }
    error_set(error, ERR_NOT_FOUND, "Could not find an image for cluster '%s' in %s, neither of a server group nor by the name %s*",
              finding->cluster, location, prefix != NULL ? prefix : "");
    return FALSE;
}

/* ---- where ---- */

static gboolean is_downstream(const Execution *execution, const Stage *of, const Stage *stage) {
    g_autoptr(GPtrArray) ancestors = stage_ancestors(execution, stage);
    for (guint i = 0; i < ancestors->len; i++)
        if (ancestors->pdata[i] == of)
            return TRUE;
    return FALSE;
}

static void add_once(GPtrArray *locations, const char *location) {
    if (location != NULL && !g_ptr_array_find_with_equal_func(locations, location, g_str_equal, NULL))
        g_ptr_array_add(locations, g_strdup(location));
}

static void add_cluster_regions(const JsonValue *cluster, const char *cloud, GPtrArray *locations) {
    const char *provider = json_get_string(cluster, "cloudProvider");
    if (provider != NULL && strcmp(provider, cloud) != 0)
        return;
    for (JsonIter i = json_iter(json_get(cluster, "availabilityZones")); json_next(&i);)
        add_once(locations, i.key);
    add_once(locations, json_get_string(cluster, "region"));
}

/* Regions that deploy stages behind this one will need an image in. */
static GPtrArray *inferred_regions(const TaskContext *context, const char *cloud) {
    GPtrArray *locations = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < context->execution->stages->len; i++) {
        const Stage *stage = context->execution->stages->pdata[i];
        if (strcmp(stage->type, "deploy") != 0 || !is_downstream(context->execution, context->stage, stage))
            continue;
        for (JsonIter cluster = json_iter(json_get(deploy_context(stage), "clusters")); json_next(&cluster);)
            add_cluster_regions(cluster.value, cloud, locations);
        add_cluster_regions(json_get(deploy_context(stage), "cluster"), cloud, locations);
    }
    return locations;
}

/* ---- the task ---- */

static gboolean name_matches(const JsonValue *context, const Json *details, GError **error) {
    const char *pattern = json_get_string(context, "imageNamePattern"), *name = json_get_string(json_root(details), "imageName");
    if (pattern == NULL || *pattern == '\0')
        return TRUE;
    g_autofree char *whole = g_strdup_printf("^(?:%s)$", pattern);
    g_autoptr(GError) failed = NULL;
    g_autoptr(GRegex) regex = g_regex_new(whole, G_REGEX_OPTIMIZE, 0, &failed);
    if (regex == NULL)
        error_set(error, ERR_INVALID, "findImage: imageNamePattern %s: %s", pattern, failed->message);
    else if (name == NULL || !g_regex_match(regex, name, 0, NULL))
        error_set(error, ERR_NOT_FOUND, "findImage: image %s does not match imageNamePattern %s", name != NULL ? name : "without a name",
                  pattern);
    else
        return TRUE;
    return FALSE;
}

static void publish(const Finding *finding, const GPtrArray *inferred) {
    images_publish(finding->context, finding->cloud, finding->found);
    g_autoptr(JsonBuilder) regions = json_builder_new();
    json_begin_array(regions, NULL);
    for (guint i = 0; i < inferred->len; i++)
        json_add_string(regions, NULL, inferred->pdata[i]);
    json_end_array(regions);
    g_autoptr(Json) region_list = json_builder_end(regions);
    task_set_output_json(finding->context, "inferredRegions", region_list);
}

/* Every location of the stage, then those that deployments behind it need. */
static gboolean find_everywhere(Finding *finding, const GPtrArray *inferred, GError **error) {
    g_auto(GStrv) locations = deploy_locations(finding->context->execution, finding->context->stage);
    gboolean resolve = deploy_flag(deploy_context(finding->context->stage), "resolveMissingLocations",
                                   deploy_settings(finding->context->services).resolve_missing_locations);
    g_autoptr(GPtrArray) missing = g_ptr_array_new();
    for (char **location = locations; *location != NULL; location++) {
        g_autoptr(GError) failed = NULL;
        if (find_in_cluster(finding, *location, &failed))
            continue;
        if (error_code(failed) != ERR_NOT_FOUND || !resolve) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return FALSE;
        }
        g_ptr_array_add(missing, *location);
    }
    for (guint i = 0; i < inferred->len; i++)
        if (!g_strv_contains((const char *const *)locations, inferred->pdata[i]) && !find_in_cluster(finding, inferred->pdata[i], NULL))
            g_ptr_array_add(missing, inferred->pdata[i]);
    for (guint i = 0; i < missing->len; i++)
        if (!find_by_name(finding, missing->pdata[i], error))
            return FALSE;
    return TRUE;
}

static Status find_image(TaskContext *context, GError **error) {
    const JsonValue *own = deploy_context(context->stage);
    g_autofree char *cluster = deploy_cluster(context->execution, context->stage);
    g_auto(GStrv) locations = deploy_locations(context->execution, context->stage);
    const Cloud *cloud = deploy_cloud(context, error);
    Selection selection;
    if (cloud == NULL || !parse_selection(own, &selection, error))
        return STATUS_TERMINAL;
    if (!deploy_locations_agree(context->stage, error))
        return STATUS_TERMINAL;
    if (cluster == NULL || locations[0] == NULL) {
        error_set(error, ERR_INVALID, "findImage: cluster (or moniker) and regions: required");
        return STATUS_TERMINAL;
    }
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    g_autoptr(GPtrArray) inferred = deploy_flag(own, "skipRegionDetection", FALSE) ? g_ptr_array_new()
                                                                                   : inferred_regions(context, cloud->id);
    Finding finding = {
        context, deploy_account(context->execution, context->stage), cluster, cloud->id, deploy_flag(own, "onlyEnabled", TRUE), selection,
        found};
    if (!find_everywhere(&finding, inferred, error))
        return STATUS_TERMINAL;
    for (guint i = 0; i < found->len; i++)
        if (!name_matches(own, found->pdata[i], error))
            return STATUS_TERMINAL;
    publish(&finding, inferred);
    return STATUS_SUCCEEDED;
}

static const Param find_params[] = {
    DEPLOY_ACCOUNT_PARAMS,
    DEPLOY_LOCATION_PARAMS,
    DEPLOY_CLUSTER_PARAMS,
    DEPLOY_PARAM("onlyEnabled", PARAM_BOOL, only_enabled, .otherwise = "true", .help = "Look only at server groups that take traffic."),
    DEPLOY_PARAM("selectionStrategy", PARAM_STRING, selection,
                 .help = "NEWEST (default), OLDEST, LARGEST, or FAIL when there are several."),
    DEPLOY_PARAM("imageNamePattern", PARAM_STRING, image_pattern, .help = "A regular expression that the image's whole name must match."),
    DEPLOY_PARAM("resolveMissingLocations", PARAM_BOOL, resolve_missing,
                 .help = "Where the cluster is missing, look for the image by its name."),
    DEPLOY_PARAM("skipRegionDetection", PARAM_BOOL, skip_detection, .help = "Do not add the regions of deploy stages behind this one."),
    {0},
};
const StageType stage_find_image = {
    .type = "findImage",
    .label = "Find image from cluster",
    .help = "Finds the image that a cluster runs, for the stages behind it.",
    .params = find_params,
    .params_size = sizeof(DeployParams),
    .tasks = (const TaskDefinition[]){{.name = "findImage",
                                       .run = find_image,
                                       .timeout_ms = FIND_TIMEOUT_MS,
                                       .backoff_ms = FIND_BACKOFF_MS,
                                       .overridable_timeout = TRUE,
                                       .account = deploy_account},
                                      {0}},
    .dry_run_is_real = dry_run_always_real,
};
