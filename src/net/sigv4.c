/* AWS Signature Version 4. Pure: time and credentials are arguments; owns nothing; any thread.
 *
 * Protocol: "Signature Version 4 signing process" of the AWS General Reference. A canonical form of the request is hashed,
 * put into a string to sign with time and scope, and signed with a key derived from the secret, day, region and service. */
#include "net/sigv4.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define DIGEST_BYTES 32

typedef guint8 Digest[DIGEST_BYTES];

typedef struct {
    char *name;  /* lower case */
    char *value; /* trimmed */
} SignedHeader;

typedef struct {
    char *host, *path, *query; /* as they stand in the URL; query without "?" */
} UrlParts;

/* Services whose paths are taken as they are: encoded once, not normalised, with the body's hash as a header. */
static const char *const plain_path_services[] = {"s3", "s3-object-lambda", "s3-outposts", "s3express", NULL};

static void url_parts_clear(UrlParts *parts) {
    g_free(parts->host);
    g_free(parts->path);
    g_free(parts->query);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(UrlParts, url_parts_clear)

/* The Host header as HTTP clients send it: the port only when it is not the scheme's. */
static gboolean split_url(const char *url, UrlParts *parts, GError **error) {
    const char *default_port = g_str_has_prefix(url, "https://") ? ":443" : g_str_has_prefix(url, "http://") ? ":80" : NULL;
    if (!default_port) {
        error_set(error, ERR_INVALID, "sign a request: the URL does not begin with http:// or https://");
        return FALSE;
    }
    const char *authority = strstr(url, "://") + 3;
    gsize length = strcspn(authority, "/?#");
    const char *rest = authority + length;
    if (!length || memchr(authority, '@', length)) {
        error_set(error, ERR_INVALID, "sign a request: the URL has %s", length ? "user information" : "no host");
        return FALSE;
    }
    parts->host = g_strndup(authority, length);
    if (g_str_has_suffix(parts->host, default_port))
        parts->host[length - strlen(default_port)] = '\0';
    gsize path_length = strcspn(rest, "?#");
    parts->path = path_length ? g_strndup(rest, path_length) : g_strdup("/");
    rest += path_length;
    parts->query = *rest == '?' ? g_strndup(rest + 1, strcspn(rest + 1, "#")) : g_strdup("");
    return TRUE;
}

static gboolean is_unreserved(char c) {
    return g_ascii_isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static void append_encoded(GString *out, const char *text, gsize length, const char *also_plain) {
    for (gsize i = 0; i < length; i++) {
        if (is_unreserved(text[i]) || (text[i] && strchr(also_plain, text[i])))
            g_string_append_c(out, text[i]);
        else
            g_string_append_printf(out, "%%%02X", (guint8)text[i]);
    }
}

/* Encodes a text in which some characters may be encoded already; what is, stays so, in upper case. */
static void append_encoded_once(GString *out, const char *text, gsize length, const char *also_plain) {
    for (gsize i = 0; i < length; i++) {
        if (text[i] != '%' || i + 2 >= length || !g_ascii_isxdigit(text[i + 1]) || !g_ascii_isxdigit(text[i + 2])) {
            append_encoded(out, text + i, 1, also_plain);
            continue;
        }
        char c = (char)(g_ascii_xdigit_value(text[i + 1]) << 4 | g_ascii_xdigit_value(text[i + 2]));
        append_encoded(out, &c, 1, "");
        i += 2;
    }
}

/* RFC 3986 5.2.4, and several slashes are one. */
static char *normalise_path(const char *path) {
    g_autoptr(GPtrArray) kept = g_ptr_array_new();
    g_auto(GStrv) segments = g_strsplit(path, "/", -1);
    const char *last = "";
    for (char **segment = segments; *segment; segment++) {
        last = *segment;
        if (strcmp(last, "..") == 0) {
            if (kept->len)
                g_ptr_array_set_size(kept, (gint)kept->len - 1);
        } else if (*last && strcmp(last, ".") != 0) {
            g_ptr_array_add(kept, *segment);
        }
    }
    gboolean folder = kept->len && (!*last || strcmp(last, ".") == 0 || strcmp(last, "..") == 0);
    g_ptr_array_add(kept, NULL);
    g_autofree char *joined = g_strjoinv("/", (char **)kept->pdata);
    return g_strconcat("/", joined, folder ? "/" : "", NULL);
}

static void append_path(GString *out, const char *path, gboolean plain) {
    if (plain) {
        append_encoded_once(out, path, strlen(path), "/");
        return;
    }
    g_autofree char *normal = normalise_path(path);
    append_encoded(out, normal, strlen(normal), "/");
}

static int compare_texts(gconstpointer a, gconstpointer b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Parameters encoded, sorted by name, then by value. "name" alone counts as "name=". */
static void append_query(GString *out, const char *query) {
    g_auto(GStrv) parameters = g_strsplit(query, "&", -1);
    g_autoptr(GPtrArray) encoded = g_ptr_array_new_with_free_func(g_free);
    for (char **parameter = parameters; *parameter; parameter++) {
        if (!**parameter)
            continue;
        gsize name = strcspn(*parameter, "=");
        const char *value = *parameter + name + ((*parameter)[name] == '=');
        GString *text = g_string_new(NULL);
        append_encoded_once(text, *parameter, name, "");
        g_string_append_c(text, '\1'); /* sorts before any character of a longer name */
        append_encoded_once(text, value, strlen(value), "");
        g_ptr_array_add(encoded, g_string_free(text, FALSE));
    }
    g_ptr_array_sort(encoded, compare_texts);
    for (guint i = 0; i < encoded->len; i++) {
        char *text = encoded->pdata[i];
        *strchr(text, '\1') = '=';
        g_string_append_printf(out, "%s%s", i ? "&" : "", text);
    }
}

/* Outer spaces removed, inner runs of white space made one space. */
static char *trim_value(const char *value) {
    GString *out = g_string_new(NULL);
    for (const char *c = value; *c; c++) {
        if (!g_ascii_isspace(*c))
            g_string_append_c(out, *c);
        else if (out->len && out->str[out->len - 1] != ' ')
            g_string_append_c(out, ' ');
    }
    if (out->len && out->str[out->len - 1] == ' ')
        g_string_truncate(out, out->len - 1);
    return g_string_free(out, FALSE);
}

static void signed_header_clear(gpointer data) {
    SignedHeader *header = data;
    g_free(header->name);
    g_free(header->value);
}

/* Values of one name are joined by commas in the order given. */
static void add_header(GArray *headers, const char *name, const char *value) {
    SignedHeader header = {g_ascii_strdown(name, -1), trim_value(value)};
    for (guint i = 0; i < headers->len; i++) {
        SignedHeader *other = &g_array_index(headers, SignedHeader, i);
        if (strcmp(other->name, header.name) != 0)
            continue;
        char *joined = g_strconcat(other->value, ",", header.value, NULL);
        g_free(other->value);
        other->value = joined;
        signed_header_clear(&header);
        return;
    }
    g_array_append_val(headers, header);
}

static int compare_headers(gconstpointer a, gconstpointer b) {
    return strcmp(((const SignedHeader *)a)->name, ((const SignedHeader *)b)->name);
}

static char *hex(const Digest digest) {
    GString *text = g_string_sized_new(2 * DIGEST_BYTES);
    for (gsize i = 0; i < DIGEST_BYTES; i++)
        g_string_append_printf(text, "%02x", digest[i]);
    return g_string_free(text, FALSE);
}

static char *sha256_hex(const char *data, gsize length) {
    Digest digest;
    if (!EVP_Digest(data ? data : "", length, digest, NULL, EVP_sha256(), NULL))
        g_error("SHA-256 is not available in the installed OpenSSL");
    return hex(digest);
}

static void hmac(const void *key, gsize key_length, const char *text, Digest out) {
    if (!HMAC(EVP_sha256(), key, (int)key_length, (const guint8 *)text, strlen(text), out, NULL))
        g_error("HMAC-SHA256 is not available in the installed OpenSSL");
}

static char *signature(const char *secret, const char *date, const SigV4Request *request, const char *to_sign) {
    Digest key;
    g_autofree char *first = g_strconcat("AWS4", secret, NULL);
    hmac(first, strlen(first), date, key);
    hmac(key, sizeof key, request->region, key);
    hmac(key, sizeof key, request->service, key);
    hmac(key, sizeof key, "aws4_request", key);
    hmac(key, sizeof key, to_sign, key);
    char *text = hex(key);
    OPENSSL_cleanse(first, strlen(first));
    OPENSSL_cleanse(key, sizeof key);
    return text;
}

/* The canonical request; *names gets the list of signed headers. */
static char *canonical_request(const SigV4Request *request, const UrlParts *url, GArray *headers, gboolean plain_path,
                               const char *body_hash, char **names) {
    g_autoptr(GString) signed_names = g_string_new(NULL);
    GString *text = g_string_new(request->method);
    g_string_append_c(text, '\n');
    append_path(text, url->path, plain_path);
    g_string_append_c(text, '\n');
    append_query(text, url->query);
    g_string_append_c(text, '\n');
    g_array_sort(headers, compare_headers);
    for (guint i = 0; i < headers->len; i++) {
        const SignedHeader *header = &g_array_index(headers, SignedHeader, i);
        g_string_append_printf(text, "%s:%s\n", header->name, header->value);
        g_string_append_printf(signed_names, "%s%s", i ? ";" : "", header->name);
    }
    g_string_append_printf(text, "\n%s\n%s", signed_names->str, body_hash);
    *names = g_strdup(signed_names->str);
    return g_string_free(text, FALSE);
}

static char *format_time(gint64 now_ms) {
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(now_ms / 1000);
    return time ? g_date_time_format(time, "%Y%m%dT%H%M%SZ") : NULL;
}

static gboolean is_complete(const SigV4Credentials *credentials, GError **error) {
    if (credentials->access_key_id && *credentials->access_key_id && credentials->secret_access_key && *credentials->secret_access_key)
        return TRUE;
    error_set(error, ERR_INVALID, "sign a request: the credentials lack an access key id or a secret access key");
    return FALSE;
}

/* Those the caller adds to the request, as pairs; *headers gets all that are signed. */
static GPtrArray *collect_headers(const SigV4Credentials *credentials, const SigV4Request *request, const UrlParts *url, const char *time,
                                  const char *body_hash, GArray *headers) {
    const char *const own[][2] = {
        {"X-Amz-Date", time}, {"X-Amz-Security-Token", credentials->session_token}, {"X-Amz-Content-Sha256", body_hash}};
    GPtrArray *added = g_ptr_array_new();
    gboolean has_host = FALSE;
    for (const char *const *header = request->headers; header && header[0]; header += 2) {
        has_host |= g_ascii_strcasecmp(header[0], "host") == 0;
        add_header(headers, header[0], header[1]);
    }
    if (!has_host)
        add_header(headers, "host", url->host);
    for (gsize i = 0; i < G_N_ELEMENTS(own); i++) {
        if (!own[i][1] || !*own[i][1])
            continue;
        add_header(headers, own[i][0], own[i][1]);
        g_ptr_array_add(added, g_strdup(own[i][0]));
        g_ptr_array_add(added, g_strdup(own[i][1]));
    }
    return added;
}

char **sigv4_sign(const SigV4Credentials *credentials, const SigV4Request *request, GError **error) {
    g_auto(UrlParts) url = {0};
    if (!is_complete(credentials, error) || !split_url(request->url, &url, error))
        return NULL;
    g_autofree char *time = format_time(request->now_ms);
    if (!time) {
        error_set(error, ERR_INVALID, "sign a request: the time %" G_GINT64_FORMAT " ms is out of range", request->now_ms);
        return NULL;
    }
    gboolean plain_path = g_strv_contains(plain_path_services, request->service);
    g_autofree char *body_hash = sha256_hex(request->body, request->body_length);
    g_autoptr(GArray) headers = g_array_new(FALSE, FALSE, sizeof(SignedHeader));
    g_array_set_clear_func(headers, signed_header_clear);
    GPtrArray *added = collect_headers(credentials, request, &url, time, plain_path ? body_hash : NULL, headers);

    g_autofree char *names = NULL;
    g_autofree char *canonical = canonical_request(request, &url, headers, plain_path, body_hash, &names);
    g_autofree char *canonical_hash = sha256_hex(canonical, strlen(canonical));
    g_autofree char *date = g_strndup(time, strlen("20150830"));
    g_autofree char *scope = g_strdup_printf("%s/%s/%s/aws4_request", date, request->region, request->service);
    g_autofree char *to_sign = g_strdup_printf(ALGORITHM "\n%s\n%s\n%s", time, scope, canonical_hash);
    g_autofree char *signed_text = signature(credentials->secret_access_key, date, request, to_sign);
    g_ptr_array_add(added, g_strdup("Authorization"));
    g_ptr_array_add(added, g_strdup_printf(ALGORITHM " Credential=%s/%s, SignedHeaders=%s, Signature=%s", credentials->access_key_id, scope,
                                           names, signed_text));
    g_ptr_array_add(added, NULL);
    return (char **)g_ptr_array_free(added, FALSE);
}
