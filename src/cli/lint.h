/* What the files of `lint` share. Main thread. */
#pragma once
#include "cli/document.h"

typedef struct {
    gboolean all;        /* also what was understood */
    guint wrong, doubts; /* findings */
    guint understood;
    GPtrArray *preconfigured; /* char *: stage types that a configuration among the files adds */
} Lint;

#define LINT_WRONG "wrong"
#define LINT_NOT_YET "not there yet"
#define LINT_UNKNOWN "unknown"
#define LINT_NO_MEANING "no meaning here"
/* Prints a finding; line 0: of the whole file. */
void lint_say(Lint *lint, const char *file, guint line, const char *level, const char *what, const char *message);

/* A pipeline, a template, or a list of them. */
void lint_documents(Lint *lint, const Document *document);
/* A stage's type and parameters. name: how messages call it; params: where its parameters stand (version 1 of templates: "config"). */
void lint_stage(Lint *lint, const Document *document, const JsonValue *stage, const JsonValue *params, const char *name);
/* Entries of which nothing would be sent. of: whose they are, or NULL; judgement: a manual judgement's, which need no `when`. */
void lint_notifications(Lint *lint, const Document *document, const JsonValue *list, const char *of, gboolean judgement);
/* Whether a document is a pipeline template itself, and what is wrong with it. */
gboolean lint_is_template(const JsonValue *root);
void lint_template(Lint *lint, const Document *document, const JsonValue *template);

/* What Spinnaker has and this program has not yet. NULL: it is nothing of Spinnaker's, or is there. Static text. */
gboolean lint_stage_comes(const char *type);
const char *lint_trigger_comes(const char *type);
const char *lint_artifact_comes(const char *type);
