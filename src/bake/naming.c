/* Names of packages, images and application versions (bake.md 4). Pure; any thread. */
#include "bake/naming.h"
#include <string.h>

void bake_package_clear(BakePackage *package) {
    g_free(package->name);
    g_free(package->version);
    g_free(package->release);
    g_free(package->arch);
    memset(package, 0, sizeof *package);
}

/* ---- packages: one parser per type ---- */

/* Empty pieces at the end are dropped, as Java does. */
static char **split(const char *text, const char *mark) {
    char **pieces = g_strsplit(text, mark, -1);
    for (guint n = g_strv_length(pieces); n > 0 && pieces[n - 1][0] == '\0'; n--)
        g_clear_pointer(&pieces[n - 1], g_free);
    return pieces;
}

/* name_version-release_arch; what stands behind a second dash of the version is lost, as in the reference. */
static void parse_deb(const char *text, BakePackage *into) {
    g_auto(GStrv) parts = split(text, "_");
    guint n = g_strv_length(parts);
    into->name = g_strdup(n > 1 ? parts[0] : text);
    if (n > 1) {
        g_auto(GStrv) version = split(parts[1], "-");
        into->version = g_strdup(version[0]);
        into->release = version[0] != NULL ? g_strdup(version[1]) : NULL;
    }
    into->arch = n > 2 ? g_strdup(parts[2]) : NULL;
}

/* name-version-release.arch */
static void parse_rpm(const char *text, BakePackage *into) {
    const char *dot = strrchr(text, '.');
    into->arch = dot != NULL ? g_strdup(dot + 1) : NULL;
    g_autofree char *rest = g_strndup(text, dot != NULL ? (gsize)(dot - text) : strlen(text));
    char *release = strrchr(rest, '-');
    if (release != NULL)
        *release = '\0';
    char *version = release != NULL ? strrchr(rest, '-') : NULL;
    if (version == NULL) {
        into->name = g_strdup(text);
        return;
    }
    *version = '\0';
    into->name = g_strdup(rest);
    into->version = g_strdup(version + 1);
    into->release = g_strdup(release + 1);
}

static gboolean is_digits(const char *text, gsize length) {
    gsize i = 0;
    while (i < length && g_ascii_isdigit(text[i]))
        i++;
    return length > 0 && i == length;
}

/* Where the version begins: at the first piece behind a dot that is all digits, else at the first that begins with one and holds a "-". */
static const char *nupkg_version(const char *text) {
    const char *second = NULL;
    for (const char *dot = strchr(text, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
        gsize length = strcspn(dot + 1, ".");
        if (is_digits(dot + 1, length))
            return dot + 1;
        if (second == NULL && g_ascii_isdigit(dot[1]) && memchr(dot + 1, '-', length) != NULL)
            second = dot + 1;
    }
    return second;
}

/* name.version[-release]; metadata behind a "+" is the release when there is no other, and keeps its mark. */
static void parse_nupkg(const char *text, BakePackage *into) {
    const char *version = nupkg_version(text);
    const char *from = version != NULL ? version : text;
    const char *mark = version != NULL ? strchr(from, '-') : NULL;
    if (mark == NULL)
        mark = strchr(from, '+');
    gsize length = mark != NULL ? (gsize)(mark - from) : strlen(from);
    into->release = mark != NULL ? g_strdup(*mark == '+' ? mark : mark + 1) : NULL;
    into->name = g_strndup(text, version != NULL ? (gsize)(version - text) - 1 : length);
    into->version = version != NULL ? g_strndup(version, length) : NULL;
}

typedef struct {
    const char *type, *version_mark;
    void (*parse)(const char *text, BakePackage *into);
    const char *appversion_marks[3]; /* before version, build, commit */
} PackageType;
static const PackageType TYPES[] = {
    {"deb", "=", parse_deb, {"-", "-h", "."}},
    {"rpm", "-", parse_rpm, {"-", "-h", "."}},
    {"nupkg", ".", parse_nupkg, {".", "-", "+"}},
};

static const PackageType *package_type(const char *type) {
    for (guint i = 0; type != NULL && i < G_N_ELEMENTS(TYPES); i++)
        if (g_ascii_strcasecmp(type, TYPES[i].type) == 0)
            return &TYPES[i];
    return &TYPES[0];
}

void bake_package_parse(const char *type, const char *text, BakePackage *into) {
    memset(into, 0, sizeof *into);
    package_type(type)->parse(text, into);
}

char *bake_package_install(const char *type, const BakePackage *package) {
    if (package->version == NULL || package->version[0] == '\0')
        return g_strdup(package->name);
    gboolean released = package->release != NULL && package->release[0] != '\0';
    return g_strconcat(package->name, package_type(type)->version_mark, package->version, released ? "-" : "",
                       released ? package->release : "", NULL);
}

char *bake_packages_install(const char *type, const char *packages) {
    g_auto(GStrv) texts = g_strsplit_set(packages != NULL ? packages : "", " \t\r\n", -1);
    g_autoptr(GString) all = g_string_new(NULL);
    for (guint i = 0; texts[i] != NULL; i++) {
        if (texts[i][0] == '\0')
            continue;
        g_auto(BakePackage) package = {0};
        bake_package_parse(type, texts[i], &package);
        g_autofree char *install = bake_package_install(type, &package);
        g_string_append_printf(all, "%s%s", all->len > 0 ? " " : "", install);
    }
    return g_string_free(g_steal_pointer(&all), FALSE);
}

/* ---- images ---- */

char *bake_image_name(const char *name, const BakePackage *first, const char *suffix, const char *base_os) {
    gboolean named = name != NULL && name[0] != '\0';
    const char *parts[] = {named ? name : first->name, first->arch != NULL && first->arch[0] != '\0' ? first->arch : "all", suffix,
                           base_os};
    g_autoptr(GString) whole = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++)
        if (parts[i] != NULL && parts[i][0] != '\0')
            g_string_append_printf(whole, "%s%s", whole->len > 0 ? "-" : "", parts[i]);
    return g_string_free(g_steal_pointer(&whole), FALSE);
}

/* ---- application versions ---- */

char *bake_appversion(const char *type, const BakePackage *first, const char *build_number, const char *commit, const char *job) {
    const char *const *marks = package_type(type)->appversion_marks;
    g_autoptr(GString) text = g_string_new(first->name);
    gboolean built = build_number != NULL && build_number[0] != '\0';
    if (first->version != NULL && first->version[0] != '\0') {
        g_string_append_printf(text, "%s%s", marks[0], first->version);
        if (built)
            g_string_append_printf(text, "%s%s", marks[1], build_number);
        if (built && commit != NULL && commit[0] != '\0')
            g_string_append_printf(text, "%s%s", marks[2], commit);
        if (built && job != NULL && job[0] != '\0') {
            g_autofree char *flat = g_strdup(job);
            g_string_append_printf(text, "/%s/%s", g_strdelimit(flat, "/", '-'), build_number);
        }
    }
    g_auto(AppVersion) read = {0};
    return appversion_parse(text->str, &read) ? g_strdup(text->str) : NULL;
}
