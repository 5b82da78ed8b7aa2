/* Values of variables. Pure. */
#include "templates/variables.h"
#include <math.h>
#include <string.h>

static gboolean is_anything(const JsonValue *value) {
    (void)value;
    return TRUE;
}

static gboolean is_whole(const JsonValue *value) {
    if (json_type(value) == JSON_DOUBLE)
        return floor(json_double(value, 0.5)) == json_double(value, 0);
    return json_is_number(value);
}

static gboolean is_bool(const JsonValue *value) {
    return json_type(value) == JSON_BOOL;
}

static const struct {
    const char *type;
    gboolean (*holds)(const JsonValue *value);
} TYPES[] = {
    {"object", is_anything},
    {"int", is_whole},
    {"float", json_is_number},
    {"bool", is_bool},
    {"string", json_is_string},
    {"list", json_is_array},
    /* names of upstream's own types */
    {"integer", is_whole},
    {"long", is_whole},
    {"double", json_is_number},
    {"boolean", is_bool},
    {"arraylist", json_is_array},
    {"linkedhashmap", json_is_object},
};

static const char *type_of(const JsonValue *value) {
    static const char *const NAMES[] = {
        [JSON_ABSENT] = "nothing", [JSON_NULL] = "null",     [JSON_BOOL] = "bool",  [JSON_INT] = "int",       [JSON_DOUBLE] = "float",
        [JSON_BIG_NUMBER] = "int", [JSON_STRING] = "string", [JSON_ARRAY] = "list", [JSON_OBJECT] = "object",
    };
    return NAMES[json_type(value)];
}

static gboolean has_type(const char *type, const JsonValue *value) {
    for (gsize t = 0; t < G_N_ELEMENTS(TYPES); t++)
        if (g_ascii_strcasecmp(type, TYPES[t].type) == 0)
            return TYPES[t].holds(value);
    return FALSE;
}

static void check_value(const JsonValue *variable, const char *name, const JsonValue *value, TemplateProblems *problems) {
    g_autofree char *location = g_strconcat("configuration:variables.", name, NULL);
    const char *given_type = json_get_string(variable, "type");
    const char *type = given_type != NULL && *given_type != '\0' ? given_type : "object";
    if (json_is_null(value)) {
        if (!json_get_bool(variable, "nullable", FALSE))
            template_error(problems, location, "Variable %s may not be null", name);
        return;
    }
    if (has_type(type, value))
        return;
    g_autofree char *text = json_write(value, NULL);
    template_error(problems, location, "Variable %s has the type %s, its value is of the type %s: %.80s", name, type, type_of(value), text);
}

static void add_variable(JsonBuilder *values, const JsonValue *variable, const JsonValue *given, GString *missing,
                         TemplateProblems *problems) {
    const char *name = json_get_string(variable, "name");
    if (name == NULL || *name == '\0') {
        template_error(problems, "template:variables", "A variable has no name");
        return;
    }
    const JsonValue *value = json_get(given, name);
    if (value == NULL)
        value = json_get(variable, "defaultValue");
    if (value != NULL) {
        check_value(variable, name, value, problems);
        json_add_value(values, name, value);
    } else if (json_get_bool(variable, "nullable", FALSE))
        json_add_null(values, name);
    else
        g_string_append_printf(missing, "%s%s", missing->len > 0 ? ", " : "", name);
}

Json *template_variables(const JsonValue *declared, const JsonValue *given, const char *whose, TemplateProblems *problems) {
    g_autoptr(JsonBuilder) values = json_builder_new();
    g_autoptr(GString) missing = g_string_new(NULL);
    json_begin_object(values, NULL);
    for (JsonIter i = json_iter(json_is_array(declared) ? declared : NULL); json_next(&i);)
        add_variable(values, i.value, given, missing, problems);
    json_end_object(values);
    if (missing->len > 0)
        template_error(problems, "configuration:variables", "%s: Missing variable values for: %s", whose, missing->str);
    return json_builder_end(values);
}
