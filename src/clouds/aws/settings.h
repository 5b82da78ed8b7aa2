/* The configuration of AWS (`aws:`, `udf:`, `serviceLimits:`), read through tables. Immutable but for the
 * shared instance types, reference-counted; any thread. */
#pragma once
#include "base/config.h"
#include "clouds/aws/instance_types.h"

typedef struct {
    char *access_key_id, *secret_access_key;
    char *key_pair_template, *assume_role, *session_name;
    gint64 session_duration_s;
    Json *regions; /* defaultRegions */
    char **security_groups;
    Json *lifecycle_hooks;
    char *hook_role_arn, *hook_target_arn;
    Json *accounts, *endpoint_url;
    gint64 error_retries;
    gint64 open_retries, open_back_off_ms;
    gboolean use_managing_profile;
    gboolean enabled;
    /* defaults.* */
    char *iam_role, *block_device_type;
    gboolean add_app_group, add_app_tags;
    gint64 max_security_groups;
    Json *unknown_block_device; /* NULL: the built-in one, unless unknown_device_is_none */
    gboolean public_images;
    char **image_states;
    /* features.launch-templates.* */
    gboolean templates_enabled, templates_all;
    char **template_excluded_applications, **template_excluded_accounts, **template_applications, **template_accounts,
        **template_account_regions;
    /* defaults.resourceTagging.* */
    gboolean tag_volumes;
} AwsConfig;

typedef struct {
    gboolean enabled, legacy;
    char *root;
} AwsUserDataConfig;

typedef struct {
    AwsConfig aws;
    AwsUserDataConfig user_data;
    Json *service_limits;            /* or NULL */
    gboolean unknown_device_is_none; /* the key is there and null */
    AwsInstanceTypes *types;         /* read by one account for all */
    gint ref_count;
} AwsSettings;
AwsSettings *aws_settings_read(const Config *config, GError **error);
AwsSettings *aws_settings_ref(AwsSettings *settings);
void aws_settings_unref(AwsSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AwsSettings, aws_settings_unref)

/* One element of `aws.accounts`. */
typedef struct {
    char *name, *environment, *type, *account_id, *key_pair;
    gboolean enabled, allow_private_images, lambda;
    Json *regions, *permissions, *lifecycle_hooks, *endpoint_url;
    char **security_groups, **groups;
    char *assume_role, *session_name, *external_id, *managing_profile;
    gint64 session_duration_s;
    char *edda, *discovery, *front50, *bastion;
} AwsAccountConfig;
extern const Param aws_account_params[];

extern const ConfigSection *const aws_config_sections[]; /* NULL-terminated */

/* Launch template or launch configuration (aws.md 5.9; the project's default is templates). */
gboolean aws_settings_use_template(const AwsSettings *settings, const char *application, const char *account, const char *region);
