/* The image of a deployment out of artifacts (stages.md 10, engine.md 16.4). Worker threads. */
#include "stages/artifacts/artifacts.h"
#include "stages/deploy/deployment.h"
#include <string.h>

gboolean image_is_given_as_artifact(const Stage *stage) {
    const JsonValue *own = deploy_context(stage);
    return json_get_string(own, "imageArtifactId") != NULL || json_is_object(json_get(own, "imageArtifact")) ||
           g_strcmp0(json_get_string(own, "imageSource"), "artifact") == 0;
}

char *image_given_as_artifact(TaskContext *context, GError **error) {
    const JsonValue *own = deploy_context(context->stage);
    const ArtifactInput input = {
        .input = "imageArtifact", .id = json_get_string(own, "imageArtifactId"), .artifact = json_get(own, "imageArtifact")};
    g_autoptr(Json) artifact = task_artifact_input(context, &input, error);
    const char *reference = json_get_string(json_root(artifact), "reference");
    if (artifact != NULL && reference == NULL)
        error_set(error, ERR_INVALID, "imageArtifact: the artifact %s has no reference", json_get_string(json_root(artifact), "name"));
    return g_strdup(reference);
}

/* An artifact without a location is good anywhere. */
static const char *fitting(const JsonValue *bound, const char *region, const char *type) {
    const char *where = json_get_string(bound, "location");
    gboolean here = where == NULL || *where == '\0' || strcmp(where, region) == 0;
    return here && g_strcmp0(json_get_string(bound, "type"), type) == 0 ? json_get_string(bound, "reference") : NULL;
}

char *image_of_bound_artifact(const Execution *execution, const Stage *stage, const char *region, const char *cloud) {
    g_autofree char *type = g_strconcat(cloud, "/image", NULL);
    g_autoptr(GPtrArray) lists = stage_get_all(execution, stage, RESOLVED_ARTIFACTS);
    for (guint i = 0; i < lists->len; i++)
        for (JsonIter e = json_iter(json_is_array(lists->pdata[i]) ? lists->pdata[i] : NULL); json_next(&e);) {
            const char *reference = fitting(json_get(e.value, "boundArtifact"), region, type);
            if (reference != NULL)
                return g_strdup(reference);
        }
    return NULL;
}
