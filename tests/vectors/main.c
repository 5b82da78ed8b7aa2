/* gennaker-vectors AREA [--known LIST] FILE...: runs vector files and closes with "N passed, N failed". Single-threaded. */
#include "cases.h"
#include <stdio.h>
#include <string.h>

static const VectorsArea areas[] = {
    {"expressions", vectors_expressions},
    {"names", vectors_names},
    {"triggers", vectors_triggers},
    {NULL, NULL},
};

static const VectorsArea *find_area(const char *name) {
    for (const VectorsArea *area = areas; area->name; area++)
        if (strcmp(area->name, name) == 0)
            return area;
    return NULL;
}

static int usage(void) {
    fputs("usage: gennaker-vectors AREA [--known LIST] FILE...\nareas:", stderr);
    for (const VectorsArea *area = areas; area->name; area++)
        fprintf(stderr, " %s", area->name);
    fputc('\n', stderr);
    return 2;
}

int main(int argc, char **argv) {
    if (argc < 3)
        return usage();
    const VectorsArea *area = find_area(argv[1]);
    if (!area) {
        fprintf(stderr, "gennaker-vectors: no area %s\n", argv[1]);
        return usage();
    }
    VectorsResult result = {0};
    int first = 2;
    if (strcmp(argv[2], "--known") == 0) {
        g_autoptr(GError) error = NULL;
        if (argc < 5)
            return usage();
        if (!cases_read_known(argv[3], area->name, &error)) {
            fprintf(stderr, "gennaker-vectors: %s\n", error->message);
            return 2;
        }
        first = 4;
    }
    for (int i = first; i < argc; i++) {
        g_autoptr(GError) error = NULL;
        if (!area->run(argv[i], &result, &error)) {
            printf("%s: %s\n", argv[i], error->message);
            result.failed++;
        }
    }
    printf("%u passed, %u failed\n", result.passed, result.failed);
    return result.failed || !result.passed ? 1 : 0;
}
