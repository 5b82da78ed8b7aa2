/* The part of a group that is disabled by percentage (traffic.h). Pure on a snapshot. */
#include "clouds/traffic.h"
#include "clouds/cloud.h"
#include <string.h>

gboolean traffic_is_serving_state(const char *lifecycle_state) {
    return lifecycle_state && (!strcmp(lifecycle_state, "InService") || g_str_has_prefix(lifecycle_state, "Pending"));
}

/* Up somewhere and Down nowhere. */
static gboolean is_up(const Instance *instance) {
    gboolean up = FALSE, down = FALSE;
    for (guint i = 0; instance->health && i < instance->health->len; i++) {
        HealthState state = ((const Health *)instance->health->pdata[i])->state;
        up = up || state == HEALTH_UP;
        down = down || (state != HEALTH_UP && state != HEALTH_UNKNOWN);
    }
    return up && !down;
}

char **traffic_part_to_disable(const InventorySnapshot *snapshot, const ServerGroup *group, gint64 percentage, guint *total) {
    g_autoptr(GPtrArray) instances = group ? clouds_instances(snapshot, group) : g_ptr_array_new();
    GPtrArray *up = g_ptr_array_new();
    *total = 0;
    for (guint i = 0; i < instances->len; i++) {
        const Instance *instance = instances->pdata[i];
        if (!traffic_is_serving_state(instance->lifecycle_state))
            continue;
        ++*total;
        if (is_up(instance))
            g_ptr_array_add(up, g_strdup(instance->id));
    }
    gint64 out = (gint64)*total - up->len, wanted = (*total * percentage + 99) / 100;
    while ((gint64)up->len > MAX(wanted - out, 0))
        g_free(g_ptr_array_steal_index(up, up->len - 1));
    g_ptr_array_add(up, NULL);
    return (char **)g_ptr_array_free(up, FALSE);
}
