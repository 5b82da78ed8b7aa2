/* "Did you mean …": the nearest of the names that are known. Pure, any thread. */
#include "base/config_lint.h"
#include "base/config_node.h"
#include <string.h>

#define NAME_MAX_COMPARED 64
#define SLIPS_MAX 2

/* Insertions, deletions, replacements and neighbours swapped that lead from a to b. */
static guint distance(const char *a, const char *b) {
    guint rows[3][NAME_MAX_COMPARED + 1];
    const gsize n = strlen(a), m = strlen(b);
    for (gsize j = 0; j <= m; j++)
        rows[0][j] = (guint)j;
    for (gsize i = 1; i <= n; i++) {
        guint *now = rows[i % 3];
        const guint *before = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];
        now[0] = (guint)i;
        for (gsize j = 1; j <= m; j++) {
            const guint replaced = before[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = MIN(replaced, MIN(before[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = MIN(now[j], earlier[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

const char *config_suggest(const char *name, const GPtrArray *names) {
    g_autofree char *sought = config_canonical(name);
    const gsize length = strlen(sought);
    const char *nearest = NULL;
    guint least = SLIPS_MAX + 1;
    for (guint i = 0; i < names->len && length <= NAME_MAX_COMPARED; i++) {
        g_autofree char *known = config_canonical(names->pdata[i]);
        if (strlen(known) > NAME_MAX_COMPARED)
            continue;
        const guint slips = distance(sought, known);
        if (slips < least && slips * 3 <= length) {
            least = slips;
            nearest = names->pdata[i];
        }
    }
    return nearest;
}
