/* java.time: LocalDate, LocalDateTime, Instant, ChronoUnit, DayOfWeek.
 *
 * A date is its days since 1970 (first); a local time and an instant are seconds since 1970 (first) and nanoseconds
 * (second); a unit and a day of the week are their number. All three temporal types share one way of reading, adding and
 * counting: as seconds and nanoseconds, with a date at its midnight. */
#include "expr/calendar.h"

#define ARGUMENTS ExprContext *context, const ExprValue *self, const ExprValue *const *arguments, guint n
#define UNUSED_SELF ((void)self, (void)n)
#define UNUSED_N (void)n
#define UNUSED_ARGUMENTS ((void)arguments, (void)n)

/* ---- units ---- */

typedef struct {
    const char *name, *text;
    gint64 nanos;  /* below a day */
    gint64 days;   /* day, week */
    gint64 months; /* month and longer */
} Unit;

static const Unit units[] = {
    {"NANOS", "Nanos", 1, 0, 0},
    {"MICROS", "Micros", 1000, 0, 0},
    {"MILLIS", "Millis", 1000000, 0, 0},
    {"SECONDS", "Seconds", NANOS_PER_SECOND, 0, 0},
    {"MINUTES", "Minutes", G_GINT64_CONSTANT(60) * NANOS_PER_SECOND, 0, 0},
    {"HOURS", "Hours", G_GINT64_CONSTANT(3600) * NANOS_PER_SECOND, 0, 0},
    {"HALF_DAYS", "HalfDays", G_GINT64_CONSTANT(43200) * NANOS_PER_SECOND, 0, 0},
    {"DAYS", "Days", 0, 1, 0},
    {"WEEKS", "Weeks", 0, 7, 0},
    {"MONTHS", "Months", 0, 0, 1},
    {"YEARS", "Years", 0, 0, 12},
    {"DECADES", "Decades", 0, 0, 120},
    {"CENTURIES", "Centuries", 0, 0, 1200},
    {"MILLENNIA", "Millennia", 0, 0, 12000},
    {"ERAS", "Eras", 0, 0, 0},
    {"FOREVER", "Forever", 0, 0, 0},
};
enum { NANOS, MICROS, MILLIS, SECONDS, MINUTES, HOURS, HALF_DAYS, DAYS, WEEKS, MONTHS, YEARS };

static const ExprValue *unsupported_unit(ExprContext *context, const Unit *unit) {
    return expr_raise(context, EXCEPTION_DATE_TIME, "Unsupported unit: %s", unit->text);
}

/* ---- moments ---- */

typedef struct {
    gint64 seconds, nanos;
} Moment;

static gboolean is_date(const ExprValue *value) {
    return value->object.class == &expr_class_local_date;
}

static Moment moment_of(const ExprValue *value) {
    if (is_date(value))
        return (Moment){value->object.first * SECONDS_PER_DAY, 0};
    return (Moment){value->object.first, value->object.second};
}

static gint64 day_of(const ExprValue *value) {
    return is_date(value) ? value->object.first : calendar_floor_div(value->object.first, SECONDS_PER_DAY);
}

static gint64 second_of_day(const ExprValue *value) {
    return is_date(value) ? 0 : calendar_floor_mod(value->object.first, SECONDS_PER_DAY);
}

static const ExprValue *out_of_range(ExprContext *context) {
    return expr_raise(context, EXCEPTION_DATE_TIME, "The date is outside of the years -%d to %d", CALENDAR_YEAR_MAX, CALENDAR_YEAR_MAX);
}

#define DAY_MAX (G_GINT64_CONSTANT(365) * CALENDAR_YEAR_MAX)

static const ExprValue *date_value(ExprContext *context, gint64 day) {
    if (day > DAY_MAX || day < -DAY_MAX)
        return out_of_range(context);
    return expr_new_object(context, &expr_class_local_date, day, 0);
}

static const ExprValue *moment_value(ExprContext *context, const ExprClass *class, gint64 seconds, gint64 nanos) {
    if (calendar_floor_div(seconds, SECONDS_PER_DAY) > DAY_MAX || calendar_floor_div(seconds, SECONDS_PER_DAY) < -DAY_MAX)
        return out_of_range(context);
    return expr_new_object(context, class, seconds, nanos);
}

/* The same kind of value on another day at the same time. */
static const ExprValue *on_day(ExprContext *context, const ExprValue *value, gint64 day) {
    if (is_date(value))
        return date_value(context, day);
    if (day > DAY_MAX || day < -DAY_MAX)
        return out_of_range(context);
    return moment_value(context, value->object.class, day * SECONDS_PER_DAY + second_of_day(value), value->object.second);
}

static const ExprValue *on_civil(ExprContext *context, const ExprValue *value, gint64 year, gint64 month, gint64 day) {
    if (year > CALENDAR_YEAR_MAX || year < -CALENDAR_YEAR_MAX || month < 1 || month > 12 || day < 1 || day > 31)
        return expr_raise(context, EXCEPTION_DATE_TIME, "Invalid date");
    return on_day(context, value, calendar_days(year, (int)month, (int)MIN(day, calendar_month_length(year, (int)month))));
}

static const ExprValue *plus_months(ExprContext *context, const ExprValue *value, gint64 months) {
    const Civil civil = calendar_civil(day_of(value));
    const gint64 month = civil.year * 12 + civil.month - 1 + months;
    return on_civil(context, value, calendar_floor_div(month, 12), calendar_floor_mod(month, 12) + 1, civil.day);
}

static const ExprValue *plus_nanos(ExprContext *context, const ExprValue *value, gint64 count, gint64 nanos_each) {
    const gint64 per_second = NANOS_PER_SECOND / MIN(nanos_each, NANOS_PER_SECOND), seconds_each = nanos_each / NANOS_PER_SECOND;
    gint64 seconds;
    gint64 nanos = value->object.second;
    if (seconds_each) {
        if (__builtin_mul_overflow(count, seconds_each, &seconds))
            return out_of_range(context);
    } else {
        seconds = calendar_floor_div(count, per_second);
        nanos += calendar_floor_mod(count, per_second) * nanos_each;
    }
    seconds += nanos / NANOS_PER_SECOND;
    if (__builtin_add_overflow(seconds, value->object.first, &seconds))
        return out_of_range(context);
    return moment_value(context, value->object.class, seconds, nanos % NANOS_PER_SECOND);
}

static const ExprValue *plus_units(ExprContext *context, const ExprValue *value, gint64 count, const Unit *unit) {
    const gboolean instant = value->object.class == &expr_class_instant;
    gint64 total;
    if (unit->nanos)
        return is_date(value) ? unsupported_unit(context, unit) : plus_nanos(context, value, count, unit->nanos);
    if (!unit->days && !unit->months)
        return unsupported_unit(context, unit);
    if (instant && (unit->months || unit->days > 1))
        return unsupported_unit(context, unit);
    if (__builtin_mul_overflow(count, unit->days + unit->months, &total) || total > DAY_MAX || total < -DAY_MAX)
        return out_of_range(context);
    return unit->months ? plus_months(context, value, total) : on_day(context, value, day_of(value) + total);
}

/* ---- counting ---- */

static gint64 months_between(const ExprValue *a, const ExprValue *b) {
    const Civil from = calendar_civil(day_of(a)), to = calendar_civil(day_of(b));
    gint64 months = (to.year - from.year) * 12 + to.month - from.month;
    const Moment x = {second_of_day(a), a->object.second}, y = {second_of_day(b), b->object.second};
    const int time_order = x.seconds != y.seconds ? (x.seconds < y.seconds ? -1 : 1) : x.nanos == y.nanos ? 0 : x.nanos < y.nanos ? -1 : 1;
    const gboolean from_is_later = from.day > to.day || (from.day == to.day && time_order > 0);
    const gboolean to_is_later = to.day > from.day || (from.day == to.day && time_order < 0);
    if (months > 0 && from_is_later)
        months--;
    else if (months < 0 && to_is_later)
        months++;
    return months;
}

static const ExprValue *between(ExprContext *context, const ExprValue *a, const ExprValue *b, const Unit *unit) {
    if ((unit->nanos && (is_date(a) || is_date(b))) || (!unit->nanos && !unit->days && !unit->months) ||
        (a->object.class != b->object.class &&
         (is_date(b) || b->object.class == &expr_class_instant || a->object.class == &expr_class_instant)))
        return unsupported_unit(context, unit);
    if (unit->months)
        return expr_integer(context, EXPR_LONG, months_between(a, b) / unit->months);
    const Moment from = moment_of(a), to = moment_of(b);
    gint64 seconds = to.seconds - from.seconds, nanos = to.nanos - from.nanos;
    if (seconds > 0 && nanos < 0) { /* both of one sign, so that division truncates as it should */
        seconds--;
        nanos += NANOS_PER_SECOND;
    } else if (seconds < 0 && nanos > 0) {
        seconds++;
        nanos -= NANOS_PER_SECOND;
    }
    const gint64 seconds_each = unit->days * SECONDS_PER_DAY + unit->nanos / NANOS_PER_SECOND;
    if (seconds_each)
        return expr_integer(context, EXPR_LONG, seconds / seconds_each);
    gint64 count;
    const gint64 per_second = NANOS_PER_SECOND / unit->nanos;
    if (__builtin_mul_overflow(seconds, per_second, &count) || __builtin_add_overflow(count, nanos / unit->nanos, &count))
        return expr_raise(context, EXCEPTION_ARITHMETIC, "long overflow");
    return expr_integer(context, EXPR_LONG, count);
}

/* ---- reading texts ---- */

/* Exactly so many digits; -1 when they are not there. */
static gint64 take_digits(const char **at, guint count) {
    gint64 number = 0;
    for (guint i = 0; i < count; i++, (*at)++) {
        if (!g_ascii_isdigit(**at))
            return -1;
        number = number * 10 + (**at - '0');
    }
    return number;
}

static gboolean take_character(const char **at, char c) {
    if (**at != c)
        return FALSE;
    (*at)++;
    return TRUE;
}

static gboolean take_date(const char **at, gint64 *day) {
    const gint64 year = take_digits(at, 4);
    if (year < 0 || !take_character(at, '-'))
        return FALSE;
    const gint64 month = take_digits(at, 2);
    if (month < 1 || month > 12 || !take_character(at, '-'))
        return FALSE;
    const gint64 of_month = take_digits(at, 2);
    if (of_month < 1 || of_month > calendar_month_length(year, (int)month))
        return FALSE;
    *day = calendar_days(year, (int)month, (int)of_month);
    return TRUE;
}

static gboolean take_time(const char **at, Moment *time) {
    const gint64 hour = take_digits(at, 2);
    const gint64 minute = hour >= 0 && hour < 24 && take_character(at, ':') ? take_digits(at, 2) : -1;
    if (minute < 0 || minute > 59)
        return FALSE;
    *time = (Moment){hour * 3600 + minute * 60, 0};
    if (!take_character(at, ':'))
        return TRUE;
    const gint64 second = take_digits(at, 2);
    if (second < 0 || second > 59)
        return FALSE;
    time->seconds += second;
    if (!take_character(at, '.'))
        return TRUE;
    gint64 place = NANOS_PER_SECOND / 10;
    for (; g_ascii_isdigit(**at) && place; (*at)++, place /= 10)
        time->nanos += (**at - '0') * place;
    return TRUE;
}

static const ExprValue *cannot_parse(ExprContext *context, const ExprValue *text) {
    return expr_raise(context, EXCEPTION_DATE_TIME, "Text '%.50s' could not be parsed",
                      text->type == EXPR_STRING ? text->string.text : "null");
}

static gboolean take_date_time(const char **at, Moment *moment) {
    gint64 day;
    if (!take_date(at, &day) || !take_character(at, 'T') || !take_time(at, moment))
        return FALSE;
    moment->seconds += day * SECONDS_PER_DAY;
    return TRUE;
}

/* "+02:00" or Z, as seconds to subtract. */
static gboolean take_zone(const char **at, gint64 *offset) {
    *offset = 0;
    if (take_character(at, 'Z') || take_character(at, 'z'))
        return TRUE;
    const int sign = take_character(at, '+') ? 1 : take_character(at, '-') ? -1 : 0;
    const gint64 hours = sign ? take_digits(at, 2) : -1;
    const gint64 minutes = hours >= 0 && take_character(at, ':') ? take_digits(at, 2) : -1;
    *offset = sign * (hours * 3600 + minutes * 60);
    return hours >= 0 && hours <= 18 && minutes >= 0 && minutes < 60;
}

/* ---- what all three share ---- */

static const ExprValue *add(ARGUMENTS) {
    UNUSED_N;
    if (arguments[1]->type == EXPR_NULL)
        return expr_raise(context, EXCEPTION_NULL_POINTER, "The unit is null");
    return plus_units(context, self, arguments[0]->integer, &units[arguments[1]->object.first]);
}

static const ExprValue *subtract_units(ExprContext *context, const ExprValue *self, gint64 count, const Unit *unit) {
    return count == G_MININT64 ? out_of_range(context) : plus_units(context, self, -count, unit);
}

static const ExprValue *subtract(ARGUMENTS) {
    UNUSED_N;
    if (arguments[1]->type == EXPR_NULL)
        return expr_raise(context, EXCEPTION_NULL_POINTER, "The unit is null");
    return subtract_units(context, self, arguments[0]->integer, &units[arguments[1]->object.first]);
}

#define PLUS_AND_MINUS(suffix, unit)                                                                                                       \
    static const ExprValue *plus_##suffix(ARGUMENTS) {                                                                                     \
        UNUSED_N;                                                                                                                          \
        return plus_units(context, self, arguments[0]->integer, &units[unit]);                                                             \
    }                                                                                                                                      \
    static const ExprValue *minus_##suffix(ARGUMENTS) {                                                                                    \
        UNUSED_N;                                                                                                                          \
        return subtract_units(context, self, arguments[0]->integer, &units[unit]);                                                         \
    }
PLUS_AND_MINUS(nanos_, NANOS)
PLUS_AND_MINUS(millis, MILLIS)
PLUS_AND_MINUS(seconds, SECONDS)
PLUS_AND_MINUS(minutes, MINUTES)
PLUS_AND_MINUS(hours, HOURS)
PLUS_AND_MINUS(days, DAYS)
PLUS_AND_MINUS(weeks, WEEKS)
PLUS_AND_MINUS(months_, MONTHS)
PLUS_AND_MINUS(years, YEARS)

static const ExprValue *until(ARGUMENTS) {
    UNUSED_N;
    if (arguments[0]->type == EXPR_NULL || arguments[1]->type == EXPR_NULL)
        return expr_raise(context, EXCEPTION_NULL_POINTER, "An argument of until is null");
    return between(context, self, arguments[0], &units[arguments[1]->object.first]);
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
    if (self->object.class == &expr_class_instant || day_of(self) == day_of(arguments[0]))
        return expr_int(context, order);
    const Civil a = calendar_civil(day_of(self)), b = calendar_civil(day_of(arguments[0]));
    return expr_int(context, a.year != b.year ? a.year - b.year : a.month != b.month ? a.month - b.month : a.day - b.day);
}

static const ExprValue *truncated_to(ARGUMENTS) {
    UNUSED_N;
    if (arguments[0]->type == EXPR_NULL)
        return expr_raise(context, EXCEPTION_NULL_POINTER, "The unit is null");
    const Unit *unit = &units[arguments[0]->object.first];
    const gint64 day = day_of(self), second = second_of_day(self);
    if (unit->days == 1)
        return moment_value(context, self->object.class, day * SECONDS_PER_DAY, 0);
    if (!unit->nanos)
        return unsupported_unit(context, unit);
    const gint64 nanos = second * NANOS_PER_SECOND + self->object.second, kept = nanos - nanos % unit->nanos;
    return moment_value(context, self->object.class, day * SECONDS_PER_DAY + kept / NANOS_PER_SECOND, kept % NANOS_PER_SECOND);
}

/* ---- fields ---- */

#define FIELD(name, expression)                                                                                                            \
    static const ExprValue *name(ARGUMENTS) {                                                                                              \
        UNUSED_ARGUMENTS;                                                                                                                  \
        const Civil civil = calendar_civil(day_of(self));                                                                                  \
        (void)civil;                                                                                                                       \
        return expr_int(context, expression);                                                                                              \
    }
FIELD(get_year, civil.year)
FIELD(get_month_value, civil.month)
FIELD(get_day_of_month, civil.day)
FIELD(get_day_of_year, day_of(self) - calendar_days(civil.year, 1, 1) + 1)
FIELD(get_hour, second_of_day(self) / 3600)
FIELD(get_minute, second_of_day(self) / 60 % 60)
FIELD(get_second, second_of_day(self) % 60)
FIELD(get_nano, self->object.second)
FIELD(length_of_month, calendar_month_length(civil.year, civil.month))
FIELD(length_of_year, calendar_is_leap(civil.year) ? 366 : 365)

static const ExprValue *is_leap_year(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    (void)context;
    return expr_bool(calendar_is_leap(calendar_civil(day_of(self)).year));
}

static const ExprValue *day_of_week_value(ExprContext *context, gint64 number) {
    return expr_new_object(context, &expr_class_day_of_week, number, 0);
}

static const ExprValue *get_day_of_week(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return day_of_week_value(context, calendar_floor_mod(day_of(self) + 3, 7) + 1);
}

static const ExprValue *with_year(ARGUMENTS) {
    UNUSED_N;
    const Civil civil = calendar_civil(day_of(self));
    return on_civil(context, self, arguments[0]->integer, civil.month, civil.day);
}

static const ExprValue *with_month(ARGUMENTS) {
    UNUSED_N;
    const Civil civil = calendar_civil(day_of(self));
    return on_civil(context, self, civil.year, arguments[0]->integer, civil.day);
}

static const ExprValue *with_day_of_month(ARGUMENTS) {
    UNUSED_N;
    const Civil civil = calendar_civil(day_of(self));
    if (arguments[0]->integer > calendar_month_length(civil.year, civil.month))
        return expr_raise(context, EXCEPTION_DATE_TIME, "Invalid date: day %" G_GINT64_FORMAT, arguments[0]->integer);
    return on_civil(context, self, civil.year, civil.month, arguments[0]->integer);
}

static const ExprValue *with_day_of_year(ARGUMENTS) {
    UNUSED_N;
    const gint64 year = calendar_civil(day_of(self)).year, day = arguments[0]->integer;
    if (day < 1 || day > 365 + calendar_is_leap(year))
        return expr_raise(context, EXCEPTION_DATE_TIME, "Invalid date: day %" G_GINT64_FORMAT " of the year", day);
    return on_day(context, self, calendar_days(year, 1, 1) + day - 1);
}

static const ExprValue *with_time(ExprContext *context, const ExprValue *self, gint64 value, gint64 max, gint64 seconds_each) {
    if (value < 0 || value > max)
        return expr_raise(context, EXCEPTION_DATE_TIME, "Invalid time: %" G_GINT64_FORMAT " is not within 0 and %" G_GINT64_FORMAT, value,
                          max);
    if (!seconds_each)
        return moment_value(context, self->object.class, self->object.first, value);
    const gint64 old = second_of_day(self) / seconds_each % (max + 1);
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
    return civil_arguments(context, arguments, &day) ? date_value(context, day) : NULL;
}

static const ExprValue *date_of_epoch_day(ARGUMENTS) {
    UNUSED_SELF;
    return date_value(context, arguments[0]->integer);
}

static const ExprValue *date_of_year_day(ARGUMENTS) {
    UNUSED_SELF;
    if (arguments[0]->integer > CALENDAR_YEAR_MAX || arguments[0]->integer < -CALENDAR_YEAR_MAX)
        return out_of_range(context);
    const ExprValue *first = date_value(context, calendar_days(arguments[0]->integer, 1, 1));
    return first ? with_day_of_year(context, first, arguments + 1, 1) : NULL;
}

static const ExprValue *date_parse(ARGUMENTS) {
    UNUSED_SELF;
    const char *at = arguments[0]->type == EXPR_STRING ? arguments[0]->string.text : "";
    gint64 day;
    return take_date(&at, &day) && !*at ? date_value(context, day) : cannot_parse(context, arguments[0]);
}

static const ExprValue *date_from(ARGUMENTS) {
    UNUSED_SELF;
    if (arguments[0]->type == EXPR_NULL || arguments[0]->object.class == &expr_class_instant)
        return expr_raise(context, EXCEPTION_DATE_TIME, "Unable to obtain LocalDate from %s", expr_class_name(arguments[0]));
    return date_value(context, day_of(arguments[0]));
}

static Moment local_now(ExprContext *context) {
    const gint64 now = context->options->now_ms, seconds = calendar_floor_div(now, 1000);
    return (Moment){seconds + calendar_zone_offset(context, seconds), calendar_floor_mod(now, 1000) * 1000000};
}

static const ExprValue *date_now(ARGUMENTS) {
    UNUSED_SELF;
    (void)arguments;
    const Moment now = local_now(context);
    return context->failed ? NULL : date_value(context, calendar_floor_div(now.seconds, SECONDS_PER_DAY));
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
    calendar_append_date(into, day_of(self));
    g_string_append_c(into, 'T');
    calendar_append_time(into, second_of_day(self), self->object.second, self->object.class == &expr_class_instant);
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
    if (!take_date_time(&at, &moment) || *at)
        return cannot_parse(context, arguments[0]);
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
    return date_value(context, day_of(self));
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
    return instant && n == 2 ? plus_nanos(context, instant, arguments[1]->integer, 1) : instant;
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
    if (!take_date_time(&at, &moment) || !take_zone(&at, &offset) || *at)
        return cannot_parse(context, arguments[0]);
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

/* ---- ChronoUnit ---- */

static void unit_name(ExprContext *context, const ExprValue *self, GString *into) {
    (void)context;
    g_string_append(into, units[self->object.first].name);
}

static const ExprValue *unit_name_value(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_string(context, units[self->object.first].name);
}

static const ExprValue *unit_to_string(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_string(context, units[self->object.first].text);
}

static const ExprValue *unit_value_of(ARGUMENTS) {
    UNUSED_SELF;
    for (gsize i = 0; arguments[0]->type == EXPR_STRING && i < G_N_ELEMENTS(units); i++)
        if (strcmp(units[i].name, arguments[0]->string.text) == 0)
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
    return all_of(context, &expr_class_chrono_unit, 0, G_N_ELEMENTS(units) - 1);
}

static const ExprValue *unit_between(ARGUMENTS) {
    const ExprValue *given[] = {arguments[1], self};
    return arguments[0]->type == EXPR_NULL ? expr_raise(context, EXCEPTION_NULL_POINTER, "A date is null")
                                           : until(context, arguments[0], given, n);
}

static const ExprMethod unit_methods[] = {
    {"between", "AA", unit_between}, {"name", "", unit_name_value}, {"toString", "", unit_to_string}, {NULL, NULL, NULL}};
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
    return day_of_week_value(context, (self->object.first - 1 + calendar_floor_mod(arguments[0]->integer, 7)) % 7 + 1);
}

static const ExprValue *day_minus(ARGUMENTS) {
    UNUSED_N;
    return day_of_week_value(context, (self->object.first - 1 + 7 - calendar_floor_mod(arguments[0]->integer, 7)) % 7 + 1);
}

static const ExprValue *day_of_number(ARGUMENTS) {
    UNUSED_SELF;
    if (arguments[0]->integer < 1 || arguments[0]->integer > 7)
        return expr_raise(context, EXCEPTION_DATE_TIME, "Invalid value for DayOfWeek: %" G_GINT64_FORMAT, arguments[0]->integer);
    return day_of_week_value(context, arguments[0]->integer);
}

static const ExprValue *day_value_of(ARGUMENTS) {
    UNUSED_SELF;
    for (gsize i = 0; arguments[0]->type == EXPR_STRING && i < G_N_ELEMENTS(day_names); i++)
        if (strcmp(day_names[i], arguments[0]->string.text) == 0)
            return day_of_week_value(context, (gint64)i + 1);
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
    return get_day_of_week(context, arguments[0], NULL, 0);
}

static const ExprValue *day_compare_to(ARGUMENTS) {
    UNUSED_N;
    return arguments[0]->type == EXPR_NULL ? expr_raise(context, EXCEPTION_NULL_POINTER, "The other day is null")
                                           : expr_int(context, self->object.first - arguments[0]->object.first);
}

static const ExprMethod day_methods[] = {
    {"compareTo", "W", day_compare_to}, {"getValue", "", day_get_value}, {"minus", "l", day_minus},
    {"name", "", day_name_value},       {"plus", "l", day_plus},         {NULL, NULL, NULL},
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
