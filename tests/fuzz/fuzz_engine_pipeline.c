/* Pipelines as users submit them: whatever is accepted must run to an end, whatever its tasks answer, and be stored and read
 * again unchanged. The bytes behind the first NUL say what the runs answer, one after the other, over and over. */
#include "../unit/engine_scripted.h"
#include "engine/edit.h"
#include "engine/expressions.h"
#include "engine/graph.h"
#include "engine/record.h"
#include "engine/submit.h"
#include <stdint.h>

#define RUNS_MAX 2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    Execution *execution;
    EngineSettings *settings;
    GQueue asked; /* of Effect: runs and sleeps */
    const uint8_t *answers;
    size_t n, at;
    gint64 now_ms;
} World;

static void effect_free(gpointer data) {
    Effect *effect = data;
    text_unref(effect->stage_id);
    text_unref(effect->task_id);
    g_free(effect);
}

static void apply(World *world, Message *message) {
    Effects effects;
    effects_init(&effects);
    Execution *draft = execution_copy(world->execution);
    engine_apply(draft, message, world->now_ms, world->settings, &effects);
    message_unref(message);
    if (execution_is_changed(draft))
        execution_seal(draft);
    execution_unref(world->execution);
    world->execution = draft;
    for (guint i = 0; i < effects.list->len; i++) {
        const Effect *effect = &g_array_index(effects.list, Effect, i);
        if (effect->kind != EFFECT_RUN && effect->kind != EFFECT_SLEEP)
            continue;
        Effect *copy = g_memdup2(effect, sizeof *effect);
        text_ref(copy->stage_id);
        text_ref(copy->task_id);
        g_queue_push_tail(&world->asked, copy);
    }
    gboolean more = effects.more;
    effects_clear(&effects);
    if (more)
        apply(world, message_new(MESSAGE_CONTINUE_EXECUTION));
}

static Status next_answer(World *world) {
    static const Status answers[] = {STATUS_SUCCEEDED,       STATUS_RUNNING, STATUS_TERMINAL, STATUS_STOPPED,
                                     STATUS_FAILED_CONTINUE, STATUS_SKIPPED, STATUS_CANCELED, STATUS_REDIRECT};
    return world->n ? answers[world->answers[world->at++ % world->n] % G_N_ELEMENTS(answers)] : STATUS_SUCCEEDED;
}

static void run_one(World *world, const Effect *effect, gboolean end) {
    gboolean prepare = effect->run == RUN_PREPARE, cancel = effect->run == RUN_STAGE_CANCEL;
    MessageKind answer = prepare ? MESSAGE_STAGE_PREPARED : cancel ? MESSAGE_STAGE_CANCELED : MESSAGE_TASK_RAN;
    gboolean asleep = effect->kind == EFFECT_SLEEP;
    world->now_ms = MAX(world->now_ms, effect->at_ms);
    Message *message = message_new_stage(asleep ? (prepare ? MESSAGE_PREPARE_STAGE : MESSAGE_RUN_TASK) : answer, effect->stage_id);
    message->task_id = text_ref(effect->task_id);
    message->attempt = effect->attempt;
    if (!asleep) {
        message->outcome = run_outcome_new(effect->run);
        message->outcome->result.status = end ? STATUS_SUCCEEDED : next_answer(world);
    }
    apply(world, message);
}

static void check_stored(const Execution *execution) {
    ExecutionTexts texts;
    execution_texts_fill(&texts, execution, TRUE);
    for (gsize i = 0; i < texts.n; i++) {
        g_autoptr(Json) stage = json_parse(texts.stages[i].body, -1, NULL);
        g_assert_nonnull(stage);
    }
    execution_texts_clear(&texts);
}

static void run_all(World *world) {
    apply(world, message_new(MESSAGE_START_EXECUTION));
    for (guint runs = 0; world->asked.length > 0; runs++) {
        g_assert_cmpuint(runs, <, 4 * RUNS_MAX);
        Effect *effect = g_queue_pop_head(&world->asked);
        run_one(world, effect, runs > RUNS_MAX);
        effect_free(effect);
    }
    if (!execution_is_settled(world->execution)) {
        g_autoptr(Json) json = execution_to_json(world->execution, TRUE);
        g_autofree char *text = json_write_pretty(json_root(json), NULL);
        g_error("the execution did not come to rest: %s", text);
    }
    check_stored(world->execution);
}

static EngineSettings *settings_new(void) {
    g_autoptr(Config) config = config_load(NULL, NULL);
    return engine_settings_new(&scripted_types, config, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static EngineSettings *settings;
    if (!settings)
        settings = settings_new();
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    size_t length = end ? (size_t)(end - data) : size;
    g_autoptr(Json) json = json_parse_limited((const char *)data, (gssize)length, 64 * 1024, NULL);
    g_autoptr(GPtrArray) wrong = g_ptr_array_new_with_free_func(g_free);
    if (!json)
        return 0;
    submit_validate(json_root(json), settings, wrong);
    if (wrong->len > 0)
        return 0;
    const Principal user = {.user = "u", .roles = (const char *const[]){NULL}};
    g_autoptr(Json) trigger = submit_trigger(json_get(json_root(json), "trigger"), &user);
    g_autoptr(Json) complete = submit_parameters(json_root(trigger), json_get(json_root(json), "parameterConfig"));
    g_autoptr(Json) with = json_with(json_root(json), "trigger", json_root(complete));
    g_autoptr(Json) numbered = graph_assign_ref_ids(json_get(json_root(with), "stages"));
    g_autoptr(Json) whole = json_with(json_root(with), "stages", json_root(numbered));
    g_autoptr(Json) processed = expressions_process_submitted(json_root(whole), 3, 1000);
    submit_validate(json_root(processed), settings, wrong);
    if (wrong->len > 0)
        return 0;
    World world = {.settings = settings, .now_ms = 1000, .answers = end ? end + 1 : NULL, .n = end ? size - length - 1 : 0};
    world.execution = submit_build(EXECUTION_PIPELINE, json_root(processed), &user, settings, world.now_ms, NULL);
    if (!world.execution)
        return 0;
    run_all(&world);
    execution_unref(world.execution);
    return 0;
}
