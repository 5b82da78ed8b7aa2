/* Printing what a server answered: a table for people, or JSON or YAML for programs. Main thread. */
#pragma once
#include "cli/command.h"

typedef struct {
    const char *title;
    const char *path;                      /* "attributes.email"; texts, numbers and switches as they are, lists joined with ", " */
    char *(*make)(const JsonValue *value); /* instead of path: the text of a row; caller frees; NULL: empty */
} Column;                                  /* tables end with an entry without title */

/* --output json or yaml: the value as it came. Otherwise a table with one row per element. Returns the exit code. */
int output_list(const Invocation *call, const JsonValue *list, const Column *columns, GError **error);
/* The same for one thing: a line per column in a table. */
int output_one(const Invocation *call, const JsonValue *value, const Column *columns, GError **error);
/* What was done, for people ("saved demo"): nothing is printed with --output json or yaml. */
void output_done(const Invocation *call, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* What went wrong with one thing of many, on standard error. */
void output_problem(const char *message);
gboolean output_is_table(const Invocation *call);

/* Texts for columns; caller frees. */
char *output_time(gint64 ms);                          /* local time, "" for 0 */
char *output_duration(gint64 start_ms, gint64 end_ms); /* end 0: until now; "" when not started */
/* A text from a server as a terminal may see it: control characters replaced; caller frees. */
char *output_clean(const char *text);
