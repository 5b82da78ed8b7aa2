/* Limits of the API that need an engine to be reached: requests that wait, executions of one list. */
#include "api/execution_lists.h"
#include "api/waits.h"
#include "engine_testing.h"
#include "stages/services.h"

static const char *const WAITING = "{\"application\":\"a\",\"name\":\"p\",\"stages\":[{\"type\":\"wait\",\"waitTime\":600}]}";
extern const StageType stage_wait;
static const StageType *const types[] = {&stage_wait, NULL};
static const StageTypes table = {types};

static guint answered;

static void count_answer(const Answer *answer, Services *services, const Execution *execution, gpointer data) {
    (void)answer, (void)services, (void)data;
    g_assert_cmpint(execution->status, ==, STATUS_RUNNING);
    answered++;
}

static gboolean add_wait(Waits *waits, const char *id, GError **error) {
    Answer answer = {0};
    ApiCall call = {.answer = &answer};
    return waits_add(waits, &call, id, WAIT_MOST_MS, count_answer, g_strdup("freed in any case"), g_free, error);
}

static void test_waits(void) {
    Rig rig = {0};
    rig_open(&rig, &table);
    Services services = {.store = rig.store, .engine = rig.engine};
    g_autofree char *id = rig_start(&rig, WAITING);
    G_GNUC_UNUSED g_autoptr(Execution) running = rig_wait(&rig, id, NULL, STATUS_RUNNING);
    Waits *waits = waits_new(&services);
    g_autoptr(GError) error = NULL;
    for (guint i = 0; i < WAITS_MAX; i++)
        g_assert_true(add_wait(waits, id, &error));
    g_assert_false(add_wait(waits, id, &error));
    g_assert_cmpint(error_code(error), ==, ERR_UNAVAILABLE);
    g_assert_nonnull(strstr(error->message, id));
    g_assert_nonnull(strstr(error->message, "1000 requests wait"));
    waits_free(waits);
    g_assert_cmpuint(answered, ==, WAITS_MAX);
    rig_close(&rig);
}

static void test_executions_listed(void) {
    Rig rig = {0};
    rig_open(&rig, &table);
    g_autofree char *id = rig_start(&rig, WAITING);
    g_autoptr(Execution) running = rig_wait(&rig, id, NULL, STATUS_RUNNING);
    ListedTexts *texts = listed_texts_new();
    g_autoptr(ExecutionList) list = execution_list_new(LIST_EXECUTIONS, rig.store, texts);
    g_autoptr(GError) error = NULL;
    for (guint i = 0; i < EXECUTIONS_LISTED_MAX; i++)
        g_assert_true(execution_list_add(list, running, &error));
    g_assert_false(execution_list_add(list, running, &error));
    g_assert_cmpint(error_code(error), ==, ERR_LIMIT);
    g_assert_cmpstr(error->message, ==, "list executions: more than 20000; ask for fewer with limit");
    g_assert_cmpuint(execution_list_length(list), ==, EXECUTIONS_LISTED_MAX);
    g_clear_pointer(&list, execution_list_free);
    listed_texts_free(texts);
    rig_close(&rig);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/api/limits/waits", test_waits);
    g_test_add_func("/api/limits/executions-listed", test_executions_listed);
    return g_test_run();
}
