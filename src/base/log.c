/* Log records: formatted on the calling thread, written with one write(2) to standard error. The fields of a thread are a
 * linked list through the stack frames that set them; the outermost record of the configuration is two atomics. */
#include "base/log.h"
#include "base/clock.h"
#include "base/json.h"
#include <string.h>
#include <unistd.h>

#define LOG_RECORD_MAX (16 * 1024) /* bytes of one message; longer ones are cut */

static gint least_level = LOG_INFO;
static gint record_format = LOG_TEXT;
static __thread LogField *innermost_field;

static const char *const level_names[] = {"DEBUG", "INFO", "WARNING", "ERROR"};

void log_configure(LogLevel least, LogFormat format) {
    g_atomic_int_set(&least_level, (gint)least);
    g_atomic_int_set(&record_format, (gint)format);
}

void log_field_begin(LogField *entry, const char *field, const char *value) {
    entry->field = field;
    entry->value = value;
    entry->outer = innermost_field;
    innermost_field = entry;
}

void log_field_end(LogField *entry) {
    innermost_field = entry->outer;
}

/* An inner field hides an outer one of the same name. */
static gboolean is_hidden(const LogField *field) {
    for (const LogField *inner = innermost_field; inner != field; inner = inner->outer)
        if (strcmp(inner->field, field->field) == 0)
            return TRUE;
    return FALSE;
}

/* One record is one line: control characters become visible escapes. */
static void append_visible(GString *record, const char *text) {
    for (; *text != '\0'; text++) {
        const guchar c = (guchar)*text;
        if (c == '\n')
            g_string_append(record, "\\n");
        else if (c < 0x20 || c == 0x7f)
            g_string_append_printf(record, "\\x%02x", c);
        else
            g_string_append_c(record, *text);
    }
}

static void append_text_record(GString *record, const char *time, LogLevel level, const char *room, const char *message) {
    g_string_append_printf(record, "%s %-7s %s: ", time, level_names[level], room);
    append_visible(record, message);
    for (const LogField *field = innermost_field; field != NULL; field = field->outer) {
        if (field->value == NULL || is_hidden(field))
            continue;
        g_string_append_printf(record, " %s=", field->field);
        append_visible(record, field->value);
    }
}

static void append_json_record(GString *record, const char *time, LogLevel level, const char *room, const char *message) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "time", time);
    json_add_string(builder, "level", level_names[level]);
    json_add_string(builder, "room", room);
    json_add_string(builder, "message", message);
    for (const LogField *field = innermost_field; field != NULL; field = field->outer)
        if (!is_hidden(field))
            json_add_string(builder, field->field, field->value);
    json_end_object(builder);
    g_autoptr(Json) document = json_builder_end(builder);
    gsize length = 0;
    g_autofree char *text = json_write(json_root(document), &length);
    g_string_append_len(record, text, (gssize)length);
}

G_GNUC_PRINTF(1, 0)
static char *format_message(const char *format, va_list values) {
    char *message = g_strdup_vprintf(format, values);
    const gsize length = strlen(message);
    if (length <= LOG_RECORD_MAX)
        return message;
    g_autofree char *whole = message;
    return g_strdup_printf("%.*s… (cut: %" G_GSIZE_FORMAT " bytes)", LOG_RECORD_MAX, whole, length);
}

void log_write(LogLevel level, const char *room, const char *format, ...) {
    if ((gint)level < g_atomic_int_get(&least_level))
        return;
    va_list values;
    va_start(values, format);
    g_autofree char *message = format_message(format, values);
    va_end(values);
    g_autofree char *time = clock_iso8601(clock_now_ms());
    g_autoptr(GString) record = g_string_sized_new(256);
    if (g_atomic_int_get(&record_format) == LOG_JSON)
        append_json_record(record, time, level, room, message);
    else
        append_text_record(record, time, level, room, message);
    g_string_append_c(record, '\n');
    /* nobody can be told when standard error is gone */
    if (write(STDERR_FILENO, record->str, record->len) < 0)
        return;
}

/* ---- redaction ---- */

#define SECRET_NAMES                                                                                                                       \
    "(?:pass(?:word|wd|phrase)?|secret|token|signature|credentials?|private[-_]?key|api[-_]?key|access[-_]?key(?:[-_]?id)?)"

static const struct {
    const char *pattern, *replacement;
} redactions[] = {
    {"(?i)^((?:proxy-)?authorization|cookie|set-cookie)\\s*:.*$", "\\1: ***"},
    {"(://[^/@\\s:]*):[^/@\\s]*@", "\\1:***@"},
    {"(?i)([\\w.-]*" SECRET_NAMES "[\\w.-]*[\"']?\\s*[=:]\\s*)(?:\"[^\"]*\"|'[^']*'|(?:Bearer |Basic )?[^&\\s,;\"']+)", "\\1***"},
};

char *log_redact(const char *text) {
    static gsize compiled;
    static GRegex *patterns[G_N_ELEMENTS(redactions)];
    if (g_once_init_enter(&compiled)) {
        for (gsize i = 0; i < G_N_ELEMENTS(redactions); i++) {
            patterns[i] = g_regex_new(redactions[i].pattern, G_REGEX_OPTIMIZE | G_REGEX_MULTILINE, 0, NULL);
            g_assert(patterns[i] != NULL);
        }
        g_once_init_leave(&compiled, 1);
    }
    char *result = g_utf8_make_valid(text, -1);
    for (gsize i = 0; i < G_N_ELEMENTS(redactions); i++) {
        g_autofree char *before = result;
        result = g_regex_replace(patterns[i], before, -1, 0, redactions[i].replacement, 0, NULL);
        if (result == NULL) /* the matcher gave up: rather nothing than a secret */
            return g_strdup("***");
    }
    return result;
}
