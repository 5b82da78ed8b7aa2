/* Reading the bakery's configuration: four sections and the list of base images. */
#include "bake/settings.h"
#include "bake/bakery.h"
#include <string.h>

#define BASE_IMAGES_KEY "aws.bakery-defaults.base-images"
#define TIMEOUT_MINUTES_MAX (7 * 24 * 60)

typedef struct {
    gint64 timeout_minutes;
    BakeRosco rosco;
} RoscoValues;

#define FIELD(type_, key, kind, member, ...)                                                                                               \
    { .name = (key), .type = (kind), .offset = offsetof(type_, member), __VA_ARGS__ }

static const Param virtualization_params[] = {
    FIELD(BakeVirtualization, "region", PARAM_STRING, region, .required = TRUE, .help = "The region these settings are for."),
    FIELD(BakeVirtualization, "virtualizationType", PARAM_STRING, virtualization_type, .otherwise = "\"hvm\"", .help = "hvm or pv."),
    FIELD(BakeVirtualization, "instanceType", PARAM_STRING, instance_type, .help = "Type of the builder instance."),
    FIELD(BakeVirtualization, "sourceAmi", PARAM_STRING, source_ami, .help = "The image to start from: its id, or its name."),
    FIELD(BakeVirtualization, "mostRecent", PARAM_BOOL, most_recent, .help = "Of several images of that name the newest."),
    FIELD(BakeVirtualization, "sshUserName", PARAM_STRING, ssh_user, .help = "Who logs in to the builder by SSH."),
    FIELD(BakeVirtualization, "winRmUserName", PARAM_STRING, winrm_user, .help = "Who logs in to the builder by WinRM."),
    FIELD(BakeVirtualization, "spotPrice", PARAM_STRING, spot_price, .help = "Highest price of a spot instance, or auto."),
    FIELD(BakeVirtualization, "spotPriceAutoProduct", PARAM_STRING, spot_product, .help = "Product for spotPrice auto."),
    {0},
};

static const Param base_image_params[] = {
    FIELD(BakeBaseImage, "baseImage.id", PARAM_STRING, id, .required = TRUE, .help = "The name that stages give as baseOs."),
    FIELD(BakeBaseImage, "baseImage.shortDescription", PARAM_STRING, short_description, .help = "For lists."),
    FIELD(BakeBaseImage, "baseImage.detailedDescription", PARAM_STRING, detailed_description, .help = "For forms."),
    FIELD(BakeBaseImage, "baseImage.packageType", PARAM_STRING, package_type, .otherwise = "\"deb\"", .help = "deb, rpm or nupkg."),
    FIELD(BakeBaseImage, "baseImage.templateFile", PARAM_STRING, template_file, .help = "Packer template of this image."),
    FIELD(BakeBaseImage, "baseImage.osType", PARAM_STRING, os_type, .otherwise = "\"linux\"", .help = "linux or windows."),
    FIELD(BakeBaseImage, "baseImage.customRepository", PARAM_STRING, custom_repository, .help = "Package repository of this image."),
    {.name = "virtualizationSettings", .type = PARAM_JSON, .offset = 0, .members = virtualization_params, .help = "By region and type."},
    {0},
};

static const Param aws_params[] = {
    FIELD(BakeAwsDefaults, "awsAccessKey", PARAM_STRING, access_key, .secret = TRUE, .help = "Access key for packer."),
    FIELD(BakeAwsDefaults, "awsSecretKey", PARAM_STRING, secret_key, .secret = TRUE, .help = "Secret key for packer."),
    FIELD(BakeAwsDefaults, "awsSubnetId", PARAM_STRING, subnet_id, .help = "Subnet of builder instances."),
    FIELD(BakeAwsDefaults, "awsVpcId", PARAM_STRING, vpc_id, .help = "VPC of builder instances."),
    FIELD(BakeAwsDefaults, "awsAssociatePublicIpAddress", PARAM_STRING, public_ip, .help = "Whether builders get a public address."),
    FIELD(BakeAwsDefaults, "templateFile", PARAM_STRING, template_file, .otherwise = "\"aws-ebs.json\"",
          .help = "Packer template unless image or stage name one."),
    FIELD(BakeAwsDefaults, "defaultVirtualizationType", PARAM_STRING, default_virtualization, .otherwise = "\"hvm\"",
          .help = "Virtualization type of stages that give none."),
    FIELD(BakeAwsDefaults, "maskedPackerParameters", PARAM_STRINGS, masked,
          .help = "Parameters whose values are not shown in logs, beside aws_access_key and aws_secret_key."),
    {.name = "baseImages", .type = PARAM_JSON, .offset = 0, .members = base_image_params, .help = "What can be baked from."},
    {0},
};

static const Param cloud_params[] = {
    FIELD(BakeCloud, "enabled", PARAM_BOOL, enabled, .help = "Whether images of AWS are made."),
    FIELD(BakeCloud, "base", PARAM_JSON, base, .help = "Source images by <base image>.<vm type>.<label>.<region>."),
    {0},
};

static const Param orca_params[] = {
    FIELD(BakeOrca, "account", PARAM_STRING, account, .help = "The account that images are made in, where bakeAccount is not set."),
    {0},
};

static const Param general_params[] = {
    FIELD(BakeGeneral, "bakeAccount", PARAM_STRING, account, .help = "The account that images are looked up in and made in."),
    FIELD(BakeGeneral, "default-cloud-provider-type", PARAM_STRING, default_cloud, .otherwise = "\"aws\"",
          .help = "Cloud of requests that name none."),
    FIELD(BakeGeneral, "debian-repository", PARAM_STRING, deb_repository,
          .help = "What follows deb in an apt source; several parted by ;."),
    FIELD(BakeGeneral, "yum-repository", PARAM_STRING, yum_repository, .help = "Base URL of a yum repository; several parted by ;."),
    FIELD(BakeGeneral, "chocolatey-repository", PARAM_STRING, chocolatey_repository, .help = "URL of a NuGet feed."),
    FIELD(BakeGeneral, "templates-needing-root", PARAM_STRINGS, needing_root, .help = "Templates that packer builds as root (sudo)."),
    {0},
};

static const Param rosco_params[] = {
    FIELD(RoscoValues, "config-dir", PARAM_STRING, rosco.folder, .help = "Folder of your packer templates and variable files."),
    FIELD(RoscoValues, "jobs.local.timeout-minutes", PARAM_INT, timeout_minutes, .otherwise = "30", .min = 1, .max = TIMEOUT_MINUTES_MAX,
          .help = "How long a bake may take."),
    FIELD(RoscoValues, "packer.timestamp", PARAM_BOOL, rosco.timestamps, .help = "Whether the lines of bake logs begin with the time."),
    FIELD(RoscoValues, "packer.additional-parameters", PARAM_STRINGS, rosco.packer_arguments, .help = "More arguments of packer build."),
    {0},
};

static const Param own_params[] = {
    FIELD(BakeOwn, "concurrent", PARAM_INT, concurrent, .otherwise = "2", .min = 1, .max = BAKE_CONCURRENT_MAX,
          .help = "How many bakes run at once; others wait in order."),
    FIELD(BakeOwn, "packer", PARAM_STRING, packer, .otherwise = "\"packer\"", .help = "The packer program."),
    {0},
};

static const ConfigSection aws_section = {SERVICE_ROSCO, "aws.bakery-defaults", aws_params, "Images of AWS."};
static const ConfigSection general_section = {SERVICE_ROSCO, "", general_params, "The bakery."};
static const ConfigSection rosco_section = {SERVICE_ROSCO, "rosco", rosco_params, "How bakes run."};
static const ConfigSection cloud_section = {SERVICE_ROSCO, "aws", cloud_params, "Whether and from what images of AWS are made."};
static const ConfigSection orca_section = {SERVICE_ORCA, "default.bake", orca_params, "Where images are made."};
static const ConfigSection own_section = {SERVICE_GENNAKER, "bake", own_params, "How many bakes run, and by which packer."};
extern const ConfigSection bake_stage_section;
const ConfigSection *const bake_config_sections[] = {&aws_section,  &general_section, &rosco_section,      &cloud_section,
                                                     &orca_section, &own_section,     &bake_stage_section, NULL};

/* ---- base images ---- */

static void virtualization_free(gpointer data) {
    params_clear(virtualization_params, data);
    g_free(data);
}

static void base_image_free(gpointer data) {
    BakeBaseImage *image = data;
    g_free(image->id);
    g_free(image->short_description);
    g_free(image->detailed_description);
    g_free(image->package_type);
    g_free(image->template_file);
    g_free(image->os_type);
    g_free(image->custom_repository);
    g_ptr_array_unref(image->virtualization);
    g_free(image);
}

/* The member of an element of the list, whatever way its name is written. */
static const JsonValue *relaxed_member(const JsonValue *object, const char *name) {
    for (JsonIter i = json_iter(json_is_object(object) ? object : NULL); json_next(&i);) {
        g_autofree char *plain = g_strdelimit(g_strdup(i.key), "_", '-');
        g_auto(GStrv) words = g_strsplit(plain, "-", -1);
        g_autofree char *joined = g_strjoinv("", words);
        if (g_ascii_strcasecmp(joined, name) == 0)
            return i.value;
    }
    return NULL;
}

/* The table without the list, which is read element by element so that messages name file and line. */
static void params_without_list(const Param *params, Param *into) {
    while (params->type != PARAM_END) {
        if (params->type != PARAM_JSON)
            *into++ = *params;
        params++;
    }
    *into = (Param){0};
}

static gboolean read_virtualization(Config *config, const JsonValue *list, BakeBaseImage *image, GError **error) {
    for (JsonIter i = json_iter(list); json_next(&i);) {
        BakeVirtualization *settings = g_new0(BakeVirtualization, 1);
        g_ptr_array_add(image->virtualization, settings);
        if (!config_read_value(config, i.value, virtualization_params, settings, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean read_base_image(Config *config, const JsonValue *value, GPtrArray *into, GError **error) {
    Param params[G_N_ELEMENTS(base_image_params)];
    params_without_list(base_image_params, params);
    BakeBaseImage *image = g_new0(BakeBaseImage, 1);
    gboolean fine = config_read_value(config, value, params, image, error);
    image->virtualization = g_ptr_array_new_with_free_func(virtualization_free);
    g_ptr_array_add(into, image);
    return fine && read_virtualization(config, relaxed_member(value, "virtualizationSettings"), image, error);
}

static gboolean read_base_images(BakeSettings *settings, GError **error) {
    const JsonValue *list = config_get(settings->config, SERVICE_ROSCO, BASE_IMAGES_KEY);
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (!read_base_image(settings->config, i.value, settings->base_images, error))
            return FALSE;
    return TRUE;
}

/* ---- the whole ---- */

static gboolean read_sections(BakeSettings *settings, GError **error) {
    Param aws[G_N_ELEMENTS(aws_params)];
    params_without_list(aws_params, aws);
    ConfigSection without_images = aws_section;
    without_images.params = aws;
    RoscoValues rosco = {0};
    if (!config_read(settings->config, &without_images, &settings->aws, error) ||
        !config_read(settings->config, &general_section, &settings->general, error) ||
        !config_read(settings->config, &rosco_section, &rosco, error))
        return FALSE;
    settings->rosco = rosco.rosco;
    settings->rosco.timeout_ms = rosco.timeout_minutes * 60000;
    return config_read(settings->config, &cloud_section, &settings->cloud, error) &&
           config_read(settings->config, &orca_section, &settings->orca, error) &&
           config_read(settings->config, &own_section, &settings->own, error);
}

BakeSettings *bake_settings_load(Config *config, GError **error) {
    g_autoptr(BakeSettings) settings = g_new0(BakeSettings, 1);
    settings->ref_count = 1;
    settings->config = config_ref(config);
    settings->base_images = g_ptr_array_new_with_free_func(base_image_free);
    if (!read_sections(settings, error) || !read_base_images(settings, error))
        return NULL;
    return g_steal_pointer(&settings);
}

BakeSettings *bake_settings_ref(BakeSettings *settings) {
    g_atomic_int_inc(&settings->ref_count);
    return settings;
}

void bake_settings_unref(BakeSettings *settings) {
    if (settings == NULL || !g_atomic_int_dec_and_test(&settings->ref_count))
        return;
    Param aws[G_N_ELEMENTS(aws_params)];
    params_without_list(aws_params, aws);
    params_clear(aws, &settings->aws);
    params_clear(general_params, &settings->general);
    params_clear(cloud_params, &settings->cloud);
    params_clear(orca_params, &settings->orca);
    params_clear(own_params, &settings->own);
    g_free(settings->rosco.folder);
    g_strfreev(settings->rosco.packer_arguments);
    g_ptr_array_unref(settings->base_images);
    config_unref(settings->config);
    g_free(settings);
}

const BakeBaseImage *bake_base_image(const BakeSettings *settings, const char *id) {
    for (guint i = 0; i < settings->base_images->len; i++) {
        const BakeBaseImage *image = settings->base_images->pdata[i];
        if (g_strcmp0(image->id, id) == 0)
            return image;
    }
    return NULL;
}

const char *bake_ec2_endpoint(const BakeSettings *settings) {
    const JsonValue *all = config_get(settings->config, SERVICE_CLOUDDRIVER, "aws.endpointUrl");
    return json_is_object(all) ? json_get_string(all, "ec2") : json_string(all);
}

gboolean bake_static_credentials(const BakeSettings *settings, const char **access_key, const char **secret_key) {
    *access_key = settings->aws.access_key;
    *secret_key = settings->aws.secret_key;
    if (*access_key == NULL || *secret_key == NULL) {
        *access_key = config_get_string(settings->config, SERVICE_CLOUDDRIVER, "aws.accessKeyId");
        *secret_key = config_get_string(settings->config, SERVICE_CLOUDDRIVER, "aws.secretAccessKey");
    }
    return *access_key != NULL && *secret_key != NULL;
}

const char *bake_account(const BakeSettings *settings) {
    return settings->general.account != NULL ? settings->general.account : settings->orca.account;
}
