/* Templates of version 1: stages with Jinja in them, inherited and put together (engine.md 24.2). For this room alone. */
#pragma once
#include "templates/graph.h"
#include "templates/jinja.h"
#include "templates/templates.h"

/* What is rendered, and against what. */
typedef struct {
    const TemplateRequest *request;
    const JsonValue *template; /* merged: modules and partials are found in it */
    const char *application;
    guint depth; /* of modules inside modules */
} TemplateRender;
#define TEMPLATE_MODULES_MAX 20 /* modules and partials inside each other */

/* The expanded pipeline, or NULL with problems, or NULL with *error when it could not be looked up. Caller owns. */
Json *template_plan_v1(const TemplateRequest *request, const JsonValue *pipeline, const JsonValue *configuration,
                       TemplateProblems *problems, GError **error);
/* A template with all it inherits merged into it. ERR_INVALID, ERR_NOT_FOUND, ERR_LIMIT … Caller owns. */
Json *template_resolve_v1(const TemplateRequest *request, const char *source, GError **error);
/* One template over its parent. Caller owns. */
Json *template_merge_v1(const JsonValue *parent, const JsonValue *child);
/* Every text of a value rendered; a text that was rendered and then looks like a number, switch, list or object becomes one. Caller owns. */
Json *template_render_value(const TemplateRender *render, const JsonValue *value, const JsonValue *scope, GError **error);
/* Every condition renders to "true". */
gboolean template_when(const TemplateRender *render, const JsonValue *when, const JsonValue *scope, gboolean *holds, GError **error);
/* The configuration's stages put into the template's, conditions, partials, injection: an array; NULL with problems. Caller owns. */
Json *template_stages_v1(const TemplateRender *render, const JsonValue *own_stages, const JsonValue *scope, TemplateProblems *problems);
/* The entry of a list whose "id" (or other key) is this, or NULL. */
const JsonValue *template_entry(const JsonValue *list, const char *key, const char *id);
