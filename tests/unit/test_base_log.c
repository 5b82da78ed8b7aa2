/* Log records: captured by putting a pipe in the place of standard error. */
#include "base/json.h"
#include "base/log.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    int saved, reader;
} Capture;

static Capture capture_begin(void) {
    int ends[2];
    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
    const Capture capture = {dup(STDERR_FILENO), ends[0]};
    g_assert_cmpint(dup2(ends[1], STDERR_FILENO), >=, 0);
    close(ends[1]);
    return capture;
}

static char *capture_end(Capture capture) {
    g_assert_cmpint(dup2(capture.saved, STDERR_FILENO), >=, 0);
    close(capture.saved);
    g_autoptr(GString) text = g_string_new(NULL);
    char part[4096];
    for (ssize_t got; (got = read(capture.reader, part, sizeof part)) > 0;)
        g_string_append_len(text, part, got);
    close(capture.reader);
    return g_strdup(text->str);
}

static void test_text(void) {
    log_configure(LOG_INFO, LOG_TEXT);
    const Capture capture = capture_begin();
    {
        LOG_FIELD("execution", "01X");
        LOG_FIELD("stage", NULL);
        {
            LOG_FIELD("execution", "01Y");
            log_info("engine", "two\nlines %d", 7);
        }
        log_warning("engine", "outer");
    }
    log_debug("engine", "not written");
    log_error("engine", "bare");
    g_autofree char *text = capture_end(capture);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 4);
    g_assert_true(g_str_has_suffix(lines[0], "Z INFO    engine: two\\nlines 7 execution=01Y"));
    g_assert_true(g_str_has_suffix(lines[1], "Z WARNING engine: outer execution=01X"));
    g_assert_true(g_str_has_suffix(lines[2], "Z ERROR   engine: bare"));
}

static void test_json(void) {
    log_configure(LOG_DEBUG, LOG_JSON);
    const Capture capture = capture_begin();
    {
        LOG_FIELD("account", "prod");
        log_debug("clouds", "said \"no\"\xff");
    }
    g_autofree char *text = capture_end(capture);
    log_configure(LOG_INFO, LOG_TEXT);
    g_autoptr(Json) record = json_parse(text, -1, NULL);
    const JsonValue *v = json_root(record);
    g_assert_cmpstr(json_get_string(v, "level"), ==, "DEBUG");
    g_assert_cmpstr(json_get_string(v, "room"), ==, "clouds");
    g_assert_cmpstr(json_get_string(v, "account"), ==, "prod");
    g_assert_cmpstr(json_get_string(v, "message"), ==, "said \"no\"\xef\xbf\xbd");
    g_assert_nonnull(json_get_string(v, "time"));
}

static void test_long_messages_are_cut(void) {
    g_autofree char *message = g_strnfill(20000, 'x');
    const Capture capture = capture_begin();
    log_info("base", "%s", message);
    g_autofree char *text = capture_end(capture);
    g_assert_cmpuint(strlen(text), <, 17000);
    g_assert_nonnull(strstr(text, "(cut: 20000 bytes)"));
}

static void test_redaction(void) {
    static const struct {
        const char *given, *expected;
    } cases[] = {
        {"https://ann:pw@host/x?a=1", "https://ann:***@host/x?a=1"},
        {"https://h/?X-Amz-Signature=abc&list=1", "https://h/?X-Amz-Signature=***&list=1"},
        {"https://h/?access_token=abc", "https://h/?access_token=***"},
        {"Authorization: Bearer abc.def", "Authorization: ***"},
        {"x: 1\nCookie: SESSION=abc; b=2\ny: 2", "x: 1\nCookie: ***\ny: 2"},
        {"{\"password\":\"a b\",\"user\":\"ann\"}", "{\"password\":***,\"user\":\"ann\"}"},
        {"secretAccessKey: abc region: x", "secretAccessKey: *** region: x"},
        {"nothing here", "nothing here"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *redacted = log_redact(cases[i].given);
        g_assert_cmpstr(redacted, ==, cases[i].expected);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/log/text", test_text);
    g_test_add_func("/base/log/json", test_json);
    g_test_add_func("/base/log/cut", test_long_messages_are_cut);
    g_test_add_func("/base/log/redaction", test_redaction);
    return g_test_run();
}
