/* Random deployments: a cluster that runs, a new image that may be bad, a strategy with its options, a cloud that misbehaves. */
#include "deploy.h"
#include <string.h>

typedef struct {
    const char *name, *options; /* options: a JSON text that begins with a comma, or "" */
    gboolean is_exclusive, moves_capacity;
} StrategyRow;
static const StrategyRow STRATEGIES[] = {
    {"none", "", FALSE, FALSE},
    {"redblack", "", TRUE, FALSE},
    {"redblack", ",\"maxRemainingAsgs\":1,\"scaleDown\":true,\"delayBeforeScaleDown\":60", TRUE, FALSE},
    {"redblack", ",\"delayBeforeCleanup\":120,\"maxRemainingAsgs\":2", TRUE, FALSE},
    {"highlander", "", TRUE, FALSE},
    {"rollingredblack", "", TRUE, TRUE},
    {"rollingredblack", ",\"targetPercentages\":[10,50]", TRUE, TRUE},
    {"rollingredblack", ",\"targetPercentages\":[33,66],\"delayBeforeCleanup\":30", TRUE, TRUE},
    {"rollingredblack", ",\"targetPercentages\":[50],\"scaleDown\":true", TRUE, TRUE},
    {"monitored", ",\"deploySteps\":[25,75],\"failureActions\":{\"rollback\":\"Automatic\",\"destroyInstances\":true}", TRUE, TRUE},
    {"monitored", ",\"deploySteps\":[50],\"maxRemainingAsgs\":1", TRUE, TRUE},
};
static const char *const IMAGES[] = {"boots in 5 s", "boots in 40 s", "boots in 90 s", "never healthy"};
static const char *const FAULTS[] = {
    "throttle createServerGroup 2 times",    "throttle resizeServerGroup 3 times",   "throttle disableServerGroup every 2 with 50 %",
    "timeout-after createServerGroup once",  "timeout-after resizeServerGroup once", "timeout-after disableServerGroup once",
    "timeout-after destroyServerGroup once", "refuse resizeServerGroup with 20 %",   "refuse disableServerGroup with 20 %",
    "refuse createServerGroup once",         "refuse destroyServerGroup once",       "timeout-after enableServerGroup once",
    "throttle enableServerGroup every 2",
};

static void add_faults(GRand *chance, GString *config, DeployCase *made) {
    guint n = (guint)g_rand_int_range(chance, 0, 4);
    made->faulty = n > 0;
    if (n > 0)
        g_string_append(config, "    faults:\n");
    for (guint i = 0; i < n; i++)
        g_string_append_printf(config, "      - \"%s\"\n", FAULTS[g_rand_int_range(chance, 0, G_N_ELEMENTS(FAULTS))]);
}

static void make_config(GRand *chance, DeployCase *made) {
    g_autoptr(GString)
        config = g_string_new("monitored-deploy: {enabled: true}\ngennaker:\n  simulator:\n    accounts:\n      - {name: prod, "
                              "regions: [north]}\n    images:\n      - {name: old}\n");
    g_string_append_printf(config, "      - {name: new, behaviour: %s}\n", IMAGES[g_rand_int_range(chance, 0, G_N_ELEMENTS(IMAGES))]);
    g_string_append_printf(config,
                           "    serverGroups:\n      - {name: shop-main-v000, image: old, size: %d, loadBalancers: [frontend]}\n"
                           "      - {name: shop-main-other-v000, image: old, size: 2, loadBalancers: [frontend]}\n",
                           (int)made->old_size);
    add_faults(chance, config, made);
    made->config = g_strdup(config->str);
    made->is_calm = strstr(made->config, "refuse") == NULL;
}

/* What the source is copied from, the new one has too. */
static char *make_cluster(GRand *chance, const StrategyRow *row, DeployCase *made) {
    gboolean copies = g_rand_boolean(chance);
    made->new_size = row->moves_capacity || copies ? made->old_size : g_rand_int_range(chance, 1, 7);
    made->new_min = row->moves_capacity || copies ? OLD_MIN : made->new_size;
    made->promise = MIN(made->old_size, made->new_size);
    gboolean rolls_back = g_rand_boolean(chance), destroys = g_rand_boolean(chance);
    return g_strdup_printf(
        "{\"account\":\"prod\",\"cloudProvider\":\"simulator\",\"application\":\"shop\",\"stack\":\"main\","
        "\"availabilityZones\":{\"north\":[]},\"imageId\":\"new\",\"loadBalancers\":[\"frontend\"],\"capacity\":{\"min\":%d,"
        "\"max\":%d,\"desired\":%d},\"useSourceCapacity\":%s,\"strategy\":\"%s\",\"stageTimeoutMs\":900000,\"rollback\":{"
        "\"onFailure\":%s,\"destroyLatest\":%s}%s}",
        (int)made->new_size, (int)made->new_size, (int)made->new_size, copies ? "true" : "false", row->name, rolls_back ? "true" : "false",
        destroys ? "true" : "false", row->options);
}

DeployCase *deploy_case_new(guint64 seed) {
    const guint32 seeds[] = {(guint32)seed, (guint32)(seed >> 32)};
    GRand *chance = g_rand_new_with_seed_array(seeds, G_N_ELEMENTS(seeds));
    const StrategyRow *row = &STRATEGIES[g_rand_int_range(chance, 0, G_N_ELEMENTS(STRATEGIES))];
    DeployCase *made = g_new0(DeployCase, 1);
    made->strategy = row->name;
    made->is_exclusive = row->is_exclusive;
    made->old_size = g_rand_int_range(chance, 1, 9);
    g_autofree char *cluster = make_cluster(chance, row, made);
    made->doubled = g_rand_int_range(chance, 0, 4) == 0;
    make_config(chance, made);
    made->pipeline = g_strdup_printf(
        "{\"application\":\"shop\",\"name\":\"deploy\",\"trigger\":{\"type\":\"manual\"},\"stages\":[{\"refId\":\"0\",\"type\":\"wait\","
        "\"waitTime\":300},{\"refId\":\"1\",\"requisiteStageRefIds\":[\"0\"],\"type\":\"resizeServerGroup\",\"credentials\":\"prod\","
        "\"cloudProvider\":\"simulator\",\"region\":\"north\",\"serverGroupName\":\"shop-main-v000\",\"capacity\":{\"min\":%d,\"max\":20,"
        "\"desired\":%d}},{\"refId\":\"2\",\"requisiteStageRefIds\":[\"1\"],\"type\":\"deploy\",\"name\":\"Deploy\",\"stageTimeoutMs\":"
        "1800000,"
        "\"clusters\":[%s%s%s]}]}",
        OLD_MIN, (int)made->old_size, cluster, made->doubled ? "," : "", made->doubled ? cluster : "");
    g_rand_free(chance);
    return made;
}

void deploy_case_free(DeployCase *made) {
    g_free(made->config);
    g_free(made->pipeline);
    g_free(made);
}
