/* What goes before a createServerGroup of AWS: the image, baked in one account, is allowed to be launched by another (deploy-strategies.md 9). */
#include "clouds/aws/account.h"
#include "clouds/aws/aws.h"
#include <string.h>

/* The account images are baked in: what the orchestrator or the bakery of an installation names; NULL: none. Borrowed from config. */
static const char *bake_account(const Config *config) {
    const char *account = config_get_string(config, SERVICE_ORCA, "default.bake.account");
    return account != NULL ? account : config_get_string(config, SERVICE_ROSCO, "bakeAccount");
}

gboolean aws_prepare_create(Clouds *clouds, Account *account, const JsonValue *description, JsonBuilder *operations, GError **error) {
    g_autoptr(Config) config = clouds_config(clouds);
    const char *baked_in = bake_account(config), *image = json_get_string(description, "amiName");
    if (baked_in == NULL || strcmp(baked_in, account->name) == 0)
        return TRUE;
    const JsonValue *regions = json_get(description, "availabilityZones");
    for (JsonIter i = json_iter(regions); json_next(&i);) {
        if (image == NULL) {
            error_set(error, ERR_INVALID,
                      "No AMI found for %s. Make sure an upstream stage bakes or finds an image for that region, or name one (amiName).",
                      i.key);
            return FALSE;
        }
        g_autoptr(Json) allow = json_pack("{s:{s:s, s:s, s:s, s:s}}", "allowLaunchDescription", "account", account->name, "credentials",
                                          baked_in, "region", i.key, "amiName", image);
        json_add_json(operations, NULL, allow);
    }
    return TRUE;
}
