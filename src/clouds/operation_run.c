/* One run: what it is in memory, in the store, and as served (a kato task, aws.md 4 and api.md 7).
 *
 * A step is stored by its name, so that a newer program with more steps takes up an older run. The run's own thread changes it;
 * readers see it under the lock. */
#include "base/log.h"
#include "clouds/operations.h"

static const char *const STATUS_NAMES[] = {"RUNNING", "SUCCEEDED", "FAILED", "CANCELED"};
#define PHASE_RUNNER "ORCHESTRATION"

const char *run_status_name(RunStatus status) {
    return STATUS_NAMES[status];
}

static void line_clear(gpointer memory) {
    OperationLine *line = memory;
    g_free((char *)line->phase);
    g_free((char *)line->status);
    g_free(line);
}

static OperationLine *line_copy(const OperationLine *line) {
    OperationLine *copy = g_new0(OperationLine, 1);
    *copy = (OperationLine){line->time_ms, g_strdup(line->phase), g_strdup(line->status)};
    return copy;
}

OperationRun *operation_run_new(Clouds *clouds, const char *id) {
    OperationRun *run = g_new0(OperationRun, 1);
    run->clouds = clouds;
    run->id = g_strdup(id);
    run->operations = g_ptr_array_new_with_free_func((GDestroyNotify)operation_free);
    run->cancel = cancel_new();
    run->write_cancel = cancel_new();
    run->lines = g_ptr_array_new_with_free_func(line_clear);
    g_mutex_init(&run->lock);
    return run;
}

void operation_run_free(OperationRun *run) {
    if (!run)
        return;
    char *const texts[] = {run->id, run->execution_id, run->stage_id, run->cloud, run->account, run->user, run->request_text};
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    g_ptr_array_unref(run->operations);
    g_ptr_array_unref(run->lines);
    json_unref(run->error);
    cancel_unref(run->cancel);
    cancel_unref(run->write_cancel);
    g_mutex_clear(&run->lock);
    g_free(run);
}

/* ---- lines ---- */

static void add_line(OperationRun *run, const char *phase, char *text) {
    OperationLine *line = g_new0(OperationLine, 1);
    line->time_ms = clouds_now_ms(run->clouds);
    line->phase = g_strdup(phase ? phase : PHASE_RUNNER);
    line->status = text;
    g_ptr_array_add(run->lines, line);
}

void operation_run_line(OperationRun *run, const char *phase, char *text) {
    g_mutex_lock(&run->lock);
    guint lines = run->lines->len;
    if (lines < OPERATION_LINES_MAX - 1)
        add_line(run, phase, g_steal_pointer(&text));
    else if (lines == OPERATION_LINES_MAX - 1)
        add_line(run, phase, g_strdup_printf("more than %d lines: the rest is left out", OPERATION_LINES_MAX));
    gboolean due = run->version && run->lines_saved < run->lines->len &&
                   ABS(clouds_now_ms(run->clouds) - run->lines_saved_ms) > OPERATION_LINES_BATCH_MS;
    g_mutex_unlock(&run->lock);
    g_free(text);
    g_autoptr(GError) error = NULL;
    if (due && !operation_run_save(run, &error))
        log_warning("clouds", "operation %s: its progress was not written: %s", run->id, error->message);
}

void operation_run_add_saved_line(OperationRun *run, const OperationLine *line) {
    g_ptr_array_add(run->lines, line_copy(line));
    run->lines_saved = run->lines->len;
    run->lines_saved_ms = clouds_now_ms(run->clouds);
}

void operation_run_fail(OperationRun *run, const char *operation, const GError *error) {
    operation_run_line(run, NULL, g_strdup_printf("%s failed: %s", operation, error->message));
    g_mutex_lock(&run->lock);
    run->status = RUN_FAILED;
    run->error = json_pack("{s:s, s:s, s:s}", "operation", operation, "cause", error_outward(error_code(error))->name, "message",
                           error->message);
    g_mutex_unlock(&run->lock);
}

/* ---- the durable state ---- */

static const OperationStep *step_in_hand(const OperationRun *run) {
    if (run->operation >= run->operations->len)
        return NULL;
    const Operation *operation = run->operations->pdata[run->operation];
    return &operation->definition->steps[run->step];
}

static Json *state_document(OperationRun *run) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    const OperationStep *step = step_in_hand(run);
    json_begin_object(builder, NULL);
    json_add_int(builder, "operation", run->operation);
    json_add_string(builder, "step", step && step->name ? step->name : "");
    json_add_int(builder, "item", run->item);
    json_add_int(builder, "intent", run->intent_ms);
    json_add_string(builder, "user", run->user);
    json_add_json(builder, "error", run->error);
    json_begin_array(builder, "operations");
    for (guint i = 0; i < run->operations->len; i++) {
        const Operation *operation = run->operations->pdata[i];
        json_begin_object(builder, NULL);
        json_add_string(builder, "name", operation->definition->name);
        json_add_json(builder, "facts", operation->facts);
        json_add_json(builder, "result", operation->has_result ? operation->result : NULL);
        json_end_object(builder);
    }
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

char *operation_run_state(OperationRun *run) {
    g_autoptr(Json) state = state_document(run);
    return json_write(json_root(state), NULL);
}

static OperationRecord record_of(const OperationRun *run, const char *state) {
    return (OperationRecord){
        .id = run->id,
        .execution_id = run->execution_id,
        .stage_id = run->stage_id,
        .cloud = run->cloud,
        .account = run->account,
        .status = run_status_name(run->status),
        .created_ms = run->created_ms,
        .updated_ms = run->updated_ms,
        .request = run->request_text,
        .state = state,
        .version = run->version,
    };
}

static void add_change(StoreUnit *unit, const OperationRun *run) {
    StoreChange change = {"operation", run->id, NULL, run_status_name(run->status), run->version, NULL};
    store_unit_change(unit, &change);
}

gboolean operation_run_insert(OperationRun *run, GError **error) {
    run->version = 1;
    run->updated_ms = run->created_ms;
    g_autofree char *state = operation_run_state(run);
    OperationRecord record = record_of(run, state);
    StoreUnit *unit = store_unit_new();
    store_operation_insert(unit, &record);
    add_change(unit, run);
    run->lines_saved_ms = clouds_now_ms(run->clouds);
    return runtime_commit_and_wait(clouds_runtime(run->clouds), unit, error);
}

gboolean operation_run_save(OperationRun *run, GError **error) {
    g_mutex_lock(&run->lock);
    run->updated_ms = clouds_now_ms(run->clouds);
    run->version++;
    g_autofree char *state = operation_run_state(run);
    OperationRecord record = record_of(run, state);
    g_autoptr(GArray) lines = g_array_new(FALSE, FALSE, sizeof(OperationLine));
    for (guint i = run->lines_saved; i < run->lines->len; i++)
        g_array_append_vals(lines, run->lines->pdata[i], 1);
    StoreUnit *unit = store_unit_new();
    store_operation_update(unit, &record, (const OperationLine *)(void *)lines->data, lines->len);
    add_change(unit, run);
    g_mutex_unlock(&run->lock);
    gboolean saved = runtime_commit_and_wait(clouds_runtime(run->clouds), unit, error);
    g_mutex_lock(&run->lock);
    if (saved) {
        run->lines_saved += lines->len;
    } else {
        run->version--;
    }
    run->lines_saved_ms = clouds_now_ms(run->clouds);
    g_mutex_unlock(&run->lock);
    return saved;
}

static void restore_operation(Operation *operation, const JsonValue *state) {
    const JsonValue *facts = json_get(state, "facts"), *result = json_get(state, "result");
    if (facts) {
        json_unref(operation->facts);
        operation->facts = json_copy(facts);
    }
    if (result) {
        json_unref(operation->result);
        operation->result = json_copy(result);
        operation->has_result = TRUE;
    }
}

static guint step_named(const Operation *operation, const char *name) {
    guint step = 0;
    while (operation->definition->steps[step].name && strcmp(operation->definition->steps[step].name, name))
        step++;
    return step;
}

void operation_run_restore(OperationRun *run, const OperationRecord *record, const JsonValue *state) {
    run->version = record->version;
    run->operation = (guint)json_get_int(state, "operation", 0);
    run->item = (guint)json_get_int(state, "item", 0);
    run->intent_ms = json_get_int(state, "intent", 0);
    for (JsonIter i = json_iter(json_get(state, "operations")); json_next(&i) && i.index < run->operations->len;)
        restore_operation(run->operations->pdata[i.index], i.value);
    const char *step = json_get_string(state, "step");
    if (run->operation < run->operations->len)
        run->step = step_named(run->operations->pdata[run->operation], step ? step : "");
}

/* ---- as served ---- */

static void add_status(JsonBuilder *builder, const char *status, const OperationLine *last) {
    gboolean failed = !strcmp(status, "FAILED") || !strcmp(status, "CANCELED");
    json_begin_object(builder, "status");
    json_add_string(builder, "phase", last ? last->phase : PHASE_RUNNER);
    json_add_string(builder, "status", last ? last->status : "");
    json_add_bool(builder, "complete", strcmp(status, "RUNNING") != 0);
    json_add_bool(builder, "completed", strcmp(status, "RUNNING") != 0);
    json_add_bool(builder, "failed", failed);
    json_add_bool(builder, "retryable", FALSE);
    json_end_object(builder);
}

static void add_error(JsonBuilder *builder, const JsonValue *error) {
    if (!error)
        return;
    json_begin_object(builder, NULL);
    json_add_string(builder, "type", "EXCEPTION");
    json_add_members(builder, error);
    json_end_object(builder);
}

static Json *served(const char *id, const char *status, gint64 created_ms, const JsonValue *state, const GPtrArray *lines) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", id);
    json_add_string(builder, "ownerId", "gennaker");
    json_add_int(builder, "startTimeMs", created_ms);
    add_status(builder, status, lines->len ? lines->pdata[lines->len - 1] : NULL);
    json_begin_array(builder, "history");
    for (guint i = 0; i < lines->len; i++) {
        const OperationLine *line = lines->pdata[i];
        json_begin_object(builder, NULL);
        json_add_string(builder, "phase", line->phase);
        json_add_string(builder, "status", line->status);
        json_add_int(builder, "timeMs", line->time_ms);
        json_end_object(builder);
    }
    json_end_array(builder);
    json_begin_array(builder, "resultObjects");
    for (JsonIter i = json_iter(json_get(state, "operations")); json_next(&i);) {
        const JsonValue *result = json_get(i.value, "result");
        if (result)
            json_add_value(builder, NULL, result);
    }
    add_error(builder, json_get(state, "error"));
    json_end_array(builder);
    json_begin_array(builder, "outputs");
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

Json *operation_run_json(OperationRun *run) {
    g_mutex_lock(&run->lock);
    g_autoptr(Json) state = state_document(run);
    Json *json = served(run->id, run_status_name(run->status), run->created_ms, json_root(state), run->lines);
    g_mutex_unlock(&run->lock);
    return json;
}

typedef struct {
    Store *store;
    Json *json;
    GError *error;
} Serving;

static gboolean collect_line(const OperationLine *line, gpointer data) {
    g_ptr_array_add(data, line_copy(line));
    return TRUE;
}

static gboolean serve_record(const OperationRecord *record, gpointer data) {
    Serving *serving = data;
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(line_clear);
    g_autoptr(Json) state = json_parse(record->state, -1, &serving->error);
    if (state && store_operation_lines(serving->store, record->id, collect_line, lines, &serving->error))
        serving->json = served(record->id, record->status, record->created_ms, json_root(state), lines);
    return FALSE;
}

Json *operation_stored_json(Store *store, const char *id, GError **error) {
    Serving serving = {store, NULL, NULL};
    if (!store_operation_load(store, id, serve_record, &serving, error))
        return NULL;
    if (serving.error)
        g_propagate_prefixed_error(error, serving.error, "operation %s: ", id);
    return serving.json;
}
