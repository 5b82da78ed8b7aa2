/* Pipeline templates for `lint`, versions 1 and 2 (engine.md 24). Main thread. */
#include "cli/lint.h"
#include <string.h>

#define VARIABLES "templateVariables."

static gboolean is_version_2(const JsonValue *root) {
    return g_strcmp0(json_get_string(root, "schema"), "v2") == 0;
}

/* What is made from a template has its address; a template has not. */
gboolean lint_is_template(const JsonValue *root) {
    const char *schema = json_get_string(root, "schema");
    if (schema == NULL)
        return FALSE;
    if (is_version_2(root))
        return json_get(root, "template") == NULL;
    return json_get(root, "pipeline") == NULL && json_get(root, "config") == NULL &&
           (json_get(root, "stages") != NULL || json_get(root, "source") != NULL || json_get(root, "configuration") != NULL);
}

/* ---- variables ---- */
static GHashTable *declared_variables(Lint *lint, const Document *document, const JsonValue *template) {
    GHashTable *names = g_hash_table_new(g_str_hash, g_str_equal);
    for (JsonIter i = json_iter(json_get(template, "variables")); json_next(&i);) {
        const char *name = json_get_string(i.value, "name");
        g_autofree char *place = g_strdup_printf("variable %" G_GSIZE_FORMAT, i.index + 1);
        if (name == NULL || *name == '\0')
            lint_say(lint, document->name, document_line(document, i.value), LINT_WRONG, place, "name is missing");
        else if (!g_hash_table_add(names, (gpointer)name))
            lint_say(lint, document->name, document_line(document, i.value), LINT_WRONG, name, "is declared twice");
    }
    return names;
}

typedef struct {
    Lint *lint;
    const Document *document;
    GHashTable *declared;
} Usage;

static void check_text(const Usage *usage, const JsonValue *value) {
    const char *text = json_string(value);
    while ((text = strstr(text, VARIABLES)) != NULL) {
        text += strlen(VARIABLES);
        gsize length = 0;
        while (g_ascii_isalnum(text[length]) || text[length] == '_')
            length++;
        g_autofree char *name = g_strndup(text, length);
        if (length == 0 || g_hash_table_contains(usage->declared, name))
            continue;
        g_autofree char *message = g_strdup_printf(VARIABLES "%s is not among the template's variables", name);
        lint_say(usage->lint, usage->document->name, document_line(usage->document, value), LINT_WRONG, NULL, message);
    }
}

static void check_usage(const Usage *usage, const JsonValue *value) {
    if (json_is_string(value))
        check_text(usage, value);
    for (JsonIter i = json_iter(value); json_next(&i);)
        check_usage(usage, i.value);
}

/* ---- version 2 ---- */
static void lint_version_2(Lint *lint, const Document *document, const JsonValue *template) {
    const JsonValue *pipeline = json_get(template, "pipeline"), *stages = json_get(pipeline, "stages");
    if (!json_is_object(pipeline)) {
        lint_say(lint, document->name, document_line(document, template), LINT_WRONG, "pipeline",
                 "is missing: the pipeline that the template stands for");
        return;
    }
    for (JsonIter i = json_iter(json_is_array(stages) ? stages : NULL); json_next(&i);) {
        const char *given = json_get_string(i.value, "name");
        g_autofree char *name = given != NULL ? g_strdup_printf("stage %s", given) : g_strdup_printf("stage %" G_GSIZE_FORMAT, i.index + 1);
        if (json_is_object(i.value))
            lint_stage(lint, document, i.value, i.value, name);
        else
            lint_say(lint, document->name, document_line(document, i.value), LINT_WRONG, name, "a stage is an object");
    }
}

/* ---- version 1 ---- */
static gboolean may_have_others(const JsonValue *template) {
    return json_get(template, "source") != NULL || json_length(json_get(template, "modules")) > 0 ||
           json_length(json_get(template, "partials")) > 0;
}

static void lint_requisites(Lint *lint, const Document *document, const JsonValue *stage, const char *name, GHashTable *ids) {
    for (JsonIter i = json_iter(json_get(stage, "dependsOn")); json_next(&i);) {
        const char *other = json_string(i.value);
        if (other == NULL || strstr(other, "{{") != NULL || g_hash_table_contains(ids, other))
            continue;
        g_autofree char *message = g_strdup_printf("dependsOn: no stage %s exists", other);
        lint_say(lint, document->name, document_line(document, i.value), LINT_WRONG, name, message);
    }
}

static void lint_version_1(Lint *lint, const Document *document, const JsonValue *template) {
    const JsonValue *stages = json_get(template, "stages");
    g_autoptr(GHashTable) ids = g_hash_table_new(g_str_hash, g_str_equal);
    for (JsonIter i = json_iter(json_is_array(stages) ? stages : NULL); json_next(&i);) {
        const char *id = json_get_string(i.value, "id");
        g_autofree char *place = g_strdup_printf("stage %" G_GSIZE_FORMAT, i.index + 1);
        if (id == NULL)
            lint_say(lint, document->name, document_line(document, i.value), LINT_WRONG, place, "id is missing");
        else if (!g_hash_table_add(ids, (gpointer)id))
            lint_say(lint, document->name, document_line(document, i.value), LINT_WRONG, id, "is there twice");
    }
    for (JsonIter i = json_iter(json_is_array(stages) ? stages : NULL); json_next(&i);) {
        const char *id = json_get_string(i.value, "id"), *type = json_get_string(i.value, "type");
        g_autofree char *name = g_strdup_printf("stage %s", id != NULL ? id : "without id");
        if (type == NULL || !g_str_has_prefix(type, "partial."))
            lint_stage(lint, document, i.value, json_get(i.value, "config"), name);
        if (!may_have_others(template))
            lint_requisites(lint, document, i.value, name, ids);
    }
}

void lint_template(Lint *lint, const Document *document, const JsonValue *template) {
    if (json_get_string(template, "id") == NULL)
        lint_say(lint, document->name, document_line(document, template), LINT_WRONG, "id", "is missing");
    g_autoptr(GHashTable) declared = declared_variables(lint, document, template);
    if (is_version_2(template)) {
        const Usage usage = {lint, document, declared};
        check_usage(&usage, json_get(template, "pipeline"));
        lint_version_2(lint, document, template);
    } else {
        lint_version_1(lint, document, template);
    }
    lint->understood++;
}
