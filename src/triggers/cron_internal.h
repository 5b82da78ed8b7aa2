/* What the files of the scheduler share. */
#pragma once
#include "triggers/cron.h"

/* ---- cron_settings.c: immutable ---- */
typedef struct {
    gatomicrefcount ref_count;
    char *zone_name;
    GTimeZone *zone;
    gboolean enabled; /* scheduler.triggers.enabled */
    gboolean compensates, compensates_again;
    gint64 window_ms, tolerance_ms, interval_ms;
} CronSettings;
CronSettings *cron_settings_new(Config *config, GError **error);
CronSettings *cron_settings_ref(CronSettings *settings);
void cron_settings_unref(CronSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CronSettings, cron_settings_unref)

/* ---- cron_events.c: fires as events. Wait for the commit ---- */
typedef enum { CRON_POSTED, CRON_KNOWN, CRON_FAILED } CronPosted;
CronPosted cron_post(Triggers *triggers, const CronFire *fire, const CronSettings *settings, GError **error);

/* ---- cron_mark.c: up to where fires are done ---- */
/* 0: never before. */
gint64 cron_mark_load(Store *store);
gboolean cron_mark_save(Store *store, gint64 now_ms, gint64 done_ms, GError **error);
