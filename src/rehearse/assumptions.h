/* What is assumed of stages whose outside is not known, private to this room. */
#pragma once
#include "engine/stage.h"

typedef struct Assumptions Assumptions;

/* given: "NAME=ANSWER" (rehearse.h). ERR_INVALID. */
Assumptions *assumptions_new(const char *const *given, GError **error);
void assumptions_free(Assumptions *assumptions);
/* Adds one more; ERR_INVALID. */
gboolean assumptions_add(Assumptions *assumptions, const char *given, GError **error);
/* The program's stage types, those that reach outside replaced by one that answers as assumed, and those of other tools that are only
 * assumed. Lives as long as the assumptions. Its tasks find them through assumptions_of(services). */
const StageTypes *assumptions_types(Assumptions *assumptions);
/* The answer to a judgement: {judgmentStatus, judgmentInput}; notes that it was given. Caller owns. */
Json *assumptions_judge(Assumptions *assumptions, const Execution *execution, const Stage *stage);
/* What was assumed so far: list of {stage, refId, type, assumed, because}; caller owns. */
Json *assumptions_made(const Assumptions *assumptions);
/* Names that were given and that no stage has asked for; strv, caller frees. */
char **assumptions_unused(const Assumptions *assumptions);

/* Filled by the rehearsal: its Services are its first member. */
Assumptions *assumptions_of(Services *services);
