/* Counters of answers by route, and the text format of Prometheus ("Exposition formats", text-based format 0.0.4). Any thread. */
#include "api/metrics.h"
#include <math.h>
#include <string.h>

#define STATUS_CLASSES 5 /* 1xx … 5xx */

typedef struct {
    guint64 answers[STATUS_CLASSES];
    guint64 took_us;
} Counters;

struct Metrics {
    const RouteTable *const *tables;
    GHashTable *by_route; /* const Route * → Counters; its keys never change after metrics_new */
    Counters without_route;
    GMutex lock; /* of all counters */
};

Metrics *metrics_new(const RouteTable *const *tables) {
    Metrics *metrics = g_new0(Metrics, 1);
    metrics->tables = tables;
    metrics->by_route = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    g_mutex_init(&metrics->lock);
    for (gsize t = 0; tables[t] != NULL; t++)
        for (const Route *route = tables[t]->routes; route->method != NULL; route++)
            g_hash_table_insert(metrics->by_route, (gpointer)route, g_new0(Counters, 1));
    return metrics;
}

void metrics_free(Metrics *metrics) {
    if (metrics == NULL)
        return;
    g_hash_table_unref(metrics->by_route);
    g_mutex_clear(&metrics->lock);
    g_free(metrics);
}

void metrics_note(Metrics *metrics, const Route *route, int status, gint64 took_us) {
    Counters *counters = route != NULL ? g_hash_table_lookup(metrics->by_route, route) : &metrics->without_route;
    g_assert(counters != NULL && status >= 100 && status < 100 * (STATUS_CLASSES + 1));
    g_mutex_lock(&metrics->lock);
    counters->answers[status / 100 - 1]++;
    counters->took_us += (guint64)MAX(took_us, 0);
    g_mutex_unlock(&metrics->lock);
}

void metrics_begin(GString *text, const char *name, const char *type, const char *help) {
    g_string_append_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void append_label_value(GString *text, const char *value) {
    for (; *value != '\0'; value++) {
        if (*value == '\n')
            g_string_append(text, "\\n");
        else if (*value == '"' || *value == '\\')
            g_string_append_printf(text, "\\%c", *value);
        else
            g_string_append_c(text, *value);
    }
}

void metrics_value(GString *text, const char *name, double value, ...) {
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    va_list labels;
    gboolean any = FALSE;
    g_string_append(text, name);
    va_start(labels, value);
    for (const char *label; (label = va_arg(labels, const char *)) != NULL; any = TRUE) {
        g_string_append_printf(text, "%s%s=\"", any ? "," : "{", label);
        append_label_value(text, va_arg(labels, const char *));
        g_string_append_c(text, '"');
    }
    va_end(labels);
    g_ascii_formatd(number, sizeof number, value == floor(value) && fabs(value) < 1e15 ? "%.0f" : "%.6g", value);
    g_string_append_printf(text, "%s %s\n", any ? "}" : "", number);
}

typedef void (*WriteCounters)(GString *text, const char *method, const char *path, const Counters *counters);

static void write_answers(GString *text, const char *method, const char *path, const Counters *counters) {
    static const char *const CLASSES[STATUS_CLASSES] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
    for (gsize i = 0; i < STATUS_CLASSES; i++)
        if (counters->answers[i] > 0)
            metrics_value(text, "gennaker_api_answers_total", (double)counters->answers[i], "method", method, "path", path, "status",
                          CLASSES[i], NULL);
}

static void write_time(GString *text, const char *method, const char *path, const Counters *counters) {
    if (counters->took_us > 0)
        metrics_value(text, "gennaker_api_answers_seconds_total", (double)counters->took_us / 1e6, "method", method, "path", path, NULL);
}

static void write_each(Metrics *metrics, GString *text, WriteCounters write) {
    for (gsize t = 0; metrics->tables[t] != NULL; t++)
        for (const Route *route = metrics->tables[t]->routes; route->method != NULL; route++)
            write(text, route->method, route->path, g_hash_table_lookup(metrics->by_route, route));
    write(text, "", "", &metrics->without_route);
}

void metrics_write(Metrics *metrics, GString *text) {
    g_mutex_lock(&metrics->lock);
    metrics_begin(text, "gennaker_api_answers_total", "counter", "Answers by route; without path: refused before a route was found.");
    write_each(metrics, text, write_answers);
    metrics_begin(text, "gennaker_api_answers_seconds_total", "counter", "Time from a complete request to its answer.");
    write_each(metrics, text, write_time);
    g_mutex_unlock(&metrics->lock);
}
