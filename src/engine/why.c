/* Why something waits, in one sentence each: the tables by status, and what their rows say. Pure; any thread, on a snapshot or draft. */
#include "engine/why.h"
#include "base/clock.h"
#include "engine/graph.h"
#include "engine/window.h"
#include <string.h>

#define NAMES_MAX 5 /* stages or executions named in one sentence; of the others their number */
#define STATUSES (STATUS_CANCELED + 1)

/* The sentence in the making. */
typedef struct {
    const char *rule;
    gint64 since_ms; /* 0: unknown */
    GString *text;
} Reason;

typedef struct {
    const Execution *execution;
    const WhyFacts *facts;
    Reason reason;
} Why;

static void because(Why *why, const char *rule, gint64 since_ms, const char *format, ...) G_GNUC_PRINTF(4, 5);
static void because(Why *why, const char *rule, gint64 since_ms, const char *format, ...) {
    why->reason.rule = rule;
    why->reason.since_ms = since_ms;
    va_list arguments;
    va_start(arguments, format);
    g_string_append_vprintf(why->reason.text, format, arguments);
    va_end(arguments);
}

/* ---- words ---- */
/* "A", "A and B", "A, B and 3 more"; names are borrowed. */
static void append_names(GString *text, const GPtrArray *names) {
    guint shown = MIN(names->len, NAMES_MAX);
    for (guint i = 0; i < shown; i++) {
        gboolean last = i + 1 == names->len;
        g_string_append_printf(text, "%s%s", i == 0 ? "" : last ? " and " : ", ", (const char *)g_ptr_array_index(names, i));
    }
    if (names->len > shown)
        g_string_append_printf(text, " and %u more", names->len - shown);
}

static void append_stages(GString *text, const GPtrArray *names) {
    g_string_append(text, names->len == 1 ? "stage " : "stages ");
    append_names(text, names);
}

/* Whole seconds below a minute, rounded up; caller frees. */
static char *left_text(gint64 ms) {
    if (ms <= 0)
        return g_strdup("a moment");
    return ms < 59 * 1000 ? g_strdup_printf("%" G_GINT64_FORMAT " s", (ms + 999) / 1000) : clock_duration_text(ms);
}

static const char *paused_by(const Execution *execution) {
    const char *by = json_get_string(json_root(execution->paused), "pausedBy");
    return by ? by : "somebody";
}

static gint64 paused_since(const Execution *execution) {
    return json_get_int(json_root(execution->paused), "pauseTime", 0);
}

static gboolean is_complete(Status status) {
    return status_info(status)->complete;
}

/* ---- states that are the same for executions, stages and tasks ---- */
static void say_suspended(Why *why) {
    because(why, "suspended", 0, "is suspended until it is resumed");
}

static void say_redirect(Why *why) {
    because(why, "loop", 0, "goes back to an earlier task and runs from there again");
}

static void say_buffered(Why *why) {
    if (why->facts->active)
        because(why, "qos", why->execution->build_ms, "buffered by QoS: %u %s active", why->facts->active,
                why->facts->active == 1 ? "execution is" : "executions are");
    else
        because(why, "qos", why->execution->build_ms, "buffered by QoS until fewer executions are active");
}

static void say_paused(Why *why) {
    gint64 since = paused_since(why->execution);
    g_autoptr(GDateTime) at = since ? g_date_time_new_from_unix_utc(since / 1000) : NULL;
    g_autofree char *text = at ? g_date_time_format(at, " since %Y-%m-%d %H:%M:%S UTC") : g_strdup("");
    because(why, "paused", since, "paused by %s%s", paused_by(why->execution), text);
}

/* ---- executions ---- */
/* Those of the top that still run; caller frees. Names borrowed. */
static GPtrArray *names_of_running(const Execution *execution) {
    GPtrArray *names = g_ptr_array_new();
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution_stage_at(execution, i);
        if (!stage->parent_id && (stage->canceling || (stage->status != STATUS_NOT_STARTED && !is_complete(stage->status))))
            g_ptr_array_add(names, stage->name);
    }
    return names;
}

static void execution_waits_for_turn(Why *why) {
    const Execution *execution = why->execution;
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    for (const char *const *id = why->facts->rivals; id && *id; id++)
        g_ptr_array_add(ids, (gpointer)*id);
    const JsonValue *parked = json_root(execution->parked_restart);
    gint64 since = parked ? json_get_int(parked, "time", 0) : execution->build_ms;
    because(why, execution->limit_concurrent ? "limitConcurrent" : "maxConcurrentExecutions", since, "%s",
            parked ? "its restart waits for " : "waits for ");
    GString *text = why->reason.text;
    if (ids->len > 0) {
        g_string_append(text, ids->len == 1 ? "execution " : "one of the executions ");
        append_names(text, ids);
        g_string_append(text, " of the same pipeline");
    } else {
        g_string_append(text, "its turn among the executions of the same pipeline");
    }
    if (execution->limit_concurrent)
        g_string_append(text, ": limitConcurrent");
    else
        g_string_append_printf(text, ": maxConcurrentExecutions %" G_GINT64_FORMAT, execution->max_concurrent);
    if (why->facts->ahead)
        g_string_append_printf(text, "; %u of those that wait came earlier", why->facts->ahead);
}

static void execution_not_started(Why *why) {
    const Execution *execution = why->execution;
    gboolean limited = execution->config_id && (execution->limit_concurrent || execution->max_concurrent > 0);
    if (limited && (why->facts->rivals || why->facts->ahead || execution->parked_restart))
        execution_waits_for_turn(why);
    else
        because(why, "start", execution->build_ms, "is about to start");
}

static void execution_running(Why *why) {
    const Execution *execution = why->execution;
    g_autoptr(GPtrArray) names = names_of_running(execution);
    if (execution->canceled)
        because(why, "cancel", 0, "cancelled by %s: ", execution->canceled_by ? execution->canceled_by : "somebody");
    else
        because(why, "stages", execution->start_ms, "%s", "");
    if (names->len == 0) {
        g_string_append(why->reason.text, execution->canceled ? "is about to end" : "its next step is being made");
        return;
    }
    g_string_append(why->reason.text, "waits for ");
    append_stages(why->reason.text, names);
    if (execution->canceled)
        g_string_append(why->reason.text, " to give up");
}

static void execution_ended(Why *why) {
    const Execution *execution = why->execution;
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution_stage_at(execution, i);
        if (stage->canceling || (stage->status != STATUS_NOT_STARTED && !is_complete(stage->status)))
            g_ptr_array_add(names, stage->name);
    }
    because(why, "cleanup", execution->end_ms, "has ended %s", status_info(execution->status)->name);
    if (names->len == 0)
        return;
    g_string_append(why->reason.text, "; ");
    append_stages(why->reason.text, names);
    g_string_append(why->reason.text, names->len == 1 ? " still gives up or cleans up" : " still give up or clean up");
}

/* It ended at once, as nothing of it could begin: no stage says so. What failed before its start has a reason. */
static gboolean ended_empty(const Execution *execution) {
    return execution->status == STATUS_TERMINAL && execution->stages->len == 0 && !execution->canceled && !execution->cancellation_reason &&
           execution_is_settled(execution);
}

static void say_empty(Why *why) {
    const Execution *execution = why->execution;
    because(why, "empty", execution->end_ms ? execution->end_ms : execution->build_ms, "has no stage that could start");
}

typedef void (*ExecutionRow)(Why *why);
static const ExecutionRow EXECUTION_ROWS[STATUSES] = {
    [STATUS_NOT_STARTED] = execution_not_started, [STATUS_RUNNING] = execution_running, [STATUS_PAUSED] = say_paused,
    [STATUS_SUSPENDED] = say_suspended,           [STATUS_BUFFERED] = say_buffered,     [STATUS_REDIRECT] = say_redirect,
    [STATUS_SUCCEEDED] = execution_ended,         [STATUS_SKIPPED] = execution_ended,   [STATUS_FAILED_CONTINUE] = execution_ended,
    [STATUS_STOPPED] = execution_ended,           [STATUS_TERMINAL] = execution_ended,  [STATUS_CANCELED] = execution_ended,
};

/* ---- tasks ---- */
/* Takes own: with roles, and whether they count. */
static char *judgment_words(const Why *why, const Stage *stage, char *own) {
    if (!why->facts->open || json_length(stage_judgment_roles(stage)) == 0)
        return own;
    g_autofree char *with_roles = own;
    return g_strconcat(with_roles, " (anyone may answer: there is no sign-in)", NULL);
}

/* What the waiting is about: its type's words, then what its last run said of itself; caller frees; NULL: neither. */
static char *own_words(const Why *why, const Stage *stage, const StageType *type, const char **rule) {
    const char *child = json_get_string(json_root(stage->context), "executionId");
    const char *progress = json_get_string(json_root(stage->context), "_progress");
    if (type == &stage_execution_window) {
        *rule = "window";
        return window_why(stage, why->facts->settings, why->facts->now_ms);
    }
    char *own = type && type->why_waiting ? type->why_waiting(why->execution, stage, why->facts->now_ms) : NULL;
    if (own && strcmp(stage->type, JUDGMENT_TYPE) == 0) {
        *rule = "judgement";
        return judgment_words(why, stage, own);
    }
    if (own) {
        *rule = stage->type;
        return own;
    }
    if (child && strcmp(stage->type, "pipeline") == 0) {
        *rule = "child";
        return g_strdup_printf("waits for child execution %s", child);
    }
    return progress ? g_strdup(progress) : NULL;
}

/* "retries in 30 s after: …", "next poll of the bake in 12 s, attempt 4", "a worker is at it, attempt 2". */
static char *run_words(const Why *why, const Stage *stage, const StageType *type, const char *what, const char **rule) {
    WhyRun run;
    if (!why->facts->run || !why->facts->run(stage, &run, why->facts->data))
        return NULL;
    g_autofree char *label = type && type->label ? g_ascii_strdown(type->label, -1) : g_strdup(stage->type);
    g_autofree char *left = left_text(run.at_ms - why->facts->now_ms);
    if (run.busy && !run.problem)
        return g_strdup_printf("a worker is at it, attempt %u", run.runs + 1);
    if (run.busy)
        return g_strdup_printf("a worker is at it, attempt %u, after: %s", run.runs + 1, run.problem);
    if (run.problem) {
        *rule = "retry";
        return g_strdup_printf("retries in %s after: %s", left, run.problem);
    }
    return g_strdup_printf("next %s of the %s in %s, attempt %u", what, label, left, run.runs + 1);
}

static void say_cancel(Why *why) {
    const Execution *execution = why->execution;
    if (execution->canceled)
        because(why, "cancel", 0, "cancelled by %s: is told to give up", execution->canceled_by ? execution->canceled_by : "somebody");
    else
        because(why, "cancel", execution->end_ms, "is told to give up: the execution has ended %s", status_info(execution->status)->name);
}

static void task_running(Why *why, const Stage *stage, const TaskState *task) {
    const StageType *type = stage_type_of(why->facts->settings, stage);
    const TaskDefinition *definition = type ? task_definition_of(type, why->execution, stage, task) : NULL;
    const char *rule = "poll";
    if (why->execution->canceled || is_complete(why->execution->status)) {
        say_cancel(why);
        return;
    }
    g_autofree char *own = own_words(why, stage, type, &rule);
    g_autofree char *run = run_words(why, stage, type, "poll", &rule);
    gboolean retries = run && strcmp(rule, "retry") == 0;
    if (retries && own && g_str_has_prefix(own, RETRY_WORDS))
        g_clear_pointer(&own, g_free);                                      /* the run says the same, and when */
    gboolean only_own = own && definition && definition->no_io && !retries; /* looking again changes nothing for it */
    if (own && run && !only_own)
        because(why, rule, task->start_ms, "%s; %s", own, run);
    else if (own || run)
        because(why, rule, task->start_ms, "%s", own ? own : run);
    else
        because(why, "step", task->start_ms, "task %s is being run", task->name);
}

static void task_not_started(Why *why, const Stage *stage, const TaskState *task) {
    for (guint i = 0; i < stage->tasks->len; i++) {
        const TaskState *before = g_ptr_array_index(stage->tasks, i);
        if (before == task)
            break;
        if (is_complete(before->status))
            continue;
        because(why, "tasks", stage->start_ms, "waits for task %s", before->name);
        return;
    }
    if (stage->status == STATUS_RUNNING)
        because(why, "step", stage->start_ms, "is next in stage %s, after the stages before it", stage->name);
    else
        because(why, "stages", stage->start_ms, "waits for stage %s (%s)", stage->name, status_info(stage->status)->name);
}

static void task_paused(Why *why, const Stage *stage, const TaskState *task) {
    (void)stage, (void)task;
    say_paused(why);
}
static void task_suspended(Why *why, const Stage *stage, const TaskState *task) {
    (void)stage, (void)task;
    say_suspended(why);
}
static void task_buffered(Why *why, const Stage *stage, const TaskState *task) {
    (void)stage, (void)task;
    say_buffered(why);
}
static void task_redirect(Why *why, const Stage *stage, const TaskState *task) {
    (void)stage, (void)task;
    say_redirect(why);
}

/* NULL: it is done. */
typedef void (*TaskRow)(Why *why, const Stage *stage, const TaskState *task);
static const TaskRow TASK_ROWS[STATUSES] = {
    [STATUS_NOT_STARTED] = task_not_started, [STATUS_RUNNING] = task_running,   [STATUS_PAUSED] = task_paused,
    [STATUS_SUSPENDED] = task_suspended,     [STATUS_BUFFERED] = task_buffered, [STATUS_REDIRECT] = task_redirect,
};

/* ---- stages ---- */
static gint64 upstream_end(const Why *why, const Stage *stage) {
    StagePlaces up = stage_upstream(why->execution, stage);
    gint64 since = why->execution->start_ms;
    for (guint i = 0; i < up.n; i++)
        since = MAX(since, execution_stage_at(why->execution, up.at[i])->end_ms);
    return since;
}

/* The stage will never start. */
static gboolean stage_is_cut_off(Why *why, const Stage *stage) {
    const Execution *execution = why->execution;
    if (is_complete(execution->status)) {
        because(why, "over", execution->end_ms, "will not start: the execution has ended %s", status_info(execution->status)->name);
        return TRUE;
    }
    if (execution->canceled) {
        because(why, "cancel", 0, "will not start: the execution was cancelled by %s",
                execution->canceled_by ? execution->canceled_by : "somebody");
        return TRUE;
    }
    if (stage_upstream_complete(execution, stage) || !stage_upstream_failed(execution, stage))
        return FALSE;
    StagePlaces up = stage_upstream(execution, stage);
    const Stage *culprit = NULL;
    for (guint i = 0; i < up.n && !culprit; i++) {
        const Stage *before = execution_stage_at(execution, up.at[i]);
        culprit = status_info(before->status)->halt ? before : NULL;
    }
    if (culprit)
        because(why, "upstream", culprit->end_ms, "will not start: stage %s before it ended %s", culprit->name,
                status_info(culprit->status)->name);
    else
        because(why, "upstream", 0, "will not start: a stage before it did not succeed");
    return TRUE;
}

static gboolean stage_waits_for_upstream(Why *why, const Stage *stage) {
    StagePlaces up = stage_upstream(why->execution, stage);
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; i < up.n; i++) {
        const Stage *before = execution_stage_at(why->execution, up.at[i]);
        if (!is_complete(before->status))
            g_ptr_array_add(names, before->name);
    }
    if (names->len == 0)
        return FALSE;
    because(why, "upstream", upstream_end(why, stage), "waits for ");
    append_stages(why->reason.text, names);
    return TRUE;
}

static void stage_not_started(Why *why, const Stage *stage) {
    const Execution *execution = why->execution;
    const Stage *parent = stage_parent(execution, stage);
    if (stage_is_cut_off(why, stage) || stage_waits_for_upstream(why, stage))
        return;
    if (execution->status == STATUS_NOT_STARTED || execution->status == STATUS_BUFFERED)
        because(why, "start", execution->build_ms, "waits for its execution to start");
    else if (execution->status == STATUS_PAUSED)
        because(why, "paused", paused_since(execution), "begins when the execution is resumed: paused by %s", paused_by(execution));
    else if (parent && is_complete(parent->status))
        because(why, "over", parent->end_ms, "will not start: stage %s around it has ended %s", parent->name,
                status_info(parent->status)->name);
    else if (parent && stage->owner == OWNER_AFTER)
        because(why, "tasks", parent->start_ms, "waits for the tasks of stage %s", parent->name);
    else if (parent)
        because(why, "stages", parent->start_ms, "waits for stage %s around it to begin", parent->name);
    else
        because(why, "step", upstream_end(why, stage), "is about to start");
}

static gboolean add_unfinished(const Stage *child, gpointer data) {
    if (!is_complete(child->status))
        g_ptr_array_add(data, child->name);
    return FALSE;
}

static void stage_preparing(Why *why, const Stage *stage) {
    const char *rule = "prepare";
    g_autofree char *run = run_words(why, stage, stage_type_of(why->facts->settings, stage), "look-up", &rule);
    because(why, rule, stage->start_ms, "what it needs is being looked up before it is planned%s%s", run ? "; " : "", run ? run : "");
}

static void stage_running(Why *why, const Stage *stage) {
    if (stage->preparing) {
        stage_preparing(why, stage);
        return;
    }
    for (guint i = 0; i < stage->tasks->len; i++) {
        const TaskState *task = g_ptr_array_index(stage->tasks, i);
        TaskRow row = TASK_ROWS[task->status];
        if (!row || task->status == STATUS_NOT_STARTED)
            continue;
        row(why, stage, task);
        return;
    }
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    stage_walk_children(why->execution, stage, add_unfinished, names);
    if (names->len == 0) {
        because(why, "step", stage->start_ms, "its next step is being made");
        return;
    }
    because(why, "stages", stage->start_ms, "waits for ");
    append_stages(why->reason.text, names);
    g_string_append(why->reason.text, " inside it");
}

static void stage_ended(Why *why, const Stage *stage) {
    const char *rule = "cleanup";
    g_autofree char *run = run_words(why, stage, stage_type_of(why->facts->settings, stage), "try", &rule);
    because(why, rule, stage->end_ms, "its cancel routine cleans up%s%s", run ? "; " : "", run ? run : "");
}

static void stage_paused(Why *why, const Stage *stage) {
    (void)stage;
    say_paused(why);
}
static void stage_suspended(Why *why, const Stage *stage) {
    (void)stage;
    say_suspended(why);
}
static void stage_buffered(Why *why, const Stage *stage) {
    (void)stage;
    say_buffered(why);
}
static void stage_redirect(Why *why, const Stage *stage) {
    (void)stage;
    say_redirect(why);
}

typedef void (*StageRow)(Why *why, const Stage *stage);
static const StageRow STAGE_ROWS[STATUSES] = {
    [STATUS_NOT_STARTED] = stage_not_started, [STATUS_RUNNING] = stage_running,   [STATUS_PAUSED] = stage_paused,
    [STATUS_SUSPENDED] = stage_suspended,     [STATUS_BUFFERED] = stage_buffered, [STATUS_REDIRECT] = stage_redirect,
    [STATUS_SUCCEEDED] = stage_ended,         [STATUS_SKIPPED] = stage_ended,     [STATUS_FAILED_CONTINUE] = stage_ended,
    [STATUS_STOPPED] = stage_ended,           [STATUS_TERMINAL] = stage_ended,    [STATUS_CANCELED] = stage_ended,
};

/* ---- all of it ---- */
static void write_reason(JsonBuilder *builder, const Reason *reason) {
    if (reason->since_ms)
        json_add_int(builder, "since", reason->since_ms);
    json_add_string(builder, "rule", reason->rule);
    json_add_string(builder, "reason", reason->text->str);
}

static void add(Why *why, JsonBuilder *builder, const Stage *stage, const TaskState *task) {
    json_begin_object(builder, NULL);
    json_add_string(builder, "stageId", stage ? stage->id : NULL);
    json_add_string(builder, "taskId", task ? task->id : NULL);
    write_reason(builder, &why->reason);
    json_end_object(builder);
    g_string_truncate(why->reason.text, 0);
}

static void explain_stage(Why *why, JsonBuilder *builder, const Stage *stage) {
    if (is_complete(stage->status) && !stage->canceling)
        return;
    STAGE_ROWS[stage->status](why, stage);
    add(why, builder, stage, NULL);
    for (guint i = 0; !is_complete(stage->status) && i < stage->tasks->len; i++) {
        const TaskState *task = g_ptr_array_index(stage->tasks, i);
        if (!TASK_ROWS[task->status])
            continue;
        TASK_ROWS[task->status](why, stage, task);
        add(why, builder, stage, task);
    }
}

Json *why_explain(const Execution *execution, const WhyFacts *facts) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(GString) text = g_string_new(NULL);
    Why why = {execution, facts, {.text = text}};
    json_begin_array(builder, NULL);
    if (ended_empty(execution)) {
        say_empty(&why);
        add(&why, builder, NULL, NULL);
    } else if (!execution_is_settled(execution)) {
        EXECUTION_ROWS[execution->status](&why);
        add(&why, builder, NULL, NULL);
        for (guint i = 0; i < execution->stages->len; i++)
            explain_stage(&why, builder, execution_stage_at(execution, i));
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

Json *why_explain_one(const Execution *execution, const Stage *stage, const WhyFacts *facts) {
    gboolean empty = !stage && ended_empty(execution);
    if (stage ? is_complete(stage->status) && !stage->canceling : execution_is_settled(execution) && !empty)
        return NULL;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(GString) text = g_string_new(NULL);
    Why why = {execution, facts, {.text = text}};
    if (stage)
        STAGE_ROWS[stage->status](&why, stage);
    else if (empty)
        say_empty(&why);
    else
        EXECUTION_ROWS[execution->status](&why);
    json_begin_object(builder, NULL);
    write_reason(builder, &why.reason);
    json_end_object(builder);
    return json_builder_end(builder);
}
