/* The scheduler of inventory agents: first reads at once, failures mark and back off, one read of an agent at a time, reloads. */
#include "base/clock.h"
#include "clouds/agents.h"
#include "engine/runtime_threads.h"

static struct {
    gint reads, busy, busiest, failing;
    gint hang;
} outside;

static gboolean read_groups(AgentContext *context, GError **error) {
    g_atomic_int_inc(&outside.reads);
    gint busy = g_atomic_int_add(&outside.busy, 1) + 1;
    if (busy > g_atomic_int_get(&outside.busiest))
        g_atomic_int_set(&outside.busiest, busy);
    if (g_atomic_int_get(&outside.hang))
        cancel_wait(context->cancel, 60000);
    else
        g_usleep(2000);
    g_atomic_int_add(&outside.busy, -1);
    if (g_atomic_int_get(&outside.failing)) {
        error_set(error, ERR_UNAVAILABLE, "not now");
        return FALSE;
    }
    g_autoptr(GPtrArray) objects = g_ptr_array_new_with_free_func((GDestroyNotify)inventory_object_unref);
    g_ptr_array_add(objects, inventory_object_new(KIND_SERVER_GROUP, context->account->name, context->region, "group"));
    inventory_replace(context->inventory, context->account->name, KIND_SERVER_GROUP, context->region, objects, context->began_ms);
    return TRUE;
}

static const char *const KINDS[] = {KIND_SERVER_GROUP, NULL};
static const InventoryAgent agents_table[] = {{"GroupAgent", KINDS, AGENT_POLL_MS, read_groups}, {0}};
static const char *names[3];
static gboolean mistaken; /* whether what is wrong is in the configuration */

static void account_free(Account *account) {
    g_free(account->name);
    g_strfreev(account->regions);
    g_free(account);
}

static const Cloud test_cloud;

static GPtrArray *test_open(Config *config, Clouds *clouds, GPtrArray *problems) {
    (void)config, (void)clouds;
    GPtrArray *accounts = g_ptr_array_new_with_free_func((GDestroyNotify)account_unref);
    for (guint i = 0; names[i]; i++) {
        Account *account = g_new0(Account, 1);
        *account = (Account){
            .cloud = &test_cloud, .name = g_strdup(names[i]), .regions = g_strsplit("here,there", ",", -1), .ref_count = 1};
        g_ptr_array_add(accounts, account);
    }
    account_problem_add(problems, (AccountProblem){&test_cloud, (char *)"broken", (char *)"account broken: no role", TRUE, mistaken});
    return accounts;
}

static const Cloud test_cloud = {.id = "test", .open = test_open, .account_free = account_free, .agents = agents_table};
static const Cloud *const test_clouds[] = {&test_cloud, NULL};

static Clouds *clouds;
static Store *store;
static Config *config;
static Runtime *runtime;

static void build(const char *yaml) {
    g_autoptr(GError) error = NULL;
    memset(&outside, 0, sizeof outside);
    names[0] = "one";
    names[1] = "two";
    names[2] = NULL;
    store = store_open(&(StoreOptions){0}, &error);
    g_assert_no_error(error);
    config = config_load_text("gennaker.yml", yaml, -1, &error);
    g_assert_no_error(error);
    runtime = runtime_threads_new(store, 0);
    CloudsOptions options = {test_clouds, store, NULL, config, NULL, NULL, runtime};
    clouds = clouds_new(&options, &error);
    g_assert_no_error(error);
    runtime_threads_start(runtime);
    clouds_start(clouds);
}

static void leave(void) {
    clouds_stop(clouds, 0);
    g_assert_true(runtime_threads_stop(runtime, 5000));
    clouds_free(clouds);
    runtime_threads_free(runtime);
    config_unref(config);
    store_close(store);
}

static void wait_for_reads(gint count) {
    for (guint i = 0; i < 2000 && g_atomic_int_get(&outside.reads) < count; i++)
        g_usleep(5000);
    g_assert_cmpint(g_atomic_int_get(&outside.reads), >=, count);
}

typedef struct {
    guint leaves, read, failed, objects;
} Seen;

static gboolean note(const InventoryLeaf *leaf, gpointer data) {
    Seen *seen = data;
    seen->leaves++;
    seen->read += leaf->read_ms > 0;
    seen->failed += leaf->error_ms > 0;
    seen->objects += leaf->objects;
    return TRUE;
}

static Seen look(void) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(clouds));
    Seen seen = {0};
    inventory_leaves(snapshot, NULL, note, &seen);
    return seen;
}

static void wait_for(gboolean (*there)(const Seen *seen)) {
    for (guint i = 0; i < 2000; i++) {
        Seen seen = look();
        if (there(&seen))
            return;
        g_usleep(5000);
    }
    g_assert_not_reached();
}

static gboolean four_objects(const Seen *seen) {
    return seen->objects == 4;
}

static gboolean all_failed(const Seen *seen) {
    return seen->failed == 4;
}

static gboolean none_failed(const Seen *seen) {
    return seen->failed == 0;
}

static gboolean one_account(const Seen *seen) {
    return seen->leaves == 2;
}

static void test_first_reads_at_once(void) {
    build("gennaker: {inventory: {pollSeconds: 3600}}");
    wait_for(four_objects);
    g_assert_cmpint(outside.reads, ==, 4);
    g_assert_cmpint(outside.busiest, >, 1);
    clouds_read_now(clouds, "one");
    wait_for_reads(6);
    g_usleep(50000);
    g_assert_cmpint(outside.reads, ==, 6);
    leave();
}

static void test_pace(void) {
    build("gennaker: {inventory: {pollSeconds: 0.1}}");
    gint64 began = clock_elapsed_ms();
    wait_for_reads(12);
    g_assert_cmpint(clock_elapsed_ms() - began, >=, 200);
    leave();
}

static void test_failure_marks_and_keeps(void) {
    build("gennaker: {inventory: {pollSeconds: 0.1}}");
    wait_for(four_objects);
    g_atomic_int_set(&outside.failing, TRUE);
    wait_for(all_failed);
    g_assert_cmpuint(look().objects, ==, 4);
    g_usleep(300000);
    gint reads = g_atomic_int_get(&outside.reads);
    g_usleep(500000);
    g_assert_cmpint(g_atomic_int_get(&outside.reads) - reads, <=, 8); /* 20 without a back-off */
    g_atomic_int_set(&outside.failing, FALSE);
    clouds_read_now(clouds, NULL);
    wait_for(none_failed);
    leave();
}

static void test_reload_forgets(void) {
    build("gennaker: {inventory: {pollSeconds: 3600}}");
    wait_for(four_objects);
    names[1] = NULL;
    g_autoptr(GError) error = NULL;
    mistaken = TRUE;
    g_assert_false(clouds_reload(clouds, config, &error));
    g_assert_cmpstr(error->message, ==, "account broken: no role");
    g_clear_error(&error);
    G_GNUC_UNUSED g_autoptr(Account) kept = clouds_account(clouds, "two", &error);
    g_assert_no_error(error);
    mistaken = FALSE;
    g_assert_true(clouds_reload(clouds, config, &error));
    g_autoptr(GPtrArray) problems = clouds_problems(clouds);
    g_assert_cmpuint(problems->len, ==, 1);
    g_assert_cmpstr(((const AccountProblem *)problems->pdata[0])->account, ==, "broken");
    wait_for(one_account);
    g_autoptr(Account) gone = clouds_account(clouds, "two", &error);
    g_assert_null(gone);
    g_assert_cmpint(error_code(error), ==, ERR_NOT_FOUND);
    leave();
}

static void test_stop_ends_reads(void) {
    build("gennaker: {inventory: {pollSeconds: 3600}}");
    g_atomic_int_set(&outside.hang, TRUE);
    clouds_read_now(clouds, NULL);
    while (g_atomic_int_get(&outside.busy) == 0)
        g_usleep(1000);
    gint64 began = clock_elapsed_ms();
    leave();
    g_assert_cmpint(clock_elapsed_ms() - began, <, 2000);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/agents/first-reads-at-once", test_first_reads_at_once);
    g_test_add_func("/agents/pace", test_pace);
    g_test_add_func("/agents/failure-marks-and-keeps", test_failure_marks_and_keeps);
    g_test_add_func("/agents/reload-forgets", test_reload_forgets);
    g_test_add_func("/agents/stop-ends-reads", test_stop_ends_reads);
    return g_test_run();
}
