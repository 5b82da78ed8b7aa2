/* Reading JSON into structs through parameter tables. Pure functions, any thread. Descriptions are in params_describe.c. */
#include "base/params.h"
#include "base/error.h"
#include "base/params_reading.h"
#include <math.h>
#include <string.h>

#define SHOWN_VALUE_MAX 60 /* bytes of an offending value in a message */

static const ParamsReading exact = {.path = ""};

typedef struct {
    const ParamsReading *reading;
    GString *problems;
} Reader;

/* ---- finding values ---- */

/* "job-name", "jobName" and "JOB_NAME" are one name. */
static gboolean relaxed_equal(const char *a, gsize length, const char *b) {
    const char *end = a + length;
    for (;;) {
        while (a < end && (*a == '-' || *a == '_'))
            a++;
        while (*b == '-' || *b == '_')
            b++;
        if (a == end || *b == '\0')
            return a == end && *b == '\0';
        if (g_ascii_tolower(*a++) != g_ascii_tolower(*b++))
            return FALSE;
    }
}

static gboolean names_match(const ParamsReading *reading, const char *name, gsize length, const char *key) {
    if (strncmp(name, key, length) == 0 && key[length] == '\0')
        return TRUE;
    return reading->relaxed && relaxed_equal(name, length, key);
}

static const JsonValue *find_member(const ParamsReading *reading, const JsonValue *object, const char *name, gsize length) {
    const JsonValue *found = NULL;
    for (JsonIter i = json_iter(object); json_next(&i);) {
        if (i.key == NULL)
            return NULL;
        if (strncmp(name, i.key, length) == 0 && i.key[length] == '\0')
            return i.value;
        if (reading->relaxed && relaxed_equal(name, length, i.key))
            found = i.value;
    }
    return found;
}

/* A dotted name is first sought as it is, then as objects in each other. */
const JsonValue *params_look_up(const ParamsReading *reading, const JsonValue *object, const char *name) {
    const JsonValue *value = find_member(reading, object, name, strlen(name));
    if (value != NULL)
        return json_is_null(value) ? NULL : value;
    const char *dot = strchr(name, '.');
    if (dot == NULL)
        return NULL;
    const JsonValue *inner = find_member(reading, object, name, (gsize)(dot - name));
    return json_is_object(inner) ? params_look_up(reading, inner, dot + 1) : NULL;
}

const JsonValue *params_find(const ParamsReading *reading, const Param *param, const JsonValue *object) {
    const JsonValue *value = params_look_up(reading, object, param->name);
    for (const char *const *alias = param->aliases; value == NULL && alias != NULL && *alias != NULL; alias++)
        value = params_look_up(reading, object, *alias);
    return value;
}

/* Forms and templates leave an empty text where a number or a switch is not set. */
static gboolean is_unset(const Param *param, const JsonValue *value) {
    if (value == NULL)
        return TRUE;
    if (param->type == PARAM_STRING || param->type == PARAM_STRINGS || param->type == PARAM_JSON || param->type == PARAM_OBJECT)
        return FALSE;
    return json_is_string(value) && json_string_length(value) == 0;
}

/* ---- values ---- */

static gboolean whole_number(const JsonValue *value, gint64 *number) {
    if (json_is_string(value))
        return g_ascii_string_to_signed(json_string(value), 10, G_MININT64, G_MAXINT64, number, NULL);
    *number = json_int(value, 0);
    return *number != 0 || json_int(value, 1) == 0;
}

static gboolean any_number(const JsonValue *value, double *number) {
    if (!json_is_string(value)) {
        *number = json_double(value, NAN);
        return isfinite(*number);
    }
    const char *text = json_string(value);
    char *end = NULL;
    *number = g_ascii_strtod(text, &end);
    return *end == '\0' && strspn(text, "+-.0123456789eE") == strlen(text) && isfinite(*number);
}

typedef gboolean (*ReadValue)(const Reader *reader, const Param *param, const JsonValue *value, void *slot);

static gboolean read_string(const Reader *reader, const Param *param, const JsonValue *value, void *slot) {
    (void)reader;
    (void)param;
    char *text = json_as_text(value);
    *(char **)slot = text;
    return text != NULL;
}

static gboolean read_bool(const Reader *reader, const Param *param, const JsonValue *value, void *slot) {
    (void)reader;
    (void)param;
    const char *text = json_string(value);
    const gboolean yes = json_is_true(value) || (text != NULL && g_ascii_strcasecmp(text, "true") == 0);
    const gboolean no = json_is_false(value) || (text != NULL && g_ascii_strcasecmp(text, "false") == 0);
    *(gboolean *)slot = yes;
    return yes || no;
}

static gboolean read_int(const Reader *reader, const Param *param, const JsonValue *value, void *slot) {
    (void)reader;
    (void)param;
    return whole_number(value, slot);
}

static gboolean read_double(const Reader *reader, const Param *param, const JsonValue *value, void *slot) {
    (void)reader;
    (void)param;
    return any_number(value, slot);
}

static gboolean read_seconds(const Reader *reader, const Param *param, const JsonValue *value, void *slot) {
    (void)reader;
    (void)param;
    double seconds = 0;
    if (!any_number(value, &seconds) || fabs(seconds) >= 0x1p53 / 1000)
        return FALSE;
    *(gint64 *)slot = llround(seconds * 1000);
    return TRUE;
}

static char **split_list(const char *text) {
    char **parts = g_strsplit(text, ",", -1);
    for (char **part = parts; *part != NULL; part++)
        g_strstrip(*part);
    return parts;
}

static gboolean read_strings(const Reader *reader, const Param *param, const JsonValue *value, void *slot) {
    (void)param;
    if (reader->reading->relaxed && json_is_string(value)) {
        *(char ***)slot = split_list(json_string(value));
        return TRUE;
    }
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    if (json_is_array(value)) {
        for (JsonIter i = json_iter(value); json_next(&i);) {
            char *text = json_as_text(i.value);
            if (text == NULL)
                return FALSE;
            g_ptr_array_add(texts, text);
        }
    } else {
        char *text = json_as_text(value);
        if (text == NULL)
            return FALSE;
        g_ptr_array_add(texts, text);
    }
    g_ptr_array_add(texts, NULL);
    *(char ***)slot = (char **)g_ptr_array_steal(texts, NULL);
    return TRUE;
}

static gboolean read_enum(const Reader *reader, const Param *param, const JsonValue *value, void *slot) {
    const char *text = json_string(value);
    for (int i = 0; text != NULL && param->choices[i] != NULL; i++)
        if (g_ascii_strcasecmp(text, param->choices[i]) == 0 || names_match(reader->reading, text, strlen(text), param->choices[i])) {
            *(int *)slot = i;
            return TRUE;
        }
    return FALSE;
}

static gboolean read_json(const Reader *reader, const Param *param, const JsonValue *value, void *slot) {
    (void)reader;
    (void)param;
    *(Json **)slot = json_copy(value);
    return TRUE;
}

static const struct {
    ReadValue read;
    const char *expected;
} kinds[] = {
    [PARAM_STRING] = {read_string, "a text"},
    [PARAM_BOOL] = {read_bool, "true or false"},
    [PARAM_INT] = {read_int, "a whole number"},
    [PARAM_DOUBLE] = {read_double, "a number"},
    [PARAM_SECONDS] = {read_seconds, "a number of seconds"},
    [PARAM_MILLISECONDS] = {read_int, "a whole number of milliseconds"},
    [PARAM_STRINGS] = {read_strings, "a list of texts"},
    [PARAM_ENUM] = {read_enum, NULL},
    [PARAM_JSON] = {read_json, NULL},
    [PARAM_OBJECT] = {NULL, "an object"},
};

/* ---- messages ---- */

static void begin_problem(Reader *reader, const char *path, const Param *param, const JsonValue *value) {
    if (reader->problems->len > 0)
        g_string_append(reader->problems, "; ");
    g_autofree char *where = reader->reading->where == NULL ? NULL : reader->reading->where(reader->reading->data, value);
    if (where != NULL)
        g_string_append_printf(reader->problems, "%s: ", where);
    g_string_append_printf(reader->problems, "%s%s: ", path, param->name);
}

static void append_shown(GString *text, const Param *param, const JsonValue *value) {
    if (param->secret) {
        g_string_append(text, "something else (hidden)");
        return;
    }
    g_autofree char *written = json_write(value, NULL);
    const gsize length = strlen(written);
    const char *cut = length <= SHOWN_VALUE_MAX ? NULL : g_utf8_find_prev_char(written, written + SHOWN_VALUE_MAX);
    g_string_append_len(text, written, cut == NULL ? (gssize)length : cut - written);
    if (cut != NULL)
        g_string_append(text, "…");
}

static void add_unexpected(Reader *reader, const char *path, const Param *param, const JsonValue *value) {
    begin_problem(reader, path, param, value);
    g_string_append(reader->problems, "expected ");
    if (param->type == PARAM_ENUM) {
        g_autofree char *choices = g_strjoinv(", ", (char **)param->choices);
        g_string_append_printf(reader->problems, "one of %s", choices);
    } else {
        g_string_append(reader->problems, kinds[param->type].expected);
    }
    g_string_append(reader->problems, ", got ");
    append_shown(reader->problems, param, value);
}

static gboolean is_within_bounds(const Param *param, const void *slot) {
    if (param->min == 0 && param->max == 0)
        return TRUE;
    if (param->type == PARAM_DOUBLE)
        return *(const double *)slot >= (double)param->min && *(const double *)slot <= (double)param->max;
    if (param->type == PARAM_INT || param->type == PARAM_SECONDS || param->type == PARAM_MILLISECONDS)
        return *(const gint64 *)slot >= param->min && *(const gint64 *)slot <= param->max;
    return TRUE;
}

static void append_bound(GString *text, const Param *param, gint64 bound) {
    if (param->type == PARAM_SECONDS && bound % 1000 != 0)
        g_string_append_printf(text, "%.3f", (double)bound / 1000);
    else
        g_string_append_printf(text, "%" G_GINT64_FORMAT, param->type == PARAM_SECONDS ? bound / 1000 : bound);
}

static void add_out_of_bounds(Reader *reader, const char *path, const Param *param, const JsonValue *value) {
    begin_problem(reader, path, param, value);
    g_string_append(reader->problems, "must be ");
    if (param->max == G_MAXINT64) {
        g_string_append(reader->problems, "at least ");
        append_bound(reader->problems, param, param->min);
    } else {
        g_string_append(reader->problems, "between ");
        append_bound(reader->problems, param, param->min);
        g_string_append(reader->problems, " and ");
        append_bound(reader->problems, param, param->max);
    }
    g_string_append(reader->problems, ", got ");
    append_shown(reader->problems, param, value);
}

/* ---- tables ---- */

static void read_table(Reader *reader, const char *path, const Param *params, const JsonValue *object, gboolean given, void *into);

static void read_default(const Param *param, void *slot) {
    if (param->type == PARAM_ENUM)
        *(int *)slot = -1;
    if (param->otherwise == NULL)
        return;
    const Reader reader = {&exact, NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) value = json_parse(param->otherwise, -1, &error);
    if (value == NULL || !kinds[param->type].read(&reader, param, json_root(value), slot))
        g_error("parameter %s: bad default %s", param->name, param->otherwise);
}

static void read_object(Reader *reader, const char *path, const Param *param, const JsonValue *value, void *slot) {
    g_autofree char *inner_path = g_strconcat(path, param->name, ".", NULL);
    if (value == NULL || json_is_object(value))
        read_table(reader, inner_path, param->members, value, value != NULL, slot);
    else
        add_unexpected(reader, path, param, value);
}

static void read_param(Reader *reader, const char *path, const Param *param, const JsonValue *object, gboolean given, void *slot) {
    const JsonValue *value = params_find(reader->reading, param, object);
    if (is_unset(param, value)) {
        if (param->required && given) {
            begin_problem(reader, path, param, object);
            g_string_append(reader->problems, "required");
        }
        if (param->type == PARAM_OBJECT)
            read_object(reader, path, param, NULL, slot);
        else
            read_default(param, slot);
    } else if (param->type == PARAM_OBJECT) {
        read_object(reader, path, param, value, slot);
    } else if (!kinds[param->type].read(reader, param, value, slot)) {
        add_unexpected(reader, path, param, value);
    } else if (!is_within_bounds(param, slot)) {
        add_out_of_bounds(reader, path, param, value);
    }
}

/* given: whether the object is there at all; inside an absent one nothing is required and defaults hold. */
static void read_table(Reader *reader, const char *path, const Param *params, const JsonValue *object, gboolean given, void *into) {
    for (const Param *param = params; param->type != PARAM_END; param++)
        read_param(reader, path, param, object, given, G_STRUCT_MEMBER_P(into, param->offset));
}

static void set_not_an_object(const ParamsReading *reading, const JsonValue *value, GError **error) {
    g_autofree char *where = reading->where == NULL ? NULL : reading->where(reading->data, value);
    g_autoptr(GString) message = g_string_new(where);
    if (where != NULL)
        g_string_append(message, ": ");
    const gsize path = strlen(reading->path); /* ends with a dot unless empty */
    if (path > 0)
        g_string_append_printf(message, "%.*s: ", (int)path - 1, reading->path);
    g_string_append(message, "expected an object, got ");
    append_shown(message, &(Param){.name = ""}, value);
    error_set(error, ERR_INVALID, "%s", message->str);
}

gboolean params_read_with(const ParamsReading *reading, const Param *params, const JsonValue *object, void *into, GError **error) {
    if (object != NULL && !json_is_null(object) && !json_is_object(object)) {
        set_not_an_object(reading, object, error);
        return FALSE;
    }
    g_autoptr(GString) problems = g_string_new(NULL);
    Reader reader = {reading, problems};
    read_table(&reader, reading->path, params, object, object != NULL || !reading->optional, into);
    if (problems->len == 0)
        return TRUE;
    params_clear(params, into);
    error_set(error, ERR_INVALID, "%s", problems->str);
    return FALSE;
}

gboolean params_read(const Param *params, const JsonValue *object, void *into, GError **error) {
    return params_read_with(&exact, params, object, into, error);
}

void params_clear(const Param *params, void *from) {
    if (params == NULL || from == NULL)
        return;
    for (const Param *param = params; param->type != PARAM_END; param++) {
        void *slot = G_STRUCT_MEMBER_P(from, param->offset);
        switch (param->type) {
        case PARAM_STRING:
            g_clear_pointer((char **)slot, g_free);
            break;
        case PARAM_STRINGS:
            g_clear_pointer((char ***)slot, g_strfreev);
            break;
        case PARAM_JSON:
            g_clear_pointer((Json **)slot, json_unref);
            break;
        case PARAM_OBJECT:
            params_clear(param->members, slot);
            break;
        case PARAM_BOOL:
            *(gboolean *)slot = FALSE;
            break;
        case PARAM_ENUM:
            *(int *)slot = 0;
            break;
        case PARAM_DOUBLE:
            *(double *)slot = 0;
            break;
        default:
            *(gint64 *)slot = 0;
            break;
        }
    }
}

/* ---- unknown keys ---- */

static gboolean names_key(const ParamsReading *reading, const char *name, const char *key) {
    if (names_match(reading, name, strlen(name), key))
        return TRUE;
    const char *dot = strchr(name, '.');
    return dot != NULL && names_match(reading, name, (gsize)(dot - name), key);
}

gboolean params_knows(const ParamsReading *reading, const Param *params, const char *key) {
    for (const Param *param = params; param->type != PARAM_END; param++) {
        if (names_key(reading, param->name, key))
            return TRUE;
        for (const char *const *alias = param->aliases; alias != NULL && *alias != NULL; alias++)
            if (names_key(reading, *alias, key))
                return TRUE;
    }
    return FALSE;
}

char **params_unknown(const Param *params, const JsonValue *object) {
    GPtrArray *unknown = g_ptr_array_new();
    if (json_is_object(object))
        for (JsonIter i = json_iter(object); json_next(&i);)
            if (!params_knows(&exact, params, i.key))
                g_ptr_array_add(unknown, g_strdup(i.key));
    g_ptr_array_add(unknown, NULL);
    return (char **)g_ptr_array_free(unknown, FALSE);
}
