/* The canonical form of artifacts (artifact.h). Pure. */
#include "artifacts/artifact.h"
#include <string.h>

/* Texts of an artifact, in the order in which they are written. customKind and metadata have their places among them. */
static const char *const TEXTS[] = {"type", "name", "version", "location", "reference", "artifactAccount", "provenance", "uuid", NULL};
#define DROPPED "kind" /* of old pipelines */

static gboolean is_known(const char *key) {
    return g_strv_contains(TEXTS, key) || strcmp(key, "customKind") == 0 || strcmp(key, "metadata") == 0 || strcmp(key, DROPPED) == 0;
}

/* Switches may be written as texts. */
static gboolean flag(const JsonValue *object, const char *key) {
    const char *text = json_get_string(object, key);
    return text != NULL ? g_ascii_strcasecmp(text, "true") == 0 : json_is_true(json_get(object, key));
}

static void add_text(JsonBuilder *builder, const JsonValue *object, const char *key) {
    g_autofree char *text = json_as_text(json_get(object, key));
    json_add_string(builder, key, text);
}

static void add_metadata(JsonBuilder *builder, const JsonValue *artifact) {
    const JsonValue *metadata = json_get(artifact, "metadata");
    json_begin_object(builder, "metadata");
    for (JsonIter i = json_iter(json_is_object(metadata) ? metadata : NULL); json_next(&i);)
        if (!json_is_null(i.value))
            json_add_value(builder, i.key, i.value);
    for (JsonIter i = json_iter(artifact); json_next(&i);)
        if (!is_known(i.key) && !json_is_null(i.value))
            json_add_value(builder, i.key, i.value);
    json_end_object(builder);
}

Json *artifact_canonical(const JsonValue *artifact) {
    const JsonValue *object = json_is_object(artifact) ? artifact : NULL;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (guint i = 0; TEXTS[i] != NULL; i++) {
        add_text(builder, object, TEXTS[i]);
        if (i == 0)
            json_add_bool(builder, "customKind", flag(object, "customKind"));
        if (strcmp(TEXTS[i], "reference") == 0)
            add_metadata(builder, object);
    }
    json_end_object(builder);
    return json_builder_end(builder);
}

gboolean artifact_equal(gconstpointer a, gconstpointer b) {
    return json_equal(a, b);
}

/* Of a member of metadata; numbers by value, as they are compared. */
static guint member_hash(const JsonIter *member) {
    const char *text = json_string(member->value);
    double number = json_double(member->value, 0);
    return g_str_hash(member->key) * 31 + (text != NULL ? g_str_hash(text) : g_double_hash(&number));
}

guint artifact_hash(gconstpointer artifact) {
    guint hash = 0;
    for (guint i = 0; TEXTS[i] != NULL; i++) {
        const char *text = json_get_string(artifact, TEXTS[i]);
        hash = hash * 31 + (text != NULL ? g_str_hash(text) : 0);
    }
    for (JsonIter i = json_iter(json_get(artifact, "metadata")); json_next(&i);)
        hash += member_hash(&i); /* in any order */
    return hash;
}

/* ---- for people ---- */
char *artifact_shown(const char *text) {
    if (strlen(text) <= ARTIFACT_TEXT_SHOWN)
        return g_strdup(text);
    const char *end = g_utf8_find_prev_char(text, text + ARTIFACT_TEXT_SHOWN);
    return g_strdup_printf("%.*s…", (int)((end != NULL ? end : text) - text), text);
}

char *artifact_label(const JsonValue *artifact) {
    static const char *const SHOWN[] = {"type", "name", "version", "location"};
    g_autoptr(GString) label = g_string_new(NULL);
    gboolean named = json_get_string(artifact, "name") != NULL;
    for (guint i = 0; i < G_N_ELEMENTS(SHOWN); i++) {
        const char *text = json_get_string(artifact, SHOWN[i]);
        if (text == NULL && strcmp(SHOWN[i], "name") == 0 && !named)
            text = json_get_string(artifact, "reference");
        if (text == NULL || *text == '\0')
            continue;
        g_autofree char *shown = artifact_shown(text);
        g_string_append_printf(label, "%s%s%s", label->len > 0 ? " " : "", strcmp(SHOWN[i], "location") == 0 ? "in " : "", shown);
    }
    return label->len > 0 ? g_string_free(g_steal_pointer(&label), FALSE) : g_strdup("any artifact");
}

/* ---- lists ---- */
struct ArtifactList {
    GPtrArray *all;   /* of Json */
    GHashTable *seen; /* of JsonValue *, or NULL: duplicates stay */
};

ArtifactList *artifact_list_new(gboolean without_duplicates) {
    ArtifactList *list = g_new0(ArtifactList, 1);
    list->all = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    list->seen = without_duplicates ? g_hash_table_new(artifact_hash, artifact_equal) : NULL;
    return list;
}

void artifact_list_free(ArtifactList *list) {
    if (list == NULL)
        return;
    g_clear_pointer(&list->seen, g_hash_table_unref);
    g_ptr_array_unref(list->all);
    g_free(list);
}

void artifact_list_add(ArtifactList *list, const JsonValue *artifact) {
    Json *canonical = artifact_canonical(artifact);
    if (list->seen != NULL && g_hash_table_contains(list->seen, json_root(canonical))) {
        json_unref(canonical);
        return;
    }
    g_ptr_array_add(list->all, canonical);
    if (list->seen != NULL)
        g_hash_table_add(list->seen, (gpointer)json_root(canonical));
}

void artifact_list_add_all(ArtifactList *list, const JsonValue *artifacts) {
    for (JsonIter i = json_iter(json_is_array(artifacts) ? artifacts : NULL); json_next(&i);)
        if (json_is_object(i.value))
            artifact_list_add(list, i.value);
}

guint artifact_list_length(const ArtifactList *list) {
    return list->all->len;
}

const JsonValue *artifact_list_at(const ArtifactList *list, guint index) {
    return json_root(list->all->pdata[index]);
}

Json *artifact_list_json(const ArtifactList *list) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < list->all->len; i++)
        json_add_json(builder, NULL, list->all->pdata[i]);
    json_end_array(builder);
    return json_builder_end(builder);
}

/* ---- expected artifacts ---- */
static const JsonValue *object_member(const JsonValue *object, const char *key) {
    const JsonValue *value = json_get(object, key);
    return json_is_object(value) ? value : NULL;
}

ExpectedArtifact expected_artifact_view(const JsonValue *expected) {
    return (ExpectedArtifact){
        .id = json_get_string(expected, "id"),
        .display_name = json_get_string(expected, "displayName"),
        .match = object_member(expected, "matchArtifact"),
        .otherwise = object_member(expected, "defaultArtifact"),
        .bound = object_member(expected, "boundArtifact"),
        .use_prior = flag(expected, "usePriorArtifact"),
        .use_default = flag(expected, "useDefaultArtifact"),
    };
}

static void add_artifact(JsonBuilder *builder, const char *key, const JsonValue *artifact) {
    g_autoptr(Json) canonical = artifact_canonical(artifact);
    json_add_json(builder, key, canonical);
}

Json *expected_artifact_canonical(const JsonValue *expected, const JsonValue *bound) {
    ExpectedArtifact view = expected_artifact_view(expected);
    g_autofree char *id = json_as_text(json_get(expected, "id"));
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", id != NULL ? id : "");
    add_artifact(builder, "matchArtifact", view.match);
    json_add_bool(builder, "usePriorArtifact", view.use_prior);
    json_add_bool(builder, "useDefaultArtifact", view.use_default);
    if (view.otherwise != NULL)
        add_artifact(builder, "defaultArtifact", view.otherwise);
    if (bound != NULL)
        add_artifact(builder, "boundArtifact", bound);
    json_end_object(builder);
    return json_builder_end(builder);
}

char *expected_artifact_label(const JsonValue *expected) {
    ExpectedArtifact view = expected_artifact_view(expected);
    g_autofree char *pattern = artifact_label(view.match);
    const char *name = view.display_name != NULL && *view.display_name != '\0' ? view.display_name : view.id;
    if (name == NULL || *name == '\0')
        return g_steal_pointer(&pattern);
    g_autofree char *shown = artifact_shown(name);
    return g_strdup_printf("\"%s\" (%s)", shown, pattern);
}
