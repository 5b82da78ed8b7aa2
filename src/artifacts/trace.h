/* Writing down how expected artifacts were resolved (resolve.h says how that looks). For this room alone. */
#pragma once
#include "artifacts/resolve.h"

typedef struct ArtifactTrace ArtifactTrace;
ArtifactTrace *artifact_trace_new(void);
void artifact_trace_free(ArtifactTrace *trace);

/* One expected artifact after the other: begin, its candidates, end. */
void artifact_trace_begin(ArtifactTrace *trace, const JsonValue *expected);
void artifact_trace_candidate(ArtifactTrace *trace, const char *source, const JsonValue *artifact, const char *field, const char *why);
void artifact_trace_end(ArtifactTrace *trace, const char *outcome, const JsonValue *bound, const char *sentence);
/* Why the candidates so far were refused, the first few, or "" without any; caller frees. */
char *artifact_trace_refusals(const ArtifactTrace *trace);

/* The whole; caller owns. prior_id may be NULL. */
Json *artifact_trace_finish(ArtifactTrace *trace, guint received, const char *prior_id, guint prior);
