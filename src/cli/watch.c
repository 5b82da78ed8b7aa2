/* Following an execution: the stream says when to look, the execution itself says what there is to see. */
#include "cli/watch.h"
#include "base/clock.h"
#include "cli/output.h"
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LOOK_MS 10000        /* a net only: changes come by the stream */
#define REDRAW_MS 1000       /* times go on in a terminal */
#define AWAY_MOST_MS 120000  /* how long a server may be away */
#define NAME_COLUMNS 40      /* for names of stages, in a terminal */
#define LOG_LINES 6          /* of a bake, in a terminal */
#define LOG_KEPT (64 * 1024) /* bytes of it */

typedef struct {
    char *stage_id, *url_region, *bake_id;
    gsize read;    /* bytes */
    GString *tail; /* in a terminal: the last of it; in a pipe: the line that is not whole yet */
} BakeLog;

typedef struct {
    const Invocation *call;
    Client *client;
    const char *id;
    gboolean terminal;
    gboolean quiet; /* --output json or yaml: only how it ended is printed */
    Json *execution;
    GHashTable *said;  /* stage id → what was printed of it last (pipe) */
    GHashTable *logs;  /* stage id → BakeLog */
    guint drawn;       /* lines (terminal) */
    gint64 away_since; /* 0: the server answers */
} Watch;

static void log_free(gpointer data) {
    BakeLog *log = data;
    g_free(log->stage_id);
    g_free(log->url_region);
    g_free(log->bake_id);
    g_string_free(log->tail, TRUE);
    g_free(log);
}

/* ---- looking ---- */
gboolean execution_is_done(const JsonValue *execution) {
    static const char *const DONE[] = {"SUCCEEDED", "TERMINAL", "CANCELED", "STOPPED", "SKIPPED", "FAILED_CONTINUE", NULL};
    const char *status = json_get_string(execution, "status");
    return status != NULL && g_strv_contains(DONE, status);
}

static const JsonValue *why_of(const JsonValue *why, const char *stage_id) {
    for (JsonIter i = json_iter(why); json_next(&i);)
        if (json_get(i.value, "taskId") == NULL && g_strcmp0(json_get_string(i.value, "stageId"), stage_id) == 0)
            return i.value;
    return NULL;
}

Json *execution_with_why(const JsonValue *execution, const JsonValue *why) {
    g_autoptr(JsonBuilder) stages = json_builder_new();
    json_begin_array(stages, NULL);
    for (JsonIter i = json_iter(json_get(execution, "stages")); json_next(&i);) {
        const JsonValue *reason = why_of(why, json_get_string(i.value, "id"));
        g_autoptr(Json) told = reason != NULL ? json_with(i.value, "why", reason) : NULL;
        json_add_value(stages, NULL, told != NULL ? json_root(told) : i.value);
    }
    json_end_array(stages);
    g_autoptr(Json) list = json_builder_end(stages);
    g_autoptr(Json) all = json_with(execution, "stages", json_root(list));
    const JsonValue *own = why_of(why, NULL);
    return own != NULL ? json_with(json_root(all), "why", own) : json_ref(all);
}

/* What the pictures show is told with its reasons; what is printed as JSON stays as it is. */
static void tell_why(Watch *watch) {
    if (watch->quiet || execution_is_done(json_root(watch->execution)))
        return;
    g_autoptr(Json) why = client_get(watch->client, NULL, "/pipelines/{}/why", watch->id, NULL);
    Json *told = why != NULL ? execution_with_why(json_root(watch->execution), json_root(why)) : NULL;
    if (told == NULL)
        return;
    json_unref(watch->execution);
    watch->execution = told;
}

/* A server that restarts is waited for; anything else ends the watch. */
static gboolean look(Watch *watch, GError **error) {
    g_autoptr(GError) wrong = NULL;
    Json *now = client_get(watch->client, &wrong, "/pipelines/{}", watch->id, NULL);
    if (now != NULL) {
        json_unref(watch->execution);
        watch->execution = now;
        tell_why(watch);
        watch->away_since = 0;
        return TRUE;
    }
    gboolean away = watch->execution != NULL && (error_code(wrong) == ERR_UNAVAILABLE || error_code(wrong) == ERR_TIMEOUT);
    if (away && watch->away_since == 0) {
        watch->away_since = clock_elapsed_ms();
        if (!watch->terminal)
            fprintf(stderr, "waiting for the server: %s\n", wrong->message);
    }
    if (away && clock_elapsed_ms() - watch->away_since < AWAY_MOST_MS)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&wrong));
    return FALSE;
}

/* ---- bake logs ---- */
/* The id of the bake that a stage waits for or has had, and its region. */
static gboolean bake_of(const JsonValue *stage, const char **region, const char **id) {
    const JsonValue *context = json_get(stage, "context");
    *id = json_get_string(json_get(context, "status"), "id");
    *region = json_get_string(context, "region");
    return g_strcmp0(json_get_string(stage, "type"), "bake") == 0 && *id != NULL;
}

static BakeLog *log_for(Watch *watch, const char *stage_id, const char *region, const char *bake_id) {
    BakeLog *log = g_hash_table_lookup(watch->logs, stage_id);
    if (log != NULL && strcmp(log->bake_id, bake_id) == 0)
        return log;
    log = g_new0(BakeLog, 1);
    *log = (BakeLog){g_strdup(stage_id), g_strdup(region != NULL ? region : "all"), g_strdup(bake_id), 0, g_string_new(NULL)};
    g_hash_table_replace(watch->logs, log->stage_id, log);
    return log;
}

/* Prints whole lines; what is left of the last one waits for its end. */
static void print_lines(BakeLog *log, const char *name, gboolean last) {
    for (const char *end; (end = strchr(log->tail->str, '\n')) != NULL || (last && log->tail->len > 0);) {
        gsize length = end != NULL ? (gsize)(end - log->tail->str) : log->tail->len;
        g_autofree char *line = g_strndup(log->tail->str, length);
        g_autofree char *clean = output_clean(g_strchomp(line));
        printf("%s | %s\n", name, clean);
        g_string_erase(log->tail, 0, (gssize)(end != NULL ? length + 1 : length));
    }
}

static void read_log(Watch *watch, const JsonValue *stage) {
    const char *region = NULL, *bake = NULL, *id = json_get_string(stage, "id");
    if (!bake_of(stage, &region, &bake) || id == NULL)
        return;
    BakeLog *log = log_for(watch, id, region, bake);
    g_autofree char *from = g_strdup_printf("%" G_GSIZE_FORMAT, log->read);
    g_autofree char *text = client_text(watch->client, NULL, "/bakery/logs/{}/{}?plain=true&from={}", log->url_region, log->bake_id, from,
                                        NULL);
    if (text == NULL)
        return;
    log->read += strlen(text);
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_string_append(log->tail, valid);
    const char *status = json_get_string(stage, "status");
    if (!watch->terminal)
        print_lines(log, json_get_string(stage, "name"), g_strcmp0(status, "RUNNING") != 0);
    else if (log->tail->len > LOG_KEPT)
        g_string_erase(log->tail, 0, (gssize)(log->tail->len - LOG_KEPT));
}

/* Logs of bakes that run, and once more of those that have ended since they were read last. */
static gboolean read_logs(Watch *watch) {
    gboolean running = FALSE;
    for (JsonIter i = json_iter(json_get(json_root(watch->execution), "stages")); json_next(&i);) {
        const char *id = json_get_string(i.value, "id"), *region = NULL, *bake = NULL;
        if (!bake_of(i.value, &region, &bake))
            continue;
        gboolean runs = g_strcmp0(json_get_string(i.value, "status"), "RUNNING") == 0;
        if (runs || g_hash_table_contains(watch->logs, id))
            read_log(watch, i.value);
        running |= runs;
        if (!runs && !watch->terminal)
            g_hash_table_remove(watch->logs, id);
    }
    return running;
}

/* ---- texts of a stage ---- */
static const JsonValue *stage_by_id(const JsonValue *execution, const char *id) {
    for (JsonIter i = json_iter(json_get(execution, "stages")); id != NULL && json_next(&i);)
        if (g_strcmp0(json_get_string(i.value, "id"), id) == 0)
            return i.value;
    return NULL;
}

static guint depth_of(const JsonValue *execution, const JsonValue *stage) {
    guint depth = 0;
    for (const JsonValue *at = stage; depth < 100 && (at = stage_by_id(execution, json_get_string(at, "parentStageId"))) != NULL;)
        depth++;
    return depth;
}

/* What went wrong, or what it does, or waits for; caller frees; NULL: nothing. */
static char *note_of(const JsonValue *stage) {
    const JsonValue *context = json_get(stage, "context");
    const char *status = json_get_string(stage, "status");
    const char *problem = json_string(json_at(json_dig(context, "exception", "details", "errors", NULL), 0));
    if (problem != NULL)
        return output_clean(problem);
    const JsonValue *reason = json_get(stage, "why");
    const char *instructions = json_get_string(context, "instructions");
    if (g_strcmp0(json_get_string(reason, "rule"), "judgement") == 0 && instructions != NULL && *instructions != '\0') {
        g_autofree char *note = g_strconcat(json_get_string(reason, "reason"), ": ", instructions, NULL);
        return output_clean(note);
    }
    if (reason != NULL && g_strcmp0(status, "RUNNING") != 0)
        return output_clean(json_get_string(reason, "reason"));
    if (g_strcmp0(status, "RUNNING") != 0)
        return NULL;
    const char *progress = json_get_string(context, "_progress"), *why = json_get_string(json_get(stage, "why"), "reason");
    if (why != NULL || progress != NULL)
        return output_clean(why != NULL ? why : progress);
    for (JsonIter i = json_iter(json_get(stage, "tasks")); json_next(&i);)
        if (g_strcmp0(json_get_string(i.value, "status"), "RUNNING") == 0)
            return output_clean(json_get_string(i.value, "name"));
    return NULL;
}

/* ---- in a pipe: a line per change ---- */
/* As note_of, without who is at work on it and when it is looked at next: that is over before the line is read. */
static char *line_note_of(const JsonValue *stage) {
    const char *progress = json_get_string(json_get(stage, "context"), "_progress");
    const char *rule = json_get_string(json_get(stage, "why"), "rule");
    gboolean polls = g_strcmp0(rule, "poll") == 0 || g_strcmp0(rule, "prepare") == 0;
    if (!polls || g_strcmp0(json_get_string(stage, "status"), "RUNNING") != 0)
        return note_of(stage);
    return progress != NULL ? output_clean(progress) : NULL;
}

static void say_stage(Watch *watch, const JsonValue *stage) {
    const char *id = json_get_string(stage, "id"), *status = json_get_string(stage, "status");
    if (id == NULL || g_strcmp0(status, "NOT_STARTED") == 0)
        return;
    g_autofree char *note = line_note_of(stage);
    const JsonValue *reason = json_get(stage, "why");
    /* Sentences count time down: a line is due when the stage says something new of itself, or something went wrong. */
    const char *progress = json_get_string(json_get(stage, "context"), "_progress");
    gboolean retries = g_strcmp0(json_get_string(reason, "rule"), "retry") == 0, runs = g_strcmp0(status, "RUNNING") == 0;
    char *now = runs ? g_strdup_printf("%s %s%s", status, progress != NULL ? progress : "", retries ? " retries" : "")
                     : g_strdup_printf("%s %s", status, note != NULL ? note : "");
    if (g_strcmp0(g_hash_table_lookup(watch->said, id), now) == 0) {
        g_free(now);
        return;
    }
    gboolean first = !g_hash_table_contains(watch->said, id);
    g_hash_table_replace(watch->said, g_strdup(id), now);
    if (runs && !first && note == NULL)
        return; /* one thing is done, and the next one has not said anything yet */
    g_autofree char *name = output_clean(json_get_string(stage, "name") != NULL ? json_get_string(stage, "name") : "");
    gint64 end = json_get_int(stage, "endTime", 0), start = json_get_int(stage, "startTime", 0);
    g_autofree char *took = end > 0 ? execution_make_duration(stage) : NULL;
    g_autofree char *time = output_time(end > 0 ? end : first && start > 0 ? start : clock_now_ms());
    printf("%s  %*s%s  %s%s%s%s%s\n", time, (int)depth_of(json_root(watch->execution), stage) * 2, "", name, status,
           took != NULL ? " " : "", took != NULL ? took : "", note != NULL ? "  " : "", note != NULL ? note : "");
}

static void say_changes(Watch *watch) {
    for (JsonIter i = json_iter(json_get(json_root(watch->execution), "stages")); json_next(&i);)
        say_stage(watch, i.value);
    fflush(stdout);
}

/* ---- in a terminal: the picture ---- */
static void get_size(guint *rows, guint *columns) {
    struct winsize size = {0};
    gboolean known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 2 && size.ws_col > 20;
    *rows = known ? size.ws_row : 24;
    *columns = known ? size.ws_col : 80;
}

static const char *mark_of(const char *status) {
    static const struct {
        const char *status, *mark;
    } MARKS[] = {{"SUCCEEDED", "\033[32m✓\033[0m"}, {"RUNNING", "\033[36m●\033[0m"}, {"TERMINAL", "\033[31m✗\033[0m"},
                 {"CANCELED", "\033[33m✗\033[0m"},  {"STOPPED", "\033[33m✗\033[0m"}, {"FAILED_CONTINUE", "\033[33m!\033[0m"},
                 {"PAUSED", "\033[33m‖\033[0m"},    {"SKIPPED", "\033[2m»\033[0m"}};
    for (gsize i = 0; i < G_N_ELEMENTS(MARKS); i++)
        if (g_strcmp0(status, MARKS[i].status) == 0)
            return MARKS[i].mark;
    return "·";
}

/* At most so many characters; caller frees. */
static char *cut(const char *text, guint most) {
    return g_utf8_strlen(text, -1) > (glong)most ? g_utf8_substring(text, 0, (glong)most) : g_strdup(text);
}

static void draw_log(const Watch *watch, const JsonValue *stage, guint columns, GPtrArray *lines) {
    const BakeLog *log = g_hash_table_lookup(watch->logs, json_get_string(stage, "id"));
    if (log == NULL || g_strcmp0(json_get_string(stage, "status"), "RUNNING") != 0)
        return;
    g_auto(GStrv) all = g_strsplit(log->tail->str, "\n", -1);
    guint n = g_strv_length(all);
    if (n > 0 && all[n - 1][0] == '\0')
        n--;
    for (guint i = n > LOG_LINES ? n - LOG_LINES : 0; i < n; i++) {
        g_autofree char *clean = output_clean(all[i]);
        g_autofree char *short_line = cut(clean, columns - 9);
        g_ptr_array_add(lines, g_strdup_printf("\033[2m      │ %s\033[0m", short_line));
    }
}

static void draw_stage(const Watch *watch, const JsonValue *stage, guint columns, GPtrArray *lines) {
    const char *status = json_get_string(stage, "status"), *name = json_get_string(stage, "name");
    g_autofree char *took = execution_make_duration(stage);
    g_autofree char *note = note_of(stage);
    g_autofree char *clean = output_clean(name != NULL ? name : "");
    guint depth = depth_of(json_root(watch->execution), stage) * 2;
    glong gap = NAME_COLUMNS - (glong)depth - g_utf8_strlen(clean, -1);
    g_autofree char *text = g_strdup_printf("%*s%s%*s %-12s %10s  %s", (int)depth, "", clean, (int)MAX(gap, 0), "",
                                            status != NULL ? status : "", took, note != NULL ? note : "");
    g_autofree char *line = cut(text, columns - 4);
    g_ptr_array_add(lines, g_strdup_printf("  %s %s", mark_of(status), line));
    draw_log(watch, stage, columns, lines);
}

static GPtrArray *picture(const Watch *watch, guint columns) {
    const JsonValue *execution = json_root(watch->execution);
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *took = execution_make_duration(execution);
    g_autofree char *title = g_strdup_printf("%s · %s  %s  %s%s", json_get_string(execution, "application"),
                                             json_get_string(execution, "name"), json_get_string(execution, "status"), took,
                                             watch->away_since > 0 ? "  (waiting for the server)" : "");
    g_autofree char *clean = output_clean(title);
    g_autofree char *line = cut(clean, columns - 1);
    g_ptr_array_add(lines, g_strdup_printf("\033[1m%s\033[0m", line));
    const JsonValue *own = json_get(execution, "why");
    const char *why = json_get_string(own, "reason");
    gboolean shown = why != NULL && g_strcmp0(json_get_string(own, "rule"), "stages") != 0; /* its stages follow anyway */
    g_autofree char *clean_why = shown ? output_clean(why) : NULL;
    g_autofree char *short_why = clean_why != NULL ? cut(clean_why, columns - 3) : NULL;
    if (short_why != NULL)
        g_ptr_array_add(lines, g_strdup_printf("  %s", short_why));
    for (JsonIter i = json_iter(json_get(execution, "stages")); json_next(&i);)
        draw_stage(watch, i.value, columns, lines);
    return lines;
}

/* Over what was drawn before. What does not fit is cut at the top, where the oldest is; the last picture is shown whole. */
static void draw(Watch *watch, gboolean last) {
    guint rows = 0, columns = 0;
    get_size(&rows, &columns);
    g_autoptr(GPtrArray) lines = picture(watch, columns);
    guint first = !last && lines->len > rows - 1 ? lines->len - (rows - 1) : 0;
    if (watch->drawn > 0)
        printf("\033[%uA", watch->drawn);
    printf("\r\033[J");
    for (guint i = first; i < lines->len; i++)
        printf("%s\n", (const char *)lines->pdata[i]);
    watch->drawn = lines->len - first;
    fflush(stdout);
}

/* ---- to its end ---- */
int watch_exit_code(const char *status) {
    static const struct {
        const char *status;
        int code;
    } CODES[] = {{"SUCCEEDED", 0}, {"SKIPPED", 0}, {"TERMINAL", EXIT_EXECUTION_FAILED}, {"CANCELED", EXIT_EXECUTION_CANCELED}};
    for (gsize i = 0; i < G_N_ELEMENTS(CODES); i++)
        if (g_strcmp0(status, CODES[i].status) == 0)
            return CODES[i].code;
    return EXIT_EXECUTION_STOPPED;
}

static void say_end(const Watch *watch, GError **error) {
    static const Column NONE[] = {{0}};
    const JsonValue *execution = json_root(watch->execution);
    g_autofree char *took = execution_make_duration(execution);
    if (watch->quiet)
        output_one(watch->call, execution, NONE, error);
    else if (!watch->terminal)
        printf("%s %s after %s\n", watch->id, json_get_string(execution, "status"), took);
}

static gboolean follow(Watch *watch, ClientStream *stream, GError **error) {
    gint64 looked = 0;
    gboolean changed = TRUE;
    while (TRUE) {
        if (changed || clock_elapsed_ms() - looked >= LOOK_MS || watch->away_since > 0) {
            if (!look(watch, error))
                return FALSE;
            looked = clock_elapsed_ms();
        }
        gboolean baking = !watch->quiet && read_logs(watch), done = execution_is_done(json_root(watch->execution));
        if (watch->terminal)
            draw(watch, done);
        else if (!watch->quiet)
            say_changes(watch);
        if (done)
            return TRUE;
        changed = client_stream_wait(stream, watch->terminal || baking || watch->away_since > 0 ? REDRAW_MS : LOOK_MS);
    }
}

int watch_execution(const Invocation *call, Client *client, const char *id, GError **error) {
    Watch watch = {.call = call, .client = client, .id = id};
    watch.quiet = !output_is_table(call);
    watch.terminal = !watch.quiet && isatty(STDOUT_FILENO) && g_strcmp0(g_getenv("TERM"), "dumb") != 0;
    if (!look(&watch, error))
        return 1;
    watch.said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    watch.logs = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, log_free);
    ClientStream *stream = client_stream_open(client, id);
    gboolean followed = follow(&watch, stream, error);
    client_stream_close(stream);
    int code = followed ? watch_exit_code(json_get_string(json_root(watch.execution), "status")) : 1;
    if (followed)
        say_end(&watch, error);
    g_hash_table_unref(watch.said);
    g_hash_table_unref(watch.logs);
    json_unref(watch.execution);
    return code;
}
