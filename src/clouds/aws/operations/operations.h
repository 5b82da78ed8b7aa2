/* What the operations of AWS have in common: the groups they are about, live reads, and their table. Steps run on the thread of their run. */
#pragma once
#include "clouds/aws/account.h"
#include "clouds/aws/client.h"
#include "clouds/aws/failure.h"
#include "clouds/aws/reader.h"
#include "clouds/cloud.h"

#define AWS_TRIES_GROUP 10 /* writes to a group that may not be visible yet: aws.md 5 */
#define AWS_TRY_DELAY_MS 1000
#define AWS_SETTLE_MS 10000 /* how long a change may take to show in reads */

extern const CloudOperation *const aws_operations[]; /* NULL-terminated */

AwsAccount *operation_aws(Operation *operation);
AwsClient *operation_client(Operation *operation);

/* One group as it is now; *group points into *document. FALSE with *error; TRUE with *group NULL when it is absent or being deleted. */
gboolean operation_read_group(Operation *operation, const char *region, const char *name, XmlDocument **document, const XmlNode **group,
                              GError **error);
/* The same as JSON, for operations that succeed when there is nothing to do: *asg stays NULL, and a line says so, when the group is
 * absent or being deleted. Caller owns *asg. */
gboolean operation_read_present(Operation *operation, const char *region, const char *name, Json **asg, GError **error);
AwsReader operation_reader(Operation *operation, const char *region); /* as the operation's account */
gboolean operation_write(Operation *operation, const char *region, const AwsQuery *query, GError **error);
/* Another activity holds the group, or what launched it, for a moment. */
gboolean operation_is_busy(const GError *error);

/* Reads the group and publishes it, so that our own views show what was just done; failures are only reported. */
void operation_publish_group(Operation *operation, const char *region, const char *name);
/* finish of operations on groups: publishes each. */
void operation_publish_groups(Operation *operation);

/* They are gone, so that our own views show it. */
void operation_forget_group(Operation *operation, const char *region, const char *name);
void operation_forget_instances(Operation *operation, const char *region, const char *const *ids);

/* ---- terminating (termination.c) ---- */
#define AWS_TERMINATE_BATCH 100 /* instances of one call */
/* TerminateInstances; those that are gone already are fine. They leave the inventory. */
gboolean operation_terminate(Operation *operation, const char *region, const char *const *ids, GError **error);
/* Steps that terminate the `instances` of the facts "group.<item>" in batches: plan (a read), count, act. */
gboolean operation_plan_termination(Operation *operation, guint item, GError **error);
guint operation_termination_count(Operation *operation);
gboolean operation_termination_act(Operation *operation, guint item, GError **error);

/* ---- load balancers (registration.c) ---- */
/* Adds [{region, group, kind: classic|target, name, arn, instances}] for all that a group is registered with. */
void aws_registrations_add(JsonBuilder *builder, const char *region, const JsonValue *asg, const char *const *instances);
gboolean aws_register(Operation *operation, const JsonValue *registration, GError **error);
/* A load balancer or target group that is gone is no error. */
gboolean aws_deregister(Operation *operation, const JsonValue *registration, GError **error);

/* ---- parameters out of JSON (parameters.c) ---- */
/* A value under a parameter's name: lists as name.member.N, members as name.Member. */
void aws_add_parameters(AwsQuery *query, const char *name, const JsonValue *value);
/* The members of a document that are there and not null, each under its name with a capital. keys ends with NULL. */
void aws_add_member_parameters(AwsQuery *query, const JsonValue *document, const char *const *keys);

/* Texts of the child elements of a list ("LoadBalancerNames/member"); strv, caller frees. */
char **aws_texts(const XmlNode *node, const char *list, const char *item, const char *text_path);
gint64 aws_int(const XmlNode *node, const char *path, gint64 otherwise);
