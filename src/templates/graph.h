/* Stages of a template while stages of its user are put between them (engine.md 24.1 step 5, 24.2). Pure; one owner, one thread. */
#pragma once
#include "templates/problems.h"

#define TEMPLATE_STAGES_MAX 5000

typedef struct TemplateGraph TemplateGraph;
TemplateGraph *template_graph_new(void);
void template_graph_free(TemplateGraph *graph);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TemplateGraph, template_graph_free)

/* A stage behind those its list of refIds names (NULL: behind none). stage: copied. A refId that is there already is a problem. */
void template_graph_add(TemplateGraph *graph, const char *ref_id, const JsonValue *stage, const JsonValue *requisites,
                        TemplateProblems *problems);
gboolean template_graph_has(const TemplateGraph *graph, const char *ref_id);
/* A stage in the place of the one of this refId; requisites NULL: those of the one it replaces. */
void template_graph_replace(TemplateGraph *graph, const char *ref_id, const JsonValue *stage, const JsonValue *requisites);
/* What a stage is behind, an array; caller owns. */
Json *template_graph_requisites(const TemplateGraph *graph, const char *ref_id);
/* A stage where inject {first|last|before|after} says; of several rules the first in this order counts. */
void template_graph_inject(TemplateGraph *graph, const char *ref_id, const JsonValue *stage, const JsonValue *inject,
                           TemplateProblems *problems);
/* TRUE when inject holds a rule at all. */
gboolean template_inject_is_rule(const JsonValue *inject);
/* Takes a stage out; those behind it are then behind what it was behind. */
void template_graph_remove(TemplateGraph *graph, const char *ref_id);
/* Requisites that do not exist, and cycles, become problems. */
void template_graph_check(const TemplateGraph *graph, TemplateProblems *problems);
/* The stages with refId and requisiteStageRefIds, without what placed them; an array, caller owns. */
Json *template_graph_stages(const TemplateGraph *graph);
