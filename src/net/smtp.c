/* Mail by SMTP: one libcurl transfer per message, on the caller's thread. Owns nothing between calls. */
#include "net/smtp.h"
#include <curl/curl.h>
#include <string.h>

typedef struct {
    CURL *easy;
    struct curl_slist *recipients;
    const char *left; /* of the message */
    gsize left_length;
    gboolean handed_over; /* all of the message was read by libcurl */
    Cancel *cancel;
    char said[CURL_ERROR_SIZE];
} Mail;

static size_t read_message(char *into, size_t size, size_t count, void *data) {
    Mail *mail = data;
    gsize length = MIN(size * count, mail->left_length);
    memcpy(into, mail->left, length);
    mail->left += length;
    mail->left_length -= length;
    mail->handed_over = mail->left_length == 0;
    return length;
}

static int on_progress(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    (void)a, (void)b, (void)c, (void)d;
    return cancel_is_set(((Mail *)data)->cancel);
}

static gboolean check(const SmtpRequest *request, GError **error) {
    guint count = g_strv_length((char **)request->recipients);
    if (count == 0 || count > SMTP_RECIPIENTS_MAX) {
        error_set(error, ERR_INVALID, "send mail: %u recipients; expected 1 to %d (SMTP_RECIPIENTS_MAX)", count, SMTP_RECIPIENTS_MAX);
        return FALSE;
    }
    if (strlen(request->message) > SMTP_MESSAGE_MAX) {
        error_set(error, ERR_INVALID, "send mail: the message has more than %d bytes (SMTP_MESSAGE_MAX)", SMTP_MESSAGE_MAX);
        return FALSE;
    }
    for (const char *const *one = request->recipients; *one != NULL; one++)
        if (strpbrk(*one, "\r\n<>") != NULL || strchr(*one, '@') == NULL) {
            error_set(error, ERR_INVALID, "send mail: %s is not an e-mail address", *one);
            return FALSE;
        }
    return TRUE;
}

static void set_security(Mail *mail, const SmtpRequest *request) {
    static const long LEVELS[] = {
        [SMTP_PLAIN] = CURLUSESSL_NONE,
        [SMTP_STARTTLS_TRY] = CURLUSESSL_TRY,
        [SMTP_STARTTLS_REQUIRED] = CURLUSESSL_ALL,
        [SMTP_TLS] = CURLUSESSL_ALL,
    };
    curl_easy_setopt(mail->easy, CURLOPT_USE_SSL, LEVELS[request->security]);
    if (request->ca_file != NULL)
        curl_easy_setopt(mail->easy, CURLOPT_CAINFO, request->ca_file);
    if (request->username != NULL && *request->username != '\0') {
        curl_easy_setopt(mail->easy, CURLOPT_USERNAME, request->username);
        curl_easy_setopt(mail->easy, CURLOPT_PASSWORD, request->password != NULL ? request->password : "");
    }
}

static void set_options(Mail *mail, const SmtpRequest *request) {
    gint64 timeout_ms = request->timeout_ms ? request->timeout_ms : SMTP_TIMEOUT_MS;
    const char *scheme = request->security == SMTP_TLS ? "smtps" : "smtp";
    g_autofree char *url = g_strdup_printf(strchr(request->host, ':') != NULL ? "%s://[%s]:%u" : "%s://%s:%u", scheme, request->host,
                                           request->port);
    g_autofree char *from = g_strdup_printf("<%s>", request->from);
    curl_easy_setopt(mail->easy, CURLOPT_URL, url);
    curl_easy_setopt(mail->easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(mail->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(mail->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(mail->easy, CURLOPT_ERRORBUFFER, mail->said);
    curl_easy_setopt(mail->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)MIN(timeout_ms, SMTP_CONNECT_TIMEOUT_MS));
    curl_easy_setopt(mail->easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(mail->easy, CURLOPT_MAIL_FROM, from);
    curl_easy_setopt(mail->easy, CURLOPT_MAIL_RCPT, mail->recipients);
    curl_easy_setopt(mail->easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(mail->easy, CURLOPT_READFUNCTION, read_message);
    curl_easy_setopt(mail->easy, CURLOPT_READDATA, mail);
    curl_easy_setopt(mail->easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(mail->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(mail->easy, CURLOPT_XFERINFODATA, mail);
    set_security(mail, request);
}

static void explain(const Mail *mail, const SmtpRequest *request, CURLcode result, GError **error) {
    long code = 0;
    const char *said = mail->said[0] != '\0' ? mail->said : curl_easy_strerror(result);
    curl_easy_getinfo(mail->easy, CURLINFO_RESPONSE_CODE, &code);
    ErrorCode kind = ERR_UNAVAILABLE;
    if (cancel_is_set(mail->cancel))
        kind = ERR_CANCELLED;
    else if ((code >= 500 && code < 600) || result == CURLE_LOGIN_DENIED)
        kind = ERR_REMOTE;
    else if (mail->handed_over && code < 400)
        kind = ERR_TIMEOUT; /* it may have taken it */
    if (code >= 400)
        error_set(error, kind, "send mail through %s:%u: it answered %ld (%s)", request->host, request->port, code, said);
    else
        error_set(error, kind, "send mail through %s:%u: %s", request->host, request->port, said);
}

gboolean smtp_send(const SmtpRequest *request, Cancel *cancel, GError **error) {
    if (!check(request, error))
        return FALSE;
    Mail mail = {.easy = curl_easy_init(), .left = request->message, .left_length = strlen(request->message), .cancel = cancel};
    if (mail.easy == NULL) {
        error_set(error, ERR_INTERNAL, "send mail: libcurl has no memory");
        return FALSE;
    }
    for (const char *const *one = request->recipients; *one != NULL; one++) {
        g_autofree char *bracketed = g_strdup_printf("<%s>", *one);
        mail.recipients = curl_slist_append(mail.recipients, bracketed);
    }
    set_options(&mail, request);
    CURLcode result = curl_easy_perform(mail.easy);
    if (result != CURLE_OK)
        explain(&mail, request, result, error);
    curl_slist_free_all(mail.recipients);
    curl_easy_cleanup(mail.easy);
    return result == CURLE_OK;
}
