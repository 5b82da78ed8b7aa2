/* Kinds of notifications: a table, a row beside the code of each kind, and how one is sent. From the rows come the configuration, the
 * forms (GET /notifications/types), what lint knows, and the calls.
 *
 * The functions of a row are pure: they make a call of a notification, and judge the answer. This room makes the call. Any thread. */
#pragma once
#include "base/config.h"
#include "net/http_client.h"
#include "net/url_guard.h"
#include "notify/notification.h"

#define NOTIFICATION_TIMEOUT_MS 20000 /* of one call */
#define NOTIFICATION_ANSWER_MAX (1024 * 1024)

/* A call, as a row's function makes it. */
typedef struct {
    const char *method; /* NULL: POST */
    char *url;
    GPtrArray *headers; /* of char *: name, value, …, not terminated */
    char *body;
    gboolean guarded; /* users wrote the URL: the rules for their URLs hold (net/url_guard.h) */
    /* Mail instead: url NULL. */
    char *message, *from;
    char **recipients;
} NotificationCall;

typedef enum { JUDGED_FINE, JUDGED_AGAIN /* the same call may succeed later */, JUDGED_REFUSED } Judged;

typedef struct NotificationType NotificationType;
struct NotificationType {
    const char *name;         /* of entries: "slack" */
    const char *request_name; /* of POST /notifications: "SLACK"; NULL: not for requests */
    const char *label, *help;
    const char *address_help; /* what `address` means; NULL: it needs none */
    const char *example;      /* of an address */
    const Param *params;      /* further keys of an entry, for forms; or NULL */
    /* All read into one zeroed struct, of which the first member is gboolean enabled. */
    const ConfigSection *const *sections;
    gsize settings_size;
    gboolean (*check)(const void *settings, GError **error); /* of settings that are enabled; NULL: anything goes */
    /* ERR_INVALID: it can never be sent so, and why. */
    gboolean (*build)(const void *settings, const Notification *notification, NotificationCall *call, GError **error);
    /* What has to be asked first: TRUE when `call` is to be made, and given its answer to build_known instead of build. Or NULL. */
    gboolean (*ask)(const void *settings, const Notification *notification, NotificationCall *call);
    gboolean (*build_known)(const void *settings, const Notification *notification, const JsonValue *answer, NotificationCall *call,
                            GError **error);
    /* Of an answer with status 2xx: services that say no with 200. NULL: fine. */
    Judged (*judge)(const HttpResponse *response, GError **error);
    gboolean together; /* one call for all addresses of a request */
    gboolean comes;    /* a later version will send it */
    const char *never; /* why nothing of this kind is sent (by this version); NULL: it is */
};

extern const NotificationType notification_slack, notification_email, notification_sms, notification_googlechat, notification_teams,
    notification_github_status, notification_pagerduty, notification_cdevents;
extern const NotificationType *const notification_types[]; /* NULL-terminated */
/* By name or request_name, whatever the case; NULL. */
const NotificationType *notification_type_find(const char *name);

/* ---- settings of all kinds, immutable and counted ---- */
typedef struct Senders Senders;
extern const ConfigSection *const sender_config_sections[];
/* ERR_INVALID names file and line, or the key. Caller owns a reference. */
Senders *senders_new(const Config *config, GError **error);
Senders *senders_ref(Senders *senders);
void senders_unref(Senders *senders); /* NULL-safe */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Senders, senders_unref)
/* Its struct when the kind is enabled; NULL. */
const void *senders_settings(const Senders *senders, const NotificationType *type);
/* Where people see executions; never NULL. */
const char *senders_base_url(const Senders *senders);
/* Whether one of this kind can be sent: ERR_INVALID says which key switches it on, or why it is never sent. */
gboolean senders_can(const Senders *senders, const char *type, GError **error);

/* Makes the call, for tests and for what follows. ERR_INVALID. */
gboolean notification_build(const Senders *senders, const NotificationType *type, const Notification *notification, NotificationCall *call,
                            GError **error);
void notification_call_clear(NotificationCall *call);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(NotificationCall, notification_call_clear)

/* Sends a document (notify/notification.h) now, blocking. *again: it may succeed later. Errors name kind and address, never a secret. */
gboolean notification_send(const Senders *senders, HttpClient *http, const JsonValue *document, Cancel *cancel, gboolean *again,
                           GError **error);

/* ---- for rows ---- */
void call_header(NotificationCall *call, const char *name, const char *value);
void call_json(NotificationCall *call, const Json *body);
/* name, value, …, NULL; a pair with a NULL value is left out. */
void call_form(NotificationCall *call, ...) G_GNUC_NULL_TERMINATED;
void call_basic(NotificationCall *call, const char *user, const char *password);
/* The only address; ERR_INVALID when there is none. Borrowed. */
const char *notification_address(const Notification *notification, const char *what, GError **error);
