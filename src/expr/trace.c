/* The trace of an evaluation: what each part came to. Values are shown as they are, cut early: nothing is read of a container but what
 * is shown, nothing is charged and nothing can fail. */
#include "expr/class.h"
#include "expr/syntax.h"

#define ELEMENT_MAX 60 /* bytes of an element that is looked at */

static void entry_free(gpointer data) {
    ExprTraceEntry *entry = data;
    g_free(entry->expression);
    g_free(entry->type);
    g_free(entry->value);
    g_free(entry->reason);
    g_free(entry->element);
    g_free(entry);
}

void expr_trace_init(ExprTrace *trace) {
    *trace = (ExprTrace){.entries = g_ptr_array_new_with_free_func(entry_free)};
}

void expr_trace_clear(ExprTrace *trace) {
    g_clear_pointer(&trace->entries, g_ptr_array_unref);
}

/* At most so many bytes, whole characters; says when something is missing. Caller frees. */
static char *cut(const char *text, gsize length, gsize most) {
    g_autofree char *head = g_strndup(text, MIN(length, most));
    if (length > most) {
        const char *end = NULL;
        g_utf8_validate(head, -1, &end);
        head[end - head] = '\0';
    }
    g_autofree char *valid = g_utf8_make_valid(head, -1);
    return length > most ? g_strconcat(valid, "…", NULL) : g_steal_pointer(&valid);
}

/* ---- values ---- */
static void append_quoted(GString *into, const char *text, gsize length, gsize most) {
    g_autofree char *shown = cut(text, length, most);
    g_string_append_printf(into, "\"%s\"", shown);
}

/* Stops as soon as there is enough. Its depth is bounded by what is shown: each level costs a byte. */
static void append_json(GString *into, const JsonValue *json, gsize most) {
    if (into->len >= most)
        return;
    if (json_is_string(json)) {
        append_quoted(into, json_string(json), json_string_length(json), most);
        return;
    }
    gboolean object = json_is_object(json);
    if (!object && !json_is_array(json)) {
        g_autofree char *text = json_is_null(json) ? g_strdup("null") : json_as_text(json);
        g_string_append(into, text ? text : "");
        return;
    }
    g_string_append_c(into, object ? '{' : '[');
    guint at = 0;
    for (JsonIter i = json_iter(json); json_next(&i); at++) {
        g_string_append(into, at ? "," : "");
        if (into->len >= most)
            return;
        if (object) {
            append_quoted(into, i.key, strlen(i.key), most);
            g_string_append_c(into, ':');
        }
        append_json(into, i.value, most);
    }
    g_string_append_c(into, object ? '}' : ']');
}

static void append_value(GString *into, const ExprValue *value, gsize most);

static void append_items(GString *into, const ExprItems *items, gsize most) {
    if (items->json) {
        append_json(into, items->json, most);
        return;
    }
    g_string_append_c(into, '[');
    for (guint i = 0; i < items->count && into->len < most; i++) {
        g_string_append(into, i ? "," : "");
        append_value(into, items->at[i], most);
    }
    g_string_append_c(into, ']');
}

static void append_map(GString *into, const ExprMap *map, gsize most) {
    if (map->is_root) {
        g_string_append(into, "the root");
        return;
    }
    if (map->json) {
        append_json(into, map->json, most);
        return;
    }
    g_string_append_c(into, '{');
    for (guint i = 0; i < map->count && into->len < most; i++) {
        g_string_append(into, i ? "," : "");
        append_value(into, map->keys[i], most);
        g_string_append_c(into, ':');
        append_value(into, map->values[i], most);
    }
    g_string_append_c(into, '}');
}

static void append_value(GString *into, const ExprValue *value, gsize most) {
    if (into->len >= most)
        return;
    switch (value->type) {
    case EXPR_NULL:
        g_string_append(into, "null");
        break;
    case EXPR_BOOL:
        g_string_append(into, value->boolean ? "true" : "false");
        break;
    case EXPR_CHAR:
        g_string_append_c(into, '"');
        expr_append_unit(into, (gunichar2)value->integer);
        g_string_append_c(into, '"');
        break;
    case EXPR_INT:
    case EXPR_LONG:
        g_string_append_printf(into, "%" G_GINT64_FORMAT, value->integer);
        break;
    case EXPR_FLOAT:
    case EXPR_DOUBLE:
        expr_append_real(into, value->real, value->type == EXPR_FLOAT);
        break;
    case EXPR_BIG:
        g_string_append_len(into, value->string.text, (gssize)value->string.length);
        break;
    case EXPR_STRING:
        append_quoted(into, value->string.text, value->string.length, most);
        break;
    case EXPR_LIST:
    case EXPR_SET:
    case EXPR_COLLECTION:
    case EXPR_ARRAY:
        append_items(into, value->items, most);
        break;
    case EXPR_MAP:
        append_map(into, value->map, most);
        break;
    case EXPR_ENTRY:
        append_value(into, value->entry.key, most);
        g_string_append_c(into, '=');
        append_value(into, value->entry.value, most);
        break;
    case EXPR_TYPE:
        g_string_append_printf(into, "T(%s)", value->class->name);
        break;
    case EXPR_OBJECT: {
        const ExprObjectClass *foreign = value->object.foreign;
        g_string_append(into, foreign && foreign->text ? foreign->text(value->object.instance) : expr_class_name(value));
        break;
    }
    }
}

static char *describe(const ExprValue *value, gsize most) {
    g_autoptr(GString) text = g_string_new(NULL);
    append_value(text, value, most);
    return cut(text->str, text->len, most);
}

/* ---- entries ---- */
void expr_trace_note(ExprContext *context, const Node *node, const ExprValue *active, const ExprValue *value) {
    ExprTrace *trace = context->options->trace;
    gboolean failed = !value || context->failed;
    if ((failed && context->trace_told) || node->end <= node->start)
        return;
    context->trace_told = failed;
    if (trace->entries->len >= EXPR_TRACE_ENTRIES_MAX && !failed) {
        trace->dropped++;
        return;
    }
    ExprTraceEntry *entry = g_new0(ExprTraceEntry, 1);
    entry->depth = context->trace_depth;
    entry->expression = cut(context->source + node->start, node->end - node->start, EXPR_TRACE_VALUE_MAX);
    if (active && active != context->root)
        entry->element = describe(active, ELEMENT_MAX);
    if (failed) {
        entry->reason = g_strdup(context->message ? context->message : "it has no value");
    } else {
        entry->type = g_strdup(expr_class_name(value));
        entry->value = describe(value, EXPR_TRACE_VALUE_MAX);
    }
    g_ptr_array_add(trace->entries, entry);
}
