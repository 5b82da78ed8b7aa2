/* The program's rooms as one: opened, reloaded, closed. Owns them all. Main thread; a reload may come from a request. */
#include "cli/composition.h"
#include "artifacts/accounts.h"
#include "auth/auth.h"
#include "base/clock.h"
#include "base/log.h"
#include "clouds/aws/aws.h"
#include "clouds/simulator/simulator.h"
#include "engine/core.h"
#include "engine/expressions.h"
#include "engine/retention.h"
#include "notify/notify.h"
#include "notify/send.h"
#include "stages/artifacts/artifacts.h"
#include "stages/deploy/settings.h"
#include "stages/deploy/traffic_guard.h"
#include "stages/flow/settings.h"
#include "stages/integrations/settings.h"
#include "stages/metadata/lookup_functions.h"
#include "stages/metadata/pipeline_permissions.h"
#include "stages/metadata/settings.h"
#include "stages/metadata/templates.h"
#include "stages/stages.h"
#include "stages/webhook/url_functions.h"
#include "stages/webhook/webhook.h"
#include "store/replicas.h"
#include "triggers/cron.h"

#define ROOM "server"
#define LEASE_WAIT_MS 15000 /* how long a write outside waits for the lease before it fails */

static const Cloud *const CLOUDS[] = {&cloud_aws, &cloud_simulator, NULL};

struct Composition {
    Services services;
    GMutex lock; /* one reload at a time; duties */
    gboolean closing;
    void (*lost)(gpointer data);
    gpointer lost_data;
    char *config_path;
    HttpClient *http;
    Auth *auth;
    Notify *notify;
    Api *api;
};

/* ---- wake-ups from rooms that do not know the engine ---- */
static void wake_stage(const char *execution_id, const char *stage_id, gpointer data) {
    Composition *composition = data;
    if (composition->services.engine != NULL && execution_id != NULL && stage_id != NULL)
        engine_wake_stage(composition->services.engine, execution_id, stage_id);
}

static gboolean open_store(Composition *composition, const CompositionOptions *options, GError **error) {
    g_autofree char *url = NULL;
    if (!store_config_url(composition->services.config, &url, error))
        return FALSE;
    composition->services.store = store_open(&(StoreOptions){.folder = options->folder, .url = url, .shared = TRUE}, error);
    return composition->services.store != NULL;
}

static gboolean open_clouds(Composition *composition, GError **error) {
    CloudsOptions options = {
        .clouds = CLOUDS,
        .store = composition->services.store,
        .http = composition->http,
        .config = composition->services.config,
        .operation_ended = wake_stage,
        .data = composition,
        .runtime = engine_runtime(composition->services.engine),
    };
    composition->services.clouds = clouds_new(&options, error);
    if (composition->services.clouds == NULL)
        return FALSE;
    write_check_install(&composition->services);
    return TRUE;
}

static gboolean open_bakery(Composition *composition, const CompositionOptions *options, GError **error) {
    BakeryOptions bakery = {
        .store = composition->services.store,
        .clouds = composition->services.clouds,
        .config = composition->services.config,
        .folder = options->folder,
        .program = options->program,
        .bake_ended = wake_stage,
        .data = composition,
    };
    composition->services.bakery = bakery_new(&bakery, error);
    return composition->services.bakery != NULL;
}

/* Expression functions with I/O live beside what they read; the table is filled once. */
void composition_add_functions(Services *services) {
    static gsize once = 0;
    if (g_once_init_enter(&once)) {
        expressions_add_functions(url_functions);
        expressions_add_functions(lookup_functions);
        g_once_init_leave(&once, 1);
    }
    url_functions_use(services);
    lookup_functions_use(services);
}

static void execution_ended(StoreUnit *unit, const Execution *execution, gpointer data) {
    Composition *composition = data;
    if (composition->services.triggers != NULL)
        triggers_execution_ended(composition->services.triggers, unit, execution);
}

static gboolean nobody_signs_in(gpointer data) {
    return !auth_is_required(((Composition *)data)->auth);
}

static Principal *principal_named(const char *user, gpointer data) {
    return auth_principal_named(((Composition *)data)->auth, user);
}

static gboolean open_engine(Composition *composition, GError **error) {
    const EngineObserver observers[] = {{notify_observe, composition->notify}, {0}};
    composition_add_functions(&composition->services);
    EngineOptions options = {
        .store = composition->services.store,
        .types = &stage_types,
        .submission_steps = submission_steps,
        .observers = observers,
        .services = &composition->services,
        .config = composition->services.config,
        .ended = execution_ended,
        .ended_data = composition,
        .is_open = nobody_signs_in,
        .is_open_data = composition,
    };
    composition->services.engine = engine_new(&options, error);
    return composition->services.engine != NULL;
}

static gboolean open_triggers(Composition *composition, GError **error) {
    TriggersOptions options = {
        .store = composition->services.store,
        .engine = composition->services.engine,
        .services = &composition->services,
        .config = composition->services.config,
    };
    composition->services.triggers = triggers_new(&options, error);
    return composition->services.triggers != NULL;
}

static gboolean open_retention(Composition *composition, GError **error) {
    Services *services = &composition->services;
    services->retention = retention_new(services->engine, services->store, services->config, error);
    return services->retention != NULL;
}

static gboolean open_cron(Composition *composition, GError **error) {
    Services *services = &composition->services;
    services->cron = cron_new(services->triggers, services->store, engine_runtime(services->engine), services->config, error);
    return services->cron != NULL;
}

static gboolean reload_from_request(gpointer data, GError **error) {
    return composition_reload(data, error);
}

static gboolean open_api(Composition *composition, const CompositionOptions *options, GError **error) {
    ApiOptions api = {
        .services = &composition->services,
        .auth = composition->auth,
        .address = options->address,
        .port = options->port,
        .started_ms = clock_now_ms(),
        .reload = reload_from_request,
        .data = composition,
        .clouds = CLOUDS,
        .sections = composition_config_sections(),
    };
    composition->api = api_start(&api, error);
    return composition->api != NULL;
}

/* ---- several servers on one store ---- */
static gboolean may_write(gpointer data) {
    return store_lease_wait(data, LEASE_WAIT_MS);
}

/* What one server does for all. */
static void begin_duties(Composition *composition) {
    Services *services = &composition->services;
    notify_start(composition->notify);
    cron_start(services->cron);
    triggers_start(services->triggers);
    retention_start(services->retention);
}

static gboolean begin_duties_run(gpointer data) {
    Composition *composition = data;
    g_mutex_lock(&composition->lock);
    if (!composition->closing)
        begin_duties(composition);
    g_mutex_unlock(&composition->lock);
    return TRUE;
}

static void on_steward(gpointer data) {
    Composition *composition = data;
    Runtime *runtime = engine_runtime(composition->services.engine);
    engine_set_steward(composition->services.engine);
    runtime->run(runtime, LANE_IO, NULL, begin_duties_run, composition);
}

static void on_look(gpointer data) {
    Composition *composition = data;
    triggers_look(composition->services.triggers);
    notify_look(composition->notify);
}

typedef struct {
    Composition *composition;
    GHashTable *ids;
} TakenOver;

static gboolean take_up_operations(gpointer data) {
    TakenOver *taken = data;
    clouds_take_up(taken->composition->services.clouds, taken->ids);
    g_hash_table_unref(taken->ids);
    g_free(taken);
    return TRUE;
}

static void on_claimed(const char *const *ids, guint n, gpointer data) {
    Composition *composition = data;
    Runtime *runtime = engine_runtime(composition->services.engine);
    TakenOver *taken = g_new0(TakenOver, 1);
    *taken = (TakenOver){composition, g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    for (guint i = 0; i < n; i++)
        g_hash_table_add(taken->ids, g_strdup(ids[i]));
    runtime->run(runtime, LANE_IO, NULL, take_up_operations, taken);
    engine_claimed(composition->services.engine, ids, n);
}

static void on_told(const char *text, gpointer data) {
    engine_told(((Composition *)data)->services.engine, text);
}

static void on_lost(gpointer data) {
    const Composition *composition = data;
    if (composition->lost != NULL)
        composition->lost(composition->lost_data);
}

static void begin(Composition *composition) {
    Services *services = &composition->services;
    const ReplicaEvents events = {on_claimed, on_told, on_steward, on_look, on_lost, composition};
    clouds_start(services->clouds);
    bakery_start(services->bakery);
    engine_start(services->engine);
    if (store_is_shared(services->store))
        store_replica_begin(services->store, &events);
    else
        begin_duties(composition);
}

Composition *composition_open(const CompositionOptions *options, GError **error) {
    Composition *composition = g_new0(Composition, 1);
    Services *services = &composition->services;
    g_mutex_init(&composition->lock);
    g_mutex_init(&services->lock);
    composition->config_path = g_strdup(options->config_path);
    composition->lost = options->lost;
    composition->lost_data = options->lost_data;
    gboolean fine = (services->config = config_load(options->config_path, error)) != NULL && stages_check_config(services->config, error) &&
                    open_store(composition, options, error) &&
                    (composition->auth = auth_new(services->config, options->folder, error)) != NULL &&
                    auth_check_listen(composition->auth, options->address, error) && (composition->http = http_client_new(error)) != NULL;
    services->http = composition->http;
    if (fine && store_is_shared(services->store))
        http_client_set_write_gate(composition->http, may_write, services->store);
    services->principal_of = principal_named;
    services->principal_data = composition;
    fine = fine && (composition->notify = notify_new(services->store, composition->http, services->config, error)) != NULL;
    services->notify = composition->notify;
    services->tell = notify_request;
    fine = fine && open_engine(composition, error) && open_clouds(composition, error) && open_bakery(composition, options, error) &&
           open_triggers(composition, error) && open_cron(composition, error) && open_retention(composition, error) &&
           open_api(composition, options, error);
    if (!fine) {
        composition_close(composition, 0);
        return NULL;
    }
    begin(composition);
    return composition;
}

guint16 composition_port(const Composition *composition) {
    return api_port(composition->api);
}

Auth *composition_auth(const Composition *composition) {
    return composition->auth;
}

/* ---- reload: each room checks everything before it swaps; when a later one refuses, the earlier ones go back ---- */
static gboolean reload_auth(Composition *composition, Config *config, GError **error) {
    return auth_reload(composition->auth, config, error);
}

static gboolean reload_engine(Composition *composition, Config *config, GError **error) {
    return engine_set_config(composition->services.engine, config, error);
}

static gboolean reload_bakery(Composition *composition, Config *config, GError **error) {
    return bakery_reload(composition->services.bakery, config, error);
}

static gboolean reload_clouds(Composition *composition, Config *config, GError **error) {
    return clouds_reload(composition->services.clouds, config, error);
}

static gboolean reload_triggers(Composition *composition, Config *config, GError **error) {
    return triggers_reload(composition->services.triggers, config, error);
}

static gboolean reload_notify(Composition *composition, Config *config, GError **error) {
    return notify_reload(composition->notify, config, error);
}

static gboolean reload_api(Composition *composition, Config *config, GError **error) {
    return api_set_config(composition->api, config, error);
}

static gboolean reload_cron(Composition *composition, Config *config, GError **error) {
    return cron_reload(composition->services.cron, config, error);
}

/* Stages read the configuration that is swapped last: here it is only checked. */
static gboolean reload_stages(Composition *composition, Config *config, GError **error) {
    (void)composition;
    return stages_check_config(config, error);
}

static gboolean reload_retention(Composition *composition, Config *config, GError **error) {
    return retention_reload(composition->services.retention, config, error);
}

static gboolean (*const RELOADS[])(Composition *, Config *, GError **) = {reload_stages,   reload_auth,  reload_notify,    reload_engine,
                                                                          reload_triggers, reload_cron,  reload_retention, reload_api,
                                                                          reload_bakery,   reload_clouds};

static gboolean swap_config(Composition *composition, Config *config, GError **error) {
    g_autoptr(Config) before = services_config(&composition->services);
    for (gsize i = 0; i < G_N_ELEMENTS(RELOADS); i++) {
        if (RELOADS[i](composition, config, error))
            continue;
        while (i-- > 0)
            RELOADS[i](composition, before, NULL);
        return FALSE;
    }
    return TRUE;
}

gboolean composition_reload(Composition *composition, GError **error) {
    g_mutex_lock(&composition->lock);
    g_autoptr(Config) config = config_load(composition->config_path, error);
    gboolean fine = config != NULL && swap_config(composition, config, error);
    if (fine)
        services_set_config(&composition->services, config);
    g_mutex_unlock(&composition->lock);
    if (fine)
        log_info(ROOM, "configuration applied");
    return fine;
}

void composition_close(Composition *composition, gint64 grace_ms) {
    if (composition == NULL)
        return;
    Services *services = &composition->services;
    gboolean rested = TRUE;
    g_mutex_lock(&composition->lock);
    composition->closing = TRUE;
    g_mutex_unlock(&composition->lock);
    if (composition->api != NULL)
        api_stop(composition->api, grace_ms);
    if (services->retention != NULL)
        retention_stop(services->retention, grace_ms);
    if (services->cron != NULL)
        cron_stop(services->cron, grace_ms);
    if (services->triggers != NULL)
        triggers_stop(services->triggers, grace_ms);
    if (services->clouds != NULL)
        clouds_stop(services->clouds, grace_ms); /* its runs are work of the engine's runtime */
    if (services->engine != NULL)
        rested = engine_stop(services->engine, grace_ms);
    if (composition->notify != NULL)
        notify_stop(composition->notify);
    if (services->bakery != NULL)
        bakery_stop(services->bakery);
    if (services->store != NULL && rested) /* else others wait until the lease has ended */
        store_replica_leave(services->store);
    g_clear_pointer(&composition->api, api_free);
    g_clear_pointer(&services->retention, retention_free);
    g_clear_pointer(&services->cron, cron_free);
    g_clear_pointer(&services->triggers, triggers_free);
    g_clear_pointer(&services->engine, engine_free);
    g_clear_pointer(&composition->notify, notify_free);
    g_clear_pointer(&services->bakery, bakery_free);
    g_clear_pointer(&services->clouds, clouds_free);
    url_functions_use(NULL);
    lookup_functions_use(NULL);
    g_clear_pointer(&composition->http, http_client_free);
    g_clear_pointer(&composition->auth, auth_free);
    g_clear_pointer(&services->store, store_close);
    g_clear_pointer(&services->config, config_unref);
    g_mutex_clear(&services->lock);
    g_mutex_clear(&composition->lock);
    g_free(composition->config_path);
    g_free(composition);
}

static void add_sections(GPtrArray *all, const ConfigSection *const *sections) {
    for (gsize i = 0; sections != NULL && sections[i] != NULL; i++)
        g_ptr_array_add(all, (gpointer)sections[i]);
}

const Cloud *const *composition_clouds(void) {
    return CLOUDS;
}

const ConfigSection *const *composition_config_sections(void) {
    static GPtrArray *all = NULL;
    static gsize once = 0;
    if (g_once_init_enter(&once)) {
        all = g_ptr_array_new();
        for (gsize i = 0; CLOUDS[i] != NULL; i++)
            add_sections(all, CLOUDS[i]->sections);
        add_sections(all, clouds_config_sections);
        add_sections(all, deploy_config_sections);
        add_sections(all, artifact_config_sections);
        add_sections(all, artifact_account_sections);
        add_sections(all, template_config_sections);
        add_sections(all, metadata_config_sections);
        add_sections(all, permission_config_sections);
        add_sections(all, flow_config_sections);
        add_sections(all, bake_config_sections);
        add_sections(all, webhook_config_sections);
        add_sections(all, integration_config_sections);
        add_sections(all, url_guard_config_sections);
        add_sections(all, auth_config_sections);
        add_sections(all, notify_config_sections);
        add_sections(all, sender_config_sections);
        for (gsize i = 0; notification_types[i] != NULL; i++)
            add_sections(all, notification_types[i]->sections);
        add_sections(all, engine_config_sections);
        add_sections(all, triggers_config_sections);
        add_sections(all, cron_config_sections);
        add_sections(all, retention_config_sections);
        add_sections(all, store_config_sections);
        add_sections(all, api_config_sections);
        g_ptr_array_add(all, NULL);
        g_once_init_leave(&once, 1);
    }
    return (const ConfigSection *const *)all->pdata;
}
