/* updateLaunchConfig (aws.md 7): a new launch configuration like the old one but for what the request changes, then the group launches from
 * it. The old one stays.
 *
 * Facts: name, configuration (the whole new one), monitoringEnds. */
#include "clouds/aws/operations/launch_update.h"
#include <string.h>

#define STAMP_LENGTH 14 /* MMDDYYYYHHMMSS */

static gboolean ends_with_stamp(const char *name) {
    gsize length = strlen(name);
    if (length <= STAMP_LENGTH + 1 || name[length - STAMP_LENGTH - 1] != '-')
        return FALSE;
    return strspn(name + length - STAMP_LENGTH, "0123456789") == STAMP_LENGTH;
}

static char *name_at(const char *base, gint64 seconds) {
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);
    g_autofree char *stamp = g_date_time_format(time, "%m%d%Y%H%M%S");
    return g_strconcat(base, "-", stamp, NULL);
}

/* The old one's with the time of this operation, or the second behind it when the old one was made in that very second. Caller frees. */
static char *new_name(Operation *operation, const char *old) {
    gint64 seconds = operation_started_ms(operation) / 1000;
    g_autofree char *base = ends_with_stamp(old) ? g_strndup(old, strlen(old) - STAMP_LENGTH - 1) : g_strdup(old);
    g_autofree char *name = name_at(base, seconds);
    return strcmp(name, old) != 0 ? g_steal_pointer(&name) : name_at(base, seconds + 1);
}

/* What the request changes, as AWS describes configurations. */
static Json *changes_of(Operation *operation) {
    const LaunchUpdateParams *params = launch_update_params(operation);
    g_autoptr(Json) monitoring = params->monitoring != NULL ? json_pack("{s:v}", "enabled", json_root(params->monitoring)) : NULL;
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:v, s:s, s:s, s:s, s:v, s:v, s:v}", "imageId", operation_fact_string(operation, "imageId"),
                     "instanceType", params->instance_type, "keyName", params->key_pair, "iamInstanceProfile", params->iam_role, "userData",
                     params->user_data, "securityGroups", operation_fact(operation, "securityGroups"), "kernelId", params->kernel,
                     "ramdiskId", params->ramdisk, "spotPrice", params->spot_price, "instanceMonitoring", json_root(monitoring),
                     "ebsOptimized", json_root(params->ebs_optimized), "associatePublicIpAddress", json_root(params->public_ip));
}

static gboolean is_monitored(const JsonValue *configuration) {
    return json_is_true(json_dig(configuration, "instanceMonitoring", "enabled", NULL));
}

static gboolean read_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const LaunchUpdateParams *params = launch_update_params(operation);
    g_autoptr(Json) asg = NULL;
    if (!launch_update_read(operation, &asg, error))
        return FALSE;
    const JsonValue *old = operation_fact(operation, "launch");
    const char *old_name = json_get_string(json_root(asg), "launchConfigurationName");
    if (old_name == NULL) {
        error_set(error, ERR_INVALID,
                  "%s in %s (account %s) has no launch configuration: updateLaunchTemplate changes what it launches from", params->group,
                  params->region, operation_account(operation)->name);
        return FALSE;
    }
    g_autoptr(Json) changes = changes_of(operation);
    g_autoptr(Json) whole = json_merge(old, json_root(changes));
    if (json_equal(json_root(whole), old)) {
        operation_line(operation, "%s launches so already; nothing to change", params->group);
        return TRUE;
    }
    g_autofree char *name = new_name(operation, old_name);
    g_autoptr(Json) ends = json_from_bool(is_monitored(old) && !is_monitored(json_root(whole)));
    operation_fact_set(operation, "configuration", json_root(whole));
    operation_fact_set(operation, "monitoringEnds", json_root(ends));
    operation_fact_set_string(operation, "name", name);
    return TRUE;
}

static guint change_count(Operation *operation) {
    return operation_fact(operation, "configuration") != NULL ? 1 : 0;
}

/* The name carries the operation's own time: one that exists is ours. */
static gboolean create_act(Operation *operation, guint item, GError **error) {
    (void)item;
    static const char *const KEYS[] = {"imageId",
                                       "instanceType",
                                       "keyName",
                                       "iamInstanceProfile",
                                       "userData",
                                       "securityGroups",
                                       "kernelId",
                                       "ramdiskId",
                                       "instanceMonitoring",
                                       "ebsOptimized",
                                       "associatePublicIpAddress",
                                       "placementTenancy",
                                       "blockDeviceMappings",
                                       "metadataOptions",
                                       NULL};
    const char *name = operation_fact_string(operation, "name");
    const JsonValue *configuration = operation_fact(operation, "configuration");
    g_autoptr(AwsQuery) query = aws_query_new(AWS_CREATE_LAUNCH_CONFIGURATION);
    aws_query_about(query, name);
    aws_query_add(query, name, "LaunchConfigurationName");
    for (gsize i = 0; KEYS[i] != NULL; i++) {
        const char *const one[] = {KEYS[i], NULL};
        const char *text = json_get_string(configuration, KEYS[i]);
        if (text == NULL || *text != '\0')
            aws_add_member_parameters(query, configuration, one);
    }
    const char *price = json_get_string(configuration, "spotPrice");
    aws_query_add(query, price != NULL && *price != '\0' ? price : NULL, "SpotPrice");
    operation_line(operation, "Creating launch configuration %s", name);
    g_autoptr(GError) failed = NULL;
    if (operation_write(operation, launch_update_params(operation)->region, query, &failed) || aws_error_is_duplicate(failed))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

static guint metrics_count(Operation *operation) {
    return json_is_true(operation_fact(operation, "monitoringEnds")) ? 1 : 0;
}

static gboolean metrics_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const LaunchUpdateParams *params = launch_update_params(operation);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DISABLE_METRICS);
    aws_query_about(query, params->group);
    aws_query_add(query, params->group, "AutoScalingGroupName");
    return operation_write(operation, params->region, query, error);
}

static gboolean use_act(Operation *operation, guint item, GError **error) {
    (void)item;
    g_autoptr(AwsQuery) query = launch_update_query(operation);
    aws_query_add(query, operation_fact_string(operation, "name"), "LaunchConfigurationName");
    operation_line(operation, "%s launches from %s", launch_update_params(operation)->group, operation_fact_string(operation, "name"));
    return operation_write(operation, launch_update_params(operation)->region, query, error);
}

static void update_finish(Operation *operation) {
    if (operation_fact(operation, "name") != NULL)
        operation_result_set(operation, "launchConfigurationName", operation_fact(operation, "name"));
    launch_update_finish(operation);
}

const CloudOperation aws_update_launch_configuration = {
    .name = "updateLaunchConfig",
    .aliases = (const char *const[]){"modifyAsgLaunchConfigurationDescription", NULL},
    .help = "Lets new instances of a server group launch otherwise, by a new launch configuration.",
    .params = aws_launch_update_params,
    .params_size = sizeof(LaunchUpdateParams),
    .steps =
        (const OperationStep[]){
            {.name = "look at the group", .act = read_act, .repeat = REPEAT_READ},
            {.name = "create launch configuration", .count = change_count, .act = create_act, .repeat = REPEAT_NAME},
            {.name = "disable metrics", .count = metrics_count, .act = metrics_act, .repeat = REPEAT_IDEMPOTENT},
            {.name = "use it",
             .count = change_count,
             .act = use_act,
             .repeat = REPEAT_IDEMPOTENT,
             .tries = AWS_TRIES_GROUP,
             .try_delay_ms = AWS_TRY_DELAY_MS,
             .retry_on = operation_is_busy},
            {0},
        },
    .finish = update_finish,
};
