/* What this server can do, from the tables that do it: stage types, cloud operations, keys of the configuration. For forms and for the
 * reference pages. */
#include "api/internal.h"
#include "stages/stages.h"

static void add_stage_type(JsonBuilder *builder, const StageType *type) {
    json_begin_object(builder, NULL);
    json_add_string(builder, "type", type->type);
    json_add_string(builder, "label", type->label);
    json_add_string(builder, "description", type->help);
    json_add_strings(builder, "aliases", type->aliases);
    if (type->params != NULL)
        params_describe(type->params, builder, "parameters");
    json_end_object(builder);
}

static Json *stages_get(ApiCall *call, GError **error) {
    (void)call, (void)error;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (const StageType *const *type = stage_types.types; *type != NULL; type++)
        add_stage_type(builder, *type);
    json_end_array(builder);
    return json_builder_end(builder);
}

static void add_operations(JsonBuilder *builder, const Cloud *cloud) {
    for (const CloudOperation *const *operation = cloud->operations; *operation != NULL; operation++) {
        json_begin_object(builder, NULL);
        json_add_string(builder, "cloudProvider", cloud->id);
        json_add_string(builder, "name", (*operation)->name);
        json_add_string(builder, "description", (*operation)->help);
        json_add_strings(builder, "aliases", (*operation)->aliases);
        if ((*operation)->params != NULL)
            params_describe((*operation)->params, builder, "parameters");
        json_end_object(builder);
    }
}

static Json *operations_get(ApiCall *call, GError **error) {
    (void)error;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (const Cloud *const *cloud = call->api->clouds; cloud != NULL && *cloud != NULL; cloud++)
        add_operations(builder, *cloud);
    json_end_array(builder);
    return json_builder_end(builder);
}

/* ---- the configuration ---- */
static const char *service_name(ConfigService service) {
    static const char *const NAMES[] = {"clouddriver", "gate", "echo", "igor", "rosco", "fiat", "front50", "orca", "gennaker"};
    for (gsize i = 0; i < G_N_ELEMENTS(NAMES); i++)
        if (service == (ConfigService)(1 << i))
            return NAMES[i];
    return "";
}

static Json *configuration_get(ApiCall *call, GError **error) {
    (void)error;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (const ConfigSection *const *section = call->api->sections; section != NULL && *section != NULL; section++) {
        json_begin_object(builder, NULL);
        json_add_string(builder, "service", service_name((*section)->service));
        json_add_string(builder, "prefix", (*section)->prefix);
        json_add_string(builder, "description", (*section)->help);
        params_describe((*section)->params, builder, "keys");
        json_end_object(builder);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

#define LIST(path_, handler_, help_)                                                                                                       \
    { .method = "GET", .path = path_, .handler = handler_, .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN), .help = help_ }

static const Route routes[] = {
    LIST("/capabilities/stages", stages_get, "Types of stages with their parameters."),
    LIST("/capabilities/operations", operations_get, "Operations of the clouds with their parameters."),
    LIST("/capabilities/configuration", configuration_get, "Sections of the configuration with their keys."),
    {0},
};
const RouteTable capability_routes = {"Capabilities", routes};
