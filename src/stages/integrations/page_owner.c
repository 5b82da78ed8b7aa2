/* `pageApplicationOwner` (stages.md 5, notifications.md 5): pages those who own applications. The page is stored as a notification under a key
 * made of execution, stage, task and attempt: a run that is repeated after a crash pages under the same incident. Runs on I/O workers. */
#include "stages/metadata/applications.h"
#include "stages/services.h"
#include "stages/stages.h"
#include "stages/webhook/webhook.h"

#define PAGER_KEY "pdApiKey"

typedef struct {
    char **applications, **keys, *message;
    Json *details;
} PageParams;

static const Param params[] = {
    {.name = "applications",
     .type = PARAM_STRINGS,
     .offset = offsetof(PageParams, applications),
     .help = "Whose owners are paged: by each application's " PAGER_KEY "."},
    {.name = "keys", .type = PARAM_STRINGS, .offset = offsetof(PageParams, keys), .help = "Integration keys of PagerDuty beside those."},
    {.name = "message", .type = PARAM_STRING, .offset = offsetof(PageParams, message), .required = TRUE, .help = "What the page says."},
    {.name = "details", .type = PARAM_JSON, .offset = offsetof(PageParams, details), .help = "More, by name."},
    {0},
};

static gboolean add_application(Store *store, const char *name, GPtrArray *keys, GError **error) {
    g_autoptr(Json) application = application_load(store, name, error);
    const char *key = json_get_string(json_root(application), PAGER_KEY);
    if (application == NULL)
        return FALSE;
    if (key == NULL || *key == '\0') {
        error_set(error, ERR_INVALID, "application %s has no pager key (%s)", name, PAGER_KEY);
        return FALSE;
    }
    g_ptr_array_add(keys, g_strdup(key));
    return TRUE;
}

/* Ends with NULL; NULL with *error. */
static GPtrArray *find_keys(const TaskContext *context, GError **error) {
    const PageParams *page = context->params;
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
    for (char **key = page->keys; key != NULL && *key != NULL; key++)
        g_ptr_array_add(keys, g_strdup(*key));
    for (char **name = page->applications; name != NULL && *name != NULL; name++)
        if (!add_application(context->services->store, *name, keys, error))
            return NULL;
    if (keys->len == 0) {
        error_set(error, ERR_INVALID, "nobody is to be paged: applications and keys are empty");
        return NULL;
    }
    g_ptr_array_add(keys, NULL);
    return g_steal_pointer(&keys);
}

static Json *request_of(const TaskContext *context, const GPtrArray *keys) {
    const PageParams *page = context->params;
    g_autoptr(Json) to = json_from_strings((const char *const *)keys->pdata);
    return json_pack("{s:s, s:j, s:s, s:{s:s, s:s, s:s, s:{s:s}}, s:{s:s, s:j}}", "notificationType", "PAGER_DUTY", "to", to, "severity",
                     "HIGH", "source", "application", context->execution->application, "executionId", context->execution->id,
                     "executionType", context->execution->type == EXECUTION_PIPELINE ? "pipeline" : "orchestration", "user", "name",
                     context->user, "additionalContext", "message", page->message, "details", page->details);
}

static Status page_run(TaskContext *context, GError **error) {
    Services *services = context->services;
    g_autoptr(GPtrArray) keys = find_keys(context, error);
    if (keys == NULL)
        return STATUS_TERMINAL;
    if (services->tell == NULL) {
        error_set(error, ERR_INVALID, "nobody can be paged here");
        return STATUS_TERMINAL;
    }
    g_autoptr(Json) request = request_of(context, keys);
    g_autofree char *key = webhook_key(context->execution, context->stage, context->task->name, "page");
    return services->tell(services->notify, json_root(request), key, context->now_ms, error) ? STATUS_SUCCEEDED : STATUS_TERMINAL;
}

const StageType stage_page_application_owner = {
    .type = "pageApplicationOwner",
    .label = "Page application owner",
    .help = "Pages those who own applications, through PagerDuty.",
    .params = params,
    .params_size = sizeof(PageParams),
    .tasks = (const TaskDefinition[]){{.name = "pageApplicationOwner", .run = page_run}, {0}},
};
