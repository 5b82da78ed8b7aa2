/* `upsertEntityTags`, `bulkUpsertEntityTags`, `deleteEntityTags` (stages.md 5). */
#include "stages/metadata/entity_tags.h"
#include "stages/stages.h"

typedef struct {
    Json *entity_ref, *tags, *all;
    char *id;
    gboolean partial;
} TagParams;

static const Param upsert_params[] = {
    {.name = "entityRef",
     .type = PARAM_JSON,
     .offset = offsetof(TagParams, entity_ref),
     .required = TRUE,
     .help = "What is tagged: {entityType, entityId, cloudProvider, account, region, application}."},
    {.name = "tags",
     .type = PARAM_JSON,
     .offset = offsetof(TagParams, tags),
     .required = TRUE,
     .help = "List of {name, namespace, value}."},
    {.name = "isPartial",
     .type = PARAM_BOOL,
     .offset = offsetof(TagParams, partial),
     .otherwise = "true",
     .help = "Other tags of it stay."},
    {.name = "id", .type = PARAM_STRING, .offset = offsetof(TagParams, id), .help = "Id of the tags, instead of the usual one."},
    {0},
};
static const Param bulk_params[] = {
    {.name = "entityTags",
     .type = PARAM_JSON,
     .offset = offsetof(TagParams, all),
     .required = TRUE,
     .help = "List of {entityRef, tags, isPartial, id}."},
    {0},
};
static const Param delete_params[] = {
    {.name = "id", .type = PARAM_STRING, .offset = offsetof(TagParams, id), .required = TRUE, .help = "Id of the tags."},
    {.name = "tags", .type = PARAM_JSON, .offset = offsetof(TagParams, tags), .help = "List of names; none: all."},
    {0},
};

static Status upsert_run(TaskContext *context, GError **error) {
    const TagParams *given = context->params;
    Principal principal = services_principal(context->user);
    g_autoptr(Json) payload = json_pack("{s:s, s:j, s:j, s:b}", "id", given->id, "entityRef", given->entity_ref, "tags", given->tags,
                                        "isPartial", given->partial);
    g_autoptr(Json) saved = entity_tags_save(context->services->store, json_root(payload), &principal, context->now_ms, error);
    return saved != NULL ? STATUS_SUCCEEDED : STATUS_TERMINAL;
}

static Status bulk_run(TaskContext *context, GError **error) {
    const TagParams *given = context->params;
    Principal principal = services_principal(context->user);
    for (JsonIter i = json_iter(json_root(given->all)); json_next(&i);) {
        g_autoptr(Json) saved = entity_tags_save(context->services->store, i.value, &principal, context->now_ms, error);
        if (saved != NULL)
            continue;
        g_prefix_error(error, "entityTags[%" G_GSIZE_FORMAT "]: ", i.index);
        return STATUS_TERMINAL;
    }
    return STATUS_SUCCEEDED;
}

static Status delete_run(TaskContext *context, GError **error) {
    const TagParams *given = context->params;
    Principal principal = services_principal(context->user);
    return entity_tags_delete(context->services->store, given->id, json_root(given->tags), &principal, context->now_ms, error)
               ? STATUS_SUCCEEDED
               : STATUS_TERMINAL;
}

static Status done_run(TaskContext *context, GError **error) {
    (void)context, (void)error;
    return STATUS_SUCCEEDED; /* what was asked for was committed before the task before answered */
}

#define TAG_STAGE(variable, type_, label_, help_, params_, run_, monitor_)                                                                 \
    const StageType variable = {.type = type_,                                                                                             \
                                .label = label_,                                                                                           \
                                .help = help_,                                                                                             \
                                .params = params_,                                                                                         \
                                .params_size = sizeof(TagParams),                                                                          \
                                .tasks = (const TaskDefinition[]){{.name = type_, .run = run_, .timeout_ms = 300000},                      \
                                                                  {.name = monitor_, .run = done_run, .no_io = TRUE},                      \
                                                                  {0}}}

TAG_STAGE(stage_upsert_entity_tags, "upsertEntityTags", "Tag Entity", "Puts tags on an entity.", upsert_params, upsert_run,
          "monitorUpsert");
TAG_STAGE(stage_bulk_upsert_entity_tags, "bulkUpsertEntityTags", "Tag Entities", "Puts tags on several entities.", bulk_params, bulk_run,
          "monitorUpsert");
TAG_STAGE(stage_delete_entity_tags, "deleteEntityTags", "Untag Entity", "Takes tags from an entity.", delete_params, delete_run,
          "monitorDelete");
