/* What the engine knows beside an execution of why it waits: its runs, who runs before it, how many are active. And the sentences that
 * go into changes. Any thread. */
#include "engine/graph.h"
#include "engine/runner.h"
#include "engine/why.h"
#include <string.h>

/* What is known of runs, copied so that no lock is held while sentences are made. */
typedef struct {
    GPtrArray *stage_ids; /* char * */
    GArray *attempts;     /* guint */
    GArray *runs;         /* WhyRun */
    GPtrArray *problems;  /* char *; owned texts that the runs point to */
} KnownRuns;

static void copy_runs(KnownRuns *known, Actor *actor) {
    g_mutex_lock(&actor->lock);
    for (guint i = 0; i < actor->runs->len; i++) {
        const Run *run = g_ptr_array_index(actor->runs, i);
        char *problem = g_strdup(run->problem);
        WhyRun copy = {.busy = run->state != RUN_ASLEEP, .at_ms = run->at_ms, .runs = run->runs, .problem = problem};
        g_ptr_array_add(known->problems, problem);
        g_ptr_array_add(known->stage_ids, g_strdup(run->stage_id));
        g_array_append_val(known->attempts, run->attempt);
        g_array_append_val(known->runs, copy);
    }
    g_mutex_unlock(&actor->lock);
}

static gboolean find_known_run(const Stage *stage, WhyRun *into, gpointer data) {
    const KnownRuns *known = data;
    for (guint i = 0; i < known->runs->len; i++) {
        if (g_array_index(known->attempts, guint, i) != stage->attempt || strcmp(known->stage_ids->pdata[i], stage->id) != 0)
            continue;
        *into = g_array_index(known->runs, WhyRun, i);
        return TRUE;
    }
    return FALSE;
}

/* What rate limiting counts: not those that wait. */
static guint active_executions(Engine *engine) {
    g_mutex_lock(&engine->lock);
    guint active = engine->running;
    g_mutex_unlock(&engine->lock);
    return active;
}

Json *engine_why(Engine *engine, const Execution *execution, gint64 now_ms) {
    Actor *actor = engine_find_actor(engine, execution->id);
    EngineSettings *settings = engine_settings(engine);
    KnownRuns known = {g_ptr_array_new_with_free_func(g_free), g_array_new(FALSE, FALSE, sizeof(guint)),
                       g_array_new(FALSE, FALSE, sizeof(WhyRun)), g_ptr_array_new_with_free_func(g_free)};
    if (actor)
        copy_runs(&known, actor);
    WhyFacts facts = {.settings = settings, .now_ms = now_ms, .run = find_known_run, .data = &known, .open = engine_is_open(engine)};
    g_auto(GStrv) rivals = execution->status == STATUS_NOT_STARTED ? engine_rivals(engine, execution, &facts.ahead) : NULL;
    facts.rivals = (const char *const *)rivals;
    facts.active = execution->status == STATUS_BUFFERED ? active_executions(engine) : 0;
    Json *why = why_explain(execution, &facts);
    g_ptr_array_unref(known.stage_ids);
    g_array_unref(known.attempts);
    g_array_unref(known.runs);
    g_ptr_array_unref(known.problems);
    if (actor)
        actor_unref(actor);
    engine_settings_unref(settings);
    return why;
}

/* ---- in changes ---- */
static void add_sentence(JsonBuilder *builder, const Execution *before, const Execution *draft, const Stage *stage, const Stage *was,
                         const WhyFacts *facts) {
    g_autoptr(Json) now = why_explain_one(draft, stage, facts);
    g_autoptr(Json) then = now && before && (was || !stage) ? why_explain_one(before, was, facts) : NULL;
    const char *text = json_get_string(json_root(now), "reason");
    if (!text || g_strcmp0(text, json_get_string(json_root(then), "reason")) == 0)
        return;
    json_begin_object(builder, NULL);
    json_add_string(builder, "stageId", stage ? stage->id : NULL);
    for (JsonIter i = json_iter(json_root(now)); json_next(&i);)
        json_add_value(builder, i.key, i.value);
    json_end_object(builder);
}

void why_add_changes(JsonBuilder *builder, const Execution *before, const Execution *draft, const WhyFacts *facts) {
    gboolean paused_or_told = !before || before->status != draft->status || before->canceled != draft->canceled;
    json_begin_array(builder, "why");
    if (paused_or_told)
        add_sentence(builder, before, draft, NULL, NULL, facts);
    for (guint i = 0; i < draft->drafts->len; i++) {
        const Stage *stage = g_ptr_array_index(draft->drafts, i);
        add_sentence(builder, before, draft, stage, before ? execution_stage(before, stage->id) : NULL, facts);
    }
    json_end_array(builder);
}
