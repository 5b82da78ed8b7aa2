/* Templates from where their source says: the store, the web, files (engine.md 24.2). */
#include "base/yaml.h"
#include "net/url_guard.h"
#include "templates/templates.h"
#include <gio/gio.h>
#include <string.h>

static Json *parse(const char *text, gsize length, const char *source, GError **error) {
    g_autofree char *start = g_strndup(text, MIN(length, 64));
    Json *json = *g_strchug(start) == '{' ? json_parse_limited(text, (gssize)length, TEMPLATE_BYTES_MAX, error)
                                          : yaml_read(source, text, length, NULL, error);
    if (json == NULL)
        g_prefix_error(error, "template %.200s: ", source);
    return json;
}

static Json *load_web(const TemplateRequest *request, const char *source, GError **error) {
    static const char *const HEADERS[] = {"Accept", "application/json, application/x-yaml, text/plain, */*", NULL};
    const TemplateSources *sources = &request->sources;
    if (sources->http == NULL) {
        error_set(error, ERR_INVALID, "template %.200s: templates from the web are not read here", source);
        return NULL;
    }
    g_autoptr(UrlGuard) guard = url_guard_new(sources->config, error);
    const HttpRequest call = {.method = "GET", .url = source, .headers = HEADERS, .response_max = TEMPLATE_BYTES_MAX};
    g_auto(HttpResponse) response = {0};
    if (guard == NULL || !url_guard_call(guard, sources->http, &call, TRUE, NULL, &response, error))
        return NULL;
    if (response.status == 200)
        return parse(response.body, response.body_length, source, error);
    error_set(error, response.status >= 500 ? ERR_UNAVAILABLE : ERR_INVALID, "template %.200s: the server answered %d", source,
              response.status);
    return NULL;
}

static Json *load_file(const TemplateRequest *request, const char *source, GError **error) {
    if (!request->sources.allow_files) {
        error_set(error, ERR_INVALID, "template %.200s: files are read only with pipeline-templates.allowFiles: true", source);
        return NULL;
    }
    g_autofree char *path = g_filename_from_uri(source, NULL, error);
    g_autofree char *text = NULL;
    gsize length = 0;
    if (path == NULL || !g_file_get_contents(path, &text, &length, error))
        return NULL;
    return parse(text, length, source, error);
}

static Json *load_stored(const TemplateRequest *request, const char *source, GError **error) {
    const char *key = template_key_of_reference(source);
    if (request->replaced_keys != NULL && g_strv_contains(request->replaced_keys, key))
        return json_copy(request->replacement);
    return template_load(request->sources.store, key, error);
}

static const struct {
    const char *prefix;
    Json *(*load)(const TemplateRequest *request, const char *source, GError **error);
} LOADERS[] = {
    {TEMPLATE_REFERENCE, load_stored},
    {"https://", load_web},
    {"http://", load_web},
    {"file://", load_file},
};

Json *templates_load_source(const TemplateRequest *request, const char *source, GError **error) {
    for (gsize l = 0; l < G_N_ELEMENTS(LOADERS); l++)
        if (g_str_has_prefix(source, LOADERS[l].prefix))
            return LOADERS[l].load(request, source, error);
    error_set(error, ERR_INVALID, "template source %.200s: expected spinnaker://…, https://…, http://… or file://…", source);
    return NULL;
}
