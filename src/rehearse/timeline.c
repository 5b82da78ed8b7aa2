/* The timeline compares snapshots: of executions, which change with their commits, and of the inventory, which shows what the clouds hold.
 * So it tells what really became of the clouds, whatever an operation said. Thread: the rehearsal's. */
#include "rehearse/timeline.h"
#include "rehearse/rehearse.h"
#include <string.h>

struct Timeline {
    Clouds *clouds;
    gint64 began_ms;
    guint entries_max;
    GHashTable *executions; /* id to Execution, as last shown */
    InventorySnapshot *first, *last;
    GPtrArray *entries; /* of Json */
};

Timeline *timeline_new(Clouds *clouds, gint64 began_ms, guint entries_max) {
    Timeline *timeline = g_new0(Timeline, 1);
    timeline->clouds = clouds;
    timeline->began_ms = began_ms;
    timeline->entries_max = entries_max ? entries_max : REHEARSAL_TIMELINE_MAX;
    timeline->executions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)execution_unref);
    timeline->entries = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    timeline_begin(timeline);
    return timeline;
}

void timeline_free(Timeline *timeline) {
    if (timeline == NULL)
        return;
    g_hash_table_unref(timeline->executions);
    g_clear_pointer(&timeline->first, inventory_snapshot_unref);
    g_clear_pointer(&timeline->last, inventory_snapshot_unref);
    g_ptr_array_unref(timeline->entries);
    g_free(timeline);
}

void timeline_begin(Timeline *timeline) {
    g_clear_pointer(&timeline->first, inventory_snapshot_unref);
    g_clear_pointer(&timeline->last, inventory_snapshot_unref);
    timeline->first = inventory_snapshot(clouds_inventory(timeline->clouds));
    timeline->last = inventory_snapshot(clouds_inventory(timeline->clouds));
}

static void add(Timeline *timeline, JsonBuilder *builder) {
    json_end_object(builder);
    if (timeline->entries->len < timeline->entries_max)
        g_ptr_array_add(timeline->entries, json_builder_end(builder));
}

static JsonBuilder *begin_entry(const Timeline *timeline, gint64 now_ms) {
    JsonBuilder *builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_int(builder, "at", now_ms - timeline->began_ms);
    return builder;
}

/* ---- executions ---- */

/* The first thing that went wrong, as the stage says it. */
static const char *message_of(const Stage *stage) {
    const JsonValue *errors = json_dig(json_root(stage->context), "exception", "details", "errors", NULL);
    return json_string(json_at(errors, 0));
}

static void show_stage(Timeline *timeline, const Execution *execution, const Stage *stage, gint64 now_ms) {
    g_autoptr(JsonBuilder) builder = begin_entry(timeline, now_ms);
    const Stage *parent = stage_parent(execution, stage);
    json_add_string(builder, "execution", execution->name);
    json_add_string(builder, "stage", stage->name);
    json_add_string(builder, "refId", stage->ref_id);
    json_add_string(builder, "type", stage->type);
    if (parent != NULL)
        json_add_string(builder, "parent", parent->name);
    json_add_string(builder, "status", status_info(stage->status)->name);
    if (status_info(stage->status)->halt && message_of(stage) != NULL)
        json_add_string(builder, "message", message_of(stage));
    add(timeline, builder);
}

static guint depth_of(const Execution *execution, const Stage *stage) {
    guint depth = 0;
    while ((stage = stage_parent(execution, stage)) != NULL)
        depth++;
    return depth;
}

/* Of what one commit changed: what ended comes first, the inner before the outer; what began last, the outer before the inner. */
static gint order_of(const Execution *execution, const Stage *stage) {
    gint depth = (gint)depth_of(execution, stage);
    return status_info(stage->status)->complete ? -depth - 1 : depth;
}

typedef struct {
    const Stage *stage;
    gint order;
    guint place;
} Changed;

static gint compare_changed(gconstpointer left, gconstpointer right) {
    const Changed *a = left, *b = right;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

void timeline_show_execution(Timeline *timeline, const Execution *execution, gint64 now_ms) {
    const Execution *before = g_hash_table_lookup(timeline->executions, execution->id);
    g_autoptr(GArray) changed = g_array_new(FALSE, FALSE, sizeof(Changed));
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = g_ptr_array_index(execution->stages, i);
        const Stage *known = before != NULL ? execution_stage(before, stage->id) : NULL;
        Changed one = {stage, order_of(execution, stage), i};
        if (stage->status != (known != NULL ? known->status : STATUS_NOT_STARTED))
            g_array_append_val(changed, one);
    }
    g_array_sort(changed, compare_changed);
    for (guint i = 0; i < changed->len; i++)
        show_stage(timeline, execution, g_array_index(changed, Changed, i).stage, now_ms);
    g_hash_table_insert(timeline->executions, g_strdup(execution->id), execution_ref((Execution *)execution));
}

/* ---- clouds ---- */

static void add_group_state(JsonBuilder *builder, const char *key, const ServerGroup *group) {
    if (group == NULL)
        return;
    json_begin_object(builder, key);
    json_add_int(builder, "min", group->capacity.min);
    json_add_int(builder, "max", group->capacity.max);
    json_add_int(builder, "desired", group->capacity.desired);
    json_add_bool(builder, "disabled", group->disabled);
    json_add_string(builder, "image", group->image_name != NULL ? group->image_name : group->image_id);
    json_end_object(builder);
}

static gboolean is_resized(const ServerGroup *before, const ServerGroup *after) {
    return before->capacity.min != after->capacity.min || before->capacity.max != after->capacity.max ||
           before->capacity.desired != after->capacity.desired;
}

/* "created", "enabled, resized" …; NULL: nothing that is told. Caller frees. */
static char *change_of(const ServerGroup *before, const ServerGroup *after) {
    if (before == NULL)
        return g_strdup("created");
    if (after == NULL)
        return g_strdup("destroyed");
    g_autoptr(GPtrArray) parts = g_ptr_array_new();
    if (before->disabled != after->disabled)
        g_ptr_array_add(parts, (gpointer)(after->disabled ? "disabled" : "enabled"));
    if (is_resized(before, after))
        g_ptr_array_add(parts, (gpointer) "resized");
    if (g_strcmp0(before->image_id, after->image_id) != 0)
        g_ptr_array_add(parts, (gpointer) "image changed");
    g_ptr_array_add(parts, NULL);
    return parts->len > 1 ? g_strjoinv(", ", (char **)parts->pdata) : NULL;
}

typedef void (*GroupChanged)(const ServerGroup *before, const ServerGroup *after, const char *change, gpointer data);
typedef struct {
    const InventorySnapshot *other;
    gboolean gone; /* the other is the newer one: only what is not there any more */
    GroupChanged changed;
    gpointer data;
} Comparing;

static gboolean compare_group(const InventoryObject *object, gpointer data) {
    const Comparing *comparing = data;
    const ServerGroup *group = object->record;
    const InventoryObject *found = inventory_get(comparing->other, object->account, KIND_SERVER_GROUP, object->region, object->id);
    const ServerGroup *other = found != NULL ? found->record : NULL;
    if (group == NULL || group == other || (comparing->gone && other != NULL))
        return TRUE;
    const ServerGroup *before = comparing->gone ? group : other, *after = comparing->gone ? NULL : group;
    g_autofree char *change = change_of(before, after);
    if (change != NULL)
        comparing->changed(before, after, change, comparing->data);
    return TRUE;
}

static void compare(const InventorySnapshot *before, const InventorySnapshot *after, GroupChanged changed, gpointer data) {
    Comparing newer = {before, FALSE, changed, data}, older = {after, TRUE, changed, data};
    inventory_each(after, NULL, KIND_SERVER_GROUP, NULL, compare_group, &newer);
    inventory_each(before, NULL, KIND_SERVER_GROUP, NULL, compare_group, &older);
}

typedef struct {
    Timeline *timeline;
    gint64 now_ms;
} Showing;

static void show_group(const ServerGroup *before, const ServerGroup *after, const char *change, gpointer data) {
    const Showing *showing = data;
    const ServerGroup *group = after != NULL ? after : before;
    g_autoptr(JsonBuilder) builder = begin_entry(showing->timeline, showing->now_ms);
    json_add_string(builder, "account", group->account);
    json_add_string(builder, "region", group->region);
    json_add_string(builder, "serverGroup", group->name);
    json_add_string(builder, "change", change);
    add_group_state(builder, "from", before);
    add_group_state(builder, "to", after);
    add(showing->timeline, builder);
}

void timeline_show_clouds(Timeline *timeline, gint64 now_ms) {
    InventorySnapshot *now = inventory_snapshot(clouds_inventory(timeline->clouds));
    Showing showing = {timeline, now_ms};
    compare(timeline->last, now, show_group, &showing);
    inventory_snapshot_unref(timeline->last);
    timeline->last = now;
}

Json *timeline_json(const Timeline *timeline) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < timeline->entries->len; i++)
        json_add_json(builder, NULL, g_ptr_array_index(timeline->entries, i));
    json_end_array(builder);
    return json_builder_end(builder);
}

/* ---- the difference from first to last ---- */

static void add_group_change(const ServerGroup *before, const ServerGroup *after, const char *change, gpointer data) {
    JsonBuilder *builder = data;
    const ServerGroup *group = after != NULL ? after : before;
    json_begin_object(builder, NULL);
    json_add_string(builder, "account", group->account);
    json_add_string(builder, "region", group->region);
    json_add_string(builder, "cluster", group->moniker.cluster);
    json_add_string(builder, "name", group->name);
    json_add_string(builder, "change", change);
    add_group_state(builder, "before", before);
    add_group_state(builder, "after", after);
    json_end_object(builder);
}

static const char *const BALANCER_KINDS[] = {KIND_LOAD_BALANCER, KIND_TARGET_GROUP, KIND_SECURITY_GROUP};

typedef struct {
    JsonBuilder *builder;
    const InventorySnapshot *other;
    gboolean gone;
} Balancers;

static gboolean is_same(const InventoryObject *a, const InventoryObject *b) {
    return a == b || (a->document != NULL && b->document != NULL && json_equal(json_root(a->document), json_root(b->document)));
}

static gboolean compare_balancer(const InventoryObject *object, gpointer data) {
    const Balancers *balancers = data;
    const InventoryObject *other = inventory_get(balancers->other, object->account, object->kind, object->region, object->id);
    if (balancers->gone ? other != NULL : other != NULL && is_same(object, other))
        return TRUE;
    JsonBuilder *builder = balancers->builder;
    json_begin_object(builder, NULL);
    json_add_string(builder, "account", object->account);
    json_add_string(builder, "region", object->region);
    json_add_string(builder, "kind", object->kind);
    json_add_string(builder, "name", object->id);
    json_add_string(builder, "change", balancers->gone ? "deleted" : other == NULL ? "created" : "changed");
    json_end_object(builder);
    return TRUE;
}

Json *timeline_changes(const Timeline *timeline) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_begin_array(builder, "serverGroups");
    compare(timeline->first, timeline->last, add_group_change, builder);
    json_end_array(builder);
    json_begin_array(builder, "loadBalancers");
    for (gsize i = 0; i < G_N_ELEMENTS(BALANCER_KINDS); i++) {
        Balancers newer = {builder, timeline->first, FALSE}, older = {builder, timeline->last, TRUE};
        inventory_each(timeline->last, NULL, BALANCER_KINDS[i], NULL, compare_balancer, &newer);
        inventory_each(timeline->first, NULL, BALANCER_KINDS[i], NULL, compare_balancer, &older);
    }
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}
