/* Outgoing URLs that users wrote (url_guard.h). A guard is immutable; calls run on their caller's thread, the question about an address on the
 * net thread. */
#include "net/url_guard.h"
#include "base/clock.h"
#include "base/pattern.h"
#include "net/origin.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

typedef struct {
    char **schemes, **allowed, **excluded, **excluded_variables, **excluded_patterns, **rejected;
    char *host_pattern;
    gboolean reject_localhost, reject_link_local, reject_literals;
} Rules;

static const Param params[] = {
    {"allowedHostnamesRegex", PARAM_STRING, offsetof(Rules, host_pattern), .otherwise = "\".*\\\\..+\"",
     .help = "What a host name must match as a whole: by default anything with a dot in it."},
    {"allowedSchemes", PARAM_STRINGS, offsetof(Rules, schemes), .otherwise = "[\"http\", \"https\"]",
     .help = "Schemes of URLs that may be called; only http and https have a meaning."},
    {"rejectLocalhost", PARAM_BOOL, offsetof(Rules, reject_localhost), .otherwise = "true",
     .help = "Refuses every address of this machine, whatever name leads to it."},
    {"rejectLinkLocal", PARAM_BOOL, offsetof(Rules, reject_link_local), .otherwise = "true",
     .help = "Refuses link-local addresses and those of instance metadata."},
    {"rejectVerbatimIps", PARAM_BOOL, offsetof(Rules, reject_literals), .otherwise = "true",
     .help = "Refuses addresses instead of host names."},
    {"rejectedIps", PARAM_STRINGS, offsetof(Rules, rejected), .help = "Addresses and networks (10.0.0.0/8) that are refused."},
    {"excludedDomains", PARAM_STRINGS, offsetof(Rules, excluded), .otherwise = "[\"spinnaker\", \"local\", \"localdomain\", \"internal\"]",
     .help = "Host names that end in one of these are refused."},
    {"allowedDomains", PARAM_STRINGS, offsetof(Rules, allowed), .help = "When there are any, host names must end in one of these."},
    {"extraExcludedPatterns", PARAM_STRINGS, offsetof(Rules, excluded_patterns),
     .help = "Regular expressions; a host name that matches one as a whole is refused."},
    {"excludedDomainsFromEnvironment", PARAM_STRINGS, offsetof(Rules, excluded_variables),
     .help = "Environment variables whose values are excluded domains too."},
    {0},
};
#define RESTRICTIONS "user-configured-url-restrictions"
static const ConfigSection section = {SERVICE_ORCA, RESTRICTIONS, params,
                                      "Which URLs of webhooks, and of expressions that fetch something, may be called."};
const ConfigSection *const url_guard_config_sections[] = {&section, NULL};

/* ---- addresses: IPv4 is kept as the last four bytes behind ::ffff: ---- */
typedef struct {
    guint8 bytes[16];
} Address;
typedef struct {
    Address address;
    guint bits;
} Network;

struct UrlGuard {
    Rules rules;
    GArray *rejected; /* Network */
    char *where;      /* the key of the configuration, for messages */
};

static const guint8 MAPPED[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static Address address_v4(const guint8 *four) {
    Address address;
    memcpy(address.bytes, MAPPED, sizeof MAPPED);
    memcpy(address.bytes + 12, four, 4);
    return address;
}

/* IPv6 forms that carry an IPv4 address lead there: ::a.b.c.d, 64:ff9b::/96, 2002::/16. */
static Address unwrapped(Address address) {
    static const guint8 NAT64[12] = {0, 0x64, 0xff, 0x9b}, COMPATIBLE[12] = {0};
    const guint8 *b = address.bytes;
    gboolean unspecified_or_loopback = memcmp(b, COMPATIBLE, 12) == 0 && b[12] == 0 && b[13] == 0 && b[14] == 0 && b[15] <= 1;
    if (memcmp(b, NAT64, 12) == 0 || (memcmp(b, COMPATIBLE, 12) == 0 && !unspecified_or_loopback))
        return address_v4(b + 12);
    return b[0] == 0x20 && b[1] == 0x02 ? address_v4(b + 2) : address;
}

static gboolean address_parse(const char *text, Address *address) {
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, text, &v4) == 1) {
        *address = address_v4((const guint8 *)&v4);
        return TRUE;
    }
    g_autofree char *without_zone = g_strndup(text, strcspn(text, "%"));
    if (inet_pton(AF_INET6, without_zone, &v6) != 1)
        return FALSE;
    memcpy(address->bytes, &v6, 16);
    *address = unwrapped(*address);
    return TRUE;
}

static gboolean is_in(const Address *address, const Address *network, guint bits) {
    guint whole = bits / 8, rest = bits % 8;
    if (memcmp(address->bytes, network->bytes, whole) != 0)
        return FALSE;
    return rest == 0 || (address->bytes[whole] >> (8 - rest)) == (network->bytes[whole] >> (8 - rest));
}

static gboolean is_in_text(const Address *address, const char *network, guint bits) {
    Address parsed;
    return address_parse(network, &parsed) && is_in(address, &parsed, strchr(network, ':') == NULL ? bits + 96 : bits);
}

static gboolean is_own_interface(const Address *address) {
    struct ifaddrs *list = NULL;
    gboolean own = FALSE;
    if (getifaddrs(&list) != 0)
        return FALSE;
    for (struct ifaddrs *each = list; each != NULL && !own; each = each->ifa_next) {
        Address mine;
        if (each->ifa_addr == NULL)
            continue;
        if (each->ifa_addr->sa_family == AF_INET) {
            struct sockaddr_in v4;
            memcpy(&v4, each->ifa_addr, sizeof v4);
            mine = address_v4((const guint8 *)&v4.sin_addr);
        } else if (each->ifa_addr->sa_family == AF_INET6) {
            struct sockaddr_in6 v6;
            memcpy(&v6, (const void *)each->ifa_addr, sizeof v6);
            memcpy(mine.bytes, &v6.sin6_addr, 16);
        } else
            continue;
        own = memcmp(&mine, address, sizeof mine) == 0;
    }
    freeifaddrs(list);
    return own;
}

static gboolean is_link_local(const Address *address) {
    return is_in_text(address, "169.254.0.0", 16) || is_in_text(address, "fe80::", 10) || is_in_text(address, "fd00:ec2::", 32);
}

static gboolean is_localhost(const Address *address) {
    static const Address UNSPECIFIED = {{0}}, LOOPBACK = {{[15] = 1}};
    return is_in_text(address, "127.0.0.0", 8) || is_in_text(address, "0.0.0.0", 8) || is_in(address, &UNSPECIFIED, 128) ||
           is_in(address, &LOOPBACK, 128) || (!is_link_local(address) && is_own_interface(address));
}

static const char *refusal(const UrlGuard *guard, const Address *address) {
    if (guard->rules.reject_localhost && is_localhost(address))
        return "it is an address of this machine (rejectLocalhost)";
    if (guard->rules.reject_link_local && is_link_local(address))
        return "it is a link-local or metadata address (rejectLinkLocal)";
    for (guint i = 0; i < guard->rejected->len; i++) {
        const Network *network = &g_array_index(guard->rejected, Network, i);
        if (is_in(address, &network->address, network->bits))
            return "it is a rejected address (rejectedIps)";
    }
    return NULL;
}

const char *url_guard_address(const UrlGuard *guard, const char *ip) {
    Address address;
    return address_parse(ip, &address) ? refusal(guard, &address) : "it is no IP address";
}

/* ---- the configuration ---- */
static gboolean network_parse(const char *text, Network *network) {
    const char *slash = strchr(text, '/');
    g_autofree char *address = slash != NULL ? g_strndup(text, (gsize)(slash - text)) : g_strdup(text);
    guint most = strchr(address, ':') != NULL ? 128 : 32;
    guint64 bits = most;
    if (!address_parse(address, &network->address) || (slash != NULL && !g_ascii_string_to_unsigned(slash + 1, 10, 0, most, &bits, NULL)))
        return FALSE;
    network->bits = (guint)bits + 128 - most;
    return TRUE;
}

static gboolean read_lists(UrlGuard *guard, GError **error) {
    const Rules *rules = &guard->rules;
    for (guint i = 0; rules->rejected != NULL && rules->rejected[i] != NULL; i++) {
        Network network;
        if (i >= URL_RULES_MAX || !network_parse(rules->rejected[i], &network)) {
            error_set(error, ERR_INVALID, "%s.rejectedIps: \"%s\" is no address and no network (10.0.0.0/8), or one too many", guard->where,
                      rules->rejected[i]);
            return FALSE;
        }
        g_array_append_val(guard->rejected, network);
    }
    for (guint i = 0; rules->excluded_patterns != NULL && rules->excluded_patterns[i] != NULL; i++) {
        g_autoptr(Pattern) excluded = pattern_new(rules->excluded_patterns[i], error);
        if (excluded != NULL)
            continue;
        g_prefix_error(error, "%s.extraExcludedPatterns: ", guard->where);
        return FALSE;
    }
    g_autoptr(Pattern) pattern = pattern_new(rules->host_pattern, error);
    if (pattern == NULL)
        g_prefix_error(error, "%s.allowedHostnamesRegex: ", guard->where);
    return pattern != NULL;
}

static UrlGuard *guard_new(const char *where) {
    UrlGuard *guard = g_new0(UrlGuard, 1);
    guard->rejected = g_array_new(FALSE, FALSE, sizeof(Network));
    guard->where = g_strdup(where);
    return guard;
}

UrlGuard *url_guard_new(Config *config, GError **error) {
    g_autoptr(UrlGuard) guard = guard_new(RESTRICTIONS);
    if (!config_read(config, &section, &guard->rules, error) || !read_lists(guard, error))
        return NULL;
    return g_steal_pointer(&guard);
}

UrlGuard *url_guard_new_for(Config *config, const JsonValue *restrictions, const char *where, GError **error) {
    g_autoptr(UrlGuard) guard = guard_new(where);
    if (!config_read_value(config, restrictions, params, &guard->rules, error)) {
        g_prefix_error(error, "%s: ", where);
        return NULL;
    }
    return read_lists(guard, error) ? g_steal_pointer(&guard) : NULL;
}

void url_guard_free(UrlGuard *guard) {
    if (guard == NULL)
        return;
    params_clear(params, &guard->rules);
    g_array_unref(guard->rejected);
    g_free(guard->where);
    g_free(guard);
}

/* ---- names ---- */
static gboolean forbid(const UrlGuard *guard, GError **error, const char *host, const char *why) {
    error_set(error, ERR_FORBIDDEN, "host \"%s\" must not be called: %s; see %s", host, why, guard->where);
    return FALSE;
}

static gboolean ends_in_domain(const char *host, const char *domain) {
    while (*domain == '.')
        domain++;
    gsize length = strlen(domain), whole = strlen(host);
    if (length == 0 || whole < length || g_ascii_strcasecmp(host + whole - length, domain) != 0)
        return FALSE;
    return whole == length || host[whole - length - 1] == '.';
}

static gboolean is_allowed(const Rules *rules, const char *host) {
    for (guint i = 0; rules->allowed != NULL && rules->allowed[i] != NULL; i++)
        if (ends_in_domain(host, rules->allowed[i]))
            return TRUE;
    return rules->allowed == NULL || rules->allowed[0] == NULL;
}

static gboolean is_excluded_by_pattern(const Rules *rules, const char *host) {
    for (guint i = 0; rules->excluded_patterns != NULL && rules->excluded_patterns[i] != NULL; i++)
        if (pattern_matches(rules->excluded_patterns[i], host, PATTERN_FULL, NULL))
            return TRUE;
    return FALSE;
}

static gboolean is_excluded(const Rules *rules, const char *host) {
    for (guint i = 0; rules->excluded != NULL && rules->excluded[i] != NULL; i++)
        if (ends_in_domain(host, rules->excluded[i]))
            return TRUE;
    for (guint i = 0; rules->excluded_variables != NULL && rules->excluded_variables[i] != NULL; i++) {
        const char *value = g_getenv(rules->excluded_variables[i]);
        if (value != NULL && ends_in_domain(host, value))
            return TRUE;
    }
    return FALSE;
}

/* Every address of the name is this machine's or link-local, and allowed. */
static gboolean means_allowed_neighbour(const UrlGuard *guard, const char *host) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    if ((guard->rules.reject_localhost && guard->rules.reject_link_local) || getaddrinfo(host, NULL, &hints, &list) != 0)
        return FALSE;
    gboolean all = list != NULL;
    for (struct addrinfo *each = list; each != NULL && all; each = each->ai_next) {
        char ip[INET6_ADDRSTRLEN] = "";
        Address address;
        all = getnameinfo(each->ai_addr, each->ai_addrlen, ip, sizeof ip, NULL, 0, NI_NUMERICHOST) == 0 && address_parse(ip, &address) &&
              (is_localhost(&address) || is_link_local(&address)) && refusal(guard, &address) == NULL;
    }
    freeaddrinfo(list);
    return all;
}

static gboolean check_name(const UrlGuard *guard, const char *host, GError **error) {
    const char *why = NULL;
    if (!pattern_matches(guard->rules.host_pattern, host, PATTERN_FULL, NULL))
        why = "the name does not match allowedHostnamesRegex (by default it needs a dot)";
    else if (is_excluded(&guard->rules, host))
        why = "it is in one of the excludedDomains";
    else if (is_excluded_by_pattern(&guard->rules, host))
        why = "it matches one of the extraExcludedPatterns";
    if ((ends_in_domain(host, "localhost") && guard->rules.reject_localhost))
        why = "it is this machine (rejectLocalhost)";
    if (!is_allowed(&guard->rules, host))
        return forbid(guard, error, host, "it is in none of the allowedDomains");
    return why == NULL || means_allowed_neighbour(guard, host) || forbid(guard, error, host, why);
}

/* Any spelling that the system takes for an address: 127.1, 0x7f000001, 017700000001. */
static gboolean literal_address(const char *host, Address *address) {
    struct in_addr v4;
    if (address_parse(host, address))
        return TRUE;
    if (inet_aton(host, &v4) == 0)
        return FALSE;
    *address = address_v4((const guint8 *)&v4);
    return TRUE;
}

static gboolean check_host(const UrlGuard *guard, const char *host, GError **error) {
    Address address;
    if (!literal_address(host, &address))
        return check_name(guard, host, error);
    const char *why = refusal(guard, &address);
    if (why == NULL && guard->rules.reject_literals)
        why = "it is an address instead of a name (rejectVerbatimIps)";
    else if (why == NULL && !is_allowed(&guard->rules, host))
        why = "it is in none of the allowedDomains";
    return why == NULL || forbid(guard, error, host, why);
}

gboolean url_guard_check(const UrlGuard *guard, const char *url, GError **error) {
    g_auto(Origin) origin = {0};
    if (strlen(url) > URL_LENGTH_MAX || !origin_of_url(url, &origin)) {
        error_set(error, ERR_INVALID, "the URL is malformed, too long, has user information, or is neither http nor https");
        return FALSE;
    }
    if (guard->rules.schemes == NULL || !g_strv_contains((const char *const *)guard->rules.schemes, origin.scheme)) {
        error_set(error, ERR_FORBIDDEN, "scheme \"%s\" must not be called: allowedSchemes; see %s", origin.scheme, guard->where);
        return FALSE;
    }
    return check_host(guard, origin.host, error);
}

/* ---- calls ---- */
typedef struct {
    const UrlGuard *guard;
    const char *why; /* written on the net thread while the caller waits */
} Asked;

static gboolean allow_address(const char *ip, guint16 port, gpointer data) {
    Asked *asked = data;
    (void)port;
    const char *why = url_guard_address(asked->guard, ip);
    if (why != NULL)
        asked->why = why;
    return why == NULL;
}

static gboolean call_once(const UrlGuard *guard, HttpClient *client, HttpRequest *request, Cancel *cancel, HttpResponse *response,
                          GError **error) {
    Asked asked = {.guard = guard};
    request->allow_address = allow_address;
    request->allow_address_data = &asked;
    request->follow_redirects = FALSE;
    request->proxy = ""; /* a proxy would look names up behind our back */
    if (!url_guard_check(guard, request->url, error))
        return FALSE;
    if (http_call(client, request, cancel, response, error))
        return TRUE;
    if (asked.why != NULL && error != NULL && error_code(*error) == ERR_FORBIDDEN) {
        g_autofree char *text = g_strdup_printf("%s: %s; see %s", (*error)->message, asked.why, guard->where);
        g_clear_error(error);
        error_set(error, ERR_FORBIDDEN, "%s", text);
    }
    return FALSE;
}

static gboolean is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static gboolean is_credential(const char *header) {
    static const char *const NAMES[] = {"authorization", "cookie", "proxy-authorization", NULL};
    g_autofree char *name = g_ascii_strdown(header, -1);
    return g_strv_contains(NAMES, name) || strstr(name, "token") != NULL || strstr(name, "api-key") != NULL ||
           strstr(name, "secret") != NULL;
}

/* Headers for the next hop, borrowed texts; caller frees the array. */
static GPtrArray *next_headers(HttpHeaders headers, gboolean same_origin, gboolean has_body) {
    GPtrArray *next = g_ptr_array_new();
    for (HttpHeaders h = headers; h != NULL && h[0] != NULL; h += 2) {
        if ((!same_origin && is_credential(h[0])) || (!has_body && g_ascii_strcasecmp(h[0], "Content-Type") == 0))
            continue;
        g_ptr_array_add(next, (gpointer)h[0]);
        g_ptr_array_add(next, (gpointer)h[1]);
    }
    g_ptr_array_add(next, NULL);
    return next;
}

static void turn(HttpRequest *request, int status) {
    gboolean reads = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    if (status == 307 || status == 308 || reads)
        return;
    request->method = "GET";
    request->body = NULL;
    request->body_length = 0;
}

gboolean url_guard_call(const UrlGuard *guard, HttpClient *client, const HttpRequest *given, gboolean follow, Cancel *cancel,
                        HttpResponse *response, GError **error) {
    HttpRequest request = *given;
    g_autoptr(GPtrArray) headers = NULL;
    g_autofree char *url = g_strdup(given->url);
    gint64 end = clock_elapsed_ms() + (given->timeout_ms > 0 ? given->timeout_ms : HTTP_TIMEOUT_MS);
    for (guint hops = 0;; hops++) {
        GError *problem = NULL;
        request.url = url;
        request.timeout_ms = MAX(1, end - clock_elapsed_ms());
        if (!call_once(guard, client, &request, cancel, response, &problem)) {
            if (hops > 0)
                g_prefix_error(&problem, "after %u redirect%s: ", hops, hops > 1 ? "s" : "");
            g_propagate_error(error, problem);
            return FALSE;
        }
        const char *location = http_response_header(response, "location");
        int status = response->status;
        if (!follow || !is_redirect(status) || location == NULL)
            return TRUE;
        g_autofree char *target = g_uri_resolve_relative(url, location, G_URI_FLAGS_ENCODED, NULL);
        http_response_clear(response);
        if (hops >= HTTP_REDIRECTS_MAX || target == NULL) {
            error_set(error, ERR_REMOTE, "the answer redirects %s",
                      target == NULL ? "to a malformed URL" : "once more than allowed (HTTP_REDIRECTS_MAX)");
            return FALSE;
        }
        g_auto(Origin) from = {0}, to = {0};
        gboolean same = origin_of_url(url, &from) && origin_of_url(target, &to) && origin_equal(&from, &to);
        turn(&request, status);
        GPtrArray *next = next_headers(request.headers, same, request.body != NULL);
        request.headers = (HttpHeaders)next->pdata;
        g_clear_pointer(&headers, g_ptr_array_unref);
        headers = next;
        g_free(url);
        url = g_steal_pointer(&target);
    }
}
