/* What the configuration says to triggers: one immutable struct, made anew with every configuration. */
#include "base/clock.h"
#include "templates/jinja.h"
#include "triggers/internal.h"
#include <stddef.h>

#define START_ATTEMPTS 5
#define START_RETRY_MS 5000

typedef struct {
    gboolean starts_enabled, quiet_enabled;
    gint64 attempts, retry_ms;
    char *quiet_start, *quiet_end, *git_secret;
    char **suppressed;
} Read;

static const Param orca_params[] = {
    {"enabled", PARAM_BOOL, offsetof(Read, starts_enabled), .otherwise = "true",
     .help = "Whether events start pipelines at all. Without, they are recorded with what they would have started."},
    {"pipelineInitiatorRetryCount", PARAM_INT, offsetof(Read, attempts), .otherwise = G_STRINGIFY(START_ATTEMPTS), .min = 1, .max = 1000,
     .help = "How often a start that is not possible at the moment is tried in all."},
    {"pipelineInitiatorRetryDelayMillis", PARAM_MILLISECONDS, offsetof(Read, retry_ms), .otherwise = G_STRINGIFY(START_RETRY_MS), .min = 1,
     .max = 3600000, .help = "Pause between two tries."},
    {0},
};
static const Param quiet_params[] = {
    {"enabled", PARAM_BOOL, offsetof(Read, quiet_enabled), .otherwise = "true",
     .help = "Whether the quiet period is observed (it needs both dates)."},
    {"start-iso", PARAM_STRING, offsetof(Read, quiet_start), .help = "Begin of the quiet period, ISO 8601 with zone."},
    {"end-iso", PARAM_STRING, offsetof(Read, quiet_end), .help = "End of the quiet period."},
    {"suppressedTriggerTypes", PARAM_STRINGS, offsetof(Read, suppressed),
     .help = "Types of triggers that then start no pipeline that respects the quiet period."},
    {0},
};
static const Param git_params[] = {
    {"shared-secret", PARAM_STRING, offsetof(Read, git_secret), .secret = TRUE,
     .help = "Secret of all git triggers that have none of their own: senders sign with it."},
    {0},
};
typedef struct {
    gboolean enabled;
    Json *sources;
} Artifacts;
typedef struct {
    char *source, *path;
} Source;
static const Param source_params[] = {
    {"source", PARAM_STRING, offsetof(Source, source), .required = TRUE, .help = "Source in the webhook's URL."},
    {"templatePath", PARAM_STRING, offsetof(Source, path),
     .help = "File with a Jinja template that makes a JSON array of artifacts of the body."},
    {0},
};
static const Param artifact_params[] = {
    {"enabled", PARAM_BOOL, offsetof(Artifacts, enabled), .help = "Whether templates make artifacts of webhooks."},
    {"sources", PARAM_JSON, offsetof(Artifacts, sources), .members = source_params, .help = "Templates by source."},
    {0},
};
static const ConfigSection artifact_section = {SERVICE_ECHO, "webhooks.artifacts", artifact_params, "Artifacts of webhooks."};
static const ConfigSection orca_section = {SERVICE_ECHO, "orca", orca_params, "How events start pipelines."};
static const ConfigSection quiet_section = {SERVICE_ECHO, "quiet-period", quiet_params, "A time in which triggers stay quiet."};
static const ConfigSection git_section = {SERVICE_ECHO, "trigger.git", git_params, "Webhooks of source repositories."};
const ConfigSection *const triggers_config_sections[] = {&orca_section, &quiet_section, &git_section, &artifact_section, NULL};

static void read_clear(Read *read) {
    params_clear(orca_params, read);
    params_clear(quiet_params, read);
    params_clear(git_params, read);
}

/* ---- templates ---- */
static gboolean read_template(GHashTable *templates, const Source *source, GError **error) {
    gsize length = 0;
    g_autofree char *text = NULL;
    if (source->path == NULL)
        return TRUE;
    if (!g_file_get_contents(source->path, &text, &length, error)) {
        g_prefix_error(error, "webhooks.artifacts.sources, %s: ", source->source);
        return FALSE;
    }
    if (length > JINJA_TEMPLATE_MAX || !g_utf8_validate(text, (gssize)length, NULL)) {
        error_set(error, ERR_LIMIT, "webhooks.artifacts.sources, %s: %s is no text of at most %d bytes (JINJA_TEMPLATE_MAX)",
                  source->source, source->path, JINJA_TEMPLATE_MAX);
        return FALSE;
    }
    g_hash_table_insert(templates, g_strdup(source->source), g_steal_pointer(&text));
    return TRUE;
}

static gboolean read_templates(Config *config, GHashTable **templates, GError **error) {
    Artifacts artifacts = {0};
    if (!config_read(config, &artifact_section, &artifacts, error))
        return FALSE;
    gboolean fine = TRUE;
    *templates = artifacts.enabled ? g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free) : NULL;
    for (JsonIter i = json_iter(*templates != NULL ? json_root(artifacts.sources) : NULL); fine && json_next(&i);) {
        Source source = {0};
        fine = config_read_value(config, i.value, source_params, &source, error) && read_template(*templates, &source, error);
        params_clear(source_params, &source);
    }
    params_clear(artifact_params, &artifacts);
    if (!fine)
        g_clear_pointer(templates, g_hash_table_unref);
    return fine;
}

TriggerSettings *trigger_settings_new(Config *config, GError **error) {
    Read read = {0};
    GHashTable *templates = NULL;
    if (!read_templates(config, &templates, error) || !config_read(config, &orca_section, &read, error) ||
        !config_read(config, &quiet_section, &read, error) || !config_read(config, &git_section, &read, error)) {
        read_clear(&read);
        g_clear_pointer(&templates, g_hash_table_unref);
        return NULL;
    }
    TriggerSettings *settings = g_new0(TriggerSettings, 1);
    settings->ref_count = 1;
    settings->config = config_ref(config);
    settings->templates = templates;
    settings->starts_enabled = read.starts_enabled;
    settings->attempts = read.attempts;
    settings->retry_ms = read.retry_ms;
    settings->quiet_start_ms = read.quiet_start != NULL ? clock_parse_iso8601(read.quiet_start) : -1;
    settings->quiet_end_ms = read.quiet_end != NULL ? clock_parse_iso8601(read.quiet_end) : -1;
    settings->quiet_enabled = read.quiet_enabled && settings->quiet_start_ms >= 0 && settings->quiet_end_ms >= 0;
    settings->suppressed = g_steal_pointer(&read.suppressed);
    settings->git_secret = read.git_secret != NULL && *read.git_secret != '\0' ? g_steal_pointer(&read.git_secret) : NULL;
    read_clear(&read);
    return settings;
}

TriggerSettings *trigger_settings_ref(TriggerSettings *settings) {
    g_atomic_int_inc(&settings->ref_count);
    return settings;
}

void trigger_settings_unref(TriggerSettings *settings) {
    if (settings == NULL || !g_atomic_int_dec_and_test(&settings->ref_count))
        return;
    config_unref(settings->config);
    g_strfreev(settings->suppressed);
    g_free(settings->git_secret);
    g_clear_pointer(&settings->templates, g_hash_table_unref);
    g_free(settings);
}

gboolean trigger_settings_are_quiet(const TriggerSettings *settings, gint64 now_ms) {
    return settings->quiet_enabled && now_ms >= settings->quiet_start_ms && now_ms <= settings->quiet_end_ms;
}
