/* Which class a value has, which types may be named, and what every value can do. */
#include "expr/class.h"

const ExprClass *expr_class_of(const ExprValue *value) {
    static const ExprClass *const classes[] = {
        [EXPR_NULL] = &expr_class_object,   [EXPR_BOOL] = &expr_class_boolean, [EXPR_CHAR] = &expr_class_character,
        [EXPR_INT] = &expr_class_integer,   [EXPR_LONG] = &expr_class_long,    [EXPR_FLOAT] = &expr_class_float,
        [EXPR_DOUBLE] = &expr_class_double, [EXPR_BIG] = &expr_class_big,      [EXPR_STRING] = &expr_class_string,
        [EXPR_LIST] = &expr_class_list,     [EXPR_SET] = &expr_class_set,      [EXPR_COLLECTION] = &expr_class_collection,
        [EXPR_ARRAY] = &expr_class_array,   [EXPR_MAP] = &expr_class_map,      [EXPR_ENTRY] = &expr_class_entry,
        [EXPR_TYPE] = &expr_class_type,
    };
    return value->type == EXPR_OBJECT ? value->object.class : classes[value->type];
}

static const ExprClass *const nameable[] = {
    &expr_class_string,          &expr_class_date,      &expr_class_integer,     &expr_class_long,
    &expr_class_double,          &expr_class_byte,      &expr_class_date_format, &expr_class_math,
    &expr_class_random,          &expr_class_uuid,      &expr_class_boolean,     &expr_class_local_date,
    &expr_class_local_date_time, &expr_class_instant,   &expr_class_chrono_unit, &expr_class_day_of_week,
    &expr_class_url_encoder,     &expr_class_adjusters,
};

const ExprClass *expr_class_find(const char *name) {
    for (gsize i = 0; i < G_N_ELEMENTS(nameable); i++) {
        const char *full = nameable[i]->name;
        if (strcmp(full, name) == 0 || (g_str_has_prefix(full, "java.lang.") && strcmp(full + strlen("java.lang."), name) == 0))
            return nameable[i];
    }
    return NULL;
}

/* ---- what every object can do ---- */

static const ExprValue *object_equals(ExprContext *context, const ExprValue *self, const ExprValue *const *arguments, guint n) {
    (void)n;
    return expr_bool(expr_equals(context, self, arguments[0]));
}

static const ExprValue *object_hash_code(ExprContext *context, const ExprValue *self, const ExprValue *const *arguments, guint n) {
    (void)arguments;
    (void)n;
    return expr_int(context, expr_hash(context, self));
}

static const ExprValue *object_to_string(ExprContext *context, const ExprValue *self, const ExprValue *const *arguments, guint n) {
    (void)arguments;
    (void)n;
    return expr_java_text(context, self);
}

static const ExprMethod object_methods[] = {
    {"equals", "o", object_equals},
    {"hashCode", "", object_hash_code},
    {"toString", "", object_to_string},
    {NULL, NULL, NULL},
};
const ExprClass expr_class_object = {.name = "java.lang.Object", .methods = object_methods};
const ExprClass expr_class_type = {.name = "java.lang.Class", .parent = &expr_class_object};
const ExprClass expr_class_array = {.name = "java.lang.Object[]"}; /* no methods at all */
const ExprClass expr_class_adjusters = {.name = "java.time.temporal.TemporalAdjusters", .parent = &expr_class_object};

/* ---- objects of other rooms ---- */

static const ExprClass foreign = {.name = "java.lang.Object", .parent = &expr_class_object};

static const ExprValue *foreign_text(ExprContext *context, const ExprValue *self, const char *method, const ExprValue *const *arguments,
                                     guint n) {
    return expr_call_method(context, expr_string(context, self->object.foreign->text(self->object.instance)), method, arguments, n);
}

static const ExprValue *text_length(ExprContext *context, const ExprValue *self, const ExprValue *const *arguments, guint n) {
    return foreign_text(context, self, "length", arguments, n);
}

static const ExprValue *text_matches(ExprContext *context, const ExprValue *self, const ExprValue *const *arguments, guint n) {
    return foreign_text(context, self, "matches", arguments, n);
}

static const ExprValue *text_char_at(ExprContext *context, const ExprValue *self, const ExprValue *const *arguments, guint n) {
    return foreign_text(context, self, "charAt", arguments, n);
}

static const ExprMethod foreign_text_methods[] = {
    {"name", "", object_to_string}, {"length", "", text_length}, {"matches", "s", text_matches},
    {"charAt", "i", text_char_at},  {NULL, NULL, NULL},
};
static const ExprClass enumeration = {
    .name = "java.lang.Enum", .methods = foreign_text_methods, .parent = &expr_class_object, .is_text = TRUE};

const ExprClass *expr_class_foreign(void) {
    return &foreign;
}

const ExprClass *expr_class_foreign_text(void) {
    return &enumeration;
}
