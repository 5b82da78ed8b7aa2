/* The calendar behind the date types: proleptic ISO, as java.time has it. Days are counted from 1970-01-01. */
#pragma once
#include "expr/class.h"

#define SECONDS_PER_DAY 86400
#define NANOS_PER_SECOND 1000000000
#define CALENDAR_YEAR_MAX 999999999

typedef struct {
    gint64 year;
    int month, day; /* from 1 */
} Civil;

gint64 calendar_days(gint64 year, int month, int day);
Civil calendar_civil(gint64 days);
gboolean calendar_is_leap(gint64 year);
int calendar_month_length(gint64 year, int month);
/* Rounded towards negative infinity. */
gint64 calendar_floor_div(gint64 a, gint64 b);
gint64 calendar_floor_mod(gint64 a, gint64 b);
/* "2021-05-06", "+12021-05-06" */
void calendar_append_date(GString *into, gint64 days);
/* "10:15", "10:15:30", "10:15:30.125"; seconds always when asked for. */
void calendar_append_time(GString *into, gint64 second_of_day, gint64 nanos, gboolean with_seconds);
/* Seconds that the evaluation's time zone is ahead of UTC at that moment. */
gint64 calendar_zone_offset(ExprContext *context, gint64 epoch_seconds);
/* Of a local time; FALSE after raising (unknown zone). */
gboolean calendar_zone_offset_local(ExprContext *context, gint64 local_seconds, gint64 *offset);
