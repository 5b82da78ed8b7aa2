/* Finding and publishing images (images.h). */
#include "stages/images/images.h"
#include <string.h>

char *images_bake_account(Services *services) {
    g_autoptr(Config) config = services_config(services);
    const char *account = config_get_string(config, SERVICE_ORCA, "default.bake.account");
    return g_strdup(account != NULL ? account : config_get_string(config, SERVICE_ROSCO, "bakeAccount"));
}

Json *image_details(const char *cloud, const char *location, const char *id, const char *name, const char *source, const Image *image) {
    g_autoptr(JsonBuilder) build = json_builder_new();
    json_begin_object(build, NULL);
    if (image != NULL)
        image_add_build(build, "buildInfo", image);
    json_end_object(build);
    g_autoptr(Json) contents = json_builder_end(build);
    g_autoptr(Json) base = json_merge(image != NULL ? json_root(image->attributes) : NULL, json_root(contents));
    g_autoptr(Json) own = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:v}", "ami", id, "imageId", id, "imageName", name,
                                    "cloudProvider", cloud, "refId", id, "sourceServerGroup", source, "region", location, "tags",
                                    image != NULL ? json_root(image->tags) : NULL);
    return json_merge(json_root(base), json_root(own));
}

void images_publish(TaskContext *context, const char *cloud, const GPtrArray *found) {
    g_autofree char *type = g_strconcat(cloud, "/image", NULL);
    g_autoptr(JsonBuilder) details = json_builder_new();
    g_autoptr(JsonBuilder) artifacts = json_builder_new();
    json_begin_array(details, NULL);
    json_begin_array(artifacts, NULL);
    for (guint i = 0; i < found->len; i++) {
        const JsonValue *image = json_root(found->pdata[i]);
        json_add_value(details, NULL, image);
        g_autoptr(Json) artifact = json_pack("{s:s, s:v, s:v, s:v, s:{s:v, s:v}}", "type", type, "name", json_get(image, "imageName"),
                                             "reference", json_get(image, "imageId"), "location", json_get(image, "region"), "metadata",
                                             "serverGroup", json_get(image, "sourceServerGroup"), "build", json_get(image, "buildInfo"));
        json_add_json(artifacts, NULL, artifact);
    }
    json_end_array(details);
    json_end_array(artifacts);
    g_autoptr(Json) list = json_builder_end(details);
    g_autoptr(Json) made = json_builder_end(artifacts);
    task_set_context_json(context, "amiDetails", list);
    task_set_context_json(context, "artifacts", made);
    task_set_output_json(context, "deploymentDetails", list);
}

/* ---- searching ---- */

static gboolean has_tag(const JsonValue *tags, const char *key, const char *value) {
    for (JsonIter i = json_iter(tags); json_next(&i);) {
        g_autofree char *text = json_as_text(i.value);
        if (g_ascii_strcasecmp(i.key, key) == 0 && text != NULL && g_ascii_strcasecmp(text, value) == 0)
            return TRUE;
    }
    return FALSE;
}

gboolean image_has_tags(const Image *image, const JsonValue *tags) {
    for (JsonIter i = json_iter(tags); json_next(&i);) {
        g_autofree char *value = json_as_text(i.value);
        if (!has_tag(json_root(image->tags), i.key, value != NULL ? value : ""))
            return FALSE;
    }
    return TRUE;
}

typedef struct {
    const ImageWish *wish;
    GPtrArray *found;
} Search;

static gboolean consider(const InventoryObject *object, gpointer data) {
    const Search *search = data;
    const ImageWish *wish = search->wish;
    const Image *image = object->record;
    if (image == NULL || (wish->cloud != NULL && g_strcmp0(image->cloud, wish->cloud) != 0) ||
        (wish->id != NULL && g_strcmp0(image->id, wish->id) != 0) || (wish->name != NULL && g_strcmp0(image->name, wish->name) != 0) ||
        (wish->part != NULL && (image->name == NULL || strstr(image->name, wish->part) == NULL)) || !image_has_tags(image, wish->tags))
        return TRUE;
    g_ptr_array_add(search->found, inventory_object_ref((InventoryObject *)object));
    return TRUE;
}

static gint newest_first(gconstpointer left, gconstpointer right) {
    const InventoryObject *a = *(const InventoryObject *const *)left, *b = *(const InventoryObject *const *)right;
    const Image *one = a->record, *other = b->record;
    if (one->created_ms != other->created_ms)
        return one->created_ms > other->created_ms ? -1 : 1;
    return g_strcmp0(one->id, other->id);
}

GPtrArray *images_matching(const InventorySnapshot *snapshot, const ImageWish *wish) {
    GPtrArray *found = g_ptr_array_new_with_free_func((GDestroyNotify)inventory_object_unref);
    Search search = {wish, found};
    inventory_each(snapshot, wish->account, KIND_IMAGE, wish->region, consider, &search);
    g_ptr_array_sort(found, newest_first);
    return found;
}
