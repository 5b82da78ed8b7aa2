/* Rehearsals on a cloud in memory (deploy_cloud.h): the real engine and stages, in simulated time, on one thread. */
#include "deploy_cloud.h"
#include "rehearse/rehearse.h"
#include "stages/services.h"

#define BEGIN_MS 1700000000000
#define DAY_MS (24 * 3600 * G_GINT64_CONSTANT(1000))

typedef struct {
    Config *config;
    Rehearsal *rehearsal;
    Json *report;
} House;

static void open_with(House *house, const char *const *assumptions) {
    g_autoptr(GError) error = NULL;
    outside_reset();
    *house = (House){.config = config_load(NULL, &error)};
    g_assert_no_error(error);
    RehearsalOptions options = {.config = house->config, .clouds = test_clouds, .seed = 1, .now_ms = BEGIN_MS, .assumptions = assumptions};
    house->rehearsal = rehearsal_new(&options, &error);
    g_assert_no_error(error);
}

static const JsonValue *run(House *house, const char *stages) {
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strdup_printf("{\"application\":\"orders\",\"name\":\"p\",\"stages\":%s,\"trigger\":{\"type\":\"manual\"}}",
                                            stages);
    g_autoptr(Json) pipeline = json_parse(text, -1, &error);
    g_assert_no_error(error);
    rehearsal_run(house->rehearsal, json_root(pipeline), &error);
    g_assert_no_error(error);
    house->report = rehearsal_report(house->rehearsal);
    return json_root(house->report);
}

static void leave(House *house) {
    json_unref(house->report);
    rehearsal_free(house->rehearsal);
    config_unref(house->config);
}

#define assert_status(report, expected)                                                                                                    \
    do {                                                                                                                                   \
        if (g_strcmp0(json_get_string(report, "status"), expected) != 0) {                                                                 \
            g_autofree char *text_ = json_write_pretty(report, NULL);                                                                      \
            g_error("%s", text_);                                                                                                          \
        }                                                                                                                                  \
    } while (0)

/* The first entry of a list whose members have these values. */
static const JsonValue *entry_with(const JsonValue *list, const char *key, const char *value, const char *key2, const char *value2) {
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (g_strcmp0(json_get_string(i.value, key), value) == 0 && g_strcmp0(json_get_string(i.value, key2), value2) == 0)
            return i.value;
    return NULL;
}

static void test_a_day_passes_at_once(void) {
    House house;
    open_with(&house, NULL);
    gint64 began_us = g_get_monotonic_time();
    const JsonValue *report = run(&house, "[{\"refId\":\"1\",\"type\":\"wait\",\"name\":\"Sleep\",\"waitTime\":86400}]");
    assert_status(report, "SUCCEEDED");
    g_assert_cmpint(json_get_int(report, "duration", 0), >=, DAY_MS);
    g_assert_cmpint(json_get_int(report, "duration", 0), <, DAY_MS + 60000);
    g_assert_cmpint(g_get_monotonic_time() - began_us, <, 5 * G_TIME_SPAN_SECOND);
    const JsonValue *ended = entry_with(json_get(report, "timeline"), "stage", "Sleep", "status", "SUCCEEDED");
    g_assert_cmpint(json_get_int(ended, "at", 0), >=, DAY_MS);
    leave(&house);
}

#define OUTSIDE                                                                                                                            \
    "[{\"refId\":\"1\",\"type\":\"webhook\",\"name\":\"Call\",\"url\":\"http://there.example/\"},"                                         \
    "{\"refId\":\"2\",\"requisiteStageRefIds\":[\"1\"],\"type\":\"jenkins\",\"name\":\"Build\",\"master\":\"m\",\"job\":\"j\"},"           \
    "{\"refId\":\"3\",\"requisiteStageRefIds\":[\"2\"],\"type\":\"manualJudgment\",\"name\":\"Go?\"}]"

static void test_outside_is_assumed_and_listed(void) {
    House house;
    open_with(&house, NULL);
    const JsonValue *report = run(&house, OUTSIDE), *assumed = json_get(report, "assumptions");
    assert_status(report, "SUCCEEDED");
    g_assert_cmpuint(json_length(assumed), ==, 3);
    g_assert_nonnull(entry_with(assumed, "stage", "Call", "assumed", "SUCCEEDED"));
    g_assert_nonnull(entry_with(assumed, "type", "jenkins", "assumed", "SUCCEEDED"));
    g_assert_nonnull(entry_with(assumed, "stage", "Go?", "assumed", "continue"));
    leave(&house);
}

static void test_assumptions_may_be_given(void) {
    House house;
    open_with(&house, (const char *const[]){"judgement=stop", "nobody=FAILED", NULL});
    const JsonValue *report = run(&house, OUTSIDE);
    assert_status(report, "TERMINAL");
    g_assert_cmpstr(json_get_string(entry_with(json_get(report, "assumptions"), "stage", "Go?", "assumed", "stop"), "because"), ==,
                    "as given");
    g_assert_cmpstr(json_string(json_at(json_get(report, "unusedAssumptions"), 0)), ==, "nobody");
    leave(&house);
    open_with(&house, (const char *const[]){"Build=FAILED", NULL});
    report = run(&house, OUTSIDE);
    assert_status(report, "TERMINAL");
    const JsonValue *failed = entry_with(json_get(report, "timeline"), "stage", "Build", "status", "TERMINAL");
    g_assert_nonnull(strstr(json_get_string(failed, "message"), "assumed to fail"));
    leave(&house);
}

static void test_what_is_no_assumption_is_refused(void) {
    static const char *const WRONG[] = {"", "=FAILED", "name=", "name", NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_load(NULL, &error);
    for (gsize i = 0; WRONG[i] != NULL; i++) {
        const char *const given[] = {WRONG[i], NULL};
        g_autoptr(GError) refused = NULL;
        RehearsalOptions options = {.config = config, .clouds = test_clouds, .now_ms = BEGIN_MS, .assumptions = given};
        g_assert_null(rehearsal_new(&options, &refused));
        g_assert_cmpint(error_code(refused), ==, ERR_INVALID);
    }
    House house;
    open_with(&house, (const char *const[]){"Call=maybe", NULL});
    assert_status(run(&house, OUTSIDE), "TERMINAL");
    leave(&house);
}

#define DEPLOY                                                                                                                             \
    "[{\"refId\":\"1\",\"type\":\"deploy\",\"name\":\"Deploy\",\"clusters\":[{\"account\":\"prod\",\"cloudProvider\":\"test\","            \
    "\"application\":\"orders\",\"strategy\":\"redblack\",\"availabilityZones\":{\"here\":[]},\"testImage\":\"image-1\","                  \
    "\"capacity\":{\"min\":2,\"max\":2,\"desired\":2}}]}]"

static void test_a_deployment_shows_what_changes(void) {
    House house;
    open_with(&house, NULL);
    outside_add("here", "orders-v000", (Capacity){2, 2, 2});
    g_assert_true(clouds_refresh_server_group(rehearsal_services(house.rehearsal)->clouds, "prod", "here", "orders-v000", NULL, NULL));
    rehearsal_look(house.rehearsal);
    const JsonValue *report = run(&house, DEPLOY);
    assert_status(report, "SUCCEEDED");
    const JsonValue *groups = json_dig(report, "clouds", "serverGroups", NULL);
    const JsonValue *made = entry_with(groups, "name", "orders-v001", "change", "created");
    g_assert_cmpint(json_int(json_dig(made, "after", "desired", NULL), 0), ==, 2);
    g_assert_null(json_get(made, "before"));
    const JsonValue *old = entry_with(groups, "name", "orders-v000", "change", "disabled");
    g_assert_true(json_is_true(json_dig(old, "after", "disabled", NULL)));
    g_assert_nonnull(entry_with(json_get(report, "timeline"), "serverGroup", "orders-v001", "change", "created"));
    leave(&house);
}

static void test_what_never_becomes_healthy_ends(void) {
    House house;
    open_with(&house, NULL);
    outside.never_up = TRUE;
    const JsonValue *report = run(&house, DEPLOY);
    assert_status(report, "TERMINAL");
    g_assert_cmpint(json_get_int(report, "duration", 0), >, 10 * 60000);
    leave(&house);
}

static void test_what_cannot_start_says_why(void) {
    House house;
    open_with(&house, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) pipeline = json_parse("{\"application\":\"orders\",\"name\":\"p\",\"stages\":[{\"refId\":\"1\",\"type\":\"wait\","
                                          "\"requisiteStageRefIds\":[\"1\"]}]}",
                                          -1, &error);
    g_assert_no_error(error);
    g_assert_false(rehearsal_run(house.rehearsal, json_root(pipeline), &error));
    g_assert_cmpint(error_code(error), ==, ERR_INVALID);
    leave(&house);
}

static void open_bounded(House *house, guint64 events_max, guint timeline_max) {
    g_autoptr(GError) error = NULL;
    outside_reset();
    *house = (House){.config = config_load(NULL, &error)};
    RehearsalOptions options = {
        .config = house->config, .clouds = test_clouds, .now_ms = BEGIN_MS, .events_max = events_max, .timeline_max = timeline_max};
    house->rehearsal = rehearsal_new(&options, &error);
    g_assert_no_error(error);
}

static void test_bounds(void) {
    House house;
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) pipeline = json_parse("{\"application\":\"orders\",\"name\":\"p\",\"stages\":" OUTSIDE "}", -1, NULL);
    open_bounded(&house, 5, 0);
    g_assert_false(rehearsal_run(house.rehearsal, json_root(pipeline), &error));
    g_assert_cmpint(error_code(error), ==, ERR_LIMIT);
    g_assert_nonnull(strstr(error->message, "does not come to an end"));
    leave(&house);
    open_bounded(&house, 0, 2);
    g_assert_cmpuint(json_length(json_get(run(&house, OUTSIDE), "timeline")), ==, 2);
    leave(&house);
}

static char *timeline_of(guint64 seed) {
    House house;
    g_autoptr(GError) error = NULL;
    outside_reset();
    house = (House){.config = config_load(NULL, &error)};
    RehearsalOptions options = {.config = house.config, .clouds = test_clouds, .seed = seed, .now_ms = BEGIN_MS};
    house.rehearsal = rehearsal_new(&options, &error);
    g_assert_no_error(error);
    char *text = json_write(json_get(run(&house, OUTSIDE), "timeline"), NULL);
    leave(&house);
    return text;
}

static void test_a_seed_replays(void) {
    g_autofree char *first = timeline_of(5), *again = timeline_of(5);
    g_assert_cmpstr(first, ==, again);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rehearsal/a-day-passes-at-once", test_a_day_passes_at_once);
    g_test_add_func("/rehearsal/outside-is-assumed-and-listed", test_outside_is_assumed_and_listed);
    g_test_add_func("/rehearsal/assumptions-may-be-given", test_assumptions_may_be_given);
    g_test_add_func("/rehearsal/what-is-no-assumption-is-refused", test_what_is_no_assumption_is_refused);
    g_test_add_func("/rehearsal/a-deployment-shows-what-changes", test_a_deployment_shows_what_changes);
    g_test_add_func("/rehearsal/what-never-becomes-healthy-ends", test_what_never_becomes_healthy_ends);
    g_test_add_func("/rehearsal/what-cannot-start-says-why", test_what_cannot_start_says_why);
    g_test_add_func("/rehearsal/bounds", test_bounds);
    g_test_add_func("/rehearsal/a-seed-replays", test_a_seed_replays);
    return g_test_run();
}
