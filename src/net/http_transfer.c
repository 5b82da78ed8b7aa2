/* One outgoing HTTP call. Owned by the http_call that waits for it; callbacks run on the net thread.
 *
 * What decides whether a write may be repeated blindly is `sent`: it is set at the last moment before libcurl hands the first
 * byte of the request to a connection. Failures before it are ERR_UNAVAILABLE, after it ERR_TIMEOUT. libcurl itself sends a
 * request again when a reused connection closes without an answer; that is let happen for reads only. */
#include "net/http_transfer.h"
#include "base/clock.h"
#include "net/origin.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IDLE_REUSE_S 20L /* an idle connection older than this is not used again: peers drop theirs silently */
#define KEEPALIVE_S 30L

static gboolean is_read(const HttpRequest *request) {
    static const char *const reads[] = {"GET", "HEAD", "OPTIONS", NULL};
    return g_strv_contains(reads, request->method);
}

static size_t stop(Transfer *transfer, ErrorCode code, const char *message) {
    transfer->stopped_code = code;
    transfer->stopped_by = message;
    return 0; /* less than offered: libcurl ends the transfer */
}

static void clear_headers(Transfer *transfer) {
    g_ptr_array_set_size(transfer->headers, 0);
    transfer->header_bytes = 0;
    transfer->headed = FALSE;
}

static size_t on_header(char *line, size_t size, size_t count, void *data) {
    Transfer *transfer = data;
    gsize length = size * count;
    /* A new status line begins the headers anew: after 100 Continue and after a redirect. */
    if (length >= 5 && strncmp(line, "HTTP/", 5) == 0) {
        clear_headers(transfer);
        return length;
    }
    transfer->header_bytes += length;
    if (transfer->header_bytes > HTTP_RESPONSE_HEADERS_MAX)
        return stop(transfer, ERR_LIMIT, "the answer's headers are too large (HTTP_RESPONSE_HEADERS_MAX)");
    const char *colon = memchr(line, ':', length);
    transfer->headed |= length && (*line == '\r' || *line == '\n');
    if (!colon)
        return length;
    gsize name_length = (gsize)(colon - line);
    g_ptr_array_add(transfer->headers, g_ascii_strdown(line, (gssize)name_length));
    g_ptr_array_add(transfer->headers, g_strstrip(g_strndup(colon + 1, length - name_length - 1)));
    return length;
}

static size_t on_body(char *piece, size_t size, size_t count, void *data) {
    Transfer *transfer = data;
    gsize length = size * count;
    if (transfer->request->on_data) {
        transfer->consumed = !transfer->request->on_data(piece, length, transfer->request->on_data_data);
        return transfer->consumed ? 0 : length;
    }
    if (length > transfer->body_max - transfer->body->len)
        return stop(transfer, ERR_LIMIT, "the answer is larger than allowed (response_max)");
    g_byte_array_append(transfer->body, (const guint8 *)piece, (guint)length);
    return length;
}

static gboolean is_address_allowed(Transfer *transfer, const char *ip, guint16 port) {
    const HttpRequest *request = transfer->request;
    if (!request->allow_address || request->allow_address(ip, port, request->allow_address_data))
        return TRUE;
    g_strlcpy(transfer->refused_address, ip, sizeof transfer->refused_address);
    return FALSE;
}

/* Opens every socket, so that children do not inherit it and the caller's address rule holds after name resolution. */
static curl_socket_t on_open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address) {
    char ip[INET6_ADDRSTRLEN] = "";
    guint16 port = 0;
    (void)purpose;
    if (address->family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, &address->addr, sizeof v4);
        inet_ntop(AF_INET, &v4.sin_addr, ip, sizeof ip);
        port = ntohs(v4.sin_port);
    } else if (address->family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, (const void *)&address->addr, sizeof v6);
        inet_ntop(AF_INET6, &v6.sin6_addr, ip, sizeof ip);
        port = ntohs(v6.sin6_port);
    }
    if (!is_address_allowed(data, ip, port))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Right before the request is sent, also on a pooled connection, also when libcurl sends it once more. */
static int on_before_request(void *data, char *remote_ip, char *local_ip, int remote_port, int local_port) {
    Transfer *transfer = data;
    (void)local_ip, (void)local_port;
    if (!is_address_allowed(transfer, remote_ip, (guint16)remote_port))
        return CURL_PREREQFUNC_ABORT;
    if (transfer->sent && !is_read(transfer->request)) {
        stop(transfer, ERR_TIMEOUT, "the connection was closed without an answer");
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->sent = TRUE;
    return CURL_PREREQFUNC_OK;
}

static gboolean has_line_break(const char *text) {
    return strpbrk(text, "\r\n") != NULL;
}

static gboolean add_headers(Transfer *transfer, GError **error) {
    static const char *const defaults[][2] = {
        /* No header of libcurl's own: no wait for "100 Continue", no guessed content type. */
        {"Expect", "Expect:"},
        {"Content-Type", "Content-Type:"},
        {"User-Agent", "User-Agent: gennaker/" GENNAKER_VERSION},
    };
    gboolean given[G_N_ELEMENTS(defaults)] = {FALSE};
    for (HttpHeaders header = transfer->request->headers; header && header[0]; header += 2) {
        if (!*header[0] || has_line_break(header[0]) || strchr(header[0], ':') || has_line_break(header[1])) {
            error_set(error, ERR_INVALID, "%s %s: request header \"%.100s\" has a line break or a bad name", transfer->request->method,
                      transfer->origin, header[0]);
            return FALSE;
        }
        for (gsize i = 0; i < G_N_ELEMENTS(defaults); i++)
            given[i] |= g_ascii_strcasecmp(header[0], defaults[i][0]) == 0;
        /* libcurl writes "Name;" for a header without a value. */
        g_autofree char *line = *header[1] ? g_strdup_printf("%s: %s", header[0], header[1]) : g_strconcat(header[0], ";", NULL);
        transfer->request_headers = curl_slist_append(transfer->request_headers, line);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(defaults); i++)
        if (!given[i])
            transfer->request_headers = curl_slist_append(transfer->request_headers, defaults[i][1]);
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->request_headers);
    return TRUE;
}

static void set_method(Transfer *transfer) {
    static const char *const with_body[] = {"POST", "PUT", "PATCH", NULL};
    const HttpRequest *request = transfer->request;
    CURL *easy = transfer->easy;
    if (request->body || g_strv_contains(with_body, request->method)) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(request->body ? request->body_length : 0));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body ? request->body : "");
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    } else if (strcmp(request->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (strcmp(request->method, "GET") != 0) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
    if (request->follow_redirects && !request->body && (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0)) {
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
        curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)HTTP_REDIRECTS_MAX);
    }
}

/* This machine and link-local addresses (instance metadata) are never asked for through a proxy of the environment. */
static gboolean is_near(const char *url) {
    g_auto(Origin) origin = {0};
    if (!origin_of_url(url, &origin))
        return FALSE;
    return origin_is_loopback(origin.host) || g_str_has_prefix(origin.host, "169.254.") || g_str_has_prefix(origin.host, "fe80:");
}

static void set_connection(Transfer *transfer) {
    const HttpRequest *request = transfer->request;
    CURL *easy = transfer->easy;
    gint64 connect_ms = request->connect_timeout_ms > 0 ? request->connect_timeout_ms : HTTP_CONNECT_TIMEOUT_MS;
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_S);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_REUSE_S);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_before_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    if (request->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
    if (request->insecure) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (request->proxy)
        curl_easy_setopt(easy, CURLOPT_PROXY, request->proxy);
    else if (is_near(request->url))
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

static void set_answer(Transfer *transfer) {
    CURL *easy = transfer->easy;
    if (!transfer->request->on_data)
        curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
}

static char *describe_origin(const char *url) {
    g_auto(Origin) origin = {0};
    if (!origin_of_url(url, &origin)) {
        const char *at = strchr(url, '@'); /* user information is no origin for us, but may be meant as one */
        return g_strdup(at ? "a URL with user information" : "a malformed URL");
    }
    gboolean v6 = strchr(origin.host, ':') != NULL;
    return g_strdup_printf("%s://%s%s%s:%u", origin.scheme, v6 ? "[" : "", origin.host, v6 ? "]" : "", origin.port);
}

static gboolean set_url(Transfer *transfer, GError **error) {
    const HttpRequest *request = transfer->request;
    curl_easy_setopt(transfer->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(transfer->easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    g_auto(Origin) origin = {0};
    if (origin_of_url(request->url, &origin) && curl_easy_setopt(transfer->easy, CURLOPT_URL, request->url) == CURLE_OK)
        return TRUE;
    error_set(error, ERR_INVALID, "%s %s: an http or https URL without user information is needed", request->method, transfer->origin);
    return FALSE;
}

Transfer *transfer_new(const HttpRequest *request, HttpResponse *response, GError **error) {
    Transfer *transfer = g_new0(Transfer, 1);
    transfer->request = request;
    transfer->response = response;
    transfer->origin = describe_origin(request->url);
    transfer->body = g_byte_array_new();
    transfer->headers = g_ptr_array_new_with_free_func(g_free);
    transfer->body_max = request->response_max ? MIN(request->response_max, G_MAXINT32) : HTTP_RESPONSE_MAX;
    transfer->started_ms = clock_elapsed_ms();
    transfer->deadline_ms = transfer->started_ms + (request->timeout_ms > 0 ? request->timeout_ms : HTTP_TIMEOUT_MS);
    g_cond_init(&transfer->finished);
    transfer->easy = curl_easy_init();
    if (!transfer->easy)
        g_error("libcurl: out of memory");
    curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(transfer->easy, CURLOPT_ERRORBUFFER, transfer->curl_error);
    curl_easy_setopt(transfer->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(transfer->easy, CURLOPT_QUICK_EXIT, 1L); /* giving up does not wait for a name server */
    set_connection(transfer);
    set_answer(transfer);
    set_method(transfer);
    if ((request->tls != NULL && !http_tls_apply(request->tls, transfer->easy, error)) || !set_url(transfer, error) ||
        !add_headers(transfer, error)) {
        transfer_free(transfer);
        return NULL;
    }
    return transfer;
}

void transfer_free(Transfer *transfer) {
    if (transfer->easy)
        curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->request_headers);
    g_byte_array_unref(transfer->body);
    g_ptr_array_unref(transfer->headers);
    g_cond_clear(&transfer->finished);
    g_clear_error(&transfer->error);
    g_free(transfer->origin);
    g_free(transfer);
}

static void fail(Transfer *transfer, ErrorCode code, const char *reason) {
    error_set(&transfer->error, code, "%s %s: %s%s", transfer->request->method, transfer->origin, reason,
              code == ERR_TIMEOUT ? "; whether the request was carried out is unknown" : "");
}

static ErrorCode code_of(const Transfer *transfer, CURLcode result) {
    /* Certain whether the request was sent or not, unless the other side does not speak HTTP. */
    static const struct {
        CURLcode result;
        ErrorCode code;
    } fixed[] = {
        {CURLE_URL_MALFORMAT, ERR_INVALID},
        {CURLE_UNSUPPORTED_PROTOCOL, ERR_INVALID},
        {CURLE_SSL_CACERT_BADFILE, ERR_INVALID},
        {CURLE_TOO_MANY_REDIRECTS, ERR_REMOTE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(fixed); i++)
        if (fixed[i].result == result && (transfer->headed || !transfer->sent))
            return fixed[i].code;
    return transfer->sent ? ERR_TIMEOUT : ERR_UNAVAILABLE;
}

static void succeed(Transfer *transfer) {
    HttpResponse *response = transfer->response;
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    response->status = (int)status;
    response->body_length = transfer->body->len;
    g_byte_array_append(transfer->body, (const guint8 *)"", 1);
    response->body = (char *)g_byte_array_free(transfer->body, FALSE);
    transfer->body = g_byte_array_new();
    g_ptr_array_add(transfer->headers, NULL);
    response->headers = g_strdupv((char **)transfer->headers->pdata);
    response->elapsed_ms = clock_elapsed_ms() - transfer->started_ms;
    transfer->succeeded = TRUE;
}

void transfer_conclude(Transfer *transfer, CURLcode result) {
    if ((result == CURLE_OK && transfer->headed) || transfer->consumed) {
        succeed(transfer);
        return;
    }
    if (result == CURLE_OK) { /* libcurl is content with headers that break off */
        fail(transfer, ERR_TIMEOUT, "the connection was closed in the middle of the answer's headers");
        return;
    }
    if (transfer->stopped_by) {
        fail(transfer, transfer->stopped_code, transfer->stopped_by);
        return;
    }
    if (*transfer->refused_address && !transfer->sent) {
        g_autofree char *reason = g_strdup_printf("connecting to the address %s is not allowed", transfer->refused_address);
        fail(transfer, ERR_FORBIDDEN, reason);
        return;
    }
    transfer->response->unresolved = result == CURLE_COULDNT_RESOLVE_HOST;
    fail(transfer, code_of(transfer, result), *transfer->curl_error ? transfer->curl_error : curl_easy_strerror(result));
}

void transfer_expire(Transfer *transfer) {
    g_autofree char *limit = clock_duration_text(transfer->deadline_ms - transfer->started_ms);
    g_autofree char *reason = g_strdup_printf(transfer->sent ? "no whole answer within %s" : "not sent within %s", limit);
    fail(transfer, transfer->sent ? ERR_TIMEOUT : ERR_UNAVAILABLE, reason);
}

void transfer_cancel(Transfer *transfer, const char *why) {
    fail(transfer, ERR_CANCELLED, why);
}
