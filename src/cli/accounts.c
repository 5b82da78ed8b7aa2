/* `account …`. */
#include "base/clock.h"
#include "cli/client.h"
#include "cli/output.h"

/* How old what is known about an account is. */
static char *make_age(const JsonValue *account) {
    if (json_get(account, "leftOut") != NULL)
        return g_strdup("not used");
    gint64 age = json_get_int(json_get(account, "inventory"), "ageMs", -1);
    return age < 0 ? g_strdup("not read yet") : clock_duration_text(age);
}

static char *make_problem(const JsonValue *account) {
    const char *left_out = json_get_string(account, "leftOut");
    if (left_out != NULL)
        return g_strdup(left_out);
    const JsonValue *errors = json_dig(account, "inventory", "errors", NULL);
    const JsonValue *first = json_at(errors, 0);
    if (first == NULL)
        return NULL;
    gsize more = json_length(errors) - 1;
    g_autofree char *others = more > 0 ? g_strdup_printf(" (and %" G_GSIZE_FORMAT " more)", more) : NULL;
    return g_strdup_printf("%s%s", json_get_string(first, "message"), others != NULL ? others : "");
}

static char *make_regions(const JsonValue *account) {
    GString *text = g_string_new(NULL);
    for (JsonIter i = json_iter(json_get(account, "regions")); json_next(&i);) {
        const char *name = json_is_string(i.value) ? json_string(i.value) : json_get_string(i.value, "name");
        g_string_append_printf(text, "%s%s", i.index > 0 ? ", " : "", name != NULL ? name : "");
    }
    return g_string_free(text, FALSE);
}

static const Column list_columns[] = {
    {.title = "NAME", .path = "name"},          {.title = "CLOUD", .path = "cloudProvider"}, {.title = "REGIONS", .make = make_regions},
    {.title = "READ BEFORE", .make = make_age}, {.title = "PROBLEM", .make = make_problem},  {0},
};
static const Column one_columns[] = {
    {.title = "Name", .path = "name"},          {.title = "Cloud", .path = "cloudProvider"},
    {.title = "Account", .path = "accountId"},  {.title = "Environment", .path = "environment"},
    {.title = "Regions", .make = make_regions}, {.title = "Read before", .make = make_age},
    {.title = "Problem", .make = make_problem}, {0},
};

static int run_list(Invocation *call, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    g_autoptr(Json) list = client != NULL ? client_get(client, error, "/credentials?expand=true&leftOut=true", NULL) : NULL;
    return list != NULL ? output_list(call, json_root(list), list_columns, error) : 1;
}

static int run_get(Invocation *call, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    const char *name = invocation_argument(call, "ACCOUNT");
    g_autoptr(Json) one = client != NULL ? client_get(client, error, "/credentials/{}", name, NULL) : NULL;
    if (one == NULL)
        return 1;
    if (json_is_object(json_root(one)))
        return output_one(call, json_root(one), one_columns, error);
    error_set(error, ERR_NOT_FOUND, "no account %s", name);
    return 1;
}

const Command account_commands[] = {
    {.group = "account",
     .verb = "list",
     .run = run_list,
     .help = "Accounts of clouds, how old what is known about each is, and what went wrong.",
     .example = "gennaker account list"},
    {.group = "account",
     .verb = "get",
     .arguments = "ACCOUNT",
     .run = run_get,
     .help = "One account.",
     .example = "gennaker account get production --output json"},
    {0},
};
