/* Artifacts and expected artifacts as JSON (artifacts.md 1, 5): their canonical form and a typed view of it. Pure; any thread. */
#pragma once
#include "base/error.h"
#include "base/json.h"

#define ARTIFACTS_MAX 5000          /* that one resolution looks at */
#define EXPECTED_ARTIFACTS_MAX 1000 /* that one pipeline or stage declares */

/* An artifact as executions hold it: texts where texts belong, no nulls, always customKind and metadata; members that no artifact
 * has go into metadata, the old `kind` is dropped. Anything but an object counts as {}. Caller owns. */
Json *artifact_canonical(const JsonValue *artifact);
/* The same in all members, metadata included. Both canonical. */
gboolean artifact_equal(gconstpointer a, gconstpointer b);
guint artifact_hash(gconstpointer artifact); /* for tables of canonical JsonValue * */
/* "docker/image gcr.io/p/app 1.2" for people, bounded; caller frees. */
char *artifact_label(const JsonValue *artifact);
/* A text for people, at most ARTIFACT_TEXT_SHOWN bytes of it; caller frees. */
#define ARTIFACT_TEXT_SHOWN 120
char *artifact_shown(const char *text);

/* Lists of artifacts put together in order, canonical. */
typedef struct ArtifactList ArtifactList;
ArtifactList *artifact_list_new(gboolean without_duplicates);
void artifact_list_free(ArtifactList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArtifactList, artifact_list_free)
void artifact_list_add(ArtifactList *list, const JsonValue *artifact);
void artifact_list_add_all(ArtifactList *list, const JsonValue *artifacts); /* an array; anything else adds nothing */
guint artifact_list_length(const ArtifactList *list);
const JsonValue *artifact_list_at(const ArtifactList *list, guint index); /* borrowed from the list */
Json *artifact_list_json(const ArtifactList *list);                       /* an array; caller owns */

/* An expected artifact; the view borrows from its JSON. */
typedef struct {
    const char *id, *display_name; /* NULL when absent or no text */
    const JsonValue *match;        /* NULL: anything matches */
    const JsonValue *otherwise;    /* the default artifact, or NULL */
    const JsonValue *bound;        /* or NULL */
    gboolean use_prior, use_default;
} ExpectedArtifact;
ExpectedArtifact expected_artifact_view(const JsonValue *expected);
/* As it is written into an execution (unknown members dropped), with boundArtifact, which may be NULL. Caller owns. */
Json *expected_artifact_canonical(const JsonValue *expected, const JsonValue *bound);
/* `"My image" (docker/image r/app v[0-9]+)` for people; caller frees. */
char *expected_artifact_label(const JsonValue *expected);
