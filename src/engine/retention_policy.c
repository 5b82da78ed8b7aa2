/* What retention removes: a walk over finished executions, oldest first, against the newest of each pipeline. */
#include "base/log.h"
#include "engine/retention_internal.h"
#include "store/executions.h"
#include "store/objects.h"

#define ROOM "engine"
#define DAY_MS (24 * 60 * 60 * G_GINT64_CONSTANT(1000))

static const char *const TYPES[] = {"PIPELINE", "ORCHESTRATION"};

struct RetentionPass {
    Store *store;
    RetentionSettings *settings;
    gint64 now_ms;
    guint type;       /* of TYPES */
    gint64 cursor_ms; /* built before: looked at */
    /* Per pipeline, or per application for tasks: when the oldest of those that are kept was built; older ones may go. */
    GHashTable *kept;
};

RetentionPass *retention_pass_new(Store *store, RetentionSettings *settings, gint64 now_ms) {
    RetentionPass *pass = g_new0(RetentionPass, 1);
    pass->store = store;
    pass->settings = retention_settings_ref(settings);
    pass->now_ms = now_ms;
    pass->cursor_ms = 1;
    pass->kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return pass;
}

void retention_pass_free(RetentionPass *pass) {
    if (pass == NULL)
        return;
    g_hash_table_unref(pass->kept);
    retention_settings_unref(pass->settings);
    g_free(pass);
}

static gboolean take_built(const ExecutionRecord *record, gpointer data) {
    *(gint64 *)data = record->build_ms;
    return FALSE;
}

/* When the n-th newest of a pipeline (or of an application's tasks) was built; 0: there are fewer. */
static gboolean built_of(const RetentionPass *pass, const ExecutionRecord *record, gint64 n, gint64 *built_ms, GError **error) {
    const char *const name[] = {record->config_id != NULL ? record->config_id : record->application, NULL};
    ExecutionFilter filter = {.type = record->type, .offset = (guint)n - 1, .limit = 1};
    *(record->config_id != NULL ? &filter.config_ids : &filter.applications) = name;
    *built_ms = 0;
    return store_executions_list(pass->store, &filter, take_built, built_ms, error);
}

/* Executions built before it are not among those that are kept whatever their age. */
static gboolean kept_since(RetentionPass *pass, const ExecutionRecord *record, gint64 *since_ms, GError **error) {
    gboolean task = record->config_id == NULL;
    g_autofree char *key = g_strdup_printf("%s %c%s", record->type, task ? 'a' : 'c', task ? record->application : record->config_id);
    const gint64 *known = g_hash_table_lookup(pass->kept, key);
    if (known == NULL) {
        gint64 least = pass->settings->old_least, built_ms = G_MAXINT64;
        if (least > 0 && !built_of(pass, record, least, &built_ms, error))
            return FALSE;
        known = g_memdup2(&built_ms, sizeof(built_ms));
        g_hash_table_insert(pass->kept, g_steal_pointer(&key), (gpointer)known);
    }
    *since_ms = *known;
    return TRUE;
}

/* Beyond what an application keeps of its tasks. */
static gboolean top_since(RetentionPass *pass, const ExecutionRecord *record, gint64 *since_ms, GError **error) {
    g_autofree char *key = g_strdup_printf("top %s", record->application);
    const gint64 *known = g_hash_table_lookup(pass->kept, key);
    if (known == NULL) {
        gint64 built_ms;
        ExecutionRecord any = {.type = record->type, .application = record->application};
        if (!built_of(pass, &any, pass->settings->top_threshold, &built_ms, error))
            return FALSE;
        known = g_memdup2(&built_ms, sizeof(built_ms));
        g_hash_table_insert(pass->kept, g_steal_pointer(&key), (gpointer)known);
    }
    *since_ms = *known;
    return TRUE;
}

static gint64 days_of(const RetentionSettings *settings, const char *application) {
    for (char **exception = settings->exceptions; exception != NULL && *exception != NULL; exception++)
        if (g_ascii_strcasecmp(*exception, application) == 0)
            return settings->exception_days;
    return settings->old_days;
}

static gboolean goes(RetentionPass *pass, const ExecutionRecord *record, gboolean *go, GError **error) {
    const RetentionSettings *settings = pass->settings;
    gint64 since_ms;
    *go = FALSE;
    if (!record->finished)
        return TRUE;
    if (settings->top_enabled && pass->type == 1) {
        if (!top_since(pass, record, &since_ms, error))
            return FALSE;
        *go = record->build_ms < since_ms;
    }
    if (*go || !settings->old_enabled || record->build_ms >= pass->now_ms - days_of(settings, record->application) * DAY_MS)
        return TRUE;
    if (!kept_since(pass, record, &since_ms, error))
        return FALSE;
    *go = record->build_ms < since_ms;
    return TRUE;
}

/* The type's executions up to this time are looked at. */
static gint64 end_of(const RetentionPass *pass) {
    const RetentionSettings *settings = pass->settings;
    gint64 days = settings->exceptions != NULL ? MIN(settings->old_days, settings->exception_days) : settings->old_days;
    if (pass->type == 1 && settings->top_enabled)
        return pass->now_ms;
    return settings->old_enabled ? pass->now_ms - days * DAY_MS : 0;
}

typedef struct {
    RetentionPass *pass;
    GPtrArray *ids;
    guint seen;
    gint64 last_ms;
    GError *error;
} Page;

static gboolean look_at(const ExecutionRecord *record, gpointer data) {
    Page *page = data;
    gboolean go;
    page->seen++;
    page->last_ms = record->build_ms;
    if (!goes(page->pass, record, &go, &page->error))
        return FALSE;
    if (go)
        g_ptr_array_add(page->ids, g_strdup(record->id));
    return TRUE;
}

GPtrArray *retention_pass_next(RetentionPass *pass, gboolean *more, GError **error) {
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    gint64 end_ms = end_of(pass);
    Page page = {.pass = pass, .ids = ids};
    ExecutionFilter filter = {
        .type = TYPES[pass->type], .built_from_ms = pass->cursor_ms, .built_to_ms = end_ms, .oldest_first = TRUE, .limit = RETENTION_PAGE};
    if (end_ms > pass->cursor_ms && !store_executions_list(pass->store, &filter, look_at, &page, error))
        return NULL;
    if (page.error != NULL) {
        g_propagate_error(error, page.error);
        return NULL;
    }
    if (page.seen < RETENTION_PAGE) {
        pass->type++;
        pass->cursor_ms = 1;
    } else { /* a whole page of one millisecond: those behind it wait for the next pass */
        pass->cursor_ms = page.last_ms > pass->cursor_ms ? page.last_ms : page.last_ms + 1;
    }
    *more = pass->type < G_N_ELEMENTS(TYPES);
    return g_steal_pointer(&ids);
}

/* ---- pipelines that nobody starts ---- */
typedef struct {
    Store *store;
    const RetentionSettings *settings;
    gint64 before_ms, now_ms;
    guint found;
} Unused;

static gboolean disable_one(const StoreObject *object, gpointer data) {
    Unused *unused = data;
    gint64 built_ms = 0;
    ExecutionFilter filter = {.type = "PIPELINE", .config_ids = (const char *const[]){object->id, NULL}, .limit = 1};
    if (json_is_true(json_get(json_root(object->body), "disabled")) || object->updated_ms >= unused->before_ms ||
        !store_executions_list(unused->store, &filter, take_built, &built_ms, NULL) || built_ms >= unused->before_ms)
        return TRUE;
    unused->found++;
    log_info(ROOM, "pipeline %s of %s has not run for %" G_GINT64_FORMAT " days: %s", object->name, object->application,
             unused->settings->unused_days, unused->settings->unused_dry_run ? "it would be disabled (dry run)" : "it is disabled");
    if (unused->settings->unused_dry_run)
        return TRUE;
    g_autoptr(Json) yes = json_from_bool(TRUE);
    g_autoptr(Json) body = json_with(json_root(object->body), "disabled", json_root(yes));
    StoreObject changed = *object;
    changed.body = body;
    changed.updated_ms = unused->now_ms;
    changed.updated_by = "gennaker";
    StoreUnit *unit = store_unit_new();
    store_object_save(unit, &changed, object->version, TRUE);
    store_unit_change(
        unit, &(StoreChange){.kind = "pipeline", .id = object->id, .application = object->application, .version = object->version + 1});
    g_autoptr(GError) error = NULL;
    if (!store_commit(unused->store, unit, &error))
        log_warning(ROOM, "pipeline %s is not disabled: %s", object->name, error->message);
    return TRUE;
}

guint retention_disable_unused(Store *store, const RetentionSettings *settings, gint64 now_ms) {
    Unused unused = {store, settings, now_ms - settings->unused_days * DAY_MS, now_ms, 0};
    g_autoptr(GError) error = NULL;
    if (settings->unused_enabled && !store_objects_each(store, "pipeline", NULL, NULL, disable_one, &unused, &error))
        log_warning(ROOM, "pipelines that nobody starts cannot be looked for: %s", error->message);
    return unused.found;
}
