/* From a region's stage to the request of the bakery. Pure. */
#include "bake/stage.h"
#include "base/ids.h"
#include "stages/artifacts/artifacts.h"
#include <string.h>

/* Keys of stages, of the engine and of this stage's outcome: no input of a bake. */
static const char *const NOT_PASSED_ON[] = {"name",
                                            "type",
                                            "refId",
                                            "requisiteStageRefIds",
                                            "regions",
                                            "region",
                                            "status",
                                            "previouslyBaked",
                                            "bakePackageName",
                                            "exception",
                                            "artifacts",
                                            "expectedArtifacts",
                                            "resolvedExpectedArtifacts",
                                            "notifications",
                                            "sendNotifications",
                                            "rebake",
                                            "account",
                                            "accountName",
                                            "user",
                                            "package",
                                            "cloudProvider",
                                            "ami",
                                            "imageId",
                                            "imageName",
                                            "baseAmiId",
                                            "buildInfo",
                                            "stageEnabled",
                                            "packageArtifactIds",
                                            "skipRegionDetection",
                                            "overrideTimeout",
                                            "stageTimeoutMs",
                                            "completeOtherBranchesThenFail",
                                            "continuePipeline",
                                            "failPipeline",
                                            "buildInfoUrl",
                                            "buildHost",
                                            "job",
                                            "buildNumber",
                                            "commitHash",
                                            NULL};
static const char *const KNOWN[] = {"baseOs",
                                    "baseLabel",
                                    "baseAmi",
                                    "baseName",
                                    "vmType",
                                    "storeType",
                                    "enhancedNetworking",
                                    "amiName",
                                    "amiSuffix",
                                    "upgrade",
                                    "instanceType",
                                    "templateFileName",
                                    "extendedAttributes",
                                    "varFileName",
                                    "cloudProviderType",
                                    "packageArtifacts",
                                    "organization",
                                    "osType",
                                    "packageType",
                                    NULL};

static char *snake_case(const char *key) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (const char *c = key; *c != '\0'; c++) {
        if (g_ascii_isupper(*c) && c != key)
            g_string_append_c(text, '_');
        g_string_append_c(text, g_ascii_tolower(*c));
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static gboolean is_passed_on(const BakeRequestFacts *facts, const char *key, const JsonValue *value) {
    const char *store = json_get_string(json_root(facts->stage->context), "storeType");
    if (strcmp(key, "baseOs") == 0 && g_strcmp0(store, "docker") == 0)
        return FALSE;
    if (strcmp(key, "baseName") == 0 && (json_string(value) == NULL || json_string(value)[0] == '\0'))
        return FALSE;
    if (g_strv_contains(KNOWN, key))
        return TRUE;
    return facts->settings->unknown_keys && key[0] != '_' && !g_strv_contains(NOT_PASSED_ON, key);
}

static void add_package_artifacts(const BakeRequestFacts *facts, JsonBuilder *builder) {
    const JsonValue *context = json_root(facts->stage->context), *ids = json_get(context, "packageArtifactIds");
    if (json_length(ids) == 0)
        return;
    json_begin_array(builder, "package_artifacts");
    for (JsonIter i = json_iter(json_get(context, "packageArtifacts")); json_next(&i);)
        json_add_value(builder, NULL, i.value);
    for (JsonIter i = json_iter(ids); json_next(&i);) {
        const char *id = json_string(i.value);
        g_autoptr(Json) bound = id != NULL ? stage_bound_artifact(facts->execution, facts->stage, id) : NULL;
        if (bound != NULL)
            json_add_json(builder, NULL, bound);
    }
    json_end_array(builder);
}

static void add_facts(const BakeRequestFacts *facts, JsonBuilder *builder) {
    const JsonValue *context = json_root(facts->stage->context);
    const char *account = json_get_string(context, "account");
    g_autofree char *attempt = g_strdup_printf("%u", facts->stage->attempt);
    g_autofree char *id = id_from_parts("bake", facts->execution->id, facts->stage->id, attempt, NULL);
    json_add_string(builder, "request_id", id);
    json_add_string(builder, "user", facts->user);
    json_add_string(builder, "package", facts->packages);
    json_add_string(builder, "package_type", facts->package_type);
    json_add_string(builder, "cloud_provider_type", bake_stage_cloud(facts->stage));
    json_add_string(builder, "account_name", account != NULL ? account : json_get_string(context, "accountName"));
    json_add_string(builder, "spinnaker_execution_id", facts->execution->id);
    json_add_string(builder, "build_info_url", facts->build->url);
    json_add_string(builder, "build_host", facts->build->host);
    json_add_string(builder, "job", facts->build->job);
    json_add_string(builder, "build_number", facts->build->number);
    json_add_string(builder, "commit_hash", facts->build->commit);
}

Json *bake_stage_request(const BakeRequestFacts *facts) {
    g_autoptr(JsonBuilder) given = json_builder_new(), known = json_builder_new();
    json_begin_object(given, NULL);
    for (JsonIter i = json_iter(json_root(facts->stage->context)); json_next(&i);)
        if (is_passed_on(facts, i.key, i.value)) {
            g_autofree char *name = snake_case(i.key);
            json_add_value(given, name, i.value);
        }
    json_end_object(given);
    json_begin_object(known, NULL);
    add_facts(facts, known);
    add_package_artifacts(facts, known);
    json_end_object(known);
    g_autoptr(Json) base = json_builder_end(given), over = json_builder_end(known);
    return json_merge(json_root(base), json_root(over));
}
