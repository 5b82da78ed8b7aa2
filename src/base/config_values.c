/* Writing a tree of nodes as a document. Runs on the loading thread. */
#include "base/config_values.h"
#include "base/config_placeholders.h"
#include "base/error.h"
#include <string.h>

typedef struct {
    ConfigDocument *document;
    JsonBuilder *builder;
    ConfigPlaceholders placeholders;
    const GPtrArray *files;
} Writer;

/* ---- types of plain texts, as YAML 1.1 has them ---- */

static const char *const true_texts[] = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", NULL};
static const char *const false_texts[] = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", NULL};
static const char *const null_texts[] = {"", "~", "null", "Null", "NULL", NULL};

/* "12", "-3", "+3", "1_000": a number; but "0123" stays a text: it is an account's number, not octal. */
static char *decimal_digits(const char *text) {
    const char *digits = text + (*text == '-' || *text == '+' ? 1 : 0);
    if (!g_ascii_isdigit(*digits) || (*digits == '0' && digits[1] != '\0') || digits[strspn(digits, "0123456789_")] != '\0')
        return NULL;
    GString *plain = g_string_new(*text == '-' ? "-" : "");
    for (; *digits != '\0'; digits++)
        if (*digits != '_')
            g_string_append_c(plain, *digits);
    return g_string_free(plain, FALSE);
}

static gboolean add_integer(JsonBuilder *builder, const char *key, const char *text) {
    guint64 number = 0;
    if (g_str_has_prefix(text, "0x") && g_ascii_string_to_unsigned(text + 2, 16, 0, G_MAXINT64, &number, NULL)) {
        json_add_int(builder, key, (gint64)number);
        return TRUE;
    }
    g_autofree char *digits = decimal_digits(text);
    if (digits != NULL)
        json_add_number_text(builder, key, digits);
    return digits != NULL;
}

/* Only a fraction that is written back as it stands: "1.10" is a version and stays a text. */
static gboolean add_fraction(JsonBuilder *builder, const char *key, const char *text) {
    if (strpbrk(text, ".eE") == NULL || text[strspn(text, "0123456789.-+eE")] != '\0')
        return FALSE;
    g_autoptr(Json) number = json_parse(text, -1, NULL);
    g_autofree char *written = json_as_text(json_root(number));
    if (json_type(json_root(number)) != JSON_DOUBLE || g_strcmp0(written, text) != 0)
        return FALSE;
    json_add_json(builder, key, number);
    return TRUE;
}

/* Returns whether the value is a number or boolean, which also has a text. */
static gboolean add_plain(JsonBuilder *builder, const char *key, const char *text) {
    if (g_strv_contains(null_texts, text)) {
        json_add_null(builder, key);
        return FALSE;
    }
    const gboolean yes = g_strv_contains(true_texts, text);
    if (yes || g_strv_contains(false_texts, text)) {
        json_add_bool(builder, key, yes);
        return TRUE;
    }
    if (add_integer(builder, key, text) || add_fraction(builder, key, text))
        return TRUE;
    json_add_string(builder, key, text);
    return FALSE;
}

/* ---- writing ---- */

static void note_unresolved(Writer *writer, gsize position) {
    GPtrArray *names = writer->placeholders.unresolved;
    while (names->len > 0) {
        ConfigUnresolved *entry = g_new(ConfigUnresolved, 1);
        *entry = (ConfigUnresolved){position, g_ptr_array_steal_index(names, 0)};
        g_ptr_array_add(writer->document->unresolved, entry);
    }
}

static gboolean write_scalar(Writer *writer, const char *key, const ConfigNode *node, GError **error) {
    const gsize position = writer->document->places->len - 1;
    g_autofree char *replaced = NULL;
    if (strstr(node->text, "${") != NULL) {
        replaced = config_placeholders_replace(&writer->placeholders, node->text, error);
        if (replaced == NULL) {
            g_prefix_error(error, "%s:%u: ", (const char *)writer->files->pdata[node->place.file], node->place.line);
            return FALSE;
        }
        note_unresolved(writer, position);
    }
    const char *text = replaced == NULL ? node->text : replaced;
    if (!node->plain)
        json_add_string(writer->builder, key, text);
    else if (add_plain(writer->builder, key, text))
        g_hash_table_insert(writer->document->texts, GSIZE_TO_POINTER(position + 1), g_strdup(text));
    return TRUE;
}

static gboolean write_node(Writer *writer, const char *key, const ConfigNode *node, GError **error);

static gboolean write_list(Writer *writer, const char *key, const ConfigNode *list, GError **error) {
    json_begin_array(writer->builder, key);
    for (guint i = 0; i < list->items->len; i++)
        if (!write_node(writer, NULL, list->items->pdata[i], error))
            return FALSE;
    json_end_array(writer->builder);
    return TRUE;
}

static gboolean write_map(Writer *writer, const char *key, const ConfigNode *map, GError **error) {
    json_begin_object(writer->builder, key);
    for (guint i = 0; i < map->keys->len; i++) {
        const ConfigNode *name = map->keys->pdata[i];
        g_array_append_val(writer->document->places, name->place);
        if (!write_node(writer, name->text, map->items->pdata[i], error))
            return FALSE;
    }
    json_end_object(writer->builder);
    return TRUE;
}

static gboolean write_node(Writer *writer, const char *key, const ConfigNode *node, GError **error) {
    g_array_append_val(writer->document->places, node->place);
    switch (node->kind) {
    case CONFIG_MAP:
        return write_map(writer, key, node, error);
    case CONFIG_LIST:
        return write_list(writer, key, node, error);
    default:
        return write_scalar(writer, key, node, error);
    }
}

static void unresolved_free(gpointer data) {
    ConfigUnresolved *entry = data;
    g_free(entry->name);
    g_free(entry);
}

gboolean config_document_make(ConfigDocument *document, ConfigNode *root, const GPtrArray *files, GError **error) {
    document->places = g_array_new(FALSE, FALSE, sizeof(ConfigPlace));
    document->unresolved = g_ptr_array_new_with_free_func(unresolved_free);
    document->texts = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    Writer writer = {document, builder, {root, 0, names}, files};
    const gboolean good = write_node(&writer, NULL, root, error);
    if (good)
        document->json = json_builder_end(builder);
    return good;
}

void config_document_clear(ConfigDocument *document) {
    g_clear_pointer(&document->json, json_unref);
    g_clear_pointer(&document->places, g_array_unref);
    g_clear_pointer(&document->unresolved, g_ptr_array_unref);
    g_clear_pointer(&document->texts, g_hash_table_unref);
}
