/* Builds, container images, charts, packages and messages: events that others post (triggers.md 7 to 10, 12, 14). Pure. */
#include "base/pattern.h"
#include "triggers/internal.h"
#include <string.h>

static const char *content_text(const Match *match, const char *key) {
    return json_get_string(event_content(match->event), key);
}

static gboolean is_blank(const char *text) {
    return text == NULL || *text == '\0' || strspn(text, " \t\r\n") == strlen(text);
}

/* ---- builds ---- */
static char *build_ignore(const Event *event) {
    const JsonValue *build = event_at(event, "content.project.lastBuild");
    const char *result = json_get_string(build, "result");
    if (json_is_object(build) && !json_get_bool(build, "building", FALSE) && g_strcmp0(result, "SUCCESS") == 0)
        return NULL;
    return g_strdup_printf("The event is not about a build that succeeded (its result is %s).", result != NULL ? result : "not known");
}

static gboolean build_matches(const Match *match, TriggerDecision *why) {
    return constraints_hold(json_get(match->trigger, "payloadConstraints"), match->build_properties, FALSE, "build property", why);
}

static void build_add(const Match *match, JsonBuilder *builder) {
    const JsonValue *build = event_at(match->event, "content.project.lastBuild");
    json_add_value(builder, "buildNumber", json_get(build, "number"));
    json_add_value(builder, "link", json_get(build, "url"));
}

static Json *build_artifacts(const Match *match) {
    const JsonValue *artifacts = event_at(match->event, "content.project.lastBuild.artifacts");
    return json_is_array(artifacts) ? json_copy(artifacts) : NULL;
}

const TriggerHandler trigger_build = {
    .event_type = "build",
    .trigger_types = (const char *const[]){"jenkins", "travis", "concourse", "gitlab-ci", NULL},
    .keys = {{"master", "content.master"}, {"job", "content.project.name"}},
    .ignore = build_ignore,
    .matches = build_matches,
    .add = build_add,
    .artifacts = build_artifacts,
};

/* ---- images ---- */
static char *image_ignore(const Event *event) {
    const JsonValue *tag = event_at(event, "content.tag");
    return is_blank(json_string(tag)) ? g_strdup("The event names no tag.") : NULL;
}

/* A blank tag stands for any but latest. */
static gboolean image_matches(const Match *match, TriggerDecision *why) {
    const char *tag = content_text(match, "tag");
    g_autofree char *given = g_strdup(json_get_string(match->trigger, "tag"));
    const char *wanted = given != NULL ? g_strstrip(given) : "";
    g_autoptr(GError) error = NULL;
    if (is_blank(wanted) ? g_strcmp0(tag, "latest") != 0 : pattern_matches(wanted, tag != NULL ? tag : "", PATTERN_FULL, &error))
        return TRUE;
    if (error != NULL)
        decision_set(why, DECISION_CONSTRAINT, "The trigger's tag cannot be compared: %s.", error->message);
    else if (is_blank(wanted))
        decision_set(why, DECISION_CONSTRAINT, "A trigger without tag does not start for the tag latest; set its tag to latest for that.");
    else
        decision_set(why, DECISION_CONSTRAINT, "The event's tag \"%s\" is not what the trigger wants: %s.", tag != NULL ? tag : "", wanted);
    return FALSE;
}

static void image_add(const Match *match, JsonBuilder *builder) {
    json_add_string(builder, "tag", content_text(match, "tag"));
    json_add_string(builder, "digest", content_text(match, "digest"));
    json_add_null(builder, "buildNumber");
    json_add_null(builder, "hash");
}

static Json *image_artifact(const Match *match, const char *type) {
    const char *registry = content_text(match, "registry"), *repository = content_text(match, "repository"),
               *tag = content_text(match, "tag");
    g_autofree char *name = g_strconcat(registry != NULL ? registry : "", registry != NULL ? "/" : "", repository, NULL);
    g_autofree char *reference = g_strconcat(name, ":", tag, NULL);
    return json_pack("[{s:s, s:s, s:s, s:s}]", "type", type, "name", name, "version", tag, "reference", reference);
}

static Json *docker_artifacts(const Match *match) {
    return image_artifact(match, "docker/image");
}

static Json *helm_oci_artifacts(const Match *match) {
    return image_artifact(match, "helm/image");
}

#define IMAGE_KEYS                                                                                                                         \
    {                                                                                                                                      \
        {"account", "content.account"}, {                                                                                                  \
            "repository", "content.repository"                                                                                             \
        }                                                                                                                                  \
    }
const TriggerHandler trigger_docker = {
    .event_type = "docker",
    .trigger_types = (const char *const[]){"docker", NULL},
    .keys = IMAGE_KEYS,
    .ignore = image_ignore,
    .matches = image_matches,
    .add = image_add,
    .artifacts = docker_artifacts,
};
const TriggerHandler trigger_helm_oci = {
    .event_type = "helm/oci",
    .trigger_types = (const char *const[]){"helm/oci", NULL},
    .keys = IMAGE_KEYS,
    .ignore = image_ignore,
    .matches = image_matches,
    .add = image_add,
    .artifacts = helm_oci_artifacts,
};
