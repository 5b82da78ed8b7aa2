/* Entity tags (api.md 15). Changes run as tasks that are not waited for. */
#include "stages/metadata/entity_tags.h"
#include "api/internal.h"
#include <string.h>

typedef struct {
    char *cloud, *application, *type, **entities, *prefix, *account, *region, *namespace;
    gint64 most;
} TagsQuery;
static const Param tags_query[] = {
    {.name = "cloudProvider", .type = PARAM_STRING, .offset = offsetof(TagsQuery, cloud), .help = "Only in this cloud."},
    {.name = "application", .type = PARAM_STRING, .offset = offsetof(TagsQuery, application), .help = "Only of this application."},
    {.name = "entityType", .type = PARAM_STRING, .offset = offsetof(TagsQuery, type), .help = "Only of this kind of entity."},
    {.name = "entityId", .type = PARAM_STRINGS, .offset = offsetof(TagsQuery, entities), .help = "Only of these entities."},
    {.name = "idPrefix", .type = PARAM_STRING, .offset = offsetof(TagsQuery, prefix), .help = "Only where the id begins so; may end in *."},
    {.name = "account", .type = PARAM_STRING, .offset = offsetof(TagsQuery, account), .help = "Only in this account."},
    {.name = "region", .type = PARAM_STRING, .offset = offsetof(TagsQuery, region), .help = "Only in this region."},
    {.name = "namespace", .type = PARAM_STRING, .offset = offsetof(TagsQuery, namespace), .help = "Only with a tag of this namespace."},
    {.name = "maxResults",
     .type = PARAM_INT,
     .offset = offsetof(TagsQuery, most),
     .otherwise = "5000",
     .min = 0,
     .max = 10000,
     .help = "At most so many."},
    {0},
};

typedef struct {
    ApiCall *call;
    const TagsQuery *query;
    GPtrArray *wanted; /* name, value pairs of tag:<name>=<value>; value "*": any */
    gint64 found;
    JsonBuilder *builder;
} Search;

static gboolean same(const char *wanted, const char *text) {
    return wanted == NULL || *wanted == '\0' || (text != NULL && g_ascii_strcasecmp(wanted, text) == 0);
}

static gboolean is_one_of(char **wanted, const char *text) {
    if (wanted == NULL || *wanted == NULL)
        return TRUE;
    for (gsize i = 0; wanted[i] != NULL; i++)
        if (same(wanted[i], text))
            return TRUE;
    return FALSE;
}

static gboolean begins(const char *prefix, const char *id) {
    if (prefix == NULL || *prefix == '\0')
        return TRUE;
    gsize length = strlen(prefix) - (g_str_has_suffix(prefix, "*") ? 1 : 0);
    return g_ascii_strncasecmp(prefix, id, length) == 0;
}

static gboolean ref_fits(const TagsQuery *query, const JsonValue *ref) {
    return same(query->cloud, json_get_string(ref, "cloudProvider")) && same(query->type, json_get_string(ref, "entityType")) &&
           same(query->region, json_get_string(ref, "region")) && same(query->application, json_get_string(ref, "application")) &&
           is_one_of(query->entities, json_get_string(ref, "entityId")) &&
           (same(query->account, json_get_string(ref, "account")) || same(query->account, json_get_string(ref, "accountId")));
}

static gboolean has_tag(const JsonValue *tags, const char *name, const char *value) {
    for (JsonIter i = json_iter(tags); json_next(&i);) {
        if (g_strcmp0(json_get_string(i.value, "name"), name) != 0)
            continue;
        g_autofree char *text = json_as_text(json_get(i.value, "value"));
        if (strcmp(value, "*") == 0 || *value == '\0' || same(value, text))
            return TRUE;
    }
    return FALSE;
}

static gboolean tags_fit(const Search *search, const JsonValue *tags) {
    const char *namespace = search->query->namespace;
    gboolean found = namespace == NULL || *namespace == '\0';
    for (JsonIter i = json_iter(tags); !found && json_next(&i);)
        found = same(namespace, json_get_string(i.value, "namespace"));
    for (guint w = 0; found && w + 1 < search->wanted->len; w += 2)
        found = has_tag(tags, search->wanted->pdata[w], search->wanted->pdata[w + 1]);
    return found;
}

static gboolean add_fitting(const StoreObject *object, gpointer data) {
    Search *search = data;
    const JsonValue *document = json_root(object->body), *ref = json_get(document, "entityRef");
    if (!begins(search->query->prefix, object->id) || !ref_fits(search->query, ref) || !tags_fit(search, json_get(document, "tags")))
        return TRUE;
    if (object->application != NULL && !api_may(search->call, MAY_READ, "application", object->application))
        return TRUE;
    if (search->found++ < search->query->most)
        json_add_json(search->builder, NULL, object->body);
    return search->found < search->query->most;
}

static void note_wanted(const char *name, const char *value, gpointer data) {
    if (!g_str_has_prefix(name, "tag:"))
        return;
    g_ptr_array_add(data, g_strdup(name + 4));
    g_ptr_array_add(data, g_strdup(value));
}

static Json *tags_get(ApiCall *call, GError **error) {
    g_autoptr(GPtrArray) wanted = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    http_exchange_query_each(call->exchange, note_wanted, wanted);
    Search search = {call, call->query, wanted, 0, builder};
    json_begin_array(builder, NULL);
    if (search.query->most > 0 && !store_objects_each(call->services->store, ENTITY_TAGS_KIND, NULL, NULL, add_fitting, &search, error))
        return NULL;
    json_end_array(builder);
    return json_builder_end(builder);
}

static Json *one_get(ApiCall *call, GError **error) {
    g_autoptr(Json) tags = entity_tags_load(call->services->store, api_path(call, "id"), error);
    const char *application = json_get_string(json_get(json_root(tags), "entityRef"), "application");
    if (tags != NULL && application != NULL && !api_may(call, MAY_READ, "application", application)) {
        error_set(error, ERR_FORBIDDEN, "Access denied to application %s", application);
        return NULL;
    }
    return g_steal_pointer(&tags);
}

/* ---- changing ---- */
static Json *started(ApiCall *call, const char *application, const char *description, const Json *job, GError **error) {
    g_autoptr(Json) orchestration = json_pack("{s:s, s:s, s:s, s:[j]}", "application", application, "description", description, "origin",
                                              api_origin(call), "job", job);
    g_autofree char *id = engine_start_orchestration(call->services->engine, json_root(orchestration), call->principal, error);
    if (id == NULL)
        return NULL;
    g_autofree char *ref = g_strconcat("/tasks/", id, NULL);
    return json_pack("{s:s}", "ref", ref);
}

typedef struct {
    char *entity, *type, *account, *region, *cloud, *application;
    gboolean partial;
} EntityQuery;
static const Param entity_query[] = {
    {.name = "entityId", .type = PARAM_STRING, .offset = offsetof(EntityQuery, entity), .required = TRUE, .help = "What is tagged."},
    {.name = "entityType",
     .type = PARAM_STRING,
     .offset = offsetof(EntityQuery, type),
     .required = TRUE,
     .help = "Type of what is tagged: servergroup, cluster and so on."},
    {.name = "account", .type = PARAM_STRING, .offset = offsetof(EntityQuery, account), .help = "Its account."},
    {.name = "region", .type = PARAM_STRING, .offset = offsetof(EntityQuery, region), .help = "Its region."},
    {.name = "cloudProvider", .type = PARAM_STRING, .offset = offsetof(EntityQuery, cloud), .help = "Its cloud."},
    {.name = "application", .type = PARAM_STRING, .offset = offsetof(EntityQuery, application), .help = "Its application."},
    {.name = "isPartial",
     .type = PARAM_BOOL,
     .offset = offsetof(EntityQuery, partial),
     .otherwise = "true",
     .help = "Other tags of it stay."},
    {0},
};

static Json *tags_post(ApiCall *call, GError **error) {
    const EntityQuery *query = call->query;
    if (!json_is_array(call->body)) {
        error_set(error, ERR_INVALID, "entity tags: the body is a list of {name, namespace, value}");
        return NULL;
    }
    g_autoptr(Json)
        job = json_pack("{s:s, s:b, s:v, s:{s:s, s:s, s:s, s:s, s:s, s:s}}", "type", "upsertEntityTags", "isPartial", query->partial,
                        "tags", call->body, "entityRef", "entityId", query->entity, "entityType", query->type, "account", query->account,
                        "region", query->region, "cloudProvider", query->cloud, "application", query->application);
    g_autofree char *description = g_strconcat("Tagging ", query->type, " ", query->entity, NULL);
    return started(call, query->application != NULL ? query->application : "spinnaker", description, job, error);
}

static Json *tags_delete(ApiCall *call, GError **error) {
    g_auto(GStrv) names = g_strsplit(api_path(call, "tags"), ",", -1);
    g_autoptr(Json) list = json_from_strings((const char *const *)names);
    g_autoptr(Json) job = json_pack("{s:s, s:s, s:j}", "type", "deleteEntityTags", "id", api_path(call, "id"), "tags", list);
    g_autoptr(Json) known = entity_tags_load(call->services->store, api_path(call, "id"), NULL);
    const char *application = json_get_string(json_get(json_root(known), "entityRef"), "application");
    return started(call, application != NULL ? application : "spinnaker", "Removing tags", job, error);
}

typedef struct {
    char *application;
} BatchQuery;
static const Param batch_query[] = {
    {.name = "application",
     .type = PARAM_STRING,
     .offset = offsetof(BatchQuery, application),
     .otherwise = "\"adhoc\"",
     .help = "Whose task it becomes."},
    {0},
};

static Json *batch_post(ApiCall *call, GError **error) {
    if (!json_is_array(call->body)) {
        error_set(error, ERR_INVALID, "entity tags: the body is a list of {entityRef, tags}");
        return NULL;
    }
    g_autoptr(Json) job = json_pack("{s:s, s:v}", "type", "bulkUpsertEntityTags", "entityTags", call->body);
    return started(call, ((const BatchQuery *)call->query)->application, "Tagging entities", job, error);
}

static const Route routes[] = {
    {.method = "GET",
     .path = "/tags",
     .handler = tags_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .query = tags_query,
     .query_size = sizeof(TagsQuery),
     .help = "Tagged entities; also by tag:<name>=<value>, with * for any value."},
    {.method = "GET",
     .path = "/tags/{id}",
     .handler = one_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .help = "Tags of one entity, by their id (cloudProvider:entityType:entityId:account:region)."},
    {.method = "POST",
     .path = "/tags",
     .handler = tags_post,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .query = entity_query,
     .query_size = sizeof(EntityQuery),
     .body = BODY_JSON,
     .success = 202,
     .help = "Tags an entity with the list in the body: {ref} of the task."},
    {.method = "DELETE",
     .path = "/tags/{id}/{tags}",
     .handler = tags_delete,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .success = 202,
     .help = "Takes tags (names with commas between them) from an entity: {ref} of the task."},
    {.method = "POST",
     .path = "/batch/tags",
     .handler = batch_post,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .query = batch_query,
     .query_size = sizeof(BatchQuery),
     .body = BODY_JSON,
     .success = 202,
     .help = "Tags several entities: {ref} of the task."},
    {0},
};
const RouteTable entity_tag_routes = {"Entity tags", routes};
