/* Deliveries: events for others, stored in the commit of what they tell of, and kept until they were answered or are too old. A
 * destination has lanes; the rows of one execution are in one lane. Any thread. */
#pragma once
#include "store/store.h"

typedef struct {
    gint64 number; /* grows in the order of commits; 0 before it is stored */
    const char *destination, *execution_id;
    guint lane;
    gint64 created_ms;
    const char *body; /* JSON text; NULL when read: it is damaged */
} DeliveryRecord;

void store_delivery_add(StoreUnit *unit, const DeliveryRecord *record);
void store_delivery_remove(StoreUnit *unit, gint64 number);
/* All of a destination that is no more. */
void store_deliveries_forget(StoreUnit *unit, const char *destination);
/* Of one lane, those behind number `after`, oldest first. Texts are borrowed during the callback; FALSE ends the list. No transaction is open meanwhile. */
typedef gboolean (*DeliveryEach)(const DeliveryRecord *record, gpointer data);
gboolean store_deliveries_next(Store *store, const char *destination, guint lane, gint64 after, guint limit, DeliveryEach each,
                               gpointer data, GError **error);
/* Destinations that have rows, and how many; array of char * each, caller frees both. */
gboolean store_deliveries_count(Store *store, GPtrArray *destinations, gint64 *total, GError **error);
