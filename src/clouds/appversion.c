/* Application versions. Pure; the expression is compiled once. */
#include "clouds/appversion.h"
#include <string.h>

void appversion_clear(AppVersion *version) {
    g_free(version->package);
    g_free(version->version);
    g_free(version->build);
    g_free(version->commit);
    g_free(version->job);
    memset(version, 0, sizeof *version);
}

/* package-version-word[.word][~…][/job/number] */
#define NAME "[a-zA-Z0-9._~^-]+"
#define APPVERSION "^(" NAME ")-([0-9.a-zA-Z~]+)-(\\w+)(?:[.](\\w+))?(?:~[\\w.+~-]*)?(?:/(" NAME ")/([0-9]+))?$"

static GRegex *appversion_regex(void) {
    static GRegex *regex = NULL;
    static gsize once = 0;
    if (g_once_init_enter(&once)) {
        regex = g_regex_new(APPVERSION, G_REGEX_OPTIMIZE | G_REGEX_DOLLAR_ENDONLY, 0, NULL);
        g_once_init_leave(&once, 1);
    }
    return regex;
}

static char *group(const GMatchInfo *match, int number) {
    char *text = g_match_info_fetch(match, number);
    if (text != NULL && text[0] != '\0')
        return text;
    g_free(text);
    return NULL;
}

/* The build number stands behind one letter, which the reference does not look at. */
static char *without_letter(const char *word) {
    return word != NULL ? g_strdup(word + 1) : NULL;
}

gboolean appversion_parse(const char *text, AppVersion *into) {
    memset(into, 0, sizeof *into);
    g_autoptr(GMatchInfo) match = NULL;
    if (text == NULL || !g_regex_match(appversion_regex(), text, 0, &match))
        return FALSE;
    g_autofree char *first = group(match, 3), *second = group(match, 4);
    gboolean build_first = first[0] == 'h';
    into->package = group(match, 1);
    into->version = group(match, 2);
    into->build = without_letter(build_first ? first : second);
    into->commit = g_strdup(build_first ? second : first);
    into->job = group(match, 5);
    return TRUE;
}
