/* Pipelines for `lint`. Main thread. */
#include "cli/lint.h"
#include "engine/graph.h"
#include "stages/stages.h"
#include "templates/templates.h"
#include "triggers/triggers.h"
#include <string.h>

/* ---- stages ---- */
static gboolean has_expression(const JsonValue *value) {
    g_autofree char *text = json_write(value, NULL);
    return strstr(text, "${") != NULL || strstr(text, "{{") != NULL || strstr(text, "{%") != NULL;
}

/* What a stage's parameters say is checked as far as they are fixed: an expression may become anything. */
static void lint_params(Lint *lint, const Document *document, const JsonValue *params, const StageType *type, const char *name) {
    for (const Param *param = type->params; param != NULL && param->type != PARAM_END; param++) {
        const JsonValue *value = json_get(params, param->name);
        if (value == NULL || has_expression(value))
            continue;
        const Param alone[] = {*param, {0}};
        g_autofree void *scratch = g_malloc0(type->params_size);
        g_autoptr(GError) error = NULL;
        if (!params_read(alone, params, scratch, &error))
            lint_say(lint, document->name, document_line(document, value), LINT_WRONG, name, error->message);
        params_clear(alone, scratch);
    }
}

static void collect_types(const Lint *lint, GPtrArray *names) {
    for (const StageType *const *type = stage_types.types; *type != NULL; type++) {
        g_ptr_array_add(names, (gpointer)(*type)->type);
        for (const char *const *alias = (*type)->aliases; alias != NULL && *alias != NULL; alias++)
            g_ptr_array_add(names, (gpointer)*alias);
    }
    for (guint i = 0; i < lint->preconfigured->len; i++)
        g_ptr_array_add(names, lint->preconfigured->pdata[i]);
}

static gboolean is_preconfigured(const Lint *lint, const char *type) {
    for (guint i = 0; i < lint->preconfigured->len; i++)
        if (g_strcmp0(lint->preconfigured->pdata[i], type) == 0)
            return TRUE;
    return FALSE;
}

static void say_no_such_type(Lint *lint, const Document *document, guint line, const char *type, const char *name) {
    if (lint_stage_comes(type)) {
        g_autofree char *message = g_strdup_printf(
            "stage type %s is one of Spinnaker's that is not there yet: such a pipeline cannot be started", type);
        lint_say(lint, document->name, line, LINT_WRONG, name, message);
        return;
    }
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    collect_types(lint, names);
    const char *nearest = config_suggest(type, names);
    g_autofree char *message = g_strdup_printf("no stage type %s exists%s%s%s", type, nearest != NULL ? "; did you mean " : "",
                                               nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
    lint_say(lint, document->name, line, LINT_WRONG, name, message);
}

void lint_stage(Lint *lint, const Document *document, const JsonValue *stage, const JsonValue *params, const char *name) {
    const char *type = json_get_string(stage, "type"), *alias = json_get_string(stage, "alias");
    if (type == NULL || type[0] == '\0') {
        lint_say(lint, document->name, document_line(document, stage), LINT_WRONG, name, "type is missing");
        return;
    }
    const StageType *found = stage_types_find(&stage_types, alias != NULL ? alias : type);
    if (found != NULL)
        lint_params(lint, document, params, found, name);
    else if (!is_preconfigured(lint, type) && !has_expression(json_get(stage, "type")))
        say_no_such_type(lint, document, document_line(document, json_get(stage, "type")), type, name);
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

static void lint_graph(Lint *lint, const Document *document, const JsonValue *stages, guint line) {
    g_autoptr(GPtrArray) messages = g_ptr_array_new_with_free_func(g_free);
    graph_validate(stages, messages);
    for (guint i = 0; i < messages->len; i++)
        lint_say(lint, document->name, stages != NULL ? line_of_message(document, stages, messages->pdata[i]) : line, LINT_WRONG, NULL,
                 messages->pdata[i]);
}

/* ---- triggers and artifacts ---- */
static void lint_triggers(Lint *lint, const Document *document, const JsonValue *triggers) {
    for (JsonIter i = json_iter(json_is_array(triggers) ? triggers : NULL); json_next(&i);) {
        const char *type = json_get_string(i.value, "type");
        guint line = document_line(document, i.value);
        g_autofree char *name = g_strdup_printf("trigger %" G_GSIZE_FORMAT "%s%s", i.index + 1, type != NULL ? ", " : "",
                                                type != NULL ? type : "");
        if (type == NULL)
            lint_say(lint, document->name, line, LINT_WRONG, name, "type is missing");
        else if (lint_trigger_comes(type) != NULL)
            lint_say(lint, document->name, line, LINT_NOT_YET, name, lint_trigger_comes(type));
        else if (!triggers_type_exists(type))
            lint_say(lint, document->name, line, LINT_UNKNOWN, name, "no trigger of this type exists: it starts nothing");
    }
}

static void lint_expected_artifacts(Lint *lint, const Document *document, const JsonValue *expected) {
    static const char *const PARTS[] = {"matchArtifact", "defaultArtifact"};
    for (JsonIter i = json_iter(json_is_array(expected) ? expected : NULL); json_next(&i);)
        for (gsize p = 0; p < G_N_ELEMENTS(PARTS); p++) {
            const JsonValue *type = json_get(json_get(i.value, PARTS[p]), "type");
            const char *coming = json_is_string(type) ? lint_artifact_comes(json_string(type)) : NULL;
            if (coming == NULL)
                continue;
            g_autofree char *name = g_strdup_printf("expected artifact %" G_GSIZE_FORMAT ", %s", i.index + 1, json_string(type));
            lint_say(lint, document->name, document_line(document, type), LINT_NOT_YET, name, coming);
        }
}

/* ---- notifications ---- */
static void lint_all_notifications(Lint *lint, const Document *document, const JsonValue *pipeline) {
    const JsonValue *stages = json_get(pipeline, "stages");
    lint_notifications(lint, document, json_get(pipeline, "notifications"), NULL, FALSE);
    for (JsonIter i = json_iter(json_is_array(stages) ? stages : NULL); json_next(&i);) {
        const char *name = json_get_string(i.value, "name");
        gboolean judgement = g_strcmp0(json_get_string(i.value, "type"), "manualJudgment") == 0;
        g_autofree char *of = name != NULL ? g_strdup_printf("stage %s", name) : g_strdup_printf("stage %" G_GSIZE_FORMAT, i.index + 1);
        if (judgement || json_is_true(json_get(i.value, "sendNotifications")))
            lint_notifications(lint, document, json_get(i.value, "notifications"), of, judgement);
    }
}

/* ---- pipelines ---- */
static void lint_pipeline(Lint *lint, const Document *document, const JsonValue *pipeline) {
    static const char *const NEEDED[] = {"application", "name"};
    guint line = document_line(document, pipeline);
    if (!json_is_object(pipeline)) {
        lint_say(lint, document->name, line, LINT_WRONG, NULL, "a pipeline is an object");
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(NEEDED); i++)
        if (json_get_string(pipeline, NEEDED[i]) == NULL)
            lint_say(lint, document->name, line, LINT_WRONG, NEEDED[i], "is missing");
    const JsonValue *stages = json_get(pipeline, "stages");
    if (!templates_apply_to(pipeline)) /* else they are put among those of the template */
        lint_graph(lint, document, stages, line);
    for (JsonIter i = json_iter(json_is_array(stages) ? stages : NULL); json_next(&i);) {
        const char *given = json_get_string(i.value, "name");
        g_autofree char *name = given != NULL ? g_strdup_printf("stage %s", given) : g_strdup_printf("stage %" G_GSIZE_FORMAT, i.index + 1);
        if (json_is_object(i.value)) /* else the graph's check has said so */
            lint_stage(lint, document, i.value, i.value, name);
    }
    lint_all_notifications(lint, document, pipeline);
    lint_triggers(lint, document, json_get(pipeline, "triggers"));
    lint_expected_artifacts(lint, document, json_get(pipeline, "expectedArtifacts"));
    lint->understood++;
}

static void lint_one(Lint *lint, const Document *document, const JsonValue *value) {
    if (lint_is_template(value))
        lint_template(lint, document, value);
    else
        lint_pipeline(lint, document, value);
}

void lint_documents(Lint *lint, const Document *document) {
    const JsonValue *root = json_root(document->json);
    if (!json_is_array(root))
        lint_one(lint, document, root);
    for (JsonIter i = json_iter(json_is_array(root) ? root : NULL); json_next(&i);)
        lint_one(lint, document, i.value);
}
