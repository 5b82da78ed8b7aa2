/* The destinations there are by the settings: each endpoint of events, each enabled kind of notifications. */
#pragma once
#include "notify/deliver.h"
#include "notify/endpoint.h"
#include "notify/send.h"

/* Arrays of Destination for deliveries_start; caller owns. */
GPtrArray *destinations_of_endpoints(NotifySettings *settings);
GPtrArray *destinations_of_senders(Senders *senders);
/* The destination of a kind's rows; caller frees. */
char *destination_of_type(const NotificationType *type);
