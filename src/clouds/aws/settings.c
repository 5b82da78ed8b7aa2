/* The tables of AWS's configuration keys (aws.md 1), and the switch between launch templates and configurations. */
#include "clouds/aws/settings.h"
#include "base/error.h"
#include "clouds/aws/endpoint.h"

#define TEXT(NAME, FIELD, HELP)                                                                                                            \
    { .name = NAME, .type = PARAM_STRING, .offset = offsetof(AwsConfig, FIELD), .help = HELP }
#define LIST(NAME, FIELD, HELP)                                                                                                            \
    { .name = NAME, .type = PARAM_STRINGS, .offset = offsetof(AwsConfig, FIELD), .help = HELP }
#define JSON(NAME, FIELD, HELP)                                                                                                            \
    { .name = NAME, .type = PARAM_JSON, .offset = offsetof(AwsConfig, FIELD), .help = HELP }
#define FLAG(NAME, FIELD, DEFAULT, HELP)                                                                                                   \
    { .name = NAME, .type = PARAM_BOOL, .offset = offsetof(AwsConfig, FIELD), .otherwise = DEFAULT, .help = HELP }
#define NUMBER(NAME, FIELD, DEFAULT, MIN, MAX, HELP)                                                                                       \
    { .name = NAME, .type = PARAM_INT, .offset = offsetof(AwsConfig, FIELD), .otherwise = DEFAULT, .min = MIN, .max = MAX, .help = HELP }

static const Param aws_params[] = {
    FLAG("enabled", enabled, "true", "Whether AWS accounts are used."),
    {.name = "accessKeyId", .type = PARAM_STRING, .offset = offsetof(AwsConfig, access_key_id), .help = "Static base credentials."},
    {.name = "secretAccessKey",
     .type = PARAM_STRING,
     .offset = offsetof(AwsConfig, secret_access_key),
     .secret = TRUE,
     .help = "Static base credentials."},
    TEXT("defaultKeyPairTemplate", key_pair_template, "Key pair of accounts that name none; {{name}} is the account."),
    JSON("defaultRegions", regions, "Regions of accounts that name none."),
    LIST("defaultSecurityGroups", security_groups, "Added to deployments of accounts that have none of their own."),
    JSON("defaultLifecycleHooks", lifecycle_hooks, "Lifecycle hooks of accounts that have none of their own."),
    TEXT("defaultAssumeRole", assume_role, "Role of accounts that name none."),
    TEXT("defaultSessionName", session_name, "Session name of accounts that give none."),
    NUMBER("defaultSessionDurationSeconds", session_duration_s, NULL, 0, 43200, "Session duration of accounts that give none."),
    TEXT("defaultLifecycleHookRoleARNTemplate", hook_role_arn, "Role of lifecycle hooks that name none."),
    TEXT("defaultLifecycleHookNotificationTargetARNTemplate", hook_target_arn, "Target of lifecycle hooks that name none."),
    {.name = "accounts",
     .type = PARAM_JSON,
     .offset = offsetof(AwsConfig, accounts),
     .members = aws_account_params,
     .help = "The accounts."},
    JSON("endpointUrl", endpoint_url, "URL of all services, or an object of URLs by service (ec2, autoscaling, sts …)."),
    NUMBER("client.maxErrorRetry", error_retries, "3", 0, 20, "Repeats of a call that may pass."),
    NUMBER("loadAccounts.maxRetries", open_retries, "10", 0, 100, "Tries to look up what an account does not say."),
    NUMBER("loadAccounts.backOffInMs", open_back_off_ms, "5000", 0, 60000, "Time between these tries."),
    FLAG("loadAccounts.useManagingAccountProfile", use_managing_profile, "false", "Take base credentials from managingAccountProfile."),
    TEXT("defaults.iamRole", iam_role, "Instance profile of deployments that name none; {{application}} is replaced."),
    FLAG("defaults.addAppGroupToServerGroup", add_app_group, "false", "Add (and create) a security group of the application's name."),
    FLAG("defaults.addAppStackDetailTags", add_app_tags, "false", "Tag server groups with application, stack and details."),
    NUMBER("defaults.maxSecurityGroups", max_security_groups, "5", 0, 16, "No application group is added to more than this."),
    {.name = "defaults.defaultBlockDeviceType",
     .type = PARAM_STRING,
     .offset = offsetof(AwsConfig, block_device_type),
     .otherwise = "\"standard\"",
     .help = "Volume type of built-in block devices."},
    JSON("defaults.unknownInstanceTypeBlockDevice", unknown_block_device, "Block device of instance types without a built-in one."),
    {.name = "defaults.publicImages",
     .type = PARAM_BOOL,
     .offset = offsetof(AwsConfig, public_images),
     .otherwise = "false",
     .aliases = (const char *const[]){"defaults.public-images", NULL},
     .help = "Also list public images, once an hour."},
    {.name = "defaults.imageStates",
     .type = PARAM_STRINGS,
     .offset = offsetof(AwsConfig, image_states),
     .aliases = (const char *const[]){"defaults.image-states", NULL},
     .help = "Only list images in these states."},
    FLAG("defaults.resourceTagging.enabled", tag_volumes, "true", "Tag volumes with application and cluster."),
    FLAG("features.launch-templates.enabled", templates_enabled, "true", "false: launch configurations instead of launch templates."),
    FLAG("features.launch-templates.all-applications", templates_all, "false", "Launch templates for all applications."),
    LIST("features.launch-templates.excluded-applications", template_excluded_applications, "Applications without launch templates."),
    LIST("features.launch-templates.excluded-accounts", template_excluded_accounts, "Accounts without launch templates."),
    LIST("features.launch-templates.allowed-applications", template_applications, "application:account:region with launch templates."),
    LIST("features.launch-templates.allowed-accounts", template_accounts, "Accounts with launch templates."),
    LIST("features.launch-templates.allowed-accounts-regions", template_account_regions, "account:region with launch templates."),
    {0},
};

static const Param region_params[] = {
    {.name = "name", .type = PARAM_STRING, .help = "us-east-1"},
    {.name = "availabilityZones", .type = PARAM_STRINGS, .help = "Its zones; looked up when absent."},
    {.name = "preferredZones", .type = PARAM_STRINGS, .help = "Zones that forms choose."},
    {.name = "deprecated", .type = PARAM_BOOL, .help = "Not offered any more."},
    {0},
};

#define ACCOUNT_TEXT(NAME, FIELD, HELP)                                                                                                    \
    { .name = NAME, .type = PARAM_STRING, .offset = offsetof(AwsAccountConfig, FIELD), .help = HELP }
#define ACCOUNT_JSON(NAME, FIELD, HELP)                                                                                                    \
    { .name = NAME, .type = PARAM_JSON, .offset = offsetof(AwsAccountConfig, FIELD), .help = HELP }
#define ACCOUNT_LIST(NAME, FIELD, HELP)                                                                                                    \
    { .name = NAME, .type = PARAM_STRINGS, .offset = offsetof(AwsAccountConfig, FIELD), .help = HELP }
#define ACCOUNT_FLAG(NAME, FIELD, DEFAULT, HELP)                                                                                           \
    { .name = NAME, .type = PARAM_BOOL, .offset = offsetof(AwsAccountConfig, FIELD), .otherwise = DEFAULT, .help = HELP }

const Param aws_account_params[] = {
    {.name = "name", .type = PARAM_STRING, .offset = offsetof(AwsAccountConfig, name), .required = TRUE, .help = "The account's name."},
    ACCOUNT_TEXT("environment", environment, "Default: its name."),
    ACCOUNT_TEXT("accountType", type, "Default: its name."),
    ACCOUNT_TEXT("accountId", account_id, "Twelve digits; looked up when absent."),
    ACCOUNT_TEXT("defaultKeyPair", key_pair, "Key pair of deployments that name none."),
    ACCOUNT_FLAG("enabled", enabled, "true", "Whether the account is used."),
    {.name = "regions",
     .type = PARAM_JSON,
     .offset = offsetof(AwsAccountConfig, regions),
     .members = region_params,
     .help = "Its regions; default: defaultRegions, then all."},
    ACCOUNT_LIST("defaultSecurityGroups", security_groups, "Added to each deployment."),
    ACCOUNT_JSON("permissions", permissions, "{READ: [], WRITE: [], EXECUTE: []}"),
    ACCOUNT_LIST("requiredGroupMembership", groups, "Roles that may use the account (older form of permissions)."),
    ACCOUNT_TEXT("assumeRole", assume_role, "ARN, or role/NAME in the account."),
    ACCOUNT_TEXT("sessionName", session_name, "RoleSessionName."),
    {.name = "sessionDurationSeconds",
     .type = PARAM_INT,
     .offset = offsetof(AwsAccountConfig, session_duration_s),
     .min = 0,
     .max = 43200,
     .help = "DurationSeconds of the session."},
    ACCOUNT_TEXT("externalId", external_id, "ExternalId of the role."),
    ACCOUNT_FLAG("lambdaEnabled", lambda, "false", "Lambda functions are used."),
    ACCOUNT_FLAG("allowPrivateThirdPartyImages", allow_private_images, "false", "Images of owners that are no account here may be used."),
    ACCOUNT_JSON("lifecycleHooks", lifecycle_hooks, "Added to each deployment."),
    ACCOUNT_TEXT("managingAccountProfile", managing_profile, "Profile with the base credentials."),
    ACCOUNT_JSON("endpointUrl", endpoint_url, "As aws.endpointUrl, for this account."),
    ACCOUNT_TEXT("edda", edda, "URL of Edda."),
    ACCOUNT_TEXT("discovery", discovery, "URL of Eureka."),
    ACCOUNT_TEXT("front50", front50, "Not used."),
    ACCOUNT_TEXT("bastionHost", bastion, "Shown to users."),
    {0},
};

static const Param user_data_params[] = {
    {.name = "enabled",
     .type = PARAM_BOOL,
     .offset = offsetof(AwsUserDataConfig, enabled),
     .otherwise = "true",
     .help = "Put the files under udfRoot before the user data of a deployment."},
    {.name = "udfRoot",
     .type = PARAM_STRING,
     .offset = offsetof(AwsUserDataConfig, root),
     .otherwise = "\"/apps/nflx-udf\"",
     .help = "Folder with these files."},
    {.name = "defaultLegacyUdf",
     .type = PARAM_BOOL,
     .offset = offsetof(AwsUserDataConfig, legacy),
     .otherwise = "false",
     .help = "Take the older set of files for deployments that do not say."},
    {0},
};

static const ConfigSection aws_section = {SERVICE_CLOUDDRIVER, "aws", aws_params, "AWS: accounts, credentials and defaults."};
static const ConfigSection user_data_section = {SERVICE_CLOUDDRIVER, "udf", user_data_params, "User data of AWS instances."};
const ConfigSection *const aws_config_sections[] = {&aws_section, &user_data_section, NULL};

static void free_settings(AwsSettings *settings) {
    params_clear(aws_params, &settings->aws);
    params_clear(user_data_params, &settings->user_data);
    json_unref(settings->service_limits);
    aws_instance_types_free(settings->types);
    g_free(settings);
}

/* The key is there and null, in any spelling: no device at all, which is not the same as no key. */
static gboolean unknown_device_is_null(const Config *config) {
    for (JsonIter i = json_iter(config_get(config, SERVICE_CLOUDDRIVER, "aws.defaults")); json_next(&i);) {
        g_autofree char *name = g_ascii_strdown(i.key, -1);
        g_auto(GStrv) words = g_strsplit_set(name, "-_", -1);
        g_autofree char *joined = g_strjoinv("", words);
        if (!g_strcmp0(joined, "unknowninstancetypeblockdevice"))
            return json_is_null(i.value);
    }
    return FALSE;
}

AwsSettings *aws_settings_read(const Config *config, GError **error) {
    AwsSettings *settings = g_new0(AwsSettings, 1);
    settings->ref_count = 1;
    settings->types = aws_instance_types_new();
    if (!config_read(config, &aws_section, &settings->aws, error)) {
        free_settings(settings);
        return NULL;
    }
    if (!config_read(config, &user_data_section, &settings->user_data, error)) {
        free_settings(settings);
        return NULL;
    }
    const JsonValue *limits = config_get(config, SERVICE_CLOUDDRIVER, "serviceLimits");
    settings->service_limits = limits ? json_copy(limits) : NULL;
    settings->unknown_device_is_none = unknown_device_is_null(config);
    g_autofree char *problem = aws_endpoint_problem(json_root(settings->aws.endpoint_url));
    if (!problem)
        return settings;
    error_set(error, ERR_INVALID, "aws.%s", problem);
    free_settings(settings);
    return NULL;
}

AwsSettings *aws_settings_ref(AwsSettings *settings) {
    g_atomic_int_inc(&settings->ref_count);
    return settings;
}

void aws_settings_unref(AwsSettings *settings) {
    if (settings && g_atomic_int_dec_and_test(&settings->ref_count))
        free_settings(settings);
}

static gboolean lists(char **list, const char *text) {
    return list && text && g_strv_contains((const char *const *)list, text);
}

gboolean aws_settings_use_template(const AwsSettings *settings, const char *application, const char *account, const char *region) {
    const AwsConfig *aws = &settings->aws;
    if (!aws->templates_enabled)
        return FALSE;
    if (lists(aws->template_excluded_applications, application) || lists(aws->template_excluded_accounts, account))
        return FALSE;
    gboolean limited = aws->template_applications || aws->template_accounts || aws->template_account_regions;
    if (aws->templates_all || !limited)
        return TRUE;
    g_autofree char *in_region = g_strdup_printf("%s:%s", account, region);
    g_autofree char *of_application = g_strdup_printf("%s:%s", application, in_region);
    return lists(aws->template_applications, of_application) || lists(aws->template_account_regions, in_region) ||
           lists(aws->template_accounts, account);
}
