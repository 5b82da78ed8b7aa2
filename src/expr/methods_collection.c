/* What can be called on lists, sets, collections, maps and their entries. Changes are seen by the rest of the same
 * expression, never outside of it; what a literal made may not be changed. */
#include "expr/class.h"

#define ARGUMENTS ExprContext *context, const ExprValue *self, const ExprValue *const *arguments, guint n
#define UNUSED_N (void)n
#define UNUSED_ARGUMENTS ((void)arguments, (void)n)

static const ExprValue *fixed(ExprContext *context) {
    return expr_raise(context, EXCEPTION_UNSUPPORTED, "A literal list or map may not be changed");
}

/* -1: absent, or the steps ran out. */
static gint64 position_of(ExprContext *context, const ExprItems *items, const ExprValue *value) {
    for (guint i = 0; i < items->count && expr_charge(context, 1); i++)
        if (expr_equals(context, items->at[i], value))
            return i;
    return -1;
}

static const ExprValue *boolean_unless_failed(ExprContext *context, gboolean value) {
    return context->failed ? NULL : expr_bool(value);
}

/* ---- reading ---- */

static const ExprValue *list_size(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_int(context, expr_items(context, self)->count);
}

static const ExprValue *list_is_empty(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_bool(expr_items(context, self)->count == 0);
}

static const ExprValue *list_contains(ARGUMENTS) {
    UNUSED_N;
    return boolean_unless_failed(context, position_of(context, expr_items(context, self), arguments[0]) >= 0);
}

static const ExprValue *list_contains_all(ARGUMENTS) {
    UNUSED_N;
    if (arguments[0]->type == EXPR_NULL)
        return expr_raise(context, EXCEPTION_NULL_POINTER, "The argument of containsAll is null");
    const ExprItems *wanted = expr_items(context, arguments[0]);
    gboolean all = TRUE;
    for (guint i = 0; i < wanted->count && all; i++)
        all = position_of(context, expr_items(context, self), wanted->at[i]) >= 0;
    return boolean_unless_failed(context, all);
}

static const ExprValue *list_index_of(ARGUMENTS) {
    UNUSED_N;
    const gint64 at = position_of(context, expr_items(context, self), arguments[0]);
    return context->failed ? NULL : expr_int(context, at);
}

static const ExprValue *list_last_index_of(ARGUMENTS) {
    UNUSED_N;
    const ExprItems *items = expr_items(context, self);
    gint64 at = (gint64)items->count - 1;
    while (at >= 0 && expr_charge(context, 1) && !expr_equals(context, items->at[at], arguments[0]))
        at--;
    return context->failed ? NULL : expr_int(context, at);
}

static const ExprValue *list_sub_list(ARGUMENTS) {
    UNUSED_N;
    const ExprItems *items = expr_items(context, self);
    const gint64 from = arguments[0]->integer, to = arguments[1]->integer;
    if (from < 0 || to > items->count || from > to)
        return expr_raise(context, EXCEPTION_ARGUMENT,
                          "fromIndex(%" G_GINT64_FORMAT ") or toIndex(%" G_GINT64_FORMAT ") is out of bounds for size %u", from, to,
                          items->count);
    if (!expr_charge(context, (guint64)(to - from)))
        return NULL;
    return expr_list(context, items->at + from, (guint)(to - from));
}

/* ---- changing ---- */

static const ExprValue *list_add(ARGUMENTS) {
    UNUSED_N;
    ExprItems *items = expr_items(context, self);
    if (items->fixed)
        return fixed(context);
    expr_items_add(context, items, arguments[0]);
    return expr_bool(TRUE);
}

static gboolean insert(ExprContext *context, ExprItems *items, gint64 at, const ExprValue *value) {
    if (at < 0 || at > items->count) {
        expr_raise(context, EXCEPTION_ARGUMENT, "Index: %" G_GINT64_FORMAT ", Size: %u", at, items->count);
        return FALSE;
    }
    if (!expr_charge(context, 1 + items->count / 16))
        return FALSE;
    expr_items_add(context, items, value);
    memmove(items->at + at + 1, items->at + at, sizeof(ExprValue *) * (items->count - 1 - (gsize)at));
    items->at[at] = value;
    return TRUE;
}

static const ExprValue *list_add_at(ARGUMENTS) {
    UNUSED_N;
    ExprItems *items = expr_items(context, self);
    if (items->fixed)
        return fixed(context);
    return insert(context, items, arguments[0]->integer, arguments[1]) ? expr_null() : NULL;
}

static const ExprValue *list_add_all(ARGUMENTS) {
    UNUSED_N;
    ExprItems *items = expr_items(context, self);
    if (items->fixed || arguments[0]->type == EXPR_NULL)
        return items->fixed ? fixed(context) : expr_raise(context, EXCEPTION_NULL_POINTER, "The argument of addAll is null");
    const ExprItems *more = expr_items(context, arguments[0]);
    const guint count = more->count; /* it may be the same list */
    if (!expr_charge(context, count))
        return NULL;
    for (guint i = 0; i < count; i++)
        expr_items_add(context, items, more->at[i]);
    return expr_bool(count > 0);
}

static const ExprValue *list_clear(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    ExprItems *items = expr_items(context, self);
    if (items->fixed)
        return fixed(context);
    items->count = 0;
    return expr_null();
}

static void remove_at(ExprItems *items, guint at) {
    items->count--;
    memmove(items->at + at, items->at + at + 1, sizeof(ExprValue *) * (items->count - at));
}

static const ExprValue *list_remove(ARGUMENTS) {
    UNUSED_N;
    ExprItems *items = expr_items(context, self);
    if (items->fixed)
        return fixed(context);
    const gint64 at = position_of(context, items, arguments[0]);
    if (at >= 0)
        remove_at(items, (guint)at);
    return boolean_unless_failed(context, at >= 0);
}

static const ExprValue *keep_if_contained(ExprContext *context, const ExprValue *self, const ExprValue *other, gboolean contained) {
    ExprItems *items = expr_items(context, self);
    if (items->fixed || other->type == EXPR_NULL)
        return items->fixed ? fixed(context) : expr_raise(context, EXCEPTION_NULL_POINTER, "The argument is null");
    const ExprItems *wanted = expr_items(context, other);
    ExprItems kept = *expr_items_new(context, items->count);
    for (guint i = 0; i < items->count && !context->failed; i++)
        if ((position_of(context, wanted, items->at[i]) >= 0) == contained)
            expr_items_add(context, &kept, items->at[i]);
    const gboolean changed = kept.count != items->count;
    items->at = kept.at;
    items->count = kept.count;
    items->capacity = kept.capacity;
    return boolean_unless_failed(context, changed);
}

static const ExprValue *list_remove_all(ARGUMENTS) {
    UNUSED_N;
    return keep_if_contained(context, self, arguments[0], FALSE);
}

static const ExprValue *list_retain_all(ARGUMENTS) {
    UNUSED_N;
    return keep_if_contained(context, self, arguments[0], TRUE);
}

static int compare_elements(gconstpointer a, gconstpointer b, gpointer context) {
    int order = 0;
    const ExprValue *left = *(const ExprValue *const *)a, *right = *(const ExprValue *const *)b;
    if (!expr_charge(context, 1))
        return 0;
    if (left->type == EXPR_NULL || right->type == EXPR_NULL)
        expr_raise(context, EXCEPTION_NULL_POINTER, "A list with null cannot be sorted");
    else if (left->type != right->type)
        expr_raise(context, EXCEPTION_EVALUATION, "class %s cannot be cast to class %s", expr_class_name(left), expr_class_name(right));
    else
        expr_compare(context, left, right, &order);
    return order;
}

/* Only without a comparator: there is nothing in the language that could be one. */
static const ExprValue *list_sort(ARGUMENTS) {
    UNUSED_N;
    ExprItems *items = expr_items(context, self);
    if (items->fixed)
        return fixed(context);
    if (arguments[0]->type != EXPR_NULL)
        return expr_raise(context, EXCEPTION_EVALUATION, "EL1004E: Method call: Method sort(%s) cannot be found on type %s",
                          expr_class_name(arguments[0]), expr_class_name(self));
    if (items->count > 1)
        g_qsort_with_data(items->at, (gint)items->count, sizeof(ExprValue *), compare_elements, context);
    return context->failed ? NULL : expr_null();
}

static const ExprMethod collection_methods[] = {
    {"contains", "o", list_contains},
    {"containsAll", "L", list_contains_all},
    {"isEmpty", "", list_is_empty},
    {"size", "", list_size},
    {NULL, NULL, NULL},
};

static const ExprMethod list_methods[] = {
    {"add", "o", list_add},       {"add", "io", list_add_at},          {"addAll", "L", list_add_all},
    {"clear", "", list_clear},    {"indexOf", "o", list_index_of},     {"lastIndexOf", "o", list_last_index_of},
    {"remove", "o", list_remove}, {"removeAll", "L", list_remove_all}, {"retainAll", "L", list_retain_all},
    {"sort", "o", list_sort},     {"subList", "ii", list_sub_list},    {NULL, NULL, NULL},
};

/* ---- maps ---- */

static const ExprValue *map_size(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_int(context, expr_map(context, self)->count);
}

static const ExprValue *map_is_empty(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_bool(expr_map(context, self)->count == 0);
}

static gboolean has_key(ExprContext *context, const ExprMap *map, const ExprValue *key) {
    for (guint i = 0; i < map->count && expr_charge(context, 1); i++)
        if (expr_equals(context, map->keys[i], key))
            return TRUE;
    return FALSE;
}

/* Of the root: what the map itself holds, not what names are found elsewhere. */
static const ExprValue *map_contains_key(ARGUMENTS) {
    UNUSED_N;
    return boolean_unless_failed(context, has_key(context, expr_map(context, self), arguments[0]));
}

static const ExprValue *map_contains_value(ARGUMENTS) {
    UNUSED_N;
    const ExprMap *map = expr_map(context, self);
    gboolean found = FALSE;
    for (guint i = 0; i < map->count && !found && expr_charge(context, 1); i++)
        found = expr_equals(context, map->values[i], arguments[0]);
    return boolean_unless_failed(context, found);
}

static const ExprValue *column(ExprContext *context, const ExprValue *const *cells, guint n, ExprType type) {
    if (!expr_charge(context, n))
        return NULL;
    ExprItems *items = expr_items_new(context, n);
    for (guint i = 0; i < n; i++)
        expr_items_add(context, items, cells[i]);
    items->fixed = TRUE;
    return expr_items_value(context, type, items);
}

static const ExprValue *map_key_set(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    const ExprMap *map = expr_map(context, self);
    return column(context, map->keys, map->count, EXPR_SET);
}

static const ExprValue *map_values(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    const ExprMap *map = expr_map(context, self);
    return column(context, map->values, map->count, EXPR_COLLECTION);
}

static const ExprValue *map_entry_set(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    const ExprMap *map = expr_map(context, self);
    if (!expr_charge(context, map->count))
        return NULL;
    ExprItems *items = expr_items_new(context, map->count);
    for (guint i = 0; i < map->count; i++) {
        ExprValue *entry = EXPR_NEW(context, ExprValue);
        entry->type = EXPR_ENTRY;
        entry->entry.key = map->keys[i];
        entry->entry.value = map->values[i];
        expr_items_add(context, items, entry);
    }
    return expr_items_value(context, EXPR_SET, items);
}

static const ExprValue *map_clear(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    ExprMap *map = expr_map(context, self);
    if (map->fixed)
        return fixed(context);
    map->count = 0;
    return expr_null();
}

static const ExprValue *map_put_all(ARGUMENTS) {
    UNUSED_N;
    ExprMap *map = expr_map(context, self);
    if (map->fixed || arguments[0]->type == EXPR_NULL)
        return map->fixed ? fixed(context) : expr_raise(context, EXCEPTION_NULL_POINTER, "The argument of putAll is null");
    const ExprMap *more = expr_map(context, arguments[0]);
    const guint count = more->count;
    for (guint i = 0; i < count && !context->failed; i++)
        expr_map_put(context, map, more->keys[i], more->values[i]);
    return context->failed ? NULL : expr_null();
}

/* remove(key, value) and replace(key, old, new): only when the key has that value. */
static gint64 find_pair(ExprContext *context, const ExprMap *map, const ExprValue *key, const ExprValue *value) {
    for (guint i = 0; i < map->count && expr_charge(context, 1); i++)
        if (expr_equals(context, map->keys[i], key))
            return expr_equals(context, map->values[i], value) ? (gint64)i : -1;
    return -1;
}

static const ExprValue *map_remove_pair(ARGUMENTS) {
    UNUSED_N;
    ExprMap *map = expr_map(context, self);
    if (map->fixed)
        return fixed(context);
    const gint64 at = find_pair(context, map, arguments[0], arguments[1]);
    if (at >= 0)
        expr_map_remove_at(map, (guint)at);
    return boolean_unless_failed(context, at >= 0);
}

static const ExprValue *map_replace_pair(ARGUMENTS) {
    UNUSED_N;
    ExprMap *map = expr_map(context, self);
    if (map->fixed)
        return fixed(context);
    const gint64 at = find_pair(context, map, arguments[0], arguments[1]);
    if (at >= 0)
        map->values[at] = arguments[2];
    return boolean_unless_failed(context, at >= 0);
}

static const ExprMethod map_methods[] = {
    {"clear", "", map_clear},
    {"containsKey", "o", map_contains_key},
    {"containsValue", "o", map_contains_value},
    {"entrySet", "", map_entry_set},
    {"isEmpty", "", map_is_empty},
    {"keySet", "", map_key_set},
    {"putAll", "M", map_put_all},
    {"remove", "oo", map_remove_pair},
    {"replace", "ooo", map_replace_pair},
    {"size", "", map_size},
    {"values", "", map_values},
    {NULL, NULL, NULL},
};

const ExprClass expr_class_collection = {.name = "java.util.Collection", .methods = collection_methods, .parent = &expr_class_object};
const ExprClass expr_class_list = {.name = "java.util.ArrayList", .methods = list_methods, .parent = &expr_class_collection};
const ExprClass expr_class_set = {.name = "java.util.LinkedHashSet", .parent = &expr_class_collection};
const ExprClass expr_class_map = {.name = "java.util.LinkedHashMap", .methods = map_methods, .parent = &expr_class_object};
const ExprClass expr_class_entry = {.name = "java.util.Map.Entry", .parent = &expr_class_object};
