/* `notification …`: which kinds there are, and a test. Main thread. */
#include "cli/client.h"
#include "cli/output.h"

static char *enabled_of(const JsonValue *row) {
    return g_strdup(json_get_bool(row, "enabled", FALSE) ? "yes" : "no");
}

static const Column type_columns[] = {
    {.title = "TYPE", .path = "type"},       {.title = "SENT", .make = enabled_of},  {.title = "ADDRESS", .path = "address"},
    {.title = "EXAMPLE", .path = "example"}, {.title = "WHY NOT", .path = "reason"}, {0},
};

static int run_types(Invocation *call, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    g_autoptr(Json) types = client != NULL ? client_get(client, error, "/notifications/types", NULL) : NULL;
    return types != NULL ? output_list(call, json_root(types), type_columns, error) : 1;
}

static int run_test(Invocation *call, GError **error) {
    const char *type = invocation_argument(call, "TYPE"), *address = invocation_argument(call, "ADDRESS");
    g_autoptr(Client) client = client_new(call, error);
    g_autoptr(Json) body = json_pack("{s:s, s:s, s:s}", "type", type, "address", address, "message", invocation_option(call, "message"));
    g_autoptr(Json) answer = client != NULL ? client_call(client, "POST", body, error, "/notifications/test", NULL) : NULL;
    if (answer == NULL)
        return 1;
    if (!output_is_table(call))
        return output_one(call, json_root(answer), NULL, error);
    output_done(call, "sent a test message: %s to %s", type, address);
    return 0;
}

static const Option test_options[] = {{"message", 'm', "TEXT", FALSE, "Another text than the one of the test"}, {0}};

const Command notification_commands[] = {
    {.group = "notification",
     .verb = "types",
     .run = run_types,
     .help = "Kinds of notifications, and whether they are sent.",
     .example = "gennaker notification types"},
    {.group = "notification",
     .verb = "test",
     .arguments = "TYPE ADDRESS",
     .options = test_options,
     .run = run_test,
     .help = "Sends a test message now and says what came of it.",
     .example = "gennaker notification test slack '#deployments'"},
    {0},
};
