/* Users and their secrets: scrypt for passwords, SHA-256 for tokens (which are long random numbers). users.json has mode 0600 and is
 * replaced whole. Any thread; writing is for the command line alone. */
#include "auth/users.h"
#include "base/error.h"
#include "base/ids.h"
#include <glib/gstdio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#define USERS_FILE "users.json"
#define SCRYPT_LOG_N 15 /* 32 MB and about 60 ms */
#define SCRYPT_LOG_N_MAX 17
#define SCRYPT_R 8
#define SCRYPT_P 1
#define SCRYPT_MEMORY_MAX (G_GUINT64_CONSTANT(256) * 1024 * 1024)
#define SALT_BYTES 16
#define HASH_BYTES 32

struct UserSet {
    gint ref_count;
    GHashTable *by_name; /* name → User */
};

static void user_free(gpointer data) {
    User *user = data;
    g_free(user->name);
    g_free(user->password);
    g_free(user->token);
    g_strfreev(user->roles);
    g_free(user);
}

UserSet *users_ref(UserSet *users) {
    g_atomic_int_inc(&users->ref_count);
    return users;
}

void users_unref(UserSet *users) {
    if (users == NULL || !g_atomic_int_dec_and_test(&users->ref_count))
        return;
    g_hash_table_unref(users->by_name);
    g_free(users);
}

guint users_count(const UserSet *users) {
    return g_hash_table_size(users->by_name);
}

const User *users_find(const UserSet *users, const char *name) {
    return g_hash_table_lookup(users->by_name, name);
}

/* ---- secrets ---- */
static char *to_hex(const guint8 *bytes, gsize n) {
    GString *text = g_string_sized_new(n * 2);
    for (gsize i = 0; i < n; i++)
        g_string_append_printf(text, "%02x", bytes[i]);
    return g_string_free(text, FALSE);
}

static gboolean from_hex(const char *text, guint8 *bytes, gsize n) {
    if (strlen(text) != n * 2)
        return FALSE;
    for (gsize i = 0; i < n; i++) {
        int high = g_ascii_xdigit_value(text[i * 2]), low = g_ascii_xdigit_value(text[i * 2 + 1]);
        if (high < 0 || low < 0)
            return FALSE;
        bytes[i] = (guint8)(high * 16 + low);
    }
    return TRUE;
}

static gboolean scrypt(const char *password, const guint8 *salt, guint64 n, guint64 r, guint64 p, guint8 *hash) {
    return EVP_PBE_scrypt(password, strlen(password), salt, SALT_BYTES, n, r, p, SCRYPT_MEMORY_MAX, hash, HASH_BYTES) == 1;
}

char *password_hash(const char *password) {
    guint8 salt[SALT_BYTES], hash[HASH_BYTES];
    if (RAND_bytes(salt, sizeof salt) != 1 || !scrypt(password, salt, G_GUINT64_CONSTANT(1) << SCRYPT_LOG_N, SCRYPT_R, SCRYPT_P, hash))
        g_error("no random numbers or no scrypt from the crypto library");
    g_autofree char *salt_text = to_hex(salt, sizeof salt);
    g_autofree char *hash_text = to_hex(hash, sizeof hash);
    return g_strdup_printf("scrypt$%d$%d$%d$%s$%s", SCRYPT_LOG_N, SCRYPT_R, SCRYPT_P, salt_text, hash_text);
}

gboolean password_matches(const char *hash, const char *password) {
    g_auto(GStrv) parts = g_strsplit(hash != NULL ? hash : "", "$", -1);
    guint64 log_n = 0, r = 0, p = 0;
    guint8 salt[SALT_BYTES], expected[HASH_BYTES], actual[HASH_BYTES];
    if (g_strv_length(parts) != 6 || strcmp(parts[0], "scrypt") != 0 || strlen(password) > PASSWORD_MAX)
        return FALSE;
    if (!g_ascii_string_to_unsigned(parts[1], 10, 1, SCRYPT_LOG_N_MAX, &log_n, NULL) ||
        !g_ascii_string_to_unsigned(parts[2], 10, 1, 16, &r, NULL) || !g_ascii_string_to_unsigned(parts[3], 10, 1, 4, &p, NULL))
        return FALSE;
    if (!from_hex(parts[4], salt, sizeof salt) || !from_hex(parts[5], expected, sizeof expected))
        return FALSE;
    return scrypt(password, salt, G_GUINT64_CONSTANT(1) << log_n, r, p, actual) && CRYPTO_memcmp(actual, expected, sizeof expected) == 0;
}

const User *users_find_token(const UserSet *users, const char *token) {
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, token, -1);
    const User *found = NULL;
    GHashTableIter iter;
    gpointer value = NULL;
    g_hash_table_iter_init(&iter, users->by_name);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const User *user = value;
        if (user->token != NULL && strlen(user->token) == strlen(hash) && CRYPTO_memcmp(user->token, hash, strlen(hash)) == 0)
            found = user;
    }
    return found;
}

/* ---- reading ---- */
typedef struct {
    char *name, *password, *token;
    char **roles;
} UserEntry;
static const Param user_params[] = {
    {.name = "name", .type = PARAM_STRING, .offset = offsetof(UserEntry, name), .required = TRUE, .help = "Name to sign in with."},
    {.name = "password",
     .type = PARAM_STRING,
     .offset = offsetof(UserEntry, password),
     .secret = TRUE,
     .help = "Hash of the password, as `gennaker user add` writes it."},
    {.name = "token",
     .type = PARAM_STRING,
     .offset = offsetof(UserEntry, token),
     .secret = TRUE,
     .help = "SHA-256 of a bearer token, in hex."},
    {.name = "roles", .type = PARAM_STRINGS, .offset = offsetof(UserEntry, roles), .help = "Roles; `admin` may administer the server."},
    {0},
};
static const Param users_section_params[] = {
    {.name = "users",
     .type = PARAM_JSON,
     .members = user_params,
     .help = "Users who may sign in: a list of {name, password, roles, token}."},
    {0},
};
const ConfigSection auth_users_section = {SERVICE_GENNAKER, "", users_section_params, "Users named in the configuration."};

/* Spinnaker's sign-in by form and Spring's one user for it, as add_basic_form reads them. */
typedef struct {
    gboolean enabled;
    char *name, *password;
} BasicForm;
static const Param basic_form_params[] = {
    {.name = "enabled",
     .type = PARAM_BOOL,
     .offset = offsetof(BasicForm, enabled),
     .help = "Whether spring.security.user signs in by form, beside users named elsewhere."},
    {0},
};
static const Param spring_user_params[] = {
    {.name = "name", .type = PARAM_STRING, .offset = offsetof(BasicForm, name), .help = "Name of the user of security.basicform."},
    {.name = "password",
     .type = PARAM_STRING,
     .offset = offsetof(BasicForm, password),
     .secret = TRUE,
     .help = "The password, plain or as `gennaker user add` writes its hash."},
    {0},
};
const ConfigSection auth_basic_form_section = {SERVICE_GATE, "security.basicform", basic_form_params, "Sign-in with one user."};
const ConfigSection auth_spring_user_section = {SERVICE_GATE, "spring.security.user", spring_user_params,
                                                "The user of security.basicform."};

static gboolean add_user(UserSet *users, const JsonValue *value, const char *where, GError **error) {
    UserEntry entry = {0};
    if (!params_read(user_params, value, &entry, error)) {
        g_prefix_error(error, "user in %s: ", where);
        return FALSE;
    }
    if (g_hash_table_size(users->by_name) >= USERS_MAX || strlen(entry.name) > USER_NAME_MAX) {
        error_set(error, ERR_LIMIT, "%s: more than %d users, or a name longer than %d", where, USERS_MAX, USER_NAME_MAX);
        params_clear(user_params, &entry);
        return FALSE;
    }
    User *user = g_new0(User, 1);
    user->name = g_steal_pointer(&entry.name);
    user->password = g_steal_pointer(&entry.password);
    user->token = g_steal_pointer(&entry.token);
    user->roles = entry.roles != NULL ? g_steal_pointer(&entry.roles) : g_new0(char *, 1);
    params_clear(user_params, &entry);
    g_hash_table_replace(users->by_name, user->name, user);
    return TRUE;
}

/* The document of users.json; an absent file is an empty one. Caller owns. */
static Json *read_file(const char *folder, GError **error) {
    g_autofree char *path = g_build_filename(folder, USERS_FILE, NULL);
    g_autofree char *text = NULL;
    gsize length = 0;
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return json_pack("{s:[]}", "users");
    if (!g_file_get_contents(path, &text, &length, error))
        return NULL;
    Json *document = json_parse(text, (gssize)length, error);
    if (document == NULL)
        g_prefix_error(error, "%s: ", path);
    return document;
}

/* The one user of Spinnaker's basic form: spring.security.user, its password plain as Spring has it. */
static gboolean add_basic_form(UserSet *users, Config *config, GError **error) {
    if (!config_get_bool(config, SERVICE_GATE, "security.basicform.enabled", FALSE))
        return TRUE;
    const char *name = config_get_string(config, SERVICE_GATE, "spring.security.user.name");
    const char *password = config_get_string(config, SERVICE_GATE, "spring.security.user.password");
    if (name == NULL || password == NULL) {
        /* Without them the users named elsewhere sign in by the form. */
        if (users_count(users) > 0)
            return TRUE;
        error_set(error, ERR_INVALID,
                  "security.basicform.enabled needs spring.security.user.name and .password, or users: gennaker user add NAME");
        return FALSE;
    }
    User *user = g_new0(User, 1);
    user->name = g_strdup(name);
    user->password = g_str_has_prefix(password, "scrypt$") ? g_strdup(password) : password_hash(password);
    static const char *const ROLES[] = {"USER", "admin", NULL};
    user->roles = g_strdupv((char **)ROLES);
    g_hash_table_replace(users->by_name, user->name, user);
    return TRUE;
}

UserSet *users_load(Config *config, const char *folder, GError **error) {
    g_autoptr(UserSet) users = g_new0(UserSet, 1);
    users->ref_count = 1;
    users->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, user_free);
    g_autoptr(Json) file = folder != NULL ? read_file(folder, error) : json_empty_object();
    if (file == NULL)
        return NULL;
    for (JsonIter i = json_iter(json_get(json_root(file), "users")); json_next(&i);)
        if (!add_user(users, i.value, USERS_FILE, error))
            return NULL;
    for (JsonIter i = json_iter(config_get(config, SERVICE_GENNAKER, "users")); json_next(&i);)
        if (!add_user(users, i.value, "gennaker.users", error))
            return NULL;
    if (!add_basic_form(users, config, error))
        return NULL;
    return g_steal_pointer(&users);
}

/* ---- writing ---- */
static gboolean write_file(const char *folder, const JsonValue *document, GError **error) {
    g_autofree char *path = g_build_filename(folder, USERS_FILE, NULL);
    gsize length = 0;
    g_autofree char *text = json_write_pretty(document, &length);
    if (g_mkdir_with_parents(folder, 0700) != 0 ||
        !g_file_set_contents_full(path, text, (gssize)length, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600, error)) {
        if (error != NULL && *error == NULL)
            error_set(error, ERR_UNAVAILABLE, "cannot write %s", path);
        return FALSE;
    }
    return TRUE;
}

static gboolean is_user_name(const char *name) {
    if (*name == '\0' || strlen(name) > USER_NAME_MAX || !g_utf8_validate(name, -1, NULL))
        return FALSE;
    return strpbrk(name, " \t\r\n:|\"\\") == NULL;
}

/* users.json without one user, optionally with another entry at the end. */
static Json *rewritten(const JsonValue *document, const char *without, const Json *added, gboolean *found) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_begin_array(builder, "users");
    *found = FALSE;
    for (JsonIter i = json_iter(json_get(document, "users")); json_next(&i);) {
        if (g_strcmp0(json_get_string(i.value, "name"), without) == 0)
            *found = TRUE;
        else
            json_add_value(builder, NULL, i.value);
    }
    if (added != NULL)
        json_add_json(builder, NULL, added);
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

gboolean users_add(const char *folder, const char *name, const char *password, const char *const *roles, gboolean token,
                   char **made_password, char **made_token, GError **error) {
    *made_password = *made_token = NULL;
    if (!is_user_name(name)) {
        error_set(error, ERR_INVALID, "user name \"%s\": 1 to %d characters, no white space, quotes, ':' or '|'", name, USER_NAME_MAX);
        return FALSE;
    }
    if (password != NULL && g_utf8_strlen(password, -1) < PASSWORD_MIN) {
        error_set(error, ERR_INVALID, "the password of user %s is too short: at least %d characters (PASSWORD_MIN)", name, PASSWORD_MIN);
        return FALSE;
    }
    g_autoptr(Json) document = read_file(folder, error);
    if (document == NULL)
        return FALSE;
    g_autofree char *generated = password == NULL ? id_secret(12) : NULL;
    g_autofree char *secret = token ? id_secret(30) : NULL;
    g_autofree char *bearer = token ? g_strconcat("spk_", secret, NULL) : NULL;
    g_autofree char *hash = password_hash(password != NULL ? password : generated);
    g_autofree char *token_hash = token ? g_compute_checksum_for_string(G_CHECKSUM_SHA256, bearer, -1) : NULL;
    g_autoptr(Json) role_list = json_from_strings(roles);
    g_autoptr(Json) entry = json_pack("{s:s, s:s, s:s, s:j}", "name", name, "password", hash, "token", token_hash, "roles", role_list);
    gboolean exists = FALSE;
    g_autoptr(Json) next = rewritten(json_root(document), name, entry, &exists);
    if (exists) {
        error_set(error, ERR_CONFLICT, "user %s exists; remove it first: gennaker user remove %s", name, name);
        return FALSE;
    }
    if (!write_file(folder, json_root(next), error))
        return FALSE;
    *made_password = g_steal_pointer(&generated);
    *made_token = g_steal_pointer(&bearer);
    return TRUE;
}

gboolean users_remove(const char *folder, const char *name, GError **error) {
    g_autoptr(Json) document = read_file(folder, error);
    if (document == NULL)
        return FALSE;
    gboolean found = FALSE;
    g_autoptr(Json) next = rewritten(json_root(document), name, NULL, &found);
    if (!found) {
        error_set(error, ERR_NOT_FOUND, "no user %s in %s/%s", name, folder, USERS_FILE);
        return FALSE;
    }
    return write_file(folder, json_root(next), error);
}

Json *users_list(const char *folder, GError **error) {
    g_autoptr(Json) document = read_file(folder, error);
    if (document == NULL)
        return NULL;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(json_get(json_root(document), "users")); json_next(&i);) {
        json_begin_object(builder, NULL);
        json_add_value(builder, "name", json_get(i.value, "name"));
        json_add_value(builder, "roles", json_get(i.value, "roles"));
        json_add_bool(builder, "password", json_get_string(i.value, "password") != NULL);
        json_add_bool(builder, "token", json_get_string(i.value, "token") != NULL);
        json_end_object(builder);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}
