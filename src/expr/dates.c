/* java.time: LocalDate, LocalDateTime, Instant. */
#include "expr/moment.h"

#define ARGUMENTS ExprContext *context, const ExprValue *self, const ExprValue *const *arguments, guint n
#define UNUSED_SELF ((void)self, (void)n)
#define UNUSED_N (void)n
#define UNUSED_ARGUMENTS ((void)arguments, (void)n)

/* ---- what all three share ---- */

static const ExprValue *add(ARGUMENTS) {
    UNUSED_N;
    if (arguments[1]->type == EXPR_NULL)
        return expr_raise(context, EXCEPTION_NULL_POINTER, "The unit is null");
    return moment_plus(context, self, arguments[0]->integer, &moment_units[arguments[1]->object.first]);
}

static const ExprValue *subtract_units(ExprContext *context, const ExprValue *self, gint64 count, const MomentUnit *unit) {
    return count == G_MININT64 ? moment_out_of_range(context) : moment_plus(context, self, -count, unit);
}

static const ExprValue *subtract(ARGUMENTS) {
    UNUSED_N;
    if (arguments[1]->type == EXPR_NULL)
        return expr_raise(context, EXCEPTION_NULL_POINTER, "The unit is null");
    return subtract_units(context, self, arguments[0]->integer, &moment_units[arguments[1]->object.first]);
}

#define PLUS_AND_MINUS(suffix, unit)                                                                                                       \
    static const ExprValue *plus_##suffix(ARGUMENTS) {                                                                                     \
        UNUSED_N;                                                                                                                          \
        return moment_plus(context, self, arguments[0]->integer, &moment_units[unit]);                                                     \
    }                                                                                                                                      \
    static const ExprValue *minus_##suffix(ARGUMENTS) {                                                                                    \
        UNUSED_N;                                                                                                                          \
        return subtract_units(context, self, arguments[0]->integer, &moment_units[unit]);                                                  \
    }
PLUS_AND_MINUS(nanos_, MOMENT_NANOS)
PLUS_AND_MINUS(millis, MOMENT_MILLIS)
PLUS_AND_MINUS(seconds, MOMENT_SECONDS)
PLUS_AND_MINUS(minutes, MOMENT_MINUTES)
PLUS_AND_MINUS(hours, MOMENT_HOURS)
PLUS_AND_MINUS(days, MOMENT_DAYS)
PLUS_AND_MINUS(weeks, MOMENT_WEEKS)
PLUS_AND_MINUS(months_, MOMENT_MONTHS)
PLUS_AND_MINUS(years, MOMENT_YEARS)

static const ExprValue *until(ARGUMENTS) {
    UNUSED_N;
    if (arguments[0]->type == EXPR_NULL || arguments[1]->type == EXPR_NULL)
        return expr_raise(context, EXCEPTION_NULL_POINTER, "An argument of until is null");
    return moment_between(context, self, arguments[0], &moment_units[arguments[1]->object.first]);
}

/* FALSE after raising. */
static gboolean order_of(ExprContext *context, const ExprValue *a, const ExprValue *b, int *order) {
    if (b->type != EXPR_NULL)
        return expr_compare(context, a, b, order);
    expr_raise(context, EXCEPTION_NULL_POINTER, "The other date is null");
    return FALSE;
}

static const ExprValue *is_before(ARGUMENTS) {
    UNUSED_N;
    int order;
    return order_of(context, self, arguments[0], &order) ? expr_bool(order < 0) : NULL;
}

static const ExprValue *is_after(ARGUMENTS) {
    UNUSED_N;
    int order;
    return order_of(context, self, arguments[0], &order) ? expr_bool(order > 0) : NULL;
}

static const ExprValue *is_same(ARGUMENTS) {
    UNUSED_N;
    int order;
    return order_of(context, self, arguments[0], &order) ? expr_bool(order == 0) : NULL;
}

/* Java answers with the difference in years, else in months, else in days; of times with -1, 0, 1. */
static const ExprValue *compare_to(ARGUMENTS) {
    UNUSED_N;
    int order;
    if (!order_of(context, self, arguments[0], &order))
        return NULL;
    if (self->object.class == &expr_class_instant || moment_day(self) == moment_day(arguments[0]))
        return expr_int(context, order);
    const Civil a = calendar_civil(moment_day(self)), b = calendar_civil(moment_day(arguments[0]));
    return expr_int(context, a.year != b.year ? a.year - b.year : a.month != b.month ? a.month - b.month : a.day - b.day);
}

static const ExprValue *truncated_to(ARGUMENTS) {
    UNUSED_N;
    if (arguments[0]->type == EXPR_NULL)
        return expr_raise(context, EXCEPTION_NULL_POINTER, "The unit is null");
    const MomentUnit *unit = &moment_units[arguments[0]->object.first];
    const gint64 day = moment_day(self), second = moment_second_of_day(self);
    if (unit->days == 1)
        return moment_value(context, self->object.class, day * SECONDS_PER_DAY, 0);
    if (!unit->nanos)
        return moment_unsupported(context, unit);
    const gint64 nanos = second * NANOS_PER_SECOND + self->object.second, kept = nanos - nanos % unit->nanos;
    return moment_value(context, self->object.class, day * SECONDS_PER_DAY + kept / NANOS_PER_SECOND, kept % NANOS_PER_SECOND);
}

/* ---- fields ---- */

#define FIELD(name, expression)                                                                                                            \
    static const ExprValue *name(ARGUMENTS) {                                                                                              \
        UNUSED_ARGUMENTS;                                                                                                                  \
        const Civil civil = calendar_civil(moment_day(self));                                                                              \
        (void)civil;                                                                                                                       \
        return expr_int(context, expression);                                                                                              \
    }
FIELD(get_year, civil.year)
FIELD(get_month_value, civil.month)
FIELD(get_day_of_month, civil.day)
FIELD(get_day_of_year, moment_day(self) - calendar_days(civil.year, 1, 1) + 1)
FIELD(get_hour, moment_second_of_day(self) / 3600)
FIELD(get_minute, moment_second_of_day(self) / 60 % 60)
FIELD(get_second, moment_second_of_day(self) % 60)
FIELD(get_nano, self->object.second)
FIELD(length_of_month, calendar_month_length(civil.year, civil.month))
FIELD(length_of_year, calendar_is_leap(civil.year) ? 366 : 365)

static const ExprValue *is_leap_year(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    (void)context;
    return expr_bool(calendar_is_leap(calendar_civil(moment_day(self)).year));
}

static const ExprValue *get_day_of_week(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return moment_day_of_week(context, self);
}

static const ExprValue *with_year(ARGUMENTS) {
    UNUSED_N;
    const Civil civil = calendar_civil(moment_day(self));
    return moment_on_civil(context, self, arguments[0]->integer, civil.month, civil.day);
}

static const ExprValue *with_month(ARGUMENTS) {
    UNUSED_N;
    const Civil civil = calendar_civil(moment_day(self));
    return moment_on_civil(context, self, civil.year, arguments[0]->integer, civil.day);
}

static const ExprValue *with_day_of_month(ARGUMENTS) {
    UNUSED_N;
    const Civil civil = calendar_civil(moment_day(self));
    if (arguments[0]->integer > calendar_month_length(civil.year, civil.month))
        return expr_raise(context, EXCEPTION_DATE_TIME, "Invalid date: day %" G_GINT64_FORMAT, arguments[0]->integer);
    return moment_on_civil(context, self, civil.year, civil.month, arguments[0]->integer);
}

static const ExprValue *with_day_of_year(ARGUMENTS) {
    UNUSED_N;
    const gint64 year = calendar_civil(moment_day(self)).year, day = arguments[0]->integer;
    if (day < 1 || day > 365 + calendar_is_leap(year))
        return expr_raise(context, EXCEPTION_DATE_TIME, "Invalid date: day %" G_GINT64_FORMAT " of the year", day);
    return moment_on_day(context, self, calendar_days(year, 1, 1) + day - 1);
}

static const ExprValue *with_time(ExprContext *context, const ExprValue *self, gint64 value, gint64 max, gint64 seconds_each) {
    if (value < 0 || value > max)
        return expr_raise(context, EXCEPTION_DATE_TIME, "Invalid time: %" G_GINT64_FORMAT " is not within 0 and %" G_GINT64_FORMAT, value,
                          max);
    if (!seconds_each)
        return moment_value(context, self->object.class, self->object.first, value);
    const gint64 old = moment_second_of_day(self) / seconds_each % (max + 1);
    return moment_value(context, self->object.class, self->object.first + (value - old) * seconds_each, self->object.second);
}

static const ExprValue *with_hour(ARGUMENTS) {
    UNUSED_N;
    return with_time(context, self, arguments[0]->integer, 23, 3600);
}

static const ExprValue *with_minute(ARGUMENTS) {
    UNUSED_N;
    return with_time(context, self, arguments[0]->integer, 59, 60);
}

static const ExprValue *with_second(ARGUMENTS) {
    UNUSED_N;
    return with_time(context, self, arguments[0]->integer, 59, 1);
}

static const ExprValue *with_nano(ARGUMENTS) {
    UNUSED_N;
    return with_time(context, self, arguments[0]->integer, NANOS_PER_SECOND - 1, 0);
}

/* ---- LocalDate ---- */

static void date_text(ExprContext *context, const ExprValue *self, GString *into) {
    (void)context;
    calendar_append_date(into, self->object.first);
}

/* FALSE after raising. */
static gboolean civil_arguments(ExprContext *context, const ExprValue *const *arguments, gint64 *day) {
    const gint64 year = arguments[0]->integer, month = arguments[1]->integer, of_month = arguments[2]->integer;
    if (year > CALENDAR_YEAR_MAX || year < -CALENDAR_YEAR_MAX || month < 1 || month > 12 || of_month < 1 ||
        of_month > calendar_month_length(year, (int)month)) {
        expr_raise(context, EXCEPTION_DATE_TIME, "Invalid date %" G_GINT64_FORMAT "-%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT, year, month,
                   of_month);
        return FALSE;
    }
    *day = calendar_days(year, (int)month, (int)of_month);
    return TRUE;
}

static const ExprValue *date_of(ARGUMENTS) {
    UNUSED_SELF;
    gint64 day;
    return civil_arguments(context, arguments, &day) ? moment_date(context, day) : NULL;
}

static const ExprValue *date_of_epoch_day(ARGUMENTS) {
    UNUSED_SELF;
    return moment_date(context, arguments[0]->integer);
}

static const ExprValue *date_of_year_day(ARGUMENTS) {
    UNUSED_SELF;
    if (arguments[0]->integer > CALENDAR_YEAR_MAX || arguments[0]->integer < -CALENDAR_YEAR_MAX)
        return moment_out_of_range(context);
    const ExprValue *first = moment_date(context, calendar_days(arguments[0]->integer, 1, 1));
    return first ? with_day_of_year(context, first, arguments + 1, 1) : NULL;
}

static const ExprValue *date_parse(ARGUMENTS) {
    UNUSED_SELF;
    const char *at = arguments[0]->type == EXPR_STRING ? arguments[0]->string.text : "";
    gint64 day;
    return moment_take_date(&at, &day) && !*at ? moment_date(context, day) : moment_cannot_parse(context, arguments[0]);
}

static const ExprValue *date_from(ARGUMENTS) {
    UNUSED_SELF;
    if (arguments[0]->type == EXPR_NULL || arguments[0]->object.class == &expr_class_instant)
        return expr_raise(context, EXCEPTION_DATE_TIME, "Unable to obtain LocalDate from %s", expr_class_name(arguments[0]));
    return moment_date(context, moment_day(arguments[0]));
}

static Moment local_now(ExprContext *context) {
    const gint64 now = context->options->now_ms, seconds = calendar_floor_div(now, 1000);
    return (Moment){seconds + calendar_zone_offset(context, seconds), calendar_floor_mod(now, 1000) * 1000000};
}

static const ExprValue *date_now(ARGUMENTS) {
    UNUSED_SELF;
    (void)arguments;
    const Moment now = local_now(context);
    return context->failed ? NULL : moment_date(context, calendar_floor_div(now.seconds, SECONDS_PER_DAY));
}

static const ExprValue *to_epoch_day(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_integer(context, EXPR_LONG, self->object.first);
}

static const ExprValue *at_start_of_day(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return moment_value(context, &expr_class_local_date_time, self->object.first * SECONDS_PER_DAY, 0);
}

static const ExprValue *time_on_day(ExprContext *context, gint64 day, const ExprValue *const *arguments, guint n) {
    static const gint64 max[] = {23, 59, 59, NANOS_PER_SECOND - 1}, each[] = {3600, 60, 1, 0};
    gint64 seconds = day * SECONDS_PER_DAY;
    for (guint i = 0; i < n; i++) {
        if (arguments[i]->integer < 0 || arguments[i]->integer > max[i])
            return expr_raise(context, EXCEPTION_DATE_TIME, "Invalid time: %" G_GINT64_FORMAT, arguments[i]->integer);
        seconds += arguments[i]->integer * each[i];
    }
    return moment_value(context, &expr_class_local_date_time, seconds, n == 4 ? arguments[3]->integer : 0);
}

static const ExprValue *at_time(ARGUMENTS) {
    return time_on_day(context, self->object.first, arguments, n);
}

#define DATE_METHODS(same)                                                                                                                 \
    {"compareTo", same, compare_to}, {"getDayOfMonth", "", get_day_of_month}, {"getDayOfWeek", "", get_day_of_week},                       \
        {"getDayOfYear", "", get_day_of_year}, {"getMonthValue", "", get_month_value}, {"getYear", "", get_year},                          \
        {"isAfter", same, is_after}, {"isBefore", same, is_before}, {"isEqual", same, is_same}, {"minus", "lU", subtract},                 \
        {"minusDays", "l", minus_days}, {"minusMonths", "l", minus_months_}, {"minusWeeks", "l", minus_weeks},                             \
        {"minusYears", "l", minus_years}, {"plus", "lU", add}, {"plusDays", "l", plus_days}, {"plusMonths", "l", plus_months_},            \
        {"plusWeeks", "l", plus_weeks}, {"plusYears", "l", plus_years}, {"until", "AU", until},                                            \
        {"withDayOfMonth", "i", with_day_of_month}, {"withDayOfYear", "i", with_day_of_year}, {"withMonth", "i", with_month}, {            \
        "withYear", "i", with_year                                                                                                         \
    }

static const ExprMethod date_methods[] = {
    DATE_METHODS("D"),
    {"atStartOfDay", "", at_start_of_day},
    {"atTime", "ii", at_time},
    {"atTime", "iii", at_time},
    {"atTime", "iiii", at_time},
    {"isLeapYear", "", is_leap_year},
    {"lengthOfMonth", "", length_of_month},
    {"lengthOfYear", "", length_of_year},
    {"toEpochDay", "", to_epoch_day},
    {NULL, NULL, NULL},
};
static const ExprMethod date_statics[] = {
    {"from", "A", date_from},
    {"now", "", date_now},
    {"of", "iii", date_of},
    {"ofEpochDay", "l", date_of_epoch_day},
    {"ofYearDay", "ii", date_of_year_day},
    {"parse", "q", date_parse},
    {NULL, NULL, NULL},
};
const ExprClass expr_class_local_date = {.name = "java.time.LocalDate",
                                         .nameable = TRUE,
                                         .methods = date_methods,
                                         .statics = date_statics,
                                         .parent = &expr_class_object,
                                         .text = date_text,
                                         .comparable = TRUE};

/* ---- LocalDateTime ---- */

static void date_time_text(ExprContext *context, const ExprValue *self, GString *into) {
    (void)context;
    calendar_append_date(into, moment_day(self));
    g_string_append_c(into, 'T');
    calendar_append_time(into, moment_second_of_day(self), self->object.second, self->object.class == &expr_class_instant);
    if (self->object.class == &expr_class_instant)
        g_string_append_c(into, 'Z');
}

static const ExprValue *date_time_of(ARGUMENTS) {
    (void)self;
    gint64 day;
    return civil_arguments(context, arguments, &day) ? time_on_day(context, day, arguments + 3, n - 3) : NULL;
}

static const ExprValue *date_time_parse(ARGUMENTS) {
    UNUSED_SELF;
    const char *at = arguments[0]->type == EXPR_STRING ? arguments[0]->string.text : "";
    Moment moment;
    if (!moment_take_date_time(&at, &moment) || *at)
        return moment_cannot_parse(context, arguments[0]);
    return moment_value(context, &expr_class_local_date_time, moment.seconds, moment.nanos);
}

static const ExprValue *date_time_now(ARGUMENTS) {
    UNUSED_SELF;
    (void)arguments;
    const Moment now = local_now(context);
    return context->failed ? NULL : moment_value(context, &expr_class_local_date_time, now.seconds, now.nanos);
}

static const ExprValue *itself(ARGUMENTS) {
    UNUSED_SELF;
    (void)context;
    return arguments[0];
}

static const ExprValue *to_local_date(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return moment_date(context, moment_day(self));
}

static const ExprMethod date_time_methods[] = {
    DATE_METHODS("T"),
    {"getHour", "", get_hour},
    {"getMinute", "", get_minute},
    {"getNano", "", get_nano},
    {"getSecond", "", get_second},
    {"minusHours", "l", minus_hours},
    {"minusMinutes", "l", minus_minutes},
    {"minusNanos", "l", minus_nanos_},
    {"minusSeconds", "l", minus_seconds},
    {"plusHours", "l", plus_hours},
    {"plusMinutes", "l", plus_minutes},
    {"plusNanos", "l", plus_nanos_},
    {"plusSeconds", "l", plus_seconds},
    {"toLocalDate", "", to_local_date},
    {"truncatedTo", "U", truncated_to},
    {"withHour", "i", with_hour},
    {"withMinute", "i", with_minute},
    {"withNano", "i", with_nano},
    {"withSecond", "i", with_second},
    {NULL, NULL, NULL},
};
static const ExprMethod date_time_statics[] = {
    {"from", "T", itself},
    {"now", "", date_time_now},
    {"of", "iiiii", date_time_of},
    {"of", "iiiiii", date_time_of},
    {"of", "iiiiiii", date_time_of},
    {"parse", "q", date_time_parse},
    {NULL, NULL, NULL},
};
const ExprClass expr_class_local_date_time = {.name = "java.time.LocalDateTime",
                                              .nameable = TRUE,
                                              .methods = date_time_methods,
                                              .statics = date_time_statics,
                                              .parent = &expr_class_object,
                                              .text = date_time_text,
                                              .comparable = TRUE};

/* ---- Instant ---- */

static const ExprValue *instant_now(ARGUMENTS) {
    UNUSED_SELF;
    (void)arguments;
    const gint64 now = context->options->now_ms;
    return moment_value(context, &expr_class_instant, calendar_floor_div(now, 1000), calendar_floor_mod(now, 1000) * 1000000);
}

static const ExprValue *instant_of_second(ARGUMENTS) {
    (void)self;
    const ExprValue *instant = moment_value(context, &expr_class_instant, arguments[0]->integer, 0);
    return instant && n == 2 ? moment_plus_nanos(context, instant, arguments[1]->integer, 1) : instant;
}

static const ExprValue *instant_of_milli(ARGUMENTS) {
    UNUSED_SELF;
    const gint64 ms = arguments[0]->integer;
    return moment_value(context, &expr_class_instant, calendar_floor_div(ms, 1000), calendar_floor_mod(ms, 1000) * 1000000);
}

static const ExprValue *instant_parse(ARGUMENTS) {
    UNUSED_SELF;
    const char *at = arguments[0]->type == EXPR_STRING ? arguments[0]->string.text : "";
    Moment moment;
    gint64 offset;
    if (!moment_take_date_time(&at, &moment) || !moment_take_zone(&at, &offset) || *at)
        return moment_cannot_parse(context, arguments[0]);
    return moment_value(context, &expr_class_instant, moment.seconds - offset, moment.nanos);
}

static const ExprValue *get_epoch_second(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_integer(context, EXPR_LONG, self->object.first);
}

static const ExprValue *to_epoch_milli(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    gint64 ms;
    if (__builtin_mul_overflow(self->object.first, (gint64)1000, &ms))
        return expr_raise(context, EXCEPTION_ARITHMETIC, "long overflow");
    return expr_integer(context, EXPR_LONG, ms + self->object.second / 1000000);
}

static const ExprMethod instant_methods[] = {
    {"compareTo", "P", compare_to},
    {"getEpochSecond", "", get_epoch_second},
    {"getNano", "", get_nano},
    {"isAfter", "P", is_after},
    {"isBefore", "P", is_before},
    {"minus", "lU", subtract},
    {"minusMillis", "l", minus_millis},
    {"minusNanos", "l", minus_nanos_},
    {"minusSeconds", "l", minus_seconds},
    {"plus", "lU", add},
    {"plusMillis", "l", plus_millis},
    {"plusNanos", "l", plus_nanos_},
    {"plusSeconds", "l", plus_seconds},
    {"toEpochMilli", "", to_epoch_milli},
    {"truncatedTo", "U", truncated_to},
    {"until", "AU", until},
    {NULL, NULL, NULL},
};
static const ExprMethod instant_statics[] = {
    {"from", "P", itself},
    {"now", "", instant_now},
    {"ofEpochMilli", "l", instant_of_milli},
    {"ofEpochSecond", "l", instant_of_second},
    {"ofEpochSecond", "ll", instant_of_second},
    {"parse", "q", instant_parse},
    {NULL, NULL, NULL},
};
const ExprClass expr_class_instant = {.name = "java.time.Instant",
                                      .nameable = TRUE,
                                      .methods = instant_methods,
                                      .statics = instant_statics,
                                      .parent = &expr_class_object,
                                      .text = date_time_text,
                                      .comparable = TRUE};
