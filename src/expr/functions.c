/* The general functions: pure, about nothing but their arguments. Those about executions come with the caller's table. */
#include "base/yaml.h"
#include "expr/class.h"

#define CALL ExprContext *context, const ExprValue *const *arguments, guint n, gpointer data, GError **error
#define UNUSED ((void)n, (void)data, (void)error)

/* What goes wrong here has the exception that Java would throw, so it is raised at once and needs no text in *error. */

static const ExprValue *text_argument(ExprContext *context, const ExprValue *argument) {
    return expr_convert_to_text(context, argument);
}

static const ExprValue *not_null(ExprContext *context, const char *function, const ExprValue *text) {
    if (text && text->type == EXPR_NULL)
        return expr_raise(context, EXCEPTION_NULL_POINTER, "#%s needs a text, not null", function);
    return text;
}

static const ExprValue *to_int(CALL) {
    UNUSED;
    const ExprValue *text = text_argument(context, arguments[0]);
    gint64 number;
    if (!text)
        return NULL;
    if (text->type == EXPR_NULL || !expr_parse_integer(text->string.text, 10, G_MININT32, G_MAXINT32, &number))
        return expr_raise(context, EXCEPTION_NUMBER_FORMAT, "For input string: \"%s\"",
                          text->type == EXPR_NULL ? "null" : text->string.text);
    return expr_integer(context, EXPR_INT, number);
}

static const ExprValue *to_float(CALL) {
    UNUSED;
    const ExprValue *text = not_null(context, "toFloat", text_argument(context, arguments[0]));
    double number;
    if (!text)
        return NULL;
    if (!expr_parse_real(text->string.text, &number))
        return expr_raise(context, EXCEPTION_NUMBER_FORMAT, "For input string: \"%s\"", text->string.text);
    return expr_real(context, EXPR_FLOAT, number);
}

static const ExprValue *to_boolean(CALL) {
    UNUSED;
    const ExprValue *text = text_argument(context, arguments[0]);
    return text ? expr_bool(text->type == EXPR_STRING && g_ascii_strcasecmp(text->string.text, "true") == 0) : NULL;
}

static const ExprValue *to_base64(CALL) {
    UNUSED;
    const ExprValue *text = not_null(context, "toBase64", text_argument(context, arguments[0]));
    if (!text || !expr_charge_text(context, text->string.length))
        return NULL;
    g_autofree char *encoded = g_base64_encode((const guchar *)text->string.text, text->string.length);
    return expr_string(context, encoded);
}

/* Groups of four, the last may be shorter or filled with '='. */
static gboolean is_base64(const char *text) {
    const gsize digits = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    const gsize fill = strspn(text + digits, "=");
    return text[digits + fill] == '\0' && digits % 4 != 1 && (fill == 0 || (digits + fill) % 4 == 0) && fill <= 2;
}

static const ExprValue *from_base64(CALL) {
    UNUSED;
    const ExprValue *text = not_null(context, "fromBase64", text_argument(context, arguments[0]));
    if (!text || !expr_charge_text(context, text->string.length))
        return NULL;
    if (strlen(text->string.text) != text->string.length || !is_base64(text->string.text))
        return expr_raise(context, EXCEPTION_ARGUMENT, "Illegal base64: \"%.100s\"", text->string.text);
    g_autofree char *filled = g_strconcat(text->string.text, "===", NULL);
    filled[(text->string.length + 3) / 4 * 4] = '\0';
    gsize length;
    g_autofree guchar *bytes = g_base64_decode(filled, &length);
    g_autofree char *valid = g_utf8_make_valid((const char *)bytes, (gssize)length);
    return expr_string(context, valid);
}

static const ExprValue *alphanumerical(CALL) {
    UNUSED;
    const ExprValue *text = not_null(context, "alphanumerical", text_argument(context, arguments[0]));
    if (!text || !expr_charge_text(context, text->string.length))
        return NULL;
    g_autoptr(GString) kept = g_string_new(NULL);
    for (gsize i = 0; i < text->string.length; i++)
        if (g_ascii_isalnum(text->string.text[i]))
            g_string_append_c(kept, text->string.text[i]);
    return expr_text_copy(context, kept->str, kept->len);
}

/* ---- JSON ---- */

/* What #doNotEval makes: a value that #toJson writes whatever is in it. */
static const ExprClass not_evaluable = {.name = "NotEvaluableExpression", .parent = &expr_class_object};

static const ExprValue *do_not_eval(CALL) {
    UNUSED;
    if (context->options->forbid_unevaluated)
        return arguments[0];
    ExprValue *value = EXPR_NEW(context, ExprValue);
    value->type = EXPR_OBJECT;
    value->object.class = &not_evaluable;
    value->object.instance = arguments[0];
    return value;
}

static const ExprValue *to_json(CALL) {
    UNUSED;
    const ExprValue *value = arguments[0];
    const gboolean wrapped = value->type == EXPR_OBJECT && value->object.class == &not_evaluable;
    g_autoptr(Json) json = expr_to_json(context, wrapped ? value->object.instance : value, NULL);
    if (!json)
        return NULL;
    gsize length;
    g_autofree char *text = json_write(json_root(json), &length);
    if (!wrapped && expr_has_expression(text))
        return expr_raise(context, EXCEPTION_FUNCTION, "result for toJson cannot contain an expression");
    return expr_text_copy(context, text, length);
}

static const ExprValue *read_json(CALL) {
    UNUSED;
    const ExprValue *text = not_null(context, "readJson", text_argument(context, arguments[0]));
    if (!text || !expr_charge_text(context, text->string.length * 16))
        return NULL;
    g_autoptr(GError) problem = NULL;
    Json *json = json_parse_limited(text->string.text, (gssize)text->string.length, EXPR_TEXT_MAX, &problem);
    if (!json)
        return expr_raise(context, EXCEPTION_FUNCTION, "#readJson: %s", problem->message);
    const JsonValue *root = expr_keep(context, json);
    if (!json_is_object(root) && !json_is_array(root))
        return expr_raise(context, EXCEPTION_FUNCTION, "#readJson: the text is neither a list nor an object");
    return expr_json(context, root);
}

/* ---- YAML ---- */

static gboolean is_marker(const char *line, const char *marker) {
    return g_str_has_prefix(line, marker) && (line[3] == '\0' || strchr(" \t\r\n", line[3]));
}

/* Whether it holds more than blank lines, comments and directives. */
static gboolean has_content(const char *document) {
    g_auto(GStrv) lines = g_strsplit(document, "\n", -1);
    for (char **line = lines; *line; line++) {
        const char *at = *line + strspn(*line, " \t\r");
        if (*at && *at != '#' && **line != '%')
            return TRUE;
    }
    return FALSE;
}

/* The texts of the documents: a line of --- begins one, a line of ... ends it. */
static GPtrArray *yaml_documents(const char *text) {
    GPtrArray *documents = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) document = g_string_new(NULL);
    gboolean marked = FALSE;
    for (const char *line = text; line;) {
        const char *end = strchr(line, '\n');
        const gboolean begins = is_marker(line, "---"), ends = is_marker(line, "...");
        if (begins || ends) {
            if (marked || has_content(document->str))
                g_ptr_array_add(documents, g_strdup(document->str));
            g_string_truncate(document, 0);
            marked = begins;
            line += 3;
        }
        if (!ends && *line != '%')
            g_string_append_len(document, line, end ? end + 1 - line : (gssize)strlen(line));
        line = end ? end + 1 : NULL;
    }
    if (marked || has_content(document->str))
        g_ptr_array_add(documents, g_strdup(document->str));
    return documents;
}

static const ExprValue *yaml_value(ExprContext *context, const char *document) {
    g_autoptr(GError) problem = NULL;
    if (!has_content(document))
        return expr_null();
    Json *json = yaml_read("the text", document, strlen(document), NULL, &problem);
    return json ? expr_json(context, expr_keep(context, json)) : expr_raise(context, EXCEPTION_FUNCTION, "%s", problem->message);
}

static GPtrArray *yaml_argument(ExprContext *context, const char *function, const ExprValue *argument) {
    const ExprValue *text = not_null(context, function, text_argument(context, argument));
    return text && expr_charge_text(context, text->string.length * 16) ? yaml_documents(text->string.text) : NULL;
}

static const ExprValue *read_yaml(CALL) {
    UNUSED;
    g_autoptr(GPtrArray) documents = yaml_argument(context, "readYaml", arguments[0]);
    if (!documents)
        return NULL;
    return documents->len ? yaml_value(context, g_ptr_array_index(documents, 0)) : expr_null();
}

static const ExprValue *read_all_yaml(CALL) {
    UNUSED;
    g_autoptr(GPtrArray) documents = yaml_argument(context, "readAllYaml", arguments[0]);
    ExprItems *items = documents ? expr_items_new(context, documents->len) : NULL;
    for (guint i = 0; items && i < documents->len; i++) {
        const ExprValue *value = yaml_value(context, g_ptr_array_index(documents, i));
        if (!value)
            return NULL;
        expr_items_add(context, items, value);
    }
    return items ? expr_items_value(context, EXPR_LIST, items) : NULL;
}

const ExprFunction expr_functions[] = {
    {.name = "toInt", .min_arguments = 1, .max_arguments = 1, .call = to_int, .help = "The whole number that a text holds."},
    {.name = "toFloat", .min_arguments = 1, .max_arguments = 1, .call = to_float, .help = "The number that a text holds."},
    {.name = "toBoolean", .min_arguments = 1, .max_arguments = 1, .call = to_boolean, .help = "Whether a text is \"true\", in any case."},
    {.name = "toBase64", .min_arguments = 1, .max_arguments = 1, .call = to_base64, .help = "A text in base64."},
    {.name = "fromBase64", .min_arguments = 1, .max_arguments = 1, .call = from_base64, .help = "The text that base64 stands for."},
    {.name = "alphanumerical",
     .min_arguments = 1,
     .max_arguments = 1,
     .call = alphanumerical,
     .help = "A text without all but A-Z, a-z, 0-9."},
    {.name = "toJson",
     .min_arguments = 1,
     .max_arguments = 1,
     .call = to_json,
     .help = "A value as JSON text; it may not contain an expression."},
    {.name = "doNotEval",
     .min_arguments = 1,
     .max_arguments = 1,
     .call = do_not_eval,
     .help = "Lets #toJson write a value with ${…} in it."},
    {.name = "readYaml", .min_arguments = 1, .max_arguments = 1, .call = read_yaml, .help = "The first document of YAML text."},
    {.name = "readAllYaml", .min_arguments = 1, .max_arguments = 1, .call = read_all_yaml, .help = "All documents of YAML text as a list."},
    {.name = "readJson", .min_arguments = 1, .max_arguments = 1, .call = read_json, .help = "The list or object that JSON text holds."},
    {.name = NULL},
};
