/* When an instance counts as up or as down, and how many must be (deploy-strategies.md 1 and 4). Pure. */
#pragma once
#include "stages/deploy/scope.h"

/* Which health counts: names NULL: all. */
typedef struct {
    char **names;         /* owned strv or NULL */
    const char *platform; /* the platform's own provider, or NULL */
} HealthInterest;
void health_interest_read(const Stage *stage, const char *platform, HealthInterest *into);
void health_interest_clear(HealthInterest *interest);
gboolean health_interest_is_empty(const HealthInterest *interest); /* an empty list was given: nobody's health matters */

gboolean instance_counts_as_up(const Instance *instance, const HealthInterest *interest);
gboolean instance_counts_as_down(const Instance *instance, const HealthInterest *interest);

/* How many instances of a group must be up: the configured capacity when it is pinned or the group is, else the group's. Percentages:
 * -1 when absent. */
gint64 health_target(const Capacity *configured, gboolean is_configured, const Capacity *current, gint64 healthy_percentage,
                     gint64 desired_percentage);
/* ceil((percentage/100 - 1)·max + min), the number of deploy-strategies.md 1 and 4. */
gint64 health_percentage_count(const Capacity *capacity, gint64 percentage);
