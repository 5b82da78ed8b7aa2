/* Pipeline templates as they are kept (api.md 12; storage-and-config.md 1.5): store objects of kind "pipelineTemplate", one for each
 * variant: "id", "id:tag", "id@sha256:digest". Versions 1 and 2 share them. Any thread. */
#pragma once
#include "base/principal.h"
#include "store/objects.h"

#define TEMPLATE_KIND "pipelineTemplate"
#define TEMPLATE_REFERENCE "spinnaker://"
#define TEMPLATE_ID_MAX 250 /* bytes */

/* Which variant; tag and digest: NULL or "" for none. */
typedef struct {
    const char *id, *tag, *digest;
} TemplateName;
/* "id", "id:tag", "id@sha256:digest"; ERR_INVALID when both are given, for an unknown tag, or for an id that is none. Caller frees. */
char *template_key(const TemplateName *name, GError **error);
/* The key behind "spinnaker://", or NULL when the reference is none; borrowed. */
const char *template_key_of_reference(const char *reference);

/* Hex SHA-256 of the template with its keys in order and no whitespace; what the store adds does not count. Caller frees. */
char *template_digest(const JsonValue *template);

/* Saves a variant and what goes with it: its digest, and ":latest" of one without tag (version 2); version 1 keeps the bare id alone.
 * must_exist: an update. ERR_INVALID with the reference's messages, ERR_NOT_FOUND. Returns it as stored; caller owns. */
Json *template_save(Store *store, const JsonValue *template, const char *tag, gboolean must_exist, const Principal *principal,
                    gint64 now_ms, GError **error);
/* ERR_CONFLICT while pipelines depend on it, ERR_NOT_FOUND. One without tag and digest goes with its ":latest". */
gboolean template_delete(Store *store, const TemplateName *name, GError **error);
/* By its key; of a bare id that was never saved as such: its ":latest". ERR_NOT_FOUND. Caller owns. */
Json *template_load(Store *store, const char *key, GError **error);

/* Every variant whose metadata.scopes holds one of scopes (NULL: all), ordered by key. */
typedef gboolean (*TemplateEach)(const JsonValue *template, gpointer data);
gboolean templates_each(Store *store, const char *const *scopes, TemplateEach each, gpointer data, GError **error);

/* The reference a pipeline is made from: template.reference of version 2, config.pipeline.template.source of version 1, or NULL. */
const char *template_reference_of(const JsonValue *pipeline);
/* Pipelines made from one of the keys (NULL-terminated), with recursive also through version 1 templates that inherit: an array of
 * their configurations; caller owns. */
Json *template_dependents(Store *store, const char *const *keys, gboolean recursive, GError **error);
/* The keys of everything that is stored under the id: for template_dependents; caller frees. */
char **template_keys_of(Store *store, const char *id, GError **error);
