/* What GitHub, GitLab, Bitbucket Cloud, Bitbucket Server and Stash post (triggers.md 6.4): which repository, branch and commit. Pure. */
#include "triggers/webhook_internal.h"
#include <string.h>

typedef struct {
    const char *project, *slug, *hash, *action; /* NULL: "" */
    const char *branch;                         /* as sent; refs/heads/ is taken away */
    char *owned_action;
    const JsonValue *pull_request; /* or NULL */
    gboolean unknown;              /* nothing is added: it goes on, and matches nothing */
} Push;

static const char *text_at(const JsonValue *value, const char *first, const char *second, const char *third) {
    return json_string(json_dig(value, first, second, third, NULL));
}

static gboolean is_deletion(const char *hash) {
    return hash != NULL && g_str_has_prefix(hash, "000000000");
}

/* ---- GitHub ---- */
static const char *owner_of(const JsonValue *repository) {
    static const char *const NAMES[] = {"name", "login", "username"};
    for (gsize i = 0; i < G_N_ELEMENTS(NAMES); i++) {
        const char *name = text_at(repository, "owner", NAMES[i], NULL);
        if (name != NULL && *name != '\0')
            return name;
    }
    return NULL;
}

static GitOutcome github(const WebhookRequest *request, Push *push, GError **error) {
    const JsonValue *body = request->body, *repository = json_get(body, "repository"), *pull = json_get(body, "pull_request");
    (void)error;
    if (json_get(body, "hook_id") != NULL)
        return GIT_IGNORED;
    push->slug = json_get_string(repository, "name");
    if (json_is_object(pull)) {
        const char *action = json_get_string(body, "action");
        push->project = text_at(repository, "owner", "login", NULL);
        push->hash = text_at(pull, "head", "sha", NULL);
        push->branch = text_at(pull, "head", "ref", NULL);
        push->owned_action = g_strconcat("pull_request:", action != NULL ? action : "", NULL);
        push->pull_request = pull;
    } else if (g_strcmp0(json_get_string(body, "ref_type"), "branch") == 0) {
        const char *event = webhook_header(request->headers, "X-GitHub-Event");
        push->project = text_at(repository, "owner", "login", NULL);
        push->branch = json_get_string(body, "ref");
        push->owned_action = g_strconcat("branch:", event != NULL ? event : "", NULL);
    } else {
        push->project = owner_of(repository);
        push->hash = json_get_string(body, "after");
        push->branch = json_get_string(body, "ref");
        push->action = "push:push";
    }
    return GIT_EVENT;
}

/* ---- GitLab ---- */
static GitOutcome gitlab(const WebhookRequest *request, Push *push, GError **error) {
    const JsonValue *body = request->body;
    push->branch = json_get_string(body, "ref");
    if (push->branch == NULL) {
        error_set(error, ERR_INVALID, "webhook git/gitlab: the body has no ref; only pushes (of branches and tags) start pipelines");
        return GIT_FAILED;
    }
    push->hash = json_get_string(body, "after");
    push->project = text_at(body, "project", "namespace", NULL);
    push->slug = text_at(body, "project", "name", NULL);
    push->action = json_get_string(body, "object_kind");
    return GIT_EVENT;
}

/* ---- Bitbucket ---- */
static GitOutcome stash(const WebhookRequest *request, Push *push, GError **error) {
    const JsonValue *changes = json_get(request->body, "refChanges"), *repository = json_get(request->body, "repository");
    const JsonValue *change = json_at(changes != NULL ? changes : json_get(request->body, "changes"), 0);
    (void)error;
    push->hash = json_get_string(change, "toHash");
    push->branch = json_get_string(change, "refId");
    push->project = text_at(repository, "project", "key", NULL);
    push->slug = json_get_string(repository, "slug");
    return is_deletion(push->hash) ? GIT_IGNORED : GIT_EVENT;
}

static void bitbucket_cloud(const JsonValue *body, Push *push) {
    const JsonValue *repository = json_get(body, "repository"), *pull = json_get(body, "pullrequest");
    const JsonValue *change = json_at(json_dig(body, "push", "changes", NULL), 0);
    push->slug = json_get_string(repository, "full_name");
    push->project = text_at(repository, "owner", "username", NULL);
    if (push->project == NULL || *push->project == '\0')
        push->project = text_at(repository, "project", "key", NULL);
    push->hash = json_is_object(pull) ? text_at(pull, "merge_commit", "hash", NULL)
                                      : json_get_string(json_at(json_get(change, "commits"), 0), "hash");
    push->branch = json_is_object(pull) ? text_at(pull, "destination", "branch", "name") : text_at(change, "new", "name", NULL);
}

static void bitbucket_server_push(const JsonValue *body, Push *push) {
    const JsonValue *repository = json_get(body, "repository"), *change = json_at(json_get(body, "changes"), 0);
    push->project = text_at(repository, "project", "key", NULL);
    push->slug = json_get_string(repository, "slug");
    push->hash = json_get_string(change, "toHash");
    push->branch = text_at(change, "ref", "id", NULL);
}

static void bitbucket_server_reference(const JsonValue *reference, Push *push) {
    push->project = text_at(reference, "repository", "project", "key");
    push->slug = text_at(reference, "repository", "slug", NULL);
    push->hash = json_get_string(reference, "latestCommit");
    push->branch = json_get_string(reference, "id");
}

static void bitbucket_server_pull(const JsonValue *body, Push *push) {
    bitbucket_server_reference(json_dig(body, "pullRequest", "fromRef", NULL), push);
}

static void bitbucket_server_merge(const JsonValue *body, Push *push) {
    bitbucket_server_reference(json_dig(body, "pullRequest", "toRef", NULL), push);
    push->hash = json_string(json_dig(body, "pullRequest", "properties", "mergeCommit", "id", NULL));
}

static const struct {
    const char *event;
    void (*read)(const JsonValue *body, Push *push);
} BITBUCKET_EVENTS[] = {
    {"repo:push", bitbucket_cloud},        {"pullrequest:fulfilled", bitbucket_cloud},     {"repo:refs_changed", bitbucket_server_push},
    {"pr:opened", bitbucket_server_pull},  {"pr:from_ref_updated", bitbucket_server_pull}, {"pr:declined", bitbucket_server_pull},
    {"pr:deleted", bitbucket_server_pull}, {"pr:merged", bitbucket_server_merge},
};

static GitOutcome bitbucket(const WebhookRequest *request, Push *push, GError **error) {
    const char *event = webhook_header(request->headers, "X-Event-Key");
    (void)error;
    if (event == NULL || *event == '\0' || json_length(request->body) == 0)
        return GIT_IGNORED;
    push->unknown = TRUE;
    for (gsize i = 0; i < G_N_ELEMENTS(BITBUCKET_EVENTS); i++) {
        if (strcmp(BITBUCKET_EVENTS[i].event, event) != 0)
            continue;
        BITBUCKET_EVENTS[i].read(request->body, push);
        push->unknown = FALSE;
    }
    push->action = event;
    return is_deletion(push->hash) ? GIT_IGNORED : GIT_EVENT;
}

/* ---- all of them ---- */
static const struct {
    const char *source;
    GitOutcome (*read)(const WebhookRequest *request, Push *push, GError **error);
} SOURCES[] = {{"github", github}, {"gitlab", gitlab}, {"stash", stash}, {"bitbucket", bitbucket}};

static const char *without_prefix(const char *branch) {
    static const char PREFIX[] = "refs/heads/";
    return branch != NULL && g_str_has_prefix(branch, PREFIX) ? branch + strlen(PREFIX) : branch;
}

static void add_pull_request(const JsonValue *pull, JsonBuilder *builder) {
    static const char *const NAMES[] = {"number", "draft", "state", "title"};
    for (gsize i = 0; i < G_N_ELEMENTS(NAMES); i++) {
        g_autofree char *text = json_as_text(json_get(pull, NAMES[i]));
        json_add_string(builder, NAMES[i], text != NULL ? text : "");
    }
}

GitOutcome webhook_add_git(const WebhookRequest *request, JsonBuilder *builder, GError **error) {
    for (gsize i = 0; i < G_N_ELEMENTS(SOURCES); i++) {
        if (request->source == NULL || g_ascii_strcasecmp(SOURCES[i].source, request->source) != 0)
            continue;
        Push push = {0};
        GitOutcome outcome = SOURCES[i].read(request, &push, error);
        g_autofree char *owned = push.owned_action;
        if (outcome != GIT_EVENT || push.unknown)
            return outcome;
        const char *action = owned != NULL ? owned : push.action, *branch = without_prefix(push.branch);
        json_add_string(builder, "repoProject", push.project != NULL ? push.project : "");
        json_add_string(builder, "slug", push.slug != NULL ? push.slug : "");
        json_add_string(builder, "hash", push.hash != NULL ? push.hash : "");
        json_add_string(builder, "branch", branch != NULL ? branch : "");
        json_add_string(builder, "action", action != NULL ? action : "");
        if (push.pull_request != NULL)
            add_pull_request(push.pull_request, builder);
        return GIT_EVENT;
    }
    error_set(error, ERR_INVALID, "webhook git/%s: there is no such source of git events; there are github, gitlab, bitbucket and stash",
              request->source != NULL ? request->source : "");
    return GIT_FAILED;
}
