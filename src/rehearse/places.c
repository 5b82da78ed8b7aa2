/* Accounts and regions are found wherever an object names an account. Pure. */
#include "rehearse/places.h"
#include <string.h>

#define DEPTH_MAX 32

typedef struct {
    const Cloud *const *clouds;
    GPtrArray *places;      /* of Place; their regions are filled at the end */
    GHashTable *regions_of; /* Place → array of char * */
} Looking;

static gboolean is_fixed(const char *text) {
    return text != NULL && text[0] != '\0' && strstr(text, "${") == NULL;
}

static const Cloud *cloud_named(const Looking *looking, const char *id) {
    for (const Cloud *const *cloud = looking->clouds; *cloud != NULL; cloud++)
        if (strcmp((*cloud)->id, id) == 0)
            return *cloud;
    return NULL;
}

static Place *find_place(Looking *looking, const char *name, const Cloud *cloud) {
    for (guint i = 0; i < looking->places->len; i++) {
        Place *place = g_ptr_array_index(looking->places, i);
        if (strcmp(place->name, name) == 0)
            return place;
    }
    if (looking->places->len >= PLACES_MAX)
        return NULL;
    Place *place = g_new0(Place, 1);
    *place = (Place){.cloud = cloud, .name = g_strdup(name)};
    g_ptr_array_add(looking->places, place);
    g_hash_table_insert(looking->regions_of, place, g_ptr_array_new());
    return place;
}

static void add_region(GPtrArray *regions, const char *region) {
    if (is_fixed(region) && !g_ptr_array_find_with_equal_func(regions, region, g_str_equal, NULL))
        g_ptr_array_add(regions, g_strdup(region));
}

static void add_regions(GPtrArray *regions, const JsonValue *object) {
    static const char *const LISTS[] = {"regions", "locations"};
    for (gsize i = 0; i < G_N_ELEMENTS(LISTS); i++)
        for (JsonIter list = json_iter(json_get(object, LISTS[i])); json_next(&list);)
            add_region(regions, json_string(list.value));
    const JsonValue *zones = json_get(object, "availabilityZones");
    for (JsonIter each = json_iter(json_is_object(zones) ? zones : NULL); json_next(&each);)
        add_region(regions, each.key);
    add_region(regions, json_get_string(object, "region"));
}

static void look(Looking *looking, const JsonValue *value, const Cloud *cloud, guint depth) {
    if (depth > DEPTH_MAX || (!json_is_object(value) && !json_is_array(value)))
        return;
    const char *named = json_get_string(value, "cloudProvider"), *account = json_get_string(value, "account");
    named = named != NULL ? named : json_get_string(value, "cloudProviderType");
    account = account != NULL ? account : json_get_string(value, "credentials");
    cloud = is_fixed(named) ? cloud_named(looking, named) : cloud;
    Place *place = is_fixed(account) && cloud != NULL ? find_place(looking, account, cloud) : NULL;
    if (place != NULL)
        add_regions(g_hash_table_lookup(looking->regions_of, place), value);
    for (JsonIter i = json_iter(value); json_next(&i);)
        look(looking, i.value, cloud, depth + 1);
}

GPtrArray *places_named(const JsonValue *const *pipelines, const Cloud *const *clouds) {
    Looking looking = {clouds, g_ptr_array_new_with_free_func(place_free), g_hash_table_new(NULL, NULL)};
    for (; *pipelines != NULL; pipelines++)
        look(&looking, json_get(*pipelines, "stages"), clouds[0], 0);
    for (guint i = 0; i < looking.places->len; i++) {
        Place *place = g_ptr_array_index(looking.places, i);
        GPtrArray *regions = g_hash_table_lookup(looking.regions_of, place);
        g_ptr_array_add(regions, NULL);
        place->regions = (char **)g_ptr_array_free(regions, FALSE);
    }
    g_hash_table_unref(looking.regions_of);
    return looking.places;
}
