/* Parsing of a command's words, finding commands, help and completion. */
#include "cli/command.h"
#include <string.h>

static int run_nothing(Invocation *call, GError **error) {
    (void)call, (void)error;
    return 0;
}

static const Option options[] = {
    {"parameter", 'p', "NAME=VALUE", TRUE, "Many."},
    {"limit", 'l', "N", FALSE, "A number."},
    {"level", 0, "low|high", FALSE, "A choice."},
    {"watch", 'w', NULL, FALSE, "A switch."},
    {0},
};
static const Command command = {.group = "thing",
                                .verb = "do",
                                .arguments = "APPLICATION [NAME] FILE…",
                                .options = options,
                                .run = run_nothing,
                                .help = "Does it.",
                                .example = "gennaker thing do"};
static const Command judge = {.verb = "judge", .arguments = "EXECUTION continue|stop", .local = TRUE, .run = run_nothing};

static Invocation *parse(const Command *what, const char *line, GError **error) {
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    return invocation_parse(what, (const char *const *)words, error);
}

static void expect_refused(const Command *what, const char *line, const char *says) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Invocation) call = parse(what, line, &error);
    g_assert_null(call);
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
    if (strstr(error->message, says) == NULL)
        g_error("%s: expected \"%s\" in \"%s\"", line, says, error->message);
}

static void test_arguments(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Invocation) call = parse(&command, "shop main a.json b.json", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(invocation_argument(call, "APPLICATION"), ==, "shop");
    g_assert_cmpstr(invocation_argument(call, "NAME"), ==, "main");
    g_assert_cmpuint(g_strv_length((char **)invocation_arguments(call, "FILE")), ==, 2);
    g_assert_cmpstr(invocation_arguments(call, "FILE")[1], ==, "b.json");
    g_assert_null(invocation_argument(call, "OTHER"));
    g_assert_true(invocation_command(call) == &command);
}

static void test_arguments_by_name(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Invocation) call = parse(&command, "-a shop --file=a.json --name main -f b.json", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(invocation_argument(call, "APPLICATION"), ==, "shop");
    g_assert_cmpstr(invocation_argument(call, "NAME"), ==, "main");
    g_assert_cmpstr(invocation_arguments(call, "FILE")[1], ==, "b.json");
    expect_refused(&command, "-a shop --application other f", "APPLICATION is given twice");
}

static void test_options(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Invocation) call = parse(&command, "shop -p a=1 --parameter=b=2 -pc=3 -l5 n f --watch --level high", &error);
    g_assert_no_error(error);
    const char *const *values = invocation_options(call, "parameter");
    g_assert_cmpuint(g_strv_length((char **)values), ==, 3);
    g_assert_cmpstr(values[1], ==, "b=2");
    g_assert_cmpstr(values[2], ==, "c=3");
    g_assert_true(invocation_has(call, "watch"));
    g_assert_false(invocation_has(call, "server"));
    gint64 number = 0;
    g_assert_true(invocation_number(call, "limit", 1, 10, 3, &number, &error));
    g_assert_cmpint(number, ==, 5);
    g_assert_false(invocation_number(call, "limit", 6, 10, 3, &number, &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
}

static void test_end_of_options(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Invocation) call = parse(&command, "shop -- --watch -", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(invocation_argument(call, "NAME"), ==, "--watch");
    g_assert_cmpstr(invocation_argument(call, "FILE"), ==, "-");
    g_assert_false(invocation_has(call, "watch"));
}

static void test_mistakes(void) {
    expect_refused(&command, "shop", "FILE is missing");
    expect_refused(&command, "shop n f --limit", "--limit needs a value");
    expect_refused(&command, "shop n f --watch=yes", "takes no value");
    expect_refused(&command, "shop n f --level middle", "expected one of low|high");
    expect_refused(&command, "shop n f -l 1 -l 2", "--limit is given twice");
    expect_refused(&command, "shop n f --nonsense", "no option --nonsense (see gennaker thing do --help)");
    expect_refused(&command, "shop n f -z", "no option -z");
    expect_refused(&judge, "x maybe", "expected continue|stop");
    expect_refused(&judge, "x stop more", "unexpected argument more");
    expect_refused(&judge, "x stop --server y", "no option --server");
}

static void test_help_wins(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Invocation) call = parse(&command, "--help", &error);
    g_assert_no_error(error);
    g_assert_true(invocation_wants_help(call));
    g_autofree char *text = help_of_command(&command);
    g_assert_nonnull(strstr(text, "Usage: gennaker thing do APPLICATION [NAME] FILE… [OPTION…]"));
    g_assert_nonnull(strstr(text, "-p, --parameter NAME=VALUE…"));
    g_assert_nonnull(strstr(text, "--server URL"));
}

/* ---- the program's own tables ---- */
static void check_command(const Command *each, gpointer data) {
    guint *count = data;
    g_autofree char *name = command_name(each);
    ++*count;
    g_assert_nonnull(each->help);
    g_assert_true(g_str_has_suffix(each->help, "."));
    g_assert_nonnull(strstr(each->example, name));
    for (const Option *option = each->options; option != NULL && option->name != NULL; option++) {
        g_assert_nonnull(option->help);
        for (const Option *other = option + 1; other->name != NULL; other++) {
            g_assert_cmpstr(option->name, !=, other->name);
            g_assert_true(option->letter == 0 || option->letter != other->letter);
        }
    }
}

static void test_every_command_is_described(void) {
    guint count = 0;
    commands_each(check_command, &count);
    g_assert_cmpuint(count, >, 20);
}

static void test_finding(void) {
    g_autoptr(GError) error = NULL;
    const char *const words[] = {"--server", "http://x", "execution", "-o", "json", "get", "ID", NULL};
    g_autofree char **rest = NULL;
    const Command *found = commands_find(words, &rest, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(found->group, ==, "execution");
    g_assert_cmpstr(found->verb, ==, "get");
    g_autoptr(Invocation) call = invocation_parse(found, (const char *const *)rest, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(invocation_argument(call, "EXECUTION"), ==, "ID");
    g_assert_cmpstr(invocation_option(call, "server"), ==, "http://x");
    g_assert_cmpstr(invocation_option(call, "output"), ==, "json");
    const char *const slip[] = {"excution", "get", NULL};
    g_autofree char **none = NULL;
    g_assert_null(commands_find(slip, &none, &error));
    g_assert_nonnull(strstr(error->message, "did you mean execution?"));
}

static void test_completion(void) {
    static const char *const SHELLS[] = {"bash", "zsh", "fish"};
    g_autoptr(GError) error = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(SHELLS); i++) {
        g_autofree char *script = completion_script(SHELLS[i], &error);
        g_assert_no_error(error);
        g_assert_nonnull(strstr(script, "execute"));
    }
    g_assert_null(completion_script("csh", &error));
    g_assert_error(error, GENNAKER_ERROR, ERR_INVALID);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cli/arguments", test_arguments);
    g_test_add_func("/cli/arguments-by-name", test_arguments_by_name);
    g_test_add_func("/cli/options", test_options);
    g_test_add_func("/cli/end-of-options", test_end_of_options);
    g_test_add_func("/cli/mistakes", test_mistakes);
    g_test_add_func("/cli/help", test_help_wins);
    g_test_add_func("/cli/described", test_every_command_is_described);
    g_test_add_func("/cli/finding", test_finding);
    g_test_add_func("/cli/completion", test_completion);
    return g_test_run();
}
