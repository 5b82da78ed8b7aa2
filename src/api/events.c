/* GET /events: what changes, as it changes. */
#include "api/internal.h"

typedef struct {
    char **applications, **kinds;
    char *id, *since;
} EventsQuery;

static const Param events_query[] = {
    {.name = "application",
     .type = PARAM_STRINGS,
     .offset = offsetof(EventsQuery, applications),
     .help = "Only changes of these applications (lower case)."},
    {.name = "kind",
     .type = PARAM_STRINGS,
     .offset = offsetof(EventsQuery, kinds),
     .help = "Only these kinds: execution, pipeline, strategy, application, operation, bake, inventory."},
    {.name = "id",
     .type = PARAM_STRING,
     .offset = offsetof(EventsQuery, id),
     .help = "Only changes of this thing, and of what names it: of an execution also its operations and bakes."},
    {.name = "since",
     .type = PARAM_STRING,
     .offset = offsetof(EventsQuery, since),
     .help = "Id of the last event seen; the header Last-Event-ID, which browsers send by themselves, wins."},
    {0},
};

static Json *events_get(ApiCall *call, GError **error) {
    const EventsQuery *query = call->query;
    const char *last = http_exchange_header(call->exchange, "Last-Event-ID");
    const StreamFilter filter = {query->applications, query->kinds, query->id};
    streams_open(call->api->streams, call, &filter, last != NULL && *last != '\0' ? last : query->since, error);
    return NULL;
}

static const Route routes[] = {
    {.method = "GET",
     .path = "/events",
     .handler = events_get,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .query = events_query,
     .query_size = sizeof(EventsQuery),
     .help = "Server-sent events. The first is \"hello\"; its id is where the stream begins. Then one unnamed event per change: {kind, id, "
             "application, status, version, detail}; of an execution detail.why says for what waits now why it does. \"reset\": the event "
             "that was named as the last one is unknown or too old, so read "
             "again what you show."},
    {0},
};
const RouteTable events_routes = {"Events", routes};
