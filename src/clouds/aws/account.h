/* An AWS account: the common part, its credentials, its client, what the configuration says of it. Immutable; any thread. */
#pragma once
#include "clouds/aws/client.h"
#include "clouds/aws/settings.h"
#include "clouds/cloud.h"

#define AWS_OPEN_MAX_MS 15000 /* looking up what all accounts do not say (ids, regions, zones) may take this long at start */
#define AWS_OPEN_THREADS 8

typedef struct {
    Account base;
    AwsSettings *settings;
    AwsAccountConfig config;
    char *account_id; /* twelve digits */
    char *key_pair;   /* rendered default; or NULL */
    AwsClient *client;
    char **security_groups; /* added to deployments; or NULL: the configuration's default */
    GMutex lock;
    GHashTable *public_images_read; /* region → gint64 *: when public images were last read */
} AwsAccount;

static inline AwsAccount *aws_account(Account *account) {
    return (AwsAccount *)account;
}

GPtrArray *aws_accounts_open(Config *config, Clouds *clouds, GPtrArray *problems);
void aws_account_free(Account *account);

/* Replaces {{name}}, {{accountId}}, {{environment}}, {{accountType}} (and {{region}} when not NULL); caller frees, NULL for NULL. */
char *aws_account_render(const AwsAccount *account, const char *template, const char *region);
/* Zones of a region as configured or looked up; never NULL, maybe empty. Caller frees. */
char **aws_account_zones(const AwsAccount *account, const char *region);
/* The account with this id; NULL: none is configured. Caller unrefs. */
Account *aws_account_by_id(Clouds *clouds, const char *account_id);
