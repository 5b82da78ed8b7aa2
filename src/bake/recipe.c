/* The key of a request, and the variables of the AWS templates. */
#include "bake/recipe.h"
#include "bake/naming.h"
#include "base/error.h"
#include <string.h>

#define SOURCE_AMI "^ami-[a-z0-9]+$"

void bake_recipe_clear(BakeRecipe *recipe) {
    g_free(recipe->image_name);
    g_free(recipe->base_ami);
    g_free(recipe->template);
    g_free(recipe->var_file);
    json_unref(recipe->variables);
    memset(recipe, 0, sizeof *recipe);
}

static gboolean is_given(const char *text) {
    return text != NULL && text[0] != '\0';
}

const char *bake_cloud(const BakeSettings *settings, const JsonValue *request, GError **error) {
    const char *cloud = json_get_string(request, "cloud_provider_type");
    cloud = is_given(cloud) ? cloud : settings->general.default_cloud;
    if (strcmp(cloud, BAKE_CLOUD) == 0)
        return BAKE_CLOUD;
    error_set(error, ERR_INVALID, "bake: Unknown provider type '%s' (known: " BAKE_CLOUD ")", cloud);
    return NULL;
}

static const char *virtualization_of(const BakeSettings *settings, const JsonValue *request) {
    const char *type = json_get_string(request, "vm_type");
    return is_given(type) ? type : settings->aws.default_virtualization;
}

/* ---- the key ---- */

static void append(GString *key, const char *part) {
    if (is_given(part))
        g_string_append_printf(key, ":%s", part);
}

static void append_packages(GString *key, const char *packages) {
    g_auto(GStrv) names = g_strsplit_set(packages != NULL ? packages : "", " \t\r\n", -1);
    g_string_append_c(key, ':');
    gboolean first = TRUE;
    for (guint i = 0; names[i] != NULL; i++)
        if (names[i][0] != '\0') {
            g_string_append_printf(key, "%s%s", first ? "" : "|", names[i]);
            first = FALSE;
        }
}

static void append_artifacts(GString *key, const JsonValue *artifacts) {
    gboolean first = TRUE;
    for (JsonIter i = json_iter(artifacts); json_next(&i); first = FALSE) {
        const char *reference = json_get_string(i.value, "reference");
        g_string_append_printf(key, "%s%s", first ? ":" : "|", reference != NULL ? reference : "");
    }
}

char *bake_key(const BakeSettings *settings, const char *region, const JsonValue *request) {
    static const char *const PARTS[] = {"base_os", "base_ami", "ami_name", "template_file_name", "var_file_name"};
    g_autoptr(GString) key = g_string_new("bake");
    append(key, bake_cloud(settings, request, NULL));
    for (guint i = 0; i < G_N_ELEMENTS(PARTS); i++)
        append(key, json_get_string(request, PARTS[i]));
    append_packages(key, json_get_string(request, "package"));
    append_artifacts(key, json_get(request, "package_artifacts"));
    append(key, region);
    append(key, virtualization_of(settings, request));
    append(key, json_get_bool(request, "enhanced_networking", FALSE) ? "enhancedNWEnabled" : "enhancedNWDisabled");
    return g_string_free(g_steal_pointer(&key), FALSE);
}

/* ---- base image, settings, source image ---- */

static const BakeVirtualization *choose_virtualization(const BakeOrder *order, const BakeBaseImage *image, GError **error) {
    const char *type = virtualization_of(order->settings, order->request);
    for (guint i = 0; i < image->virtualization->len; i++) {
        const BakeVirtualization *settings = image->virtualization->pdata[i];
        if (strcmp(settings->region, order->region) == 0 && g_ascii_strcasecmp(settings->virtualization_type, type) == 0)
            return settings;
    }
    error_set(error, ERR_INVALID, "No virtualization settings found for region '%s', operating system '%s', and vm type '%s'.",
              order->region, image->id, type);
    return NULL;
}

static const BakeBaseImage *choose_base_image(const BakeOrder *order, GError **error) {
    const char *os = json_get_string(order->request, "base_os");
    const BakeBaseImage *image = bake_base_image(order->settings, os);
    if (image == NULL)
        error_set(error, ERR_INVALID, "No virtualization settings found for '%s'.", os != NULL ? os : "");
    return image;
}

/* The request's, the settings', or the property aws.base.<os>.<vm type>.<label>.<region>. Borrowed. */
static const char *source_text(const BakeOrder *order, const BakeBaseImage *image, const BakeVirtualization *settings) {
    const char *given = json_get_string(order->request, "base_ami"), *label = json_get_string(order->request, "base_label");
    if (is_given(given))
        return given;
    if (is_given(settings->source_ami))
        return settings->source_ami;
    g_autofree char *path = g_strdup_printf("aws.base.%s.%s.%s.%s", image->id, settings->virtualization_type,
                                            is_given(label) ? label : "release", order->region);
    return config_get_string(order->settings->config, SERVICE_ROSCO, path);
}

static char *source_ami(const BakeOrder *order, const BakeBaseImage *image, const BakeVirtualization *settings, GError **error) {
    const char *text = source_text(order, image, settings);
    if (!is_given(text)) {
        error_set(error, ERR_INVALID, "No source AMI found for region '%s', operating system '%s', and vm type '%s'.", order->region,
                  image->id, settings->virtualization_type);
        return NULL;
    }
    if (g_regex_match_simple(SOURCE_AMI, text, 0, 0))
        return g_strdup(text);
    return order->find_image(order->data, order->region, text, settings->virtualization_type, settings->most_recent, error);
}

/* ---- variables: a list in which a later one of a name replaces the earlier ---- */

typedef struct {
    GPtrArray *names;   /* in order */
    GHashTable *values; /* name → text */
} Variables;

static void set(Variables *variables, const char *name, const char *text) {
    if (text == NULL)
        return;
    g_autofree char *value = g_strstrip(g_strdup(text));
    if (value[0] == '\0')
        return;
    if (!g_hash_table_contains(variables->values, name))
        g_ptr_array_add(variables->names, g_strdup(name));
    g_hash_table_insert(variables->values, g_strdup(name), g_steal_pointer(&value));
}

static Json *variables_json(const Variables *variables) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (guint i = 0; i < variables->names->len; i++)
        json_add_string(builder, variables->names->pdata[i], g_hash_table_lookup(variables->values, variables->names->pdata[i]));
    json_end_object(builder);
    return json_builder_end(builder);
}

static void set_machine(Variables *variables, const BakeOrder *order, const BakeVirtualization *settings, const BakeRecipe *recipe) {
    const BakeAwsDefaults *aws = &order->settings->aws;
    const char *instance_type = json_get_string(order->request, "instance_type");
    set(variables, "aws_region", order->region);
    set(variables, "aws_instance_type", is_given(instance_type) ? instance_type : settings->instance_type);
    set(variables, "aws_source_ami", recipe->base_ami);
    set(variables, "aws_target_ami", recipe->image_name);
    set(variables, "aws_ssh_username", settings->ssh_user);
    set(variables, "aws_winrm_username", settings->winrm_user);
    set(variables, "aws_spot_price", settings->spot_price);
    if (g_strcmp0(settings->spot_price, "auto") == 0)
        set(variables, "aws_spot_price_auto_product", settings->spot_product);
    set(variables, "aws_subnet_id", aws->subnet_id);
    set(variables, "aws_vpc_id", aws->vpc_id);
    set(variables, "aws_associate_public_ip_address", aws->public_ip);
    if (json_get_bool(order->request, "enhanced_networking", FALSE))
        set(variables, "aws_ena_support", "true");
    set(variables, "aws_endpoint", bake_ec2_endpoint(order->settings));
    if (bake_ec2_endpoint(order->settings) != NULL)
        set(variables, "aws_skip_metadata_api_check", "true");
}

static const char *repository_of(const BakeSettings *settings, const BakeBaseImage *image) {
    if (is_given(image->custom_repository))
        return image->custom_repository;
    const BakeGeneral *general = &settings->general;
    if (g_ascii_strcasecmp(image->package_type, "rpm") == 0)
        return general->yum_repository;
    return g_ascii_strcasecmp(image->package_type, "nupkg") == 0 ? general->chocolatey_repository : general->deb_repository;
}

/* copy_to and share_with are lists for people; templates have one variable per element. */
static void set_extended(Variables *variables, const JsonValue *attributes) {
    for (JsonIter i = json_iter(attributes); json_next(&i);) {
        g_autofree char *text = json_as_text(i.value);
        if (text == NULL)
            continue;
        if (strcmp(i.key, "copy_to") != 0 && strcmp(i.key, "share_with") != 0) {
            set(variables, i.key, text);
            continue;
        }
        g_auto(GStrv) parts = g_strsplit(text, ",", -1);
        for (guint n = 0; parts[n] != NULL; n++) {
            g_autofree char *name = g_strdup_printf("%s_%u", i.key, n + 1);
            set(variables, name, parts[n]);
        }
    }
}

/* ---- packages: those of the request, then those of artifacts ---- */

static char *packages_of(const JsonValue *request, const char *type) {
    g_autofree char *named = bake_packages_install(type, json_get_string(request, "package"));
    g_autoptr(GString) all = g_string_new(named);
    for (JsonIter i = json_iter(json_get(request, "package_artifacts")); json_next(&i);) {
        const char *name = json_get_string(i.value, "name"), *version = json_get_string(i.value, "version");
        if (!is_given(name))
            continue;
        g_autofree char *whole = g_strdup(is_given(version) ? version : "");
        BakePackage package = {.name = (char *)name, .version = whole};
        g_autofree char *install = bake_package_install(type, &package);
        g_string_append_printf(all, "%s%s", all->len > 0 ? " " : "", install);
    }
    return g_string_free(g_steal_pointer(&all), FALSE);
}

static void first_package(const JsonValue *request, const char *type, BakePackage *into) {
    g_autofree char *text = g_strdup(json_get_string(request, "package"));
    g_auto(GStrv) names = g_strsplit_set(text != NULL ? g_strstrip(text) : "", " \t\r\n", 2);
    if (names[0] != NULL && names[0][0] != '\0') {
        bake_package_parse(type, names[0], into);
        return;
    }
    const JsonValue *artifact = json_at(json_get(request, "package_artifacts"), 0);
    memset(into, 0, sizeof *into);
    into->name = g_strdup(json_get_string(artifact, "name"));
    into->version = g_strdup(json_get_string(artifact, "version"));
}

static char *image_name(const BakeOrder *order, const BakePackage *first) {
    const char *suffix = json_get_string(order->request, "ami_suffix");
    g_autofree char *now = g_strdup_printf("%" G_GINT64_FORMAT, order->now_ms);
    return bake_image_name(json_get_string(order->request, "ami_name"), first, is_given(suffix) ? suffix : now,
                           json_get_string(order->request, "base_os"));
}

static void set_packages(Variables *variables, const BakeOrder *order, const BakeBaseImage *image, const BakePackage *first) {
    const JsonValue *request = order->request;
    g_autofree char *packages = packages_of(request, image->package_type);
    g_autofree char *number = json_as_text(json_get(request, "build_number"));
    g_autofree char *type = g_ascii_strdown(image->package_type, -1);
    g_autofree char *version = first->name == NULL
                                   ? NULL
                                   : bake_appversion(image->package_type, first, number, json_get_string(request, "commit_hash"),
                                                     json_get_string(request, "job"));
    set(variables, "build_info_url", json_get_string(request, "build_info_url"));
    set(variables, "appversion", version);
    set(variables, "repository", repository_of(order->settings, image));
    set(variables, "package_type", type);
    set(variables, "packages", packages);
    set(variables, "build_host", json_get_string(request, "build_host"));
    if (json_get(request, "upgrade") != NULL) {
        g_autofree char *upgrade = json_as_text(json_get(request, "upgrade"));
        set(variables, "upgrade", upgrade);
    }
}

static const char *template_of(const BakeOrder *order, const BakeBaseImage *image) {
    const char *name = json_get_string(order->request, "template_file_name");
    if (is_given(name))
        return name;
    return is_given(image->template_file) ? image->template_file : order->settings->aws.template_file;
}

/* Files are named by authors of pipelines: they stay in the folders meant for them. */
static gboolean check_file_name(const char *name, GError **error) {
    g_auto(GStrv) parts = g_strsplit(name, "/", -1);
    if (!g_path_is_absolute(name) && !g_strv_contains((const char *const *)parts, "..") && name[0] != '-')
        return TRUE;
    error_set(error, ERR_INVALID, "bake: file name %s: expected a name below the folder of templates", name);
    return FALSE;
}

gboolean bake_recipe_make(const BakeOrder *order, BakeRecipe *into, GError **error) {
    g_auto(BakeRecipe) recipe = {0};
    g_auto(BakePackage) first = {0};
    const BakeBaseImage *image = bake_cloud(order->settings, order->request, error) != NULL ? choose_base_image(order, error) : NULL;
    const BakeVirtualization *settings = image != NULL ? choose_virtualization(order, image, error) : NULL;
    if (settings == NULL)
        return FALSE;
    const char *var_file = json_get_string(order->request, "var_file_name");
    recipe.template = g_strdup(template_of(order, image));
    recipe.var_file = is_given(var_file) ? g_strdup(var_file) : NULL;
    if (!check_file_name(recipe.template, error) || (recipe.var_file != NULL && !check_file_name(recipe.var_file, error)))
        return FALSE;
    recipe.base_ami = source_ami(order, image, settings, error);
    if (recipe.base_ami == NULL)
        return FALSE;
    first_package(order->request, image->package_type, &first);
    recipe.image_name = image_name(order, &first);
    Variables variables = {g_ptr_array_new_with_free_func(g_free), g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free)};
    set_machine(&variables, order, settings, &recipe);
    set_packages(&variables, order, image, &first);
    set_extended(&variables, json_get(order->request, "extended_attributes"));
    recipe.variables = variables_json(&variables);
    g_free(recipe.image_name); /* an extended attribute may have another */
    recipe.image_name = g_strdup(g_hash_table_lookup(variables.values, "aws_target_ami"));
    g_ptr_array_unref(variables.names);
    g_hash_table_unref(variables.values);
    *into = recipe;
    memset(&recipe, 0, sizeof recipe);
    return TRUE;
}
