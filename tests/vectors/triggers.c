/* Trigger vectors: one function per op, which makes of what is given what the case expects. A slice of the program adds its ops to the
 * table. */
#include "artifacts/match.h"
#include "artifacts/resolve.h"
#include "auth/authorize.h"
#include "base/clock.h"
#include "cases.h"
#include "triggers/internal.h"
#include "triggers/quartz.h"
#include "triggers/webhook.h"
#include <string.h>

/* NULL: what is given makes no sense. */
typedef Json *(*OpRun)(const JsonValue *given);
typedef gboolean (*OpFits)(const JsonValue *expected, const JsonValue *actual);

/* ---- artifacts ---- */
static Json *run_match_artifact(const JsonValue *given) {
    const JsonValue *match = json_dig(given, "expectedArtifact", "matchArtifact", NULL);
    return json_pack("{s:b}", "matches", artifact_matches(match, json_get(given, "artifact")));
}

static Json *bound_by_id(const Json *resolved) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (JsonIter i = json_iter(json_root(resolved)); json_next(&i);)
        json_add_value(builder, json_get_string(i.value, "id"), json_get(i.value, "boundArtifact"));
    json_end_object(builder);
    return json_builder_end(builder);
}

static Json *run_resolve_artifacts(const JsonValue *given) {
    static const char *const ERRORS[] = {
        [ARTIFACTS_BOUND] = "", [ARTIFACTS_MULTIPLE] = "multiple", [ARTIFACTS_UNMATCHED] = "unmatched", [ARTIFACTS_TOO_MANY] = "limit"};
    const ArtifactSources sources = {
        .expected = json_get(given, "expectedArtifacts"),
        .expected_ids = json_get(given, "expectedArtifactIds"),
        .received = json_get(given, "receivedArtifacts"),
        .triggered = json_get(given, "triggerArtifacts"),
        .prior = json_get(given, "priorArtifacts"),
    };
    g_auto(ArtifactsResolved) resolved = {0};
    if (!artifacts_resolve(&sources, &resolved, NULL))
        return json_pack("{s:s}", "error", ERRORS[resolved.outcome]);
    g_autoptr(Json) bound = bound_by_id(resolved.resolved);
    return json_pack("{s:j, s:j}", "bound", bound, "artifacts", resolved.artifacts);
}

static gboolean same_artifact(const JsonValue *expected, const JsonValue *actual) {
    g_autoptr(Json) wanted = artifact_canonical(expected);
    return json_is_object(actual) && artifact_equal(json_root(wanted), actual);
}

static gboolean fits_resolved(const JsonValue *expected, const JsonValue *actual) {
    const JsonValue *artifacts = json_get(expected, "artifacts"), *bound = json_get(expected, "bound");
    if (json_get(expected, "error") != NULL || json_get(actual, "error") != NULL)
        return cases_equal(expected, actual);
    gboolean fits = json_length(artifacts) == json_length(json_get(actual, "artifacts")) || artifacts == NULL;
    for (JsonIter i = json_iter(artifacts); fits && json_next(&i);)
        fits = same_artifact(i.value, json_at(json_get(actual, "artifacts"), i.index));
    fits = fits && json_length(bound) == json_length(json_get(actual, "bound"));
    for (JsonIter i = json_iter(bound); fits && json_next(&i);)
        fits = same_artifact(i.value, json_get(json_get(actual, "bound"), i.key));
    return fits;
}

/* ---- cron ---- */
static Json *run_cron_valid(const JsonValue *given) {
    g_autoptr(Quartz) quartz = quartz_parse(json_get_string(given, "expression"), NULL, NULL);
    return json_pack("{s:b}", "valid", quartz != NULL);
}

static Json *run_cron_next(const JsonValue *given) {
    g_autoptr(Quartz) quartz = quartz_parse(json_get_string(given, "expression"), json_get_string(given, "triggerId"), NULL);
    GTimeZone *zone = g_time_zone_new_identifier(json_get_string(given, "timezone"));
    if (quartz == NULL || zone == NULL)
        return NULL;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_begin_array(builder, "times");
    gint64 at = clock_parse_iso8601(json_get_string(given, "after"));
    for (gint64 left = json_get_int(given, "count", 1); left > 0 && at >= 0; left--) {
        at = quartz_next(quartz, zone, at);
        g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(at / 1000);
        g_autofree char *text = at >= 0 ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : NULL;
        if (text != NULL)
            json_add_string(builder, NULL, text);
        else
            json_add_null(builder, NULL);
    }
    json_end_array(builder);
    json_end_object(builder);
    g_time_zone_unref(zone);
    return json_builder_end(builder);
}

/* ---- events ---- */
static gboolean event_matches(const Match *match) {
    const TriggerHandler *handler = trigger_handler_of_event(match->event->type);
    g_auto(TriggerDecision) why = {0};
    g_autofree char *ignored = handler != NULL && handler->ignore != NULL ? handler->ignore(match->event) : NULL;
    if (handler == NULL || ignored != NULL || !trigger_matches(handler, match, &why))
        return FALSE;
    g_autoptr(Json) artifacts = handler->artifacts != NULL ? handler->artifacts(match) : NULL;
    return handler->own_check ||
           trigger_artifacts_match(match->trigger, json_get(match->pipeline, "expectedArtifacts"), json_root(artifacts), &why);
}

static Json *run_match_trigger(const JsonValue *given) {
    TriggerSettings settings = {.git_secret = (char *)json_get_string(given, "gitSharedSecret")};
    g_autoptr(Event) event = event_new(&(TriggerEvent){.envelope = json_get(given, "event")}, 1, NULL);
    if (event == NULL)
        return NULL;
    Match match = {.event = event,
                   .trigger = json_get(given, "trigger"),
                   .pipeline = json_get(given, "pipeline"),
                   .settings = &settings,
                   .build_properties = json_get(given, "buildProperties")};
    return json_pack("{s:b}", "matches", event_matches(&match));
}

static Json *run_parse_webhook(const JsonValue *given) {
    WebhookRequest request = {.type = json_get_string(given, "type"),
                              .source = json_get_string(given, "source"),
                              .headers = json_get(given, "headers"),
                              .body = json_get(given, "body")};
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) envelope = webhook_envelope(&request, &error);
    if (error != NULL)
        return json_pack("{s:s}", "error", error->message);
    const JsonValue *content = json_get(json_root(envelope), "content");
    return json_pack("{s:b, s:v, s:v}", "eventProcessed", envelope != NULL, "content", content, "artifacts",
                     json_get(content, "artifacts"));
}

static gboolean is_part(const JsonValue *expected, const JsonValue *actual) {
    gboolean fits = TRUE;
    for (JsonIter i = json_iter(expected); fits && json_next(&i);)
        fits = json_equal(i.value, json_get(actual, i.key));
    return fits;
}

/* Artifacts in any order, and of each only the members that are listed. */
static gboolean fits_webhook(const JsonValue *expected, const JsonValue *actual) {
    const JsonValue *artifacts = json_get(expected, "artifacts"), *found = json_get(actual, "artifacts");
    gboolean fits = json_equal(json_get(expected, "eventProcessed"), json_get(actual, "eventProcessed")) &&
                    is_part(json_get(expected, "content"), json_get(actual, "content")) &&
                    (artifacts == NULL || json_length(artifacts) == json_length(found));
    for (JsonIter i = json_iter(artifacts); fits && json_next(&i);) {
        fits = FALSE;
        for (JsonIter f = json_iter(found); !fits && json_next(&f);)
            fits = is_part(i.value, f.value);
    }
    return fits;
}

/* ---- cases ---- */
/* ---- authorization ---- */
static Json *run_authorize(const JsonValue *given) {
    return json_pack("{s:b}", "allowed",
                     authorize(json_get(given, "config"), json_get(given, "user"), json_get(given, "resources"), json_get(given, "check")));
}

static const struct {
    const char *op;
    OpRun run;
    OpFits fits; /* NULL: equal */
} ops[] = {
    {"authorize", run_authorize, NULL},
    {"cron-next", run_cron_next, NULL},
    {"cron-valid", run_cron_valid, NULL},
    {"match-artifact", run_match_artifact, NULL},
    {"match-trigger", run_match_trigger, NULL},
    {"parse-webhook", run_parse_webhook, fits_webhook},
    {"resolve-artifacts", run_resolve_artifacts, fits_resolved},
};

static void run_case(const JsonValue *test, VectorsResult *result) {
    const char *op = json_get_string(test, "op");
    const JsonValue *expected = json_get(test, "expect");
    g_autoptr(Json) actual = NULL;
    OpFits fits = cases_equal;
    for (gsize i = 0; i < G_N_ELEMENTS(ops); i++) {
        if (g_strcmp0(ops[i].op, op) != 0)
            continue;
        actual = ops[i].run(json_get(test, "given"));
        fits = ops[i].fits != NULL ? ops[i].fits : cases_equal;
    }
    if (actual == NULL)
        actual = json_pack("{s:s}", "error", "no such op");
    cases_count(test, fits(expected, json_root(actual)), expected, json_root(actual), result);
}

gboolean vectors_triggers(const char *path, VectorsResult *result, GError **error) {
    const JsonValue *cases;
    g_autoptr(Json) json = cases_load(path, "vectors", &cases, error);
    if (json == NULL)
        return FALSE;
    for (JsonIter i = json_iter(cases); json_next(&i);)
        run_case(i.value, result);
    return TRUE;
}
