/* Playing with the simulated cloud: what it was asked, rules by which it misbehaves, instances that die. */
#include "api/internal.h"
#include "clouds/simulator/room.h"

/* ---- calls ---- */

static Json *calls_get(ApiCall *call, GError **error) {
    (void)error;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    SimulatorRoom *room = simulator_room(call->services->clouds);
    const GPtrArray *calls = world_calls(simulator_enter(room, NULL));
    json_begin_array(builder, NULL);
    for (guint i = 0; i < calls->len; i++) {
        const SimulatedCall *one = calls->pdata[i];
        g_autoptr(Json) told = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s}", "at", one->at_ms, "operation", one->operation, "account",
                                         one->account, "region", one->region, "subject", one->subject, "outcome", one->outcome);
        if (api_may(call, MAY_READ, "account", one->account))
            json_add_json(builder, NULL, told);
    }
    json_end_array(builder);
    simulator_leave(room);
    return json_builder_end(builder);
}

static Json *calls_delete(ApiCall *call, GError **error) {
    (void)error;
    SimulatorRoom *room = simulator_room(call->services->clouds);
    world_calls_clear(simulator_enter(room, NULL));
    simulator_leave(room);
    api_answer_status(call, 204, NULL);
    return NULL;
}

/* ---- faults ---- */

static Json *fault_json(const SimulatedFault *fault) {
    g_autofree char *text = simulated_fault_text(fault);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i}", "rule", text, "kind", simulated_fault_kinds[fault->kind], "operation",
                     fault->operation != NULL ? fault->operation : "*", "account", fault->account, "region", fault->region, "matched",
                     fault->matched, "struck", fault->struck);
}

static Json *faults_get(ApiCall *call, GError **error) {
    (void)error;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    SimulatorRoom *room = simulator_room(call->services->clouds);
    const GPtrArray *faults = world_faults(simulator_enter(room, NULL));
    json_begin_array(builder, NULL);
    for (guint i = 0; i < faults->len; i++) {
        g_autoptr(Json) one = fault_json(faults->pdata[i]);
        json_add_json(builder, NULL, one);
    }
    json_end_array(builder);
    simulator_leave(room);
    return json_builder_end(builder);
}

static Json *faults_post(ApiCall *call, GError **error) {
    const JsonValue *rule = json_get(call->body, "rule");
    SimulatedFault *fault = simulated_fault_read(rule != NULL ? rule : call->body, error);
    if (fault == NULL)
        return NULL;
    Json *told = fault_json(fault);
    gint64 now_ms = 0;
    SimulatorRoom *room = simulator_room(call->services->clouds);
    SimulatedWorld *world = simulator_enter(room, &now_ms);
    if (!world_fault_add(world, fault, now_ms, error))
        g_clear_pointer(&told, json_unref);
    simulator_leave(room);
    return told;
}

static Json *faults_delete(ApiCall *call, GError **error) {
    (void)error;
    SimulatorRoom *room = simulator_room(call->services->clouds);
    world_faults_clear(simulator_enter(room, NULL));
    simulator_leave(room);
    api_answer_status(call, 204, NULL);
    return NULL;
}

/* ---- instances ---- */

static Json *instance_kill(ApiCall *call, GError **error) {
    const char *account = api_path(call, "account"), *region = api_path(call, "region"), *id = api_path(call, "id");
    gint64 now_ms = 0;
    SimulatorRoom *room = simulator_room(call->services->clouds);
    SimulatedWorld *world = simulator_enter(room, &now_ms);
    SimulatedGroup *group = NULL;
    SimulatedInstance *instance = world_instance(world, account, region, id, &group);
    Json *told = NULL;
    if (instance != NULL) {
        world_instance_kill(world, group, instance, now_ms);
        world_call_add(world, "kill", account, region, id, "done", now_ms);
        told = json_pack("{s:s, s:s}", "instanceId", id, "serverGroup", group->name);
    }
    simulator_leave(room);
    if (told == NULL)
        error_set(error, ERR_NOT_FOUND, "instance %s in %s (account %s) is not in the simulated cloud", id, region, account);
    return told;
}

static const Param fault_body[] = {
    {.name = "rule", .type = PARAM_STRING, .help = "A text like \"throttle createServerGroup 3 times\"; or else the members themselves."},
    {0},
};

#define SIMULATED "/gennaker/simulator"
static const Route routes[] = {
    {.method = "GET",
     .path = SIMULATED "/calls",
     .handler = calls_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "What the simulated cloud was asked to do, oldest first, and what came of it."},
    {.method = "DELETE",
     .path = SIMULATED "/calls",
     .handler = calls_delete,
     .needs = NEEDS(ON_SERVER, ACCESS_ADMIN),
     .success = 204,
     .help = "Forgets these calls."},
    {.method = "GET",
     .path = SIMULATED "/faults",
     .handler = faults_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "The rules by which the simulated cloud misbehaves, and how often each struck."},
    {.method = "POST",
     .path = SIMULATED "/faults",
     .handler = faults_post,
     .needs = NEEDS(ON_SERVER, ACCESS_ADMIN),
     .body = BODY_JSON,
     .body_params = fault_body,
     .success = 201,
     .help = "Adds a rule: throttle, timeout-after, refuse, stale or lose-instance; see the configuration gennaker.simulator.faults."},
    {.method = "DELETE",
     .path = SIMULATED "/faults",
     .handler = faults_delete,
     .needs = NEEDS(ON_SERVER, ACCESS_ADMIN),
     .success = 204,
     .help = "Takes all rules away."},
    {.method = "POST",
     .path = SIMULATED "/instances/{account}/{region}/{id}/kill",
     .handler = instance_kill,
     .needs = NEEDS(ON_ACCOUNT, ACCESS_WRITE),
     .body = BODY_OPTIONAL_JSON,
     .success = 202,
     .help = "Lets a simulated instance die; its server group sees it and launches another."},
    {0},
};
const RouteTable simulated_cloud_routes = {"Simulated cloud", routes};
