/* Identification of requests, sign-in with a slow-down after failures, and the seam for permissions. Any thread: the set of users is
 * swapped under a lock; failures are counted under another. */
#include "auth/auth.h"
#include "auth/sessions.h"
#include "auth/users.h"
#include "base/ids.h"
#include "net/origin.h"
#include <string.h>

#define FAILURES_FREE 5 /* wrong passwords before the slow-down begins */
#define FAILURE_DELAY_MS 1000
#define FAILURE_DELAY_MAX_MS (60 * 1000)
#define FAILURES_TRACKED_MAX 10000
#define BASIC_CACHE_MAX 1000
#define BASIC_CACHE_MS (5 * 60 * 1000)

typedef struct {
    guint count;
    gint64 blocked_until_ms;
} Failures;
typedef struct {
    char *user, *binding;
    gint64 until_ms;
} KnownBasic;

struct Auth {
    char *folder;
    Sessions *sessions;
    GMutex lock;
    UserSet *users;          /* under lock */
    GHashTable *failures;    /* "peer user" → Failures, under lock */
    GHashTable *known_basic; /* SHA-256 of an Authorization header → KnownBasic, under lock: scrypt is slow on purpose */
    char *salt;              /* of those keys, random per process */
};

extern const ConfigSection auth_users_section, auth_basic_form_section, auth_spring_user_section;
const ConfigSection *const auth_config_sections[] = {&auth_users_section, &auth_basic_form_section, &auth_spring_user_section, NULL};

static void known_basic_free(gpointer data) {
    KnownBasic *known = data;
    g_free(known->user);
    g_free(known->binding);
    g_free(known);
}

Auth *auth_new(Config *config, const char *folder, GError **error) {
    g_autoptr(UserSet) users = users_load(config, folder, error);
    Sessions *sessions = users != NULL ? sessions_new(folder, error) : NULL;
    if (sessions == NULL)
        return NULL;
    Auth *auth = g_new0(Auth, 1);
    auth->folder = g_strdup(folder);
    auth->sessions = sessions;
    auth->users = g_steal_pointer(&users);
    g_mutex_init(&auth->lock);
    auth->failures = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    auth->known_basic = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, known_basic_free);
    auth->salt = id_secret(16);
    return auth;
}

void auth_free(Auth *auth) {
    if (auth == NULL)
        return;
    sessions_free(auth->sessions);
    users_unref(auth->users);
    g_hash_table_unref(auth->failures);
    g_hash_table_unref(auth->known_basic);
    g_mutex_clear(&auth->lock);
    g_free(auth->folder);
    g_free(auth->salt);
    g_free(auth);
}

gboolean auth_reload(Auth *auth, Config *config, GError **error) {
    UserSet *users = users_load(config, auth->folder, error);
    if (users == NULL)
        return FALSE;
    g_mutex_lock(&auth->lock);
    UserSet *old = auth->users;
    auth->users = users;
    g_hash_table_remove_all(auth->known_basic);
    g_mutex_unlock(&auth->lock);
    users_unref(old);
    return TRUE;
}

static UserSet *current_users(Auth *auth) {
    g_mutex_lock(&auth->lock);
    UserSet *users = users_ref(auth->users);
    g_mutex_unlock(&auth->lock);
    return users;
}

gboolean auth_is_required(Auth *auth) {
    g_autoptr(UserSet) users = current_users(auth);
    return users_count(users) > 0;
}

gboolean auth_check_listen(Auth *auth, const char *address, GError **error) {
    if (auth_is_required(auth) || origin_is_loopback(address))
        return TRUE;
    error_set(
        error, ERR_INVALID,
        "listening on %s needs sign-in, and no user is configured; add one: gennaker user add NAME --data %s (or listen on 127.0.0.1)",
        address, auth->folder != NULL ? auth->folder : "FOLDER");
    return FALSE;
}

/* ---- principals ---- */
static Principal *principal_new(const char *user, char **roles, gboolean admin, gboolean anonymous) {
    Principal *principal = g_new0(Principal, 1);
    principal->user = g_strdup(user);
    principal->roles = (const char *const *)(roles != NULL ? g_strdupv(roles) : g_new0(char *, 1));
    principal->admin = admin;
    principal->anonymous = anonymous;
    return principal;
}

/* Whose roles count: there are users. */
static Principal *principal_of(const User *user) {
    Principal *principal = principal_new(user->name, user->roles, g_strv_contains((const char *const *)user->roles, "admin"), FALSE);
    principal->authorized = TRUE;
    return principal;
}

void auth_principal_free(Principal *principal) {
    if (principal == NULL)
        return;
    g_free((char *)principal->user);
    g_strfreev((char **)principal->roles);
    g_free(principal);
}

/* ---- failures ---- */
static gboolean check_not_blocked(Auth *auth, const char *key, gint64 now_ms, GError **error) {
    g_mutex_lock(&auth->lock);
    const Failures *failures = g_hash_table_lookup(auth->failures, key);
    gint64 left = failures != NULL ? failures->blocked_until_ms - now_ms : 0;
    g_mutex_unlock(&auth->lock);
    if (left <= 0)
        return TRUE;
    error_set(error, ERR_LIMIT, "too many failed sign-ins; try again in %" G_GINT64_FORMAT " s", left / 1000 + 1);
    return FALSE;
}

static void note_attempt(Auth *auth, const char *key, gboolean right, gint64 now_ms) {
    g_mutex_lock(&auth->lock);
    if (right) {
        g_hash_table_remove(auth->failures, key);
    } else {
        if (g_hash_table_size(auth->failures) >= FAILURES_TRACKED_MAX)
            g_hash_table_remove_all(auth->failures);
        Failures *failures = g_hash_table_lookup(auth->failures, key);
        if (failures == NULL) {
            failures = g_new0(Failures, 1);
            g_hash_table_insert(auth->failures, g_strdup(key), failures);
        }
        failures->count++;
        if (failures->count > FAILURES_FREE) {
            guint doublings = MIN(failures->count - FAILURES_FREE - 1, 6);
            failures->blocked_until_ms = now_ms + MIN(FAILURE_DELAY_MS << doublings, FAILURE_DELAY_MAX_MS);
        }
    }
    g_mutex_unlock(&auth->lock);
}

/* The user if the password is right. An unknown user costs as much time as a known one. */
static const User *check_password(Auth *auth, const UserSet *users, const char *name, const char *password, const AuthRequest *request,
                                  GError **error) {
    static const char *const NOBODY = "scrypt$15$8$1$00000000000000000000000000000000$"
                                      "0000000000000000000000000000000000000000000000000000000000000000";
    g_autofree char *key = g_strdup_printf("%s %.*s", request->peer != NULL ? request->peer : "", USER_NAME_MAX, name);
    if (!check_not_blocked(auth, key, request->now_ms, error))
        return NULL;
    const User *user = users_find(users, name);
    gboolean right = password_matches(user != NULL && user->password != NULL ? user->password : NOBODY, password) && user != NULL;
    note_attempt(auth, key, right, request->now_ms);
    if (right)
        return user;
    error_set(error, ERR_UNAUTHENTICATED, "wrong user name or password");
    return NULL;
}

/* ---- the three ways ---- */
static Principal *by_token(const UserSet *users, const char *token, GError **error) {
    const User *user = users_find_token(users, token);
    if (user != NULL)
        return principal_of(user);
    error_set(error, ERR_UNAUTHENTICATED, "the bearer token is not known");
    return NULL;
}

static Principal *by_known_basic(Auth *auth, const UserSet *users, const char *key, gint64 now_ms) {
    Principal *principal = NULL;
    g_mutex_lock(&auth->lock);
    const KnownBasic *known = g_hash_table_lookup(auth->known_basic, key);
    if (known != NULL && known->until_ms > now_ms) {
        const User *user = users_find(users, known->user);
        if (user != NULL && g_strcmp0(user->password, known->binding) == 0)
            principal = principal_of(user);
    }
    g_mutex_unlock(&auth->lock);
    return principal;
}

static Principal *by_basic(Auth *auth, const UserSet *users, const char *encoded, const AuthRequest *request, GError **error) {
    g_autofree char *salted = g_strconcat(auth->salt, encoded, NULL);
    g_autofree char *key = g_compute_checksum_for_string(G_CHECKSUM_SHA256, salted, -1);
    Principal *known = by_known_basic(auth, users, key, request->now_ms);
    if (known != NULL)
        return known;
    gsize length = 0;
    g_autofree guchar *bytes = g_base64_decode(encoded, &length);
    g_autofree char *text = g_strndup((const char *)bytes, length);
    char *colon = strchr(text, ':');
    if (colon == NULL) {
        error_set(error, ERR_UNAUTHENTICATED, "Authorization: Basic needs base64 of user:password");
        return NULL;
    }
    *colon = '\0';
    const User *user = check_password(auth, users, text, colon + 1, request, error);
    if (user == NULL)
        return NULL;
    KnownBasic *entry = g_new0(KnownBasic, 1);
    entry->user = g_strdup(user->name);
    entry->binding = g_strdup(user->password);
    entry->until_ms = request->now_ms + BASIC_CACHE_MS;
    g_mutex_lock(&auth->lock);
    if (g_hash_table_size(auth->known_basic) >= BASIC_CACHE_MAX)
        g_hash_table_remove_all(auth->known_basic);
    g_hash_table_replace(auth->known_basic, g_steal_pointer(&key), entry);
    g_mutex_unlock(&auth->lock);
    return principal_of(user);
}

static const char *after_scheme(const char *authorization, const char *scheme) {
    gsize length = strlen(scheme);
    if (authorization == NULL || g_ascii_strncasecmp(authorization, scheme, length) != 0 || authorization[length] != ' ')
        return NULL;
    return authorization + length + strspn(authorization + length, " ");
}

Principal *auth_identify(Auth *auth, const AuthRequest *request, GError **error) {
    g_autoptr(UserSet) users = current_users(auth);
    if (users_count(users) == 0)
        return principal_new("anonymous", NULL, TRUE, TRUE);
    const char *bearer = after_scheme(request->authorization, "Bearer");
    if (bearer == NULL)
        bearer = request->token;
    if (bearer != NULL)
        return by_token(users, bearer, error);
    const char *basic = after_scheme(request->authorization, "Basic");
    if (basic != NULL)
        return by_basic(auth, users, basic, request, error);
    g_autofree char *claimed = sessions_user(request->cookie);
    const User *user = claimed != NULL ? users_find(users, claimed) : NULL;
    if (user != NULL && sessions_check(auth->sessions, request->cookie, user->password != NULL ? user->password : "", request->now_ms))
        return principal_of(user);
    return principal_new("anonymous", NULL, FALSE, TRUE);
}

Principal *auth_principal_named(Auth *auth, const char *user) {
    g_autoptr(UserSet) users = current_users(auth);
    const User *known = user != NULL ? users_find(users, user) : NULL;
    if (known != NULL)
        return principal_of(known);
    Principal *principal = principal_new(user != NULL ? user : "anonymous", NULL, FALSE, user == NULL);
    principal->authorized = users_count(users) > 0;
    return principal;
}

char *auth_sign_in(Auth *auth, const char *user, const char *password, const AuthRequest *request, GError **error) {
    g_autoptr(UserSet) users = current_users(auth);
    const User *found = check_password(auth, users, user, password, request, error);
    if (found == NULL)
        return NULL;
    return sessions_begin(auth->sessions, found->name, found->password, request->now_ms);
}

char *auth_sign_out(Auth *auth, const AuthRequest *request) {
    return sessions_end(auth->sessions, request->cookie);
}

gboolean auth_may(Auth *auth, const Principal *principal, May what, const char *resource_type, const char *resource, GError **error) {
    if (!auth_is_required(auth))
        return TRUE;
    if (principal->anonymous) {
        error_set(error, ERR_UNAUTHENTICATED, "sign in first");
        return FALSE;
    }
    if (what != MAY_ADMIN || principal->admin)
        return TRUE;
    error_set(error, ERR_FORBIDDEN, "user %s is no administrator (%s%s%s needs the role admin)", principal->user,
              resource_type != NULL ? resource_type : "server", resource != NULL ? " " : "", resource != NULL ? resource : "");
    return FALSE;
}
