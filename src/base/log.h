/* Structured logging to standard error: text for people or one JSON object per line.
 *
 * Records have time, level, room, message and whatever fields the thread has set around the work it does: request, user,
 * application, execution, stage, task, account, region, operation. Any thread; a record is one write(2). Secrets are the
 * caller's to leave out; log_redact() helps with headers and query strings. */
#pragma once
#include <glib.h>

typedef enum { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR } LogLevel;
typedef enum { LOG_TEXT, LOG_JSON } LogFormat;

void log_configure(LogLevel least, LogFormat format); /* main, before threads start; later calls are atomic */
void log_write(LogLevel level, const char *room, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* A copy of text (URL, header line, query, "key=value" list) with "***" for what stands behind names of secrets; caller frees. */
char *log_redact(const char *text);
#define log_debug(room, ...) log_write(LOG_DEBUG, room, __VA_ARGS__)
#define log_info(room, ...) log_write(LOG_INFO, room, __VA_ARGS__)
#define log_warning(room, ...) log_write(LOG_WARNING, room, __VA_ARGS__)
#define log_error(room, ...) log_write(LOG_ERROR, room, __VA_ARGS__)

/* A field of all records of this thread until the scope ends: LOG_FIELD("execution", id);
 * field must be a string literal; value is borrowed and must outlive the scope. */
typedef struct LogField LogField;
struct LogField {
    const char *field, *value;
    LogField *outer;
};
void log_field_begin(LogField *entry, const char *field, const char *value);
void log_field_end(LogField *entry);
#define LOG_FIELD(field, value)                                                                                                            \
    __attribute__((cleanup(log_field_end))) LogField G_PASTE(log_field_, __LINE__);                                                        \
    log_field_begin(&G_PASTE(log_field_, __LINE__), field, value)
