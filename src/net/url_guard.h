/* Outgoing URLs that users wrote: which of them may be called. The names are checked before the call, the addresses when the connection is
 * opened and again before the request is sent, and each redirect is a call of its own: so no name service, no redirect and no odd
 * spelling of an address leads to this machine or to an instance's metadata, unless the configuration says so (stages.md 3.3). */
#pragma once
#include "base/config.h"
#include "net/http_client.h"

#define URL_LENGTH_MAX 8192
#define URL_RULES_MAX 1000 /* of each list in the configuration */

extern const ConfigSection *const url_guard_config_sections[];

typedef struct UrlGuard UrlGuard;
/* ERR_INVALID names the key. Immutable; caller frees. */
UrlGuard *url_guard_new(Config *config, GError **error);
/* The same rules from a place of their own (an account's urlRestrictions), which messages call `where`. */
UrlGuard *url_guard_new_for(Config *config, const JsonValue *restrictions, const char *where, GError **error);
void url_guard_free(UrlGuard *guard); /* NULL-safe */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UrlGuard, url_guard_free)

/* Scheme, user information, host name, literal addresses. ERR_FORBIDDEN names the rule (a key of the configuration), ERR_INVALID. Blocks for a
 * name service only for a name that the rules refuse unless it means this machine, which the configuration allows. */
gboolean url_guard_check(const UrlGuard *guard, const char *url, GError **error);
/* Whether a connection to a numeric address may be opened; NULL, or the rule against it (static text). Any thread. */
const char *url_guard_address(const UrlGuard *guard, const char *ip);

/* http_call under the guard, without any proxy. follow: at most HTTP_REDIRECTS_MAX redirects, each checked like the first URL: 307 and 308
 * repeat the request, the others go on with GET; credentials are not handed to another host. request->follow_redirects and allow_address are
 * not read. Errors as of http_call, and ERR_FORBIDDEN with the rule. */
gboolean url_guard_call(const UrlGuard *guard, HttpClient *client, const HttpRequest *request, gboolean follow, Cancel *cancel,
                        HttpResponse *response, GError **error);
