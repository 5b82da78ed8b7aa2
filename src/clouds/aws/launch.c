/* Launch templates (latest, default and used versions) and launch configurations. */
#include "clouds/aws/failure.h"
#include "clouds/aws/reader.h"
#include <string.h>

struct AwsLaunches {
    GHashTable *templates;      /* name → GPtrArray of Json, one per version */
    GHashTable *configurations; /* name → Json */
    GHashTable *looked_up;      /* names of those that were read one by one */
};

static void free_documents(gpointer data) {
    g_ptr_array_unref(data);
}

AwsLaunches *aws_launches_new(const AwsReader *reader) {
    (void)reader;
    AwsLaunches *launches = g_new0(AwsLaunches, 1);
    launches->templates = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_documents);
    launches->configurations = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)json_unref);
    launches->looked_up = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return launches;
}

void aws_launches_free(AwsLaunches *launches) {
    if (!launches)
        return;
    g_hash_table_unref(launches->templates);
    g_hash_table_unref(launches->configurations);
    g_hash_table_unref(launches->looked_up);
    g_free(launches);
}

/* ---- versions ---- */

const JsonValue *aws_group_template(const JsonValue *asg) {
    const JsonValue *plain = json_get(asg, "launchTemplate");
    return plain ? plain : json_dig(asg, "mixedInstancesPolicy", "launchTemplate", "launchTemplateSpecification", NULL);
}

static gboolean is_version(const JsonValue *entry, const char *version, gint64 latest) {
    gint64 number = json_get_int(entry, "versionNumber", 0);
    if (!version || !strcmp(version, "$Default"))
        return json_get_bool(entry, "defaultVersion", FALSE);
    if (!strcmp(version, "$Latest"))
        return number == latest;
    return number > 0 && number == g_ascii_strtoll(version, NULL, 10);
}

/* In the versions that are known together: "$Latest" is only sure there. */
static const JsonValue *find_version(GPtrArray *versions, const char *version) {
    gint64 latest = 0;
    for (guint i = 0; i < versions->len; i++)
        latest = MAX(latest, json_get_int(json_root(versions->pdata[i]), "versionNumber", 0));
    for (guint i = 0; i < versions->len; i++)
        if (is_version(json_root(versions->pdata[i]), version, latest))
            return json_root(versions->pdata[i]);
    return NULL;
}

const JsonValue *aws_template_version(const JsonValue *document, const char *version) {
    gint64 latest = json_get_int(document, "latestVersionNumber", 0);
    for (JsonIter i = json_iter(json_get(document, "versions")); json_next(&i);)
        if (is_version(i.value, version, latest))
            return i.value;
    return NULL;
}

static void keep_version(AwsLaunches *launches, Json *version) {
    const char *name = json_get_string(json_root(version), "launchTemplateName");
    if (!name)
        return;
    GPtrArray *versions = g_hash_table_lookup(launches->templates, name);
    if (!versions) {
        versions = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
        g_hash_table_insert(launches->templates, g_strdup(name), versions);
    }
    gint64 number = json_get_int(json_root(version), "versionNumber", 0);
    for (guint i = 0; i < versions->len; i++)
        if (json_get_int(json_root(versions->pdata[i]), "versionNumber", 0) == number)
            return;
    g_ptr_array_add(versions, json_ref(version));
}

/* ---- reading ---- */

static gboolean read_templates(const AwsReader *reader, AwsLaunches *launches, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_TEMPLATE_VERSIONS);
    aws_query_add(query, "$Latest", "LaunchTemplateVersion.1");
    aws_query_add(query, "$Default", "LaunchTemplateVersion.2");
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    if (!aws_read_documents(reader, query, AWS_SHAPE_EC2, found, error))
        return FALSE;
    for (guint i = 0; i < found->len; i++)
        keep_version(launches, found->pdata[i]);
    return TRUE;
}

static void keep_configurations(AwsLaunches *launches, GPtrArray *found) {
    for (guint i = 0; i < found->len; i++) {
        const char *name = json_get_string(json_root(found->pdata[i]), "launchConfigurationName");
        if (name)
            g_hash_table_replace(launches->configurations, g_strdup(name), json_ref(found->pdata[i]));
    }
}

static gboolean read_configurations(const AwsReader *reader, AwsLaunches *launches, const char *name, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_LAUNCH_CONFIGURATIONS);
    aws_query_about(query, name);
    aws_query_add_list(query, name ? (const char *const[]){name, NULL} : NULL, "LaunchConfigurationNames.member");
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    if (!aws_read_documents(reader, query, AWS_SHAPE_QUERY, found, error))
        return FALSE;
    keep_configurations(launches, found);
    return TRUE;
}

AwsLaunches *aws_launches_read(const AwsReader *reader, GError **error) {
    g_autoptr(AwsLaunches) launches = aws_launches_new(reader);
    if (!read_templates(reader, launches, error) || !read_configurations(reader, launches, NULL, error))
        return NULL;
    return g_steal_pointer(&launches);
}

/* One template's version by id, with the latest and the default one beside it, so that a published template is whole. */
static gboolean read_version(const AwsReader *reader, AwsLaunches *launches, const char *id, const char *version, GError **error) {
    g_autoptr(AwsQuery) query = aws_query_new(AWS_DESCRIBE_TEMPLATE_VERSIONS);
    aws_query_about(query, id);
    aws_query_add(query, id, "LaunchTemplateId");
    aws_query_add(query, "$Latest", "LaunchTemplateVersion.1");
    aws_query_add(query, "$Default", "LaunchTemplateVersion.2");
    aws_query_add(query, version && *version != '$' ? version : NULL, "LaunchTemplateVersion.3");
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    if (!aws_read_documents(reader, query, AWS_SHAPE_EC2, found, error))
        return FALSE;
    for (guint i = 0; i < found->len; i++)
        keep_version(launches, found->pdata[i]);
    return TRUE;
}

/* ---- looking up ---- */

/* A numbered version never changes, so what the inventory has is good. */
static const JsonValue *known_version(const AwsReader *reader, AwsLaunches *launches, const char *name, const char *version) {
    if (!version || *version == '$')
        return NULL;
    g_autoptr(InventorySnapshot) snapshot = inventory_snapshot(reader->inventory);
    const InventoryObject *object = inventory_get(snapshot, reader->account->base.name, KIND_LAUNCH_TEMPLATE, reader->region, name);
    const JsonValue *known = object ? aws_template_version(json_root(object->document), version) : NULL;
    if (!known)
        return NULL;
    g_autoptr(Json) copy = json_copy(known);
    keep_version(launches, copy);
    return find_version(g_hash_table_lookup(launches->templates, name), version);
}

static const JsonValue *template_of_group(const AwsReader *reader, AwsLaunches *launches, const JsonValue *template, GError **error) {
    const char *id = json_get_string(template, "launchTemplateId"), *name = json_get_string(template, "launchTemplateName");
    const char *version = json_get_string(template, "version");
    if (!name)
        return NULL;
    GPtrArray *versions = g_hash_table_lookup(launches->templates, name);
    const JsonValue *found = versions ? find_version(versions, version) : NULL;
    if (!found)
        found = known_version(reader, launches, name, version);
    if (found || !id)
        return found;
    g_autoptr(GError) failed = NULL;
    if (read_version(reader, launches, id, version, &failed)) {
        g_hash_table_add(launches->looked_up, g_strdup(name));
        versions = g_hash_table_lookup(launches->templates, name);
        return versions ? find_version(versions, version) : NULL;
    }
    if (!aws_error_is_absent(failed))
        g_propagate_error(error, g_steal_pointer(&failed));
    return NULL;
}

static const JsonValue *configuration_of_group(const AwsReader *reader, AwsLaunches *launches, const char *name, GError **error) {
    const Json *found = g_hash_table_lookup(launches->configurations, name);
    if (!found && !read_configurations(reader, launches, name, error))
        return NULL;
    if (!found)
        g_hash_table_add(launches->looked_up, g_strdup(name));
    return json_root(found ? found : g_hash_table_lookup(launches->configurations, name));
}

const JsonValue *aws_launch_of_group(const AwsReader *reader, AwsLaunches *launches, const JsonValue *asg, GError **error) {
    const JsonValue *template = aws_group_template(asg);
    const char *configuration = json_get_string(asg, "launchConfigurationName");
    if (template)
        return template_of_group(reader, launches, template, error);
    return configuration ? configuration_of_group(reader, launches, configuration, error) : NULL;
}

/* ---- publishing ---- */

static Json *template_document(GPtrArray *versions) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    gint64 latest = 0, fallback = 0;
    for (guint i = 0; i < versions->len; i++) {
        gint64 number = json_get_int(json_root(versions->pdata[i]), "versionNumber", 0);
        latest = MAX(latest, number);
        if (json_get_bool(json_root(versions->pdata[i]), "defaultVersion", FALSE))
            fallback = number;
    }
    const JsonValue *first = json_root(versions->pdata[0]);
    json_begin_object(builder, NULL);
    json_add_value(builder, "launchTemplateId", json_get(first, "launchTemplateId"));
    json_add_value(builder, "launchTemplateName", json_get(first, "launchTemplateName"));
    json_add_int(builder, "latestVersionNumber", latest);
    json_add_int(builder, "defaultVersionNumber", fallback);
    json_begin_array(builder, "versions");
    for (guint i = 0; i < versions->len; i++)
        json_add_json(builder, NULL, versions->pdata[i]);
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

void aws_launches_publish(const AwsReader *reader, AwsLaunches *launches) {
    g_autoptr(GPtrArray) templates = aws_objects_new(), configurations = aws_objects_new();
    GHashTableIter iter;
    gpointer name, value;
    g_hash_table_iter_init(&iter, launches->templates);
    while (g_hash_table_iter_next(&iter, &name, &value))
        aws_objects_add(templates, aws_object_new(reader, KIND_LAUNCH_TEMPLATE, name), template_document(value), NULL, NULL);
    g_hash_table_iter_init(&iter, launches->configurations);
    while (g_hash_table_iter_next(&iter, &name, &value))
        aws_objects_add(configurations, aws_object_new(reader, KIND_LAUNCH_CONFIGURATION, name), json_ref(value), NULL, NULL);
    aws_publish(reader, KIND_LAUNCH_TEMPLATE, templates);
    aws_publish(reader, KIND_LAUNCH_CONFIGURATION, configurations);
}

void aws_launches_put(const AwsReader *reader, AwsLaunches *launches) {
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, launches->looked_up);
    g_autoptr(GPtrArray) objects = aws_objects_new();
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        GPtrArray *versions = g_hash_table_lookup(launches->templates, name);
        Json *configuration = g_hash_table_lookup(launches->configurations, name);
        if (versions)
            aws_objects_add(objects, aws_object_new(reader, KIND_LAUNCH_TEMPLATE, name), template_document(versions), NULL, NULL);
        if (configuration)
            aws_objects_add(objects, aws_object_new(reader, KIND_LAUNCH_CONFIGURATION, name), json_ref(configuration), NULL, NULL);
    }
    for (guint i = 0; i < objects->len; i++)
        inventory_put(reader->inventory, objects->pdata[i]);
}

/* ---- fields ---- */

/* A template has its groups at the top or, as Spinnaker writes it, at its first network interface. */
static char **template_security_groups(const JsonValue *data) {
    const JsonValue *groups = json_get(data, "securityGroupIds");
    if (!json_length(groups))
        groups = json_get(json_at(json_get(data, "networkInterfaces"), 0), "groups");
    return json_is_object(json_at(groups, 0)) ? aws_member_strings(groups, "groupId") : aws_strings(groups);
}

void aws_launch_fields(const JsonValue *launch, AwsLaunchFields *fields) {
    const JsonValue *data = json_get(launch, "launchTemplateData");
    const JsonValue *from = data ? data : launch, *profile = json_get(from, "iamInstanceProfile");
    *fields = (AwsLaunchFields){
        .image_id = json_get_string(from, "imageId"),
        .instance_type = json_get_string(from, "instanceType"),
        .key_name = json_get_string(from, "keyName"),
        .iam_profile = data ? json_get_string(profile, "name") : json_string(profile),
        .user_data = json_get_string(from, "userData"),
        .spot_price = data ? json_string(json_dig(data, "instanceMarketOptions", "spotOptions", "maxPrice", NULL))
                           : json_get_string(from, "spotPrice"),
        .security_groups = data ? template_security_groups(data) : aws_strings(json_get(from, "securityGroups")),
        .block_devices = json_get(from, "blockDeviceMappings"),
    };
}
