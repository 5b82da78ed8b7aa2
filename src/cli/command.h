/* What a command is: data beside its code. From the tables come parsing, --help, shell completion, "did you mean" and docs/cli.md. */
#pragma once
#include "base/error.h"
#include "base/json.h"

/* Exit codes of a watched execution that did not succeed; all others are those of base/error.h. */
#define EXIT_EXECUTION_FAILED 20
#define EXIT_EXECUTION_CANCELED 21
#define EXIT_EXECUTION_STOPPED 22

typedef struct {
    const char *name;  /* "output" */
    char letter;       /* 'o', or 0 */
    const char *value; /* "URL"; "table|json|yaml": one of these; NULL: a switch */
    gboolean many;     /* may be given more than once */
    const char *help;
} Option; /* tables end with an entry without name */

typedef struct Invocation Invocation;

typedef struct {
    const char *group; /* "pipeline", or NULL: the command is one word */
    const char *verb;  /* "execute" */
    /* "APPLICATION [PIPELINE]", "FILE…", "continue|stop": what stands behind it, each also as an option (--application A, -a A).
     * [X] may be left out, X… may repeat. */
    const char *arguments;
    const Option *options;
    gboolean local;  /* works without a server: no --server, --token, --output */
    gboolean hidden; /* for the program itself */
    /* Returns the exit code; with *error set it is that of the error, which is printed. */
    int (*run)(Invocation *call, GError **error);
    const char *help, *example;
} Command;

/* Each file of commands exports one table, ended by an entry without verb; commands.c lists the tables. */
extern const Command *const command_tables[]; /* NULL-terminated */
/* Options of every command that talks to a server. */
extern const Option server_options[];

/* Calls visit for every command that people see until it returns TRUE. */
void commands_each(void (*visit)(const Command *command, gpointer data), gpointer data);
/* "pipeline execute"; caller frees. */
char *command_name(const Command *command);

/* ---- one call of a command; borrowed from it unless said otherwise ---- */
const Command *invocation_command(const Invocation *call);
/* By its name in the command's arguments ("APPLICATION"); NULL when it was left out. Of X…: the first. */
const char *invocation_argument(const Invocation *call, const char *name);
/* All values of X…; NULL-terminated, never NULL. */
const char *const *invocation_arguments(const Invocation *call, const char *name);
const char *invocation_option(const Invocation *call, const char *name);         /* the last value given, or NULL */
const char *const *invocation_options(const Invocation *call, const char *name); /* all, NULL-terminated, never NULL */
gboolean invocation_has(const Invocation *call, const char *name);               /* a switch was given */
gboolean invocation_number(const Invocation *call, const char *name, gint64 least, gint64 most, gint64 otherwise, gint64 *into,
                           GError **error);

/* Parses what follows the command's name. ERR_INVALID says what is wrong with it. Caller frees. */
Invocation *invocation_parse(const Command *command, const char *const *words, GError **error);
void invocation_free(Invocation *call);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Invocation, invocation_free)
/* --help was among the words: nothing else was checked. */
gboolean invocation_wants_help(const Invocation *call);

/* ---- texts made from the tables; caller frees ---- */
char *help_of_command(const Command *command);
char *help_of_group(const char *group);
char *help_of_program(void);
char *help_as_markdown(void); /* docs/cli.md */
char *completion_script(const char *shell, GError **error);

/* The command that words name, and how many of them are its name; NULL with ERR_INVALID and the nearest one. Options that stand before
 * the command are left in place for the parser: *words_rest (caller frees the list, not the words) is what remains. */
const Command *commands_find(const char *const *words, char ***rest, GError **error);

/* The whole program: what main() does. Returns the exit code. */
int cli_main(int argc, char **argv);
