/* Mail (notifications.md 3): one HTML message for all addresses, with a Message-ID made of the notification's key, by which whoever gets it twice
 * knows it. Facts: RFC 5322, 2045, 2047. */
#include "notify/email.h"
#include "notify/markdown.h"
#include "notify/send.h"
#include <string.h>

#define PORT_PLAIN 25
#define LINE_BYTES 57 /* of text per line of base64: 76 characters */
#define WORD_BYTES 42 /* of text per encoded word */

typedef struct {
    gboolean enabled;
    char *from, *mail_host;
    char *host, *username, *password;
    gint64 port;
    gboolean starttls, starttls_required, ssl;
} MailSettings;

#define FIELD(key, kind, member, ...)                                                                                                      \
    { .name = (key), .type = (kind), .offset = offsetof(MailSettings, member), __VA_ARGS__ }
static const Param mail_params[] = {
    FIELD("enabled", PARAM_BOOL, enabled, .help = "Whether mail is sent."),
    FIELD("from", PARAM_STRING, from, .help = "Whom mail comes from: an address, or Name <address>."),
    FIELD("host", PARAM_STRING, mail_host, .help = "The mail server, when spring.mail.host is not set."),
    {0},
};
static const Param server_params[] = {
    FIELD("host", PARAM_STRING, host, .help = "The mail server."),
    FIELD("port", PARAM_INT, port, .min = 0, .max = 65535, .help = "Its port; 25 when it is not set."),
    FIELD("username", PARAM_STRING, username, .help = "For signing in there."),
    FIELD("password", PARAM_STRING, password, .secret = TRUE, .help = "For signing in there."),
    FIELD("properties.mail.smtp.starttls.enable", PARAM_BOOL, starttls, .help = "Uses TLS when the server offers it."),
    FIELD("properties.mail.smtp.starttls.required", PARAM_BOOL, starttls_required, .help = "Sends nothing without TLS."),
    FIELD("properties.mail.smtp.ssl.enable", PARAM_BOOL, ssl, .help = "TLS from the first byte, as on port 465."),
    {0},
};
static const ConfigSection mail_section = {
    .service = SERVICE_ECHO, .prefix = "mail", .params = mail_params, .help = "Notifications by mail."};
static const ConfigSection server_section = {
    .service = SERVICE_ECHO, .prefix = "spring.mail", .params = server_params, .help = "The mail server."};
static const ConfigSection *const sections[] = {&mail_section, &server_section, NULL};

static const char *host_of(const MailSettings *settings) {
    return settings->host != NULL && *settings->host != '\0' ? settings->host : settings->mail_host;
}

/* Of "Name <address>" or "address"; caller frees. */
static char *address_in(const char *text) {
    const char *open = strrchr(text, '<'), *close = open != NULL ? strchr(open, '>') : NULL;
    return close != NULL ? g_strndup(open + 1, (gsize)(close - open - 1)) : g_strdup(text);
}

static gboolean mail_check(const void *data, GError **error) {
    const MailSettings *settings = data;
    const char *host = host_of(settings);
    if (settings->from == NULL || strchr(settings->from, '@') == NULL) {
        error_set(error, ERR_INVALID, "mail.enabled: needs mail.from, an e-mail address");
        return FALSE;
    }
    if (host == NULL || *host == '\0') {
        error_set(error, ERR_INVALID, "mail.enabled: needs spring.mail.host or mail.host");
        return FALSE;
    }
    return TRUE;
}

void email_server(const void *data, SmtpRequest *into) {
    const MailSettings *settings = data;
    into->host = host_of(settings);
    into->port = settings->port > 0 ? (guint16)settings->port : PORT_PLAIN;
    into->username = settings->username;
    into->password = settings->password;
    into->security = settings->ssl                 ? SMTP_TLS
                     : settings->starttls_required ? SMTP_STARTTLS_REQUIRED
                     : settings->starttls          ? SMTP_STARTTLS_TRY
                                                   : SMTP_PLAIN;
}

/* ---- headers ---- */
static gboolean is_plain(const char *text) {
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            return FALSE;
    return TRUE;
}

/* A header's text: as it is, or in encoded words, which never split a character. */
static void append_words(GString *into, const char *text) {
    if (is_plain(text)) {
        g_string_append(into, text);
        return;
    }
    while (*text != '\0') {
        const char *end = text;
        while (*end != '\0' && g_utf8_next_char(end) - text <= WORD_BYTES)
            end = g_utf8_next_char(end);
        g_autofree char *encoded = g_base64_encode((const guchar *)text, (gsize)(end - text));
        g_string_append_printf(into, "=?UTF-8?B?%s?=%s", encoded, *end != '\0' ? "\r\n " : "");
        text = end;
    }
}

static void append_header(GString *into, const char *name, const char *value) {
    g_autofree char *clean = g_strdelimit(g_strdup(value), "\r\n\t", ' ');
    g_string_append_printf(into, "%s: ", name);
    append_words(into, clean);
    g_string_append(into, "\r\n");
}

static void append_list(GString *into, const char *name, char **addresses) {
    g_autofree char *joined = g_strjoinv(", ", addresses);
    if (*joined != '\0')
        append_header(into, name, joined);
}

static void append_id(GString *into, const Notification *notification, const char *from) {
    const char *at = strchr(from, '@');
    g_autofree char *domain = g_strdup(at != NULL ? at + 1 : "gennaker");
    g_string_append_printf(into, "Message-ID: <%s@%s>\r\n", notification->key, domain);
}

static void append_date(GString *into, gint64 ms) {
    static const char *const DAYS[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char *const MONTHS[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(ms / 1000);
    if (at == NULL)
        return;
    g_autofree char *time = g_date_time_format(at, "%H:%M:%S +0000");
    g_string_append_printf(into, "Date: %s, %d %s %d %s\r\n", DAYS[g_date_time_get_day_of_week(at) - 1], g_date_time_get_day_of_month(at),
                           MONTHS[g_date_time_get_month(at) - 1], g_date_time_get_year(at), time);
}

/* ---- the body ---- */
static char *standard_html(const Notification *notification, const char *subject) {
    g_autoptr(GString) html = g_string_new("<html><body>");
    g_autofree char *title = notification_html(subject), *text = notification_text(notification, STYLE_HTML);
    g_string_append_printf(html, "<h3>%s</h3>", title);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autofree char *broken = g_strjoinv("<br/>", lines);
    g_string_append_printf(html, "<p>%s</p>", broken);
    if (notification->status != NULL)
        g_string_append_printf(html, "<p>Status: <b>%s</b></p>", notification->status);
    if (notification->link != NULL) {
        g_autofree char *link = notification_html(notification->link);
        g_string_append_printf(html, "<p><a href=\"%s\">%s</a></p>", link, link);
    }
    g_string_append(html, "</body></html>");
    return g_string_free(g_steal_pointer(&html), FALSE);
}

static char *html_of(const Notification *notification, const char *subject) {
    const char *own = notification_own(notification, "customBody"), *formatter = notification_own(notification, "formatter");
    if (own == NULL)
        return standard_html(notification, subject);
    g_autofree char *filled = notification_fill(notification, own);
    if (notification->request == NULL || formatter == NULL || g_ascii_strcasecmp(formatter, "MARKDOWN") == 0)
        return markdown_to_html(filled);
    if (g_ascii_strcasecmp(formatter, "HTML") == 0)
        return g_steal_pointer(&filled);
    g_autofree char *escaped = notification_html(filled);
    return g_strdup_printf("<pre>%s</pre>", escaped);
}

static void append_base64(GString *into, const char *text) {
    for (gsize left = strlen(text); left > 0;) {
        gsize length = MIN(left, LINE_BYTES);
        g_autofree char *line = g_base64_encode((const guchar *)text, length);
        g_string_append_printf(into, "%s\r\n", line);
        text += length;
        left -= length;
    }
}

/* Split at spaces, commas and semicolons. */
static void add_addresses(GPtrArray *into, char **texts) {
    for (; *texts != NULL; texts++) {
        g_auto(GStrv) parts = g_strsplit_set(*texts, " ,;\t\r\n", -1);
        for (char **part = parts; *part != NULL; part++)
            if (**part != '\0')
                g_ptr_array_add(into, g_strdup(*part));
    }
}

static char **addresses_of(char **first, char **second) {
    GPtrArray *all = g_ptr_array_new();
    add_addresses(all, first);
    if (second != NULL)
        add_addresses(all, second);
    g_ptr_array_add(all, NULL);
    return (char **)g_ptr_array_free(all, FALSE);
}

static gboolean mail_build(const void *data, const Notification *notification, NotificationCall *call, GError **error) {
    const MailSettings *settings = data;
    g_auto(GStrv) to = addresses_of(notification->to, NULL), cc = addresses_of(notification->cc, NULL);
    if (to[0] == NULL) {
        error_set(error, ERR_INVALID, "address: missing; expected e-mail addresses");
        return FALSE;
    }
    g_autoptr(GString) message = g_string_new(NULL);
    g_autofree char *subject = notification_subject(notification), *html = html_of(notification, subject);
    call->from = address_in(settings->from);
    call->recipients = addresses_of(notification->to, notification->cc);
    append_header(message, "From", settings->from);
    append_list(message, "To", to);
    append_list(message, "Cc", cc);
    append_header(message, "Subject", subject);
    append_date(message, notification->created_ms);
    append_id(message, notification, call->from);
    g_string_append(message, "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    append_base64(message, html);
    call->message = g_string_free(g_steal_pointer(&message), FALSE);
    return TRUE;
}

const NotificationType notification_email = {
    .name = "email",
    .request_name = "EMAIL",
    .label = "Email",
    .help = "A mail.",
    .address_help = "Addresses, with spaces, commas or semicolons between them.",
    .example = "team@example.com",
    .sections = sections,
    .settings_size = sizeof(MailSettings),
    .check = mail_check,
    .build = mail_build,
    .together = TRUE,
};
