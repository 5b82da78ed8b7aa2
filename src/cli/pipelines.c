/* `pipeline …`. */
#include "cli/client.h"
#include "cli/document.h"
#include "cli/output.h"
#include "cli/parameters.h"
#include "cli/saving.h"
#include "cli/watch.h"
#include <string.h>

static char *make_stages(const JsonValue *pipeline) {
    return g_strdup_printf("%" G_GSIZE_FORMAT, json_length(json_get(pipeline, "stages")));
}

static char *make_changed(const JsonValue *pipeline) {
    g_autofree char *text = json_as_text(json_get(pipeline, "updateTs"));
    gint64 ms = 0;
    return text != NULL && g_ascii_string_to_signed(text, 10, 0, G_MAXINT64, &ms, NULL) ? output_time(ms) : NULL;
}

static char *make_disabled(const JsonValue *pipeline) {
    return json_get_bool(pipeline, "disabled", FALSE) ? g_strdup("disabled") : NULL;
}

static const Column list_columns[] = {
    {.title = "PIPELINE", .path = "name"},
    {.title = "ID", .path = "id"},
    {.title = "STAGES", .make = make_stages},
    {.title = "CHANGED", .make = make_changed},
    {.title = "BY", .path = "lastModifiedBy"},
    {.title = "STATE", .make = make_disabled},
    {0},
};
static const Column one_columns[] = {
    {.title = "Pipeline", .path = "name"},
    {.title = "Application", .path = "application"},
    {.title = "Id", .path = "id"},
    {.title = "Description", .path = "description"},
    {.title = "Stages", .make = make_stages},
    {.title = "Changed", .make = make_changed},
    {.title = "By", .path = "lastModifiedBy"},
    {.title = "State", .make = make_disabled},
    {0},
};
static const Column stage_columns[] = {
    {.title = "REF", .path = "refId"},
    {.title = "STAGE", .path = "name"},
    {.title = "TYPE", .path = "type"},
    {.title = "AFTER", .path = "requisiteStageRefIds"},
    {0},
};

static int run_list(Invocation *call, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    const char *application = invocation_argument(call, "APPLICATION");
    g_autoptr(Json) list = client != NULL ? client_get(client, error, "/applications/{}/pipelineConfigs", application, NULL) : NULL;
    return list != NULL ? output_list(call, json_root(list), list_columns, error) : 1;
}

static Json *get_config(Client *client, const char *application, const char *name, GError **error) {
    return client_get(client, error, "/applications/{}/pipelineConfigs/{}", application, name, NULL);
}

static int run_get(Invocation *call, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    g_autoptr(Json) one = client != NULL
                              ? get_config(client, invocation_argument(call, "APPLICATION"), invocation_argument(call, "NAME"), error)
                              : NULL;
    if (one == NULL)
        return 1;
    int code = output_one(call, json_root(one), one_columns, error);
    if (code == 0 && output_is_table(call))
        code = output_list(call, json_get(json_root(one), "stages"), stage_columns, error);
    return code;
}

/* ---- saving ---- */
/* The configuration with the id of the stored one of the same name, so that it is replaced. */
static Json *with_stored_id(Client *client, const JsonValue *pipeline, GError **error) {
    const char *application = json_get_string(pipeline, "application"), *name = json_get_string(pipeline, "name");
    g_autoptr(GError) wrong = NULL;
    g_autoptr(Json) stored = json_get(pipeline, "id") == NULL ? get_config(client, application, name, &wrong) : NULL;
    if (wrong != NULL && error_code(wrong) != ERR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&wrong));
        return NULL;
    }
    const char *id = json_get_string(json_root(stored), "id");
    return id != NULL ? json_with_string(pipeline, "id", id) : json_copy(pipeline);
}

static gboolean save(Invocation *call, Client *client, const Document *document, const JsonValue *pipeline, GError **error) {
    const char *application = json_get_string(pipeline, "application"), *name = json_get_string(pipeline, "name");
    if (application == NULL || name == NULL) {
        error_set(error, ERR_INVALID, "%s:%u: a pipeline needs application and name", document->name, document_line(document, pipeline));
        return FALSE;
    }
    g_autoptr(Json) whole = with_stored_id(client, pipeline, error);
    g_autoptr(Json) answer = whole != NULL ? client_call(client, "POST", whole, error, "/pipelines", NULL) : NULL;
    if (answer == NULL) {
        g_prefix_error(error, "%s: ", document->name);
        return FALSE;
    }
    output_done(call, "saved pipeline %s of %s", name, application);
    return TRUE;
}

static int run_save(Invocation *call, GError **error) {
    return save_files(call, save, "pipelines", error);
}

static int run_delete(Invocation *call, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    const char *application = invocation_argument(call, "APPLICATION"), *name = invocation_argument(call, "NAME");
    g_autoptr(Json) known = client != NULL ? get_config(client, application, name, error) : NULL;
    g_autoptr(Json) answer = known != NULL ? client_call(client, "DELETE", NULL, error, "/pipelines/{}/{}", application,
                                                         json_get_string(json_root(known), "name"), NULL)
                                           : NULL;
    if (answer != NULL)
        output_done(call, "deleted pipeline %s of %s", name, application);
    return 0;
}

/* ---- executing ---- */
static const Column started_columns[] = {{.title = "Execution", .path = "id"}, {0}};

static int run_execute(Invocation *call, GError **error) {
    g_autoptr(Json) body = trigger_from_options(call, error);
    g_autoptr(Client) client = body != NULL ? client_new(call, error) : NULL;
    if (client == NULL)
        return 1;
    const char *application = invocation_argument(call, "APPLICATION"), *name = invocation_argument(call, "NAME");
    g_autoptr(Json) answer = client_call(client, "POST", body, error, "/pipelines/{}/{}", application, name, NULL);
    const char *ref = json_get_string(json_root(answer), "ref");
    if (ref == NULL)
        return 1;
    const char *id = g_str_has_prefix(ref, "/pipelines/") ? ref + strlen("/pipelines/") : ref;
    if (invocation_has(call, "watch"))
        return watch_execution(call, client, id, error);
    g_autoptr(Json) started = json_pack("{s:s, s:s}", "id", id, "ref", ref);
    return output_one(call, json_root(started), started_columns, error);
}

/* ---- the table ---- */
static const Option execute_options[] = {
    {"parameter", 'p', "NAME=VALUE", TRUE, "A parameter of the pipeline"},
    {"trigger", 't', "FILE", FALSE, "More of the trigger (artifacts, buildInfo …), as JSON or YAML"},
    {"dry-run", 0, NULL, FALSE, "Plan every stage and run none: what would happen, as far as that can be known"},
    {"watch", 'w', NULL, FALSE, "Follow the execution to its end; the exit code says how it ended"},
    {0},
};

const Command pipeline_commands[] = {
    {.group = "pipeline",
     .verb = "list",
     .arguments = "APPLICATION",
     .run = run_list,
     .help = "An application's pipelines.",
     .example = "gennaker pipeline list demo"},
    {.group = "pipeline",
     .verb = "get",
     .arguments = "APPLICATION NAME",
     .run = run_get,
     .help = "One pipeline, by name or id.",
     .example = "gennaker pipeline get demo 'Bake and deploy' --output json > pipeline.json"},
    {.group = "pipeline",
     .verb = "save",
     .arguments = "FILE…",
     .run = run_save,
     .help = "Saves pipelines from JSON or YAML files, one or a list in each; - is standard input. One of the same name is replaced. One "
             "that cannot be "
             "saved keeps no other from being saved.",
     .example = "gennaker pipeline save pipeline.json"},
    {.group = "pipeline",
     .verb = "delete",
     .arguments = "APPLICATION NAME",
     .run = run_delete,
     .help = "Deletes a pipeline; its executions stay.",
     .example = "gennaker pipeline delete demo 'Bake and deploy'"},
    {.group = "pipeline",
     .verb = "execute",
     .arguments = "APPLICATION NAME",
     .options = execute_options,
     .run = run_execute,
     .help = "Starts a pipeline, by name or id.",
     .example = "gennaker pipeline execute demo 'Bake and deploy' --parameter version=1.2 --watch"},
    {0},
};
