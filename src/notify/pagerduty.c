/* PagerDuty (notifications.md 3 and 5): an incident for a service's key. Facts: PagerDuty's events API, generic/2010-04-15, of which an
 * incident_key names the incident: the same key twice is one incident. */
#include "notify/send.h"

typedef struct {
    gboolean enabled;
    char *token, *base_url;
} PagerSettings;

#define FIELD(key, kind, member, ...)                                                                                                      \
    { .name = (key), .type = (kind), .offset = offsetof(PagerSettings, member), __VA_ARGS__ }
static const Param pager_params[] = {
    FIELD("enabled", PARAM_BOOL, enabled, .help = "Whether people are paged."),
    FIELD("token", PARAM_STRING, token, .secret = TRUE, .help = "An API token of the account."),
    FIELD("endPoint", PARAM_STRING, base_url, .otherwise = "\"https://events.pagerduty.com\"",
          .aliases = (const char *const[]){"baseUrl", NULL}, .help = "Where PagerDuty's events API is."),
    {0},
};
static const ConfigSection pager_section = {
    .service = SERVICE_ECHO, .prefix = "pager-duty", .params = pager_params, .help = "Pages through PagerDuty."};
static const ConfigSection *const sections[] = {&pager_section, NULL};

static gboolean pager_build(const void *data, const Notification *notification, NotificationCall *call, GError **error) {
    const PagerSettings *settings = data;
    const char *address = notification_address(notification, "a service's key", error);
    if (address == NULL)
        return FALSE;
    const JsonValue *context = json_get(notification->request, "additionalContext");
    const char *from = json_get_string(json_get(json_get(notification->request, "source"), "user"), "name");
    g_autofree char *text = notification_text(notification, STYLE_PLAIN);
    g_autofree char *client = from != NULL ? g_strdup_printf("Spinnaker (%s)", from) : g_strdup("Spinnaker");
    g_autofree char *header = settings->token != NULL ? g_strdup_printf("Token token=%s", settings->token) : NULL;
    g_autoptr(Json) body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:v}", "service_key", address, "event_type", "trigger", "incident_key",
                                     notification->key, "client", client, "client_url", notification->link, "description", text, "details",
                                     json_get(context, "details"));
    call->url = g_strconcat(settings->base_url, "/generic/2010-04-15/create_event.json", NULL);
    if (header != NULL)
        call_header(call, "Authorization", header);
    call_json(call, body);
    return TRUE;
}

static Judged pager_judge(const HttpResponse *response, GError **error) {
    g_autoptr(Json) answer = json_parse_limited(response->body, (gssize)response->body_length, NOTIFICATION_ANSWER_MAX, NULL);
    const char *status = json_get_string(json_root(answer), "status"), *message = json_get_string(json_root(answer), "message");
    if (status == NULL || g_strcmp0(status, "success") == 0)
        return JUDGED_FINE;
    error_set(error, ERR_REMOTE, "PagerDuty says %s: %s", status, message != NULL ? message : "no reason");
    return JUDGED_REFUSED;
}

const NotificationType notification_pagerduty = {
    .name = "pagerduty",
    .request_name = "PAGER_DUTY",
    .label = "PagerDuty",
    .help = "A page.",
    .address_help = "The integration key of a service.",
    .example = "0123456789abcdef0123456789abcdef",
    .sections = sections,
    .settings_size = sizeof(PagerSettings),
    .build = pager_build,
    .judge = pager_judge,
};
