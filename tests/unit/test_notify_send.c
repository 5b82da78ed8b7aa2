/* Notifications (notifications.md 1 to 4, engine.md 19.2, 19.3): what is wanted when something changed, the texts, the calls that are made. */
#include "engine_driver.h"
#include "net/smtp.h"
#include "notify/email.h"
#include "notify/markdown.h"
#include "notify/request.h"
#include "notify/slack_callback.h"
#include "notify/wanted.h"
#include "stages/stages.h"

#define BASE "https://deck"

static Senders *senders_of(const char *yaml, const char *wrong) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_load_text("echo.yml", yaml, -1, &error);
    g_assert_no_error(error);
    Senders *senders = senders_new(config, &error);
    if (wrong == NULL) {
        g_assert_no_error(error);
        return senders;
    }
    g_assert_null(senders);
    g_assert_nonnull(strstr(error->message, wrong));
    return NULL;
}

static const char ALL[] = "spinnaker: {baseUrl: '" BASE "/'}\n"
                          "slack: {enabled: true, token: t, app: {token: a, signingSecret: s}}\n"
                          "mail: {enabled: true, from: 'S <s@example.com>', host: mx}\n"
                          "twilio: {enabled: true, account: A, token: t, from: '+1'}\n"
                          "googlechat: {enabled: true}\nmicrosoftteams: {enabled: true}\n"
                          "github-status: {enabled: true, token: t}\npager-duty: {enabled: true, token: t}\ncdevents: {enabled: true}\n";

/* ---- what is wanted ---- */
static char *kinds_of(const GPtrArray *wanted) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < wanted->len; i++) {
        const JsonValue *root = json_root(g_ptr_array_index(wanted, i));
        g_string_append_printf(text, "%s%s.%s>%s", i > 0 ? " " : "", json_get_string(root, "level"), json_get_string(root, "status"),
                               json_get_string(json_get(root, "entry"), "address"));
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void test_wanted(void) {
    const WantedContext context = {0};
    Driver driver;
    driver_open(
        &driver,
        "[{\"type\":\"plain\",\"name\":\"A\",\"tasks\":{\"one\":\"\"},\"sendNotifications\":true,\"notifications\":[{\"type\":\"slack\","
        "\"address\":\"#a\",\"when\":[\"stage.starting\",\"stage.failed\"]},{\"type\":\"slack\",\"address\":\"#never\"}]},"
        "{\"type\":\"plain\",\"name\":\"B\",\"tasks\":{\"two\":\"\"},\"notifications\":[{\"type\":\"slack\",\"address\":\"#b\","
        "\"when\":[\"stage.starting\"]}]}]");
    g_autoptr(GPtrArray) begun = wanted_between(NULL, driver.execution, &context, 7);
    g_autofree char *first = kinds_of(begun);
    g_assert_cmpstr(first, ==, "stage.starting>#a");
    g_autoptr(Execution) before = execution_ref(driver.execution);
    driver_ran(&driver, "0", STATUS_TERMINAL);
    g_autoptr(GPtrArray) failed = wanted_between(before, driver.execution, &context, 7),
                         again = wanted_between(before, driver.execution, &context, 9);
    g_autofree char *second = kinds_of(failed);
    g_assert_cmpstr(second, ==, "stage.failed>#a");
    g_assert_cmpstr(json_get_string(json_root(failed->pdata[0]), "key"), ==, json_get_string(json_root(again->pdata[0]), "key"));
    g_autoptr(GPtrArray) nothing = wanted_between(driver.execution, driver.execution, &context, 7);
    g_assert_cmpuint(nothing->len, ==, 0);
    driver_close(&driver);
}

static void test_when(void) {
    static const struct {
        const char *entry, *event;
        gboolean matches;
    } CASES[] = {
        {"{\"when\":[\"pipeline.failed\"]}", "pipeline.failed", TRUE},    {"{\"when\":[\"pipeline.failed.x\"]}", "pipeline.failed", FALSE},
        {"{\"when\":\"a pipeline.failed b\"}", "pipeline.failed", TRUE},  {"{}", "pipeline.failed", FALSE},
        {"{\"when\":{\"pipeline.failed\":1}}", "pipeline.failed", FALSE}, {"{\"when\":[1,null]}", "pipeline.failed", FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autoptr(Json) entry = json_parse(CASES[i].entry, -1, NULL);
        g_assert_cmpint(wanted_matches(json_root(entry), CASES[i].event), ==, CASES[i].matches);
    }
}

/* ---- texts ---- */
static Json *document_of(const char *level, const char *status, const char *entry, const char *stage) {
    g_autofree char *text = g_strdup_printf(
        "{\"key\":\"k\",\"type\":\"slack\",\"created\":86400000,\"level\":\"%s\",\"status\":\"%s\",\"entry\":%s,\"stage\":%s,\"execution\":"
        "{\"type\":"
        "\"%s\",\"id\":\"01\",\"application\":\"shop\",\"name\":%s,\"description\":\"tidy <up>\",\"trigger\":{\"buildInfo\":{\"number\":3,"
        "\"name\":\"o/r\",\"url\":\"http://ci/3\",\"scm\":[{\"sha1\":\"abc\"}]}}}}",
        level, status, entry, stage, strcmp(level, "orchestration") == 0 ? "ORCHESTRATION" : "PIPELINE",
        strcmp(level, "orchestration") == 0 ? "null" : "\"Go & see\"");
    g_autoptr(GError) error = NULL;
    Json *document = json_parse(text, -1, &error);
    g_assert_no_error(error);
    return document;
}

static void assert_text(const Json *document, NotificationStyle style, const char *expected) {
    g_auto(Notification) notification = {0};
    notification_open(&notification, json_root(document), BASE);
    g_autofree char *text = notification_text(&notification, style);
    g_assert_cmpstr(text, ==, expected);
}

static void test_texts(void) {
    g_autoptr(Json) pipeline = document_of("pipeline", "complete",
                                           "{\"address\":\"#a\",\"message\":{\"pipeline.complete\":{\"text\":\"more\"}}}", "null");
    g_autoptr(Json) stage = document_of("stage", "starting", "{}", "{\"name\":\"Bake\",\"index\":2}");
    g_autoptr(Json) task = document_of("orchestration", "failed", "{}", "null");
    g_autoptr(Json) custom = document_of("pipeline", "failed", "{\"customMessage\":\"{{executionId}} {{link}} {{other}}\"}", "null");
    assert_text(pipeline, STYLE_PLAIN, "Shop's Go & see build #3 pipeline has completed successfully\n\nmore");
    assert_text(pipeline, STYLE_SLACK,
                "Shop's <" BASE "/#/applications/shop/executions/details/01|Go &amp; see> build <http://ci/3|#3> pipeline has "
                "completed successfully\n\nmore");
    assert_text(stage, STYLE_PLAIN, "Stage Bake for Shop's Go & see build #3 pipeline is starting");
    assert_text(task, STYLE_HTML,
                "Shop's <a href=\"" BASE "/#/applications/shop/tasks/01\">tidy &lt;up&gt;</a> build <a href=\"http://ci/3\">#3</a> task "
                "has failed");
    assert_text(custom, STYLE_PLAIN, "01 " BASE "/#/applications/shop/executions/details/01 {{other}}");
    g_auto(Notification) opened = {0};
    notification_open(&opened, json_root(task), BASE);
    g_autofree char *subject = notification_subject(&opened), *title = notification_title(&opened);
    g_assert_cmpstr(subject, ==, "shop's 01 build #3 task has failed");
    g_assert_cmpstr(title, ==, "Task failed for SHOP");
}

/* ---- calls ---- */
/* What is built of a document; NULL expected: it is refused with that text. */
static Json *built(const Senders *senders, const NotificationType *type, const Json *document, char **url, const char *refused) {
    g_auto(Notification) notification = {0};
    g_auto(NotificationCall) call = {0};
    g_autoptr(GError) error = NULL;
    notification_open(&notification, json_root(document), senders_base_url(senders));
    gboolean fine = notification_build(senders, type, &notification, &call, &error);
    if (refused != NULL) {
        g_assert_false(fine);
        g_assert_nonnull(strstr(error->message, refused));
        return NULL;
    }
    g_assert_no_error(error);
    if (url != NULL)
        *url = g_strdup(call.url);
    return call.body != NULL ? json_parse(call.body, -1, NULL) : NULL;
}

static void test_calls(void) {
    g_autoptr(Senders) senders = senders_of(ALL, NULL);
    g_autoptr(Json) github = document_of("stage", "failed", "{}", "{\"name\":\"Bake\",\"index\":2}");
    g_autofree char *url = NULL;
    g_autoptr(Json) status = built(senders, &notification_github_status, github, &url, NULL);
    g_assert_cmpstr(url, ==, "https://api.github.com/repos/o/r/statuses/abc");
    g_assert_cmpstr(json_get_string(json_root(status), "state"), ==, "failure");
    g_assert_cmpstr(json_get_string(json_root(status), "description"), ==, "Stage 'Bake' in pipeline 'Go & see' is failed");
    g_assert_cmpstr(json_get_string(json_root(status), "target_url"), ==,
                    BASE "/#/applications/shop/executions/details/01?pipeline=Go%20%26%20see&stage=2");
    g_autoptr(Json) escape = document_of("pipeline", "failed", "{\"repo\":\"o/../r\"}", "null");
    built(senders, &notification_github_status, escape, NULL, "owner/repository");
    g_autoptr(Json) commit = document_of("pipeline", "failed", "{\"commit\":\"a/../b\"}", "null");
    built(senders, &notification_github_status, commit, NULL, "commit");

    g_autoptr(Json) office = document_of("pipeline", "failed", "{\"address\":\"https://x.webhook.office.com/webhookb2/1\"}", "null");
    g_autoptr(Json) card = built(senders, &notification_teams, office, NULL, NULL);
    g_assert_cmpstr(json_get_string(json_root(card), "themeColor"), ==, "EB1A1A");
    g_assert_cmpstr(json_get_string(json_root(card), "@type"), ==, "MessageCard");
    g_autoptr(Json) chat = document_of("pipeline", "failed", "{\"address\":\"https://chat.googleapis.com.evil.example/\"}", "null");
    built(senders, &notification_googlechat, chat, NULL, "expected a room's webhook");
    g_autoptr(Json) nobody = document_of("pipeline", "failed", "{}", "null");
    built(senders, &notification_slack, nobody, NULL, "address: missing");
    g_autoptr(Json)
        event = document_of("pipeline", "failed", "{\"address\":\"http://x\",\"cdEventsType\":\"dev.cdevents.nothing\"}", "null");
    built(senders, &notification_cdevents, event, NULL, "cdEventsType");
}

static void test_mail(void) {
    g_autoptr(Senders) senders = senders_of(ALL, NULL);
    g_autoptr(Json) document = document_of(
        "pipeline", "failed", "{\"address\":\"a@b.c,d@e.f g@h.i\",\"customSubject\":\"x\\r\\nBcc: evil@x.y \xc3\xbc\"}", "null");
    g_auto(Notification) notification = {0};
    g_auto(NotificationCall) call = {0};
    notification_open(&notification, json_root(document), BASE);
    g_assert_true(notification_build(senders, &notification_email, &notification, &call, NULL));
    g_assert_cmpuint(g_strv_length(call.recipients), ==, 3);
    g_assert_cmpstr(call.from, ==, "s@example.com");
    g_assert_null(strstr(call.message, "\nBcc"));
    g_assert_nonnull(strstr(call.message, "\r\nSubject: =?UTF-8?B?"));
    g_assert_nonnull(strstr(call.message, "\r\nMessage-ID: <k@example.com>\r\n"));
    g_assert_nonnull(strstr(call.message, "\r\nDate: Fri, 2 Jan 1970 00:00:00 +0000\r\n"));
}

static void test_settings(void) {
    senders_of("slack: {enabled: true}\n", "slack.token");
    senders_of("mail: {enabled: true}\n", "mail.from");
    senders_of("mail: {enabled: true, from: a@b.c}\n", "spring.mail.host");
    senders_of("twilio: {enabled: true}\n", "twilio.account");
    senders_of("github-status: {enabled: true}\n", "github-status.token");
    senders_of("cdevents: {enabled: true, transport: kafka}\n", "cdevents.transport");
    g_autoptr(Senders) none = senders_of("slack: {token: t}\n", NULL);
    g_autoptr(GError) off = NULL, never = NULL, unknown = NULL;
    g_assert_false(senders_can(none, "slack", &off));
    g_assert_nonnull(strstr(off->message, "slack.enabled"));
    g_assert_false(senders_can(none, "bearychat", &never));
    g_assert_nonnull(strstr(never->message, "BearyChat"));
    g_assert_false(senders_can(none, "carrier-pigeon", &unknown));
    g_assert_nonnull(strstr(unknown->message, "there are slack, email"));
    g_assert_cmpstr(senders_base_url(none), ==, "http://localhost:9000");
}

static void assert_security(const char *keys, SmtpSecurity expected) {
    g_autofree char *yaml = g_strdup_printf(
        "mail: {enabled: true, from: a@b.c, host: elsewhere}\nspring:\n  mail:\n    host: mx\n    port: 587\n%s", keys);
    g_autoptr(Senders) senders = senders_of(yaml, NULL);
    SmtpRequest request = {0};
    email_server(senders_settings(senders, &notification_email), &request);
    g_assert_cmpstr(request.host, ==, "mx");
    g_assert_cmpuint(request.port, ==, 587);
    g_assert_cmpint((int)request.security, ==, (int)expected);
}

static void test_mail_server(void) {
    assert_security("", SMTP_PLAIN);
    assert_security("    properties.mail.smtp.starttls.required: true\n", SMTP_STARTTLS_REQUIRED);
    assert_security("    properties: {mail: {smtp: {starttls: {enable: 'true'}}}}\n", SMTP_STARTTLS_TRY);
    assert_security("    properties:\n      mail.smtp.ssl.enable: true\n", SMTP_TLS);
    g_autoptr(Senders) other = senders_of("mail: {enabled: true, from: a@b.c, host: only}\n", NULL);
    SmtpRequest request = {0};
    email_server(senders_settings(other, &notification_email), &request);
    g_assert_cmpstr(request.host, ==, "only");
    g_assert_cmpuint(request.port, ==, 25);
}

/* ---- judgements: what the task writes down is what is told ---- */
/* Runs the task of the stage as it is at that time; what it writes down becomes the stage's context. Whether it wrote something. */
static gboolean run_judgement(Stage *stage, gint64 now_ms, const char *status) {
    Execution execution = {.id = (char *)"01", .application = (char *)"shop", .name = (char *)"n"};
    TaskResult result = {0};
    TaskContext context = {.execution = &execution, .stage = stage, .params = NULL, .now_ms = now_ms, .result = &result};
    g_autoptr(Json) with = status != NULL ? json_with_string(json_root(stage->context), "judgmentStatus", status)
                                          : json_ref(stage->context);
    const StageType *type = stage_types_find(&stage_types, "manualJudgment");
    g_autofree void *read = g_malloc0(type->params_size);
    g_assert_true(params_read(type->params, json_root(with), read, NULL));
    context.params = read;
    type->tasks[0].run(&context, NULL);
    params_clear(type->params, read);
    gboolean wrote = result.context != NULL;
    if (wrote) {
        Json *merged = json_merge(json_root(stage->context), json_root(result.context));
        json_unref(stage->context);
        stage->context = merged;
    }
    json_unref(result.context);
    json_unref(result.outputs);
    return wrote;
}

static void test_judgements(void) {
    Stage stage = {.context = json_parse(
                       "{\"sendNotifications\":true,\"notifications\":[{\"type\":\"slack\",\"address\":\"#a\",\"notifyEveryMs\":1000,"
                       "\"when\":[\"manualJudgment\"]},{\"type\":\"slack\",\"address\":\"#b\"}]}",
                       -1, NULL)};
    g_assert_true(run_judgement(&stage, 5000, NULL));
    g_assert_false(run_judgement(&stage, 5999, NULL)); /* nothing changed: nothing is committed */
    g_assert_true(run_judgement(&stage, 6000, NULL));
    const JsonValue *list = json_get(json_root(stage.context), "notifications");
    g_assert_cmpint(json_int(json_dig(json_at(list, 0), "lastNotifiedByNotificationState", "manualJudgment", NULL), 0), ==, 6000);
    g_assert_cmpint(json_int(json_dig(json_at(list, 1), "lastNotifiedByNotificationState", "manualJudgment", NULL), 0), ==, 5000);
    g_assert_true(run_judgement(&stage, 7000, "STOP"));
    list = json_get(json_root(stage.context), "notifications");
    g_assert_null(json_dig(json_at(list, 0), "lastNotifiedByNotificationState", "manualJudgmentStop", NULL));
    g_assert_cmpint(json_int(json_dig(json_at(list, 1), "lastNotifiedByNotificationState", "manualJudgmentStop", NULL), 0), ==, 7000);
    json_unref(stage.context);

    Stage older = {.context = json_parse("{\"notifications\":[{\"type\":\"slack\",\"address\":\"#a\"}]}", -1, NULL)};
    g_assert_true(run_judgement(&older, 5000, NULL));
    g_assert_false(run_judgement(&older, 6000, "continue"));
    json_unref(older.context);
}

/* ---- requests and their limits ---- */
static guint documents_of(const Senders *senders, const char *text, const char *wrong) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) request = json_parse(text, -1, &error);
    g_assert_no_error(error);
    g_autoptr(GPtrArray) documents = request_documents(senders, json_root(request), "key", 7, &error);
    if (wrong == NULL) {
        g_assert_no_error(error);
        return documents->len;
    }
    g_assert_null(documents);
    g_assert_nonnull(strstr(error->message, wrong));
    return 0;
}

static void test_requests(void) {
    g_autoptr(Senders) senders = senders_of(ALL, NULL);
    g_assert_cmpuint(documents_of(senders, "{\"notificationType\":\"SLACK\",\"to\":[\"a\",\"b\"]}", NULL), ==, 2);
    g_assert_cmpuint(documents_of(senders, "{\"notificationType\":\"email\",\"to\":[\"a@b.c\",\"d@e.f\"],\"cc\":\"g@h.i\"}", NULL), ==, 1);
    documents_of(senders, "{\"notificationType\":\"SLACK\",\"to\":[1]}", "to[0]");
    documents_of(senders, "{\"notificationType\":\"SLACK\",\"to\":{}}", "to: expected a list");
    documents_of(senders, "{\"notificationType\":\"githubStatus\",\"to\":[\"x\"]}", "events of executions only");
    g_autoptr(GString) many = g_string_new("{\"notificationType\":\"SLACK\",\"to\":[\"a\"");
    for (guint i = 0; i < NOTIFICATION_ADDRESSES_MAX; i++)
        g_string_append(many, ",\"a\"");
    g_string_append(many, "]}");
    documents_of(senders, many->str, "NOTIFICATION_ADDRESSES_MAX");
    g_autofree char *filler = g_strnfill(NOTIFICATION_BYTES_MAX, 'x');
    g_autofree char *large = g_strdup_printf("{\"notificationType\":\"SLACK\",\"to\":[\"a\"],\"additionalContext\":{\"body\":\"%s\"}}",
                                             filler);
    documents_of(senders, large, "NOTIFICATION_BYTES_MAX");
    g_autofree char *shortened = g_strdup_printf(
        "{\"notificationType\":\"SLACK\",\"to\":[\"a\"],\"additionalContext\":{\"execution\":{\"stages\":[\"%s\"]}}}", filler);
    g_assert_cmpuint(documents_of(senders, shortened, NULL), ==, 1);
}

/* ---- markdown ---- */
static void test_markdown(void) {
    static const char *const CASES[][2] = {
        {"", ""},
        {"a\nb\n\nc", "<p>a<br/>\nb</p>\n<p>c</p>\n"},
        {"# T\ntext", "<h1>T</h1>\n<p>text</p>\n"},
        {"* a\n* b", "<ul><li>a</li>\n<li>b</li>\n</ul>\n"},
        {"1. a\n2. b", "<ol><li>a</li>\n<li>b</li>\n</ol>\n"},
        {"> said", "<blockquote>said</blockquote>\n"},
        {"```\na < b\n```", "<pre><code>a &lt; b\n</code></pre>\n"},
        {"**b** *i* `c` snake_case_name", "<p><strong>b</strong> <em>i</em> <code>c</code> snake_case_name</p>\n"},
        {"[x](https://y/z) [bad](javascript:1)", "<p><a href=\"https://y/z\">x</a> [bad](javascript:1)</p>\n"},
        {"<script> ** 2 * 3", "<p>&lt;script&gt; ** 2 * 3</p>\n"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(CASES); i++) {
        g_autofree char *html = markdown_to_html(CASES[i][0]);
        g_assert_cmpstr(html, ==, CASES[i][1]);
    }
}

/* ---- Slack's buttons ---- */
static void test_buttons(void) {
    const SlackSettings settings = {.enabled = TRUE, .signing_secret = (char *)"8f742231b10e8888abcd99yyyzzz85a5"},
                        none = {.enabled = TRUE};
    /* The example of Slack's documentation of verification. */
    const char *body =
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id="
        "U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%"
        "2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const char *signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503", *at = "1531420618";
    const gint64 now_ms = G_GINT64_CONSTANT(1531420618000);
    g_assert_true(slack_callback_check(&settings, at, signature, body, now_ms, NULL));
    g_assert_true(slack_callback_check(&settings, at, signature, body, now_ms + SLACK_CALLBACK_AGE_MAX_MS, NULL));
    g_assert_false(slack_callback_check(&settings, at, signature, body, now_ms + SLACK_CALLBACK_AGE_MAX_MS + 1, NULL));
    g_assert_false(slack_callback_check(&settings, at, signature, "other", now_ms, NULL));
    g_assert_false(slack_callback_check(&settings, "x", signature, body, now_ms, NULL));
    g_assert_false(slack_callback_check(&settings, NULL, NULL, body, now_ms, NULL));
    g_assert_false(slack_callback_check(&none, at, signature, body, now_ms, NULL));
    g_autofree char *large = g_strnfill(SLACK_CALLBACK_MAX + 1, '*');
    g_autoptr(GError) limit = NULL;
    g_assert_false(slack_callback_check(&settings, at, signature, large, now_ms, &limit));
    g_assert_error(limit, GENNAKER_ERROR, ERR_LIMIT);
    static const char *const WRONG[] = {"", "payload", "payload=x", "payload=%7B%7D", "payload=%5B%5D", "a=1&payload=%7B%22type%22%3A1%7D"};
    for (gsize i = 0; i < G_N_ELEMENTS(WRONG); i++)
        g_assert_null(slack_callback_payload(WRONG[i], NULL));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/notify/send/wanted", test_wanted);
    g_test_add_func("/notify/send/when", test_when);
    g_test_add_func("/notify/send/texts", test_texts);
    g_test_add_func("/notify/send/calls", test_calls);
    g_test_add_func("/notify/send/mail", test_mail);
    g_test_add_func("/notify/send/settings", test_settings);
    g_test_add_func("/notify/send/mail-server", test_mail_server);
    g_test_add_func("/notify/send/judgements", test_judgements);
    g_test_add_func("/notify/send/requests", test_requests);
    g_test_add_func("/notify/send/markdown", test_markdown);
    g_test_add_func("/notify/send/buttons", test_buttons);
    return g_test_run();
}
