/* Moments: the three temporal types as one.
 *
 * A date is its days since 1970 (first); a local time and an instant are seconds since 1970 (first) and nanoseconds
 * (second). All are read as seconds and nanoseconds, a date at its midnight. Functions that answer with a value answer with
 * one of the class they were given, or NULL after raising. */
#pragma once
#include "expr/calendar.h"

typedef struct {
    const char *name, *text;
    gint64 nanos;  /* below a day */
    gint64 days;   /* day, week */
    gint64 months; /* month and longer */
} MomentUnit;
enum {
    MOMENT_NANOS,
    MOMENT_MICROS,
    MOMENT_MILLIS,
    MOMENT_SECONDS,
    MOMENT_MINUTES,
    MOMENT_HOURS,
    MOMENT_HALF_DAYS,
    MOMENT_DAYS,
    MOMENT_WEEKS,
    MOMENT_MONTHS,
    MOMENT_YEARS,
    MOMENT_DECADES,
    MOMENT_CENTURIES,
    MOMENT_MILLENNIA,
    MOMENT_ERAS,
    MOMENT_FOREVER,
    MOMENT_UNITS,
};
extern const MomentUnit moment_units[MOMENT_UNITS];

typedef struct {
    gint64 seconds, nanos;
} Moment;

gboolean moment_is_date(const ExprValue *value);
Moment moment_of(const ExprValue *value);
gint64 moment_day(const ExprValue *value);
gint64 moment_second_of_day(const ExprValue *value);
const ExprValue *moment_date(ExprContext *context, gint64 day);
const ExprValue *moment_value(ExprContext *context, const ExprClass *class, gint64 seconds, gint64 nanos);
const ExprValue *moment_day_of_week(ExprContext *context, const ExprValue *value);
/* The same time on another day. */
const ExprValue *moment_on_day(ExprContext *context, const ExprValue *value, gint64 day);
const ExprValue *moment_on_civil(ExprContext *context, const ExprValue *value, gint64 year, gint64 month, gint64 day);
const ExprValue *moment_plus(ExprContext *context, const ExprValue *value, gint64 count, const MomentUnit *unit);
const ExprValue *moment_plus_nanos(ExprContext *context, const ExprValue *value, gint64 count, gint64 nanos_each);
/* Whole units from a to b. */
const ExprValue *moment_between(ExprContext *context, const ExprValue *a, const ExprValue *b, const MomentUnit *unit);

/* Raise. */
const ExprValue *moment_out_of_range(ExprContext *context);
const ExprValue *moment_unsupported(ExprContext *context, const MomentUnit *unit);
const ExprValue *moment_cannot_parse(ExprContext *context, const ExprValue *text);

/* Read ISO text at *at and move it on; FALSE when it is none. */
gboolean moment_take_date(const char **at, gint64 *day);
gboolean moment_take_date_time(const char **at, Moment *moment);
gboolean moment_take_zone(const char **at, gint64 *offset); /* Z or +02:00, as seconds to subtract */
