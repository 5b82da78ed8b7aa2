/* `lint`: what configuration, pipelines and templates say, and what is wrong with them, with file and line. Offline, main thread. */
#include "cli/lint.h"
#include "cli/command.h"
#include "cli/composition.h"
#include "cli/output.h"
#include "stages/stages.h"
#include "stages/webhook/webhook.h"
#include <stdio.h>
#include <string.h>

void lint_say(Lint *lint, const char *file, guint line, const char *level, const char *what, const char *message) {
    guint *count = strcmp(level, LINT_WRONG) == 0 ? &lint->wrong : &lint->doubts;
    ++*count;
    g_autofree char *place = line > 0 ? g_strdup_printf("%s:%u", file, line) : g_strdup(file);
    g_autofree char *text = g_strdup_printf("%s: %s: %s%s%s", place, level, what != NULL ? what : "", what != NULL ? ": " : "", message);
    g_autofree char *clean = output_clean(text);
    puts(clean);
}

/* ---- configuration ---- */
static void lint_config(Lint *lint, const char *path) {
    static const char *const LEVELS[] = {[CONFIG_UNDERSTOOD] = "understood",
                                         [CONFIG_NO_MEANING] = "no meaning here",
                                         [CONFIG_UNKNOWN] = LINT_UNKNOWN,
                                         [CONFIG_WRONG] = LINT_WRONG,
                                         [CONFIG_NOT_YET] = LINT_NOT_YET};
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_load(path, &error);
    if (config == NULL) {
        lint->wrong++;
        printf("%s\n", error->message);
        return;
    }
    g_autoptr(GPtrArray) findings = config_lint(config, composition_config_sections());
    gboolean sound = TRUE;
    for (guint i = 0; i < findings->len; i++) {
        const ConfigFinding *finding = findings->pdata[i];
        sound = sound && finding->level != CONFIG_WRONG;
        if (finding->level != CONFIG_UNDERSTOOD) {
            lint_say(lint, finding->file, finding->line, LEVELS[finding->level], finding->key, finding->message);
            continue;
        }
        lint->understood++;
        if (lint->all)
            printf("%s:%u: understood: %s%s%s\n", finding->file, finding->line, finding->key, finding->message[0] != '\0' ? ": " : "",
                   finding->message);
    }
    if (sound && !stages_check_config(config, &error))
        lint_say(lint, path, 0, LEVELS[CONFIG_WRONG], NULL, error->message);
}

/* ---- files ---- */
/* YAML that has stages or a schema at its top is a pipeline or a template; all other YAML is configuration, which has rules of its own. */
static gboolean is_config(const char *path) {
    if (g_file_test(path, G_FILE_TEST_IS_DIR))
        return TRUE;
    if (!g_str_has_suffix(path, ".yml") && !g_str_has_suffix(path, ".yaml"))
        return FALSE;
    g_autoptr(Document) document = document_read(path, NULL);
    const JsonValue *root = document != NULL ? json_root(document->json) : NULL;
    return !json_is_array(root) && json_get(root, "stages") == NULL && json_get_string(root, "schema") == NULL;
}

/* Stage types that a configuration adds: pipelines beside it may use them. */
static void note_preconfigured(Lint *lint, const char *path) {
    g_autoptr(Config) config = config_load(path, NULL);
    g_auto(WebhookSettings) settings = {0};
    if (config == NULL || !webhook_settings_read(config, &settings, NULL))
        return;
    for (JsonIter i = json_iter(json_root(settings.preconfigured)); json_next(&i);)
        if (json_get_bool(i.value, "enabled", TRUE))
            g_ptr_array_add(lint->preconfigured, g_strdup(json_get_string(i.value, "type")));
}

static void lint_file(Lint *lint, const char *path) {
    if (is_config(path)) {
        lint_config(lint, path);
        return;
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(Document) document = document_read(path, &error);
    if (document != NULL) {
        lint_documents(lint, document);
        return;
    }
    lint->wrong++;
    printf("%s\n", error->message);
}

static int run_lint(Invocation *call, GError **error) {
    (void)error;
    g_autoptr(GPtrArray) preconfigured = g_ptr_array_new_with_free_func(g_free);
    Lint lint = {.all = invocation_has(call, "all"), .preconfigured = preconfigured};
    const char *const *paths = invocation_arguments(call, "FILE");
    for (const char *const *path = paths; *path != NULL; path++)
        if (strcmp(*path, "-") != 0 && is_config(*path))
            note_preconfigured(&lint, *path);
    for (const char *const *path = paths; *path != NULL; path++)
        lint_file(&lint, *path);
    printf("%u understood, %u to look at, %u wrong\n", lint.understood, lint.doubts, lint.wrong);
    return lint.wrong > 0 || (lint.doubts > 0 && invocation_has(call, "strict")) ? error_outward(ERR_INVALID)->exit_code : 0;
}

static const Option lint_options[] = {
    {"all", 'a', NULL, FALSE, "List also what was understood"},
    {"strict", 0, NULL, FALSE, "Fail also for what is unknown, not there yet or has no meaning here"},
    {0},
};

const Command lint_commands[] = {
    {.verb = "lint",
     .arguments = "FILE…",
     .options = lint_options,
     .local = TRUE,
     .run = run_lint,
     .help = "Checks configuration (a file or a folder), pipelines and pipeline templates, with file, line and reason; needs no server. "
             "Pipelines "
             "may use the preconfigured webhooks of a configuration that is given with them.",
     .example = "gennaker lint ~/.local/share/gennaker/config pipeline.json"},
    {0},
};
