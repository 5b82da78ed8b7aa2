/* A rehearsal whose clouds are as the configuration, or the pipelines, say, and whose store holds the given pipelines. */
#include "rehearse/simulate.h"
#include "clouds/simulator/room.h"
#include "clouds/simulator/simulator.h"
#include "rehearse/places.h"
#include "stages/metadata/pipelines.h"
#include "stages/stages.h"

/* Pipelines start each other by id; one without gets its name for one. */
static gboolean save_pipeline(Rehearsal *rehearsal, const JsonValue *pipeline, gint64 now_ms, GError **error) {
    static const char *const no_roles[] = {NULL};
    const Principal principal = {.user = "rehearsal", .roles = no_roles, .admin = TRUE};
    const char *id = json_get_string(pipeline, "id");
    g_autoptr(Json) whole = json_with_string(pipeline, "id", id != NULL ? id : json_get_string(pipeline, "name"));
    g_autoptr(Json)
        saved = pipeline_save(rehearsal_services(rehearsal)->store, PIPELINE_KIND, json_root(whole), &principal, FALSE, now_ms, error);
    if (saved == NULL)
        g_prefix_error(error, "pipeline %s: ", json_get_string(pipeline, "name"));
    return saved != NULL;
}

static gboolean add_fault(SimulatedWorld *world, const char *text, gint64 now_ms, GError **error) {
    SimulatedFault *fault = simulated_fault_parse(text, error);
    return fault != NULL && world_fault_add(world, fault, now_ms, error);
}

/* What is named and not known (images, load balancers) is there: a file does not say what there is. */
static gboolean furnish(Rehearsal *rehearsal, const Simulation *simulation, GError **error) {
    SimulatorRoom *room = simulator_room(rehearsal_services(rehearsal)->clouds);
    SimulatedWorld *world = simulator_furnish_begin(room, NULL);
    world_set_lenient(world, TRUE);
    gboolean fine = TRUE;
    for (const char *const *fault = simulation->faults; fine && fault != NULL && *fault != NULL; fault++)
        fine = add_fault(world, *fault, simulation->now_ms, error);
    simulator_leave(room);
    for (const JsonValue *const *each = simulation->pipelines; fine && *each != NULL; each++)
        fine = save_pipeline(rehearsal, *each, simulation->now_ms, error);
    rehearsal_look(rehearsal);
    return fine;
}

static Json *named(const JsonValue *pipeline, const Json *report) {
    g_autoptr(Json) names = json_pack("{s:s, s:s}", "application", json_get_string(pipeline, "application"), "pipeline",
                                      json_get_string(pipeline, "name"));
    return json_merge(json_root(names), json_root(report));
}

/* With a configuration the simulated accounts are those that it has; other clouds' are always those that the pipelines name. */
static GPtrArray *places_of(const Simulation *simulation, gboolean configured) {
    GPtrArray *places = places_named(simulation->pipelines, simulation->clouds);
    for (guint i = places->len; configured && i-- > 0;)
        if (((const Place *)places->pdata[i])->cloud == &cloud_simulator)
            g_ptr_array_remove_index(places, i);
    return places;
}

Json *simulate(const Simulation *simulation, const JsonValue *pipeline, GError **error) {
    if (!stages_check_config(simulation->config, error))
        return NULL;
    gboolean configured = json_length(config_get(simulation->config, SERVICE_GENNAKER, "simulator.accounts")) > 0;
    RehearsalOptions options = {.config = simulation->config,
                                .twins = twins_new(simulation->clouds, places_of(simulation, configured), configured),
                                .seed = simulation->seed,
                                .now_ms = simulation->now_ms,
                                .assumptions = simulation->assumptions};
    g_autoptr(Rehearsal) rehearsal = rehearsal_new(&options, error);
    if (rehearsal == NULL || !furnish(rehearsal, simulation, error))
        return NULL;
    g_autoptr(Json) started = json_with(pipeline, "trigger", simulation->trigger);
    if (!rehearsal_run(rehearsal, json_root(started), error))
        return NULL;
    g_autoptr(Json) report = rehearsal_report(rehearsal);
    return named(pipeline, report);
}
