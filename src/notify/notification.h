/* A notification: what somebody is to be told, as a document that is stored until it was sent, and the texts made of it (notifications.md 1
 * to 4). There are two forms: an entry of an execution's or a stage's `notifications` with what happened, and a request as POST
 * /notifications takes it. Pure; any thread. */
#pragma once
#include "engine/execution.h"

#define NOTIFICATION_ADDRESSES_MAX 100     /* of one request, copies counted */
#define NOTIFICATION_BYTES_MAX (64 * 1024) /* of an entry, or of a request without its execution, as JSON */

typedef enum {
    STYLE_PLAIN,
    STYLE_SLACK, /* links are <url|text> */
    STYLE_HTML,  /* texts are escaped, links are <a> */
} NotificationStyle;

/* A stored document, opened: all texts are borrowed from it but link, to and cc. */
typedef struct {
    const char *key;  /* the same whenever it is sent again */
    const char *type; /* of the table in notify/send.c */
    char **to, **cc;  /* never NULL */
    gint64 created_ms;
    const JsonValue *entry, *request;                        /* one of them */
    const JsonValue *stage;                                  /* of an entry: what its texts need of the stage, or NULL */
    const char *level, *status;                              /* of an entry: pipeline, orchestration, stage; starting, complete, failed */
    const char *application, *execution_id, *execution_name; /* never NULL: "" */
    const char *description, *stage_name;                    /* or NULL */
    gint64 stage_index;                                      /* in the list of stages, from 0 */
    gboolean of_task;                                        /* an orchestration's */
    const JsonValue *trigger, *build;                        /* or NULL */
    char *link;                                              /* to the execution; NULL: it has none */
} Notification;

/* What happened to an execution (stage NULL) or a stage, for an entry: {key, type, entry, event}. Caller owns. */
Json *notification_of_event(const char *key, const JsonValue *entry, const Execution *execution, const Stage *stage, const char *status,
                            gint64 now_ms);
/* A request for one type and these addresses: {key, type, request, to, cc}. Caller owns. */
Json *notification_of_request(const char *key, const char *type, const JsonValue *request, const char *const *to, const char *const *cc,
                              gint64 now_ms);
/* What a stage's request is about: type, id, application, name and trigger's build of its execution. Caller owns. */
Json *notification_execution(const Execution *execution);

/* base_url: where people see executions, without a slash at its end. */
void notification_open(Notification *notification, const JsonValue *document, const char *base_url);
void notification_clear(Notification *notification);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Notification, notification_clear)

/* "Pipeline complete for SHOP"; of a request: what it is about. Caller frees. */
char *notification_title(const Notification *notification);
/* One line: "shop's Deploy build #3 pipeline has completed successfully". */
char *notification_subject(const Notification *notification);
/* The whole text, with what the entry adds or puts instead. */
char *notification_text(const Notification *notification, NotificationStyle style);
/* A key of the entry, or of the stage it belongs to (customMessage …); of a request: of its additionalContext. NULL: none. */
const char *notification_own(const Notification *notification, const char *key);
/* {{executionId}} and {{link}} replaced. Caller frees. */
char *notification_fill(const Notification *notification, const char *text);
char *notification_html(const char *text); /* escaped; caller frees */
/* "#3", or NULL; caller frees. */
char *notification_build_number(const Notification *notification);
