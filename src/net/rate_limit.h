/* A token bucket with two priorities: writers before readers. Pure on time, any thread.
 *
 * Readers leave the last tokens (one fifth of the burst) to writers, and stand back while a writer that was refused is
 * expected to come again. */
#pragma once
#include <glib.h>

#define RATE_LIMIT_PER_SECOND 10.0 /* default of one account, region and API */
#define RATE_LIMIT_BURST 10.0
#define RATE_LIMIT_CLAIMS_MAX 64      /* writers that are remembered as waiting; more wait without a claim */
#define RATE_LIMIT_CLAIM_SLACK_MS 200 /* a writer this late for its token has lost its claim */

typedef struct RateLimit RateLimit;
/* per_second above 0, burst at least 1. Starts full. */
RateLimit *rate_limit_new(double per_second, double burst);
void rate_limit_free(RateLimit *limit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RateLimit, rate_limit_free)

/* Takes one token: TRUE. FALSE sets *wait_ms (at least 1) to when it is worth asking again; nothing was taken.
 * now_ms: any monotonic clock; a step backwards counts as no time passed. */
gboolean rate_limit_take(RateLimit *limit, gboolean writer, gint64 now_ms, gint64 *wait_ms);
