/* A rehearsal in a copy of what there is: the application and its pipelines out of the store, the clouds out of the inventory. */
#include "rehearse/plan.h"
#include "rehearse/internal.h"
#include "rehearse/plan_report.h"
#include "rehearse/twins.h"
#include "stages/metadata/applications.h"
#include "stages/metadata/pipelines.h"
#include "store/objects.h"
#include <string.h>

/* ---- documents ---- */

typedef struct {
    Store *from;
    StoreUnit *unit;
    GHashTable *known; /* kind/id of what was copied */
    GQueue wanted;     /* of char *: kind/id of what the copied start, not looked at yet */
    guint pipelines;
} Copying;

static void want(Copying *copying, const char *kind, const char *id) {
    if (id != NULL)
        g_queue_push_tail(&copying->wanted, g_strconcat(kind, "/", id, NULL));
}

/* What its stages start: pipelines and strategies. */
static void want_started(Copying *copying, const JsonValue *pipeline) {
    for (JsonIter i = json_iter(json_get(pipeline, "stages")); json_next(&i);) {
        want(copying, PIPELINE_KIND, json_get_string(i.value, "pipeline"));
        for (JsonIter cluster = json_iter(json_get(i.value, "clusters")); json_next(&cluster);)
            want(copying, STRATEGY_KIND, json_get_string(cluster.value, "strategyPipeline"));
    }
}

static gboolean copy_object(const StoreObject *object, gpointer data) {
    Copying *copying = data;
    g_autofree char *key = g_strconcat(object->kind, "/", object->id, NULL);
    if (g_hash_table_contains(copying->known, key) || copying->pipelines >= PLAN_PIPELINES_MAX)
        return copying->pipelines < PLAN_PIPELINES_MAX;
    g_hash_table_add(copying->known, g_steal_pointer(&key));
    store_object_save(copying->unit, object, -1, FALSE);
    copying->pipelines += strcmp(object->kind, PIPELINE_KIND) == 0 ? 1 : 0;
    want_started(copying, json_root(object->body));
    return TRUE;
}

/* One that is gone is left out: the stage says so. */
static void copy_key(Copying *copying, const char *key) {
    g_auto(GStrv) parts = g_strsplit(key, "/", 2);
    StoreObject object = {0};
    if (g_hash_table_contains(copying->known, key) || !store_object_load(copying->from, parts[0], parts[1], &object, NULL))
        return;
    copy_object(&object, copying);
    store_object_clear(&object);
}

static void copy_wanted(Copying *copying) {
    while (!g_queue_is_empty(&copying->wanted)) {
        g_autofree char *key = g_queue_pop_head(&copying->wanted);
        copy_key(copying, key);
    }
}

static gboolean copy_documents(Store *from, Store *to, const JsonValue *pipeline, GError **error) {
    const char *application = json_get_string(pipeline, "application");
    g_autofree char *lower = application != NULL ? g_ascii_strdown(application, -1) : NULL;
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Copying copying = {from, store_unit_new(), known, G_QUEUE_INIT, 0};
    want(&copying, APPLICATION_KIND, lower);
    want_started(&copying, pipeline);
    gboolean read = lower == NULL || (store_objects_each(from, PIPELINE_KIND, lower, NULL, copy_object, &copying, error) &&
                                      store_objects_each(from, STRATEGY_KIND, lower, NULL, copy_object, &copying, error));
    copy_wanted(&copying);
    if (read)
        return store_commit(to, copying.unit, error);
    store_unit_free(copying.unit);
    return FALSE;
}

/* ---- clouds ---- */

/* The accounts as they are open. */
static GPtrArray *places_open(Services *services) {
    g_autoptr(GPtrArray) accounts = clouds_accounts(services->clouds);
    GPtrArray *places = g_ptr_array_new_with_free_func(place_free);
    for (guint i = 0; i < accounts->len; i++) {
        const Account *account = accounts->pdata[i];
        Place *place = g_new0(Place, 1);
        *place = (Place){account->cloud,          g_strdup(account->name),     g_strdup(account->environment),
                         g_strdup(account->type), g_strdupv(account->regions), json_ref(account->permissions)};
        g_ptr_array_add(places, place);
    }
    return places;
}

Json *plan_pipeline(const PlanOptions *options, const JsonValue *pipeline, GError **error) {
    Services *services = options->services;
    g_autoptr(Config) config = services_config(services);
    gint64 now_ms = clouds_now_ms(services->clouds);
    RehearsalOptions rehearsed = {.config = config,
                                  .twins = twins_new(clouds_list(services->clouds), places_open(services), FALSE),
                                  .seed = options->seed,
                                  .now_ms = now_ms,
                                  .assumptions = options->assumptions,
                                  .principal = options->principal};
    g_autoptr(Rehearsal) rehearsal = rehearsal_new(&rehearsed, error);
    if (rehearsal == NULL || !copy_documents(services->store, rehearsal_services(rehearsal)->store, pipeline, error))
        return NULL;
    twins_fill(rehearsal_services(rehearsal)->clouds, services->clouds, now_ms);
    rehearsal_look(rehearsal);
    return rehearsal_run(rehearsal, pipeline, error) ? plan_report(rehearsal, options) : NULL;
}
