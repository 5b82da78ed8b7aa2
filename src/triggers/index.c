/* The triggers of all pipelines, by what events name: source, repository, parent pipeline … An event finds its candidates without
 * looking at others. A changed pipeline is noted when its commit is published, and read again before the next look-up: an edit that was
 * answered counts at once. Any thread. Locks: index->refreshing,
 * then index->lock, then index->noting. */
#include "base/log.h"
#include "stages/metadata/pipelines.h"
#include "templates/templates.h"
#include "triggers/internal.h"
#include <string.h>

#define BETWEEN "\x1f"

struct TriggerIndex {
    Store *store;
    GMutex refreshing;               /* one reader of changed pipelines at a time */
    GMutex noting;                   /* of changed */
    GHashTable *changed, *refreshed; /* ids */
    GMutex lock;                     /* of the tables */
    GHashTable *pipelines;           /* id to IndexedPipeline (reference) */
    GHashTable *keys;                /* key to table of IndexedPipeline (borrowed) */
    GHashTable *types;               /* type of trigger to the same */
};

/* ---- keys and ids ---- */
static char *key_join(const TriggerHandler *handler, GPtrArray *parts) {
    GString *text = g_string_new(handler->event_type);
    for (guint i = 0; i < parts->len; i++)
        g_string_append_printf(text, BETWEEN "%s", (const char *)parts->pdata[i]);
    return g_string_free(text, FALSE);
}

static gboolean add_part(GPtrArray *parts, const MatchKey *key, const JsonValue *value) {
    g_autofree char *text = json_as_text(value);
    if (text == NULL || *text == '\0')
        return FALSE;
    g_ptr_array_add(parts, key->fold ? g_ascii_strdown(text, -1) : g_strdup(text));
    return TRUE;
}

char *trigger_key_of_trigger(const TriggerHandler *handler, const JsonValue *trigger) {
    g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(g_free);
    for (const MatchKey *key = handler->keys; key->trigger != NULL; key++)
        if (!add_part(parts, key, json_get(trigger, key->trigger)))
            return NULL;
    return key_join(handler, parts);
}

char *trigger_key_of_event(const TriggerHandler *handler, const Event *event) {
    g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(g_free);
    for (const MatchKey *key = handler->keys; key->trigger != NULL; key++)
        if (!add_part(parts, key, event_at(event, key->event)))
            return NULL;
    return key_join(handler, parts);
}

char *trigger_derive_id(const JsonValue *pipeline, const JsonValue *trigger) {
    static const char *const OF_PIPELINE[] = {"application", "name", "id"};
    static const char *const OF_TRIGGER[] = {"id",
                                             "type",
                                             "master",
                                             "job",
                                             "cronExpression",
                                             "source",
                                             "project",
                                             "slug",
                                             "account",
                                             "organization",
                                             "registry",
                                             "repository",
                                             "tag",
                                             "digest",
                                             "parameters",
                                             "payloadConstraints",
                                             "attributeConstraints",
                                             "branch",
                                             "events",
                                             "secret",
                                             "runAsUser",
                                             "subscriptionName",
                                             "pubsubSystem",
                                             "expectedArtifactIds",
                                             "payload",
                                             "status",
                                             "artifactName",
                                             "version",
                                             "link",
                                             "linkText",
                                             "application",
                                             "pipeline",
                                             "artifactorySearchName",
                                             "nexusSearchName",
                                             "pluginEventType",
                                             "propertyFile"};
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_MD5);
    for (gsize i = 0; i < G_N_ELEMENTS(OF_PIPELINE) + G_N_ELEMENTS(OF_TRIGGER); i++) {
        gboolean first = i < G_N_ELEMENTS(OF_PIPELINE);
        const char *name = first ? OF_PIPELINE[i] : OF_TRIGGER[i - G_N_ELEMENTS(OF_PIPELINE)];
        gsize length = 0;
        g_autofree char *text = json_write(json_get(first ? pipeline : trigger, name), &length);
        g_checksum_update(sum, (const guchar *)name, (gssize)strlen(name) + 1);
        g_checksum_update(sum, (const guchar *)text, (gssize)length + 1);
    }
    const char *hex = g_checksum_get_string(sum);
    return g_strdup_printf("%.8s-%.4s-3%.3s-8%.3s-%.12s", hex, hex + 8, hex + 13, hex + 17, hex + 20);
}

/* ---- a pipeline ---- */
static void trigger_clear(gpointer data) {
    IndexedTrigger *trigger = data;
    g_free(trigger->id);
    g_free(trigger->key);
    json_unref(trigger->trigger);
}

IndexedPipeline *indexed_pipeline_ref(IndexedPipeline *pipeline) {
    g_atomic_ref_count_inc(&pipeline->ref_count);
    return pipeline;
}

void indexed_pipeline_unref(IndexedPipeline *pipeline) {
    if (pipeline == NULL || !g_atomic_ref_count_dec(&pipeline->ref_count))
        return;
    g_free(pipeline->id);
    g_free(pipeline->name);
    g_free(pipeline->application);
    g_free(pipeline->problem);
    g_array_unref(pipeline->triggers);
    g_array_unref(pipeline->others);
    g_free(pipeline);
}

static gboolean is_templated(const JsonValue *pipeline) {
    return g_strcmp0(json_get_string(pipeline, "type"), "templatedPipeline") == 0 &&
           g_strcmp0(json_get_string(pipeline, "schema"), "v2") == 0;
}

/* The pipeline that a templated one stands for: inherited triggers count. One that cannot be planned has none (triggers.md 1.4), and
 * *problem says why; caller owns both. */
static Json *planned(Store *store, const char *id, const JsonValue *pipeline, char **problem) {
    static const char *const TRIGGERS[] = {"triggers", NULL};
    g_autoptr(GError) error = NULL;
    TemplateRequest request = {.sources = {.store = store}, .planning = TRUE};
    g_autoptr(Json) expanded = templates_expand(&request, pipeline, &error);
    const JsonValue *errors = json_get(json_root(expanded), "errors");
    if (expanded != NULL && json_length(errors) == 0)
        return g_steal_pointer(&expanded);
    g_autofree char *text = templates_errors_text(errors);
    *problem = g_strdup_printf("It has no triggers, as its template cannot be applied: %s", error != NULL ? error->message : text);
    log_warning("triggers", "pipeline %s: %s", id, *problem);
    return json_without(pipeline, TRIGGERS);
}

static GArray *trigger_array(void) {
    GArray *triggers = g_array_new(FALSE, FALSE, sizeof(IndexedTrigger));
    g_array_set_clear_func(triggers, trigger_clear);
    return triggers;
}

static IndexedTrigger trigger_read(const JsonValue *pipeline, const JsonValue *stored, gsize index) {
    const char *type = json_get_string(stored, "type");
    IndexedTrigger trigger = {.index = (guint)index, .id = trigger_derive_id(pipeline, stored)};
    trigger.handler = type != NULL ? trigger_handler_of_trigger(type) : NULL;
    trigger.trigger = json_with_string(stored, "id", trigger.id);
    trigger.key = trigger.handler != NULL ? trigger_key_of_trigger(trigger.handler, json_root(trigger.trigger)) : NULL;
    trigger.enabled = json_get_bool(stored, "enabled", FALSE);
    return trigger;
}

static IndexedPipeline *pipeline_read(Store *store, const char *id, const JsonValue *stored) {
    char *problem = NULL;
    g_autoptr(Json) expanded = is_templated(stored) ? planned(store, id, stored, &problem) : NULL;
    const JsonValue *pipeline = expanded != NULL ? json_root(expanded) : stored;
    const char *name = json_get_string(pipeline, "name"), *application = json_get_string(pipeline, "application");
    IndexedPipeline *read = g_new0(IndexedPipeline, 1);
    g_atomic_ref_count_init(&read->ref_count);
    read->id = g_strdup(id);
    read->name = g_strdup(name != NULL ? name : id);
    read->application = g_strdup(application != NULL ? application : "");
    read->disabled = json_is_true(json_get(stored, "disabled"));
    read->templated = expanded != NULL;
    read->problem = problem;
    read->triggers = trigger_array();
    read->others = trigger_array();
    for (JsonIter i = json_iter(json_get(pipeline, "triggers")); json_next(&i);) {
        if (!json_is_object(i.value))
            continue;
        IndexedTrigger trigger = trigger_read(pipeline, i.value, i.index);
        g_array_append_val(trigger.handler != NULL ? read->triggers : read->others, trigger);
    }
    return read;
}

/* ---- the tables; index->lock is held ---- */
static void table_add(GHashTable *table, const char *name, IndexedPipeline *pipeline) {
    GHashTable *set = g_hash_table_lookup(table, name);
    if (set == NULL) {
        set = g_hash_table_new(NULL, NULL);
        g_hash_table_insert(table, g_strdup(name), set);
    }
    g_hash_table_add(set, pipeline);
}

static void table_remove(GHashTable *table, const char *name, IndexedPipeline *pipeline) {
    GHashTable *set = g_hash_table_lookup(table, name);
    if (set == NULL)
        return;
    g_hash_table_remove(set, pipeline);
    if (g_hash_table_size(set) == 0)
        g_hash_table_remove(table, name);
}

static void forget(TriggerIndex *index, const char *id) {
    IndexedPipeline *old = g_hash_table_lookup(index->pipelines, id);
    for (guint i = 0; old != NULL && i < old->triggers->len; i++) {
        const IndexedTrigger *trigger = &g_array_index(old->triggers, IndexedTrigger, i);
        if (trigger->key != NULL)
            table_remove(index->keys, trigger->key, old);
        table_remove(index->types, json_get_string(json_root(trigger->trigger), "type"), old);
    }
    g_hash_table_remove(index->pipelines, id);
}

/* Takes the pipeline. Those without triggers are kept too: they may be asked for by id. */
static void learn(TriggerIndex *index, IndexedPipeline *pipeline) {
    forget(index, pipeline->id);
    for (guint i = 0; i < pipeline->triggers->len; i++) {
        const IndexedTrigger *trigger = &g_array_index(pipeline->triggers, IndexedTrigger, i);
        if (trigger->key != NULL)
            table_add(index->keys, trigger->key, pipeline);
        table_add(index->types, json_get_string(json_root(trigger->trigger), "type"), pipeline);
    }
    g_hash_table_insert(index->pipelines, pipeline->id, pipeline);
}

/* ---- life ---- */
static gboolean learn_object(const StoreObject *object, gpointer data) {
    TriggerIndex *index = data;
    learn(index, pipeline_read(index->store, object->id, json_root(object->body)));
    return TRUE;
}

TriggerIndex *trigger_index_new(Store *store, GError **error) {
    TriggerIndex *index = g_new0(TriggerIndex, 1);
    index->store = store;
    g_mutex_init(&index->refreshing);
    g_mutex_init(&index->noting);
    g_mutex_init(&index->lock);
    index->changed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    index->refreshed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    index->pipelines = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)indexed_pipeline_unref);
    index->keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
    index->types = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
    if (store_objects_each(store, PIPELINE_KIND, NULL, NULL, learn_object, index, error))
        return index;
    trigger_index_free(index);
    return NULL;
}

void trigger_index_free(TriggerIndex *index) {
    if (index == NULL)
        return;
    g_hash_table_unref(index->keys);
    g_hash_table_unref(index->types);
    g_hash_table_unref(index->pipelines);
    g_hash_table_unref(index->changed);
    g_hash_table_unref(index->refreshed);
    g_mutex_clear(&index->refreshing);
    g_mutex_clear(&index->noting);
    g_mutex_clear(&index->lock);
    g_free(index);
}

/* ---- changes ---- */
void trigger_index_invalidate(TriggerIndex *index, const char *pipeline_id) {
    g_mutex_lock(&index->noting);
    g_hash_table_add(index->changed, g_strdup(pipeline_id));
    g_mutex_unlock(&index->noting);
}

void trigger_index_invalidate_templated(TriggerIndex *index) {
    GHashTableIter iter;
    gpointer id, pipeline;
    g_mutex_lock(&index->lock);
    g_mutex_lock(&index->noting);
    g_hash_table_iter_init(&iter, index->pipelines);
    while (g_hash_table_iter_next(&iter, &id, &pipeline))
        if (((IndexedPipeline *)pipeline)->templated)
            g_hash_table_add(index->changed, g_strdup(id));
    g_mutex_unlock(&index->noting);
    g_mutex_unlock(&index->lock);
}

static GHashTable *take_changed(TriggerIndex *index) {
    g_mutex_lock(&index->noting);
    GHashTable *changed = NULL;
    if (g_hash_table_size(index->changed) > 0) {
        changed = index->changed;
        index->changed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    }
    g_mutex_unlock(&index->noting);
    return changed;
}

static void refresh_one(TriggerIndex *index, const char *id) {
    g_autoptr(GError) error = NULL;
    StoreObject object = {0};
    gboolean found = store_object_load(index->store, PIPELINE_KIND, id, &object, &error);
    if (!found && error_code(error) != ERR_NOT_FOUND) {
        log_warning("triggers", "the triggers of pipeline %s are read again later: %s", id, error->message);
        trigger_index_invalidate(index, id);
        return;
    }
    IndexedPipeline *fresh = found ? pipeline_read(index->store, id, json_root(object.body)) : NULL;
    g_mutex_lock(&index->lock);
    if (fresh != NULL)
        learn(index, fresh);
    else
        forget(index, id);
    g_mutex_unlock(&index->lock);
    if (found)
        store_object_clear(&object);
}

static void note_refreshed(TriggerIndex *index, const char *id) {
    g_mutex_lock(&index->noting);
    g_hash_table_add(index->refreshed, g_strdup(id));
    g_mutex_unlock(&index->noting);
}

void trigger_index_refresh(TriggerIndex *index) {
    g_mutex_lock(&index->refreshing);
    g_autoptr(GHashTable) changed = take_changed(index);
    GHashTableIter iter;
    gpointer id;
    if (changed != NULL)
        g_hash_table_iter_init(&iter, changed);
    while (changed != NULL && g_hash_table_iter_next(&iter, &id, NULL)) {
        refresh_one(index, id);
        note_refreshed(index, id);
    }
    g_mutex_unlock(&index->refreshing);
}

GPtrArray *trigger_index_take_refreshed(TriggerIndex *index) {
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    gpointer id;
    g_mutex_lock(&index->noting);
    g_hash_table_iter_init(&iter, index->refreshed);
    while (g_hash_table_iter_next(&iter, &id, NULL)) {
        g_ptr_array_add(ids, id);
        g_hash_table_iter_steal(&iter);
    }
    g_mutex_unlock(&index->noting);
    return ids;
}

/* ---- looking up ---- */
static int pipeline_order(gconstpointer a, gconstpointer b) {
    const IndexedPipeline *left = *(IndexedPipeline *const *)a, *right = *(IndexedPipeline *const *)b;
    int order = strcmp(left->application, right->application);
    if (order == 0)
        order = strcmp(left->name, right->name);
    return order != 0 ? order : strcmp(left->id, right->id);
}

static GPtrArray *pipelines_in(TriggerIndex *index, GHashTable *table, const char *name) {
    GPtrArray *found = g_ptr_array_new_with_free_func((GDestroyNotify)indexed_pipeline_unref);
    g_mutex_lock(&index->lock);
    GHashTable *set = g_hash_table_lookup(table, name);
    if (set != NULL) {
        GHashTableIter iter;
        gpointer pipeline;
        g_hash_table_iter_init(&iter, set);
        while (g_hash_table_iter_next(&iter, &pipeline, NULL))
            g_ptr_array_add(found, indexed_pipeline_ref(pipeline));
    }
    g_mutex_unlock(&index->lock);
    g_ptr_array_sort(found, pipeline_order);
    return found;
}

GPtrArray *trigger_index_find(TriggerIndex *index, const char *key) {
    trigger_index_refresh(index);
    return pipelines_in(index, index->keys, key);
}

GPtrArray *trigger_index_of_type(TriggerIndex *index, const char *type) {
    trigger_index_refresh(index);
    return pipelines_in(index, index->types, type);
}

IndexedPipeline *trigger_index_pipeline(TriggerIndex *index, const char *pipeline_id) {
    trigger_index_refresh(index);
    g_mutex_lock(&index->lock);
    IndexedPipeline *pipeline = g_hash_table_lookup(index->pipelines, pipeline_id);
    if (pipeline != NULL)
        indexed_pipeline_ref(pipeline);
    g_mutex_unlock(&index->lock);
    return pipeline;
}

gboolean trigger_index_has(TriggerIndex *index, const char *key) {
    trigger_index_refresh(index);
    g_mutex_lock(&index->lock);
    gboolean has = g_hash_table_contains(index->keys, key);
    g_mutex_unlock(&index->lock);
    return has;
}

static int text_order(gconstpointer a, gconstpointer b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

GPtrArray *trigger_index_keys(TriggerIndex *index, const TriggerHandler *handler) {
    GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);
    gsize prefix = strlen(handler->event_type);
    guint looked_at = 0;
    GHashTableIter iter;
    gpointer key;
    g_mutex_lock(&index->lock);
    g_hash_table_iter_init(&iter, index->keys);
    while (looked_at++ < NEAREST_SCAN_MAX && g_hash_table_iter_next(&iter, &key, NULL)) {
        const char *text = key;
        if (!g_str_has_prefix(text, handler->event_type) || text[prefix] != *BETWEEN)
            continue;
        g_auto(GStrv) parts = g_strsplit(text + prefix + 1, BETWEEN, -1);
        g_ptr_array_add(keys, g_strjoinv("/", parts));
    }
    g_mutex_unlock(&index->lock);
    g_ptr_array_sort(keys, text_order);
    return keys;
}
