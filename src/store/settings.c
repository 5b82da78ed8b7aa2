/* What the configuration says to the store. */
#include "base/error.h"
#include "store/store.h"
#include <stddef.h>

typedef struct {
    char *url;
} Read;

static const Param params[] = {
    {"url", PARAM_STRING, offsetof(Read, url),
     .help =
         "postgresql://user@host/database with libpq's parameters (sslmode, sslrootcert, options=-csearch_path=…): keep everything in "
         "PostgreSQL 14 or newer. Its password comes from ${VARIABLE}, PGPASSWORD or PGPASSFILE. Without it: SQLite in the data folder. "
         "Read at start only."},
    {.name = NULL},
};

static const ConfigSection section = {
    .service = SERVICE_GENNAKER, .prefix = "store", .params = params, .help = "Where everything is kept."};
const ConfigSection *const store_config_sections[] = {&section, NULL};

gboolean store_config_url(const Config *config, char **url, GError **error) {
    Read read = {0};
    if (!config_read(config, &section, &read, error))
        return FALSE;
    if (read.url != NULL && !g_str_has_prefix(read.url, "postgresql://") && !g_str_has_prefix(read.url, "postgres://")) {
        g_free(read.url);
        error_set(error, ERR_INVALID, "gennaker.store.url: an address that begins with postgresql:// is needed");
        return FALSE;
    }
    *url = read.url;
    return TRUE;
}
