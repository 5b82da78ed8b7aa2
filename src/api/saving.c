/* "Create and wait" over the engine. Reader threads start; the thread of the waits answers. */
#include "api/saving.h"
#include <string.h>

char *encoded(const JsonValue *value) {
    gsize length = 0;
    g_autofree char *text = json_write(value, &length);
    return g_base64_encode((const guchar *)text, length);
}

gboolean start_and_wait(ApiCall *call, const char *application, const char *description, const JsonValue *job, WaitEnd end, gpointer data,
                        GDestroyNotify free_data, GError **error) {
    g_autoptr(Json) orchestration = json_pack("{s:s, s:s, s:s, s:[v]}", "application", application, "description", description, "origin",
                                              api_origin(call), "job", job);
    g_autofree char *id = engine_start_orchestration(call->services->engine, json_root(orchestration), call->principal, error);
    if (id != NULL)
        return waits_add(call->api->waits, call, id, WAIT_MOST_MS, end, data, free_data, error);
    if (free_data != NULL)
        free_data(data);
    return FALSE;
}

/* The first message of the first stage that failed, or NULL; borrowed. */
static const char *first_error(const Execution *execution) {
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution->stages->pdata[i];
        const char *message = json_string(json_at(json_dig(json_root(stage->context), "exception", "details", "errors", NULL), 0));
        if (message != NULL)
            return message;
    }
    return NULL;
}

gboolean check_succeeded(const Answer *answer, const Execution *execution, const char *what) {
    if (execution->status == STATUS_SUCCEEDED)
        return TRUE;
    g_autoptr(GError) failure = NULL;
    const char *message = first_error(execution);
    if (message != NULL)
        error_set(&failure, ERR_INVALID, "%s", message);
    else
        error_set(&failure, ERR_INVALID, "%s operation did not succeed: %s (status: %s)", what, execution->id,
                  status_info(execution->status)->name);
    answer_error(answer, 0, failure, NULL);
    return FALSE;
}
