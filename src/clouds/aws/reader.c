/* Common parts of all reads. */
#include "clouds/aws/reader.h"
#include "base/clock.h"
#include "clouds/naming.h"

AwsReader aws_reader(Account *account, const char *region, Inventory *inventory, Cancel *cancel) {
    return (AwsReader){aws_account(account), region, inventory, cancel, clock_now_ms()};
}

GPtrArray *aws_objects_new(void) {
    return g_ptr_array_new_with_free_func((GDestroyNotify)inventory_object_unref);
}

InventoryObject *aws_object_new(const AwsReader *reader, const char *kind, const char *id) {
    InventoryObject *object = inventory_object_new(kind, reader->account->base.name, reader->region, id);
    object->seen_ms = reader->began_ms;
    return object;
}

void aws_object_set_names(InventoryObject *object, const char *name) {
    Moniker moniker = {0};
    naming_parse(name, &moniker);
    g_free(object->application);
    g_free(object->cluster);
    object->application = moniker.app ? g_ascii_strdown(moniker.app, -1) : NULL;
    object->cluster = g_strdup(moniker.cluster);
    moniker_clear(&moniker);
}

void aws_objects_add(GPtrArray *objects, InventoryObject *object, Json *document, gpointer record, GDestroyNotify free_record) {
    object->document = document;
    object->record = record;
    object->free_record = free_record;
    g_ptr_array_add(objects, object);
}

void aws_publish(const AwsReader *reader, const char *kind, GPtrArray *objects) {
    inventory_replace(reader->inventory, reader->account->base.name, kind, reader->region, objects, reader->began_ms);
}

typedef struct {
    AwsShape shape;
    GPtrArray *into;
} Documents;

static gboolean add_document(const XmlNode *item, gpointer data, GError **error) {
    (void)error;
    Documents *documents = data;
    g_ptr_array_add(documents->into, aws_document(item, documents->shape));
    return TRUE;
}

gboolean aws_read_documents(const AwsReader *reader, const AwsQuery *query, AwsShape shape, GPtrArray *into, GError **error) {
    Documents documents = {shape, into};
    return aws_client_list(reader->account->client, reader->region, query, reader->cancel, add_document, &documents, error);
}
