/* #fromUrl, #jsonFromUrl, #yamlFromUrl, #propertiesFromUrl (url_functions.h). Run on I/O workers and readers. */
#include "stages/webhook/url_functions.h"
#include "base/yaml.h"
#include "net/url_guard.h"
#include <string.h>

#define TRIES 2

static Services *used; /* atomic */

void url_functions_use(Services *services) {
    g_atomic_pointer_set(&used, services);
}

/* The body; caller frees. */
static char *fetch(ExprContext *context, const ExprValue *argument, GError **error) {
    Services *services = g_atomic_pointer_get(&used);
    const char *url = expr_text(context, argument);
    if (services == NULL || services->http == NULL || url == NULL) {
        error_set(error, ERR_INVALID, url == NULL ? "a URL is needed" : "URLs are not fetched here");
        return NULL;
    }
    g_autoptr(Config) config = services_config(services);
    g_autoptr(UrlGuard) guard = url_guard_new(config, error);
    if (guard == NULL)
        return NULL;
    HttpRequest request = {
        .method = "GET", .url = url, .timeout_ms = URL_FUNCTION_TIMEOUT_MS / TRIES, .response_max = URL_FUNCTION_ANSWER_MAX};
    for (int tries = 1;; tries++) {
        g_auto(HttpResponse) response = {0};
        g_autoptr(GError) problem = NULL;
        gboolean fine = url_guard_call(guard, services->http, &request, TRUE, NULL, &response, &problem);
        if (fine && response.status < 400)
            return g_utf8_make_valid(response.body, (gssize)response.body_length);
        gboolean again = fine ? response.status >= 500 : error_outward(error_code(problem))->should_retry;
        if (tries < TRIES && again)
            continue;
        if (fine)
            error_set(error, ERR_REMOTE, "fetching the URL: the answer was %d", response.status);
        else
            error_set(error, ERR_REMOTE, "fetching the URL: %s", problem->message);
        return NULL;
    }
}

#define CALL ExprContext *context, const ExprValue *const *arguments, guint n, gpointer data, GError **error

static const ExprValue *from_url(CALL) {
    (void)n, (void)data;
    g_autofree char *body = fetch(context, arguments[0], error);
    return body != NULL ? expr_string(context, body) : NULL;
}

static const ExprValue *parsed(ExprContext *context, Json *json) {
    return json != NULL ? expr_json(context, expr_keep(context, json)) : NULL;
}

static const ExprValue *json_from_url(CALL) {
    (void)n, (void)data;
    g_autofree char *body = fetch(context, arguments[0], error);
    if (body == NULL)
        return NULL;
    g_autoptr(Json) json = json_parse_limited(body, -1, URL_FUNCTION_ANSWER_MAX, error);
    if (json != NULL && !json_is_array(json_root(json)) && !json_is_object(json_root(json))) {
        error_set(error, ERR_INVALID, "the answer is neither a list nor an object");
        return NULL;
    }
    return parsed(context, g_steal_pointer(&json));
}

static const ExprValue *yaml_from_url(CALL) {
    (void)n, (void)data;
    g_autofree char *body = fetch(context, arguments[0], error);
    return body != NULL ? parsed(context, yaml_read("the answer", body, strlen(body), NULL, error)) : NULL;
}

/* Java's property files: key, then = or : or blanks, then the value; # and ! begin comments; a last backslash joins lines. */
static void add_property(JsonBuilder *map, char *line) {
    g_strchug(line);
    if (*line == '\0' || *line == '#' || *line == '!')
        return;
    gsize length = strcspn(line, "=: \t");
    char *value = line + length + strspn(line + length, " \t");
    if (*value == '=' || *value == ':')
        value++;
    value += strspn(value, " \t");
    g_autofree char *text = g_strcompress(value);
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    line[length] = '\0';
    json_add_string(map, line, valid);
}

static const ExprValue *properties_from_url(CALL) {
    (void)n, (void)data;
    g_autofree char *body = fetch(context, arguments[0], error);
    if (body == NULL)
        return NULL;
    GString *joined = g_string_new(body);
    g_string_replace(joined, "\r\n", "\n", 0);
    g_string_replace(joined, "\\\n", "", 0);
    g_autofree char *all = g_string_free(joined, FALSE);
    g_auto(GStrv) lines = g_strsplit(all, "\n", -1);
    g_autoptr(JsonBuilder) map = json_builder_new();
    json_begin_object(map, NULL);
    for (guint i = 0; lines[i] != NULL; i++)
        add_property(map, lines[i]);
    json_end_object(map);
    return parsed(context, json_builder_end(map));
}

const ExprFunction url_functions[] = {
    {.name = "fromUrl", .kind = EXPR_IO, .min_arguments = 1, .max_arguments = 1, .call = from_url, .help = "The text at a URL."},
    {.name = "jsonFromUrl", .kind = EXPR_IO, .min_arguments = 1, .max_arguments = 1, .call = json_from_url, .help = "The JSON at a URL."},
    {.name = "yamlFromUrl",
     .kind = EXPR_IO,
     .min_arguments = 1,
     .max_arguments = 1,
     .call = yaml_from_url,
     .help = "The first YAML document at a URL."},
    {.name = "propertiesFromUrl",
     .kind = EXPR_IO,
     .min_arguments = 1,
     .max_arguments = 1,
     .call = properties_from_url,
     .help = "The property file at a URL, as a map of texts."},
    {0},
};
