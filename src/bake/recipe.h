/* From a request to what packer is told (bake.md 2, 4-6). Pure but for the look-up of the source image. Any thread. */
#pragma once
#include "bake/settings.h"

/* Finds the id of the image of a name. NULL with error. */
typedef char *(*BakeFindImage)(gpointer data, const char *region, const char *name, const char *virtualization, gboolean most_recent,
                               GError **error);
typedef struct {
    const BakeSettings *settings;
    const char *region;
    const JsonValue *request;
    gint64 now_ms;
    BakeFindImage find_image;
    gpointer data;
} BakeOrder;

typedef struct {
    char *image_name, *base_ami, *template, *var_file;
    Json *variables; /* object of texts */
} BakeRecipe;
void bake_recipe_clear(BakeRecipe *recipe);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BakeRecipe, bake_recipe_clear)

/* ERR_INVALID: no such cloud, base image, virtualization settings, source image. */
gboolean bake_recipe_make(const BakeOrder *order, BakeRecipe *into, GError **error);
/* What two requests that share an image have in common; caller frees. */
char *bake_key(const BakeSettings *settings, const char *region, const JsonValue *request);
/* The request's cloud; NULL with ERR_INVALID when it is not one of ours. Borrowed. */
const char *bake_cloud(const BakeSettings *settings, const JsonValue *request, GError **error);
