/* When a Quartz expression is due next: a search over days of the calendar, then over times of the day, then the zone's rules. */
#include "triggers/quartz_fields.h"

#define DAY_SECONDS (24 * 60 * 60)

/* ---- days ---- */
static guint32 bit(int day) {
    return 1U << day;
}

/* Sunday is 1. */
static int weekday_of(int year, int month, int day) {
    GDate date;
    g_date_clear(&date, 1);
    g_date_set_dmy(&date, (GDateDay)day, (GDateMonth)month, (GDateYear)year);
    return (int)g_date_get_weekday(&date) % 7 + 1;
}

/* The weekday (MON-FRI) nearest to a day, in the same month. */
static int nearest_weekday(int day, int weekday, int length) {
    if (weekday == 7)
        return day == 1 ? 3 : day - 1;
    if (weekday == 1)
        return day == length ? day - 2 : day + 1;
    return day;
}

static guint32 days_of_week(const Quartz *quartz, int first, int length) {
    guint32 days = 0;
    for (int day = 1; day <= length; day++) {
        guint weekday = (guint)((first - 1 + day - 1) % 7 + 1), nth = (guint)((day - 1) / 7 + 1);
        gboolean meant = (quartz->values[QUARTZ_WEEKDAY] >> weekday & 1) != 0;
        meant = meant || (weekday == quartz->nth_day && nth == quartz->nth);
        meant = meant || (weekday == quartz->last_of_month && day + 7 > length);
        days |= meant ? bit(day) : 0;
    }
    return days;
}

static guint32 days_of_month(const Quartz *quartz, int first, int length) {
    guint32 days = (guint32)quartz->values[QUARTZ_DAY];
    for (int day = 1; day <= length; day++) {
        int weekday = (first - 1 + day - 1) % 7 + 1;
        if ((quartz->from_last & bit(length - day)) != 0)
            days |= bit(day);
        if ((quartz->nearest & bit(day)) != 0 || (quartz->from_last_weekday & bit(length - day)) != 0)
            days |= bit(nearest_weekday(day, weekday, length));
    }
    return days & (bit(length) - 1 + bit(length)) & ~1U;
}

guint32 quartz_days(const Quartz *quartz, int year, int month) {
    int first = weekday_of(year, month, 1), length = g_date_get_days_in_month((GDateMonth)month, (GDateYear)year);
    return quartz->by_weekday ? days_of_week(quartz, first, length) : days_of_month(quartz, first, length);
}

gboolean quartz_has_year(const Quartz *quartz, int year) {
    for (guint i = 0; i < quartz->n_years; i++) {
        const QuartzYears *years = &quartz->years[i];
        if (year >= years->from && year <= years->to && (year - years->from) % years->step == 0)
            return TRUE;
    }
    return quartz->n_years == 0;
}

/* ---- local times: seconds since 1970 as a clock on the wall shows them ---- */
typedef struct {
    int year, month, day, second; /* second of the day */
} Local;

static Local local_of(gint64 seconds) {
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);
    Local local = {0};
    g_date_time_get_ymd(time, &local.year, &local.month, &local.day);
    local.second = g_date_time_get_hour(time) * 3600 + g_date_time_get_minute(time) * 60 + g_date_time_get_second(time);
    return local;
}

static gint64 local_seconds(const Local *local) {
    g_autoptr(GDateTime) day = g_date_time_new_utc(local->year, local->month, local->day, 0, 0, 0);
    return g_date_time_to_unix(day) + local->second;
}

/* The least set bit from a number on, or -1. */
static int next_bit(guint64 bits, int from) {
    guint64 left = from > 63 ? 0 : bits >> from << from;
    return left != 0 ? __builtin_ctzll(left) : -1;
}

/* The first second of the day from one on, or -1. */
static int next_second(const Quartz *quartz, int from) {
    int hour = from / 3600, minute = from / 60 % 60, second = next_bit(quartz->values[QUARTZ_SECOND], from % 60);
    if (from >= DAY_SECONDS)
        return -1;
    if (second < 0)
        minute++;
    int first_second = next_bit(quartz->values[QUARTZ_SECOND], 0), first_minute = next_bit(quartz->values[QUARTZ_MINUTE], 0);
    int at = next_bit(quartz->values[QUARTZ_MINUTE], minute);
    if (at != minute)
        second = first_second;
    if (at < 0)
        hour++;
    int at_hour = next_bit(quartz->values[QUARTZ_HOUR], hour);
    if (at_hour < 0)
        return -1;
    if (at_hour != hour || at < 0)
        return at_hour * 3600 + first_minute * 60 + first_second;
    return at_hour * 3600 + at * 60 + (second < 0 ? first_second : second);
}

/* Moves to the first day from its day on that is meant; FALSE: none until the year is over. */
static gboolean next_day(const Quartz *quartz, Local *local, int last_year) {
    Local at = *local;
    for (; at.year <= last_year; at.year++, at.month = 1, at.day = 1) {
        if (!quartz_has_year(quartz, at.year))
            continue;
        for (; at.month <= 12; at.month++, at.day = 1) {
            if ((quartz->values[QUARTZ_MONTH] >> at.month & 1) == 0)
                continue;
            int day = next_bit(quartz_days(quartz, at.year, at.month), at.day);
            if (day < 0)
                continue;
            at.day = day;
            if (at.year != local->year || at.month != local->month || at.day != local->day)
                at.second = 0;
            *local = at;
            return TRUE;
        }
    }
    return FALSE;
}

static gboolean next_local(const Quartz *quartz, Local *local, int last_year) {
    while (next_day(quartz, local, last_year)) {
        int second = next_second(quartz, local->second);
        if (second >= 0) {
            local->second = second;
            return TRUE;
        }
        local->second = 0;
        local->day++; /* one behind the end of the month has no bit */
    }
    return FALSE;
}

/* ---- the zone ---- */
static gint64 offset_at(GTimeZone *zone, gint64 unix_seconds) {
    int interval = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, unix_seconds);
    return interval >= 0 ? g_time_zone_get_offset(zone, interval) : 0;
}

/* The instant of a local time, its later one when there are two. FALSE: there is none. */
static gboolean instant_of(GTimeZone *zone, gint64 local, gint64 *instant) {
    gint64 before = offset_at(zone, local - DAY_SECONDS), after = offset_at(zone, local + DAY_SECONDS);
    *instant = local - after;
    if (offset_at(zone, *instant) == after)
        return TRUE;
    *instant = local - before;
    return offset_at(zone, *instant) == before;
}

/* The local time from which the search begins. When clocks are set back soon, the times that come twice are still to come. */
static gint64 first_local(GTimeZone *zone, gint64 first) {
    gint64 now = offset_at(zone, first), later = offset_at(zone, first + DAY_SECONDS), begin = first + now;
    if (later >= now)
        return begin;
    gint64 low = first, high = first + DAY_SECONDS; /* the change lies in (low, high] */
    while (high - low > 1) {
        gint64 middle = low + (high - low) / 2;
        *(offset_at(zone, middle) == now ? &low : &high) = middle;
    }
    return MIN(begin, high + later);
}

/* Where a local time that does not exist is: the first one behind the gap. */
static gint64 behind_gap(GTimeZone *zone, gint64 local) {
    gint64 low = local, high = local + DAY_SECONDS, unused;
    while (high - low > 1) {
        gint64 middle = low + (high - low) / 2;
        *(instant_of(zone, middle, &unused) ? &high : &low) = middle;
    }
    return high;
}

gint64 quartz_next(const Quartz *quartz, GTimeZone *zone, gint64 after_ms) {
    gint64 after = after_ms / 1000 - (after_ms % 1000 < 0);
    if (after < -G_GINT64_CONSTANT(30000000000) || after > G_GINT64_CONSTANT(200000000000))
        return -1; /* years that the calendar does not reach */
    Local local = local_of(first_local(zone, after + 1));
    int last_year = MIN(local.year + QUARTZ_YEARS_AHEAD, 9999);
    while (next_local(quartz, &local, last_year)) {
        gint64 seconds = local_seconds(&local), instant;
        gboolean there = instant_of(zone, seconds, &instant);
        if (there && instant > after)
            return instant * 1000;
        local = local_of(there ? seconds + 1 : behind_gap(zone, seconds));
    }
    return -1;
}

/* "The next time is not later than until" holds up to the last time, and never again: halving finds it. */
gint64 quartz_last(const Quartz *quartz, GTimeZone *zone, gint64 after_ms, gint64 until_ms) {
    gint64 last = quartz_next(quartz, zone, after_ms), low = after_ms, high = until_ms;
    if (last < 0 || last > until_ms)
        return -1;
    while (low < high) {
        gint64 middle = low + (high - low + 1) / 2, next = quartz_next(quartz, zone, middle);
        if (next < 0 || next > until_ms) {
            high = middle - 1;
        } else {
            low = middle;
            last = next;
        }
    }
    return last;
}
