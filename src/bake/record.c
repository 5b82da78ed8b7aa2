/* The rows of bakes. Owns nothing; any thread. */
#include "bake/record.h"
#include <string.h>

void bake_record_clear(BakeRecord *record) {
    g_free(record->id);
    g_free(record->phase);
    json_unref(record->body);
    memset(record, 0, sizeof *record);
}

gboolean bake_record_load(Store *store, const char *id, BakeRecord *into, GError **error) {
    StoreObject object = {0};
    memset(into, 0, sizeof *into);
    if (!store_object_load(store, BAKE_KIND, id, &object, error))
        return FALSE;
    into->id = g_strdup(id);
    into->version = object.version;
    into->created_ms = object.created_ms;
    into->phase = g_strdup(object.name);
    into->body = json_ref(object.body);
    store_object_clear(&object);
    return TRUE;
}

/* Keys are as long as their packages; a row's id is of one size. */
static char *key_id(const char *key) {
    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, key, -1);
}

char *bake_record_of_key(Store *store, const char *key, gint64 *version, GError **error) {
    g_autofree char *id = key_id(key);
    g_autoptr(GError) failed = NULL;
    StoreObject object = {0};
    *version = 0;
    if (!store_object_load(store, BAKE_KEY_KIND, id, &object, &failed)) {
        if (error_code(failed) != ERR_NOT_FOUND)
            g_propagate_error(error, g_steal_pointer(&failed));
        return NULL;
    }
    char *bake = g_strdup(json_get_string(json_root(object.body), "bake"));
    *version = object.version;
    store_object_clear(&object);
    return bake;
}

/* ---- creating ---- */

static void add_waiter(JsonBuilder *builder, const char *execution_id, const char *stage_id) {
    json_begin_object(builder, NULL);
    json_add_string(builder, "execution", execution_id);
    json_add_string(builder, "stage", stage_id);
    json_end_object(builder);
}

static void add_recipe(JsonBuilder *builder, const BakeRecipe *recipe) {
    json_begin_object(builder, "recipe");
    json_add_string(builder, "image_name", recipe->image_name);
    json_add_string(builder, "base_ami", recipe->base_ami);
    json_add_string(builder, "template", recipe->template);
    json_add_string(builder, "var_file", recipe->var_file);
    json_add_json(builder, "variables", recipe->variables);
    json_end_object(builder);
}

static Json *new_body(const BakeNew *bake) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "key", bake->key);
    json_add_string(builder, "region", bake->region);
    json_add_string(builder, "state", "RUNNING");
    json_add_int(builder, "attempt", 1);
    json_add_value(builder, "request", bake->request);
    add_recipe(builder, bake->recipe);
    json_begin_array(builder, "waiters");
    if (bake->execution_id != NULL && bake->stage_id != NULL)
        add_waiter(builder, bake->execution_id, bake->stage_id);
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

gboolean bake_record_create(Store *store, const BakeNew *bake, gint64 key_version, GError **error) {
    g_autoptr(Json) body = new_body(bake), pointer = json_pack("{s:s, s:s}", "bake", bake->id, "key", bake->key);
    g_autofree char *key = key_id(bake->key);
    const char *user = json_get_string(bake->request, "user");
    StoreObject row = {
        .kind = BAKE_KIND, .id = bake->id, .name = BAKE_RUNNING, .updated_ms = bake->now_ms, .updated_by = user, .body = body};
    StoreObject key_row = {.kind = BAKE_KEY_KIND, .id = key, .updated_ms = bake->now_ms, .updated_by = user, .body = pointer};
    StoreUnit *unit = store_unit_new();
    store_object_save(unit, &row, 0, FALSE);
    store_object_save(unit, &key_row, key_version, FALSE);
    store_unit_change(unit, &(StoreChange){.kind = BAKE_KIND, .id = bake->id, .status = "RUNNING", .version = 1});
    return store_commit(store, unit, error);
}

gboolean bake_record_forget_key(Store *store, const char *key, gint64 version, GError **error) {
    g_autofree char *id = key_id(key);
    StoreUnit *unit = store_unit_new();
    store_object_delete(unit, BAKE_KEY_KIND, id, version);
    return store_commit(store, unit, error);
}

/* ---- changing ---- */

static gboolean try_change(Store *store, const char *id, gint64 now_ms, BakeChange change, gpointer data, BakeRecord *after,
                           GError **error) {
    g_auto(BakeRecord) record = {0};
    if (!bake_record_load(store, id, &record, error))
        return FALSE;
    const char *phase = record.phase;
    g_autoptr(Json) changes = change(&record, &phase, data);
    if (changes != NULL) {
        g_autoptr(Json) body = json_merge(json_root(record.body), json_root(changes));
        StoreObject row = {.kind = BAKE_KIND, .id = id, .name = phase, .updated_ms = now_ms, .body = body};
        StoreUnit *unit = store_unit_new();
        store_object_save(unit, &row, record.version, FALSE);
        store_unit_change(
            unit, &(StoreChange){
                      .kind = BAKE_KIND, .id = id, .version = record.version + 1, .status = json_get_string(json_root(body), "state")});
        if (!store_commit(store, unit, error))
            return FALSE;
        json_unref(record.body);
        record.body = g_steal_pointer(&body);
        char *copy = g_strdup(phase); /* it may be the old one */
        g_free(record.phase);
        record.phase = copy;
        record.version++;
    }
    if (after != NULL) {
        *after = record;
        memset(&record, 0, sizeof record);
    }
    return TRUE;
}

gboolean bake_record_change(Store *store, const char *id, gint64 now_ms, BakeChange change, gpointer data, BakeRecord *after,
                            GError **error) {
    for (guint tries = 1;; tries++) {
        g_autoptr(GError) failed = NULL;
        if (try_change(store, id, now_ms, change, data, after, &failed))
            return TRUE;
        if (error_code(failed) != ERR_CONFLICT || tries == BAKE_CAS_TRIES) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return FALSE;
        }
    }
}

/* ---- what they say ---- */

gboolean bake_record_runs(const BakeRecord *record) {
    return g_strcmp0(json_get_string(json_root(record->body), "state"), "RUNNING") == 0;
}

gboolean bake_record_succeeded(const BakeRecord *record) {
    const JsonValue *body = json_root(record->body);
    return g_strcmp0(json_get_string(body, "state"), "COMPLETED") == 0 && g_strcmp0(json_get_string(body, "result"), "SUCCESS") == 0;
}

Json *bake_record_status(const BakeRecord *record) {
    const JsonValue *body = json_root(record->body);
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", record->id, "state", json_get_string(body, "state"), "result",
                     json_get_string(body, "result"), "resource_id", record->id, "error", json_get_string(body, "error"));
}

static Json *artifact(const BakeRecord *record, const JsonValue *image, const char *image_name) {
    const JsonValue *request = json_get(json_root(record->body), "request");
    const char *reference = json_get_string(image, "reference");
    g_autofree char *number = json_as_text(json_get(request, "build_number"));
    g_autoptr(Json)
        metadata = json_pack("{s:s, s:s}", "build_info_url", json_get_string(request, "build_info_url"), "build_number", number);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:j}", "type", BAKE_CLOUD "/image", "name", image_name, "location",
                     json_get_string(image, "location"), "reference", reference != NULL ? reference : image_name, "uuid", record->id,
                     "metadata", metadata);
}

Json *bake_record_make_details(const BakeRecord *record, const JsonValue *images, const char *image_name) {
    const JsonValue *recipe = json_get(json_root(record->body), "recipe");
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", record->id);
    json_add_string(builder, "image_name", image_name != NULL ? image_name : json_get_string(recipe, "image_name"));
    json_add_string(builder, "base_ami", json_get_string(recipe, "base_ami"));
    json_begin_array(builder, "artifacts");
    for (JsonIter i = json_iter(images); json_next(&i);) {
        g_autoptr(Json) one = artifact(record, i.value, image_name != NULL ? image_name : json_get_string(recipe, "image_name"));
        json_add_json(builder, NULL, one);
    }
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

/* Of several images the one of the region; of one that one. */
Json *bake_record_details(const BakeRecord *record, const char *region) {
    const JsonValue *details = json_get(json_root(record->body), "details"), *chosen = NULL;
    const JsonValue *artifacts = json_get(details, "artifacts");
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", record->id);
    json_begin_array(builder, "regions");
    for (JsonIter i = json_iter(artifacts); json_next(&i);) {
        json_add_string(builder, NULL, json_get_string(i.value, "location"));
        if (chosen == NULL && (region == NULL || g_strcmp0(json_get_string(i.value, "location"), region) == 0))
            chosen = i.value;
    }
    json_end_array(builder);
    chosen = chosen != NULL ? chosen : json_at(artifacts, 0);
    json_add_string(builder, "ami", json_get_string(chosen, "reference"));
    json_add_string(builder, "image_name", json_get_string(details, "image_name"));
    json_add_value(builder, "artifact", chosen);
    json_add_string(builder, "base_ami", json_get_string(details, "base_ami"));
    json_end_object(builder);
    return json_builder_end(builder);
}
