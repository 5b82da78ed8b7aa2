/* allowLaunchDescription and upsertImageTags (aws.md 10): who may launch an image, and what it is tagged with. */
#include "clouds/aws/operations/images.h"
#include "clouds/aws/reader.h"
#include <string.h>

#define SHARE_TRIES 5

/* ---- finding an image ---- */
gboolean aws_is_image_id(const char *text) {
    if (!g_str_has_prefix(text, "ami-") || text[4] == '\0')
        return FALSE;
    return strspn(text + 4, "0123456789abcdef") == strlen(text + 4);
}

/* First image of a DescribeImages as this account sees it. */
static gboolean first_image(Operation *operation, AwsAccount *viewer, const char *region, const char *name, const char *owner,
                            const char *executable_by, XmlDocument **document, const XmlNode **image, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_IMAGES);
    aws_query_about(query, name);
    if (aws_is_image_id(name))
        aws_query_add(query, name, "ImageId.1");
    else
        aws_query_add_filter(query, "name", name);
    aws_query_add(query, owner, "Owner.1");
    aws_query_add(query, executable_by, "ExecutableBy.1");
    *image = NULL;
    g_autoptr(GError) failed = NULL;
    *document = aws_client_send(viewer->client, region, query, operation_cancel(operation), &failed);
    if (*document != NULL)
        *image = xml_first(xml_get(aws_answer(*document, AWS_DESCRIBE_IMAGES), "imagesSet"), "item");
    else if (!aws_error_is_absent(failed) && !aws_error_is(failed, "InvalidAMIID.NotFound")) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    return TRUE;
}

gboolean aws_image_find(Operation *operation, AwsAccount *viewer, const char *region, const char *name, AwsImageScope scope,
                        XmlDocument **document, const XmlNode **image, GError **error) {
    const struct {
        AwsImageScope scope;
        const char *owner, *executable_by;
    } looks[] = {{AWS_IMAGE_OWN, NULL, viewer->account_id}, {AWS_IMAGE_OWN, viewer->account_id, NULL}, {AWS_IMAGE_ANYBODYS, NULL, NULL}};
    *image = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(looks); i++) {
        if ((looks[i].scope & scope) == 0)
            continue;
        if (!first_image(operation, viewer, region, name, looks[i].owner, looks[i].executable_by, document, image, error))
            return FALSE;
        if (*image != NULL)
            return TRUE;
        g_clear_pointer(document, xml_document_free);
    }
    return TRUE;
}

/* ---- allowLaunch ---- */
typedef struct {
    char *region, *name, *target;
} LaunchParams;
static const Param launch_params[] = {
    {.name = "region", .type = PARAM_STRING, .offset = offsetof(LaunchParams, region), .required = TRUE, .help = "Region of the image."},
    {.name = "amiName", .type = PARAM_STRING, .offset = offsetof(LaunchParams, name), .required = TRUE, .help = "Name or id of the image."},
    {.name = "targetAccount",
     .type = PARAM_STRING,
     .offset = offsetof(LaunchParams, target),
     .required = TRUE,
     .help = "Account that is to launch it; `credentials` is the one that baked it."},
    {0},
};

/* The account that is to launch, as opened; caller owns a reference. */
static AwsAccount *target_account(Operation *operation, Account **held, GError **error) {
    const LaunchParams *params = operation_params(operation);
    *held = clouds_account(operation_clouds(operation), params->target, error);
    return *held != NULL ? aws_account(*held) : NULL;
}

static void launch_validate(Operation *operation, GPtrArray *errors) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Account) held = NULL;
    if (target_account(operation, &held, &error) == NULL)
        g_ptr_array_add(errors, g_strdup_printf("targetAccount: %s", error->message));
    else if (held->cloud != operation_account(operation)->cloud)
        g_ptr_array_add(errors, g_strdup_printf("targetAccount: %s is an account of another cloud", held->name));
}

/* Tags of an image as {key: value}. */
static Json *image_tags(const XmlNode *image) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    const XmlNode *set = xml_get(image, "tagSet");
    for (const XmlNode *tag = xml_first(set, "item"); tag != NULL; tag = xml_next(tag, "item")) {
        g_autofree char *key = xml_get_text(tag, "key");
        g_autofree char *value = xml_get_text(tag, "value");
        if (key != NULL && !g_str_has_prefix(key, "aws:"))
            json_add_string(builder, key, value != NULL ? value : "");
    }
    json_end_object(builder);
    return json_builder_end(builder);
}

/* Facts "image": {amiId, amiName, ownerId, isPublic, seenByTarget, tags, …}. */
static void note_image(Operation *operation, const XmlNode *image, gboolean seen_by_target) {
    g_autofree char *id = xml_get_text(image, "imageId");
    g_autofree char *name = xml_get_text(image, "name");
    g_autofree char *owner = xml_get_text(image, "imageOwnerId");
    g_autofree char *public = xml_get_text(image, "isPublic");
    g_autofree char *virtualization = xml_get_text(image, "virtualizationType");
    g_autofree char *architecture = xml_get_text(image, "architecture");
    g_autoptr(Json) tags = image_tags(image);
    g_autoptr(Json) document = aws_document(image, AWS_SHAPE_EC2);
    g_autoptr(Json) fact = json_pack("{s:s, s:s, s:s, s:b, s:b, s:s, s:s, s:j, s:v}", "amiId", id, "amiName", name, "ownerId", owner,
                                     "isPublic", g_strcmp0(public, "true") == 0, "seenByTarget", seen_by_target, "virtualizationType",
                                     virtualization, "architecture", architecture, "tags", tags, "blockDeviceMappings",
                                     json_get(json_root(document), "blockDeviceMappings"));
    operation_fact_set(operation, "image", json_root(fact));
}

/* Both accounts' own images come before anybody's: a stranger may publish an image under the name of ours. */
static gboolean resolve_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const LaunchParams *params = operation_params(operation);
    g_autoptr(Account) held = NULL;
    AwsAccount *target = target_account(operation, &held, error);
    if (target == NULL)
        return FALSE;
    AwsAccount *const viewers[] = {target, operation_aws(operation)};
    const AwsImageScope scopes[] = {AWS_IMAGE_OWN, AWS_IMAGE_ANYBODYS};
    for (gsize i = 0; i < G_N_ELEMENTS(viewers) * G_N_ELEMENTS(scopes); i++) {
        AwsAccount *viewer = viewers[i % G_N_ELEMENTS(viewers)];
        g_autoptr(XmlDocument) document = NULL;
        const XmlNode *image = NULL;
        if (!aws_image_find(operation, viewer, params->region, params->name, scopes[i / G_N_ELEMENTS(viewers)], &document, &image, error))
            return FALSE;
        if (image != NULL) {
            note_image(operation, image, viewer == target);
            return TRUE;
        }
    }
    error_set(error, ERR_NOT_FOUND, "unable to resolve AMI imageId from %s in %s: neither account %s nor account %s sees it", params->name,
              params->region, params->target, operation_account(operation)->name);
    return FALSE;
}

static gboolean not_found_yet(const GError *error) {
    return error_code(error) == ERR_NOT_FOUND;
}

/* The account of ours that owns the image, or NULL; *held is a reference to be given back. */
static AwsAccount *owner_account(Operation *operation, Account **held) {
    const char *owner = json_get_string(operation_fact(operation, "image"), "ownerId");
    if (g_strcmp0(operation_aws(operation)->account_id, owner) == 0)
        *held = account_ref(operation_account(operation));
    else
        *held = aws_account_by_id(operation_clouds(operation), owner);
    return *held != NULL ? aws_account(*held) : NULL;
}

static gboolean is_public(Operation *operation) {
    return json_get_bool(operation_fact(operation, "image"), "isPublic", FALSE);
}

static LookResult share_look(Operation *operation, guint item, GError **error) {
    (void)item;
    if (is_public(operation) || json_get_bool(operation_fact(operation, "image"), "seenByTarget", FALSE))
        return LOOK_SKIP;
    g_autoptr(Account) held = NULL;
    if (owner_account(operation, &held) != NULL)
        return LOOK_NOT_DONE;
    const LaunchParams *params = operation_params(operation);
    error_set(error, ERR_FORBIDDEN, "image %s in %s belongs to account %s, which is none of ours, and account %s may not launch it",
              params->name, params->region, json_get_string(operation_fact(operation, "image"), "ownerId"), params->target);
    return LOOK_ERROR;
}

static gboolean share_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const LaunchParams *params = operation_params(operation);
    g_autoptr(Account) held_owner = NULL;
    g_autoptr(Account) held_target = NULL;
    AwsAccount *owner = owner_account(operation, &held_owner), *target = target_account(operation, &held_target, error);
    if (target == NULL)
        return FALSE;
    const char *id = json_get_string(operation_fact(operation, "image"), "amiId");
    g_autoptr(AwsQuery) query = aws_query_new(AWS_MODIFY_IMAGE);
    aws_query_about(query, id);
    aws_query_add(query, id, "ImageId");
    aws_query_add(query, target->account_id, "LaunchPermission.Add.1.UserId");
    operation_line(operation, "Allowing account %s to launch %s", params->target, id);
    return aws_client_write(owner->client, params->region, query, operation_cancel(operation), error);
}

/* ---- tags of the target's view made equal to the owner's ---- */
static gboolean is_synchronised(Operation *operation) {
    g_autoptr(Account) held = NULL;
    g_autoptr(Account) held_target = NULL;
    AwsAccount *owner = owner_account(operation, &held), *target = target_account(operation, &held_target, NULL);
    return is_public(operation) || owner == NULL || target == NULL || g_strcmp0(owner->account_id, target->account_id) == 0;
}

static Json *tags_seen_by(Operation *operation, AwsAccount *viewer, GError **error) {
    const LaunchParams *params = operation_params(operation);
    g_autoptr(XmlDocument) document = NULL;
    const XmlNode *image = NULL;
    if (!first_image(operation, viewer, params->region, json_get_string(operation_fact(operation, "image"), "amiId"), NULL, NULL, &document,
                     &image, error))
        return NULL;
    if (image == NULL) {
        error_set(error, ERR_NOT_FOUND, "image %s is not visible to account %s yet", params->name, viewer->base.name);
        return NULL;
    }
    return image_tags(image);
}

/* Facts "missing" {key: value} and "extra" {key: value}. */
static gboolean compare_tags_act(Operation *operation, guint item, GError **error) {
    (void)item;
    if (is_synchronised(operation))
        return TRUE;
    g_autoptr(Account) held = NULL;
    g_autoptr(Account) held_target = NULL;
    AwsAccount *owner = owner_account(operation, &held), *target = target_account(operation, &held_target, error);
    g_autoptr(Json) wanted = target != NULL ? tags_seen_by(operation, owner, error) : NULL;
    g_autoptr(Json) there = wanted != NULL ? tags_seen_by(operation, target, error) : NULL;
    if (there == NULL)
        return FALSE;
    if (json_length(json_root(wanted)) == 0) {
        operation_line(operation, "the image has no tags in its owner's account; none are copied");
        return TRUE;
    }
    g_autoptr(JsonBuilder) missing = json_builder_new();
    g_autoptr(JsonBuilder) extra = json_builder_new();
    json_begin_object(missing, NULL);
    json_begin_object(extra, NULL);
    for (JsonIter i = json_iter(json_root(wanted)); json_next(&i);)
        if (g_strcmp0(json_get_string(json_root(there), i.key), json_string(i.value)) != 0)
            json_add_value(missing, i.key, i.value);
    for (JsonIter i = json_iter(json_root(there)); json_next(&i);)
        if (json_get(json_root(wanted), i.key) == NULL)
            json_add_value(extra, i.key, i.value);
    json_end_object(missing);
    json_end_object(extra);
    g_autoptr(Json) missing_tags = json_builder_end(missing);
    g_autoptr(Json) extra_tags = json_builder_end(extra);
    operation_fact_set(operation, "missing", json_root(missing_tags));
    operation_fact_set(operation, "extra", json_root(extra_tags));
    return TRUE;
}

static gboolean write_tags(Operation *operation, AwsClient *client, const char *region, const char *id, AwsCallId call,
                           const JsonValue *tags, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(call);
    aws_query_about(query, id);
    aws_query_add(query, id, "ResourceId.1");
    guint n = 0;
    for (JsonIter i = json_iter(tags); json_next(&i);) {
        n++;
        g_autofree char *value = json_as_text(i.value);
        aws_query_add(query, i.key, "Tag.%u.Key", n);
        if (call == AWS_CREATE_TAGS)
            aws_query_add(query, value != NULL ? value : "", "Tag.%u.Value", n);
    }
    operation_line(operation, "%s: %u tags of %s", aws_call(call)->action, n, id);
    return aws_client_write(client, region, query, operation_cancel(operation), error);
}

static gboolean write_target_tags(Operation *operation, AwsCallId call, const char *fact, GError **error) {
    const LaunchParams *params = operation_params(operation);
    g_autoptr(Account) held = NULL;
    AwsAccount *target = target_account(operation, &held, error);
    return target != NULL &&
           write_tags(operation, target->client, params->region, json_get_string(operation_fact(operation, "image"), "amiId"), call,
                      operation_fact(operation, fact), error);
}

static guint has_extra(Operation *operation) {
    return operation_fact_length(operation, "extra") > 0 ? 1 : 0;
}

static guint has_missing(Operation *operation) {
    return operation_fact_length(operation, "missing") > 0 ? 1 : 0;
}

static gboolean delete_extra_act(Operation *operation, guint item, GError **error) {
    (void)item;
    return write_target_tags(operation, AWS_DELETE_TAGS, "extra", error);
}

static gboolean create_missing_act(Operation *operation, guint item, GError **error) {
    (void)item;
    return write_target_tags(operation, AWS_CREATE_TAGS, "missing", error);
}

static void launch_finish(Operation *operation) {
    const LaunchParams *params = operation_params(operation);
    const JsonValue *image = operation_fact(operation, "image");
    static const char *const SERVED[] = {"amiName",  "amiId",       "virtualizationType", "ownerId", "blockDeviceMappings",
                                         "isPublic", "architecture"};
    g_autoptr(Json) region = json_from_string(params->region);
    operation_result_set(operation, "region", json_root(region));
    for (gsize i = 0; i < G_N_ELEMENTS(SERVED); i++)
        if (json_get(image, SERVED[i]) != NULL)
            operation_result_set(operation, SERVED[i], json_get(image, SERVED[i]));
    g_autoptr(Account) held = NULL;
    AwsAccount *target = target_account(operation, &held, NULL);
    g_autoptr(GError) error = NULL;
    if (target == NULL)
        return;
    AwsReader reader = aws_reader(held, params->region, operation_inventory(operation), operation_cancel(operation));
    if (!aws_image_refresh(&reader, json_get_string(image, "amiId"), &error))
        operation_line(operation, "the image was shared, but reading it again failed: %s", error->message);
}

const CloudOperation aws_allow_launch = {
    .name = "allowLaunchDescription",
    .aliases = (const char *const[]){"allowLaunch", NULL},
    .help = "Lets another account launch an image, and copies the image's tags to that account's view of it.",
    .params = launch_params,
    .params_size = sizeof(LaunchParams),
    .account_is_target = TRUE,
    .validate = launch_validate,
    .steps =
        (const OperationStep[]){
            {.name = "find the image",
             .act = resolve_act,
             .repeat = REPEAT_READ,
             .tries = SHARE_TRIES,
             .try_delay_ms = AWS_TRY_DELAY_MS,
             .retry_on = not_found_yet},
            {.name = "allow launch",
             .look = share_look,
             .act = share_act,
             .repeat = REPEAT_IDEMPOTENT,
             .tries = 3,
             .try_delay_ms = 500,
             .try_doubling = TRUE},
            {.name = "compare tags",
             .act = compare_tags_act,
             .repeat = REPEAT_READ,
             .tries = SHARE_TRIES,
             .try_delay_ms = AWS_TRY_DELAY_MS,
             .retry_on = not_found_yet},
            {.name = "delete tags",
             .count = has_extra,
             .act = delete_extra_act,
             .repeat = REPEAT_IDEMPOTENT,
             .tries = SHARE_TRIES,
             .try_delay_ms = AWS_TRY_DELAY_MS,
             .retry_on = not_found_yet},
            {.name = "create tags",
             .count = has_missing,
             .act = create_missing_act,
             .repeat = REPEAT_IDEMPOTENT,
             .tries = SHARE_TRIES,
             .try_delay_ms = AWS_TRY_DELAY_MS,
             .retry_on = not_found_yet},
            {0},
        },
    .finish = launch_finish,
};

/* ---- upsertImageTags ---- */
typedef struct {
    char *name;
    char **regions;
    Json *tags;
} ImageTagParams;
static const Param image_tag_params[] = {
    {.name = "amiName", .type = PARAM_STRING, .offset = offsetof(ImageTagParams, name), .required = TRUE, .help = "Name of the image."},
    {.name = "regions",
     .type = PARAM_STRINGS,
     .offset = offsetof(ImageTagParams, regions),
     .required = TRUE,
     .help = "Regions in which to tag it."},
    {.name = "tags", .type = PARAM_JSON, .offset = offsetof(ImageTagParams, tags), .required = TRUE, .help = "Tags to set: {key: value}."},
    {0},
};

static guint regions(Operation *operation) {
    return g_strv_length(((const ImageTagParams *)operation_params(operation))->regions);
}

static gboolean find_by_name_act(Operation *operation, guint item, GError **error) {
    const ImageTagParams *params = operation_params(operation);
    g_autoptr(XmlDocument) document = NULL;
    const XmlNode *image = NULL;
    if (!aws_image_find(operation, operation_aws(operation), params->regions[item], params->name, AWS_IMAGE_OWN | AWS_IMAGE_ANYBODYS,
                        &document, &image, error))
        return FALSE;
    if (image == NULL) {
        operation_line(operation, "No image named %s in %s", params->name, params->regions[item]);
        return TRUE;
    }
    g_autofree char *id = xml_get_text(image, "imageId");
    g_autoptr(Json) fact = json_from_string(id);
    operation_group_fact_set(operation, "image", item, json_root(fact));
    return TRUE;
}

static LookResult tag_look(Operation *operation, guint item, GError **error) {
    (void)error;
    return operation_group_fact(operation, "image", item) != NULL ? LOOK_NOT_DONE : LOOK_SKIP;
}

static gboolean tag_act(Operation *operation, guint item, GError **error) {
    const ImageTagParams *params = operation_params(operation);
    return write_tags(operation, operation_client(operation), params->regions[item],
                      json_string(operation_group_fact(operation, "image", item)), AWS_CREATE_TAGS, json_root(params->tags), error);
}

/* Regions without the image fail the task, after the others are done. */
static gboolean all_found_act(Operation *operation, guint item, GError **error) {
    const ImageTagParams *params = operation_params(operation);
    if (operation_group_fact(operation, "image", item) != NULL)
        return TRUE;
    error_set(error, ERR_NOT_FOUND, "tag image %s: none of that name in %s (account %s)", params->name, params->regions[item],
              operation_account(operation)->name);
    return FALSE;
}

static void image_tags_finish(Operation *operation) {
    const ImageTagParams *params = operation_params(operation);
    for (guint i = 0; i < regions(operation); i++) {
        g_autoptr(GError) error = NULL;
        AwsReader reader = aws_reader(operation_account(operation), params->regions[i], operation_inventory(operation),
                                      operation_cancel(operation));
        if (!aws_image_refresh(&reader, json_string(operation_group_fact(operation, "image", i)), &error))
            operation_line(operation, "the image was tagged, but reading it again failed: %s", error->message);
    }
}

const CloudOperation aws_upsert_image_tags = {
    .name = "upsertImageTags",
    .aliases = (const char *const[]){"upsertAmiTagsDescription", NULL},
    .help = "Sets tags of an image.",
    .params = image_tag_params,
    .params_size = sizeof(ImageTagParams),
    .steps =
        (const OperationStep[]){
            {.name = "find the images", .count = regions, .act = find_by_name_act, .repeat = REPEAT_READ},
            {.name = "tag the images", .count = regions, .look = tag_look, .act = tag_act, .repeat = REPEAT_IDEMPOTENT},
            {.name = "check that all were found", .count = regions, .act = all_found_act, .repeat = REPEAT_READ},
            {0},
        },
    .finish = image_tags_finish,
};
