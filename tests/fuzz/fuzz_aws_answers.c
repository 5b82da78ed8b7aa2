/* Answers of AWS: whatever XML a describe call brings, it becomes documents and inventory objects, and these can be served, or nothing. */
#include "clouds/aws/reader.h"
#include "clouds/aws/views.h"
#include "clouds/image_search.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void add_all(const AwsReader *reader, const XmlNode *node, GPtrArray *groups, GPtrArray *instances, GPtrArray *images) {
    g_autoptr(Json) query = aws_document(node, AWS_SHAPE_QUERY);
    g_autoptr(Json) ec2 = aws_document(node, AWS_SHAPE_EC2);
    g_autofree char *purpose = NULL, *target = NULL;
    aws_subnet_purpose(json_root(ec2), &purpose, &target);
    aws_group_add(reader, query, json_root(ec2), NULL, groups);
    aws_instance_add(reader, ec2, NULL, instances);
    aws_image_add(reader, ec2, images);
}

/* Each element that could be an item. */
static void visit(const AwsReader *reader, const XmlNode *node, GPtrArray *groups, GPtrArray *instances, GPtrArray *images, guint *left) {
    if (!*left)
        return;
    --*left;
    add_all(reader, node, groups, instances, images);
    for (const XmlNode *child = xml_first(node, NULL); child; child = xml_next(child, NULL))
        visit(reader, child, groups, instances, images, left);
}

static gboolean serve(const InventoryObject *object, gpointer data) {
    const InventorySnapshot *snapshot = data;
    g_autoptr(Json) view = !g_strcmp0(object->kind, KIND_SERVER_GROUP) ? aws_view_server_group(snapshot, object, FALSE, 0)
                           : !g_strcmp0(object->kind, KIND_INSTANCE)   ? aws_view_instance(snapshot, object, 0)
                                                                       : view_image(snapshot, object);
    g_assert_true(json_is_object(json_root(view)));
    return TRUE;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    if (size > 64 * 1024)
        return 0;
    g_autoptr(XmlDocument) document = xml_parse((const char *)data, size, NULL);
    if (!document)
        return 0;
    AwsAccount account = {.base = {.name = (char *)"fuzz"}};
    Inventory *inventory = inventory_new(NULL, NULL);
    AwsReader reader = {&account, "us-east-1", inventory, NULL, 1};
    g_autoptr(GPtrArray) groups = aws_objects_new(), instances = aws_objects_new(), images = aws_objects_new();
    guint left = 64;
    visit(&reader, xml_root(document), groups, instances, images, &left);
    aws_publish(&reader, KIND_IMAGE, images);
    aws_publish(&reader, KIND_INSTANCE, instances);
    aws_publish(&reader, KIND_SERVER_GROUP, groups);
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(inventory);
    inventory_each(snapshot, "fuzz", KIND_SERVER_GROUP, NULL, serve, snapshot);
    inventory_each(snapshot, "fuzz", KIND_INSTANCE, NULL, serve, snapshot);
    inventory_each(snapshot, "fuzz", KIND_IMAGE, NULL, serve, snapshot);
    g_clear_pointer(&snapshot, inventory_snapshot_unref);
    inventory_free(inventory);
    return 0;
}
