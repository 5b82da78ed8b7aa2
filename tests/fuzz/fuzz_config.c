/* Configuration texts: read as the file that may hold everything, then looked at through a section and by lint. */
#include "base/config.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    char *name;
    gint64 count;
    char **regions;
} Sample;

static const Param element_params[] = {{"name", PARAM_STRING, 0, .required = TRUE}, {}};
static const Param sample_params[] = {
    {"name", PARAM_STRING, offsetof(Sample, name)},
    {"count", PARAM_INT, offsetof(Sample, count)},
    {"regions", PARAM_STRINGS, offsetof(Sample, regions)},
    {},
};
static const Param list_params[] = {{"accounts", PARAM_JSON, 0, .members = element_params}, {}};
static const ConfigSection sample = {SERVICE_CLOUDDRIVER, "aws", sample_params, "For the fuzzer."};
static const ConfigSection list = {SERVICE_ANY, "", list_params, "For the fuzzer."};
static const ConfigSection *const sections[] = {&sample, &list, NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_load_text("gennaker.yml", (const char *)data, (gssize)size, &error);
    g_assert_true((config == NULL) == (error != NULL));
    if (config == NULL)
        return 0;
    Sample read = {0};
    if (config_read(config, &sample, &read, NULL))
        params_clear(sample_params, &read);
    g_autoptr(GPtrArray) findings = config_lint(config, sections);
    for (guint i = 0; i < findings->len; i++)
        g_assert_nonnull(((const ConfigFinding *)findings->pdata[i])->message);
    return 0;
}
