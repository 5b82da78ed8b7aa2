/* createServerGroup: where it lives (aws.md 5.3, 5.10, 6): subnets, load balancers, target groups, security groups. */
#include "clouds/aws/operations/create.h"
#include "clouds/aws/reader.h"
#include <string.h>

static const char *const BUILT_IN_GROUPS[] = {"nf-infrastructure", "nf-datacenter"};

static gboolean has_purpose(const CreateParams *params) {
    return params->subnet_type != NULL && *params->subnet_type != '\0';
}

/* ---- subnets ---- */
typedef struct {
    Operation *operation;
    const JsonValue *zones; /* empty: all */
    GPtrArray *chosen;      /* of ids */
    GPtrArray *in_zones;    /* ids of all subnets of the zones */
    char *vpc;              /* of all subnets with the purpose */
    gboolean several_vpcs;
} SubnetSearch;

static gboolean in_zones(const JsonValue *zones, const char *zone) {
    if (json_length(zones) == 0)
        return TRUE;
    for (JsonIter i = json_iter(zones); json_next(&i);)
        if (g_strcmp0(json_string(i.value), zone) == 0)
            return TRUE;
    return FALSE;
}

static gboolean consider_subnet(const XmlNode *subnet, gpointer data, GError **error) {
    SubnetSearch *search = data;
    const CreateParams *params = create_params(search->operation);
    g_autofree char *id = xml_get_text(subnet, "subnetId");
    g_autofree char *zone = xml_get_text(subnet, "availabilityZone");
    g_autofree char *vpc = xml_get_text(subnet, "vpcId");
    g_autofree char *target = NULL;
    g_autofree char *purpose = NULL;
    if (in_zones(search->zones, zone))
        g_ptr_array_add(search->in_zones, g_strdup(id));
    g_autoptr(Json) document = aws_document(subnet, AWS_SHAPE_EC2);
    if (!aws_subnet_purpose(json_root(document), &purpose, &target)) {
        error_set(error, ERR_INVALID, "subnet %s: its tag immutable_metadata is malformed", id);
        return FALSE;
    }
    if (g_strcmp0(purpose, params->subnet_type) != 0)
        return TRUE;
    if (search->vpc == NULL)
        search->vpc = g_strdup(vpc);
    search->several_vpcs = search->several_vpcs || g_strcmp0(search->vpc, vpc) != 0;
    if (in_zones(search->zones, zone) && (target == NULL || strcmp(target, "ec2") == 0))
        g_ptr_array_add(search->chosen, g_steal_pointer(&id));
    return TRUE;
}

/* Ids that the request or the source's override names must be among the zones' subnets. */
static gboolean restrict_subnets(SubnetSearch *search, char *const *ids, GError **error) {
    g_ptr_array_set_size(search->chosen, 0);
    for (gsize i = 0; ids[i] != NULL; i++) {
        if (!g_ptr_array_find_with_equal_func(search->in_zones, ids[i], g_str_equal, NULL)) {
            error_set(error, ERR_INVALID, "subnet %s is not among the subnets of the zones in %s (account %s)", ids[i],
                      create_region(search->operation), operation_account(search->operation)->name);
            return FALSE;
        }
        g_ptr_array_add(search->chosen, g_strdup(ids[i]));
    }
    return TRUE;
}

static gboolean find_subnets(SubnetSearch *search, GError **error) {
    Operation *operation = search->operation;
    const CreateParams *params = create_params(operation);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_SUBNETS);
    aws_query_about(query, params->subnet_type);
    if (!aws_client_list(operation_client(operation), create_region(operation), query, operation_cancel(operation), consider_subnet, search,
                         error))
        return FALSE;
    const char *override = operation_fact_string(operation, "subnetOverride");
    g_auto(GStrv) overridden = override != NULL ? g_strsplit(override, ",", -1) : NULL;
    char **ids = params->subnet_ids != NULL && params->subnet_ids[0] != NULL ? params->subnet_ids : overridden;
    if (ids != NULL && !restrict_subnets(search, ids, error))
        return FALSE;
    if (search->chosen->len > 0)
        return TRUE;
    error_set(error, ERR_NOT_FOUND, "No suitable subnet was found for internal subnet purpose '%s'! (%s, account %s)", params->subnet_type,
              create_region(operation), operation_account(operation)->name);
    return FALSE;
}

static gint compare_texts(gconstpointer a, gconstpointer b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

gboolean create_subnets_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const CreateParams *params = create_params(operation);
    const JsonValue *zones = json_get(json_root(params->zones), create_region(operation));
    operation_fact_set(operation, "zones", zones);
    if (!has_purpose(params)) {
        if (params->subnet_ids == NULL || params->subnet_ids[0] == NULL)
            return TRUE;
        error_set(error, ERR_INVALID, "subnetIds need a subnetType");
        return FALSE;
    }
    SubnetSearch search = {operation, zones, g_ptr_array_new_with_free_func(g_free), g_ptr_array_new_with_free_func(g_free), NULL, FALSE};
    gboolean fine = find_subnets(&search, error);
    if (fine) {
        g_ptr_array_sort(search.chosen, compare_texts);
        g_ptr_array_add(search.chosen, NULL);
        g_autoptr(Json) ids = json_from_strings((const char *const *)search.chosen->pdata);
        operation_fact_set(operation, "subnets", json_root(ids));
        if (!search.several_vpcs)
            operation_fact_set_string(operation, "vpc", search.vpc);
    }
    g_ptr_array_unref(search.chosen);
    g_ptr_array_unref(search.in_zones);
    g_free(search.vpc);
    return fine;
}

/* ---- load balancers and target groups ---- */
/* Calls one describe per name, so that the error can list exactly those that are missing. */
static gboolean find_one(Operation *operation, AwsCallId call, const char *key, const char *list, const char *name, const char *path,
                         char **found, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(call);
    aws_query_about(query, name);
    aws_query_add(query, name, "%s", key);
    g_autoptr(GError) failed = NULL;
    g_autoptr(XmlDocument)
        document = aws_client_send(operation_client(operation), create_region(operation), query, operation_cancel(operation), &failed);
    *found = NULL;
    if (document != NULL)
        *found = xml_get_text(xml_first(xml_get(aws_answer(document, call), list), "member"), path);
    else if (!aws_error_is_absent(failed)) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    return TRUE;
}

typedef struct {
    AwsCallId call;
    const char *key, *list, *path, *what;
} BalancerKind;
static const BalancerKind CLASSIC = {AWS_DESCRIBE_CLASSIC, "LoadBalancerNames.member.1", "LoadBalancerDescriptions", "LoadBalancerName",
                                     "load balancers"};
static const BalancerKind TARGETS = {AWS_DESCRIBE_TARGET_GROUPS, "Names.member.1", "TargetGroups", "TargetGroupArn", "target groups"};

/* What each name stands for, as a list under the fact. */
static gboolean find_all(Operation *operation, const BalancerKind *kind, char *const *names, const char *fact, GError **error) {
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) missing = g_string_new(NULL);
    for (gsize i = 0; names != NULL && names[i] != NULL; i++) {
        char *one = NULL;
        if (!find_one(operation, kind->call, kind->key, kind->list, names[i], kind->path, &one, error))
            return FALSE;
        if (one != NULL)
            g_ptr_array_add(found, one);
        else
            g_string_append_printf(missing, "%s%s", missing->len > 0 ? ", " : "", names[i]);
    }
    if (missing->len > 0) {
        error_set(error, ERR_NOT_FOUND, "%s not found in %s (account %s): %s", kind->what, create_region(operation),
                  operation_account(operation)->name, missing->str);
        return FALSE;
    }
    g_ptr_array_add(found, NULL);
    g_autoptr(Json) list = json_from_strings((const char *const *)found->pdata);
    operation_fact_set(operation, fact, json_root(list));
    return TRUE;
}

gboolean create_balancers_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const CreateParams *params = create_params(operation);
    return find_all(operation, &CLASSIC, params->load_balancers, "loadBalancers", error) &&
           find_all(operation, &TARGETS, params->target_groups, "targetGroups", error);
}

/* ---- security groups ---- */
static gboolean is_group_id(const char *text) {
    return g_str_has_prefix(text, "sg-") && text[3] != '\0' && strspn(text + 3, "0123456789abcdef") == strlen(text + 3);
}

/* The id of a group of that name in the VPC (no VPC: outside any); *id NULL when there is none. */
static gboolean group_id(Operation *operation, const char *name, char **id, GError **error) {
    const char *vpc = operation_fact_string(operation, "vpc");
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_SECURITY_GROUPS);
    aws_query_about(query, name);
    aws_query_add_filter(query, "group-name", name);
    if (vpc != NULL)
        aws_query_add_filter(query, "vpc-id", vpc);
    *id = NULL;
    g_autoptr(XmlDocument)
        document = aws_client_send(operation_client(operation), create_region(operation), query, operation_cancel(operation), error);
    if (document == NULL)
        return FALSE;
    const XmlNode *list = xml_get(aws_answer(document, AWS_DESCRIBE_SECURITY_GROUPS), "securityGroupInfo");
    for (const XmlNode *group = xml_first(list, "item"); group != NULL && *id == NULL; group = xml_next(group, "item")) {
        g_autofree char *found_vpc = xml_get_text(group, "vpcId");
        if (vpc != NULL || found_vpc == NULL || *found_vpc == '\0')
            *id = xml_get_text(group, "groupId");
    }
    return TRUE;
}

typedef struct {
    GPtrArray *ids;
    gboolean names_application;
} GroupSearch;

static gboolean add_group(Operation *operation, GroupSearch *search, const char *name, gboolean needed, GString *missing, GError **error) {
    char *id = is_group_id(name) ? g_strdup(name) : NULL;
    if (id == NULL && !group_id(operation, name, &id, error))
        return FALSE;
    search->names_application = search->names_application || strstr(name, create_params(operation)->application) != NULL;
    if (id == NULL && needed)
        g_string_append_printf(missing, "%s%s", missing->len > 0 ? "," : "", name);
    if (id == NULL || g_ptr_array_find_with_equal_func(search->ids, id, g_str_equal, NULL))
        g_free(id);
    else
        g_ptr_array_add(search->ids, id);
    return TRUE;
}

/* The request's, and the account's default ones; without those the built-in ones, where they exist. */
static gboolean gather_groups(Operation *operation, GroupSearch *search, GError **error) {
    const CreateParams *params = create_params(operation);
    const AwsAccount *account = operation_aws(operation);
    char **defaults = account->security_groups != NULL ? account->security_groups : account->settings->aws.security_groups;
    g_autoptr(GString) missing = g_string_new(NULL);
    for (gsize i = 0; params->security_groups != NULL && params->security_groups[i] != NULL; i++)
        if (!add_group(operation, search, params->security_groups[i], TRUE, missing, error))
            return FALSE;
    for (gsize i = 0; defaults != NULL && defaults[i] != NULL; i++)
        if (!add_group(operation, search, defaults[i], TRUE, missing, error))
            return FALSE;
    for (gsize i = 0; (defaults == NULL || defaults[0] == NULL) && i < G_N_ELEMENTS(BUILT_IN_GROUPS); i++)
        if (!add_group(operation, search, BUILT_IN_GROUPS[i], FALSE, missing, error))
            return FALSE;
    if (missing->len == 0)
        return TRUE;
    const char *vpc = operation_fact_string(operation, "vpc");
    error_set(error, ERR_NOT_FOUND, "Missing security groups: %s (%s, account %s, VPC %s)", missing->str, create_region(operation),
              operation_account(operation)->name, vpc != NULL ? vpc : "none");
    return FALSE;
}

static void note_groups(Operation *operation, GPtrArray *ids) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < ids->len; i++)
        json_add_string(builder, NULL, ids->pdata[i]);
    json_end_array(builder);
    g_autoptr(Json) list = json_builder_end(builder);
    operation_fact_set(operation, "securityGroups", json_root(list));
}

/* Whether a group named after the application has to be there: none chosen, or asked for by the configuration. */
static gboolean wants_app_group(Operation *operation, const GroupSearch *search) {
    const AwsConfig *config = &operation_aws(operation)->settings->aws;
    if (search->names_application)
        return FALSE;
    return search->ids->len == 0 || (config->add_app_group && search->ids->len < (guint)config->max_security_groups);
}

gboolean create_security_groups_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const char *application = create_params(operation)->application;
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    GroupSearch search = {ids, FALSE};
    if (!gather_groups(operation, &search, error))
        return FALSE;
    if (wants_app_group(operation, &search)) {
        char *id = NULL;
        if (!group_id(operation, application, &id, error))
            return FALSE;
        if (id != NULL)
            g_ptr_array_add(ids, id);
        else
            operation_fact_set_string(operation, "appGroup", application);
    }
    note_groups(operation, ids);
    return TRUE;
}

guint create_app_group_count(Operation *operation) {
    return operation_fact(operation, "appGroup") != NULL ? 1 : 0;
}

static void add_app_group(Operation *operation, const char *id) {
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    for (JsonIter i = json_iter(operation_fact(operation, "securityGroups")); json_next(&i);)
        g_ptr_array_add(ids, (gpointer)json_string(i.value));
    if (!g_ptr_array_find_with_equal_func(ids, id, g_str_equal, NULL))
        g_ptr_array_add(ids, (gpointer)id);
    note_groups(operation, ids);
}

LookResult create_app_group_look(Operation *operation, guint item, GError **error) {
    (void)item;
    g_autofree char *id = NULL;
    if (!group_id(operation, operation_fact_string(operation, "appGroup"), &id, error))
        return LOOK_ERROR;
    if (id == NULL)
        return LOOK_NOT_DONE;
    add_app_group(operation, id);
    return LOOK_DONE;
}

gboolean create_app_group_act(Operation *operation, guint item, GError **error) {
    (void)item;
    const char *name = operation_fact_string(operation, "appGroup");
    g_autofree char *description = g_strdup_printf("Security Group for %s", name);
    g_autoptr(AwsQuery) query = aws_query_new(AWS_CREATE_SECURITY_GROUP);
    aws_query_about(query, name);
    aws_query_add(query, name, "GroupName");
    aws_query_add(query, description, "GroupDescription");
    aws_query_add(query, operation_fact_string(operation, "vpc"), "VpcId");
    operation_line(operation, "Creating security group %s", name);
    g_autoptr(XmlDocument)
        document = aws_client_send(operation_client(operation), create_region(operation), query, operation_cancel(operation), error);
    if (document == NULL)
        return FALSE;
    g_autofree char *id = xml_get_text(aws_answer(document, AWS_CREATE_SECURITY_GROUP), "groupId");
    if (id == NULL) {
        error_set(error, ERR_TIMEOUT, "CreateSecurityGroup %s in %s: the answer has no id", name, create_region(operation));
        return FALSE;
    }
    add_app_group(operation, id);
    return TRUE;
}
