/* kill -9 at any moment: nothing is lost, and a task whose end is recorded is never run again. A child process runs the engine
 * and is killed at random times, until a last one is left to finish. Seeded; GENNAKER_TEST_LONG=1 kills twenty times as often. */
#include "engine_testing.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIPELINES 12
#define STAGES 8
#define KILLS 15

static int record = -1; /* where tasks write down that they ran; survives the process */

static Status note(TaskContext *context, GError **error) {
    g_autofree char *line = g_strdup_printf("%s %s\n", context->execution->id, context->stage->ref_id);
    if (write(record, line, strlen(line)) < 0)
        error_set(error, ERR_INTERNAL, "cannot write");
    return STATUS_SUCCEEDED;
}

static const StageType type_note = {.type = "note", .tasks = (const TaskDefinition[]){{.name = "note", .run = note}, {.name = NULL}}};
static const StageTypes types = {(const StageType *const[]){&type_note, NULL}};

static char *execution_id(guint i) {
    return g_strdup_printf("CRASH%02u", i);
}

/* Starts what was never started; an execution whose start was acknowledged is there. */
static void start_all(Rig *rig) {
    for (guint i = 0; i < PIPELINES; i++) {
        g_autofree char *id = execution_id(i);
        g_autoptr(Execution) known = engine_load(rig->engine, id, NULL);
        if (known)
            continue;
        g_autoptr(GString) text = g_string_new(NULL);
        g_string_printf(text, "{\"application\":\"a\",\"name\":\"n\",\"executionId\":\"%s\",\"stages\":[", id);
        for (guint k = 0; k < STAGES; k++)
            g_string_append_printf(text, "%s{\"type\":\"note\"}", k ? "," : "");
        g_string_append(text, "]}");
        g_free(rig_start(rig, text->str));
    }
}

static G_NORETURN void child(char *folder, const char *file) {
    record = g_open(file, O_WRONLY | O_APPEND | O_CREAT, 0600);
    Rig rig = {.folder = folder};
    rig_open(&rig, &types);
    start_all(&rig);
    for (guint i = 0; i < PIPELINES; i++) {
        g_autofree char *id = execution_id(i);
        execution_unref(rig_wait(&rig, id, NULL, STATUS_SUCCEEDED));
    }
    _exit(0);
}

/* Each stage ran; once a later one of the same execution has run, the end of the earlier ones was recorded. */
static void check_record(const char *file, guint kills) {
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    int reached[PIPELINES];
    guint repeats = 0, runs = 0;
    for (guint i = 0; i < PIPELINES; i++)
        reached[i] = -1;
    for (char **line = lines; *line && **line; line++) {
        guint execution = (guint)g_ascii_strtoull(*line + strlen("CRASH"), NULL, 10);
        int stage = (int)g_ascii_strtoll(strchr(*line, ' ') + 1, NULL, 10);
        runs++;
        g_assert_cmpint(stage, >=, reached[execution]);
        g_assert_cmpint(stage, <=, reached[execution] + 1);
        repeats += stage == reached[execution];
        reached[execution] = stage;
    }
    for (guint i = 0; i < PIPELINES; i++)
        g_assert_cmpint(reached[i], ==, STAGES - 1);
    g_assert_cmpuint(runs - repeats, ==, PIPELINES * STAGES);
    g_assert_cmpuint(repeats, <=, kills * PIPELINES);
    g_test_message("%u kills, %u tasks repeated", kills, repeats);
}

static void test_kill(void) {
    g_autofree char *folder = g_dir_make_tmp("gennaker-crash-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(folder, "record", NULL);
    g_autofree char *data = g_build_filename(folder, "data", NULL);
    guint wanted = KILLS * (g_getenv("GENNAKER_TEST_LONG") ? 20 : 1), kills = 0;
    for (guint i = 0; i <= wanted; i++) {
        pid_t pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0)
            child(data, file);
        int status = 0;
        if (i < wanted) {
            g_usleep((gulong)g_test_rand_int_range(1000, 60000));
            kill(pid, SIGKILL);
        }
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        kills += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        g_assert_true((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    }
    check_record(file, kills);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/engine/crash/kill", test_kill);
    return g_test_run();
}
