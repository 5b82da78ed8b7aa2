/* Slack: its settings, which the answers to its buttons need too. */
#pragma once
#include "notify/send.h"

typedef struct {
    gboolean enabled, force_webhook, compact, expand_names;
    char *token, *base_url;
    char *app_token, *signing_secret, *verification_token;
} SlackSettings;

/* Where the API is; caller frees. */
char *slack_api(const SlackSettings *settings, const char *method);
