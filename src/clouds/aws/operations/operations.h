/* What the operations of AWS have in common: the groups they are about, live reads, and their table. Steps run on the thread of their run. */
#pragma once
#include "clouds/aws/account.h"
#include "clouds/aws/client.h"
#include "clouds/aws/failure.h"
#include "clouds/cloud.h"

#define AWS_TRIES_GROUP 10 /* writes to a group that may not be visible yet: aws.md 5 */
#define AWS_TRY_DELAY_MS 1000
#define AWS_SETTLE_MS 10000 /* how long a change may take to show in reads */

extern const CloudOperation *const aws_operations[]; /* NULL-terminated */

AwsAccount *operation_aws(Operation *operation);
AwsClient *operation_client(Operation *operation);

/* The groups of a request that takes them (`asgs`). */
guint operation_groups(Operation *operation);
const char *operation_group_name(Operation *operation, guint item);
const char *operation_group_region(Operation *operation, guint item);

/* One group as it is now; *group points into *document. FALSE with *error; TRUE with *group NULL when it is absent or being deleted. */
gboolean operation_read_group(Operation *operation, const char *region, const char *name, XmlDocument **document, const XmlNode **group,
                              GError **error);
/* Reads the group and publishes it, so that our own views show what was just done; failures are only reported. */
void operation_publish_group(Operation *operation, const char *region, const char *name);
/* finish of operations on groups: publishes each. */
void operation_publish_groups(Operation *operation);

/* Texts of the child elements of a list ("LoadBalancerNames/member"); strv, caller frees. */
char **aws_texts(const XmlNode *node, const char *list, const char *item, const char *text_path);
gint64 aws_int(const XmlNode *node, const char *path, gint64 otherwise);

/* A value below facts that belongs to one group: fact "<key>.<item>". */
const JsonValue *operation_group_fact(Operation *operation, const char *key, guint item);
void operation_group_fact_set(Operation *operation, const char *key, guint item, const JsonValue *value);
/* How many entries a fact that is a list has. */
guint operation_fact_length(Operation *operation, const char *key);
