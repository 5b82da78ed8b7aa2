/* The machine of steps: look, intend, act, record (README.md). Runs on the worker that has the run, which it gives back when there is
 * something to wait for: the run goes on where it was, with a look at the same step.
 *
 * Invariants: before an act that writes, the store holds "intent" for exactly this step and item; after it, its outcome. An act is
 * never begun with an intent in the store unless its step was looked at again, or is harmless to repeat by its token or name. */
#include "base/clock.h"
#include "base/log.h"
#include "clouds/operations.h"
#include "store/replicas.h"

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

/* What becomes of the run after something that it did. */
typedef enum { GOES_ON, WAITS /* until due_ms */, ENDS } Progress;

static void wait_for(OperationRun *run, gint64 delay_ms) {
    run->due_ms = clouds_now_ms(run->clouds) + delay_ms;
}

/* Writes where the run is; without it nothing may go on. ENDS: here and now, somebody else has the run or it is to stop. */
static Progress record(OperationRun *run) {
    g_autoptr(GError) error = NULL;
    run->unsaved = !operation_run_save(run, &error);
    if (!run->unsaved)
        return GOES_ON;
    log_error("clouds", "operation %s: its state was not written: %s", run->id, error->message);
    if (error_code(error) == ERR_CONFLICT || g_atomic_int_get(&run->stopping)) {
        g_atomic_int_set(&run->stopping, TRUE);
        return ENDS;
    }
    wait_for(run, SAVE_DELAY_MS);
    return WAITS;
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

/* Says why it waits, at first every time, later seldom. */
static void wait_after(OperationRun *run, const OperationStep *step, const GError *error, const Trying *trying) {
    g_autofree char *delay = clock_duration_text(trying->delay_ms);
    if (trying->tries <= OPERATION_WAITS_SAID || trying->tries % OPERATION_WAITS_SAID == 0)
        say(run, "%s: retries in %s after: %s", step->name, delay, error->message);
    wait_for(run, trying->delay_ms);
}

/* ---- looking ---- */

/* One look, to be tried again for as long as the other side does not answer: who started the operation has a timeout and cancels. FALSE:
 * it waits. */
static gboolean look_once(OperationRun *run, const OperationStep *step, LookResult *result, GError **error) {
    g_autoptr(GError) failed = NULL;
    *result = step->look(operation_in_hand(run), run->item, &failed);
    if (*result != LOOK_ERROR || !may_pass(failed)) {
        run->looking = (Trying){0};
        if (failed)
            g_propagate_error(error, g_steal_pointer(&failed));
        return TRUE;
    }
    Trying *looking = &run->looking;
    looking->delay_ms = looking->tries ? MIN(looking->delay_ms * 2, LOOK_DELAY_MAX_MS) : UNKNOWN_LOOK_DELAY_MS;
    looking->tries++;
    wait_after(run, step, failed, looking);
    return FALSE;
}

/* After an act without outcome: "not done" is believed only when the other side has had settle_ms to show it. FALSE: it waits. */
static gboolean look_settled(OperationRun *run, const OperationStep *step, LookResult *result, GError **error) {
    if (!look_once(run, step, result, error))
        return FALSE;
    gint64 left_ms = run->intent_ms + step->settle_ms - clouds_now_ms(run->clouds);
    left_ms = MAX(left_ms, store_calls_end_in_ms(clouds_store(run->clouds)));
    if (*result != LOOK_NOT_DONE || !run->intent_ms || left_ms <= 0)
        return TRUE;
    wait_for(run, MIN(left_ms, UNKNOWN_LOOK_DELAY_MS));
    return FALSE;
}

/* ---- acting ---- */

typedef enum { ACT_DONE, ACT_WAITS, ACT_FAILED, ACT_ENDED } ActResult;

/* What certainly was not done, and what only reads, may be tried for ever; a write whose outcome is unknown, some times. */
static gboolean is_worth_a_try(const OperationStep *step, const GError *error, guint tries) {
    if (error_code(error) == ERR_UNAVAILABLE || (may_pass(error) && step->repeat == REPEAT_READ))
        return TRUE;
    if (may_pass(error))
        return tries < MAX(step->tries, OPERATION_TRIES_MIN);
    return step->retry_on && step->retry_on(error) && tries < step->tries;
}

static void set_delay(const OperationStep *step, Trying *acting) {
    gint64 first_ms = step->try_delay_ms ? step->try_delay_ms : TRY_DELAY_MS;
    gboolean doubling = step->try_doubling || !step->try_delay_ms;
    acting->delay_ms = !acting->delay_ms ? first_ms : doubling ? MIN(acting->delay_ms * 2, TRY_DELAY_MAX_MS) : first_ms;
}

/* What may still refuse the write (cloud.h). */
static gboolean may_write(OperationRun *run, const OperationStep *step, GError **error) {
    const CloudsWriteCheck *check = clouds_write_check(run->clouds);
    if (!check->check || step->repeat == REPEAT_READ || (run->item && !run->acting.tries))
        return TRUE;
    return check->check(operation_in_hand(run), check->data, error);
}

/* A refusal that may pass is asked about again: nothing was written. */
static ActResult settle_refusal(OperationRun *run, const OperationStep *step, GError *refused, GError **error) {
    if (is_ended(run) && error_code(refused) == ERR_CANCELLED) {
        g_error_free(refused);
        return ACT_ENDED;
    }
    if (!may_pass(refused)) {
        g_propagate_error(error, refused);
        return ACT_FAILED;
    }
    run->refused.tries++;
    set_delay(step, &run->refused);
    wait_after(run, step, refused, &run->refused);
    g_error_free(refused);
    return ACT_WAITS;
}

/* An intent that was not written is none: the step begins again. */
static Progress intend(OperationRun *run, const OperationStep *step) {
    if (step->repeat == REPEAT_READ)
        return GOES_ON;
    run->intent_ms = clouds_now_ms(run->clouds);
    Progress progress = record(run);
    if (progress == WAITS)
        run->intent_ms = 0;
    return progress;
}

static gboolean call_act(OperationRun *run, const OperationStep *step, GError **error) {
    run->in_write = step->repeat != REPEAT_READ;
    gboolean done = step->act(operation_in_hand(run), run->item, error);
    run->in_write = FALSE;
    return done;
}

static ActResult act_once(OperationRun *run, const OperationStep *step, GError **error) {
    GError *refused = NULL;
    if (!may_write(run, step, &refused))
        return settle_refusal(run, step, refused, error);
    Progress intended = intend(run, step);
    if (intended == WAITS)
        return ACT_WAITS;
    if (intended == ENDS || is_ended(run))
        return ACT_ENDED;
    g_autoptr(GError) failed = NULL;
    run->acting.tries++;
    if (call_act(run, step, &failed))
        return ACT_DONE;
    if (is_ended(run) && error_code(failed) == ERR_CANCELLED)
        return ACT_ENDED; /* the intent of a write stays: the next start looks */
    if (error_code(failed) != ERR_TIMEOUT)
        run->intent_ms = 0; /* it certainly was not done */
    if (!is_worth_a_try(step, failed, run->acting.tries)) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return ACT_FAILED;
    }
    set_delay(step, &run->acting);
    wait_after(run, step, failed, &run->acting);
    return ACT_WAITS;
}

/* What a look says comes first, in every round. */
static ActResult step_round(OperationRun *run, const OperationStep *step, GError **error) {
    LookResult seen = LOOK_NOT_DONE;
    if (!step->look)
        return act_once(run, step, error);
    if (!look_settled(run, step, &seen, error))
        return ACT_WAITS;
    if (seen == LOOK_DONE || seen == LOOK_SKIP)
        return ACT_DONE;
    if (seen == LOOK_NOT_DONE) {
        run->intent_ms = 0;
        return act_once(run, step, error);
    }
    return is_ended(run) ? ACT_ENDED : ACT_FAILED;
}

/* ---- steps and operations ---- */

static guint items_of(OperationRun *run, const OperationStep *step) {
    return step->count ? MIN(step->count(operation_in_hand(run)), OPERATION_ITEMS_MAX) : 1;
}

/* After an item: the next one begins where this says. */
static Progress advance(OperationRun *run, const OperationStep *step, guint items) {
    gboolean wrote = run->intent_ms != 0;
    run->intent_ms = 0;
    run->looking = run->acting = run->refused = (Trying){0};
    run->item++;
    if (run->item >= items) {
        run->item = 0;
        run->step++;
    }
    return step->repeat == REPEAT_READ || !wrote ? GOES_ON : record(run);
}

/* One item of one step, as far as it goes without waiting. */
static Progress run_step(OperationRun *run, const OperationStep *step) {
    guint items = items_of(run, step);
    if (!items) {
        run->step++;
        return GOES_ON;
    }
    g_autoptr(GError) error = NULL;
    ActResult result = is_ended(run) ? ACT_ENDED : step_round(run, step, &error);
    if (result == ACT_WAITS)
        return WAITS;
    if (result == ACT_ENDED)
        return ENDS;
    if (result == ACT_FAILED && !step->failure_is_reported_only) {
        operation_run_fail(run, operation_in_hand(run)->definition->name, error);
        return ENDS;
    }
    if (result == ACT_FAILED)
        say(run, "%s failed, the operation goes on: %s", step->name, error->message);
    return advance(run, step, items);
}

static Progress run_operation(OperationRun *run) {
    Operation *operation = operation_in_hand(run);
    while (operation->definition->steps[run->step].name) {
        Progress progress = run_step(run, &operation->definition->steps[run->step]);
        if (progress == ENDS)
            return ENDS;
        g_mutex_lock(&run->lock);
        g_ptr_array_set_size(operation->kept, 0);
        g_mutex_unlock(&run->lock);
        if (progress == WAITS)
            return WAITS;
    }
    if (operation->definition->finish)
        operation->definition->finish(operation);
    run->step = 0;
    run->operation++;
    return run->operation == run->operations->len ? GOES_ON : record(run);
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

/* Nothing more is done: what it came to. */
static Progress close_run(OperationRun *run) {
    run->closing = TRUE;
    if (run->operation == run->operations->len) {
        say(run, "Orchestration completed.");
        set_status(run, RUN_SUCCEEDED);
    } else if (run->status == RUN_GOES_ON) {
        report_unknown(run);
        say(run, "Cancelled before its next step; what was done before stays.");
        set_status(run, RUN_CANCELED);
    }
    return record(run);
}

/* Its end is written, or cannot be: then it goes on after the next start. */
static void settle_end(OperationRun *run, Progress progress) {
    const CloudsWriteCheck *check = clouds_write_check(run->clouds);
    if (progress == ENDS)
        set_status(run, RUN_GOES_ON);
    else if (check->ended)
        check->ended(run->id, check->data);
}

gboolean operation_run_execute(OperationRun *run) {
    LOG_FIELD("operation", run->id);
    LOG_FIELD("account", run->account);
    Progress progress = run->unsaved ? record(run) : GOES_ON;
    while (progress == GOES_ON && !run->closing && run->operation < run->operations->len)
        progress = run_operation(run);
    if (progress != WAITS && !run->closing && !g_atomic_int_get(&run->stopping))
        progress = close_run(run);
    if (progress == WAITS)
        return FALSE;
    if (run->closing)
        settle_end(run, progress);
    return TRUE;
}
