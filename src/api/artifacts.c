/* Artifacts: how those of an execution were chosen; their accounts and contents (api.md 13, artifacts.md 3, 4). A reader thread waits for what it
 * fetches, FETCH_WAIT_MS at most for each call. */
#include "stages/artifacts/artifacts.h"
#include "api/internal.h"
#include "artifacts/artifact.h"
#include "artifacts/fetch.h"
#include <string.h>

#define FETCH_WAIT_MS 10000

/* ---- of an execution ---- */
static Json *trace_get(ApiCall *call, GError **error) {
    (void)error;
    const Execution *execution = call->execution;
    const JsonValue *trigger = json_root(execution->trigger), *trace = json_get(trigger, ARTIFACT_TRACE_KEY);
    g_autoptr(Json) all = execution_artifacts(execution, NULL);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "executionId", execution->id);
    json_add_json(builder, "artifacts", all);
    if (json_is_object(trace)) {
        json_add_members(builder, trace);
    } else {
        json_add_int(builder, "received", (gint64)json_length(json_get(trigger, ARTIFACTS)));
        json_begin_array(builder, "expected");
        json_end_array(builder);
    }
    json_end_object(builder);
    return json_builder_end(builder);
}

/* ---- contents ---- */
static Json *fetch_put(ApiCall *call, GError **error) {
    g_autoptr(Json) artifact = artifact_canonical(call->body);
    const char *account = json_get_string(json_root(artifact), "artifactAccount");
    if (account == NULL || *account == '\0') {
        error_set(error, ERR_INVALID, "An artifact account must be supplied to download this artifact");
        return NULL;
    }
    g_autoptr(Config) config = services_config(call->services);
    const ArtifactSource source = {.config = config, .http = call->services->http, .timeout_ms = FETCH_WAIT_MS};
    gsize length = 0;
    char *contents = artifacts_fetch(&source, json_root(artifact), &length, error);
    if (contents != NULL)
        api_answer_bytes(call, 200, "application/octet-stream", (guchar *)contents, length);
    return NULL;
}

/* ---- accounts ---- */
static Json *credentials_get(ApiCall *call, GError **error) {
    g_autoptr(Config) config = services_config(call->services);
    g_autoptr(ArtifactAccounts) accounts = artifact_accounts_new(config, error);
    return accounts != NULL ? artifact_accounts_list(accounts) : NULL;
}

typedef struct {
    char *type, *name;
} AccountQuery;
static const Param account_query[] = {
    {.name = "type", .type = PARAM_STRING, .offset = offsetof(AccountQuery, type), .help = "Type of artifact, for example helm/chart."},
    {.name = "artifactName", .type = PARAM_STRING, .offset = offsetof(AccountQuery, name), .help = "Name of the artifact."},
    {0},
};

static Json *account_get(ApiCall *call, GError **error) {
    const char *type = ((const AccountQuery *)call->query)->type, *name = api_path(call, "account");
    g_autoptr(Config) config = services_config(call->services);
    g_autoptr(ArtifactAccounts) accounts = artifact_accounts_new(config, error);
    if (accounts != NULL && artifact_accounts_find(accounts, name, type, error) != NULL)
        error_set(error, ERR_INVALID, "artifact account %s (%s) has no list of names and versions", name, type != NULL ? type : "any type");
    return NULL;
}

static Json *content_get(ApiCall *call, GError **error) {
    error_set(error, ERR_NOT_FOUND, "No artifact ref://%s/%s is stored: this server keeps contents inside its executions",
              api_path(call, "application"), api_path(call, "hash"));
    return NULL;
}

static const Route routes[] = {
    {.method = "GET",
     .path = "/pipelines/{id}/artifacts/trace",
     .handler = trace_get,
     .needs = NEEDS(ON_EXECUTION, ACCESS_READ),
     .help =
         "How each expected artifact of an execution's pipeline was resolved, candidate by candidate, and all artifacts of the execution."},
    {.method = "GET",
     .path = "/artifacts/credentials",
     .handler = credentials_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "Artifact accounts with the types that they handle."},
    {.method = "PUT",
     .path = "/artifacts/fetch",
     .handler = fetch_put,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .body = BODY_JSON,
     .help = "The contents of the artifact in the body, read with its artifactAccount."},
    {.method = "GET",
     .path = "/artifacts/account/{account}/names",
     .handler = account_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .query = account_query,
     .query_size = sizeof(AccountQuery),
     .help = "Names of artifacts in an artifact account: no account that is there yet has such a list."},
    {.method = "GET",
     .path = "/artifacts/account/{account}/versions",
     .handler = account_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .query = account_query,
     .query_size = sizeof(AccountQuery),
     .help = "Versions of an artifact in an artifact account: no account that is there yet has such a list."},
    {.method = "GET",
     .path = "/artifacts/content-address/{application}/{hash}",
     .handler = content_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .help = "Contents of a remote/base64 artifact: 404, contents stay inside their executions."},
    {0},
};
const RouteTable artifact_routes = {"Artifacts", routes};
