/* gennaker-sim-core [SEEDS [FIRST [trace]]]: runs so many seeds and closes with a line of counts. A seed that fails is printed with the
 * execution's state, and fails alike when it is run alone. GENNAKER_TEST_LONG=1: fifty times as many. */
#include "sim.h"
#include <stdio.h>
#include <stdlib.h>

#define SEEDS 2000
#define LONG_FACTOR 50

int main(int argc, char **argv) {
    guint64 n = argc > 1 ? g_ascii_strtoull(argv[1], NULL, 10) : SEEDS * (g_getenv("GENNAKER_TEST_LONG") ? LONG_FACTOR : 1);
    guint64 first = argc > 2 ? g_ascii_strtoull(argv[2], NULL, 10) : 1;
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_load(NULL, &error);
    EngineSettings *settings = config ? engine_settings_new(sim_types(), config, &error) : NULL;
    if (!settings) {
        fprintf(stderr, "settings: %s\n", error->message);
        return 1;
    }
    guint64 commits = 0, crashes = 0, events = 0;
    for (guint64 seed = first; seed < first + n; seed++) {
        SimWorld *world = sim_world_new(seed, settings);
        world->trace = argc > 3;
        sim_world_run(world);
        commits += world->commits;
        crashes += world->crashes;
        events += world->events;
        sim_world_free(world);
    }
    engine_settings_unref(settings);
    printf("%" G_GUINT64_FORMAT " seeds: %" G_GUINT64_FORMAT " events, %" G_GUINT64_FORMAT " commits, %" G_GUINT64_FORMAT
           " crashes; all held\n",
           n, events, commits, crashes);
    return 0;
}
