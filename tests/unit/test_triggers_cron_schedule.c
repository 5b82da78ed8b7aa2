/* The schedule of cron triggers (triggers.md 5.4): what is due when, late, missed, after edits and jumps of the clock. */
#include "base/clock.h"
#include "triggers/cron_schedule.h"

#define START "2026-05-01T00:00:00Z"
#define MINUTE_MS 60000

static gint64 at(const char *text) {
    return clock_parse_iso8601(text);
}

static CronSchedule *schedule_new(void) {
    GTimeZone *zone = g_time_zone_new_utc();
    CronSchedule *schedule = cron_schedule_new(zone);
    g_time_zone_unref(zone);
    return schedule;
}

static void set(CronSchedule *schedule, const char *pipeline, const char *expression, gint64 from_ms) {
    CronTrigger trigger = {pipeline, pipeline, "app", "t1", expression, 0};
    cron_schedule_set(schedule, pipeline, &trigger, expression != NULL ? 1 : 0, from_ms);
}

static guint take(CronSchedule *schedule, gint64 now_ms, GQueue *into) {
    g_queue_clear_full(into, (GDestroyNotify)cron_fire_free);
    cron_schedule_take(schedule, now_ms, into);
    return g_queue_get_length(into);
}

static void test_in_order(void) {
    g_autoptr(CronSchedule) schedule = schedule_new();
    GQueue fires = G_QUEUE_INIT;
    g_assert_cmpint(cron_schedule_next_ms(schedule), ==, -1);
    set(schedule, "hourly", "0 0 * * * ?", at(START));
    set(schedule, "quarterly", "0 0/15 * * * ?", at(START));
    set(schedule, "bad", "0 0 0 * * *", at(START));
    set(schedule, "never", "0 0 0 30 2 ?", at(START));
    g_assert_cmpint(cron_schedule_count(schedule), ==, 2);
    g_assert_cmpint(cron_schedule_next_ms(schedule), ==, at("2026-05-01T00:15:00Z"));
    g_assert_cmpint(take(schedule, at("2026-05-01T00:14:59.999Z"), &fires), ==, 0);
    g_assert_cmpint(take(schedule, at("2026-05-01T00:15:00Z"), &fires), ==, 1);
    g_assert_cmpint(take(schedule, at("2026-05-01T00:15:00Z"), &fires), ==, 0);
    const CronFire *fire;
    for (guint i = 30; i <= 45; i += 15)
        g_assert_cmpint(take(schedule, at(START) + i * MINUTE_MS, &fires), ==, 1);
    g_assert_cmpint(take(schedule, at("2026-05-01T01:00:00Z"), &fires), ==, 2);
    fire = g_queue_peek_head(&fires);
    g_assert_cmpstr(fire->pipeline_id, ==, "hourly");
    g_assert_cmpint(fire->at_ms, ==, at("2026-05-01T01:00:00Z"));
    g_assert_cmpint(fire->since_ms, ==, 0);
    g_queue_clear_full(&fires, (GDestroyNotify)cron_fire_free);
}

static void test_late(void) {
    g_autoptr(CronSchedule) schedule = schedule_new();
    GQueue fires = G_QUEUE_INIT;
    set(schedule, "p", "0/10 * * * * ?", at(START));
    g_assert_cmpint(take(schedule, at(START) + CRON_LATE_MS + 10000, &fires), ==, 7); /* all that are late by a minute at most */
    g_assert_cmpint(take(schedule, at(START) + 10 * MINUTE_MS, &fires), ==, 1);       /* the first is too old: none fires */
    const CronFire *fire = g_queue_peek_head(&fires);
    g_assert_cmpint(fire->since_ms, ==, at(START) + 80000);
    g_assert_cmpint(fire->at_ms, ==, at(START) + 10 * MINUTE_MS);
    g_assert_cmpint(cron_schedule_next_ms(schedule), ==, at(START) + 10 * MINUTE_MS + 10000);
    g_assert_cmpint(take(schedule, at("2036-05-01T00:00:00Z"), &fires), ==, 1); /* a jump of ten years: one record, not millions */
    g_queue_clear_full(&fires, (GDestroyNotify)cron_fire_free);
}

static void test_edits(void) {
    g_autoptr(CronSchedule) schedule = schedule_new();
    gint64 later = at(START) + 20 * MINUTE_MS;
    set(schedule, "p", "0 0/15 * * * ?", at(START));
    set(schedule, "p", "0 0/15 * * * ?", later); /* the same: keeps what is due */
    g_assert_cmpint(cron_schedule_next_ms(schedule), ==, at(START) + 15 * MINUTE_MS);
    set(schedule, "p", "0 0/5 * * * ?", later); /* another: from now on */
    g_assert_cmpint(cron_schedule_next_ms(schedule), ==, later + 5 * MINUTE_MS);
    CronTrigger twice[] = {{"p", "p", "app", "t1", "0 0 * * * ?", 0}, {"p", "p", "app", "t1", "0 0 * * * ?", 1}};
    cron_schedule_set(schedule, "p", twice, 2, later);
    g_assert_cmpint(cron_schedule_count(schedule), ==, 1); /* one id, one schedule */
    set(schedule, "p", NULL, later);
    g_assert_cmpint(cron_schedule_next_ms(schedule), ==, -1);
}

static void test_set_back(void) {
    g_autoptr(CronSchedule) schedule = schedule_new();
    set(schedule, "p", "0 0/15 * * * ?", at("2036-01-01T00:00:00Z")); /* the clock was wrong */
    cron_schedule_restart(schedule, NULL, at(START));
    g_assert_cmpint(cron_schedule_next_ms(schedule), ==, at(START) + 15 * MINUTE_MS);
    GTimeZone *zone = g_time_zone_new_identifier("Asia/Kathmandu");
    set(schedule, "p", "0 0 * * * ?", at(START));
    cron_schedule_restart(schedule, zone, at(START));
    g_assert_cmpint(cron_schedule_next_ms(schedule), ==, at(START) + 15 * MINUTE_MS); /* 05:45 ahead */
    g_time_zone_unref(zone);
}

static void test_thousand_at_once(void) {
    g_autoptr(CronSchedule) schedule = schedule_new();
    GQueue fires = G_QUEUE_INIT;
    for (guint i = 0; i < 2 * CRON_TAKE_MAX; i++) {
        g_autofree char *id = g_strdup_printf("p%05u", i);
        set(schedule, id, "0 0 3 * * ?", at(START));
    }
    g_assert_cmpint(take(schedule, at("2026-05-01T03:00:00Z"), &fires), ==, CRON_TAKE_MAX);
    g_assert_cmpstr(((const CronFire *)g_queue_peek_head(&fires))->pipeline_id, ==, "p00000");
    g_assert_cmpint(cron_schedule_next_ms(schedule), ==, at("2026-05-01T03:00:00Z"));
    g_assert_cmpint(take(schedule, at("2026-05-01T03:00:01Z"), &fires), ==, CRON_TAKE_MAX);
    g_assert_cmpint(cron_schedule_next_ms(schedule), ==, at("2026-05-02T03:00:00Z"));
    g_queue_clear_full(&fires, (GDestroyNotify)cron_fire_free);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_LEVEL_ERROR);
    g_test_add_func("/triggers/cron/in-order", test_in_order);
    g_test_add_func("/triggers/cron/late-and-missed", test_late);
    g_test_add_func("/triggers/cron/edits", test_edits);
    g_test_add_func("/triggers/cron/clock-set-back", test_set_back);
    g_test_add_func("/triggers/cron/thousand-at-once", test_thousand_at_once);
    return g_test_run();
}
