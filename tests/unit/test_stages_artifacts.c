/* Artifacts that stages see, bind and hand on, in the real engine (engine.md 4, 16.4; artifacts.md 5.3, 5.4). */
#include "engine_testing.h"
#include "stages/artifacts/artifacts.h"
#include "stages/stages.h"

/* ---- stages that say what they emit ---- */

static Status emit_run(TaskContext *context, GError **error) {
    (void)error;
    const JsonValue *own = json_root(context->stage->context);
    task_set_output(context, "artifacts", json_get(own, "emits"));
    if (json_get(own, "resolves") != NULL)
        task_set_output(context, "resolvedExpectedArtifacts", json_get(own, "resolves"));
    return STATUS_SUCCEEDED;
}

static const StageType emit = {.type = "emit",
                               .tasks = (const TaskDefinition[]){{.name = "emit", .run = emit_run, .no_io = TRUE}, {0}},
                               .closing_tasks = bind_produced_artifacts};
static const StageType quiet = {.type = "quiet", .tasks = (const TaskDefinition[]){{.name = "emit", .run = emit_run, .no_io = TRUE}, {0}}};

/* An input by id or inline: its result is output `input`. */
static Status input_run(TaskContext *context, GError **error) {
    const JsonValue *own = json_root(context->stage->context);
    const ArtifactInput input = {.input = "manifestArtifact",
                                 .id = json_get_string(own, "manifestArtifactId"),
                                 .artifact = json_get(own, "manifestArtifact"),
                                 .account = json_get_string(own, "manifestArtifactAccount")};
    g_autoptr(Json) artifact = task_artifact_input(context, &input, error);
    if (artifact == NULL)
        return STATUS_TERMINAL;
    task_set_output_json(context, "input", artifact);
    return STATUS_SUCCEEDED;
}
static const StageType takes = {.type = "takes", .tasks = (const TaskDefinition[]){{.name = "take", .run = input_run}, {0}}};

static const StageType *const LIST[] = {&emit, &quiet, &takes, NULL};
static const StageTypes types = {LIST};

typedef struct {
    Rig rig;
    Services services;
} House;

static void house_open(House *house, const char *yaml) {
    g_autoptr(GError) error = NULL;
    *house = (House){0};
    house->rig.config = yaml != NULL ? config_load_text("gennaker.yml", yaml, -1, &error) : config_load(NULL, &error);
    g_assert_no_error(error);
    const StoreOptions options = {0};
    house->rig.store = store_open(&options, &error);
    g_assert_no_error(error);
    house->services.store = house->rig.store;
    g_mutex_init(&house->services.lock);
    house->services.config = config_ref(house->rig.config);
    const EngineOptions engine = {.store = house->rig.store,
                                  .types = &types,
                                  .services = &house->services,
                                  .submission_steps = submission_steps,
                                  .config = house->rig.config};
    house->rig.engine = house->services.engine = engine_new(&engine, &error);
    g_assert_no_error(error);
    engine_start(house->rig.engine);
}

static void house_close(House *house) {
    rig_close(&house->rig);
    config_unref(house->services.config);
    g_mutex_clear(&house->services.lock);
}

/* Runs a pipeline written with ' for " to its end. */
static Execution *run_to(House *house, const char *text, Status status) {
    g_autofree char *strict = g_strdelimit(g_strdup(text), "'", '"');
    g_autofree char *id = rig_start(&house->rig, strict);
    return rig_wait(&house->rig, id, NULL, status);
}

static char *names_of(const JsonValue *artifacts) {
    GString *names = g_string_new(NULL);
    for (JsonIter i = json_iter(artifacts); json_next(&i);)
        g_string_append_printf(names, "%s%s", i.index > 0 ? " " : "", json_get_string(i.value, "name"));
    return g_string_free(names, FALSE);
}

static void assert_names(Json *artifacts, const char *expected) {
    g_autofree char *names = names_of(json_root(artifacts));
    g_assert_cmpstr(names, ==, expected);
    json_unref(artifacts);
}

#define EMIT(ref, after, more) "{'refId':'" ref "','requisiteStageRefIds':[" after "],'type':'emit','name':'" ref "'," more "}"
#define TRIGGER "'trigger':{'type':'manual','artifacts':[{'name':'t'}]}"

/* engine.md 16.4: own context, ancestors' outputs, then the trigger; and all of an execution, later stages first. */
static void test_visible(void) {
    House house;
    house_open(&house, NULL);
    g_autoptr(Execution) done = run_to(
        &house,
        "{'application':'a','name':'p','stages':[" EMIT("1", "", "'emits':[{'name':'a1'},{'name':'a2'}]") "," EMIT(
            "2", "'1'",
            "'emits':[{'name':'b'}],'artifacts':[{'name':'own'}]") "," EMIT("3", "",
                                                                            "'emits':[{'name':'c'}]") "," EMIT("4", "'2'",
                                                                                                               "'x':1") "]," TRIGGER "}",
        STATUS_SUCCEEDED);
    assert_names(stage_visible_artifacts(done, execution_stage_by_ref(done, "4")), "b a1 a2 t");
    assert_names(stage_visible_artifacts(done, execution_stage_by_ref(done, "2")), "own b a1 a2 t");
    assert_names(stage_visible_artifacts(done, execution_stage_by_ref(done, "3")), "c t");
    assert_names(execution_artifacts(done, "3"), "b a2 a1 t");
    g_autoptr(Json) all = execution_artifacts(done, NULL);
    g_assert_cmpuint(json_length(json_root(all)), ==, 5);
    house_close(&house);
}

/* engine.md 16.4: by id, with the match artifact's account; expressions in it are evaluated. */
static void test_bound_by_id(void) {
    static const char EXPECTED[] =
        "'resolves':[{'id':'e','matchArtifact':{'artifactAccount':'of-match'},'boundArtifact':{'name':'${parameters.v}'}},"
        "{'id':'f','matchArtifact':{'artifactAccount':'of-match'},'boundArtifact':{'name':'f','artifactAccount':'own'}}],'emits':[]";
    static const struct {
        const char *input, *name, *account;
    } CASES[] = {
        {"'manifestArtifactId':'e'", "7", "of-match"},
        {"'manifestArtifactId':'f'", "f", "own"},
        {"'manifestArtifactId':'f','manifestArtifactAccount':'given'", "f", "given"},
        {"'manifestArtifact':{'name':'inline-${parameters.v}'}", "inline-7", NULL},
        {"'manifestArtifactId':'t'", "of trigger", NULL},
    };
    House house;
    house_open(&house, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autofree char *text = g_strdup_printf("{'application':'a','name':'p','spelEvaluator':'v4','stages':[" EMIT(
                                                    "1", "", "%s") ",{'refId':'2','requisiteStageRefIds':['1'],"
                                                                   "'type':'takes','name':'2',%s}],'trigger':{'type':'manual','parameters':"
                                                                   "{'v':'7'},'resolvedExpectedArtifacts':[{'id':'t',"
                                                                   "'boundArtifact':{'name':'of trigger'}}]}}",
                                                EXPECTED, CASES[i].input);
        g_autoptr(Execution) done = run_to(&house, text, STATUS_SUCCEEDED);
        const JsonValue *input = json_get(json_root(execution_stage_by_ref(done, "2")->outputs), "input");
        g_assert_cmpstr(json_get_string(input, "name"), ==, CASES[i].name);
        g_assert_cmpstr(json_get_string(input, "artifactAccount"), ==, CASES[i].account);
    }
    house_close(&house);
}

static void test_missing_input(void) {
    House house;
    house_open(&house, NULL);
    static const char *const INPUTS[] = {"'manifestArtifactId':'e'", "'x':1"};
    for (guint i = 0; i < G_N_ELEMENTS(INPUTS); i++) {
        g_autofree char *text = g_strdup_printf(
            "{'application':'a','name':'p','stages':[{'refId':'1','requisiteStageRefIds':[],'type':'takes','name':'1',%s}]}", INPUTS[i]);
        g_autoptr(Execution) done = run_to(&house, text, STATUS_TERMINAL);
        g_autofree char *context = json_write(json_root(execution_stage_by_ref(done, "1")->context), NULL);
        g_assert_nonnull(strstr(context, "manifestArtifact: "));
    }
    house_close(&house);
}

/* ---- bindProducedArtifacts ---- */
#define WANTS "'expectedArtifacts':[{'id':'e','matchArtifact':{'name':'a.*'}}]"

static void test_closing(void) {
    House house;
    house_open(&house, NULL);
    g_autoptr(Execution)
        done = run_to(&house,
                      "{'application':'a','name':'p','stages':[" EMIT("1", "", "'emits':[{'name':'a1'},{'name':'a2'}]," WANTS) "," EMIT(
                          "2", "", "'emits':[],'expectedArtifacts':[]") ",{'refId':'3','requisiteStageRefIds':[],'type':"
                                                                        "'quiet','name':'3','emits':[]," WANTS "}]}",
                      STATUS_SUCCEEDED);
    const Stage *bound = execution_stage_by_ref(done, "1");
    g_assert_cmpuint(bound->tasks->len, ==, 2);
    g_assert_cmpstr(((TaskState *)bound->tasks->pdata[1])->name, ==, "bindProducedArtifacts");
    g_assert_cmpuint(execution_stage_by_ref(done, "2")->tasks->len, ==, 1);
    g_assert_cmpuint(execution_stage_by_ref(done, "3")->tasks->len, ==, 1);
    const Json *both[] = {bound->context, bound->outputs};
    for (guint i = 0; i < G_N_ELEMENTS(both); i++) {
        g_autofree char *names = names_of(json_get(json_root(both[i]), "artifacts"));
        g_assert_cmpstr(names, ==, "a1");
        g_assert_cmpuint(json_length(json_get(json_root(both[i]), "resolvedExpectedArtifacts")), ==, 1);
    }
    house_close(&house);
}

static void test_closing_unmatched(void) {
    House house;
    house_open(&house, NULL);
    g_autoptr(Execution) failed = run_to(
        &house, "{'application':'a','name':'p','stages':[" EMIT("1", "", "'emits':[{'name':'b'}]," WANTS) "]}", STATUS_TERMINAL);
    g_autofree char *context = json_write(json_root(execution_stage_by_ref(failed, "1")->context), NULL);
    g_assert_nonnull(strstr(context, "Unmatched expected artifact"));
    g_autoptr(Execution)
        saved = run_to(&house,
                       "{'application':'a','name':'p','stages':[" EMIT(
                           "1", "",
                           "'emits':[],'expectedArtifacts':[{'id':'e','matchArtifact':{'name':'a'},'useDefaultArtifact':true,"
                           "'defaultArtifact':{'name':'d'}}]") "]}",
                       STATUS_SUCCEEDED);
    g_autofree char *names = names_of(json_get(json_root(execution_stage_by_ref(saved, "1")->outputs), "artifacts"));
    g_assert_cmpstr(names, ==, "d");
    house_close(&house);
}

static void test_excluded_outputs(void) {
    House house;
    house_open(
        &house,
        "orca:\n  tasks:\n    core:\n      bindProducedArtifactsTask:\n        excludeKeysFromOutputs: [resolvedExpectedArtifacts]\n");
    g_autoptr(Execution) done = run_to(
        &house, "{'application':'a','name':'p','stages':[" EMIT("1", "", "'emits':[{'name':'a'}]," WANTS) "]}", STATUS_SUCCEEDED);
    const Stage *stage = execution_stage_by_ref(done, "1");
    g_assert_null(json_get(json_root(stage->outputs), "resolvedExpectedArtifacts"));
    g_assert_nonnull(json_get(json_root(stage->outputs), "artifacts"));
    g_assert_nonnull(json_get(json_root(stage->context), "resolvedExpectedArtifacts"));
    house_close(&house);
}

/* A restarted stage binds what it makes then, not what it made the last time. */
static void test_restart_binds_anew(void) {
    House house;
    house_open(&house, NULL);
    g_autoptr(Execution) done = run_to(
        &house, "{'application':'a','name':'p','stages':[" EMIT("1", "", "'emits':[{'name':'a1'}]," WANTS) "]}", STATUS_SUCCEEDED);
    const Stage *stage = execution_stage_by_ref(done, "1");
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) change = json_parse("{\"emits\":[{\"name\":\"a2\"}]}", -1, NULL);
    g_assert_true(engine_patch_stage(house.rig.engine, done->id, stage->id, json_root(change), &tester, &error));
    g_assert_true(engine_restart_stage(house.rig.engine, done->id, stage->id, NULL, "tester", &error));
    g_autoptr(Execution) again = rig_wait(&house.rig, done->id, NULL, STATUS_SUCCEEDED);
    g_autofree char *names = names_of(json_get(json_root(execution_stage_by_ref(again, "1")->outputs), "artifacts"));
    g_assert_cmpstr(names, ==, "a2");
    house_close(&house);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stages/artifacts/visible", test_visible);
    g_test_add_func("/stages/artifacts/bound-by-id", test_bound_by_id);
    g_test_add_func("/stages/artifacts/missing-input", test_missing_input);
    g_test_add_func("/stages/artifacts/closing", test_closing);
    g_test_add_func("/stages/artifacts/closing-unmatched", test_closing_unmatched);
    g_test_add_func("/stages/artifacts/excluded-outputs", test_excluded_outputs);
    g_test_add_func("/stages/artifacts/restart-binds-anew", test_restart_binds_anew);
    return g_test_run();
}
