/* What the configuration says of the bakery (bake.md 6). Immutable, reference-counted, swapped whole on reload. Any thread. */
#pragma once
#include "base/config.h"

#define BAKE_CLOUD "aws"
#define BAKE_CONCURRENT_MAX 64

typedef struct {
    char *region, *virtualization_type, *instance_type, *source_ami, *ssh_user, *winrm_user, *spot_price, *spot_product;
    gboolean most_recent;
} BakeVirtualization;

typedef struct {
    char *id, *short_description, *detailed_description, *package_type, *template_file, *os_type, *custom_repository;
    GPtrArray *virtualization; /* of BakeVirtualization */
} BakeBaseImage;

typedef struct {
    char *access_key, *secret_key, *subnet_id, *vpc_id, *public_ip, *template_file, *default_virtualization;
    char **masked; /* names of packer parameters whose values are secrets */
} BakeAwsDefaults;

typedef struct {
    char *account, *default_cloud, *deb_repository, *yum_repository, *chocolatey_repository;
    char **needing_root; /* templates that packer builds as root */
} BakeGeneral;

typedef struct {
    char *folder; /* of users' templates and variable files, or NULL */
    gint64 timeout_ms;
    gboolean timestamps;
    char **packer_arguments;
} BakeRosco;

typedef struct {
    gboolean enabled;
    Json *base;
} BakeCloud;

typedef struct {
    char *account;
} BakeOrca;

typedef struct {
    gint64 concurrent;
    char *packer; /* the program */
} BakeOwn;

typedef struct {
    BakeAwsDefaults aws;
    BakeGeneral general;
    BakeRosco rosco;
    BakeCloud cloud;
    BakeOrca orca;
    BakeOwn own;
    GPtrArray *base_images; /* of BakeBaseImage */
    Config *config;
    gint ref_count;
} BakeSettings;

/* ERR_INVALID names file and line. Caller owns a reference. */
BakeSettings *bake_settings_load(Config *config, GError **error);
BakeSettings *bake_settings_ref(BakeSettings *settings);
void bake_settings_unref(BakeSettings *settings); /* NULL-safe */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BakeSettings, bake_settings_unref)

const BakeBaseImage *bake_base_image(const BakeSettings *settings, const char *id); /* NULL when there is none */
/* The clouds' own endpoint when it is configured ("http://127.0.0.1:5566"), or NULL. Borrowed. */
const char *bake_ec2_endpoint(const BakeSettings *settings);
/* Credentials that packer gets: those of the bakery, else the static ones that the clouds use; FALSE: neither. Borrowed. */
gboolean bake_static_credentials(const BakeSettings *settings, const char **access_key, const char **secret_key);
/* The account that looks images up and ends builders: bakeAccount, else default.bake.account; NULL: not said. Borrowed. */
const char *bake_account(const BakeSettings *settings);
