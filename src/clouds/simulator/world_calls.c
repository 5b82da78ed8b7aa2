/* Faults that strike calls, and the log of calls (world.h). Pure. */
#include "clouds/simulator/world_internal.h"

void simulated_call_free(gpointer memory) {
    SimulatedCall *call = memory;
    g_free(call->operation);
    g_free(call->account);
    g_free(call->region);
    g_free(call->subject);
    g_free(call->outcome);
    g_free(call);
}

GPtrArray *world_calls(const SimulatedWorld *world) {
    return world->calls;
}

void world_call_add(SimulatedWorld *world, const char *operation, const char *account, const char *region, const char *subject,
                    const char *outcome, gint64 now_ms) {
    SimulatedCall *call = g_new0(SimulatedCall, 1);
    *call = (SimulatedCall){now_ms, g_strdup(operation), g_strdup(account), g_strdup(region), g_strdup(subject), g_strdup(outcome)};
    g_ptr_array_add(world->calls, call);
    if (world->calls->len > SIMULATED_CALLS_MAX)
        g_ptr_array_remove_range(world->calls, 0, world->calls->len - SIMULATED_CALLS_MAX);
}

void world_calls_clear(SimulatedWorld *world) {
    g_ptr_array_set_size(world->calls, 0);
}

gboolean world_fault_add(SimulatedWorld *world, SimulatedFault *fault, gint64 now_ms, GError **error) {
    if (world->faults->len >= SIMULATED_FAULTS_MAX) {
        error_set(error, ERR_LIMIT, "fault: at most %d rules", SIMULATED_FAULTS_MAX);
        simulated_fault_free(fault);
        return FALSE;
    }
    fault->began_ms = now_ms;
    g_ptr_array_add(world->faults, fault);
    return TRUE;
}

GPtrArray *world_faults(const SimulatedWorld *world) {
    return world->faults;
}

void world_faults_clear(SimulatedWorld *world) {
    g_ptr_array_set_size(world->faults, 0);
}

SimulatedFaultKind world_fault_strike(SimulatedWorld *world, const char *operation, const char *account, const char *region,
                                      gint64 now_ms) {
    for (guint i = 0; i < world->faults->len; i++) {
        SimulatedFault *fault = world->faults->pdata[i];
        if (fault->kind == FAULT_STALE || !simulated_fault_covers(fault, operation, account, region, now_ms))
            continue;
        if (simulated_fault_strikes(fault, fault->probability < 1 ? world_chance(world) : 0))
            return fault->kind;
    }
    return FAULT_NONE;
}

gint64 world_stale_since_ms(const SimulatedWorld *world, const char *account, const char *region, gint64 now_ms) {
    for (guint i = 0; i < world->faults->len; i++) {
        const SimulatedFault *fault = world->faults->pdata[i];
        if (fault->kind == FAULT_STALE && simulated_fault_covers(fault, fault->operation, account, region, now_ms))
            return MAX(fault->began_ms + fault->after_ms, 1);
    }
    return 0;
}
