/* A browser is not the local user: rules about Host and Origin that keep foreign pages out. Pure on its immutable settings. */
#pragma once
#include "base/config.h"
#include "base/error.h"

typedef struct BrowserRules BrowserRules;
/* listen_address: where the server listens; its own name is accepted as Host. ERR_INVALID for a bad pattern. Caller owns a reference. */
BrowserRules *browser_rules_new(Config *config, const char *listen_address, GError **error);
BrowserRules *browser_rules_ref(BrowserRules *rules);
void browser_rules_unref(BrowserRules *rules); /* NULL-safe */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BrowserRules, browser_rules_unref)

/* The Host header must be a loopback name, one from the configuration, or, where the server listens on all addresses, an address: else
 * the request is answered with 421. */
gboolean browser_host_accepted(const BrowserRules *rules, const char *host);
/* Own origin, Deck's base URL, or the configured pattern. host: the request's Host, whose origin is our own. */
gboolean browser_origin_accepted(const BrowserRules *rules, const char *origin, const char *host);
/* Whether a redirect may lead there: a page of an accepted origin. */
gboolean browser_url_accepted(const BrowserRules *rules, const char *url, const char *host);
