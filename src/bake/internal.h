/* The bakery's inside: what its files share. */
#pragma once
#include "bake/bakery.h"
#include "bake/record.h"

#define BAKE_ATTEMPTS_MAX 3 /* a bake whose process was lost is begun again */

/* A bake that this process attends: one thread from its start (or its finding) to its end. Owned by Bakery.jobs. */
typedef struct {
    Bakery *bakery;
    char *id;
    Cancel *cancel;    /* somebody wants it to end */
    gboolean attended; /* has its thread; under lock */
    gboolean slot;     /* counts among those that run; under lock */
} BakeJob;

struct Bakery {
    Store *store;
    Clouds *clouds; /* may be NULL in tests */
    char *folder, *program;
    void (*bake_ended)(const char *execution_id, const char *stage_id, gpointer data);
    gpointer data;

    GMutex lock; /* of what follows */
    GCond changed;
    BakeSettings *settings;
    GHashTable *jobs; /* id → BakeJob */
    GQueue waiting;   /* of BakeJob, borrowed, in order */
    guint running, threads;
    gboolean started;
    Cancel *stop;
};

BakeSettings *bakery_settings(Bakery *bakery); /* a reference */
char *bakery_folder_of(Bakery *bakery, const char *id);
char *bakery_attempt_folder(Bakery *bakery, const char *id, gint64 attempt);
/* Secrets that no log may show: strv, caller frees. */
char **bakery_masks(const BakeSettings *settings, const JsonValue *variables);
/* The account that the bake's builders live in, or NULL with error. */
Account *bakery_account(Bakery *bakery, const BakeRecord *record, GError **error);

/* cloud_bakes.c: clouds that make images by themselves. */
const Cloud *bakery_cloud_that_bakes(Bakery *bakery, const char *cloud); /* by its id; NULL: images of it come from here */
Json *bakery_look_at_clouds(Bakery *bakery, const char *id);             /* such a bake as Cloud.bake tells; NULL: no cloud knows it */

/* schedule.c */
GHashTable *bakery_jobs_new(void);
void bakery_enqueue(Bakery *bakery, const char *id, gboolean at_once); /* at_once: it runs already, whatever the limit */
void bakery_slot_free(BakeJob *job);                                   /* the next may begin */
gboolean bakery_job_cancel(Bakery *bakery, const char *id);            /* whether it is attended here */

/* job.c: runs on the job's thread until the bake is over or the bakery stops. */
void bake_job_run(BakeJob *job);
/* Takes back that it runs: CANCELED, and who waits is told. */
gboolean bakery_mark_cancelled(Bakery *bakery, const char *id, const char *why, GError **error);

/* keep.c: removes logs that are older than BAKE_LOGS_KEPT_DAYS. */
#define BAKE_LOGS_KEPT_DAYS 90
void bakery_drop_old_logs(Bakery *bakery, gint64 now_ms);

/* source_image.c */
char *bakery_find_image(gpointer bakery, const char *region, const char *name, const char *virtualization, gboolean most_recent,
                        GError **error);
