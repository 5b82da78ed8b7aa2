/* The simulated cloud itself: accounts, images, server groups and their instances, load balancers, faults, a log of calls.
 *
 * A pure library: no clock, no thread, no store. Every function that changes something takes the time. What instances are (booting,
 * healthy, draining, dead) follows from the times that were fixed when they were launched, so a world is the same however often it is
 * looked at; world_advance() does what the cloud does by itself (replace what died, launch what is missing). Chance comes from a seed.
 * Who shares a world between threads locks it. Structs are for reading; the functions change them. */
#pragma once
#include "clouds/records.h"
#include "clouds/simulator/behaviour.h"
#include "clouds/simulator/fault.h"
#include "inventory/inventory.h"

/* How the simulated machinery behaves where no image says otherwise. */
#define SIMULATED_BOOT_MS 6000      /* from launch to a passing health check */
#define SIMULATED_PENDING_MS 1500   /* from launch to running */
#define SIMULATED_CHECK_MS 1000     /* from registration to the first verdict */
#define SIMULATED_DRAIN_MS 2000     /* a deregistered instance still ends its work */
#define SIMULATED_SHUTDOWN_MS 1500  /* from the request to terminate to the end */
#define SIMULATED_REBOOT_MS 4000    /* without health */
#define SIMULATED_DETECTION_MS 3000 /* until a group sees that an instance died */
#define SIMULATED_BAKE_MS 3000      /* until an image is made */
#define SIMULATED_RETRY_MS 10000    /* a group that may not launch (quota) tries again */

#define SIMULATED_GROUPS_MAX 20000     /* server groups of a world */
#define SIMULATED_INSTANCES_MAX 200000 /* instances of a world */
#define SIMULATED_GROUP_SIZE_MAX 5000  /* instances of one group */
#define SIMULATED_IMAGES_MAX 20000     /* images of a world */
#define SIMULATED_BALANCERS_MAX 20000  /* load balancers, target groups and firewalls of a world */
#define SIMULATED_CALLS_MAX 1000       /* calls that are remembered */

typedef struct SimulatedWorld SimulatedWorld;

/* A load balancer or target group that knows an instance. */
typedef struct {
    char *name;
    gboolean is_target;           /* of a target group */
    gint64 since_ms, draining_ms; /* draining_ms: when it was deregistered; 0: it is not */
} SimulatedRegistration;

typedef struct {
    char *id, *zone;
    gint64 launch_ms;
    gint64 healthy_ms;   /* its health check passes from then on; G_MAXINT64: never */
    gint64 crash_ms;     /* when it dies; 0: never */
    gint64 terminate_ms; /* it was told to end; 0: it was not */
    gint64 gone_ms;      /* it is no more; 0: not known yet */
    gboolean out;        /* taken out of traffic by hand */
    double error_rate;
    guint told;               /* what it looked like when it was last told; 0: it was not */
    GPtrArray *registrations; /* of SimulatedRegistration */
} SimulatedInstance;

typedef struct {
    char *account, *region, *name;
    char *token; /* of whoever created it: a repeat knows its own work; or NULL */
    Moniker moniker;
    gint64 created_ms;
    Capacity capacity;
    char **zones, **load_balancers, **target_groups, **security_groups, **suspended; /* strv, never NULL */
    char *image_id, *image_name, *instance_type, *network;                           /* or NULL */
    SimulatedBehaviour behaviour;
    Json *tags;                    /* object */
    GPtrArray *policies, *actions; /* of Json: scaling policies, scheduled actions */
    GPtrArray *instances;          /* of SimulatedInstance, oldest first */
    gboolean ending;               /* it was deleted; its instances are on their way out */
    char *problem;                 /* why it does not launch; or NULL */
    gint64 retry_ms;               /* when it tries again; 0: it has no problem */
    gint64 next_ms;                /* when something of it changes by itself; -1: never */
    gboolean changed;              /* since it was last published */
} SimulatedGroup;

typedef enum { BALANCER_LOAD_BALANCER, BALANCER_TARGET_GROUP, BALANCER_SECURITY_GROUP } SimulatedBalancerKind;
extern const char *const simulated_balancer_kinds[]; /* KIND_… of the inventory, by SimulatedBalancerKind */
/* Load balancers, target groups and firewalls: named things of a place with a description. */
typedef struct {
    SimulatedBalancerKind kind;
    char *account, *region, *name;
    Json *description; /* object, as it was asked for */
    gboolean changed;
} SimulatedBalancer;

typedef struct {
    char *id, *name, *owner; /* owner: account; NULL: everybody's */
    char **regions;          /* NULL: all */
    gint64 created_ms;
    gint64 ready_ms; /* it is there from then on: a bake takes its time */
    char *bake;      /* id of the bake that makes it; or NULL */
    Json *tags;
    char *behaviour; /* text; or NULL */
    gboolean changed;
} SimulatedImage;

typedef struct {
    gint64 at_ms;
    char *operation, *account, *region, *subject, *outcome; /* outcome: "done", or what went wrong */
} SimulatedCall;

/* Something that is no more and has to leave the inventory. */
typedef struct {
    const char *kind;
    char *account, *region, *id; /* account NULL: in all places (an image) */
} SimulatedLoss;

/* ---- the world (world.c) ---- */
SimulatedWorld *world_new(guint64 seed);
void world_free(SimulatedWorld *world);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimulatedWorld, world_free)
/* In a lenient world what is named and unknown (an image, a load balancer) exists: a stand-in for a cloud that was not read whole. */
void world_set_lenient(SimulatedWorld *world, gboolean lenient);
gboolean world_is_lenient(const SimulatedWorld *world);
/* At most so many of an account; 0: no bound. */
void world_set_quota(SimulatedWorld *world, const char *account, gint64 instances, gint64 server_groups);
guint64 world_random(SimulatedWorld *world);
double world_chance(SimulatedWorld *world); /* 0 … 1 */
/* Everything that happens by itself until now, in the order in which it happens. */
void world_advance(SimulatedWorld *world, gint64 now_ms);
/* When something changes next; -1: nothing will. As of the last world_advance. */
gint64 world_next_change_ms(const SimulatedWorld *world);
gint64 world_version(const SimulatedWorld *world); /* grows with each change that people or operations made */

GPtrArray *world_groups(const SimulatedWorld *world);    /* of SimulatedGroup, those that end among them; borrowed */
GPtrArray *world_balancers(const SimulatedWorld *world); /* of SimulatedBalancer; borrowed */
GPtrArray *world_images(const SimulatedWorld *world);    /* of SimulatedImage; borrowed */
GPtrArray *world_calls(const SimulatedWorld *world);     /* of SimulatedCall, oldest first; borrowed */
/* What is gone since the last call, of SimulatedLoss; caller unrefs. */
GPtrArray *world_take_losses(SimulatedWorld *world);
void world_lose(SimulatedWorld *world, const char *kind, const char *account, const char *region, const char *id); /* adds one */
void world_clear(SimulatedWorld *world); /* groups, balancers, images, faults and calls go; quotas and seed stay */

/* ---- server groups (world_groups.c) ---- */
typedef struct {
    const char *account, *region, *name, *token, *image, *instance_type, *network;
    const char *behaviour; /* overrides the image's; or NULL */
    Capacity capacity;
    const char *const *zones, *const *load_balancers, *const *target_groups, *const *security_groups, *const *suspended; /* NULL: none */
    const JsonValue *tags;
} SimulatedGroupPlan;
SimulatedGroup *world_group(const SimulatedWorld *world, const char *account, const char *region, const char *name); /* NULL: not there */
/* ERR_CONFLICT: the name is taken; ERR_NOT_FOUND: image or load balancer; ERR_LIMIT: quota; ERR_INVALID: sizes. */
SimulatedGroup *world_group_create(SimulatedWorld *world, const SimulatedGroupPlan *plan, gint64 now_ms, GError **error);
/* Members that are -1 stay; desired follows min and max when it is not given. ERR_INVALID: they do not fit together. */
gboolean world_group_resize(SimulatedWorld *world, SimulatedGroup *group, Capacity wanted, gint64 now_ms, GError **error);
void world_group_suspend(SimulatedWorld *world, SimulatedGroup *group, const char *const *processes, gint64 now_ms);
void world_group_resume(SimulatedWorld *world, SimulatedGroup *group, const char *const *processes, gint64 now_ms);
gboolean world_group_is_suspended(const SimulatedGroup *group, const char *process);
void world_group_destroy(SimulatedWorld *world, SimulatedGroup *group, gint64 now_ms);
/* {key: value} put over its tags; keys with null go. */
void world_group_tag(SimulatedWorld *world, SimulatedGroup *group, const JsonValue *tags, gint64 now_ms);
/* What it launches from now on. ERR_NOT_FOUND: no such image. */
gboolean world_group_launch(SimulatedWorld *world, SimulatedGroup *group, const char *image, const char *instance_type, gint64 now_ms,
                            GError **error);
void world_group_touch(SimulatedWorld *world, SimulatedGroup *group, gint64 now_ms); /* after its lists of policies or actions changed */
char *world_next_name(const SimulatedWorld *world, const char *account, const char *region, const char *cluster, GError **error);

/* ---- instances (world_instances.c) ---- */
SimulatedInstance *world_instance(const SimulatedWorld *world, const char *account, const char *region, const char *id,
                                  SimulatedGroup **group); /* NULL: not there */
void world_instance_terminate(SimulatedWorld *world, SimulatedGroup *group, SimulatedInstance *instance, gint64 now_ms);
void world_instance_reboot(SimulatedWorld *world, SimulatedGroup *group, SimulatedInstance *instance, gint64 now_ms);
void world_instance_kill(SimulatedWorld *world, SimulatedGroup *group, SimulatedInstance *instance, gint64 now_ms); /* it dies now */
/* It leaves the group, and nobody's it lives on unseen until terminated: the world forgets it. */
void world_instance_detach(SimulatedWorld *world, SimulatedGroup *group, SimulatedInstance *instance, gint64 now_ms);
/* With one balancer by name, or all of the group's (name NULL). */
void world_instance_register(SimulatedWorld *world, SimulatedGroup *group, SimulatedInstance *instance, const char *name, gint64 now_ms);
void world_instance_deregister(SimulatedWorld *world, SimulatedGroup *group, SimulatedInstance *instance, const char *name, gint64 now_ms);
/* What it is at a time. */
const char *simulated_lifecycle(const SimulatedInstance *instance, gint64 now_ms); /* "Pending", "InService", "Terminating" */
gboolean simulated_is_dead(const SimulatedInstance *instance, gint64 now_ms);
gboolean simulated_passes(const SimulatedInstance *instance, gint64 now_ms);
/* What the balancer says; FALSE: it does not know the instance (any more). */
gboolean simulated_registration_health(const SimulatedInstance *instance, const SimulatedRegistration *registration, gint64 now_ms,
                                       HealthState *state);
gint64 simulated_instance_next_ms(const SimulatedInstance *instance, gint64 now_ms); /* -1: nothing changes any more */

/* ---- images, load balancers (world_things.c) ---- */
/* By name or id, as an account sees it in a region; of several of one name the newest. NULL: there is none. */
SimulatedImage *world_image(const SimulatedWorld *world, const char *account, const char *region, const char *name_or_id);
/* id NULL: made from the name. ERR_LIMIT; ERR_INVALID for a behaviour that is not understood. regions NULL: all. */
SimulatedImage *world_image_add(SimulatedWorld *world, const char *id, const char *name, const char *owner, const char *const *regions,
                                const JsonValue *tags, const char *behaviour, gint64 now_ms, GError **error);
/* The image that will be there at ready_ms, by the bake's id, which makes a repeat harmless: its image is answered. */
SimulatedImage *world_image_bake(SimulatedWorld *world, const char *bake, const char *name, const char *owner, const char *region,
                                 const JsonValue *tags, const char *behaviour, gint64 now_ms, GError **error);
SimulatedImage *world_image_of_bake(const SimulatedWorld *world, const char *bake); /* ready or not; NULL */
gboolean simulated_image_is_ready(const SimulatedImage *image, gint64 now_ms);
/* By name or id; a name that several have: all of them. */
void world_image_remove(SimulatedWorld *world, const char *name_or_id);
void world_image_tag(SimulatedWorld *world, SimulatedImage *image, const JsonValue *tags);
SimulatedBalancer *world_balancer(const SimulatedWorld *world, SimulatedBalancerKind kind, const char *account, const char *region,
                                  const char *name);
/* Makes it, or changes its description. ERR_LIMIT. */
SimulatedBalancer *world_balancer_put(SimulatedWorld *world, SimulatedBalancerKind kind, const char *account, const char *region,
                                      const char *name, const JsonValue *description, GError **error);
/* ERR_NOT_FOUND. Groups that name it keep its name, as real ones do, and nobody answers for it. */
gboolean world_balancer_remove(SimulatedWorld *world, SimulatedBalancerKind kind, const char *account, const char *region, const char *name,
                               gint64 now_ms, GError **error);

/* ---- faults and calls (world_calls.c) ---- */
/* Takes the rule. ERR_LIMIT. */
gboolean world_fault_add(SimulatedWorld *world, SimulatedFault *fault, gint64 now_ms, GError **error);
GPtrArray *world_faults(const SimulatedWorld *world); /* of SimulatedFault; borrowed */
void world_faults_clear(SimulatedWorld *world);
/* The rule that strikes a call, counted; FAULT_NONE: none does. */
SimulatedFaultKind world_fault_strike(SimulatedWorld *world, const char *operation, const char *account, const char *region, gint64 now_ms);
/* Since when reads of a place show nothing new; 0: they show what is. */
gint64 world_stale_since_ms(const SimulatedWorld *world, const char *account, const char *region, gint64 now_ms);
void world_lose_instance(SimulatedWorld *world, const char *account, const char *region, gint64 now_ms); /* one that lives; by chance */
void world_call_add(SimulatedWorld *world, const char *operation, const char *account, const char *region, const char *subject,
                    const char *outcome, gint64 now_ms);
void world_calls_clear(SimulatedWorld *world);

/* ---- as JSON (world_state.c) ---- */
/* Groups with their instances, load balancers, images, and what chance and names go on from; caller owns. */
Json *world_state(const SimulatedWorld *world);
/* Into an empty world. ERR_INVALID: it is no state. */
gboolean world_restore(SimulatedWorld *world, const JsonValue *state, GError **error);
