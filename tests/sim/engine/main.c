/* gennaker-sim [--seeds A..B | --seed N] [--trace]: runs seeds of the engine's simulation and prints what was tried and how often
 * each check had something to check. A seed that fails is printed with what it knew, and fails alike when it is run alone. */
#include "../seeds.h"
#include "base/log.h"
#include "world.h"
#include <stdio.h>
#include <stdlib.h>

#define SEEDS 10000
#define LONG_SEEDS 50000
#define SEEDS_PER_STORE 20 /* the write-ahead log of a store grows until it is closed */
#define MEAN_STAGES_MIN 12
#define SEEDS_THAT_TRY_ALL 1000

/* What a simulated crash takes with it is never freed. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "detect_leaks=0";
}

static Store *store_new(void) {
    g_autoptr(GError) error = NULL;
    Store *store = store_open(&(StoreOptions){.no_threads = TRUE}, &error);
    if (store == NULL) {
        fprintf(stderr, "store: %s\n", error->message);
        exit(1);
    }
    return store;
}

/* FALSE: something was never tried, or never checked. */
static gboolean report(const Counters *counters, guint64 seeds) {
    gboolean whole = TRUE;
    printf("%" G_GUINT64_FORMAT " seeds\n", seeds);
#define PRINT_COUNTER(name) whole = seeds_print_counter(#name, counters->name) && whole;
    COUNTERS(PRINT_COUNTER)
#undef PRINT_COUNTER
    double mean = (double)counters->stages / (double)MAX(counters->executions - counters->starts_lost, 1);
    printf("  %-20s %.1f, largest %" G_GUINT64_FORMAT "\n", "mean_stages", mean, counters->largest);
    return whole && mean >= MEAN_STAGES_MIN;
}

int main(int argc, char **argv) {
    Seeds wanted;
    if (!seeds_read(&wanted, argc, argv, SEEDS, LONG_SEEDS))
        return 2;
    log_configure(wanted.trace ? LOG_DEBUG : LOG_ERROR, LOG_TEXT);
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_load(NULL, &error);
    if (config == NULL) {
        fprintf(stderr, "configuration: %s\n", error->message);
        return 1;
    }
    Counters counters = {0};
    Store *store = store_new();
    for (guint64 seed = wanted.first; seed <= wanted.last; seed++) {
        if (seed != wanted.first && (seed - wanted.first) % SEEDS_PER_STORE == 0) {
            store_close(store);
            store = store_new();
        }
        world_run(seed, store, config, &counters, wanted.trace);
    }
    store_close(store);
    gboolean whole = report(&counters, wanted.last - wanted.first + 1);
    if (!whole && seeds_are_many(&wanted, SEEDS_THAT_TRY_ALL)) {
        printf("something of this was never tried or checked, or the graphs are too small\n");
        return 1;
    }
    printf("all held\n");
    return 0;
}
