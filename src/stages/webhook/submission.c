/* Types of preconfigured webhooks in a submitted pipeline (stages.md 3.2): a stage that names one is run by `preconfiguredWebhook`, with or
 * without the alias that Deck stores. On the thread of whoever starts it. */
#include "stages/webhook/webhook.h"

static gboolean is_ours(const WebhookSettings *settings, const JsonValue *stage) {
    const char *type = json_get_string(stage, "type");
    return type != NULL && json_get_string(stage, "alias") == NULL && webhook_preconfigured(settings, type) != NULL &&
           stage_types_find(&stage_types, type) == NULL;
}

Json *webhook_submission_step(Services *services, const JsonValue *pipeline, const Submission *submission, GError **error) {
    (void)submission;
    g_autoptr(Config) config = services_config(services);
    g_auto(WebhookSettings) settings = {0};
    if (!webhook_settings_read(config, &settings, error))
        return NULL;
    const JsonValue *stages = json_get(pipeline, "stages");
    if (json_length(json_root(settings.preconfigured)) == 0 || !json_is_array(stages))
        return NULL;
    gboolean any = FALSE;
    g_autoptr(JsonBuilder) list = json_builder_new();
    json_begin_array(list, NULL);
    for (JsonIter i = json_iter(stages); json_next(&i);) {
        g_autoptr(Json) named = is_ours(&settings, i.value) ? json_with_string(i.value, "alias", PRECONFIGURED_ALIAS) : NULL;
        any = any || named != NULL;
        json_add_value(list, NULL, named != NULL ? json_root(named) : i.value);
    }
    json_end_array(list);
    g_autoptr(Json) changed = json_builder_end(list);
    return any ? json_with(pipeline, "stages", json_root(changed)) : NULL;
}
