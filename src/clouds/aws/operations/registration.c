/* Instances at classic load balancers and target groups: registering and deregistering are idempotent at AWS. */
#include "clouds/aws/operations/operations.h"
#include <string.h>

static void add_one(JsonBuilder *builder, const char *region, const char *group, const char *kind, const char *name, const char *arn,
                    const char *const *instances) {
    json_begin_object(builder, NULL);
    json_add_string(builder, "region", region);
    json_add_string(builder, "group", group);
    json_add_string(builder, "kind", kind);
    json_add_string(builder, "name", name);
    json_add_string(builder, "arn", arn);
    json_add_strings(builder, "instances", instances);
    json_end_object(builder);
}

void aws_registrations_add(JsonBuilder *builder, const char *region, const JsonValue *asg, const char *const *instances) {
    const char *group = json_get_string(asg, "autoScalingGroupName");
    g_auto(GStrv) names = aws_target_group_names(json_get(asg, "targetGroupARNs"));
    g_auto(GStrv) classic = aws_strings(json_get(asg, "loadBalancerNames")), arns = aws_strings(json_get(asg, "targetGroupARNs"));
    if (!instances[0])
        return;
    for (guint i = 0; classic[i]; i++)
        add_one(builder, region, group, "classic", classic[i], NULL, instances);
    for (guint i = 0; arns[i] && names[i]; i++)
        add_one(builder, region, group, "target", names[i], arns[i], instances);
}

static gboolean change(Operation *operation, const JsonValue *registration, AwsCallId classic, AwsCallId target, GError **error) {
    const char *name = json_get_string(registration, "name");
    gboolean is_classic = !g_strcmp0(json_get_string(registration, "kind"), "classic");
    g_auto(GStrv) instances = aws_strings(json_get(registration, "instances"));
    g_autoptr(AwsQuery) query = aws_query_new(is_classic ? classic : target);
    aws_query_about(query, name);
    if (is_classic)
        aws_query_add(query, name, "LoadBalancerName");
    else
        aws_query_add(query, json_get_string(registration, "arn"), "TargetGroupArn");
    for (guint i = 0; instances[i]; i++) {
        if (is_classic)
            aws_query_add(query, instances[i], "Instances.member.%u.InstanceId", i + 1);
        else
            aws_query_add(query, instances[i], "Targets.member.%u.Id", i + 1);
    }
    return operation_write(operation, json_get_string(registration, "region"), query, error);
}

gboolean aws_register(Operation *operation, const JsonValue *registration, GError **error) {
    operation_line(operation, "Registering %u instances of %s with %s", (guint)json_length(json_get(registration, "instances")),
                   json_get_string(registration, "group"), json_get_string(registration, "name"));
    return change(operation, registration, AWS_REGISTER_CLASSIC, AWS_REGISTER_TARGETS, error);
}

gboolean aws_deregister(Operation *operation, const JsonValue *registration, GError **error) {
    const char *name = json_get_string(registration, "name");
    operation_line(operation, "Deregistering %u instances of %s from %s", (guint)json_length(json_get(registration, "instances")),
                   json_get_string(registration, "group"), name);
    g_autoptr(GError) failed = NULL;
    if (change(operation, registration, AWS_DEREGISTER_CLASSIC, AWS_DEREGISTER_TARGETS, &failed))
        return TRUE;
    if (aws_error_is_absent(failed) || aws_error_is(failed, "InvalidTarget") || aws_error_is(failed, "InvalidInstance")) {
        operation_line(operation, "%s: nothing to deregister (%s)", name, failed->message);
        return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}
