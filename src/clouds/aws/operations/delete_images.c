/* deleteImage, deleteSnapshot (aws.md 10). What is gone already is fine. */
#include "clouds/aws/operations/operations.h"

typedef struct {
    char *region;
    char **ids;
} DeleteParams;
#define REGION                                                                                                                             \
    { .name = "region", .type = PARAM_STRING, .offset = offsetof(DeleteParams, region), .required = TRUE, .help = "Where." }
static const Param image_params[] = {
    REGION,
    {.name = "imageIds",
     .type = PARAM_STRINGS,
     .offset = offsetof(DeleteParams, ids),
     .required = TRUE,
     .aliases = (const char *const[]){"imageId", NULL},
     .help = "Ids of the images."},
    {0},
};
static const Param snapshot_params[] = {
    REGION,
    {.name = "snapshotIds",
     .type = PARAM_STRINGS,
     .offset = offsetof(DeleteParams, ids),
     .required = TRUE,
     .aliases = (const char *const[]){"snapshotId", NULL},
     .help = "Ids of the snapshots."},
    {0},
};

static guint ids_count(Operation *operation) {
    return g_strv_length(((const DeleteParams *)operation_params(operation))->ids);
}

static gboolean delete_one(Operation *operation, guint item, AwsCallId call, const char *parameter, GError **error) {
    const DeleteParams *params = operation_params(operation);
    g_autoptr(AwsQuery) query = aws_query_new(call);
    aws_query_about(query, params->ids[item]);
    aws_query_add(query, params->ids[item], "%s", parameter);
    operation_line(operation, "Deleting %s in %s", params->ids[item], params->region);
    g_autoptr(GError) failed = NULL;
    if (operation_write(operation, params->region, query, &failed) || aws_error_is_absent(failed) ||
        aws_error_is(failed, "InvalidAMIID.Unavailable"))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failed));
    return FALSE;
}

static gboolean image_act(Operation *operation, guint item, GError **error) {
    const DeleteParams *params = operation_params(operation);
    if (!delete_one(operation, item, AWS_DEREGISTER_IMAGE, "ImageId", error))
        return FALSE;
    inventory_remove(operation_inventory(operation), operation_account(operation)->name, KIND_IMAGE, params->region, params->ids[item],
                     operation_now_ms(operation));
    return TRUE;
}

static gboolean snapshot_act(Operation *operation, guint item, GError **error) {
    return delete_one(operation, item, AWS_DELETE_SNAPSHOT, "SnapshotId", error);
}

const CloudOperation aws_delete_image = {
    .name = "deleteImage",
    .aliases = (const char *const[]){"deleteImageDescription", NULL},
    .help = "Deletes images.",
    .params = image_params,
    .params_size = sizeof(DeleteParams),
    .steps = (const OperationStep[]){{.name = "delete images", .count = ids_count, .act = image_act, .repeat = REPEAT_IDEMPOTENT}, {0}},
};
const CloudOperation aws_delete_snapshot = {
    .name = "deleteSnapshot",
    .aliases = (const char *const[]){"deleteSnapshotDescription", NULL},
    .help = "Deletes snapshots of disks.",
    .params = snapshot_params,
    .params_size = sizeof(DeleteParams),
    .steps = (const OperationStep[]){{.name = "delete snapshots", .count = ids_count, .act = snapshot_act, .repeat = REPEAT_IDEMPOTENT},
                                     {0}},
};
