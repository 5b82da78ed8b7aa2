/* --help and docs/cli.md from the tables of commands. Pure. */
#include "cli/command.h"
#include <string.h>

#define HELP_COLUMN 34 /* where explanations of options begin */

static void add_option(GString *text, const Option *option) {
    g_autoptr(GString) left = g_string_new("  ");
    if (option->letter != 0)
        g_string_append_printf(left, "-%c, ", option->letter);
    g_string_append_printf(left, "--%s", option->name);
    if (option->value != NULL)
        g_string_append_printf(left, " %s%s", option->value, option->many ? "…" : "");
    glong width = g_utf8_strlen(left->str, -1);
    g_string_append(text, left->str);
    for (glong i = width; i < HELP_COLUMN - 1; i++)
        g_string_append_c(text, ' ');
    g_string_append_printf(text, " %s\n", option->help);
}

static void add_options(GString *text, const char *title, const Option *options) {
    if (options == NULL || options->name == NULL)
        return;
    g_string_append_printf(text, "\n%s:\n", title);
    for (; options->name != NULL; options++)
        add_option(text, options);
}

static void add_usage(GString *text, const Command *command) {
    g_autofree char *name = command_name(command);
    g_string_append_printf(text, "gennaker %s%s%s [OPTION…]", name, command->arguments != NULL ? " " : "",
                           command->arguments != NULL ? command->arguments : "");
}

char *help_of_command(const Command *command) {
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "%s\n\nUsage: ", command->help);
    add_usage(text, command);
    g_string_append(text, "\n");
    add_options(text, "Options", command->options);
    if (!command->local)
        add_options(text, "Server and output", server_options);
    g_string_append_printf(text, "\nExample:\n  %s\n", command->example);
    return g_string_free(text, FALSE);
}

/* ---- lists of commands ---- */
typedef struct {
    GString *text;
    const char *group; /* only these; NULL: all */
} Listing;

static void add_command(const Command *command, gpointer data) {
    Listing *listing = data;
    if (listing->group != NULL && g_strcmp0(command->group, listing->group) != 0)
        return;
    g_autofree char *name = command_name(command);
    g_autofree char *left = g_strdup_printf("%s%s%s", name, command->arguments != NULL ? " " : "",
                                            command->arguments != NULL ? command->arguments : "");
    glong width = g_utf8_strlen(left, -1);
    g_string_append_printf(listing->text, "  %s", left);
    for (glong i = width; i < 46; i++)
        g_string_append_c(listing->text, ' ');
    g_string_append_printf(listing->text, " %s\n", command->help);
}

char *help_of_group(const char *group) {
    Listing listing = {g_string_new(NULL), group};
    g_string_append_printf(listing.text, "Usage: gennaker %s COMMAND\n\n", group);
    commands_each(add_command, &listing);
    g_string_append_printf(listing.text, "\ngennaker %s COMMAND --help says more, with an example.\n", group);
    return g_string_free(listing.text, FALSE);
}

char *help_of_program(void) {
    Listing listing = {g_string_new("Gennaker: continuous delivery in one program.\n\nUsage: gennaker COMMAND\n\n"), NULL};
    commands_each(add_command, &listing);
    add_options(listing.text, "Of every command that talks to a server", server_options);
    g_string_append(listing.text, "\ngennaker COMMAND --help says more, with an example.\n");
    return g_string_free(listing.text, FALSE);
}

/* ---- the reference page ---- */
/* Codes of errors are those of error_outward; of outcomes, those of command.h. */
static const struct {
    int code;
    const char *when;
} EXIT_CODES[] = {
    {0, "done; what was watched succeeded"},
    {1, "a defect of the program, the server or the machine"},
    {2, "wrong input: an argument, a file, a value"},
    {3, "not signed in, or with a wrong token"},
    {4, "not allowed"},
    {5, "not found"},
    {6, "the state does not fit: it changed, or somebody else holds it"},
    {7, "a limit was reached"},
    {8, "the server cannot be reached or cannot answer now; nothing was done"},
    {9, "no answer in time; the outcome is unknown"},
    {10, "the other side answered with an error of its own"},
    {11, "given up because it was cancelled"},
    {EXIT_EXECUTION_FAILED, "the execution that was watched failed"},
    {EXIT_EXECUTION_CANCELED, "it was cancelled"},
    {EXIT_EXECUTION_STOPPED, "it was stopped, or ended in another way"},
};

static void add_markdown_options(GString *text, const Option *options) {
    if (options == NULL || options->name == NULL)
        return;
    g_string_append(text, "| option | |\n|---|---|\n");
    for (; options->name != NULL; options++) {
        g_string_append(text, "| `");
        if (options->letter != 0)
            g_string_append_printf(text, "-%c`, `", options->letter);
        g_string_append_printf(text, "--%s", options->name);
        g_auto(GStrv) parts = g_strsplit(options->value != NULL ? options->value : "", "|", -1);
        g_autofree char *value = g_strjoinv("\\|", parts);
        g_string_append_printf(text, "%s%s%s` | %s |\n", options->value != NULL ? " " : "", value, options->many ? "…" : "", options->help);
    }
    g_string_append(text, "\n");
}

static void add_markdown(const Command *command, gpointer data) {
    GString *text = data;
    g_autofree char *name = command_name(command);
    g_string_append_printf(text, "## %s\n\n%s\n\n    ", name, command->help);
    add_usage(text, command);
    g_string_append(text, "\n\n");
    add_markdown_options(text, command->options);
    g_string_append_printf(text, "Example: `%s`\n\n", command->example);
}

char *help_as_markdown(void) {
    GString *text = g_string_new("# Command line\n\nMade from the program's own tables by `gennaker reference`; each command says the same "
                                 "with `--help`.\n\nArguments may also be given as options: `--application demo` or `-a demo` for "
                                 "`APPLICATION`.\n\n");
    g_string_append(text, "Every command that talks to a server:\n\n");
    add_markdown_options(text, server_options);
    g_string_append(text, "## Exit codes\n\n| code | when |\n|---|---|\n");
    for (gsize i = 0; i < G_N_ELEMENTS(EXIT_CODES); i++)
        g_string_append_printf(text, "| %d | %s |\n", EXIT_CODES[i].code, EXIT_CODES[i].when);
    g_string_append(text, "\n");
    commands_each(add_markdown, text);
    g_string_truncate(text, text->len - 1);
    return g_string_free(text, FALSE);
}
