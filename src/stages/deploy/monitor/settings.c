/* monitored-deploy: which deployment monitors there are (monitor.h). Any thread. */
#include "stages/deploy/monitor/monitor.h"

typedef struct {
    gboolean enabled;
    Json *monitors;
} MonitorSettings;

static const Param entry_params[] = {
    {.name = "id", .type = PARAM_STRING, .offset = offsetof(Monitor, id), .required = TRUE, .help = "What stages name it by."},
    {.name = "name", .type = PARAM_STRING, .offset = offsetof(Monitor, name), .help = "What people call it."},
    {.name = "baseUrl",
     .type = PARAM_STRING,
     .offset = offsetof(Monitor, base_url),
     .required = TRUE,
     .help = "Where it is: deployment/starting, deployment/evaluateHealth and deployment/completed below it are called."},
    {.name = "failOnError",
     .type = PARAM_BOOL,
     .offset = offsetof(Monitor, fail_on_error),
     .otherwise = "true",
     .help = "Whether a deployment fails when the monitor does not answer, or not in time."},
    {.name = "maxAnalysisMinutes",
     .type = PARAM_INT,
     .offset = offsetof(Monitor, max_minutes),
     .otherwise = MONITOR_DEFAULT_MINUTES,
     .min = 1,
     .max = MONITOR_MINUTES_MAX,
     .help = "How many minutes it may take to decide."},
    {0},
};

static const Param section_params[] = {
    {.name = "enabled",
     .type = PARAM_BOOL,
     .offset = offsetof(MonitorSettings, enabled),
     .otherwise = "false",
     .help = "Whether the strategy monitored may be used."},
    {.name = "deploymentMonitors",
     .type = PARAM_JSON,
     .offset = offsetof(MonitorSettings, monitors),
     .members = entry_params,
     .help = "The deployment monitors: a list of {id, name, baseUrl, failOnError, maxAnalysisMinutes}."},
    {0},
};
const ConfigSection monitor_section = {SERVICE_ORCA, "monitored-deploy", section_params, "Deployments that a service watches."};

void monitor_clear(Monitor *monitor) {
    params_clear(entry_params, monitor);
}

gboolean monitor_is_enabled(Config *config) {
    return config_get_bool(config, SERVICE_ORCA, "monitored-deploy.enabled", FALSE);
}

static const JsonValue *list_of(Config *config) {
    return config_get(config, SERVICE_ORCA, "monitored-deploy.deployment-monitors");
}

gboolean monitor_find(Config *config, const char *id, Monitor *into, GError **error) {
    g_autoptr(GString) known = g_string_new(NULL);
    const JsonValue *list = list_of(config);
    for (JsonIter i = json_iter(json_is_array(list) ? list : NULL); json_next(&i);) {
        g_auto(Monitor) monitor = {0};
        if (!config_read_value(config, i.value, entry_params, &monitor, error))
            return FALSE;
        if (strcmp(monitor.id, id) == 0) {
            *into = monitor;
            monitor = (Monitor){0};
            return TRUE;
        }
        g_string_append_printf(known, "%s%s", known->len > 0 ? ", " : "", monitor.id);
    }
    error_set(error, ERR_INVALID, "deployment monitor %s is not configured (monitored-deploy.deploymentMonitors): %s", id,
              known->len > 0 ? known->str : "there is none");
    return FALSE;
}

static gboolean check_entry(Config *config, GHashTable *ids, const JsonValue *entry, GError **error) {
    g_auto(Monitor) monitor = {0};
    if (!config_read_value(config, entry, entry_params, &monitor, error))
        return FALSE;
    gboolean is_url = g_str_has_prefix(monitor.base_url, "http://") || g_str_has_prefix(monitor.base_url, "https://");
    if (!is_url)
        error_set(error, ERR_INVALID, "monitor %s: baseUrl: expected http:// or https://", monitor.id);
    else if (!g_hash_table_add(ids, g_strdup(monitor.id)))
        error_set(error, ERR_INVALID, "id %s is there twice", monitor.id);
    else
        return TRUE;
    return FALSE;
}

gboolean monitor_check_config(Config *config, GError **error) {
    g_autoptr(GHashTable) ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const JsonValue *list = list_of(config);
    if (list != NULL && !json_is_array(list)) {
        error_set(error, ERR_INVALID, "monitored-deploy.deploymentMonitors: expected a list");
        return FALSE;
    }
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (!check_entry(config, ids, i.value, error)) {
            g_prefix_error(error, "monitored-deploy.deploymentMonitors[%" G_GSIZE_FORMAT "]: ", i.index);
            return FALSE;
        }
    return TRUE;
}
