/* `application …`. */
#include "cli/client.h"
#include "cli/document.h"
#include "cli/output.h"

static const Column list_columns[] = {
    {.title = "NAME", .path = "name"},
    {.title = "EMAIL", .path = "email"},
    {.title = "ACCOUNTS", .path = "accounts"},
    {.title = "DESCRIPTION", .path = "description"},
    {0},
};
static const Column one_columns[] = {
    {.title = "Name", .path = "name"},
    {.title = "Email", .path = "attributes.email"},
    {.title = "Description", .path = "attributes.description"},
    {.title = "Clouds", .path = "attributes.cloudProviders"},
    {.title = "Accounts", .path = "attributes.accounts"},
    {.title = "Port", .path = "attributes.instancePort"},
    {0},
};

static int run_list(Invocation *call, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    g_autoptr(Json) list = client != NULL ? client_get(client, error, "/applications", NULL) : NULL;
    return list != NULL ? output_list(call, json_root(list), list_columns, error) : 1;
}

static int run_get(Invocation *call, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    g_autoptr(Json) one = client != NULL
                              ? client_get(client, error, "/applications/{}?expand=true", invocation_argument(call, "APPLICATION"), NULL)
                              : NULL;
    return one != NULL ? output_one(call, json_root(one), one_columns, error) : 1;
}

/* Attributes of the file, if there is one, under those of the options. */
static Json *attributes(const Invocation *call, GError **error) {
    const char *path = invocation_option(call, "file");
    g_autoptr(Document) document = path != NULL ? document_read(path, error) : NULL;
    if (path != NULL && document == NULL)
        return NULL;
    const JsonValue *given = document != NULL ? json_root(document->json) : NULL;
    if (json_is_object(json_get(given, "attributes"))) /* as `application get --output json` prints it */
        given = json_get(given, "attributes");
    g_autoptr(Json) own = json_pack("{s:s, s:s, s:s, s:s}", "name", invocation_argument(call, "APPLICATION"), "email",
                                    invocation_option(call, "email"), "cloudProviders", invocation_option(call, "cloud-providers"),
                                    "description", invocation_option(call, "description"));
    g_autoptr(Json) all = json_merge(given, json_root(own));
    if (json_get_string(json_root(all), "name") != NULL)
        return g_steal_pointer(&all);
    error_set(error, ERR_INVALID, "the application's name is missing: give it behind save, or as \"name\" in the file");
    return NULL;
}

static int run_save(Invocation *call, GError **error) {
    g_autoptr(Json) application = attributes(call, error);
    g_autoptr(Client) client = application != NULL ? client_new(call, error) : NULL;
    if (client == NULL)
        return 1;
    const char *name = json_get_string(json_root(application), "name");
    g_autofree char *description = g_strconcat("Save application ", name, NULL);
    /* An application that exists keeps what is not given. */
    g_autoptr(Json) job = json_pack("{s:s, s:j}", "type", "createApplication", "application", application);
    g_autoptr(Json) task = client_task(client, name, description, job, error);
    if (task != NULL)
        output_done(call, "saved application %s", name);
    return 0;
}

static int run_delete(Invocation *call, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    const char *name = invocation_argument(call, "APPLICATION");
    g_autoptr(Json) known = client != NULL ? client_get(client, error, "/applications/{}", name, NULL) : NULL;
    if (known == NULL)
        return 1;
    g_autofree char *description = g_strconcat("Delete application ", name, NULL);
    g_autoptr(Json) job = json_pack("{s:s, s:{s:s}}", "type", "deleteApplication", "application", "name", name);
    g_autoptr(Json) task = client_task(client, name, description, job, error);
    if (task != NULL)
        output_done(call, "deleted application %s", name);
    return 0;
}

static const Option save_options[] = {
    {"email", 'e', "ADDRESS", FALSE, "Whom it belongs to"},
    {"cloud-providers", 0, "LIST", FALSE, "Clouds it is deployed to, for example aws"},
    {"description", 0, "TEXT", FALSE, "What it is, for people"},
    {"file", 'f', "FILE", FALSE, "More attributes, as JSON or YAML; - is standard input"},
    {0},
};

const Command application_commands[] = {
    {.group = "application", .verb = "list", .run = run_list, .help = "All applications.", .example = "gennaker application list"},
    {.group = "application",
     .verb = "get",
     .arguments = "APPLICATION",
     .run = run_get,
     .help = "One application.",
     .example = "gennaker application get demo --output yaml"},
    {.group = "application",
     .verb = "save",
     .arguments = "[APPLICATION]",
     .options = save_options,
     .run = run_save,
     .help = "Creates an application or changes one; attributes that are not given stay.",
     .example = "gennaker application save demo --email you@example.com"},
    {.group = "application",
     .verb = "delete",
     .arguments = "APPLICATION",
     .run = run_delete,
     .help = "Deletes an application with its pipelines; what it runs in clouds stays.",
     .example = "gennaker application delete demo"},
    {0},
};
