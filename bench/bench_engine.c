/* Measures the engine on a store in a temporary folder, without HTTP. bench_engine [EXECUTIONS] */
#include "engine/engine.h"
#include "engine/record.h"
#include "stages/stages.h"
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define STAGES 10
#define STARTERS 64
#define LISTED 1000

typedef struct {
    Store *store;
    Config *config;
    Engine *engine;
    guint executions;
    Json *pipeline;
    gint left_to_start, ended; /* atomic */
} Bench;

static const Principal somebody = {.user = "somebody", .roles = (const char *const[]){NULL}};

static void must(gboolean ok, const GError *error) {
    if (!ok)
        g_error("%s", error != NULL ? error->message : "failed");
}

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double seconds_since(gint64 us) {
    return (double)(g_get_monotonic_time() - us) / G_USEC_PER_SEC;
}

static double resident_mb(void) {
    g_autofree char *status = NULL;
    const char *line = g_file_get_contents("/proc/self/status", &status, NULL, NULL) ? strstr(status, "VmRSS:") : NULL;
    return line != NULL ? (double)g_ascii_strtoll(line + strlen("VmRSS:"), NULL, 10) / 1024 : 0;
}

static Json *pipeline_of(guint stages, gint64 seconds) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "application", "bench");
    json_add_string(builder, "id", seconds > 0 ? "sleeping" : "quick");
    json_add_string(builder, "name", "waits");
    json_begin_array(builder, "stages");
    for (guint i = 1; i <= stages; i++) {
        g_autofree char *ref = g_strdup_printf("%u", i), *before = g_strdup_printf("%u", i - 1);
        json_begin_object(builder, NULL);
        json_add_string(builder, "refId", ref);
        json_add_strings(builder, "requisiteStageRefIds", (const char *const[]){i > 1 ? before : NULL, NULL});
        json_add_string(builder, "type", "wait");
        json_add_string(builder, "name", "wait");
        json_add_int(builder, "waitTime", seconds);
        json_end_object(builder);
    }
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

static void on_change(const StoreChangeEvent *event, gpointer data) {
    if (strcmp(event->change.kind, "execution") == 0 && g_strcmp0(event->change.status, "SUCCEEDED") == 0)
        g_atomic_int_inc(&((Bench *)data)->ended);
}

static gpointer start_many(gpointer data) {
    Bench *bench = data;
    while (g_atomic_int_add(&bench->left_to_start, -1) > 0) {
        GError *error = NULL;
        g_autofree char *id = engine_start_pipeline(bench->engine, json_root(bench->pipeline), NULL, &somebody, NULL, &error);
        must(id != NULL, error);
    }
    return NULL;
}

static void start_all(Bench *bench) {
    GThread *threads[STARTERS];
    g_atomic_int_set(&bench->left_to_start, (gint)bench->executions);
    for (guint i = 0; i < STARTERS; i++)
        threads[i] = g_thread_new("starter", start_many, bench);
    for (guint i = 0; i < STARTERS; i++)
        g_thread_join(threads[i]);
}

static void quick(Bench *bench) {
    bench->pipeline = pipeline_of(STAGES, 0);
    gint64 begun_us = g_get_monotonic_time();
    double begun_cpu = cpu_seconds();
    start_all(bench);
    double started = seconds_since(begun_us), started_cpu = cpu_seconds() - begun_cpu;
    while (g_atomic_int_get(&bench->ended) < (gint)bench->executions)
        g_usleep(500);
    double seconds = seconds_since(begun_us), cpu = cpu_seconds() - begun_cpu, stages = bench->executions * (double)STAGES;
    printf("%-44s %.0f /s (budget 20000), %.1f µs of processor time each\n", "stages completed", stages / seconds, cpu * 1e6 / stages);
    printf("%-44s after %.2f s of %.2f s, %.2f s of %.2f s processor time\n", "all were started", started, seconds, started_cpu, cpu);
    json_unref(bench->pipeline);
}

typedef struct {
    gboolean expand;
    gsize bytes;
} Joining;

static gboolean join(const LoadedExecution *loaded, gpointer data) {
    Joining *joining = data;
    gsize length = 0;
    g_autofree char *text = execution_text_join(loaded, joining->expand, &length);
    joining->bytes += length;
    return text != NULL;
}

static void lists(Bench *bench) {
    const ExecutionFilter filter = {.type = "PIPELINE", .applications = (const char *const[]){"bench", NULL}, .limit = LISTED};
    for (guint i = 0; i < 4; i++) {
        Joining joining = {.expand = i % 2 == 0};
        GError *error = NULL;
        gint64 begun_us = g_get_monotonic_time();
        double begun_cpu = cpu_seconds();
        must(store_executions_list_whole(bench->store, &filter, join, &joining, &error), error);
        printf("%-44s %.1f ms, %.1f ms of processor time, %" G_GSIZE_FORMAT " bytes (budget 50 ms)\n",
               joining.expand ? "list of 1,000 executions" : "list of 1,000 executions, stripped", seconds_since(begun_us) * 1000,
               (cpu_seconds() - begun_cpu) * 1000, joining.bytes);
    }
}

static void sleeping(Bench *bench) {
    double before = resident_mb();
    bench->pipeline = pipeline_of(STAGES, 3600);
    start_all(bench);
    g_usleep(G_USEC_PER_SEC / 2);
    gint64 begun_us = g_get_monotonic_time();
    double begun_cpu = cpu_seconds();
    g_usleep(5 * G_USEC_PER_SEC);
    printf("%u executions that wait: %.1f MB resident, %.1f MB before (budget 400 at 10,000); %.2f %% of a processor over 5 s\n",
           bench->executions, resident_mb(), before, (cpu_seconds() - begun_cpu) * 100 / seconds_since(begun_us));
    json_unref(bench->pipeline);
}

static void remove_folder(const char *folder) {
    GDir *dir = g_dir_open(folder, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *file = g_build_filename(folder, name, NULL);
        g_remove(file);
    }
    g_dir_close(dir);
    g_rmdir(folder);
}

int main(int argc, char **argv) {
    guint64 executions = 10000;
    GError *error = NULL;
    if (argc > 1)
        must(g_ascii_string_to_unsigned(argv[1], 10, LISTED, 1000000, &executions, &error), error);
    g_autofree char *folder = g_dir_make_tmp("gennaker-bench-XXXXXX", NULL);
    Bench bench = {.executions = (guint)executions};
    bench.config = config_load(NULL, &error);
    must(bench.config != NULL, error);
    bench.store = store_open(&(StoreOptions){.folder = folder}, &error);
    must(bench.store != NULL, error);
    bench.engine = engine_new(&(EngineOptions){.store = bench.store, .types = &stage_types, .config = bench.config}, &error);
    must(bench.engine != NULL, error);
    guint listener = store_listen(bench.store, on_change, &bench);
    engine_start(bench.engine);
    quick(&bench);
    lists(&bench);
    sleeping(&bench);
    store_unlisten(bench.store, listener);
    engine_stop(bench.engine, 5000);
    engine_free(bench.engine);
    store_close(bench.store);
    config_unref(bench.config);
    remove_folder(folder);
    return 0;
}
