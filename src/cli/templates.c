/* `pipeline-template …`: the verbs of spin; saving takes templates of both versions. */
#include "cli/client.h"
#include "cli/document.h"
#include "cli/output.h"
#include "cli/saving.h"
#include <stdio.h>
#include <string.h>

static char *make_variant(const JsonValue *template) {
    const char *tag = json_get_string(template, "tag"), *digest = json_get_string(template, "digest");
    if (tag != NULL)
        return g_strdup(tag);
    return digest != NULL ? g_strdup_printf("sha256:%.12s…", digest) : NULL;
}

static char *make_changed(const JsonValue *template) {
    const char *text = json_get_string(template, "updateTs");
    gint64 ms = 0;
    return text != NULL && g_ascii_string_to_signed(text, 10, 0, G_MAXINT64, &ms, NULL) ? output_time(ms) : NULL;
}

static char *make_protected(const JsonValue *template) {
    return json_get_bool(template, "protect", FALSE) ? g_strdup("protected") : NULL;
}

static const Column list_columns[] = {
    {.title = "TEMPLATE", .path = "id"},
    {.title = "VARIANT", .make = make_variant},
    {.title = "NAME", .path = "metadata.name"},
    {.title = "SCOPES", .path = "metadata.scopes"},
    {.title = "CHANGED", .make = make_changed},
    {.title = "BY", .path = "lastModifiedBy"},
    {0},
};
static const Column one_columns[] = {
    {.title = "Template", .path = "id"},
    {.title = "Name", .path = "metadata.name"},
    {.title = "Description", .path = "metadata.description"},
    {.title = "Owner", .path = "metadata.owner"},
    {.title = "Scopes", .path = "metadata.scopes"},
    {.title = "State", .make = make_protected},
    {.title = "Changed", .make = make_changed},
    {.title = "By", .path = "lastModifiedBy"},
    {0},
};

static char *make_default(const JsonValue *variable) {
    const JsonValue *value = json_get(variable, "defaultValue");
    return value == NULL ? g_strdup(json_get_bool(variable, "nullable", FALSE) ? "(nothing)" : "(required)") : json_write(value, NULL);
}

static const Column variable_columns[] = {
    {.title = "VARIABLE", .path = "name"},
    {.title = "TYPE", .path = "type"},
    {.title = "DEFAULT", .make = make_default},
    {.title = "DESCRIPTION", .path = "description"},
    {0},
};
static const Column planned_columns[] = {{.title = "Pipeline", .path = "name"},
                                         {.title = "Application", .path = "application"},
                                         {.title = "Template", .path = "source.id"},
                                         {0}};
static const Column stage_columns[] = {
    {.title = "REF", .path = "refId"},
    {.title = "STAGE", .path = "name"},
    {.title = "TYPE", .path = "type"},
    {.title = "AFTER", .path = "requisiteStageRefIds"},
    {0},
};

static const char *tag_of(const Invocation *call) {
    const char *tag = invocation_option(call, "tag");
    return tag != NULL ? tag : "";
}

static int run_list(Invocation *call, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    const char *scopes = invocation_option(call, "scopes");
    g_autoptr(Json) list = client != NULL ? client_get(client, error, "/v2/pipelineTemplates?scopes={}", scopes != NULL ? scopes : "", NULL)
                                          : NULL;
    return list != NULL ? output_list(call, json_root(list), list_columns, error) : 1;
}

static int run_get(Invocation *call, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    g_autoptr(Json) one = client != NULL ? client_get(client, error, "/v2/pipelineTemplates/{}?tag={}",
                                                      invocation_argument(call, "TEMPLATE"), tag_of(call), NULL)
                                         : NULL;
    if (one == NULL)
        return 1;
    int code = output_one(call, json_root(one), one_columns, error);
    return code == 0 && output_is_table(call) ? output_list(call, json_get(json_root(one), "variables"), variable_columns, error) : code;
}

/* ---- changing ---- */
/* The finished task of a change: what went wrong in it becomes ours. */
static gboolean check_task(const JsonValue *view, GError **error) {
    const char *status = json_get_string(view, "status");
    if (g_strcmp0(status, "SUCCEEDED") == 0)
        return TRUE;
    const char *message = NULL;
    for (JsonIter i = json_iter(json_dig(view, "execution", "stages", NULL)); message == NULL && json_next(&i);)
        message = json_string(json_at(json_dig(i.value, "context", "exception", "details", "errors", NULL), 0));
    error_set(error, ERR_REMOTE, "%s", message != NULL ? message : status != NULL ? status : "the task did not succeed");
    return FALSE;
}

/* Whether it exists: TRUE, FALSE, or FALSE with *error. */
static gboolean exists(Client *client, const char *id, const char *tag, GError **error) {
    g_autoptr(GError) wrong = NULL;
    g_autoptr(Json) stored = client_get(client, &wrong, "/v2/pipelineTemplates/{}?tag={}", id, tag, NULL);
    if (stored == NULL && error_code(wrong) != ERR_NOT_FOUND)
        g_propagate_error(error, g_steal_pointer(&wrong));
    return stored != NULL;
}

static gboolean save_version_1(Invocation *call, Client *client, const Json *template, const char *id, gboolean known, GError **error) {
    g_autoptr(Json) answer = known ? client_call(client, "POST", template, error, "/pipelineTemplates/{}?tag={}", id, tag_of(call), NULL)
                                   : client_call(client, "POST", template, error, "/pipelineTemplates?tag={}", tag_of(call), NULL);
    g_autoptr(Json) task = answer != NULL ? client_await(client, answer, "saving the template", error) : NULL;
    return task != NULL;
}

static gboolean save_version_2(Invocation *call, Client *client, const Json *template, const char *id, gboolean known, GError **error) {
    g_autoptr(Json)
        view = known ? client_call(client, "POST", template, error, "/v2/pipelineTemplates/update/{}?tag={}", id, tag_of(call), NULL)
                     : client_call(client, "POST", template, error, "/v2/pipelineTemplates/create?tag={}", tag_of(call), NULL);
    return view != NULL && check_task(json_root(view), error);
}

static gboolean save(Invocation *call, Client *client, const Document *document, const JsonValue *template, GError **error) {
    const char *id = json_get_string(template, "id");
    if (id == NULL) {
        error_set(error, ERR_INVALID, "%s:%u: a pipeline template needs an id", document->name, document_line(document, template));
        return FALSE;
    }
    g_autoptr(GError) wrong = NULL;
    g_autoptr(Json) whole = json_copy(template);
    gboolean known = exists(client, id, tag_of(call), &wrong);
    gboolean first = g_strcmp0(json_get_string(template, "schema"), "1") == 0;
    if (wrong == NULL && (first ? save_version_1 : save_version_2)(call, client, whole, id, known, &wrong)) {
        output_done(call, "saved pipeline template %s", id);
        return TRUE;
    }
    g_propagate_prefixed_error(error, g_steal_pointer(&wrong), "%s: ", document->name);
    return FALSE;
}

static int run_save(Invocation *call, GError **error) {
    return save_files(call, save, "pipeline templates", error);
}

static int run_delete(Invocation *call, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    const char *id = invocation_argument(call, "TEMPLATE");
    g_autoptr(Json) view = client != NULL
                               ? client_call(client, "DELETE", NULL, error, "/v2/pipelineTemplates/{}?tag={}", id, tag_of(call), NULL)
                               : NULL;
    if (view != NULL && check_task(json_root(view), error))
        output_done(call, "deleted pipeline template %s", id);
    return 0;
}

/* ---- using ---- */
static int run_plan(Invocation *call, GError **error) {
    g_autoptr(Document) document = document_read(invocation_argument(call, "FILE"), error);
    g_autoptr(Client) client = document != NULL ? client_new(call, error) : NULL;
    g_autoptr(Json) planned = client != NULL ? client_call(client, "POST", document->json, error, "/v2/pipelineTemplates/plan", NULL)
                                             : NULL;
    if (planned == NULL)
        return 1;
    int code = output_one(call, json_root(planned), planned_columns, error);
    return code == 0 && output_is_table(call) ? output_list(call, json_get(json_root(planned), "stages"), stage_columns, error) : code;
}

/* name=value: JSON where it is some, else text. */
static Json *variables(const Invocation *call, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (const char *const *each = invocation_options(call, "set"); *each != NULL; each++) {
        const char *equals = strchr(*each, '=');
        if (equals == NULL || equals == *each) {
            error_set(error, ERR_INVALID, "--set %s: expected NAME=VALUE", *each);
            return NULL;
        }
        g_autofree char *name = g_strndup(*each, (gsize)(equals - *each));
        g_autoptr(Json) value = json_parse(equals + 1, -1, NULL);
        if (value != NULL)
            json_add_json(builder, name, value);
        else
            json_add_string(builder, name, equals + 1);
    }
    json_end_object(builder);
    return json_builder_end(builder);
}

static int run_use(Invocation *call, GError **error) {
    const char *id = invocation_argument(call, "TEMPLATE"), *tag = tag_of(call);
    const char *name = invocation_option(call, "name"), *description = invocation_option(call, "description");
    g_autoptr(Json) set = variables(call, error);
    if (set == NULL)
        return 1;
    g_autofree char *reference = g_strconcat("spinnaker://", id, *tag != '\0' ? ":" : "", tag, NULL);
    g_autoptr(Json) pipeline = json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s}, s:j, s:[], s:[], s:[], s:[], s:[]}", "schema", "v2",
                                         "type", "templatedPipeline", "application", invocation_argument(call, "APPLICATION"), "name",
                                         name != NULL ? name : id, "description", description, "template", "artifactAccount",
                                         "front50ArtifactCredentials", "type", "front50/pipelineTemplate", "reference", reference,
                                         "variables", set, "exclude", "triggers", "parameters", "notifications", "stages");
    g_autofree char *text = json_write_pretty(json_root(pipeline), NULL);
    puts(text);
    return 0;
}

/* ---- the table ---- */
#define TAG_OPTION                                                                                                                         \
    { "tag", 0, "TAG", FALSE, "Variant: latest, stable, unstable, experimental, test, canary" }
static const Option list_options[] = {{"scopes", 0, "LIST", FALSE, "Only those of these scopes: global or applications"}, {0}};
static const Option tag_options[] = {TAG_OPTION, {0}};
static const Option use_options[] = {
    {"name", 'n', "NAME", FALSE, "The pipeline's name; the template's id otherwise"},
    {"description", 'd', "TEXT", FALSE, "What it is, for people"},
    {"set", 0, "NAME=VALUE", TRUE, "A variable of the template; a value that is JSON is taken as such"},
    TAG_OPTION,
    {0},
};

const Command template_commands[] = {
    {.group = "pipeline-template",
     .verb = "list",
     .options = list_options,
     .run = run_list,
     .help = "Pipeline templates, every variant.",
     .example = "gennaker pipeline-template list --scopes global"},
    {.group = "pipeline-template",
     .verb = "get",
     .arguments = "TEMPLATE",
     .options = tag_options,
     .run = run_get,
     .help = "One template and its variables.",
     .example = "gennaker pipeline-template get release --output json > template.json"},
    {.group = "pipeline-template",
     .verb = "save",
     .arguments = "FILE…",
     .options = tag_options,
     .run = run_save,
     .help = "Saves templates of either version from JSON or YAML files, one or a list in each; - is standard input. One of the same id is "
             "replaced, if "
             "its pipelines still work.",
     .example = "gennaker pipeline-template save template.yml --tag stable"},
    {.group = "pipeline-template",
     .verb = "delete",
     .arguments = "TEMPLATE",
     .options = tag_options,
     .run = run_delete,
     .help = "Deletes a template that no pipeline is made from.",
     .example = "gennaker pipeline-template delete release"},
    {.group = "pipeline-template",
     .verb = "plan",
     .arguments = "FILE",
     .run = run_plan,
     .help = "The pipeline that a templated configuration stands for, and what is wrong with it.",
     .example = "gennaker pipeline-template plan pipeline.json"},
    {.group = "pipeline-template",
     .verb = "use",
     .arguments = "TEMPLATE APPLICATION",
     .options = use_options,
     .local = TRUE,
     .run = run_use,
     .help = "Prints a pipeline made from a template, to be saved with pipeline save.",
     .example = "gennaker pipeline-template use release demo --name Release --set regions='[\"us-east-1\"]' | gennaker pipeline save -"},
    {0},
};
