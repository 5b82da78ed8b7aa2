/* GET /openapi.json: the route tables as an OpenAPI document (OpenAPI Specification 3.0.3). */
#include "api/internal.h"
#include <string.h>

static const char *access_name(Access access) {
    static const char *const NAMES[] = {[ACCESS_OPEN] = "open",       [ACCESS_SIGNED_IN] = "signed in", [ACCESS_READ] = "READ",
                                        [ACCESS_EXECUTE] = "EXECUTE", [ACCESS_WRITE] = "WRITE",         [ACCESS_ADMIN] = "administrator"};
    return NAMES[access];
}

static const char *subject_name(AccessOn on) {
    static const char *const NAMES[] = {[ON_SERVER] = "server",
                                        [ON_APPLICATION] = "application",
                                        [ON_EXECUTION] = "execution",
                                        [ON_TASK] = "task",
                                        [ON_ACCOUNT] = "account"};
    return NAMES[on];
}

/* "GET /pipelines/{id}/why" → "get_pipelines_id_why"; caller frees. */
static char *name_of(const Route *route) {
    GString *id = g_string_new(NULL);
    g_autofree char *method = g_ascii_strdown(route->method, -1);
    g_string_append(id, method);
    for (const char *c = route->path; *c != '\0'; c++) {
        if (g_ascii_isalnum(*c))
            g_string_append_c(id, *c);
        else if (id->str[id->len - 1] != '_' && *c != '}')
            g_string_append_c(id, '_');
    }
    if (id->str[id->len - 1] == '_')
        g_string_truncate(id, id->len - 1);
    return g_string_free(id, FALSE);
}

static void begin_parameter(JsonBuilder *builder, const char *name, const char *in, gboolean required) {
    json_begin_object(builder, NULL);
    json_add_string(builder, "name", name);
    json_add_string(builder, "in", in);
    json_add_bool(builder, "required", required);
}

static void add_path_parameters(JsonBuilder *builder, const char *path) {
    for (const char *open = strchr(path, '{'); open != NULL; open = strchr(open + 1, '{')) {
        g_autofree char *name = g_strndup(open + 1, strcspn(open + 1, "}"));
        begin_parameter(builder, name, "path", TRUE);
        json_begin_object(builder, "schema");
        json_add_string(builder, "type", "string");
        json_end_object(builder);
        json_end_object(builder);
    }
}

static void add_query_parameters(JsonBuilder *builder, const Param *query) {
    if (query == NULL)
        return;
    g_autoptr(JsonBuilder) describing = json_builder_new();
    params_describe(query, describing, NULL);
    g_autoptr(Json) described = json_builder_end(describing);
    const JsonValue *properties = json_get(json_root(described), "properties");
    for (const Param *param = query; param->name != NULL; param++) {
        begin_parameter(builder, param->name, "query", param->required);
        json_add_string(builder, "description", param->help);
        if (param->type == PARAM_STRINGS)
            json_add_bool(builder, "explode", FALSE);
        json_add_value(builder, "schema", json_get(properties, param->name));
        json_end_object(builder);
    }
}

static void add_body(JsonBuilder *builder, const Route *route) {
    if (route->body == BODY_NONE || (route->body == BODY_OPTIONAL_JSON && route->body_params == NULL))
        return;
    json_begin_object(builder, "requestBody");
    json_add_bool(builder, "required", route->body == BODY_JSON);
    json_begin_object(builder, "content");
    json_begin_object(builder, route->body == BODY_ANY ? "*/*" : "application/json");
    if (route->body_params != NULL) {
        params_describe(route->body_params, builder, "schema");
    } else {
        json_begin_object(builder, "schema");
        json_end_object(builder);
    }
    json_end_object(builder);
    json_end_object(builder);
    json_end_object(builder);
}

static void add_responses(JsonBuilder *builder, const Route *route) {
    g_autofree char *success = g_strdup_printf("%d", route->success != 0 ? route->success : 200);
    json_begin_object(builder, "responses");
    json_begin_object(builder, success);
    json_add_string(builder, "description", route->help);
    json_end_object(builder);
    json_begin_object(builder, "default");
    json_add_string(builder, "description", "What is wrong.");
    json_begin_object(builder, "content");
    json_begin_object(builder, "application/json");
    json_begin_object(builder, "schema");
    json_add_string(builder, "$ref", "#/components/schemas/Error");
    for (gsize i = 0; i < 5; i++)
        json_end_object(builder);
}

static void add_operation(JsonBuilder *builder, const char *tag, const Route *route) {
    g_autofree char *method = g_ascii_strdown(route->method, -1);
    g_autofree char *id = name_of(route);
    const char *const tags[] = {tag, NULL};
    json_begin_object(builder, method);
    json_add_strings(builder, "tags", tags);
    json_add_string(builder, "operationId", id);
    json_add_string(builder, "summary", route->help);
    json_begin_object(builder, "x-permission");
    json_add_string(builder, "access", access_name(route->needs.access));
    json_add_string(builder, "on", subject_name(route->needs.on));
    json_end_object(builder);
    json_begin_array(builder, "parameters");
    add_path_parameters(builder, route->path);
    add_query_parameters(builder, route->query);
    json_end_array(builder);
    add_body(builder, route);
    add_responses(builder, route);
    json_end_object(builder);
}

/* Two routes of one place may name its variables differently; OpenAPI wants one name, so each spelling is a path of its own. */
static void add_paths(JsonBuilder *builder) {
    g_autoptr(GHashTable) done = g_hash_table_new(g_str_hash, g_str_equal);
    json_begin_object(builder, "paths");
    for (gsize t = 0; api_route_tables[t] != NULL; t++)
        for (const Route *first = api_route_tables[t]->routes; first->method != NULL; first++) {
            if (!g_hash_table_add(done, (gpointer)first->path))
                continue;
            json_begin_object(builder, first->path);
            for (gsize u = t; api_route_tables[u] != NULL; u++)
                for (const Route *route = api_route_tables[u]->routes; route->method != NULL; route++)
                    if (strcmp(route->path, first->path) == 0)
                        add_operation(builder, api_route_tables[u]->tag, route);
            json_end_object(builder);
        }
    json_end_object(builder);
}

static void add_components(JsonBuilder *builder) {
    static const char *const MEMBERS[] = {"error", "exception", "message", "timestamp"};
    json_begin_object(builder, "components");
    json_begin_object(builder, "schemas");
    json_begin_object(builder, "Error");
    json_add_string(builder, "type", "object");
    json_begin_object(builder, "properties");
    for (gsize i = 0; i < G_N_ELEMENTS(MEMBERS); i++) {
        json_begin_object(builder, MEMBERS[i]);
        json_add_string(builder, "type", "string");
        json_end_object(builder);
    }
    json_begin_object(builder, "status");
    json_add_string(builder, "type", "integer");
    for (gsize i = 0; i < 5; i++)
        json_end_object(builder);
}

Json *openapi_document(void) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "openapi", "3.0.3");
    json_begin_object(builder, "info");
    json_add_string(builder, "title", "Gennaker");
    json_add_string(builder, "version", GENNAKER_VERSION);
    json_add_string(builder, "description", "The HTTP API of Spinnaker's Gate, and what Gennaker adds.");
    json_end_object(builder);
    json_begin_array(builder, "tags");
    for (gsize t = 0; api_route_tables[t] != NULL; t++) {
        json_begin_object(builder, NULL);
        json_add_string(builder, "name", api_route_tables[t]->tag);
        json_end_object(builder);
    }
    json_end_array(builder);
    add_paths(builder);
    add_components(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

static Json *openapi_get(ApiCall *call, GError **error) {
    (void)call, (void)error;
    return openapi_document();
}

static const Route routes[] = {
    {.method = "GET",
     .path = "/openapi.json",
     .handler = openapi_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "This API as an OpenAPI document, made from the tables that serve it."},
    {0},
};
const RouteTable openapi_routes = {"Documentation", routes};
