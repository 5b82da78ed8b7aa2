/* --parameter, --trigger and --dry-run of commands that start a pipeline, or act as if. Main thread. */
#include "cli/parameters.h"
#include "cli/document.h"
#include <string.h>

static Json *parameters(const Invocation *call, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (const char *const *each = invocation_options(call, "parameter"); *each != NULL; each++) {
        const char *equals = strchr(*each, '=');
        if (equals == NULL || equals == *each) {
            error_set(error, ERR_INVALID, "--parameter %s: expected NAME=VALUE", *each);
            return NULL;
        }
        g_autofree char *name = g_strndup(*each, (gsize)(equals - *each));
        json_add_string(builder, name, equals + 1);
    }
    json_end_object(builder);
    return json_builder_end(builder);
}

/* The trigger: of the file, if there is one, with the parameters put over it. */
Json *trigger_from_options(const Invocation *call, GError **error) {
    g_autoptr(Json) own = parameters(call, error);
    const char *path = invocation_option(call, "trigger");
    g_autoptr(Document) document = own != NULL && path != NULL ? document_read(path, error) : NULL;
    if (own == NULL || (path != NULL && document == NULL))
        return NULL;
    g_autoptr(Json) dry = invocation_has(call, "dry-run") ? json_from_bool(TRUE) : NULL;
    g_autoptr(Json)
        changes = json_pack("{s:s, s:j, s:v}", "type", document == NULL ? "manual" : NULL, "parameters", own, "dryRun", json_root(dry));
    return json_merge_deep(document != NULL ? json_root(document->json) : NULL, json_root(changes));
}
