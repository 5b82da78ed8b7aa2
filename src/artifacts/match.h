/* Whether an artifact is the one that is expected (artifacts.md 5.1). Pure. A matcher belongs to one thread. */
#pragma once
#include "artifacts/artifact.h"

/* Steps of regular expressions in one resolution, all its artifacts together; about 40 ms. */
#define ARTIFACTS_WORK_MAX 2000000

/* type, name, version, location and reference of matchArtifact each match: absent, equal, or a regular expression for the whole
 * text; embedded and remote base64 are one type. A pattern that is no regular expression, or takes more than PATTERN_WORK_MAX
 * steps, matches nothing but itself. NULL patterns: anything matches. */
gboolean artifact_matches(const JsonValue *match, const JsonValue *artifact);

/* The same for many artifacts, with reasons. */
typedef struct ArtifactMatcher ArtifactMatcher;
ArtifactMatcher *artifact_matcher_new(const JsonValue *match); /* borrowed: lives longer than the matcher */
void artifact_matcher_free(ArtifactMatcher *matcher);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArtifactMatcher, artifact_matcher_free)
/* field: which member refused it; why: the reason in words, caller frees; both may be NULL, and are NULL when it matches. work is what
 * regular expressions may take, as of pattern_run. */
gboolean artifact_matcher_run(ArtifactMatcher *matcher, const JsonValue *artifact, guint64 *work, const char **field, char **why);

/* Ids of the expected artifacts that some of the artifacts matches: an array; caller owns. What a pipeline that another one starts
 * considers beside the ids of its trigger (triggers.md 13). */
Json *artifacts_matching_ids(const JsonValue *expected, const JsonValue *artifacts);
