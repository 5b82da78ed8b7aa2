/* What kinds of events there are, how a trigger is matched with one, and what the execution's trigger is made of (triggers.md 1.1,
 * 1.3, 3). Pure. */
#include "triggers/internal.h"
#include <string.h>

const TriggerHandler *const trigger_handlers[] = {
    &trigger_webhook,  &trigger_git,  &trigger_pipeline,    &trigger_cron,  &trigger_cdevents, &trigger_build,  &trigger_docker,
    &trigger_helm_oci, &trigger_helm, &trigger_artifactory, &trigger_nexus, &trigger_pubsub,   &trigger_plugin, NULL,
};

const TriggerHandler *trigger_handler_of_event(const char *event_type) {
    for (gsize i = 0; trigger_handlers[i] != NULL; i++)
        if (g_ascii_strcasecmp(trigger_handlers[i]->event_type, event_type) == 0)
            return trigger_handlers[i];
    return NULL;
}

const TriggerHandler *trigger_handler_of_trigger(const char *trigger_type) {
    for (gsize i = 0; trigger_handlers[i] != NULL; i++)
        if (g_strv_contains(trigger_handlers[i]->trigger_types, trigger_type))
            return trigger_handlers[i];
    return NULL;
}

gboolean triggers_type_exists(const char *type) {
    return strcmp(type, "manual") == 0 || trigger_handler_of_trigger(type) != NULL;
}

/* ---- decisions ---- */
static const char *const REASONS[] = {
    [DECISION_STARTED] = "STARTED",
    [DECISION_FAILED_AT_START] = "FAILED_AT_START",
    [DECISION_PIPELINE_DISABLED] = "PIPELINE_DISABLED",
    [DECISION_TRIGGER_DISABLED] = "TRIGGER_DISABLED",
    [DECISION_TRIGGER_INVALID] = "TRIGGER_INVALID",
    [DECISION_KEY_DIFFERS] = "KEY_DIFFERS",
    [DECISION_CONSTRAINT] = "CONSTRAINT",
    [DECISION_SIGNATURE] = "SIGNATURE",
    [DECISION_ARTIFACT] = "ARTIFACT",
    [DECISION_NOT_PERMITTED] = "NOT_PERMITTED",
    [DECISION_QUIET_PERIOD] = "QUIET_PERIOD",
    [DECISION_DUPLICATE] = "DUPLICATE",
    [DECISION_STARTS_DISABLED] = "STARTS_DISABLED",
    [DECISION_REFUSED] = "REFUSED",
    [DECISION_UNAVAILABLE] = "UNAVAILABLE",
    [DECISION_MISSED] = "MISSED",
};

const char *decision_reason_name(DecisionReason reason) {
    return REASONS[reason];
}

void decision_set(TriggerDecision *decision, DecisionReason reason, const char *format, ...) {
    va_list values;
    va_start(values, format);
    g_free(decision->message);
    decision->reason = reason;
    decision->message = g_strdup_vprintf(format, values);
    va_end(values);
}

void trigger_decision_clear(TriggerDecision *decision) {
    g_clear_pointer(&decision->message, g_free);
    g_clear_pointer(&decision->execution_id, g_free);
}

/* ---- matching ---- */
static gboolean has_keys(const TriggerHandler *handler, const JsonValue *trigger, TriggerDecision *why) {
    for (const MatchKey *key = handler->keys; key->trigger != NULL; key++) {
        g_autofree char *value = json_as_text(json_get(trigger, key->trigger));
        if (value != NULL && *value != '\0')
            continue;
        decision_set(why, DECISION_TRIGGER_INVALID, "The trigger has no %s, which a trigger of type %s needs.", key->trigger,
                     json_get_string(trigger, "type"));
        return FALSE;
    }
    return TRUE;
}

char *trigger_problem(const TriggerHandler *handler, const JsonValue *trigger) {
    g_auto(TriggerDecision) why = {0};
    const char *type = json_get_string(trigger, "type");
    if (handler == NULL && type == NULL)
        return g_strdup("The trigger has no type.");
    if (handler == NULL)
        return g_strdup_printf("No event starts triggers of type \"%s\": it is not known here.", type);
    return has_keys(handler, trigger, &why) ? NULL : g_steal_pointer(&why.message);
}

static gboolean keys_equal(const TriggerHandler *handler, const Match *match, TriggerDecision *why) {
    for (const MatchKey *key = handler->keys; key->trigger != NULL; key++) {
        g_autofree char *wanted = json_as_text(json_get(match->trigger, key->trigger));
        g_autofree char *given = json_as_text(event_at(match->event, key->event));
        if (given != NULL && (key->fold ? g_ascii_strcasecmp(wanted, given) == 0 : strcmp(wanted, given) == 0))
            continue;
        decision_set(why, DECISION_KEY_DIFFERS, "The trigger wants %s \"%s\", the event's is \"%s\".", key->trigger, wanted,
                     given != NULL ? given : "");
        return FALSE;
    }
    return TRUE;
}

gboolean trigger_matches(const TriggerHandler *handler, const Match *match, TriggerDecision *why) {
    const char *type = json_get_string(match->trigger, "type");
    if (type == NULL || !g_strv_contains(handler->trigger_types, type)) {
        decision_set(why, DECISION_KEY_DIFFERS, "The trigger is of type %s, the event is for others.", type != NULL ? type : "none");
        return FALSE;
    }
    if (json_is_true(json_get(match->pipeline, "disabled"))) {
        decision_set(why, DECISION_PIPELINE_DISABLED, "The pipeline is disabled.");
        return FALSE;
    }
    if (!json_get_bool(match->trigger, "enabled", FALSE)) {
        decision_set(why, DECISION_TRIGGER_DISABLED, "The trigger is disabled.");
        return FALSE;
    }
    return has_keys(handler, match->trigger, why) && keys_equal(handler, match, why) &&
           (handler->matches == NULL || handler->matches(match, why));
}

/* ---- the trigger of the execution ---- */
/* What eventing knows of a trigger (triggers.md 1.1); the rest is the user interface's. The secret stays in the pipeline. */
static const char *const KNOWN[] = {"id",
                                    "type",
                                    "parentPipelineId",
                                    "parentPipelineApplication",
                                    "application",
                                    "pipeline",
                                    "correlationId",
                                    "executionId",
                                    "project",
                                    "slug",
                                    "source",
                                    "branch",
                                    "events",
                                    "master",
                                    "job",
                                    "propertyFile",
                                    "cronExpression",
                                    "subscriptionName",
                                    "pubsubSystem",
                                    "account",
                                    "organization",
                                    "registry",
                                    "repository",
                                    "tag",
                                    "payloadConstraints",
                                    "attributeConstraints",
                                    "status",
                                    "user",
                                    "artifactorySearchName",
                                    "nexusSearchName",
                                    "expectedArtifactIds",
                                    "pluginEventType",
                                    "pluginId",
                                    "description",
                                    "provider",
                                    "version",
                                    "releaseDate",
                                    "requires",
                                    "parsedRequires",
                                    "binaryUrl",
                                    "sha512sum",
                                    "artifactName",
                                    "buildNumber",
                                    "hash",
                                    "buildInfo",
                                    "properties",
                                    "parameters",
                                    "payload",
                                    "runAsUser",
                                    "digest",
                                    "action",
                                    "notifications",
                                    "artifacts",
                                    "eventId",
                                    "lastSuccessfulExecution",
                                    "link",
                                    "linkText",
                                    NULL};
static const char *const SWITCHES[] = {"enabled", "preferred", "rebake", "dryRun", NULL};

static Json *known_members(const JsonValue *trigger, const char *trigger_id) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (JsonIter i = json_iter(trigger); json_next(&i);)
        if (g_strv_contains(KNOWN, i.key) && !json_is_null(i.value) && strcmp(i.key, "id") != 0)
            json_add_value(builder, i.key, i.value);
    json_add_string(builder, "id", trigger_id);
    for (gsize i = 0; SWITCHES[i] != NULL; i++)
        json_add_bool(builder, SWITCHES[i], json_get_bool(trigger, SWITCHES[i], FALSE));
    json_end_object(builder);
    return json_builder_end(builder);
}

static Json *built(const TriggerHandler *handler, const Match *match) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    handler->build(match, builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

Json *trigger_build_run_time(const TriggerHandler *handler, const Match *match, const char *trigger_id) {
    if (handler->build != NULL)
        return built(handler, match);
    g_autoptr(Json) known = known_members(match->trigger, trigger_id);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "eventId", match->event->id);
    if (handler->add != NULL)
        handler->add(match, builder);
    json_end_object(builder);
    g_autoptr(Json) own = json_builder_end(builder);
    g_autoptr(Json) whole = json_merge(json_root(known), json_root(own));
    return json_without_nulls(json_root(whole));
}
