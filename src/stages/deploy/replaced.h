/* What a deployment remembers of the server group that it replaces, so that a rollback sees whether somebody changed it since. Pure. */
#pragma once
#include "stages/deploy/scope.h"

#define REPLACED_KEY "_replaced" /* in the context of createServerGroup: serverGroupName and the facts */

/* What only a person changes: image, launch settings, instance type, load balancers, security groups; and `capacity`, which does not count as
 * a difference, for this execution and autoscaling change it. Caller unrefs. */
Json *replaced_facts(const ServerGroup *group);
/* "imageId image-1, now image-2; …"; NULL: nothing differs. Facts that were not remembered do not differ. Caller frees. */
char *replaced_difference(const JsonValue *facts, const ServerGroup *now);

/* The deployment of this execution, finished or not, that made a server group in this cluster: its stage; NULL: there is none. The last one
 * when there are several. */
const Stage *replaced_by(const Execution *execution, const char *account, const char *region, const char *cluster);
