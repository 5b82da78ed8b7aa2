/* The image to start from, by its name: asked of the cloud, as a few tries apart make sense for one that was just made. */
#include "bake/internal.h"
#include <string.h>

#define TRIES 3
#define TRY_DELAY_MS 3000

typedef struct {
    const char *name, *virtualization;
    const Image *first, *newest;
} Search;

static gboolean visit(const InventoryObject *object, gpointer data) {
    Search *search = data;
    const Image *image = object->record;
    if (image == NULL || image->name == NULL || !g_pattern_match_simple(search->name, image->name))
        return TRUE;
    const char *type = json_get_string(json_root(image->attributes), "virtualizationType");
    if (type != NULL && g_ascii_strcasecmp(type, search->virtualization) != 0)
        return TRUE;
    if (search->first == NULL)
        search->first = image;
    if (search->newest == NULL || image->created_ms > search->newest->created_ms)
        search->newest = image;
    return TRUE;
}

static char *find(Clouds *clouds, const char *account, const char *region, Search *search, gboolean most_recent) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(clouds));
    search->first = search->newest = NULL;
    inventory_each(snapshot, account, KIND_IMAGE, region, visit, search);
    const Image *image = most_recent ? search->newest : search->first;
    return image != NULL ? g_strdup(image->id) : NULL;
}

char *bakery_find_image(gpointer data, const char *region, const char *name, const char *virtualization, gboolean most_recent,
                        GError **error) {
    Bakery *bakery = data;
    g_autoptr(BakeSettings) settings = bakery_settings(bakery);
    const char *account = bake_account(settings);
    g_autofree char *last = NULL;
    for (guint tries = 0; bakery->clouds != NULL && account != NULL && tries < TRIES; tries++) {
        if (tries > 0 && cancel_wait(bakery->stop, TRY_DELAY_MS))
            break;
        g_autoptr(GError) failed = NULL;
        if (!clouds_refresh_image(bakery->clouds, account, region, name, bakery->stop, &failed)) {
            g_free(last);
            last = g_strdup(failed != NULL ? failed->message : NULL);
        }
        Search search = {.name = name, .virtualization = virtualization};
        char *id = find(bakery->clouds, account, region, &search, most_recent);
        if (id != NULL)
            return id;
    }
    if (account == NULL)
        error_set(error, ERR_INVALID, "source image %s in %s: bakeAccount is not set, so it cannot be looked up by its name", name, region);
    else
        error_set(error, ERR_INVALID, "source image %s (%s) in %s, account %s: no such image%s%s", name, virtualization, region, account,
                  last != NULL ? "; " : "", last != NULL ? last : "");
    return NULL;
}
