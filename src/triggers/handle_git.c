/* Pushes and pull requests (triggers.md 6.1 to 6.3). Pure. */
#include "base/pattern.h"
#include "triggers/internal.h"

static gboolean branch_matches(const Match *match, TriggerDecision *why) {
    const char *wanted = json_get_string(match->trigger, "branch"), *given = json_get_string(event_content(match->event), "branch");
    g_autoptr(GError) error = NULL;
    if (wanted == NULL || *wanted == '\0' || pattern_matches(wanted, given != NULL ? given : "", PATTERN_FULL, &error))
        return TRUE;
    if (error != NULL)
        decision_set(why, DECISION_CONSTRAINT, "The trigger's branch cannot be compared: %s.", error->message);
    else
        decision_set(why, DECISION_CONSTRAINT, "The event's branch \"%s\" is not what the trigger wants: %s.", given != NULL ? given : "",
                     wanted);
    return FALSE;
}

static gboolean action_matches(const Match *match, TriggerDecision *why) {
    const JsonValue *events = json_get(match->trigger, "events");
    const char *action = json_get_string(event_content(match->event), "action");
    if (json_length(events) == 0)
        return TRUE;
    for (JsonIter i = json_iter(events); json_next(&i);)
        if (g_strcmp0(json_string(i.value), action) == 0)
            return TRUE;
    g_autofree char *wanted = constraint_text(events);
    decision_set(why, DECISION_CONSTRAINT, "The event's action \"%s\" is none of those that the trigger wants: %s.",
                 action != NULL ? action : "", wanted);
    return FALSE;
}

static gboolean git_matches(const Match *match, TriggerDecision *why) {
    const char *own = json_get_string(match->trigger, "secret");
    const char *secret = own != NULL && *own != '\0' ? own : match->settings->git_secret;
    return branch_matches(match, why) && signature_is_good(match->event, secret, why) && action_matches(match, why);
}

/* What is known of a pull request: number a whole number, draft a switch. */
static void add_properties(const Match *match, JsonBuilder *builder) {
    static const char *const NAMES[] = {"number", "draft", "state", "title"};
    const JsonValue *content = event_content(match->event);
    json_begin_object(builder, "properties");
    json_add_members(builder, json_get(match->trigger, "properties"));
    for (gsize i = 0; i < G_N_ELEMENTS(NAMES); i++) {
        g_autofree char *text = json_as_text(json_get(content, NAMES[i]));
        if (text == NULL)
            continue;
        if (i == 0)
            json_add_int(builder, NAMES[i], g_ascii_strtoll(text, NULL, 10));
        else if (i == 1)
            json_add_bool(builder, NAMES[i], g_strcmp0(text, "true") == 0);
        else
            json_add_string(builder, NAMES[i], text);
    }
    json_end_object(builder);
}

static void git_add(const Match *match, JsonBuilder *builder) {
    static const char *const COPIED[] = {"hash", "branch", "action"};
    const JsonValue *content = event_content(match->event);
    for (gsize i = 0; i < G_N_ELEMENTS(COPIED); i++)
        json_add_string(builder, COPIED[i], json_get_string(content, COPIED[i]));
    json_add_null(builder, "buildNumber");
    json_add_null(builder, "tag");
    add_properties(match, builder);
}

static Json *git_artifacts(const Match *match) {
    const JsonValue *artifacts = json_get(event_content(match->event), "artifacts");
    return json_is_array(artifacts) ? json_copy(artifacts) : NULL;
}

const TriggerHandler trigger_git = {
    .event_type = "git",
    .trigger_types = (const char *const[]){"git", NULL},
    .keys = {{"source", "details.source", TRUE}, {"project", "content.repoProject", TRUE}, {"slug", "content.slug", TRUE}},
    .matches = git_matches,
    .add = git_add,
    .artifacts = git_artifacts,
};
