/* The simulated runtime: time jumps to what is due, chance decides ties, outcomes come before what else could happen in a wait. */
#include "base/error.h"
#include "engine/runtime_simulated.h"

#define BEGIN_MS 1700000000000

typedef struct {
    Store *store;
    GRand *random;
    Runtime *runtime;
    GString *told;
    gboolean refuses;
} House;

static gboolean may_commit(gpointer data, GError **error) {
    const House *house = data;
    if (house->refuses)
        error_set(error, ERR_UNAVAILABLE, "the disk is full");
    return !house->refuses;
}

static void house_open(House *house, guint32 seed) {
    g_autoptr(GError) error = NULL;
    *house = (House){.random = g_rand_new_with_seed(seed), .told = g_string_new(NULL)};
    house->store = store_open(&(StoreOptions){.no_threads = TRUE}, &error);
    g_assert_no_error(error);
    SimulatedOptions options = {
        .store = house->store, .random = house->random, .now_ms = BEGIN_MS, .may_commit = may_commit, .data = house};
    house->runtime = runtime_simulated_new(&options);
}

static void house_close(House *house) {
    runtime_simulated_free(house->runtime);
    store_close(house->store);
    g_rand_free(house->random);
    g_string_free(house->told, TRUE);
}

typedef struct {
    House *house;
    const char *name;
} Note;

static void tell(gpointer data) {
    const Note *note = data;
    Runtime *runtime = note->house->runtime;
    g_string_append_printf(note->house->told, "%s@%" G_GINT64_FORMAT " ", note->name, runtime->now_ms(runtime) - BEGIN_MS);
}

static gboolean work(gpointer data) {
    tell(data);
    return TRUE;
}

static void run_all(House *house) {
    while (runtime_simulated_step(house->runtime))
        ;
}

static void test_time_jumps(void) {
    House house;
    house_open(&house, 1);
    Runtime *runtime = house.runtime;
    Note day = {&house, "day"}, second = {&house, "second"}, never = {&house, "never"}, now = {&house, "now"};
    runtime->at(runtime, BEGIN_MS + 86400000, tell, &day);
    guint64 forgotten = runtime->at(runtime, BEGIN_MS + 5, tell, &never);
    runtime->at(runtime, BEGIN_MS + 1000, tell, &second);
    runtime->run(runtime, LANE_IO, "account", work, &now);
    g_assert_cmpint(runtime_simulated_next_ms(runtime), ==, BEGIN_MS);
    g_assert_true(runtime->forget(runtime, forgotten));
    g_assert_false(runtime->forget(runtime, forgotten));
    run_all(&house);
    g_assert_cmpstr(house.told->str, ==, "now@0 second@1000 day@86400000 ");
    g_assert_cmpint(runtime_simulated_next_ms(runtime), ==, G_MAXINT64);
    house_close(&house);
}

static void test_jump_wakes_sleepers(void) {
    House house;
    house_open(&house, 1);
    Note sleeper = {&house, "sleeper"};
    house.runtime->at(house.runtime, BEGIN_MS + 1000, tell, &sleeper);
    runtime_simulated_jump(house.runtime, -500);
    run_all(&house);
    g_assert_cmpstr(house.told->str, ==, "sleeper@-500 ");
    house_close(&house);
}

static char *order_of(guint32 seed) {
    House house;
    house_open(&house, seed);
    Note notes[] = {{&house, "a"}, {&house, "b"}, {&house, "c"}, {&house, "d"}, {&house, "e"}, {&house, "f"}};
    for (guint i = 0; i < G_N_ELEMENTS(notes); i++)
        house.runtime->run(house.runtime, LANE_STEP, NULL, work, &notes[i]);
    run_all(&house);
    char *order = g_strdup(house.told->str);
    house_close(&house);
    return order;
}

static void test_order_follows_the_seed(void) {
    g_autofree char *first = order_of(7), *again = order_of(7);
    g_assert_cmpstr(first, ==, again);
    gboolean differs = FALSE;
    for (guint32 seed = 8; seed < 20 && !differs; seed++) {
        g_autofree char *other = order_of(seed);
        differs = g_strcmp0(first, other) != 0;
    }
    g_assert_true(differs);
}

static gboolean commit_in_work(gpointer data) {
    const Note *note = data;
    g_autoptr(GError) error = NULL;
    gboolean written = runtime_commit_and_wait(note->house->runtime, store_unit_new(), &error);
    g_string_append_printf(note->house->told, "%s ", written ? "written" : error->message);
    return TRUE;
}

static void test_outcomes_come_first_in_a_wait(void) {
    House house;
    house_open(&house, 3);
    Note committer = {&house, ""}, others[] = {{&house, "x"}, {&house, "y"}, {&house, "z"}};
    house.runtime->run(house.runtime, LANE_IO, NULL, commit_in_work, &committer);
    runtime_simulated_step(house.runtime);
    for (guint i = 0; i < G_N_ELEMENTS(others); i++)
        house.runtime->run(house.runtime, LANE_IO, NULL, work, &others[i]);
    house.runtime->run(house.runtime, LANE_IO, NULL, commit_in_work, &committer);
    run_all(&house);
    g_assert_nonnull(strstr(house.told->str, "written "));
    house.refuses = TRUE;
    g_string_truncate(house.told, 0);
    house.runtime->run(house.runtime, LANE_IO, NULL, commit_in_work, &committer);
    run_all(&house);
    g_assert_cmpstr(house.told->str, ==, "the disk is full ");
    house_close(&house);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/runtime-simulated/time-jumps", test_time_jumps);
    g_test_add_func("/runtime-simulated/jump-wakes-sleepers", test_jump_wakes_sleepers);
    g_test_add_func("/runtime-simulated/order-follows-the-seed", test_order_follows_the_seed);
    g_test_add_func("/runtime-simulated/outcomes-come-first-in-a-wait", test_outcomes_come_first_in_a_wait);
    return g_test_run();
}
