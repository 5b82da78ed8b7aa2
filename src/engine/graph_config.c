/* The graph as users write it: refIds for linear pipelines, and what is wrong with a graph before it runs. Pure. */
#include "engine/graph.h"

Json *graph_assign_ref_ids(const JsonValue *stages) {
    JsonIter iter = json_iter(stages);
    gboolean linear = TRUE;
    while (json_next(&iter))
        linear = linear && (!json_get(iter.value, "refId") || json_is_null(json_get(iter.value, "refId")));
    if (!linear)
        return json_copy(stages);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    iter = json_iter(stages);
    for (guint i = 0; json_next(&iter); i++) {
        g_autofree char *ref = g_strdup_printf("%u", i);
        g_autofree char *before = i ? g_strdup_printf("%u", i - 1) : NULL;
        const char *requisites[] = {before, NULL};
        const char *replaced[] = {"refId", "requisiteStageRefIds", NULL};
        g_autoptr(Json) rest = json_without(iter.value, replaced);
        json_begin_object(builder, NULL);
        json_add_members(builder, json_root(rest));
        json_add_string(builder, "refId", ref);
        json_add_strings(builder, "requisiteStageRefIds", requisites);
        json_end_object(builder);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

/* ---- validation ---- */
typedef struct {
    guint n;
    const JsonValue **stages;
    char **refs;        /* refId of each, as text */
    GHashTable *by_ref; /* refId to place + 1 */
    GPtrArray *messages;
} GraphCheck;

static const char *stage_title(const JsonValue *stage) {
    const char *name = json_get_string(stage, "name");
    return name ? name : json_get_string(stage, "type");
}

static void complain(GraphCheck *check, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void complain(GraphCheck *check, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    g_ptr_array_add(check->messages, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

static void check_ref_ids(GraphCheck *check) {
    for (guint i = 0; i < check->n; i++) {
        const char *title = stage_title(check->stages[i]);
        if (!json_is_object(check->stages[i]))
            continue;
        if (!check->refs[i])
            complain(check, "stage %u (%s): refId is missing, but other stages have one", i + 1, title ? title : "unnamed");
        else if (g_hash_table_contains(check->by_ref, check->refs[i]))
            complain(check, "stage %u (%s): refId \"%s\" is used by another stage", i + 1, title ? title : "unnamed", check->refs[i]);
        else
            g_hash_table_insert(check->by_ref, check->refs[i], GUINT_TO_POINTER(i + 1));
    }
}

static void check_requisites(GraphCheck *check) {
    for (guint i = 0; i < check->n; i++) {
        const JsonValue *requisites = json_get(check->stages[i], "requisiteStageRefIds");
        if (requisites && !json_is_null(requisites) && !json_is_array(requisites))
            complain(check, "stage \"%s\": requisiteStageRefIds is no list", check->refs[i] ? check->refs[i] : "?");
        JsonIter iter = json_iter(requisites);
        while (json_next(&iter)) {
            g_autofree char *ref = json_as_text(iter.value);
            if (!ref || !g_hash_table_contains(check->by_ref, ref))
                complain(check, "stage \"%s\": requisite stage \"%s\" does not exist", check->refs[i] ? check->refs[i] : "?",
                         ref ? ref : "?");
        }
    }
}

/* Places a stage waits for; duplicates do not matter here. */
static GArray *requisite_places(GraphCheck *check, guint i) {
    GArray *places = g_array_new(FALSE, FALSE, sizeof(guint));
    JsonIter iter = json_iter(json_get(check->stages[i], "requisiteStageRefIds"));
    while (json_next(&iter)) {
        g_autofree char *ref = json_as_text(iter.value);
        guint place = ref ? GPOINTER_TO_UINT(g_hash_table_lookup(check->by_ref, ref)) : 0;
        if (place-- > 0)
            g_array_append_val(places, place);
    }
    return places;
}

/* Strips stages whose requisites are all stripped; what is left holds a cycle, which is found by walking back. */
static void check_cycles(GraphCheck *check) {
    g_autoptr(GPtrArray) up = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
    g_autofree guint *missing = g_new0(guint, check->n + 1);
    g_autoptr(GPtrArray) down = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
    g_autoptr(GArray) open = g_array_new(FALSE, FALSE, sizeof(guint));
    for (guint i = 0; i < check->n; i++)
        g_ptr_array_add(down, g_array_new(FALSE, FALSE, sizeof(guint)));
    for (guint i = 0; i < check->n; i++) {
        GArray *places = requisite_places(check, i);
        g_ptr_array_add(up, places);
        missing[i] = places->len;
        for (guint k = 0; k < places->len; k++)
            g_array_append_val(g_ptr_array_index(down, g_array_index(places, guint, k)), i);
        if (!places->len)
            g_array_append_val(open, i);
    }
    while (open->len > 0) {
        GArray *next = g_ptr_array_index(down, g_array_index(open, guint, open->len - 1));
        g_array_set_size(open, open->len - 1);
        for (guint k = 0; k < next->len; k++) {
            guint each = g_array_index(next, guint, k);
            if (--missing[each] == 0)
                g_array_append_val(open, each);
        }
    }
    guint at = 0;
    while (at < check->n && !missing[at])
        at++;
    if (at == check->n)
        return;
    /* From any stage left, going to a requisite that is left too ends in a circle. */
    g_autofree guint *visited = g_new0(guint, check->n);
    g_autoptr(GPtrArray) path = g_ptr_array_new();
    while (!visited[at]) {
        visited[at] = path->len + 1;
        g_ptr_array_add(path, check->refs[at]);
        const GArray *places = g_ptr_array_index(up, at);
        guint k = 0;
        while (!missing[g_array_index(places, guint, k)])
            k++;
        at = g_array_index(places, guint, k);
    }
    g_autoptr(GString) circle = g_string_new(NULL);
    for (guint i = visited[at] - 1; i < path->len; i++)
        g_string_append_printf(circle, "\"%s\" waits for ", (char *)g_ptr_array_index(path, i));
    complain(check, "the stages form a cycle: %s\"%s\"", circle->str, check->refs[at]);
}

void graph_validate(const JsonValue *stages, GPtrArray *messages) {
    GraphCheck check = {.messages = messages};
    if (!stages || json_is_null(stages))
        return;
    if (!json_is_array(stages)) {
        complain(&check, "stages is no list");
        return;
    }
    if (json_length(stages) > PIPELINE_STAGES_MAX) {
        complain(&check, "%" G_GSIZE_FORMAT " stages are more than the limit of %d (PIPELINE_STAGES_MAX)", json_length(stages),
                 PIPELINE_STAGES_MAX);
        return;
    }
    guint n = (guint)json_length(stages);
    g_autofree const JsonValue **list = g_new0(const JsonValue *, n + 1);
    g_autoptr(GPtrArray) refs = g_ptr_array_new_full(n, g_free);
    g_autoptr(GHashTable) by_ref = g_hash_table_new(g_str_hash, g_str_equal);
    check = (GraphCheck){0, list, (char **)refs->pdata, by_ref, messages};
    gboolean any_ref = FALSE;
    JsonIter iter = json_iter(stages);
    while (json_next(&iter)) {
        if (!json_is_object(iter.value))
            complain(&check, "stage %u is no object", check.n + 1);
        g_ptr_array_add(refs, json_as_text(json_get(iter.value, "refId")));
        any_ref = any_ref || check.refs[check.n];
        list[check.n++] = iter.value;
    }
    if (!any_ref) /* linear: refIds are given later, requisites have no meaning */
        return;
    check_ref_ids(&check);
    check_requisites(&check);
    if (g_hash_table_size(by_ref) == n)
        check_cycles(&check);
}
