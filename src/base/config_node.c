/* Nodes of a configuration: making, finding, merging and expanding them. Owned by the thread that loads. */
#include "base/config_node.h"
#include <string.h>

static void node_free(gpointer data) {
    ConfigNode *node = data;
    g_free(node->text);
    if (node->keys != NULL)
        g_ptr_array_unref(node->keys);
    if (node->items != NULL)
        g_ptr_array_unref(node->items);
    g_free(node);
}

ConfigArena *config_arena_new(void) {
    return g_ptr_array_new_with_free_func(node_free);
}

static ConfigNode *node_new(ConfigArena *arena, ConfigNodeKind kind, ConfigPlace place) {
    ConfigNode *node = g_new0(ConfigNode, 1);
    node->kind = kind;
    node->place = place;
    node->size = 1;
    g_ptr_array_add(arena, node);
    return node;
}

ConfigNode *config_node_scalar(ConfigArena *arena, ConfigPlace place, const char *text, gboolean plain) {
    ConfigNode *node = node_new(arena, CONFIG_SCALAR, place);
    node->text = g_strdup(text);
    node->plain = plain;
    return node;
}

/* Saturates well below overflow: two such sizes still add up. */
static guint add_size(guint a, guint b) {
    return MIN(a + b, G_MAXUINT / 4);
}

static void measure(ConfigNode *container) {
    for (guint i = 0; i < container->items->len; i++) {
        const ConfigNode *item = container->items->pdata[i];
        container->size = add_size(container->size, item->size + (container->kind == CONFIG_MAP ? 1 : 0));
        container->depth = MAX(container->depth, item->depth);
    }
    container->depth++;
}

ConfigNode *config_node_list(ConfigArena *arena, ConfigPlace place, GPtrArray *items) {
    ConfigNode *node = node_new(arena, CONFIG_LIST, place);
    node->items = items;
    measure(node);
    return node;
}

ConfigNode *config_node_map(ConfigArena *arena, ConfigPlace place, GPtrArray *keys, GPtrArray *items) {
    ConfigNode *node = node_new(arena, CONFIG_MAP, place);
    node->keys = keys;
    node->items = items;
    measure(node);
    return node;
}

ConfigNode *config_node_empty_map(ConfigArena *arena, ConfigPlace place) {
    return config_node_map(arena, place, g_ptr_array_new(), g_ptr_array_new());
}

gboolean config_node_is_null(const ConfigNode *node) {
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    return node == NULL || (node->kind == CONFIG_SCALAR && node->plain && g_strv_contains(nulls, node->text));
}

/* ---- finding ---- */

char *config_canonical(const char *name) {
    char *canonical = g_malloc(strlen(name) + 1), *to = canonical;
    for (; *name != '\0'; name++)
        if (*name != '-' && *name != '_')
            *to++ = g_ascii_tolower(*name);
    *to = '\0';
    return canonical;
}

ConfigNode *config_node_member(const ConfigNode *map, const char *name) {
    for (guint i = 0; map != NULL && map->kind == CONFIG_MAP && i < map->keys->len; i++)
        if (strcmp(((const ConfigNode *)map->keys->pdata[i])->text, name) == 0)
            return map->items->pdata[i];
    return NULL;
}

static ConfigNode *relaxed_member(const ConfigNode *map, const char *name) {
    ConfigNode *exact = config_node_member(map, name);
    if (exact != NULL || map->kind != CONFIG_MAP)
        return exact;
    g_autofree char *sought = config_canonical(name);
    for (guint i = 0; i < map->keys->len; i++) {
        g_autofree char *key = config_canonical(((const ConfigNode *)map->keys->pdata[i])->text);
        if (strcmp(key, sought) == 0)
            return map->items->pdata[i];
    }
    return NULL;
}

ConfigNode *config_node_at(ConfigNode *map, const char *path) {
    g_auto(GStrv) names = g_strsplit(path, ".", -1);
    for (char **name = names; map != NULL && *name != NULL; name++)
        map = relaxed_member(map, *name);
    return map;
}

/* ---- maps in the making ---- */

typedef struct {
    ConfigArena *arena;
    GPtrArray *keys, *items;
    GHashTable *exact;   /* name -> index + 1; names borrowed from key nodes */
    GHashTable *relaxed; /* canonical name -> index + 1, or NULL when names must be equal */
} MapMaker;

static void maker_begin(MapMaker *maker, ConfigArena *arena, gboolean relaxed) {
    maker->arena = arena;
    maker->keys = g_ptr_array_new();
    maker->items = g_ptr_array_new();
    maker->exact = g_hash_table_new(g_str_hash, g_str_equal);
    maker->relaxed = relaxed ? g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL) : NULL;
}

static ConfigNode *maker_end(MapMaker *maker, ConfigPlace place) {
    g_hash_table_unref(maker->exact);
    g_clear_pointer(&maker->relaxed, g_hash_table_unref);
    return config_node_map(maker->arena, place, maker->keys, maker->items);
}

static void maker_add(MapMaker *maker, ConfigNode *key, ConfigNode *item) {
    g_ptr_array_add(maker->keys, key);
    g_ptr_array_add(maker->items, item);
    g_hash_table_insert(maker->exact, key->text, GUINT_TO_POINTER(maker->keys->len));
    if (maker->relaxed != NULL)
        g_hash_table_insert(maker->relaxed, config_canonical(key->text), GUINT_TO_POINTER(maker->keys->len));
}

static guint maker_find(MapMaker *maker, const char *name) {
    const guint exact = GPOINTER_TO_UINT(g_hash_table_lookup(maker->exact, name));
    if (exact != 0 || maker->relaxed == NULL)
        return exact;
    g_autofree char *canonical = config_canonical(name);
    return GPOINTER_TO_UINT(g_hash_table_lookup(maker->relaxed, canonical));
}

/* Puts an item over what is there under its name. */
static void maker_put(MapMaker *maker, ConfigNode *key, ConfigNode *item) {
    const guint found = maker_find(maker, key->text);
    if (found == 0) {
        maker_add(maker, key, item);
        return;
    }
    ConfigNode *before = maker->items->pdata[found - 1];
    maker->items->pdata[found - 1] = config_node_merge(maker->arena, before, item);
    /* what replaces a value is named by its own key's line; a map keeps the first one */
    if (before->kind != CONFIG_MAP || item->kind != CONFIG_MAP)
        maker->keys->pdata[found - 1] = config_node_scalar(maker->arena, key->place, ((ConfigNode *)maker->keys->pdata[found - 1])->text,
                                                           FALSE);
}

ConfigNode *config_node_merge(ConfigArena *arena, ConfigNode *base, ConfigNode *over) {
    if (base == NULL || over == NULL)
        return over == NULL ? base : over;
    if (base->kind != CONFIG_MAP || over->kind != CONFIG_MAP)
        return over;
    MapMaker maker;
    maker_begin(&maker, arena, TRUE);
    for (guint i = 0; i < base->keys->len; i++)
        maker_add(&maker, base->keys->pdata[i], base->items->pdata[i]);
    for (guint i = 0; i < over->keys->len; i++)
        maker_put(&maker, over->keys->pdata[i], over->items->pdata[i]);
    return maker_end(&maker, base->place);
}

/* ---- dotted names ---- */

/* Names of properties have these characters; any other key ("app.kubernetes.io/name") is the user's own and stays whole. */
static gboolean is_dotted_name(const char *key) {
    if (strchr(key, '.') == NULL || key[0] == '.' || g_str_has_suffix(key, ".") || strstr(key, "..") != NULL)
        return FALSE;
    return key[strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")] == '\0';
}

static ConfigNode *without_brackets(ConfigArena *arena, ConfigNode *key) {
    const gsize length = strlen(key->text);
    if (length < 3 || key->text[0] != '[' || key->text[length - 1] != ']')
        return key;
    g_autofree char *bare = g_strndup(key->text + 1, length - 2);
    return config_node_scalar(arena, key->place, bare, FALSE);
}

/* item below all but the first of the names. */
static ConfigNode *nest(ConfigArena *arena, ConfigPlace place, char **names, ConfigNode *item) {
    for (guint i = g_strv_length(names) - 1; i > 0; i--) {
        GPtrArray *keys = g_ptr_array_new(), *items = g_ptr_array_new();
        g_ptr_array_add(keys, config_node_scalar(arena, place, names[i], FALSE));
        g_ptr_array_add(items, item);
        item = config_node_map(arena, place, keys, items);
    }
    return item;
}

static ConfigNode *expand_map(ConfigArena *arena, ConfigNode *map) {
    MapMaker maker;
    maker_begin(&maker, arena, FALSE);
    for (guint i = 0; i < map->keys->len; i++) {
        ConfigNode *key = map->keys->pdata[i], *item = config_node_expand(arena, map->items->pdata[i]);
        if (is_dotted_name(key->text)) {
            g_auto(GStrv) names = g_strsplit(key->text, ".", -1);
            maker_put(&maker, config_node_scalar(arena, key->place, names[0], FALSE), nest(arena, key->place, names, item));
        } else {
            maker_put(&maker, without_brackets(arena, key), item);
        }
    }
    return maker_end(&maker, map->place);
}

ConfigNode *config_node_expand(ConfigArena *arena, ConfigNode *node) {
    if (node->kind == CONFIG_MAP)
        return expand_map(arena, node);
    if (node->kind == CONFIG_SCALAR)
        return node;
    GPtrArray *items = g_ptr_array_new();
    for (guint i = 0; i < node->items->len; i++)
        g_ptr_array_add(items, config_node_expand(arena, node->items->pdata[i]));
    return config_node_list(arena, node->place, items);
}

ConfigNode *config_node_without(ConfigArena *arena, ConfigNode *map, const char *name) {
    GPtrArray *keys = g_ptr_array_new(), *items = g_ptr_array_new();
    for (guint i = 0; i < map->keys->len; i++) {
        if (strcmp(((const ConfigNode *)map->keys->pdata[i])->text, name) == 0)
            continue;
        g_ptr_array_add(keys, map->keys->pdata[i]);
        g_ptr_array_add(items, map->items->pdata[i]);
    }
    return config_node_map(arena, map->place, keys, items);
}
