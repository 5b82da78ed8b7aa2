/* Session cookies: signed, so that they survive a restart, with a list of those that were ended. Any thread. */
#pragma once
#include "base/error.h"

#define SESSION_COOKIE "GENNAKER_SESSION"
#define SESSION_LIFETIME_MS (12 * 3600 * G_GINT64_CONSTANT(1000))
#define SESSIONS_ENDED_MAX 10000 /* remembered until they expire; the oldest go first */

typedef struct Sessions Sessions;
/* folder NULL: a key that lives as long as the process. */
Sessions *sessions_new(const char *folder, GError **error);
void sessions_free(Sessions *sessions);

/* The Set-Cookie value of a new session; binding changes when the session must end (the user's password hash). */
char *sessions_begin(Sessions *sessions, const char *user, const char *binding, gint64 now_ms);
/* The name that a Cookie header claims, if it carries a session of ours at all; to be confirmed by sessions_check. */
char *sessions_user(const char *cookie_header);
gboolean sessions_check(Sessions *sessions, const char *cookie_header, const char *binding, gint64 now_ms);
char *sessions_end(Sessions *sessions, const char *cookie_header); /* the Set-Cookie value that clears it */
