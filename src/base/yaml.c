/* JSON documents to YAML and back, by libyaml's events. */
#include "base/yaml.h"
#include "base/error.h"
#include <string.h>
#include <yaml.h>

typedef enum { PLAIN_TEXT, PLAIN_NULL, PLAIN_TRUE, PLAIN_FALSE, PLAIN_NUMBER } PlainType;

static gboolean is_one_of(const char *text, const char *const *words) {
    return g_strv_contains(words, text);
}

/* A number as JSON writes it; everything else that YAML takes for one stays a text. */
static gboolean is_number(const char *text) {
    g_autoptr(Json) json = strchr("-0123456789", text[0]) != NULL ? json_parse(text, -1, NULL) : NULL;
    return json_is_number(json_root(json)) || json_type(json_root(json)) == JSON_BIG_NUMBER;
}

static PlainType plain_type(const char *text) {
    static const char *const NULLS[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const TRUES[] = {"true", "True", "TRUE", NULL}, *const FALSES[] = {"false", "False", "FALSE", NULL};
    if (is_one_of(text, NULLS))
        return PLAIN_NULL;
    if (is_one_of(text, TRUES))
        return PLAIN_TRUE;
    if (is_one_of(text, FALSES))
        return PLAIN_FALSE;
    return is_number(text) ? PLAIN_NUMBER : PLAIN_TEXT;
}

/* ---- writing ---- */
/* Other readers of YAML, older ones above all, see more than texts in these. */
static gboolean needs_quotes(const char *text) {
    static const char *const OLD[] = {"y", "n", "yes", "no", "on", "off", NULL};
    g_autofree char *lower = g_ascii_strdown(text, -1);
    return plain_type(text) != PLAIN_TEXT || is_one_of(lower, OLD) || strchr("+-.0123456789=", text[0]) != NULL;
}

static gboolean emit_scalar(yaml_emitter_t *emitter, const char *text, yaml_scalar_style_t style) {
    yaml_event_t event;
    return yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), 1, 1, style) &&
           yaml_emitter_emit(emitter, &event);
}

static gboolean emit_text(yaml_emitter_t *emitter, const char *text) {
    yaml_scalar_style_t style = strchr(text, '\n') != NULL ? YAML_LITERAL_SCALAR_STYLE
                                : needs_quotes(text)       ? YAML_DOUBLE_QUOTED_SCALAR_STYLE
                                                           : YAML_ANY_SCALAR_STYLE;
    return emit_scalar(emitter, text, style);
}

static gboolean emit(yaml_emitter_t *emitter, const JsonValue *value);

static gboolean emit_members(yaml_emitter_t *emitter, const JsonValue *value) {
    for (JsonIter i = json_iter(value); json_next(&i);)
        if ((i.key != NULL && !emit_text(emitter, i.key)) || !emit(emitter, i.value))
            return FALSE;
    return TRUE;
}

static gboolean emit_container(yaml_emitter_t *emitter, const JsonValue *value) {
    yaml_event_t event;
    if (json_is_array(value))
        return yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE) &&
               yaml_emitter_emit(emitter, &event) && emit_members(emitter, value) && yaml_sequence_end_event_initialize(&event) &&
               yaml_emitter_emit(emitter, &event);
    return yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE) && yaml_emitter_emit(emitter, &event) &&
           emit_members(emitter, value) && yaml_mapping_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static gboolean emit(yaml_emitter_t *emitter, const JsonValue *value) {
    if (json_is_array(value) || json_is_object(value))
        return emit_container(emitter, value);
    if (json_is_string(value))
        return emit_text(emitter, json_string(value));
    g_autofree char *text = json_write(value, NULL);
    return emit_scalar(emitter, text, YAML_PLAIN_SCALAR_STYLE);
}

static int append(void *data, unsigned char *text, size_t length) {
    g_string_append_len(data, (const char *)text, (gssize)length);
    return 1;
}

static gboolean emit_document(yaml_emitter_t *emitter, const JsonValue *value) {
    yaml_event_t event;
    return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) && yaml_emitter_emit(emitter, &event) &&
           yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) && yaml_emitter_emit(emitter, &event) &&
           emit(emitter, value) && yaml_document_end_event_initialize(&event, 1) && yaml_emitter_emit(emitter, &event) &&
           yaml_stream_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

char *yaml_write(const JsonValue *value, GError **error) {
    g_autoptr(GString) text = g_string_new(NULL);
    yaml_emitter_t emitter;
    if (!yaml_emitter_initialize(&emitter))
        g_error("out of memory");
    yaml_emitter_set_output(&emitter, append, text);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    gboolean good = emit_document(&emitter, value);
    if (!good)
        error_set(error, ERR_INVALID, "cannot be written as YAML: %s", emitter.problem != NULL ? emitter.problem : "unknown reason");
    yaml_emitter_delete(&emitter);
    return good ? g_strdup(text->str) : NULL;
}

/* ---- reading ---- */
typedef struct {
    yaml_parser_t yaml;
    yaml_event_t event; /* the current one */
    const char *name;
    JsonBuilder *builder;
    GArray *lines;
    guint depth;
    GError **error;
} Reader;

static gboolean fail(Reader *reader, ErrorCode code, gsize line, const char *reason) {
    error_set(reader->error, code, "%s:%" G_GSIZE_FORMAT ": %s", reader->name, line, reason);
    return FALSE;
}

static gsize here(const Reader *reader) {
    return reader->event.start_mark.line + 1;
}

static gboolean next(Reader *reader) {
    yaml_event_delete(&reader->event);
    if (yaml_parser_parse(&reader->yaml, &reader->event))
        return TRUE;
    const char *problem = reader->yaml.problem != NULL ? reader->yaml.problem : "not YAML";
    return fail(reader, ERR_INVALID, reader->yaml.error == YAML_READER_ERROR ? 1 : reader->yaml.problem_mark.line + 1, problem);
}

static gboolean note_value(Reader *reader) {
    guint line = (guint)here(reader);
    g_array_append_val(reader->lines, line);
    return reader->lines->len <= JSON_VALUES_MAX || fail(reader, ERR_LIMIT, line, "too many values");
}

static gboolean read_node(Reader *reader, const char *key);

static gboolean read_scalar(Reader *reader, const char *key) {
    const char *text = (const char *)reader->event.data.scalar.value;
    const char *tag = (const char *)reader->event.data.scalar.tag;
    if (strlen(text) != reader->event.data.scalar.length)
        return fail(reader, ERR_INVALID, here(reader), "a value contains a NUL character");
    gboolean plain = reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && g_strcmp0(tag, YAML_STR_TAG) != 0;
    PlainType type = plain ? plain_type(text) : PLAIN_TEXT;
    g_autoptr(Json) number = type == PLAIN_NUMBER ? json_parse(text, -1, NULL) : NULL;
    if (type == PLAIN_TEXT)
        json_add_string(reader->builder, key, text);
    else if (type == PLAIN_NULL)
        json_add_null(reader->builder, key);
    else if (type == PLAIN_NUMBER)
        json_add_json(reader->builder, key, number);
    else
        json_add_bool(reader->builder, key, type == PLAIN_TRUE);
    return TRUE;
}

static gboolean read_list(Reader *reader, const char *key) {
    json_begin_array(reader->builder, key);
    while (next(reader)) {
        if (reader->event.type == YAML_SEQUENCE_END_EVENT) {
            json_end_array(reader->builder);
            return TRUE;
        }
        if (!read_node(reader, NULL))
            return FALSE;
    }
    return FALSE;
}

static gboolean read_member(Reader *reader, GHashTable *keys) {
    if (reader->event.type != YAML_SCALAR_EVENT)
        return fail(reader, ERR_INVALID, here(reader), "a key is a text");
    char *key = g_strdup((const char *)reader->event.data.scalar.value);
    if (!g_hash_table_add(keys, key)) {
        g_autofree char *reason = g_strdup_printf("the key %s is there twice", key);
        return fail(reader, ERR_INVALID, here(reader), reason);
    }
    return note_value(reader) && next(reader) && read_node(reader, key);
}

static gboolean read_map(Reader *reader, const char *key) {
    g_autoptr(GHashTable) keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    json_begin_object(reader->builder, key);
    while (next(reader)) {
        if (reader->event.type == YAML_MAPPING_END_EVENT) {
            json_end_object(reader->builder);
            return TRUE;
        }
        if (!read_member(reader, keys))
            return FALSE;
    }
    return FALSE;
}

static gboolean read_node(Reader *reader, const char *key) {
    yaml_event_type_t type = reader->event.type;
    if (type == YAML_ALIAS_EVENT)
        return fail(reader, ERR_INVALID, here(reader), "anchors and aliases are not understood here: write it out");
    if (!note_value(reader))
        return FALSE;
    if (type == YAML_SCALAR_EVENT)
        return read_scalar(reader, key);
    if (++reader->depth > JSON_DEPTH_INPUT_MAX)
        return fail(reader, ERR_LIMIT, here(reader), "nested too deeply");
    gboolean good = type == YAML_MAPPING_START_EVENT ? read_map(reader, key) : read_list(reader, key);
    reader->depth--;
    return good;
}

static gboolean read_document(Reader *reader) {
    if (!next(reader) || !next(reader)) /* the stream's start, the document's */
        return FALSE;
    if (reader->event.type != YAML_DOCUMENT_START_EVENT)
        return fail(reader, ERR_INVALID, 1, "there is nothing in it");
    if (!next(reader) || !read_node(reader, NULL) || !next(reader) || !next(reader))
        return FALSE;
    return reader->event.type == YAML_STREAM_END_EVENT || fail(reader, ERR_INVALID, here(reader), "a second document begins");
}

Json *yaml_read(const char *name, const char *text, gsize length, GArray **lines, GError **error) {
    if (length > YAML_TEXT_MAX) {
        error_set(error, ERR_LIMIT, "%s: more than %d bytes", name, YAML_TEXT_MAX);
        return NULL;
    }
    Reader reader = {.name = name, .error = error};
    if (!yaml_parser_initialize(&reader.yaml))
        g_error("out of memory");
    yaml_parser_set_input_string(&reader.yaml, (const unsigned char *)text, length);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    reader.builder = builder;
    reader.lines = g_array_new(FALSE, FALSE, sizeof(guint));
    gboolean good = read_document(&reader);
    yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.yaml);
    if (good && lines != NULL)
        *lines = reader.lines;
    else
        g_array_unref(reader.lines);
    return good ? json_builder_end(builder) : NULL;
}

/* ---- places in JSON ---- */
/* Behind the text that begins at a quote. */
static gsize skip_text(const char *text, gsize at, gsize length) {
    for (at++; at < length && text[at] != '"'; at++)
        if (text[at] == '\\')
            at++;
    return at + 1;
}

GArray *json_lines(const char *text, gsize length) {
    GArray *lines = g_array_new(FALSE, FALSE, sizeof(guint));
    guint line = 1;
    for (gsize at = 0; at < length;) {
        char c = text[at];
        line += c == '\n';
        if (c == '\0' || strchr(" \t\r\n,:]}", c) != NULL) {
            at++;
            continue;
        }
        g_array_append_val(lines, line);
        if (c == '"')
            at = skip_text(text, at, length);
        else if (c == '{' || c == '[')
            at++;
        else
            at += strcspn(text + at, " \t\r\n,]}");
    }
    return lines;
}
