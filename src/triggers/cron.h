/* The scheduler: makes an event of every time at which a cron trigger is due (triggers.md 5).
 *
 * One timer for the earliest time. A fire is an event whose id is made from pipeline, trigger and instant, so that it is never doubled:
 * not by a crash, a clock that was set back, or another server. Up to where fires are done is stored with each round, and from there it
 * goes on after a start: what was missed by less than CRON_LATE_MS fires late, more is recorded as missed. Work runs on the runtime's
 * lanes; any thread may call. */
#pragma once
#include "triggers/cron_schedule.h"
#include "triggers/triggers.h"

#define CRON_POSTERS_MAX 4      /* workers that store fires of one instant */
#define CRON_RETRY_MS 1000      /* after a fire that could not be stored */
#define CRON_CLOCK_BACK_MS 5000 /* set back by more: all times are looked for anew */

typedef struct Cron Cron;
/* Everything is borrowed. ERR_INVALID: the configuration. */
Cron *cron_new(Triggers *triggers, Store *store, Runtime *runtime, Config *config, GError **error);
void cron_start(Cron *cron);                 /* before triggers_start: it watches pipelines */
void cron_stop(Cron *cron, gint64 grace_ms); /* before triggers_stop; what is not stored then is due again after the next start */
void cron_free(Cron *cron);
gboolean cron_reload(Cron *cron, Config *config, GError **error); /* changes nothing on error */
extern const ConfigSection *const cron_config_sections[];         /* NULL-terminated */

/* The triggers of a pipeline (NULL: of all) and when they are due next. each must not call back. */
void cron_each(Cron *cron, const char *pipeline_id, CronEach each, gpointer data);

/* Why a trigger with this expression (NULL: it has none) is never due, a sentence, or NULL. Caller frees. */
char *cron_problem(Cron *cron, const char *expression, const char *trigger_id);

typedef struct {
    guint triggers, waiting;                              /* due next; fires that are to be stored */
    guint64 fired, missed, compensated, repeated, failed; /* repeated: known already */
} CronCounts;
void cron_counts(Cron *cron, CronCounts *into);
