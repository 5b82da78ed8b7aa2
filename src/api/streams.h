/* Streams of changes (GET /events): what the store publishes, filtered by what a reader asked for and may read. */
#pragma once
#include "api/answer.h"

#define STREAMS_MAX 200                 /* open at once; more get 503 */
#define STREAM_MOST_MS (60 * 60 * 1000) /* then the client connects again, with the event id it has, and is identified again */

typedef struct Streams Streams;
Streams *streams_new(Services *services, Auth *auth);
void streams_free(Streams *streams); /* after the HTTP server has stopped */
guint streams_count(Streams *streams);

typedef struct {
    char **applications, **kinds; /* NULL: all */
    char *id;                     /* of one thing (an execution: also its stages), or NULL */
} StreamFilter;
/* Answers the call with a stream: an event "hello" whose id is where it begins; then one event per change after `since` (an event id,
 * NULL: from now on); "reset" when since is unknown or too old, so that the reader reads its page again. filter is copied.
 * ERR_UNAVAILABLE: too many. */
gboolean streams_open(Streams *streams, ApiCall *call, const StreamFilter *filter, const char *since, GError **error);
