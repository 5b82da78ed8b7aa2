/* Timeouts and back-off. Pure. Timeouts are only noticed when a task runs: a task that waits longer than its time fails when
 * it wakes up. */
#include "base/clock.h"
#include "engine/step.h"
#include "engine/window.h"
#include <string.h>

#define BACKOFF_DEFAULT_MS 1000

/* A pause counts only if it began after the time that is measured. */
static gint64 paused_ms(const Execution *execution, gint64 since_ms) {
    const JsonValue *paused = json_root(execution->paused);
    gint64 from = json_get_int(paused, "pauseTime", 0), to = json_get_int(paused, "resumeTime", 0);
    return from > since_ms && to > from ? to - from : 0;
}

typedef struct {
    const Stage *window;
} WindowSearch;

static gboolean find_window(const Stage *child, gpointer data) {
    WindowSearch *search = data;
    if (child->owner != OWNER_BEFORE || strcmp(child->type, stage_execution_window.type) != 0)
        return FALSE;
    search->window = child;
    return TRUE;
}

static gint64 window_ms(const Execution *execution, const Stage *stage) {
    WindowSearch search = {NULL};
    stage_walk_children(execution, stage, find_window, &search);
    return search.window && search.window->start_ms && search.window->end_ms ? search.window->end_ms - search.window->start_ms : 0;
}

static char *stage_timed_out(const Execution *execution, const Stage *stage, gint64 now_ms) {
    for (const Stage *each = stage; each; each = stage_parent(execution, each)) {
        const JsonValue *limit = json_get(json_root(each->context), "stageTimeoutMs");
        if (!json_is_number(limit))
            continue;
        gint64 elapsed = now_ms - each->start_ms - paused_ms(execution, each->start_ms) - window_ms(execution, each);
        if (!each->start_ms || elapsed <= json_int(limit, G_MAXINT64))
            return NULL;
        g_autofree char *after = clock_duration_text(elapsed);
        return g_strdup_printf("Stage %s timed out after %s", each->name, after);
    }
    return NULL;
}

char *task_timed_out(const EngineSettings *settings, const Execution *execution, const Stage *stage, const TaskState *task,
                     const StageType *type, const TaskDefinition *definition, gint64 now_ms) {
    if (type->no_timeout)
        return NULL;
    char *text = stage_timed_out(execution, stage, now_ms);
    if (text || !definition->timeout_ms)
        return text;
    gint64 limit = definition->timeout_key ? config_get_int(settings->config, SERVICE_ORCA, definition->timeout_key, definition->timeout_ms)
                                           : definition->timeout_ms;
    if (definition->overridable_timeout) {
        const JsonValue *own = stage_get(execution, stage, "stageTimeoutMs");
        limit = json_is_number(own) ? json_int(own, limit) : limit;
    }
    gint64 paused = paused_ms(execution, task->start_ms), elapsed = now_ms - task->start_ms - paused;
    if (elapsed <= limit)
        return NULL;
    g_autofree char *after = clock_duration_text(elapsed);
    g_autofree char *pause = clock_duration_text(paused);
    g_autofree char *value = clock_duration_text(limit);
    return g_strdup_printf("%s of stage %s timed out after %s. pausedDuration: %s, elapsedTime: %s, timeoutValue: %s", task->name,
                           stage->name, after, pause, after, value);
}

/* tasks.<cloud provider>[.<account>].backOffPeriod */
static gint64 configured_backoff(const EngineSettings *settings, const Execution *execution, const Stage *stage) {
    gint64 backoff = settings->global_backoff_ms;
    const char *provider = json_string(stage_get(execution, stage, "cloudProvider"));
    if (!provider)
        return backoff;
    g_autofree char *of_provider = g_strdup_printf("tasks.%s.backOffPeriod", provider);
    backoff = MAX(backoff, config_get_int(settings->config, SERVICE_ORCA, of_provider, 0));
    const char *account = json_string(stage_get(execution, stage, "credentials"));
    if (!account)
        account = json_string(stage_get(execution, stage, "account"));
    if (!account)
        return backoff;
    g_autofree char *of_account = g_strdup_printf("tasks.%s.%s.backOffPeriod", provider, account);
    return MAX(backoff, config_get_int(settings->config, SERVICE_ORCA, of_account, 0));
}

gint64 task_backoff_ms(const EngineSettings *settings, const Execution *execution, const Stage *stage, const TaskState *task,
                       const TaskDefinition *definition, gint64 now_ms) {
    gboolean retryable = definition->timeout_ms || definition->backoff_ms || definition->poll_after;
    if (!retryable)
        return BACKOFF_DEFAULT_MS;
    gint64 backoff = definition->backoff_ms ? definition->backoff_ms : BACKOFF_DEFAULT_MS;
    if (definition->poll_after)
        backoff = definition->poll_after(execution, stage, task, now_ms);
    const JsonValue *own = json_get(json_root(stage->context), "backoffPeriodMs");
    if (json_is_number(own))
        backoff = MAX(backoff, json_int(own, 0));
    return MAX(MAX(backoff, configured_backoff(settings, execution, stage)), 0);
}
