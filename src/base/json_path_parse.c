/* JSONPath: from text to steps. Pure. */
#include "base/json_path_internal.h"
#include <string.h>

static void step_free(gpointer data) {
    PathStep *step = data;
    g_clear_pointer(&step->names, g_ptr_array_unref);
    g_clear_pointer(&step->indexes, g_array_unref);
    path_filter_free(step->filter);
    g_free(step);
}

static PathStep *step_new(PathStepKind kind) {
    PathStep *step = g_new0(PathStep, 1);
    step->kind = kind;
    return step;
}

static JsonPath *path_empty(gboolean of_current) {
    JsonPath *path = g_new0(JsonPath, 1);
    path->of_current = of_current;
    path->definite = TRUE;
    path->steps = g_ptr_array_new_with_free_func(step_free);
    return path;
}

void json_path_free(JsonPath *path) {
    if (path == NULL)
        return;
    g_ptr_array_unref(path->steps);
    g_free(path->text);
    g_free(path);
}

gboolean json_path_is_definite(const JsonPath *path) {
    return path->definite;
}

gboolean path_fail(PathParser *parser, const char *what) {
    error_set(parser->error, ERR_INVALID, "JSON path \"%s\": %s at character %ld", parser->text, what,
              g_utf8_pointer_to_offset(parser->text, parser->at) + 1);
    return FALSE;
}

void path_skip_blanks(PathParser *parser) {
    while (g_ascii_isspace(*parser->at))
        parser->at++;
}

gboolean path_enter(PathParser *parser) {
    if (parser->nesting++ < JSON_PATH_NESTING_MAX)
        return TRUE;
    error_set(parser->error, ERR_LIMIT, "JSON path: more than %d filters and parentheses inside each other", JSON_PATH_NESTING_MAX);
    return FALSE;
}

static gboolean add_hex(PathParser *parser, GString *text) {
    gunichar code = 0;
    for (int i = 1; i <= 4; i++) {
        int digit = g_ascii_xdigit_value(parser->at[i]);
        if (digit < 0)
            return path_fail(parser, "expected four hexadecimal digits behind \\u");
        code = code * 16 + (gunichar)digit;
    }
    if (!g_unichar_validate(code) || code == 0)
        return path_fail(parser, "no such character");
    g_string_append_unichar(text, code);
    parser->at += 5;
    return TRUE;
}

static gboolean add_escaped(PathParser *parser, GString *text) {
    static const char FROM[] = "ntrbf", TO[] = "\n\t\r\b\f";
    parser->at++;
    if (*parser->at == '\0')
        return path_fail(parser, "a text is not closed");
    if (*parser->at == 'u')
        return add_hex(parser, text);
    const char *known = strchr(FROM, *parser->at);
    g_string_append_c(text, known != NULL ? TO[known - FROM] : *parser->at);
    parser->at++;
    return TRUE;
}

char *path_parse_quoted(PathParser *parser) {
    char quote = *parser->at++;
    g_autoptr(GString) text = g_string_new(NULL);
    while (*parser->at != quote) {
        if (*parser->at == '\0') {
            path_fail(parser, "a text is not closed");
            return NULL;
        }
        if (*parser->at == '\\') {
            if (!add_escaped(parser, text))
                return NULL;
        } else
            g_string_append_c(text, *parser->at++);
    }
    parser->at++;
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* Takes ownership of the step. */
static PathStep *add_step(PathParser *parser, JsonPath *path, PathStep *step, gboolean definite) {
    step->definite = path->definite;
    path->definite = path->definite && definite;
    g_ptr_array_add(path->steps, step);
    if (path->steps->len <= JSON_PATH_STEPS_MAX)
        return step;
    error_set(parser->error, ERR_LIMIT, "JSON path: more than %d steps", JSON_PATH_STEPS_MAX);
    return NULL;
}

static gboolean ends_name(char c) {
    return c == '\0' || g_ascii_isspace(c) || strchr(".[()=<>!~,&|]", c) != NULL;
}

static gboolean add_function(PathParser *parser, JsonPath *path, const char *name) {
    for (const PathFunctionName *f = path_functions; f->name != NULL; f++) {
        if (strcmp(f->name, name) != 0)
            continue;
        parser->at++;
        path_skip_blanks(parser);
        if (*parser->at != ')')
            return path_fail(parser, "this function takes no arguments");
        parser->at++;
        PathStep *step = step_new(STEP_FUNCTION);
        step->function = f->call;
        for (guint i = 0; i < path->steps->len; i++)
            step->collected = step->collected || ((PathStep *)path->steps->pdata[i])->kind == STEP_SCAN;
        if (add_step(parser, path, step, TRUE) == NULL)
            return FALSE;
        path->definite = path->definite || step->collected;
        return ends_name(*parser->at) && *parser->at != '.' && *parser->at != '['
                   ? TRUE
                   : path_fail(parser, "a function ends a path; unexpected text");
    }
    return path_fail(parser, "there is no such function; there are length(), size(), keys(), first(), last(), min(), max(), sum(), avg()");
}

/* Behind a dot. */
static gboolean parse_name(PathParser *parser, JsonPath *path) {
    if (*parser->at == '*') {
        parser->at++;
        return add_step(parser, path, step_new(STEP_ANY), FALSE) != NULL;
    }
    const char *begin = parser->at;
    while (!ends_name(*parser->at))
        parser->at++;
    if (parser->at == begin)
        return path_fail(parser, "expected a name");
    g_autofree char *name = g_strndup(begin, (gsize)(parser->at - begin));
    if (*parser->at == '(')
        return add_function(parser, path, name);
    PathStep *step = step_new(STEP_NAMES);
    step->names = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(step->names, g_steal_pointer(&name));
    return add_step(parser, path, step, TRUE) != NULL;
}

static gboolean parse_names(PathParser *parser, JsonPath *path) {
    PathStep *step = step_new(STEP_NAMES);
    step->names = g_ptr_array_new_with_free_func(g_free);
    if (add_step(parser, path, step, TRUE) == NULL)
        return FALSE;
    for (;;) {
        path_skip_blanks(parser);
        if (*parser->at != '\'' && *parser->at != '"')
            return path_fail(parser, "expected a name in quotation marks");
        char *name = path_parse_quoted(parser);
        if (name == NULL)
            return FALSE;
        g_ptr_array_add(step->names, name);
        path_skip_blanks(parser);
        if (*parser->at != ',')
            break;
        parser->at++;
    }
    /* several names at the very end make one object, elsewhere they are several places */
    if (step->names->len > 1 && *parser->at == ']' && (parser->at[1] == '.' || parser->at[1] == '['))
        path->definite = FALSE;
    return TRUE;
}

static gboolean parse_integer(PathParser *parser, gint64 *number) {
    char *end = NULL;
    *number = g_ascii_strtoll(parser->at, &end, 10);
    if (end == parser->at || *number < G_MININT32 || *number > G_MAXINT32)
        return path_fail(parser, "expected an index");
    parser->at = end;
    path_skip_blanks(parser);
    return TRUE;
}

static gboolean parse_slice(PathParser *parser, JsonPath *path, gint64 from) {
    PathStep *step = step_new(STEP_SLICE);
    step->from = from;
    step->to = G_MAXINT64;
    if (add_step(parser, path, step, FALSE) == NULL)
        return FALSE;
    parser->at++;
    path_skip_blanks(parser);
    return *parser->at == ']' || parse_integer(parser, &step->to);
}

static gboolean parse_indexes(PathParser *parser, JsonPath *path) {
    gint64 index = G_MININT64;
    if (*parser->at != ':' && !parse_integer(parser, &index))
        return FALSE;
    if (*parser->at == ':')
        return parse_slice(parser, path, index);
    PathStep *step = step_new(STEP_INDEXES);
    step->indexes = g_array_new(FALSE, FALSE, sizeof(gint64));
    g_array_append_val(step->indexes, index);
    if (add_step(parser, path, step, *parser->at != ',') == NULL)
        return FALSE;
    while (*parser->at == ',') {
        parser->at++;
        path_skip_blanks(parser);
        if (!parse_integer(parser, &index))
            return FALSE;
        g_array_append_val(step->indexes, index);
    }
    return TRUE;
}

static gboolean parse_condition(PathParser *parser, JsonPath *path) {
    parser->at++;
    path_skip_blanks(parser);
    if (*parser->at != '(')
        return path_fail(parser, "expected ( behind ?");
    parser->at++;
    PathStep *step = add_step(parser, path, step_new(STEP_FILTER), FALSE);
    if (step == NULL || !path_enter(parser))
        return FALSE;
    step->filter = path_parse_filter(parser);
    parser->nesting--;
    if (step->filter == NULL)
        return FALSE;
    if (*parser->at != ')')
        return path_fail(parser, "expected )");
    parser->at++;
    return TRUE;
}

static gboolean parse_bracket(PathParser *parser, JsonPath *path) {
    parser->at++;
    path_skip_blanks(parser);
    gboolean fine = FALSE;
    switch (*parser->at) {
    case '*':
        parser->at++;
        fine = add_step(parser, path, step_new(STEP_ANY), FALSE) != NULL;
        break;
    case '?':
        fine = parse_condition(parser, path);
        break;
    case '\'':
    case '"':
        fine = parse_names(parser, path);
        break;
    default:
        fine = parse_indexes(parser, path);
    }
    if (!fine)
        return FALSE;
    path_skip_blanks(parser);
    if (*parser->at != ']')
        return path_fail(parser, "expected ]");
    parser->at++;
    return TRUE;
}

static gboolean parse_step(PathParser *parser, JsonPath *path) {
    if (*parser->at == '[')
        return parse_bracket(parser, path);
    parser->at++;
    if (*parser->at == '.') {
        parser->at++;
        if (add_step(parser, path, step_new(STEP_SCAN), FALSE) == NULL)
            return FALSE;
    }
    return *parser->at == '[' ? parse_bracket(parser, path) : parse_name(parser, path);
}

JsonPath *path_parse_path(PathParser *parser) {
    g_autoptr(JsonPath) path = path_empty(*parser->at == '@');
    parser->at++;
    while (*parser->at == '.' || *parser->at == '[')
        if (!parse_step(parser, path))
            return NULL;
    return g_steal_pointer(&path);
}

JsonPath *json_path_new(const char *text, GError **error) {
    if (strlen(text) > JSON_PATH_LENGTH_MAX) {
        error_set(error, ERR_LIMIT, "JSON path: longer than %d bytes", JSON_PATH_LENGTH_MAX);
        return NULL;
    }
    g_autofree char *trimmed = g_strstrip(g_strdup(text));
    if (*trimmed == '\0') {
        error_set(error, ERR_INVALID, "JSON path: the text is empty");
        return NULL;
    }
    if (!g_utf8_validate(trimmed, -1, NULL)) {
        error_set(error, ERR_INVALID, "JSON path: the text is not UTF-8");
        return NULL;
    }
    char *full = *trimmed == '$' || *trimmed == '@' ? g_steal_pointer(&trimmed) : g_strconcat("$.", trimmed, NULL);
    PathParser parser = {.text = full, .at = full, .error = error};
    g_autoptr(JsonPath) path = path_parse_path(&parser);
    if (path != NULL && *parser.at != '\0') {
        path_fail(&parser, "unexpected text");
        g_clear_pointer(&path, json_path_free);
    }
    if (path == NULL) {
        g_free(full);
        return NULL;
    }
    path->text = full;
    return g_steal_pointer(&path);
}
