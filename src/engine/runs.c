/* Runs: what a stage sleeps for, and what workers do for it. The lists belong to actors (actor->lock); the work itself runs on
 * the lanes, on a snapshot that nobody changes. */
#include "base/log.h"
#include "engine/expressions.h"
#include "engine/graph.h"
#include "engine/runner.h"
#include <string.h>

Run *run_ref(Run *run) {
    g_atomic_int_inc(&run->ref_count);
    return run;
}

void run_unref(Run *run) {
    if (!g_atomic_int_dec_and_test(&run->ref_count))
        return;
    text_unref(run->stage_id);
    text_unref(run->task_id);
    g_free(run->problem);
    cancel_unref(run->cancel);
    execution_unref(run->snapshot);
    actor_unref(run->actor);
    g_free(run);
}

static Run *run_new(Actor *actor, const Effect *effect) {
    Run *run = g_new0(Run, 1);
    run->ref_count = 1;
    run->actor = actor_ref(actor);
    run->kind = effect->run;
    run->stage_id = text_ref(effect->stage_id);
    run->task_id = text_ref(effect->task_id);
    run->attempt = effect->attempt;
    run->since_ms = actor->engine->runtime->now_ms(actor->engine->runtime);
    return run;
}

static Letter *run_letter(Run *run, MessageKind kind) {
    Message *message = message_new_stage(kind, run->stage_id);
    message->task_id = text_ref(run->task_id);
    message->attempt = run->attempt;
    Letter *letter = letter_new(message);
    letter->internal = TRUE;
    letter->run = run_ref(run);
    return letter;
}

/* ---- asleep ---- */
/* The message that lets the core look whether it may be run. */
static Letter *due_letter(Run *run) {
    run->state = RUN_ANSWERED;
    run->timer = 0;
    return run_letter(run, run->kind == RUN_PREPARE ? MESSAGE_PREPARE_STAGE : MESSAGE_RUN_TASK);
}

/* On the timer's thread; owns a reference on the run. */
static void run_due(gpointer data) {
    Run *run = data;
    Actor *actor = run->actor;
    g_mutex_lock(&actor->lock);
    Letter *letter = run->state == RUN_ASLEEP ? due_letter(run) : NULL;
    g_mutex_unlock(&actor->lock);
    if (letter)
        actor_post(actor, letter);
    run_unref(run);
}

/* actor->lock is held. FALSE: it is due already, by its timer. */
static gboolean stop_sleeping(Run *run) {
    Runtime *runtime = run->actor->engine->runtime;
    if (run->state != RUN_ASLEEP || !run->timer || !runtime->forget(runtime, run->timer))
        return FALSE;
    run->timer = 0;
    run_unref(run);
    return TRUE;
}

/* actor->lock is held. It is not due any more, even if its timer has just gone off. */
static void end_sleep(Run *run) {
    stop_sleeping(run);
    if (run->state == RUN_ASLEEP)
        run->state = RUN_ANSWERED;
}

void actor_forget_runs(Actor *actor) {
    for (guint i = 0; i < actor->runs->len; i++)
        end_sleep(g_ptr_array_index(actor->runs, i));
    g_ptr_array_set_size(actor->runs, 0);
}

static gboolean is_about(const Actor *actor, const Run *run, const char *stage_id) {
    if (!stage_id || strcmp(run->stage_id, stage_id) == 0)
        return TRUE;
    const Execution *execution = actor->execution;
    for (const Stage *stage = execution ? execution_stage(execution, run->stage_id) : NULL; stage; stage = stage_parent(execution, stage))
        if (strcmp(stage->id, stage_id) == 0)
            return TRUE;
    return FALSE;
}

/* actor->lock is held. */
static void wake_runs(Actor *actor, const char *stage_id, gboolean cancel, GPtrArray *cancels, GPtrArray *letters) {
    for (guint i = 0; i < actor->runs->len; i++) {
        Run *run = g_ptr_array_index(actor->runs, i);
        if (!is_about(actor, run, stage_id))
            continue;
        if (stop_sleeping(run))
            g_ptr_array_add(letters, due_letter(run));
        else
            run->woken = TRUE;
        /* What cleans up is not told to give up. */
        if (cancel && run->state == RUN_BUSY && (run->kind == RUN_TASK || run->kind == RUN_PREPARE || run->kind == RUN_TASK_TIMEOUT))
            g_ptr_array_add(cancels, cancel_ref(run->cancel));
    }
}

void actor_wake(Actor *actor, const char *stage_id) {
    g_autoptr(GPtrArray) letters = g_ptr_array_new();
    g_mutex_lock(&actor->lock);
    wake_runs(actor, stage_id, FALSE, NULL, letters);
    g_mutex_unlock(&actor->lock);
    for (guint i = 0; i < letters->len; i++)
        actor_post(actor, g_ptr_array_index(letters, i));
}

/* ---- effects ---- */
static Run *find_run(const GPtrArray *runs, const Effect *effect) {
    for (guint i = 0; i < runs->len; i++) {
        Run *run = g_ptr_array_index(runs, i);
        if (run->attempt == effect->attempt && strcmp(run->stage_id, effect->stage_id) == 0)
            return run;
    }
    return NULL;
}

static gboolean run_work(gpointer data);

static void launch(Run *run) {
    Engine *engine = run->actor->engine;
    EngineSettings *settings = engine_settings(engine);
    const Stage *stage = execution_stage(run->snapshot, run->stage_id);
    const StageType *type = stage_type_of(settings, stage);
    const TaskState *task = run->task_id ? stage_task(stage, run->task_id) : NULL;
    const TaskDefinition *definition = type && task ? task_definition_of(type, run->snapshot, stage, task) : NULL;
    gboolean no_io = definition && definition->no_io && run->kind == RUN_TASK && stage->plain;
    const char *account = definition && definition->account ? definition->account(run->snapshot, stage) : NULL;
    engine_settings_unref(settings);
    g_atomic_int_inc(&engine->busy_runs);
    engine->runtime->run(engine->runtime, no_io ? LANE_STEP : LANE_IO, account, run_work, run_ref(run));
}

/* actor->lock is held. Takes what was there before for the same stage and attempt out of the list; its count goes on when it
 * was about the same task. */
static Run *replace_run(Actor *actor, const Effect *effect, const GPtrArray *answered) {
    Run *run = run_new(actor, effect);
    const Run *before = find_run(answered, effect);
    Run *standing = find_run(actor->runs, effect);
    if (!before)
        before = standing;
    if (before && g_strcmp0(before->task_id, run->task_id) == 0 && before->kind == run->kind) {
        run->runs = before->runs;
        run->since_ms = before->since_ms;
        run->problem = g_strdup(before->problem);
        run->woken = before->woken;
    }
    if (standing) {
        if (standing->state == RUN_BUSY)
            log_error("engine", "execution %s stage %s is run while it runs", actor->id, run->stage_id);
        end_sleep(standing);
        g_ptr_array_remove(actor->runs, standing);
    }
    g_ptr_array_add(actor->runs, run);
    return run;
}

/* actor->lock is held. After a step in doubt: what follows from the state is at work already. It may have been woken by that step. */
static gboolean goes_on(const Actor *actor, const Effect *effect) {
    Run *standing = actor->unsure ? find_run(actor->runs, effect) : NULL;
    if (!standing || standing->state == RUN_ASLEEP || g_strcmp0(standing->task_id, effect->task_id) != 0 ||
        (!standing->task_id && standing->kind != effect->run))
        return FALSE;
    standing->woken = TRUE;
    return TRUE;
}

static void begin_run(Actor *actor, const Effect *effect, const GPtrArray *answered) {
    if (g_atomic_int_get(&actor->engine->stopping) || goes_on(actor, effect))
        return;
    Run *run = replace_run(actor, effect, answered);
    run->state = RUN_BUSY;
    run->woken = FALSE;
    run->cancel = cancel_new();
    run->snapshot = execution_ref(actor->execution);
    launch(run);
}

static void begin_sleep(Actor *actor, const Effect *effect, const GPtrArray *answered, GPtrArray *letters) {
    Runtime *runtime = actor->engine->runtime;
    if (g_atomic_int_get(&actor->engine->stopping) || goes_on(actor, effect))
        return;
    Run *run = replace_run(actor, effect, answered);
    gint64 now = runtime->now_ms(runtime);
    run->state = RUN_ASLEEP;
    run->woken = run->woken || actor->unsure;
    run->at_ms = run->woken ? now : effect->at_ms;
    if (run->woken) {
        run->woken = FALSE;
        g_ptr_array_add(letters, due_letter(run));
    } else {
        run->timer = runtime->at(runtime, run->at_ms, run_due, run_ref(run));
    }
}

/* Runs that the letters of this step were about are over. */
static GPtrArray *take_answered(Actor *actor) {
    GPtrArray *answered = g_ptr_array_new_with_free_func((GDestroyNotify)run_unref);
    for (guint i = 0; i < actor->letters->len; i++) {
        const Letter *letter = g_ptr_array_index(actor->letters, i);
        if (!letter->run)
            continue;
        g_ptr_array_add(answered, run_ref(letter->run));
        g_ptr_array_remove(actor->runs, letter->run);
    }
    return answered;
}

void actor_begin_effects(Actor *actor, const Effects *effects, GPtrArray *cancels, GPtrArray *letters) {
    g_autoptr(GPtrArray) answered = take_answered(actor);
    for (guint i = 0; i < effects->list->len; i++) {
        const Effect *effect = &g_array_index(effects->list, Effect, i);
        if (effect->kind == EFFECT_RUN)
            begin_run(actor, effect, answered);
        else if (effect->kind == EFFECT_SLEEP)
            begin_sleep(actor, effect, answered, letters);
        else if (effect->kind == EFFECT_WAKE) {
            wake_runs(actor, effect->stage_id, effect->cancel, cancels, letters);
            for (guint k = 0; k < answered->len; k++) /* its answer is dealt with in this very step */
                if (is_about(actor, g_ptr_array_index(answered, k), effect->stage_id))
                    ((Run *)g_ptr_array_index(answered, k))->woken = TRUE;
        }
    }
    if (!effects->more)
        return;
    Letter *letter = letter_new(message_new(MESSAGE_CONTINUE_EXECUTION));
    letter->internal = TRUE;
    g_ptr_array_add(letters, letter);
}

/* ---- in a worker ---- */
typedef struct {
    Run *run;
    EngineSettings *settings;
    const Stage *stage;
    const StageType *type;
    const TaskDefinition *definition;
    const TaskState *task;
    RunOutcome *outcome;
    Stage *evaluated; /* the stage with its context evaluated, or NULL */
    gint64 now_ms;
} Work;

static TaskRun function_of(const Work *work) {
    const TaskDefinition *definition = work->definition;
    switch (work->run->kind) {
    case RUN_TASK:
        return definition ? definition->run : NULL;
    case RUN_TASK_CANCEL:
        return definition ? definition->on_cancel : NULL;
    case RUN_TASK_TIMEOUT:
        return definition ? definition->on_timeout : NULL;
    case RUN_PREPARE:
        return work->type->prepare;
    case RUN_STAGE_CANCEL:
        return work->type->on_cancel;
    }
    return NULL;
}

static gint64 deadline_of(const Work *work) {
    gboolean cleans_up = work->run->kind == RUN_TASK_CANCEL || work->run->kind == RUN_STAGE_CANCEL;
    return work->now_ms + (cleans_up ? CANCEL_RUN_MAX_MS : TASK_RUN_MAX_MS);
}

/* The step evaluated what needs no I/O; here the rest is. */
static void evaluate(Work *work) {
    gboolean needs_io;
    RunKind kind = work->run->kind;
    if (work->stage->plain || (kind != RUN_TASK && kind != RUN_PREPARE) ||
        expressions_are_own(work->run->snapshot, work->type, work->settings))
        return;
    Json *context = expressions_process(work->run->snapshot, work->stage, work->settings, TRUE, work->now_ms, &needs_io);
    if (!context)
        return;
    work->outcome->evaluated = context;
    work->outcome->evaluated_from = json_ref(work->stage->context);
    work->evaluated = stage_with_context(work->stage, context);
    work->stage = work->evaluated;
}

static void call(Work *work, TaskRun function) {
    const Run *run = work->run;
    Engine *engine = run->actor->engine;
    g_autofree void *params = work->type->params_size ? g_malloc0(work->type->params_size) : NULL;
    gboolean has_params = params && params_read(work->type->params, json_root(work->stage->context), params, &work->outcome->error);
    if (params && !has_params && (run->kind == RUN_TASK || run->kind == RUN_PREPARE))
        return;
    g_clear_error(&work->outcome->error);
    TaskContext context = {
        .execution = run->snapshot,
        .stage = work->stage,
        .task = work->task,
        .params = has_params ? params : NULL,
        .services = engine->services,
        .cancel = run->cancel,
        .runs = run->runs,
        .now_ms = work->now_ms,
        .deadline_ms = deadline_of(work),
        .user = stage_user(run->snapshot, work->stage),
        .random = engine->runtime->random(engine->runtime),
        .settings = work->settings,
        .result = &work->outcome->result,
    };
    work->outcome->result.status = function(&context, &work->outcome->error);
    if (has_params)
        params_clear(work->type->params, params);
}

static void check_answer(Work *work) {
    Status status = work->outcome->result.status;
    if (work->outcome->error || status == STATUS_RUNNING || status == STATUS_REDIRECT || status_info(status)->complete)
        return;
    error_set(&work->outcome->error, ERR_INTERNAL, "task %s of stage type %s answered %s, which is no answer",
              work->task ? work->task->name : "-", work->type->type, status_info(status)->name);
}

/* Told to give up while it waited for a worker: it does not begin. What cleans up is never told. */
static gboolean is_cancelled_before(const Work *work) {
    if (!cancel_is_set(work->run->cancel))
        return FALSE;
    error_set(&work->outcome->error, ERR_CANCELLED, "it was told to give up before it began");
    return TRUE;
}

static void run_function(Work *work) {
    if (is_cancelled_before(work))
        return;
    work->type = stage_type_of(work->settings, work->stage);
    if (!work->type) {
        error_set(&work->outcome->error, ERR_INVALID, "No stage type \"%s\" exists (stage \"%s\")", work->stage->type, work->stage->name);
        return;
    }
    work->definition = work->task ? task_definition_of(work->type, work->run->snapshot, work->stage, work->task) : NULL;
    TaskRun function = function_of(work);
    evaluate(work);
    if (function)
        call(work, function);
    else
        work->outcome->result.status = STATUS_SUCCEEDED; /* only expressions were to be evaluated */
    check_answer(work);
}

static gboolean was_answered(const GError *error) {
    ErrorCode code = error ? error_code(error) : ERR_INTERNAL;
    return !error || (code != ERR_TIMEOUT && code != ERR_UNAVAILABLE);
}

/* Owns a reference on the run. */
static gboolean run_work(gpointer data) {
    static const MessageKind answers[] = {[RUN_TASK] = MESSAGE_TASK_RAN,
                                          [RUN_TASK_CANCEL] = MESSAGE_TASK_RAN,
                                          [RUN_TASK_TIMEOUT] = MESSAGE_TASK_RAN,
                                          [RUN_PREPARE] = MESSAGE_STAGE_PREPARED,
                                          [RUN_STAGE_CANCEL] = MESSAGE_STAGE_CANCELED};
    Run *run = data;
    Actor *actor = run->actor;
    Engine *engine = actor->engine;
    Work work = {.run = run, .settings = engine_settings(engine), .outcome = run_outcome_new(run->kind)};
    work.now_ms = engine->runtime->now_ms(engine->runtime);
    work.stage = execution_stage(run->snapshot, run->stage_id);
    work.task = run->task_id ? stage_task(work.stage, run->task_id) : NULL;
    {
        LOG_FIELD("execution", actor->id);
        LOG_FIELD("stage", work.stage->name);
        LOG_FIELD("task", work.task ? work.task->name : "");
        run_function(&work);
    }
    gboolean answered = was_answered(work.outcome->error);
    work.outcome->runs = ++run->runs;
    Letter *letter = run_letter(run, answers[run->kind]);
    letter->message->outcome = work.outcome;
    g_mutex_lock(&actor->lock);
    run->state = RUN_ANSWERED;
    g_free(run->problem);
    run->problem = work.outcome->error ? g_strdup(work.outcome->error->message) : NULL;
    g_mutex_unlock(&actor->lock);
    if (work.evaluated)
        stage_unref(work.evaluated);
    engine_settings_unref(work.settings);
    if (g_atomic_int_get(&engine->stopping) == ENGINE_GAVE_UP)
        letter_drop(letter); /* it was told to give up because the program ends: after the next start it is run again */
    else
        actor_post(actor, letter);
    engine_run_ended(engine);
    run_unref(run);
    return answered;
}
