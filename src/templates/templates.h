/* Pipelines made from templates (engine.md 24): from a templated configuration to the pipeline it stands for. Looks templates up
 * in the store and, for version 1, where their source says; everything else is pure. Any thread. */
#pragma once
#include "base/config.h"
#include "net/http_client.h"
#include "templates/jinja.h"
#include "templates/problems.h"
#include "templates/stored.h"

#define TEMPLATE_BYTES_MAX (4 * 1024 * 1024) /* of one template that is fetched */
#define TEMPLATE_PARENTS_MAX 20              /* version 1: how long a line of inheritance may be */

typedef struct {
    Store *store;
    HttpClient *http;           /* NULL: sources on the web are refused */
    Config *config;             /* its URL restrictions hold for them; owned, see template_request_clear of whoever fills it */
    gboolean allow_files;       /* file:// sources may be read */
    const JinjaFilter *filters; /* of version 1, beside the general ones; or NULL */
} TemplateSources;

typedef struct {
    TemplateSources sources;
    /* A template that takes the place of the stored ones under these keys (NULL-terminated): to try a change before it is saved. */
    const JsonValue *replacement;
    const char *const *replaced_keys;
    gboolean planning; /* shown, not started */
    gint64 now_ms;
} TemplateRequest;

/* Whether a configuration is to be expanded at all. */
gboolean templates_apply_to(const JsonValue *pipeline);
/* The pipeline a templated configuration (with its trigger) stands for. What is wrong with template or configuration is in its
 * "errors", and nothing else of the template is then; NULL with *error only when a template could not be looked up for the moment.
 * Caller owns. */
Json *templates_expand(const TemplateRequest *request, const JsonValue *pipeline, GError **error);
/* "m1; m2" of a list of errors, for people; caller frees. */
char *templates_errors_text(const JsonValue *errors);
/* Whether the template that a configuration names in the store exists: ERR_INVALID "Configured pipeline template not found". */
gboolean templates_check_reference(Store *store, const JsonValue *pipeline, GError **error);
/* All configurations that are made from the template of these keys, planned with it in its new form: ERR_INVALID names those that
 * would no longer work. */
gboolean templates_check_dependents(const TemplateRequest *request, GError **error);
/* A template of version 1 with all it inherits; what is wrong is an ERR_INVALID. Caller owns. */
Json *templates_resolve(const TemplateRequest *request, const char *source, GError **error);
/* A template of version 1 that stands for an ordinary pipeline, as a start for one's own. Pure; caller owns. */
Json *templates_convert(const JsonValue *pipeline);
/* A template as its source says, spinnaker://… or what sources allow. ERR_INVALID for a source of another kind. Caller owns. */
Json *templates_load_source(const TemplateRequest *request, const char *source, GError **error);
