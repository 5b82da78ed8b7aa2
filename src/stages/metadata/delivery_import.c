/* `importDeliveryConfig` (stages.md 4.4): reads a delivery manifest from a repository and keeps it. The repository is read with the first artifact
 * account of its kind. Runs on I/O workers; a repeat reads and saves the same again. */
#include "artifacts/fetch.h"
#include "base/yaml.h"
#include "stages/metadata/deliveries.h"
#include "stages/metadata/settings.h"
#include "stages/stages.h"
#include <string.h>

#define TIMEOUT_MS (180 * 1000)
#define BACKOFF_MS (30 * 1000)
#define MANIFEST_FOLDER ".spinnaker"
#define MANIFEST "spinnaker.yml"
#define MANIFEST_BYTES_MAX (4 * 1024 * 1024)
#define REF "refs/heads/master"

typedef struct {
    char *repository_type, *project, *repository, *directory, *manifest, *ref;
    gint64 attempt, most;
} ImportParams;

#define TEXT(key, member, words)                                                                                                           \
    { .name = key, .type = PARAM_STRING, .offset = offsetof(ImportParams, member), .help = words }
static const Param params[] = {
    TEXT("repoType", repository_type, "github, gitlab or bitbucket; of the git trigger when absent."),
    TEXT("projectKey", project, "Project or owner; of the git trigger when absent."),
    TEXT("repositorySlug", repository, "Repository; of the git trigger when absent."),
    TEXT("directory", directory, "Folder of the manifest below " MANIFEST_FOLDER "; absent: that folder itself."),
    TEXT("manifest", manifest, "The manifest's file; absent: " MANIFEST "."),
    TEXT("ref", ref, "Branch, tag or commit; of the git trigger when absent, else the branch master."),
    {.name = "attempt",
     .type = PARAM_INT,
     .offset = offsetof(ImportParams, attempt),
     .otherwise = "1",
     .help = "Kept by the stage itself."},
    {.name = "maxRetries",
     .type = PARAM_INT,
     .offset = offsetof(ImportParams, most),
     .otherwise = "5",
     .min = 0,
     .max = 1000,
     .help = "How often the repository is asked again when it does not answer."},
    {0},
};

/* ---- where the manifest is ---- */
typedef struct {
    const char *type, *project, *repository, *ref;
    char *path; /* in the repository */
} Place;

static void place_clear(Place *place) {
    g_free(place->path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

static const char *given_or(const char *given, const JsonValue *trigger, const char *key) {
    return given != NULL && *given != '\0' ? given : json_get_string(trigger, key);
}

static gboolean find_place(const TaskContext *context, Place *place, GError **error) {
    const ImportParams *given = context->params;
    const JsonValue *trigger = json_root(context->execution->trigger);
    const JsonValue *git = g_strcmp0(json_get_string(trigger, "type"), "git") == 0 ? trigger : NULL;
    place->type = given_or(given->repository_type, git, "source");
    place->project = given_or(given->project, git, "project");
    place->repository = given_or(given->repository, git, "slug");
    place->ref = given_or(given->ref, git, "hash");
    if (place->ref == NULL)
        place->ref = REF;
    if (g_str_has_prefix(place->ref, "refs/heads/") || g_str_has_prefix(place->ref, "refs/tags/"))
        place->ref = strchr(strchr(place->ref, '/') + 1, '/') + 1;
    const char *folder = given->directory != NULL && strcmp(given->directory, ".") != 0 ? given->directory : "";
    const char *file = given->manifest != NULL && *given->manifest != '\0' ? given->manifest : MANIFEST;
    place->path = g_strdup_printf("%s/%s%s%s", MANIFEST_FOLDER, folder, *folder != '\0' ? "/" : "", file);
    if (place->type == NULL || place->project == NULL || place->repository == NULL) {
        error_set(error, ERR_INVALID,
                  "importDeliveryConfig: repoType, projectKey and repositorySlug are required, in the stage or by a git trigger");
        return FALSE;
    }
    g_auto(GStrv) parts = g_strsplit(place->path, "/", -1);
    if (!g_strv_contains((const char *const *)parts, ".."))
        return TRUE;
    error_set(error, ERR_INVALID, "importDeliveryConfig: directory and manifest must stay in the repository");
    return FALSE;
}

/* ---- how each kind of repository is addressed; caller frees ---- */
static char *escaped_path(const char *path) {
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    for (guint i = 0; parts[i] != NULL; i++) {
        char *escaped = http_escape(parts[i]);
        g_free(parts[i]);
        parts[i] = escaped;
    }
    return g_strjoinv("/", parts);
}

static char *github_reference(const char *base, const Place *place) {
    g_autofree char *project = http_escape(place->project), *repository = http_escape(place->repository), *path = escaped_path(place->path);
    return g_strdup_printf("%s/repos/%s/%s/contents/%s", base, project, repository, path);
}

static char *gitlab_reference(const char *base, const Place *place) {
    g_autofree char *whole = g_strconcat(place->project, "/", place->repository, NULL);
    g_autofree char *project = http_escape(whole), *path = http_escape(place->path);
    return g_strdup_printf("%s/api/v4/projects/%s/repository/files/%s/raw", base, project, path);
}

static char *bitbucket_reference(const char *base, const Place *place) {
    g_autofree char *project = http_escape(place->project), *repository = http_escape(place->repository);
    g_autofree char *path = escaped_path(place->path), *ref = http_escape(place->ref);
    return g_strdup_printf("%s/repositories/%s/%s/src/%s/%s", base, project, repository, ref, path);
}

static const struct {
    const char *type, *artifact;
    char *(*reference)(const char *base, const Place *place);
} REPOSITORIES[] = {
    {"github", "github/file", github_reference},
    {"gitlab", "gitlab/file", gitlab_reference},
    {"bitbucket", "bitbucket/file", bitbucket_reference},
};

/* The manifest as an artifact, with its account; caller owns. */
static Json *manifest_artifact(Config *config, const Place *place, GError **error) {
    gsize r = 0;
    while (r < G_N_ELEMENTS(REPOSITORIES) && g_ascii_strcasecmp(REPOSITORIES[r].type, place->type) != 0)
        r++;
    if (r == G_N_ELEMENTS(REPOSITORIES)) {
        error_set(error, ERR_INVALID,
                  "importDeliveryConfig: repositories of type %s cannot be read: there are accounts for github, gitlab and bitbucket",
                  place->type);
        return NULL;
    }
    g_autoptr(ArtifactAccounts) accounts = artifact_accounts_new(config, error);
    const ArtifactAccount *account = accounts != NULL ? artifact_accounts_first(accounts, REPOSITORIES[r].artifact) : NULL;
    g_autofree char *base = repository_base_url(config, REPOSITORIES[r].type, error);
    if (accounts == NULL || base == NULL)
        return NULL;
    if (account == NULL) {
        error_set(error, ERR_INVALID, "importDeliveryConfig: no account for %s is configured (artifacts.%s.accounts)", REPOSITORIES[r].type,
                  REPOSITORIES[r].type);
        return NULL;
    }
    g_autofree char *reference = REPOSITORIES[r].reference(base, place);
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", REPOSITORIES[r].artifact, "artifactAccount", account->name, "name", place->path,
                     "version", place->ref, "reference", reference);
}

/* ---- the task ---- */
static Json *parse_manifest(const char *name, const char *text, gsize length, GError **error) {
    g_autofree char *start = g_strndup(text, MIN(length, 64));
    return *g_strchug(start) == '{' ? json_parse_limited(text, (gssize)length, MANIFEST_BYTES_MAX, error)
                                    : yaml_read(name, text, length, NULL, error);
}

static Status asked_in_vain(TaskContext *context, GError *problem, GError **error) {
    const ImportParams *given = context->params;
    gboolean again = error_outward(error_code(problem))->should_retry && given->attempt <= given->most;
    g_autoptr(Json) next = json_from_int(given->attempt + 1);
    if (again)
        task_set_context_json(context, "attempt", next);
    error_set(error, again || !error_outward(error_code(problem))->should_retry ? error_code(problem) : ERR_REMOTE,
              "importDeliveryConfig: attempt %" G_GINT64_FORMAT ": %s", given->attempt, problem->message);
    g_error_free(problem);
    return STATUS_TERMINAL;
}

static Status import_run(TaskContext *context, GError **error) {
    g_autoptr(Config) config = services_config(context->services);
    g_auto(Place) place = {0};
    if (!find_place(context, &place, error))
        return STATUS_TERMINAL;
    g_autoptr(Json) artifact = manifest_artifact(config, &place, error);
    if (artifact == NULL)
        return STATUS_TERMINAL;
    const ArtifactSource source = {
        .config = config, .http = context->services->http, .cancel = context->cancel, .most = MANIFEST_BYTES_MAX};
    GError *problem = NULL;
    gsize length = 0;
    g_autofree char *text = artifacts_fetch(&source, json_root(artifact), &length, &problem);
    if (text == NULL)
        return asked_in_vain(context, problem, error);
    g_autoptr(Json) manifest = parse_manifest(place.path, text, length, error);
    Principal principal = services_principal(context->user);
    g_autoptr(Json) saved = manifest != NULL
                                ? delivery_config_save(context->services->store, json_root(manifest), &principal, context->now_ms, error)
                                : NULL;
    if (saved == NULL) {
        g_prefix_error(error, "importDeliveryConfig: %s: ", place.path);
        return STATUS_TERMINAL;
    }
    task_set_context(context, "deliveryConfig.name", json_get(json_root(saved), "name"));
    return STATUS_SUCCEEDED;
}

static const char *const ALIASES[] = {"publishDeliveryConfig", NULL};
static const char *const RESTART_DROPS[] = {"attempt", NULL};

const StageType stage_import_delivery_config = {
    .type = "importDeliveryConfig",
    .label = "Import Delivery Config",
    .help = "Reads a delivery manifest from a repository and keeps it; nothing acts on it.",
    .aliases = ALIASES,
    .params = params,
    .params_size = sizeof(ImportParams),
    .tasks =
        (const TaskDefinition[]){{.name = "importDeliveryConfig", .run = import_run, .timeout_ms = TIMEOUT_MS, .backoff_ms = BACKOFF_MS},
                                 {0}},
    .restart_drops = RESTART_DROPS,
};
