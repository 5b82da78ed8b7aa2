/* The users of an installation: names, roles, hashed passwords, hashed tokens. A UserSet is immutable and reference-counted. */
#pragma once
#include "base/config.h"

#define USERS_MAX 10000
#define USER_NAME_MAX 128
#define PASSWORD_MAX 1024
#define PASSWORD_MIN 8 /* characters of one that a person chose */

typedef struct {
    char *name;
    char *password; /* "scrypt$<log2 N>$<r>$<p>$<salt hex>$<hash hex>", or NULL: none */
    char *token;    /* SHA-256 of the bearer token in hex, or NULL */
    char **roles;   /* never NULL */
} User;

typedef struct UserSet UserSet;
/* Users of `gennaker.users`, `security.basicform` (with spring.security.user.*) and the folder's users.json. */
UserSet *users_load(Config *config, const char *folder, GError **error);
UserSet *users_ref(UserSet *users);
void users_unref(UserSet *users);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UserSet, users_unref)
guint users_count(const UserSet *users);
const User *users_find(const UserSet *users, const char *name);
const User *users_find_token(const UserSet *users, const char *token); /* constant-time on the hash */

char *password_hash(const char *password);
gboolean password_matches(const char *hash, const char *password); /* constant-time; FALSE for a malformed hash */

/* Adds a user to the folder's users.json. password NULL: one is generated; with token a bearer token is made as well. What was
 * generated comes back once in *made_password and *made_token (caller frees). ERR_CONFLICT when the user exists. */
gboolean users_add(const char *folder, const char *name, const char *password, const char *const *roles, gboolean token,
                   char **made_password, char **made_token, GError **error);
gboolean users_remove(const char *folder, const char *name, GError **error); /* ERR_NOT_FOUND */
/* The users of users.json without secrets: [{name, roles, password: bool, token: bool}]; caller owns. */
Json *users_list(const char *folder, GError **error);
