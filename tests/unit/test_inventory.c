/* The rules by which a read may change what is known (aws.md 16.3), and what a snapshot promises. */
#include "inventory/inventory.h"

typedef struct {
    guint objects, leaves;
} Told;

static void count_change(const char *account, const char *kind, const char *region, const char *id, gpointer data) {
    (void)account, (void)kind, (void)region;
    Told *told = data;
    if (id)
        told->objects++;
    else
        told->leaves++;
}

static InventoryObject *group(const char *id, gint64 seen_ms, const char *text) {
    InventoryObject *object = inventory_object_new(KIND_SERVER_GROUP, "prod", "us-east-1", id);
    object->seen_ms = seen_ms;
    object->application = g_strdup("orders");
    object->cluster = g_strdup("orders-main");
    object->document = json_from_string(text);
    return object;
}

static void put(Inventory *inventory, const char *id, gint64 seen_ms, const char *text) {
    g_autoptr(InventoryObject) object = group(id, seen_ms, text);
    inventory_put(inventory, object);
}

static void replace(Inventory *inventory, gint64 began_ms, const char *const *ids, const char *text) {
    g_autoptr(GPtrArray) objects = g_ptr_array_new_with_free_func((GDestroyNotify)inventory_object_unref);
    for (; *ids; ids++)
        g_ptr_array_add(objects, group(*ids, 0, text));
    inventory_replace(inventory, "prod", KIND_SERVER_GROUP, "us-east-1", objects, began_ms);
}
#define IDS(...) ((const char *const[]){__VA_ARGS__, NULL})
static const char *const NONE[] = {NULL};

/* What a snapshot says of an id: its text, or "absent". */
static char *seen(Inventory *inventory, const char *id) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(inventory);
    const InventoryObject *object = inventory_get(snapshot, "prod", KIND_SERVER_GROUP, "us-east-1", id);
    return g_strdup(object ? json_string(json_root(object->document)) : "absent");
}
#define assert_seen(inventory, id, expected)                                                                                               \
    do {                                                                                                                                   \
        g_autofree char *text_ = seen(inventory, id);                                                                                      \
        g_assert_cmpstr(text_, ==, expected);                                                                                              \
    } while (0)

static void test_complete_read_replaces(void) {
    Told told = {0};
    Inventory *inventory = inventory_new(count_change, &told);
    replace(inventory, 1000, IDS("c", "a", "b"), "one");
    g_assert_cmpuint(told.objects, ==, 3);
    replace(inventory, 2000, IDS("a", "b"), "one");
    g_assert_cmpuint(told.objects, ==, 4);
    assert_seen(inventory, "a", "one");
    assert_seen(inventory, "c", "absent");
    replace(inventory, 1500, IDS("c"), "late");
    assert_seen(inventory, "c", "absent");
    assert_seen(inventory, "a", "one");
    inventory_free(inventory);
}

static void test_read_never_undoes_a_later_write(void) {
    Inventory *inventory = inventory_new(NULL, NULL);
    replace(inventory, 1000, IDS("a"), "old");
    put(inventory, "a", 3000, "ours");
    put(inventory, "new", 3000, "ours");
    replace(inventory, 2000, IDS("a"), "older read");
    assert_seen(inventory, "a", "ours");
    assert_seen(inventory, "new", "ours");
    /* A read that began after it is believed about what it shows, and about what it does not show once the cloud has settled. */
    replace(inventory, 4000, IDS("a"), "newer read");
    assert_seen(inventory, "a", "newer read");
    assert_seen(inventory, "new", "ours");
    replace(inventory, 3000 + INVENTORY_SETTLE_MS, IDS("a"), "newer read");
    assert_seen(inventory, "new", "absent");
    /* An older sight of one object does not replace a newer one. */
    put(inventory, "a", 2000, "old sight");
    assert_seen(inventory, "a", "newer read");
    inventory_free(inventory);
}

static void test_removed_stays_away(void) {
    Inventory *inventory = inventory_new(NULL, NULL);
    replace(inventory, 1000, IDS("a", "b"), "one");
    inventory_remove(inventory, "prod", KIND_SERVER_GROUP, "us-east-1", "a", 3000);
    assert_seen(inventory, "a", "absent");
    replace(inventory, 2000, IDS("a", "b"), "one");
    assert_seen(inventory, "a", "absent");
    put(inventory, "a", 2500, "an old sight");
    assert_seen(inventory, "a", "absent");
    replace(inventory, 5000, IDS("a", "b"), "not settled");
    assert_seen(inventory, "a", "absent");
    put(inventory, "a", 6000, "made again");
    assert_seen(inventory, "a", "made again");
    inventory_remove(inventory, "prod", KIND_SERVER_GROUP, "us-east-1", "a", 5500);
    assert_seen(inventory, "a", "made again");
    inventory_remove(inventory, "prod", KIND_SERVER_GROUP, "us-east-1", "b", 6000);
    replace(inventory, 6000 + INVENTORY_SETTLE_MS, IDS("a", "b"), "it is there");
    assert_seen(inventory, "b", "it is there");
    inventory_free(inventory);
}

typedef struct {
    gint64 read_ms, error_ms;
    guint leaves, objects;
    gboolean has_error;
} Ages;

static gboolean note_leaf(const InventoryLeaf *leaf, gpointer data) {
    Ages *ages = data;
    *ages = (Ages){leaf->read_ms, leaf->error_ms, ages->leaves + 1, ages->objects + leaf->objects, leaf->error != NULL};
    return TRUE;
}

static Ages ages_of(Inventory *inventory) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(inventory);
    Ages ages = {0};
    inventory_leaves(snapshot, "prod", note_leaf, &ages);
    return ages;
}

static void test_failure_keeps_and_shows(void) {
    Inventory *inventory = inventory_new(NULL, NULL);
    g_autoptr(GError) error = NULL;
    error_set(&error, ERR_UNAVAILABLE, "throttled");
    inventory_begin_region(inventory, "prod", KIND_SERVER_GROUP, "us-east-1");
    g_assert_cmpint(ages_of(inventory).read_ms, ==, 0);
    replace(inventory, 1000, IDS("a"), "one");
    inventory_failed(inventory, "prod", KIND_SERVER_GROUP, "us-east-1", error, 2000);
    Ages ages = ages_of(inventory);
    g_assert_cmpint(ages.read_ms, ==, 1000);
    g_assert_cmpint(ages.error_ms, ==, 2000);
    g_assert_true(ages.has_error);
    assert_seen(inventory, "a", "one");
    replace(inventory, 3000, NONE, "");
    ages = ages_of(inventory);
    g_assert_cmpint(ages.error_ms, ==, 0);
    g_assert_cmpuint(ages.objects, ==, 0);
    inventory_forget_account(inventory, "prod");
    g_assert_cmpuint(ages_of(inventory).leaves, ==, 0);
    inventory_free(inventory);
}

static void test_snapshot_is_one_moment(void) {
    Inventory *inventory = inventory_new(NULL, NULL);
    replace(inventory, 1000, IDS("a", "b"), "one");
    g_autoptr(InventorySnapshot) before = inventory_snapshot(inventory);
    put(inventory, "a", 2000, "two");
    inventory_remove(inventory, "prod", KIND_SERVER_GROUP, "us-east-1", "b", 2000);
    const InventoryObject *object = inventory_get(before, NULL, KIND_SERVER_GROUP, NULL, "a");
    g_assert_cmpstr(json_string(json_root(object->document)), ==, "one");
    g_assert_nonnull(inventory_get(before, "prod", KIND_SERVER_GROUP, NULL, "b"));
    assert_seen(inventory, "a", "two");
    g_autoptr(InventorySnapshot) one = inventory_snapshot(inventory);
    g_autoptr(InventorySnapshot) other = inventory_snapshot(inventory);
    g_assert_true(one == other);
    inventory_free(inventory);
}

static gboolean append_id(const InventoryObject *object, gpointer data) {
    g_string_append_printf(data, "%s ", object->id);
    return TRUE;
}

static void test_index(void) {
    Inventory *inventory = inventory_new(NULL, NULL);
    replace(inventory, 1000, IDS("orders-main-v002", "orders-main-v001"), "one");
    g_autoptr(InventoryObject) other = inventory_object_new(KIND_SERVER_GROUP, "test", "us-west-2", "billing-v000");
    other->application = g_strdup("billing");
    other->cluster = g_strdup("billing");
    inventory_put(inventory, other);
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(inventory);
    g_auto(GStrv) names = inventory_applications(snapshot);
    g_assert_cmpuint(g_strv_length(names), ==, 2);
    g_assert_cmpstr(names[0], ==, "billing");
    g_autoptr(GString) found = g_string_new(NULL);
    inventory_each_of_application(snapshot, KIND_SERVER_GROUP, "orders", NULL, append_id, found);
    inventory_each_of_application(snapshot, KIND_SERVER_GROUP, "orders", "orders-main", append_id, found);
    inventory_each_of_application(snapshot, KIND_SERVER_GROUP, "orders", "orders-other", append_id, found);
    inventory_each_of_application(snapshot, KIND_SERVER_GROUP, "billing", "billing", append_id, found);
    inventory_each_prefixed(snapshot, "prod", KIND_SERVER_GROUP, "us-east-1", "orders-main-v002", append_id, found);
    g_assert_cmpstr(found->str, ==, "orders-main-v001 orders-main-v002 orders-main-v001 orders-main-v002 billing-v000 orders-main-v002 ");
    inventory_free(inventory);
}

static void test_many_changes_are_told_as_one(void) {
    Told told = {0};
    Inventory *inventory = inventory_new(count_change, &told);
    g_autoptr(GPtrArray) objects = g_ptr_array_new_with_free_func((GDestroyNotify)inventory_object_unref);
    for (guint i = 0; i <= INVENTORY_CHANGES_MAX; i++) {
        g_autofree char *id = g_strdup_printf("group-%04u", i);
        g_ptr_array_add(objects, group(id, 0, "one"));
    }
    inventory_replace(inventory, "prod", KIND_SERVER_GROUP, "us-east-1", objects, 1000);
    g_assert_cmpuint(told.leaves, ==, 1);
    g_assert_cmpuint(told.objects, ==, 0);
    inventory_free(inventory);
}

static gpointer read_on_thread(gpointer data) {
    for (guint i = 0; i < 2000; i++) {
        g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(data);
        g_autoptr(GString) found = g_string_new(NULL);
        inventory_each_of_application(snapshot, KIND_SERVER_GROUP, "orders", NULL, append_id, found);
        g_assert_cmpuint(found->len, >=, 4);
    }
    return NULL;
}

static void test_readers_beside_writers(void) {
    Inventory *inventory = inventory_new(NULL, NULL);
    replace(inventory, 1, IDS("a", "b"), "one");
    GThread *readers[2] = {g_thread_new("reader", read_on_thread, inventory), g_thread_new("reader", read_on_thread, inventory)};
    for (gint64 i = 2; i < 2000; i++) {
        put(inventory, "c", i, "put");
        inventory_remove(inventory, "prod", KIND_SERVER_GROUP, "us-east-1", "c", i);
        replace(inventory, i, IDS("a", "b"), "read");
    }
    g_thread_join(readers[0]);
    g_thread_join(readers[1]);
    inventory_free(inventory);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/inventory/complete-read-replaces", test_complete_read_replaces);
    g_test_add_func("/inventory/read-never-undoes-a-later-write", test_read_never_undoes_a_later_write);
    g_test_add_func("/inventory/removed-stays-away", test_removed_stays_away);
    g_test_add_func("/inventory/failure-keeps-and-shows", test_failure_keeps_and_shows);
    g_test_add_func("/inventory/snapshot-is-one-moment", test_snapshot_is_one_moment);
    g_test_add_func("/inventory/index", test_index);
    g_test_add_func("/inventory/many-changes-are-told-as-one", test_many_changes_are_told_as_one);
    g_test_add_func("/inventory/readers-beside-writers", test_readers_beside_writers);
    return g_test_run();
}
