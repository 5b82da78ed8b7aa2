/* User data: provider text with its tokens replaced, joined with the pipeline's own. Any thread. */
#include "clouds/aws/user_data.h"
#include <string.h>

/* Replaces %%token%% everywhere. Tokens without a value become empty. */
static char *replace_tokens(const char *text, const UserDataTokens *tokens) {
    const struct {
        const char *token, *value;
    } table[] = {
        {"%%account%%", tokens->account},
        {"%%accounttype%%", tokens->account_type},
        {"%%env%%", tokens->environment},
        {"%%app%%", tokens->application},
        {"%%region%%", tokens->region},
        {"%%group%%", tokens->group},
        {"%%autogrp%%", tokens->group},
        {"%%cluster%%", tokens->cluster},
        {"%%stack%%", tokens->stack},
        {"%%detail%%", tokens->detail},
        {"%%launchconfig%%", tokens->launch_template ? NULL : tokens->launch_name},
        {"%%launchtemplate%%", tokens->launch_template ? tokens->launch_name : NULL},
        {"%%revision%%", NULL},
        {"%%countries%%", NULL},
        {"%%devPhase%%", NULL},
        {"%%hardware%%", NULL},
        {"%%zone%%", NULL},
        {"%%tier%%", NULL},
    };
    GString *result = g_string_new(text);
    for (gsize i = 0; i < G_N_ELEMENTS(table); i++)
        g_string_replace(result, table[i].token, table[i].value != NULL ? table[i].value : "", 0);
    return g_string_free(result, FALSE);
}

/* The installation's text, or NULL when there is none. */
static char *provider_text(const AwsUserDataConfig *config) {
    if (!config->enabled || config->root == NULL)
        return NULL;
    g_autofree char *path = g_build_filename(config->root, "udf0", NULL);
    char *text = NULL;
    return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

char *aws_user_data(const AwsUserDataConfig *config, const char *own, const JsonValue *override, const UserDataTokens *tokens,
                    GError **error) {
    gboolean overrides = json_get_bool(override, "enabled", FALSE);
    g_autofree char *provider = overrides ? NULL : provider_text(config);
    gsize length = 0;
    g_autofree char *decoded = own != NULL ? (char *)g_base64_decode(own, &length) : NULL;
    g_autofree char *plain = decoded != NULL ? g_strndup(decoded, length) : g_strdup("");
    if (decoded != NULL && provider == NULL && !overrides) {
        if (length <= USER_DATA_MAX)
            return length > 0 ? g_base64_encode((const guchar *)decoded, length) : NULL; /* as it is: it may be binary */
    }
    g_autofree char *first = provider != NULL ? replace_tokens(provider, tokens) : g_strdup("");
    g_autofree char *second = overrides ? replace_tokens(plain, tokens) : g_strdup(plain);
    g_autofree char *joined = *first != '\0' && *second != '\0' ? g_strconcat(first, "\n", second, NULL) : g_strconcat(first, second, NULL);
    if (*joined == '\n')
        g_strstrip(joined);
    if (strlen(joined) > USER_DATA_MAX || length > USER_DATA_MAX) {
        error_set(error, ERR_LIMIT, "user data of %s is longer than %d bytes", tokens->group, USER_DATA_MAX);
        return NULL;
    }
    return *joined != '\0' ? g_base64_encode((const guchar *)joined, strlen(joined)) : NULL;
}
