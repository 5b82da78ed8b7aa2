/* `upsertImageTags`: tags images, and hands the tags on to every account that sees them (stages.md 6.4, aws.md 10). Runs in a worker. */
#include "stages/deploy/deployment.h"
#include "stages/images/images.h"
#include <string.h>

#define WAIT_TIMEOUT_MS 1800000
#define ALLOW_LAUNCH "allowLaunchDescription" /* also makes the tags of an account that sees an image those of its owner */

typedef struct {
    char *credentials, *provider;
    char **names, **regions;
    Json *tags;
} TagParams;
#define TAG_PARAM(key, kind, member, ...)                                                                                                  \
    { .name = (key), .type = (kind), .offset = offsetof(TagParams, member), __VA_ARGS__ }
static const Param tag_params[] = {
    TAG_PARAM("imageNames", PARAM_STRINGS, names, .help = "Names of the images; those that stages before this one made when absent."),
    TAG_PARAM("tags", PARAM_JSON, tags, .required = TRUE, .help = "{key: value}; those that a bake sets by itself are left as they are."),
    TAG_PARAM("regions", PARAM_STRINGS, regions, .help = "Where; wherever the images are when absent."),
    TAG_PARAM("credentials", PARAM_STRING, credentials, .help = "The account that tags, when no bake account is configured."),
    TAG_PARAM("cloudProvider", PARAM_STRING, provider, .help = "The cloud; that of the account when absent."),
    {0},
};

/* Set by bakes; a person does not change them. */
static Json *settable(const JsonValue *tags) {
    static const char *const BUILT_IN[] = {"appversion", "base_ami_version", "build_host", "creation_time", "creator", NULL};
    return json_without(tags, BUILT_IN);
}

/* ---- which images ---- */

static void add_once(GPtrArray *texts, const char *text) {
    if (text != NULL && !g_ptr_array_find_with_equal_func(texts, text, g_str_equal, NULL))
        g_ptr_array_add(texts, g_strdup(text));
}

static void add_ids(GPtrArray *ids, const JsonValue *images) {
    for (JsonIter i = json_iter(json_is_array(images) ? images : NULL); json_next(&i);)
        add_once(ids, image_id(i.value));
}

/* Names of the images of the nearest stage before this one that made or found some. */
static void add_upstream(TaskContext *context, const InventorySnapshot *snapshot, GPtrArray *names) {
    g_autoptr(GPtrArray) ancestors = stage_ancestors(context->execution, context->stage);
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < ancestors->len && ids->len == 0; i++) {
        const Stage *stage = ancestors->pdata[i];
        add_once(ids, json_get_string(deploy_context(stage), "ami"));
        add_once(ids, json_get_string(deploy_context(stage), "imageId"));
        add_ids(ids, json_get(deploy_context(stage), "amiDetails"));
        add_ids(ids, json_get(json_root(stage->outputs), "deploymentDetails"));
    }
    for (guint i = 0; i < ids->len; i++) {
        ImageWish wish = {.id = ids->pdata[i]};
        g_autoptr(GPtrArray) known = images_matching(snapshot, &wish);
        const Image *image = known->len > 0 ? ((const InventoryObject *)known->pdata[0])->record : NULL;
        add_once(names, image != NULL ? image->name : ids->pdata[i]);
    }
}

static GPtrArray *names_of(TaskContext *context, GError **error) {
    const TagParams *params = context->params;
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; params->names != NULL && params->names[i] != NULL; i++)
        add_once(names, params->names[i]);
    add_once(names, json_get_string(deploy_context(context->stage), "imageName"));
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(context->services->clouds));
    if (names->len == 0)
        add_upstream(context, snapshot, names);
    if (names->len > 0)
        return names;
    error_set(error, ERR_INVALID, "%s: imageNames: required, no stage before this one made or found an image", context->stage->type);
    g_ptr_array_unref(names);
    return NULL;
}

/* Who tags. NULL with error. Caller frees. */
static char *tagging_account(TaskContext *context, GError **error) {
    char *account = images_bake_account(context->services);
    if (account == NULL)
        account = g_strdup(deploy_account(context->execution, context->stage));
    if (account == NULL)
        error_set(error, ERR_INVALID, "%s: no bake account is configured (default.bake.account): credentials: required",
                  context->stage->type);
    return account;
}

/* ---- what is sent ---- */

/* Where one image is. */
typedef struct {
    const char *name;
    GPtrArray *accounts, *regions; /* of char * */
} Target;

static void target_free(gpointer data) {
    Target *target = data;
    g_ptr_array_unref(target->accounts);
    g_ptr_array_unref(target->regions);
    g_free(target);
}

static gboolean is_wanted(const TagParams *params, const char *region) {
    return params->regions == NULL || params->regions[0] == NULL || g_strv_contains((const char *const *)params->regions, region);
}

/* NULL with error when nobody sees such an image. */
static Target *target_of(TaskContext *context, const char *name, const char *cloud, GError **error) {
    const TagParams *params = context->params;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(context->services->clouds));
    ImageWish wish = {.cloud = cloud, .name = name};
    g_autoptr(GPtrArray) images = images_matching(snapshot, &wish);
    Target *target = g_new0(Target, 1);
    *target = (Target){name, g_ptr_array_new_with_free_func(g_free), g_ptr_array_new_with_free_func(g_free)};
    for (guint i = 0; i < images->len; i++) {
        const InventoryObject *object = images->pdata[i];
        if (!is_wanted(params, object->region))
            continue;
        add_once(target->accounts, object->account);
        add_once(target->regions, object->region);
    }
    if (target->regions->len > 0)
        return target;
    error_set(error, ERR_NOT_FOUND, "%s: unable to find image %s%s", context->stage->type, name,
              images->len > 0 ? " in the regions of the stage" : "");
    target_free(target);
    return NULL;
}

/* Reads the image live where it will be tagged, so that one just made is known. */
static void read_live(TaskContext *context, const char *account_name, const char *name) {
    const TagParams *params = context->params;
    g_autoptr(Account) account = clouds_account(context->services->clouds, account_name, NULL);
    for (guint i = 0; account != NULL && account->regions[i] != NULL; i++)
        if (is_wanted(params, account->regions[i]))
            clouds_refresh_image(context->services->clouds, account_name, account->regions[i], name, context->cancel, NULL);
}

static void add_tag_operation(JsonBuilder *builder, const Target *target, const char *account, const JsonValue *tags) {
    json_begin_object(builder, NULL);
    json_begin_object(builder, "upsertImageTags");
    json_add_string(builder, "credentials", account);
    json_add_string(builder, "amiName", target->name);
    json_add_value(builder, "tags", tags);
    json_begin_array(builder, "regions");
    for (guint i = 0; i < target->regions->len; i++)
        json_add_string(builder, NULL, target->regions->pdata[i]);
    json_end_array(builder);
    json_end_object(builder);
    json_end_object(builder);
}

/* Accounts that see a shared image have tags of their own on it. */
static void add_propagation(JsonBuilder *builder, const Target *target, const char *account) {
    for (guint i = 0; i < target->accounts->len; i++)
        for (guint k = 0; strcmp(target->accounts->pdata[i], account) != 0 && k < target->regions->len; k++) {
            g_autoptr(Json) one = json_pack("{s:{s:s, s:s, s:s, s:s}}", ALLOW_LAUNCH, "account", target->accounts->pdata[i], "credentials",
                                            account, "region", target->regions->pdata[k], "amiName", target->name);
            json_add_json(builder, NULL, one);
        }
}

static void add_texts(JsonBuilder *builder, const char *key, const GPtrArray *texts) {
    json_begin_array(builder, key);
    for (guint i = 0; i < texts->len; i++)
        json_add_string(builder, NULL, texts->pdata[i]);
    json_end_array(builder);
}

/* What the wait and people look at: [{imageName, accounts, regions}]. */
static void note_targets(TaskContext *context, const GPtrArray *targets) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < targets->len; i++) {
        const Target *target = targets->pdata[i];
        json_begin_object(builder, NULL);
        json_add_string(builder, "imageName", target->name);
        add_texts(builder, "accounts", target->accounts);
        add_texts(builder, "regions", target->regions);
        json_end_object(builder);
    }
    json_end_array(builder);
    g_autoptr(Json) list = json_builder_end(builder);
    task_set_context_json(context, "targets", list);
}

static GPtrArray *targets_of(TaskContext *context, const GPtrArray *names, const char *account, const char *cloud, GError **error) {
    g_autoptr(GPtrArray) targets = g_ptr_array_new_with_free_func(target_free);
    for (guint i = 0; i < names->len; i++) {
        read_live(context, account, names->pdata[i]);
        Target *target = target_of(context, names->pdata[i], cloud, error);
        if (target == NULL)
            return NULL;
        g_ptr_array_add(targets, target);
    }
    return g_steal_pointer(&targets);
}

static Status tag(TaskContext *context, GError **error) {
    const TagParams *params = context->params;
    g_autofree char *account = tagging_account(context, error);
    g_autoptr(Account) known = account != NULL ? clouds_account(context->services->clouds, account, error) : NULL;
    g_autoptr(GPtrArray) names = known != NULL ? names_of(context, error) : NULL;
    g_autoptr(GPtrArray) targets = names != NULL ? targets_of(context, names, account, known->cloud->id, error) : NULL;
    if (targets == NULL)
        return STATUS_TERMINAL;
    g_autoptr(Json) tags = settable(json_root(params->tags));
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < targets->len; i++) {
        add_tag_operation(builder, targets->pdata[i], account, json_root(tags));
        if (cloud_has_operation(known->cloud, ALLOW_LAUNCH))
            add_propagation(builder, targets->pdata[i], account);
    }
    json_end_array(builder);
    g_autoptr(Json) operations = json_builder_end(builder);
    note_targets(context, targets);
    return cloud_operation_start(context, account, json_root(operations), error) ? STATUS_SUCCEEDED : STATUS_TERMINAL;
}

/* ---- waiting ---- */

/* Everybody who sees the image sees the tags. */
static gboolean is_tagged(TaskContext *context, const JsonValue *target, const char *account, const char *region, const JsonValue *tags) {
    const char *name = json_get_string(target, "imageName");
    clouds_refresh_image(context->services->clouds, account, region, name, context->cancel, NULL);
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(context->services->clouds));
    ImageWish wish = {.account = account, .region = region, .name = name};
    g_autoptr(GPtrArray) images = images_matching(snapshot, &wish);
    for (guint i = 0; i < images->len; i++)
        if (!image_has_tags(((const InventoryObject *)images->pdata[i])->record, tags))
            return FALSE;
    return TRUE;
}

static Status wait_for_tagged(TaskContext *context, GError **error) {
    (void)error;
    const TagParams *params = context->params;
    g_autoptr(Json) tags = settable(json_root(params->tags));
    for (JsonIter i = json_iter(json_get(deploy_context(context->stage), "targets")); json_next(&i);)
        for (JsonIter account = json_iter(json_get(i.value, "accounts")); json_next(&account);)
            for (JsonIter region = json_iter(json_get(i.value, "regions")); json_next(&region);)
                if (!is_tagged(context, i.value, json_string(account.value), json_string(region.value), json_root(tags))) {
                    task_progress(context, "%s in %s (account %s) does not show its tags yet", json_get_string(i.value, "imageName"),
                                  json_string(region.value), json_string(account.value));
                    return STATUS_RUNNING;
                }
    return STATUS_SUCCEEDED;
}

const StageType stage_upsert_image_tags = {
    .type = "upsertImageTags",
    .label = "Tag image",
    .help = "Sets tags of images, in every account that sees them.",
    .params = tag_params,
    .params_size = sizeof(TagParams),
    .restart_drops = cloud_operation_restart_drops,
    .tasks = (const TaskDefinition[]){GROUP_OPERATION_TASK("upsertImageTags", tag),
                                      CLOUD_OPERATION_MONITOR("monitorUpsert"),
                                      {.name = "waitForTaggedImage",
                                       .run = wait_for_tagged,
                                       .timeout_ms = WAIT_TIMEOUT_MS,
                                       .backoff_ms = 500,
                                       .poll_after = deploy_poll_after,
                                       .overridable_timeout = TRUE},
                                      {0}},
};

/* ---- deleteImage, deleteSnapshot ---- */

typedef struct {
    char *credentials, *provider, *region;
    char **ids;
} DeleteParams;
#define DELETE_PARAM(key, kind, member, ...)                                                                                               \
    { .name = (key), .type = (kind), .offset = offsetof(DeleteParams, member), __VA_ARGS__ }
#define DELETE_PARAMS(key, words)                                                                                                          \
    DELETE_PARAM("credentials", PARAM_STRING, credentials, .help = "The account; account is taken as well."),                              \
        DELETE_PARAM("cloudProvider", PARAM_STRING, provider, .help = "The cloud; that of the account when absent."),                      \
        DELETE_PARAM("region", PARAM_STRING, region, .required = TRUE, .help = "Where."),                                                  \
        DELETE_PARAM(key, PARAM_STRINGS, ids, .required = TRUE, .help = words)
static const OperationStage delete_image_operation = {.operation = "deleteImage"},
                            delete_snapshot_operation = {.operation = "deleteSnapshot"};
OPERATION_STAGE_RUN(delete_image)
OPERATION_STAGE_RUN(delete_snapshot)

static const Param delete_image_params[] = {DELETE_PARAMS("imageIds", "Ids of the images."), {0}};
const StageType stage_delete_image = {
    .type = "deleteImage",
    .label = "Delete image",
    .help = "Deletes images.",
    .params = delete_image_params,
    .params_size = sizeof(DeleteParams),
    .restart_drops = cloud_operation_restart_drops,
    .tasks = (const TaskDefinition[]){GROUP_OPERATION_TASK("deleteImage", delete_image_run),
                                      CLOUD_OPERATION_MONITOR("monitorDeleteImage"),
                                      {0}},
};
static const Param delete_snapshot_params[] = {DELETE_PARAMS("snapshotIds", "Ids of the snapshots."), {0}};
const StageType stage_delete_snapshot = {
    .type = "deleteSnapshot",
    .label = "Delete snapshot",
    .help = "Deletes snapshots of disks.",
    .params = delete_snapshot_params,
    .params_size = sizeof(DeleteParams),
    .restart_drops = cloud_operation_restart_drops,
    .tasks = (const TaskDefinition[]){GROUP_OPERATION_TASK("deleteSnapshot", delete_snapshot_run),
                                      CLOUD_OPERATION_MONITOR("monitorDeleteSnapshot"),
                                      {0}},
};
