/* What all temporal types share: units, days and times of day, adding, counting, reading texts. Pure; any thread. */
#include "expr/moment.h"

/* ---- units ---- */

const MomentUnit moment_units[MOMENT_UNITS] = {
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
const ExprValue *moment_unsupported(ExprContext *context, const MomentUnit *unit) {
    return expr_raise(context, EXCEPTION_DATE_TIME, "Unsupported unit: %s", unit->text);
}

/* ---- moments ---- */

gboolean moment_is_date(const ExprValue *value) {
    return value->object.class == &expr_class_local_date;
}

Moment moment_of(const ExprValue *value) {
    if (moment_is_date(value))
        return (Moment){value->object.first * SECONDS_PER_DAY, 0};
    return (Moment){value->object.first, value->object.second};
}

gint64 moment_day(const ExprValue *value) {
    return moment_is_date(value) ? value->object.first : calendar_floor_div(value->object.first, SECONDS_PER_DAY);
}

gint64 moment_second_of_day(const ExprValue *value) {
    return moment_is_date(value) ? 0 : calendar_floor_mod(value->object.first, SECONDS_PER_DAY);
}

const ExprValue *moment_out_of_range(ExprContext *context) {
    return expr_raise(context, EXCEPTION_DATE_TIME, "The date is outside of the years -%d to %d", CALENDAR_YEAR_MAX, CALENDAR_YEAR_MAX);
}

#define DAY_MAX (G_GINT64_CONSTANT(365) * CALENDAR_YEAR_MAX)

const ExprValue *moment_date(ExprContext *context, gint64 day) {
    if (day > DAY_MAX || day < -DAY_MAX)
        return moment_out_of_range(context);
    return expr_new_object(context, &expr_class_local_date, day, 0);
}

const ExprValue *moment_value(ExprContext *context, const ExprClass *class, gint64 seconds, gint64 nanos) {
    if (calendar_floor_div(seconds, SECONDS_PER_DAY) > DAY_MAX || calendar_floor_div(seconds, SECONDS_PER_DAY) < -DAY_MAX)
        return moment_out_of_range(context);
    return expr_new_object(context, class, seconds, nanos);
}

/* The same kind of value on another day at the same time. */
const ExprValue *moment_on_day(ExprContext *context, const ExprValue *value, gint64 day) {
    if (moment_is_date(value))
        return moment_date(context, day);
    if (day > DAY_MAX || day < -DAY_MAX)
        return moment_out_of_range(context);
    return moment_value(context, value->object.class, day * SECONDS_PER_DAY + moment_second_of_day(value), value->object.second);
}

const ExprValue *moment_on_civil(ExprContext *context, const ExprValue *value, gint64 year, gint64 month, gint64 day) {
    if (year > CALENDAR_YEAR_MAX || year < -CALENDAR_YEAR_MAX || month < 1 || month > 12 || day < 1 || day > 31)
        return expr_raise(context, EXCEPTION_DATE_TIME, "Invalid date");
    return moment_on_day(context, value, calendar_days(year, (int)month, (int)MIN(day, calendar_month_length(year, (int)month))));
}

static const ExprValue *plus_months(ExprContext *context, const ExprValue *value, gint64 months) {
    const Civil civil = calendar_civil(moment_day(value));
    const gint64 month = civil.year * 12 + civil.month - 1 + months;
    return moment_on_civil(context, value, calendar_floor_div(month, 12), calendar_floor_mod(month, 12) + 1, civil.day);
}

const ExprValue *moment_plus_nanos(ExprContext *context, const ExprValue *value, gint64 count, gint64 nanos_each) {
    const gint64 per_second = NANOS_PER_SECOND / MIN(nanos_each, NANOS_PER_SECOND), seconds_each = nanos_each / NANOS_PER_SECOND;
    gint64 seconds;
    gint64 nanos = value->object.second;
    if (seconds_each) {
        if (__builtin_mul_overflow(count, seconds_each, &seconds))
            return moment_out_of_range(context);
    } else {
        seconds = calendar_floor_div(count, per_second);
        nanos += calendar_floor_mod(count, per_second) * nanos_each;
    }
    seconds += nanos / NANOS_PER_SECOND;
    if (__builtin_add_overflow(seconds, value->object.first, &seconds))
        return moment_out_of_range(context);
    return moment_value(context, value->object.class, seconds, nanos % NANOS_PER_SECOND);
}

const ExprValue *moment_plus(ExprContext *context, const ExprValue *value, gint64 count, const MomentUnit *unit) {
    const gboolean instant = value->object.class == &expr_class_instant;
    gint64 total;
    if (unit->nanos)
        return moment_is_date(value) ? moment_unsupported(context, unit) : moment_plus_nanos(context, value, count, unit->nanos);
    if (!unit->days && !unit->months)
        return moment_unsupported(context, unit);
    if (instant && (unit->months || unit->days > 1))
        return moment_unsupported(context, unit);
    if (__builtin_mul_overflow(count, unit->days + unit->months, &total) || total > DAY_MAX || total < -DAY_MAX)
        return moment_out_of_range(context);
    return unit->months ? plus_months(context, value, total) : moment_on_day(context, value, moment_day(value) + total);
}

/* ---- counting ---- */

static gint64 months_between(const ExprValue *a, const ExprValue *b) {
    const Civil from = calendar_civil(moment_day(a)), to = calendar_civil(moment_day(b));
    gint64 months = (to.year - from.year) * 12 + to.month - from.month;
    const Moment x = {moment_second_of_day(a), a->object.second}, y = {moment_second_of_day(b), b->object.second};
    const int time_order = x.seconds != y.seconds ? (x.seconds < y.seconds ? -1 : 1) : x.nanos == y.nanos ? 0 : x.nanos < y.nanos ? -1 : 1;
    const gboolean from_is_later = from.day > to.day || (from.day == to.day && time_order > 0);
    const gboolean to_is_later = to.day > from.day || (from.day == to.day && time_order < 0);
    if (months > 0 && from_is_later)
        months--;
    else if (months < 0 && to_is_later)
        months++;
    return months;
}

const ExprValue *moment_between(ExprContext *context, const ExprValue *a, const ExprValue *b, const MomentUnit *unit) {
    if ((unit->nanos && (moment_is_date(a) || moment_is_date(b))) || (!unit->nanos && !unit->days && !unit->months) ||
        (a->object.class != b->object.class &&
         (moment_is_date(b) || b->object.class == &expr_class_instant || a->object.class == &expr_class_instant)))
        return moment_unsupported(context, unit);
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

gboolean moment_take_date(const char **at, gint64 *day) {
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

const ExprValue *moment_cannot_parse(ExprContext *context, const ExprValue *text) {
    return expr_raise(context, EXCEPTION_DATE_TIME, "Text '%.50s' could not be parsed",
                      text->type == EXPR_STRING ? text->string.text : "null");
}

gboolean moment_take_date_time(const char **at, Moment *moment) {
    gint64 day;
    if (!moment_take_date(at, &day) || !take_character(at, 'T') || !take_time(at, moment))
        return FALSE;
    moment->seconds += day * SECONDS_PER_DAY;
    return TRUE;
}

/* "+02:00" or Z, as seconds to subtract. */
gboolean moment_take_zone(const char **at, gint64 *offset) {
    *offset = 0;
    if (take_character(at, 'Z') || take_character(at, 'z'))
        return TRUE;
    const int sign = take_character(at, '+') ? 1 : take_character(at, '-') ? -1 : 0;
    const gint64 hours = sign ? take_digits(at, 2) : -1;
    const gint64 minutes = hours >= 0 && take_character(at, ':') ? take_digits(at, 2) : -1;
    *offset = sign * (hours * 3600 + minutes * 60);
    return hours >= 0 && hours <= 18 && minutes >= 0 && minutes < 60;
}
