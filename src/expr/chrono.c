/* java.time: ChronoUnit and DayOfWeek, each its number. */
#include "expr/moment.h"

#define ARGUMENTS ExprContext *context, const ExprValue *self, const ExprValue *const *arguments, guint n
#define UNUSED_SELF ((void)self, (void)n)
#define UNUSED_N (void)n
#define UNUSED_ARGUMENTS ((void)arguments, (void)n)

/* ---- ChronoUnit ---- */

static void unit_name(ExprContext *context, const ExprValue *self, GString *into) {
    (void)context;
    g_string_append(into, moment_units[self->object.first].name);
}

static const ExprValue *unit_name_value(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_string(context, moment_units[self->object.first].name);
}

static const ExprValue *unit_to_string(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_string(context, moment_units[self->object.first].text);
}

static const ExprValue *unit_value_of(ARGUMENTS) {
    UNUSED_SELF;
    for (gsize i = 0; arguments[0]->type == EXPR_STRING && i < MOMENT_UNITS; i++)
        if (strcmp(moment_units[i].name, arguments[0]->string.text) == 0)
            return expr_new_object(context, &expr_class_chrono_unit, (gint64)i, 0);
    return expr_raise(context, EXCEPTION_ARGUMENT, "No enum constant java.time.temporal.ChronoUnit.%.50s",
                      expr_text(context, arguments[0]));
}

static const ExprValue *all_of(ExprContext *context, const ExprClass *class, gint64 from, gint64 to) {
    ExprItems *items = expr_items_new(context, 0);
    for (gint64 i = from; i <= to; i++)
        expr_items_add(context, items, expr_new_object(context, class, i, 0));
    return expr_items_value(context, EXPR_ARRAY, items);
}

static const ExprValue *unit_values(ARGUMENTS) {
    UNUSED_SELF;
    (void)arguments;
    return all_of(context, &expr_class_chrono_unit, 0, MOMENT_UNITS - 1);
}

static const ExprValue *unit_between(ARGUMENTS) {
    UNUSED_N;
    if (arguments[0]->type == EXPR_NULL || arguments[1]->type == EXPR_NULL)
        return expr_raise(context, EXCEPTION_NULL_POINTER, "A date is null");
    return moment_between(context, arguments[0], arguments[1], &moment_units[self->object.first]);
}

static const ExprValue *number_of(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_int(context, self->object.first - (self->object.class == &expr_class_day_of_week));
}

static const ExprValue *unit_is_date_based(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    (void)context;
    return expr_bool(self->object.first >= MOMENT_DAYS && self->object.first != MOMENT_FOREVER);
}

static const ExprValue *unit_is_time_based(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    (void)context;
    return expr_bool(self->object.first < MOMENT_DAYS);
}

static const ExprMethod unit_methods[] = {{"isDateBased", "", unit_is_date_based},
                                          {"isTimeBased", "", unit_is_time_based},
                                          {"ordinal", "", number_of},
                                          {"between", "AA", unit_between},
                                          {"name", "", unit_name_value},
                                          {"toString", "", unit_to_string},
                                          {NULL, NULL, NULL}};
static const ExprMethod unit_statics[] = {{"valueOf", "s", unit_value_of}, {"values", "", unit_values}, {NULL, NULL, NULL}};
const ExprClass expr_class_chrono_unit = {.name = "java.time.temporal.ChronoUnit",
                                          .nameable = TRUE,
                                          .methods = unit_methods,
                                          .statics = unit_statics,
                                          .parent = &expr_class_object,
                                          .text = unit_name,
                                          .is_text = TRUE,
                                          .comparable = TRUE};

/* ---- DayOfWeek ---- */

static const char *const day_names[] = {"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"};

static const ExprValue *day_value(ExprContext *context, gint64 number) {
    return expr_new_object(context, &expr_class_day_of_week, number, 0);
}

const ExprValue *moment_day_of_week(ExprContext *context, const ExprValue *value) {
    return day_value(context, calendar_floor_mod(moment_day(value) + 3, 7) + 1);
}

static void day_name(ExprContext *context, const ExprValue *self, GString *into) {
    (void)context;
    g_string_append(into, day_names[self->object.first - 1]);
}

static const ExprValue *day_name_value(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_string(context, day_names[self->object.first - 1]);
}

static const ExprValue *day_get_value(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_int(context, self->object.first);
}

static const ExprValue *day_plus(ARGUMENTS) {
    UNUSED_N;
    return day_value(context, (self->object.first - 1 + calendar_floor_mod(arguments[0]->integer, 7)) % 7 + 1);
}

static const ExprValue *day_minus(ARGUMENTS) {
    UNUSED_N;
    return day_value(context, (self->object.first - 1 + 7 - calendar_floor_mod(arguments[0]->integer, 7)) % 7 + 1);
}

static const ExprValue *day_of_number(ARGUMENTS) {
    UNUSED_SELF;
    if (arguments[0]->integer < 1 || arguments[0]->integer > 7)
        return expr_raise(context, EXCEPTION_DATE_TIME, "Invalid value for DayOfWeek: %" G_GINT64_FORMAT, arguments[0]->integer);
    return day_value(context, arguments[0]->integer);
}

static const ExprValue *day_value_of(ARGUMENTS) {
    UNUSED_SELF;
    for (gsize i = 0; arguments[0]->type == EXPR_STRING && i < G_N_ELEMENTS(day_names); i++)
        if (strcmp(day_names[i], arguments[0]->string.text) == 0)
            return day_value(context, (gint64)i + 1);
    return expr_raise(context, EXCEPTION_ARGUMENT, "No enum constant java.time.DayOfWeek.%.50s", expr_text(context, arguments[0]));
}

static const ExprValue *day_values(ARGUMENTS) {
    UNUSED_SELF;
    (void)arguments;
    return all_of(context, &expr_class_day_of_week, 1, 7);
}

static const ExprValue *day_from(ARGUMENTS) {
    UNUSED_SELF;
    if (arguments[0]->type == EXPR_NULL || arguments[0]->object.class == &expr_class_instant)
        return expr_raise(context, EXCEPTION_DATE_TIME, "Unable to obtain DayOfWeek from %s", expr_class_name(arguments[0]));
    return moment_day_of_week(context, arguments[0]);
}

static const ExprValue *day_compare_to(ARGUMENTS) {
    UNUSED_N;
    return arguments[0]->type == EXPR_NULL ? expr_raise(context, EXCEPTION_NULL_POINTER, "The other day is null")
                                           : expr_int(context, self->object.first - arguments[0]->object.first);
}

static const ExprMethod day_methods[] = {
    {"ordinal", "", number_of}, {"compareTo", "W", day_compare_to}, {"getValue", "", day_get_value},
    {"minus", "l", day_minus},  {"name", "", day_name_value},       {"plus", "l", day_plus},
    {NULL, NULL, NULL},
};
static const ExprMethod day_statics[] = {
    {"from", "A", day_from}, {"of", "i", day_of_number}, {"valueOf", "s", day_value_of}, {"values", "", day_values}, {NULL, NULL, NULL}};
const ExprClass expr_class_day_of_week = {.name = "java.time.DayOfWeek",
                                          .nameable = TRUE,
                                          .methods = day_methods,
                                          .statics = day_statics,
                                          .parent = &expr_class_object,
                                          .text = day_name,
                                          .is_text = TRUE,
                                          .comparable = TRUE};
