/* Google Chat (notifications.md 3): a card to a room's webhook. Facts: developers.google.com/chat, incoming webhooks, cards. */
#include "notify/send.h"
#include <string.h>

#define OWN_URL "https://chat.googleapis.com"

typedef struct {
    gboolean enabled;
    char *base_url;
} ChatSettings;

static const Param chat_params[] = {
    {.name = "enabled", .type = PARAM_BOOL, .offset = offsetof(ChatSettings, enabled), .help = "Whether Google Chat is told."},
    {.name = "baseUrl",
     .type = PARAM_STRING,
     .offset = offsetof(ChatSettings, base_url),
     .otherwise = "\"" OWN_URL "\"",
     .help = "Where Google Chat's API is: stands for " OWN_URL " in addresses."},
    {0},
};
static const ConfigSection chat_section = {
    .service = SERVICE_ECHO, .prefix = "googlechat", .params = chat_params, .help = "Notifications to Google Chat."};
static const ConfigSection *const sections[] = {&chat_section, NULL};

static gboolean chat_build(const void *data, const Notification *notification, NotificationCall *call, GError **error) {
    static const char *const WHAT = "a room's webhook, " OWN_URL "/v1/spaces/…";
    const ChatSettings *settings = data;
    const char *address = notification_address(notification, WHAT, error);
    if (address == NULL)
        return FALSE;
    if (!g_str_has_prefix(address, OWN_URL "/")) {
        error_set(error, ERR_INVALID, "address: expected %s", WHAT);
        return FALSE;
    }
    g_autofree char *text = notification_text(notification, STYLE_HTML);
    g_autoptr(Json) body = json_pack("{s:[{s:[{s:[{s:{s:s}}]}]}]}", "cards", "sections", "widgets", "textParagraph", "text", text);
    call->url = g_strconcat(settings->base_url, address + strlen(OWN_URL), NULL);
    call_json(call, body);
    return TRUE;
}

const NotificationType notification_googlechat = {
    .name = "googlechat",
    .request_name = "GOOGLECHAT",
    .label = "Google Chat",
    .help = "A message in a room.",
    .address_help = "The webhook of the room.",
    .example = "https://chat.googleapis.com/v1/spaces/…/messages?key=…&token=…",
    .sections = sections,
    .settings_size = sizeof(ChatSettings),
    .build = chat_build,
};
