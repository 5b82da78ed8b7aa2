/* Statuses of commits at GitHub (notifications.md 3). Facts: docs.github.com, "Create a commit status", "Get a commit". A build of a merge
 * that only GitHub made ("Merge X into Y") is about X: the commit is asked for first. */
#include "notify/send.h"
#include <string.h>

typedef struct {
    gboolean enabled;
    char *token, *endpoint;
} StatusSettings;

#define FIELD(key, kind, member, ...)                                                                                                      \
    { .name = (key), .type = (kind), .offset = offsetof(StatusSettings, member), __VA_ARGS__ }
static const Param status_params[] = {
    FIELD("enabled", PARAM_BOOL, enabled, .help = "Whether commits get statuses."),
    FIELD("token", PARAM_STRING, token, .secret = TRUE, .help = "A token that may write statuses."),
    FIELD("endpoint", PARAM_STRING, endpoint, .otherwise = "\"https://api.github.com\"", .help = "Where GitHub's API is."),
    {0},
};
static const Param entry_params[] = {
    {.name = "repo", .type = PARAM_STRING, .help = "owner/repository, instead of the one of the trigger or its build."},
    {.name = "commit", .type = PARAM_STRING, .help = "A commit's id, instead of the one of the trigger or its build."},
    {0},
};
static const ConfigSection status_section = {
    .service = SERVICE_ECHO, .prefix = "github-status", .params = status_params, .help = "Statuses of commits at GitHub."};
static const ConfigSection *const sections[] = {&status_section, NULL};

static gboolean status_check(const void *data, GError **error) {
    if (((const StatusSettings *)data)->token != NULL)
        return TRUE;
    error_set(error, ERR_INVALID, "github-status.enabled: needs github-status.token");
    return FALSE;
}

/* ---- which commit of which repository ---- */
static char *repository_of(const Notification *notification) {
    const char *own = json_get_string(notification->entry, "repo"), *project = json_get_string(notification->trigger, "project");
    const char *slug = json_get_string(notification->trigger, "slug");
    gboolean github = g_strcmp0(json_get_string(notification->trigger, "type"), "git") == 0 &&
                      g_strcmp0(json_get_string(notification->trigger, "source"), "github") == 0;
    if (own != NULL && *own != '\0')
        return g_strdup(own);
    if (github && project != NULL && slug != NULL)
        return g_strdup_printf("%s/%s", project, slug);
    return g_strdup(json_get_string(notification->build, "name"));
}

static const char *commit_of(const Notification *notification) {
    const char *own = json_get_string(notification->entry, "commit"), *hash = json_get_string(notification->trigger, "hash");
    if (own != NULL && *own != '\0')
        return own;
    return hash != NULL && *hash != '\0' ? hash : json_get_string(json_at(json_get(notification->build, "scm"), 0), "sha1");
}

static gboolean is_commit(const char *text) {
    return text != NULL && *text != '\0' && strspn(text, "0123456789abcdefABCDEF") == strlen(text);
}

/* owner/name, each of what GitHub allows. */
static gboolean is_repository(const char *text) {
    g_auto(GStrv) parts = text != NULL ? g_strsplit(text, "/", -1) : NULL;
    if (parts == NULL || g_strv_length(parts) != 2)
        return FALSE;
    for (guint i = 0; i < 2; i++)
        if (*parts[i] == '\0' || *parts[i] == '.' ||
            strspn(parts[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") != strlen(parts[i]))
            return FALSE;
    return TRUE;
}

static void add_token(const StatusSettings *settings, NotificationCall *call) {
    g_autofree char *value = g_strdup_printf("token %s", settings->token);
    call_header(call, "Authorization", value);
    call_header(call, "Accept", "application/vnd.github+json");
    call_header(call, "User-Agent", "Gennaker");
}

static gboolean status_ask(const void *data, const Notification *notification, NotificationCall *call) {
    const StatusSettings *settings = data;
    g_autofree char *repository = repository_of(notification);
    const char *commit = commit_of(notification);
    if (!is_repository(repository) || !is_commit(commit))
        return FALSE;
    call->method = "GET";
    call->url = g_strdup_printf("%s/repos/%s/commits/%s", settings->endpoint, repository, commit);
    add_token(settings, call);
    return TRUE;
}

/* X of "Merge X into Y", or NULL; caller frees. */
static char *merged_commit(const JsonValue *answer) {
    const char *message = json_get_string(json_get(answer, "commit"), "message");
    g_auto(GStrv) words = message != NULL ? g_strsplit(message, " ", 5) : NULL;
    if (words == NULL || g_strv_length(words) < 4 || strcmp(words[0], "Merge") != 0 || strcmp(words[2], "into") != 0)
        return NULL;
    return is_commit(words[1]) ? g_strdup(words[1]) : NULL;
}

/* ---- the status ---- */
static const char *state_of(const char *status) {
    if (strcmp(status, "starting") == 0)
        return "pending";
    return strcmp(status, "complete") == 0 ? "success" : "failure";
}

static Json *body_of(const Notification *notification) {
    g_autofree char *name = http_escape(notification->execution_name);
    g_autofree char *description = NULL, *context = NULL, *url = NULL;
    if (notification->stage_name != NULL) {
        description = g_strdup_printf("Stage '%s' in pipeline '%s' is %s", notification->stage_name, notification->execution_name,
                                      notification->status);
        context = g_strconcat("stage/", notification->stage_name, NULL);
        url = g_strdup_printf("%s?pipeline=%s&stage=%" G_GINT64_FORMAT, notification->link, name, notification->stage_index);
    } else {
        description = g_strdup_printf("Pipeline '%s' is %s", notification->execution_name, notification->status);
        context = g_strconcat("pipeline/", notification->execution_name, NULL);
        url = g_strdup_printf("%s?pipeline=%s", notification->link, name);
    }
    return json_pack("{s:s, s:s, s:s, s:s}", "state", state_of(notification->status), "target_url", url, "description", description,
                     "context", context);
}

static gboolean status_build_known(const void *data, const Notification *notification, const JsonValue *answer, NotificationCall *call,
                                   GError **error) {
    const StatusSettings *settings = data;
    g_autofree char *repository = repository_of(notification), *merged = merged_commit(answer);
    const char *commit = merged != NULL ? merged : commit_of(notification);
    if (!is_repository(repository)) {
        error_set(error, ERR_INVALID, "repo: %s; expected owner/repository, here, in a git trigger or as the name of its build",
                  repository != NULL ? repository : "missing");
        return FALSE;
    }
    if (!is_commit(commit)) {
        error_set(error, ERR_INVALID, "commit: %s; expected a commit's id, here, in a git trigger (hash) or in its build",
                  commit != NULL ? commit : "missing");
        return FALSE;
    }
    g_autoptr(Json) body = body_of(notification);
    call->url = g_strdup_printf("%s/repos/%s/statuses/%s", settings->endpoint, repository, commit);
    add_token(settings, call);
    call_json(call, body);
    return TRUE;
}

static gboolean status_build(const void *data, const Notification *notification, NotificationCall *call, GError **error) {
    return status_build_known(data, notification, NULL, call, error);
}

const NotificationType notification_github_status = {
    .name = "githubStatus",
    .label = "GitHub status",
    .help = "A status of the commit that is deployed.",
    .params = entry_params,
    .sections = sections,
    .settings_size = sizeof(StatusSettings),
    .check = status_check,
    .build = status_build,
    .ask = status_ask,
    .build_known = status_build_known,
};
