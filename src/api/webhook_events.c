/* Events from outside: POST /webhooks/{type}/{source} (triggers.md 11.1). Open to everybody who can reach the server, as its senders
 * cannot sign in: what may start is said by the triggers, their constraints and secrets. */
#include "api/internal.h"
#include "triggers/webhook.h"
#include <string.h>

static void collect(const char *name, const char *value, gpointer data) {
    GHashTable *lists = data;
    g_autofree char *lower = g_ascii_strdown(name, -1);
    GPtrArray *values = g_hash_table_lookup(lists, lower);
    if (values == NULL) {
        values = g_ptr_array_new();
        g_hash_table_insert(lists, g_strdup(lower), values);
    }
    g_ptr_array_add(values, (gpointer)value);
}

/* {name: [values]}, names in lower case. Caller owns. */
static Json *headers_of(const HttpExchange *exchange) {
    g_autoptr(GHashTable) lists = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    http_exchange_header_each(exchange, collect, lists);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    GHashTableIter iter;
    gpointer name, values;
    g_hash_table_iter_init(&iter, lists);
    while (g_hash_table_iter_next(&iter, &name, &values)) {
        json_begin_array(builder, name);
        for (guint i = 0; i < ((GPtrArray *)values)->len; i++)
            json_add_string(builder, NULL, ((GPtrArray *)values)->pdata[i]);
        json_end_array(builder);
    }
    json_end_object(builder);
    return json_builder_end(builder);
}

static Json *receive(ApiCall *call, const char *source, GError **error) {
    g_autoptr(Json) headers = headers_of(call->exchange);
    WebhookRequest request = {.type = api_path(call, "type"),
                              .source = source,
                              .headers = json_root(headers),
                              .body = call->body,
                              .raw = http_exchange_body(call->exchange, NULL)};
    g_autoptr(GError) failure = NULL;
    g_autofree char *id = triggers_post_webhook(call->services->triggers, &request, &failure);
    if (failure != NULL && error_code(failure) == ERR_LIMIT) { /* too many of one source */
        api_answer_error(call, 429, failure);
        return NULL;
    }
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    return id != NULL ? json_pack("{s:b, s:s}", "eventProcessed", TRUE, "eventId", id)
                      : json_pack("{s:b, s:n}", "eventProcessed", FALSE, "eventId");
}

static Json *webhook_post(ApiCall *call, GError **error) {
    return receive(call, api_path(call, "source"), error);
}

static Json *webhook_of_body_post(ApiCall *call, GError **error) {
    return receive(call, NULL, error);
}

static const Route routes[] = {
    {.method = "POST",
     .path = "/webhooks/{type}/{source}",
     .handler = webhook_post,
     .needs = NEEDS(ON_SERVER, ACCESS_OPEN),
     .body = BODY_OPTIONAL_JSON,
     .help =
         "An event: {eventProcessed, eventId}. It starts the pipelines whose triggers mean it; GET /triggers/events/{eventId} says which, "
         "and why others did not."},
    {.method = "POST",
     .path = "/webhooks/{type}",
     .handler = webhook_of_body_post,
     .needs = NEEDS(ON_SERVER, ACCESS_OPEN),
     .body = BODY_OPTIONAL_JSON,
     .help = "The same with the source in the body's member source."},
    {0},
};
const RouteTable webhook_routes = {"Webhooks", routes};
