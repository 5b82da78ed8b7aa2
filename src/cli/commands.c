/* The tables of all commands, finding one, and running it. Main thread. */
#include "base/config.h"
#include "cli/command.h"
#include <stdio.h>
#include <string.h>

/* A table a line. */
#define TABLES(X)                                                                                                                          \
    X(server_commands)                                                                                                                     \
    X(plan_commands)                                                                                                                       \
    X(simulate_commands)                                                                                                                   \
    X(lint_commands)                                                                                                                       \
    X(application_commands)                                                                                                                \
    X(pipeline_commands)                                                                                                                   \
    X(template_commands)                                                                                                                   \
    X(execution_commands)                                                                                                                  \
    X(artifact_commands)                                                                                                                   \
    X(expression_commands)                                                                                                                 \
    X(account_commands)                                                                                                                    \
    X(cluster_commands)                                                                                                                    \
    X(notification_commands)                                                                                                               \
    X(cron_commands)                                                                                                                       \
    X(why_commands)                                                                                                                        \
    X(store_commands)                                                                                                                      \
    X(user_commands)                                                                                                                       \
    X(program_commands)
#define DECLARED(name) extern const Command name[];
TABLES(DECLARED)
#undef DECLARED

#define LISTED(name) name,
const Command *const command_tables[] = {TABLES(LISTED) NULL};
#undef LISTED

void commands_each(void (*visit)(const Command *command, gpointer data), gpointer data) {
    for (gsize i = 0; command_tables[i] != NULL; i++)
        for (const Command *command = command_tables[i]; command->verb != NULL; command++)
            if (!command->hidden)
                visit(command, data);
}

char *command_name(const Command *command) {
    return command->group != NULL ? g_strdup_printf("%s %s", command->group, command->verb) : g_strdup(command->verb);
}

/* ---- finding ---- */
static const Command *find(const char *group, const char *verb) {
    for (gsize i = 0; command_tables[i] != NULL; i++)
        for (const Command *command = command_tables[i]; command->verb != NULL; command++)
            if (g_strcmp0(command->group, group) == 0 && strcmp(command->verb, verb) == 0)
                return command;
    return NULL;
}

static gboolean is_group(const char *word) {
    for (gsize i = 0; command_tables[i] != NULL; i++)
        if (g_strcmp0(command_tables[i]->group, word) == 0)
            return TRUE;
    return FALSE;
}

typedef struct {
    const char *group; /* NULL: first words */
    GPtrArray *names;
} Names;

static void add_name(const Command *command, gpointer data) {
    Names *names = data;
    if (names->group == NULL)
        g_ptr_array_add(names->names, (gpointer)(command->group != NULL ? command->group : command->verb));
    else if (g_strcmp0(command->group, names->group) == 0)
        g_ptr_array_add(names->names, (gpointer)command->verb);
}

static void refuse(const char *group, const char *word, GError **error) {
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    Names names = {group, list};
    commands_each(add_name, &names);
    const char *nearest = config_suggest(word, list);
    const char *space = group != NULL ? " " : "", *before = group != NULL ? group : "";
    if (nearest != NULL)
        error_set(error, ERR_INVALID, "no command %s%s%s; did you mean %s%s%s?", before, space, word, before, space, nearest);
    else
        error_set(error, ERR_INVALID, "no command %s%s%s (see gennaker %s%s--help)", before, space, word, before, space);
}

/* How many words an option before the command takes. */
static gsize option_words(const char *word) {
    if (strchr(word, '=') != NULL)
        return 1;
    for (const Option *option = server_options; option->name != NULL; option++) {
        gboolean is_name = g_str_has_prefix(word, "--") && strcmp(word + 2, option->name) == 0;
        gboolean is_letter = option->letter != 0 && word[1] == option->letter && word[2] == '\0';
        if ((is_name || is_letter) && option->value != NULL)
            return 2;
    }
    return 1;
}

/* The next word that is no option, its place in *at; the options before it are added to rest. */
static const char *next_name(const char *const *words, gsize *at, GPtrArray *rest) {
    while (words[*at] != NULL && words[*at][0] == '-')
        for (gsize left = option_words(words[*at]); left > 0 && words[*at] != NULL; left--)
            g_ptr_array_add(rest, (gpointer)words[(*at)++]);
    return words[*at] != NULL ? words[(*at)++] : NULL;
}

const Command *commands_find(const char *const *words, char ***rest, GError **error) {
    g_autoptr(GPtrArray) left = g_ptr_array_new();
    gsize at = 0;
    const char *first = next_name(words, &at, left), *group = NULL;
    if (first == NULL) {
        error_set(error, ERR_INVALID, "a command is missing (see gennaker --help)");
        return NULL;
    }
    if (is_group(first)) {
        group = first;
        first = next_name(words, &at, left);
    }
    if (first == NULL) {
        error_set(error, ERR_INVALID, "what of %s? (see gennaker %s --help)", group, group);
        return NULL;
    }
    const Command *found = find(group, first);
    if (found == NULL) {
        refuse(group, first, error);
        return NULL;
    }
    for (; words[at] != NULL; at++)
        g_ptr_array_add(left, (gpointer)words[at]);
    g_ptr_array_add(left, NULL);
    *rest = (char **)g_ptr_array_steal(left, NULL);
    return found;
}

/* ---- running ---- */
static int fail(const char *name, const GError *error) {
    fprintf(stderr, "gennaker%s%s: %s\n", name != NULL ? " " : "", name != NULL ? name : "", error->message);
    return error_outward(error_code(error))->exit_code;
}

static int print(char *text) {
    fputs(text, stdout);
    g_free(text);
    return 0;
}

static gboolean asks_help(const char *word) {
    return word != NULL && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0);
}

static int run(const Command *command, const char *const *words) {
    g_autoptr(GError) error = NULL;
    g_autofree char *name = command_name(command);
    g_autoptr(Invocation) call = invocation_parse(command, words, &error);
    if (call == NULL)
        return fail(name, error);
    if (invocation_wants_help(call))
        return print(help_of_command(command));
    int code = command->run(call, &error);
    return error != NULL ? fail(name, error) : code;
}

int cli_main(int argc, char **argv) {
    const char *const *words = (const char *const *)argv + (argc > 0 ? 1 : 0);
    if (words[0] == NULL) {
        fprintf(stderr, "gennaker: a command is missing (see gennaker --help)\n");
        return error_outward(ERR_INVALID)->exit_code;
    }
    if (asks_help(words[0]))
        return print(words[1] != NULL && is_group(words[1]) ? help_of_group(words[1]) : help_of_program());
    if (strcmp(words[0], "--version") == 0)
        return puts("gennaker " GENNAKER_VERSION) < 0;
    if (is_group(words[0]) && (words[1] == NULL || asks_help(words[1])))
        return print(help_of_group(words[0]));
    g_autoptr(GError) error = NULL;
    g_autofree char **rest = NULL; /* the words themselves are argv's */
    const Command *command = commands_find(words, &rest, &error);
    return command != NULL ? run(command, (const char *const *)rest) : fail(NULL, error);
}
