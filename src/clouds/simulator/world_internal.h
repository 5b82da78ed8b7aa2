/* What the files of the world share. */
#pragma once
#include "clouds/simulator/world.h"

typedef struct {
    gint64 instances, server_groups; /* 0: no bound */
} SimulatedQuota;

struct SimulatedWorld {
    guint64 chance; /* state of the generator */
    guint64 last_id;
    gboolean lenient;
    gint64 now_ms, version;
    GPtrArray *groups, *balancers, *images, *faults, *calls, *losses;
    GHashTable *by_name;  /* "account|region|name" → SimulatedGroup, those that end among them */
    GHashTable *quotas;   /* account → SimulatedQuota */
    guint instances;      /* of all groups */
    gint64 next_image_ms; /* when the next image is ready; -1: all are */
};

char *world_key(const char *account, const char *region, const char *name); /* caller frees */
void world_changed(SimulatedWorld *world);                                  /* by people or operations */
char *world_new_id(SimulatedWorld *world, const char *prefix);
guint world_account_instances(const SimulatedWorld *world, const char *account);
char **world_strings(const char *const *texts); /* a copy; NULL: an empty list */

SimulatedGroup *simulated_group_new(void); /* with empty lists, nothing else */
void simulated_group_free(gpointer group);
/* Launches what is missing, ends what is too much, replaces what died; then says when to look again. */
void world_group_settle(SimulatedWorld *world, SimulatedGroup *group, gint64 now_ms);
/* Into the world's lists, without a look at anything. Takes the group. */
void world_group_insert(SimulatedWorld *world, SimulatedGroup *group);
SimulatedInstance *world_instance_launch(SimulatedWorld *world, SimulatedGroup *group, gint64 now_ms);
SimulatedInstance *simulated_instance_new(void);
void simulated_instance_free(gpointer instance);
SimulatedRegistration *simulated_registration_add(SimulatedInstance *instance, const char *name, gboolean is_target, gint64 since_ms);
void simulated_balancer_free(gpointer balancer);
void simulated_image_free(gpointer image);
void world_settle_images(SimulatedWorld *world, gint64 now_ms); /* which one is ready next */
void simulated_call_free(gpointer call);
