/* A runner without threads: one execution, its runs, its rows. Each event is picked at random: a run ends, a sleeper is due, a
 * message is handled, somebody acts, everything crashes. */
#include "sim.h"
#include "store/executions.h"
#include <stdio.h>
#include <string.h>

#define EVENTS_MAX 20000
#define STEP_FAILS_PERCENT 3

static gboolean chance(SimWorld *world, int percent) {
    return g_rand_int_range(world->random, 0, 100) < percent;
}

static void run_free(gpointer data) {
    SimRun *run = data;
    text_unref(run->stage_id);
    text_unref(run->task_id);
    execution_unref(run->snapshot);
    g_free(run);
}

static void row_free(gpointer data) {
    StageRecord *row = data;
    g_free((char *)row->id);
    g_free((char *)row->status);
    g_free((char *)row->body);
    g_free(row);
}

SimWorld *sim_world_new(guint64 seed, EngineSettings *settings) {
    SimWorld *world = g_new0(SimWorld, 1);
    world->seed = seed;
    world->random = g_rand_new_with_seed((guint32)seed);
    world->settings = settings;
    world->now_ms = 1700000000000;
    world->runs = g_ptr_array_new_with_free_func(run_free);
    world->rows = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, row_free);
    world->outside = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    world->finished = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_queue_init(&world->mailbox);
    return world;
}

void sim_world_free(SimWorld *world) {
    g_queue_clear_full(&world->mailbox, (GDestroyNotify)message_unref);
    g_rand_free(world->random);
    execution_unref(world->current);
    g_ptr_array_unref(world->runs);
    g_hash_table_unref(world->rows);
    g_hash_table_unref(world->outside);
    g_hash_table_unref(world->finished);
    execution_texts_clear(&world->last);
    g_free(world->body);
    g_free(world);
}

/* ---- the store ---- */
static void store_put(SimWorld *world, const Execution *draft, gboolean insert) {
    ExecutionTexts texts;
    execution_texts_fill(&texts, draft, insert);
    if (insert)
        world->body = g_strdup(texts.record.body);
    for (gsize i = 0; i < texts.n; i++) {
        const StageRecord *row = &texts.stages[i];
        if (!row->body) {
            g_hash_table_remove(world->rows, GUINT_TO_POINTER(row->position));
            continue;
        }
        StageRecord *copy = g_new(StageRecord, 1);
        *copy = (StageRecord){row->position, g_strdup(row->id), g_strdup(row->status), g_strdup(row->body)};
        g_hash_table_insert(world->rows, GUINT_TO_POINTER(row->position), copy);
    }
    execution_texts_clear(&world->last);
    world->last = texts;
    world->commits++;
}

static gint compare_rows(gconstpointer a, gconstpointer b) {
    const StageRecord *left = a, *right = b;
    return left->position < right->position ? -1 : left->position > right->position;
}

static Execution *store_load(SimWorld *world) {
    LoadedExecution loaded = {.record = world->last.record, .stages = g_array_new(FALSE, FALSE, sizeof(StageRecord))};
    loaded.record.body = world->body;
    /* The texts of the last commit borrow from an execution that the crash took away. */
    g_autofree char *id = g_strdup("E1"), *application = g_strdup("sim"), *name = g_strdup("random");
    loaded.record.id = id;
    loaded.record.application = application;
    loaded.record.name = name;
    loaded.record.config_id = loaded.record.parent_id = NULL;
    GHashTableIter iter;
    gpointer row;
    g_hash_table_iter_init(&iter, world->rows);
    while (g_hash_table_iter_next(&iter, NULL, &row))
        g_array_append_vals(loaded.stages, row, 1);
    g_array_sort(loaded.stages, compare_rows);
    g_autoptr(GError) error = NULL;
    Execution *execution = execution_from_loaded(&loaded, &error);
    g_array_unref(loaded.stages);
    if (!execution)
        sim_fail(world, "cannot be loaded: %s", error->message);
    return execution;
}

/* ---- effects ---- */
static SimRun *find_run(SimWorld *world, const char *stage_id, guint attempt) {
    for (guint i = 0; i < world->runs->len; i++) {
        SimRun *run = g_ptr_array_index(world->runs, i);
        if (strcmp(run->stage_id, stage_id) == 0 && run->attempt == attempt)
            return run;
    }
    return NULL;
}

static void take_run(SimWorld *world, const Effect *effect, gboolean now) {
    SimRun *run = find_run(world, effect->stage_id, effect->attempt);
    if (run && run->in_flight)
        sim_fail(world, "stage %s is run while it runs", effect->stage_id);
    guint runs = run && g_strcmp0(run->task_id, effect->task_id) == 0 ? run->runs : 0;
    if (run)
        g_ptr_array_remove(world->runs, run);
    run = g_new0(SimRun, 1);
    *run = (SimRun){.kind = effect->run,
                    .stage_id = text_ref(effect->stage_id),
                    .task_id = text_ref(effect->task_id),
                    .attempt = effect->attempt,
                    .at_ms = effect->at_ms,
                    .in_flight = now,
                    .runs = runs};
    if (now)
        run->snapshot = execution_ref(world->current);
    g_ptr_array_add(world->runs, run);
    if (now)
        sim_check_run(world, run);
}

static gboolean is_below(const Execution *execution, const char *stage_id, const char *top_id) {
    for (const Stage *stage = execution_stage(execution, stage_id); stage; stage = stage_parent(execution, stage))
        if (strcmp(stage->id, top_id) == 0)
            return TRUE;
    return FALSE;
}

static void wake(SimWorld *world, const Effect *effect) {
    for (guint i = 0; i < world->runs->len; i++) {
        SimRun *run = g_ptr_array_index(world->runs, i);
        if (effect->stage_id && strcmp(run->stage_id, effect->stage_id) != 0 && !is_below(world->current, run->stage_id, effect->stage_id))
            continue;
        run->at_ms = MIN(run->at_ms, world->now_ms);
        run->woken = run->in_flight;
        run->cancel = run->cancel || effect->cancel;
    }
}

static void take_effects(SimWorld *world, const Effects *effects) {
    for (guint i = 0; i < effects->list->len; i++) {
        const Effect *effect = &g_array_index(effects->list, Effect, i);
        if (effect->kind == EFFECT_WAKE)
            wake(world, effect);
        else if (effect->kind != EFFECT_SEND)
            take_run(world, effect, effect->kind == EFFECT_RUN);
    }
    if (effects->more)
        g_queue_push_tail(&world->mailbox, message_new(MESSAGE_CONTINUE_EXECUTION));
}

/* ---- crash ---- */
static void handle(SimWorld *world, Message *message);

static void crash(SimWorld *world) {
    if (world->trace)
        fprintf(stderr, "%u crash\n", world->events);
    world->crashes++;
    g_ptr_array_set_size(world->runs, 0);
    g_queue_clear_full(&world->mailbox, (GDestroyNotify)message_unref);
    execution_unref(world->current);
    world->current = store_load(world);
    handle(world, message_new(MESSAGE_RECOVER_EXECUTION));
    if (world->current->status == STATUS_NOT_STARTED)
        g_queue_push_tail(&world->mailbox, message_new(MESSAGE_START_EXECUTION));
}

/* One step. Before its commit and behind it everything may end; a step that failed to commit is done again. */
static void step(SimWorld *world, Message *message) {
    g_autoptr(Execution) draft = execution_copy(world->current);
    Effects effects;
    effects_init(&effects);
    engine_apply(draft, message, world->now_ms, world->settings, &effects);
    if (world->trace)
        sim_print_step(world, message, draft, &effects);
    gboolean recovering = message->kind == MESSAGE_RECOVER_EXECUTION;
    if (!recovering && chance(world, STEP_FAILS_PERCENT)) { /* not committed: again, later */
        effects_clear(&effects);
        g_queue_push_tail(&world->mailbox, message_ref(message));
        return;
    }
    if (execution_is_changed(draft)) {
        g_autoptr(Execution) before = execution_ref(world->current);
        store_put(world, draft, FALSE);
        execution_seal(draft);
        execution_unref(world->current);
        world->current = execution_ref(draft);
        sim_check_commit(world, before, draft);
        if (!recovering && chance(world, 2)) { /* gone before any effect */
            effects_clear(&effects);
            crash(world);
            return;
        }
    }
    take_effects(world, &effects);
    effects_clear(&effects);
}

/* Takes the message. */
static void handle(SimWorld *world, Message *message) {
    step(world, message);
    message_unref(message);
}

/* ---- what runs answer ---- */
static char next_letter(SimWorld *world, const SimRun *run, const Stage *stage, const TaskState *task) {
    if (run->kind != RUN_TASK)
        return chance(world, 20) ? 'R' : chance(world, 5) ? 'E' : 'S';
    const char *script = json_get_string(json_get(json_root(stage->context), "tasks"), task->name);
    g_autofree char *key = g_strdup_printf("%s %s", stage->ref_id, task->name);
    guint at = GPOINTER_TO_UINT(g_hash_table_lookup(world->outside, key));
    g_hash_table_insert(world->outside, g_steal_pointer(&key), GUINT_TO_POINTER(at + 1));
    return script[MIN(at, strlen(script) - 1)];
}

static void answer(SimWorld *world, const SimRun *run, RunOutcome *outcome, char letter) {
    static const struct {
        char letter;
        Status status;
    } statuses[] = {{'S', STATUS_SUCCEEDED},       {'R', STATUS_RUNNING}, {'T', STATUS_TERMINAL}, {'K', STATUS_SKIPPED},
                    {'F', STATUS_FAILED_CONTINUE}, {'P', STATUS_STOPPED}, {'C', STATUS_CANCELED}, {'D', STATUS_REDIRECT}};
    for (guint i = 0; i < G_N_ELEMENTS(statuses); i++)
        if (statuses[i].letter == letter)
            outcome->result.status = statuses[i].status;
    if (run->cancel && chance(world, 70))
        error_set(&outcome->error, ERR_CANCELLED, "told to give up");
    else if (letter == 'E')
        error_set(&outcome->error, ERR_INVALID, "refused");
    else if (letter == 'U')
        error_set(&outcome->error, ERR_UNAVAILABLE, "not now");
    if (letter == 'R' && chance(world, 30)) {
        outcome->result.wake = WAKE_AT;
        outcome->result.wake_ms = world->now_ms + g_rand_int_range(world->random, 0, 100000);
    }
    if (chance(world, 30))
        outcome->result.context = json_pack("{s:i}", "seen", (gint64)world->events);
    if (chance(world, 20))
        outcome->result.outputs = json_pack("{s:i}", "out", (gint64)world->events);
}

static void end_run(SimWorld *world, SimRun *run) {
    const Stage *stage = execution_stage(run->snapshot, run->stage_id);
    const TaskState *task = run->task_id ? stage_task(stage, run->task_id) : NULL;
    static const MessageKind kinds[] = {[RUN_TASK] = MESSAGE_TASK_RAN,
                                        [RUN_TASK_CANCEL] = MESSAGE_TASK_RAN,
                                        [RUN_TASK_TIMEOUT] = MESSAGE_TASK_RAN,
                                        [RUN_PREPARE] = MESSAGE_STAGE_PREPARED,
                                        [RUN_STAGE_CANCEL] = MESSAGE_STAGE_CANCELED};
    Message *message = message_new_stage(kinds[run->kind], run->stage_id);
    message->task_id = text_ref(run->task_id);
    message->attempt = run->attempt;
    message->outcome = run_outcome_new(run->kind);
    message->outcome->runs = ++run->runs;
    answer(world, run, message->outcome, next_letter(world, run, stage, task));
    g_ptr_array_remove(world->runs, run);
    g_queue_push_tail(&world->mailbox, message);
}

static void due(SimWorld *world, SimRun *run) {
    world->now_ms = MAX(world->now_ms, run->at_ms);
    Message *message = message_new_stage(run->kind == RUN_PREPARE ? MESSAGE_PREPARE_STAGE : MESSAGE_RUN_TASK, run->stage_id);
    message->task_id = text_ref(run->task_id);
    message->attempt = run->attempt;
    g_ptr_array_remove(world->runs, run);
    g_queue_push_tail(&world->mailbox, message);
}

/* ---- users ---- */
static const Stage *any_stage(SimWorld *world) {
    guint n = world->current->stages->len;
    return n ? execution_stage_at(world->current, (guint)g_rand_int_range(world->random, 0, (gint32)n)) : NULL;
}

static void act(SimWorld *world) {
    static const MessageKind kinds[] = {MESSAGE_CANCEL_EXECUTION,      MESSAGE_PAUSE_EXECUTION, MESSAGE_RESUME_EXECUTION,
                                        MESSAGE_RESTART_STAGE,         MESSAGE_PATCH_STAGE,     MESSAGE_PATCH_STAGE,
                                        MESSAGE_FORCE_CANCEL_EXECUTION};
    MessageKind kind = kinds[g_rand_int_range(world->random, 0, G_N_ELEMENTS(kinds))];
    const Stage *stage = any_stage(world);
    if (!stage || (kind == MESSAGE_FORCE_CANCEL_EXECUTION && chance(world, 70)))
        return;
    Message *message = message_new_stage(kind, stage->id);
    message->user = text_new("somebody");
    if (kind == MESSAGE_PATCH_STAGE)
        message->body = chance(world, 40) ? json_pack("{s:b}", "manualSkip", TRUE) : json_pack("{s:i}", "patched", (gint64)world->events);
    if (kind != MESSAGE_PAUSE_EXECUTION && kind != MESSAGE_RESUME_EXECUTION)
        world->user_acted = TRUE;
    g_queue_push_tail(&world->mailbox, message);
}

/* ---- events ---- */
static SimRun *pick_run(SimWorld *world, gboolean in_flight) {
    g_autoptr(GPtrArray) fitting = g_ptr_array_new();
    for (guint i = 0; i < world->runs->len; i++) {
        SimRun *run = g_ptr_array_index(world->runs, i);
        if (run->in_flight == in_flight)
            g_ptr_array_add(fitting, run);
    }
    return fitting->len ? g_ptr_array_index(fitting, g_rand_int_range(world->random, 0, (gint32)fitting->len)) : NULL;
}

/* Whoever is due first; the clock goes on only when nothing else happens at once. */
static SimRun *first_sleeper(SimWorld *world) {
    SimRun *first = NULL;
    for (guint i = 0; i < world->runs->len; i++) {
        SimRun *run = g_ptr_array_index(world->runs, i);
        if (!run->in_flight && (!first || run->at_ms < first->at_ms))
            first = run;
    }
    return first;
}

static gboolean one_event(SimWorld *world) {
    if (world->events < 400 && chance(world, 2))
        act(world);
    if (world->crashes < 20 && chance(world, 2)) {
        crash(world);
        return TRUE;
    }
    SimRun *running = pick_run(world, TRUE), *sleeping = first_sleeper(world);
    if (world->mailbox.length > 0 && ((!running && !sleeping) || chance(world, 70)))
        handle(world, g_queue_pop_head(&world->mailbox));
    else if (running && (!sleeping || chance(world, 60)))
        end_run(world, running);
    else if (sleeping)
        due(world, sleeping);
    else if (world->current->status == STATUS_PAUSED)
        g_queue_push_tail(&world->mailbox, message_new(MESSAGE_RESUME_EXECUTION));
    else
        return FALSE;
    return TRUE;
}

void sim_world_run(SimWorld *world) {
    world->current = sim_pipeline_new(world->random);
    store_put(world, world->current, TRUE);
    execution_seal(world->current);
    g_queue_push_tail(&world->mailbox, message_new(MESSAGE_START_EXECUTION));
    while (one_event(world)) {
        sim_check_waiting(world);
        if (++world->events > EVENTS_MAX)
            sim_fail(world, "does not come to an end");
    }
    if (!execution_is_settled(world->current))
        sim_fail(world, "is stuck");
}
