/* gennaker-sim-deploy [--seeds A..B | --seed N] [--trace]: runs seeds of the simulation of deployments and prints what was tried and how
 * often each check had something to check. */
#include "base/log.h"
#include "scene.h"
#include <stdio.h>
#include <string.h>

#define SEEDS 5000
#define LONG_SEEDS 25000

static const char CONFIG[] = "monitored-deploy: {enabled: true}\n"
                             "gennaker:\n"
                             "  simulator:\n"
                             "    accounts:\n"
                             "    - name: " ACCOUNT "\n"
                             "      regions: [" REGION "]\n";

typedef struct {
    guint64 first, last;
    gboolean trace;
} Wanted;

static gboolean read_range(const char *text, Wanted *wanted) {
    char *end = NULL;
    wanted->first = g_ascii_strtoull(text, &end, 10);
    if (end == text || !g_str_has_prefix(end, ".."))
        return FALSE;
    text = end + 2;
    wanted->last = g_ascii_strtoull(text, &end, 10);
    return end != text && *end == '\0' && wanted->last >= wanted->first;
}

static gboolean read_arguments(int argc, char **argv, Wanted *wanted) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0)
            wanted->trace = TRUE;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            wanted->first = wanted->last = g_ascii_strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seeds") != 0 || i + 1 >= argc || !read_range(argv[++i], wanted))
            return FALSE;
    }
    return TRUE;
}

/* FALSE: something was never tried, or never checked. */
static gboolean report(const Counters *counters, guint64 seeds) {
    gboolean whole = TRUE;
    printf("%" G_GUINT64_FORMAT " seeds\n", seeds);
#define PRINT_COUNTER(name)                                                                                                                \
    printf("  %-20s %" G_GUINT64_FORMAT "\n", #name, counters->name);                                                                      \
    whole = whole && counters->name > 0;
    COUNTERS(PRINT_COUNTER)
#undef PRINT_COUNTER
    return whole;
}

int main(int argc, char **argv) {
    Wanted wanted = {.first = 1, .last = g_getenv("GENNAKER_TEST_LONG") ? LONG_SEEDS : SEEDS};
    if (!read_arguments(argc, argv, &wanted)) {
        fprintf(stderr, "usage: gennaker-sim-deploy [--seeds A..B | --seed N] [--trace]\n");
        return 2;
    }
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
    if (!report(&counters, wanted.last - wanted.first + 1) && wanted.last - wanted.first >= 499) {
        printf("something of this was never tried or checked\n");
        return 1;
    }
    printf("all held\n");
    return 0;
}
