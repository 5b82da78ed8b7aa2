/* Counting answers, and the text format of Prometheus. */
#include "api/metrics.h"
#include <string.h>

static const Route routes[] = {{.method = "GET", .path = "/x/{id}"}, {.method = "POST", .path = "/x/{id}"}, {0}};
static const RouteTable table = {"X", routes};
static const RouteTable *const tables[] = {&table, NULL};

static void test_counts(void) {
    Metrics *metrics = metrics_new(tables);
    metrics_note(metrics, &routes[0], 200, 1500000);
    metrics_note(metrics, &routes[0], 204, 500000);
    metrics_note(metrics, &routes[0], 404, 0);
    metrics_note(metrics, NULL, 421, 10);
    g_autoptr(GString) text = g_string_new(NULL);
    metrics_write(metrics, text);
    g_assert_nonnull(strstr(text->str, "gennaker_api_answers_total{method=\"GET\",path=\"/x/{id}\",status=\"2xx\"} 2\n"));
    g_assert_nonnull(strstr(text->str, "gennaker_api_answers_total{method=\"GET\",path=\"/x/{id}\",status=\"4xx\"} 1\n"));
    g_assert_nonnull(strstr(text->str, "gennaker_api_answers_total{method=\"\",path=\"\",status=\"4xx\"} 1\n"));
    g_assert_nonnull(strstr(text->str, "gennaker_api_answers_seconds_total{method=\"GET\",path=\"/x/{id}\"} 2\n"));
    g_assert_null(strstr(text->str, "POST"));
    metrics_free(metrics);
}

static void test_format(void) {
    g_autoptr(GString) text = g_string_new(NULL);
    metrics_begin(text, "a_seconds", "gauge", "What it is.");
    metrics_value(text, "a_seconds", 0.25, "name", "a\"b\\c\nd", NULL);
    metrics_value(text, "a_seconds", -3, NULL);
    g_assert_cmpstr(text->str, ==,
                    "# HELP a_seconds What it is.\n# TYPE a_seconds gauge\n"
                    "a_seconds{name=\"a\\\"b\\\\c\\nd\"} 0.25\na_seconds -3\n");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/api/metrics/counts", test_counts);
    g_test_add_func("/api/metrics/format", test_format);
    return g_test_run();
}
