/* Artifacts at the start of a pipeline (engine.md 16.4, artifacts.md 5.2). On the thread of whoever starts it. */
#include "stages/artifacts/artifacts.h"

/* The execution before this one, or NULL without *error. */
static Execution *load_prior(Services *services, const char *config_id, GError **error) {
    g_autoptr(GError) failure = NULL;
    g_autofree char *id = config_id != NULL ? execution_latest(services->store, config_id, NULL, &failure) : NULL;
    g_autoptr(Execution) prior = id != NULL ? engine_load(services->engine, id, &failure) : NULL;
    if (failure != NULL && error_code(failure) != ERR_NOT_FOUND)
        g_propagate_prefixed_error(error, g_steal_pointer(&failure), "look up the artifacts of the execution before: ");
    return g_steal_pointer(&prior);
}

static Json *with_trigger(const JsonValue *pipeline, const JsonValue *trigger, const ArtifactsResolved *resolved) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    if (resolved->artifacts != NULL) {
        json_add_json(builder, ARTIFACTS, resolved->artifacts);
        json_add_json(builder, EXPECTED_ARTIFACTS, resolved->resolved);
        json_add_json(builder, RESOLVED_ARTIFACTS, resolved->resolved);
    }
    if (json_length(json_get(json_root(resolved->trace), "expected")) > 0)
        json_add_json(builder, ARTIFACT_TRACE_KEY, resolved->trace);
    json_end_object(builder);
    g_autoptr(Json) members = json_builder_end(builder);
    g_autoptr(Json) whole = json_merge(trigger, json_root(members));
    return json_with(pipeline, "trigger", json_root(whole));
}

static gboolean has_any(const JsonValue *pipeline, const JsonValue *trigger) {
    return json_length(json_get(pipeline, EXPECTED_ARTIFACTS)) > 0 || json_length(json_get(pipeline, "receivedArtifacts")) > 0 ||
           json_length(json_get(trigger, ARTIFACTS)) > 0;
}

Json *artifacts_prepare_pipeline(Services *services, const JsonValue *pipeline, const Submission *submission, GError **error) {
    const JsonValue *trigger = json_get(pipeline, "trigger"), *expected = json_get(pipeline, EXPECTED_ARTIFACTS);
    if ((submission->planning && !submission->resolve_artifacts) || !has_any(pipeline, trigger))
        return NULL;
    g_autoptr(GError) failure = NULL;
    g_autoptr(Execution) prior = NULL;
    if (artifacts_want_prior(expected))
        prior = load_prior(services, json_get_string(pipeline, "id"), &failure);
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    g_autoptr(Json) before = prior != NULL ? execution_artifacts(prior, NULL) : NULL;
    const ArtifactSources sources = {
        .expected = expected,
        .expected_ids = json_get(trigger, "expectedArtifactIds"),
        .received = json_get(pipeline, "receivedArtifacts"),
        .triggered = json_get(trigger, ARTIFACTS),
        .prior = json_root(before),
        .prior_id = prior != NULL ? prior->id : NULL,
    };
    g_auto(ArtifactsResolved) resolved = {0};
    artifacts_resolve(&sources, &resolved, error);
    return with_trigger(pipeline, trigger, &resolved);
}
