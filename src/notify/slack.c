/* Slack (notifications.md 3): a bot's token posts through the API, an incoming webhook's through that; requests with buttons go through the
 * token of the app. Facts: api.slack.com, methods chat.postMessage, "Sending messages using incoming webhooks". */
#include "notify/slack.h"
#include <string.h>

#define API_URL "https://slack.com"
#define WEBHOOK_URL "https://hooks.slack.com"

#define FIELD(key, kind, member, ...)                                                                                                      \
    { .name = (key), .type = (kind), .offset = offsetof(SlackSettings, member), __VA_ARGS__ }
static const Param slack_params[] = {
    FIELD("enabled", PARAM_BOOL, enabled, .help = "Whether Slack is told."),
    FIELD("token", PARAM_STRING, token, .secret = TRUE, .help = "A bot's token, or the end of an incoming webhook's URL (T…/B…/…)."),
    FIELD("baseUrl", PARAM_STRING, base_url,
          .help = "Instead of https://slack.com, or of https://hooks.slack.com for an incoming webhook."),
    FIELD("forceUseIncomingWebhook", PARAM_BOOL, force_webhook, .help = "The token is an incoming webhook's, whatever it looks like."),
    FIELD("sendCompactMessages", PARAM_BOOL, compact, .help = "Only text and colour."),
    FIELD("expandUserNames", PARAM_BOOL, expand_names, .help = "@names in texts become mentions."),
    {0},
};
static const Param app_params[] = {
    FIELD("token", PARAM_STRING, app_token, .secret = TRUE, .help = "The app's bot token: messages with buttons are sent with it."),
    FIELD("signingSecret", PARAM_STRING, signing_secret, .secret = TRUE, .help = "What Slack signs the answers to buttons with."),
    FIELD("verificationToken", PARAM_STRING, verification_token, .secret = TRUE,
          .help = "Slack's older check of such answers; not needed."),
    {0},
};
static const ConfigSection slack_section = {
    .service = SERVICE_ECHO, .prefix = "slack", .params = slack_params, .help = "Notifications to Slack."};
static const ConfigSection app_section = {
    .service = SERVICE_ECHO, .prefix = "slack.app", .params = app_params, .help = "Messages with buttons in Slack."};
static const ConfigSection *const sections[] = {&slack_section, &app_section, NULL};

static gboolean is_set(const char *text) {
    return text != NULL && *text != '\0';
}

static gboolean slack_check(const void *data, GError **error) {
    const SlackSettings *settings = data;
    if (is_set(settings->token) || is_set(settings->app_token))
        return TRUE;
    error_set(error, ERR_INVALID, "slack.enabled: needs slack.token or slack.app.token");
    return FALSE;
}

static gboolean is_webhook(const SlackSettings *settings) {
    const char *slash = is_set(settings->token) ? strchr(settings->token, '/') : NULL;
    return settings->force_webhook || (slash != NULL && strchr(slash + 1, '/') != NULL);
}

char *slack_api(const SlackSettings *settings, const char *method) {
    gboolean own = is_set(settings->base_url) && !is_webhook(settings);
    return g_strdup_printf("%s/api/%s", own ? settings->base_url : API_URL, method);
}

/* ---- the message ---- */
static const char *color_of(const Notification *notification) {
    static const char *const COLORS[][2] = {{"starting", "#2275B8"}, {"complete", "#769D3E"}, {"failed", "#B82525"}};
    const char *own = json_get_string(json_get(notification->request, "interactiveActions"), "color");
    for (gsize i = 0; i < G_N_ELEMENTS(COLORS); i++)
        if (g_strcmp0(notification->status, COLORS[i][0]) == 0)
            return COLORS[i][1];
    return own != NULL ? own : "#CCCCCC";
}

static void add_buttons(JsonBuilder *builder, const JsonValue *actions) {
    static const char *const KEYS[] = {"name", "value"};
    g_autofree char *id = g_strdup_printf("%s:%s", json_get_string(actions, "callbackServiceId"),
                                          json_get_string(actions, "callbackMessageId"));
    json_add_string(builder, "callback_id", id);
    json_begin_array(builder, "actions");
    for (JsonIter i = json_iter(json_get(actions, "actions")); json_next(&i);) {
        const char *label = json_get_string(i.value, "label");
        json_begin_object(builder, NULL);
        json_add_string(builder, "type", "button");
        json_add_string(builder, "text", label != NULL ? label : json_get_string(i.value, "value"));
        for (gsize k = 0; k < G_N_ELEMENTS(KEYS); k++)
            json_add_value(builder, KEYS[k], json_get(i.value, KEYS[k]));
        json_end_object(builder);
    }
    json_end_array(builder);
}

static void add_attachment(JsonBuilder *builder, const SlackSettings *settings, const Notification *notification) {
    g_autofree char *title = notification_title(notification), *text = notification_text(notification, STYLE_SLACK);
    const JsonValue *actions = json_get(notification->request, "interactiveActions");
    json_begin_object(builder, NULL);
    json_add_string(builder, "fallback", text);
    json_add_string(builder, "text", text);
    json_add_string(builder, "color", color_of(notification));
    if (!settings->compact) {
        static const char *const MARKED[] = {"text", NULL};
        json_add_string(builder, "title", title);
        json_add_strings(builder, "mrkdwn_in", MARKED);
        json_add_string(builder, "footer", "Spinnaker");
        json_add_int(builder, "ts", notification->created_ms / 1000);
    }
    if (actions != NULL)
        add_buttons(builder, actions);
    json_end_object(builder);
}

/* A channel's name may be given with or without #; people (@name) and ids are left as they are. Caller frees. */
static char *channel_of(const char *address) {
    gboolean id = strlen(address) >= 9 && strchr("CDGUW", *address) != NULL &&
                  strspn(address, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == strlen(address);
    return *address == '#' || *address == '@' || id ? g_strdup(address) : g_strconcat("#", address, NULL);
}

static gboolean slack_build(const void *data, const Notification *notification, NotificationCall *call, GError **error) {
    const SlackSettings *settings = data;
    const char *address = notification_address(notification, "a channel", error);
    gboolean bot = json_get(notification->request, "interactiveActions") != NULL ||
                   json_get_bool(notification->request, "useInteractiveBot", FALSE) || !is_set(settings->token);
    const char *token = bot ? settings->app_token : settings->token;
    if (address == NULL)
        return FALSE;
    if (!is_set(token)) {
        error_set(error, ERR_INVALID, "a message with buttons needs slack.app.token");
        return FALSE;
    }
    g_autofree char *channel = channel_of(address);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    add_attachment(builder, settings, notification);
    json_end_array(builder);
    g_autoptr(Json) attachments = json_builder_end(builder);
    if (!bot && is_webhook(settings)) {
        g_autoptr(Json) body = json_pack("{s:s, s:j}", "channel", channel, "attachments", attachments);
        call->url = g_strdup_printf("%s/services/%s", is_set(settings->base_url) ? settings->base_url : WEBHOOK_URL, token);
        call_json(call, body);
        return TRUE;
    }
    g_autofree char *text = json_write(json_root(attachments), NULL);
    call->url = slack_api(settings, "chat.postMessage");
    call_form(call, "token", token, "channel", channel, "attachments", text, "as_user", "true", "link_names",
              settings->expand_names ? "1" : NULL, NULL);
    return TRUE;
}

/* The API says no with 200 and {"ok":false}; an incoming webhook's answer is the text ok. */
static Judged slack_judge(const HttpResponse *response, GError **error) {
    static const char *const LATER[] = {"ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout", NULL};
    g_autoptr(Json) answer = json_parse_limited(response->body, (gssize)response->body_length, NOTIFICATION_ANSWER_MAX, NULL);
    const char *reason = json_get_string(json_root(answer), "error");
    if (!json_is_object(json_root(answer)) || json_get_bool(json_root(answer), "ok", TRUE))
        return JUDGED_FINE;
    error_set(error, ERR_REMOTE, "Slack says %s", reason != NULL ? reason : "no");
    return reason != NULL && g_strv_contains(LATER, reason) ? JUDGED_AGAIN : JUDGED_REFUSED;
}

const NotificationType notification_slack = {
    .name = "slack",
    .request_name = "SLACK",
    .label = "Slack",
    .help = "A message in a channel, or to a person.",
    .address_help = "A channel with or without #, @name, or an id.",
    .example = "#deployments",
    .sections = sections,
    .settings_size = sizeof(SlackSettings),
    .check = slack_check,
    .build = slack_build,
    .judge = slack_judge,
};
