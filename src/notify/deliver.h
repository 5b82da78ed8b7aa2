/* Lanes: the threads that send what is stored for destinations: endpoints of events, kinds of notifications. */
#pragma once
#include "net/http_client.h"
#include "store/deliveries.h"

#define DELIVERY_LANES 4                                       /* per destination */
#define DELIVERY_KEEP_MS (24 * 3600 * G_GINT64_CONSTANT(1000)) /* older ones are not sent any more */
#define DELIVERIES_MAX 100000                                  /* rows that wait; what comes beyond is lost and said so */
#define DELIVERY_TIMEOUT_MS 20000                              /* of one call */
#define DELIVERY_RETRY_MS 200                                  /* before a quick retry, and the first back-off */
#define DELIVERY_BACKOFF_MAX_MS 30000
#define NOTIFICATION_KEEP_MS (3600 * G_GINT64_CONSTANT(1000)) /* the same for notifications: later they only confuse */
#define BREAKER_FAILURES 5
#define BREAKER_OPEN_MS 30000

typedef enum {
    DELIVERED,      /* done with, whatever the answer was */
    DELIVER_AGAIN,  /* *error says why */
    DELIVER_NOT_NOW /* stopping */
} DeliveryOutcome;

/* Where rows go. Immutable once lanes run. */
typedef struct Destination Destination;
struct Destination {
    char *id;         /* of its rows */
    const char *what; /* "event": for the log */
    guint retries;    /* quick ones, before it backs off */
    gboolean circuit_breaker;
    gint64 keep_ms; /* older rows are given up */
    /* Rows of one turn wait for each other, those of others go on; caller frees. NULL: all rows of a lane are one turn. */
    char *(*turn)(const DeliveryRecord *record);
    /* One attempt; blocks. Logs what was answered for good but not taken. */
    DeliveryOutcome (*send)(const Destination *destination, HttpClient *http, Cancel *cancel, const DeliveryRecord *record, GError **error);
    gpointer data;
    GDestroyNotify free_data; /* or NULL */
};
Destination *destination_new(const char *id);
void destination_free(gpointer destination);

guint delivery_lane(const char *execution_id);

/* What became of rows, since the start of the program. */
typedef struct {
    _Atomic guint64 delivered, failed /* attempts */, given_up;
} DeliveryCounts;

typedef struct Deliveries Deliveries;
/* Starts the lanes of destinations (of Destination, taken). waiting: how many rows wait, kept up to date (atomic). Both are borrowed. */
Deliveries *deliveries_start(Store *store, HttpClient *http, GPtrArray *destinations, gint *waiting, DeliveryCounts *counts);
void deliveries_wake(Deliveries *deliveries); /* something may have been added; any thread, never blocks */
void deliveries_stop(Deliveries *deliveries); /* gives up calls under way, joins and frees */
