/* Child processes: output, limits, time, cancel, process group, failures to start. */
#include "base/child.h"
#include "base/clock.h"
#include "base/error.h"
#include <signal.h>
#include <string.h>
#include <sys/types.h>

static ChildSpec shell(const char *const *argv) {
    return (ChildSpec){.argv = argv, .timeout_ms = 30000, .output_max = 1000000};
}

/* Tests may use a shell as the program that is run. */
#define SH(script)                                                                                                                         \
    (const char *const[]) {                                                                                                                \
        "sh", "-c", script, NULL                                                                                                           \
    }

static void test_output_and_exit(void) {
    ChildSpec spec = shell(SH("echo out; echo err >&2; cat; exit 3"));
    spec.input = "given";
    ChildResult result;
    g_autoptr(GError) error = NULL;
    g_assert_true(child_run(&spec, NULL, &result, &error));
    g_assert_no_error(error);
    g_assert_cmpint(result.exit_code, ==, 3);
    g_assert_cmpint(result.signal, ==, 0);
    g_assert_cmpstr(result.output, ==, "out\ngiven");
    g_assert_cmpstr(result.errors, ==, "err\n");
    child_result_clear(&result);
    g_assert_null(result.output);
}

static void test_environment_and_folder(void) {
    g_setenv("GENNAKER_TEST_SECRET", "x", TRUE);
    ChildSpec spec = shell(SH("pwd; echo [$GENNAKER_TEST_SECRET][$A]; ls /proc/self/fd | wc -l"));
    spec.folder = "/";
    ChildResult result;
    g_assert_true(child_run(&spec, NULL, &result, NULL));
    /* 0, 1, 2 and the folder that ls reads */
    g_assert_cmpstr(result.output, ==, "/\n[][]\n4\n");
    child_result_clear(&result);
    spec.environ = (const char *const[]){"A=b", "PATH=/usr/bin:/bin", NULL};
    g_assert_true(child_run(&spec, NULL, &result, NULL));
    g_assert_cmpstr(result.output, ==, "/\n[][b]\n4\n");
    child_result_clear(&result);
}

static void test_arguments_are_not_interpreted(void) {
    ChildSpec spec = shell((const char *const[]){"printf", "%s", "$(id); *", NULL});
    ChildResult result;
    g_assert_true(child_run(&spec, NULL, &result, NULL));
    g_assert_cmpstr(result.output, ==, "$(id); *");
    child_result_clear(&result);
}

static void test_output_is_bounded(void) {
    ChildSpec spec = shell(SH("head -c 300000 /dev/zero | tr '\\0' x"));
    spec.output_max = 100;
    ChildResult result;
    g_assert_true(child_run(&spec, NULL, &result, NULL));
    g_assert_cmpuint(strlen(result.output), <, 200);
    g_assert_true(g_str_has_suffix(result.output, "x\n[cut: 300000 bytes in all]"));
    child_result_clear(&result);
}

static void collect_line(const char *line, gpointer data) {
    g_ptr_array_add(data, g_strdup(line));
}

static void test_lines(void) {
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    ChildSpec spec = shell(SH("printf 'one\\n\\ntwo\\377'; sleep 0.05; printf '!\\nlast'"));
    spec.on_line = collect_line;
    spec.on_line_data = lines;
    ChildResult result;
    g_assert_true(child_run(&spec, NULL, &result, NULL));
    g_assert_cmpuint(lines->len, ==, 4);
    g_assert_cmpstr(lines->pdata[0], ==, "one");
    g_assert_cmpstr(lines->pdata[1], ==, "");
    g_assert_cmpstr(lines->pdata[2], ==, "two\xef\xbf\xbd!");
    g_assert_cmpstr(lines->pdata[3], ==, "last");
    child_result_clear(&result);
}

static void test_long_lines_come_in_parts(void) {
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    ChildSpec spec = shell(SH("head -c 32768 /dev/zero | tr '\\0' x; echo; echo y"));
    spec.on_line = collect_line;
    spec.on_line_data = lines;
    ChildResult result;
    g_assert_true(child_run(&spec, NULL, &result, NULL));
    gsize total = 0;
    for (guint i = 0; i + 1 < lines->len; i++) {
        g_assert_cmpuint(strlen(lines->pdata[i]), <=, CHILD_LINE_MAX);
        total += strlen(lines->pdata[i]);
    }
    g_assert_cmpuint(total, ==, 32768);
    g_assert_cmpstr(lines->pdata[lines->len - 1], ==, "y");
    child_result_clear(&result);
}

static void assert_gone(const char *pid_text) {
    const pid_t pid = (pid_t)g_ascii_strtoll(pid_text, NULL, 10);
    g_assert_cmpint(pid, >, 1);
    for (guint i = 0; i < 200; i++) {
        g_autofree char *file = g_strdup_printf("/proc/%d/stat", (int)pid);
        g_autofree char *stat = NULL;
        /* an orphan may stay a zombie for a while, or for ever where nobody reaps */
        if (!g_file_get_contents(file, &stat, NULL, NULL) || strstr(stat, ") Z ") != NULL || strstr(stat, ") X ") != NULL)
            return;
        g_usleep(10000);
    }
    g_error("process %d still runs", (int)pid);
}

static void test_time_limit_ends_the_group(void) {
    ChildSpec spec = shell(SH("sleep 1000 & echo $!; wait"));
    spec.timeout_ms = 200;
    ChildResult result;
    g_autoptr(GError) error = NULL;
    const gint64 before = clock_elapsed_ms();
    g_assert_false(child_run(&spec, NULL, &result, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_TIMEOUT);
    g_assert_cmpstr(error->message, ==, "sh did not end within 200 ms and was ended");
    g_assert_true(result.timed_out);
    g_assert_cmpint(result.signal, ==, SIGTERM);
    g_assert_cmpint(result.exit_code, ==, -1);
    g_assert_cmpint(clock_elapsed_ms() - before, <, 4000);
    assert_gone(result.output);
    child_result_clear(&result);
}

static void test_kill_when_term_is_ignored(void) {
    ChildSpec spec = shell(SH("trap '' TERM; echo $$; while :; do sleep 0.1; done"));
    spec.timeout_ms = 200;
    ChildResult result;
    g_autoptr(GError) error = NULL;
    g_assert_false(child_run(&spec, NULL, &result, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_TIMEOUT);
    g_assert_cmpint(result.signal, ==, SIGKILL);
    assert_gone(result.output);
    child_result_clear(&result);
}

static gpointer cancel_later(gpointer data) {
    g_usleep(100000);
    cancel_set(data);
    return NULL;
}

static void test_cancel(void) {
    g_autoptr(Cancel) cancel = cancel_new();
    ChildSpec spec = shell(SH("echo started; sleep 1000"));
    ChildResult result;
    g_autoptr(GError) error = NULL;
    GThread *thread = g_thread_new("cancel", cancel_later, cancel);
    g_assert_false(child_run(&spec, cancel, &result, &error));
    g_thread_join(thread);
    g_assert_error(error, GENNAKER_ERROR, ERR_CANCELLED);
    g_assert_true(result.cancelled);
    g_assert_cmpstr(result.output, ==, "started\n");
    child_result_clear(&result);
    g_autoptr(GError) at_once = NULL;
    g_assert_false(child_run(&spec, cancel, &result, &at_once));
    g_assert_error(at_once, GENNAKER_ERROR, ERR_CANCELLED);
    child_result_clear(&result);
}

static void test_what_it_leaves_behind_is_ended(void) {
    ChildSpec spec = shell(SH("sleep 1000 & echo $!"));
    ChildResult result;
    g_assert_true(child_run(&spec, NULL, &result, NULL));
    g_assert_cmpint(result.exit_code, ==, 0);
    assert_gone(result.output);
    child_result_clear(&result);
}

static void assert_start_error(ChildSpec spec, ErrorCode code, const char *message) {
    ChildResult result;
    g_autoptr(GError) error = NULL;
    g_assert_false(child_run(&spec, NULL, &result, &error));
    g_assert_error(error, GENNAKER_ERROR, (int)code);
    g_assert_cmpstr(error->message, ==, message);
    g_assert_null(result.output);
}

static void test_failures_to_start(void) {
    assert_start_error(shell((const char *const[]){"no-such-program-here", NULL}), ERR_NOT_FOUND,
                       "start no-such-program-here: there is no such program in PATH (or what it names in its first line)");
    assert_start_error(shell((const char *const[]){"/etc/passwd", NULL}), ERR_FORBIDDEN, "start /etc/passwd: Permission denied");
    ChildSpec spec = shell((const char *const[]){"true", NULL});
    spec.folder = "/no/such/folder";
    assert_start_error(spec, ERR_NOT_FOUND, "start true: there is no folder /no/such/folder to run it in");
    g_autofree char *huge = g_strnfill(16 * 1024 * 1024, 'x');
    assert_start_error(shell((const char *const[]){"true", huge, NULL}), ERR_LIMIT,
                       "start true: its arguments and environment are too long");
}

static gpointer run_many(gpointer data) {
    (void)data;
    for (guint i = 0; i < 20; i++) {
        ChildSpec spec = shell((const char *const[]){"cat", NULL});
        spec.input = "x";
        ChildResult result;
        g_assert_true(child_run(&spec, NULL, &result, NULL));
        g_assert_cmpstr(result.output, ==, "x");
        child_result_clear(&result);
    }
    return NULL;
}

static void test_many_threads(void) {
    GThread *threads[4];
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("run", run_many, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/child/output-and-exit", test_output_and_exit);
    g_test_add_func("/base/child/environment-and-folder", test_environment_and_folder);
    g_test_add_func("/base/child/arguments", test_arguments_are_not_interpreted);
    g_test_add_func("/base/child/output-bounded", test_output_is_bounded);
    g_test_add_func("/base/child/lines", test_lines);
    g_test_add_func("/base/child/long-lines", test_long_lines_come_in_parts);
    g_test_add_func("/base/child/time-limit", test_time_limit_ends_the_group);
    g_test_add_func("/base/child/kill", test_kill_when_term_is_ignored);
    g_test_add_func("/base/child/cancel", test_cancel);
    g_test_add_func("/base/child/leftovers", test_what_it_leaves_behind_is_ended);
    g_test_add_func("/base/child/failures", test_failures_to_start);
    g_test_add_func("/base/child/threads", test_many_threads);
    return g_test_run();
}
