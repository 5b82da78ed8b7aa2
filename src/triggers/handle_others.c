/* Charts, packages, messages and plugins (triggers.md 9, 10, 12, 14), and fires of cron (5.1). Pure. */
#include "triggers/internal.h"
#include <string.h>

static const char *content_text(const Match *match, const char *key) {
    return json_get_string(event_content(match->event), key);
}

/* ---- charts ---- */
static char *helm_ignore(const Event *event) {
    static const char *const NEEDED[] = {"chart", "version", "digest"};
    for (gsize i = 0; i < G_N_ELEMENTS(NEEDED); i++) {
        const char *text = json_get_string(event_content(event), NEEDED[i]);
        if (text == NULL || *text == '\0')
            return g_strdup_printf("The event has no %s.", NEEDED[i]);
    }
    return NULL;
}

static gboolean helm_matches(const Match *match, TriggerDecision *why) {
    const char *wanted = json_get_string(match->trigger, "version"), *given = content_text(match, "version");
    if (wanted == NULL || *wanted == '\0' || semver_in_range(given, wanted))
        return TRUE;
    decision_set(why, DECISION_CONSTRAINT, "The chart's version \"%s\" is not in the range that the trigger wants: %s.", given, wanted);
    return FALSE;
}

static void helm_add(const Match *match, JsonBuilder *builder) {
    json_add_string(builder, "artifactName", content_text(match, "chart"));
    json_add_string(builder, "version", content_text(match, "version"));
    json_add_string(builder, "digest", content_text(match, "digest"));
}

static Json *helm_artifacts(const Match *match) {
    return json_pack("[{s:s, s:s, s:s, s:s, s:{s:s}}]", "type", "helm/chart", "name", content_text(match, "chart"), "version",
                     content_text(match, "version"), "reference", content_text(match, "account"), "metadata", "digest",
                     content_text(match, "digest"));
}

const TriggerHandler trigger_helm = {
    .event_type = "helm",
    .trigger_types = (const char *const[]){"helm", NULL},
    .keys = {{"account", "content.account"}},
    .ignore = helm_ignore,
    .matches = helm_matches,
    .add = helm_add,
    .artifacts = helm_artifacts,
};

/* ---- packages ---- */
static Json *package_artifacts(const Match *match) {
    const JsonValue *artifact = json_get(event_content(match->event), "artifact");
    return json_is_object(artifact) ? json_pack("[v]", artifact) : NULL;
}

const TriggerHandler trigger_artifactory = {
    .event_type = "artifactory",
    .trigger_types = (const char *const[]){"artifactory", NULL},
    .keys = {{"artifactorySearchName", "content.name"}},
    .artifacts = package_artifacts,
};
const TriggerHandler trigger_nexus = {
    .event_type = "nexus",
    .trigger_types = (const char *const[]){"nexus", NULL},
    .keys = {{"nexusSearchName", "content.name"}},
    .artifacts = package_artifacts,
};

/* ---- messages ---- */
static char *pubsub_ignore(const Event *event) {
    return json_is_object(event_payload(event)) ? NULL : g_strdup("The message is no JSON object.");
}

static gboolean pubsub_matches(const Match *match, TriggerDecision *why) {
    const JsonValue *attributes = event_at(match->event, "content.messageDescription.messageAttributes");
    if (attributes == NULL)
        attributes = event_at(match->event, "details.attributes");
    return constraints_hold(json_get(match->trigger, "payloadConstraints"), event_payload(match->event), FALSE, "payload", why) &&
           constraints_hold(json_get(match->trigger, "attributeConstraints"), attributes, FALSE, "attribute", why);
}

static gboolean is_blank(const char *text) {
    return text == NULL || strspn(text, " \t\r\n") == strlen(text);
}

static void pubsub_add(const Match *match, JsonBuilder *builder) {
    const JsonValue *payload = event_payload(match->event), *parameters = json_get(payload, "parameters");
    const char *link = json_get_string(payload, "link"), *text = json_get_string(payload, "linkText");
    g_autoptr(Json) none = json_empty_object();
    json_add_value(builder, "parameters", json_is_object(parameters) ? parameters : json_root(none));
    json_add_value(builder, "payload", payload);
    if (is_blank(link) || is_blank(text))
        return;
    json_add_string(builder, "link", link);
    json_add_string(builder, "linkText", text);
}

static Json *content_artifacts(const Match *match) {
    const JsonValue *artifacts = json_get(event_content(match->event), "artifacts");
    return json_is_array(artifacts) ? json_copy(artifacts) : NULL;
}

const TriggerHandler trigger_pubsub = {
    .event_type = "pubsub",
    .trigger_types = (const char *const[]){"pubsub", NULL},
    .keys = {{"pubsubSystem", "content.messageDescription.pubsubSystem", TRUE},
             {"subscriptionName", "content.messageDescription.subscriptionName", TRUE}},
    .ignore = pubsub_ignore,
    .matches = pubsub_matches,
    .add = pubsub_add,
    .artifacts = content_artifacts,
};

/* ---- plugins ---- */
#define PLUGIN_EVENT_DEFAULT "PUBLISHED"

static gboolean plugin_matches(const Match *match, TriggerDecision *why) {
    const char *wanted = json_get_string(match->trigger, "pluginEventType");
    const char *given = json_string(event_at(match->event, "details.attributes.pluginEventType"));
    wanted = wanted != NULL ? wanted : PLUGIN_EVENT_DEFAULT;
    given = given != NULL ? given : PLUGIN_EVENT_DEFAULT;
    if (g_ascii_strcasecmp(wanted, given) == 0)
        return TRUE;
    decision_set(why, DECISION_KEY_DIFFERS, "The trigger wants pluginEventType %s, the event's is %s.", wanted, given);
    return FALSE;
}

static void plugin_add(const Match *match, JsonBuilder *builder) {
    static const char *const COPIED[] = {"pluginId", "description",    "provider",  "version",  "releaseDate",
                                         "requires", "parsedRequires", "binaryUrl", "sha512sum"};
    for (gsize i = 0; i < G_N_ELEMENTS(COPIED); i++)
        json_add_value(builder, COPIED[i], json_get(event_content(match->event), COPIED[i]));
}

const TriggerHandler trigger_plugin = {
    .event_type = "plugin",
    .trigger_types = (const char *const[]){"plugin", NULL},
    .matches = plugin_matches,
    .add = plugin_add,
};

/* ---- cron: the scheduler's events name the trigger by its derived id, which stands in the trigger as "id" when it is matched ---- */
static void cron_add(const Match *match, JsonBuilder *builder) {
    static const char *const NOT_COPIED[] = {"expectedArtifactIds", "description", "payloadConstraints", "attributeConstraints", "user"};
    (void)match;
    for (gsize i = 0; i < G_N_ELEMENTS(NOT_COPIED); i++)
        json_add_null(builder, NOT_COPIED[i]);
}

const TriggerHandler trigger_cron = {
    .event_type = "scheduler",
    .trigger_types = (const char *const[]){"cron", NULL},
    .keys = {{"id", "content.triggerId"}},
    .own_check = TRUE,
    .add = cron_add,
};
