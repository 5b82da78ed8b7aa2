/* The typed records that stages and views read, whatever the cloud. Immutable once in the inventory. */
#pragma once
#include "base/json.h"

typedef struct {
    gint64 min, max, desired;
} Capacity; /* -1: not known */

typedef enum { HEALTH_UNKNOWN, HEALTH_UP, HEALTH_DOWN, HEALTH_STARTING, HEALTH_OUT_OF_SERVICE, HEALTH_DRAINING } HealthState;
const char *health_state_name(HealthState state); /* "Up", "Down", "OutOfService", … */
typedef struct {
    char *type;        /* "Amazon", "LoadBalancer", "TargetGroup", "Discovery" … */
    gboolean platform; /* the platform's own health: running or not */
    HealthState state;
    Json *detail; /* loadBalancers, targetGroups, description as served; or NULL */
} Health;
void health_free(Health *health);

typedef struct {
    char *id, *zone, *server_group, *lifecycle_state; /* lifecycle_state in its group: "InService", "Pending" … or NULL */
    gint64 launch_ms;
    gboolean spot;
    GPtrArray *health; /* of Health, with health_free; or NULL */
} Instance;
/* aws.md 3 Health: the aggregate of an instance; launched within 180 s without health counts as Starting. */
HealthState instance_health_state(const Instance *instance, gint64 now_ms);
gboolean instance_is_healthy(const Instance *instance);

typedef struct {
    char *app, *stack, *detail, *cluster;
    gint64 sequence; /* -1 */
} Moniker;

typedef struct {
    char *name, *account, *region, *cloud, *vpc_id;
    Moniker moniker;
    gint64 created_ms; /* 0: unknown */
    gboolean disabled;
    Capacity capacity;
    char **zones, **load_balancers, **target_groups, **security_groups, **suspended_processes; /* strv, never NULL */
    char *image_id, *image_name, *instance_type, *launch_name;                                 /* or NULL */
    gboolean launch_is_template;
    gboolean spot;
    char **instance_ids; /* members as the group lists them */
    Json *tags;          /* object or NULL */
    Json *raw;           /* the cloud's description */
} ServerGroup;
void server_group_free(ServerGroup *group);
void instance_free(Instance *instance);

typedef struct {
    char *id, *name, *account, *region, *cloud, *owner;
    gint64 created_ms;
    Json *tags;       /* object, keys as given */
    Json *attributes; /* creationDate, virtualizationType, architecture … as served */
} Image;
void image_free(Image *image);
/* What is in an image, as its tags appversion, build_host and build_info_url say: {package_name, version, commit, jenkins {name, number,
 * host}, buildInfoUrl} under key; nothing without an appversion. */
void image_add_build(JsonBuilder *builder, const char *key, const Image *image);
