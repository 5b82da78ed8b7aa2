/* Ending instances, in batches. Terminating what is terminated already does nothing. */
#include "clouds/aws/operations/operations.h"

gboolean operation_terminate(Operation *operation, const char *region, const char *const *ids, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(AWS_TERMINATE_INSTANCES);
    g_autofree char *all = g_strjoinv(", ", (char **)ids);
    aws_query_about(query, all);
    aws_query_add_list(query, ids, "InstanceId");
    g_autoptr(GError) failed = NULL;
    if (!operation_write(operation, region, query, &failed) && !aws_error_is_absent(failed)) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    if (failed)
        operation_line(operation, "Instances %s in %s: some are gone already (%s)", all, region, failed->message);
    else
        operation_line(operation, "Terminated %s in %s", all, region);
    operation_forget_instances(operation, region, ids);
    return TRUE;
}

static void add_batches(JsonBuilder *builder, const char *region, const char *const *ids) {
    guint n = g_strv_length((char **)ids);
    for (guint from = 0; from < n; from += AWS_TERMINATE_BATCH) {
        json_begin_object(builder, NULL);
        json_add_string(builder, "region", region);
        json_begin_array(builder, "ids");
        for (guint i = from; i < MIN(n, from + AWS_TERMINATE_BATCH); i++)
            json_add_string(builder, NULL, ids[i]);
        json_end_array(builder);
        json_end_object(builder);
    }
}

gboolean operation_plan_termination(Operation *operation, guint item, GError **error) {
    (void)item, (void)error;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < operation_groups(operation); i++) {
        g_auto(GStrv) ids = aws_strings(json_get(operation_group_fact(operation, "group", i), "instances"));
        add_batches(builder, operation_group_region(operation, i), (const char *const *)ids);
    }
    json_end_array(builder);
    g_autoptr(Json) batches = json_builder_end(builder);
    operation_fact_set(operation, "batches", json_root(batches));
    return TRUE;
}

guint operation_termination_count(Operation *operation) {
    return operation_fact_length(operation, "batches");
}

gboolean operation_termination_act(Operation *operation, guint item, GError **error) {
    const JsonValue *batch = json_at(operation_fact(operation, "batches"), item);
    g_auto(GStrv) ids = aws_strings(json_get(batch, "ids"));
    return operation_terminate(operation, json_get_string(batch, "region"), (const char *const *)ids, error);
}
