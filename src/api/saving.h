/* Jobs that the API starts and whose end it waits for: saving, deleting and ordering configurations. */
#pragma once
#include "api/internal.h"

/* Starts an orchestration of one job and hands the call's answer over until it ends. job: an object with "type". */
gboolean start_and_wait(ApiCall *call, const char *application, const char *description, const JsonValue *job, WaitEnd end, gpointer data,
                        GDestroyNotify free_data, GError **error);
/* Answers 400 with the task's own words unless it SUCCEEDED; TRUE when it did, with the answer left to the caller. */
gboolean check_succeeded(const Answer *answer, const Execution *execution, const char *what);
/* base64 of a JSON value: keeps expressions in it from being evaluated. Caller frees. */
char *encoded(const JsonValue *value);
