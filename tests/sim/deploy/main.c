/* gennaker-sim-deploy [SEEDS [FIRST [trace]]]: rehearses random deployments on a simulated cloud that misbehaves, in simulated time, and
 * checks what a strategy promises. A seed that fails is printed with what was run, and fails alike when it is run alone.
 * GENNAKER_TEST_LONG=1: ten times as many. */
#include "clouds/simulator/simulator.h"
#include "deploy.h"
#include <stdio.h>

#define SEEDS 5000
#define LONG_FACTOR 10
#define BEGIN_MS 1700000000000

static const Cloud *const CLOUDS[] = {&cloud_simulator, NULL};

static Json *parse(const char *text) {
    g_autoptr(GError) error = NULL;
    Json *json = json_parse(text, -1, &error);
    if (json == NULL)
        g_error("%s: %s", error->message, text);
    return json;
}

/* TRUE: all that was promised was kept. */
static gboolean run_seed(guint64 seed, gboolean trace, DeployCounts *counts) {
    g_autoptr(GError) error = NULL;
    static const char *const no_roles[] = {NULL};
    Principal principal = {.user = "sim", .roles = no_roles};
    DeployCase *made = deploy_case_new(seed);
    g_autoptr(Config) config = config_load_text("gennaker.yml", made->config, -1, &error);
    if (config == NULL)
        g_error("%s: %s", error->message, made->config);
    RehearsalOptions options = {.config = config, .clouds = CLOUDS, .seed = seed, .now_ms = BEGIN_MS, .principal = &principal};
    g_autoptr(Rehearsal) rehearsal = rehearsal_new(&options, &error);
    if (rehearsal == NULL)
        g_error("%s", error->message);
    DeployWatch watch = {.made = made, .clouds = rehearsal_services(rehearsal)->clouds};
    guint id = clouds_watch(watch.clouds, deploy_watch_changed, &watch);
    deploy_watch_begin(&watch);
    g_autoptr(Json) pipeline = parse(made->pipeline);
    gboolean ran = rehearsal_run(rehearsal, json_root(pipeline), &error);
    clouds_unwatch(watch.clouds, id);
    g_autofree char *broken = ran ? deploy_check(&watch, rehearsal_execution(rehearsal), counts) : g_strdup(error->message);
    if (broken != NULL || trace) {
        g_autoptr(Json) report = ran ? rehearsal_report(rehearsal) : NULL;
        g_autofree char *text = report != NULL ? json_write_pretty(json_root(report), NULL) : NULL;
        fprintf(stderr, "seed %" G_GUINT64_FORMAT ": %s\n%s\n%s\n%s\n", seed, broken != NULL ? broken : "all held", made->config,
                made->pipeline, text != NULL && trace ? text : "");
    }
    deploy_case_free(made);
    return broken == NULL;
}

int main(int argc, char **argv) {
    guint64 n = argc > 1 ? g_ascii_strtoull(argv[1], NULL, 10) : SEEDS * (g_getenv("GENNAKER_TEST_LONG") ? LONG_FACTOR : 1);
    guint64 first = argc > 2 ? g_ascii_strtoull(argv[2], NULL, 10) : 1, broken = 0;
    DeployCounts counts = {0};
    for (guint64 seed = first; seed < first + n; seed++)
        broken += run_seed(seed, argc > 3, &counts) ? 0 : 1;
    printf("%" G_GUINT64_FORMAT
           " deployments: %u succeeded, %u failed, %u with faults, %u two at once, %u looks at what serves; %s%" G_GUINT64_FORMAT
           " broke a promise\n",
           n, counts.succeeded, counts.failed, counts.faulty, counts.doubled, counts.looks, broken == 0 ? "all held, " : "", broken);
    return broken == 0 ? 0 : 1;
}
