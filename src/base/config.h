/* Configuration: YAML with Spinnaker's own keys, read as Spring reads them.
 *
 * A file's name is its scope: clouddriver[-local].yml, gate…, echo…, igor…, rosco…, fiat…, front50…, orca…, spinnaker…
 * (all services); gennaker.yml may hold all of it: under a service's name, common sections (aws:, kubernetes:) directly,
 * our own under gennaker:. Relaxed names (camelCase = kebab-case = snake_case), dotted keys, ${VAR:default} (environment,
 * then other keys), -local over the plain file; documents of one file are put over each other,
 * those for a profile only when it is active (local, or in SPRING_PROFILES_ACTIVE). A service reads spinnaker.yml, then
 * <service>.yml, each with the matching part of gennaker.yml over it, then the -local files likewise. Immutable, reference-counted, swapped whole on reload. Any thread. */
#pragma once
#include "base/json.h"
#include "base/params.h"

#define CONFIG_FILE_MAX (8 * 1024 * 1024) /* bytes of one file */
#define CONFIG_VALUES_MAX 200000          /* keys and values of one document, with aliases written out */
#define CONFIG_DEPTH_MAX 64               /* levels of lists and maps, dotted names counted */
#define CONFIG_PLACEHOLDER_DEPTH_MAX 32   /* placeholders in placeholders, or in what they stand for */
#define CONFIG_PLACEHOLDERS_MAX 100000    /* placeholders of what one service reads */
#define CONFIG_TEXT_MAX (1024 * 1024)     /* bytes of one value with its placeholders replaced */

typedef enum {
    SERVICE_ANY = 0, /* spinnaker.yml, or directly in gennaker.yml */
    SERVICE_CLOUDDRIVER = 1 << 0,
    SERVICE_GATE = 1 << 1,
    SERVICE_ECHO = 1 << 2,
    SERVICE_IGOR = 1 << 3,
    SERVICE_ROSCO = 1 << 4,
    SERVICE_FIAT = 1 << 5,
    SERVICE_FRONT50 = 1 << 6,
    SERVICE_ORCA = 1 << 7,
    SERVICE_GENNAKER = 1 << 8, /* the section gennaker: */
} ConfigService;

/* One section of the configuration: its keys are documented, linted and read from this table. */
typedef struct {
    ConfigService service;
    const char *prefix; /* "aws.bakeryDefaults"; for SERVICE_GENNAKER without "gennaker." */
    const Param *params;
    const char *help;
} ConfigSection;

typedef struct Config Config;

/* path: a file, a folder with the files named above, or NULL for an empty configuration (defaults). ERR_INVALID with file,
 * line and reason; ERR_NOT_FOUND. Caller owns a reference. */
Config *config_load(const char *path, GError **error);
/* The same from the text of one file of that name; length -1: NUL-terminated. */
Config *config_load_text(const char *name, const char *text, gssize length, GError **error);
Config *config_ref(Config *config);
void config_unref(Config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_unref)

/* The value at a dotted path for a service, by relaxed names; what is for all (SERVICE_ANY) lies under the service's own, except for
 * SERVICE_GENNAKER. Of several services (or-ed) the first that has it. NULL when absent or null. Borrowed from config. */
const JsonValue *config_get(const Config *config, ConfigService service, const char *path);
const char *config_get_string(const Config *config, ConfigService service,
                              const char *path); /* also of numbers and switches; NULL when absent */
gint64 config_get_int(const Config *config, ConfigService service, const char *path, gint64 otherwise);
gboolean config_get_bool(const Config *config, ConfigService service, const char *path, gboolean otherwise);
/* Reads a section through its table (relaxed names; "a, b" is a list of two; nothing is required of an absent section). ERR_INVALID names file and line of what is wrong. */
gboolean config_read(const Config *config, const ConfigSection *section, void *into, GError **error);
/* Like params_read with relaxed names, for elements of lists (accounts). Messages name file and line when value is from config_get
 * (a PARAM_JSON is a copy, which has no place any more). */
gboolean config_read_value(const Config *config, const JsonValue *value, const Param *params, void *into, GError **error);
/* "clouddriver-local.yml:12" for messages, or NULL; caller frees. */
char *config_where(const Config *config, const JsonValue *value);

/* What `gennaker lint` says of a configuration: each finding {level, file, line, key, message}. sections: NULL-terminated
 * array of all sections of the program. Caller frees the array (elements owned by it). */
typedef enum {
    CONFIG_UNDERSTOOD,
    CONFIG_NO_MEANING,
    CONFIG_UNKNOWN,
    CONFIG_WRONG,
    CONFIG_NOT_YET /* Spinnaker's, and not there yet */
} ConfigFindingLevel;
typedef struct {
    ConfigFindingLevel level;
    char *file;
    guint line;
    char *key;
    char *message;
} ConfigFinding;
GPtrArray *config_lint(const Config *config, const ConfigSection *const *sections);
/* Whether the values of sections (NULL-terminated) are what their tables say: ERR_INVALID with file, line, key and reason of the first that is not. */
gboolean config_check(const Config *config, const ConfigSection *const *sections, GError **error);

/* The name among known ones (char *) that name may be a slip of, or NULL. Borrowed from names. */
const char *config_suggest(const char *name, const GPtrArray *names);
