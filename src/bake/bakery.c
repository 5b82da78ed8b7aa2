/* The bakery as others see it: options, bakes, their states and logs (bake.md 1-2). Any thread. */
#include "bake/bakery.h"
#include "bake/internal.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/log.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#define CREATE_TRIES 10
#define OWN_BASE_IMAGE "linux" /* what a cloud that bakes by itself offers for a choice; any will do */

Bakery *bakery_new(const BakeryOptions *options, GError **error) {
    g_autoptr(BakeSettings) settings = bake_settings_load(options->config, error);
    if (settings == NULL)
        return NULL;
    Bakery *bakery = g_new0(Bakery, 1);
    bakery->store = options->store;
    bakery->clouds = options->clouds;
    bakery->folder = g_build_filename(options->folder, "bakes", NULL);
    g_autofree char *absolute = g_canonicalize_filename(bakery->folder, NULL);
    g_free(bakery->folder);
    bakery->folder = g_steal_pointer(&absolute);
    bakery->program = g_strdup(options->program);
    bakery->bake_ended = options->bake_ended;
    bakery->data = options->data;
    g_mutex_init(&bakery->lock);
    g_cond_init(&bakery->changed);
    bakery->settings = g_steal_pointer(&settings);
    bakery->jobs = bakery_jobs_new();
    bakery->stop = cancel_new();
    if (g_mkdir_with_parents(bakery->folder, 0700) == 0)
        return bakery;
    error_set(error, ERR_UNAVAILABLE, "make folder %s: %s", bakery->folder, g_strerror(errno));
    bakery_free(bakery);
    return NULL;
}

void bakery_free(Bakery *bakery) {
    if (bakery == NULL)
        return;
    bakery_stop(bakery);
    g_hash_table_unref(bakery->jobs);
    bake_settings_unref(bakery->settings);
    cancel_unref(bakery->stop);
    g_mutex_clear(&bakery->lock);
    g_cond_clear(&bakery->changed);
    g_free(bakery->folder);
    g_free(bakery->program);
    g_free(bakery);
}

gboolean bakery_reload(Bakery *bakery, Config *config, GError **error) {
    BakeSettings *settings = bake_settings_load(config, error);
    if (settings == NULL)
        return FALSE;
    g_mutex_lock(&bakery->lock);
    BakeSettings *old = bakery->settings;
    bakery->settings = settings;
    g_mutex_unlock(&bakery->lock);
    bake_settings_unref(old);
    return TRUE;
}

BakeSettings *bakery_settings(Bakery *bakery) {
    g_mutex_lock(&bakery->lock);
    BakeSettings *settings = bake_settings_ref(bakery->settings);
    g_mutex_unlock(&bakery->lock);
    return settings;
}

char *bakery_folder_of(Bakery *bakery, const char *id) {
    return g_build_filename(bakery->folder, id, NULL);
}

char *bakery_attempt_folder(Bakery *bakery, const char *id, gint64 attempt) {
    g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, attempt);
    return g_build_filename(bakery->folder, id, number, NULL);
}

char **bakery_masks(const BakeSettings *settings, const JsonValue *variables) {
    static const char *const ENVIRONMENT[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"};
    static const char *const ALWAYS[] = {"aws_access_key", "aws_secret_key"};
    GPtrArray *masks = g_ptr_array_new();
    const char *keys[2] = {NULL, NULL};
    bake_static_credentials(settings, &keys[0], &keys[1]);
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
        if (keys[i] != NULL)
            g_ptr_array_add(masks, g_strdup(keys[i]));
    for (guint i = 0; i < G_N_ELEMENTS(ENVIRONMENT); i++)
        if (g_getenv(ENVIRONMENT[i]) != NULL)
            g_ptr_array_add(masks, g_strdup(g_getenv(ENVIRONMENT[i])));
    for (JsonIter i = json_iter(variables); json_next(&i);)
        if (g_strv_contains((const char *const[]){ALWAYS[0], ALWAYS[1], NULL}, i.key) ||
            (settings->aws.masked != NULL && g_strv_contains((const char *const *)settings->aws.masked, i.key)))
            g_ptr_array_add(masks, g_strdup(json_string(i.value)));
    g_ptr_array_add(masks, NULL);
    return (char **)g_ptr_array_free(masks, FALSE);
}

/* The request's account, the configured one, else the only cloud's first. */
Account *bakery_account(Bakery *bakery, const BakeRecord *record, GError **error) {
    g_autoptr(BakeSettings) settings = bakery_settings(bakery);
    const char *name = json_get_string(json_get(json_root(record->body), "request"), "account_name");
    name = name != NULL && name[0] != '\0' ? name : bake_account(settings);
    if (name != NULL)
        return clouds_account(bakery->clouds, name, error);
    g_autoptr(GPtrArray) accounts = clouds_accounts(bakery->clouds);
    for (guint i = 0; i < accounts->len; i++) {
        Account *account = accounts->pdata[i];
        if (strcmp(account->cloud->id, BAKE_CLOUD) == 0)
            return account_ref(account);
    }
    error_set(error, ERR_NOT_FOUND, "bake: no account is configured for " BAKE_CLOUD " (bakeAccount)");
    return NULL;
}

/* ---- options ---- */

static void add_base_image(JsonBuilder *builder, const BakeBaseImage *image) {
    g_autofree char *type = g_ascii_strup(image->package_type, -1);
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", image->id);
    json_add_string(builder, "shortDescription", image->short_description);
    json_add_string(builder, "detailedDescription", image->detailed_description);
    json_add_string(builder, "packageType", type);
    json_add_string(builder, "templateFile", image->template_file);
    json_add_string(builder, "osType", image->os_type);
    json_add_string(builder, "customRepository", image->custom_repository);
    json_end_object(builder);
}

static void add_options(JsonBuilder *builder, const BakeSettings *settings) {
    json_begin_object(builder, NULL);
    json_add_string(builder, "cloudProvider", BAKE_CLOUD);
    json_begin_array(builder, "baseImages");
    for (guint i = 0; i < settings->base_images->len; i++)
        add_base_image(builder, settings->base_images->pdata[i]);
    json_end_array(builder);
    json_end_object(builder);
}

static gboolean is_our_cloud(const BakeSettings *settings, const char *cloud, GError **error) {
    if (settings->cloud.enabled && g_strcmp0(cloud, BAKE_CLOUD) == 0)
        return TRUE;
    error_set(error, ERR_NOT_FOUND, "Bake options not found. There is no bakery for %s.", cloud);
    return FALSE;
}

Json *bakery_options(Bakery *bakery, const char *cloud, GError **error) {
    if (bakery_cloud_that_bakes(bakery, cloud) != NULL)
        return json_pack("{s:s, s:[{s:s, s:s}]}", "cloudProvider", cloud, "baseImages", "id", OWN_BASE_IMAGE, "packageType", "DEB");
    g_autoptr(BakeSettings) settings = bakery_settings(bakery);
    if (cloud != NULL && !is_our_cloud(settings, cloud, error))
        return NULL;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    if (cloud == NULL)
        json_begin_array(builder, NULL);
    if (settings->cloud.enabled)
        add_options(builder, settings);
    if (cloud == NULL)
        json_end_array(builder);
    return json_builder_end(builder);
}

Json *bakery_base_image(Bakery *bakery, const char *cloud, const char *id, GError **error) {
    if (bakery_cloud_that_bakes(bakery, cloud) != NULL)
        return json_pack("{s:s, s:s}", "id", id, "packageType", "DEB");
    g_autoptr(BakeSettings) settings = bakery_settings(bakery);
    if (!is_our_cloud(settings, cloud, error))
        return NULL;
    const BakeBaseImage *image = bake_base_image(settings, id);
    if (image == NULL) {
        error_set(error, ERR_NOT_FOUND, "Bake options not found. Base image '%s' is unknown for %s.", id, cloud);
        return NULL;
    }
    g_autoptr(JsonBuilder) builder = json_builder_new();
    add_base_image(builder, image);
    return json_builder_end(builder);
}

/* ---- baking ---- */

typedef struct {
    const char *execution_id, *stage_id;
} Waiter;

static gboolean is_waiter(const JsonValue *entry, const Waiter *waiter) {
    return g_strcmp0(json_get_string(entry, "execution"), waiter->execution_id) == 0 &&
           g_strcmp0(json_get_string(entry, "stage"), waiter->stage_id) == 0;
}

/* The list without the waiter, and with it at its end when add is set. */
static Json *waiters_with(const BakeRecord *record, const Waiter *waiter, gboolean add) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_get(json_root(record->body), "waiters")); json_next(&i);)
        if (!is_waiter(i.value, waiter))
            json_add_value(builder, NULL, i.value);
    if (add) {
        g_autoptr(Json) entry = json_pack("{s:s, s:s}", "execution", waiter->execution_id, "stage", waiter->stage_id);
        json_add_json(builder, NULL, entry);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

static Json *join_change(const BakeRecord *record, const char **phase, gpointer data) {
    (void)phase;
    gsize waiting = json_length(json_get(json_root(record->body), "waiters"));
    if (!bake_record_runs(record) || waiting >= BAKE_WAITERS_MAX)
        return NULL;
    g_autoptr(Json) waiters = waiters_with(record, data, TRUE);
    return json_pack("{s:j}", "waiters", waiters);
}

/* The status of a bake that there is already; who asks is woken at its end. */
static Json *join_bake(Bakery *bakery, const char *id, const char *execution_id, const char *stage_id, GError **error) {
    g_auto(BakeRecord) record = {0};
    Waiter waiter = {execution_id, stage_id};
    if (!bake_record_load(bakery->store, id, &record, error))
        return NULL;
    if (execution_id != NULL && stage_id != NULL && bake_record_runs(&record)) {
        bake_record_clear(&record);
        if (!bake_record_change(bakery->store, id, clock_now_ms(), join_change, &waiter, &record, error))
            return NULL;
    }
    return bake_record_status(&record);
}

/* The bake of a key that answers a request: it runs, or it made an image. */
static gboolean is_usable(Bakery *bakery, const char *id, gboolean *runs) {
    g_auto(BakeRecord) record = {0};
    *runs = FALSE;
    if (id == NULL || !bake_record_load(bakery->store, id, &record, NULL))
        return FALSE;
    *runs = bake_record_runs(&record);
    return *runs || bake_record_succeeded(&record);
}

/* One try: NULL with ERR_CONFLICT when somebody else was faster. */
static Json *bake_or_join(Bakery *bakery, const BakeNew *bake, gboolean rebake, GError **error) {
    gint64 version = 0;
    gboolean runs = FALSE;
    g_autoptr(GError) failed = NULL;
    g_autofree char *current = bake_record_of_key(bakery->store, bake->key, &version, &failed);
    if (failed != NULL) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return NULL;
    }
    gboolean usable = is_usable(bakery, current, &runs);
    if (usable && !rebake)
        return join_bake(bakery, current, bake->execution_id, bake->stage_id, error);
    if (runs && !bakery_mark_cancelled(bakery, current, "the bake was begun anew (rebake)", &failed) &&
        error_code(failed) != ERR_CONFLICT) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return NULL;
    }
    if (!bake_record_create(bakery->store, bake, version, error))
        return NULL;
    bakery_enqueue(bakery, bake->id, FALSE);
    g_auto(BakeRecord) record = {0};
    return bake_record_load(bakery->store, bake->id, &record, error) ? bake_record_status(&record) : NULL;
}

static Json *bake_new(Bakery *bakery, BakeNew *bake, gboolean rebake, GError **error) {
    for (guint tries = 1;; tries++) {
        g_autoptr(GError) failed = NULL;
        Json *status = bake_or_join(bakery, bake, rebake, &failed);
        if (status != NULL)
            return status;
        if (error_code(failed) != ERR_CONFLICT || tries == CREATE_TRIES) {
            g_propagate_error(error, g_steal_pointer(&failed));
            return NULL;
        }
    }
}

/* An id becomes the name of a folder. */
static gboolean check_id(const char *id, GError **error) {
    if (id[0] != '\0' && strlen(id) <= 64 && strspn(id, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-") == strlen(id))
        return TRUE;
    error_set(error, ERR_INVALID, "bake: request_id: expected at most 64 letters, digits and dashes");
    return FALSE;
}

Json *bakery_bake(Bakery *bakery, const char *region, const JsonValue *request, gboolean rebake, const char *execution_id,
                  const char *stage_id, GError **error) {
    const Cloud *own = bakery_cloud_that_bakes(bakery, json_get_string(request, "cloud_provider_type"));
    if (own != NULL)
        return own->bake(bakery->clouds, region, request, error);
    g_autoptr(BakeSettings) settings = bakery_settings(bakery);
    g_autofree char *fresh = id_new();
    const char *given = json_get_string(request, "request_id"), *id = given != NULL ? given : fresh;
    g_autoptr(GError) failed = NULL;
    if (!check_id(id, error) || bake_cloud(settings, request, error) == NULL)
        return NULL;
    Json *known = given != NULL ? join_bake(bakery, id, execution_id, stage_id, &failed) : NULL;
    if (known != NULL)
        return known;
    g_auto(BakeRecipe) recipe = {0};
    gint64 now = clock_now_ms();
    BakeOrder order = {settings, region, request, now, bakery_find_image, bakery};
    if (!bake_recipe_make(&order, &recipe, error))
        return NULL;
    g_autofree char *key = bake_key(settings, region, request);
    BakeNew bake = {id, key, region, execution_id, stage_id, request, &recipe, now};
    return bake_new(bakery, &bake, rebake, error);
}

/* ---- asking and ending ---- */

static gboolean load(Bakery *bakery, const char *id, BakeRecord *record, GError **error) {
    if (bake_record_load(bakery->store, id, record, error))
        return TRUE;
    g_prefix_error(error, "bake %s: ", id);
    return FALSE;
}

Json *bakery_status(Bakery *bakery, const char *id, GError **error) {
    g_auto(BakeRecord) record = {0};
    Json *own = bakery_look_at_clouds(bakery, id);
    if (own != NULL)
        return own;
    return load(bakery, id, &record, error) ? bake_record_status(&record) : NULL;
}

Json *bakery_bake_details(Bakery *bakery, const char *region, const char *id, GError **error) {
    g_auto(BakeRecord) record = {0};
    g_autoptr(Json) own = bakery_look_at_clouds(bakery, id);
    if (own != NULL)
        return json_copy(json_get(json_root(own), "details"));
    return load(bakery, id, &record, error) ? bake_record_details(&record, region) : NULL;
}

gboolean bakery_cancel(Bakery *bakery, const char *id, GError **error) {
    return bakery_mark_cancelled(bakery, id, "the bake was cancelled", error);
}

typedef struct {
    Waiter waiter;
    gboolean alone;
} Leaving;

static Json *leave_change(const BakeRecord *record, const char **phase, gpointer data) {
    (void)phase;
    Leaving *leaving = data;
    if (!bake_record_runs(record))
        return NULL;
    g_autoptr(Json) waiters = waiters_with(record, &leaving->waiter, FALSE);
    leaving->alone = json_length(json_root(waiters)) == 0;
    return json_pack("{s:j}", "waiters", waiters);
}

gboolean bakery_leave(Bakery *bakery, const char *id, const char *execution_id, const char *stage_id, GError **error) {
    g_autoptr(Json) own = bakery_look_at_clouds(bakery, id);
    if (own != NULL)
        return TRUE;
    Leaving leaving = {{execution_id, stage_id}, FALSE};
    if (!bake_record_change(bakery->store, id, clock_now_ms(), leave_change, &leaving, NULL, error))
        return FALSE;
    g_autoptr(GError) over = NULL;
    if (leaving.alone && !bakery_cancel(bakery, id, &over) && error_code(over) != ERR_CONFLICT) {
        g_propagate_error(error, g_steal_pointer(&over));
        return FALSE;
    }
    return TRUE;
}
