/* Name vectors: one function per kind, which makes of a case what the case expects. */
#include "bake/naming.h"
#include "base/error.h"
#include "cases.h"
#include "clouds/moniker.h"
#include <string.h>

/* NULL: refused. */
typedef Json *(*KindRun)(const JsonValue *test, const JsonValue *input);

/* Null members included, as the vectors have them. */
static void add_text(JsonBuilder *builder, const char *key, const char *text) {
    if (text)
        json_add_string(builder, key, text);
    else
        json_add_null(builder, key);
}

static Json *name_only(char *name) {
    Json *json = name ? json_pack("{s:s}", "name", name) : NULL;
    g_free(name);
    return json;
}

static void add_moniker(JsonBuilder *builder, const Moniker *moniker) {
    add_text(builder, "app", moniker->app);
    add_text(builder, "stack", moniker->stack);
    add_text(builder, "detail", moniker->detail);
    add_text(builder, "cluster", moniker->cluster);
    if (moniker->sequence >= 0)
        json_add_int(builder, "sequence", moniker->sequence);
    else
        json_add_null(builder, "sequence");
}

/* ---- names themselves ---- */

static Json *run_parse(const JsonValue *test, const JsonValue *input) {
    (void)input;
    const char *name = json_get_string(test, "name");
    g_auto(Moniker) moniker = {0};
    naming_parse(name, &moniker);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    add_moniker(builder, &moniker);
    add_text(builder, "push", moniker.app && name ? naming_push(name) : NULL);
    json_end_object(builder);
    return json_builder_end(builder);
}

static Json *run_labels(const JsonValue *test, const JsonValue *input) {
    (void)input;
    char *labels[NAMING_LABELS];
    naming_labels(json_get_string(test, "name"), labels);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (guint i = 0; i < NAMING_LABELS; i++) {
        add_text(builder, naming_label_names[i], labels[i]);
        g_free(labels[i]);
    }
    json_end_object(builder);
    return json_builder_end(builder);
}

static Json *run_successor(const JsonValue *test, const JsonValue *input) {
    (void)input;
    return name_only(naming_successor(json_get_string(test, "name")));
}

static Json *run_reserved(const JsonValue *test, const JsonValue *input) {
    (void)input;
    return json_pack("{s:b}", "reserved", naming_is_reserved(json_get_string(test, "name")));
}

static void put_shard(const char *id, const char *value, gpointer data) {
    Json **shards = data;
    Json *more = json_with_string(json_root(*shards), id, value);
    json_unref(*shards);
    *shards = more;
}

static Json *run_shards(const JsonValue *test, const JsonValue *input) {
    (void)input;
    g_autoptr(Json) shards = json_empty_object();
    guint warnings;
    const char *rest = naming_shards(json_get_string(test, "name"), put_shard, &shards, &warnings);
    return json_pack("{s:j,s:s,s:i}", "shards", shards, "rest", rest, "warnings", (gint64)warnings);
}

/* ---- composing ---- */

static Json *compose_strictly(const JsonValue *input) {
    const char *app = json_get_string(input, "app"), *stack = json_get_string(input, "stack"), *detail = json_get_string(input, "detail");
    if (!naming_check(app, stack, detail, NULL))
        return NULL;
    g_autofree char *cluster = naming_cluster(app, stack, detail);
    if (json_get_bool(input, "ignoreSequence", FALSE))
        return name_only(g_steal_pointer(&cluster));
    return name_only(naming_server_group(cluster, json_get_int(input, "sequence", -1), NULL));
}

static Json *run_compose(const JsonValue *test, const JsonValue *input) {
    (void)test;
    if (json_get(input, "sequence") || json_get(input, "ignoreSequence"))
        return compose_strictly(input);
    const char *labels[NAMING_LABELS];
    for (guint i = 0; i < NAMING_LABELS; i++)
        labels[i] = json_get_string(input, naming_label_names[i]);
    return name_only(naming_group_name(json_get_string(input, "app"), json_get_string(input, "stack"), json_get_string(input, "detail"),
                                       labels, json_get_bool(input, "validate", FALSE), NULL));
}

/* ---- the next one ---- */

static gboolean contains(const JsonValue *list, const char *text) {
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (g_strcmp0(json_string(i.value), text) == 0)
            return TRUE;
    return FALSE;
}

/* As an operation does it: the next name, and on while that exists after all. */
static Json *first_free(const char *cluster, const GArray *groups, const JsonValue *live) {
    for (guint tried = 0; tried < NAMING_CANDIDATES_MAX; tried++) {
        g_autofree char *name = naming_next(cluster, (const NamedGroup *)(const void *)groups->data, groups->len, tried, NULL);
        if (!name || !contains(live, name))
            return name_only(g_steal_pointer(&name));
    }
    return NULL;
}

static char *cluster_of(const JsonValue *input) {
    return naming_cluster(json_get_string(input, "app"), json_get_string(input, "stack"), json_get_string(input, "detail"));
}

static Json *run_next(const JsonValue *test, const JsonValue *input) {
    (void)test;
    g_autofree char *cluster = cluster_of(input);
    const JsonValue *live = json_get(input, "liveNotCached");
    g_autoptr(GArray) groups = g_array_new(FALSE, FALSE, sizeof(NamedGroup));
    gboolean bare_exists = contains(live, cluster);
    for (JsonIter i = json_iter(json_get(input, "cached")); json_next(&i);) {
        const NamedGroup group = {json_string(json_at(i.value, 0)), json_int(json_at(i.value, 1), 0)};
        if (contains(json_get(input, "staleInCache"), group.name))
            continue;
        g_array_append_val(groups, group);
        bare_exists = bare_exists || g_strcmp0(group.name, cluster) == 0;
    }
    if (json_get(input, "sequence"))
        return name_only(naming_server_group(cluster, json_get_int(input, "sequence", -1), NULL));
    if (!json_get_bool(input, "ignoreSequence", FALSE))
        return first_free(cluster, groups, live);
    if (!bare_exists)
        return name_only(g_steal_pointer(&cluster));
    const NamedGroup bare = {cluster, 0};
    g_array_set_size(groups, 0);
    g_array_append_val(groups, bare);
    return first_free(cluster, groups, live);
}

static Json *run_next_ecs(const JsonValue *test, const JsonValue *input) {
    (void)test;
    g_autofree char *cluster = cluster_of(input);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GArray) groups = g_array_new(FALSE, FALSE, sizeof(NamedGroup));
    for (JsonIter i = json_iter(json_get(input, "taken")); json_next(&i);) {
        char *name = g_strdup_printf("%s-v%03" G_GINT64_FORMAT, cluster, json_int(i.value, 0));
        const NamedGroup group = {name, (gint64)i.index};
        g_ptr_array_add(names, name);
        g_array_append_val(groups, group);
    }
    return first_free(cluster, groups, json_get(input, "draining"));
}

/* ---- monikers ---- */

static Json *derive(const MonikerSource *source, const JsonValue *input, const char *keys) {
    g_auto(Moniker) moniker = {0};
    if (!moniker_derive(source, json_get_string(input, "name"), json_get_string(input, "kind"), json_get(input, keys), &moniker, NULL))
        return NULL;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    add_moniker(builder, &moniker);
    json_end_object(builder);
    return json_builder_end(builder);
}

static Json *run_kubernetes(const JsonValue *test, const JsonValue *input) {
    (void)test;
    return derive(&moniker_kubernetes, input, "annotations");
}

static Json *run_ecs(const JsonValue *test, const JsonValue *input) {
    (void)test;
    return derive(&moniker_ecs, input, "tags");
}

static Json *run_lambda(const JsonValue *test, const JsonValue *input) {
    (void)test;
    return derive(&moniker_lambda, input, "tags");
}

static Json *run_google(const JsonValue *test, const JsonValue *input) {
    (void)test;
    return derive(&moniker_google, input, json_get(input, "labels") ? "labels" : "tags");
}

/* ---- bakes ---- */

static Json *run_appversion(const JsonValue *test, const JsonValue *input) {
    (void)input;
    g_auto(AppVersion) version = {0};
    g_autoptr(JsonBuilder) builder = json_builder_new();
    if (!appversion_parse(json_get_string(test, "name"), &version)) {
        json_add_null(builder, NULL);
        return json_builder_end(builder);
    }
    json_begin_object(builder, NULL);
    add_text(builder, "package", version.package);
    add_text(builder, "version", version.version);
    add_text(builder, "build", version.build);
    add_text(builder, "commit", version.commit);
    add_text(builder, "job", version.job);
    json_end_object(builder);
    return json_builder_end(builder);
}

static Json *run_package(const JsonValue *test, const JsonValue *input) {
    (void)test;
    const char *type = json_get_string(input, "type");
    g_auto(BakePackage) package = {0};
    bake_package_parse(type, json_get_string(input, "package"), &package);
    g_autofree char *install = bake_package_install(type, &package);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    add_text(builder, "name", package.name);
    add_text(builder, "version", package.version);
    add_text(builder, "release", package.release);
    add_text(builder, "arch", package.arch);
    add_text(builder, "install", install);
    json_end_object(builder);
    return json_builder_end(builder);
}

static Json *run_image_name(const JsonValue *test, const JsonValue *input) {
    (void)test;
    const char *packages = json_get_string(input, "packages");
    g_auto(GStrv) texts = g_strsplit_set(packages ? packages : "", " ,", -1);
    g_auto(BakePackage) first = {0};
    bake_package_parse(json_get_string(input, "type"), texts[0] ? texts[0] : "", &first);
    return name_only(
        bake_image_name(json_get_string(input, "amiName"), &first, json_get_string(input, "amiSuffix"), json_get_string(input, "baseOs")));
}

/* ---- cases ---- */

static const struct {
    const char *kind;
    KindRun run;
} kinds[] = {
    {"parse", run_parse},
    {"labels", run_labels},
    {"successor", run_successor},
    {"reserved", run_reserved},
    {"shards", run_shards},
    {"compose", run_compose},
    {"next", run_next},
    {"next-ecs", run_next_ecs},
    {"k8s-moniker", run_kubernetes},
    {"ecs-tags", run_ecs},
    {"lambda-tags", run_lambda},
    {"gce-labels", run_google},
    {"appversion", run_appversion},
    {"package", run_package},
    {"image-name", run_image_name},
};

/* Members that the expectation does not name do not count; a member it wants to be null may be absent. */
static gboolean is_expected(const JsonValue *expected, const JsonValue *actual) {
    if (!json_is_object(expected) || !json_is_object(actual))
        return cases_equal(expected, actual);
    for (JsonIter i = json_iter(expected); json_next(&i);) {
        const JsonValue *value = json_get(actual, i.key);
        if (json_is_null(i.value) ? value && !json_is_null(value) : !cases_equal(i.value, value))
            return FALSE;
    }
    return TRUE;
}

static void run_case(const JsonValue *test, VectorsResult *result) {
    const char *kind = json_get_string(test, "kind");
    const JsonValue *expected = json_get(test, "expect");
    g_autoptr(Json) actual = NULL;
    gboolean known = FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (g_strcmp0(kinds[i].kind, kind) != 0)
            continue;
        known = TRUE;
        actual = kinds[i].run(test, json_get(test, "input"));
    }
    if (known && !actual)
        actual = json_pack("{s:b}", "error", TRUE);
    cases_count(test, known && is_expected(expected, json_root(actual)), expected, json_root(actual), result);
}

gboolean vectors_names(const char *path, VectorsResult *result, GError **error) {
    const JsonValue *cases;
    g_autoptr(Json) json = cases_load(path, "vectors", &cases, error);
    if (!json)
        return FALSE;
    for (JsonIter i = json_iter(cases); json_next(&i);)
        run_case(i.value, result);
    return TRUE;
}
