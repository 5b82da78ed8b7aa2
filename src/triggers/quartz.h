/* Quartz cron expressions (triggers.md 5.2 to 5.4): what one means, when it is due next, in English. Pure; any thread. */
#pragma once
#include "base/error.h"

#define QUARTZ_LENGTH_MAX 1000 /* bytes of an expression */
#define QUARTZ_YEARS_AHEAD 100 /* how far a next time is searched */

typedef struct Quartz Quartz; /* immutable */

/* trigger_id decides what H is replaced by (5.3); NULL counts as an empty one. ERR_INVALID says what is wrong and where; ERR_LIMIT. */
Quartz *quartz_parse(const char *expression, const char *trigger_id, GError **error);
void quartz_free(Quartz *quartz);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Quartz, quartz_free)

/* The first time strictly after that instant (whole seconds, in milliseconds), or -1: never again. A local time that does not exist is
 * skipped; one that exists twice is due at its second occurrence. Bounded work. */
gint64 quartz_next(const Quartz *quartz, GTimeZone *zone, gint64 after_ms);
/* The last time in (after_ms, until_ms], or -1. */
gint64 quartz_last(const Quartz *quartz, GTimeZone *zone, gint64 after_ms, gint64 until_ms);

/* "At 10:00 AM, Monday through Friday"; caller frees. */
char *quartz_explain(const Quartz *quartz);
/* Whether H stands in the fields in which it means something. */
gboolean quartz_is_fuzzy(const char *expression);
