/* The calls of AWS that Gennaker makes: one table entry per call. Constant data; any thread. */
#pragma once
#include <glib.h>

typedef enum { AWS_EC2, AWS_AUTO_SCALING, AWS_ELB, AWS_ELB_V2, AWS_CLOUDWATCH, AWS_STS, AWS_IAM, AWS_SERVICES } AwsServiceId;

typedef struct {
    const char *key;      /* in `endpointUrl: {ec2: …}` */
    const char *variable; /* the end of AWS_ENDPOINT_URL_… */
    const char *host;     /* first label of its endpoint */
    const char *signs_as; /* service name in signatures */
    const char *version;  /* of the API that we speak */
    gboolean global;      /* one endpoint per partition */
} AwsService;
const AwsService *aws_service(AwsServiceId id);

typedef enum {
    AWS_DESCRIBE_GROUPS,
    AWS_DESCRIBE_POLICIES,
    AWS_DESCRIBE_SCHEDULED_ACTIONS,
    AWS_DESCRIBE_LAUNCH_CONFIGURATIONS,
    AWS_DESCRIBE_LIFECYCLE_HOOKS,
    AWS_CREATE_GROUP,
    AWS_UPDATE_GROUP,
    AWS_DELETE_GROUP,
    AWS_CREATE_LAUNCH_CONFIGURATION,
    AWS_DELETE_LAUNCH_CONFIGURATION,
    AWS_PUT_LIFECYCLE_HOOK,
    AWS_PUT_NOTIFICATION,
    AWS_SUSPEND_PROCESSES,
    AWS_RESUME_PROCESSES,
    AWS_ENABLE_METRICS,
    AWS_DISABLE_METRICS,
    AWS_DELETE_POLICY,
    AWS_DELETE_SCHEDULED_ACTION,
    AWS_CREATE_GROUP_TAGS,
    AWS_DELETE_GROUP_TAGS,
    AWS_PUT_POLICY,
    AWS_PUT_SCHEDULED_ACTION,
    AWS_TERMINATE_IN_GROUP,
    AWS_DETACH_INSTANCES,
    AWS_DESCRIBE_ALARMS,
    AWS_PUT_ALARM,
    AWS_DELETE_ALARMS,
    AWS_DESCRIBE_INSTANCES,
    AWS_DESCRIBE_IMAGES,
    AWS_DESCRIBE_SECURITY_GROUPS,
    AWS_DESCRIBE_SUBNETS,
    AWS_DESCRIBE_VPCS,
    AWS_DESCRIBE_KEY_PAIRS,
    AWS_DESCRIBE_INSTANCE_TYPES,
    AWS_DESCRIBE_REGIONS,
    AWS_DESCRIBE_ZONES,
    AWS_DESCRIBE_TEMPLATES,
    AWS_DESCRIBE_TEMPLATE_VERSIONS,
    AWS_CREATE_TEMPLATE,
    AWS_DELETE_TEMPLATE,
    AWS_CREATE_TEMPLATE_VERSION,
    AWS_DELETE_TEMPLATE_VERSIONS,
    AWS_CREATE_SECURITY_GROUP,
    AWS_DELETE_SECURITY_GROUP,
    AWS_AUTHORIZE_INGRESS,
    AWS_REVOKE_INGRESS,
    AWS_UPDATE_INGRESS_DESCRIPTIONS,
    AWS_DEREGISTER_IMAGE,
    AWS_DELETE_SNAPSHOT,
    AWS_MODIFY_INSTANCE,
    AWS_TERMINATE_INSTANCES,
    AWS_REBOOT_INSTANCES,
    AWS_CREATE_TAGS,
    AWS_DELETE_TAGS,
    AWS_MODIFY_IMAGE,
    AWS_DESCRIBE_CLASSIC,
    AWS_DESCRIBE_CLASSIC_ATTRIBUTES,
    AWS_DESCRIBE_CLASSIC_HEALTH,
    AWS_REGISTER_CLASSIC,
    AWS_DEREGISTER_CLASSIC,
    AWS_CREATE_CLASSIC,
    AWS_DELETE_CLASSIC,
    AWS_CONFIGURE_CLASSIC_HEALTH,
    AWS_MODIFY_CLASSIC_ATTRIBUTES,
    AWS_APPLY_CLASSIC_SECURITY_GROUPS,
    AWS_CREATE_CLASSIC_LISTENERS,
    AWS_DELETE_CLASSIC_LISTENERS,
    AWS_DESCRIBE_BALANCERS,
    AWS_DESCRIBE_BALANCER_ATTRIBUTES,
    AWS_DESCRIBE_LISTENERS,
    AWS_DESCRIBE_RULES,
    AWS_DESCRIBE_TARGET_GROUPS,
    AWS_DESCRIBE_TARGET_GROUP_ATTRIBUTES,
    AWS_DESCRIBE_TARGET_HEALTH,
    AWS_CREATE_BALANCER,
    AWS_DELETE_BALANCER,
    AWS_SET_SECURITY_GROUPS,
    AWS_SET_ADDRESS_TYPE,
    AWS_MODIFY_BALANCER_ATTRIBUTES,
    AWS_CREATE_TARGET_GROUP,
    AWS_MODIFY_TARGET_GROUP,
    AWS_MODIFY_TARGET_GROUP_ATTRIBUTES,
    AWS_DELETE_TARGET_GROUP,
    AWS_CREATE_LISTENER,
    AWS_MODIFY_LISTENER,
    AWS_DELETE_LISTENER,
    AWS_CREATE_RULE,
    AWS_DELETE_RULE,
    AWS_REGISTER_TARGETS,
    AWS_DEREGISTER_TARGETS,
    AWS_ASSUME_ROLE,
    AWS_ASSUME_ROLE_WITH_WEB_IDENTITY,
    AWS_GET_CALLER_IDENTITY,
    AWS_CALLS
} AwsCallId;

typedef struct {
    const char *action; /* as AWS names it */
    AwsServiceId service;
    gboolean writes;      /* changes something: repeated by its caller only, when the outcome is unknown */
    const char *list;     /* path from the result to the element that holds the answer's items; NULL: no list */
    const char *item;     /* name of an item: "member" or "item" */
    const char *size_key; /* parameter for the page size; NULL: not paged by size */
    guint page_size;
    const char *token_key; /* parameter for the next page; NULL: never paged */
    const char *next;      /* element of the result with the next page's token */
    gboolean is_unsigned;  /* carries its own proof */
} AwsCall;
const AwsCall *aws_call(AwsCallId id);
