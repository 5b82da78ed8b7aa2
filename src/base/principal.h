/* Who asks. Filled by auth for each request; open until permissions exist. Immutable, owned by the request. */
#pragma once
#include <glib.h>

typedef struct {
    const char *user;            /* name, "anonymous" when nobody is signed in */
    const char *const *roles;    /* NULL-terminated, never NULL */
    const char *const *accounts; /* accounts the user may use; NULL: all */
    gboolean admin;
    gboolean authorized; /* roles are known and count: sign-in is required; without it everybody may */
    gboolean anonymous;
} Principal;

/* Whether one of the roles (NULL-terminated) is his: open to all where roles do not count, and to administrators. */
static inline gboolean principal_has_role(const Principal *principal, const char *const *roles) {
    gboolean has = !principal->authorized || principal->admin;
    for (gsize i = 0; !has && roles[i] != NULL; i++)
        has = g_strv_contains(principal->roles, roles[i]);
    return has;
}
