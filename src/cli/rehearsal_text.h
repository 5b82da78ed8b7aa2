/* A rehearsal's report for people. Main thread. */
#pragma once
#include "base/json.h"

/* Status, timeline, assumptions and what is different in the clouds; on standard output. */
void rehearsal_print(const JsonValue *report);
/* Only what is different in the clouds, one line each. */
void rehearsal_print_changes(const JsonValue *clouds);
/* A plan: what each stage would do, and what keeps it from doing so. */
void rehearsal_print_plan(const JsonValue *plan);
void rehearsal_print_assumptions(const JsonValue *assumptions);
