/* Images of the simulated cloud (aws.md 10): letting an account launch one, tags, removal. */
#include "clouds/simulator/operations/operations.h"

typedef struct {
    char *region, *name;
    char **regions;
    Json *tags;
} ImageParams;

#define NAME(HELP)                                                                                                                         \
    {                                                                                                                                      \
        .name = "amiName", .type = PARAM_STRING, .offset = offsetof(ImageParams, name), .required = TRUE,                                  \
        .aliases = (const char *const[]){"imageName", "imageId", NULL}, .help = HELP                                                       \
    }
static const Param launch_params[] = {
    {.name = "region", .type = PARAM_STRING, .offset = offsetof(ImageParams, region), .required = TRUE, .help = "Region of the image."},
    NAME("Name or id of the image."),
    {0},
};
static const Param tag_params[] = {
    NAME("Name of the image."),
    {.name = "regions", .type = PARAM_STRINGS, .offset = offsetof(ImageParams, regions), .help = "Regions in which to tag it."},
    {.name = "tags", .type = PARAM_JSON, .offset = offsetof(ImageParams, tags), .required = TRUE, .help = "Tags to set: {key: value}."},
    {0},
};
static const Param delete_params[] = {
    {.name = "region", .type = PARAM_STRING, .offset = offsetof(ImageParams, region), .help = "Region of the image."},
    NAME("Name or id of the image."),
    {0},
};

/* Every account may launch every image; what is told is which one that is. In a lenient world an unknown one is made. */
static gboolean allow_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const ImageParams *asked = operation_params(operation);
    const char *account = operation_account(operation)->name;
    gint64 now_ms = 0;
    SimulatorRoom *room = operation_room(operation);
    SimulatedWorld *world = simulator_enter(room, &now_ms);
    const SimulatedImage *image = world_image(world, account, asked->region, asked->name);
    if (image == NULL && world_is_lenient(world))
        image = world_image_add(world, asked->name, asked->name, account, NULL, NULL, NULL, now_ms, NULL);
    g_autofree char *id = image != NULL ? g_strdup(image->id) : NULL;
    simulator_leave(room);
    if (id == NULL) {
        error_set(error, ERR_NOT_FOUND, "allow launch of image %s in %s (account %s): there is no such image", asked->name, asked->region,
                  account);
        return FALSE;
    }
    operation_fact_set_string(operation, "image", id);
    return TRUE;
}

static void allow_finish(Operation *operation) {
    const ImageParams *asked = operation_params(operation);
    const struct {
        const char *key, *text;
    } results[] = {{"amiName", asked->name},
                   {"region", asked->region},
                   {"amiId", operation_fact_string(operation, "image")},
                   {"virtualizationType", "hvm"},
                   {"architecture", "x86_64"}};
    for (gsize i = 0; i < G_N_ELEMENTS(results); i++) {
        g_autoptr(Json) text = json_from_string(results[i].text);
        operation_result_set(operation, results[i].key, json_root(text));
    }
}

static gboolean tag_in(Operation *operation, SimulatedWorld *world, guint item, gint64 now_ms, gconstpointer data, GError **error) {
    (void)item, (void)now_ms, (void)data;
    const ImageParams *asked = operation_params(operation);
    const char *account = operation_account(operation)->name;
    SimulatedImage *image = world_image(world, account, NULL, asked->name);
    if (image == NULL && world_is_lenient(world))
        image = world_image_add(world, asked->name, asked->name, account, NULL, NULL, NULL, now_ms, error);
    if (image == NULL) {
        error_set(error, ERR_NOT_FOUND, "tag image %s (account %s): there is no such image", asked->name, account);
        return FALSE;
    }
    world_image_tag(world, image, json_root(asked->tags));
    return TRUE;
}

static gboolean tag_act(Operation *operation, guint item, GError **error) {
    const ImageParams *asked = operation_params(operation);
    return simulator_write(operation, "upsertImageTags", asked->regions != NULL ? asked->regions[0] : NULL, asked->name, item, tag_in, NULL,
                           error);
}

static gboolean delete_in(Operation *operation, SimulatedWorld *world, guint item, gint64 now_ms, gconstpointer data, GError **error) {
    (void)item, (void)now_ms, (void)data, (void)error;
    const ImageParams *asked = operation_params(operation);
    world_image_remove(world, asked->name);
    return TRUE;
}

static gboolean delete_act(Operation *operation, guint item, GError **error) {
    const ImageParams *asked = operation_params(operation);
    return simulator_write(operation, "deleteImage", asked->region, asked->name, item, delete_in, NULL, error);
}

extern const CloudOperation simulator_allow_launch, simulator_upsert_image_tags, simulator_delete_image;
const CloudOperation simulator_allow_launch = {
    .name = "allowLaunchDescription",
    .aliases = (const char *const[]){"allowLaunch", NULL},
    .help = "Finds the image that an account is to launch.",
    .account_is_target = TRUE,
    .params = launch_params,
    .params_size = sizeof(ImageParams),
    .steps = (const OperationStep[]){{.name = "find the image", .act = allow_act, .repeat = REPEAT_READ}, {0}},
    .finish = allow_finish,
};
const CloudOperation simulator_upsert_image_tags = {
    .name = "upsertImageTags",
    .aliases = (const char *const[]){"upsertAmiTagsDescription", "upsertAmiTags", NULL},
    .help = "Sets tags of an image.",
    .params = tag_params,
    .params_size = sizeof(ImageParams),
    .steps = (const OperationStep[]){{.name = "tag image", .act = tag_act, .repeat = REPEAT_IDEMPOTENT}, {0}},
};
const CloudOperation simulator_delete_image = {
    .name = "deleteImage",
    .aliases = (const char *const[]){"deleteImageDescription", NULL},
    .help = "Deletes an image.",
    .params = delete_params,
    .params_size = sizeof(ImageParams),
    .steps = (const OperationStep[]){{.name = "delete image", .act = delete_act, .repeat = REPEAT_IDEMPOTENT}, {0}},
};
