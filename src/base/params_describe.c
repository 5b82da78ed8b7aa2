/* Parameter tables as JSON Schema: for OpenAPI, forms and the reference pages. Pure, any thread. */
#include "base/params.h"
#include <string.h>

static void describe_table(const Param *params, const char *prefix, JsonBuilder *builder, const char *key, const char *help);

static void add_elements(const char *type, JsonBuilder *builder) {
    json_begin_object(builder, "items");
    json_add_string(builder, "type", type);
    json_end_object(builder);
}

static const struct {
    const char *type, *unit;
} schema_types[] = {
    [PARAM_STRING] = {"string", NULL}, [PARAM_BOOL] = {"boolean", NULL},        [PARAM_INT] = {"integer", NULL},
    [PARAM_DOUBLE] = {"number", NULL}, [PARAM_SECONDS] = {"number", "seconds"}, [PARAM_MILLISECONDS] = {"integer", "milliseconds"},
    [PARAM_STRINGS] = {"array", NULL}, [PARAM_ENUM] = {"string", NULL},         [PARAM_JSON] = {NULL, NULL},
    [PARAM_OBJECT] = {"object", NULL},
};

static void add_bound(const Param *param, JsonBuilder *builder, const char *key, gint64 bound) {
    if (param->type == PARAM_SECONDS && bound % 1000 != 0)
        json_add_double(builder, key, (double)bound / 1000);
    else
        json_add_int(builder, key, param->type == PARAM_SECONDS ? bound / 1000 : bound);
}

static void add_bounds(const Param *param, JsonBuilder *builder) {
    if (param->min == 0 && param->max == 0)
        return;
    add_bound(param, builder, "minimum", param->min);
    if (param->max != G_MAXINT64)
        add_bound(param, builder, "maximum", param->max);
}

static void add_default(const Param *param, JsonBuilder *builder) {
    if (param->otherwise == NULL || param->secret)
        return;
    g_autoptr(Json) value = json_parse(param->otherwise, -1, NULL);
    json_add_json(builder, "default", value);
}

static void describe_param(const Param *param, JsonBuilder *builder, const char *key) {
    if (param->type == PARAM_OBJECT) {
        describe_table(param->members, "", builder, key, param->help);
        return;
    }
    json_begin_object(builder, key);
    const gboolean list_of_objects = param->type == PARAM_JSON && param->members != NULL;
    json_add_string(builder, "type", list_of_objects ? "array" : schema_types[param->type].type);
    json_add_string(builder, "description", param->help);
    json_add_string(builder, "x-unit", schema_types[param->type].unit);
    json_add_strings(builder, "enum", param->choices);
    json_add_strings(builder, "x-aliases", param->aliases);
    add_default(param, builder);
    add_bounds(param, builder);
    if (param->type == PARAM_STRINGS)
        add_elements("string", builder);
    if (list_of_objects)
        describe_table(param->members, "", builder, "items", NULL);
    if (param->secret) {
        json_add_string(builder, "format", "password");
        json_add_bool(builder, "writeOnly", TRUE);
    }
    json_end_object(builder);
}

/* The part of a dotted name that lies at the level of prefix; caller frees. NULL when the name is not below prefix. */
static char *name_at_level(const Param *param, const char *prefix) {
    if (!g_str_has_prefix(param->name, prefix))
        return NULL;
    const char *rest = param->name + strlen(prefix);
    return g_strndup(rest, strcspn(rest, "."));
}

static gboolean came_before(const Param *params, const Param *param, const char *prefix, const char *name) {
    for (const Param *earlier = params; earlier != param; earlier++) {
        g_autofree char *other = name_at_level(earlier, prefix);
        if (g_strcmp0(other, name) == 0)
            return TRUE;
    }
    return FALSE;
}

static void add_properties(const Param *params, const char *prefix, JsonBuilder *builder, GPtrArray *required) {
    for (const Param *param = params; param->type != PARAM_END; param++) {
        g_autofree char *name = name_at_level(param, prefix);
        if (name == NULL || came_before(params, param, prefix, name))
            continue;
        const gboolean leaf = param->name[strlen(prefix) + strlen(name)] == '\0';
        if (leaf) {
            describe_param(param, builder, name);
        } else {
            g_autofree char *inner = g_strconcat(prefix, name, ".", NULL);
            describe_table(params, inner, builder, name, NULL);
        }
        /* a required parameter that has other names cannot be demanded under this one */
        if (param->required && param->aliases == NULL)
            g_ptr_array_add(required, g_steal_pointer(&name));
    }
}

static void describe_table(const Param *params, const char *prefix, JsonBuilder *builder, const char *key, const char *help) {
    g_autoptr(GPtrArray) required = g_ptr_array_new_with_free_func(g_free);
    json_begin_object(builder, key);
    json_add_string(builder, "type", "object");
    json_add_string(builder, "description", help);
    json_begin_object(builder, "properties");
    add_properties(params, prefix, builder, required);
    json_end_object(builder);
    if (required->len > 0) {
        g_ptr_array_add(required, NULL);
        json_add_strings(builder, "required", (const char *const *)required->pdata);
    }
    json_end_object(builder);
}

void params_describe(const Param *params, JsonBuilder *builder, const char *key) {
    describe_table(params, "", builder, key, NULL);
}
