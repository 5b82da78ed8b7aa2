/* Shell completion made from the tables: bash, zsh and fish. Pure. */
#include "cli/command.h"
#include <string.h>

typedef struct {
    GString *text;
    const char *group, *last;
} Writer;

/* ---- words ---- */
static void add_unique_group(const Command *command, gpointer data) {
    Writer *writer = data;
    const char *word = command->group != NULL ? command->group : command->verb;
    if (g_strcmp0(writer->last, word) == 0)
        return;
    g_string_append_printf(writer->text, "%s%s", writer->text->len > 0 ? " " : "", word);
    writer->last = word;
}

static void add_verb(const Command *command, gpointer data) {
    Writer *writer = data;
    if (g_strcmp0(command->group, writer->group) == 0)
        g_string_append_printf(writer->text, "%s%s", writer->text->len > 0 ? " " : "", command->verb);
}

static char *first_words(void) {
    Writer writer = {.text = g_string_new(NULL)};
    commands_each(add_unique_group, &writer);
    return g_string_free(writer.text, FALSE);
}

static char *verbs(const char *group) {
    Writer writer = {.text = g_string_new(NULL), .group = group};
    commands_each(add_verb, &writer);
    return g_string_free(writer.text, FALSE);
}

static void add_options(GString *text, const Option *options) {
    for (; options != NULL && options->name != NULL; options++)
        g_string_append_printf(text, " --%s", options->name);
}

static char *option_words(const Command *command) {
    GString *text = g_string_new("--help");
    add_options(text, command->options);
    if (!command->local)
        add_options(text, server_options);
    return g_string_free(text, FALSE);
}

/* Values of an option or argument with a choice, "a|b", as "a b"; caller frees. */
static char *choices(const char *value) {
    if (value == NULL || strchr(value, '|') == NULL)
        return NULL;
    return g_strdelimit(g_strdup(value), "|", ' ');
}

/* ---- bash; zsh runs the same through bashcompinit ---- */
static void add_bash_values(GString *text, const Option *options) {
    for (; options != NULL && options->name != NULL; options++) {
        g_autofree char *words = choices(options->value);
        gboolean file = options->value != NULL && (strstr(options->value, "FILE") != NULL || strstr(options->value, "FOLDER") != NULL);
        if (words == NULL && !file)
            continue;
        /* A choice that names kinds of files is a file. */
        if (file)
            g_string_append_printf(text, "      --%s) COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n", options->name);
        else
            g_string_append_printf(text, "      --%s) COMPREPLY=($(compgen -W '%s' -- \"$current\")); return ;;\n", options->name, words);
    }
}

static void add_bash_command(const Command *command, gpointer data) {
    Writer *writer = data;
    g_autofree char *name = command_name(command);
    g_autofree char *options = option_words(command);
    g_autofree char *values = choices(command->arguments);
    gboolean file = command->arguments != NULL && strstr(command->arguments, "FILE") != NULL;
    if (command->arguments != NULL && values != NULL)
        g_strcanon(values, "abcdefghijklmnopqrstuvwxyz ", ' ');
    g_string_append_printf(writer->text, "    '%s')\n      case \"$previous\" in\n", name);
    add_bash_values(writer->text, command->options);
    if (!command->local)
        add_bash_values(writer->text, server_options);
    g_string_append(writer->text, "      esac\n      case \"$current\" in\n");
    g_string_append_printf(writer->text, "      -*) COMPREPLY=($(compgen -W '%s' -- \"$current\")) ;;\n", options);
    if (file)
        g_string_append(writer->text, "      *) COMPREPLY=($(compgen -f -- \"$current\")) ;;\n");
    else if (values != NULL)
        g_string_append_printf(writer->text, "      *) COMPREPLY=($(compgen -W '%s' -- \"$current\")) ;;\n", values);
    g_string_append(writer->text, "      esac ;;\n");
}

static void add_bash_group(const Command *command, gpointer data) {
    Writer *writer = data;
    if (command->group == NULL || g_strcmp0(writer->last, command->group) == 0)
        return;
    writer->last = command->group;
    g_autofree char *words = verbs(command->group);
    g_string_append_printf(writer->text, "    '%s') COMPREPLY=($(compgen -W '%s --help' -- \"$current\")) ;;\n", command->group, words);
}

/* Options in front of the command: those with a value take what follows too; bash parts words at "=" and ":". */
static void add_bash_skip(GString *text) {
    const char *between = "      ";
    for (const Option *option = server_options; option->name != NULL; option++) {
        if (option->value == NULL)
            continue;
        g_string_append_printf(text, "%s--%s", between, option->name);
        if (option->letter != 0)
            g_string_append_printf(text, "|-%c", option->letter);
        between = "|";
    }
    g_string_append(text, ") ((i++)); [ \"${COMP_WORDS[i]}\" != '=' ] || ((i++))\n"
                          "        while [[ ${COMP_WORDS[i+1]} == [:=]* ]]; do ((i += 2)); done ;;\n");
}

/* Gathers in "given" what is no option and no value of one. */
static void add_bash_words(GString *text) {
    g_string_append(text, "# Completion of gennaker for bash: source <(gennaker completion bash)\n"
                          "_gennaker() {\n"
                          "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command given=() i\n"
                          "  COMPREPLY=()\n"
                          "  case \"$previous\" in\n");
    add_bash_values(text, server_options);
    g_string_append(text, "  esac\n"
                          "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
                          "    case \"${COMP_WORDS[i]}\" in\n");
    add_bash_skip(text);
    g_string_append(text, "      -*) ;;\n"
                          "      *) given+=(\"${COMP_WORDS[i]}\") ;;\n"
                          "    esac\n"
                          "  done\n"
                          "  [ \"$i\" -eq \"$COMP_CWORD\" ] || return\n"
                          "  command=\"${given[0]} ${given[1]}\"\n");
}

static char *bash(void) {
    Writer writer = {.text = g_string_new(NULL)};
    g_autofree char *words = first_words();
    g_autoptr(GString) shared = g_string_new(NULL);
    add_options(shared, server_options);
    add_bash_words(writer.text);
    g_string_append_printf(writer.text,
                           "  if [ ${#given[@]} -eq 0 ]; then\n"
                           "    COMPREPLY=($(compgen -W '%s --help --version%s' -- \"$current\")); return\n  fi\n",
                           words, shared->str);
    g_string_append(writer.text, "  if [ ${#given[@]} -eq 1 ]; then\n    case \"${given[0]}\" in\n");
    commands_each(add_bash_group, &writer);
    g_string_append(writer.text, "    esac\n    [ ${#COMPREPLY[@]} -eq 0 ] || return\n  fi\n"
                                 "  case \"${given[0]}\" in\n");
    Writer groups = {.text = g_string_new(NULL)};
    commands_each(add_unique_group, &groups);
    g_auto(GStrv) singles = g_strsplit(groups.text->str, " ", -1);
    g_string_free(groups.text, TRUE);
    for (gsize i = 0; singles[i] != NULL; i++) {
        g_autofree char *of = verbs(singles[i]);
        if (of[0] == '\0')
            g_string_append_printf(writer.text, "    %s) command=%s ;;\n", singles[i], singles[i]);
    }
    g_string_append(writer.text, "  esac\n  case \"$command\" in\n");
    commands_each(add_bash_command, &writer);
    g_string_append(writer.text, "  esac\n}\ncomplete -F _gennaker gennaker\n");
    return g_string_free(writer.text, FALSE);
}

static char *zsh(void) {
    g_autofree char *script = bash();
    return g_strconcat("# Completion of gennaker for zsh: source <(gennaker completion zsh)\n"
                       "autoload -U +X bashcompinit && bashcompinit\n",
                       script, NULL);
}

/* ---- fish ---- */
static char *quoted(const char *text) {
    g_auto(GStrv) parts = g_strsplit(text, "'", -1);
    g_autofree char *joined = g_strjoinv("\\'", parts);
    return g_strdup_printf("'%s'", joined);
}

static void add_fish_options(GString *text, const char *condition, const Option *options) {
    for (; options != NULL && options->name != NULL; options++) {
        g_autofree char *help = quoted(options->help);
        g_autofree char *words = choices(options->value);
        g_string_append_printf(text, "complete -c gennaker -n %s -l %s", condition, options->name);
        if (options->letter != 0)
            g_string_append_printf(text, " -s %c", options->letter);
        if (words != NULL && strstr(words, "FILE") == NULL)
            g_string_append_printf(text, " -x -a '%s'", words);
        else if (options->value != NULL)
            g_string_append(text, " -r");
        g_string_append_printf(text, " -d %s\n", help);
    }
}

static void add_fish_command(const Command *command, gpointer data) {
    Writer *writer = data;
    g_autofree char *help = quoted(command->help);
    g_autofree char *condition = command->group != NULL
                                     ? g_strdup_printf("'__fish_seen_subcommand_from %s; and __fish_seen_subcommand_from %s'",
                                                       command->group, command->verb)
                                     : g_strdup_printf("'__fish_seen_subcommand_from %s'", command->verb);
    if (command->group == NULL) {
        g_string_append_printf(writer->text, "complete -c gennaker -n __fish_use_subcommand -a %s -d %s\n", command->verb, help);
    } else {
        g_autofree char *of = verbs(command->group);
        g_string_append_printf(
            writer->text, "complete -c gennaker -n '__fish_seen_subcommand_from %s; and not __fish_seen_subcommand_from %s' -a %s -d %s\n",
            command->group, of, command->verb, help);
    }
    if (command->arguments != NULL && strstr(command->arguments, "FILE") != NULL)
        g_string_append_printf(writer->text, "complete -c gennaker -n %s -F\n", condition);
    add_fish_options(writer->text, condition, command->options);
    if (!command->local)
        add_fish_options(writer->text, condition, server_options);
}

static void add_fish_group(const Command *command, gpointer data) {
    Writer *writer = data;
    if (command->group == NULL || g_strcmp0(writer->last, command->group) == 0)
        return;
    writer->last = command->group;
    g_string_append_printf(writer->text, "complete -c gennaker -n __fish_use_subcommand -a %s\n", command->group);
}

static char *fish(void) {
    Writer writer = {
        .text = g_string_new("# Completion of gennaker for fish: gennaker completion fish | source\ncomplete -c gennaker -f\n")};
    commands_each(add_fish_group, &writer);
    commands_each(add_fish_command, &writer);
    return g_string_free(writer.text, FALSE);
}

char *completion_script(const char *shell, GError **error) {
    static const struct {
        const char *shell;
        char *(*write)(void);
    } SHELLS[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    for (gsize i = 0; i < G_N_ELEMENTS(SHELLS); i++)
        if (strcmp(SHELLS[i].shell, shell) == 0)
            return SHELLS[i].write();
    error_set(error, ERR_INVALID, "no completion for %s: bash, zsh or fish", shell);
    return NULL;
}
