/* The server groups that an operation is about, and facts that belong to one of them (cloud.h). On the thread of the run. */
#include "clouds/cloud.h"

static const JsonValue *group_entry(Operation *operation, guint item) {
    return json_at(json_get(operation_request(operation), "asgs"), item);
}

guint operation_groups(Operation *operation) {
    return (guint)json_length(json_get(operation_request(operation), "asgs"));
}

const char *operation_group_name(Operation *operation, guint item) {
    return json_get_string(group_entry(operation, item), "serverGroupName");
}

const char *operation_group_region(Operation *operation, guint item) {
    return json_get_string(group_entry(operation, item), "region");
}

const JsonValue *operation_group_fact(Operation *operation, const char *key, guint item) {
    g_autofree char *name = g_strdup_printf("%s.%u", key, item);
    return operation_fact(operation, name);
}

void operation_group_fact_set(Operation *operation, const char *key, guint item, const JsonValue *value) {
    g_autofree char *name = g_strdup_printf("%s.%u", key, item);
    operation_fact_set(operation, name, value);
}

guint operation_fact_length(Operation *operation, const char *key) {
    return (guint)json_length(operation_fact(operation, key));
}
