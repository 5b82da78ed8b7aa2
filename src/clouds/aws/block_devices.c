/* The table of instance families and the block devices they get by default. Facts: aws.md 5.7, 5.11. Pure. */
#include "clouds/aws/block_devices.h"
#include <string.h>

typedef enum { NO_DEVICES, ONE_VOLUME, LOCAL_DISKS } DeviceRule;
typedef struct {
    const char *families; /* separated by spaces */
    DeviceRule rule;
} FamilyRule;
static const FamilyRule FAMILIES[] = {
    {"t1 t2 t3 t3a t4g", NO_DEVICES},
    {"a1 c4 c5 c5a c5n c6g c6gn cg1 g3 g3s inf1 m4 m5 m5a m5n m5zn m6g p2 p3 p3dn r4 r5 r5a r5b r5n r6g", ONE_VOLUME},
    {"c1 c3 c5ad c5d c6gd cc2 cr1 d2 d3 d3en f1 g2 g4ad g4dn h1 hs1 i2 i3 i3en m1 m2 m3 m5ad m5d m5dn m6gd p4d r3 r5ad r5d r5dn r6gd x1 "
     "x1e x2gd "
     "z1d",
     LOCAL_DISKS},
};
static const char EBS_OPTIMIZED[] = "a1 c4 c5 d2 f1 g3 i3 m4 m5 p2 p3 r4 r5 t3 x1";
static const char METAL_LISTED[] = "a1 c5d c5n c6g c6gd g4dn i3 m6g m6gd r6g r6gd";

/* Local disks by type: what the public instance type tables say. */
typedef struct {
    const char *family;
    const char *sizes; /* "size:count size:count …" */
} DiskCounts;
static const DiskCounts DISKS[] = {
    {"c1", "medium:1 xlarge:4"},
    {"c3", "large:2 xlarge:2 2xlarge:2 4xlarge:2 8xlarge:2"},
    {"c5ad", "large:1 xlarge:1 2xlarge:1 4xlarge:2 8xlarge:2 12xlarge:2 16xlarge:2 24xlarge:2"},
    {"c5d", "large:1 xlarge:1 2xlarge:1 4xlarge:1 9xlarge:1 12xlarge:2 18xlarge:2 24xlarge:4 metal:4"},
    {"c6gd", "medium:1 large:1 xlarge:1 2xlarge:1 4xlarge:1 8xlarge:1 12xlarge:2 16xlarge:2 metal:2"},
    {"cc2", "8xlarge:4"},
    {"cr1", "8xlarge:2"},
    {"d2", "xlarge:3 2xlarge:6 4xlarge:12 8xlarge:24"},
    {"d3", "xlarge:3 2xlarge:6 4xlarge:12 8xlarge:24"},
    {"d3en", "xlarge:1 2xlarge:2 4xlarge:4 6xlarge:6 8xlarge:8 12xlarge:12"},
    {"f1", "2xlarge:1 4xlarge:1 16xlarge:4"},
    {"g2", "2xlarge:1 8xlarge:2"},
    {"g4ad", "xlarge:1 2xlarge:1 4xlarge:1 8xlarge:1 16xlarge:2"},
    {"g4dn", "xlarge:1 2xlarge:1 4xlarge:1 8xlarge:1 12xlarge:1 16xlarge:1 metal:2"},
    {"h1", "2xlarge:1 4xlarge:2 8xlarge:4 16xlarge:8"},
    {"hs1", "8xlarge:24"},
    {"i2", "xlarge:1 2xlarge:2 4xlarge:4 8xlarge:8"},
    {"i3", "large:1 xlarge:1 2xlarge:1 4xlarge:2 8xlarge:4 16xlarge:8 metal:8"},
    {"i3en", "large:1 xlarge:1 2xlarge:2 3xlarge:1 6xlarge:2 12xlarge:4 24xlarge:8"},
    {"m1", "small:1 medium:1 large:2 xlarge:4"},
    {"m2", "xlarge:1 2xlarge:1 4xlarge:2"},
    {"m3", "medium:1 large:1 xlarge:2 2xlarge:2"},
    {"m5ad", "large:1 xlarge:1 2xlarge:1 4xlarge:2 8xlarge:2 12xlarge:2 16xlarge:4 24xlarge:4"},
    {"m5d", "large:1 xlarge:1 2xlarge:1 4xlarge:2 8xlarge:2 12xlarge:2 16xlarge:4 24xlarge:4"},
    {"m5dn", "large:1 xlarge:1 2xlarge:1 4xlarge:2 8xlarge:2 12xlarge:2 16xlarge:4 24xlarge:4"},
    {"m6gd", "medium:1 large:1 xlarge:1 2xlarge:1 4xlarge:1 8xlarge:1 12xlarge:2 16xlarge:2 metal:2"},
    {"p4d", "24xlarge:1"},
    {"r3", "large:1 xlarge:1 2xlarge:1 4xlarge:1 8xlarge:2"},
    {"r5ad", "large:1 xlarge:1 2xlarge:1 4xlarge:2 8xlarge:2 12xlarge:2 16xlarge:4 24xlarge:4"},
    {"r5d", "large:1 xlarge:1 2xlarge:1 4xlarge:2 8xlarge:2 12xlarge:2 16xlarge:4 24xlarge:4"},
    {"r5dn", "large:1 xlarge:1 2xlarge:1 4xlarge:2 8xlarge:2 12xlarge:2 16xlarge:4 24xlarge:4"},
    {"r6gd", "medium:1 large:1 xlarge:1 2xlarge:1 4xlarge:1 8xlarge:1 12xlarge:2 16xlarge:2 metal:2"},
    {"x1", "16xlarge:1 32xlarge:2"},
    {"x1e", "xlarge:1 2xlarge:1 4xlarge:1 8xlarge:1 16xlarge:1 32xlarge:2"},
    {"x2gd", "medium:1 large:1 xlarge:1 2xlarge:1 4xlarge:1 8xlarge:1 12xlarge:2 16xlarge:2"},
    {"z1d", "large:1 xlarge:1 2xlarge:1 3xlarge:1 6xlarge:1 12xlarge:2"},
};

static gboolean has_word(const char *words, const char *word) {
    g_auto(GStrv) list = g_strsplit(words, " ", -1);
    return g_strv_contains((const char *const *)list, word);
}

/* "m5.large" in two; FALSE when it is no such name. */
static gboolean split_type(const char *type, char **family, char **size) {
    g_auto(GStrv) parts = g_strsplit(type, ".", 2);
    if (g_strv_length(parts) != 2)
        return FALSE;
    *family = g_strdup(parts[0]);
    *size = g_strdup(parts[1]);
    return TRUE;
}

static guint disks_of(const char *family, const char *size) {
    for (gsize i = 0; i < G_N_ELEMENTS(DISKS); i++) {
        if (strcmp(DISKS[i].family, family) != 0)
            continue;
        g_auto(GStrv) sizes = g_strsplit(DISKS[i].sizes, " ", -1);
        for (gsize s = 0; sizes[s] != NULL; s++) {
            gsize length = strlen(size);
            if (strncmp(sizes[s], size, length) == 0 && sizes[s][length] == ':')
                return (guint)g_ascii_strtoull(sizes[s] + length + 1, NULL, 10);
        }
    }
    return 0;
}

static gint64 volume_size(const char *size) {
    if (strcmp(size, "medium") == 0 || strcmp(size, "large") == 0)
        return 40;
    return strcmp(size, "xlarge") == 0 || strcmp(size, "2xlarge") == 0 ? 80 : 120;
}

static const FamilyRule *rule_of(const char *family, const char *size) {
    if (strcmp(size, "metal") == 0 && !has_word(METAL_LISTED, family))
        return NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(FAMILIES); i++)
        if (has_word(FAMILIES[i].families, family))
            return &FAMILIES[i];
    return NULL;
}

static Json *local_disks(guint count) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < count; i++) {
        g_autofree char *device = g_strdup_printf("/dev/sd%c", 'b' + (char)i);
        g_autofree char *ephemeral = g_strdup_printf("ephemeral%u", i);
        json_begin_object(builder, NULL);
        json_add_string(builder, "deviceName", device);
        json_add_string(builder, "virtualName", ephemeral);
        json_end_object(builder);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

Json *aws_block_devices_of_type(const char *instance_type, const char *volume_type, const JsonValue *unknown) {
    g_autofree char *family = NULL;
    g_autofree char *size = NULL;
    const FamilyRule *rule = split_type(instance_type, &family, &size) ? rule_of(family, size) : NULL;
    guint disks = rule != NULL && rule->rule == LOCAL_DISKS ? disks_of(family, size) : 0;
    if (rule != NULL && rule->rule == NO_DEVICES)
        return json_empty_array();
    if (rule != NULL && rule->rule == ONE_VOLUME)
        return json_pack("[{s:s, s:i, s:s}]", "deviceName", "/dev/sdb", "size", volume_size(size), "volumeType", volume_type);
    if (disks > 0)
        return local_disks(disks);
    return json_is_object(unknown) ? json_pack("[v]", unknown) : json_empty_array();
}

static void add_text(JsonBuilder *builder, const char *key, const XmlNode *node, const char *path) {
    g_autofree char *text = xml_get_text(node, path);
    json_add_string(builder, key, text);
}

static void add_number(JsonBuilder *builder, const char *key, const XmlNode *node, const char *path) {
    g_autofree char *text = xml_get_text(node, path);
    if (text != NULL)
        json_add_int(builder, key, g_ascii_strtoll(text, NULL, 10));
}

static void add_flag(JsonBuilder *builder, const char *key, const XmlNode *node, const char *path) {
    g_autofree char *text = xml_get_text(node, path);
    if (text != NULL)
        json_add_bool(builder, key, strcmp(text, "true") == 0);
}

Json *aws_block_devices_of_image(const XmlNode *image) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    const XmlNode *list = xml_get(image, "blockDeviceMapping");
    for (const XmlNode *device = xml_first(list, "item"); device != NULL; device = xml_next(device, "item")) {
        json_begin_object(builder, NULL);
        add_text(builder, "deviceName", device, "deviceName");
        add_text(builder, "virtualName", device, "virtualName");
        add_text(builder, "snapshotId", device, "ebs/snapshotId");
        add_number(builder, "size", device, "ebs/volumeSize");
        add_text(builder, "volumeType", device, "ebs/volumeType");
        add_number(builder, "iops", device, "ebs/iops");
        add_flag(builder, "deleteOnTermination", device, "ebs/deleteOnTermination");
        if (xml_get(device, "ebs/snapshotId") == NULL)
            add_flag(builder, "encrypted", device, "ebs/encrypted");
        json_end_object(builder);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

static gboolean family_is_in(const char *instance_type, const char *families) {
    g_autofree char *family = NULL;
    g_autofree char *size = NULL;
    return split_type(instance_type, &family, &size) && has_word(families, family);
}

gboolean aws_is_ebs_optimized(const char *instance_type) {
    return family_is_in(instance_type, EBS_OPTIMIZED);
}

gboolean aws_is_burstable(const char *instance_type) {
    return family_is_in(instance_type, "t2 t3 t3a t4g");
}
