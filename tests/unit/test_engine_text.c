/* Lists join stored texts: the result is what reading and writing again gives, or is left to that. */
#include "engine/record.h"
#include "engine_testing.h"

static Status task_end(TaskContext *context, GError **error) {
    (void)error;
    task_set_context_string(context, "seen", "\"group\\\": ],\\\"requisiteStageRefIds\\\":[ \\");
    return STATUS_SUCCEEDED;
}

static const StageType type_end = {.type = "end", .tasks = (const TaskDefinition[]){{.name = "end", .run = task_end}, {.name = NULL}}};
static const StageTypes types = {(const StageType *const[]){&type_end, NULL}};

typedef struct {
    guint joined, read;
} Seen;

static void assert_same(const LoadedExecution *loaded, gboolean expand, Seen *seen) {
    g_autoptr(GError) error = NULL;
    gsize length = 0;
    g_autofree char *joined = execution_text_join(loaded, expand, &length);
    g_autoptr(Execution) execution = execution_from_loaded(loaded, &error);
    g_assert_no_error(error);
    g_autoptr(Json) json = execution_to_json(execution, expand);
    g_autofree char *written = json_write(json_root(json), NULL);
    if (joined != NULL) {
        g_assert_cmpstr(joined, ==, written);
        g_assert_cmpuint(length, ==, strlen(joined));
        seen->joined++;
    } else {
        seen->read++;
    }
}

static gboolean each(const LoadedExecution *loaded, gpointer data) {
    assert_same(loaded, TRUE, data);
    assert_same(loaded, FALSE, (Seen *)data + 1);
    return TRUE;
}

/* seen[0]: expanded, seen[1]: stripped. */
static void run(const char *pipeline, gboolean fails, Seen *seen) {
    g_autoptr(GError) error = NULL;
    Rig rig = {0};
    rig_open(&rig, &types);
    if (fails) {
        g_autoptr(Json) json = json_parse(pipeline, -1, NULL);
        g_free(engine_record_failure(rig.engine, json_root(json), &tester, "it was not to be"));
    } else {
        g_autofree char *id = rig_start(&rig, pipeline);
        execution_unref(rig_wait(&rig, id, NULL, STATUS_SUCCEEDED));
    }
    const ExecutionFilter filter = {.type = "PIPELINE"};
    g_assert_true(store_executions_list_whole(rig.store, &filter, each, seen, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(seen[0].joined + seen[0].read, ==, 1);
    rig_close(&rig);
}

static void test_usual(void) {
    Seen seen[2] = {0};
    run("{\"application\":\"a\",\"name\":\"say "
        "\\\"x\\\",\\\"context\\\":{\",\"id\":\"c\",\"description\":\"d\",\"startTimeExpiry\":9999999999999,"
        "\"keepWaitingPipelines\":true,\"notifications\":[{\"a\":1}],\"source\":{\"b\":2},\"templateVariables\":{\"v\":null,\"w\":1},"
        "\"spelEvaluator\":\"v4\",\"trigger\":{\"type\":\"manual\",\"parameters\":{\"p\":\"q\"}},\"stages\":["
        "{\"refId\":\"1\",\"type\":\"end\",\"name\":\"x,\\\"context\\\":{\\\"\",\"tasks\":[{\"requisiteStageRefIds\":[\"z\"]}]},"
        "{\"refId\":\"2\",\"type\":\"end\",\"requisiteStageRefIds\":[\"1\"],\"other\":{\"context\":{\"tasks\":[],\"requisiteStageRefIds\":["
        "]}}}]}",
        FALSE, seen);
    g_assert_cmpuint(seen[0].joined, ==, 1);
    g_assert_cmpuint(seen[1].joined, ==, 1);
}

static void test_group(void) {
    Seen seen[2] = {0};
    run("{\"application\":\"a\",\"name\":\"n\",\"stages\":[{\"refId\":\"1\",\"type\":\"end\",\"group\":\"g\"}]}", FALSE, seen);
    g_assert_cmpuint(seen[0].joined, ==, 1);
    g_assert_cmpuint(seen[1].read, ==, 1); /* its context has to be looked into */
}

static void test_canceled(void) {
    Seen seen[2] = {0};
    run("{\"application\":\"a\",\"name\":\"n\",\"stages\":[{\"refId\":\"1\",\"type\":\"end\"}]}", TRUE, seen);
    g_assert_cmpuint(seen[0].read, ==, 1);
    g_assert_cmpuint(seen[1].read, ==, 1);
}

static void test_parent(void) {
    Seen seen[2] = {0};
    run("{\"application\":\"a\",\"name\":\"n\",\"stages\":[{\"refId\":\"1\",\"type\":\"end\"}],\"trigger\":{\"type\":\"pipeline\","
        "\"parentPipelineStageId\":\"s\","
        "\"parentExecution\":{\"id\":\"p\",\"stages\":[{\"refId\":\"1\"}]}}}",
        FALSE, seen);
    g_assert_cmpuint(seen[0].read, ==, 1); /* parents are documents, not texts */
    g_assert_cmpuint(seen[1].read, ==, 1);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/engine/text/usual", test_usual);
    g_test_add_func("/engine/text/group", test_group);
    g_test_add_func("/engine/text/canceled", test_canceled);
    g_test_add_func("/engine/text/parent", test_parent);
    return g_test_run();
}
