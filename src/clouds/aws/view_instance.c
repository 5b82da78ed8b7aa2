/* Instances and their health as served. */
#include "clouds/aws/views.h"
#include <string.h>

/* ---- one instance ---- */

Json *aws_view_instance(const InventorySnapshot *snapshot, const InventoryObject *object, gint64 now_ms) {
    Instance *instance = view_instance_record(snapshot, object);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "name", instance->id);
    json_add_string(builder, "account", object->account);
    json_add_string(builder, "region", object->region);
    json_add_string(builder, "zone", instance->zone);
    json_add_string(builder, "serverGroup", instance->server_group);
    json_add_string(builder, "healthState", health_state_name(instance_health_state(instance, now_ms)));
    json_add_bool(builder, "isHealthy", instance_is_healthy(instance));
    view_add_health(builder, "health", instance);
    json_add_string(builder, "capacityType", instance->spot ? "spot" : "on-demand");
    json_add_string(builder, "cloudProvider", "aws");
    json_add_string(builder, "providerType", "aws");
    json_end_object(builder);
    instance_free(instance);
    g_autoptr(Json) view = json_builder_end(builder);
    return json_merge(json_root(object->document), json_root(view)); /* a member of ours replaces AWS's of the same name */
}
