/* YAML as SnakeYAML reads it for Spring: anchors, aliases, merge keys, documents; a key twice in one map is an error. libyaml
 * gives the events. Pure but for the arena, runs on the loading thread. */
#include "base/config_yaml.h"
#include "base/config.h"
#include "base/error.h"
#include <string.h>
#include <yaml.h>

typedef struct {
    yaml_parser_t yaml;
    yaml_event_t event; /* the current one */
    ConfigArena *arena;
    const char *name;
    ConfigPlace place;
    GHashTable *anchors; /* name -> node, of the current document */
    GError **error;
} Parser;

static gboolean fail(Parser *parser, ErrorCode code, gsize line, const char *format, ...) G_GNUC_PRINTF(4, 5);

static gboolean fail(Parser *parser, ErrorCode code, gsize line, const char *format, ...) {
    va_list values;
    va_start(values, format);
    g_autofree char *reason = g_strdup_vprintf(format, values);
    va_end(values);
    error_set(parser->error, code, "%s:%" G_GSIZE_FORMAT ": %s", parser->name, line, reason);
    return FALSE;
}

static gboolean next_event(Parser *parser) {
    yaml_event_delete(&parser->event);
    if (yaml_parser_parse(&parser->yaml, &parser->event))
        return TRUE;
    const yaml_parser_t *yaml = &parser->yaml;
    const char *problem = yaml->problem == NULL ? "not YAML" : yaml->problem;
    const gboolean reader = yaml->error == YAML_READER_ERROR;
    const gsize line = reader ? 1 : yaml->problem_mark.line + 1;
    if (yaml->context != NULL)
        return fail(parser, ERR_INVALID, line, "%s (%s, line %" G_GSIZE_FORMAT ")", problem, yaml->context, yaml->context_mark.line + 1);
    return fail(parser, ERR_INVALID, line, "%s", problem);
}

static ConfigPlace here(const Parser *parser) {
    ConfigPlace place = parser->place;
    place.line = (guint)parser->event.start_mark.line + 1;
    return place;
}

static ConfigNode *parse_node(Parser *parser, guint depth);

static void set_anchor(Parser *parser, char *anchor, ConfigNode *node) {
    if (anchor != NULL)
        g_hash_table_replace(parser->anchors, anchor, node);
}

static ConfigNode *parse_scalar(Parser *parser) {
    const char *text = (const char *)parser->event.data.scalar.value;
    if (strlen(text) != parser->event.data.scalar.length) {
        fail(parser, ERR_INVALID, here(parser).line, "a value contains a NUL character");
        return NULL;
    }
    const char *tag = (const char *)parser->event.data.scalar.tag;
    const gboolean plain = parser->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && g_strcmp0(tag, YAML_STR_TAG) != 0;
    ConfigNode *node = config_node_scalar(parser->arena, here(parser), text, plain);
    set_anchor(parser, g_strdup((const char *)parser->event.data.scalar.anchor), node);
    return node;
}

static ConfigNode *parse_alias(Parser *parser) {
    const char *anchor = (const char *)parser->event.data.alias.anchor;
    ConfigNode *node = g_hash_table_lookup(parser->anchors, anchor);
    if (node == NULL)
        fail(parser, ERR_INVALID, here(parser).line, "*%s: there is no anchor &%s before this line", anchor, anchor);
    return node;
}

/* Checked as the tree grows, so that a few aliases of aliases are refused before anything walks what they stand for. */
static ConfigNode *within_limits(Parser *parser, ConfigNode *node) {
    if (node->size > CONFIG_VALUES_MAX) {
        fail(parser, ERR_LIMIT, node->place.line, "more than %d values (CONFIG_VALUES_MAX), aliases written out", CONFIG_VALUES_MAX);
        return NULL;
    }
    if (node->depth > CONFIG_DEPTH_MAX) {
        fail(parser, ERR_LIMIT, node->place.line, "nested more than %d levels deep (CONFIG_DEPTH_MAX)", CONFIG_DEPTH_MAX);
        return NULL;
    }
    return node;
}

static ConfigNode *parse_list(Parser *parser, guint depth) {
    const ConfigPlace place = here(parser);
    char *anchor = g_strdup((const char *)parser->event.data.sequence_start.anchor);
    GPtrArray *items = g_ptr_array_new();
    gboolean good;
    while ((good = next_event(parser)) && parser->event.type != YAML_SEQUENCE_END_EVENT) {
        ConfigNode *item = parse_node(parser, depth);
        good = item != NULL;
        if (!good)
            break;
        g_ptr_array_add(items, item);
    }
    if (!good) {
        g_free(anchor);
        g_ptr_array_unref(items);
        return NULL;
    }
    ConfigNode *list = config_node_list(parser->arena, place, items);
    set_anchor(parser, anchor, list);
    return within_limits(parser, list);
}

/* ---- maps ---- */

typedef struct {
    GPtrArray *keys, *items;
    GHashTable *names;    /* of keys, borrowed */
    GPtrArray *inherited; /* what "<<" names */
} MapParts;

static gboolean take_merge_key(Parser *parser, MapParts *parts, ConfigNode *item) {
    if (item->kind == CONFIG_MAP) {
        g_ptr_array_add(parts->inherited, item);
        return TRUE;
    }
    gboolean good = item->kind == CONFIG_LIST;
    for (guint i = 0; good && i < item->items->len; i++) {
        good = ((ConfigNode *)item->items->pdata[i])->kind == CONFIG_MAP;
        if (good)
            g_ptr_array_add(parts->inherited, item->items->pdata[i]);
    }
    return good || fail(parser, ERR_INVALID, item->place.line, "<< takes a map or a list of maps");
}

static gboolean add_entry(Parser *parser, MapParts *parts, ConfigNode *key, ConfigNode *item) {
    if (key->plain && strcmp(key->text, "<<") == 0)
        return take_merge_key(parser, parts, item);
    const ConfigNode *before = g_hash_table_lookup(parts->names, key->text);
    if (before != NULL)
        return fail(parser, ERR_INVALID, key->place.line, "the key %s is already in line %u", key->text, before->place.line);
    g_hash_table_insert(parts->names, key->text, key);
    g_ptr_array_add(parts->keys, key);
    g_ptr_array_add(parts->items, item);
    return TRUE;
}

static gboolean parse_key(Parser *parser, ConfigNode **key) {
    const guint line = here(parser).line;
    if (parser->event.type == YAML_SCALAR_EVENT)
        *key = parse_scalar(parser);
    else if (parser->event.type == YAML_ALIAS_EVENT)
        *key = parse_alias(parser);
    else
        return fail(parser, ERR_INVALID, line, "a key must be a text");
    if (*key == NULL)
        return FALSE;
    if ((*key)->kind != CONFIG_SCALAR)
        return fail(parser, ERR_INVALID, line, "a key must be a text");
    guint dots = 0;
    for (const char *c = (*key)->text; *c != '\0'; c++)
        dots += *c == '.';
    return dots < CONFIG_DEPTH_MAX || fail(parser, ERR_LIMIT, line, "nested more than %d levels deep (CONFIG_DEPTH_MAX)", CONFIG_DEPTH_MAX);
}

static gboolean parse_entries(Parser *parser, MapParts *parts, guint depth) {
    for (;;) {
        if (!next_event(parser))
            return FALSE;
        if (parser->event.type == YAML_MAPPING_END_EVENT)
            return TRUE;
        ConfigNode *key = NULL;
        if (!parse_key(parser, &key) || !next_event(parser))
            return FALSE;
        ConfigNode *item = parse_node(parser, depth);
        if (item == NULL || !add_entry(parser, parts, key, item))
            return FALSE;
    }
}

/* Own keys win over inherited ones, and the first of several maps over the later ones. */
static void add_inherited(MapParts *parts) {
    for (guint i = 0; i < parts->inherited->len; i++) {
        const ConfigNode *map = parts->inherited->pdata[i];
        for (guint j = 0; j < map->keys->len; j++) {
            ConfigNode *key = map->keys->pdata[j];
            if (!g_hash_table_insert(parts->names, key->text, key))
                continue;
            g_ptr_array_add(parts->keys, key);
            g_ptr_array_add(parts->items, map->items->pdata[j]);
        }
    }
}

static ConfigNode *parse_map(Parser *parser, guint depth) {
    const ConfigPlace place = here(parser);
    char *anchor = g_strdup((const char *)parser->event.data.mapping_start.anchor);
    MapParts parts = {g_ptr_array_new(), g_ptr_array_new(), g_hash_table_new(g_str_hash, g_str_equal), g_ptr_array_new()};
    const gboolean good = parse_entries(parser, &parts, depth);
    if (good)
        add_inherited(&parts);
    g_hash_table_unref(parts.names);
    g_ptr_array_unref(parts.inherited);
    if (!good) {
        g_free(anchor);
        g_ptr_array_unref(parts.keys);
        g_ptr_array_unref(parts.items);
        return NULL;
    }
    ConfigNode *map = config_node_map(parser->arena, place, parts.keys, parts.items);
    set_anchor(parser, anchor, map);
    return within_limits(parser, map);
}

static ConfigNode *parse_node(Parser *parser, guint depth) {
    if (depth >= CONFIG_DEPTH_MAX) {
        fail(parser, ERR_LIMIT, here(parser).line, "nested more than %d levels deep (CONFIG_DEPTH_MAX)", CONFIG_DEPTH_MAX);
        return NULL;
    }
    switch (parser->event.type) {
    case YAML_SCALAR_EVENT:
        return parse_scalar(parser);
    case YAML_ALIAS_EVENT:
        return parse_alias(parser);
    case YAML_SEQUENCE_START_EVENT:
        return parse_list(parser, depth + 1);
    case YAML_MAPPING_START_EVENT:
        return parse_map(parser, depth + 1);
    default:
        fail(parser, ERR_INVALID, here(parser).line, "a value is missing");
        return NULL;
    }
}

static gboolean parse_documents(Parser *parser, GPtrArray *documents) {
    for (;;) {
        if (!next_event(parser))
            return FALSE;
        if (parser->event.type == YAML_STREAM_END_EVENT)
            return TRUE;
        if (parser->event.type != YAML_DOCUMENT_START_EVENT)
            continue;
        if (!next_event(parser))
            return FALSE;
        g_hash_table_remove_all(parser->anchors);
        ConfigNode *root = parse_node(parser, 0);
        if (root == NULL)
            return FALSE;
        if (config_node_is_null(root))
            continue;
        if (root->kind != CONFIG_MAP)
            return fail(parser, ERR_INVALID, root->place.line, "expected keys and values, found a %s",
                        root->kind == CONFIG_LIST ? "list" : "text");
        g_ptr_array_add(documents, root);
    }
}

GPtrArray *config_yaml_parse(ConfigArena *arena, const char *name, ConfigPlace place, const char *text, gsize length, GError **error) {
    Parser parser = {.arena = arena, .name = name, .place = place, .error = error};
    if (!yaml_parser_initialize(&parser.yaml)) {
        error_set(error, ERR_INTERNAL, "%s: libyaml could not start", name);
        return NULL;
    }
    yaml_parser_set_input_string(&parser.yaml, (const unsigned char *)text, length);
    parser.anchors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GPtrArray *documents = g_ptr_array_new();
    if (!parse_documents(&parser, documents))
        g_clear_pointer(&documents, g_ptr_array_unref);
    yaml_event_delete(&parser.event);
    yaml_parser_delete(&parser.yaml);
    g_hash_table_unref(parser.anchors);
    return documents;
}
