/* The table of the cloud "aws": what the rest of the program sees of this room. */
#include "clouds/aws/aws.h"
#include "clouds/aws/operations/operations.h"
#include "clouds/aws/views.h"

#define SECOND_MS 1000
#define POLL_MS (30 * SECOND_MS)
#define SLOW_POLL_MS (5 * 60 * SECOND_MS)
#define TYPES_POLL_MS (60 * SECOND_MS) /* read once an hour by one account; others look whether it is done */

#define KINDS(...) ((const char *const[]){__VA_ARGS__, NULL})
static const InventoryAgent agents[] = {
    {"AmazonSubnetCachingAgent", KINDS(KIND_SUBNET), POLL_MS, aws_agent_subnets},
    {"ImageCachingAgent", KINDS(KIND_IMAGE), POLL_MS, aws_agent_images},
    {"ClusterCachingAgent", KINDS(KIND_SERVER_GROUP, KIND_LAUNCH_TEMPLATE, KIND_LAUNCH_CONFIGURATION), POLL_MS, aws_agent_groups},
    {"InstanceCachingAgent", KINDS(KIND_INSTANCE), POLL_MS, aws_agent_instances},
    {"AmazonLoadBalancerCachingAgent", KINDS(KIND_LOAD_BALANCER, KIND_TARGET_GROUP, KIND_HEALTH), POLL_MS, aws_agent_balancers},
    {"AmazonSecurityGroupCachingAgent", KINDS(KIND_SECURITY_GROUP), POLL_MS, aws_agent_security_groups},
    {"AmazonVpcCachingAgent", KINDS(KIND_NETWORK), POLL_MS, aws_agent_networks},
    {"AmazonKeyPairCachingAgent", KINDS(KIND_KEY_PAIR), SLOW_POLL_MS, aws_agent_key_pairs},
    {"AmazonInstanceTypeCachingAgent", KINDS(KIND_INSTANCE_TYPE), TYPES_POLL_MS, aws_agent_instance_types},
    {0},
};

/* ---- live reads ---- */

static gboolean refresh_server_group(Account *account, const char *region, const char *name, Inventory *inventory, Cancel *cancel,
                                     GError **error) {
    AwsReader reader = aws_reader(account, region, inventory, cancel);
    return aws_group_refresh(&reader, name, TRUE, error);
}

static gboolean refresh_image(Account *account, const char *region, const char *id_or_name, Inventory *inventory, Cancel *cancel,
                              GError **error) {
    AwsReader reader = aws_reader(account, region, inventory, cancel);
    return aws_image_refresh(&reader, id_or_name, error);
}

const Cloud cloud_aws = {
    .id = "aws",
    .platform_health = "Amazon",
    .image_key = "amiName",
    .snapshots_source_capacity = TRUE,
    .sections = aws_config_sections,
    .open = aws_accounts_open,
    .account_free = aws_account_free,
    .agents = agents,
    .operations = aws_operations,
    .views = &aws_views,
    .refresh_server_group = refresh_server_group,
    .refresh_image = refresh_image,
    .refresh_cluster = aws_cluster_refresh,
    .end_leftovers = aws_end_leftovers,
    .prepare_create = aws_prepare_create,
    .prepare_clone = aws_prepare_clone,
};
