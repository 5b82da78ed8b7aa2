/* Outgoing events (engine.md 19.1, notifications.md 6): which there are, what they hold, what an endpoint makes of them. */
#include "engine_driver.h"
#include "notify/deliver.h"
#include "notify/endpoint.h"
#include "store_testing.h"

static void assert_types(const GPtrArray *events, const char *expected) {
    g_autoptr(GString) types = g_string_new(NULL);
    for (guint i = 0; i < events->len; i++)
        g_string_append_printf(types, "%s%s", i ? " " : "",
                               json_get_string(json_get(json_root(g_ptr_array_index(events, i)), "details"), "type") + strlen("orca:"));
    g_assert_cmpstr(types->str, ==, expected);
}

static void test_events(void) {
    const EventSettings all = {.full_execution = TRUE}, few = {.ignore_tasks = TRUE}, thin = {.full_execution = FALSE};
    Driver driver;
    driver_open(
        &driver,
        "[{\"type\":\"plain\",\"name\":\"A\",\"tasks\":{\"one\":\"\"}},{\"type\":\"plain\",\"name\":\"B\",\"tasks\":{\"two\":\"\"}}]");
    g_autoptr(GPtrArray) begun = events_between(NULL, driver.execution, &all, 7);
    assert_types(begun, "pipeline:starting stage:starting task:starting");
    const JsonValue *first = json_root(g_ptr_array_index(begun, 0)), *task = json_root(g_ptr_array_index(begun, 2));
    g_assert_cmpstr(json_get_string(json_get(first, "details"), "source"), ==, "orca");
    g_assert_cmpstr(json_get_string(json_get(first, "details"), "application"), ==, "a");
    g_assert_cmpstr(json_get_string(json_dig(first, "content", "execution", NULL), "status"), ==, "RUNNING");
    g_assert_cmpstr(json_get_string(json_get(first, "content"), "executionId"), ==, driver.execution->id);
    g_assert_cmpstr(json_get_string(json_get(task, "content"), "taskName"), ==, "plain.one");
    g_assert_cmpstr(json_get_string(json_get(task, "content"), "name"), ==, "A");
    g_assert_nonnull(json_dig(task, "content", "execution", NULL));
    g_assert_false(json_is_true(json_get(json_get(task, "content"), "isSynthetic")));

    g_autoptr(Execution) before = execution_ref(driver.execution);
    driver_ran(&driver, "0", STATUS_SUCCEEDED);
    g_autoptr(GPtrArray) next = events_between(before, driver.execution, &all, 7);
    assert_types(next, "task:complete stage:complete stage:starting task:starting");
    g_autoptr(GPtrArray) without = events_between(before, driver.execution, &few, 7);
    assert_types(without, "stage:complete stage:starting");
    g_autoptr(GPtrArray) small = events_between(before, driver.execution, &thin, 7);
    g_assert_null(json_dig(json_root(g_ptr_array_index(small, 0)), "content", "execution", NULL));
    g_assert_nonnull(json_dig(json_root(g_ptr_array_index(small, 1)), "content", "execution", NULL));
    g_assert_cmpstr(json_get_string(json_root(g_ptr_array_index(next, 0)), "eventId"), ==,
                    json_get_string(json_root(g_ptr_array_index(small, 0)), "eventId"));

    g_autoptr(Execution) middle = execution_ref(driver.execution);
    driver_ran(&driver, "1", STATUS_TERMINAL);
    g_autoptr(GPtrArray) end = events_between(middle, driver.execution, &all, 7);
    assert_types(end, "task:failed stage:failed pipeline:failed");
    g_autoptr(GPtrArray) nothing = events_between(driver.execution, driver.execution, &all, 7);
    g_assert_cmpuint(nothing->len, ==, 0);
    driver_close(&driver);
}

static NotifySettings *settings_of(const char *yaml, const char *wrong) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_load_text("echo.yml", yaml, -1, &error);
    g_assert_no_error(error);
    NotifySettings *settings = notify_settings_new(config, &error);
    if (!wrong) {
        g_assert_no_error(error);
        return settings;
    }
    g_assert_null(settings);
    g_assert_nonnull(strstr(error->message, wrong));
    return NULL;
}

static void assert_body(const char *keys, const char *expected) {
    g_autofree char *yaml = g_strdup_printf("rest:\n  enabled: true\n  endpoints:\n  - url: http://localhost/a\n%s", keys);
    NotifySettings *settings = settings_of(yaml, NULL);
    g_autoptr(Json) event = json_parse("{\"details\":{\"type\":\"t\"},\"content\":{\"n\":1}}", -1, NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *body = endpoint_body(g_ptr_array_index(settings->endpoints, 0), json_root(event), &error);
    if (expected)
        g_assert_no_error(error);
    else
        g_assert_nonnull(error);
    g_assert_cmpstr(body, ==, expected);
    notify_settings_unref(settings);
}

static void test_endpoints(void) {
    assert_body("", "{\"details\":{\"type\":\"t\"},\"content\":{\"n\":1}}");
    assert_body("    wrap: true\n",
                "{\"eventName\":\"spinnaker_events\",\"payload\":{\"details\":{\"type\":\"t\"},\"content\":{\"n\":1}}}");
    assert_body("    wrap: true\n    eventName: e\n    fieldName: f\n",
                "{\"eventName\":\"e\",\"f\":{\"details\":{\"type\":\"t\"},\"content\":{\"n\":1}}}");
    assert_body("    wrap: true\n    template: '{\"event\":{{event}} }'\n",
                "{\"event\":{\"details\":{\"type\":\"t\"},\"content\":{\"n\":1}}}");
    assert_body("    wrap: true\n    template: '{{event'\n", NULL);
    assert_body("    flatten: true\n", "{\"details\":\"{\\\"type\\\":\\\"t\\\"}\",\"content\":\"{\\\"n\\\":1}\"}");
    NotifySettings *settings = settings_of(
        "rest:\n  enabled: true\n  circuitBreakerEnabled: true\n  endpoints:\n  - url: https://x.y/z\n    username: u\n"
        "    password: p\n    headers: {X-A: b}\n  - url: https://x.y/z\n",
        NULL);
    const Endpoint *first = g_ptr_array_index(settings->endpoints, 0), *second = g_ptr_array_index(settings->endpoints, 1);
    g_assert_cmpstr(first->headers[2], ==, "Authorization");
    g_assert_cmpstr(first->headers[3], ==, "Basic dTpw");
    g_assert_cmpstr(first->headers[5], ==, "b");
    g_assert_cmpstr(first->id, !=, second->id);
    g_assert_true(first->circuit_breaker);
    notify_settings_unref(settings);
    settings_of("rest:\n  enabled: true\n  endpoints:\n  - wrap: true\n", "url");
    settings_of("rest:\n  enabled: true\n  endpoints:\n  - url: ftp://x\n", "http://");
    NotifySettings *off = settings_of("rest:\n  endpoints:\n  - url: http://x.y\n", NULL);
    g_assert_cmpuint(off->endpoints->len, ==, 0);
    notify_settings_unref(off);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/notify/events", test_events);
    g_test_add_func("/notify/endpoints", test_endpoints);
    return g_test_run();
}
