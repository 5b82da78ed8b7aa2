/* The table of the simulated cloud's operations, and the one way in which they write (operations.h). */
#include "clouds/simulator/operations/operations.h"
#include "clouds/simulator/accounts.h"

extern const CloudOperation simulator_create_server_group, simulator_clone_server_group, simulator_destroy_server_group,
    simulator_resize_server_group, simulator_enable_server_group, simulator_disable_server_group, simulator_suspend_processes,
    simulator_resume_processes, simulator_upsert_server_group_tags, simulator_delete_server_group_tags, simulator_modify_server_group,
    simulator_update_launch;
extern const CloudOperation simulator_terminate_instances, simulator_reboot_instances, simulator_terminate_and_decrement,
    simulator_detach_instances, simulator_register_instances, simulator_deregister_instances, simulator_update_instances;
extern const CloudOperation simulator_upsert_load_balancer, simulator_delete_load_balancer, simulator_upsert_security_group,
    simulator_delete_security_group;
extern const CloudOperation simulator_upsert_scaling_policy, simulator_delete_scaling_policy, simulator_upsert_scheduled_actions;
extern const CloudOperation simulator_allow_launch, simulator_upsert_image_tags, simulator_delete_image;

const CloudOperation *const simulator_operations[] = {
    &simulator_create_server_group,
    &simulator_clone_server_group,
    &simulator_destroy_server_group,
    &simulator_resize_server_group,
    &simulator_enable_server_group,
    &simulator_disable_server_group,
    &simulator_suspend_processes,
    &simulator_resume_processes,
    &simulator_upsert_server_group_tags,
    &simulator_delete_server_group_tags,
    &simulator_modify_server_group,
    &simulator_update_launch,
    &simulator_terminate_instances,
    &simulator_reboot_instances,
    &simulator_terminate_and_decrement,
    &simulator_detach_instances,
    &simulator_register_instances,
    &simulator_deregister_instances,
    &simulator_update_instances,
    &simulator_upsert_load_balancer,
    &simulator_delete_load_balancer,
    &simulator_upsert_security_group,
    &simulator_delete_security_group,
    &simulator_upsert_scaling_policy,
    &simulator_delete_scaling_policy,
    &simulator_upsert_scheduled_actions,
    &simulator_allow_launch,
    &simulator_upsert_image_tags,
    &simulator_delete_image,
    NULL,
};

SimulatorRoom *operation_room(Operation *operation) {
    return simulator_account_room(operation_account(operation));
}

/* ---- one write ---- */

typedef struct {
    Operation *operation;
    const char *what, *account, *region, *subject;
} Write;

/* What keeps the call from being carried out. */
static gboolean is_kept_back(const Write *write, SimulatedFaultKind fault, GError **error) {
    if (fault == FAULT_THROTTLE)
        error_set(error, ERR_UNAVAILABLE, "%s %s in %s (account %s): rate exceeded (simulated fault)", write->what, write->subject,
                  write->region, write->account);
    else if (fault == FAULT_REFUSE)
        error_set(error, ERR_REMOTE, "%s %s in %s (account %s): refused (simulated fault)", write->what, write->subject, write->region,
                  write->account);
    else
        return FALSE;
    return TRUE;
}

/* What happens after it was. */
static gboolean answer(const Write *write, SimulatedWorld *world, SimulatedFaultKind fault, gint64 now_ms, GError **error) {
    if (fault == FAULT_LOSE_INSTANCE)
        world_lose_instance(world, write->account, write->region, now_ms);
    if (fault != FAULT_TIMEOUT_AFTER)
        return TRUE;
    error_set(error, ERR_TIMEOUT, "%s %s in %s (account %s): no answer (simulated fault)", write->what, write->subject, write->region,
              write->account);
    return FALSE;
}

static gboolean carry_out(const Write *write, SimulatedWorld *world, guint item, SimulatedChange change, gconstpointer data, gint64 now_ms,
                          GError **error) {
    SimulatedFaultKind fault = world_fault_strike(world, write->what, write->account, write->region, now_ms);
    return !is_kept_back(write, fault, error) && change(write->operation, world, item, now_ms, data, error) &&
           answer(write, world, fault, now_ms, error);
}

gboolean simulator_write(Operation *operation, const char *what, const char *region, const char *subject, guint item,
                         SimulatedChange change, gconstpointer data, GError **error) {
    const Write write = {operation, what, operation_account(operation)->name, region != NULL ? region : "",
                         subject != NULL ? subject : "(nothing named)"};
    SimulatorRoom *room = operation_room(operation);
    gint64 now_ms = 0;
    SimulatedWorld *world = simulator_enter(room, &now_ms);
    g_autoptr(GError) failed = NULL;
    gboolean done = carry_out(&write, world, item, change, data, now_ms, &failed);
    world_call_add(world, what, write.account, region, subject, done ? "done" : failed->message, now_ms);
    simulator_leave(room);
    if (failed != NULL)
        g_propagate_error(error, g_steal_pointer(&failed));
    return done;
}

/* ---- one write to a group ---- */

typedef struct {
    SimulatedGroupChange change;
} GroupWrite;

static gboolean change_group(Operation *operation, SimulatedWorld *world, guint item, gint64 now_ms, gconstpointer data, GError **error) {
    const GroupWrite *write = data;
    const char *name = operation_group_name(operation, item), *region = operation_group_region(operation, item);
    SimulatedGroup *group = world_group(world, operation_account(operation)->name, region, name);
    if (group != NULL)
        return write->change(operation, world, group, item, now_ms, error);
    operation_line(operation, "%s does not exist in %s; nothing to do", name, region);
    return TRUE;
}

gboolean simulator_write_group(Operation *operation, const char *what, guint item, SimulatedGroupChange change, GError **error) {
    const GroupWrite write = {change};
    return simulator_write(operation, what, operation_group_region(operation, item), operation_group_name(operation, item), item,
                           change_group, &write, error);
}
