/* The bakery with a packer of our own: keys, cache, limits, cancel, restart, loss, secrets. The test binary is its own run-child. */
#include "bake/bakery.h"
#include "bake/child_folder.h"
#include "bake/files.h"
#include "bake/internal.h"
#include "bake_testing.h"
#include "base/ids.h"
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    char *folder;
    Store *store;
    Config *config;
    Bakery *bakery;
    gint woken; /* atomic */
} Rig;

static char *program;

static void count(const char *execution_id, const char *stage_id, gpointer data) {
    g_assert_cmpstr(execution_id, ==, "execution");
    g_assert_nonnull(stage_id);
    g_atomic_int_inc(&((Rig *)data)->woken);
}

static void rig_open(Rig *rig) {
    g_autoptr(GError) error = NULL;
    rig->store = store_open_at(rig->folder);
    BakeryOptions options = {
        .store = rig->store, .config = rig->config, .folder = rig->folder, .program = program, .bake_ended = count, .data = rig};
    rig->bakery = bakery_new(&options, &error);
    g_assert_no_error(error);
    bakery_start(rig->bakery);
}

static void rig_close(Rig *rig) {
    g_clear_pointer(&rig->bakery, bakery_free);
    g_clear_pointer(&rig->store, store_close);
}

static void rig_load(Rig *rig, int concurrent) {
    rig->config = bake_testing_config(rig->folder, concurrent);
}

static Rig *rig_new(int concurrent) {
    Rig *rig = g_new0(Rig, 1);
    rig->folder = folder_new();
    bake_testing_packer(rig->folder);
    rig_load(rig, concurrent);
    rig_open(rig);
    return rig;
}

static void rig_free(Rig *rig) {
    rig_close(rig);
    config_unref(rig->config);
    remove_tree(rig->folder);
    g_free(rig->folder);
    g_free(rig);
}

static void touch(const Rig *rig, const char *name) {
    g_autofree char *path = g_build_filename(rig->folder, name, NULL);
    g_assert_true(g_file_set_contents(path, "", 0, NULL));
}

static guint starts(const Rig *rig) {
    return bake_testing_starts(rig->folder);
}

static void wait_starts(const Rig *rig, guint n) {
    for (guint i = 0; i < 1000 && starts(rig) < n; i++)
        g_usleep(10000);
    g_assert_cmpuint(starts(rig), ==, n);
}

static Json *request(const char *package, const char *suffix) {
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "package", package, "base_os", "jammy", "ami_suffix", suffix, "build_number",
                     "7", "build_host", "http://ci/", "job", "folder/job", "commit_hash", "abc");
}

static char *bake_raw(Rig *rig, const Json *asked, gboolean rebake, const char *stage, const char *state) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) status = bakery_bake(rig->bakery, "us-east-1", json_root(asked), rebake, "execution", stage, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(json_get_string(json_root(status), "state"), ==, state);
    g_assert_cmpstr(json_get_string(json_root(status), "id"), ==, json_get_string(json_root(status), "resource_id"));
    return g_strdup(json_get_string(json_root(status), "id"));
}

static char *bake(Rig *rig, const char *package, gboolean rebake, const char *state) {
    g_autoptr(Json) asked = request(package, "s1");
    return bake_raw(rig, asked, rebake, "stage", state);
}

static void wait_state(Rig *rig, const char *id, const char *state, const char *phase) {
    for (guint i = 0; i < 1500; i++) {
        g_auto(BakeRecord) record = {0};
        g_assert_true(bake_record_load(rig->store, id, &record, NULL));
        if (g_strcmp0(json_get_string(json_root(record.body), "state"), state) == 0 &&
            (phase == NULL || g_strcmp0(record.phase, phase) == 0))
            return;
        g_usleep(10000);
    }
    g_autoptr(Json) status = bakery_status(rig->bakery, id, NULL);
    g_autofree char *text = json_write(json_root(status), NULL);
    g_error("bake %s does not become %s %s: %s", id, state, phase, text);
}

static void test_success(void) {
    Rig *rig = rig_new(2);
    g_autoptr(GError) error = NULL;
    g_autofree char *id = bake(rig, "foo_1.2.3-h7.abc_all", FALSE, "RUNNING");
    wait_state(rig, id, "COMPLETED", BAKE_DONE);
    g_assert_cmpint(g_atomic_int_get(&rig->woken), ==, 1);
    g_autoptr(Json) here = bakery_bake_details(rig->bakery, "us-east-1", id, &error);
    g_assert_cmpstr(json_get_string(json_root(here), "ami"), ==, "ami-0abc");
    g_assert_cmpstr(json_get_string(json_root(here), "image_name"), ==, "foo-all-s1-jammy");
    g_assert_cmpstr(json_get_string(json_root(here), "base_ami"), ==, "ami-12");
    const JsonValue *artifact = json_get(json_root(here), "artifact");
    g_assert_cmpstr(json_get_string(artifact, "type"), ==, "aws/image");
    g_assert_cmpstr(json_get_string(artifact, "location"), ==, "us-east-1");
    g_assert_cmpstr(json_get_string(artifact, "uuid"), ==, id);
    g_autoptr(Json) there = bakery_bake_details(rig->bakery, "eu-west-1", id, &error);
    g_assert_cmpstr(json_get_string(json_root(there), "ami"), ==, "ami-0def");
    /* reused without a builder; a rebake is another one */
    g_autofree char *again = bake(rig, "foo_1.2.3-h7.abc_all", FALSE, "COMPLETED");
    g_assert_cmpstr(again, ==, id);
    g_autofree char *anew = bake(rig, "foo_1.2.3-h7.abc_all", TRUE, "RUNNING");
    g_assert_cmpstr(anew, !=, id);
    wait_state(rig, anew, "COMPLETED", BAKE_DONE);
    g_assert_cmpuint(starts(rig), ==, 2);
    rig_free(rig);
}

/* Neither in the log nor in arguments nor in what is left on the disk. */
/* bake.md 1: DELETE bake, delete-requests. */
static void test_forget(void) {
    Rig *rig = rig_new(2);
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) asked = request("foo", "s1"), other = request("bar", "s1");
    g_autofree char *id = bake(rig, "foo", FALSE, "RUNNING");
    wait_state(rig, id, "COMPLETED", BAKE_DONE);
    g_assert_null(bakery_forget(rig->bakery, "us-east-1", json_root(other), &error));
    g_assert_cmpint(error_code(error), ==, ERR_NOT_FOUND);
    g_clear_error(&error);
    g_autofree char *forgotten = bakery_forget(rig->bakery, "us-east-1", json_root(asked), &error);
    g_assert_no_error(error);
    g_assert_cmpstr(forgotten, ==, id);
    g_assert_null(bakery_forget(rig->bakery, "us-east-1", json_root(asked), NULL));
    G_GNUC_UNUSED g_autoptr(Json) kept = bakery_status(rig->bakery, id, &error);
    g_assert_no_error(error);
    g_autofree char *anew = bake(rig, "foo", FALSE, "RUNNING");
    g_assert_cmpstr(anew, !=, id);
    wait_state(rig, anew, "COMPLETED", BAKE_DONE);
    g_autoptr(Json) ids = json_parse("[\"nobody\", \"execution\"]", -1, NULL);
    guint count = 0;
    g_assert_true(bakery_forget_executions(rig->bakery, json_root(ids), &count, &error));
    g_assert_cmpuint(count, ==, 1); /* the first one's key leads to the second */
    g_autofree char *third = bake(rig, "foo", FALSE, "RUNNING");
    wait_state(rig, third, "COMPLETED", BAKE_DONE);
    rig_free(rig);
}

static void test_secrets(void) {
    Rig *rig = rig_new(2);
    g_autofree char *id = bake(rig, "foo_1.0_all", FALSE, "RUNNING");
    wait_state(rig, id, "COMPLETED", BAKE_DONE);
    g_autofree char *log = bakery_log(rig->bakery, id, NULL);
    g_assert_nonnull(strstr(log, "==> amazon-ebs: Creating AMI foo-all-s1-jammy from instance i-1\n"));
    g_assert_nonnull(strstr(log, "foo=1.0, key ***\n"));
    g_assert_nonnull(strstr(log, "args: build -machine-readable"));
    g_assert_null(strstr(log, "very-secret"));
    g_assert_null(strstr(log, "foo=1.0 "));
    g_autofree char *folder = bakery_folder_of(rig->bakery, id), *attempt = bakery_attempt_folder(rig->bakery, id, 1);
    g_assert_true(g_file_test(folder, G_FILE_TEST_IS_DIR));
    g_assert_false(g_file_test(attempt, G_FILE_TEST_EXISTS));
    rig_free(rig);
}

static void test_old_logs(void) {
    Rig *rig = rig_new(2);
    g_autoptr(GError) error = NULL;
    g_autofree char *id = bake(rig, "foo_1.0_all", FALSE, "RUNNING");
    wait_state(rig, id, "COMPLETED", BAKE_DONE);
    gint64 day = 24 * 3600 * G_GINT64_CONSTANT(1000), now = g_get_real_time() / 1000;
    bakery_drop_old_logs(rig->bakery, now + (BAKE_LOGS_KEPT_DAYS - 1) * day);
    g_autofree char *log = bakery_log(rig->bakery, id, NULL);
    g_assert_nonnull(log);
    bakery_drop_old_logs(rig->bakery, now + (BAKE_LOGS_KEPT_DAYS + 1) * day);
    g_assert_null(bakery_log(rig->bakery, id, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_NOT_FOUND);
    g_autofree char *again = bake(rig, "foo_1.0_all", FALSE, "COMPLETED");
    g_assert_cmpstr(again, ==, id);
    rig_free(rig);
}

static void test_failure(void) {
    Rig *rig = rig_new(2);
    g_autofree char *id = bake(rig, "fail_1_all", FALSE, "RUNNING");
    wait_state(rig, id, "CANCELED", BAKE_DONE);
    g_autoptr(Json) status = bakery_status(rig->bakery, id, NULL);
    g_assert_cmpstr(json_get_string(json_root(status), "result"), ==, "FAILURE");
    g_assert_nonnull(strstr(json_get_string(json_root(status), "error"), "exit code 1"));
    g_assert_nonnull(strstr(json_get_string(json_root(status), "error"), "Unable to locate package"));
    g_autofree char *log = bakery_log(rig->bakery, id, NULL);
    g_assert_nonnull(strstr(log, "Unable to locate package"));
    g_autofree char *next = bake(rig, "fail_1_all", FALSE, "RUNNING");
    g_assert_cmpstr(next, !=, id);
    g_autofree char *none = bake(rig, "none_1_all", FALSE, "RUNNING");
    wait_state(rig, none, "CANCELED", BAKE_DONE);
    wait_state(rig, next, "CANCELED", BAKE_DONE);
    rig_free(rig);
}

static void test_refused(void) {
    static const struct {
        const char *os, *region, *template, *cloud, *text;
    } CASES[] = {
        {"beos", "us-east-1", NULL, "aws", "No virtualization settings found for 'beos'"},
        {"jammy", "eu-north-1", NULL, "aws", "No virtualization settings found for region 'eu-north-1', operating system 'jammy'"},
        {"jammy", "us-east-1", "../../etc/passwd", "aws", "expected a name below"},
        {"jammy", "us-east-1", NULL, "venus", "Unknown provider type 'venus'"},
    };
    Rig *rig = rig_new(2);
    for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Json) asked = json_pack("{s:s, s:s, s:s, s:s}", "package", "foo", "base_os", CASES[i].os, "template_file_name",
                                          CASES[i].template, "cloud_provider_type", CASES[i].cloud);
        g_assert_null(bakery_bake(rig->bakery, CASES[i].region, json_root(asked), FALSE, NULL, NULL, &error));
        g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
        g_assert_nonnull(strstr(error->message, CASES[i].text));
    }
    rig_free(rig);
}

/* Two at once of one key: one builder, both are woken; a repeat of a request by its id is the same bake. */
static void test_shared(void) {
    Rig *rig = rig_new(2);
    g_autoptr(Json) asked = request("wait_1_all", "s1");
    g_autoptr(Json) named = json_with_string(json_root(asked), "request_id", "01ABC");
    g_autofree char *one = bake_raw(rig, named, FALSE, "stage-1", "RUNNING");
    g_autofree char *two = bake_raw(rig, asked, FALSE, "stage-2", "RUNNING");
    g_autofree char *repeat = bake_raw(rig, named, TRUE, "stage-1", "RUNNING");
    g_assert_cmpstr(one, ==, "01ABC");
    g_assert_cmpstr(two, ==, one);
    g_assert_cmpstr(repeat, ==, one);
    touch(rig, "go");
    wait_state(rig, one, "COMPLETED", BAKE_DONE);
    g_assert_cmpint(g_atomic_int_get(&rig->woken), ==, 2);
    g_assert_cmpuint(starts(rig), ==, 1);
    rig_free(rig);
}

static void test_limit(void) {
    Rig *rig = rig_new(1);
    g_autofree char *one = bake(rig, "wait_1_all", FALSE, "RUNNING"), *two = bake(rig, "wait_2_all", FALSE, "RUNNING"),
                    *three = bake(rig, "wait_3_all", FALSE, "RUNNING");
    wait_starts(rig, 1);
    g_usleep(200000);
    g_assert_cmpuint(starts(rig), ==, 1);
    g_assert_true(bakery_cancel(rig->bakery, two, NULL)); /* it had not begun, and never does */
    wait_state(rig, two, "CANCELED", BAKE_DONE);
    touch(rig, "go");
    wait_state(rig, one, "COMPLETED", BAKE_DONE);
    wait_state(rig, three, "COMPLETED", BAKE_DONE);
    g_assert_cmpuint(starts(rig), ==, 2);
    rig_free(rig);
}

static void test_cancel(void) {
    Rig *rig = rig_new(2);
    g_autoptr(GError) error = NULL;
    g_autofree char *id = bake(rig, "wait_1_all", FALSE, "RUNNING");
    wait_starts(rig, 1);
    g_assert_true(bakery_cancel(rig->bakery, id, NULL));
    wait_state(rig, id, "CANCELED", BAKE_DONE);
    g_autofree char *log = bakery_log(rig->bakery, id, NULL);
    g_assert_nonnull(strstr(log, "interrupted"));
    g_assert_false(bakery_cancel(rig->bakery, id, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_CONFLICT);
    rig_free(rig);
}

/* The bake goes on while others wait for it, and ends with the last. */
static void test_leave(void) {
    Rig *rig = rig_new(2);
    g_autoptr(Json) asked = request("wait_1_all", "s1");
    g_autofree char *id = bake_raw(rig, asked, FALSE, "stage-1", "RUNNING"), *same = bake_raw(rig, asked, FALSE, "stage-2", "RUNNING");
    wait_starts(rig, 1);
    g_assert_true(bakery_leave(rig->bakery, id, "execution", "stage-1", NULL));
    g_autoptr(Json) status = bakery_status(rig->bakery, id, NULL);
    g_assert_cmpstr(json_get_string(json_root(status), "state"), ==, "RUNNING");
    g_assert_true(bakery_leave(rig->bakery, same, "execution", "stage-2", NULL));
    wait_state(rig, id, "CANCELED", BAKE_DONE);
    rig_free(rig);
}

/* Two bakeries after each other: the second finds the builder of the first. */
static void test_restart(void) {
    Rig *rig = rig_new(1);
    g_autofree char *id = bake(rig, "wait_1_all", FALSE, "RUNNING"), *queued = bake(rig, "foo_1_all", FALSE, "RUNNING");
    wait_starts(rig, 1);
    rig_close(rig);
    rig_open(rig);
    g_autofree char *so_far = NULL;
    for (guint i = 0; i < 500 && (so_far == NULL || strstr(so_far, "Creating AMI") == NULL); i++) {
        g_usleep(10000);
        g_free(so_far);
        so_far = bakery_log(rig->bakery, id, NULL);
    }
    g_assert_nonnull(strstr(so_far, "Creating AMI"));
    touch(rig, "go");
    wait_state(rig, id, "COMPLETED", BAKE_DONE);
    wait_state(rig, queued, "COMPLETED", BAKE_DONE);
    g_assert_cmpuint(starts(rig), ==, 2);
    /* one that ends while nobody looks */
    g_autofree char *gone = g_build_filename(rig->folder, "go", NULL);
    g_unlink(gone);
    g_autofree char *unseen = bake(rig, "wait_2_all", FALSE, "RUNNING");
    wait_starts(rig, 3);
    rig_close(rig);
    touch(rig, "go");
    g_usleep(300000);
    rig_open(rig);
    wait_state(rig, unseen, "COMPLETED", BAKE_DONE);
    g_assert_cmpuint(starts(rig), ==, 3);
    rig_free(rig);
}

/* kill -9 of runner and program, as when the machine goes down. */
static void lose(Rig *rig, const char *id, gint64 attempt) {
    g_autofree char *folder = bakery_attempt_folder(rig->bakery, id, attempt), *path = g_build_filename(folder, "process", NULL);
    rig_close(rig);
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_autoptr(Json) process = json_parse(text, -1, NULL);
    kill((pid_t)json_get_int(json_root(process), "pid", 0), SIGKILL);
    for (guint i = 0; i < 500 && child_folder_look(folder, NULL) == CHILD_RUNS; i++)
        g_usleep(10000);
}

/* Begun again once, cleanly. */
static void test_lost(void) {
    Rig *rig = rig_new(1);
    g_autofree char *id = bake(rig, "wait_1_all", FALSE, "RUNNING");
    wait_starts(rig, 1);
    lose(rig, id, 1);
    touch(rig, "go");
    rig_open(rig);
    wait_state(rig, id, "COMPLETED", BAKE_DONE);
    g_assert_cmpuint(starts(rig), ==, 2);
    g_autofree char *log = bakery_log(rig->bakery, id, NULL);
    g_assert_nonnull(strstr(log, "attempt 2 begins"));
    rig_free(rig);
}

static void test_lost_too_often(void) {
    Rig *rig = rig_new(1);
    g_autofree char *id = bake(rig, "wait_1_all", FALSE, "RUNNING");
    for (guint attempt = 1; attempt <= BAKE_ATTEMPTS_MAX; attempt++) {
        wait_starts(rig, attempt);
        lose(rig, id, attempt);
        rig_open(rig);
    }
    wait_state(rig, id, "CANCELED", BAKE_DONE);
    g_assert_cmpuint(starts(rig), ==, BAKE_ATTEMPTS_MAX);
    g_autoptr(Json) status = bakery_status(rig->bakery, id, NULL);
    g_assert_nonnull(strstr(json_get_string(json_root(status), "error"), "lost again and again"));
    touch(rig, "go"); /* programs whose runners are gone see it and end */
    g_usleep(500000);
    rig_free(rig);
}

static void test_waiters(void) {
    Rig *rig = rig_new(1);
    g_autoptr(Json) asked = request("wait_1_all", "s1");
    g_autofree char *id = NULL;
    for (guint i = 0; i < BAKE_WAITERS_MAX + 2; i++) {
        g_autofree char *stage = g_strdup_printf("stage-%u", i);
        g_free(id);
        id = bake_raw(rig, asked, FALSE, stage, "RUNNING");
    }
    touch(rig, "go");
    wait_state(rig, id, "COMPLETED", BAKE_DONE);
    g_assert_cmpint(g_atomic_int_get(&rig->woken), ==, BAKE_WAITERS_MAX);
    rig_free(rig);
}

/* The user's folder of templates: its files are seen, more than the limit are refused. */
static void test_user_files(void) {
    Rig *rig = rig_new(1);
    g_autoptr(Json) asked = json_pack("{s:s, s:s, s:s}", "package", "foo_1_all", "base_os", "jammy", "template_file_name", "none.json");
    g_autofree char *missing = bake_raw(rig, asked, FALSE, "stage", "RUNNING");
    wait_state(rig, missing, "CANCELED", BAKE_DONE);
    g_autoptr(Json) status = bakery_status(rig->bakery, missing, NULL);
    g_assert_nonnull(strstr(json_get_string(json_root(status), "error"), "there is no template none.json"));
    g_autofree char *log = bakery_log(rig->bakery, missing, NULL);
    g_assert_nonnull(strstr(log, "there is no template none.json"));
    g_autofree char *own = g_build_filename(rig->folder, "templates", "none.json", NULL);
    g_assert_true(g_file_set_contents(own, "{\"variables\":{\"aws_target_ami\":\"\",\"packages\":\"\"}}", -1, NULL));
    g_autofree char *found = bake_raw(rig, asked, FALSE, "stage", "RUNNING");
    wait_state(rig, found, "COMPLETED", BAKE_DONE);
    for (guint i = 0; i < BAKE_USER_FILES_MAX; i++) {
        g_autofree char *name = g_strdup_printf("templates/file-%u", i);
        touch(rig, name);
    }
    g_autofree char *many = bake_raw(rig, asked, TRUE, "stage", "RUNNING");
    wait_state(rig, many, "CANCELED", BAKE_DONE);
    g_autoptr(Json) refused = bakery_status(rig->bakery, many, NULL);
    g_assert_nonnull(strstr(json_get_string(json_root(refused), "error"), "more than " G_STRINGIFY(BAKE_USER_FILES_MAX) " entries"));
    rig_free(rig);
}

/* Cancelled, and killed before it could end the builder. */
static void test_cancel_over_restart(void) {
    Rig *rig = rig_new(1);
    g_autofree char *id = bake(rig, "wait_1_all", FALSE, "RUNNING");
    wait_starts(rig, 1);
    g_autofree char *folder = bakery_attempt_folder(rig->bakery, id, 1);
    cancel_set(rig->bakery->stop); /* its thread goes away first */
    g_usleep(300000);
    g_assert_true(bakery_cancel(rig->bakery, id, NULL));
    rig_close(rig);
    rig_open(rig);
    wait_state(rig, id, "CANCELED", BAKE_DONE);
    g_assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
    rig_free(rig);
}

static void test_options(void) {
    Rig *rig = rig_new(2);
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) all = bakery_options(rig->bakery, NULL, &error), image = bakery_base_image(rig->bakery, "aws", "jammy", &error);
    g_assert_no_error(error);
    const JsonValue *first = json_at(json_root(all), 0);
    g_assert_cmpstr(json_get_string(first, "cloudProvider"), ==, "aws");
    g_assert_cmpstr(json_get_string(json_at(json_get(first, "baseImages"), 0), "shortDescription"), ==, "Jammy");
    g_assert_cmpstr(json_get_string(json_root(image), "packageType"), ==, "DEB");
    g_assert_null(bakery_options(rig->bakery, "gce", &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_null(bakery_base_image(rig->bakery, "aws", "beos", &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_NOT_FOUND);
    rig_free(rig);
}

int main(int argc, char **argv) {
    program = g_file_read_link("/proc/self/exe", NULL);
    if (argc == 3 && strcmp(argv[1], "run-child") == 0)
        return bake_run_child(argv[2]);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bake/bakery/options", test_options);
    g_test_add_func("/bake/bakery/success", test_success);
    g_test_add_func("/bake/bakery/forget", test_forget);
    g_test_add_func("/bake/bakery/secrets", test_secrets);
    g_test_add_func("/bake/bakery/old-logs", test_old_logs);
    g_test_add_func("/bake/bakery/failure", test_failure);
    g_test_add_func("/bake/bakery/refused", test_refused);
    g_test_add_func("/bake/bakery/shared", test_shared);
    g_test_add_func("/bake/bakery/limit", test_limit);
    g_test_add_func("/bake/bakery/cancel", test_cancel);
    g_test_add_func("/bake/bakery/leave", test_leave);
    g_test_add_func("/bake/bakery/restart", test_restart);
    g_test_add_func("/bake/bakery/lost", test_lost);
    g_test_add_func("/bake/bakery/lost-too-often", test_lost_too_often);
    g_test_add_func("/bake/bakery/waiters", test_waiters);
    g_test_add_func("/bake/bakery/user-files", test_user_files);
    g_test_add_func("/bake/bakery/cancel-over-restart", test_cancel_over_restart);
    int code = g_test_run();
    g_free(program);
    return code;
}
