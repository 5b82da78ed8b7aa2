/* The tasks of the `bake` stage. They run in workers. */
#include "bake/stage.h"
#include "store/objects.h"
#include <string.h>

static const char *status_id(const Stage *stage) {
    const JsonValue *status = json_get(json_root(stage->context), "status");
    const char *id = json_get_string(status, "resource_id");
    return id != NULL ? id : json_get_string(status, "id");
}

static const char *region_of(const Stage *stage) {
    return json_get_string(json_root(stage->context), "region");
}

/* ---- delayBake ---- */

Status bake_delay_task(TaskContext *context, GError **error) {
    (void)error;
    if (!bake_stage_settings(context->services).paused)
        return STATUS_SUCCEEDED;
    task_progress(context, "no bake begins while %s is true in the configuration", BAKE_PAUSE_KEY);
    return STATUS_RUNNING;
}

/* ---- createBake ---- */

/* The application's e-mail; without it who the stage runs as. Caller frees. */
static char *user_of(TaskContext *context) {
    StoreObject application = {0};
    const char *name = context->execution->application;
    g_autofree char *lower = g_ascii_strdown(name != NULL ? name : "", -1);
    char *email = NULL;
    if (store_object_load(context->services->store, "application", lower, &application, NULL)) {
        email = g_strdup(json_get_string(json_root(application.body), "email"));
        store_object_clear(&application);
    }
    return email != NULL ? email : g_strdup(context->user);
}

/* Of the base image; without one of what the stage says. Caller frees; NULL with error. */
static char *package_type_of(TaskContext *context, GError **error) {
    const JsonValue *own = json_root(context->stage->context);
    const char *os = json_get_string(own, "baseOs"), *type = json_get_string(own, "packageType"), *system = json_get_string(own, "osType");
    if (os == NULL || os[0] == '\0') {
        gboolean other = system != NULL && g_ascii_strcasecmp(system, "linux") != 0;
        return g_ascii_strdown(other ? "nupkg" : type != NULL ? type : "deb", -1);
    }
    g_autoptr(Json) image = bakery_base_image(context->services->bakery, bake_stage_cloud(context->stage), os, error);
    return image != NULL ? g_ascii_strdown(json_get_string(json_root(image), "packageType"), -1) : NULL;
}

static void report(TaskContext *context, const Json *status, const char *packages, const BakeBuild *build) {
    gboolean reused = g_strcmp0(json_get_string(json_root(status), "state"), "COMPLETED") == 0;
    g_autoptr(Json) facts = json_pack("{s:j, s:s, s:b, s:s, s:s, s:s, s:s, s:s}", "status", status, "bakePackageName", packages,
                                      "previouslyBaked", reused, "buildInfoUrl", build->url, "buildHost", build->host, "job", build->job,
                                      "buildNumber", build->number, "commitHash", build->commit);
    task_merge_context(context, json_root(facts));
}

static gboolean wants_rebake(const TaskContext *context) {
    return json_get_bool(json_root(context->stage->context), "rebake", FALSE) ||
           json_get_bool(json_root(context->execution->trigger), "rebake", FALSE);
}

Status bake_create_task(TaskContext *context, GError **error) {
    const Execution *execution = context->execution;
    const Stage *stage = context->stage;
    BakeStageSettings settings = bake_stage_settings(context->services);
    g_auto(BakeBuild) build = {0};
    g_autofree char *type = package_type_of(context, error);
    g_autofree char *packages = type != NULL ? bake_resolve_packages(execution, stage, type, &settings, &build, error) : NULL;
    if (packages == NULL)
        return STATUS_TERMINAL;
    g_autofree char *user = user_of(context);
    BakeRequestFacts facts = {execution, stage, &settings, user, packages, type, &build};
    g_autoptr(Json) request = bake_stage_request(&facts);
    g_autoptr(Json) status = bakery_bake(context->services->bakery, region_of(stage), json_root(request), wants_rebake(context),
                                         execution->id, stage->id, error);
    if (status == NULL)
        return STATUS_TERMINAL;
    report(context, status, packages, &build);
    return STATUS_SUCCEEDED;
}

/* ---- monitorBake ---- */

/* Its end wakes the stage, so this is a net only; a cloud that bakes by itself says when it will be done. */
static gint64 next_look(const Json *status, gint64 now_ms) {
    gint64 end_ms = json_get_int(json_root(status), "endsAt", G_MAXINT64);
    return end_ms > now_ms && end_ms < now_ms + BAKE_POLL_MS ? end_ms : now_ms + BAKE_POLL_MS;
}

Status bake_monitor_task(TaskContext *context, GError **error) {
    const char *id = status_id(context->stage);
    g_autoptr(GError) failed = NULL;
    g_autoptr(Json) status = id != NULL ? bakery_status(context->services->bakery, id, &failed) : NULL;
    if (status == NULL && (id == NULL || error_code(failed) == ERR_NOT_FOUND))
        return task_again_at(context, context->now_ms + BAKE_POLL_MS);
    if (status == NULL) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return STATUS_TERMINAL;
    }
    const char *state = json_get_string(json_root(status), "state"), *result = json_get_string(json_root(status), "result");
    if (g_strcmp0(state, "RUNNING") == 0)
        return task_again_at(context, next_look(status, context->now_ms));
    task_set_context_json(context, "status", status);
    if (g_strcmp0(state, "COMPLETED") == 0 && g_strcmp0(result, "SUCCESS") == 0)
        return STATUS_SUCCEEDED;
    const char *why = json_get_string(json_root(status), "error");
    error_set(error, ERR_INVALID, "Bake failed in %s (bake %s): %s", region_of(context->stage), id, why != NULL ? why : state);
    return STATUS_TERMINAL;
}

/* ---- completedBake ---- */

Status bake_completed_task(TaskContext *context, GError **error) {
    const char *id = status_id(context->stage);
    g_autoptr(Json) details = id != NULL ? bakery_bake_details(context->services->bakery, region_of(context->stage), id, error) : NULL;
    if (details == NULL)
        return STATUS_TERMINAL;
    const JsonValue *root = json_root(details), *artifact = json_get(root, "artifact");
    const char *ami = json_get_string(root, "ami"), *name = json_get_string(root, "image_name");
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    if (artifact != NULL)
        json_add_value(builder, NULL, artifact);
    json_end_array(builder);
    g_autoptr(Json) artifacts = json_builder_end(builder);
    g_autoptr(Json)
        facts = json_pack("{s:s, s:s, s:s, s:s, s:s, s:j}", "ami", ami != NULL ? ami : name, "imageId", ami != NULL ? ami : name,
                          "imageName", name != NULL ? name : json_get_string(json_root(context->stage->context), "amiName"), "baseAmiId",
                          json_get_string(root, "base_ami"), "cloudProvider", bake_stage_cloud(context->stage), "artifacts", artifacts);
    task_merge_context(context, json_root(facts));
    return STATUS_SUCCEEDED;
}

/* ---- completeParallel ---- */

static void add_deployment_details(JsonBuilder *builder, const JsonValue *context) {
    static const char *const KEYS[] = {"ami",      "amiName",   "imageId", "imageName", "amiSuffix", "baseLabel",         "baseOs",
                                       "refId",    "storeType", "vmType",  "region",    "package",   "cloudProviderType", "cloudProvider",
                                       "baseAmiId"};
    json_begin_object(builder, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(KEYS); i++)
        json_add_value(builder, KEYS[i], json_get(context, KEYS[i]));
    json_end_object(builder);
}

static gboolean same_names(const GPtrArray *children, GError **error) {
    const char *name = NULL;
    for (guint i = 0; i < children->len; i++) {
        const char *other = json_get_string(json_root(((const Stage *)children->pdata[i])->context), "imageName");
        if (name != NULL && other != NULL && strcmp(name, other) != 0) {
            error_set(error, ERR_INVALID, "Image names found in different regions do not match: %s, %s", name, other);
            return FALSE;
        }
        name = other != NULL ? other : name;
    }
    return TRUE;
}

Status bake_complete_parallel_task(TaskContext *context, GError **error) {
    g_autoptr(GPtrArray) children = stage_synthetics(context->execution, context->stage, OWNER_BEFORE);
    BakeStageSettings settings = bake_stage_settings(context->services);
    if (settings.fail_on_name_mismatch && !same_names(children, error))
        return STATUS_TERMINAL;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < children->len; i++) {
        const Stage *child = children->pdata[i];
        if (child->status == STATUS_SUCCEEDED)
            add_deployment_details(builder, json_root(child->context));
    }
    json_end_array(builder);
    g_autoptr(Json) details = json_builder_end(builder);
    task_set_output_json(context, "deploymentDetails", details);
    return STATUS_SUCCEEDED;
}

/* ---- cancel ---- */

Status bake_cancel_task(TaskContext *context, GError **error) {
    const char *id = status_id(context->stage);
    g_autoptr(GError) failed = NULL;
    if (context->stage->parent_id == NULL || id == NULL ||
        bakery_leave(context->services->bakery, id, context->execution->id, context->stage->id, &failed) ||
        error_code(failed) == ERR_NOT_FOUND)
        return STATUS_SUCCEEDED;
    g_propagate_error(error, g_steal_pointer(&failed));
    return STATUS_TERMINAL;
}
