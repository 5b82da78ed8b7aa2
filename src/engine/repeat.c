/* Starts that are repeated: the executionId a caller gave names the execution that the first of them made (engine.md 1). On the
 * caller's thread, which may wait for a commit. */
#include "engine/runner.h"
#include <string.h>

static gboolean is_of_application(const Execution *execution, const char *application, Engine *engine) {
    EngineSettings *settings = engine_settings(engine);
    gboolean same = g_strcmp0(execution->application, application ? application : settings->default_application) == 0;
    engine_settings_unref(settings);
    return same;
}

/* Whether the execution was made from this configuration, as far as its names tell. */
static gboolean is_made_from(Engine *engine, const Execution *execution, ExecutionType type, const JsonValue *config) {
    const char *id = json_get_string(config, "id"), *name = json_get_string(config, "name"),
               *description = json_get_string(config, "description");
    if (execution->type != type || !is_of_application(execution, json_get_string(config, "application"), engine))
        return FALSE;
    if (type == EXECUTION_ORCHESTRATION)
        return g_strcmp0(execution->description, description ? description : name) == 0;
    return id || execution->config_id ? g_strcmp0(execution->config_id, id) == 0 : g_strcmp0(execution->name, name) == 0;
}

/* Whoever repeats a start by its key says the same again. */
static gboolean is_same_request(const Execution *execution, const JsonValue *config, GError **error) {
    const char *first = json_get_string(json_root(execution->trigger), REQUEST_DIGEST_KEY),
               *now = json_string(json_dig(config, "trigger", REQUEST_DIGEST_KEY, NULL));
    if (!first || !now || strcmp(first, now) == 0)
        return TRUE;
    error_set(error, ERR_CONFLICT,
              "execution %s was started under this Idempotency-Key by another request (SHA-256 of its body %.12s…, of this one %.12s…); "
              "another start has a key of its own",
              execution->id, first, now);
    return FALSE;
}

gboolean submit_is_repeated(Engine *engine, ExecutionType type, const JsonValue *config, char **first, GError **error) {
    const char *id = json_get_string(config, "executionId");
    g_autoptr(GError) failure = NULL;
    g_autoptr(Execution) execution = id ? engine_load(engine, id, &failure) : NULL;
    *first = NULL;
    if (!id || error_code(failure) == ERR_NOT_FOUND)
        return FALSE;
    if (failure)
        g_propagate_error(error, g_steal_pointer(&failure));
    else if (is_made_from(engine, execution, type, config) && is_same_request(execution, config, error))
        *first = g_strdup(id);
    else if (error && *error)
        return TRUE;
    else
        error_set(error, ERR_CONFLICT, "an execution %s exists already, and is not of this %s", id,
                  type == EXECUTION_PIPELINE ? "pipeline" : "task");
    return TRUE;
}

gboolean submit_is_repeated_now(Engine *engine, ExecutionType type, const JsonValue *config, char **first, GError **error) {
    const char *id = json_get_string(config, "executionId");
    /* Answered when whatever the execution does now is done: its first commit too. Why it is not, if so, is seen below. */
    if (id)
        engine_post_and_wait(engine, id, letter_new(message_new(MESSAGE_CONTINUE_EXECUTION)), NULL);
    return submit_is_repeated(engine, type, config, first, error);
}
