/* Buttons of Slack's messages. Facts: api.slack.com, "Verifying requests from Slack", "Handling user interaction in your Slack apps" (of
 * attachments), method users.info. */
#include "notify/slack_callback.h"
#include <openssl/crypto.h>
#include <string.h>

/* ---- who sent it ---- */
static char *signature_of(const char *secret, const char *timestamp, const char *body) {
    g_auto(GStrv) parts = g_strsplit(body, "*", -1); /* Slack signs it so */
    g_autofree char *spelled = g_strjoinv("%2A", parts);
    g_autofree char *base = g_strdup_printf("v0:%s:%s", timestamp, spelled);
    g_autofree char *digest = g_compute_hmac_for_string(G_CHECKSUM_SHA256, (const guchar *)secret, strlen(secret), base, -1);
    return g_strconcat("v0=", digest, NULL);
}

gboolean slack_callback_check(const SlackSettings *settings, const char *timestamp, const char *signature, const char *body, gint64 now_ms,
                              GError **error) {
    gint64 seconds = 0;
    if (settings->signing_secret == NULL || *settings->signing_secret == '\0') {
        error_set(error, ERR_INVALID, "Slack's callbacks are refused: slack.app.signingSecret is not set");
        return FALSE;
    }
    if (strlen(body) > SLACK_CALLBACK_MAX) { /* before any work: nobody is known yet */
        error_set(error, ERR_LIMIT, "a callback has at most %d bytes (SLACK_CALLBACK_MAX)", SLACK_CALLBACK_MAX);
        return FALSE;
    }
    if (timestamp == NULL || signature == NULL || !g_ascii_string_to_signed(timestamp, 10, 0, G_MAXINT32, &seconds, NULL)) {
        error_set(error, ERR_INVALID, "expected the headers X-Slack-Signature and X-Slack-Request-Timestamp");
        return FALSE;
    }
    if (ABS(now_ms - seconds * 1000) > SLACK_CALLBACK_AGE_MAX_MS) {
        error_set(error, ERR_INVALID, "the callback is older than five minutes");
        return FALSE;
    }
    g_autofree char *expected = signature_of(settings->signing_secret, timestamp, body);
    if (strlen(expected) == strlen(signature) && CRYPTO_memcmp(expected, signature, strlen(expected)) == 0)
        return TRUE;
    error_set(error, ERR_INVALID, "X-Slack-Signature does not fit the body: it was not signed with slack.app.signingSecret");
    return FALSE;
}

/* ---- what was pressed ---- */
static char *form_value(const char *body, const char *name) {
    g_auto(GStrv) pairs = g_strsplit(body, "&", -1);
    for (char **pair = pairs; *pair != NULL; pair++) {
        if (!g_str_has_prefix(*pair, name) || (*pair)[strlen(name)] != '=')
            continue;
        g_strdelimit(*pair, "+", ' ');
        return g_uri_unescape_string(*pair + strlen(name) + 1, NULL);
    }
    return NULL;
}

Json *slack_callback_payload(const char *body, GError **error) {
    g_autofree char *text = form_value(body, "payload");
    if (text == NULL) {
        error_set(error, ERR_INVALID, "expected a form with payload");
        return NULL;
    }
    g_autoptr(Json) payload = json_parse_limited(text, -1, SLACK_CALLBACK_MAX, error);
    const JsonValue *action = json_at(json_get(json_root(payload), "actions"), 0);
    if (payload == NULL) {
        g_prefix_error(error, "payload: ");
        return NULL;
    }
    if (g_strcmp0(json_get_string(json_root(payload), "type"), "interactive_message") == 0 &&
        g_strcmp0(json_get_string(action, "type"), "button") == 0)
        return g_steal_pointer(&payload);
    error_set(error, ERR_INVALID, "payload: expected an interactive_message with a button that was pressed");
    return NULL;
}

/* What stands on the button. */
static const char *label_of(const JsonValue *payload, const JsonValue *pressed) {
    for (JsonIter i = json_iter(json_get(json_get(payload, "original_message"), "attachments")); json_next(&i);)
        for (JsonIter k = json_iter(json_get(i.value, "actions")); json_next(&k);)
            if (g_strcmp0(json_get_string(k.value, "name"), json_get_string(pressed, "name")) == 0 &&
                g_strcmp0(json_get_string(k.value, "value"), json_get_string(pressed, "value")) == 0)
                return json_get_string(k.value, "text");
    return json_get_string(pressed, "text") != NULL ? json_get_string(pressed, "text") : json_get_string(pressed, "value");
}

Json *slack_callback_action(const JsonValue *payload, const char *user, GError **error) {
    const JsonValue *pressed = json_at(json_get(payload, "actions"), 0);
    const char *id = json_get_string(payload, "callback_id"), *colon = id != NULL ? strchr(id, ':') : NULL;
    if (colon == NULL || colon == id) {
        error_set(error, ERR_INVALID, "payload: callback_id %s: expected <service>:<message>", id != NULL ? id : "is missing");
        return NULL;
    }
    g_autofree char *service = g_strndup(id, (gsize)(colon - id));
    return json_pack("{s:{s:s, s:s, s:s, s:s}, s:s, s:s, s:s}", "actionPerformed", "type", "button", "name",
                     json_get_string(pressed, "name"), "label", label_of(payload, pressed), "value", json_get_string(pressed, "value"),
                     "serviceId", service, "messageId", colon + 1, "user", user);
}

Json *slack_callback_message(const JsonValue *payload, const JsonValue *action) {
    static const char *const BUTTONS[] = {"actions", "callback_id", NULL};
    const JsonValue *message = json_get(payload, "original_message");
    g_autofree char *who = g_strdup_printf("User <@%s> clicked the *%s* action.", json_get_string(json_get(payload, "user"), "id"),
                                           json_get_string(json_get(action, "actionPerformed"), "label"));
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_get(message, "attachments")); json_next(&i);) {
        g_autoptr(Json) bare = json_without(i.value, BUTTONS);
        g_autoptr(Json) field = json_pack("[{s:s, s:b}]", "value", who, "short", FALSE);
        g_autoptr(Json) told = i.index == 0 ? json_with(json_root(bare), "fields", json_root(field)) : g_steal_pointer(&bare);
        json_add_json(builder, NULL, told);
    }
    json_end_array(builder);
    g_autoptr(Json) attachments = json_builder_end(builder);
    return json_with(message, "attachments", json_root(attachments));
}

char *slack_callback_user(const SlackSettings *settings, HttpClient *http, const JsonValue *payload, GError **error) {
    const char *id = json_get_string(json_get(payload, "user"), "id");
    if (id == NULL) {
        error_set(error, ERR_INVALID, "payload: user.id: required");
        return NULL;
    }
    g_autofree char *method = slack_api(settings, "users.info"), *escaped = http_escape(id);
    g_autofree char *url = g_strdup_printf("%s?user=%s", method, escaped);
    g_autofree char *header = g_strconcat("Bearer ", settings->app_token != NULL ? settings->app_token : "", NULL);
    const HttpRequest request = {.method = "GET",
                                 .url = url,
                                 .headers = (const char *const[]){"Authorization", header, NULL},
                                 .timeout_ms = NOTIFICATION_TIMEOUT_MS,
                                 .response_max = NOTIFICATION_ANSWER_MAX};
    g_auto(HttpResponse) response = {0};
    if (!http_call(http, &request, NULL, &response, error)) {
        g_prefix_error(error, "who pressed it: ");
        return NULL;
    }
    g_autoptr(Json) answer = json_parse_limited(response.body, (gssize)response.body_length, NOTIFICATION_ANSWER_MAX, NULL);
    const char *mail = json_string(json_dig(json_root(answer), "user", "profile", "email", NULL));
    return g_strdup(mail != NULL ? mail : id);
}
