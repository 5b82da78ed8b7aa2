/* One bake from its start, or from where it was found after a restart, to its end. Runs on the job's own thread.
 *
 * Order at the end: what may hold secrets is removed, the masked log written, the row changed (phase CLEANING), those who wait woken;
 * then builders that packer left behind are ended, the tries' folders removed, and the phase is DONE. A crash anywhere leads back to
 * the step that was not done. */
#include "bake/files.h"
#include "bake/internal.h"
#include "bake/log.h"
#include "base/clock.h"
#include "base/log.h"
#include <string.h>

#define ROOM "bake"
#define FOLLOW_MS 100
#define PUBLISH_MS 500            /* how often watchers are told that the log grew */
#define GRACE_MS (120 * 1000)     /* for packer to end its instance, key and security group */
#define LOG_MAX (8 * 1024 * 1024) /* bytes of packer's output that are kept, its end apart */
#define CLEAN_FIRST_MS 2000
#define CLEAN_LAST_MS (60 * 1000)
#define CLEAN_GIVE_UP_MS (24 * 60 * 60 * 1000)

typedef enum { TRY_STOPPED, TRY_ENDED, TRY_LOST, TRY_FAILED } TryOutcome;
typedef struct {
    const char *state, *result;
    char *error;
    Json *details;
} Finish;

static gint64 attempt_of(const BakeRecord *record) {
    return json_get_int(json_root(record->body), "attempt", 1);
}

static void wake_waiters(Bakery *bakery, const BakeRecord *record) {
    for (JsonIter i = json_iter(json_get(json_root(record->body), "waiters")); json_next(&i);)
        if (bakery->bake_ended != NULL)
            bakery->bake_ended(json_get_string(i.value, "execution"), json_get_string(i.value, "stage"), bakery->data);
}

/* ---- following ---- */

static void publish_growth(BakeJob *job, gint64 size, gint64 *published_ms, gint64 *published_size) {
    gint64 now = clock_elapsed_ms();
    if (size == *published_size || now - *published_ms < PUBLISH_MS)
        return;
    *published_size = size;
    *published_ms = now;
    g_autofree char *detail = g_strdup_printf("{\"logBytes\":%" G_GINT64_FORMAT "}", size);
    store_publish(job->bakery->store, &(StoreChange){.kind = BAKE_KIND, .id = job->id, .status = "RUNNING", .detail = detail});
}

/* Until the child is gone or the bakery stops; a cancel is handed on. */
static TryOutcome follow(BakeJob *job, const char *folder, ChildEnd *end) {
    gint64 published_ms = 0, published_size = 0;
    gboolean asked = FALSE;
    while (TRUE) {
        ChildState state = child_folder_look(folder, end);
        if (state == CHILD_ENDED)
            return TRY_ENDED;
        if (state != CHILD_RUNS)
            return TRY_LOST;
        if (cancel_is_set(job->cancel) && !asked)
            asked = child_folder_cancel(folder);
        publish_growth(job, child_folder_output_size(folder), &published_ms, &published_size);
        if (cancel_wait(job->bakery->stop, FOLLOW_MS)) {
            if (cancel_is_set(job->cancel) && !asked)
                child_folder_cancel(folder); /* it ends without us */
            return TRY_STOPPED;
        }
    }
}

/* ---- one try ---- */

static gboolean begin_child(BakeJob *job, const BakeRecord *record, const char *folder, GError **error) {
    const JsonValue *recipe = json_get(json_root(record->body), "recipe");
    g_autoptr(BakeSettings) settings = bakery_settings(job->bakery);
    g_autoptr(Json) variables = json_copy(json_get(recipe, "variables"));
    BakeFiles files = {(char *)json_get_string(recipe, "template"), (char *)json_get_string(recipe, "var_file"), variables};
    g_auto(GStrv) argv = NULL, environ_ = NULL;
    if (!bake_files_prepare(folder, settings, &files, job->id, &argv, &environ_, error))
        return FALSE;
    g_autofree char *shown = g_strjoinv(" ", argv);
    log_info(ROOM, "bake %s of %s in %s: %s", job->id, json_get_string(recipe, "image_name"),
             json_get_string(json_root(record->body), "region"), shown);
    ChildCommand command = {
        .argv = (const char *const *)argv,
        .environ = (const char *const *)environ_,
        .work_folder = folder,
        .timeout_ms = settings->rosco.timeout_ms,
        .grace_ms = GRACE_MS,
        .output_max = LOG_MAX,
    };
    return child_folder_start(folder, job->bakery->program, &command, job->bakery->stop, error);
}

static TryOutcome try_once(BakeJob *job, const BakeRecord *record, ChildEnd *end, GError **error) {
    g_autofree char *folder = bakery_attempt_folder(job->bakery, job->id, attempt_of(record));
    if (child_folder_look(folder, NULL) == CHILD_NONE) {
        if (cancel_is_set(job->bakery->stop))
            return TRY_STOPPED;
        /* a runner that was called just before a crash may be faster than we: then this bake has begun all the same */
        if (!begin_child(job, record, folder, error)) {
            if (child_folder_look(folder, NULL) == CHILD_NONE)
                return cancel_is_set(job->bakery->stop) ? TRY_STOPPED : TRY_FAILED;
            g_clear_error(error);
        }
    }
    return follow(job, folder, end);
}

/* ---- leftovers ---- */

static gboolean end_leftovers(BakeJob *job, const BakeRecord *record, GError **error) {
    if (job->bakery->clouds == NULL)
        return TRUE;
    g_autoptr(Account) account = bakery_account(job->bakery, record, error);
    if (account == NULL)
        return FALSE;
    if (account->cloud->end_leftovers == NULL)
        return TRUE;
    gint ended = account->cloud->end_leftovers(account, json_get_string(json_root(record->body), "region"), job->id, job->bakery->stop,
                                               error);
    if (ended > 0)
        log_warning(ROOM, "bake %s: ended %d builder instance(s) that packer had left", job->id, ended);
    return ended >= 0;
}

/* ---- the end ---- */

static char *whole_log(Bakery *bakery, const BakeRecord *record) {
    g_autoptr(BakeSettings) settings = bakery_settings(bakery);
    g_auto(GStrv) masks = bakery_masks(settings, json_dig(json_root(record->body), "recipe", "variables", NULL));
    g_autoptr(GString) all = g_string_new(NULL);
    for (gint64 attempt = 1; attempt <= attempt_of(record); attempt++) {
        g_autofree char *folder = bakery_attempt_folder(bakery, record->id, attempt);
        gsize length = 0;
        g_autofree char *output = child_folder_read(folder, 0, &length, NULL);
        g_autofree char *text = output != NULL ? bake_log_text(output, masks) : g_strdup("");
        if (attempt > 1)
            g_string_append_printf(all, "[the process of this bake was lost; attempt %" G_GINT64_FORMAT " begins]\n", attempt);
        g_string_append(all, text);
    }
    return g_string_free(g_steal_pointer(&all), FALSE);
}

char *bakery_log(Bakery *bakery, const char *id, GError **error) {
    g_auto(BakeRecord) record = {0};
    if (!bake_record_load(bakery->store, id, &record, error)) {
        g_prefix_error(error, "log of bake %s: ", id);
        return NULL;
    }
    g_autofree char *folder = bakery_folder_of(bakery, id), *path = g_build_filename(folder, "log", NULL);
    char *text = NULL;
    if (g_file_get_contents(path, &text, NULL, NULL))
        return text;
    if (bake_record_runs(&record) || g_file_test(folder, G_FILE_TEST_IS_DIR))
        return whole_log(bakery, &record);
    error_set(error, ERR_NOT_FOUND, "bake %s has no log: it never began, or is older than %d days", id, BAKE_LOGS_KEPT_DAYS);
    return NULL;
}

/* Secrets go, the log stays. */
static void keep_log(BakeJob *job, const BakeRecord *record, const char *error) {
    g_autofree char *attempt = bakery_attempt_folder(job->bakery, job->id, attempt_of(record));
    g_autofree char *folder = bakery_folder_of(job->bakery, job->id), *path = g_build_filename(folder, "log", NULL);
    bake_files_tidy(attempt);
    if (g_file_test(path, G_FILE_TEST_EXISTS))
        return;
    g_autofree char *text = whole_log(job->bakery, record);
    g_autofree char *whole = text[0] == '\0' && error != NULL ? g_strconcat(error, "\n", NULL) : g_strdup(text);
    g_autoptr(GError) failed = NULL;
    if (g_file_test(folder, G_FILE_TEST_IS_DIR) && !child_file_write(folder, "log", whole, &failed))
        log_error(ROOM, "keep the log of bake %s: %s", job->id, failed->message);
}

static void refresh_images(BakeJob *job, const BakeRecord *record, const JsonValue *images) {
    g_autoptr(Account) account = job->bakery->clouds != NULL ? bakery_account(job->bakery, record, NULL) : NULL;
    for (JsonIter i = json_iter(account != NULL ? images : NULL); json_next(&i);)
        clouds_refresh_image(job->bakery->clouds, account->name, json_get_string(i.value, "location"),
                             json_get_string(i.value, "reference"), job->bakery->stop, NULL);
}

static void judge_success(BakeJob *job, const BakeRecord *record, const char *output, const char *text, Finish *finish) {
    const char *region = json_get_string(json_root(record->body), "region");
    g_autoptr(Json) images = bake_log_images(output, region);
    if (json_length(json_root(images)) == 0) {
        finish->error = g_strdup_printf("packer ended well but named no image in %s: its template must make one", region);
        return;
    }
    g_autofree char *name = bake_log_image_name(text);
    finish->state = "COMPLETED";
    finish->result = "SUCCESS";
    finish->details = bake_record_make_details(record, json_root(images), name);
    refresh_images(job, record, json_root(images));
}

static char *failure_text(const ChildEnd *end, const char *text, gint64 timeout_ms) {
    if (end->timed_out) {
        g_autofree char *limit = clock_duration_text(timeout_ms);
        return g_strdup_printf("the bake did not end within %s (rosco.jobs.local.timeout-minutes) and was ended", limit);
    }
    if (end->cancelled)
        return g_strdup("the bake was cancelled");
    if (end->error != NULL)
        return g_strdup(end->error);
    g_autofree char *reason = bake_log_reason(text);
    if (end->signal != 0)
        return g_strdup_printf("packer was ended by signal %d: %s", end->signal, reason);
    return g_strdup_printf("packer ended with exit code %d: %s", end->exit_code, reason);
}

/* What came of a child that has ended. */
static void judge(BakeJob *job, const BakeRecord *record, const ChildEnd *end, Finish *finish) {
    g_autofree char *folder = bakery_attempt_folder(job->bakery, job->id, attempt_of(record));
    g_autoptr(BakeSettings) settings = bakery_settings(job->bakery);
    g_auto(GStrv) masks = bakery_masks(settings, json_dig(json_root(record->body), "recipe", "variables", NULL));
    gsize length = 0;
    g_autofree char *read = child_folder_read(folder, 0, &length, NULL);
    const char *output = read != NULL ? read : "";
    g_autofree char *text = bake_log_text(output, masks);
    if (end->exit_code == 0 && !end->cancelled && !end->timed_out)
        judge_success(job, record, output, text, finish);
    else
        finish->error = failure_text(end, text, settings->rosco.timeout_ms);
}

static Json *finish_change(const BakeRecord *record, const char **phase, gpointer data) {
    const Finish *finish = data;
    if (!bake_record_runs(record))
        return NULL; /* cancelled meanwhile: that stays */
    *phase = BAKE_CLEANING;
    return json_pack("{s:s, s:s, s:s, s:j}", "state", finish->state, "result", finish->result, "error", finish->error, "details",
                     finish->details);
}

static void finish_bake(BakeJob *job, const BakeRecord *record, Finish *finish) {
    g_autoptr(GError) error = NULL;
    g_auto(BakeRecord) after = {0};
    keep_log(job, record, finish->error);
    if (!bake_record_change(job->bakery->store, job->id, clock_now_ms(), finish_change, finish, &after, &error)) {
        log_error(ROOM, "record the end of bake %s: %s", job->id, error->message);
        return;
    }
    if (finish->error != NULL && g_strcmp0(finish->error, json_get_string(json_root(after.body), "error")) == 0)
        log_warning(ROOM, "bake %s failed: %s", job->id, finish->error);
    wake_waiters(job->bakery, &after);
}

static Json *next_attempt(const BakeRecord *record, const char **phase, gpointer data) {
    (void)phase;
    (void)data;
    return bake_record_runs(record) ? json_pack("{s:i}", "attempt", attempt_of(record) + 1) : NULL;
}

/* The process is gone without a word (the machine was restarted): what it left is ended, then it is begun again. */
static gboolean begin_again(BakeJob *job, BakeRecord *record) {
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = bakery_attempt_folder(job->bakery, job->id, attempt_of(record));
    bake_files_tidy(folder);
    if (!end_leftovers(job, record, &error))
        log_warning(ROOM, "bake %s: builders of its lost process are looked for again at its end: %s", job->id, error->message);
    g_clear_error(&error);
    bake_record_clear(record);
    if (bake_record_change(job->bakery->store, job->id, clock_now_ms(), next_attempt, NULL, record, &error))
        return TRUE;
    log_error(ROOM, "bake %s cannot be begun again: %s", job->id, error->message);
    return FALSE;
}

/* FALSE: it is not over (the bakery stops, or the store is gone). */
static gboolean build(BakeJob *job, BakeRecord *record) {
    while (bake_record_runs(record)) {
        g_auto(ChildEnd) end = {0};
        g_autoptr(GError) error = NULL;
        TryOutcome outcome = try_once(job, record, &end, &error);
        if (outcome == TRY_STOPPED)
            return FALSE;
        if (outcome == TRY_LOST && attempt_of(record) < BAKE_ATTEMPTS_MAX && !cancel_is_set(job->cancel)) {
            if (!begin_again(job, record))
                return FALSE;
            continue;
        }
        Finish finish = {.state = "CANCELED", .result = "FAILURE"};
        if (outcome == TRY_ENDED)
            judge(job, record, &end, &finish);
        else
            finish.error = g_strdup(error != NULL ? error->message : "the process of the bake was lost again and again");
        finish_bake(job, record, &finish);
        g_free(finish.error);
        json_unref(finish.details);
        return TRUE;
    }
    return TRUE;
}

/* ---- cleaning ---- */

static Json *done_change(const BakeRecord *record, const char **phase, gpointer data) {
    (void)data;
    if (bake_record_runs(record))
        return NULL;
    *phase = BAKE_DONE;
    return json_empty_object();
}

static gboolean any_begun(BakeJob *job, const BakeRecord *record) {
    g_autofree char *folder = bakery_attempt_folder(job->bakery, job->id, 1);
    (void)record;
    return g_file_test(folder, G_FILE_TEST_IS_DIR);
}

/* Until it succeeded, the bakery stops, or a day is over. */
static gboolean clean_cloud(BakeJob *job, const BakeRecord *record) {
    gint64 began = clock_elapsed_ms(), delay = CLEAN_FIRST_MS;
    while (TRUE) {
        g_autoptr(GError) error = NULL;
        if (end_leftovers(job, record, &error))
            return TRUE;
        log_warning(ROOM, "bake %s: look for builder instances that it left: %s", job->id, error->message);
        if (clock_elapsed_ms() - began > CLEAN_GIVE_UP_MS) {
            log_error(ROOM, "bake %s: not looked any more for instances with the tag " BAKE_OPERATION_TAG "=%s; look by hand", job->id,
                      job->id);
            return TRUE;
        }
        if (cancel_wait(job->bakery->stop, delay))
            return FALSE;
        delay = MIN(delay * 2, CLEAN_LAST_MS);
    }
}

static void clean(BakeJob *job) {
    g_auto(BakeRecord) record = {0};
    g_autoptr(GError) error = NULL;
    if (!bake_record_load(job->bakery->store, job->id, &record, &error) || bake_record_runs(&record))
        return;
    gboolean look = !bake_record_succeeded(&record) || attempt_of(&record) > 1;
    if (look && any_begun(job, &record) && !clean_cloud(job, &record))
        return;
    for (gint64 attempt = attempt_of(&record); attempt >= 1; attempt--) {
        g_autofree char *folder = bakery_attempt_folder(job->bakery, job->id, attempt);
        bake_folder_remove(folder);
    }
    if (!bake_record_change(job->bakery->store, job->id, clock_now_ms(), done_change, NULL, NULL, &error))
        log_error(ROOM, "record that bake %s is cleaned up: %s", job->id, error->message);
    bakery_drop_old_logs(job->bakery, clock_now_ms());
}

/* One that was cancelled while it ran, perhaps before a restart: its child is still to be ended. */
static gboolean end_child(BakeJob *job, const BakeRecord *record) {
    g_autofree char *folder = bakery_attempt_folder(job->bakery, job->id, attempt_of(record));
    g_auto(ChildEnd) end = {0};
    if (child_folder_look(folder, NULL) == CHILD_NONE)
        return TRUE;
    cancel_set(job->cancel);
    gboolean over = follow(job, folder, &end) != TRY_STOPPED;
    if (over)
        keep_log(job, record, json_get_string(json_root(record->body), "error"));
    return over;
}

void bake_job_run(BakeJob *job) {
    g_auto(BakeRecord) record = {0};
    g_autoptr(GError) error = NULL;
    if (!bake_record_load(job->bakery->store, job->id, &record, &error)) {
        log_error(ROOM, "bake %s: %s", job->id, error->message);
        return;
    }
    gboolean over = bake_record_runs(&record) ? build(job, &record) : end_child(job, &record);
    bakery_slot_free(job);
    if (over)
        clean(job);
}

/* ---- cancelling ---- */

static Json *cancel_change(const BakeRecord *record, const char **phase, gpointer data) {
    if (!bake_record_runs(record))
        return NULL;
    *phase = BAKE_CLEANING;
    return json_pack("{s:s, s:s, s:s}", "state", "CANCELED", "result", "FAILURE", "error", (const char *)data);
}

gboolean bakery_mark_cancelled(Bakery *bakery, const char *id, const char *why, GError **error) {
    g_auto(BakeRecord) before = {0}, after = {0};
    if (!bake_record_load(bakery->store, id, &before, error))
        return FALSE;
    if (!bake_record_runs(&before)) {
        error_set(error, ERR_CONFLICT, "cancel bake %s: it is over (%s)", id, json_get_string(json_root(before.body), "state"));
        return FALSE;
    }
    if (!bake_record_change(bakery->store, id, clock_now_ms(), cancel_change, (gpointer)why, &after, error))
        return FALSE;
    if (!bakery_job_cancel(bakery, id))
        bakery_enqueue(bakery, id, TRUE); /* it had not begun, or not here: what there is of it is cleaned up */
    wake_waiters(bakery, &after);
    return TRUE;
}
