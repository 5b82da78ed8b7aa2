/* The machine of steps: look, intend, act, record (README.md). Runs on the run's own thread.
 *
 * Invariants: before an act that writes, the store holds "intent" for exactly this step and item; after it, its outcome. An act is
 * never begun with an intent in the store unless its step was looked at again, or is harmless to repeat by its token or name. */
#include "base/clock.h"
#include "base/log.h"
#include "clouds/operations.h"

#define UNKNOWN_LOOK_DELAY_MS 500 /* between two looks while "not done" is not believed */
#define LOOK_DELAY_MAX_MS 8000
#define TRY_DELAY_MS 1000
#define TRY_DELAY_MAX_MS 30000
#define SAVE_DELAY_MS 1000
#define OPERATION_WAITS_SAID 10 /* the first waits of a step are told one by one, then every tenth */

static Operation *operation_in_hand(OperationRun *run) {
    return run->operations->pdata[run->operation];
}

static gboolean is_ended(OperationRun *run) {
    return g_atomic_int_get(&run->stopping) || g_atomic_int_get(&run->cancelled);
}

/* Waits, unless stop or cancel ends it. */
static gboolean pause_run(OperationRun *run, gint64 delay_ms) {
    return !cancel_wait(run->cancel, delay_ms);
}

/* Writes where the run is. Tries until it is written: without it nothing may go on. FALSE: the run ends here and now. */
static gboolean record(OperationRun *run) {
    for (;;) {
        g_autoptr(GError) error = NULL;
        if (operation_run_save(run, &error))
            return TRUE;
        log_error("clouds", "operation %s: its state was not written: %s", run->id, error->message);
        if (error_code(error) == ERR_CONFLICT || g_atomic_int_get(&run->stopping)) {
            g_atomic_int_set(&run->stopping, TRUE);
            return FALSE;
        }
        g_usleep(SAVE_DELAY_MS * 1000);
    }
}

static void say(OperationRun *run, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void say(OperationRun *run, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    operation_run_line(run, NULL, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

/* ---- waiting for the other side ---- */

static gboolean may_pass(const GError *error) {
    return error_code(error) == ERR_UNAVAILABLE || error_code(error) == ERR_TIMEOUT;
}

/* Says why it waits, at first every time, later seldom, and waits. FALSE: stop or cancel ended it. */
static gboolean wait_after(OperationRun *run, const OperationStep *step, const GError *error, guint tries, gint64 delay_ms) {
    g_autofree char *delay = clock_duration_text(delay_ms);
    if (tries <= OPERATION_WAITS_SAID || tries % OPERATION_WAITS_SAID == 0)
        say(run, "%s: retries in %s after: %s", step->name, delay, error->message);
    return pause_run(run, delay_ms);
}

/* ---- looking ---- */

/* One look, tried again for as long as the other side does not answer: who started the operation has a timeout and cancels. */
static LookResult look_once(OperationRun *run, const OperationStep *step, GError **error) {
    gint64 delay_ms = UNKNOWN_LOOK_DELAY_MS;
    for (guint tries = 1;; tries++) {
        g_autoptr(GError) failed = NULL;
        LookResult result = step->look(operation_in_hand(run), run->item, &failed);
        if (result != LOOK_ERROR || !may_pass(failed) || !wait_after(run, step, failed, tries, delay_ms)) {
            if (failed)
                g_propagate_error(error, g_steal_pointer(&failed));
            return result;
        }
        delay_ms = MIN(delay_ms * 2, LOOK_DELAY_MAX_MS);
    }
}

/* After an act without outcome: "not done" is believed only when the other side has had settle_ms to show it. */
static LookResult look_settled(OperationRun *run, const OperationStep *step, GError **error) {
    for (;;) {
        LookResult result = look_once(run, step, error);
        gint64 left_ms = run->intent_ms + step->settle_ms - clouds_now_ms(run->clouds);
        if (result != LOOK_NOT_DONE || !run->intent_ms || left_ms <= 0)
            return result;
        if (!pause_run(run, MIN(left_ms, UNKNOWN_LOOK_DELAY_MS))) {
            error_set(error, ERR_CANCELLED, "given up while waiting to see whether it was done");
            return LOOK_ERROR;
        }
    }
}

/* ---- acting ---- */

typedef enum { ACT_DONE, ACT_AGAIN, ACT_FAILED, ACT_ENDED } ActResult;
typedef struct {
    guint tries, refusals;
    gint64 delay_ms;
} Trying;

/* What certainly was not done, and what only reads, may be tried for ever; a write whose outcome is unknown, some times. */
static gboolean is_worth_a_try(const OperationStep *step, const GError *error, guint tries) {
    if (error_code(error) == ERR_UNAVAILABLE || (may_pass(error) && step->repeat == REPEAT_READ))
        return TRUE;
    if (may_pass(error))
        return tries < MAX(step->tries, OPERATION_TRIES_MIN);
    return step->retry_on && step->retry_on(error) && tries < step->tries;
}

static gint64 next_delay(const OperationStep *step, Trying *trying) {
    gint64 first_ms = step->try_delay_ms ? step->try_delay_ms : TRY_DELAY_MS;
    gboolean doubling = step->try_doubling || !step->try_delay_ms;
    trying->delay_ms = !trying->delay_ms ? first_ms : doubling ? MIN(trying->delay_ms * 2, TRY_DELAY_MAX_MS) : first_ms;
    return trying->delay_ms;
}

/* What may still refuse the write (cloud.h). */
static gboolean may_write(OperationRun *run, const OperationStep *step, const Trying *trying, GError **error) {
    const CloudsWriteCheck *check = clouds_write_check(run->clouds);
    if (!check->check || step->repeat == REPEAT_READ || (run->item && !trying->tries))
        return TRUE;
    return check->check(operation_in_hand(run), check->data, error);
}

/* A refusal that may pass is asked about again: nothing was written. */
static ActResult settle_refusal(OperationRun *run, const OperationStep *step, Trying *trying, GError *refused, GError **error) {
    if (is_ended(run) && error_code(refused) == ERR_CANCELLED) {
        g_error_free(refused);
        return ACT_ENDED;
    }
    if (!may_pass(refused)) {
        g_propagate_error(error, refused);
        return ACT_FAILED;
    }
    trying->refusals++;
    gboolean goes_on = wait_after(run, step, refused, trying->refusals, next_delay(step, trying));
    g_error_free(refused);
    return goes_on ? ACT_AGAIN : ACT_ENDED;
}

static gboolean intend(OperationRun *run, const OperationStep *step) {
    if (step->repeat == REPEAT_READ)
        return TRUE;
    run->intent_ms = clouds_now_ms(run->clouds);
    return record(run);
}

static gboolean call_act(OperationRun *run, const OperationStep *step, GError **error) {
    run->in_write = step->repeat != REPEAT_READ;
    gboolean done = step->act(operation_in_hand(run), run->item, error);
    run->in_write = FALSE;
    return done;
}

static ActResult act_once(OperationRun *run, const OperationStep *step, Trying *trying, GError **error) {
    GError *refused = NULL;
    if (!may_write(run, step, trying, &refused))
        return settle_refusal(run, step, trying, refused, error);
    if (!intend(run, step) || is_ended(run))
        return ACT_ENDED;
    g_autoptr(GError) failed = NULL;
    trying->tries++;
    if (call_act(run, step, &failed))
        return ACT_DONE;
    if (is_ended(run) && error_code(failed) == ERR_CANCELLED)
        return ACT_ENDED; /* the intent of a write stays: the next start looks */
    if (error_code(failed) != ERR_TIMEOUT)
        run->intent_ms = 0; /* it certainly was not done */
    if (!is_worth_a_try(step, failed, trying->tries)) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return ACT_FAILED;
    }
    gint64 delay_ms = next_delay(step, trying);
    return wait_after(run, step, failed, trying->tries, delay_ms) ? ACT_AGAIN : ACT_ENDED;
}

/* What a look says comes first, in every round. */
static ActResult step_round(OperationRun *run, const OperationStep *step, Trying *trying, GError **error) {
    if (!step->look)
        return act_once(run, step, trying, error);
    LookResult seen = look_settled(run, step, error);
    if (seen == LOOK_DONE || seen == LOOK_SKIP)
        return ACT_DONE;
    if (seen == LOOK_NOT_DONE) {
        run->intent_ms = 0;
        return act_once(run, step, trying, error);
    }
    return is_ended(run) ? ACT_ENDED : ACT_FAILED;
}

/* ---- steps and operations ---- */

static guint items_of(OperationRun *run, const OperationStep *step) {
    return step->count ? MIN(step->count(operation_in_hand(run)), OPERATION_ITEMS_MAX) : 1;
}

/* One item of one step, to its outcome. */
static ActResult run_item(OperationRun *run, const OperationStep *step, GError **error) {
    Trying trying = {0};
    ActResult result;
    do
        result = is_ended(run) ? ACT_ENDED : step_round(run, step, &trying, error);
    while (result == ACT_AGAIN);
    return result;
}

/* After an item: the next one begins where this says. */
static gboolean advance(OperationRun *run, const OperationStep *step, guint items) {
    gboolean wrote = run->intent_ms != 0;
    run->intent_ms = 0;
    run->item++;
    if (run->item >= items) {
        run->item = 0;
        run->step++;
    }
    return step->repeat == REPEAT_READ || !wrote || record(run);
}

/* FALSE: the run does not go on. */
static gboolean run_step(OperationRun *run, const OperationStep *step) {
    guint items = items_of(run, step);
    if (!items) {
        run->step++;
        return TRUE;
    }
    g_autoptr(GError) error = NULL;
    ActResult result = run_item(run, step, &error);
    if (result == ACT_ENDED)
        return FALSE;
    if (result == ACT_FAILED && !step->failure_is_reported_only) {
        operation_run_fail(run, operation_in_hand(run)->definition->name, error);
        return FALSE;
    }
    if (result == ACT_FAILED)
        say(run, "%s failed, the operation goes on: %s", step->name, error->message);
    return advance(run, step, items);
}

/* FALSE: the run does not go on. */
static gboolean run_operation(OperationRun *run) {
    Operation *operation = operation_in_hand(run);
    while (operation->definition->steps[run->step].name) {
        if (!run_step(run, &operation->definition->steps[run->step]))
            return FALSE;
        g_mutex_lock(&run->lock);
        g_ptr_array_set_size(operation->kept, 0);
        g_mutex_unlock(&run->lock);
    }
    if (operation->definition->finish)
        operation->definition->finish(operation);
    run->step = 0;
    run->operation++;
    return run->operation == run->operations->len || record(run);
}

static void set_status(OperationRun *run, RunStatus status) {
    g_mutex_lock(&run->lock);
    run->status = status;
    g_mutex_unlock(&run->lock);
}

/* A cancelled run whose last write had no answer: says what became of it. */
static void report_unknown(OperationRun *run) {
    static const char *const FOUND[] = {[LOOK_NOT_DONE] = "it was not done",
                                        [LOOK_DONE] = "it was done",
                                        [LOOK_SKIP] = "there is nothing to do",
                                        [LOOK_FOREIGN] = "somebody else did it",
                                        [LOOK_ERROR] = "its outcome is unknown"};
    const OperationStep *step = &operation_in_hand(run)->definition->steps[run->step];
    if (!run->intent_ms || !step->name)
        return;
    g_autoptr(GError) error = NULL;
    run->in_write = TRUE; /* this look is not ended by the cancel */
    LookResult seen = step->look ? step->look(operation_in_hand(run), run->item, &error) : LOOK_ERROR;
    run->in_write = FALSE;
    say(run, "%s had no answer when the operation was cancelled: %s%s%s", step->name, FOUND[seen], error ? ": " : "",
        error ? error->message : "");
}

void operation_run_execute(OperationRun *run) {
    LOG_FIELD("operation", run->id);
    LOG_FIELD("account", run->account);
    while (run->operation < run->operations->len)
        if (!run_operation(run))
            break;
    if (g_atomic_int_get(&run->stopping))
        return; /* it goes on after the next start */
    if (run->operation == run->operations->len) {
        say(run, "Orchestration completed.");
        set_status(run, RUN_SUCCEEDED);
    } else if (run->status == RUN_GOES_ON) {
        report_unknown(run);
        say(run, "Cancelled before its next step; what was done before stays.");
        set_status(run, RUN_CANCELED);
    }
    if (!record(run))
        set_status(run, RUN_GOES_ON);
    else if (clouds_write_check(run->clouds)->ended)
        clouds_write_check(run->clouds)->ended(run->id, clouds_write_check(run->clouds)->data);
}
