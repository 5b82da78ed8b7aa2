/* GET /health, /version, /metrics: what this server says about itself. */
#include "api/internal.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "engine/retention.h"
#include "notify/notify.h"
#include "triggers/cron.h"
#include <string.h>
#include <unistd.h>

static Json *health_get(ApiCall *call, GError **error) {
    Store *store = call->services->store;
    (void)error;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "status", "UP");
    json_begin_array(builder, "problems");
    if (!store_has_room(store))
        json_add_string(builder, NULL, "less than 200 MB are free where the store lies: nothing new is started");
    if (store_is_behind(store))
        json_add_string(builder, NULL, "the store is more than a second behind: nothing new is started");
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

static Json *version_get(ApiCall *call, GError **error) {
    (void)call, (void)error;
    return json_pack("{s:s}", "version", GENNAKER_VERSION);
}

/* ---- metrics ---- */
static double resident_bytes(void) {
    g_autofree char *text = NULL;
    if (!g_file_get_contents("/proc/self/statm", &text, NULL, NULL))
        return 0;
    g_auto(GStrv) pages = g_strsplit(text, " ", 3);
    return pages[0] != NULL && pages[1] != NULL ? g_ascii_strtod(pages[1], NULL) * (double)sysconf(_SC_PAGESIZE) : 0;
}

typedef struct {
    const char *name, *type, *help;
    double value;
} Metric;

static void write_metrics(GString *text, const Metric *metrics, gsize n) {
    for (gsize i = 0; i < n; i++) {
        metrics_begin(text, metrics[i].name, metrics[i].type, metrics[i].help);
        metrics_value(text, metrics[i].name, metrics[i].value, NULL);
    }
}

static void write_engine(GString *text, Engine *engine) {
    EngineStatistics s = {0};
    engine_statistics(engine, &s);
    const Metric metrics[] = {
        {"gennaker_engine_executions_running", "gauge", "Executions that have work to do.", (double)s.running},
        {"gennaker_engine_executions_waiting", "gauge", "Executions that wait for a time or a message.", (double)s.waiting},
        {"gennaker_engine_tasks_busy", "gauge", "Tasks that a worker runs.", (double)s.tasks_busy},
        {"gennaker_engine_tasks_queued", "gauge", "Tasks that wait for a worker.", (double)s.tasks_queued},
        {"gennaker_engine_stages_completed_total", "counter", "Stages that ended.", (double)s.stages_completed},
        {"gennaker_engine_executions_completed_total", "counter", "Executions that ended.", (double)s.executions_completed},
        {"gennaker_engine_commits_total", "counter", "Steps of executions that were committed.", (double)s.commits},
    };
    write_metrics(text, metrics, G_N_ELEMENTS(metrics));
}

static void write_cron(GString *text, Cron *cron) {
    CronCounts counts = {0};
    cron_counts(cron, &counts);
    const Metric metrics[] = {
        {"gennaker_triggers_cron_scheduled", "gauge", "Cron triggers that will be due.", counts.triggers},
        {"gennaker_triggers_cron_waiting", "gauge", "Fires that are to be stored.", counts.waiting},
        {"gennaker_triggers_cron_fired_total", "counter", "Fires that became events.", (double)counts.fired},
        {"gennaker_triggers_cron_missed_total", "counter", "Fires that came too late, once per trigger and delay.", (double)counts.missed},
        {"gennaker_triggers_cron_compensated_total", "counter", "Missed fires that were made up for.", (double)counts.compensated},
        {"gennaker_triggers_cron_repeated_total", "counter", "Fires that were known already.", (double)counts.repeated},
        {"gennaker_triggers_cron_failed_total", "counter", "Tries to store a fire that failed.", (double)counts.failed},
    };
    write_metrics(text, metrics, G_N_ELEMENTS(metrics));
}

static void write_retention(GString *text, Retention *retention) {
    RetentionCounts counts = {0};
    retention_counts(retention, &counts);
    const Metric metrics[] = {
        {"gennaker_engine_retention_passes_total", "counter", "Passes that looked for what is old.", (double)counts.passes},
        {"gennaker_engine_retention_executions_total", "counter", "Old executions that were removed.", (double)counts.executions},
        {"gennaker_engine_retention_event_trims_total", "counter", "Portions of old events that were removed.", (double)counts.event_trims},
        {"gennaker_engine_retention_operation_trims_total", "counter", "Portions of old operations.", (double)counts.operation_trims},
        {"gennaker_engine_retention_pipelines_disabled_total", "counter", "Unused pipelines.", (double)counts.pipelines_disabled},
        {"gennaker_engine_retention_failed_total", "counter", "What could not be removed.", (double)counts.failed},
    };
    write_metrics(text, metrics, G_N_ELEMENTS(metrics));
}

static void write_store(GString *text, Store *store) {
    StoreStatistics s = {0};
    store_statistics(store, &s);
    const Metric metrics[] = {
        {"gennaker_store_commits_total", "counter", "Transactions.", (double)s.commits},
        {"gennaker_store_units_total", "counter", "Units that were committed.", (double)s.units},
        {"gennaker_store_units_failed_total", "counter", "Units whose condition failed.", (double)s.units_failed},
        {"gennaker_store_statements_total", "counter", "Statements that changed something.", (double)s.statements},
        {"gennaker_store_wal_bytes_total", "counter", "Bytes written to the log.", (double)s.wal_bytes},
        {"gennaker_store_queue_units", "gauge", "Units that wait for the committer.", (double)s.queue_depth},
        {"gennaker_store_commit_p50_seconds", "gauge", "Median time from submit to durable.", s.commit_p50_ms / 1e3},
        {"gennaker_store_commit_p99_seconds", "gauge", "99th percentile of that time.", s.commit_p99_ms / 1e3},
    };
    write_metrics(text, metrics, G_N_ELEMENTS(metrics));
}

static void write_outcomes(GString *text, const char *name, const char *help, guint64 events, guint64 notifications) {
    metrics_begin(text, name, "counter", help);
    metrics_value(text, name, (double)events, "of", "events", NULL);
    metrics_value(text, name, (double)notifications, "of", "notifications", NULL);
}

static void write_notify(GString *text, Notify *notify) {
    NotifyCounts n = {0};
    notify_counts(notify, &n);
    const Metric metrics[] = {
        {"gennaker_notify_waiting", "gauge", "Events and notifications that are to be sent.", (double)n.waiting},
        {"gennaker_notify_lost_total", "counter", "Changes and requests of which nothing was told, because too many waited.",
         (double)n.lost},
    };
    write_metrics(text, metrics, G_N_ELEMENTS(metrics));
    write_outcomes(text, "gennaker_notify_delivered_total", "What was sent and answered.", n.events.delivered, n.notifications.delivered);
    write_outcomes(text, "gennaker_notify_failed_total", "Tries to send that failed.", n.events.failed, n.notifications.failed);
    write_outcomes(text, "gennaker_notify_given_up_total", "What nobody took for so long that it was given up.", n.events.given_up,
                   n.notifications.given_up);
}

typedef struct {
    GString *ages, *errors, *objects;
    gint64 now_ms;
} InventoryMetrics;

static gboolean write_leaf(const InventoryLeaf *leaf, gpointer data) {
    InventoryMetrics *metrics = data;
    const char *a = leaf->account, *k = leaf->kind, *r = leaf->region;
    if (leaf->read_ms > 0)
        metrics_value(metrics->ages, "gennaker_inventory_age_seconds", (double)(metrics->now_ms - leaf->read_ms) / 1e3, "account", a,
                      "region", r, "kind", k, NULL);
    metrics_value(metrics->errors, "gennaker_inventory_failing", leaf->error_ms > 0, "account", a, "region", r, "kind", k, NULL);
    metrics_value(metrics->objects, "gennaker_inventory_objects", leaf->objects, "account", a, "region", r, "kind", k, NULL);
    return TRUE;
}

static void write_inventory(GString *text, Clouds *clouds, gint64 now_ms) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(clouds));
    g_autoptr(GPtrArray) accounts = clouds_accounts(clouds);
    InventoryMetrics metrics = {g_string_new(NULL), g_string_new(NULL), g_string_new(NULL), now_ms};
    metrics_begin(metrics.ages, "gennaker_inventory_age_seconds", "gauge", "Time since the last complete read began.");
    metrics_begin(metrics.errors, "gennaker_inventory_failing", "gauge", "1 when the last read failed.");
    metrics_begin(metrics.objects, "gennaker_inventory_objects", "gauge", "Objects known.");
    for (guint i = 0; i < accounts->len; i++)
        inventory_leaves(snapshot, ((const Account *)accounts->pdata[i])->name, write_leaf, &metrics);
    g_string_append_printf(text, "%s%s%s", metrics.ages->str, metrics.errors->str, metrics.objects->str);
    g_string_free(metrics.ages, TRUE);
    g_string_free(metrics.errors, TRUE);
    g_string_free(metrics.objects, TRUE);
}

static Json *metrics_get(ApiCall *call, GError **error) {
    Api *api = call->api;
    (void)error;
    GString *text = g_string_new(NULL);
    metrics_begin(text, "gennaker_server_info", "gauge", "1, with the version as label.");
    metrics_value(text, "gennaker_server_info", 1, "version", GENNAKER_VERSION, NULL);
    const Metric own[] = {
        {"gennaker_server_uptime_seconds", "gauge", "Time since the start.", (double)(call->now_ms - api->started_ms) / 1e3},
        {"gennaker_server_resident_bytes", "gauge", "Resident memory.", resident_bytes()},
        {"gennaker_api_streams_open", "gauge", "Event streams that are open.", streams_count(api->streams)},
    };
    write_metrics(text, own, G_N_ELEMENTS(own));
    metrics_write(api->metrics, text);
    write_engine(text, call->services->engine);
    write_store(text, call->services->store);
    if (call->services->retention != NULL)
        write_retention(text, call->services->retention);
    if (call->services->notify != NULL)
        write_notify(text, call->services->notify);
    if (call->services->cron != NULL)
        write_cron(text, call->services->cron);
    write_inventory(text, call->services->clouds, call->now_ms);
    api_answer_text(call, 200, "text/plain; version=0.0.4; charset=utf-8", g_string_free(text, FALSE));
    return NULL;
}

static const Route routes[] = {
    {.method = "GET",
     .path = "/health",
     .handler = health_get,
     .needs = NEEDS(ON_SERVER, ACCESS_OPEN),
     .help = "Whether the server works: {status: \"UP\", problems: [text]}."},
    {.method = "GET",
     .path = "/version",
     .handler = version_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "The version of this program."},
    {.method = "GET",
     .path = "/metrics",
     .handler = metrics_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "Counters and gauges in Prometheus' text format."},
    {0},
};
const RouteTable observe_routes = {"Server", routes};
