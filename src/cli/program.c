/* `version`, `completion`, `reference`: the program about itself. */
#include "cli/client.h"
#include "cli/output.h"
#include <stdio.h>

static const Column version_columns[] = {{.title = "CLIENT", .path = "client"}, {.title = "SERVER", .path = "server"}, {0}};

/* The server's version is shown when there is a server; the own one always. */
static int run_version(Invocation *call, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    if (client == NULL)
        return 1;
    g_autoptr(GError) unreachable = NULL;
    g_autoptr(Json) server = client_get(client, &unreachable, "/version", NULL);
    g_autoptr(Json) both = json_pack("{s:s, s:s, s:s}", "client", GENNAKER_VERSION, "server", json_get_string(json_root(server), "version"),
                                     "serverError", unreachable != NULL ? unreachable->message : NULL);
    return output_one(call, json_root(both), version_columns, error);
}

static int run_completion(Invocation *call, GError **error) {
    g_autofree char *script = completion_script(invocation_argument(call, "bash|zsh|fish"), error);
    return script == NULL || fputs(script, stdout) < 0;
}

static int run_reference(Invocation *call, GError **error) {
    (void)call, (void)error;
    g_autofree char *text = help_as_markdown();
    return fputs(text, stdout) < 0;
}

const Command program_commands[] = {
    {.verb = "version",
     .run = run_version,
     .help = "Versions of this program and of the server.",
     .example = "gennaker version --output json"},
    {.verb = "completion",
     .arguments = "bash|zsh|fish",
     .local = TRUE,
     .run = run_completion,
     .help = "Prints a script that makes the shell complete commands and options.",
     .example = "source <(gennaker completion bash)"},
    {.verb = "reference",
     .local = TRUE,
     .hidden = TRUE,
     .run = run_reference,
     .help = "Prints docs/cli.md.",
     .example = "gennaker reference > docs/cli.md"},
    {0},
};
