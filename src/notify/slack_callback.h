/* What people press in Slack's messages (notifications.md 4.1). */
#pragma once
#include "net/http_client.h"
#include "notify/slack.h"

#define SLACK_CALLBACK_AGE_MAX_MS (5 * 60 * 1000) /* older ones are refused: somebody may have kept them */
#define SLACK_CALLBACK_MAX (256 * 1024)           /* bytes of the body */

/* Whether Slack sent it: ERR_INVALID says what is wrong; ERR_LIMIT. Pure. timestamp, signature: the headers, or NULL. */
gboolean slack_callback_check(const SlackSettings *settings, const char *timestamp, const char *signature, const char *body, gint64 now_ms,
                              GError **error);
/* The body's payload when it is a pressed button, else ERR_INVALID. Pure; caller owns. */
Json *slack_callback_payload(const char *body, GError **error);
/* {actionPerformed: {type, name, label, value}, serviceId, messageId, user} of a payload. Pure; caller owns. ERR_INVALID. */
Json *slack_callback_action(const JsonValue *payload, const char *user, GError **error);
/* The message without its buttons, with who pressed which. Pure; caller owns. */
Json *slack_callback_message(const JsonValue *payload, const JsonValue *action);
/* The mail address of the person who pressed it, asked of Slack; his id when Slack does not say. Blocks; caller frees. */
char *slack_callback_user(const SlackSettings *settings, HttpClient *http, const JsonValue *payload, GError **error);
