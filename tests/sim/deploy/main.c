/* gennaker-sim-deploy [--seeds A..B | --seed N] [--trace]: runs seeds of the simulation of deployments and prints what was tried and how
 * often each check had something to check. */
#include "../seeds.h"
#include "base/log.h"
#include "scene.h"
#include <stdio.h>

#define SEEDS 5000
#define LONG_SEEDS 25000
#define SEEDS_THAT_TRY_ALL 500

static const char CONFIG[] = "monitored-deploy: {enabled: true}\n"
                             "gennaker:\n"
                             "  simulator:\n"
                             "    accounts:\n"
                             "    - name: " ACCOUNT "\n"
                             "      regions: [" REGION "]\n";

/* FALSE: something was never tried, or never checked. */
static gboolean report(const Counters *counters, guint64 seeds) {
    gboolean whole = TRUE;
    printf("%" G_GUINT64_FORMAT " seeds\n", seeds);
#define PRINT_COUNTER(name) whole = seeds_print_counter(#name, counters->name) && whole;
    COUNTERS(PRINT_COUNTER)
#undef PRINT_COUNTER
    return whole;
}

int main(int argc, char **argv) {
    Seeds wanted;
    if (!seeds_read(&wanted, argc, argv, SEEDS, LONG_SEEDS))
        return 2;
    log_configure(wanted.trace ? LOG_INFO : LOG_ERROR, LOG_TEXT);
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_load_text("gennaker.yml", CONFIG, -1, &error);
    if (config == NULL) {
        fprintf(stderr, "configuration: %s\n", error->message);
        return 1;
    }
    Counters counters = {0};
    for (guint64 seed = wanted.first; seed <= wanted.last; seed++)
        scene_run(seed, config, &counters, wanted.trace);
    if (!report(&counters, wanted.last - wanted.first + 1) && seeds_are_many(&wanted, SEEDS_THAT_TRY_ALL)) {
        printf("something of this was never tried or checked\n");
        return 1;
    }
    printf("all held\n");
    return 0;
}
