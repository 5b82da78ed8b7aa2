/* A Quartz expression in English. */
#include "triggers/quartz_fields.h"
#include <string.h>

#define CLOCK_TIMES_MAX 6 /* times of the day that are listed one by one */

static const char *const months[] = {NULL,   "January", "February",  "March",   "April",    "May",     "June",
                                     "July", "August",  "September", "October", "November", "December"};
static const char *const weekdays[] = {NULL, "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const ordinals[] = {NULL, "first", "second", "third", "fourth", "fifth"};

static guint count(guint64 bits) {
    return (guint)__builtin_popcountll(bits);
}

static gboolean is_full(const Quartz *quartz, QuartzField field) {
    const QuartzRange *range = &quartz_ranges[field];
    return count(quartz->values[field]) == (guint)(range->most - range->least + 1);
}

/* "1", "1 and 3", "1, 3 and 5", "1 through 5". names may be NULL. */
static void append_values(GString *into, guint64 bits, const char *const *names) {
    guint n = count(bits), first = n > 0 ? (guint)__builtin_ctzll(bits) : 0, done = 0;
    gboolean run = n > 2 && bits >> first == (1ULL << n) - 1;
    for (guint i = first; i < 64; i++) {
        if ((bits >> i & 1) == 0 || (run && i != first && i != first + n - 1))
            continue;
        const char *between = run ? " through " : done + 1 == n ? " and " : ", ";
        g_string_append(into, done > 0 ? between : "");
        done = done + 1;
        if (names != NULL)
            g_string_append(into, names[i]);
        else
            g_string_append_printf(into, "%u", i);
    }
}

/* ---- the time of the day ---- */
static void append_clock(GString *into, int hour, int minute, int second) {
    g_string_append_printf(into, "%d:%02d", hour % 12 == 0 ? 12 : hour % 12, minute);
    if (second != 0)
        g_string_append_printf(into, ":%02d", second);
    g_string_append(into, hour < 12 ? " AM" : " PM");
}

static gboolean append_clock_times(GString *into, const Quartz *quartz) {
    guint64 seconds = quartz->values[QUARTZ_SECOND], minutes = quartz->values[QUARTZ_MINUTE], hours = quartz->values[QUARTZ_HOUR];
    guint n = count(minutes) * count(hours), done = 0;
    if (count(seconds) != 1 || n > CLOCK_TIMES_MAX)
        return FALSE;
    g_string_append(into, "At ");
    for (guint at = 0; at < 24 * 60; at++) {
        if ((hours >> at / 60 & 1) == 0 || (minutes >> at % 60 & 1) == 0)
            continue;
        g_string_append(into, done == 0 ? "" : done + 1 == n ? " and " : ", ");
        append_clock(into, (int)at / 60, (int)at % 60, __builtin_ctzll(seconds));
        done++;
    }
    return TRUE;
}

/* "*\/15": the step of a field that is nothing but one from its start, else 0. */
static guint step_of(const Quartz *quartz, QuartzField field) {
    const char *slash = strchr(quartz->texts[field], '/');
    gboolean plain = slash != NULL && strpbrk(quartz->texts[field], ",-") == NULL && (quartz->values[field] & 1) != 0;
    return plain ? (guint)g_ascii_strtoull(slash + 1, NULL, 10) : 0;
}

static void append_unit(GString *into, const Quartz *quartz, QuartzField field, const char *one) {
    guint step = step_of(quartz, field);
    if (is_full(quartz, field)) {
        g_string_append_printf(into, "every %s", one);
    } else if (step > 1) {
        g_string_append_printf(into, "every %u %ss", step, one);
    } else {
        g_string_append_printf(into, "at %s%s ", one, count(quartz->values[field]) == 1 ? "" : "s");
        append_values(into, quartz->values[field], NULL);
    }
}

static void append_time(GString *into, const Quartz *quartz) {
    if (append_clock_times(into, quartz))
        return;
    gsize start = into->len;
    gboolean at_zero = quartz->values[QUARTZ_SECOND] == 1;
    if (!at_zero) {
        append_unit(into, quartz, QUARTZ_SECOND, "second");
        g_string_append(into, is_full(quartz, QUARTZ_MINUTE) && is_full(quartz, QUARTZ_HOUR) ? "" : ", ");
    }
    if (at_zero || !is_full(quartz, QUARTZ_MINUTE))
        append_unit(into, quartz, QUARTZ_MINUTE, "minute");
    else if (!is_full(quartz, QUARTZ_HOUR))
        g_string_append(into, "every minute");
    if (!is_full(quartz, QUARTZ_HOUR)) {
        g_string_append(into, " of ");
        if (step_of(quartz, QUARTZ_HOUR) > 1) {
            append_unit(into, quartz, QUARTZ_HOUR, "hour");
        } else {
            g_string_append(into, count(quartz->values[QUARTZ_HOUR]) == 1 ? "hour " : "hours ");
            append_values(into, quartz->values[QUARTZ_HOUR], NULL);
        }
    }
    into->str[start] = g_ascii_toupper(into->str[start]);
}

/* ---- the day ---- */
static void append_from_last(GString *into, guint32 bits, const char *what) {
    for (guint i = 0; i < 31; i++) {
        if ((bits >> i & 1) == 0)
            continue;
        if (i == 0)
            g_string_append_printf(into, ", on the last %s of the month", what);
        else
            g_string_append_printf(into, ", on the %s %u days before the last day of the month", what, i);
    }
}

static void append_weekdays(GString *into, const Quartz *quartz) {
    guint64 bits = quartz->values[QUARTZ_WEEKDAY];
    if (bits != 0 && !is_full(quartz, QUARTZ_WEEKDAY)) {
        g_string_append(into, ", on ");
        append_values(into, bits, weekdays);
    }
    if (quartz->nth_day != 0)
        g_string_append_printf(into, ", on the %s %s of the month", ordinals[quartz->nth], weekdays[quartz->nth_day]);
    if (quartz->last_of_month != 0)
        g_string_append_printf(into, ", on the last %s of the month", weekdays[quartz->last_of_month]);
}

static void append_days(GString *into, const Quartz *quartz) {
    guint64 bits = quartz->values[QUARTZ_DAY];
    if (bits != 0 && !is_full(quartz, QUARTZ_DAY)) {
        g_string_append(into, count(bits) == 1 ? ", on day " : ", on days ");
        append_values(into, bits, NULL);
        g_string_append(into, " of the month");
    }
    if (quartz->nearest != 0) {
        g_string_append(into, ", on the weekday nearest to day ");
        append_values(into, quartz->nearest, NULL);
        g_string_append(into, " of the month");
    }
    append_from_last(into, quartz->from_last, "day");
    append_from_last(into, quartz->from_last_weekday, "weekday");
}

static void append_years(GString *into, const Quartz *quartz) {
    for (guint i = 0; i < quartz->n_years; i++) {
        const QuartzYears *years = &quartz->years[i];
        g_string_append(into, i == 0 ? ", in " : " and ");
        g_string_append_printf(into, "%" G_GINT64_FORMAT, years->from);
        if (years->to >= G_MAXINT32)
            g_string_append(into, " and later");
        else if (years->to != years->from)
            g_string_append_printf(into, " through %" G_GINT64_FORMAT, years->to);
        if (years->step > 1)
            g_string_append_printf(into, ", every %" G_GINT64_FORMAT " years", years->step);
    }
}

char *quartz_explain(const Quartz *quartz) {
    GString *text = g_string_new(NULL);
    append_time(text, quartz);
    if (quartz->by_weekday)
        append_weekdays(text, quartz);
    else
        append_days(text, quartz);
    if (!is_full(quartz, QUARTZ_MONTH)) {
        g_string_append(text, ", only in ");
        append_values(text, quartz->values[QUARTZ_MONTH], months);
    }
    if (quartz->texts[QUARTZ_YEAR] != NULL && strcmp(quartz->texts[QUARTZ_YEAR], "*") != 0)
        append_years(text, quartz);
    return g_string_free(text, FALSE);
}
