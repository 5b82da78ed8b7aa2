/* Quartz expressions (triggers.md 5.2 to 5.4): what is valid, when they are due, compared with a walk over every second. */
#include "base/clock.h"
#include "triggers/quartz.h"

static gint64 next_of(const char *expression, const char *zone_name, const char *after) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Quartz) quartz = quartz_parse(expression, NULL, &error);
    g_assert_no_error(error);
    GTimeZone *zone = g_time_zone_new_identifier(zone_name);
    gint64 next = quartz_next(quartz, zone, clock_parse_iso8601(after));
    g_time_zone_unref(zone);
    return next;
}

static void check_next(const char *expression, const char *zone, const char *after, const char *expected) {
    gint64 next = next_of(expression, zone, after), wanted = expected != NULL ? clock_parse_iso8601(expected) : -1;
    g_autofree char *text = next >= 0 ? clock_iso8601(next) : g_strdup("never");
    if (next != wanted)
        g_error("%s in %s after %s: %s, expected %s", expression, zone, after, text, expected != NULL ? expected : "never");
}

static void test_rules(void) {
    check_next("0 0 12 1W * ?", "UTC", "2026-08-01T00:00:00Z", "2026-08-03T12:00:00Z");  /* a Saturday */
    check_next("0 0 12 31W * ?", "UTC", "2026-05-01T00:00:00Z", "2026-05-29T12:00:00Z"); /* a Sunday */
    check_next("0 0 12 31W * ?", "UTC", "2026-04-01T00:00:00Z", "2026-05-29T12:00:00Z"); /* April has none */
    check_next("0 0 12 L-3 * ?", "UTC", "2026-02-01T00:00:00Z", "2026-02-25T12:00:00Z");
    check_next("0 0 12 1,L * ?", "UTC", "2026-02-01T13:00:00Z", "2026-02-28T12:00:00Z");
    check_next("0 0 12 ? * L", "UTC", "2026-01-01T00:00:00Z", "2026-01-03T12:00:00Z");
    check_next("0 0 12 ? * FRI#5", "UTC", "2026-02-01T00:00:00Z", "2026-05-29T12:00:00Z");
    check_next("0 0 12 ? * FRIL", "UTC", "2026-02-01T00:00:00Z", "2026-02-27T12:00:00Z");
    check_next("0 0 12 ? * 6-2", "UTC", "2026-01-05T13:00:00Z", "2026-01-09T12:00:00Z");
    check_next("0 0 12 1 NOV-FEB ?", "UTC", "2026-02-02T00:00:00Z", "2026-11-01T12:00:00Z");
    check_next("0 0 12 ? * */2", "UTC", "2026-01-01T13:00:00Z", "2026-01-03T12:00:00Z");
    check_next("0 0 0 30 2 ?", "UTC", "2026-01-01T00:00:00Z", NULL);
    check_next("0 0 0 1 1 ? 1969", "UTC", "2026-01-01T00:00:00Z", NULL);
    check_next("0 0 0 1 1 ? 2030/5", "UTC", "2031-01-01T00:00:00Z", "2035-01-01T00:00:00Z");
    check_next("0 0 10 ? * MONDAY,", "UTC", "2026-01-01T00:00:00Z", "2026-01-05T10:00:00Z");
    check_next("  0\t0  10 ? * mon ", "UTC", "2026-01-05T09:59:59.500Z", "2026-01-05T10:00:00Z");
}

static void test_clocks_set(void) {
    const char *new_york = "America/New_York";
    check_next("0 30 1 * * ?", new_york, "2026-11-01T00:00:00Z", "2026-11-01T06:30:00Z"); /* the second 01:30 */
    check_next("0 30 1 * * ?", new_york, "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"); /* asked in the first */
    check_next("0 30 1 * * ?", new_york, "2026-11-01T06:30:00Z", "2026-11-02T06:30:00Z");
    check_next("0 0 * * * ?", new_york, "2026-11-01T04:00:00Z", "2026-11-01T06:00:00Z");
    check_next("0 30 2 * * ?", new_york, "2026-03-08T00:00:00Z", "2026-03-09T06:30:00Z"); /* is not there on the 8th */
    check_next("* * * * * ?", new_york, "2026-03-08T06:59:59Z", "2026-03-08T07:00:00Z");
    check_next("0 0 0 * * ?", "America/Havana", "2026-03-08T00:00:00Z", "2026-03-09T04:00:00Z"); /* no midnight on the 8th */
    check_next("0 45 1 * * ?", "Australia/Lord_Howe", "2026-04-04T14:00:00Z", "2026-04-04T15:15:00Z");
}

static void test_bad(void) {
    static const char *const BAD[] = {
        "",
        "* * * * *",
        "0 0 10 * * *",
        "0 0 10 ? * ?",
        "0 0 24 ? * *",
        "60 0 0 ? * *",
        "0 */70 * ? * *",
        "0 0 0/24 ? * *",
        "0 0 10 ? * 0",
        "0 0 10 ? * 8",
        "0 0 10 0 * ?",
        "0 0 10 32 * ?",
        "0 0 10 1 13 ?",
        "0 0 10 1 FOO ?",
        "0 0 10 ? * FOO",
        "? 0 0 1 * ?",
        "0 0 10 W * ?",
        "0 0 10 32W * ?",
        "0 0 10 L-31 * ?",
        "0 0 10 ? * 2,6L",
        "0 0 10 ? * 6#6",
        "0 0 10 ? * 6#0",
        "0 0 10 ? * 2#1,6#3",
        "0 0 10 1 1 ? 2030-2024",
        "0 0 10 1 1 ? 2030 8",
        "0 0 10 1 1 ? x",
        "0 0 10 ?? * 2",
        "0 0 10 1 1/ ?",
        "0 0 , ? * *",
        "0 0 10 5L * ?",
        "a 0 0 ? * *",
        "0 0 99999999999999999999 ? * *",
        "h 0 0 ? * *",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(BAD); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Quartz) quartz = quartz_parse(BAD[i], NULL, &error);
        if (quartz != NULL)
            g_error("\"%s\" is no valid expression", BAD[i]);
        g_assert_cmpint(error_code(error), ==, ERR_INVALID);
    }
    g_autofree char *blanks = g_strnfill(QUARTZ_LENGTH_MAX + 1, ' ');
    g_autoptr(GError) error = NULL;
    g_assert_null(quartz_parse(blanks, NULL, &error));
    g_assert_cmpint(error_code(error), ==, ERR_LIMIT);
}

static void check_fuzzy(const char *expression, const char *id, const char *expected) {
    g_autoptr(Quartz) quartz = quartz_parse(expression, id, NULL);
    GTimeZone *zone = g_time_zone_new_utc();
    g_assert_cmpint(quartz_next(quartz, zone, clock_parse_iso8601("2026-01-01T00:00:00Z")), ==, clock_parse_iso8601(expected));
    g_assert_true(quartz_is_fuzzy(expression));
    g_time_zone_unref(zone);
}

static void test_fuzzy(void) {
    check_fuzzy("H * * ? * *", "abcd", "2026-01-01T00:00:34Z");
    check_fuzzy("0 H/5 * ? * *", "abcd", "2026-01-01T00:34:00Z");
    check_fuzzy("0 0 H ? * *", "abcde", "2026-01-01T03:00:00Z");
    g_assert_false(quartz_is_fuzzy("0 0 0 ? * THU"));
}

static void check_text(const char *expression, const char *expected) {
    g_autoptr(Quartz) quartz = quartz_parse(expression, NULL, NULL);
    g_autofree char *text = quartz_explain(quartz);
    g_assert_cmpstr(text, ==, expected);
}

static void test_explained(void) {
    check_text("0 0 10 ? * MON-FRI", "At 10:00 AM, on Monday through Friday");
    check_text("0 0/15 * * * ?", "Every 15 minutes");
    check_text("* * * * * ?", "Every second");
    check_text("0 * * * * ?", "Every minute");
    check_text("0 15,45 9-11 ? * MON,WED", "At 9:15 AM, 9:45 AM, 10:15 AM, 10:45 AM, 11:15 AM and 11:45 AM, on Monday and Wednesday");
    check_text("0 0/5 9-17 ? * *", "Every 5 minutes of hours 9 through 17");
    check_text("*/10 * 8 ? * *", "Every 10 seconds, every minute of hour 8");
    check_text("0 0 12 LW * ?", "At 12:00 PM, on the last weekday of the month");
    check_text("0 0 0 15W JAN,JUL ?", "At 12:00 AM, on the weekday nearest to day 15 of the month, only in January and July");
    check_text("30 0 0 ? * 6#3 2030-2032", "At 12:00:30 AM, on the third Friday of the month, in 2030 through 2032");
}

/* ---- the property: next is the first second after that the fields allow ---- */
typedef struct {
    const char *expression;
    int second, minute, hour; /* -1: any */
    guint days;               /* weekdays, a bit each from Sunday = 1; 0: any */
} Walked;

static gboolean allowed(const Walked *walked, GDateTime *at) {
    return (walked->second < 0 || g_date_time_get_second(at) == walked->second) &&
           (walked->minute < 0 || g_date_time_get_minute(at) == walked->minute) &&
           (walked->hour < 0 || g_date_time_get_hour(at) == walked->hour) &&
           (walked->days == 0 || (walked->days >> (g_date_time_get_day_of_week(at) % 7 + 1) & 1) != 0);
}

/* The same time on the wall comes again: what is due is its last occurrence. */
static gboolean comes_again(GDateTime *at, GTimeZone *zone) {
    for (int minutes = 30; minutes <= 120; minutes += 30) {
        g_autoptr(GDateTime) later = g_date_time_add_minutes(at, minutes);
        g_autoptr(GDateTime) there = g_date_time_to_timezone(later, zone);
        if (g_date_time_get_hour(there) == g_date_time_get_hour(at) && g_date_time_get_minute(there) == g_date_time_get_minute(at))
            return TRUE;
    }
    return FALSE;
}

static void walk(const Walked *walked, GTimeZone *zone, gint64 from, gint64 step, guint steps) {
    g_autoptr(Quartz) quartz = quartz_parse(walked->expression, NULL, NULL);
    gint64 expected = quartz_next(quartz, zone, (from - 1) * 1000) / 1000;
    for (guint i = 0; i < steps; i++) {
        gint64 at = from + (gint64)i * step;
        g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(at);
        g_autoptr(GDateTime) local = g_date_time_to_timezone(utc, zone);
        gboolean due = allowed(walked, local) && !comes_again(local, zone);
        g_assert_cmpint(due, ==, expected == at);
        if (due) {
            g_assert_cmpint(quartz_last(quartz, zone, (from - 1) * 1000, at * 1000), ==, at * 1000);
            expected = quartz_next(quartz, zone, at * 1000) / 1000;
        }
    }
}

static void test_walked(void) {
    static const char *const ZONES[] = {"America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana"};
    static const char *const STARTS[] = {"2026-03-07T20:00:00Z", "2026-03-28T20:00:00Z", "2026-04-04T05:00:00Z", "2026-10-24T18:00:00Z",
                                         "2026-10-31T20:00:00Z"};
    static const Walked BY_MINUTE[] = {
        {"0 30 1 * * ?", 0, 30, 1, 0}, {"0 30 2 * * ?", 0, 30, 2, 0},         {"0 0 * ? * SUN", 0, 0, -1, 1 << 1},
        {"0 * 0 ? * *", 0, -1, 0, 0},  {"0 45 * ? * 1-2", 0, 45, -1, 3 << 1},
    };
    static const Walked BY_SECOND[] = {{"* * * * * ?", -1, -1, -1, 0}, {"7 * 2 ? * *", 7, -1, 2, 0}};
    for (gsize z = 0; z < G_N_ELEMENTS(ZONES); z++) {
        GTimeZone *zone = g_time_zone_new_identifier(ZONES[z]);
        for (gsize s = 0; s < G_N_ELEMENTS(STARTS); s++) {
            gint64 from = clock_parse_iso8601(STARTS[s]) / 1000;
            for (gsize i = 0; i < G_N_ELEMENTS(BY_MINUTE); i++)
                walk(&BY_MINUTE[i], zone, from, 60, 24 * 60);
        }
        walk(&BY_SECOND[z % 2], zone, clock_parse_iso8601("2026-11-01T05:50:00Z") / 1000, 1, 5000);
        g_time_zone_unref(zone);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/triggers/quartz/rules", test_rules);
    g_test_add_func("/triggers/quartz/clocks-set", test_clocks_set);
    g_test_add_func("/triggers/quartz/bad", test_bad);
    g_test_add_func("/triggers/quartz/fuzzy", test_fuzzy);
    g_test_add_func("/triggers/quartz/explained", test_explained);
    g_test_add_func("/triggers/quartz/walked", test_walked);
    return g_test_run();
}
