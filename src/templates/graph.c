/* Placing stages between stages. Edges are refIds; a node keeps its place in the list, which is the order people see. Pure. */
#include "templates/graph.h"
#include <string.h>

typedef struct {
    char *ref_id;
    Json *stage;
    GPtrArray *requisites; /* of char *, each once */
} Node;

struct TemplateGraph {
    GPtrArray *nodes;   /* of Node *, owned */
    GHashTable *by_ref; /* refId → Node *, borrowed */
};

static void node_free(gpointer data) {
    Node *node = data;
    g_free(node->ref_id);
    json_unref(node->stage);
    g_ptr_array_unref(node->requisites);
    g_free(node);
}

TemplateGraph *template_graph_new(void) {
    TemplateGraph *graph = g_new0(TemplateGraph, 1);
    graph->nodes = g_ptr_array_new_with_free_func(node_free);
    graph->by_ref = g_hash_table_new(g_str_hash, g_str_equal);
    return graph;
}

void template_graph_free(TemplateGraph *graph) {
    if (graph == NULL)
        return;
    g_hash_table_unref(graph->by_ref);
    g_ptr_array_unref(graph->nodes);
    g_free(graph);
}

gboolean template_graph_has(const TemplateGraph *graph, const char *ref_id) {
    return g_hash_table_contains(graph->by_ref, ref_id);
}

/* ---- edges ---- */
static void require(Node *node, const char *ref_id) {
    if (!g_ptr_array_find_with_equal_func(node->requisites, ref_id, g_str_equal, NULL))
        g_ptr_array_add(node->requisites, g_strdup(ref_id));
}

static gboolean no_longer_require(Node *node, const char *ref_id) {
    guint at = 0;
    if (!g_ptr_array_find_with_equal_func(node->requisites, ref_id, g_str_equal, &at))
        return FALSE;
    g_ptr_array_remove_index(node->requisites, at);
    return TRUE;
}

static void require_all(Node *node, const GPtrArray *ref_ids) {
    for (guint i = 0; i < ref_ids->len; i++)
        require(node, ref_ids->pdata[i]);
}

static void require_listed(Node *node, const JsonValue *requisites) {
    for (JsonIter i = json_iter(json_is_array(requisites) ? requisites : NULL); json_next(&i);) {
        g_autofree char *ref_id = json_as_text(i.value);
        if (ref_id != NULL)
            require(node, ref_id);
    }
}

/* ---- nodes ---- */
static Node *add_node(TemplateGraph *graph, const char *ref_id, const JsonValue *stage, TemplateProblems *problems) {
    g_autofree char *location = g_strconcat("stages.", ref_id, NULL);
    if (template_graph_has(graph, ref_id))
        template_error(problems, location, "Stage refId %s is used more than once", ref_id);
    else if (graph->nodes->len >= TEMPLATE_STAGES_MAX)
        template_error(problems, location, "There are more than %d stages", TEMPLATE_STAGES_MAX);
    else {
        Node *node = g_new0(Node, 1);
        node->ref_id = g_strdup(ref_id);
        node->stage = json_copy(stage);
        node->requisites = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(graph->nodes, node);
        g_hash_table_insert(graph->by_ref, node->ref_id, node);
        return node;
    }
    return NULL;
}

void template_graph_add(TemplateGraph *graph, const char *ref_id, const JsonValue *stage, const JsonValue *requisites,
                        TemplateProblems *problems) {
    Node *node = add_node(graph, ref_id, stage, problems);
    if (node != NULL)
        require_listed(node, requisites);
}

void template_graph_replace(TemplateGraph *graph, const char *ref_id, const JsonValue *stage, const JsonValue *requisites) {
    Node *node = g_hash_table_lookup(graph->by_ref, ref_id);
    json_unref(node->stage);
    node->stage = json_copy(stage);
    if (!json_is_array(requisites))
        return;
    g_ptr_array_set_size(node->requisites, 0);
    require_listed(node, requisites);
}

Json *template_graph_requisites(const TemplateGraph *graph, const char *ref_id) {
    const Node *node = g_hash_table_lookup(graph->by_ref, ref_id);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint r = 0; node != NULL && r < node->requisites->len; r++)
        json_add_string(builder, NULL, node->requisites->pdata[r]);
    json_end_array(builder);
    return json_builder_end(builder);
}

void template_graph_remove(TemplateGraph *graph, const char *ref_id) {
    Node *gone = g_hash_table_lookup(graph->by_ref, ref_id);
    if (gone == NULL)
        return;
    g_hash_table_remove(graph->by_ref, ref_id);
    for (guint i = 0; i < graph->nodes->len; i++) {
        Node *node = graph->nodes->pdata[i];
        if (node != gone && no_longer_require(node, ref_id))
            require_all(node, gone->requisites);
    }
    g_ptr_array_remove(graph->nodes, gone);
}

/* ---- injection ---- */
static void inject_first(TemplateGraph *graph, Node *injected) {
    for (guint i = 0; i < graph->nodes->len; i++) {
        Node *node = graph->nodes->pdata[i];
        if (node != injected && node->requisites->len == 0)
            require(node, injected->ref_id);
    }
}

static void inject_last(TemplateGraph *graph, Node *injected) {
    g_autoptr(GHashTable) needed = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < graph->nodes->len; i++) {
        const Node *node = graph->nodes->pdata[i];
        for (guint r = 0; r < node->requisites->len; r++)
            g_hash_table_add(needed, node->requisites->pdata[r]);
    }
    for (guint i = 0; i < graph->nodes->len; i++) {
        const Node *node = graph->nodes->pdata[i];
        if (node != injected && !g_hash_table_contains(needed, node->ref_id))
            require(injected, node->ref_id);
    }
}

static void inject_before(TemplateGraph *graph, Node *injected, Node *target) {
    (void)graph;
    require_all(injected, target->requisites);
    g_ptr_array_set_size(target->requisites, 0);
    require(target, injected->ref_id);
}

static void inject_after(TemplateGraph *graph, Node *injected, Node *target) {
    for (guint i = 0; i < graph->nodes->len; i++) {
        Node *node = graph->nodes->pdata[i];
        if (node != injected && no_longer_require(node, target->ref_id))
            require(node, injected->ref_id);
    }
    require(injected, target->ref_id);
}

static const struct {
    const char *key;
    void (*everywhere)(TemplateGraph *graph, Node *injected);
    void (*at)(TemplateGraph *graph, Node *injected, Node *target);
} RULES[] = {
    {"first", inject_first, NULL},
    {"last", inject_last, NULL},
    {"before", NULL, inject_before},
    {"after", NULL, inject_after},
};

static gboolean is_given(const JsonValue *rule) {
    return json_is_true(rule) || json_length(rule) > 0 || (json_is_string(rule) && *json_string(rule) != '\0');
}

gboolean template_inject_is_rule(const JsonValue *inject) {
    for (gsize r = 0; r < G_N_ELEMENTS(RULES); r++)
        if (is_given(json_get(inject, RULES[r].key)))
            return TRUE;
    return FALSE;
}

static void inject_at(TemplateGraph *graph, Node *injected, gsize rule, const JsonValue *target, TemplateProblems *problems) {
    const char *name = json_string(target);
    Node *node = name != NULL ? g_hash_table_lookup(graph->by_ref, name) : NULL;
    if (node != NULL && node != injected) {
        RULES[rule].at(graph, injected, node);
        return;
    }
    g_autofree char *location = g_strdup_printf("stages.%s.inject.%s", injected->ref_id, RULES[rule].key);
    template_error(problems, location, "Stage %s is to be injected %s %s, which is no stage of the template", injected->ref_id,
                   RULES[rule].key, name != NULL ? name : "something that is no refId");
}

void template_graph_inject(TemplateGraph *graph, const char *ref_id, const JsonValue *stage, const JsonValue *inject,
                           TemplateProblems *problems) {
    Node *injected = add_node(graph, ref_id, stage, problems);
    gsize rule = 0;
    while (rule < G_N_ELEMENTS(RULES) && !is_given(json_get(inject, RULES[rule].key)))
        rule++;
    if (injected == NULL || rule == G_N_ELEMENTS(RULES))
        return;
    const JsonValue *targets = json_get(inject, RULES[rule].key);
    if (RULES[rule].everywhere != NULL) {
        RULES[rule].everywhere(graph, injected);
        return;
    }
    if (!json_is_array(targets))
        inject_at(graph, injected, rule, targets, problems);
    for (JsonIter i = json_iter(json_is_array(targets) ? targets : NULL); json_next(&i);)
        inject_at(graph, injected, rule, i.value, problems);
}

/* ---- checks ---- */
static guint *missing_counts(const TemplateGraph *graph, TemplateProblems *problems) {
    guint *left = g_new0(guint, graph->nodes->len + 1);
    for (guint i = 0; i < graph->nodes->len; i++) {
        const Node *node = graph->nodes->pdata[i];
        for (guint r = 0; r < node->requisites->len; r++) {
            const char *wanted = node->requisites->pdata[r];
            if (template_graph_has(graph, wanted)) {
                left[i]++;
                continue;
            }
            g_autofree char *location = g_strconcat("stages.", node->ref_id, NULL);
            template_error(problems, location, "Stage %s is behind stage %s, which does not exist", node->ref_id, wanted);
        }
    }
    return left;
}

/* For each refId the places of those that need it. */
static GHashTable *dependants(const TemplateGraph *graph) {
    GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_array_unref);
    for (guint i = 0; i < graph->nodes->len; i++) {
        const Node *node = graph->nodes->pdata[i];
        for (guint r = 0; r < node->requisites->len; r++) {
            GArray *places = g_hash_table_lookup(table, node->requisites->pdata[r]);
            if (places == NULL) {
                places = g_array_new(FALSE, FALSE, sizeof(guint));
                g_hash_table_insert(table, node->requisites->pdata[r], places);
            }
            g_array_append_val(places, i);
        }
    }
    return table;
}

void template_graph_check(const TemplateGraph *graph, TemplateProblems *problems) {
    g_autofree guint *left = missing_counts(graph, problems);
    g_autoptr(GHashTable) behind = dependants(graph);
    g_autoptr(GArray) ready = g_array_new(FALSE, FALSE, sizeof(guint));
    for (guint i = 0; i < graph->nodes->len; i++)
        if (left[i] == 0)
            g_array_append_val(ready, i);
    for (guint done = 0; done < ready->len; done++) {
        const Node *node = graph->nodes->pdata[g_array_index(ready, guint, done)];
        const GArray *places = g_hash_table_lookup(behind, node->ref_id);
        for (guint p = 0; places != NULL && p < places->len; p++) {
            guint place = g_array_index(places, guint, p);
            if (--left[place] == 0)
                g_array_append_val(ready, place);
        }
    }
    if (ready->len == graph->nodes->len)
        return;
    g_autoptr(GString) names = g_string_new(NULL);
    for (guint i = 0; i < graph->nodes->len; i++)
        if (left[i] > 0 && names->len < 200)
            g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", ((const Node *)graph->nodes->pdata[i])->ref_id);
    template_error(problems, "stages", "Stages wait for each other in a circle: %s", names->str);
}

Json *template_graph_stages(const TemplateGraph *graph) {
    static const char *const PLACING[] = {"inject", "dependsOn", "refId", "requisiteStageRefIds", NULL};
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < graph->nodes->len; i++) {
        const Node *node = graph->nodes->pdata[i];
        g_autoptr(Json) rest = json_without(json_root(node->stage), PLACING);
        json_begin_object(builder, NULL);
        json_add_string(builder, "refId", node->ref_id);
        json_begin_array(builder, "requisiteStageRefIds");
        for (guint r = 0; r < node->requisites->len; r++)
            json_add_string(builder, NULL, node->requisites->pdata[r]);
        json_end_array(builder);
        json_add_members(builder, json_root(rest));
        json_end_object(builder);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}
