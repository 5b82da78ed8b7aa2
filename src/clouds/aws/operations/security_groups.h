/* Security groups by name and their rules, for the operations that change them (aws.md 6, 12). Steps run on the thread of their run. */
#pragma once
#include "clouds/aws/operations/operations.h"

/* The group of a name in a VPC (NULL: outside any) as the account sees it; *group NULL when there is none. Caller unrefs. */
gboolean aws_security_group_read(const AwsReader *reader, const char *name, const char *vpc, Json **group, GError **error);
gboolean aws_security_group_read_id(const AwsReader *reader, const char *id, Json **group, GError **error);
/* Ids of groups named (ids are kept as they are); strv, caller frees. NULL with "Missing security groups: a, b". */
char **aws_security_group_ids(const AwsReader *reader, char *const *names, const char *vpc, GError **error);
/* Puts the group as it is now into the inventory. Failures do not matter. */
void aws_security_group_publish(const AwsReader *reader, const char *id);

/* Permissions as AWS describes them ({ipPermissions}) taken apart: one {protocol, fromPort, toPort, cidr | cidr6 | groupId (userId),
 * description} for each source. Pure; caller unrefs. */
Json *aws_rules_of(const JsonValue *group);
/* The same of a request: securityGroupIngress (each with groupId and userId found) and ipIngress. Pure. */
Json *aws_rules_wanted(const JsonValue *groups, const JsonValue *ranges);
/* What has to change: {update, add, remove}; append_only: nothing is removed. Pure; caller unrefs. */
Json *aws_rules_difference(const JsonValue *there, const JsonValue *wanted, gboolean append_only);
