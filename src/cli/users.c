/* `user …`: the users file of a data folder. Works on the folder, not through a server: it also makes the first user. */
#include "auth/users.h"
#include "cli/command.h"
#include "cli/folder.h"
#include <stdio.h>
#include <string.h>

static char *folder_of(const Invocation *call) {
    const char *given = invocation_option(call, "data");
    return given != NULL ? g_strdup(given) : data_folder_otherwise();
}

/* The first line of standard input; caller frees. */
static char *read_password(GError **error) {
    char line[PASSWORD_MAX + 2];
    if (fgets(line, sizeof line, stdin) == NULL || line[0] == '\n') {
        error_set(error, ERR_INVALID, "--password-stdin: standard input has no password");
        return NULL;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return g_strdup(line);
}

static int run_add(Invocation *call, GError **error) {
    g_autofree char *folder = folder_of(call), *given = NULL, *password = NULL, *token = NULL;
    const char *name = invocation_argument(call, "NAME");
    if (invocation_has(call, "password-stdin") && (given = read_password(error)) == NULL)
        return 1;
    if (!users_add(folder, name, given, invocation_options(call, "role"), invocation_has(call, "token"), &password, &token, error))
        return 1;
    printf("Added user %s in %s.\n", name, folder);
    if (password != NULL)
        printf("  password  %s\n", password);
    if (token != NULL)
        printf("  token     %s\n", token);
    if (password != NULL || token != NULL)
        puts("Shown only now. A server that runs takes the user up on SIGHUP, or at its next start.");
    return 0;
}

static int run_list(Invocation *call, GError **error) {
    g_autofree char *folder = folder_of(call);
    g_autoptr(Json) users = users_list(folder, error);
    if (users == NULL)
        return 1;
    for (JsonIter i = json_iter(json_root(users)); json_next(&i);) {
        printf("%s", json_get_string(i.value, "name"));
        for (JsonIter r = json_iter(json_get(i.value, "roles")); json_next(&r);)
            printf(" %s", json_string(r.value));
        puts("");
    }
    return 0;
}

static int run_remove(Invocation *call, GError **error) {
    g_autofree char *folder = folder_of(call);
    const char *name = invocation_argument(call, "NAME");
    if (users_remove(folder, name, error))
        printf("Removed user %s from %s.\n", name, folder);
    return 0;
}

#define DATA_OPTION                                                                                                                        \
    { "data", 'd', "FOLDER", FALSE, "The server's data (default: ~/.local/share/gennaker)" }

static const Option add_options[] = {
    {"role", 'r', "ROLE", TRUE, "A role of the user; admin may do everything"},
    {"token", 0, NULL, FALSE, "Make a bearer token as well"},
    {"password-stdin", 0, NULL, FALSE, "Take the password from standard input instead of making one"},
    DATA_OPTION,
    {0},
};
static const Option data_options[] = {DATA_OPTION, {0}};

const Command user_commands[] = {
    {.group = "user",
     .verb = "add",
     .arguments = "NAME",
     .options = add_options,
     .local = TRUE,
     .run = run_add,
     .help = "Adds a user who may sign in; the password is made and shown once.",
     .example = "gennaker user add ada --role admin --token"},
    {.group = "user",
     .verb = "list",
     .options = data_options,
     .local = TRUE,
     .run = run_list,
     .help = "Users of the data folder, with their roles.",
     .example = "gennaker user list"},
    {.group = "user",
     .verb = "remove",
     .arguments = "NAME",
     .options = data_options,
     .local = TRUE,
     .run = run_remove,
     .help = "Removes a user; sessions and tokens end with the server's next reload.",
     .example = "gennaker user remove ada"},
    {0},
};
