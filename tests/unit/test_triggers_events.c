/* Events through store and engine: decisions, permissions, repeats, what happens over a restart, edits, limits (triggers.md 1.3). */
#include "engine_testing.h"
#include "store/objects.h"
#include "triggers/internal.h"
#include "triggers/webhook.h"

static const StageType *const no_stages[] = {NULL};
static const StageTypes types = {.types = no_stages};

typedef struct {
    Rig rig;
    Services services;
    Triggers *triggers;
} House;

static gboolean only_robot(const char *user, const char *application, gpointer data, GError **error) {
    (void)application, (void)data;
    if (strcmp(user, "robot") == 0)
        return TRUE;
    error_set(error, ERR_FORBIDDEN, "no");
    return FALSE;
}

static void triggers_open(House *house, gboolean permissions, gboolean start) {
    g_autoptr(GError) error = NULL;
    house->services = (Services){.store = house->rig.store, .engine = house->rig.engine, .config = house->rig.config};
    TriggersOptions options = {.store = house->rig.store,
                               .engine = house->rig.engine,
                               .services = &house->services,
                               .config = house->rig.config,
                               .may_execute = permissions ? only_robot : NULL};
    house->triggers = triggers_new(&options, &error);
    g_assert_no_error(error);
    if (start)
        triggers_start(house->triggers);
}

static void house_open(House *house, gboolean permissions) {
    rig_open(&house->rig, &types);
    triggers_open(house, permissions, TRUE);
}

static void house_close(House *house) {
    triggers_stop(house->triggers, 5000);
    engine_stop(house->rig.engine, 5000);
    triggers_free(house->triggers);
    rig_close(&house->rig);
}

static void add_pipeline(StoreUnit *unit, const char *id, const char *triggers, const char *more) {
    g_autofree char *text = g_strdup_printf("{\"id\":\"%s\",\"name\":\"%s\",\"application\":\"app\",\"stages\":[],\"triggers\":%s%s}", id,
                                            id, triggers, more);
    g_autoptr(Json) body = json_parse(text, -1, NULL);
    g_assert_nonnull(body);
    StoreObject object = {.kind = "pipeline", .id = id, .application = "app", .name = id, .updated_ms = 1, .body = body};
    store_object_save(unit, &object, -1, FALSE);
    store_unit_change(unit, &(StoreChange){.kind = "pipeline", .id = id, .application = "app", .status = "SAVED", .version = 1});
}

static void save(House *house, const char *id, const char *triggers, const char *more) {
    StoreUnit *unit = store_unit_new();
    add_pipeline(unit, id, triggers, more);
    g_assert_true(store_commit(house->rig.store, unit, NULL));
}

static char *post(House *house, const char *id, const char *delivery, gboolean *repeated) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) envelope = json_parse("{\"details\":{\"type\":\"webhook\",\"source\":\"s\"},\"payload\":{\"a\":1}}", -1, NULL);
    TriggerEvent event = {.id = id, .delivery = delivery, .envelope = json_root(envelope)};
    char *posted = triggers_post_event(house->triggers, &event, repeated, &error);
    g_assert_no_error(error);
    return posted;
}

/* ---- what came of it ---- */
typedef struct {
    gint64 number, handled_ms, considered, started, left_out, repeats;
    GString *decisions; /* "pipeline:REASON …" in order */
    char *note;
} Outcome;

static void outcome_clear(Outcome *outcome) {
    if (outcome->decisions != NULL)
        g_string_free(outcome->decisions, TRUE);
    g_free(outcome->note);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Outcome, outcome_clear)

static gboolean read_event(const TriggerEventRecord *record, gpointer data) {
    Outcome *outcome = data;
    g_free(outcome->note);
    *outcome = (Outcome){record->number,   record->handled_ms, record->considered, record->started,
                         record->left_out, record->repeats,    outcome->decisions, g_strdup(record->note)};
    return FALSE;
}

static gboolean read_decision(const TriggerDecisionRecord *record, gpointer data) {
    Outcome *outcome = data;
    g_string_append_printf(outcome->decisions, "%s%s:%s", outcome->decisions->len > 0 ? " " : "", record->pipeline_id, record->reason);
    g_assert_true((record->execution_id != NULL) == (strcmp(record->reason, "STARTED") == 0));
    return TRUE;
}

static Outcome wait_for(House *house, const char *id) {
    Outcome outcome = {.decisions = g_string_new(NULL)};
    for (gint64 until = g_get_monotonic_time() + 30 * G_TIME_SPAN_SECOND; g_get_monotonic_time() < until; g_usleep(500)) {
        g_assert_true(store_trigger_event_load(house->rig.store, id, NULL, read_event, &outcome, NULL));
        if (outcome.handled_ms == 0)
            continue;
        g_assert_true(store_trigger_decisions_of_event(house->rig.store, outcome.number, read_decision, &outcome, NULL));
        return outcome;
    }
    g_error("event %s is not handled", id);
}

#define HOOK "[{\"type\":\"webhook\",\"enabled\":true,\"source\":\"s\"}]"

static void test_decisions(void) {
    House house = {0};
    house_open(&house, FALSE);
    save(&house, "a", HOOK, "");
    save(&house, "b", HOOK, ",\"disabled\":true");
    g_autofree char *id = post(&house, NULL, NULL, NULL);
    g_auto(Outcome) outcome = wait_for(&house, id);
    g_assert_cmpstr(outcome.decisions->str, ==, "a:STARTED b:PIPELINE_DISABLED");
    g_assert_cmpint(outcome.considered, ==, 2);
    g_assert_cmpint(outcome.started, ==, 1);
    house_close(&house);
}

static void test_permission(void) { /* 1.3 (4), 1.6 */
    House house = {0};
    house_open(&house, TRUE);
    save(&house, "a", HOOK, "");
    save(&house, "b", "[{\"type\":\"webhook\",\"enabled\":true,\"source\":\"s\",\"runAsUser\":\" robot \"}]", "");
    g_autofree char *id = post(&house, NULL, NULL, NULL);
    g_auto(Outcome) outcome = wait_for(&house, id);
    g_assert_cmpstr(outcome.decisions->str, ==, "b:STARTED a:NOT_PERMITTED");
    house_close(&house);
}

static void test_repeats(void) {
    House house = {0};
    gboolean repeated = TRUE;
    house_open(&house, FALSE);
    save(&house, "a", HOOK, "");
    G_GNUC_UNUSED g_autofree char *first = post(&house, "e", NULL, &repeated);
    g_assert_false(repeated);
    g_autofree char *again = post(&house, "e", NULL, &repeated);
    g_assert_true(repeated);
    g_assert_cmpstr(again, ==, "e");
    g_auto(Outcome) outcome = wait_for(&house, "e");
    g_assert_cmpint(outcome.started, ==, 1);
    g_assert_cmpint(outcome.repeats, ==, 1);
    g_autofree char *delivered = post(&house, NULL, "d", &repeated);
    g_assert_false(repeated);
    g_autofree char *redelivered = post(&house, NULL, "d", &repeated);
    g_assert_true(repeated);
    g_assert_cmpstr(delivered, ==, redelivered);
    house_close(&house);
}

/* Stored and acknowledged, then the program ended: handled by the next one, also when it was half done. */
static void test_restart(void) {
    House house = {0};
    rig_open(&house.rig, &types);
    triggers_open(&house, FALSE, FALSE);
    save(&house, "a", HOOK, "");
    for (guint i = 0; i < 200; i++) {
        g_autofree char *id = g_strdup_printf("e%u", i);
        G_GNUC_UNUSED g_autofree char *posted = post(&house, id, NULL, NULL);
    }
    triggers_stop(house.triggers, 1000);
    triggers_free(house.triggers);
    g_autoptr(Json) trigger = json_parse("{\"type\":\"webhook\"}", -1, NULL);
    g_autoptr(Json) pipeline = json_parse("{\"id\":\"a\",\"application\":\"app\",\"stages\":[]}", -1, NULL);
    triggers_open(&house, FALSE, FALSE);
    TriggerStart start = {.pipeline = json_root(pipeline), .trigger = json_root(trigger), .event_id = "e7", .event_ms = 5};
    g_auto(TriggerDecision) before = {0};
    g_auto(TriggerDecision) repeated = {0};
    g_assert_true(triggers_start_pipeline(house.triggers, &start, &before, NULL));
    g_assert_true(triggers_start_pipeline(house.triggers, &start, &repeated, NULL));
    g_assert_cmpstr(before.execution_id, ==, repeated.execution_id);
    triggers_start(house.triggers);
    for (guint i = 0; i < 200; i++) {
        g_autofree char *id = g_strdup_printf("e%u", i);
        g_auto(Outcome) outcome = wait_for(&house, id);
        g_assert_cmpstr(outcome.decisions->str, ==, "a:STARTED");
    }
    house_close(&house);
}

static void test_nobody(void) {
    House house = {0};
    house_open(&house, FALSE);
    save(&house, "a", "[{\"type\":\"webhook\",\"enabled\":true,\"source\":\"ss\"}]", "");
    g_autofree char *id = post(&house, NULL, NULL, NULL);
    g_auto(Outcome) outcome = wait_for(&house, id);
    g_assert_cmpint(outcome.considered, ==, 0);
    g_assert_nonnull(strstr(outcome.note, "source \"s\""));
    g_assert_nonnull(strstr(outcome.note, "\"ss\""));
    house_close(&house);
}

static void test_decisions_max(void) {
    House house = {0};
    house_open(&house, FALSE);
    StoreUnit *unit = store_unit_new();
    for (guint i = 0; i < TRIGGER_DECISIONS_MAX + 5; i++) {
        g_autofree char *id = g_strdup_printf("p%u", i);
        add_pipeline(unit, id, HOOK, i == 2001 ? "" : ",\"disabled\":true");
    }
    g_assert_true(store_commit(house.rig.store, unit, NULL));
    g_autofree char *id = post(&house, NULL, NULL, NULL);
    g_auto(Outcome) outcome = wait_for(&house, id);
    g_assert_cmpint(outcome.considered, ==, TRIGGER_DECISIONS_MAX + 5);
    g_assert_cmpint(outcome.left_out, ==, 5);
    g_assert_true(g_str_has_prefix(outcome.decisions->str, "p2001:STARTED "));
    house_close(&house);
}

/* An event is handled in the same time however many others there are. */
static void test_many_pipelines(void) {
    House house = {0};
    house_open(&house, FALSE);
    for (guint batch = 0; batch < 20; batch++) {
        StoreUnit *unit = store_unit_new();
        for (guint i = 0; i < 500; i++) {
            g_autofree char *id = g_strdup_printf("p%u-%u", batch, i);
            g_autofree char *triggers = g_strdup_printf("[{\"type\":\"webhook\",\"enabled\":true,\"source\":\"%s\"}]", id);
            add_pipeline(unit, id, triggers, "");
        }
        g_assert_true(store_commit(house.rig.store, unit, NULL));
    }
    save(&house, "a", HOOK, "");
    g_autofree char *first = post(&house, NULL, NULL, NULL);
    g_auto(Outcome) outcome = wait_for(&house, first);
    g_assert_cmpstr(outcome.decisions->str, ==, "a:STARTED");
    gint64 begin = g_get_monotonic_time();
    for (guint i = 0; i < 50; i++) {
        g_autofree char *id = post(&house, NULL, NULL, NULL);
        g_auto(Outcome) each = wait_for(&house, id);
        g_assert_cmpint(each.considered, ==, 1);
    }
    g_assert_cmpint(g_get_monotonic_time() - begin, <, 10 * G_TIME_SPAN_SECOND);
    house_close(&house);
}

static void note_change(const char *id, gpointer data) {
    if (strcmp(id, "a") == 0)
        g_atomic_int_inc((gint *)data);
}

static gboolean count_trigger(const TriggerView *view, gpointer data) {
    g_assert_cmpstr(view->pipeline_id, ==, "a");
    g_assert_true(view->enabled);
    ++*(guint *)data;
    return TRUE;
}

static void test_watchers(void) {
    House house = {0};
    gint changes = 0;
    guint n = 0;
    rig_open(&house.rig, &types);
    triggers_open(&house, FALSE, FALSE);
    triggers_watch(house.triggers, note_change, &changes);
    triggers_start(house.triggers);
    save(&house, "a", "[{\"type\":\"cron\",\"enabled\":true,\"cronExpression\":\"0 0 0 * * ?\"}]", "");
    triggers_each(house.triggers, "cron", NULL, count_trigger, &n);
    triggers_each(house.triggers, "webhook", "a", count_trigger, &n);
    g_assert_cmpuint(n, ==, 1);
    for (gint64 until = g_get_monotonic_time() + 5 * G_TIME_SPAN_SECOND; g_atomic_int_get(&changes) == 0 && g_get_monotonic_time() < until;)
        g_usleep(500);
    g_assert_cmpint(g_atomic_int_get(&changes), ==, 1);
    house_close(&house);
}

static void test_record_and_trim(void) {
    House house = {0};
    house_open(&house, FALSE);
    g_autoptr(Json) envelope = json_parse("{\"details\":{\"type\":\"scheduler\"}}", -1, NULL);
    TriggerEvent event = {.id = "fire", .created_ms = 5, .envelope = json_root(envelope)};
    TriggerDecisionRecord decision = {
        .pipeline_id = "a", .application = "app", .trigger_index = 0, .decided_ms = 6, .reason = "MISSED", .message = "m"};
    for (guint i = 0; i < 2; i++)
        g_assert_true(triggers_record(house.triggers, &event, &decision, 1, NULL));
    {
        g_auto(Outcome) outcome = wait_for(&house, "fire");
        g_assert_cmpstr(outcome.decisions->str, ==, "a:MISSED");
    }
    StoreUnit *unit = store_unit_new();
    store_trigger_events_trim(unit, 6);
    g_assert_true(store_commit(house.rig.store, unit, NULL));
    g_autoptr(GError) error = NULL;
    Outcome gone = {0};
    g_assert_false(store_trigger_event_load(house.rig.store, "fire", NULL, read_event, &gone, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_NOT_FOUND);
    house_close(&house);
}

static void test_bad_events(void) {
    House house = {0};
    house_open(&house, FALSE);
    static const char *const BAD[] = {"{}", "{\"details\":{}}", "{\"details\":{\"type\":\"\"}}", "[]"};
    for (gsize i = 0; i < G_N_ELEMENTS(BAD); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Json) envelope = json_parse(BAD[i], -1, NULL);
        g_assert_null(triggers_post_event(house.triggers, &(TriggerEvent){.envelope = json_root(envelope)}, NULL, &error));
        g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
    }
    g_autoptr(GError) error = NULL;
    g_autofree char *long_id = g_strnfill(TRIGGER_EVENT_ID_MAX + 1, 'x');
    g_autoptr(Json) envelope = json_parse("{\"details\":{\"type\":\"x\"}}", -1, NULL);
    g_assert_null(triggers_post_event(house.triggers, &(TriggerEvent){.id = long_id, .envelope = json_root(envelope)}, NULL, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_LIMIT);
    house_close(&house);
}

static void test_rate(void) {
    House house = {0};
    house_open(&house, FALSE);
    g_autoptr(GError) error = NULL;
    guint taken = 0;
    for (guint i = 0; i < WEBHOOKS_BURST * 2 && error == NULL; i++) {
        WebhookRequest request = {.type = "git", .source = "none"}; /* refused, and counted all the same */
        G_GNUC_UNUSED g_autofree char *id = triggers_post_webhook(house.triggers, &request, &error);
        taken += g_error_matches(error, GENNAKER_ERROR, ERR_INVALID) ? 1 : 0;
        if (!g_error_matches(error, GENNAKER_ERROR, ERR_LIMIT))
            g_clear_error(&error);
    }
    g_assert_error(error, GENNAKER_ERROR, ERR_LIMIT);
    g_assert_cmpuint(taken, >=, WEBHOOKS_BURST);
    for (guint i = 0; i < WEBHOOK_SOURCES_MAX + 10; i++) { /* names are anybody's to choose */
        g_autofree char *source = g_strdup_printf("none%u", i);
        WebhookRequest request = {.type = "git", .source = source};
        G_GNUC_UNUSED g_autofree char *id = triggers_post_webhook(house.triggers, &request, NULL);
    }
    g_assert_cmpuint(g_hash_table_size(house.triggers->rates), <=, WEBHOOK_SOURCES_MAX + 1);
    house_close(&house);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/triggers/decisions", test_decisions);
    g_test_add_func("/triggers/permission", test_permission);
    g_test_add_func("/triggers/repeats", test_repeats);
    g_test_add_func("/triggers/restart", test_restart);
    g_test_add_func("/triggers/nobody", test_nobody);
    g_test_add_func("/triggers/decisions-max", test_decisions_max);
    g_test_add_func("/triggers/many-pipelines", test_many_pipelines);
    g_test_add_func("/triggers/watchers", test_watchers);
    g_test_add_func("/triggers/record-and-trim", test_record_and_trim);
    g_test_add_func("/triggers/bad-events", test_bad_events);
    g_test_add_func("/triggers/rate", test_rate);
    return g_test_run();
}
