/* Which row of a class's table a call means, and its arguments converted to what the row wants.
 *
 * As in the reference: rows whose parameters accept the arguments as they are win, the first in the table among them (the
 * tables list the closest first); otherwise the one that accepts them by conversion; several such are ambiguous. */
#include "expr/class.h"

typedef enum { FIT_NONE, FIT_CONVERTED, FIT_CLOSE } Fit;

static const struct {
    char letter;
    const ExprClass *class;
} object_parameters[] = {
    {'D', &expr_class_local_date},
    {'T', &expr_class_local_date_time},
    {'P', &expr_class_instant},
    {'U', &expr_class_chrono_unit},
    {'J', &expr_class_date},
    {'u', &expr_class_uuid},
    {'W', &expr_class_day_of_week},
    {'A', &expr_class_local_date},
    {'A', &expr_class_local_date_time},
    {'A', &expr_class_instant},
};

static Fit fit_of_object(char letter, const ExprValue *value) {
    if (value->type != EXPR_OBJECT)
        return FIT_NONE;
    for (gsize i = 0; i < G_N_ELEMENTS(object_parameters); i++)
        if (object_parameters[i].letter == letter && object_parameters[i].class == value->object.class)
            return FIT_CLOSE;
    return FIT_NONE;
}

static Fit fit_of_number(ExprType wanted, const ExprValue *value) {
    if (value->type == wanted)
        return FIT_CLOSE;
    return expr_is_number(value) || value->type == EXPR_STRING || value->type == EXPR_CHAR ? FIT_CONVERTED : FIT_NONE;
}

static gboolean is_collection(const ExprValue *value) {
    return value->type == EXPR_LIST || value->type == EXPR_SET || value->type == EXPR_COLLECTION;
}

static gboolean is_foreign_text(const ExprValue *value) {
    return value->type == EXPR_OBJECT && value->object.foreign && value->object.foreign->text;
}

static Fit fit_of(char letter, const ExprValue *value) {
    if (value->type == EXPR_NULL)
        return strchr("cilfdb", letter) ? FIT_NONE : FIT_CLOSE;
    switch (letter) {
    case 'o':
        return FIT_CLOSE;
    case 's':
        return value->type == EXPR_STRING ? FIT_CLOSE : expr_converts_to_text(value) ? FIT_CONVERTED : FIT_NONE;
    case 'q':
        return value->type == EXPR_STRING || is_foreign_text(value) ? FIT_CLOSE : FIT_NONE;
    case 'c':
        return value->type == EXPR_CHAR ? FIT_CLOSE : value->type == EXPR_STRING || expr_is_number(value) ? FIT_CONVERTED : FIT_NONE;
    case 'i':
        return fit_of_number(EXPR_INT, value);
    case 'l':
        return fit_of_number(EXPR_LONG, value);
    case 'f':
        return fit_of_number(EXPR_FLOAT, value);
    case 'd':
        return fit_of_number(EXPR_DOUBLE, value);
    case 'b':
        return value->type == EXPR_BOOL ? FIT_CLOSE : value->type == EXPR_STRING ? FIT_CONVERTED : FIT_NONE;
    case 'L':
        return is_collection(value) ? FIT_CLOSE : FIT_CONVERTED;
    case 'I':
        return is_collection(value) ? FIT_CLOSE : FIT_NONE;
    case 'M':
        return value->type == EXPR_MAP ? FIT_CLOSE : FIT_NONE;
    case 'h':
        return value->type == EXPR_ARRAY && value->items->element == 'C' ? FIT_CLOSE : FIT_NONE;
    case 'y':
        return value->type == EXPR_ARRAY && value->items->element == 'B' ? FIT_CLOSE : FIT_NONE;
    default:
        return fit_of_object(letter, value);
    }
}

static const ExprValue *character_of(ExprContext *context, const ExprValue *value) {
    if (value->type == EXPR_STRING && expr_text_units(value) != 1)
        return expr_raise(context, EXCEPTION_EVALUATION, "EL1001E: Type conversion problem, a text of one character is wanted");
    return expr_integer(context, EXPR_CHAR, value->type == EXPR_STRING ? expr_text_unit(value, 0) : (gunichar2)expr_number_as_long(value));
}

/* A text is split at its commas, anything else is a list of one. */
static const ExprValue *collection_of(ExprContext *context, const ExprValue *value) {
    if (is_collection(value))
        return value;
    if (value->type == EXPR_ARRAY)
        return expr_items_value(context, EXPR_LIST, value->items);
    if (value->type != EXPR_STRING)
        return expr_list(context, &value, 1);
    g_auto(GStrv) parts = g_strsplit(value->string.text, ",", -1);
    ExprItems *items = expr_items_new(context, 0);
    for (char **part = parts; *part; part++)
        expr_items_add(context, items, expr_string(context, g_strstrip(*part)));
    return context->failed ? NULL : expr_items_value(context, EXPR_LIST, items);
}

static const ExprValue *convert(ExprContext *context, char letter, const ExprValue *value) {
    if (value->type == EXPR_NULL)
        return value;
    switch (letter) {
    case 's':
        return expr_convert_to_text(context, value);
    case 'q':
        return expr_java_text(context, value);
    case 'c':
        return value->type == EXPR_CHAR ? value : character_of(context, value);
    case 'i':
        return expr_convert_to_number(context, value, EXPR_INT);
    case 'l':
        return expr_convert_to_number(context, value, EXPR_LONG);
    case 'f':
        return expr_convert_to_number(context, value, EXPR_FLOAT);
    case 'd':
        return expr_convert_to_number(context, value, EXPR_DOUBLE);
    case 'b': {
        const int truth = expr_convert_to_boolean(context, value);
        return truth < 0 ? NULL : expr_bool(truth);
    }
    case 'L':
        return collection_of(context, value);
    default:
        return value;
    }
}

/* ---- rows ---- */

static gboolean is_varargs(const char *parameters) {
    const gsize length = strlen(parameters);
    return length > 0 && parameters[length - 1] == '*';
}

static char letter_at(const char *parameters, guint index) {
    const gsize length = strlen(parameters);
    return is_varargs(parameters) && index >= length - 2 ? parameters[length - 2] : parameters[index];
}

/* An array in the place of varargs stands for its elements. */
static Fit fit_of_array(char letter, const ExprItems *items) {
    Fit fit = FIT_CLOSE;
    for (guint i = 0; i < items->count; i++)
        fit = MIN(fit, fit_of(letter, items->at[i]));
    return fit;
}

static Fit fit_of_row(const ExprMethod *row, const ExprValue *const *arguments, guint n) {
    const gsize length = strlen(row->parameters);
    const gboolean varargs = is_varargs(row->parameters);
    if (varargs ? n < length - 2 : n != length)
        return FIT_NONE;
    Fit fit = FIT_CLOSE;
    for (guint i = 0; i < n; i++) {
        const gboolean spread = varargs && n == length - 1 && i == n - 1 && arguments[i]->type == EXPR_ARRAY;
        const char letter = letter_at(row->parameters, i);
        fit = MIN(fit, spread ? fit_of_array(letter, arguments[i]->items) : fit_of(letter, arguments[i]));
    }
    return fit;
}

typedef struct {
    const ExprMethod *close, *converted;
    gboolean ambiguous;
} Found;

static void look_through(const ExprMethod *rows, const char *name, const ExprValue *const *arguments, guint n, Found *found) {
    for (const ExprMethod *row = rows; row && row->name && !found->close; row++) {
        if (strcmp(row->name, name) != 0)
            continue;
        const Fit fit = fit_of_row(row, arguments, n);
        if (fit == FIT_CLOSE) {
            found->close = row;
        } else if (fit == FIT_CONVERTED) {
            found->ambiguous = found->converted != NULL;
            found->converted = row;
        }
    }
}

static const ExprValue *call_found(ExprContext *context, const Found *found, const ExprValue *self, const ExprValue *const *given,
                                   guint n) {
    const ExprMethod *row = found->close ? found->close : found->converted;
    const gsize fixed = is_varargs(row->parameters) ? strlen(row->parameters) - 2 : n;
    const gboolean spread = is_varargs(row->parameters) && n == fixed + 1 && given[fixed]->type == EXPR_ARRAY;
    const ExprItems *rest = spread ? expr_items(context, given[fixed]) : NULL;
    const guint count = spread ? (guint)fixed + rest->count : n;
    const ExprValue **arguments = expr_alloc(context, sizeof(ExprValue *) * (count + 1));
    for (guint i = 0; i < count; i++) {
        const ExprValue *value = spread && i >= fixed ? rest->at[i - fixed] : given[i];
        if (!(arguments[i] = convert(context, letter_at(row->parameters, i), value)))
            return NULL;
        if (arguments[i]->type == EXPR_STRING && !expr_charge_text(context, arguments[i]->string.length))
            return NULL;
    }
    if (self && self->type == EXPR_STRING && !expr_charge_text(context, self->string.length))
        return NULL;
    return row->call(context, self, arguments, count);
}

/* "contains(java.lang.Integer)" for messages. */
static char *describe_call(const char *name, const ExprValue *const *arguments, guint n) {
    GString *text = g_string_new(name);
    g_string_append_c(text, '(');
    for (guint i = 0; i < n; i++)
        g_string_append_printf(text, "%s%s", i ? "," : "", expr_class_name(arguments[i]));
    g_string_append_c(text, ')');
    return g_string_free(text, FALSE);
}

static const ExprValue *fail(ExprContext *context, const Found *found, const char *what, const char *where,
                             const ExprValue *const *arguments, guint n) {
    g_autofree char *call = describe_call(what, arguments, n);
    if (found->ambiguous)
        return expr_raise(context, EXCEPTION_EVALUATION,
                          "EL1056E: Method call of '%s' is ambiguous, supported type conversions allow multiple variants to match", call);
    return expr_raise(context, EXCEPTION_EVALUATION, "EL1004E: Method call: Method %s cannot be found on type %s", call, where);
}

/* getName() and isName() of an object of another room; NULL without failure when it has no such property. */
static const ExprValue *call_foreign_getter(ExprContext *context, const ExprValue *self, const char *name) {
    const char *property = g_str_has_prefix(name, "get") ? name + 3 : g_str_has_prefix(name, "is") ? name + 2 : "";
    if (!g_ascii_isupper(*property) || !self->object.foreign->get)
        return NULL;
    g_autofree char *lower = g_strdup(property);
    *lower = g_ascii_tolower(*lower);
    g_autoptr(GError) error = NULL;
    const ExprValue *value = self->object.foreign->get(context, self->object.instance, lower, &error);
    return error ? expr_raise(context, EXCEPTION_FUNCTION, "%s", error->message) : value;
}

const ExprValue *expr_call_method(ExprContext *context, const ExprValue *self, const char *name, const ExprValue *const *arguments,
                                  guint n) {
    Found found = {0};
    if (self->type == EXPR_OBJECT && self->object.foreign && n == 0) {
        const ExprValue *value = call_foreign_getter(context, self, name);
        if (value || context->failed)
            return value;
    }
    if (self->type == EXPR_TYPE)
        look_through(self->class->statics, name, arguments, n, &found);
    for (const ExprClass *class = expr_class_of(self); class && !found.close; class = class->parent)
        look_through(class->methods, name, arguments, n, &found);
    if (!found.close && (!found.converted || found.ambiguous))
        return fail(context, &found, name, self->type == EXPR_TYPE ? self->class->name : expr_class_name(self), arguments, n);
    return call_found(context, &found, self, arguments, n);
}

const ExprValue *expr_call_constructor(ExprContext *context, const ExprClass *class, const ExprValue *const *arguments, guint n) {
    Found found = {0};
    look_through(class->constructors, "new", arguments, n, &found);
    found.ambiguous = FALSE; /* of constructors the reference takes the last */
    if (!found.close && !found.converted)
        return fail(context, &found, "new", class->name, arguments, n);
    return call_found(context, &found, NULL, arguments, n);
}

gboolean expr_has_getter(const ExprValue *self, const char *name) {
    for (const ExprClass *class = expr_class_of(self); class; class = class->parent)
        for (const ExprMethod *row = class->methods; row && row->name; row++)
            if (strcmp(row->name, name) == 0 && !*row->parameters)
                return TRUE;
    return FALSE;
}
