/* What we tell others of executions: events for endpoints (engine.md 19.1, notifications.md 6), and notifications for people (engine.md 19.2,
 * 19.3, notifications.md 1 to 4). */
#pragma once
#include "base/config.h"
#include "engine/engine.h"
#include "net/http_client.h"

typedef struct Notify Notify;

/* Nothing is sent before notify_start. ERR_INVALID: the configuration. Borrows store and http. */
Notify *notify_new(Store *store, HttpClient *http, Config *config, GError **error);
void notify_start(Notify *notify);
void notify_look(Notify *notify); /* something may have been stored that it was not told of */
void notify_stop(Notify *notify); /* calls under way are given up; what they sent is sent again after the next start */
void notify_free(Notify *notify); /* NULL-safe */
/* ERR_INVALID: nothing changed. */
gboolean notify_reload(Notify *notify, Config *config, GError **error);
extern const ConfigSection *const notify_config_sections[]; /* of endpoints; kinds of notifications have theirs (notify/send.h) */

/* An EngineObserver's function; data is the Notify. */
void notify_observe(StoreUnit *unit, const Execution *before, const Execution *after, gint64 now_ms, gpointer notify);

/* A request as POST /notifications takes it: {notificationType, to: […], cc: […], templateGroup, source, additionalContext …}. Stores what is to
 * be sent, for each address, and returns; it is sent soon and again until it was taken. key: made of what asks (32 hex digits of
 * id_from_parts): receivers that can tell take the same key once. ERR_INVALID: the request, or nothing of that type is sent; ERR_LIMIT. */
gboolean notify_request(Notify *notify, const JsonValue *request, const char *key, gint64 now_ms, GError **error);
/* The same now, once, without storing it; blocks. */
gboolean notify_request_now(Notify *notify, const JsonValue *request, const char *key, gint64 now_ms, Cancel *cancel, GError **error);
/* The kinds of notifications: a list of {type, requestType, label, help, address, example, parameters, enabled, reason}; caller owns. */
Json *notify_types(Notify *notify);
/* The kinds in entries of an execution of which nothing is sent: a list of {type, reason}; caller owns. */
Json *notify_unsent(Notify *notify, const Execution *execution);

/* A button that somebody pressed in Slack (notifications.md 4.1): checked, and told to the service that sent the message
 * (services.<id>.baseUrl). Blocks. Answers with what the message becomes; caller owns. ERR_INVALID: it is not from Slack, or no such thing. */
Json *notify_slack_callback(Notify *notify, const char *timestamp, const char *signature, const char *body, gint64 now_ms, GError **error);

/* What became of events and notifications since the start, and how many wait. */
typedef struct {
    guint64 delivered, failed /* attempts */, given_up;
} NotifyOutcomes;
typedef struct {
    guint64 waiting, lost /* changes and requests of which nothing was told: too many waited */;
    NotifyOutcomes events, notifications;
} NotifyCounts;
void notify_counts(Notify *notify, NotifyCounts *into);
