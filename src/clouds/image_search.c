/* Images as served, and the search for them (aws.md 3), for any cloud. Pure on a snapshot; any thread. */
#include "clouds/image_search.h"
#include <string.h>

#define IMAGES_FOUND_MAX 1000

/* ---- one name, with all images of it ---- */

typedef struct {
    char *name;
    GPtrArray *images; /* of const InventoryObject *, borrowed */
} NamedImage;

static void named_free(gpointer data) {
    NamedImage *named = data;
    g_free(named->name);
    g_ptr_array_unref(named->images);
    g_free(named);
}

static void add_tags(JsonBuilder *builder, const char *key, const Image *image) {
    json_begin_object(builder, key);
    for (JsonIter i = json_iter(json_root(image->tags)); json_next(&i);) {
        g_autofree char *lower = g_utf8_strdown(i.key, -1);
        json_add_value(builder, lower, i.value);
    }
    json_end_object(builder);
}

/* The same image may be seen by several accounts; tags are each account's own, so the view with the most tells. */
static const Image *best_view(const GPtrArray *images, guint from) {
    const Image *best = ((const InventoryObject *)images->pdata[from])->record;
    for (guint i = from + 1; i < images->len; i++) {
        const Image *other = ((const InventoryObject *)images->pdata[i])->record;
        if (!strcmp(other->id, best->id) && json_length(json_root(other->tags)) > json_length(json_root(best->tags)))
            best = other;
    }
    return best;
}

static gboolean is_first_view(const GPtrArray *images, guint index) {
    const char *id = ((const InventoryObject *)images->pdata[index])->id;
    for (guint i = 0; i < index; i++)
        if (!strcmp(((const InventoryObject *)images->pdata[i])->id, id))
            return FALSE;
    return TRUE;
}

static void add_accounts(JsonBuilder *builder, const GPtrArray *images) {
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    json_begin_array(builder, "accounts");
    for (guint i = 0; i < images->len; i++) {
        const InventoryObject *image = images->pdata[i];
        if (g_ptr_array_find_with_equal_func(names, image->account, g_str_equal, NULL))
            continue;
        g_ptr_array_add(names, image->account);
        json_add_string(builder, NULL, image->account);
    }
    json_end_array(builder);
}

static void add_region(JsonBuilder *builder, const GPtrArray *images, const char *region) {
    json_begin_array(builder, region);
    for (guint i = 0; i < images->len; i++) {
        const InventoryObject *image = images->pdata[i];
        if (!strcmp(image->region, region) && is_first_view(images, i))
            json_add_string(builder, NULL, image->id);
    }
    json_end_array(builder);
}

static void add_ids(JsonBuilder *builder, const GPtrArray *images) {
    g_autoptr(GPtrArray) regions = g_ptr_array_new();
    json_begin_object(builder, "amis");
    for (guint i = 0; i < images->len; i++) {
        const InventoryObject *image = images->pdata[i];
        if (g_ptr_array_find_with_equal_func(regions, image->region, g_str_equal, NULL))
            continue;
        g_ptr_array_add(regions, image->region);
        add_region(builder, images, image->region);
    }
    json_end_object(builder);
}

static void add_named(JsonBuilder *builder, const NamedImage *named) {
    const Image *first = best_view(named->images, 0);
    json_begin_object(builder, NULL);
    json_add_string(builder, "imageName", named->name);
    json_add_json(builder, "attributes", first->attributes);
    json_begin_object(builder, "tagsByImageId");
    for (guint i = 0; i < named->images->len; i++)
        if (is_first_view(named->images, i))
            add_tags(builder, ((const InventoryObject *)named->images->pdata[i])->id, best_view(named->images, i));
    json_end_object(builder);
    add_accounts(builder, named->images);
    add_ids(builder, named->images);
    add_tags(builder, "tags", first);
    json_end_object(builder);
}

static NamedImage *named_new(const char *name) {
    NamedImage *named = g_new0(NamedImage, 1);
    named->name = g_strdup(name);
    named->images = g_ptr_array_new();
    return named;
}

Json *view_image(const InventorySnapshot *snapshot, const InventoryObject *object) {
    (void)snapshot;
    const Image *image = object->record;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    NamedImage *named = named_new(image->name ? image->name : image->id);
    g_ptr_array_add(named->images, (gpointer)object);
    add_named(builder, named);
    named_free(named);
    return json_builder_end(builder);
}

/* ---- searching ---- */

typedef struct {
    Clouds *clouds;
    const char *cloud;
    const char *account, *region;
    const JsonValue *query; /* with tag:… members */
    GPatternSpec *pattern;  /* folded; NULL: by id */
    const char *id;
    GHashTable *by_name; /* name → NamedImage */
} ImageSearch;

static gboolean is_ours(const ImageSearch *search, const InventoryObject *object) {
    g_autoptr(Account) account = clouds_account(search->clouds, object->account, NULL);
    return account && !strcmp(account->cloud->id, search->cloud);
}

static gboolean has_tag(const Image *image, const char *key, const char *value) {
    for (JsonIter i = json_iter(json_root(image->tags)); json_next(&i);)
        if (!g_ascii_strcasecmp(i.key, key) && json_string(i.value) && !g_ascii_strcasecmp(json_string(i.value), value))
            return TRUE;
    return FALSE;
}

/* All tag filters must hold. */
static gboolean has_tags(const ImageSearch *search, const Image *image) {
    for (JsonIter i = json_iter(search->query); json_next(&i);) {
        const char *value = json_string(i.value);
        if (g_str_has_prefix(i.key, "tag:") && value && !has_tag(image, i.key + strlen("tag:"), value))
            return FALSE;
    }
    return TRUE;
}

static gboolean consider(const InventoryObject *object, gpointer data) {
    ImageSearch *search = data;
    const Image *image = object->record;
    if (!image || strcmp(image->cloud, search->cloud))
        return TRUE;
    const char *name = image->name ? image->name : image->id;
    g_autofree char *folded = g_ascii_strdown(name, -1);
    gboolean matches = search->pattern ? g_pattern_spec_match_string(search->pattern, folded) : !strcmp(object->id, search->id);
    if (!matches || !has_tags(search, image) || !is_ours(search, object))
        return TRUE;
    NamedImage *named = g_hash_table_lookup(search->by_name, name);
    if (!named) {
        named = named_new(name);
        g_hash_table_insert(search->by_name, named->name, named);
    }
    g_ptr_array_add(named->images, (gpointer)object);
    return TRUE;
}

/* Where the words asked for stand in the name, then the name itself. */
static int name_order(gconstpointer left, gconstpointer right, gpointer data) {
    const NamedImage *a = *(const NamedImage *const *)left, *b = *(const NamedImage *const *)right;
    const char *words = data, *in_a = strstr(a->name, words), *in_b = strstr(b->name, words);
    gssize at_a = in_a ? in_a - a->name : G_MAXINT32, at_b = in_b ? in_b - b->name : G_MAXINT32;
    return at_a != at_b ? (at_a < at_b ? -1 : 1) : strcmp(a->name, b->name);
}

static Json *found_json(const ImageSearch *search, const char *words) {
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    GHashTableIter iter;
    gpointer named;
    g_hash_table_iter_init(&iter, search->by_name);
    while (g_hash_table_iter_next(&iter, NULL, &named))
        g_ptr_array_add(list, named);
    g_ptr_array_sort_with_data(list, name_order, (gpointer)words);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < MIN(list->len, IMAGES_FOUND_MAX); i++)
        add_named(builder, list->pdata[i]);
    json_end_array(builder);
    return json_builder_end(builder);
}

gboolean view_images_check_query(const char *q, GError **error) {
    if (q && strlen(q) >= IMAGE_QUERY_MIN)
        return TRUE;
    error_set(error, ERR_INVALID, "Won't search for images on less than %d characters (q: %s)", IMAGE_QUERY_MIN, q ? q : "");
    return FALSE;
}

static const char *member(const JsonValue *query, const char *key) {
    const char *text = json_get_string(query, key);
    return text && *text ? text : NULL;
}

Json *view_images_find(Clouds *clouds, const char *cloud, const char *id_prefix, const JsonValue *query) {
    const char *q = json_get_string(query, "q");
    g_autofree char *lower = g_ascii_strdown(q, -1);
    g_autofree char *glob = strpbrk(q, "*?") ? g_strdup(lower) : g_strdup_printf("*%s*", lower);
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(clouds));
    GPatternSpec *pattern = g_pattern_spec_new(glob);
    ImageSearch search = {clouds,
                          cloud,
                          member(query, "account"),
                          member(query, "region"),
                          query,
                          pattern,
                          q,
                          g_hash_table_new_full(g_str_hash, g_str_equal, NULL, named_free)};
    inventory_each(snapshot, search.account, KIND_IMAGE, search.region, consider, &search);
    if (!g_hash_table_size(search.by_name) && g_str_has_prefix(q, id_prefix)) {
        search.pattern = NULL;
        inventory_each(snapshot, search.account, KIND_IMAGE, search.region, consider, &search);
    }
    Json *found = found_json(&search, q);
    g_hash_table_unref(search.by_name);
    g_pattern_spec_free(pattern);
    return found;
}
