/* What an operation checks right before it writes (traffic_guard.h): the guards once more, and that a group which was chosen because it
 * takes no traffic still takes none. A description carries its check as {operation, names, instances, pinnedAlike, guarded,
 * stillInactive}.
 *
 * Two operations that would each be allowed alone must not empty a cluster together: while one runs, what it takes away is claimed, and
 * everybody who comes later counts it as gone. Claims live in memory and end with the run; after a start they are made again by the runs
 * that go on. Threads: those of the runs, under the lock of the claims, which is not held over a read. */
#include "stages/deploy/traffic_guard.h"

typedef struct {
    guint64 number; /* the earlier one has the right of way */
    char *account;
    GPtrArray *names; /* of GroupName */
} Claim;

typedef struct {
    Services *services;
    GMutex lock;
    GHashTable *claims; /* id of the operation's run → Claim, owned */
    guint64 last_number;
} Checker;

static void claim_free(gpointer data) {
    Claim *claim = data;
    g_free(claim->account);
    g_ptr_array_unref(claim->names);
    g_free(claim);
}

static void checker_free(gpointer data) {
    Checker *checker = data;
    g_hash_table_unref(checker->claims);
    g_mutex_clear(&checker->lock);
    g_free(checker);
}

/* ---- made by the task ---- */

static void add_names(JsonBuilder *builder, const GPtrArray *names) {
    json_begin_array(builder, "names");
    for (guint i = 0; i < names->len; i++)
        json_add_string(builder, NULL, ((const GroupName *)names->pdata[i])->name);
    json_end_array(builder);
}

Json *write_check_new(TaskContext *context, const char *account, const WriteCheck *check, GError **error) {
    gboolean pinned_alike = FALSE;
    GuardQuestion question = {.services = context->services,
                              .cancel = context->cancel,
                              .account = account,
                              .operation = check->operation,
                              .application = context->execution->application,
                              .names = check->names,
                              .instances = check->instances};
    if (check->guarded && !traffic_guard_ask(&question, &pinned_alike, error))
        return NULL;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_begin_object(builder, WRITE_CHECK);
    json_add_string(builder, "operation", check->operation);
    add_names(builder, check->names);
    json_add_strings(builder, "instances", check->instances);
    json_add_bool(builder, "guarded", check->guarded);
    json_add_bool(builder, "pinnedAlike", pinned_alike);
    json_add_bool(builder, "stillInactive", check->still_inactive);
    json_end_object(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

/* ---- claims ---- */

/* Claims the names for the run; *others (caller unrefs) are what earlier claims of the account take away. */
static void claim(Checker *checker, const char *run, const char *account, const GPtrArray *names, GPtrArray **others) {
    *others = g_ptr_array_new_with_free_func((GDestroyNotify)group_name_free);
    g_mutex_lock(&checker->lock);
    Claim *own = g_hash_table_lookup(checker->claims, run);
    if (own == NULL) {
        own = g_new0(Claim, 1);
        *own = (Claim){++checker->last_number, g_strdup(account), g_ptr_array_new_with_free_func((GDestroyNotify)group_name_free)};
        g_hash_table_insert(checker->claims, g_strdup(run), own);
    }
    g_ptr_array_set_size(own->names, 0);
    for (guint i = 0; i < names->len; i++) {
        const GroupName *name = names->pdata[i];
        g_ptr_array_add(own->names, group_name_new(name->region, name->name));
    }
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, checker->claims);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Claim *other = value;
        for (guint i = 0; other->number < own->number && strcmp(other->account, account) == 0 && i < other->names->len; i++) {
            const GroupName *name = other->names->pdata[i];
            g_ptr_array_add(*others, group_name_new(name->region, name->name));
        }
    }
    g_mutex_unlock(&checker->lock);
}

static void run_ended(const char *run, gpointer data) {
    Checker *checker = data;
    g_mutex_lock(&checker->lock);
    g_hash_table_remove(checker->claims, run);
    g_mutex_unlock(&checker->lock);
}

/* ---- asked by the operation ---- */

gboolean server_group_is_active(const InventorySnapshot *snapshot, const ServerGroup *group) {
    if (!group->disabled)
        return TRUE;
    g_autoptr(GPtrArray) instances = clouds_instances(snapshot, group);
    for (guint i = 0; i < instances->len; i++) {
        const Instance *instance = instances->pdata[i];
        for (guint k = 0; instance->health != NULL && k < instance->health->len; k++)
            if (((const Health *)instance->health->pdata[k])->state == HEALTH_UP)
                return TRUE;
    }
    return FALSE;
}

/* The group that this very operation is about. */
static GroupName *group_of(const JsonValue *request) {
    const JsonValue *first = json_at(json_get(request, "asgs"), 0);
    const char *name = json_get_string(first, "serverGroupName"), *region = json_get_string(first, "region");
    name = name != NULL ? name : json_get_string(request, "serverGroupName");
    name = name != NULL ? name : json_get_string(request, "asgName");
    return group_name_new(region != NULL ? region : json_get_string(request, "region"), name);
}

static gboolean is_still_inactive(Operation *operation, Checker *checker, const GroupName *name, GError **error) {
    const char *account = operation_account(operation)->name;
    Clouds *clouds = checker->services->clouds;
    g_autoptr(GError) failed = NULL;
    if (!clouds_refresh_server_group(clouds, account, name->region, name->name, operation_cancel(operation), &failed)) {
        if (error_code(failed) == ERR_NOT_FOUND)
            return TRUE;
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(clouds));
    const ServerGroup *group = clouds_server_group(snapshot, account, name->region, name->name);
    if (group == NULL || !server_group_is_active(snapshot, group))
        return TRUE;
    error_set(
        error, ERR_CONFLICT,
        "%s in %s (account %s) takes traffic again: it was disabled when it was chosen, somebody enabled it since; it is left as it is",
        name->name, name->region, account);
    return FALSE;
}

static GPtrArray *names_of(const JsonValue *check, const char *region) {
    GPtrArray *names = g_ptr_array_new_with_free_func((GDestroyNotify)group_name_free);
    for (JsonIter i = json_iter(json_get(check, "names")); json_next(&i);)
        if (json_is_string(i.value))
            g_ptr_array_add(names, group_name_new(region, json_string(i.value)));
    return names;
}

static char **instances_of(const JsonValue *check) {
    const JsonValue *list = json_get(check, "instances");
    if (!json_is_array(list))
        return NULL;
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (json_is_string(i.value))
            g_ptr_array_add(ids, g_strdup(json_string(i.value)));
    g_ptr_array_add(ids, NULL);
    return (char **)g_ptr_array_steal(ids, NULL);
}

static gboolean ask_guards(Operation *operation, Checker *checker, const JsonValue *check, const char *region, GError **error) {
    const char *account = operation_account(operation)->name, *named = json_get_string(check, "operation");
    g_autoptr(GPtrArray) names = names_of(check, region);
    g_auto(GStrv) instances = instances_of(check);
    g_autoptr(GPtrArray) others = NULL, none = g_ptr_array_new();
    claim(checker, operation_id(operation), account, instances == NULL ? names : none, &others);
    GuardQuestion question = {.services = checker->services,
                              .cancel = operation_cancel(operation),
                              .account = account,
                              .operation = named != NULL ? named : "This operation",
                              .names = names,
                              .others = others,
                              .instances = (const char *const *)instances,
                              .pinned_alike = json_is_true(json_get(check, "pinnedAlike"))};
    return traffic_guard_ask(&question, NULL, error);
}

static gboolean check_write(Operation *operation, gpointer data, GError **error) {
    const JsonValue *request = operation_request(operation), *check = json_get(request, WRITE_CHECK);
    if (!json_is_object(check))
        return TRUE;
    GroupName *name = group_of(request);
    gboolean may = name->region == NULL || name->name == NULL || !json_is_true(json_get(check, "stillInactive")) ||
                   is_still_inactive(operation, data, name, error);
    if (may && name->region != NULL && json_is_true(json_get(check, "guarded")))
        may = ask_guards(operation, data, check, name->region, error);
    group_name_free(name);
    return may;
}

void write_check_install(Services *services) {
    Checker *checker = g_new0(Checker, 1);
    checker->services = services;
    checker->claims = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, claim_free);
    g_mutex_init(&checker->lock);
    CloudsWriteCheck check = {.check = check_write, .ended = run_ended, .free_data = checker_free, .data = checker};
    clouds_set_write_check(services->clouds, check);
}
