/* Session cookies: "user|expiry|random|HMAC". The key is a file of the data folder with mode 0600. Any thread. */
#include "auth/sessions.h"
#include "base/ids.h"
#include <glib/gstdio.h>
#include <openssl/crypto.h>
#include <string.h>

#define KEY_FILE "session.key"
#define KEY_BYTES 32
#define COOKIE_MAX 1024

struct Sessions {
    char *key;
    GMutex lock;
    GHashTable *ended; /* cookie → itself */
    GQueue order;      /* the same, oldest first; borrowed */
};

/* The key of the folder, made when there is none. */
static char *load_key(const char *folder, GError **error) {
    if (folder == NULL)
        return id_secret(KEY_BYTES);
    g_autofree char *path = g_build_filename(folder, KEY_FILE, NULL);
    char *key = NULL;
    if (g_file_test(path, G_FILE_TEST_EXISTS)) {
        if (!g_file_get_contents(path, &key, NULL, error))
            return NULL;
        if (strlen(key) == KEY_BYTES * 2)
            return key;
        g_free(key);
        error_set(error, ERR_INVALID, "%s is damaged; remove it (users then have to sign in again)", path);
        return NULL;
    }
    key = id_secret(KEY_BYTES);
    if (!g_file_set_contents_full(path, key, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600, error))
        g_clear_pointer(&key, g_free);
    return key;
}

Sessions *sessions_new(const char *folder, GError **error) {
    g_autofree char *key = load_key(folder, error);
    if (key == NULL)
        return NULL;
    Sessions *sessions = g_new0(Sessions, 1);
    sessions->key = g_steal_pointer(&key);
    g_mutex_init(&sessions->lock);
    sessions->ended = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_queue_init(&sessions->order);
    return sessions;
}

void sessions_free(Sessions *sessions) {
    if (sessions == NULL)
        return;
    g_queue_clear(&sessions->order);
    g_hash_table_unref(sessions->ended);
    g_mutex_clear(&sessions->lock);
    g_free(sessions->key);
    g_free(sessions);
}

/* The value of our cookie in a Cookie header; caller frees. */
static char *cookie_of(const char *header) {
    g_auto(GStrv) cookies = g_strsplit(header != NULL ? header : "", ";", -1);
    for (gsize i = 0; cookies[i] != NULL; i++) {
        const char *cookie = g_strstrip(cookies[i]);
        if (g_str_has_prefix(cookie, SESSION_COOKIE "=") && strlen(cookie) <= COOKIE_MAX)
            return g_strdup(cookie + strlen(SESSION_COOKIE "="));
    }
    return NULL;
}

static char *sign(const Sessions *sessions, const char *payload, const char *binding) {
    g_autofree char *text = g_strconcat(payload, "|", binding, NULL);
    return g_compute_hmac_for_string(G_CHECKSUM_SHA256, (const guchar *)sessions->key, strlen(sessions->key), text, -1);
}

static char *set_cookie(const char *value, gint64 seconds) {
    return g_strdup_printf(SESSION_COOKIE "=%s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%" G_GINT64_FORMAT, value, seconds);
}

char *sessions_begin(Sessions *sessions, const char *user, const char *binding, gint64 now_ms) {
    g_autofree char *random = id_secret(16);
    g_autofree char *name = g_uri_escape_string(user, NULL, FALSE);
    g_autofree char *payload = g_strdup_printf("%s|%" G_GINT64_FORMAT "|%s", name, now_ms + SESSION_LIFETIME_MS, random);
    g_autofree char *signature = sign(sessions, payload, binding);
    g_autofree char *value = g_strconcat(payload, "|", signature, NULL);
    return set_cookie(value, SESSION_LIFETIME_MS / 1000);
}

char *sessions_user(const char *cookie_header) {
    g_autofree char *cookie = cookie_of(cookie_header);
    if (cookie == NULL)
        return NULL;
    char *end = strchr(cookie, '|');
    if (end == NULL)
        return NULL;
    *end = '\0';
    return g_uri_unescape_string(cookie, NULL);
}

gboolean sessions_check(Sessions *sessions, const char *cookie_header, const char *binding, gint64 now_ms) {
    g_autofree char *cookie = cookie_of(cookie_header);
    g_auto(GStrv) parts = g_strsplit(cookie != NULL ? cookie : "", "|", -1);
    gint64 expiry = 0;
    if (g_strv_length(parts) != 4 || !g_ascii_string_to_signed(parts[1], 10, 0, G_MAXINT64, &expiry, NULL) || expiry < now_ms)
        return FALSE;
    g_autofree char *payload = g_strjoin("|", parts[0], parts[1], parts[2], NULL);
    g_autofree char *expected = sign(sessions, payload, binding);
    if (strlen(expected) != strlen(parts[3]) || CRYPTO_memcmp(expected, parts[3], strlen(expected)) != 0)
        return FALSE;
    g_mutex_lock(&sessions->lock);
    gboolean ended = g_hash_table_contains(sessions->ended, cookie);
    g_mutex_unlock(&sessions->lock);
    return !ended;
}

char *sessions_end(Sessions *sessions, const char *cookie_header) {
    char *cookie = cookie_of(cookie_header);
    if (cookie != NULL) {
        g_mutex_lock(&sessions->lock);
        if (g_hash_table_contains(sessions->ended, cookie)) {
            g_free(cookie);
        } else {
            g_hash_table_add(sessions->ended, cookie);
            g_queue_push_tail(&sessions->order, cookie);
        }
        if (g_queue_get_length(&sessions->order) > SESSIONS_ENDED_MAX)
            g_hash_table_remove(sessions->ended, g_queue_pop_head(&sessions->order));
        g_mutex_unlock(&sessions->lock);
    }
    return set_cookie("", 0);
}
