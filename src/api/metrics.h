/* What the API counts about itself: answers and their time by route. Any thread; GET /metrics writes it with what the other rooms say. */
#pragma once
#include "api/route.h"

typedef struct Metrics Metrics;
Metrics *metrics_new(const RouteTable *const *tables);
void metrics_free(Metrics *metrics);
/* route NULL: refused before there was one. */
void metrics_note(Metrics *metrics, const Route *route, int status, gint64 took_us);
/* gennaker_api_…; in Prometheus' text format. */
void metrics_write(Metrics *metrics, GString *text);

/* Helpers of that format, for other rooms' values. help and type are said once per name, before its values. */
void metrics_begin(GString *text, const char *name, const char *type, const char *help);
/* labels: pairs of name and value, ended by NULL. */
void metrics_value(GString *text, const char *name, double value, ...) G_GNUC_NULL_TERMINATED;
