/* Sign-in: users file, passwords, tokens, sessions, slow-down. */
#include "auth/auth.h"
#include "auth/users.h"
#include "base/error.h"
#include <glib/gstdio.h>
#include <string.h>

static char *temporary_folder(void) {
    g_autoptr(GError) error = NULL;
    char *folder = g_dir_make_tmp("gennaker-auth-XXXXXX", &error);
    g_assert_no_error(error);
    return folder;
}

static void remove_folder(const char *folder) {
    static const char *const FILES[] = {"users.json", "session.key"};
    for (gsize i = 0; i < G_N_ELEMENTS(FILES); i++) {
        g_autofree char *path = g_build_filename(folder, FILES[i], NULL);
        g_unlink(path);
    }
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

static const char *const ADMIN[] = {"admin", NULL};
static const char *const NONE[] = {NULL};

static void add(const char *folder, const char *name, const char *password, const char *const *roles, char **token) {
    g_autoptr(GError) error = NULL;
    g_autofree char *made = NULL, *bearer = NULL;
    g_assert_true(users_add(folder, name, password, roles, token != NULL, &made, &bearer, &error));
    g_assert_no_error(error);
    g_assert_true(password == NULL ? made != NULL : made == NULL);
    if (token != NULL)
        *token = g_steal_pointer(&bearer);
}

static void test_password_hash(void) {
    g_autofree char *hash = password_hash("correct horse");
    g_autofree char *again = password_hash("correct horse");
    g_assert_cmpstr(hash, !=, again);
    g_assert_null(strstr(hash, "horse"));
    g_assert_true(password_matches(hash, "correct horse"));
    g_assert_false(password_matches(hash, "correct horsf"));
    g_assert_false(password_matches(hash, ""));
    g_assert_false(password_matches("scrypt$99$8$1$00$00", "x"));
    g_assert_false(password_matches("plain", "plain"));
    g_autofree char *too_long = g_strnfill(PASSWORD_MAX + 1, 'a');
    g_assert_false(password_matches(hash, too_long));
}

static void test_open_without_users(void) {
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = temporary_folder();
    g_autoptr(Config) config = config_load(NULL, &error);
    Auth *auth = auth_new(config, folder, &error);
    g_assert_no_error(error);
    g_assert_false(auth_is_required(auth));
    Principal *principal = auth_identify(auth, &(AuthRequest){.now_ms = 1}, &error);
    g_assert_true(principal->anonymous);
    g_assert_false(principal->authorized);
    g_assert_cmpstr(principal->user, ==, "anonymous");
    g_assert_true(auth_may(auth, principal, MAY_WRITE, NULL, NULL, &error));
    auth_principal_free(principal);
    g_assert_true(auth_check_listen(auth, "127.0.0.1", &error));
    g_assert_false(auth_check_listen(auth, "0.0.0.0", &error));
    g_assert_cmpint(error_code(error), ==, ERR_INVALID);
    g_assert_nonnull(strstr(error->message, "gennaker user add"));
    auth_free(auth);
    remove_folder(folder);
}

static void test_ways_in(void) {
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = temporary_folder();
    g_autofree char *token = NULL;
    add(folder, "ann", "secret-1", ADMIN, &token);
    add(folder, "bob", "secret-2", NONE, NULL);
    g_autoptr(Config) config = config_load(NULL, &error);
    Auth *auth = auth_new(config, folder, &error);
    g_assert_no_error(error);
    g_assert_true(auth_check_listen(auth, "0.0.0.0", &error));

    Principal *nobody = auth_identify(auth, &(AuthRequest){.now_ms = 1}, &error);
    g_assert_false(auth_may(auth, nobody, MAY_READ, NULL, NULL, &error));
    g_assert_cmpint(error_code(error), ==, ERR_UNAUTHENTICATED);
    g_clear_error(&error);
    auth_principal_free(nobody);

    g_autofree char *bearer = g_strconcat("bearer ", token, NULL);
    Principal *ann = auth_identify(auth, &(AuthRequest){.authorization = bearer, .now_ms = 1}, &error);
    g_assert_no_error(error);
    g_assert_true(ann->admin);
    g_assert_true(principal_has_role(ann, (const char *const[]){"sre", NULL}));
    auth_principal_free(ann);
    g_assert_null(auth_identify(auth, &(AuthRequest){.token = "spk_wrong", .now_ms = 1}, &error));
    g_assert_cmpint(error_code(error), ==, ERR_UNAUTHENTICATED);
    g_clear_error(&error);

    g_autofree char *encoded = g_base64_encode((const guchar *)"bob:secret-2", strlen("bob:secret-2"));
    g_autofree char *basic = g_strconcat("Basic ", encoded, NULL);
    for (int i = 0; i < 2; i++) {
        Principal *bob = auth_identify(auth, &(AuthRequest){.authorization = basic, .now_ms = 1}, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(bob->user, ==, "bob");
        g_assert_true(bob->authorized);
        g_assert_false(principal_has_role(bob, (const char *const[]){"sre", NULL}));
        g_assert_true(auth_may(auth, bob, MAY_WRITE, "application", "x", &error));
        g_assert_false(auth_may(auth, bob, MAY_ADMIN, NULL, NULL, &error));
        g_assert_cmpint(error_code(error), ==, ERR_FORBIDDEN);
        g_assert_nonnull(strstr(error->message, "(server needs the role admin)"));
        g_clear_error(&error);
        auth_principal_free(bob);
    }
    auth_free(auth);
    remove_folder(folder);
}

static char *cookie_header(const char *set_cookie) {
    g_auto(GStrv) parts = g_strsplit(set_cookie, ";", 2);
    return g_strconcat("other=1; ", parts[0], NULL);
}

static void test_session(void) {
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = temporary_folder();
    add(folder, "ann", "secret-1", NONE, NULL);
    g_autoptr(Config) config = config_load(NULL, &error);
    Auth *auth = auth_new(config, folder, &error);
    AuthRequest request = {.peer = "127.0.0.1", .now_ms = 1000};
    g_autofree char *set = auth_sign_in(auth, "ann", "secret-1", &request, &error);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(set, "HttpOnly"));
    g_autofree char *cookie = cookie_header(set);
    request.cookie = cookie;
    /* It survives a restart, ends with its time, and ends when signed out. */
    auth_free(auth);
    auth = auth_new(config, folder, &error);
    Principal *ann = auth_identify(auth, &request, &error);
    g_assert_cmpstr(ann->user, ==, "ann");
    auth_principal_free(ann);
    Principal *late = auth_identify(auth, &(AuthRequest){.cookie = cookie, .now_ms = G_MAXINT64}, &error);
    g_assert_true(late->anonymous);
    auth_principal_free(late);
    g_autofree char *forged = g_strconcat(cookie, "0", NULL);
    Principal *forger = auth_identify(auth, &(AuthRequest){.cookie = forged, .now_ms = 1000}, &error);
    g_assert_true(forger->anonymous);
    auth_principal_free(forger);
    g_autofree char *cleared = auth_sign_out(auth, &request);
    g_assert_nonnull(strstr(cleared, "Max-Age=0"));
    Principal *out = auth_identify(auth, &request, &error);
    g_assert_true(out->anonymous);
    auth_principal_free(out);
    auth_free(auth);
    remove_folder(folder);
}

static void test_slow_down(void) {
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = temporary_folder();
    add(folder, "ann", "secret-1", NONE, NULL);
    g_autoptr(Config) config = config_load(NULL, &error);
    Auth *auth = auth_new(config, folder, &error);
    AuthRequest request = {.peer = "127.0.0.1", .now_ms = 1000};
    for (int i = 0; i < 6; i++) {
        g_assert_null(auth_sign_in(auth, "ann", "wrong", &request, &error));
        g_assert_cmpint(error_code(error), ==, ERR_UNAUTHENTICATED);
        g_clear_error(&error);
    }
    g_assert_null(auth_sign_in(auth, "ann", "secret-1", &request, &error));
    g_assert_cmpint(error_code(error), ==, ERR_LIMIT);
    g_clear_error(&error);
    request.now_ms += 2000;
    g_autofree char *set = auth_sign_in(auth, "ann", "secret-1", &request, &error);
    g_assert_nonnull(set);
    auth_free(auth);
    remove_folder(folder);
}

static void test_users_file(void) {
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = temporary_folder();
    add(folder, "ann", NULL, ADMIN, NULL);
    char *password = NULL, *token = NULL;
    g_assert_false(users_add(folder, "eve", "1234567", NONE, FALSE, &password, &token, &error));
    g_assert_cmpint(error_code(error), ==, ERR_INVALID);
    g_assert_nonnull(strstr(error->message, "PASSWORD_MIN"));
    g_clear_error(&error);
    g_assert_false(users_add(folder, "ann", "long enough", NONE, FALSE, &password, &token, &error));
    g_assert_cmpint(error_code(error), ==, ERR_CONFLICT);
    g_clear_error(&error);
    g_assert_false(users_add(folder, "a b", "long enough", NONE, FALSE, &password, &token, &error));
    g_assert_cmpint(error_code(error), ==, ERR_INVALID);
    g_clear_error(&error);
    g_autoptr(Json) list = users_list(folder, &error);
    g_autofree char *text = json_write(json_root(list), NULL);
    g_assert_cmpstr(text, ==, "[{\"name\":\"ann\",\"roles\":[\"admin\"],\"password\":true,\"token\":false}]");
    g_autofree char *path = g_build_filename(folder, "users.json", NULL);
    GStatBuf status;
    g_assert_cmpint(g_stat(path, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 0777, ==, 0600);
    g_assert_true(users_remove(folder, "ann", &error));
    g_assert_false(users_remove(folder, "ann", &error));
    g_assert_cmpint(error_code(error), ==, ERR_NOT_FOUND);
    remove_folder(folder);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/auth/password-hash", test_password_hash);
    g_test_add_func("/auth/open-without-users", test_open_without_users);
    g_test_add_func("/auth/ways-in", test_ways_in);
    g_test_add_func("/auth/session", test_session);
    g_test_add_func("/auth/slow-down", test_slow_down);
    g_test_add_func("/auth/users-file", test_users_file);
    return g_test_run();
}
