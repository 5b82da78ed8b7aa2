/* `lint`: what configuration and pipelines say, and what is wrong with them, with file and line. Offline, main thread. */
#include "cli/command.h"
#include "cli/composition.h"
#include "cli/document.h"
#include "cli/output.h"
#include "engine/graph.h"
#include "stages/stages.h"
#include <stdio.h>
#include <string.h>

typedef struct {
    gboolean all;        /* also what was understood */
    guint wrong, doubts; /* findings */
    guint understood;
} Lint;

static void say(Lint *lint, const char *file, guint line, const char *level, const char *what, const char *message) {
    guint *count = strcmp(level, "wrong") == 0 ? &lint->wrong : &lint->doubts;
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
                                         [CONFIG_UNKNOWN] = "unknown",
                                         [CONFIG_WRONG] = "wrong"};
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
            say(lint, finding->file, finding->line, LEVELS[finding->level], finding->key, finding->message);
            continue;
        }
        lint->understood++;
        if (lint->all)
            printf("%s:%u: understood: %s%s%s\n", finding->file, finding->line, finding->key, finding->message[0] != '\0' ? ": " : "",
                   finding->message);
    }
    if (sound && !stages_check_config(config, &error))
        say(lint, path, 0, LEVELS[CONFIG_WRONG], NULL, error->message);
}

/* ---- pipelines ---- */
static gboolean has_expression(const JsonValue *value) {
    g_autofree char *text = json_write(value, NULL);
    return strstr(text, "${") != NULL;
}

/* What a stage's parameters say is checked as far as they are fixed: an expression may become anything. */
static void lint_params(Lint *lint, const Document *document, const JsonValue *stage, const StageType *type, const char *name) {
    for (const Param *param = type->params; param != NULL && param->type != PARAM_END; param++) {
        const JsonValue *value = json_get(stage, param->name);
        if (value == NULL || has_expression(value))
            continue;
        const Param alone[] = {*param, {0}};
        g_autofree void *scratch = g_malloc0(type->params_size);
        g_autoptr(GError) error = NULL;
        if (!params_read(alone, stage, scratch, &error))
            say(lint, document->name, document_line(document, value), "wrong", name, error->message);
        params_clear(alone, scratch);
    }
}

static void collect_types(GPtrArray *names) {
    for (const StageType *const *type = stage_types.types; *type != NULL; type++) {
        g_ptr_array_add(names, (gpointer)(*type)->type);
        for (const char *const *alias = (*type)->aliases; alias != NULL && *alias != NULL; alias++)
            g_ptr_array_add(names, (gpointer)*alias);
    }
}

static void lint_stage(Lint *lint, const Document *document, const JsonValue *stage, gsize index) {
    const char *type = json_get_string(stage, "type"), *alias = json_get_string(stage, "alias"), *given = json_get_string(stage, "name");
    g_autofree char *name = given != NULL ? g_strdup_printf("stage %s", given) : g_strdup_printf("stage %" G_GSIZE_FORMAT, index + 1);
    if (!json_is_object(stage))
        return; /* the graph's check says so */
    if (type == NULL || type[0] == '\0') {
        say(lint, document->name, document_line(document, stage), "wrong", name, "type is missing");
        return;
    }
    const StageType *found = stage_types_find(&stage_types, alias != NULL ? alias : type);
    if (found != NULL) {
        lint_params(lint, document, stage, found, name);
        return;
    }
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    collect_types(names);
    const char *nearest = config_suggest(type, names);
    g_autofree char *message = g_strdup_printf("no stage type %s exists%s%s%s", type, nearest != NULL ? "; did you mean " : "",
                                               nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
    say(lint, document->name, document_line(document, json_get(stage, "type")), "wrong", name, message);
}

/* The stage that a message of the graph's check begins with, else the list of stages. */
static guint line_of_message(const Document *document, const JsonValue *stages, const char *message) {
    for (JsonIter i = json_iter(stages); json_is_array(stages) && json_next(&i);) {
        g_autofree char *ref = json_as_text(json_get(i.value, "refId"));
        g_autofree char *start = g_strdup_printf("stage \"%s\":", ref != NULL ? ref : "");
        if (g_str_has_prefix(message, start))
            return document_line(document, i.value);
    }
    return document_line(document, stages);
}

static void lint_pipeline(Lint *lint, const Document *document, const JsonValue *pipeline) {
    static const char *const NEEDED[] = {"application", "name"};
    guint line = document_line(document, pipeline);
    if (!json_is_object(pipeline)) {
        say(lint, document->name, line, "wrong", NULL, "a pipeline is an object");
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(NEEDED); i++)
        if (json_get_string(pipeline, NEEDED[i]) == NULL)
            say(lint, document->name, line, "wrong", NEEDED[i], "is missing");
    const JsonValue *stages = json_get(pipeline, "stages");
    g_autoptr(GPtrArray) messages = g_ptr_array_new_with_free_func(g_free);
    graph_validate(stages, messages);
    for (guint i = 0; i < messages->len; i++)
        say(lint, document->name, stages != NULL ? line_of_message(document, stages, messages->pdata[i]) : line, "wrong", NULL,
            messages->pdata[i]);
    for (JsonIter i = json_iter(stages); json_is_array(stages) && json_next(&i);)
        lint_stage(lint, document, i.value, i.index);
    lint->understood++;
}

/* ---- files ---- */
/* YAML that has stages at its top is a pipeline; all other YAML is configuration, which has rules of its own. */
static gboolean is_config(const char *path) {
    g_autoptr(Document) document = document_read(path, NULL);
    gboolean yaml = g_str_has_suffix(path, ".yml") || g_str_has_suffix(path, ".yaml");
    return yaml && (document == NULL || json_get(json_root(document->json), "stages") == NULL);
}

static void lint_file(Lint *lint, const char *path) {
    if (g_file_test(path, G_FILE_TEST_IS_DIR) || is_config(path)) {
        lint_config(lint, path);
        return;
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(Document) document = document_read(path, &error);
    if (document == NULL) {
        lint->wrong++;
        printf("%s\n", error->message);
        return;
    }
    const JsonValue *root = json_root(document->json);
    if (!json_is_array(root))
        lint_pipeline(lint, document, root);
    for (JsonIter i = json_iter(root); json_is_array(root) && json_next(&i);)
        lint_pipeline(lint, document, i.value);
}

static int run_lint(Invocation *call, GError **error) {
    (void)error;
    Lint lint = {.all = invocation_has(call, "all")};
    for (const char *const *path = invocation_arguments(call, "FILE"); *path != NULL; path++)
        lint_file(&lint, *path);
    printf("%u understood, %u to look at, %u wrong\n", lint.understood, lint.doubts, lint.wrong);
    return lint.wrong > 0 || (lint.doubts > 0 && invocation_has(call, "strict")) ? error_outward(ERR_INVALID)->exit_code : 0;
}

static const Option lint_options[] = {
    {"all", 'a', NULL, FALSE, "List also what was understood"},
    {"strict", 0, NULL, FALSE, "Fail also for keys that are unknown or have no meaning here"},
    {0},
};

const Command lint_commands[] = {
    {.verb = "lint",
     .arguments = "FILE…",
     .options = lint_options,
     .local = TRUE,
     .run = run_lint,
     .help = "Checks configuration (a file or a folder) and pipelines, with file, line and reason; needs no server.",
     .example = "gennaker lint ~/.local/share/gennaker/config pipeline.json"},
    {0},
};
