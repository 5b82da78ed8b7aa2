/* Who may do what (security.md 3): a row per rule. */
#include "auth/authorize.h"
#include "base/error.h"

#define SHOP(permissions) "{\"applications\":[{\"name\":\"Shop\",\"permissions\":" permissions "}]}"
#define APPLICATION(name, what) "{\"type\":\"APPLICATION\",\"name\":\"" name "\",\"authorization\":\"" what "\"}"
#define DEV "{\"name\":\"jane\",\"roles\":[\"dev\"]}"
#define PREFIXES                                                                                                                           \
    "[{\"prefix\":\"shop*\",\"permissions\":{\"READ\":[\"ops\"],\"CREATE\":[\"dev\"]}},{\"prefix\":\"shop\",\"permissions\":{\"READ\":["   \
    "\"dev\"]}}]"

static const struct {
    const char *why, *config, *user, *resources, *check;
    gboolean allowed;
} rows[] = {
    {"names are compared without case", "{}", DEV, SHOP("{\"WRITE\":[\" DEV \"]}"), APPLICATION("sHOP", "WRITE"), TRUE},
    {"WRITE does not mean READ", "{}", DEV, SHOP("{\"WRITE\":[\"dev\"]}"), APPLICATION("shop", "READ"), FALSE},
    {"blank roles restrict nothing", "{}", DEV, SHOP("{\"READ\":[\" \"]}"), APPLICATION("shop", "WRITE"), TRUE},
    {"EXECUTE falls back to READ", "{}", DEV, SHOP("{\"READ\":[\"dev\"]}"), APPLICATION("shop", "EXECUTE"), TRUE},
    {"not when it has a list", "{}", DEV, SHOP("{\"READ\":[\"dev\"],\"EXECUTE\":[\"ops\"]}"), APPLICATION("shop", "EXECUTE"), FALSE},
    {"or falls back to WRITE", "{\"executeFallback\":\"WRITE\"}", DEV, SHOP("{\"READ\":[\"dev\"]}"), APPLICATION("shop", "EXECUTE"), FALSE},
    {"an unknown application", "{}", DEV, "{}", APPLICATION("other", "READ"), FALSE},
    {"unless that is allowed", "{\"allowAccessToUnknownApplications\":true}", DEV, "{}", APPLICATION("other", "READ"), TRUE},
    {"a restricted one is known to everybody", "{\"allowAccessToUnknownApplications\":true}", DEV, SHOP("{\"READ\":[\"ops\"]}"),
     APPLICATION("shop", "READ"), FALSE},
    {"an unknown user", "{}", "{\"name\":\"x\",\"roles\":[],\"known\":false}", SHOP("{}"), APPLICATION("shop", "READ"), FALSE},
    {"no name, also for admins", "{\"adminRoles\":[\"dev\"]}", DEV, SHOP("{}"), "{\"type\":\"APPLICATION\",\"authorization\":\"READ\"}",
     FALSE},
    {"no authorization", "{\"adminRoles\":[\"dev\"]}", DEV, SHOP("{}"), "{\"type\":\"APPLICATION\",\"name\":\"shop\"}", FALSE},
    {"membership stands for READ and WRITE", "{}", DEV, "{\"accounts\":[{\"name\":\"prod\",\"requiredGroupMembership\":[\"dev\"]}]}",
     "{\"type\":\"accounts\",\"name\":\"PROD\",\"authorization\":\"WRITE\"}", TRUE},
    {"an unknown account", "{}", DEV, "{}", "{\"type\":\"ACCOUNT\",\"name\":\"prod\",\"authorization\":\"READ\"}", FALSE},
    {"creating is free", "{}", DEV, "{}", APPLICATION("new", "CREATE"), TRUE},
    {"or by prefix", "{\"restrictApplicationCreation\":true,\"applicationPrefixes\":" PREFIXES "}", DEV, "{}",
     APPLICATION("shop2", "CREATE"), TRUE},
    {"which others do not have", "{\"restrictApplicationCreation\":true,\"applicationPrefixes\":" PREFIXES "}",
     "{\"name\":\"x\",\"roles\":[\"ops\"]}", "{}", APPLICATION("shop2", "CREATE"), FALSE},
    {"prefixes add up", "{\"applicationPrefixes\":" PREFIXES "}", DEV, SHOP("{}"), APPLICATION("shop", "READ"), TRUE},
    {"or the most specific counts", "{\"resolutionStrategy\":\"MOST_SPECIFIC\",\"applicationPrefixes\":" PREFIXES "}",
     "{\"name\":\"x\",\"roles\":[\"ops\"]}", SHOP("{}"), APPLICATION("shop", "READ"), FALSE},
    {"all roles of a service account", "{}", DEV, "{\"serviceAccounts\":[{\"name\":\"sa\",\"memberOf\":[\"dev\",\"ops\"]}]}",
     "{\"type\":\"SERVICE_ACCOUNT\",\"name\":\"sa\"}", FALSE},
    {"or one", "{\"serviceAccountOrMode\":true}", DEV, "{\"serviceAccounts\":[{\"name\":\"sa\",\"memberOf\":[\"dev\",\"ops\"]}]}",
     "{\"type\":\"SERVICE_ACCOUNT\",\"name\":\"sa\"}", TRUE},
    {"one of nobody", "{}", DEV, "{\"serviceAccounts\":[{\"name\":\"sa\",\"memberOf\":[]}]}",
     "{\"type\":\"SERVICE_ACCOUNT\",\"name\":\"sa\"}", FALSE},
    {"a type that is none", "{}", DEV, "{}", "{\"type\":\"PIZZA\",\"name\":\"x\",\"authorization\":\"READ\"}", FALSE},
};

static Json *parse(const char *text) {
    g_autoptr(GError) error = NULL;
    Json *json = json_parse(text, -1, &error);
    g_assert_no_error(error);
    return json;
}

static void test_rules(void) {
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Json) config = parse(rows[i].config), user = parse(rows[i].user), resources = parse(rows[i].resources),
                        check = parse(rows[i].check);
        gboolean allowed = authorize(json_root(config), json_root(user), json_root(resources), json_root(check));
        if (allowed != rows[i].allowed)
            g_error("%s: %s", rows[i].why, allowed ? "allowed" : "refused");
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/auth/authorize", test_rules);
    return g_test_run();
}
