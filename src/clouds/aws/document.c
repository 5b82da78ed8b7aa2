/* Translates XML to JSON by names: AWS's answers carry no types. */
#include "clouds/aws/document.h"
#include "base/clock.h"
#include <errno.h>
#include <string.h>

/* Names as they are in JSON. */
static const char *const NUMBERS[] = {
    "amiLaunchIndex",
    "availableIpAddressCount",
    "code",
    "cooldown",
    "datapointsToAlarm",
    "defaultCooldown",
    "defaultInstanceWarmup",
    "defaultVCpus",
    "defaultVersionNumber",
    "desiredCapacity",
    "deviceIndex",
    "estimatedInstanceWarmup",
    "evaluationPeriods",
    "fromPort",
    "healthCheckGracePeriod",
    "healthCheckIntervalSeconds",
    "healthCheckTimeoutSeconds",
    "healthyThreshold",
    "healthyThresholdCount",
    "heartbeatTimeout",
    "httpPutResponseHopLimit",
    "idleTimeout",
    "instancePort",
    "interval",
    "iops",
    "ipv6AddressCount",
    "latestVersionNumber",
    "loadBalancerPort",
    "maxInstanceLifetime",
    "maxSize",
    "metricIntervalLowerBound",
    "metricIntervalUpperBound",
    "minAdjustmentMagnitude",
    "minAdjustmentStep",
    "minSize",
    "networkCardIndex",
    "onDemandBaseCapacity",
    "onDemandPercentageAboveBaseCapacity",
    "partitionNumber",
    "period",
    "port",
    "scalingAdjustment",
    "sizeInMiB",
    "spotInstancePools",
    "targetValue",
    "threshold",
    "throughput",
    "timeout",
    "toPort",
    "unhealthyThreshold",
    "unhealthyThresholdCount",
    "versionNumber",
    "volumeSize",
};
static const char *const TIMES[] = {
    "attachTime",           "createTime", "createdTime", "endTime", "launchTime", "startTime", "alarmConfigurationUpdatedTimestamp",
    "stateUpdatedTimestamp"};
/* Texts whatever they look like. */
static const char *const TEXTS[] = {"description", "key", "name", "reason", "value"};
/* Lists that may be empty: then the element alone does not show that it is one. */
static const char *const LISTS[] = {
    "alarmActions",
    "alarms",
    "availabilityZones",
    "blockDeviceMappings",
    "classicLinkVPCSecurityGroups",
    "enabledMetrics",
    "groups",
    "insufficientDataActions",
    "instances",
    "ipPermissions",
    "ipPermissionsEgress",
    "ipRanges",
    "ipv6Ranges",
    "launchTemplateOverrides",
    "listenerDescriptions",
    "loadBalancerArns",
    "loadBalancerNames",
    "metrics",
    "networkInterfaces",
    "okactions",
    "overrides",
    "policyNames",
    "prefixListIds",
    "productCodes",
    "securityGroups",
    "stepAdjustments",
    "subnets",
    "suspendedProcesses",
    "tags",
    "targetGroupARNs",
    "terminationPolicies",
    "trafficSources",
};

/* EC2's element names that the SDK calls otherwise; inside: name of the enclosing list, NULL: anywhere. */
static const struct {
    const char *element, *inside, *name;
} EC2_NAMES[] = {
    {"groupSet", "networkInterfaceSet", "groups"},
    {"groupSet", "reservationSet", "groups"},
    {"groupSet", NULL, "securityGroups"},
    {"blockDeviceMapping", NULL, "blockDeviceMappings"},
    {"instanceState", NULL, "state"},
    {"imageState", NULL, "state"},
    {"imageOwnerId", NULL, "ownerId"},
    {"isPublic", NULL, "public"},
    {"dnsName", NULL, "publicDnsName"},
    {"ipAddress", NULL, "publicIpAddress"},
    {"licenseSet", NULL, "licenseSpecifications"},
    {"groupDescription", NULL, "description"},
};

static gboolean is_one_of(const char *name, const char *const *names, gsize n) {
    for (gsize i = 0; i < n; i++)
        if (!strcmp(names[i], name))
            return TRUE;
    return FALSE;
}
#define IS_ONE_OF(NAME, NAMES) is_one_of(NAME, NAMES, G_N_ELEMENTS(NAMES))

/* "VPCZoneIdentifier" is "vpczoneIdentifier": the capitals at the front go down together. */
static char *query_name(const char *element) {
    char *name = g_strdup(element);
    for (char *c = name; g_ascii_isupper(*c); c++)
        *c = g_ascii_tolower(*c);
    return name;
}

/* "tagSet" is "tags", "instancesSet" is "instances". */
static char *ec2_name(const char *element, const char *inside) {
    for (guint i = 0; i < G_N_ELEMENTS(EC2_NAMES); i++)
        if (!strcmp(EC2_NAMES[i].element, element) && (!EC2_NAMES[i].inside || !g_strcmp0(EC2_NAMES[i].inside, inside)))
            return g_strdup(EC2_NAMES[i].name);
    if (!g_str_has_suffix(element, "Set"))
        return g_strdup(element);
    g_autofree char *stem = g_strndup(element, strlen(element) - strlen("Set"));
    return g_strconcat(stem, g_str_has_suffix(stem, "s") ? "" : "s", NULL);
}

/* The name of a list's elements when this element is a list; NULL otherwise. A list of group ids has them bare. */
static const char *list_item(const XmlNode *node) {
    const char *first = xml_name(xml_first(node, NULL));
    if (!first)
        return NULL;
    if (!strcmp(first, "member") || !strcmp(first, "item"))
        return first;
    return !strcmp(xml_name(node), "groupSet") && !strcmp(first, "groupId") ? first : NULL;
}

static gboolean add_number(JsonBuilder *builder, const char *key, const char *text) {
    char *end = NULL;
    errno = 0;
    gint64 whole = g_ascii_strtoll(text, &end, 10);
    if (*text && !*end && !errno) {
        json_add_int(builder, key, whole);
        return TRUE;
    }
    double number = g_ascii_strtod(text, &end);
    if (!*text || *end || number - number != 0) /* infinite, or none at all */
        return FALSE;
    json_add_double(builder, key, number);
    return TRUE;
}

/* key is NULL inside arrays; name decides about the type. */
static void add_scalar(JsonBuilder *builder, const char *key, const char *name, const char *text) {
    gboolean is_text = IS_ONE_OF(name, TEXTS);
    if (IS_ONE_OF(name, TIMES)) {
        gint64 ms = clock_parse_iso8601(text);
        if (ms >= 0) {
            json_add_int(builder, key, ms);
            return;
        }
    }
    if (IS_ONE_OF(name, NUMBERS) && add_number(builder, key, text))
        return;
    if (!is_text && (!strcmp(text, "true") || !strcmp(text, "false"))) {
        json_add_bool(builder, key, *text == 't');
        return;
    }
    json_add_string(builder, key, text);
}

static void add_node(JsonBuilder *builder, const char *key, const char *name, const XmlNode *node, AwsShape shape, const char *inside);

static void add_list(JsonBuilder *builder, const char *key, const XmlNode *node, const char *item, AwsShape shape) {
    json_begin_array(builder, key);
    for (const XmlNode *i = xml_first(node, item); i; i = xml_next(i, item))
        add_node(builder, NULL, "", i, shape, xml_name(node));
    json_end_array(builder);
}

static void add_members(JsonBuilder *builder, const XmlNode *node, AwsShape shape, const char *inside) {
    for (const XmlNode *i = xml_first(node, NULL); i; i = xml_next(i, NULL)) {
        g_autofree char *name = shape == AWS_SHAPE_EC2 ? ec2_name(xml_name(i), inside) : query_name(xml_name(i));
        add_node(builder, name, name, i, shape, inside);
    }
}

static void add_node(JsonBuilder *builder, const char *key, const char *name, const XmlNode *node, AwsShape shape, const char *inside) {
    const char *item = list_item(node);
    if (item) {
        add_list(builder, key, node, item, shape);
        return;
    }
    if (xml_first(node, NULL)) {
        json_begin_object(builder, key);
        add_members(builder, node, shape, inside);
        json_end_object(builder);
        return;
    }
    g_autofree char *text = xml_text(node);
    if (*text || !key || IS_ONE_OF(name, TEXTS))
        add_scalar(builder, key, name, text);
    else if (IS_ONE_OF(name, LISTS))
        add_list(builder, key, node, "item", shape);
}

void aws_document_add_members(JsonBuilder *builder, const XmlNode *node, AwsShape shape) {
    add_members(builder, node, shape, NULL);
}

Json *aws_document(const XmlNode *node, AwsShape shape) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    add_members(builder, node, shape, NULL);
    json_end_object(builder);
    return json_builder_end(builder);
}

Json *aws_tags_object(const JsonValue *tags) {
    if (!json_is_array(tags))
        return NULL;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (JsonIter i = json_iter(tags); json_next(&i);) {
        const char *key = json_get_string(i.value, "key"), *value = json_get_string(i.value, "value");
        if (key)
            json_add_string(builder, key, value ? value : "");
    }
    json_end_object(builder);
    return json_builder_end(builder);
}

const char *aws_tag(const JsonValue *tags, const char *key) {
    for (JsonIter i = json_iter(tags); json_next(&i);)
        if (!g_strcmp0(json_get_string(i.value, "key"), key))
            return json_get_string(i.value, "value");
    return NULL;
}

char **aws_strings(const JsonValue *array) {
    return aws_member_strings(array, NULL);
}

char **aws_member_strings(const JsonValue *array, const char *member) {
    GPtrArray *texts = g_ptr_array_new();
    for (JsonIter i = json_iter(json_is_array(array) ? array : NULL); json_next(&i);) {
        const char *text = member ? json_get_string(i.value, member) : json_string(i.value);
        if (text)
            g_ptr_array_add(texts, g_strdup(text));
    }
    g_ptr_array_add(texts, NULL);
    return (char **)g_ptr_array_free(texts, FALSE);
}
