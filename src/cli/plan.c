/* `gennaker plan`: what a pipeline would do, asked of the server, which rehearses it on twins of its clouds. */
#include "cli/client.h"
#include "cli/document.h"
#include "cli/output.h"
#include "cli/parameters.h"
#include "cli/rehearsal_text.h"
#include "cli/watch.h"
#include <string.h>

/* "?assume=…&assume=…&seed=…", escaped; caller frees. */
static char *query_of(const Invocation *call) {
    g_autoptr(GString) query = g_string_new(NULL);
    for (const char *const *assume = invocation_options(call, "assume"); *assume != NULL; assume++) {
        g_autofree char *escaped = g_uri_escape_string(*assume, NULL, FALSE);
        g_string_append_printf(query, "%cassume=%s", query->len > 0 ? '&' : '?', escaped);
    }
    const char *seed = invocation_option(call, "seed");
    if (seed != NULL)
        g_string_append_printf(query, "%cseed=%s", query->len > 0 ? '&' : '?', seed);
    return g_string_free(g_steal_pointer(&query), FALSE);
}

static Json *plan_file(const Invocation *call, Client *client, const char *path, const Json *trigger, const char *query, GError **error) {
    g_autoptr(Document) document = document_read(path, error);
    if (document == NULL)
        return NULL;
    g_autoptr(Json) body = json_with(json_root(document->json), "trigger", json_root(trigger));
    g_autofree char *target = g_strconcat("/pipelines/plan", query, NULL);
    (void)call;
    return client_call(client, "POST", body, error, target, NULL);
}

static Json *plan_saved(const Invocation *call, Client *client, const Json *trigger, const char *query, GError **error) {
    const char *application = invocation_argument(call, "APPLICATION"), *name = invocation_argument(call, "NAME");
    if (application == NULL || name == NULL) {
        error_set(error, ERR_INVALID, "plan: APPLICATION and NAME of a saved pipeline, or --file: required");
        return NULL;
    }
    g_autoptr(Json) known = client_get(client, error, "/applications/{}/pipelineConfigs/{}", application, name, NULL);
    const char *id = json_get_string(json_root(known), "id");
    if (id == NULL)
        return NULL;
    g_autofree char *escaped = g_uri_escape_string(id, NULL, FALSE);
    g_autofree char *target = g_strconcat("/pipelines/", escaped, "/plan", query, NULL);
    return client_call(client, "POST", trigger, error, target, NULL);
}

static int run_plan(Invocation *call, GError **error) {
    gint64 seed = 0;
    g_autoptr(Json) trigger = invocation_number(call, "seed", 0, G_MAXUINT32, 1, &seed, error) ? trigger_from_options(call, error) : NULL;
    g_autoptr(Client) client = trigger != NULL ? client_new(call, error) : NULL;
    if (client == NULL)
        return 1;
    const char *path = invocation_option(call, "file");
    g_autofree char *query = query_of(call);
    g_autoptr(Json) plan = path != NULL ? plan_file(call, client, path, trigger, query, error)
                                        : plan_saved(call, client, trigger, query, error);
    if (plan == NULL)
        return 1;
    int code = watch_exit_code(json_get_string(json_root(plan), "status"));
    if (output_is_table(call)) {
        rehearsal_print_plan(json_root(plan));
        return code;
    }
    int printed = output_one(call, json_root(plan), NULL, error);
    return printed != 0 ? printed : code;
}

static const Option plan_options[] = {
    {"file", 'f', "FILE", FALSE, "Plan the pipeline of this file (JSON or YAML) instead of a saved one"},
    {"parameter", 'p', "NAME=VALUE", TRUE, "A parameter of the pipeline"},
    {"trigger", 't', "FILE", FALSE, "More of the trigger (artifacts, buildInfo …), as JSON or YAML"},
    {"assume", 0, "NAME=ANSWER", TRUE,
     "How a stage with an outside ends: a stage's name, refId or type, SUCCEEDED, FAILED …; judgement=stop"},
    {"seed", 0, "NUMBER", FALSE, "Decides the order of what happens at the same time (default: 1)"},
    {0},
};

const Command plan_commands[] = {
    {.verb = "plan",
     .arguments = "[APPLICATION] [NAME]",
     .options = plan_options,
     .run = run_plan,
     .help = "What a pipeline would do now, on the clouds as they are: nothing is started or changed. The exit code says how it would end.",
     .example = "gennaker plan demo 'Bake and deploy' --parameter version=1.2"},
    {0},
};
