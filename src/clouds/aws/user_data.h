/* User data of new instances (aws.md 5): the installation's text, then the request's own. */
#pragma once
#include "base/error.h"
#include "clouds/aws/settings.h"

typedef struct {
    const char *account, *account_type, *environment, *application, *stack, *detail, *region, *cluster, *group, *launch_name;
    gboolean launch_template;
} UserDataTokens;
#define USER_DATA_MAX (64 * 1024) /* bytes before base64; AWS itself takes 16 KB of plain text */

/* In base64; NULL without *error: none. own: the request's in base64, or NULL; override: userDataOverride of the request, or NULL. Reads the
 * file udf0 below udf.udfRoot when udf.enabled. Caller frees. */
char *aws_user_data(const AwsUserDataConfig *config, const char *own, const JsonValue *override, const UserDataTokens *tokens,
                    GError **error);
