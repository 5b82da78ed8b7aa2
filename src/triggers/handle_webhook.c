/* Webhooks of any sender, and CDEvents (triggers.md 11.2, 11.4). Pure. */
#include "triggers/internal.h"
#include <string.h>

static gboolean webhook_matches(const Match *match, TriggerDecision *why) {
    const char *secret = json_get_string(match->trigger, "secret");
    if (secret != NULL && *secret != '\0' && !signature_is_good(match->event, secret, why))
        return FALSE;
    return constraints_hold(json_get(match->trigger, "payloadConstraints"), event_payload(match->event), TRUE, "payload", why);
}

static void webhook_add(const Match *match, JsonBuilder *builder) {
    const JsonValue *parameters = json_get(event_content(match->event), "parameters");
    if (parameters != NULL)
        json_add_value(builder, "parameters", parameters);
    else
        json_add_null(builder, "parameters");
    json_add_value(builder, "payload", event_payload(match->event));
}

static Json *content_artifacts(const Match *match) {
    const JsonValue *artifacts = json_get(event_content(match->event), "artifacts");
    return json_is_array(artifacts) ? json_copy(artifacts) : NULL;
}

const TriggerHandler trigger_webhook = {
    .event_type = "webhook",
    .trigger_types = (const char *const[]){"webhook", NULL},
    .keys = {{"source", "details.source"}},
    .matches = webhook_matches,
    .add = webhook_add,
    .artifacts = content_artifacts,
};

/* ---- CDEvents ---- */
/* A header's list of values contains the text; null: it is there. */
static gboolean attribute_holds(const Match *match, const char *key, const JsonValue *wanted, TriggerDecision *why) {
    const JsonValue *values = event_header_values(match->event, key);
    g_autofree char *text = json_as_text(wanted);
    for (JsonIter i = json_iter(json_is_array(values) ? values : NULL); json_next(&i);)
        if (text == NULL || g_strcmp0(json_string(i.value), text) == 0)
            return TRUE;
    if (values != NULL && (text == NULL || g_strcmp0(json_string(values), text) == 0))
        return TRUE;
    const char *given = event_header(match->event, key);
    decision_set(why, DECISION_CONSTRAINT,
                 "The constraint on attribute \"%s\" does not hold: the event's header is \"%s\", wanted is \"%s\".", key,
                 given != NULL ? given : "", text != NULL ? text : "");
    return FALSE;
}

static gboolean cdevents_matches(const Match *match, TriggerDecision *why) {
    const JsonValue *attributes = json_get(match->trigger, "attributeConstraints");
    for (JsonIter i = json_iter(json_is_object(attributes) ? attributes : NULL); json_next(&i);)
        if (!attribute_holds(match, i.key, i.value, why))
            return FALSE;
    return constraints_hold(json_get(match->trigger, "payloadConstraints"), event_payload(match->event), TRUE, "payload", why);
}

const TriggerHandler trigger_cdevents = {
    .event_type = "cdevents",
    .trigger_types = (const char *const[]){"cdevents", NULL},
    .keys = {{"source", "details.source"}},
    .matches = cdevents_matches,
    .add = webhook_add,
    .artifacts = content_artifacts,
};
