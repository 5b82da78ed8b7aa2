/* How many expressions of the vectors one thread evaluates in a second: every source against its own context, over and over.
 *   bench_expr [FILE]   tests/vectors/data/expressions.json unless given
 * Budget: 300,000 evaluations a second. */
#include "expr/expr.h"
#include <stdio.h>
#include <time.h>

#define RUN_MS 3000

static const JsonValue *lookup(const char *name, gpointer data) {
    return json_get(data, name);
}

/* Time of this process alone: the machine may be busy with others. */
static gint64 cpu_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (gint64)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(int argc, char **argv) {
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    gsize length = 0;
    if (!g_file_get_contents(argc > 1 ? argv[1] : "tests/vectors/data/expressions.json", &text, &length, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return 1;
    }
    g_autoptr(Json) vectors = json_parse(text, (gssize)length, &error);
    if (!vectors) {
        fprintf(stderr, "%s\n", error->message);
        return 1;
    }
    g_autoptr(GPtrArray) sources = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    g_autoptr(GPtrArray) contexts = g_ptr_array_new();
    for (JsonIter i = json_iter(json_root(vectors)); json_next(&i);) {
        g_ptr_array_add(sources, json_pack("{s:v}", "value", json_get(i.value, "source")));
        g_ptr_array_add(contexts, (gpointer)json_get(i.value, "context"));
    }
    guint64 done = 0;
    gint64 begin = cpu_ms(), elapsed = 0;
    while ((elapsed = cpu_ms() - begin) < RUN_MS) {
        for (guint i = 0; i < sources->len; i++) {
            const ExprOptions options = {.lookup = lookup, .data = g_ptr_array_index(contexts, i), .now_ms = 1700000000000};
            ExprProcessed processed;
            expr_process(json_root(g_ptr_array_index(sources, i)), &options, &processed);
            expr_processed_clear(&processed);
        }
        done += sources->len;
    }
    printf("%" G_GUINT64_FORMAT " evaluations/s of one thread's time (budget 300000)\n", done * 1000 / (guint64)elapsed);
    return 0;
}
