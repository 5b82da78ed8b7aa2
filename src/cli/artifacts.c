/* `execution artifacts`: how the artifacts of an execution were chosen. */
#include "cli/client.h"
#include "cli/output.h"
#include <string.h>

static char *make_expected(const JsonValue *expected) {
    const char *name = json_get_string(expected, "displayName");
    return g_strdup(name != NULL && *name != '\0' ? name : json_get_string(expected, "id"));
}

static char *make_artifact(const JsonValue *expected) {
    const JsonValue *artifact = json_get(expected, "artifact");
    const char *reference = json_get_string(artifact, "reference"), *name = json_get_string(artifact, "name");
    return g_strdup(reference != NULL ? reference : name);
}

static const Column expected_columns[] = {
    {.title = "EXPECTED", .make = make_expected},
    {.title = "OUTCOME", .path = "outcome"},
    {.title = "ARTIFACT", .make = make_artifact},
    {.title = "WHY", .path = "sentence"},
    {0},
};
static const Column artifact_columns[] = {
    {.title = "TYPE", .path = "type"},         {.title = "NAME", .path = "name"},           {.title = "VERSION", .path = "version"},
    {.title = "LOCATION", .path = "location"}, {.title = "REFERENCE", .path = "reference"}, {0},
};

static int run_artifacts(Invocation *call, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    g_autoptr(Json) trace = client != NULL
                                ? client_get(client, error, "/pipelines/{}/artifacts/trace", invocation_argument(call, "EXECUTION"), NULL)
                                : NULL;
    if (trace == NULL)
        return 1;
    if (!output_is_table(call))
        return output_list(call, json_root(trace), expected_columns, error);
    const JsonValue *expected = json_get(json_root(trace), "expected");
    int code = json_length(expected) > 0 ? output_list(call, expected, expected_columns, error) : 0;
    return code != 0 ? code : output_list(call, json_get(json_root(trace), "artifacts"), artifact_columns, error);
}

const Command artifact_commands[] = {
    {.group = "execution",
     .verb = "artifacts",
     .arguments = "EXECUTION",
     .run = run_artifacts,
     .help = "Artifacts of an execution, and how those that its pipeline expects were chosen.",
     .example = "gennaker execution artifacts 01J8Z6M6T1N0Q5X0V2B4C6D8E0 --output json"},
    {0},
};
