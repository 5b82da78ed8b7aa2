/* `findImageFromTags`: the newest image of a package that carries all the tags (stages.md 6.4, deploy-strategies.md 9). Runs in a worker. */
#include "clouds/appversion.h"
#include "stages/images/images.h"

#define FIND_TIMEOUT_MS 600000
#define FIND_BACKOFF_MS 10000
#define MANY_IMAGES 1000 /* so many matches are a sign of tags that say too little */

typedef struct {
    char *credentials, *provider, *package, *owner;
    char **regions;
    Json *tags;
} FindParams;
#define FIND_PARAM(key, kind, member, ...)                                                                                                 \
    { .name = (key), .type = (kind), .offset = offsetof(FindParams, member), __VA_ARGS__ }
static const Param find_params[] = {
    FIND_PARAM("packageName", PARAM_STRING, package, .required = TRUE, .help = "What is in the image: a part of its name."),
    FIND_PARAM("tags", PARAM_JSON, tags, .help = "{key: value} that the image must carry, in any case."),
    FIND_PARAM("regions", PARAM_STRINGS, regions, .required = TRUE, .help = "Where images are needed."),
    FIND_PARAM("cloudProvider", PARAM_STRING, provider, .help = "The cloud (cloudProviderType is taken as well); aws when absent."),
    FIND_PARAM("imageOwnerAccount", PARAM_STRING, owner, .help = "Only images that this account sees."),
    {0},
};

static const char *cloud_of(const Stage *stage) {
    const char *cloud = json_get_string(deploy_context(stage), "cloudProvider");
    cloud = cloud != NULL ? cloud : json_get_string(deploy_context(stage), "cloudProviderType");
    return cloud != NULL ? cloud : "aws";
}

/* What was made a moment ago may not be in the inventory yet. */
static void read_newest(TaskContext *context, const FindParams *params) {
    g_autofree char *baked_in = images_bake_account(context->services);
    g_autofree char *pattern = g_strconcat("*", params->package, "*", NULL);
    const char *account = params->owner != NULL ? params->owner : baked_in;
    for (guint i = 0; account != NULL && params->regions[i] != NULL; i++)
        clouds_refresh_image(context->services->clouds, account, params->regions[i], pattern, context->cancel, NULL);
}

static gboolean is_of_package(const Image *image, const char *package) {
    g_auto(AppVersion) version = {0};
    const char *text = json_get_string(json_root(image->tags), "appversion");
    return text != NULL && appversion_parse(text, &version) && g_strcmp0(version.package, package) == 0;
}

/* If any says that it holds just this package, only those count. */
static gboolean any_of_package(const GPtrArray *images, const char *package) {
    for (guint i = 0; i < images->len; i++)
        if (is_of_package(((const InventoryObject *)images->pdata[i])->record, package))
            return TRUE;
    return FALSE;
}

static const InventoryObject *first_of_region(const GPtrArray *images, const char *region, const char *package) {
    for (guint i = 0; i < images->len; i++) {
        const InventoryObject *object = images->pdata[i];
        if (g_strcmp0(object->region, region) == 0 && (package == NULL || is_of_package(object->record, package)))
            return object;
    }
    return NULL;
}

static void warn_of_many(TaskContext *context, guint count) {
    if (count < MANY_IMAGES)
        return;
    g_autofree char *text = g_strdup_printf("%u images match; more tags would tell them apart better", count);
    const char *const texts[] = {text, NULL};
    g_autoptr(Json) warnings = json_from_strings(texts);
    task_set_context_json(context, "warnings", warnings);
}

static Status find_by_tags(TaskContext *context, GError **error) {
    const FindParams *params = context->params;
    const char *cloud = cloud_of(context->stage);
    read_newest(context, params);
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(context->services->clouds));
    ImageWish wish = {.cloud = cloud, .account = params->owner, .part = params->package, .tags = json_root(params->tags)};
    g_autoptr(GPtrArray) images = images_matching(snapshot, &wish);
    const char *package = any_of_package(images, params->package) ? params->package : NULL;
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    for (guint i = 0; params->regions[i] != NULL; i++) {
        const InventoryObject *object = first_of_region(images, params->regions[i], package);
        const Image *image = object != NULL ? object->record : NULL;
        if (image != NULL)
            g_ptr_array_add(found, image_details(cloud, object->region, image->id, image->name, NULL, image));
    }
    if (found->len == 0) {
        g_autofree char *tags = json_write(json_root(params->tags), NULL);
        g_autofree char *where = g_strjoinv(", ", params->regions);
        error_set(error, ERR_NOT_FOUND, "Could not find tagged image for package: %s and tags: %s in %s (cloud %s)", params->package, tags,
                  where, cloud);
        return STATUS_TERMINAL;
    }
    warn_of_many(context, images->len);
    images_publish(context, cloud, found);
    return STATUS_SUCCEEDED;
}

const StageType stage_find_image_from_tags = {
    .type = "findImageFromTags",
    .label = "Find image from tags",
    .help = "Finds the newest image of a package that carries tags, for the stages behind it.",
    .params = find_params,
    .params_size = sizeof(FindParams),
    .tasks = (const TaskDefinition[]){{.name = "findImage",
                                       .run = find_by_tags,
                                       .timeout_ms = FIND_TIMEOUT_MS,
                                       .backoff_ms = FIND_BACKOFF_MS,
                                       .overridable_timeout = TRUE},
                                      {0}},
    .dry_run_is_real = dry_run_always_real,
};
