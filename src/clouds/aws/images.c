/* Machine images: own and shared ones every time, public ones once an hour and only if configured. */
#include "base/clock.h"
#include "clouds/aws/failure.h"
#include "clouds/aws/reader.h"

#define PUBLIC_IMAGES_MS (60 * 60 * 1000)

/* ---- the record ---- */

static Json *attributes_of(const JsonValue *raw) {
    return json_pack("{s:v, s:v, s:v}", "creationDate", json_get(raw, "creationDate"), "virtualizationType",
                     json_get(raw, "virtualizationType"), "architecture", json_get(raw, "architecture"));
}

void aws_image_add(const AwsReader *reader, const Json *document, GPtrArray *objects) {
    const JsonValue *raw = json_root(document);
    const char *id = json_get_string(raw, "imageId"), *created = json_get_string(raw, "creationDate");
    if (!id)
        return;
    Image *image = g_new0(Image, 1);
    image->id = g_strdup(id);
    image->name = g_strdup(json_get_string(raw, "name"));
    image->account = g_strdup(reader->account->base.name);
    image->region = g_strdup(reader->region);
    image->cloud = g_strdup("aws");
    image->owner = g_strdup(json_get_string(raw, "ownerId"));
    image->created_ms = created ? MAX(clock_parse_iso8601(created), 0) : 0;
    image->tags = aws_tags_object(json_get(raw, "tags"));
    image->attributes = attributes_of(raw);
    aws_objects_add(objects, aws_object_new(reader, KIND_IMAGE, id), json_ref((Json *)document), image, (GDestroyNotify)image_free);
}

/* ---- reading ---- */

static gboolean read_images(const AwsReader *reader, const char *is_public, GPtrArray *objects, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_IMAGES);
    aws_query_add_filter(query, "is-public", is_public);
    char **states = reader->account->settings->aws.image_states;
    if (states && states[0])
        aws_query_add_filter_list(query, "state", (const char *const *)states);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    if (!aws_read_documents(reader, query, AWS_SHAPE_EC2, found, error))
        return FALSE;
    for (guint i = 0; i < found->len; i++)
        aws_image_add(reader, found->pdata[i], objects);
    return TRUE;
}

static gboolean keep_public(const InventoryObject *object, gpointer data) {
    if (json_get_bool(json_root(object->document), "public", FALSE))
        g_ptr_array_add(data, inventory_object_ref((InventoryObject *)object));
    return TRUE;
}

/* Public ones that are known stay until their hour is over. */
static gboolean add_public(const AwsReader *reader, GPtrArray *objects, GError **error) {
    AwsAccount *account = reader->account;
    gint64 now_ms = clock_elapsed_ms();
    g_mutex_lock(&account->lock);
    const gint64 *read_ms = g_hash_table_lookup(account->public_images_read, reader->region);
    gboolean due = !read_ms || now_ms - *read_ms >= PUBLIC_IMAGES_MS;
    g_mutex_unlock(&account->lock);
    if (!due) {
        g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(reader->inventory);
        inventory_each(snapshot, account->base.name, KIND_IMAGE, reader->region, keep_public, objects);
        return TRUE;
    }
    if (!read_images(reader, "true", objects, error))
        return FALSE;
    gint64 *when = g_new(gint64, 1);
    *when = now_ms;
    g_mutex_lock(&account->lock);
    g_hash_table_replace(account->public_images_read, g_strdup(reader->region), when);
    g_mutex_unlock(&account->lock);
    return TRUE;
}

gboolean aws_agent_images(AgentContext *context, GError **error) {
    AwsReader reader = aws_reader(context->account, context->region, context->inventory, context->cancel);
    g_autoptr(GPtrArray) objects = aws_objects_new();
    if (!read_images(&reader, "false", objects, error))
        return FALSE;
    if (reader.account->settings->aws.public_images && !add_public(&reader, objects, error))
        return FALSE;
    aws_publish(&reader, KIND_IMAGE, objects);
    return TRUE;
}

gboolean aws_image_refresh(const AwsReader *reader, const char *id_or_name, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_IMAGES);
    aws_query_about(query, id_or_name);
    aws_query_add_filter(query, g_str_has_prefix(id_or_name, "ami-") ? "image-id" : "name", id_or_name);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref), objects = aws_objects_new();
    if (!aws_read_documents(reader, query, AWS_SHAPE_EC2, found, error))
        return FALSE;
    for (guint i = 0; i < found->len; i++)
        aws_image_add(reader, found->pdata[i], objects);
    for (guint i = 0; i < objects->len; i++)
        inventory_put(reader->inventory, objects->pdata[i]);
    if (objects->len)
        return TRUE;
    if (g_str_has_prefix(id_or_name, "ami-"))
        inventory_remove(reader->inventory, reader->account->base.name, KIND_IMAGE, reader->region, id_or_name, reader->began_ms);
    error_set(error, ERR_NOT_FOUND, "image %s in %s (account %s) does not exist", id_or_name, reader->region, reader->account->base.name);
    return FALSE;
}
