/* Microsoft Teams (notifications.md 3): an adaptive card to a workflow's webhook, a MessageCard to an older connector's. Facts:
 * learn.microsoft.com, "Create incoming webhooks", adaptivecards.io, "Legacy actionable message card reference". */
#include "notify/send.h"
#include <string.h>

#define CONNECTOR_HOST ".webhook.office.com/"
#define RED "EB1A1A"
#define GREEN "73DB69"
#define BLUE "0076D7"

typedef struct {
    gboolean enabled;
} TeamsSettings;

static const Param teams_params[] = {
    {.name = "enabled", .type = PARAM_BOOL, .offset = offsetof(TeamsSettings, enabled), .help = "Whether Microsoft Teams is told."}, {0}};
static const ConfigSection teams_section = {
    .service = SERVICE_ECHO, .prefix = "microsoftteams", .params = teams_params, .help = "Notifications to Microsoft Teams."};
static const ConfigSection *const sections[] = {&teams_section, NULL};

/* ---- facts, as both kinds of cards list them ---- */
#define FACTS_MAX 8
typedef struct {
    const char *name, *value;
} Fact;

/* Ends with one without name. */
static void gather(const Notification *notification, const char *message, Fact facts[static FACTS_MAX]) {
    const Fact all[] = {
        {"Application", notification->application},
        {notification->stage_name != NULL ? "Stage Name"
         : notification->of_task          ? "Task"
                                          : "Pipeline Name",
         notification->stage_name != NULL ? notification->stage_name : notification->execution_name},
        {"Execution", notification->execution_id},
        {"Description", notification->description},
        {"Message", message},
        {"Status", notification->status},
    };
    guint n = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
        if (all[i].value != NULL && *all[i].value != '\0')
            facts[n++] = all[i];
    facts[n] = (Fact){0};
}

static const char *color_of(const Notification *notification) {
    if (g_strcmp0(notification->status, "failed") == 0)
        return RED;
    return g_strcmp0(notification->status, "complete") == 0 ? GREEN : BLUE;
}

static void add_facts(JsonBuilder *builder, const Fact *facts, const char *name_key) {
    json_begin_array(builder, "facts");
    for (; facts->name != NULL; facts++) {
        json_begin_object(builder, NULL);
        json_add_string(builder, name_key, facts->name);
        json_add_string(builder, "value", facts->value);
        json_end_object(builder);
    }
    json_end_array(builder);
}

static Json *adaptive_card(const Notification *notification, const char *title, const Fact *facts) {
    static const char *const COLORS[][2] = {{RED, "Attention"}, {GREEN, "Good"}, {BLUE, "Accent"}};
    const char *color = color_of(notification);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "type", "AdaptiveCard");
    json_add_string(builder, "$schema", "http://adaptivecards.io/schemas/adaptive-card.json");
    json_add_string(builder, "version", "1.4");
    json_begin_array(builder, "body");
    json_begin_object(builder, NULL);
    json_add_string(builder, "type", "TextBlock");
    json_add_string(builder, "text", title);
    json_add_string(builder, "weight", "Bolder");
    json_add_bool(builder, "wrap", TRUE);
    for (gsize i = 0; i < G_N_ELEMENTS(COLORS); i++)
        if (strcmp(color, COLORS[i][0]) == 0)
            json_add_string(builder, "color", COLORS[i][1]);
    json_end_object(builder);
    json_begin_object(builder, NULL);
    json_add_string(builder, "type", "FactSet");
    add_facts(builder, facts, "title");
    json_end_object(builder);
    json_end_array(builder);
    if (notification->link != NULL) {
        g_autoptr(Json)
            action = json_pack("{s:s, s:s, s:s}", "type", "Action.OpenUrl", "title", "View in Spinnaker", "url", notification->link);
        json_begin_array(builder, "actions");
        json_add_json(builder, NULL, action);
        json_end_array(builder);
    }
    json_end_object(builder);
    g_autoptr(Json) card = json_builder_end(builder);
    return json_pack("{s:s, s:[{s:s, s:j}]}", "type", "message", "attachments", "contentType", "application/vnd.microsoft.card.adaptive",
                     "content", card);
}

static Json *message_card(const Notification *notification, const char *title, const Fact *facts) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "@type", "MessageCard");
    json_add_string(builder, "@context", "http://schema.org/extensions");
    json_add_string(builder, "themeColor", color_of(notification));
    json_add_string(builder, "summary", title);
    json_add_string(builder, "title", title);
    json_begin_array(builder, "sections");
    json_begin_object(builder, NULL);
    add_facts(builder, facts, "name");
    json_add_bool(builder, "markdown", TRUE);
    json_end_object(builder);
    json_end_array(builder);
    if (notification->link != NULL) {
        g_autoptr(Json) action = json_pack("{s:s, s:s, s:[{s:s, s:s}]}", "@type", "OpenUri", "name", "View in Spinnaker", "targets", "os",
                                           "default", "uri", notification->link);
        json_begin_array(builder, "potentialAction");
        json_add_json(builder, NULL, action);
        json_end_array(builder);
    }
    json_end_object(builder);
    return json_builder_end(builder);
}

static gboolean teams_build(const void *data, const Notification *notification, NotificationCall *call, GError **error) {
    const char *address = notification_address(notification, "a channel's webhook", error);
    Fact facts[FACTS_MAX];
    (void)data;
    if (address == NULL)
        return FALSE;
    g_autofree char *title = notification_title(notification), *text = notification_text(notification, STYLE_PLAIN);
    gather(notification, text, facts);
    g_autoptr(Json) body = strstr(address, CONNECTOR_HOST) != NULL ? message_card(notification, title, facts)
                                                                   : adaptive_card(notification, title, facts);
    call->url = g_strdup(address);
    call->guarded = TRUE;
    call_json(call, body);
    return TRUE;
}

const NotificationType notification_teams = {
    .name = "microsoftteams",
    .request_name = "MICROSOFTTEAMS",
    .label = "Microsoft Teams",
    .help = "A card in a channel.",
    .address_help = "The webhook of a workflow, or of an older connector.",
    .example = "https://example.webhook.office.com/webhookb2/…",
    .sections = sections,
    .settings_size = sizeof(TeamsSettings),
    .build = teams_build,
};
