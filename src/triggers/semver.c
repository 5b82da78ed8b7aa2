/* Ranges of versions as npm has them: ~1.2, ^1.2.3, 1.x, >=1 <2, 1.2 - 1.4, a || b. Fact source: the documentation of node-semver. Pure. */
#include "triggers/internal.h"
#include <string.h>

#define PARTS 3
#define ANY (-1)

typedef struct {
    gint64 parts[PARTS]; /* ANY: not given, x or * */
    char *prerelease;    /* or NULL */
} Version;

static void version_clear(Version *version) {
    g_clear_pointer(&version->prerelease, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Version, version_clear)

/* "v1.2.3-rc.1+build", "1.x", "*". */
static gboolean version_parse(const char *text, gboolean whole, Version *into) {
    *into = (Version){.parts = {ANY, ANY, ANY}};
    text += *text == 'v' || *text == '=';
    int n = 0;
    while (n < PARTS && *text != '\0' && *text != '-' && *text != '+') {
        if (*text == 'x' || *text == 'X' || *text == '*') {
            text++;
        } else {
            if (!g_ascii_isdigit(*text))
                return FALSE;
            char *end = NULL;
            into->parts[n] = (gint64)g_ascii_strtoull(text, &end, 10);
            text = end;
        }
        n++;
        if (*text == '.' && n < PARTS)
            text++;
    }
    if (*text == '-') {
        gsize length = strcspn(text + 1, "+");
        into->prerelease = g_strndup(text + 1, length);
        text += 1 + length;
    }
    if (*text != '\0' && *text != '+')
        return FALSE;
    return !whole || (n == PARTS && into->parts[0] != ANY && into->parts[1] != ANY && into->parts[2] != ANY);
}

static int number_compare(gint64 a, gint64 b) {
    return (a > b) - (a < b);
}

static gboolean is_number(const char *text) {
    return *text != '\0' && strspn(text, "0123456789") == strlen(text);
}

static int prerelease_compare(const char *a, const char *b) {
    if (a == NULL || b == NULL)
        return (a == NULL) - (b == NULL);
    g_auto(GStrv) left = g_strsplit(a, ".", -1);
    g_auto(GStrv) right = g_strsplit(b, ".", -1);
    for (gsize i = 0; left[i] != NULL || right[i] != NULL; i++) {
        if (left[i] == NULL || right[i] == NULL)
            return left[i] == NULL ? -1 : 1;
        gboolean numbers = is_number(left[i]) && is_number(right[i]);
        int order = numbers ? number_compare(g_ascii_strtoll(left[i], NULL, 10), g_ascii_strtoll(right[i], NULL, 10))
                    : is_number(left[i]) != is_number(right[i]) ? (is_number(left[i]) ? -1 : 1)
                                                                : strcmp(left[i], right[i]);
        if (order != 0)
            return order;
    }
    return 0;
}

/* What is not given counts as 0. */
static int version_compare(const Version *a, const Version *b) {
    for (int i = 0; i < PARTS; i++) {
        int order = number_compare(MAX(a->parts[i], 0), MAX(b->parts[i], 0));
        if (order != 0)
            return order;
    }
    return prerelease_compare(a->prerelease, b->prerelease);
}

/* Below the next version in that part. */
static gboolean is_below_next(const Version *version, const Version *base, int part) {
    for (int i = 0; i <= part; i++)
        if (version->parts[i] != MAX(base->parts[i], 0))
            return version->parts[i] < MAX(base->parts[i], 0);
    return TRUE;
}

static int last_given(const Version *version) {
    int last = -1;
    for (int i = 0; i < PARTS && version->parts[i] != ANY; i++)
        last = i;
    return last;
}

static gboolean tilde_holds(const Version *version, const Version *base) {
    return version_compare(version, base) >= 0 && is_below_next(version, base, MIN(last_given(base), 1));
}

/* No change of the first part that is not 0. */
static gboolean caret_holds(const Version *version, const Version *base) {
    int part = 0, last = last_given(base);
    while (part < last && base->parts[part] == 0)
        part++;
    return version_compare(version, base) >= 0 && is_below_next(version, base, last < 0 ? -1 : part);
}

static gboolean comparator_holds(const Version *version, const char *text) {
    static const char *const OPERATORS[] = {">=", "<=", ">", "<", "~>", "~", "^", "=", ""};
    gsize which = 0;
    while (!g_str_has_prefix(text, OPERATORS[which]))
        which++;
    g_auto(Version) base = {0};
    if (!version_parse(text + strlen(OPERATORS[which]), FALSE, &base))
        return FALSE;
    int order = version_compare(version, &base), last = last_given(&base);
    gboolean inside = last < 0 || (is_below_next(version, &base, last) && order >= 0);
    switch (which) {
    case 0:
        return order >= 0;
    case 1:
        return order <= 0 || inside;
    case 2:
        return order > 0 && (!inside || last == PARTS - 1);
    case 3:
        return order < 0;
    case 4:
    case 5:
        return last < 0 || tilde_holds(version, &base);
    case 6:
        return last < 0 || caret_holds(version, &base);
    default:
        return last == PARTS - 1 ? order == 0 : inside;
    }
}

/* A version with a prerelease is meant only where one of the same three numbers is named. */
static gboolean names_prerelease(const Version *version, char *const *words) {
    for (gsize i = 0; words[i] != NULL; i++) {
        g_auto(Version) base = {0};
        const char *text = words[i] + strspn(words[i], "<>=~^");
        if (version_parse(text, FALSE, &base) && base.prerelease != NULL && memcmp(base.parts, version->parts, sizeof base.parts) == 0)
            return TRUE;
    }
    return FALSE;
}

static char **words_of(const char *range) {
    g_autofree char *text = g_strdup(range);
    for (char *c = text; *c != '\0'; c++)
        if (g_ascii_isspace(*c) || *c == ',')
            *c = ' ';
    g_auto(GStrv) raw = g_strsplit(text, " ", -1);
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    gboolean hangs = FALSE; /* an operator that stands alone belongs to what follows */
    for (gsize i = 0; raw[i] != NULL; i++) {
        if (*raw[i] == '\0')
            continue;
        if (strcmp(raw[i], "-") == 0 && words->len > 0) { /* a - b */
            char *from = g_strconcat(">=", (char *)words->pdata[words->len - 1], NULL);
            g_free(words->pdata[words->len - 1]);
            words->pdata[words->len - 1] = from;
            g_ptr_array_add(words, g_strdup("<="));
            hangs = TRUE;
            continue;
        }
        if (hangs) {
            char *joined = g_strconcat((char *)words->pdata[words->len - 1], raw[i], NULL);
            g_free(words->pdata[words->len - 1]);
            words->pdata[words->len - 1] = joined;
        } else {
            g_ptr_array_add(words, g_strdup(raw[i]));
        }
        hangs = strspn(raw[i], "<>=~^") == strlen(raw[i]);
    }
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_steal(words, NULL);
}

static gboolean all_hold(const Version *version, const char *range) {
    g_auto(GStrv) words = words_of(range);
    for (gsize i = 0; words[i] != NULL; i++)
        if (!comparator_holds(version, words[i]))
            return FALSE;
    return version->prerelease == NULL || names_prerelease(version, words);
}

gboolean semver_in_range(const char *text, const char *range) {
    g_auto(Version) version = {0};
    if (text == NULL || strlen(range) > SEMVER_RANGE_MAX || !version_parse(text, TRUE, &version))
        return FALSE;
    g_auto(GStrv) choices = g_strsplit(range, "||", -1);
    for (gsize i = 0; choices[i] != NULL; i++)
        if (all_hold(&version, choices[i]))
            return TRUE;
    return FALSE;
}
