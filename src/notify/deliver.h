/* Lanes: the threads that send what is stored for the endpoints. */
#pragma once
#include "net/http_client.h"
#include "notify/endpoint.h"
#include "store/store.h"

#define DELIVERY_LANES 4                                       /* per endpoint */
#define DELIVERY_KEEP_MS (24 * 3600 * G_GINT64_CONSTANT(1000)) /* older events are not sent any more */
#define DELIVERIES_MAX 100000                                  /* rows that wait; what comes beyond is lost and said so */
#define DELIVERY_TIMEOUT_MS 20000                              /* of one call */
#define DELIVERY_RETRY_MS 200                                  /* before a quick retry, and the first back-off */
#define DELIVERY_BACKOFF_MAX_MS 30000
#define BREAKER_FAILURES 5
#define BREAKER_OPEN_MS 30000

guint delivery_lane(const char *execution_id);

typedef struct Deliveries Deliveries;
/* Starts the lanes of all endpoints. waiting: how many rows wait, kept up to date (atomic). */
Deliveries *deliveries_start(Store *store, HttpClient *http, NotifySettings *settings, gint *waiting);
void deliveries_wake(Deliveries *deliveries); /* something may have been added; any thread, never blocks */
void deliveries_stop(Deliveries *deliveries); /* gives up calls under way, joins and frees */
