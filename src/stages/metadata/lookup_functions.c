/* #pipelineId, #pipelineIdOrNull, #pipelineIdInApplication, #applicationMetadata, #canaryConfigNameToId, #fetchReference (lookup_functions.h). Any thread. */
#include "stages/metadata/lookup_functions.h"
#include "engine/expressions.h"
#include "stages/metadata/applications.h"
#include "stages/metadata/canary_configs.h"
#include "stages/metadata/pipelines.h"
#include <string.h>

#define REFERENCE_SCHEME "ref://"

static Services *used; /* atomic */

void lookup_functions_use(Services *services) {
    g_atomic_pointer_set(&used, services);
}

#define CALL ExprContext *context, const ExprValue *const *arguments, guint n, gpointer data, GError **error

static Store *store_now(GError **error) {
    Services *services = g_atomic_pointer_get(&used);
    if (services == NULL)
        error_set(error, ERR_INVALID, "nothing saved can be looked up here");
    return services != NULL ? services->store : NULL;
}

static const char *text_of(ExprContext *context, const ExprValue *argument, const char *what, GError **error) {
    const char *text = expr_is_null(argument) ? NULL : expr_text(context, argument);
    if (text != NULL && strspn(text, " \t\r\n") < strlen(text))
        return text;
    error_set(error, ERR_INVALID, "%s must not be blank", what);
    return NULL;
}

/* TRUE with *id NULL: there is none. */
static gboolean id_each(const StoreObject *object, gpointer data) {
    *(char **)data = g_strdup(object->id);
    return FALSE;
}

static gboolean find_id(const char *application, const char *name, char **id, GError **error) {
    Store *store = store_now(error);
    g_autofree char *lower = g_ascii_strdown(application, -1);
    *id = NULL;
    return store != NULL && store_objects_each(store, PIPELINE_KIND, lower, name, id_each, id, error);
}

static const ExprValue *id_in(ExprContext *context, const char *application, const char *name, gboolean must_exist, GError **error) {
    g_autofree char *id = NULL;
    if (!find_id(application, name, &id, error))
        return NULL;
    if (id != NULL)
        return expr_string(context, id);
    if (!must_exist)
        return expr_null();
    error_set(error, ERR_NOT_FOUND, "application %s has no pipeline named %s", application, name);
    return NULL;
}

static const ExprValue *own_id(ExprContext *context, const ExprValue *argument, gboolean must_exist, gpointer data, GError **error) {
    const char *name = text_of(context, argument, "the pipeline's name", error);
    return name != NULL ? id_in(context, expressions_execution(data)->application, name, must_exist, error) : NULL;
}

static const ExprValue *pipeline_id(CALL) {
    (void)n;
    return own_id(context, arguments[0], TRUE, data, error);
}

static const ExprValue *pipeline_id_or_null(CALL) {
    (void)n;
    return own_id(context, arguments[0], FALSE, data, error);
}

static const ExprValue *pipeline_id_in_application(CALL) {
    (void)n, (void)data;
    const char *name = text_of(context, arguments[0], "the pipeline's name", error);
    const char *application = name != NULL ? text_of(context, arguments[1], "the application's name", error) : NULL;
    return application != NULL ? id_in(context, application, name, FALSE, error) : NULL;
}

static const ExprValue *application_metadata(CALL) {
    (void)n, (void)data;
    const char *name = text_of(context, arguments[0], "the application's name", error);
    Store *store = name != NULL ? store_now(error) : NULL;
    Json *attributes = store != NULL ? application_load(store, name, error) : NULL;
    return attributes != NULL ? expr_json(context, expr_keep(context, attributes)) : NULL;
}

static const ExprValue *canary_config_of_name(CALL) {
    (void)n, (void)data;
    const char *name = text_of(context, arguments[0], "the canary config's name", error);
    const char *application = name != NULL ? text_of(context, arguments[1], "the application's name", error) : NULL;
    Store *store = application != NULL ? store_now(error) : NULL;
    g_autofree char *id = store != NULL ? canary_config_id(store, name, application, error) : NULL;
    if (id != NULL)
        return expr_string(context, id);
    if (error != NULL && *error == NULL)
        error_set(error, ERR_NOT_FOUND, "application %s has no canary config named %s", application, name);
    return NULL;
}

/* There is no store of large artifacts, so no such reference leads anywhere. */
static const ExprValue *fetch_reference(CALL) {
    (void)n, (void)data;
    const char *text = expr_text(context, arguments[0]);
    if (text == NULL || !g_str_has_prefix(text, REFERENCE_SCHEME))
        return arguments[0];
    error_set(error, ERR_NOT_FOUND, "%s: there is no artifact store", text);
    return NULL;
}

const ExprFunction lookup_functions[] = {
    {"pipelineId", EXPR_PURE, 1, 1, pipeline_id, "The id of the pipeline of this name in the execution's application.",
     .hidden_execution = TRUE},
    {"pipelineIdOrNull", EXPR_PURE, 1, 1, pipeline_id_or_null, "The same, null when there is none.", .hidden_execution = TRUE},
    {"pipelineIdInApplication", EXPR_PURE, 2, 2, pipeline_id_in_application,
     "The id of the pipeline of this name in this application, null when there is none.", .hidden_execution = TRUE},
    {"applicationMetadata", EXPR_PURE, 1, 1, application_metadata, "The attributes of an application."},
    {"canaryConfigNameToId", EXPR_PURE, 2, 2, canary_config_of_name,
     "The id of the canary config of this name that lists this application."},
    {"fetchReference", EXPR_PURE, 1, 1, fetch_reference, "What a ref:// address of the artifact store stands for; any other text itself."},
    {0},
};
