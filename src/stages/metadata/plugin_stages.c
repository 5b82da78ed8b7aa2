/* `upsertPluginInfo`, `deletePluginInfo`, `setPreferredPluginRelease`, `loadPluginRelease` (stages.md 4.4). */
#include "stages/metadata/decoded.h"
#include "stages/metadata/plugins.h"
#include "stages/stages.h"

#define CHANGE_TIMEOUT_MS (5 * 60 * 1000)
#define LOAD_TIMEOUT_MS (5 * 60 * 1000)
#define LOAD_BACKOFF_MS 10000

typedef struct {
    Json *info;
    char *id, *version;
} PluginParams;

static const Param upsert_params[] = {
    {.name = "pluginInfo",
     .type = PARAM_JSON,
     .offset = offsetof(PluginParams, info),
     .required = TRUE,
     .help = "{id: \"<namespace>.<id>\", description, provider, releases: [{version, date, requires, url, sha512sum, preferred}]}"},
    {0},
};
static const Param delete_params[] = {
    {.name = "pluginInfoId", .type = PARAM_STRING, .offset = offsetof(PluginParams, id), .required = TRUE, .help = "The plugin's id."},
    {0},
};
static const Param prefer_params[] = {
    {.name = "pluginId", .type = PARAM_STRING, .offset = offsetof(PluginParams, id), .required = TRUE, .help = "The plugin's id."},
    {.name = "preferredVersion",
     .type = PARAM_STRING,
     .offset = offsetof(PluginParams, version),
     .required = TRUE,
     .help = "The release that is to be preferred."},
    {0},
};
static const Param load_params[] = {
    {.name = "pluginId", .type = PARAM_STRING, .offset = offsetof(PluginParams, id), .required = TRUE, .help = "The plugin's id."},
    {.name = "version", .type = PARAM_STRING, .offset = offsetof(PluginParams, version), .required = TRUE, .help = "Its release."},
    {0},
};

static Status upsert_run(TaskContext *context, GError **error) {
    const PluginParams *given = context->params;
    Principal principal = services_principal(context->user);
    g_autoptr(Json) info = metadata_decoded(json_root(given->info), "pluginInfo", error);
    g_autoptr(Json) saved = info != NULL ? plugin_save(context->services->store, json_root(info), &principal, context->now_ms, error)
                                         : NULL;
    if (saved == NULL)
        return STATUS_TERMINAL;
    task_set_context_string(context, "notification.type", "upsertplugininfo");
    task_set_context(context, "plugin.id", json_get(json_root(saved), "id"));
    task_set_output_json(context, "pluginInfo", saved);
    return STATUS_SUCCEEDED;
}

static Status delete_run(TaskContext *context, GError **error) {
    const PluginParams *given = context->params;
    task_set_context_string(context, "notification.type", "deleteplugininfo");
    return plugin_delete(context->services->store, given->id, error) ? STATUS_SUCCEEDED : STATUS_TERMINAL;
}

static Status prefer_run(TaskContext *context, GError **error) {
    const PluginParams *given = context->params;
    Principal principal = services_principal(context->user);
    g_autoptr(Json) saved = plugin_prefer(context->services->store, given->id, given->version, &principal, context->now_ms, error);
    return saved != NULL ? STATUS_SUCCEEDED : STATUS_TERMINAL;
}

/* A plugin may be registered while the pipeline runs: it is waited for. */
static Status load_run(TaskContext *context, GError **error) {
    const PluginParams *given = context->params;
    g_autoptr(GError) missing = NULL;
    g_autoptr(Json) info = plugin_load(context->services->store, given->id, &missing);
    const JsonValue *release = plugin_release(json_root(info), given->version);
    if (info == NULL && error_code(missing) != ERR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&missing));
        return STATUS_TERMINAL;
    }
    if (info == NULL) {
        task_progress(context, "waits until plugin %s is registered", given->id);
        return STATUS_RUNNING;
    }
    if (release == NULL) {
        error_set(error, ERR_NOT_FOUND, "plugin %s has no release %s", given->id, given->version);
        return STATUS_TERMINAL;
    }
    task_set_context(context, "release", release);
    return STATUS_SUCCEEDED;
}

#define PLUGIN_STAGE(variable, type_, label_, help_, params_, ...)                                                                         \
    const StageType variable = {.type = type_,                                                                                             \
                                .label = label_,                                                                                           \
                                .help = help_,                                                                                             \
                                .params = params_,                                                                                         \
                                .params_size = sizeof(PluginParams),                                                                       \
                                .tasks = (const TaskDefinition[]){{.name = type_, __VA_ARGS__}, {0}}}

PLUGIN_STAGE(stage_upsert_plugin_info, "upsertPluginInfo", "Register Plugin",
             "Registers a plugin or a release of one. Plugins are kept and reported; none is run here.", upsert_params, .run = upsert_run,
             .timeout_ms = CHANGE_TIMEOUT_MS);
PLUGIN_STAGE(stage_delete_plugin_info, "deletePluginInfo", "Delete Plugin", "Deletes what is registered of a plugin.", delete_params,
             .run = delete_run, .timeout_ms = CHANGE_TIMEOUT_MS);
PLUGIN_STAGE(stage_set_preferred_plugin_release, "setPreferredPluginRelease", "Prefer Plugin Release",
             "Makes one release of a plugin the preferred one.", prefer_params, .run = prefer_run, .timeout_ms = CHANGE_TIMEOUT_MS);
PLUGIN_STAGE(stage_load_plugin_release, "loadPluginRelease", "Load Plugin Release",
             "Puts a registered release of a plugin into the context.", load_params, .run = load_run, .timeout_ms = LOAD_TIMEOUT_MS,
             .backoff_ms = LOAD_BACKOFF_MS);
