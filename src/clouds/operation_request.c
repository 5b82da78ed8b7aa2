/* Requests of operations: one normal form out of the forms that clients post, and all that is wrong with it (aws.md 4).
 *
 * Pure, but for the inventory that a validation reads. Runs on the thread of the caller that posts, and again when an unfinished
 * request is taken up after a restart. */
#include "clouds/operations.h"

static gboolean is_named(const CloudOperation *definition, const char *name) {
    if (!strcmp(definition->name, name))
        return TRUE;
    return definition->aliases && g_strv_contains(definition->aliases, name);
}

const CloudOperation *operation_definition(const Cloud *cloud, const char *name) {
    for (guint i = 0; cloud->operations && cloud->operations[i]; i++)
        if (is_named(cloud->operations[i], name))
            return cloud->operations[i];
    return NULL;
}

gboolean cloud_has_operation(const Cloud *cloud, const char *name) {
    return operation_definition(cloud, name) != NULL;
}

char *operation_definitions_problem(const Cloud *cloud) {
    for (guint i = 0; cloud->operations && cloud->operations[i]; i++) {
        const CloudOperation *definition = cloud->operations[i];
        if (!definition->steps)
            return g_strdup_printf("cloud %s, operation %s has no steps", cloud->id, definition->name);
        for (const OperationStep *step = definition->steps; step->name; step++) {
            const char *problem = step->repeat == REPEAT_NONE_GIVEN            ? "does not say how a repeat is harmless"
                                  : !step->act                                 ? "has no act"
                                  : step->repeat == REPEAT_LOOK && !step->look ? "is repeated by looking but has no look"
                                                                               : NULL;
            if (problem)
                return g_strdup_printf("cloud %s, operation %s: step %s %s", cloud->id, definition->name, step->name, problem);
        }
    }
    return NULL;
}

/* ---- the normal form ---- */

/* `account` and `credentials` are the same account unless the operation has two; credentials wins. */
static Json *with_account(const CloudOperation *definition, const JsonValue *description) {
    const char *credentials = json_get_string(description, "credentials"), *account = json_get_string(description, "account");
    g_autoptr(Json) described = json_copy(description);
    if (definition->account_is_target && credentials && account && !json_get(description, "targetAccount")) {
        Json *targeted = json_with_string(json_root(described), "targetAccount", account);
        json_unref(described);
        described = targeted;
    }
    if (!credentials)
        return account ? json_with_string(json_root(described), "credentials", account) : g_steal_pointer(&described);
    return json_with_string(json_root(described), "account", credentials);
}

/* entry: what else the request says of this group, or NULL. */
static void add_group(JsonBuilder *builder, const char *name, const char *region, const JsonValue *entry) {
    static const char *const NAMES[] = {"serverGroupName", "asgName", "region", NULL};
    json_begin_object(builder, NULL);
    json_add_string(builder, "serverGroupName", name);
    json_add_string(builder, "region", region);
    for (JsonIter i = json_iter(json_is_object(entry) ? entry : NULL); json_next(&i);)
        if (!g_strv_contains(NAMES, i.key))
            json_add_value(builder, i.key, i.value);
    json_end_object(builder);
}

/* `asgs` out of serverGroupName or asgName with region or regions. */
static Json *with_groups(const JsonValue *description, GPtrArray *errors) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    const JsonValue *given = json_get(description, "asgs"), *regions = json_get(description, "regions");
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(given); json_next(&i);) {
        const char *name = json_get_string(i.value, "serverGroupName");
        add_group(builder, name ? name : json_get_string(i.value, "asgName"), json_get_string(i.value, "region"), i.value);
    }
    if (!json_length(given)) {
        const char *name = json_get_string(description, "serverGroupName"), *region = json_get_string(description, "region");
        name = name ? name : json_get_string(description, "asgName");
        if (region)
            add_group(builder, name, region, NULL);
        for (JsonIter i = json_iter(region ? NULL : regions); json_next(&i);)
            add_group(builder, name, json_string(i.value), NULL);
    }
    json_end_array(builder);
    g_autoptr(Json) groups = json_builder_end(builder);
    if (!json_length(json_root(groups)))
        g_ptr_array_add(errors, g_strdup("asgs, or serverGroupName with region: required"));
    for (JsonIter i = json_iter(json_root(groups)); json_next(&i);) {
        if (!json_get_string(i.value, "serverGroupName"))
            g_ptr_array_add(errors, g_strdup("serverGroupName: required"));
        if (!json_get_string(i.value, "region"))
            g_ptr_array_add(errors, g_strdup("region: required"));
    }
    return json_with(description, "asgs", json_root(groups));
}

Json *operation_request_normalise(const CloudOperation *definition, const JsonValue *description, GPtrArray *errors) {
    g_autoptr(Json) request = with_account(definition, description);
    if (!definition->takes_server_groups)
        return g_steal_pointer(&request);
    return with_groups(json_root(request), errors);
}

/* ---- what is wrong ---- */

static void check_region(const Account *account, const char *region, GPtrArray *errors) {
    g_autoptr(GError) error = NULL;
    if (!region || account_has_region(account, region, &error))
        return;
    if (!g_ptr_array_find_with_equal_func(errors, error->message, g_str_equal, NULL))
        g_ptr_array_add(errors, g_strdup(error->message));
}

static void check_regions(const Account *account, const JsonValue *request, GPtrArray *errors) {
    check_region(account, json_get_string(request, "region"), errors);
    for (JsonIter i = json_iter(json_get(request, "regions")); json_next(&i);)
        check_region(account, json_string(i.value), errors);
    for (JsonIter i = json_iter(json_get(request, "asgs")); json_next(&i);)
        check_region(account, json_get_string(i.value, "region"), errors);
    for (JsonIter i = json_iter(json_get(request, "availabilityZones")); json_next(&i);)
        check_region(account, i.key, errors);
}

static void check(Operation *operation, GPtrArray *errors) {
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    check_regions(operation->account, json_root(operation->request), found);
    if (!operation_read_params(operation, &error))
        g_ptr_array_add(found, g_strdup(error->message));
    else if (operation->definition->validate)
        operation->definition->validate(operation, found);
    for (guint i = 0; i < found->len; i++)
        g_ptr_array_add(errors, g_strdup_printf("%s: %s", operation->definition->name, (const char *)found->pdata[i]));
}

/* Members that are no descriptions ("cloudProvider" beside the operation) are passed over. */
static const JsonValue *single_member(const JsonValue *entry, const char **name) {
    const JsonValue *description = NULL;
    guint found = 0;
    for (JsonIter i = json_iter(json_is_object(entry) ? entry : NULL); json_next(&i);) {
        if (!json_is_object(i.value))
            continue;
        *name = i.key;
        description = i.value;
        found++;
    }
    return found == 1 ? description : NULL;
}

static gboolean read_entry(OperationRun *run, const JsonValue *entry, guint index, GPtrArray *errors, GError **error) {
    const char *name = NULL;
    const JsonValue *description = single_member(entry, &name);
    if (!description) {
        error_set(error, ERR_INVALID, "operation %u of the request: expected an object with one member, {\"<operation>\": {…}}", index + 1);
        return FALSE;
    }
    const char *credentials = json_get_string(description, "credentials");
    credentials = credentials ? credentials : json_get_string(description, "account");
    if (!credentials) {
        error_set(error, ERR_INVALID, "%s: credentials: required, the name of an account", name);
        return FALSE;
    }
    g_autoptr(Account) account = clouds_account(run->clouds, credentials, error);
    if (!account) {
        g_prefix_error(error, "%s: ", name);
        return FALSE;
    }
    if (run->cloud && strcmp(run->cloud, account->cloud->id)) {
        error_set(error, ERR_INVALID, "%s: account %s belongs to %s, not to %s", name, credentials, account->cloud->id, run->cloud);
        return FALSE;
    }
    const CloudOperation *definition = operation_definition(account->cloud, name);
    if (!definition) {
        error_set(error, ERR_INVALID, "%s: no such operation of %s", name, account->cloud->id);
        return FALSE;
    }
    Json *request = operation_request_normalise(definition, description, errors);
    Operation *operation = operation_new(run, index, definition, account, request);
    g_ptr_array_add(run->operations, operation);
    check(operation, errors);
    return TRUE;
}

gboolean operation_request_read(OperationRun *run, const JsonValue *request, GPtrArray *errors, GError **error) {
    gsize length = json_is_array(request) ? json_length(request) : 0;
    if (!length || length > OPERATION_REQUEST_MAX) {
        error_set(error, ERR_INVALID, "operations: expected an array of 1 to %d single-key objects", OPERATION_REQUEST_MAX);
        return FALSE;
    }
    for (JsonIter i = json_iter(request); json_next(&i);)
        if (!read_entry(run, i.value, (guint)i.index, errors, error))
            return FALSE;
    const Operation *last = run->operations->pdata[run->operations->len - 1];
    g_free(run->account);
    run->account = g_strdup(last->account->name);
    if (!run->cloud)
        run->cloud = g_strdup(last->account->cloud->id);
    return TRUE;
}
