/* Execution windows: the calculation, and the stage type that waits. Pure but for the task's place in a worker.
 *
 * Both ends of a window count, by the minute: 13:00-14:00 ends with 14:00:59. One whose first hour is greater than its last
 * is cut at midnight, and the second piece belongs to the day it lies in. Days: 1 is Sunday. */
#include "engine/window.h"
#include "base/clock.h"
#include "engine/graph.h"
#include <string.h>

#define WINDOW_POLL_MS 60000 /* a net; the task is due again when the window opens, or woken by a patch */
#define MINUTES_OF_DAY (24 * 60)
#define DAYS_AHEAD 8
#define DAY_NAMES_MS (6 * 24 * 3600 * G_GINT64_CONSTANT(1000)) /* nearer openings are named by the day of the week */

typedef struct {
    int from, to; /* minutes of the day, inclusive */
} WindowPiece;

static void add_piece(GArray *pieces, int from, int to) {
    WindowPiece piece = {from, to};
    g_array_append_val(pieces, piece);
}

static GArray *read_pieces(const JsonValue *window) {
    GArray *pieces = g_array_new(FALSE, FALSE, sizeof(WindowPiece));
    JsonIter iter = json_iter(json_get(window, "whitelist"));
    while (json_next(&iter)) {
        int start_hour = (int)json_get_int(iter.value, "startHour", 0), end_hour = (int)json_get_int(iter.value, "endHour", 0);
        int start = start_hour * 60 + (int)json_get_int(iter.value, "startMin", 0);
        int end = end_hour * 60 + (int)json_get_int(iter.value, "endMin", 0);
        if (start_hour > end_hour) {
            add_piece(pieces, start, MINUTES_OF_DAY - 1);
            add_piece(pieces, 0, end);
        } else {
            add_piece(pieces, start, end);
        }
    }
    if (pieces->len == 0 && json_length(json_get(window, "days")) > 0)
        add_piece(pieces, 0, MINUTES_OF_DAY - 1);
    return pieces;
}

static gboolean day_allowed(const JsonValue *days, GDateTime *at) {
    int today = g_date_time_get_day_of_week(at) % 7 + 1; /* GLib: Monday is 1, Sunday 7 */
    if (json_length(days) == 0)
        return TRUE;
    JsonIter iter = json_iter(days);
    while (json_next(&iter))
        if (json_int(iter.value, 0) == today)
            return TRUE;
    return FALSE;
}

static gint64 next_opening(const JsonValue *days, const GArray *pieces, GTimeZone *zone, GDateTime *now, gint64 now_ms) {
    gint64 first = 0;
    for (int ahead = 0; ahead < DAYS_AHEAD && !first; ahead++) {
        g_autoptr(GDateTime) day = g_date_time_add_days(now, ahead);
        for (guint i = 0; day_allowed(days, day) && i < pieces->len; i++) {
            const WindowPiece *piece = &g_array_index(pieces, WindowPiece, i);
            if (piece->from > piece->to || piece->from >= MINUTES_OF_DAY)
                continue; /* never matches */
            g_autoptr(GDateTime) start = g_date_time_new(zone, g_date_time_get_year(day), g_date_time_get_month(day),
                                                         g_date_time_get_day_of_month(day), piece->from / 60, piece->from % 60, 0);
            gint64 start_ms = start ? g_date_time_to_unix(start) * 1000 : 0;
            if (start_ms > now_ms && (!first || start_ms < first))
                first = start_ms;
        }
    }
    return first;
}

gboolean window_check(const JsonValue *window, GTimeZone *zone, gint64 now_ms, gboolean *open, gint64 *opens_ms, GError **error) {
    g_autoptr(GArray) pieces = read_pieces(window);
    if (pieces->len == 0) {
        error_set(error, ERR_INVALID, "Incorrect time windows specified");
        return FALSE;
    }
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(now_ms / 1000);
    g_autoptr(GDateTime) now = g_date_time_to_timezone(utc, zone);
    const JsonValue *days = json_get(window, "days");
    int minute = g_date_time_get_hour(now) * 60 + g_date_time_get_minute(now);
    *open = FALSE;
    *opens_ms = 0;
    for (guint i = 0; day_allowed(days, now) && i < pieces->len; i++) {
        const WindowPiece *piece = &g_array_index(pieces, WindowPiece, i);
        *open = *open || (minute >= piece->from && minute <= piece->to);
    }
    if (!*open)
        *opens_ms = next_opening(days, pieces, zone, now, now_ms);
    return TRUE;
}

/* ---- the stage ---- */
static gboolean asks_to_go_on(const JsonValue *context) {
    const JsonValue *skip = json_get(context, "skipRemainingWait");
    const char *text = json_string(skip);
    return json_is_true(skip) || (text && strcmp(text, "true") == 0);
}

static gboolean wants_jitter(const Execution *execution, const Stage *stage) {
    const JsonValue *jitter = json_dig(json_root(stage->context), WINDOW_SETTINGS_KEY, "jitter", NULL);
    if (!json_is_true(json_get(jitter, "enabled")) || json_get_int(jitter, "maxDelay", 0) <= 0)
        return FALSE;
    const char *trigger = json_get_string(json_root(execution->trigger), "type");
    return !(json_is_true(json_get(jitter, "skipManual")) && trigger && strcmp(trigger, "manual") == 0);
}

static Status fail(TaskContext *context, const char *reason) {
    g_autofree char *text = g_strconcat("Exception occurred while calculating time window: ", reason, NULL);
    task_set_context_string(context, "failureReason", text);
    return STATUS_TERMINAL;
}

static Status window_run(TaskContext *context, GError **error) {
    (void)error;
    const JsonValue *own = json_root(context->stage->context), *window = json_get(own, WINDOW_SETTINGS_KEY);
    if (!context->settings->window_time_zone) {
        g_autofree char *reason = g_strdup_printf("time zone \"%s\" (tasks.execution-window.timezone) is unknown on this machine",
                                                  context->settings->window_zone);
        return fail(context, reason);
    }
    if (!json_is_object(window))
        return fail(context, WINDOW_SETTINGS_KEY " is missing");
    gboolean open = FALSE;
    gint64 opens_ms = 0;
    g_autoptr(GError) wrong = NULL;
    if (!asks_to_go_on(own) && !window_check(window, context->settings->window_time_zone, context->now_ms, &open, &opens_ms, &wrong))
        return fail(context, wrong->message);
    if (!open && !asks_to_go_on(own)) {
        gint64 net = context->now_ms + WINDOW_POLL_MS;
        context->result->scheduled_ms = opens_ms;
        return task_again_at(context, opens_ms ? MIN(opens_ms, net) : net);
    }
    const JsonValue *jitter = json_get(window, "jitter");
    gint64 least = json_get_int(jitter, "minDelay", 0), most = json_get_int(jitter, "maxDelay", 0);
    if (wants_jitter(context->execution, context->stage) && !json_get(own, "waitTime")) {
        g_autoptr(Json) wait = json_from_int(most > least ? least + (gint64)(context->random % (guint64)(most - least + 1)) : least);
        task_set_context_json(context, "waitTime", wait);
    }
    return STATUS_SUCCEEDED;
}

static gint64 jitter_left(const Execution *execution, const Stage *stage, const TaskState *task, gint64 now_ms) {
    (void)execution;
    (void)task;
    gint64 wait_ms = json_get_int(json_root(stage->context), "waitTime", 0) * 1000;
    return MAX(stage->start_ms + wait_ms - now_ms, 0) + 1;
}

static Status jitter_run(TaskContext *context, GError **error) {
    (void)error;
    if (asks_to_go_on(json_root(context->stage->context)))
        return STATUS_SUCCEEDED;
    return jitter_left(context->execution, context->stage, context->task, context->now_ms) > 1 ? STATUS_RUNNING : STATUS_SUCCEEDED;
}

static const TaskDefinition window_tasks[] = {
    {.name = "suspendExecutionDuringTimeWindow", .run = window_run, .no_io = TRUE, .backoff_ms = WINDOW_POLL_MS},
    {.name = "waitForJitter", .run = jitter_run, .no_io = TRUE, .poll_after = jitter_left},
    {.name = NULL},
};

static void choose_tasks(const Execution *execution, const Stage *stage, GPtrArray *tasks, GError **error) {
    (void)error;
    g_ptr_array_add(tasks, (gpointer)&window_tasks[0]);
    if (wants_jitter(execution, stage))
        g_ptr_array_add(tasks, (gpointer)&window_tasks[1]);
}

char *window_why(const Stage *stage, const EngineSettings *settings, gint64 now_ms) {
    const JsonValue *own = json_root(stage->context), *window = json_get(own, WINDOW_SETTINGS_KEY);
    const JsonValue *jitter = json_get(own, "waitTime");
    gboolean open = FALSE;
    gint64 opens_ms = 0;
    if (!settings->window_time_zone || !window_check(window, settings->window_time_zone, now_ms, &open, &opens_ms, NULL))
        return g_strdup("its execution window is looked at");
    if (open) {
        g_autofree char *left = clock_duration_text(MAX(stage->start_ms + json_int(jitter, 0) * 1000 - now_ms, 0));
        return jitter ? g_strdup_printf("window is open; waits for %s of jitter", left) : g_strdup("window is open; goes on at once");
    }
    if (!opens_ms)
        return g_strdup_printf("window never opens (%s)", settings->window_zone);
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(opens_ms / 1000);
    g_autoptr(GDateTime) at = g_date_time_to_timezone(utc, settings->window_time_zone);
    g_autofree char *text = g_date_time_format(at, opens_ms - now_ms < DAY_NAMES_MS ? "%a %H:%M" : "%Y-%m-%d %H:%M");
    return g_strdup_printf("window opens %s %s", text, settings->window_zone);
}

const StageType stage_execution_window = {
    .type = WINDOW_KEY,
    .label = "Execution window",
    .help = "Waits until the execution window of its parent stage is open.",
    .tasks = window_tasks,
    .build_tasks = choose_tasks,
    .no_timeout = TRUE,
};
