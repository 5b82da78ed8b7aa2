/* Artifacts that bodies of webhooks stand for (triggers.md 6.5, 11.3). Pure. */
#include "base/log.h"
#include "templates/jinja.h"
#include "triggers/webhook_internal.h"
#include <string.h>

typedef struct {
    JsonBuilder *builder; /* an array is open */
    guint n;
} Found;

static void add_artifact(Found *found, const char *type, const char *name, const char *version, const char *reference,
                         const char *provenance) {
    if (found->n++ >= WEBHOOK_ARTIFACTS_MAX)
        return;
    json_begin_object(found->builder, NULL);
    json_add_string(found->builder, "type", type);
    json_add_string(found->builder, "name", name);
    json_add_string(found->builder, "version", version);
    json_add_string(found->builder, "reference", reference);
    json_add_string(found->builder, "provenance", provenance);
    json_end_object(found->builder);
}

/* ---- pushes: every path that was added or modified, once ---- */
typedef void (*PathEach)(Found *found, const JsonValue *body, const char *path);

static void each_path(Found *found, const JsonValue *body, PathEach each) {
    static const char *const LISTS[] = {"added", "modified"};
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (JsonIter commit = json_iter(json_get(body, "commits")); json_next(&commit);)
        for (gsize l = 0; l < G_N_ELEMENTS(LISTS); l++)
            for (JsonIter path = json_iter(json_get(commit.value, LISTS[l])); json_next(&path);)
                if (json_is_string(path.value) && g_hash_table_add(seen, (gpointer)json_string(path.value)))
                    each(found, body, json_string(path.value));
}

static void github_path(Found *found, const JsonValue *body, const char *path) {
    const char *url = json_string(json_dig(body, "repository", "contents_url", NULL));
    g_autoptr(GString) reference = g_string_new(url != NULL ? url : "");
    g_string_replace(reference, "{+path}", path, 0);
    add_artifact(found, "github/file", path, json_get_string(body, "after"), reference->str, NULL);
}

/* As Java's URLEncoder writes it: a blank is +. */
static char *url_encoded(const char *text) {
    g_autofree char *escaped = g_uri_escape_string(text, "*", FALSE);
    g_autoptr(GString) encoded = g_string_new(escaped);
    g_string_replace(encoded, "%20", "+", 0);
    g_string_replace(encoded, "~", "%7E", 0);
    return g_string_free(g_steal_pointer(&encoded), FALSE);
}

static void gitlab_path(Found *found, const JsonValue *body, const char *path) {
    const char *home = json_string(json_dig(body, "project", "homepage", NULL));
    const char *project = json_string(json_dig(body, "project", "path_with_namespace", NULL));
    if (home == NULL || project == NULL)
        return;
    g_autofree char *tail = g_strconcat("/", project, NULL);
    g_autofree char *base = g_str_has_suffix(home, tail) ? g_strndup(home, strlen(home) - strlen(tail)) : g_strdup(home);
    g_autofree char *encoded_project = url_encoded(project), *encoded_path = url_encoded(path);
    g_autofree char *reference = g_strconcat(base, "/api/v4/projects/", encoded_project, "/repository/files/", encoded_path, "/raw", NULL);
    add_artifact(found, "gitlab/file", path, json_get_string(body, "after"), reference, NULL);
}

static void github(Found *found, const JsonValue *body) {
    each_path(found, body, github_path);
}

static void gitlab(Found *found, const JsonValue *body) {
    each_path(found, body, gitlab_path);
}

/* ---- registries ---- */
static void dockerhub(Found *found, const JsonValue *body) {
    const char *repository = json_string(json_dig(body, "repository", "repo_name", NULL));
    const JsonValue *push = json_get(body, "push_data");
    const char *tag = json_get_string(push, "tag");
    if (repository == NULL || tag == NULL)
        return;
    g_autofree char *name = g_strconcat("index.docker.io/", repository, NULL);
    g_autofree char *reference = g_strconcat(name, ":", tag, NULL);
    g_autoptr(Json) artifact = json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s}}", "type", "docker/image", "name", name, "version", tag,
                                         "reference", reference, "provenance", json_get_string(body, "callback_url"), "metadata", "pusher",
                                         json_get_string(push, "pusher"));
    json_add_json(found->builder, NULL, artifact);
    found->n++;
}

static void quay(Found *found, const JsonValue *body) {
    const char *name = json_get_string(body, "docker_url");
    if (json_get(body, "repository") == NULL || name == NULL)
        return;
    for (JsonIter tag = json_iter(json_get(body, "updated_tags")); json_next(&tag);) {
        if (!json_is_string(tag.value))
            continue;
        g_autofree char *reference = g_strconcat(name, ":", json_string(tag.value), NULL);
        add_artifact(found, "docker/image", name, json_string(tag.value), reference, json_get_string(body, "homepage"));
    }
}

static void dockerregistry(Found *found, const JsonValue *body) {
    static const char *const MANIFESTS[] = {"application/vnd.docker.distribution.manifest.v1+json",
                                            "application/vnd.docker.distribution.manifest.v2+json", NULL};
    for (JsonIter event = json_iter(json_get(body, "events")); json_next(&event);) {
        const JsonValue *target = json_get(event.value, "target");
        const char *media = json_get_string(target, "mediaType"), *repository = json_get_string(target, "repository"),
                   *tag = json_get_string(target, "tag"), *digest = json_get_string(target, "digest"),
                   *host = json_string(json_dig(event.value, "request", "host", NULL));
        if (g_strcmp0(json_get_string(event.value, "action"), "push") != 0 || media == NULL || !g_strv_contains(MANIFESTS, media) ||
            repository == NULL || (tag == NULL && digest == NULL))
            continue;
        g_autofree char *name = host != NULL ? g_strconcat(host, "/", repository, NULL) : g_strdup(repository);
        g_autofree char *reference = g_strconcat(name, tag != NULL ? ":" : "@", tag != NULL ? tag : digest, NULL);
        add_artifact(found, "docker/image", name, tag != NULL ? tag : digest, reference, NULL);
    }
}

static void nexus(Found *found, const JsonValue *body) {
    const JsonValue *component = json_get(body, "component");
    const char *group = json_get_string(component, "group"), *own = json_get_string(component, "name"),
               *version = json_get_string(component, "version");
    if (group == NULL || own == NULL || version == NULL)
        return;
    g_autofree char *name = g_strconcat(group, ":", own, NULL);
    g_autofree char *reference = g_strconcat(name, ":", version, NULL);
    add_artifact(found, "maven/file", name, version, reference, json_get_string(body, "repositoryName"));
}

/* ---- templates of the configuration ---- */
/* A template that fails makes no artifacts, and says so in the log: the event goes on. */
static void rendered(Found *found, const WebhookRequest *request) {
    g_autoptr(GError) error = NULL;
    g_autofree char *text = jinja_render(request->template, request->body, NULL, &error);
    g_autoptr(Json) artifacts = text != NULL ? json_parse_limited(text, -1, JINJA_OUTPUT_MAX, &error) : NULL;
    if (artifacts != NULL && !json_is_array(json_root(artifacts)))
        error_set(&error, ERR_INVALID, "it makes no JSON array");
    if (error != NULL) {
        log_warning("triggers", "the artifact template of webhook %s/%s failed: %s", request->type, request->source, error->message);
        return;
    }
    for (JsonIter i = json_iter(json_root(artifacts)); json_next(&i) && found->n < WEBHOOK_ARTIFACTS_MAX; found->n++)
        json_add_value(found->builder, NULL, i.value);
}

/* ---- which of them ---- */
static const struct {
    const char *type; /* NULL: any */
    const char *source;
    gboolean fold;
    void (*extract)(Found *found, const JsonValue *body);
} EXTRACTORS[] = {
    {"git", "github", TRUE, github},
    {"git", "gitlab", TRUE, gitlab},
    {NULL, "dockerhub", FALSE, dockerhub},
    {NULL, "quay", FALSE, quay},
    {NULL, "dockerregistry", FALSE, dockerregistry},
    {NULL, "nexus", TRUE, nexus},
};

Json *webhook_artifacts(const WebhookRequest *request) {
    if (request->source == NULL)
        return NULL;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    Found found = {.builder = builder};
    json_begin_array(builder, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(EXTRACTORS); i++) {
        gboolean meant = EXTRACTORS[i].fold ? g_ascii_strcasecmp(EXTRACTORS[i].source, request->source) == 0
                                            : strcmp(EXTRACTORS[i].source, request->source) == 0;
        if (meant && (EXTRACTORS[i].type == NULL || g_ascii_strcasecmp(EXTRACTORS[i].type, request->type) == 0))
            EXTRACTORS[i].extract(&found, request->body);
    }
    if (request->template != NULL)
        rendered(&found, request);
    json_end_array(builder);
    g_autoptr(Json) artifacts = json_builder_end(builder);
    return found.n > 0 ? g_steal_pointer(&artifacts) : NULL;
}
