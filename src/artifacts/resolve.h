/* Which artifacts an execution or a stage gets for those it expects (artifacts.md 5.2, 5.4; engine.md 16.4), and why. Pure. */
#pragma once
#include "artifacts/artifact.h"

/* At the start of an execution. Everything may be NULL. */
typedef struct {
    const JsonValue *expected;     /* the pipeline's expectedArtifacts */
    const JsonValue *expected_ids; /* the trigger's expectedArtifactIds */
    const JsonValue *received;     /* the pipeline's receivedArtifacts */
    const JsonValue *triggered;    /* the trigger's artifacts */
    const JsonValue *prior;        /* artifacts of the execution before */
    const char *prior_id;          /* which one that is */
} ArtifactSources;

typedef enum { ARTIFACTS_BOUND, ARTIFACTS_MULTIPLE, ARTIFACTS_UNMATCHED, ARTIFACTS_TOO_MANY } ArtifactsOutcome;

typedef struct {
    ArtifactsOutcome outcome;
    Json *artifacts; /* those received, then those bound (without duplicates); NULL when something failed */
    Json *resolved;  /* the considered expected artifacts with boundArtifact; NULL when something failed */
    Json *trace;     /* how each expected artifact came to what it is (below); also after a failure */
} ArtifactsResolved;
void artifacts_resolved_clear(ArtifactsResolved *resolved);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ArtifactsResolved, artifacts_resolved_clear)

/* FALSE with ERR_INVALID: "Expected artifact … matches multiple artifacts …", "Unmatched expected artifact … could not be resolved.",
 * each with the reasons behind it; ERR_LIMIT. */
gboolean artifacts_resolve(const ArtifactSources *sources, ArtifactsResolved *into, GError **error);
/* Whether the artifacts of the execution before are asked for at all. */
gboolean artifacts_want_prior(const JsonValue *expected);

/* At the end of a stage: the first visible artifact that matches, else the default one. `artifacts` are those bound, one for each
 * expected artifact, in order. */
gboolean artifacts_bind(const JsonValue *expected, const JsonValue *visible, ArtifactsResolved *into, GError **error);

/* The trace:
 * {"received": 2, "prior": {"execution": "01H…", "artifacts": 3}, "expected": [
 *   {"id", "displayName", "considered": true, "outcome": "received|visible|prior|default|unmatched|multiple|ignored", "artifact": {…},
 *    "sentence": "…", "candidates": [{"source": "received|visible|prior", "artifact": {type, name, version, location, reference},
 *    "matches": false, "field": "name", "reason": "…"}], "leftOut": 12}]}
 * Texts are cut at ARTIFACT_TEXT_SHOWN; candidates that do not match are listed as long as there is room. */
#define ARTIFACT_TRACE_REFUSED_MAX 20     /* refused candidates of one expected artifact */
#define ARTIFACT_TRACE_CANDIDATES_MAX 500 /* candidates of one trace */
