/* What the store can do on this machine: bench_store [EXECUTIONS]. Uses a folder of its own below TMPDIR.
 * bench_store fill FOLDER EXECUTIONS: only fills a store with finished executions, the oldest of them half a year old. */
#include "base/error.h"
#include "store/executions.h"
#include "store/objects.h"
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define STAGES 10
#define STAGE_BYTES 1000
#define IN_FLIGHT 2000
#define SINGLE_COMMITS 1000
#define OBJECTS 10000

typedef struct {
    Store *store;
    guint executions;
    char **ids;
    ExecutionRecord *records;
    char *stage_body;
    GMutex mutex;
    GCond changed;
    guint in_flight;
} Bench;

static double seconds_since(gint64 begun_us) {
    return (double)(g_get_monotonic_time() - begun_us) / 1e6;
}

static void must(gboolean ok, GError *error) {
    if (!ok)
        g_error("%s", error->message);
}

static void bench_done(const GError *error, gpointer data) {
    Bench *bench = data;
    if (error != NULL)
        g_error("%s", error->message);
    g_mutex_lock(&bench->mutex);
    bench->in_flight--;
    if (bench->in_flight == 0 || bench->in_flight == IN_FLIGHT / 2)
        g_cond_signal(&bench->changed);
    g_mutex_unlock(&bench->mutex);
}

static void bench_submit(Bench *bench, StoreUnit *unit) {
    g_mutex_lock(&bench->mutex);
    if (bench->in_flight >= IN_FLIGHT) {
        while (bench->in_flight > IN_FLIGHT / 2)
            g_cond_wait(&bench->changed, &bench->mutex);
    }
    bench->in_flight++;
    g_mutex_unlock(&bench->mutex);
    store_submit(bench->store, unit, bench_done, bench);
}

static void bench_drain(Bench *bench) {
    g_mutex_lock(&bench->mutex);
    while (bench->in_flight > 0)
        g_cond_wait(&bench->changed, &bench->mutex);
    g_mutex_unlock(&bench->mutex);
}

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void report(Bench *bench, const char *what, gint64 begun_us, double begun_cpu, guint rows, const StoreStatistics *before,
                   const char *budget) {
    bench_drain(bench);
    double seconds = seconds_since(begun_us), cpu = cpu_seconds() - begun_cpu;
    StoreStatistics after;
    store_statistics(bench->store, &after);
    printf("%-44s %9.0f /s   %5.1f us of CPU, %6.0f bytes of log each   %6.1f units a commit   %s\n", what, (double)rows / seconds,
           cpu * 1e6 / (double)rows, (double)(after.wal_bytes - before->wal_bytes) / (double)rows,
           (double)(after.units - before->units) / (double)(after.commits - before->commits), budget);
}

static void insert_executions(Bench *bench) {
    StageRecord stages[STAGES];
    StoreStatistics before;
    store_statistics(bench->store, &before);
    gint64 begun_us = g_get_monotonic_time();
    double begun_cpu = cpu_seconds();
    for (guint i = 0; i < bench->executions; i++) {
        for (guint s = 0; s < STAGES; s++)
            stages[s] = (StageRecord){s, "01HZZZZZZZZZZZZZZZZZZZZZZZ", "NOT_STARTED", bench->stage_body};
        bench->ids[i] = g_strdup_printf("01HZZZZZZZZZZZZZZZ%08u", i);
        bench->records[i] = (ExecutionRecord){.key = store_execution_key_new(bench->store),
                                              .id = bench->ids[i],
                                              .type = "PIPELINE",
                                              .application = i % 2 == 0 ? "orders" : "payments",
                                              .config_id = i % 3 == 0 ? "one" : "two",
                                              .name = "deploy",
                                              .status = "RUNNING",
                                              .build_ms = 1700000000000 + i,
                                              .start_ms = 1700000000000 + i,
                                              .version = 1,
                                              .state = "{}",
                                              .body = "{\"trigger\":{\"type\":\"manual\",\"user\":\"somebody\",\"parameters\":{}}}"};
        StoreUnit *unit = store_unit_new();
        store_execution_insert(unit, &bench->records[i], stages, STAGES);
        bench_submit(bench, unit);
    }
    report(bench, "executions of 10 stages inserted", begun_us, begun_cpu, bench->executions, &before, "");
}

static StoreUnit *step_unit(Bench *bench, guint i, guint stage) {
    ExecutionRecord *record = &bench->records[i];
    record->version++;
    StoreUnit *unit = store_unit_new();
    store_execution_update(unit, record, &(StageRecord){stage, "01HZZZZZZZZZZZZZZZZZZZZZZZ", "SUCCEEDED", bench->stage_body}, 1);
    store_unit_change(
        unit, &(StoreChange){.kind = "execution", .id = record->id, .application = record->application, .version = record->version});
    return unit;
}

static void update_stages(Bench *bench) {
    StoreStatistics before;
    store_statistics(bench->store, &before);
    gint64 begun_us = g_get_monotonic_time();
    double begun_cpu = cpu_seconds();
    for (guint stage = 0; stage < STAGES; stage++) {
        bench->stage_body[STAGE_BYTES / 2] = (char)('0' + stage);
        for (guint i = 0; i < bench->executions; i++)
            bench_submit(bench, step_unit(bench, i, stage));
    }
    report(bench, "steps: execution and one stage updated", begun_us, begun_cpu, bench->executions * STAGES, &before,
           "(budget 40000, group commits)");
}

static int double_compare(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right;
}

static void single_commits(Bench *bench) {
    double ms[SINGLE_COMMITS];
    bench->stage_body[STAGE_BYTES / 2] = 'y';
    for (guint i = 0; i < SINGLE_COMMITS; i++) {
        gint64 begun_us = g_get_monotonic_time();
        GError *error = NULL;
        must(store_commit(bench->store, step_unit(bench, i % bench->executions, 3), &error), error);
        ms[i] = seconds_since(begun_us) * 1000;
    }
    qsort(ms, SINGLE_COMMITS, sizeof *ms, double_compare);
    printf("%-44s p50 %.2f ms   p99 %.2f ms   most %.2f ms (bounded by fsync)\n", "single commits, one after the other",
           ms[SINGLE_COMMITS / 2], ms[SINGLE_COMMITS * 99 / 100], ms[SINGLE_COMMITS - 1]);
}

static gboolean row_count(const ExecutionRecord *record, gpointer data) {
    (void)record;
    (*(guint *)data)++;
    return TRUE;
}

static gboolean whole_count(const LoadedExecution *loaded, gpointer data) {
    *(guint *)data += loaded->stages->len;
    return TRUE;
}

static void lists(Bench *bench) {
    const ExecutionFilter filter = {.type = "PIPELINE", .applications = (const char *const[]){"orders", NULL}, .limit = 1000};
    guint n = 0;
    GError *error = NULL;
    gint64 begun_us = g_get_monotonic_time();
    must(store_executions_list(bench->store, &filter, row_count, &n, &error), error);
    printf("%-44s %.1f ms\n", "list of 1,000 executions, narrow", seconds_since(begun_us) * 1000);
    begun_us = g_get_monotonic_time();
    must(store_executions_list_whole(bench->store, &filter, whole_count, &n, &error), error);
    printf("%-44s %.1f ms (budget 50)\n", "list of 1,000 executions, whole", seconds_since(begun_us) * 1000);
}

static gboolean object_count(const StoreObject *object, gpointer data) {
    (void)object;
    (*(guint *)data)++;
    return TRUE;
}

static void objects(Bench *bench) {
    g_autoptr(Json) body = json_pack("{s:s, s:s, s:s}", "name", "orders", "email", "team@example.com", "cloudProviders", "aws,kubernetes");
    for (guint i = 0; i < OBJECTS; i++) {
        g_autofree char *name = g_strdup_printf("application%u", i);
        StoreUnit *unit = store_unit_new();
        store_object_save(unit, &(StoreObject){.kind = "application", .id = name, .application = name, .name = name, .body = body}, -1,
                          FALSE);
        bench_submit(bench, unit);
    }
    bench_drain(bench);
    guint n = 0;
    GError *error = NULL;
    gint64 begun_us = g_get_monotonic_time();
    must(store_objects_each(bench->store, "application", NULL, NULL, object_count, &n, &error), error);
    printf("%-44s %.1f ms (budget 50)\n", "list of 10,000 applications, cached", seconds_since(begun_us) * 1000);
}

static void memory_print(const char *when) {
    g_autofree char *status = NULL;
    if (g_file_get_contents("/proc/self/status", &status, NULL, NULL) && strstr(status, "VmRSS:") != NULL)
        printf("%-44s %.*s\n", when, (int)strcspn(strstr(status, "VmRSS:"), "\n"), strstr(status, "VmRSS:"));
}

static Store *timed_open(const char *folder, const char *what) {
    GError *error = NULL;
    gint64 begun_us = g_get_monotonic_time();
    Store *store = store_open(&(StoreOptions){.folder = folder}, &error);
    must(store != NULL, error);
    printf("%-44s %.1f ms\n", what, seconds_since(begun_us) * 1000);
    return store;
}

/* ---- a large store ---- */
#define FILLED_APPLICATIONS 50
#define FILLED_PIPELINES 10 /* of each */
#define FILLED_STAGES 3
#define FILLED_DAYS 180
#define DAY_MS (24 * 3600 * G_GINT64_CONSTANT(1000))

static void fill_pipelines(Bench *bench) {
    for (guint i = 0; i < FILLED_APPLICATIONS * FILLED_PIPELINES; i++) {
        g_autofree char *application = g_strdup_printf("application%u", i % FILLED_APPLICATIONS), *id = g_strdup_printf("pipeline-%u", i);
        g_autofree char *name = g_strdup_printf("pipeline %u", i);
        g_autoptr(Json) body = json_pack("{s:s, s:s, s:s, s:[]}", "application", application, "id", id, "name", name, "stages");
        StoreUnit *unit = store_unit_new();
        store_object_save(unit, &(StoreObject){.kind = "pipeline", .id = id, .application = application, .name = name, .body = body}, -1,
                          FALSE);
        bench_submit(bench, unit);
    }
}

static void fill_execution(Bench *bench, guint i, gint64 now_ms) {
    StageRecord stages[FILLED_STAGES];
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    guint config = i % (FILLED_APPLICATIONS * FILLED_PIPELINES);
    gint64 at_ms = now_ms - FILLED_DAYS * DAY_MS + (gint64)((double)i / bench->executions * FILLED_DAYS * DAY_MS);
    g_autofree char *application = g_strdup_printf("application%u", config % FILLED_APPLICATIONS);
    g_autofree char *config_id = g_strdup_printf("pipeline-%u", config), *name = g_strdup_printf("pipeline %u", config);
    g_autofree char *id = g_strdup_printf("01HZZZZZZZZZZZZZZZ%08u", i);
    for (guint s = 0; s < FILLED_STAGES; s++) {
        char *text = g_strdup_printf("{\"id\":\"%s-%u\",\"refId\":\"%u\",\"type\":\"wait\",\"name\":\"wait\",\"status\":\"SUCCEEDED\","
                                     "\"startTime\":%" G_GINT64_FORMAT ",\"endTime\":%" G_GINT64_FORMAT
                                     ",\"context\":{\"waitTime\":0,\"note\":\"%.200s\"},\"outputs\":{},\"tasks\":[],"
                                     "\"requisiteStageRefIds\":[]}",
                                     id, s, s, at_ms, at_ms + 1000, bench->stage_body);
        g_ptr_array_add(texts, text);
        stages[s] = (StageRecord){s, "01HZZZZZZZZZZZZZZZZZZZZZZZ", "SUCCEEDED", text};
    }
    ExecutionRecord record = {.key = store_execution_key_new(bench->store),
                              .id = id,
                              .type = "PIPELINE",
                              .application = application,
                              .config_id = config_id,
                              .name = name,
                              .status = "SUCCEEDED",
                              .build_ms = at_ms,
                              .start_ms = at_ms,
                              .end_ms = at_ms + 1000,
                              .finished = TRUE,
                              .version = 1,
                              .state = "{}",
                              .body = "{\"trigger\":{\"type\":\"manual\",\"user\":\"somebody\",\"parameters\":{}}}"};
    StoreUnit *unit = store_unit_new();
    store_execution_insert(unit, &record, stages, FILLED_STAGES);
    bench_submit(bench, unit);
}

static int fill(const char *folder, const char *executions) {
    GError *error = NULL;
    guint64 n = 0;
    must(g_ascii_string_to_unsigned(executions, 10, 1, 10000000, &n, &error), error);
    Bench bench = {.executions = (guint)n, .stage_body = g_strnfill(STAGE_BYTES, 'x')};
    gint64 now_ms = g_get_real_time() / 1000, begun_us = g_get_monotonic_time();
    bench.store = timed_open(folder, "open, empty");
    fill_pipelines(&bench);
    for (guint i = 0; i < bench.executions; i++)
        fill_execution(&bench, i, now_ms);
    bench_drain(&bench);
    printf("%-44s %.1f s\n", "filled", seconds_since(begun_us));
    store_close(bench.store);
    g_free(bench.stage_body);
    return 0;
}

int main(int argc, char **argv) {
    guint64 executions = 10000;
    GError *error = NULL;
    if (argc == 4 && strcmp(argv[1], "fill") == 0)
        return fill(argv[2], argv[3]);
    if (argc > 1)
        must(g_ascii_string_to_unsigned(argv[1], 10, 1000, 1000000, &executions, &error), error);
    g_autofree char *folder = g_dir_make_tmp("gennaker-bench-XXXXXX", NULL);
    Bench bench = {.executions = (guint)executions,
                   .ids = g_new0(char *, executions + 1),
                   .records = g_new0(ExecutionRecord, executions),
                   .stage_body = g_strnfill(STAGE_BYTES, 'x')};
    bench.store = timed_open(folder, "open, empty");
    memory_print("memory, empty");
    insert_executions(&bench);
    update_stages(&bench);
    single_commits(&bench);
    lists(&bench);
    objects(&bench);
    memory_print("memory, after all that");
    store_close(bench.store);
    Store *store = timed_open(folder, "open, with all that");
    StoreObject object;
    must(store_object_load(store, "application", "application7", &object, &error), error);
    store_object_clear(&object);
    memory_print("memory, with this benchmark's own records");
    guint n = 0;
    gint64 begun_us = g_get_monotonic_time();
    must(store_objects_each(store, "application", NULL, NULL, object_count, &n, &error), error);
    printf("%-44s %.1f ms\n", "list of 10,000 applications, not cached", seconds_since(begun_us) * 1000);
    store_close(store);
    GDir *dir = g_dir_open(folder, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *file = g_build_filename(folder, name, NULL);
        g_unlink(file);
    }
    g_dir_close(dir);
    g_rmdir(folder);
    g_strfreev(bench.ids);
    g_free(bench.records);
    g_free(bench.stage_body);
    return 0;
}
