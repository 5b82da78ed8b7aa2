/* Reading AWS into inventory objects: what the agents, the live reads and the operations share. Any thread. */
#pragma once
#include "clouds/aws/account.h"
#include "clouds/aws/document.h"

#define AWS_NAMES_PER_CALL 50 /* names or ids that one describe call takes */

typedef struct {
    AwsAccount *account;
    const char *region;
    Inventory *inventory;
    Cancel *cancel;
    gint64 began_ms; /* of the read */
} AwsReader;
AwsReader aws_reader(Account *account, const char *region, Inventory *inventory, Cancel *cancel);
/* A new, empty array of objects. */
GPtrArray *aws_objects_new(void);
/* Appends an object with its document and record (both taken). */
void aws_objects_add(GPtrArray *objects, InventoryObject *object, Json *document, gpointer record, GDestroyNotify free_record);
InventoryObject *aws_object_new(const AwsReader *reader, const char *kind, const char *id);
/* Sets application and cluster as a name is parsed. */
void aws_object_set_names(InventoryObject *object, const char *name);
void aws_publish(const AwsReader *reader, const char *kind, GPtrArray *objects);
/* Lists a call into JSON documents (of Json *, in order). */
gboolean aws_read_documents(const AwsReader *reader, const AwsQuery *query, AwsShape shape, GPtrArray *into, GError **error);

/* ---- launch templates and configurations (launch.c) ---- */
typedef struct AwsLaunches AwsLaunches; /* what one read saw */
/* All latest and default versions, all configurations. */
AwsLaunches *aws_launches_read(const AwsReader *reader, GError **error);
AwsLaunches *aws_launches_new(const AwsReader *reader); /* nothing read: each is looked up when asked for */
void aws_launches_free(AwsLaunches *launches);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AwsLaunches, aws_launches_free)
void aws_launches_publish(const AwsReader *reader, AwsLaunches *launches);
/* Puts those that were looked up one by one into the inventory. */
void aws_launches_put(const AwsReader *reader, AwsLaunches *launches);
/* The launch template version or configuration that a group uses; from this read, the inventory, or AWS. Borrowed from launches;
 * NULL without *error when the group has none or it is gone. */
const JsonValue *aws_launch_of_group(const AwsReader *reader, AwsLaunches *launches, const JsonValue *asg, GError **error);
/* {launchTemplateId, launchTemplateName, version} of a group, mixed or plain; NULL: it uses none. */
const JsonValue *aws_group_template(const JsonValue *asg);
/* The version of a template in a KIND_LAUNCH_TEMPLATE document; version NULL is the default one. NULL: not there. */
const JsonValue *aws_template_version(const JsonValue *document, const char *version);
/* What instances are launched with: fields of a template's data or of a configuration, by their common names. Borrowed; texts NULL
 * when absent. security_groups: caller frees. */
typedef struct {
    const char *image_id, *instance_type, *key_name, *iam_profile, *user_data, *spot_price;
    char **security_groups;
    const JsonValue *block_devices;
} AwsLaunchFields;
void aws_launch_fields(const JsonValue *launch, AwsLaunchFields *fields);

/* ---- server groups (groups.c) ---- */
typedef struct {
    GHashTable *policies, *actions; /* name → GPtrArray of Json; NULL: not read */
} AwsGroupExtras;
/* Reads groups by name, all when names is NULL; Json documents of groups, those being deleted among them. */
gboolean aws_groups_read(const AwsReader *reader, const char *const *names, GPtrArray *into, GError **error);
/* One group; NULL with ERR_NOT_FOUND when it does not exist. Caller owns. */
Json *aws_group_read(const AwsReader *reader, const char *name, GError **error);
/* An object for a group, added to objects; nothing for one that is being deleted or whose subnets are in several VPCs. */
void aws_group_add(const AwsReader *reader, const Json *asg, const JsonValue *launch, const AwsGroupExtras *extras, GPtrArray *objects);
gboolean aws_group_is_ending(const JsonValue *asg);
/* AWS shows a new group late: right after it was seen or made, "not there" is not believed. */
gboolean aws_group_is_fresh(const AwsReader *reader, const char *name);
char **aws_group_instance_ids(const JsonValue *asg);
/* Names of the target groups of ARNs; caller frees. */
char **aws_target_group_names(const JsonValue *arns);
gboolean aws_agent_groups(AgentContext *context, GError **error);
/* Reads one group live and publishes it (removes it when it is gone). with_instances: its instances and their health too. */
gboolean aws_group_refresh(const AwsReader *reader, const char *name, gboolean with_instances, GError **error);

/* ---- instances (instances.c) ---- */
gboolean aws_agent_instances(AgentContext *context, GError **error);
/* Documents of instances by id or by filter (query is DescribeInstances). */
gboolean aws_instances_read(const AwsReader *reader, const AwsQuery *query, GPtrArray *into, GError **error);
/* Reads the instances by id and publishes them; those that ended are removed. */
gboolean aws_instances_refresh(const AwsReader *reader, const char *const *ids, const JsonValue *asg, GError **error);
void aws_instance_add(const AwsReader *reader, const Json *instance, GHashTable *lifecycle, GPtrArray *objects);

/* ---- load balancers and health (balancers.c, health.c) ---- */
gboolean aws_agent_balancers(AgentContext *context, GError **error);
/* One load balancer with its listeners (each with rules) and attributes; *document NULL when there is none of that name. Caller unrefs. */
gboolean aws_balancer_read(const AwsReader *reader, const char *name, gboolean classic, Json **document, GError **error);
/* Health of all instances of the classic load balancers and target groups (by name and ARN). */
gboolean aws_health_read_classic(const AwsReader *reader, const char *name, GPtrArray *objects, GError **error);
gboolean aws_health_read_targets(const AwsReader *reader, const char *name, const char *arn, GPtrArray *objects, GError **error);
/* Reads the health of a group's instances everywhere it is registered and publishes it; what is not registered any more goes. */
gboolean aws_health_refresh(const AwsReader *reader, const JsonValue *asg, GError **error);

/* ---- instance types (instance_types.c) ---- */
gboolean aws_agent_instance_types(AgentContext *context, GError **error);

/* ---- images (images.c) ---- */
gboolean aws_agent_images(AgentContext *context, GError **error);
void aws_image_add(const AwsReader *reader, const Json *image, GPtrArray *objects);
gboolean aws_image_refresh(const AwsReader *reader, const char *id_or_name, GError **error);

/* ---- networks (network.c) ---- */
gboolean aws_agent_security_groups(AgentContext *context, GError **error);
gboolean aws_agent_subnets(AgentContext *context, GError **error);
gboolean aws_agent_networks(AgentContext *context, GError **error);
gboolean aws_agent_key_pairs(AgentContext *context, GError **error);
/* Purpose and target of a subnet (aws.md 6) out of its tags; texts are owned by the caller, NULL when it has none. FALSE:
 * immutable_metadata is malformed. */
gboolean aws_subnet_purpose(const JsonValue *subnet, char **purpose, char **target);

/* ---- live reads and leftovers (live.c): see cloud.h ---- */
gboolean aws_cluster_refresh(Account *account, const char *region, const char *cluster, Inventory *inventory, Cancel *cancel,
                             GError **error);
gint aws_end_leftovers(Account *account, const char *region, const char *operation_id, Cancel *cancel, GError **error);
