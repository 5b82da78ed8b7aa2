/* Text messages through Twilio (notifications.md 3). Facts: twilio.com/docs, resource Messages. */
#include "notify/send.h"
#include <string.h>

typedef struct {
    gboolean enabled;
    char *account, *token, *from, *base_url;
} TwilioSettings;

#define FIELD(key, kind, member, ...)                                                                                                      \
    { .name = (key), .type = (kind), .offset = offsetof(TwilioSettings, member), __VA_ARGS__ }
static const Param twilio_params[] = {
    FIELD("enabled", PARAM_BOOL, enabled, .help = "Whether text messages are sent."),
    FIELD("account", PARAM_STRING, account, .help = "The account's SID."),
    FIELD("token", PARAM_STRING, token, .secret = TRUE, .help = "The account's token."),
    FIELD("from", PARAM_STRING, from, .help = "The number they come from."),
    FIELD("baseUrl", PARAM_STRING, base_url, .otherwise = "\"https://api.twilio.com\"", .help = "Where Twilio's API is."),
    {0},
};
static const ConfigSection twilio_section = {
    .service = SERVICE_ECHO, .prefix = "twilio", .params = twilio_params, .help = "Text messages through Twilio."};
static const ConfigSection *const sections[] = {&twilio_section, NULL};

static gboolean sms_check(const void *data, GError **error) {
    const TwilioSettings *settings = data;
    if (settings->account != NULL && settings->token != NULL && settings->from != NULL)
        return TRUE;
    error_set(error, ERR_INVALID, "twilio.enabled: needs twilio.account, twilio.token and twilio.from");
    return FALSE;
}

static gboolean sms_build(const void *data, const Notification *notification, NotificationCall *call, GError **error) {
    const TwilioSettings *settings = data;
    const char *address = notification_address(notification, "a telephone number", error);
    if (address == NULL)
        return FALSE;
    g_autofree char *text = notification_text(notification, STYLE_PLAIN), *account = http_escape(settings->account);
    gboolean linked = notification->link != NULL && strstr(text, notification->link) == NULL;
    g_autofree char *body = linked ? g_strdup_printf("%s %s", text, notification->link) : g_strdup(text);
    call->url = g_strdup_printf("%s/2010-04-01/Accounts/%s/Messages.json", settings->base_url, account);
    call_basic(call, settings->account, settings->token);
    call_form(call, "From", settings->from, "To", address, "Body", body, NULL);
    return TRUE;
}

const NotificationType notification_sms = {
    .name = "sms",
    .request_name = "SMS",
    .label = "SMS",
    .help = "A text message.",
    .address_help = "A telephone number with country code.",
    .example = "+15551234567",
    .sections = sections,
    .settings_size = sizeof(TwilioSettings),
    .check = sms_check,
    .build = sms_build,
};
