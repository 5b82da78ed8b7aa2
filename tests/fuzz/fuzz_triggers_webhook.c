/* Bodies of webhooks from anybody: each becomes an event, nothing, or an error; what is made of it can be matched with any trigger. The
 * first byte chooses the sender. */
#include "triggers/internal.h"
#include "triggers/webhook.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static const struct {
    const char *type, *source;
} SENDERS[] = {
    {"git", "github"},   {"git", "gitlab"}, {"git", "bitbucket"},          {"git", "stash"},     {"webhook", "dockerhub"},
    {"webhook", "quay"}, {"webhook", "s"},  {"webhook", "dockerregistry"}, {"webhook", "nexus"}, {"cdevents", "s"},
};
static const char TRIGGERS[] =
    "[{\"type\":\"git\",\"enabled\":true,\"source\":\"github\",\"project\":\"acme\",\"slug\":\"web\",\"branch\":\"m.*\"},"
    "{\"type\":\"webhook\",\"enabled\":true,\"source\":\"s\",\"payloadConstraints\":{\"a\":\"b\",\"$..c[?(@.d)]\":\"e\"}},"
    "{\"type\":\"cdevents\",\"enabled\":true,\"source\":\"s\",\"attributeConstraints\":{\"ce-type\":\"t\"}}]";

static void match_all(const Event *event) {
    g_autoptr(Json) triggers = json_parse(TRIGGERS, -1, NULL);
    TriggerSettings settings = {0};
    const TriggerHandler *handler = trigger_handler_of_event(event->type);
    for (JsonIter i = json_iter(json_root(triggers)); json_next(&i);) {
        Match match = {.event = event, .trigger = i.value, .settings = &settings};
        g_auto(TriggerDecision) why = {0};
        if (!trigger_matches(handler, &match, &why)) {
            g_assert_nonnull(why.message);
            continue;
        }
        g_autoptr(Json) built = trigger_build_run_time(handler, &match, "id");
        g_autoptr(Json) artifacts = handler->artifacts(&match);
        g_assert_true(json_is_object(json_root(built)) && (artifacts == NULL || json_is_array(json_root(artifacts))));
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    if (size < 1)
        return 0;
    g_autoptr(Json) body = json_parse_limited((const char *)data + 1, (gssize)size - 1, 1 << 20, NULL);
    g_autoptr(Json) headers = json_pack("{s:[s], s:s}", "x-event-key", data[0] & 128 ? "pr:merged" : "repo:push", "Ce-Type", "t");
    gsize sender = (data[0] & 127) % G_N_ELEMENTS(SENDERS);
    WebhookRequest request = {
        .type = SENDERS[sender].type, .source = SENDERS[sender].source, .headers = json_root(headers), .body = json_root(body)};
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) envelope = webhook_envelope(&request, &error);
    g_assert_true(envelope == NULL || error == NULL);
    if (envelope == NULL)
        return 0;
    g_autoptr(Event) event = event_new(&(TriggerEvent){.envelope = json_root(envelope)}, 1, NULL);
    g_assert_nonnull(event);
    G_GNUC_UNUSED g_autofree char *kept = event_text_to_keep(event);
    match_all(event);
    return 0;
}
