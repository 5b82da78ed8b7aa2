/* A twin is a copy of the simulated cloud's table under another name. It accepts every operation that the other has: what the simulated
 * cloud does not know is only written into the operation's lines. Pure data but for the opening of accounts. */
#include "rehearse/twins.h"
#include "clouds/simulator/accounts.h"
#include "clouds/simulator/simulator.h"
#include <string.h>

struct Twins {
    GPtrArray *places;     /* of Place */
    GPtrArray *clouds;     /* of Cloud, owned */
    GPtrArray *operations; /* of CloudOperation, owned: those that are only told */
    GPtrArray *tables;     /* of const CloudOperation **, owned */
    GPtrArray *list;       /* of Cloud, NULL at the end */
};

void place_free(gpointer data) {
    Place *place = data;
    g_free(place->name);
    g_free(place->environment);
    g_free(place->type);
    g_strfreev(place->regions);
    json_unref(place->permissions);
    g_free(place);
}

/* ---- operations ---- */

static gboolean tell(Operation *operation, guint item, GError **error) {
    (void)item, (void)error;
    operation_line(operation, "It is not simulated; it is taken for done");
    return TRUE;
}

static const OperationStep told_steps[] = {{.name = "tell", .act = tell, .repeat = REPEAT_IDEMPOTENT}, {0}};

static void add_operations(Twins *twins, Cloud *twin, const Cloud *cloud) {
    GPtrArray *table = g_ptr_array_new();
    for (const CloudOperation *const *each = cloud_simulator.operations; *each != NULL; each++)
        g_ptr_array_add(table, (gpointer)*each);
    for (const CloudOperation *const *each = cloud->operations; each != NULL && *each != NULL; each++) {
        if (cloud_has_operation(&cloud_simulator, (*each)->name))
            continue;
        CloudOperation *told = g_new0(CloudOperation, 1);
        *told = (CloudOperation){.name = (*each)->name,
                                 .aliases = (*each)->aliases,
                                 .help = (*each)->help,
                                 .takes_server_groups = (*each)->takes_server_groups,
                                 .account_is_target = (*each)->account_is_target,
                                 .steps = told_steps};
        g_ptr_array_add(twins->operations, told);
        g_ptr_array_add(table, told);
    }
    g_ptr_array_add(table, NULL);
    twin->operations = (const CloudOperation *const *)table->pdata;
    g_ptr_array_add(twins->tables, g_ptr_array_free(table, FALSE));
}

/* ---- accounts ---- */

static const Cloud *twin_named(const Twins *twins, const char *id) {
    for (guint i = 0; i < twins->clouds->len; i++)
        if (strcmp(((const Cloud *)twins->clouds->pdata[i])->id, id) == 0)
            return twins->clouds->pdata[i];
    return NULL;
}

/* All of all twins: asked of the first one. */
static GPtrArray *open_places(Config *config, Clouds *clouds, GPtrArray *problems) {
    (void)config, (void)problems;
    const Twins *twins = twins_of(clouds);
    GPtrArray *accounts = g_ptr_array_new_with_free_func((GDestroyNotify)account_unref);
    for (guint i = 0; i < twins->places->len; i++) {
        const Place *place = g_ptr_array_index(twins->places, i);
        const Cloud *twin = twin_named(twins, place->cloud->id);
        if (twin != NULL)
            g_ptr_array_add(accounts, simulator_account_new(simulator_room(clouds), twin, place->name, place->environment, place->type,
                                                            (const char *const *)place->regions, place->permissions));
    }
    return accounts;
}

static GPtrArray *open_none(Config *config, Clouds *clouds, GPtrArray *problems) {
    (void)config, (void)clouds, (void)problems;
    return g_ptr_array_new_with_free_func((GDestroyNotify)account_unref);
}

/* ---- the list ---- */

static void add_twin(Twins *twins, const Cloud *cloud) {
    Cloud *twin = g_new(Cloud, 1);
    *twin = cloud_simulator;
    twin->id = cloud->id;
    twin->platform_health = cloud->platform_health;
    twin->image_key = cloud->image_key;
    twin->snapshots_source_capacity = cloud->snapshots_source_capacity;
    twin->sections = NULL;
    twin->open = twins->clouds->len == 0 ? open_places : open_none;
    add_operations(twins, twin, cloud);
    g_ptr_array_add(twins->clouds, twin);
    g_ptr_array_add(twins->list, twin);
}

Twins *twins_new(const Cloud *const *clouds, GPtrArray *places, gboolean configured) {
    Twins *twins = g_new0(Twins, 1);
    twins->places = places;
    twins->clouds = g_ptr_array_new_with_free_func(g_free);
    twins->operations = g_ptr_array_new_with_free_func(g_free);
    twins->tables = g_ptr_array_new_with_free_func(g_free);
    twins->list = g_ptr_array_new();
    for (; *clouds != NULL; clouds++) {
        if (configured && *clouds == &cloud_simulator)
            g_ptr_array_add(twins->list, (gpointer)*clouds);
        else
            add_twin(twins, *clouds);
    }
    g_ptr_array_add(twins->list, NULL);
    return twins;
}

void twins_free(Twins *twins) {
    if (twins == NULL)
        return;
    g_ptr_array_unref(twins->list);
    g_ptr_array_unref(twins->places);
    g_ptr_array_unref(twins->clouds);
    g_ptr_array_unref(twins->tables);
    g_ptr_array_unref(twins->operations);
    g_free(twins);
}

const Cloud *const *twins_list(const Twins *twins) {
    return (const Cloud *const *)twins->list->pdata;
}
