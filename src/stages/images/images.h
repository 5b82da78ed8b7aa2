/* Images as stages find, publish and tag them (stages.md 6.4, deploy-strategies.md 9). Runs in a worker. */
#pragma once
#include "stages/operation_stage.h"

/* The account that images are made in, as the configuration says (default.bake.account, bakeAccount); NULL: it does not. Caller frees. */
char *images_bake_account(Services *services);

/* One image for the stages behind: {ami, imageId, imageName, cloudProvider, refId, sourceServerGroup, region, tags, buildInfo, and its
 * attributes}. image NULL: only id and name are known; source NULL: not found by a server group. Pure; caller unrefs. */
Json *image_details(const char *cloud, const char *location, const char *id, const char *name, const char *source, const Image *image);
/* Publishes details (of Json *): context amiDetails and artifacts (<cloud>/image), output deploymentDetails. */
void images_publish(TaskContext *context, const char *cloud, const GPtrArray *found);

/* Which images: every condition that is given must hold. */
typedef struct {
    const char *cloud;     /* or NULL */
    const char *account;   /* or NULL */
    const char *region;    /* or NULL */
    const char *name;      /* the whole name, or NULL */
    const char *part;      /* a part of the name, or NULL */
    const char *id;        /* or NULL */
    const JsonValue *tags; /* {key: value}, in any case; or NULL */
} ImageWish;
/* All that the inventory knows, newest first: array of InventoryObject with Image records; caller unrefs. */
GPtrArray *images_matching(const InventorySnapshot *snapshot, const ImageWish *wish);
gboolean image_has_tags(const Image *image, const JsonValue *tags);
