/* Kinds of notifications: the table, their settings, and how one is sent. Senders are immutable. */
#include "notify/send.h"
#include "base/log.h"
#include "net/smtp.h"
#include "notify/email.h"
#include <string.h>

#define DEFAULT_BASE_URL "http://localhost:9000" /* Deck's own default */

/* ---- what there is ---- */
#define NEVER(name_, label_, never_)                                                                                                       \
    { .name = (name_), .label = (label_), .help = "Nothing is sent.", .never = (never_) }
static const NotificationType hipchat = NEVER("hipchat", "HipChat", "HipChat does not exist any more; Spinnaker ignores such entries too");
static const NotificationType bearychat = NEVER("bearychat", "BearyChat",
                                                "BearyChat does not exist any more; Spinnaker ignores such entries too");
static const NotificationType jira = {.name = "jira",
                                      .request_name = "JIRA",
                                      .label = "Jira",
                                      .help = "Nothing is sent.",
                                      .never = "issues are created by the stage jira, which knows them again after a crash"};
static const NotificationType pubsub = {
    .name = "pubsub", .label = "Pub/Sub", .help = "Nothing is sent.", .comes = TRUE, .never = "publishing to Pub/Sub is not there yet"};

const NotificationType *const notification_types[] = {&notification_slack,
                                                      &notification_email,
                                                      &notification_sms,
                                                      &notification_googlechat,
                                                      &notification_teams,
                                                      &notification_github_status,
                                                      &notification_pagerduty,
                                                      &notification_cdevents,
                                                      &pubsub,
                                                      &jira,
                                                      &hipchat,
                                                      &bearychat,
                                                      NULL};

const NotificationType *notification_type_find(const char *name) {
    for (gsize i = 0; name != NULL && notification_types[i] != NULL; i++) {
        const NotificationType *type = notification_types[i];
        if (g_ascii_strcasecmp(name, type->name) == 0 || (type->request_name != NULL && g_ascii_strcasecmp(name, type->request_name) == 0))
            return type;
    }
    return NULL;
}

/* ---- settings ---- */
typedef struct {
    char *base_url;
} BaseRead;
static const Param spinnaker_params[] = {{.name = "baseUrl",
                                          .type = PARAM_STRING,
                                          .offset = offsetof(BaseRead, base_url),
                                          .help = "Where people open executions: links in notifications begin with it."},
                                         {0}};
static const Param deck_params[] = {{.name = "baseUrl",
                                     .type = PARAM_STRING,
                                     .offset = offsetof(BaseRead, base_url),
                                     .help = "The same, when spinnaker.baseUrl is not set."},
                                    {0}};
static const ConfigSection spinnaker_section = {
    .service = SERVICE_ECHO, .prefix = "spinnaker", .params = spinnaker_params, .help = "Links in notifications."};
static const ConfigSection deck_section = {
    .service = SERVICE_ECHO, .prefix = "services.deck", .params = deck_params, .help = "Where the web application is."};

const ConfigSection *const sender_config_sections[] = {&spinnaker_section, &deck_section, NULL};

struct Senders {
    gint ref_count;
    char *base_url;
    UrlGuard *guard;
    void *settings[G_N_ELEMENTS(notification_types)]; /* NULL: not enabled */
};

static void *read_settings(const NotificationType *type, const Config *config, GError **error) {
    void *settings = g_malloc0(type->settings_size);
    guint read = 0;
    while (type->sections[read] != NULL && config_read(config, type->sections[read], settings, error))
        read++;
    if (type->sections[read] == NULL && (!*(gboolean *)settings || type->check == NULL || type->check(settings, error)))
        return settings;
    while (read-- > 0)
        params_clear(type->sections[read]->params, settings);
    g_free(settings);
    return NULL;
}

static void free_settings(const NotificationType *type, void *settings) {
    for (gsize i = 0; settings != NULL && type->sections[i] != NULL; i++)
        params_clear(type->sections[i]->params, settings);
    g_free(settings);
}

static gboolean read_all(Senders *senders, const Config *config, GError **error) {
    for (gsize i = 0; notification_types[i] != NULL; i++) {
        if (notification_types[i]->sections == NULL)
            continue;
        void *settings = read_settings(notification_types[i], config, error);
        if (settings == NULL)
            return FALSE;
        if (*(gboolean *)settings)
            senders->settings[i] = settings;
        else
            free_settings(notification_types[i], settings);
    }
    return TRUE;
}

Senders *senders_new(const Config *config, GError **error) {
    const char *url = config_get_string(config, SERVICE_ECHO, "spinnaker.baseUrl");
    Senders *senders = g_new0(Senders, 1);
    senders->ref_count = 1;
    if (url == NULL || *url == '\0')
        url = config_get_string(config, SERVICE_ECHO, "services.deck.baseUrl");
    senders->base_url = g_strdup(url != NULL && *url != '\0' ? url : DEFAULT_BASE_URL);
    while (g_str_has_suffix(senders->base_url, "/"))
        senders->base_url[strlen(senders->base_url) - 1] = '\0';
    senders->guard = url_guard_new((Config *)config, error);
    if (senders->guard != NULL && read_all(senders, config, error))
        return senders;
    senders_unref(senders);
    return NULL;
}

Senders *senders_ref(Senders *senders) {
    g_atomic_int_inc(&senders->ref_count);
    return senders;
}

void senders_unref(Senders *senders) {
    if (senders == NULL || !g_atomic_int_dec_and_test(&senders->ref_count))
        return;
    for (gsize i = 0; notification_types[i] != NULL; i++)
        if (senders->settings[i] != NULL)
            free_settings(notification_types[i], senders->settings[i]);
    url_guard_free(senders->guard);
    g_free(senders->base_url);
    g_free(senders);
}

const void *senders_settings(const Senders *senders, const NotificationType *type) {
    for (gsize i = 0; notification_types[i] != NULL; i++)
        if (notification_types[i] == type)
            return senders->settings[i];
    return NULL;
}

const char *senders_base_url(const Senders *senders) {
    return senders->base_url;
}

gboolean senders_can(const Senders *senders, const char *name, GError **error) {
    const NotificationType *type = notification_type_find(name);
    if (type == NULL) {
        g_autoptr(GString) known = g_string_new(NULL);
        for (gsize i = 0; notification_types[i] != NULL; i++)
            if (notification_types[i]->never == NULL)
                g_string_append_printf(known, "%s%s", known->len > 0 ? ", " : "", notification_types[i]->name);
        error_set(error, ERR_INVALID, "notification type %s is not known; there are %s", name != NULL ? name : "(none)", known->str);
        return FALSE;
    }
    if (type->never != NULL)
        error_set(error, ERR_INVALID, "notifications of type %s are not sent: %s", type->name, type->never);
    else if (senders_settings(senders, type) == NULL)
        error_set(error, ERR_INVALID, "notifications of type %s are not sent: %s.enabled is not true", type->name,
                  type->sections[0]->prefix);
    return type->never == NULL && senders_settings(senders, type) != NULL;
}

/* ---- for rows ---- */
void call_header(NotificationCall *call, const char *name, const char *value) {
    if (call->headers == NULL)
        call->headers = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(call->headers, g_strdup(name));
    g_ptr_array_add(call->headers, g_strdelimit(g_strdup(value), "\r\n", ' '));
}

void call_json(NotificationCall *call, const Json *body) {
    call_header(call, "Content-Type", "application/json");
    call->body = json_write(json_root(body), NULL);
}

void call_form(NotificationCall *call, ...) {
    g_autoptr(GString) form = g_string_new(NULL);
    va_list arguments;
    va_start(arguments, call);
    for (const char *name; (name = va_arg(arguments, const char *)) != NULL;) {
        const char *value = va_arg(arguments, const char *);
        g_autofree char *escaped = value != NULL ? http_escape(value) : NULL;
        if (escaped != NULL)
            g_string_append_printf(form, "%s%s=%s", form->len > 0 ? "&" : "", name, escaped);
    }
    va_end(arguments);
    call_header(call, "Content-Type", "application/x-www-form-urlencoded");
    call->body = g_string_free(g_steal_pointer(&form), FALSE);
}

void call_basic(NotificationCall *call, const char *user, const char *password) {
    g_autofree char *pair = g_strdup_printf("%s:%s", user, password);
    g_autofree char *encoded = g_base64_encode((const guchar *)pair, strlen(pair));
    g_autofree char *value = g_strconcat("Basic ", encoded, NULL);
    call_header(call, "Authorization", value);
}

const char *notification_address(const Notification *notification, const char *what, GError **error) {
    if (notification->to[0] != NULL && *notification->to[0] != '\0')
        return notification->to[0];
    error_set(error, ERR_INVALID, "address: missing; expected %s", what);
    return NULL;
}

void notification_call_clear(NotificationCall *call) {
    g_clear_pointer(&call->headers, g_ptr_array_unref);
    g_free(call->url);
    g_free(call->body);
    g_free(call->message);
    g_free(call->from);
    g_strfreev(call->recipients);
    *call = (NotificationCall){0};
}

/* ---- sending ---- */
gboolean notification_build(const Senders *senders, const NotificationType *type, const Notification *notification, NotificationCall *call,
                            GError **error) {
    return type->build(senders_settings(senders, type), notification, call, error);
}

static gboolean make_call(const Senders *senders, HttpClient *http, const NotificationCall *call, const char *key, Cancel *cancel,
                          HttpResponse *response, GError **error) {
    g_autoptr(GPtrArray) headers = g_ptr_array_new();
    for (guint i = 0; call->headers != NULL && i < call->headers->len; i++)
        g_ptr_array_add(headers, call->headers->pdata[i]);
    g_ptr_array_add(headers, (gpointer) "Idempotency-Key");
    g_ptr_array_add(headers, (gpointer)key);
    g_ptr_array_add(headers, NULL);
    HttpRequest request = {.method = call->method != NULL ? call->method : "POST",
                           .url = call->url,
                           .headers = (HttpHeaders)headers->pdata,
                           .body = call->body,
                           .body_length = call->body != NULL ? strlen(call->body) : 0,
                           .timeout_ms = NOTIFICATION_TIMEOUT_MS,
                           .response_max = NOTIFICATION_ANSWER_MAX};
    if (call->guarded)
        return url_guard_call(senders->guard, http, &request, FALSE, cancel, response, error);
    return http_call(http, &request, cancel, response, error);
}

#define SAID_MAX 200
/* What an error answer says, for people: bounded, on one line. Caller frees. */
static char *said(const HttpResponse *response) {
    g_autofree char *text = g_utf8_make_valid(response->body, (gssize)MIN(response->body_length, SAID_MAX));
    return g_strstrip(g_strdelimit(g_steal_pointer(&text), "\r\n", ' '));
}

static gboolean judge(const NotificationType *type, const HttpResponse *response, gboolean *again, GError **error) {
    if (response->status >= 200 && response->status < 300) {
        Judged judged = type->judge != NULL ? type->judge(response, error) : JUDGED_FINE;
        *again = judged == JUDGED_AGAIN;
        return judged == JUDGED_FINE;
    }
    g_autofree char *text = said(response);
    *again = response->status >= 500 || response->status == 408 || response->status == 429;
    error_set(error, ERR_REMOTE, "it answered %d%s%s", response->status, *text != '\0' ? ": " : "", text);
    return FALSE;
}

/* With what was asked before, when something has to be. */
static gboolean build_call(const Senders *senders, HttpClient *http, const NotificationType *type, const Notification *notification,
                           Cancel *cancel, NotificationCall *call, GError **error) {
    const void *settings = senders_settings(senders, type);
    g_auto(NotificationCall) question = {0};
    g_auto(HttpResponse) response = {0};
    if (type->ask == NULL || !type->ask(settings, notification, &question))
        return type->build(settings, notification, call, error);
    g_autoptr(GError) unanswered = NULL;
    gboolean answered = make_call(senders, http, &question, notification->key, cancel, &response, &unanswered);
    g_autoptr(Json) answer = answered && response.status == 200 ? json_parse_limited(response.body, -1, NOTIFICATION_ANSWER_MAX, NULL)
                                                                : NULL;
    return type->build_known(settings, notification, json_root(answer), call, error);
}

static gboolean send_mail(const void *settings, const NotificationCall *call, Cancel *cancel, gboolean *again, GError **error) {
    SmtpRequest request = {0};
    email_server(settings, &request);
    request.from = call->from;
    request.recipients = (const char *const *)call->recipients;
    request.message = call->message;
    request.timeout_ms = NOTIFICATION_TIMEOUT_MS;
    g_autoptr(GError) failure = NULL;
    gboolean fine = smtp_send(&request, cancel, &failure);
    *again = !fine && error_code(failure) != ERR_REMOTE && error_code(failure) != ERR_INVALID;
    if (failure != NULL)
        g_propagate_error(error, g_steal_pointer(&failure));
    return fine;
}

static gboolean send_opened(const Senders *senders, HttpClient *http, const NotificationType *type, const Notification *notification,
                            Cancel *cancel, gboolean *again, GError **error) {
    g_auto(NotificationCall) call = {0};
    g_auto(HttpResponse) response = {0};
    if (!build_call(senders, http, type, notification, cancel, &call, error))
        return FALSE;
    if (call.url == NULL)
        return send_mail(senders_settings(senders, type), &call, cancel, again, error);
    g_autoptr(GError) failure = NULL;
    if (make_call(senders, http, &call, notification->key, cancel, &response, &failure))
        return judge(type, &response, again, error);
    ErrorCode code = error_code(failure);
    if (code == ERR_LIMIT)
        return TRUE; /* a long answer is one */
    *again = code != ERR_FORBIDDEN && code != ERR_INVALID;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

gboolean notification_send(const Senders *senders, HttpClient *http, const JsonValue *document, Cancel *cancel, gboolean *again,
                           GError **error) {
    const char *name = json_get_string(document, "type");
    const NotificationType *type = notification_type_find(name);
    g_auto(Notification) notification = {0};
    g_autoptr(GError) failure = NULL;
    *again = FALSE;
    if (!senders_can(senders, name, error))
        return FALSE;
    notification_open(&notification, document, senders->base_url);
    if (send_opened(senders, http, type, &notification, cancel, again, &failure))
        return TRUE;
    g_propagate_prefixed_error(error, g_steal_pointer(&failure), "%s notification: ", type->name);
    return FALSE;
}
