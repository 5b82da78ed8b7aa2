/* Outgoing events: what we tell others of executions (engine.md 19.1, notifications.md 6). */
#pragma once
#include "base/config.h"
#include "engine/engine.h"
#include "net/http_client.h"

typedef struct Notify Notify;

/* Nothing is sent before notify_start. ERR_INVALID: the configuration. Borrows store and http. */
Notify *notify_new(Store *store, HttpClient *http, const Config *config, GError **error);
void notify_start(Notify *notify);
void notify_stop(Notify *notify); /* calls under way are given up; their events are sent again after the next start */
void notify_free(Notify *notify); /* NULL-safe */
/* ERR_INVALID: nothing changed. */
gboolean notify_reload(Notify *notify, const Config *config, GError **error);
extern const ConfigSection *const notify_config_sections[];

/* An EngineObserver's function; data is the Notify. */
void notify_observe(StoreUnit *unit, const Execution *before, const Execution *after, gint64 now_ms, gpointer notify);
