/* Following an execution to its end. Main thread. */
#pragma once
#include "base/json.h"
#include "cli/client.h"

/* In a terminal the picture is drawn again and again; elsewhere each change is a line. Returns the exit code by outcome. */
int watch_execution(const Invocation *call, Client *client, const char *id, GError **error);
int watch_exit_code(const char *status); /* of an execution that ended so */
gboolean execution_is_done(const JsonValue *execution);
/* Texts that lists share; caller frees. */
char *execution_make_duration(const JsonValue *execution);
char *execution_make_started(const JsonValue *execution);
/* The execution with, in each of its stages that is not done, "why": {rule, reason, since} by what GET /pipelines/{id}/why said. */
Json *execution_with_why(const JsonValue *execution, const JsonValue *why);
