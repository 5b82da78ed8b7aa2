/* Days, dates, times of day and time zones. Pure but for the zone's rules, which come from the machine's tzdata. */
#include "expr/calendar.h"

gint64 calendar_floor_div(gint64 a, gint64 b) {
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

gint64 calendar_floor_mod(gint64 a, gint64 b) {
    return a - calendar_floor_div(a, b) * b;
}

/* Years begin in March here, so that the leap day is the last one; 400 years have 146097 days. */
gint64 calendar_days(gint64 year, int month, int day) {
    year -= month <= 2;
    const gint64 era = calendar_floor_div(year, 400), of_era = year - era * 400;
    const gint64 of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

Civil calendar_civil(gint64 days) {
    days += 719468;
    const gint64 era = calendar_floor_div(days, 146097), of_era = days - era * 146097;
    const gint64 year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const gint64 of_year = of_era - (365 * year + year / 4 - year / 100);
    const gint64 shifted = (5 * of_year + 2) / 153;
    const int month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    return (Civil){year + era * 400 + (month <= 2), month, (int)(of_year - (153 * shifted + 2) / 5 + 1)};
}

gboolean calendar_is_leap(gint64 year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int calendar_month_length(gint64 year, int month) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && calendar_is_leap(year) ? 29 : lengths[month - 1];
}

void calendar_append_date(GString *into, gint64 days) {
    const Civil civil = calendar_civil(days);
    const gint64 year = ABS(civil.year);
    g_string_append_printf(into, "%s%04" G_GINT64_FORMAT "-%02d-%02d",
                           civil.year < 0 ? "-"
                           : year > 9999  ? "+"
                                          : "",
                           year, civil.month, civil.day);
}

void calendar_append_time(GString *into, gint64 second_of_day, gint64 nanos, gboolean with_seconds) {
    g_string_append_printf(into, "%02d:%02d", (int)(second_of_day / 3600), (int)(second_of_day / 60 % 60));
    if (with_seconds || second_of_day % 60 || nanos)
        g_string_append_printf(into, ":%02d", (int)(second_of_day % 60));
    if (nanos % 1000)
        g_string_append_printf(into, ".%09d", (int)nanos);
    else if (nanos % 1000000)
        g_string_append_printf(into, ".%06d", (int)(nanos / 1000));
    else if (nanos)
        g_string_append_printf(into, ".%03d", (int)(nanos / 1000000));
}

static GTimeZone *zone_of(ExprContext *context) {
    const char *name = context->options->time_zone;
    if (!name)
        return g_time_zone_new_utc();
    GTimeZone *zone = g_time_zone_new_identifier(name);
    if (!zone)
        expr_raise(context, EXCEPTION_DATE_TIME, "The time zone \"%s\" is not known on this machine", name);
    return zone;
}

static gint64 offset_at(ExprContext *context, GTimeType type, gint64 seconds) {
    g_autoptr(GTimeZone) zone = zone_of(context);
    const gint interval = zone ? g_time_zone_find_interval(zone, type, seconds) : -1;
    return interval < 0 ? 0 : g_time_zone_get_offset(zone, interval);
}

gint64 calendar_zone_offset(ExprContext *context, gint64 epoch_seconds) {
    return offset_at(context, G_TIME_TYPE_UNIVERSAL, epoch_seconds);
}

gboolean calendar_zone_offset_local(ExprContext *context, gint64 local_seconds, gint64 *offset) {
    *offset = offset_at(context, G_TIME_TYPE_STANDARD, local_seconds);
    return !context->failed;
}
