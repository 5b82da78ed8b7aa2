/* Reading and changing what values hold: properties, indexes, elements; types and arrays by name. */
#include "expr/class.h"
#include "expr/operate.h"

#define ARRAY_MAX (256 * 1024) /* elements, as in the reference */

static const ExprValue *no_property(ExprContext *context, const ExprValue *target, const char *name) {
    return expr_raise(context, EXCEPTION_EVALUATION,
                      "EL1008E: Property or field '%s' cannot be found on object of type '%s' - maybe not public or not valid?", name,
                      expr_class_name(target));
}

/* getName, isName, or a method of just that name. */
static const ExprValue *call_getter(ExprContext *context, const ExprValue *target, const char *name) {
    static const char *const prefixes[] = {"get", "is", ""};
    for (gsize i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        g_autofree char *getter = g_strconcat(prefixes[i], name, NULL);
        gchar *first = getter + strlen(prefixes[i]);
        if (*prefixes[i])
            *first = g_ascii_toupper(*first);
        if (expr_has_getter(target, getter))
            return expr_call_method(context, target, getter, NULL, 0);
    }
    return no_property(context, target, name);
}

static const ExprValue *foreign_property(ExprContext *context, const ExprValue *target, const char *name) {
    g_autoptr(GError) error = NULL;
    g_autofree char *property = g_strdup(name);
    *property = g_ascii_tolower(*property);
    const ExprObjectClass *class = target->object.foreign;
    const ExprValue *value = class->get ? class->get(context, target->object.instance, property, &error) : NULL;
    if (error)
        return expr_raise(context, EXCEPTION_FUNCTION, "%s", error->message);
    return value || context->failed ? value : call_getter(context, target, name);
}

static const ExprValue *map_property(ExprContext *context, const ExprValue *target, const char *name) {
    const ExprValue *value = expr_map_find_text(context, target->map, name, strlen(name));
    if (value || context->failed)
        return value;
    return context->options->strict ? call_getter(context, target, name) : expr_null();
}

const ExprValue *expr_property(ExprContext *context, const ExprValue *target, const char *name) {
    switch (target->type) {
    case EXPR_NULL:
        return expr_raise(context, EXCEPTION_EVALUATION, "EL1007E: Property or field '%s' cannot be found on null", name);
    case EXPR_MAP:
        return map_property(context, target, name);
    case EXPR_ARRAY:
        return strcmp(name, "length") == 0 ? expr_int(context, target->items->count) : no_property(context, target, name);
    case EXPR_TYPE:
        return no_property(context, target, name);
    case EXPR_OBJECT:
        if (target->object.foreign)
            return foreign_property(context, target, name);
        break;
    default:
        break;
    }
    return call_getter(context, target, name);
}

/* FALSE after raising. */
static gboolean element_number(ExprContext *context, const ExprValue *target, const ExprValue *index, gsize count, gsize *into) {
    const ExprValue *number = expr_convert_to_number(context, index, EXPR_INT);
    if (!number)
        return FALSE;
    if (number->integer >= 0 && (guint64)number->integer < count) {
        *into = (gsize)number->integer;
        return TRUE;
    }
    const char *what = target->type == EXPR_STRING  ? "EL1068E: The string"
                       : target->type == EXPR_ARRAY ? "EL1024E: The array"
                                                    : "EL1025E: The collection";
    expr_raise(context, EXCEPTION_EVALUATION, "%s has '%" G_GSIZE_FORMAT "' elements, index '%" G_GINT64_FORMAT "' is invalid", what, count,
               number->integer);
    return FALSE;
}

static const ExprValue *character_at(ExprContext *context, const ExprValue *text, const ExprValue *index) {
    gsize at;
    if (!element_number(context, text, index, expr_text_units(text), &at))
        return NULL;
    g_autoptr(GString) character = g_string_new(NULL);
    expr_append_unit(character, expr_text_unit(text, at));
    return expr_text_copy(context, character->str, character->len);
}

const ExprValue *expr_index(ExprContext *context, const ExprValue *target, const ExprValue *index) {
    if (target->type == EXPR_NULL)
        return expr_raise(context, EXCEPTION_EVALUATION, "EL1012E: Cannot index into a null value");
    if (target->type == EXPR_MAP) {
        const ExprValue *value = expr_map_find(context, target->map, index);
        return value || context->failed ? value : expr_null();
    }
    if (target->type == EXPR_STRING)
        return expr_charge_text(context, target->string.length) ? character_at(context, target, index) : NULL;
    if (expr_is_list(target)) {
        const ExprItems *items = expr_items(context, target);
        gsize at;
        return element_number(context, target, index, items->count, &at) ? items->at[at] : NULL;
    }
    if (index->type == EXPR_STRING)
        return expr_property(context, target, index->string.text);
    return expr_raise(context, EXCEPTION_EVALUATION, "EL1027E: Indexing into type '%s' is not supported", expr_class_name(target));
}

/* ---- changing ---- */

static gboolean set_element(ExprContext *context, const ExprValue *target, const ExprValue *key, const ExprValue *value) {
    ExprItems *items = expr_items(context, target);
    gsize at;
    if (!element_number(context, target, key, items->count, &at))
        return FALSE;
    items->at[at] = value;
    return TRUE;
}

gboolean expr_set(ExprContext *context, const ExprValue *target, const ExprValue *key, const ExprValue *value) {
    const gboolean is_map = target->type == EXPR_MAP;
    const gboolean can_be_set = is_map || target->type == EXPR_LIST || (target->type == EXPR_ARRAY && target->items->element == 'L');
    if (!can_be_set || (is_map ? target->map->fixed : target->items->fixed)) {
        expr_raise(context, can_be_set ? EXCEPTION_UNSUPPORTED : EXCEPTION_EVALUATION, "EL1010E: A value of type '%s' cannot be changed",
                   expr_class_name(target));
        return FALSE;
    }
    if (!is_map)
        return set_element(context, target, key, value);
    ExprMap *map = expr_map(context, target);
    expr_map_put(context, map, key, value);
    return !context->failed;
}

void expr_map_put(ExprContext *context, ExprMap *map, const ExprValue *key, const ExprValue *value) {
    for (guint i = 0; i < map->count && expr_charge(context, 1); i++) {
        if (!expr_equals(context, map->keys[i], key))
            continue;
        map->values[i] = value;
        return;
    }
    if (!context->failed)
        expr_map_append(context, map, key, value);
}

/* ---- selections and projections ---- */

const ExprItems *expr_elements(ExprContext *context, const ExprValue *target, const char *what) {
    if (expr_is_list(target))
        return expr_items(context, target);
    if (target->type != EXPR_MAP) {
        expr_raise(context, EXCEPTION_EVALUATION, "%s is not supported on type '%s'", what, expr_class_name(target));
        return NULL;
    }
    const ExprMap *map = expr_map(context, target);
    ExprItems *entries = expr_items_new(context, map->count);
    for (guint i = 0; i < map->count; i++) {
        ExprValue *entry = EXPR_NEW(context, ExprValue);
        entry->type = EXPR_ENTRY;
        entry->entry.key = map->keys[i];
        entry->entry.value = map->values[i];
        expr_items_add(context, entries, entry);
    }
    return entries;
}

/* ---- types ---- */

const ExprValue *expr_type_value(ExprContext *context, const char *name) {
    const ExprClass *class = expr_class_find(name);
    if (!class)
        return expr_raise(context, EXCEPTION_EVALUATION, "EL1005E: Type cannot be found '%s'", name);
    ExprValue *value = EXPR_NEW(context, ExprValue);
    value->type = EXPR_TYPE;
    value->class = class;
    return value;
}

static const struct {
    const char *name;
    char element;
} primitives[] = {{"int", 'I'}, {"long", 'J'}, {"double", 'D'}, {"float", 'F'}, {"boolean", 'Z'}, {"char", 'C'}, {"byte", 'B'}};

static const ExprValue *element_of(ExprContext *context, char element, const ExprValue *value) {
    static const ExprValue nothing[] = {{.type = EXPR_INT},   {.type = EXPR_LONG}, {.type = EXPR_DOUBLE},
                                        {.type = EXPR_FLOAT}, {.type = EXPR_BOOL}, {.type = EXPR_CHAR}};
    const gsize kind = (gsize)(strchr("IJDFZC", element == 'B' ? 'I' : element) - "IJDFZC");
    if (!value)
        return &nothing[kind];
    if (element == 'Z') {
        const int truth = expr_convert_to_boolean(context, value);
        return truth < 0 ? NULL : expr_bool(truth);
    }
    if (element == 'C')
        return value->type == EXPR_CHAR
                   ? value
                   : expr_raise(context, EXCEPTION_EVALUATION, "EL1001E: '%s' is no character", expr_class_name(value));
    return expr_convert_to_number(context, value, nothing[kind].type);
}

const ExprValue *expr_new_array(ExprContext *context, const char *type, const ExprValue *size, const ExprValue *const *elements, guint n) {
    char element = 'L';
    for (gsize i = 0; i < G_N_ELEMENTS(primitives); i++)
        if (strcmp(primitives[i].name, type) == 0)
            element = primitives[i].element;
    const ExprClass *class = element == 'L' ? expr_class_find(type) : NULL;
    if (element == 'L' && !class)
        return expr_raise(context, EXCEPTION_EVALUATION, "EL1005E: Type cannot be found '%s'", type);
    const ExprValue *length = size->type == EXPR_NULL ? expr_int(context, n) : expr_convert_to_number(context, size, EXPR_INT);
    if (!length)
        return NULL;
    if (length->integer < 0 || length->integer > ARRAY_MAX || (elements && length->integer != n) ||
        !expr_charge(context, (guint64)length->integer))
        return expr_raise(context, EXCEPTION_EVALUATION, "EL1057E: An array cannot have %" G_GINT64_FORMAT " elements here",
                          length->integer);
    ExprItems *items = expr_items_new(context, (guint)length->integer);
    items->element = element;
    for (guint i = 0; i < (guint)length->integer; i++) {
        const ExprValue *value = elements ? elements[i] : NULL;
        if (element != 'L')
            value = element_of(context, element, value);
        else if (class == &expr_class_string && value)
            value = expr_convert_to_text(context, value);
        else
            value = value ? value : expr_null();
        if (!value)
            return NULL;
        expr_items_add(context, items, value);
    }
    return expr_items_value(context, EXPR_ARRAY, items);
}
