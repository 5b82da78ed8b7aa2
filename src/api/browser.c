/* Host and Origin rules: DESIGN "A browser is not the local user", api.md 1 CORS. Immutable after start; any thread. */
#include "api/browser.h"
#include "api/api.h"
#include "net/origin.h"
#include <string.h>

typedef struct {
    char **hosts;
} BrowserSettings;

struct BrowserRules {
    char **hosts; /* accepted names, lower case */
    Origin deck;
    GRegex *pattern; /* of whole origins, or NULL */
    GRegex *host_pattern;
    gboolean any_address; /* it listens on all of the machine's: an address in Host is no foreign name that leads here */
};

static const Param browser_params[] = {
    {.name = "hosts",
     .type = PARAM_STRINGS,
     .offset = offsetof(BrowserSettings, hosts),
     .help = "Host names by which this server is reached, besides loopback names."},
    {0},
};
typedef struct {
    char *own, *deck, *host_pattern, *pattern;
} PageSettings;
static const Param page_params[] = {
    {.name = "services.gate.baseUrl",
     .type = PARAM_STRING,
     .offset = offsetof(PageSettings, own),
     .help = "Address by which people reach this server; its host is accepted."},
    {.name = "services.deck.baseUrl",
     .type = PARAM_STRING,
     .offset = offsetof(PageSettings, deck),
     .otherwise = "\"http://localhost:9000\"",
     .help = "Address of the web application Deck, whose pages may use this server."},
    {.name = "services.deck.redirectHostPattern",
     .type = PARAM_STRING,
     .offset = offsetof(PageSettings, host_pattern),
     .help = "Regular expression; pages of hosts that match it as a whole may use this server, and sign-in may lead there."},
    {.name = "cors.allowedOriginsPattern",
     .type = PARAM_STRING,
     .offset = offsetof(PageSettings, pattern),
     .help = "Regular expression; pages of origins that match it as a whole may use this server."},
    {0},
};
static const ConfigSection page_section = {SERVICE_GATE, "", page_params, "Whose pages may use the API."};
static const ConfigSection api_browser_section = {SERVICE_GENNAKER, "api", browser_params, "How the API is reached."};

const ConfigSection *const api_config_sections[] = {&api_browser_section, &page_section, NULL};

static GRegex *compile(const char *pattern, const char *key, GError **error) {
    g_autoptr(GError) why = NULL;
    GRegex *regex = g_regex_new(pattern, G_REGEX_ANCHORED | G_REGEX_OPTIMIZE, 0, &why);
    if (regex == NULL)
        error_set(error, ERR_INVALID, "%s: %s", key, why->message);
    return regex;
}

static char **accepted_hosts(const BrowserSettings *settings, const char *listen_address, const char *own_url) {
    g_autoptr(GPtrArray) hosts = g_ptr_array_new();
    for (gsize i = 0; settings->hosts != NULL && settings->hosts[i] != NULL; i++)
        g_ptr_array_add(hosts, g_ascii_strdown(settings->hosts[i], -1));
    g_ptr_array_add(hosts, g_ascii_strdown(listen_address, -1));
    g_auto(Origin) own = {0};
    if (own_url != NULL && origin_of_url(own_url, &own))
        g_ptr_array_add(hosts, g_strdup(own.host));
    g_ptr_array_add(hosts, NULL);
    return (char **)g_ptr_array_steal(hosts, NULL);
}

static gboolean read_pages(BrowserRules *rules, const PageSettings *pages, GError **error) {
    if (!origin_of_url(pages->deck, &rules->deck)) {
        error_set(error, ERR_INVALID, "services.deck.baseUrl: \"%s\" is no http or https URL", pages->deck);
        return FALSE;
    }
    if (pages->pattern != NULL && (rules->pattern = compile(pages->pattern, "cors.allowedOriginsPattern", error)) == NULL)
        return FALSE;
    return pages->host_pattern == NULL ||
           (rules->host_pattern = compile(pages->host_pattern, "services.deck.redirectHostPattern", error)) != NULL;
}

BrowserRules *browser_rules_new(Config *config, const char *listen_address, GError **error) {
    BrowserSettings settings = {0};
    PageSettings pages = {0};
    if (!config_read(config, &api_browser_section, &settings, error))
        return NULL;
    if (!config_read(config, &page_section, &pages, error)) {
        params_clear(browser_params, &settings);
        return NULL;
    }
    BrowserRules *rules = g_atomic_rc_box_new0(BrowserRules);
    rules->any_address = strcmp(listen_address, "0.0.0.0") == 0 || strcmp(listen_address, "::") == 0;
    rules->hosts = accepted_hosts(&settings, listen_address, pages.own);
    if (!read_pages(rules, &pages, error))
        g_clear_pointer(&rules, browser_rules_unref);
    params_clear(browser_params, &settings);
    params_clear(page_params, &pages);
    return rules;
}

static void clear_rules(gpointer data) {
    BrowserRules *rules = data;
    g_strfreev(rules->hosts);
    origin_clear(&rules->deck);
    g_clear_pointer(&rules->pattern, g_regex_unref);
    g_clear_pointer(&rules->host_pattern, g_regex_unref);
}

BrowserRules *browser_rules_ref(BrowserRules *rules) {
    return g_atomic_rc_box_acquire(rules);
}

void browser_rules_unref(BrowserRules *rules) {
    if (rules != NULL)
        g_atomic_rc_box_release_full(rules, clear_rules);
}

gboolean browser_host_accepted(const BrowserRules *rules, const char *host) {
    g_auto(Origin) name = {0};
    if (host == NULL || !origin_parse_host(host, &name))
        return FALSE;
    return origin_is_loopback(name.host) || g_strv_contains((const char *const *)rules->hosts, name.host) ||
           (rules->any_address && g_hostname_is_ip_address(name.host));
}

/* The whole text must match, as Java's matches(). */
static gboolean matches_whole(const GRegex *regex, const char *text) {
    g_autoptr(GMatchInfo) info = NULL;
    int start = 0, end = 0;
    if (regex == NULL || !g_regex_match(regex, text, 0, &info) || !g_match_info_fetch_pos(info, 0, &start, &end))
        return FALSE;
    return start == 0 && (gsize)end == strlen(text);
}

/* Own: the host and port that the request was sent to. */
static gboolean is_own(const Origin *theirs, const char *host) {
    g_auto(Origin) own = {0};
    if (host == NULL || !origin_parse_host(host, &own) || strcmp(own.host, theirs->host) != 0)
        return FALSE;
    guint16 port = own.port != 0 ? own.port : (guint16)(strcmp(theirs->scheme, "https") == 0 ? 443 : 80);
    return port == theirs->port;
}

gboolean browser_origin_accepted(const BrowserRules *rules, const char *origin, const char *host) {
    g_auto(Origin) theirs = {0};
    if (!origin_parse(origin, &theirs))
        return FALSE;
    return is_own(&theirs, host) || origin_equal(&theirs, &rules->deck) || matches_whole(rules->pattern, origin) ||
           matches_whole(rules->host_pattern, theirs.host);
}

gboolean browser_url_accepted(const BrowserRules *rules, const char *url, const char *host) {
    g_auto(Origin) theirs = {0};
    if (!origin_of_url(url, &theirs))
        return FALSE;
    return is_own(&theirs, host) || origin_equal(&theirs, &rules->deck) || matches_whole(rules->host_pattern, theirs.host);
}
