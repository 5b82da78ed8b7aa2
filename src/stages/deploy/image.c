/* Which image a deployment takes: of the nearest stage before it that made or found one for its region (deploy-strategies.md 9). Pure. */
#include "stages/deploy/deployment.h"

const char *image_id(const JsonValue *image) {
    static const char *const KEYS[] = {"ami", "imageId", "imageName"};
    for (guint i = 0; i < G_N_ELEMENTS(KEYS); i++) {
        const char *id = json_get_string(image, KEYS[i]);
        if (id != NULL)
            return id;
    }
    return NULL;
}

static gboolean fits(const JsonValue *image, const char *region, const char *cloud) {
    const char *where = json_get_string(image, "region"), *whose = json_get_string(image, "cloudProvider");
    whose = whose != NULL ? whose : json_get_string(image, "cloudProviderType");
    gboolean here = where != NULL && (strcmp(where, region) == 0 || strcmp(where, "global") == 0);
    return here && (whose == NULL || strcmp(whose, cloud) == 0) && image_id(image) != NULL;
}

static const JsonValue *fitting(const JsonValue *images, const char *region, const char *cloud) {
    for (JsonIter i = json_iter(json_is_array(images) ? images : NULL); json_next(&i);)
        if (fits(i.value, region, cloud))
            return i.value;
    return NULL;
}

/* Of one stage: what it says of itself, then what it published. */
static const JsonValue *image_of_stage(const Stage *stage, const char *region, const char *cloud) {
    const JsonValue *context = deploy_context(stage);
    if (json_get_string(context, "ami") != NULL && fits(context, region, cloud))
        return context;
    const JsonValue *image = fitting(json_get(context, "amiDetails"), region, cloud);
    if (image == NULL)
        image = fitting(json_get(json_root(stage->outputs), "deploymentDetails"), region, cloud);
    return image != NULL ? image : fitting(json_get(context, "deploymentDetails"), region, cloud);
}

const JsonValue *image_for_region(const Execution *execution, const Stage *stage, const char *region, const char *cloud) {
    g_autoptr(GPtrArray) ancestors = stage_ancestors(execution, stage);
    for (guint i = 0; i < ancestors->len; i++) {
        const JsonValue *image = image_of_stage(ancestors->pdata[i], region, cloud);
        if (image != NULL)
            return image;
    }
    return NULL;
}
