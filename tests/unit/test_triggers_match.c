/* When an event means a trigger (triggers.md 1.3, 6 to 14), signatures, constraints, ranges of versions, the execution's trigger. */
#include "triggers/internal.h"
#include "triggers/webhook.h"
#include <string.h>

static Json *parse(const char *text) {
    g_autoptr(GError) error = NULL;
    Json *json = json_parse(text, -1, &error);
    g_assert_no_error(error);
    return json;
}

static Event *event_of(const Json *envelope) {
    g_autoptr(GError) error = NULL;
    Event *event = event_new(&(TriggerEvent){.id = "e", .envelope = json_root(envelope)}, 1000, &error);
    g_assert_no_error(error);
    return event;
}

/* ---- matching ---- */
typedef struct {
    const char *name, *trigger, *event, *secret;
    DecisionReason reason; /* DECISION_STARTED: it matches */
    const char *says;      /* part of the message, or NULL */
} MatchCase;

#define WEBHOOK(payload) "{\"details\":{\"type\":\"webhook\",\"source\":\"s\"},\"payload\":" payload "}"
#define PUSH(more)                                                                                                                         \
    "{\"details\":{\"type\":\"git\",\"source\":\"github\"" more                                                                            \
    "},\"rawContent\":\"{}\",\"content\":{\"repoProject\":\"acme\",\"slug\":\"web\",\"branch\":\"release/1\",\"action\":\"push:push\"}}"
#define GIT(more) "{\"type\":\"git\",\"enabled\":true,\"source\":\"GitHub\",\"project\":\"ACME\",\"slug\":\"Web\"" more "}"
#define HOOK(more) "{\"type\":\"webhook\",\"enabled\":true,\"source\":\"s\"" more "}"
#define IMAGE(tag) "{\"details\":{\"type\":\"docker\"},\"content\":{\"account\":\"a\",\"repository\":\"r\",\"tag\":\"" tag "\"}}"
#define DOCKER(more) "{\"type\":\"docker\",\"enabled\":true,\"account\":\"a\",\"repository\":\"r\"" more "}"
#define ENDED(status)                                                                                                                      \
    "{\"details\":{\"type\":\"executionEnded\"},\"content\":{\"execution\":{\"pipelineConfigId\":\"p\",\"status\":\"" status "\"}}}"
#define AFTER(more) "{\"type\":\"pipeline\",\"enabled\":true,\"pipeline\":\"p\"" more "}"

static const MatchCase MATCHES[] = {
    {"plain", HOOK(""), WEBHOOK("{}"), NULL, DECISION_STARTED, NULL},
    {"off", "{\"type\":\"webhook\",\"source\":\"s\"}", WEBHOOK("{}"), NULL, DECISION_TRIGGER_DISABLED, NULL},
    {"no source", "{\"type\":\"webhook\",\"enabled\":true}", WEBHOOK("{}"), NULL, DECISION_TRIGGER_INVALID, "source"},
    {"source in other case", "{\"type\":\"webhook\",\"enabled\":true,\"source\":\"S\"}", WEBHOOK("{}"), NULL, DECISION_KEY_DIFFERS,
     "\"S\""},
    {"empty constraints", HOOK(",\"payloadConstraints\":{}"), WEBHOOK("{}"), NULL, DECISION_STARTED, NULL},
    {"find", HOOK(",\"payloadConstraints\":{\"a\":\"b+\"}"), WEBHOOK("{\"a\":\"abba\"}"), NULL, DECISION_STARTED, NULL},
    {"number", HOOK(",\"payloadConstraints\":{\"a\":\"^12$\"}"), WEBHOOK("{\"a\":12}"), NULL, DECISION_STARTED, NULL},
    {"switch", HOOK(",\"payloadConstraints\":{\"a\":\"^true$\"}"), WEBHOOK("{\"a\":true}"), NULL, DECISION_STARTED, NULL},
    {"null pattern", HOOK(",\"payloadConstraints\":{\"a\":null}"), WEBHOOK("{\"a\":0}"), NULL, DECISION_STARTED, NULL},
    {"null pattern, absent", HOOK(",\"payloadConstraints\":{\"a\":null}"), WEBHOOK("{}"), NULL, DECISION_CONSTRAINT, "\"a\""},
    {"java map", HOOK(",\"payloadConstraints\":{\"a\":\"^\\\\{b=\\\\[1, x\\\\], c=null\\\\}$\"}"),
     WEBHOOK("{\"a\":{\"b\":[1,\"x\"],\"c\":null}}"), NULL, DECISION_STARTED, NULL},
    {"path", HOOK(",\"payloadConstraints\":{\"$.a.b\":\"^x$\"}"), WEBHOOK("{\"a\":{\"b\":\"x\"}}"), NULL, DECISION_STARTED, NULL},
    {"path without root", HOOK(",\"payloadConstraints\":{\"a.b\":\"^x$\"}"), WEBHOOK("{\"a\":{\"b\":\"x\"}}"), NULL, DECISION_STARTED,
     NULL},
    {"key with a dot first", HOOK(",\"payloadConstraints\":{\"a.b\":\"^y$\"}"), WEBHOOK("{\"a.b\":\"y\",\"a\":{\"b\":\"x\"}}"), NULL,
     DECISION_STARTED, NULL},
    {"list of texts", HOOK(",\"payloadConstraints\":{\"$.a[*].b\":\"^y$\"}"), WEBHOOK("{\"a\":[{\"b\":\"x\"},{\"b\":\"y\"}]}"), NULL,
     DECISION_STARTED, NULL},
    {"list without it", HOOK(",\"payloadConstraints\":{\"$.a[*].b\":\"^z$\"}"), WEBHOOK("{\"a\":[{\"b\":\"x\"}]}"), NULL,
     DECISION_CONSTRAINT, "\"x\""},
    {"object by path", HOOK(",\"payloadConstraints\":{\"$.a.b\":\"x\"}"), WEBHOOK("{\"a\":{\"b\":{\"x\":1}}}"), NULL, DECISION_CONSTRAINT,
     NULL},
    {"bad path", HOOK(",\"payloadConstraints\":{\"$.a[\":\"x\"}"), WEBHOOK("{}"), NULL, DECISION_CONSTRAINT, NULL},
    {"bad pattern", HOOK(",\"payloadConstraints\":{\"a\":\"(\"}"), WEBHOOK("{\"a\":\"x\"}"), NULL, DECISION_CONSTRAINT, "not valid"},
    {"evil pattern", HOOK(",\"payloadConstraints\":{\"a\":\"^(a+)+$\"}"),
     WEBHOOK("{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"}"), NULL, DECISION_CONSTRAINT, "steps"},
    {"git", GIT(""), PUSH(""), NULL, DECISION_STARTED, NULL},
    {"git branch", GIT(",\"branch\":\"release/.*\""), PUSH(""), NULL, DECISION_STARTED, NULL},
    {"git branch is whole", GIT(",\"branch\":\"release\""), PUSH(""), NULL, DECISION_CONSTRAINT, "release/1"},
    {"git bad branch", GIT(",\"branch\":\"[\""), PUSH(""), NULL, DECISION_CONSTRAINT, NULL},
    {"git events", GIT(",\"events\":[\"push:push\"]"), PUSH(""), NULL, DECISION_STARTED, NULL},
    {"git other events", GIT(",\"events\":[\"branch:delete\"]"), PUSH(""), NULL, DECISION_CONSTRAINT, "push:push"},
    {"git secret, unsigned", GIT(",\"secret\":\"x\""), PUSH(""), NULL, DECISION_SIGNATURE, NULL},
    {"git shared secret, unsigned", GIT(""), PUSH(""), "x", DECISION_SIGNATURE, NULL},
    {"git signed without secret", GIT(""), PUSH(",\"requestHeaders\":{\"x-hub-signature\":[\"sha1=00\"]}"), NULL, DECISION_SIGNATURE,
     "no secret"},
    {"docker any tag", DOCKER(""), IMAGE("v1"), NULL, DECISION_STARTED, NULL},
    {"docker latest", DOCKER(",\"tag\":\" \""), IMAGE("latest"), NULL, DECISION_CONSTRAINT, "latest"},
    {"docker latest wanted", DOCKER(",\"tag\":\"latest\""), IMAGE("latest"), NULL, DECISION_STARTED, NULL},
    {"docker tag is whole", DOCKER(",\"tag\":\"v1\""), IMAGE("v1.2"), NULL, DECISION_CONSTRAINT, NULL},
    {"ended", AFTER(",\"status\":[\"failed\"]"), ENDED("STOPPED"), NULL, DECISION_STARTED, NULL},
    {"ended otherwise", AFTER(",\"status\":[\"failed\"]"), ENDED("CANCELED"), NULL, DECISION_CONSTRAINT, "canceled"},
    {"ended, no status", AFTER(""), ENDED("SUCCEEDED"), NULL, DECISION_CONSTRAINT, NULL},
    {"pubsub",
     "{\"type\":\"pubsub\",\"enabled\":true,\"pubsubSystem\":\"google\",\"subscriptionName\":\"Sub\",\"attributeConstraints\":{\"k\":\"v\"}"
     "}",
     "{\"details\":{\"type\":\"pubsub\"},\"payload\":{},\"content\":{\"messageDescription\":{\"pubsubSystem\":\"GOOGLE\","
     "\"subscriptionName\":\"sub\","
     "\"messageAttributes\":{\"k\":\"vv\"}}}}",
     NULL, DECISION_STARTED, NULL},
    {"plugin", "{\"type\":\"plugin\",\"enabled\":true}",
     "{\"details\":{\"type\":\"plugin\",\"attributes\":{\"pluginEventType\":\"published\"}}}", NULL, DECISION_STARTED, NULL},
    {"helm", "{\"type\":\"helm\",\"enabled\":true,\"account\":\"a\",\"version\":\"~1.2.0\"}",
     "{\"details\":{\"type\":\"helm\"},\"content\":{\"account\":\"a\",\"chart\":\"c\",\"version\":\"1.3.0\",\"digest\":\"d\"}}", NULL,
     DECISION_CONSTRAINT, "1.3.0"},
};

static void test_matches(void) {
    for (gsize i = 0; i < G_N_ELEMENTS(MATCHES); i++) {
        const MatchCase *test = &MATCHES[i];
        g_autoptr(Json) trigger = parse(test->trigger);
        g_autoptr(Json) envelope = parse(test->event);
        g_autoptr(Event) event = event_of(envelope);
        TriggerSettings settings = {.git_secret = (char *)test->secret};
        Match match = {.event = event, .trigger = json_root(trigger), .settings = &settings};
        g_auto(TriggerDecision) why = {0};
        gboolean matches = trigger_matches(trigger_handler_of_event(event->type), &match, &why);
        if (matches != (test->reason == DECISION_STARTED) || (!matches && why.reason != test->reason) ||
            (test->says != NULL && strstr(why.message, test->says) == NULL))
            g_error("%s: %s", test->name, why.message != NULL ? why.message : "it matches");
    }
}

static void test_ignored(void) {
    static const char *const EVENTS[] = {
        "{\"details\":{\"type\":\"docker\"},\"content\":{\"tag\":\" \"}}",
        "{\"details\":{\"type\":\"build\"},\"content\":{\"project\":{\"lastBuild\":{\"building\":true,\"result\":\"SUCCESS\"}}}}",
        "{\"details\":{\"type\":\"build\"},\"content\":{\"project\":{\"lastBuild\":{\"building\":false,\"result\":\"UNSTABLE\"}}}}",
        "{\"details\":{\"type\":\"helm\"},\"content\":{\"chart\":\"c\",\"version\":\"1.0.0\"}}",
        "{\"details\":{\"type\":\"pubsub\"},\"payload\":[1]}",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(EVENTS); i++) {
        g_autoptr(Json) envelope = parse(EVENTS[i]);
        g_autoptr(Event) event = event_of(envelope);
        g_autofree char *why = trigger_handler_of_event(event->type)->ignore(event);
        g_assert_nonnull(why);
    }
}

/* ---- the execution's trigger ---- */
static void test_run_time(void) { /* 1.1, 11.2 */
    g_autoptr(Json)
        trigger = parse("{\"type\":\"webhook\",\"enabled\":true,\"source\":\"s\",\"secret\":\"x\",\"inherited\":true,\"rebake\":true,"
                        "\"parameters\":{\"old\":1},\"link\":null}");
    g_autoptr(Json) envelope = parse("{\"details\":{\"type\":\"webhook\",\"source\":\"s\"},\"content\":{\"a\":1},\"payload\":{\"a\":1}}");
    g_autoptr(Event) event = event_of(envelope);
    Match match = {.event = event, .trigger = json_root(trigger)};
    g_autoptr(Json) built = trigger_build_run_time(&trigger_webhook, &match, "id");
    g_autoptr(Json)
        wanted = parse("{\"type\":\"webhook\",\"enabled\":true,\"source\":\"s\",\"rebake\":true,\"preferred\":false,\"dryRun\":false,"
                       "\"id\":\"id\",\"eventId\":\"e\",\"payload\":{\"a\":1}}");
    if (!json_equal(json_root(built), json_root(wanted)))
        g_error("%s", json_write(json_root(built), NULL));
}

static void test_ids(void) { /* 1.5 */
    g_autoptr(Json) pipeline = parse("{\"application\":\"a\",\"name\":\"n\",\"id\":\"i\"}");
    g_autoptr(Json) other = parse("{\"application\":\"a\",\"name\":\"m\",\"id\":\"i\"}");
    g_autoptr(Json) trigger = parse("{\"type\":\"cron\",\"cronExpression\":\"x\",\"description\":\"d\"}");
    g_autoptr(Json) described = parse("{\"type\":\"cron\",\"cronExpression\":\"x\",\"description\":\"e\"}");
    g_autoptr(Json) changed = parse("{\"type\":\"cron\",\"cronExpression\":\"y\"}");
    g_autofree char *id = trigger_derive_id(json_root(pipeline), json_root(trigger));
    g_autofree char *same = trigger_derive_id(json_root(pipeline), json_root(described));
    g_autofree char *third = trigger_derive_id(json_root(pipeline), json_root(changed));
    g_autofree char *fourth = trigger_derive_id(json_root(other), json_root(trigger));
    g_assert_true(g_uuid_string_is_valid(id));
    g_assert_cmpint(id[14], ==, '3');
    g_assert_cmpstr(id, ==, same);
    g_assert_cmpstr(id, !=, third);
    g_assert_cmpstr(id, !=, fourth);
}

/* ---- versions ---- */
static void test_versions(void) { /* 9 */
    static const struct {
        const char *version, *range;
        gboolean inside;
    } CASES[] = {
        {"1.2.3", "1.2.3", TRUE},
        {"1.2.3", "~1.2.0", TRUE},
        {"1.3.0", "~1.2.0", FALSE},
        {"1.9.0", "~1", TRUE},
        {"1.9.0", "^1.2.3", TRUE},
        {"2.0.0", "^1.2.3", FALSE},
        {"0.2.9", "^0.2.3", TRUE},
        {"0.3.0", "^0.2.3", FALSE},
        {"0.0.4", "^0.0.3", FALSE},
        {"1.2.7", "1.2.x", TRUE},
        {"1.3.0", "1.2.x", FALSE},
        {"3.1.4", "*", TRUE},
        {"1.5.0", ">=1 <2", TRUE},
        {"2.0.0", ">=1 <2", FALSE},
        {"1.3.0", "1.2 - 1.4", TRUE},
        {"1.4.9", "1.2 - 1.4", TRUE},
        {"1.5.0", "1.2 - 1.4", FALSE},
        {"3.0.0", "1.x || >= 2.5.0", TRUE},
        {"2.0.0", "1.x || >=2.5.0", FALSE},
        {"1.2.3-rc.1", "^1.2.0", FALSE},
        {"1.2.3-rc.2", ">=1.2.3-rc.1", TRUE},
        {"1.2.3-rc.10", ">1.2.3-rc.9", TRUE},
        {"v1.2.3", "1", TRUE},
        {"1.2", "*", FALSE},
        {"x", "*", FALSE},
        {"1.0.0", "nonsense", FALSE},
        {"1.2.4", ">1.2", FALSE},
        {"1.3.0", ">1.2", TRUE},
        {"1.2.9", "<=1.2", TRUE},
        {"1.2.3+build", "=1.2.3", TRUE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(CASES); i++)
        if (semver_in_range(CASES[i].version, CASES[i].range) != CASES[i].inside)
            g_error("%s in %s", CASES[i].version, CASES[i].range);
}

/* ---- webhooks ---- */
typedef struct {
    const char *source, *headers, *body;
    const char *part; /* of the content, as JSON object; NULL: not processed */
} GitCase;

static void test_git_bodies(void) { /* 6.4 */
    static const GitCase CASES[] = {
        {"github", "{}", "{\"hook_id\":1}", NULL},
        {"github", "{}", "{\"ref\":\"refs/tags/v1\",\"after\":\"a\",\"repository\":{\"name\":\"w\",\"owner\":{\"login\":\"l\"}}}",
         "{\"repoProject\":\"l\",\"slug\":\"w\",\"branch\":\"refs/tags/v1\",\"hash\":\"a\",\"action\":\"push:push\"}"},
        {"github", "{\"X-GitHub-Event\":[\"delete\"]}",
         "{\"ref\":\"b\",\"ref_type\":\"branch\",\"repository\":{\"name\":\"w\",\"owner\":{\"login\":\"l\"}}}",
         "{\"repoProject\":\"l\",\"branch\":\"b\",\"hash\":\"\",\"action\":\"branch:delete\"}"},
        {"stash", "{}", "{\"changes\":[{\"refId\":\"refs/heads/x\",\"toHash\":\"0000000000\"}]}", NULL},
        {"bitbucket", "{}", "{\"test\":true}", NULL},
        {"bitbucket", "{\"x-event-key\":\"repo:push\"}",
         "{\"repository\":{\"full_name\":\"t/w\",\"owner\":{\"username\":\"\"},\"project\":{\"key\":\"K\"}},"
         "\"push\":{\"changes\":[{\"new\":{\"name\":\"main\"},\"commits\":[{\"hash\":\"h\"}]}]}}",
         "{\"repoProject\":\"K\",\"slug\":\"t/"
         "w\",\"branch\":\"main\",\"hash\":\"h\",\"action\":\"repo:push\",\"event_type\":\"repo:push\"}"},
        {"bitbucket", "{\"X-Event-Key\":[\"pullrequest:fulfilled\"]}",
         "{\"repository\":{\"full_name\":\"t/"
         "w\",\"owner\":{\"username\":\"u\"}},\"pullrequest\":{\"merge_commit\":{\"hash\":\"m\"},\"destination\":"
         "{\"branch\":{\"name\":\"main\"}}}}",
         "{\"repoProject\":\"u\",\"branch\":\"main\",\"hash\":\"m\"}"},
        {"bitbucket", "{\"X-Event-Key\":[\"repo:refs_changed\"]}",
         "{\"repository\":{\"slug\":\"w\",\"project\":{\"key\":\"K\"}},\"changes\":[{\"toHash\":\"h\",\"ref\":{\"id\":\"refs/heads/b\"}}]}",
         "{\"repoProject\":\"K\",\"slug\":\"w\",\"branch\":\"b\",\"hash\":\"h\"}"},
        {"bitbucket", "{\"X-Event-Key\":[\"pr:merged\"]}",
         "{\"pullRequest\":{\"properties\":{\"mergeCommit\":{\"id\":\"m\"}},\"toRef\":{\"id\":\"refs/heads/"
         "b\",\"latestCommit\":\"l\",\"repository\":"
         "{\"slug\":\"w\",\"project\":{\"key\":\"K\"}}}}}",
         "{\"repoProject\":\"K\",\"slug\":\"w\",\"branch\":\"b\",\"hash\":\"m\",\"action\":\"pr:merged\"}"},
        {"bitbucket", "{\"X-Event-Key\":[\"issue:created\"]}", "{\"a\":1}", "{\"event_type\":\"issue:created\"}"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(Json) headers = parse(CASES[i].headers);
        g_autoptr(Json) body = parse(CASES[i].body);
        g_autoptr(GError) error = NULL;
        WebhookRequest request = {.type = "git", .source = CASES[i].source, .headers = json_root(headers), .body = json_root(body)};
        g_autoptr(Json) envelope = webhook_envelope(&request, &error);
        g_assert_no_error(error);
        g_assert_true((envelope != NULL) == (CASES[i].part != NULL));
        g_autoptr(Json) part = parse(CASES[i].part != NULL ? CASES[i].part : "{}");
        for (JsonIter p = json_iter(json_root(part)); json_next(&p);)
            g_assert_cmpstr(json_string(p.value), ==, json_string(json_dig(json_root(envelope), "content", p.key, NULL)));
    }
}

static void test_artifacts_of_bodies(void) { /* 11.3 */
    static const struct {
        const char *source, *body, *references;
    } CASES[] = {
        {"quay", "{\"repository\":\"o/r\",\"docker_url\":\"quay.io/o/r\",\"updated_tags\":[\"1\",\"2\"]}", "quay.io/o/r:1 quay.io/o/r:2"},
        {"quay", "{\"docker_url\":\"quay.io/o/r\",\"updated_tags\":[\"1\"]}", ""},
        {"dockerregistry",
         "{\"events\":[{\"action\":\"push\",\"request\":{\"host\":\"h\"},\"target\":{\"mediaType\":\"application/"
         "vnd.docker.distribution.manifest.v2+json\",\"repository\":\"r\",\"digest\":\"sha256:1\"}},{\"action\":\"pull\"}]}",
         "h/r@sha256:1"},
        {"NEXUS", "{\"component\":{\"group\":\"g\",\"name\":\"n\",\"version\":\"1\"}}", "g:n:1"},
        {"dockerhub", "{\"push_data\":{\"tag\":\"1\"}}", ""},
        {"s", "{\"artifacts\":[{\"reference\":\"own\"}]}", "own"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(Json) body = parse(CASES[i].body);
        WebhookRequest request = {.type = "webhook", .source = CASES[i].source, .body = json_root(body)};
        g_autoptr(Json) envelope = webhook_envelope(&request, NULL);
        g_autoptr(GString) references = g_string_new(NULL);
        for (JsonIter a = json_iter(json_dig(json_root(envelope), "content", "artifacts", NULL)); json_next(&a);)
            g_string_append_printf(references, "%s%s", a.index > 0 ? " " : "", json_get_string(a.value, "reference"));
        g_assert_cmpstr(references->str, ==, CASES[i].references);
        g_assert_true(json_equal(json_get(json_root(envelope), "payload"), json_root(body)));
    }
}

/* Secrets of senders are not kept. */
static void test_headers(void) {
    g_autoptr(Json)
        headers = parse("{\"Authorization\":[\"Basic x\"],\"cookie\":\"y\",\"X-Gitlab-Token\":[\"secret\"],\"A\":[\"1\",\"2\"]}");
    WebhookRequest request = {.type = "webhook", .source = "s", .headers = json_root(headers), .raw = "{}"};
    g_autoptr(Json) envelope = webhook_envelope(&request, NULL);
    const JsonValue *kept = json_dig(json_root(envelope), "details", "requestHeaders", NULL);
    g_assert_cmpuint(json_length(kept), ==, 2);
    g_assert_true(g_str_has_prefix(json_string(json_at(json_get(kept, "X-Gitlab-Token"), 0)), "sha256:"));
    g_assert_cmpuint(json_length(json_get(kept, "A")), ==, 2);
    g_autoptr(Event) event = event_of(envelope);
    g_autofree char *text = event_text_to_keep(event);
    g_assert_null(strstr(text, "requestHeaders\":{\"A"));
    g_assert_null(strstr(text, "rawContent"));
}

static void test_bad_requests(void) {
    g_autoptr(Json) list = parse("[1]");
    g_autofree char *long_name = g_strnfill(WEBHOOK_NAME_MAX + 1, 'x');
    const WebhookRequest REQUESTS[] = {
        {.type = "webhook", .source = "s", .body = json_root(list)},
        {.type = long_name, .source = "s"},
        {.type = "webhook", .source = long_name},
        {.type = "git", .source = "gitea"},
        {.type = "git", .source = "gitlab"},
        {.type = "cdevents", .source = "s"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(REQUESTS); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(webhook_envelope(&REQUESTS[i], &error));
        g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/triggers/matches", test_matches);
    g_test_add_func("/triggers/ignored", test_ignored);
    g_test_add_func("/triggers/run-time", test_run_time);
    g_test_add_func("/triggers/ids", test_ids);
    g_test_add_func("/triggers/versions", test_versions);
    g_test_add_func("/triggers/git-bodies", test_git_bodies);
    g_test_add_func("/triggers/artifacts-of-bodies", test_artifacts_of_bodies);
    g_test_add_func("/triggers/headers", test_headers);
    g_test_add_func("/triggers/bad-requests", test_bad_requests);
    return g_test_run();
}
