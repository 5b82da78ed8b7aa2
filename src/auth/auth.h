/* Who asks: sign-in of users named in the configuration, by session cookie, basic form or bearer token; open (everybody is the
 * local user "anonymous") when nothing is configured and the server listens on loopback only. Single sign-on and permissions
 * come through the same seam: auth_identify and auth_may. Any thread; swapped whole on reload. */
#pragma once
#include "base/config.h"
#include "base/principal.h"

typedef struct Auth Auth;
Auth *auth_new(Config *config, const char *folder /* data folder: users file, session key */, GError **error);
void auth_free(Auth *auth);
gboolean auth_reload(Auth *auth, Config *config, GError **error);
gboolean auth_is_required(Auth *auth); /* users are configured */
/* ERR_INVALID with the line to add when the address is not loopback and no sign-in is configured. */
gboolean auth_check_listen(Auth *auth, const char *address, GError **error);

/* What a request brings. */
typedef struct {
    const char *authorization; /* header, or NULL */
    const char *cookie;        /* header, or NULL */
    const char *peer;
    gint64 now_ms;
} AuthRequest;
/* The principal; valid until auth_principal_free. ERR_UNAUTHENTICATED when sign-in is required and missing or wrong. */
Principal *auth_identify(Auth *auth, const AuthRequest *request, GError **error);
void auth_principal_free(Principal *principal);

/* Signs in with name and password: the Set-Cookie value. Slows down after failures (per peer and user). ERR_UNAUTHENTICATED. */
char *auth_sign_in(Auth *auth, const char *user, const char *password, const AuthRequest *request, GError **error);
char *auth_sign_out(Auth *auth, const AuthRequest *request); /* the Set-Cookie value that ends it */

typedef enum { MAY_READ, MAY_EXECUTE, MAY_WRITE, MAY_ADMIN } May;
/* Seam for permissions: allowed until they exist, except MAY_ADMIN for anonymous users when sign-in is required. */
gboolean auth_may(Auth *auth, const Principal *principal, May what, const char *resource_type, const char *resource, GError **error);

/* `gennaker user add`: scrypt hash line / token for the users file in the folder. Returns the generated password or token when
 * none was given (shown once; caller frees). ERR_CONFLICT when the user exists. */
char *auth_user_add(const char *folder, const char *user, const char *password /* NULL: generate */, const char *const *roles,
                    gboolean token, GError **error);
