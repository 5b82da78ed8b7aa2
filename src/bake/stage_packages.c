/* Which version of the packages was built (bake.md 7 "Package resolution"). Pure. */
#include "bake/stage.h"
#include <string.h>

typedef struct {
    const Execution *execution;
    const Stage *stage;
    const char *type; /* lower case */
    const BakeStageSettings *settings;
    GPtrArray *wanted;         /* of names, borrowed */
    const JsonValue *upstream; /* build of the nearest stage that made one of them, or NULL */
    const JsonValue *triggered;
    gboolean ci;              /* a build is behind this execution */
    gboolean any_listed;      /* some source lists artifacts */
    const JsonValue *matched; /* the build in which a package was found */
} Resolution;

void bake_build_clear(BakeBuild *build) {
    g_free(build->url);
    g_free(build->host);
    g_free(build->job);
    g_free(build->number);
    g_free(build->commit);
    memset(build, 0, sizeof *build);
}

static const char *delimiter(const char *type) {
    return strcmp(type, "rpm") == 0 ? "-" : strcmp(type, "nupkg") == 0 ? "." : "_";
}

/* ---- file names ---- */

/* The file's name without its ending when it is the package's, else NULL; caller frees. */
static char *stem_of(const char *file, const char *package, const char *type) {
    g_autofree char *ending = g_strconcat(".", type, NULL);
    if (file == NULL || !g_str_has_suffix(file, ending))
        return NULL;
    g_autofree char *stem = g_strndup(file, strlen(file) - strlen(ending));
    if (strcmp(type, "rpm") == 0) {
        g_auto(BakePackage) parsed = {0};
        bake_package_parse(type, stem, &parsed);
        return parsed.version != NULL && strcmp(parsed.name, package) == 0 ? g_steal_pointer(&stem) : NULL;
    }
    g_autofree char *start = g_strconcat(package, delimiter(type), NULL);
    return g_str_has_prefix(stem, start) ? g_steal_pointer(&stem) : NULL;
}

static char *find_in_build(const JsonValue *build, const char *package, const char *type) {
    for (JsonIter i = json_iter(json_get(build, "artifacts")); json_next(&i);) {
        char *stem = stem_of(json_get_string(i.value, "fileName"), package, type);
        if (stem != NULL)
            return stem;
    }
    return NULL;
}

/* ---- the three sources ---- */

static gboolean has_any_wanted(const Resolution *resolution, const JsonValue *build) {
    for (guint i = 0; i < resolution->wanted->len; i++) {
        g_autofree char *stem = find_in_build(build, resolution->wanted->pdata[i], resolution->type);
        if (stem != NULL)
            return TRUE;
    }
    return FALSE;
}

static void find_upstream(Resolution *resolution) {
    g_autoptr(GPtrArray) ancestors = stage_ancestors(resolution->execution, resolution->stage);
    for (guint i = 0; i < ancestors->len && resolution->upstream == NULL; i++) {
        const Stage *stage = ancestors->pdata[i];
        const JsonValue *build = json_get(json_root(stage->context), "buildInfo");
        build = json_is_object(build) ? build : json_get(json_root(stage->outputs), "buildInfo");
        if (json_length(json_get(build, "artifacts")) == 0)
            continue;
        resolution->any_listed = TRUE;
        if (has_any_wanted(resolution, build))
            resolution->upstream = build;
    }
}

static void find_triggered(Resolution *resolution) {
    const JsonValue *trigger = json_root(resolution->execution->trigger);
    while (json_is_object(trigger)) {
        const JsonValue *build = json_get(trigger, "buildInfo");
        resolution->ci |= json_length(build) > 0;
        if (json_length(json_get(build, "artifacts")) > 0) {
            resolution->triggered = build;
            resolution->any_listed = TRUE;
            return;
        }
        trigger = json_dig(trigger, "parentExecution", "trigger", NULL);
    }
}

/* name<delimiter>version of the execution's artifact, or NULL; caller frees. */
static char *find_artifact(Resolution *resolution, const char *package) {
    g_autoptr(GPtrArray) lists = stage_get_all(resolution->execution, resolution->stage, "artifacts");
    for (guint i = 0; i < lists->len; i++)
        for (JsonIter a = json_iter(lists->pdata[i]); json_next(&a);) {
            const char *type = json_get_string(a.value, "type"), *name = json_get_string(a.value, "name"),
                       *version = json_get_string(a.value, "version");
            resolution->any_listed = TRUE;
            if (type != NULL && g_ascii_strcasecmp(type, resolution->type) == 0 && g_strcmp0(name, package) == 0 && version != NULL)
                return g_strconcat(name, delimiter(resolution->type), version, NULL);
        }
    return NULL;
}

/* ---- one package ---- */

static gboolean same_version(const Resolution *resolution, const char *stem, const char *artifact) {
    g_auto(BakePackage) one = {0}, other = {0};
    bake_package_parse(resolution->type, stem, &one);
    bake_package_parse(resolution->type, artifact, &other);
    return g_strcmp0(one.version, other.version) == 0 && g_strcmp0(one.release, other.release) == 0;
}

/* What was found for it in all sources; NULL without an error when it was found nowhere. */
static char *resolve(Resolution *resolution, const char *package, GError **error) {
    g_autofree char *artifact = find_artifact(resolution, package);
    g_autofree char *upstream = find_in_build(resolution->upstream, package, resolution->type);
    g_autofree char *triggered = find_in_build(resolution->triggered, package, resolution->type);
    const char *built = upstream != NULL ? upstream : triggered;
    if (upstream != NULL && triggered != NULL && strcmp(upstream, triggered) != 0) {
        error_set(error, ERR_INVALID,
                  "Found build artifact in both upstream stage and pipeline trigger: package %s is %s there and %s here", package, upstream,
                  triggered);
        return NULL;
    }
    if (artifact != NULL && built != NULL && !same_version(resolution, built, artifact)) {
        error_set(error, ERR_INVALID, "package %s: the artifact %s and the build's %s are of different versions", package, artifact, built);
        return NULL;
    }
    if (built != NULL && resolution->matched == NULL)
        resolution->matched = upstream != NULL ? resolution->upstream : resolution->triggered;
    return g_strdup(artifact != NULL ? artifact : built);
}

static char *resolve_or_keep(Resolution *resolution, const char *package, GError **error) {
    g_autoptr(GError) failed = NULL;
    char *found = resolve(resolution, package, &failed);
    if (found != NULL)
        return found;
    if (failed != NULL) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return NULL;
    }
    if (resolution->any_listed && !resolution->settings->allow_missing_packages) {
        error_set(error, ERR_INVALID,
                  "Unable to find deployable artifact starting with [%s%s] and ending with .%s in the artifacts of stages, execution and "
                  "trigger. Make sure the build archives it, or set bakery.allow-missing-package-installation",
                  package, delimiter(resolution->type), resolution->type);
        return NULL;
    }
    return g_strdup(package);
}

/* ---- what is known of the build ---- */

static char *commit_of(const JsonValue *build) {
    const JsonValue *entries = json_get(build, "scm");
    const JsonValue *chosen = json_at(entries, 0);
    for (JsonIter i = json_iter(json_length(entries) >= 2 ? entries : NULL); json_next(&i);) {
        const char *branch = json_get_string(i.value, "branch");
        if (branch != NULL && strcmp(branch, "master") != 0 && strcmp(branch, "develop") != 0) {
            chosen = i.value;
            break;
        }
    }
    return g_strdup(json_get_string(chosen, "sha1"));
}

/* http://ci/job/folder/job/name/45/ → host http://ci/, job folder/name, number 45 */
static void read_url(const char *url, BakeBuild *build) {
    const char *host = strstr(url, "://");
    const char *path = host != NULL ? strchr(host + 3, '/') : NULL;
    if (path == NULL)
        return;
    build->host = g_strndup(url, (gsize)(path - url) + 1);
    g_autoptr(GPtrArray) parts = g_ptr_array_new();
    g_auto(GStrv) all = g_strsplit(path, "/", -1);
    for (guint i = 0; all[i] != NULL; i++)
        if (all[i][0] != '\0' && strcmp(all[i], "job") != 0)
            g_ptr_array_add(parts, all[i]);
    if (parts->len == 0)
        return;
    build->number = g_strdup(parts->pdata[parts->len - 1]);
    parts->pdata[parts->len - 1] = NULL;
    g_ptr_array_set_size(parts, (gint)parts->len);
    build->job = g_strjoinv("/", (char **)parts->pdata);
}

static void describe_build(const JsonValue *info, BakeBuild *build) {
    const char *url = json_get_string(info, "url");
    if (url != NULL) {
        build->url = g_strdup(url);
        read_url(url, build);
    }
    const char *name = json_get_string(info, "name");
    if (name != NULL && (build->job == NULL || build->job[0] == '\0')) {
        g_free(build->job);
        build->job = g_strdup(name);
    }
    char *number = json_as_text(json_get(info, "number"));
    if (number != NULL) {
        g_free(build->number);
        build->number = number;
    }
    build->commit = commit_of(info);
}

/* ---- all of them ---- */

static gboolean is_url(const char *package) {
    return g_str_has_prefix(package, "http://") || g_str_has_prefix(package, "https://") || g_str_has_prefix(package, "ssh://");
}

static char *resolve_all(Resolution *resolution, GError **error) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < resolution->wanted->len; i++) {
        g_autofree char *one = resolve_or_keep(resolution, resolution->wanted->pdata[i], error);
        if (one == NULL)
            return NULL;
        g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "", one);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

char *bake_resolve_packages(const Execution *execution, const Stage *stage, const char *type, const BakeStageSettings *settings,
                            BakeBuild *build, GError **error) {
    const char *package = json_get_string(json_root(stage->context), "package");
    if (package == NULL || package[0] == '\0' || is_url(package) || execution->type != EXECUTION_PIPELINE)
        return g_strdup(package != NULL ? package : "");
    g_autofree char *lower = g_ascii_strdown(type, -1);
    g_autoptr(GPtrArray) wanted = g_ptr_array_new();
    g_auto(GStrv) names = g_strsplit(package, " ", -1);
    for (guint i = 0; names[i] != NULL; i++)
        if (names[i][0] != '\0')
            g_ptr_array_add(wanted, names[i]);
    Resolution resolution = {.execution = execution, .stage = stage, .type = lower, .settings = settings, .wanted = wanted};
    find_upstream(&resolution);
    find_triggered(&resolution);
    g_autofree char *resolved = resolve_all(&resolution, error);
    if (resolved == NULL)
        return NULL;
    if (resolution.ci && !resolution.any_listed) {
        error_set(error, ERR_INVALID,
                  "CI job detected, but no artifacts found for package %s. To resolve this: make the build archive its packages", package);
        return NULL;
    }
    const JsonValue *info = resolution.matched != NULL ? resolution.matched : resolution.triggered;
    if (info != NULL && settings->extract_build_details)
        describe_build(info, build);
    return g_steal_pointer(&resolved);
}
