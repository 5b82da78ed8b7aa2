/* Preconfigured webhooks as forms show them (stages.md 3.2). */
#include "api/internal.h"
#include "stages/webhook/webhook.h"

static void add_entry(JsonBuilder *list, const JsonValue *entry) {
    /* What a form may show: never where the call goes with which secret. */
    static const char *const SHOWN[] = {"type", "label", "description", "waitForCompletion", "signalCancellation", "parameters"};
    json_begin_object(list, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(SHOWN); i++)
        json_add_value(list, SHOWN[i], json_get(entry, SHOWN[i]));
    json_end_object(list);
}

static Json *preconfigured_get(ApiCall *call, GError **error) {
    g_autoptr(Config) config = services_config(call->services);
    g_auto(WebhookSettings) settings = {0};
    if (!webhook_settings_read(config, &settings, error))
        return NULL;
    g_autoptr(JsonBuilder) list = json_builder_new();
    json_begin_array(list, NULL);
    for (JsonIter i = json_iter(json_root(settings.preconfigured)); json_next(&i);)
        if (json_get_string(i.value, "type") != NULL && json_get_bool(i.value, "enabled", TRUE))
            add_entry(list, i.value);
    json_end_array(list);
    return json_builder_end(list);
}

static const Route routes[] = {
    {.method = "GET",
     .path = "/webhooks/preconfigured",
     .handler = preconfigured_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "Webhooks that the configuration describes."},
    {0},
};
const RouteTable preconfigured_webhook_routes = {"Preconfigured webhooks", routes};
