/* Children that outlive us: run-child and its folder. The test binary is its own `gennaker run-child`. */
#include "bake/bakery.h"
#include "bake/child_folder.h"
#include "base/clock.h"
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *program;

static char *folder_new(void) {
    g_autoptr(GError) error = NULL;
    char *folder = g_dir_make_tmp("gennaker-child-XXXXXX", &error);
    g_assert_no_error(error);
    return folder;
}

static void folder_remove(const char *folder) {
    static const char *const NAMES[] = {"command.json", "lock", "process", "heartbeat", "output", "exit"};
    for (guint i = 0; i < G_N_ELEMENTS(NAMES); i++) {
        g_autofree char *path = g_build_filename(folder, NAMES[i], NULL);
        g_unlink(path);
    }
    g_rmdir(folder);
}

static void start(const char *folder, const char *script, gint64 timeout_ms, gsize output_max) {
    g_autoptr(GError) error = NULL;
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    const char *variables[] = {"PATH=/usr/bin:/bin", "SECRET=word", NULL};
    ChildCommand command = {
        .argv = argv, .environ = variables, .work_folder = folder, .timeout_ms = timeout_ms, .grace_ms = 2000, .output_max = output_max};
    gboolean fine = child_folder_start(folder, program, &command, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(fine);
}

static ChildState wait_end(const char *folder, ChildEnd *end) {
    for (guint i = 0; i < 1500; i++) {
        ChildState state = child_folder_look(folder, end);
        if (state != CHILD_RUNS)
            return state;
        g_usleep(10000);
    }
    return CHILD_RUNS;
}

static char *output_of(const char *folder) {
    g_autoptr(GError) error = NULL;
    gsize length = 0;
    char *text = child_folder_read(folder, 0, &length, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(length, ==, strlen(text));
    return text;
}

static void test_ends(void) {
    g_autofree char *folder = folder_new();
    g_auto(ChildEnd) end = {0};
    g_assert_cmpint(child_folder_look(folder, NULL), ==, CHILD_NONE);
    start(folder, "echo one $SECRET; echo two >&2; exit 3", 60000, 1000);
    g_assert_cmpint(wait_end(folder, &end), ==, CHILD_ENDED);
    g_assert_cmpint(end.exit_code, ==, 3);
    g_assert_cmpint(end.signal, ==, 0);
    g_assert_false(end.timed_out);
    g_assert_null(end.error);
    g_autofree char *text = output_of(folder);
    g_assert_nonnull(strstr(text, "one word\n"));
    g_assert_nonnull(strstr(text, "two\n"));
    g_assert_cmpint(child_folder_heartbeat_ms(folder), >, clock_now_ms() - 60000);
    child_folder_tidy(folder);
    g_autofree char *command = g_build_filename(folder, "command.json", NULL);
    g_assert_false(g_file_test(command, G_FILE_TEST_EXISTS));
    folder_remove(folder);
}

static void test_once(void) {
    g_autofree char *folder = folder_new();
    g_autoptr(GError) error = NULL;
    start(folder, "exit 0", 60000, 1000);
    wait_end(folder, NULL);
    const char *argv[] = {"/bin/true", NULL}, *variables[] = {NULL};
    ChildCommand command = {.argv = argv, .environ = variables, .timeout_ms = 1000, .output_max = 10};
    g_assert_false(child_folder_start(folder, program, &command, NULL, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_CONFLICT);
    folder_remove(folder);
}

static void test_missing_program(void) {
    g_autofree char *folder = folder_new();
    g_auto(ChildEnd) end = {0};
    g_autoptr(GError) error = NULL;
    const char *argv[] = {"/nowhere/packer", NULL}, *variables[] = {NULL};
    ChildCommand command = {.argv = argv, .environ = variables, .timeout_ms = 1000, .output_max = 10};
    g_assert_true(child_folder_start(folder, program, &command, NULL, &error));
    g_assert_cmpint(wait_end(folder, &end), ==, CHILD_ENDED);
    g_assert_nonnull(strstr(end.error, "/nowhere/packer"));
    folder_remove(folder);
}

static void test_cut(void) {
    g_autofree char *folder = folder_new();
    start(folder, "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; echo the end", 60000, 1000);
    wait_end(folder, NULL);
    g_autofree char *text = output_of(folder);
    g_assert_cmpuint(strlen(text), <, 1000 + CHILD_OUTPUT_TAIL + 100);
    g_assert_true(g_str_has_prefix(text, "line 0\n"));
    g_assert_nonnull(strstr(text, "[cut: more than 1000 bytes"));
    g_assert_true(g_str_has_suffix(text, "line 19999\nthe end\n"));
    folder_remove(folder);
}

static void test_timeout(void) {
    g_autofree char *folder = folder_new();
    g_auto(ChildEnd) end = {0};
    start(folder, "sleep 1000 & sleep 1000", 300, 1000);
    g_assert_cmpint(wait_end(folder, &end), ==, CHILD_ENDED);
    g_assert_true(end.timed_out);
    folder_remove(folder);
}

/* SIGTERM reaches the whole group, gives it its grace, and its clean-up is seen in the output. */
static void test_cancel(void) {
    g_autofree char *folder = folder_new();
    g_auto(ChildEnd) end = {0};
    start(folder, "trap 'echo cleaned; exit 7' TERM; echo ready; while :; do sleep 0.1; done", 60000, 1000);
    while (child_folder_output_size(folder) == 0)
        g_usleep(10000);
    g_assert_true(child_folder_cancel(folder));
    g_assert_cmpint(wait_end(folder, &end), ==, CHILD_ENDED);
    g_assert_true(end.cancelled);
    g_assert_cmpint(end.exit_code, ==, 7);
    g_autofree char *text = output_of(folder);
    g_assert_nonnull(strstr(text, "cleaned"));
    for (guint i = 0; i < 1000 && child_folder_cancel(folder); i++) /* the runner goes a moment after its last word */
        g_usleep(10000);
    g_assert_false(child_folder_cancel(folder));
    folder_remove(folder);
}

/* The process that started it dies by kill -9; another one finds the child and its end. */
static void test_outlives(void) {
    g_autofree char *folder = folder_new();
    g_auto(ChildEnd) end = {0};
    const char *argv[] = {program, "start-and-hang", folder, NULL};
    g_autoptr(GError) error = NULL;
    GPid pid = 0;
    g_assert_true(g_spawn_async(NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, &error));
    while (child_folder_output_size(folder) == 0)
        g_usleep(10000);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    g_assert_cmpint(child_folder_look(folder, NULL), ==, CHILD_RUNS);
    g_autofree char *go = g_build_filename(folder, "go", NULL);
    g_assert_true(g_file_set_contents(go, "", 0, NULL));
    g_assert_cmpint(wait_end(folder, &end), ==, CHILD_ENDED);
    g_assert_cmpint(end.exit_code, ==, 5);
    g_autofree char *text = output_of(folder);
    g_assert_cmpstr(text, ==, "waits\ngoes on\n");
    g_unlink(go);
    folder_remove(folder);
}

static void test_lost(void) {
    g_autofree char *folder = folder_new();
    g_autoptr(GError) error = NULL;
    g_assert_true(child_file_write(folder, "process", "{\"pid\":1,\"born\":1}", &error));
    g_assert_cmpint(child_folder_look(folder, NULL), ==, CHILD_LOST);
    g_assert_false(child_folder_cancel(folder));
    folder_remove(folder);
}

static int start_and_hang(const char *folder) {
    start(folder, "echo waits; while [ ! -e go ]; do sleep 0.05; done; echo goes on; exit 5", 60000, 1000);
    pause();
    return 1;
}

int main(int argc, char **argv) {
    program = g_file_read_link("/proc/self/exe", NULL);
    if (argc == 3 && strcmp(argv[1], "run-child") == 0)
        return bake_run_child(argv[2]);
    if (argc == 3 && strcmp(argv[1], "start-and-hang") == 0)
        return start_and_hang(argv[2]);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bake/child/ends", test_ends);
    g_test_add_func("/bake/child/once", test_once);
    g_test_add_func("/bake/child/missing-program", test_missing_program);
    g_test_add_func("/bake/child/cut", test_cut);
    g_test_add_func("/bake/child/timeout", test_timeout);
    g_test_add_func("/bake/child/cancel", test_cancel);
    g_test_add_func("/bake/child/outlives", test_outlives);
    g_test_add_func("/bake/child/lost", test_lost);
    int code = g_test_run();
    g_free(program);
    return code;
}
