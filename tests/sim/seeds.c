/* The simulations' command lines (seeds.h). */
#include "seeds.h"
#include <stdio.h>
#include <string.h>

static gboolean read_range(const char *text, Seeds *seeds) {
    char *end = NULL;
    seeds->first = g_ascii_strtoull(text, &end, 10);
    if (end == text || !g_str_has_prefix(end, ".."))
        return FALSE;
    text = end + 2;
    seeds->last = g_ascii_strtoull(text, &end, 10);
    return end != text && *end == '\0' && seeds->last >= seeds->first;
}

static gboolean read_arguments(Seeds *seeds, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0)
            seeds->trace = TRUE;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            seeds->first = seeds->last = g_ascii_strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seeds") != 0 || i + 1 >= argc || !read_range(argv[++i], seeds))
            return FALSE;
    }
    return TRUE;
}

gboolean seeds_read(Seeds *seeds, int argc, char **argv, guint64 usual, guint64 many) {
    *seeds = (Seeds){.first = 1, .last = g_getenv("GENNAKER_TEST_LONG") ? many : usual};
    if (read_arguments(seeds, argc, argv))
        return TRUE;
    g_autofree char *name = g_path_get_basename(argv[0]);
    fprintf(stderr, "usage: %s [--seeds A..B | --seed N] [--trace]\n", name);
    return FALSE;
}

gboolean seeds_are_many(const Seeds *seeds, guint64 least) {
    return seeds->last - seeds->first + 1 >= least;
}

gboolean seeds_print_counter(const char *name, guint64 count) {
    printf("  %-20s %" G_GUINT64_FORMAT "\n", name, count);
    return count > 0;
}
