/* What goes before a createServerGroup of AWS: an image of one account is allowed to be launched by another (deploy-strategies.md 9). */
#include "clouds/aws/account.h"
#include "clouds/aws/aws.h"
#include <string.h>

/* The account images are baked in, as the orchestrator's or the bakery's configuration names it; NULL: none. Borrowed from config. */
static const char *bake_account(const Config *config) {
    const char *account = config_get_string(config, SERVICE_ORCA, "default.bake.account");
    return account ? account : config_get_string(config, SERVICE_ROSCO, "bakeAccount");
}

/* ---- without configuration: who owns the image? ---- */

typedef struct {
    const char *image; /* name or id */
    const Account *target;
    const char *owner; /* borrowed from the snapshot */
    gboolean target_owns;
} OwnerSearch;

static gboolean consider(const InventoryObject *object, gpointer data) {
    OwnerSearch *search = data;
    const Image *image = object->record;
    if (!image || (g_strcmp0(image->name, search->image) && strcmp(image->id, search->image)))
        return TRUE;
    const char *own_id = aws_account((Account *)search->target)->account_id;
    search->target_owns = search->target_owns || !g_strcmp0(image->owner, own_id);
    if (!search->owner && image->owner)
        search->owner = image->owner;
    return TRUE;
}

/* The account of ours that owns the image, when it is not the target; caller unrefs. */
static Account *owner_of(Clouds *clouds, const Account *target, const char *region, const char *image) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(clouds));
    OwnerSearch search = {image, target, NULL, FALSE};
    inventory_each(snapshot, NULL, KIND_IMAGE, region, consider, &search);
    return search.owner && !search.target_owns ? aws_account_by_id(clouds, search.owner) : NULL;
}

/* ---- the operations ---- */

static void add_allow_launch(JsonBuilder *operations, const char *owner, const char *target, const char *region, const char *image) {
    g_autoptr(Json) allow = json_pack("{s:{s:s, s:s, s:s, s:s}}", "allowLaunchDescription", "account", target, "credentials", owner,
                                      "region", region, "amiName", image);
    json_add_json(operations, NULL, allow);
}

static gboolean prepare_region(Clouds *clouds, const Account *target, const char *baked_in, const char *region, const char *image,
                               JsonBuilder *operations, GError **error) {
    if (baked_in && !image) {
        error_set(error, ERR_INVALID,
                  "No AMI found for %s. Make sure an upstream stage bakes or finds an image for that region, or name one (amiName).",
                  region);
        return FALSE;
    }
    g_autoptr(Account) owner = baked_in || !image ? NULL : owner_of(clouds, target, region, image);
    if (baked_in || owner)
        add_allow_launch(operations, baked_in ? baked_in : owner->name, target->name, region, image);
    return TRUE;
}

gboolean aws_prepare_create(Clouds *clouds, Account *account, const JsonValue *description, JsonBuilder *operations, GError **error) {
    g_autoptr(Config) config = clouds_config(clouds);
    const char *baked_in = bake_account(config), *image = json_get_string(description, "amiName");
    if (baked_in && !strcmp(baked_in, account->name))
        return TRUE;
    for (JsonIter i = json_iter(json_get(description, "availabilityZones")); json_next(&i);)
        if (!prepare_region(clouds, account, baked_in, i.key, image, operations, error))
            return FALSE;
    return TRUE;
}
