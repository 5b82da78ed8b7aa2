/* Random deployments and what they promise. */
#pragma once
#include "rehearse/rehearse.h"
#include "stages/services.h"

#define OLD_MIN 1 /* of the group that runs at the beginning */

typedef struct {
    char *config, *pipeline; /* YAML; JSON */
    const char *strategy;
    gint64 old_size, new_size;
    gint64 promise;                    /* so many instances are up behind the load balancer at every moment */
    gboolean is_exclusive;             /* a success leaves one enabled server group */
    gint64 new_min;                    /* of the new group after a success */
    gboolean faulty, doubled, is_calm; /* is_calm: nothing is refused for good, so that all that was pinned is let go */
} DeployCase;
DeployCase *deploy_case_new(guint64 seed);
void deploy_case_free(DeployCase *made);

typedef struct {
    guint succeeded, failed, faulty, doubled, looks;
} DeployCounts;

/* What serves, over time: the last state of each moment counts, for what changes together is told one after the other. */
typedef struct {
    const DeployCase *made;
    Clouds *clouds;
    gint64 last_ms, last_up;
    gint64 least_up, least_at_ms;
    guint looks;
    gboolean booted;
} DeployWatch;
void deploy_watch_begin(DeployWatch *watch);
void deploy_watch_changed(const char *account, const char *kind, const char *region, const char *id, gpointer data); /* a CloudsWatch */
/* What was not kept, or NULL; caller frees. */
char *deploy_check(DeployWatch *watch, const Execution *execution, DeployCounts *counts);
