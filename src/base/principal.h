/* Who asks. Filled by auth for each request; open until permissions exist. Immutable, owned by the request. */
#pragma once
#include <glib.h>

typedef struct {
    const char *user;            /* name, "anonymous" when nobody is signed in */
    const char *const *roles;    /* NULL-terminated, never NULL */
    const char *const *accounts; /* accounts the user may use; NULL: all */
    gboolean admin;
    gboolean anonymous;
} Principal;
