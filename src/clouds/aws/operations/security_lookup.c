/* Finding security groups (security_groups.h). */
#include "clouds/aws/operations/security_groups.h"
#include <string.h>

static gboolean read_first(const AwsReader *reader, const AwsQuery *query, const char *vpc, gboolean any_vpc, Json **group,
                           GError **error) {
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    g_autoptr(GError) failed = NULL;
    *group = NULL;
    if (!aws_read_documents(reader, query, AWS_SHAPE_EC2, found, &failed)) {
        if (aws_error_is_absent(failed))
            return TRUE;
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    for (guint i = 0; i < found->len && *group == NULL; i++) {
        const char *own = json_get_string(json_root(found->pdata[i]), "vpcId");
        own = own != NULL && *own != '\0' ? own : NULL;
        if (any_vpc || g_strcmp0(own, vpc) == 0)
            *group = json_ref(found->pdata[i]);
    }
    return TRUE;
}

gboolean aws_security_group_read(const AwsReader *reader, const char *name, const char *vpc, Json **group, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_SECURITY_GROUPS);
    aws_query_about(query, name);
    aws_query_add_filter(query, "group-name", name);
    if (vpc != NULL)
        aws_query_add_filter(query, "vpc-id", vpc);
    return read_first(reader, query, vpc, FALSE, group, error);
}

gboolean aws_security_group_read_id(const AwsReader *reader, const char *id, Json **group, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_SECURITY_GROUPS);
    aws_query_about(query, id);
    aws_query_add(query, id, "GroupId.1");
    return read_first(reader, query, NULL, TRUE, group, error);
}

static gboolean is_id(const char *text) {
    return g_str_has_prefix(text, "sg-") && text[3] != '\0' && strspn(text + 3, "0123456789abcdef") == strlen(text + 3);
}

char **aws_security_group_ids(const AwsReader *reader, char *const *names, const char *vpc, GError **error) {
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) missing = g_string_new(NULL);
    for (guint i = 0; names != NULL && names[i] != NULL; i++) {
        g_autoptr(Json) group = NULL;
        if (!is_id(names[i]) && !aws_security_group_read(reader, names[i], vpc, &group, error))
            return NULL;
        const char *id = is_id(names[i]) ? names[i] : json_get_string(json_root(group), "groupId");
        if (id != NULL)
            g_ptr_array_add(ids, g_strdup(id));
        else
            g_string_append_printf(missing, "%s%s", missing->len > 0 ? "," : "", names[i]);
    }
    if (missing->len > 0) {
        error_set(error, ERR_NOT_FOUND, "Missing security groups: %s (%s, account %s, VPC %s)", missing->str, reader->region,
                  reader->account->base.name, vpc != NULL ? vpc : "none");
        return NULL;
    }
    g_ptr_array_set_free_func(ids, NULL);
    g_ptr_array_add(ids, NULL);
    return (char **)g_ptr_array_steal(ids, NULL);
}

void aws_security_group_publish(const AwsReader *reader, const char *id) {
    g_autoptr(Json) group = NULL;
    if (!aws_security_group_read_id(reader, id, &group, NULL) || group == NULL)
        return;
    g_autoptr(InventoryObject) object = aws_object_new(reader, KIND_SECURITY_GROUP, id);
    aws_object_set_names(object, json_get_string(json_root(group), "groupName"));
    object->document = json_ref(group);
    inventory_put(reader->inventory, object);
}
