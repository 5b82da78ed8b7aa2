/* Documents that are kept for people: plugins, delivery configurations, canary configs, service accounts of pipelines (stages.md 4.4,
 * storage-and-config.md 1.7 and 1.9, canary.md 1, security.md 3.7). */
#include "stages/metadata/canary_configs.h"
#include "stages/metadata/deliveries.h"
#include "stages/metadata/pipeline_permissions.h"
#include "stages/metadata/plugins.h"
#include "store_testing.h"

typedef struct {
    char *folder;
    Store *store;
} Rig;

static void rig_open(Rig *rig) {
    rig->folder = folder_new();
    rig->store = store_open_at(rig->folder);
}

static void rig_close(Rig *rig) {
    store_close(rig->store);
    remove_tree(rig->folder);
    g_free(rig->folder);
}

static Json *parse(const char *text) {
    g_autoptr(GError) error = NULL;
    g_autofree char *strict = g_strdelimit(g_strdup(text), "'", '"');
    Json *json = json_parse(strict, -1, &error);
    g_assert_no_error(error);
    return json;
}

static const char *const NO_ROLES[] = {NULL}, *const WEB[] = {"web", NULL};
static const Principal ann = {.user = "ann", .roles = NO_ROLES}, bob = {.user = "bob", .roles = WEB, .authorized = TRUE};

static void assert_error(const GError *error, ErrorCode code, const char *part) {
    g_assert_error(error, GENNAKER_ERROR, (int)code);
    if (strstr(error->message, part) == NULL)
        g_error("\"%s\" not in \"%s\"", part, error->message);
}

/* ---- plugins ---- */
static void check_plugin(Rig *rig, const char *text, const char *wrong) {
    g_autoptr(Json) info = parse(text);
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) saved = plugin_save(rig->store, json_root(info), &ann, 5, &error);
    if (wrong == NULL)
        g_assert_no_error(error);
    else
        assert_error(error, ERR_INVALID, wrong);
    g_assert_true((saved != NULL) == (wrong == NULL));
}

static void test_plugins(void) {
    Rig rig;
    rig_open(&rig);
    check_plugin(&rig, "{'id':'a.b','releases':[{'version':'1','preferred':true}]}", NULL);
    check_plugin(&rig, "{'id':'a.b','releases':[{'version':'1'},{'version':'2','preferred':true}]}", NULL);
    check_plugin(&rig, "{'id':'a.b','releases':[{'version':'1','url':'u'}]}", "Cannot update an existing release: 1");
    check_plugin(&rig, "{'id':'a.b','releases':'x'}", "expected a list");
    check_plugin(&rig, "{'id':'a.b','releases':[{'version':'1'},{'version':'1'}]}", "is there twice");
    static const char *const WRONG[] = {"{'id':'ab'}",    "{'id':'a.'}", "{'id':'.b'}", "{'id':'a..b'}",
                                        "{'id':'a.b c'}", "{'id':7}",    "[]",          "7"};
    for (gsize i = 0; i < G_N_ELEMENTS(WRONG); i++)
        check_plugin(&rig, WRONG[i], "<namespace>.<id>");
    g_autoptr(Json) stored = plugin_load(rig.store, "a.b", NULL);
    g_assert_cmpuint(json_length(json_get(json_root(stored), "releases")), ==, 2);
    g_assert_false(json_get_bool(plugin_release(json_root(stored), "1"), "preferred", TRUE));
    g_assert_true(json_get_bool(plugin_release(json_root(stored), "2"), "preferred", FALSE));
    g_assert_cmpstr(json_get_string(json_root(stored), "lastModifiedBy"), ==, "ann");
    g_autoptr(GError) error = NULL;
    g_assert_null(plugin_prefer(rig.store, "a.b", "3", &ann, 6, &error));
    assert_error(error, ERR_NOT_FOUND, "has no release 3");
    g_autoptr(Json) preferred = plugin_prefer(rig.store, "a.b", "1", &ann, 6, NULL);
    g_assert_true(json_get_bool(plugin_release(json_root(preferred), "1"), "preferred", FALSE));
    g_assert_cmpint(json_get_int(plugin_release(json_root(preferred), "1"), "lastModified", 0), ==, 6);
    g_assert_true(plugin_delete(rig.store, "a.b", NULL) && plugin_delete(rig.store, "a.b", NULL));
    rig_close(&rig);
}

/* ---- delivery configurations ---- */
static void test_deliveries(void) {
    Rig rig;
    rig_open(&rig);
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) first = parse("{'application':'App'}"), moved = parse("{'id':'d1','application':'other'}"), none = parse("{'id':'d1'}");
    g_autoptr(Json) saved = delivery_save(rig.store, json_root(first), "d1", &ann, 5, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(json_get_string(json_root(saved), "id"), ==, "d1");
    g_autoptr(Json) again = delivery_save(rig.store, json_root(saved), "d2", &ann, 9, NULL);
    g_assert_cmpint(json_get_int(json_root(again), "createTs", 0), ==, 5);
    g_assert_cmpint(json_get_int(json_root(again), "lastModified", 0), ==, 9);
    g_assert_null(delivery_save(rig.store, json_root(moved), "x", &ann, 9, &error));
    assert_error(error, ERR_INVALID, "is of application App");
    g_clear_error(&error);
    g_assert_null(delivery_save(rig.store, json_root(none), "x", &ann, 9, &error));
    assert_error(error, ERR_INVALID, "application: required");
    g_clear_error(&error);
    g_autoptr(Json) manifest = parse("{'application':'app','name':' '}");
    g_assert_null(delivery_config_save(rig.store, json_root(manifest), &ann, 9, &error));
    assert_error(error, ERR_INVALID, "name: required");
    g_autoptr(Json) list = stored_documents_list(rig.store, DELIVERY_KIND, "APP", NULL);
    g_assert_cmpuint(json_length(json_root(list)), ==, 1);
    rig_close(&rig);
}

/* ---- canary configs ---- */
static void test_canary_configs(void) {
    Rig rig;
    rig_open(&rig);
    g_autoptr(GError) error = NULL;
    g_autoptr(Json)
        config = parse("{'id':'c1','name':'web','applications':['App'],'metrics':[{'name':'m'}],'createdTimestamp':7,'x':null}");
    g_autoptr(Json) saved = canary_config_create(rig.store, json_root(config), &ann, 100, &error);
    g_assert_no_error(error);
    g_assert_cmpint(json_get_int(json_root(saved), "updatedTimestamp", 0), ==, 7);
    g_assert_cmpstr(json_get_string(json_root(saved), "createdTimestampIso"), ==, "1970-01-01T00:00:00.007Z");
    g_assert_null(json_get(json_root(saved), "x"));
    g_autoptr(Json) updated = canary_config_update(rig.store, "c1", json_root(config), &ann, 200, NULL);
    g_assert_cmpint(json_get_int(json_root(updated), "updatedTimestamp", 0), ==, 200);
    g_assert_null(canary_config_create(rig.store, json_root(config), &ann, 300, &error));
    assert_error(error, ERR_INVALID, "Canary config 'c1' already exists.");
    g_autofree char *id = canary_config_id(rig.store, "web", "app", NULL);
    g_assert_cmpstr(id, ==, "c1");
    g_clear_error(&error);
    g_assert_null(canary_config_id(rig.store, "web", "other", &error));
    g_assert_no_error(error);
    g_autoptr(Json) list = canary_configs_list(rig.store, "app", NULL);
    g_assert_cmpuint(json_length(json_root(list)), ==, 1);
    g_assert_null(json_get(json_at(json_root(list), 0), "metrics"));
    g_assert_false(canary_config_delete(rig.store, "c2", &error));
    assert_error(error, ERR_NOT_FOUND, "Canary config not found (id: c2)");
    rig_close(&rig);
}

/* ---- service accounts ---- */
static char *update(Services *services, const char *text, const Principal *principal, GError **error) {
    g_autoptr(Json) pipeline = parse(text);
    char *account = NULL;
    pipeline_permissions_update(services, json_root(pipeline), "P1", principal, 5, &account, error);
    return account;
}

static void check_triggers(const char *pipeline, const char *account, const char *expected) {
    g_autoptr(Json) given = parse(pipeline);
    g_autoptr(Json) changed = pipeline_with_run_as(json_root(given), account);
    g_autofree char *text = json_write(json_get(json_root(changed), "triggers"), NULL),
                    *wanted = g_strdelimit(g_strdup(expected), "'", '"');
    g_assert_cmpstr(text, ==, wanted);
}

static void test_service_accounts(void) {
    Rig rig;
    rig_open(&rig);
    g_autoptr(GError) error = NULL;
    Services services = {.store = rig.store};
    g_mutex_init(&services.lock);
    services.config = config_load_text("orca.yml", "tasks.useSharedManagedServiceAccounts: false\n", -1, NULL);
    g_autofree char *none = update(&services, "{}", &bob, &error);
    g_assert_no_error(error);
    g_assert_null(none);
    g_autofree char *account = update(&services, "{'roles':['Web ','web','']}", &bob, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(account, ==, "p1@managed-service-account");
    g_autoptr(Json) usable = service_accounts_of(rig.store, &bob, NULL), unusable = service_accounts_of(rig.store, &ann, NULL);
    g_assert_cmpuint(json_length(json_root(usable)), ==, 1);
    g_assert_cmpuint(json_length(json_root(unusable)), ==, 0);
    g_autofree char *refused = update(&services, "{'roles':['web','ops']}", &bob, &error);
    g_assert_null(refused);
    assert_error(error, ERR_FORBIDDEN, "User 'bob' is not authorized with all roles for pipeline");
    g_clear_error(&error);
    g_autofree char *open = update(&services, "{'roles':['web']}", &ann, &error);
    g_assert_null(open);
    assert_error(error, ERR_INVALID, "nobody has to sign in");
    g_clear_error(&error);
    Config *shared = config_load_text("orca.yml", "tasks.useSharedManagedServiceAccounts: true\n", -1, NULL);
    services_set_config(&services, shared);
    g_autofree char *first = update(&services, "{'roles':['web']}", &bob, &error),
                    *second = update(&services, "{'roles':['WEB']}", &bob, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(first, ==, second);
    g_assert_true(g_str_has_suffix(first, "@shared-managed-service-account"));
    StoreUnit *unit = store_unit_new();
    pipeline_permissions_forget(unit, "P1");
    commit_ok(rig.store, unit);
    g_autoptr(Json) left = service_accounts_of(rig.store, &bob, NULL);
    g_assert_cmpuint(json_length(json_root(left)), ==, 1);
    config_unref(shared);
    config_unref(services.config);
    g_mutex_clear(&services.lock);
    rig_close(&rig);
}

static void test_run_as(void) {
    check_triggers("{'roles':['r'],'triggers':[{},{'runAsUser':''},{'runAsUser':'x@managed-service-account'},{'runAsUser':'robot'},7]}",
                   "acc", "[{'runAsUser':'acc'},{'runAsUser':'acc'},{'runAsUser':'acc'},{'runAsUser':'robot'},7]");
    check_triggers("{'roles':[],'triggers':[{'runAsUser':'acc'},{'runAsUser':'x@managed-service-account'},{}]}", "acc",
                   "[{},{'runAsUser':'x@managed-service-account'},{}]");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stages/documents/plugins", test_plugins);
    g_test_add_func("/stages/documents/deliveries", test_deliveries);
    g_test_add_func("/stages/documents/canary-configs", test_canary_configs);
    g_test_add_func("/stages/documents/service-accounts", test_service_accounts);
    g_test_add_func("/stages/documents/run-as", test_run_as);
    return g_test_run();
}
