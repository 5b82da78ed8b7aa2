/* Mail outward: what the server says decides whether it is sent again. */
#include "net/smtp.h"
#include "net_rig.h"

static const char *const TO[] = {"a@example.com", "b@example.com", NULL};
static GString *heard;           /* what the client said, of the last connection */
static const char *refused_word; /* answered with `refusal` */
static const char *refusal;

/* One line without its end; FALSE when the client went. */
static gboolean hear(int fd, GString *line) {
    char c;
    g_string_truncate(line, 0);
    while (read(fd, &c, 1) == 1) {
        if (c == '\n')
            return TRUE;
        if (c != '\r')
            g_string_append_c(line, c);
    }
    return FALSE;
}

static void serve_mail(int fd, guint number) {
    g_autoptr(GString) line = g_string_new(NULL);
    gboolean data = FALSE;
    (void)number;
    g_string_truncate(heard, 0);
    raw_write(fd, "220 test\r\n");
    while (hear(fd, line)) {
        g_string_append_printf(heard, "%s\n", line->str);
        if (data && strcmp(line->str, ".") != 0)
            continue;
        if (refused_word != NULL && g_str_has_prefix(data ? "." : line->str, refused_word)) {
            if (refusal == NULL)
                return; /* hangs up */
            raw_write(fd, refusal);
            data = FALSE;
            continue;
        }
        gboolean begins = g_str_has_prefix(line->str, "DATA");
        raw_write(fd, begins ? "354 go on\r\n" : g_str_has_prefix(line->str, "QUIT") ? "221 bye\r\n" : "250 ok\r\n");
        data = begins;
    }
}

/* The code of what came of it; 0: it was sent. */
static int send_to(guint16 port, const char *word, const char *answer, GError **error) {
    const SmtpRequest request = {.host = "127.0.0.1",
                                 .port = port,
                                 .from = "s@example.com",
                                 .recipients = TO,
                                 .message = "Subject: x\r\n\r\n.dot\r\n",
                                 .timeout_ms = 5000};
    g_autoptr(GError) failure = NULL;
    refused_word = word;
    refusal = answer;
    if (smtp_send(&request, NULL, &failure))
        return 0;
    int code = (int)error_code(failure);
    if (error != NULL)
        *error = g_steal_pointer(&failure);
    return code;
}

static void test_answers(void) {
    RawPeer peer = {0};
    heard = g_string_new(NULL);
    raw_peer_start(&peer, serve_mail);
    g_autoptr(GError) permanent = NULL;
    g_assert_cmpint(send_to(peer.port, NULL, NULL, NULL), ==, 0);
    g_assert_nonnull(strstr(heard->str, "MAIL FROM:<s@example.com>"));
    g_assert_nonnull(strstr(heard->str, "RCPT TO:<a@example.com>\nRCPT TO:<b@example.com>\n"));
    g_assert_nonnull(strstr(heard->str, "\n..dot\n.\n"));
    g_assert_cmpint(send_to(peer.port, "RCPT", "550 no such user\r\n", &permanent), ==, ERR_REMOTE);
    g_assert_nonnull(strstr(permanent->message, "it answered 550"));
    g_assert_cmpint(send_to(peer.port, "RCPT", "450 later\r\n", NULL), ==, ERR_UNAVAILABLE);
    g_assert_cmpint(send_to(peer.port, "MAIL", "554 never\r\n", NULL), ==, ERR_REMOTE);
    g_assert_cmpint(send_to(peer.port, ".", "451 not now\r\n", NULL), ==, ERR_UNAVAILABLE);
    g_assert_cmpint(send_to(peer.port, ".", NULL, NULL), ==, ERR_TIMEOUT); /* it may have been taken */
    raw_peer_end(&peer);
    g_assert_cmpint(send_to(peer.port, NULL, NULL, NULL), ==, ERR_UNAVAILABLE);
    g_string_free(heard, TRUE);
}

static void assert_refused(const char *const *recipients, const char *message, const char *part) {
    const SmtpRequest request = {.host = "127.0.0.1", .port = 1, .from = "s@example.com", .recipients = recipients, .message = message};
    g_autoptr(GError) error = NULL;
    g_assert_false(smtp_send(&request, NULL, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
    g_assert_nonnull(strstr(error->message, part));
}

static void test_limits(void) {
    const char *many[SMTP_RECIPIENTS_MAX + 2] = {NULL};
    for (guint i = 0; i <= SMTP_RECIPIENTS_MAX; i++)
        many[i] = "a@b.c";
    g_autofree char *large = g_strnfill(SMTP_MESSAGE_MAX + 1, 'x');
    assert_refused(many, "", "SMTP_RECIPIENTS_MAX");
    assert_refused((const char *const[]){NULL}, "", "0 recipients");
    assert_refused(TO, large, "SMTP_MESSAGE_MAX");
    assert_refused((const char *const[]){"a@b.c>\r\nDATA", NULL}, "", "is not an e-mail address");
    assert_refused((const char *const[]){"nobody", NULL}, "", "is not an e-mail address");
}

static void test_cancel(void) {
    g_autoptr(Cancel) cancel = cancel_new();
    g_autoptr(GError) error = NULL;
    cancel_set(cancel);
    const SmtpRequest request = {.host = "127.0.0.1", .port = 1, .from = "s@example.com", .recipients = TO, .message = ""};
    g_assert_false(smtp_send(&request, cancel, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_CANCELLED);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/net/smtp/answers", test_answers);
    g_test_add_func("/net/smtp/limits", test_limits);
    g_test_add_func("/net/smtp/cancel", test_cancel);
    return g_test_run();
}
