/* Who asks: users named in the configuration or in the data folder's users file, by session cookie, HTTP basic or bearer token;
 * open (everybody is the local user "anonymous") when none is configured and the server listens on loopback only. Single sign-on and
 * permissions come through the same seam: auth_identify and auth_may. Any thread; the set of users is swapped whole on reload. */
#pragma once
#include "base/config.h"
#include "base/principal.h"

typedef struct Auth Auth;
extern const ConfigSection *const auth_config_sections[]; /* NULL-terminated */

/* folder: the data folder, with users.json (written by `gennaker user add`) and the session key. */
Auth *auth_new(Config *config, const char *folder, GError **error);
void auth_free(Auth *auth);
gboolean auth_reload(Auth *auth, Config *config, GError **error); /* changes nothing on error */
gboolean auth_is_required(Auth *auth);                            /* users are configured */
/* ERR_INVALID with the line to add when the address is not loopback and no sign-in is configured. */
gboolean auth_check_listen(Auth *auth, const char *address, GError **error);

/* What a request brings; any may be NULL. */
typedef struct {
    const char *authorization; /* header: Bearer or Basic */
    const char *token;         /* header X-Spinnaker-Token */
    const char *cookie;        /* header */
    const char *peer;          /* address, for the slow-down after failures */
    gint64 now_ms;
} AuthRequest;

/* Whoever the request is from; free with auth_principal_free. Without credentials and with sign-in required: the anonymous principal,
 * whom auth_may refuses everything. ERR_UNAUTHENTICATED for credentials that are wrong. */
Principal *auth_identify(Auth *auth, const AuthRequest *request, GError **error);
/* Somebody by his name, as he is now: with the roles that are configured for him, or none. When nobody has to sign in, whoever it is is not
 * authorized. Free with auth_principal_free. */
Principal *auth_principal_named(Auth *auth, const char *user);
void auth_principal_free(Principal *principal);

/* Signs in with name and password: the Set-Cookie value, caller frees. ERR_UNAUTHENTICATED, ERR_LIMIT after too many failures. */
char *auth_sign_in(Auth *auth, const char *user, const char *password, const AuthRequest *request, GError **error);
char *auth_sign_out(Auth *auth, const AuthRequest *request); /* the Set-Cookie value that ends it */

typedef enum { MAY_READ, MAY_EXECUTE, MAY_WRITE, MAY_ADMIN } May;
/* The seam for permissions. Until they exist: everybody who is identified may everything, MAY_ADMIN needs the role "admin" when
 * sign-in is required. ERR_UNAUTHENTICATED, ERR_FORBIDDEN. resource NULL: the server. */
gboolean auth_may(Auth *auth, const Principal *principal, May what, const char *resource_type, const char *resource, GError **error);
