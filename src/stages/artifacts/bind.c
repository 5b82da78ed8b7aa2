/* Binding the artifacts that a stage produced to those it expects (engine.md 16.4, artifacts.md 5.4). Worker threads. */
#include "stages/artifacts/artifacts.h"
#include <string.h>

typedef struct {
    char **excluded;
} BindSettings;
static const Param bind_params[] = {
    {.name = "excludeKeysFromOutputs",
     .type = PARAM_STRINGS,
     .offset = offsetof(BindSettings, excluded),
     .help = "What a stage that produced artifacts does not publish to later stages: artifacts, resolvedExpectedArtifacts."},
    {0},
};
static const ConfigSection bind_section = {SERVICE_ORCA, "tasks.core.bindProducedArtifactsTask", bind_params, "Artifacts of stages."};
const ConfigSection *const artifact_config_sections[] = {&bind_section, NULL};

static void publish(TaskContext *context, const Json *both) {
    BindSettings settings = {0};
    g_autoptr(Config) config = services_config(context->services);
    config_read(config, &bind_section, &settings, NULL);
    for (JsonIter i = json_iter(json_root(both)); json_next(&i);)
        if (settings.excluded == NULL || !g_strv_contains((const char *const *)settings.excluded, i.key))
            task_set_output(context, i.key, i.value);
    params_clear(bind_params, &settings);
}

Status task_bind_artifacts(TaskContext *context, const JsonValue *expected, const JsonValue *visible, GError **error) {
    g_auto(ArtifactsResolved) bound = {0};
    if (!artifacts_bind(expected, visible, &bound, error))
        return STATUS_TERMINAL;
    g_autoptr(Json) both = json_pack("{s:j, s:j}", ARTIFACTS, bound.artifacts, RESOLVED_ARTIFACTS, bound.resolved);
    task_merge_context(context, json_root(both));
    publish(context, both);
    return STATUS_SUCCEEDED;
}

Status task_bind_produced_artifacts(TaskContext *context, GError **error) {
    const JsonValue *expected = json_get(json_root(context->stage->context), EXPECTED_ARTIFACTS);
    if (json_length(expected) == 0)
        return STATUS_SUCCEEDED;
    g_autoptr(Json) visible = stage_visible_artifacts(context->execution, context->stage);
    return task_bind_artifacts(context, expected, json_root(visible), error);
}

const TaskDefinition bind_produced_artifacts[] = {
    {.name = "bindProducedArtifacts", .run = task_bind_produced_artifacts, .no_io = TRUE},
    {0},
};
