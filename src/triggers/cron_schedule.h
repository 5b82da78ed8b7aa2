/* When which cron trigger is due: all of them, ordered by their next time. Pure; its owner locks. */
#pragma once
#include "triggers/quartz.h"

#define CRON_LATE_MS 60000 /* a time missed by less is fired late, one missed by more is not (triggers.md 5.4) */
#define CRON_TAKE_MAX 1000 /* fires taken at once: the rest stays due */

typedef struct {
    const char *pipeline_id, *pipeline_name, *application;
    const char *trigger_id, *expression; /* expression NULL: the key is missing */
    guint index;                         /* in the pipeline's triggers */
} CronTrigger;

typedef struct {
    char *pipeline_id, *pipeline_name, *application, *trigger_id, *expression;
    guint index;
    gint64 at_ms;          /* the instant that was due; of a missed one, the last of them */
    gint64 since_ms;       /* the first that was missed; 0: it is to be fired */
    gboolean compensation; /* to be fired only if the pipeline did not run since */
} CronFire;
CronFire *cron_fire_new(const CronTrigger *trigger, gint64 at_ms, gint64 since_ms);
void cron_fire_free(CronFire *fire);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CronFire, cron_fire_free)

typedef struct CronSchedule CronSchedule;
CronSchedule *cron_schedule_new(GTimeZone *zone); /* takes a reference of its own */
void cron_schedule_free(CronSchedule *schedule);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CronSchedule, cron_schedule_free)

/* The triggers of a pipeline, instead of those that were there. Those with the same id and expression keep their next time, others are
 * due after from_ms. One that cannot be read, or is never due, is logged and left out. n 0: none. */
void cron_schedule_set(CronSchedule *schedule, const char *pipeline_id, const CronTrigger *triggers, gsize n, gint64 from_ms);
/* All next times anew, after from_ms: the clock was set back, or the zone changed (NULL: it did not). */
void cron_schedule_restart(CronSchedule *schedule, GTimeZone *zone, gint64 from_ms);
/* Appends what is due at now, in its order, at most CRON_TAKE_MAX; of CronFire, owned by the queue. */
void cron_schedule_take(CronSchedule *schedule, gint64 now_ms, GQueue *into);
gint64 cron_schedule_next_ms(const CronSchedule *schedule); /* -1: nothing will be due */
guint cron_schedule_count(const CronSchedule *schedule);

/* A trigger and when it is due next. FALSE stops. pipeline_id NULL: all. */
typedef gboolean (*CronEach)(const CronTrigger *trigger, const Quartz *quartz, gint64 next_ms, gpointer data);
void cron_schedule_each(const CronSchedule *schedule, const char *pipeline_id, CronEach each, gpointer data);
