/* Drives the AWS cloud by itself, for tests against a simulator: aws-probe CONFIG FOLDER, then one JSON command per line on standard
 * input and one JSON answer per line on standard output.
 *
 *   {"do": "read"}                                                  every inventory agent, once; problems and errors
 *   {"do": "objects", "account", "kind", "region"}                  ids and documents
 *   {"do": "operation", "id", "request": […]}                       runs a request to its end; as served
 *   {"do": "refresh", "account", "region", "name", "what"}          serverGroup, image or cluster, live
 *   {"do": "view", "account", "region", "kind", "id"}               as served
 *   {"do": "images", "query": {…}}                                  as served
 *   {"do": "prepare", "account", "description": {…}}                operations before createServerGroup
 *   {"do": "clone", "account", "description": {…}}                  the description completed from its source
 *   {"do": "leftovers", "account", "region", "id"}
 */
#include "base/clock.h"
#include "base/log.h"
#include "clouds/aws/aws.h"
#include "engine/runtime_threads.h"
#include <stdio.h>
#include <string.h>

typedef struct {
    Clouds *clouds;
} Probe;

static Json *error_json(const GError *error) {
    return json_pack("{s:s, s:s}", "error", error->message, "code", error_outward(error_code(error))->name);
}

static Json *ok_json(void) {
    return json_pack("{s:b}", "ok", TRUE);
}

static Json *do_read(Probe *probe, const JsonValue *command) {
    (void)command;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(GPtrArray) accounts = clouds_accounts(probe->clouds);
    json_begin_object(builder, NULL);
    for (guint i = 0; i < accounts->len; i++) {
        Account *account = accounts->pdata[i];
        json_begin_object(builder, account->name);
        json_add_json(builder, "details", account->details);
        for (const InventoryAgent *agent = account->cloud->agents; agent->name; agent++)
            for (char **region = account->regions; *region; region++) {
                g_autoptr(GError) error = NULL;
                AgentContext context = {account, *region, clouds_inventory(probe->clouds), NULL, clock_now_ms()};
                gint64 began = clock_elapsed_ms();
                gboolean done = agent->run(&context, &error);
                g_autofree char *took = g_strdup_printf("ok %d", (int)(clock_elapsed_ms() - began));
                json_add_string(builder, agent->name, done ? took : error->message);
            }
        json_end_object(builder);
    }
    json_begin_array(builder, "problems");
    g_autoptr(GPtrArray) problems = clouds_problems(probe->clouds);
    for (guint i = 0; i < problems->len; i++)
        json_add_string(builder, NULL, ((const AccountProblem *)problems->pdata[i])->text);
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

static gboolean add_object(const InventoryObject *object, gpointer data) {
    json_add_json(data, object->id, object->document);
    return TRUE;
}

static Json *do_objects(Probe *probe, const JsonValue *command) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(probe->clouds));
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    inventory_each(snapshot, json_get_string(command, "account"), json_get_string(command, "kind"), json_get_string(command, "region"),
                   add_object, builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

static Json *do_operation(Probe *probe, const JsonValue *command) {
    g_autoptr(GError) error = NULL;
    const char *id = json_get_string(command, "id");
    Principal principal = {.user = "test", .roles = (const char *const[]){NULL}};
    if (!clouds_operation_start(probe->clouds, id, NULL, NULL, "aws", json_get(command, "request"), &principal, &error))
        return error_json(error);
    for (;;) {
        Json *served = clouds_operation_json(probe->clouds, id, &error);
        if (!served)
            return error_json(error);
        if (json_get_bool(json_get(json_root(served), "status"), "completed", FALSE))
            return served;
        json_unref(served);
        g_usleep(20000);
    }
}

static Json *do_refresh(Probe *probe, const JsonValue *command) {
    g_autoptr(GError) error = NULL;
    const char *what = json_get_string(command, "what"), *account = json_get_string(command, "account");
    const char *region = json_get_string(command, "region"), *name = json_get_string(command, "name");
    gboolean done = !g_strcmp0(what, "image")     ? clouds_refresh_image(probe->clouds, account, region, name, NULL, &error)
                    : !g_strcmp0(what, "cluster") ? clouds_refresh_cluster(probe->clouds, account, region, name, NULL, &error)
                                                  : clouds_refresh_server_group(probe->clouds, account, region, name, NULL, &error);
    return done ? ok_json() : error_json(error);
}

static Json *view_of(const InventorySnapshot *snapshot, const InventoryObject *object, gboolean summary) {
    const CloudViews *views = cloud_aws.views;
    gint64 now_ms = clock_now_ms();
    const char *kind = object->kind;
    return !strcmp(kind, KIND_SERVER_GROUP)     ? views->server_group(snapshot, object, summary, now_ms)
           : !strcmp(kind, KIND_INSTANCE)       ? views->instance(snapshot, object, now_ms)
           : !strcmp(kind, KIND_LOAD_BALANCER)  ? views->load_balancer(snapshot, object, now_ms)
           : !strcmp(kind, KIND_SECURITY_GROUP) ? views->security_group(snapshot, object)
           : !strcmp(kind, KIND_NETWORK)        ? views->network(snapshot, object)
           : !strcmp(kind, KIND_SUBNET)         ? views->subnet(snapshot, object)
           : !strcmp(kind, KIND_KEY_PAIR)       ? views->key_pair(snapshot, object)
           : !strcmp(kind, KIND_INSTANCE_TYPE)  ? views->instance_type(snapshot, object)
                                                : views->image(snapshot, object);
}

static Json *do_view(Probe *probe, const JsonValue *command) {
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(clouds_inventory(probe->clouds));
    const InventoryObject *object = inventory_get(snapshot, json_get_string(command, "account"), json_get_string(command, "kind"),
                                                  json_get_string(command, "region"), json_get_string(command, "id"));
    return object ? view_of(snapshot, object, json_get_bool(command, "summary", FALSE)) : json_pack("{s:s}", "error", "not known");
}

static Json *do_images(Probe *probe, const JsonValue *command) {
    g_autoptr(GError) error = NULL;
    Json *found = cloud_aws.views->images_find(probe->clouds, json_get(command, "query"), &error);
    return found ? found : error_json(error);
}

static Json *do_prepare(Probe *probe, const JsonValue *command) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Account) account = clouds_account(probe->clouds, json_get_string(command, "account"), &error);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    gboolean done = account && cloud_aws.prepare_create(probe->clouds, account, json_get(command, "description"), builder, &error);
    json_end_array(builder);
    g_autoptr(Json) operations = json_builder_end(builder);
    return done ? json_ref(operations) : error_json(error);
}

static Json *do_clone(Probe *probe, const JsonValue *command) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Account) account = clouds_account(probe->clouds, json_get_string(command, "account"), &error);
    Json *whole = account ? cloud_aws.prepare_clone(probe->clouds, account, json_get(command, "description"), NULL, &error) : NULL;
    return whole ? whole : error_json(error);
}

static Json *do_leftovers(Probe *probe, const JsonValue *command) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Account) account = clouds_account(probe->clouds, json_get_string(command, "account"), &error);
    gint ended = !account
                     ? -1
                     : cloud_aws.end_leftovers(account, json_get_string(command, "region"), json_get_string(command, "id"), NULL, &error);
    return ended < 0 ? error_json(error) : json_pack("{s:i}", "ended", (gint64)ended);
}

static const struct {
    const char *name;
    Json *(*run)(Probe *probe, const JsonValue *command);
} COMMANDS[] = {
    {"read", do_read},     {"objects", do_objects}, {"operation", do_operation}, {"refresh", do_refresh},     {"view", do_view},
    {"images", do_images}, {"prepare", do_prepare}, {"clone", do_clone},         {"leftovers", do_leftovers},
};

static Json *obey(Probe *probe, const char *line) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) command = json_parse(line, -1, &error);
    if (!command)
        return error_json(error);
    const char *name = json_get_string(json_root(command), "do");
    for (guint i = 0; i < G_N_ELEMENTS(COMMANDS); i++)
        if (!g_strcmp0(name, COMMANDS[i].name))
            return COMMANDS[i].run(probe, json_root(command));
    return json_pack("{s:s}", "error", "unknown command");
}

static int obey_all(Probe *probe) {
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        g_autoptr(Json) answer = obey(probe, line);
        g_autofree char *text = json_write(json_root(answer), NULL);
        puts(text);
        fflush(stdout);
    }
    free(line);
    return 0;
}

static int fail(const GError *error) {
    fprintf(stderr, "aws-probe: %s\n", error->message);
    return 1;
}

int main(int argc, char **argv) {
    g_autoptr(GError) error = NULL;
    if (argc != 3) {
        fputs("usage: aws-probe CONFIG FOLDER\n", stderr);
        return 2;
    }
    log_configure(LOG_INFO, LOG_TEXT);
    g_autoptr(Config) config = config_load(argv[1], &error);
    Store *store = config ? store_open(&(StoreOptions){.folder = argv[2]}, &error) : NULL;
    HttpClient *http = store ? http_client_new(&error) : NULL;
    if (!http)
        return fail(error);
    static const Cloud *const known[] = {&cloud_aws, NULL};
    CloudsOptions options = {.clouds = known, .store = store, .http = http, .config = config, .runtime = runtime_threads_new(store, 0)};
    Probe probe = {clouds_new(&options, &error)};
    if (!probe.clouds)
        return fail(error);
    runtime_threads_start(options.runtime);
    clouds_start(probe.clouds);
    int code = obey_all(&probe);
    clouds_stop(probe.clouds, 1000);
    runtime_threads_stop(options.runtime, 1000);
    clouds_free(probe.clouds);
    runtime_threads_free(options.runtime);
    http_client_free(http);
    store_close(store);
    return code;
}
