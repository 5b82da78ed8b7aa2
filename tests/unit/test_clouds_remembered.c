/* What is known of clouds outlives the process: records and documents come back as they were; accounts that are no more are forgotten. */
#include "clouds/cloud.h"
#include "clouds/record_json.h"
#include "clouds/remembered.h"
#include "store/objects.h"
#include <string.h>

static char **texts(const char *a, const char *b) {
    const char *const list[] = {a, b, NULL};
    return g_strdupv((char **)list);
}

static InventoryObject *group_object(const char *account) {
    ServerGroup *group = g_new0(ServerGroup, 1);
    group->name = g_strdup("shop-web-v003");
    group->account = g_strdup(account);
    group->region = g_strdup("us-east-1");
    group->cloud = g_strdup("aws");
    group->moniker = (Moniker){g_strdup("shop"), g_strdup("web"), NULL, g_strdup("shop-web"), 3};
    group->created_ms = 1700000000000;
    group->disabled = TRUE;
    group->capacity = (Capacity){1, 4, 2};
    group->zones = texts("us-east-1a", "us-east-1b");
    group->load_balancers = texts(NULL, NULL);
    group->target_groups = texts("web-tg", NULL);
    group->security_groups = texts("sg-1", NULL);
    group->suspended_processes = texts("AddToLoadBalancer", NULL);
    group->instance_ids = texts("i-1", "i-2");
    group->image_id = g_strdup("ami-1");
    group->launch_is_template = TRUE;
    group->tags = json_pack("{s:s}", "team", "web");
    InventoryObject *object = inventory_object_new(KIND_SERVER_GROUP, account, "us-east-1", group->name);
    object->application = g_strdup("shop");
    object->cluster = g_strdup("shop-web");
    object->document = json_pack("{s:s, s:i}", "autoScalingGroupName", group->name, "minSize", (gint64)1);
    group->raw = json_ref(object->document);
    object->record = group;
    object->free_record = (GDestroyNotify)server_group_free;
    return object;
}

static InventoryObject *instance_object(const char *account) {
    Instance *instance = g_new0(Instance, 1);
    instance->id = g_strdup("i-1");
    instance->zone = g_strdup("us-east-1a");
    instance->launch_ms = 1700000000001;
    instance->health = g_ptr_array_new_with_free_func((GDestroyNotify)health_free);
    Health *health = g_new0(Health, 1);
    *health = (Health){g_strdup("TargetGroup"), FALSE, HEALTH_DRAINING, json_pack("{s:s}", "state", "draining")};
    g_ptr_array_add(instance->health, health);
    InventoryObject *object = inventory_object_new(KIND_INSTANCE, account, "us-east-1", instance->id);
    object->record = instance;
    object->free_record = (GDestroyNotify)instance_free;
    return object;
}

static void put(Inventory *inventory, InventoryObject *object, gint64 read_ms) {
    g_autoptr(GPtrArray) objects = g_ptr_array_new_with_free_func((GDestroyNotify)inventory_object_unref);
    g_ptr_array_add(objects, object);
    inventory_replace(inventory, object->account, object->kind, object->region, objects, read_ms);
}

static gint64 standing_now_ms(Runtime *runtime) {
    (void)runtime;
    return 1700000000000;
}
static Runtime standing = {.now_ms = standing_now_ms};

static void save_once(Store *store, Inventory *inventory) {
    Remembered *remembered = remembered_new(store, inventory, &standing);
    remembered_start(remembered);
    remembered_stop(remembered); /* writes what changed */
    remembered_free(remembered);
}

/* An inventory as a start makes it from the store, for one account. */
static Inventory *restart(Store *store, const char *account_name) {
    Inventory *inventory = inventory_new(NULL, NULL);
    Account account = {.name = (char *)account_name, .regions = texts("us-east-1", NULL)};
    g_autoptr(GPtrArray) accounts = g_ptr_array_new();
    g_ptr_array_add(accounts, &account);
    Remembered *remembered = remembered_new(store, inventory, &standing);
    remembered_load(remembered, accounts);
    remembered_free(remembered);
    g_strfreev(account.regions);
    return inventory;
}

static Store *open_store(void) {
    g_autoptr(GError) error = NULL;
    Store *store = store_open(&(StoreOptions){0}, &error);
    g_assert_no_error(error);
    return store;
}

static void check_group(const ServerGroup *group) {
    g_assert_nonnull(group);
    g_assert_cmpstr(group->moniker.cluster, ==, "shop-web");
    g_assert_null(group->moniker.detail);
    g_assert_cmpint(group->moniker.sequence, ==, 3);
    g_assert_cmpint(group->created_ms, ==, 1700000000000);
    g_assert_true(group->disabled);
    g_assert_cmpint(group->capacity.desired, ==, 2);
    g_assert_cmpstr(group->zones[1], ==, "us-east-1b");
    g_assert_null(group->load_balancers[0]);
    g_assert_cmpstr(group->instance_ids[1], ==, "i-2");
    g_assert_cmpstr(json_get_string(json_root(group->tags), "team"), ==, "web");
    g_assert_cmpint(json_get_int(json_root(group->raw), "minSize", 0), ==, 1);
}

static void test_comes_back(void) {
    Store *store = open_store();
    Inventory *inventory = inventory_new(NULL, NULL);
    put(inventory, group_object("prod"), 1234);
    put(inventory, instance_object("prod"), 1235);
    save_once(store, inventory);
    inventory_free(inventory);

    Inventory *again = restart(store, "prod");
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(again);
    const InventoryObject *object = inventory_get(snapshot, "prod", KIND_SERVER_GROUP, "us-east-1", "shop-web-v003");
    g_assert_nonnull(object);
    g_assert_cmpint(object->seen_ms, ==, 1234);
    check_group(object->record);
    const InventoryObject *found = inventory_get(snapshot, "prod", KIND_INSTANCE, "us-east-1", "i-1");
    const Instance *instance = found->record;
    g_assert_cmpint(instance->launch_ms, ==, 1700000000001);
    g_assert_cmpuint(instance->health->len, ==, 1);
    g_assert_cmpint(((const Health *)instance->health->pdata[0])->state, ==, HEALTH_DRAINING);
    inventory_free(again);
    store_close(store);
}

static gboolean count_rows(const StoreObject *object, gpointer data) {
    (void)object;
    (*(guint *)data)++;
    return TRUE;
}

static guint rows(Store *store) {
    guint n = 0;
    g_assert_true(store_objects_each(store, "inventory", NULL, NULL, count_rows, &n, NULL));
    return n;
}

static void test_forgets_accounts(void) {
    Store *store = open_store();
    Inventory *inventory = inventory_new(NULL, NULL);
    put(inventory, group_object("prod"), 1234);
    put(inventory, group_object("old"), 1234);
    save_once(store, inventory);
    inventory_free(inventory);
    g_assert_cmpuint(rows(store), ==, 2);
    Inventory *again = restart(store, "prod");
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(again);
    g_assert_null(inventory_get(snapshot, "old", KIND_SERVER_GROUP, "us-east-1", "shop-web-v003"));
    g_assert_cmpuint(rows(store), ==, 1);
    inventory_free(again);
    store_close(store);
}

/* A damaged record leaves its object out; the others come back. */
static void test_damaged_record(void) {
    g_autoptr(InventoryObject) object = inventory_object_new(KIND_HEALTH, "prod", "us-east-1", "x");
    g_autoptr(Json) wrong = json_pack("{s:s, s:i}", "type", "Amazon", "state", (gint64)99);
    g_assert_false(record_read(object, json_root(wrong)));
    g_assert_false(record_read(object, NULL));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/clouds/remembered/comes-back", test_comes_back);
    g_test_add_func("/clouds/remembered/forgets-accounts", test_forgets_accounts);
    g_test_add_func("/clouds/remembered/damaged-record", test_damaged_record);
    return g_test_run();
}
