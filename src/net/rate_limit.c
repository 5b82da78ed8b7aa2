/* A token bucket with writers before readers. Owns its lock; any thread.
 *
 * A refused writer leaves a claim: the time at which it will ask again. While claims stand, readers may take only what
 * is above them, and later writers are told to come after them. */
#include "net/rate_limit.h"
#include <math.h>
#include <string.h>

#define READER_RESERVE 0.2 /* share of the burst that readers leave */

struct RateLimit {
    GMutex lock;
    double per_ms, burst, tokens;
    gint64 filled_ms;
    gint64 claims[RATE_LIMIT_CLAIMS_MAX]; /* when each waiting writer asks again, ascending */
    guint n_claims;
};

RateLimit *rate_limit_new(double per_second, double burst) {
    g_return_val_if_fail(per_second > 0 && burst >= 1, NULL);
    RateLimit *limit = g_new0(RateLimit, 1);
    g_mutex_init(&limit->lock);
    limit->per_ms = per_second / 1000;
    limit->burst = limit->tokens = burst;
    limit->filled_ms = G_MININT64;
    return limit;
}

void rate_limit_free(RateLimit *limit) {
    if (!limit)
        return;
    g_mutex_clear(&limit->lock);
    g_free(limit);
}

static void fill(RateLimit *limit, gint64 now_ms) {
    if (limit->filled_ms != G_MININT64 && now_ms > limit->filled_ms)
        limit->tokens = MIN(limit->burst, limit->tokens + (double)(now_ms - limit->filled_ms) * limit->per_ms);
    limit->filled_ms = MAX(limit->filled_ms, now_ms);
}

/* Forgets the oldest claims that were due at a time or before; how many. */
static guint drop_claims(RateLimit *limit, gint64 due_ms, guint at_most) {
    guint n = 0;
    while (n < at_most && n < limit->n_claims && limit->claims[n] <= due_ms)
        n++;
    limit->n_claims -= n;
    memmove(limit->claims, limit->claims + n, limit->n_claims * sizeof *limit->claims);
    return n;
}

static void add_claim(RateLimit *limit, gint64 due_ms) {
    if (limit->n_claims == RATE_LIMIT_CLAIMS_MAX)
        return;
    guint at = limit->n_claims++;
    for (; at > 0 && limit->claims[at - 1] > due_ms; at--)
        limit->claims[at] = limit->claims[at - 1];
    limit->claims[at] = due_ms;
}

static gint64 time_until(const RateLimit *limit, double tokens) {
    return MAX(1, (gint64)ceil((tokens - limit->tokens) / limit->per_ms));
}

/* A writer that was told to come again takes the oldest claim that is due; others stand behind all claims. */
static gboolean take_writer(RateLimit *limit, gint64 now_ms, gint64 *wait_ms) {
    double needed = drop_claims(limit, now_ms, 1) ? 1 : 1 + limit->n_claims;
    if (limit->tokens >= MIN(needed, limit->burst)) {
        limit->tokens -= 1;
        return TRUE;
    }
    *wait_ms = time_until(limit, needed);
    add_claim(limit, now_ms + *wait_ms);
    return FALSE;
}

static gboolean take_reader(RateLimit *limit, gint64 *wait_ms) {
    double reserve = MIN(floor(limit->burst * READER_RESERVE), limit->burst - 1);
    double needed = 1 + MAX(reserve, (double)limit->n_claims);
    if (limit->tokens >= needed) {
        limit->tokens -= 1;
        return TRUE;
    }
    *wait_ms = time_until(limit, needed);
    return FALSE;
}

gboolean rate_limit_take(RateLimit *limit, gboolean writer, gint64 now_ms, gint64 *wait_ms) {
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&limit->lock);
    *wait_ms = 0;
    fill(limit, now_ms);
    drop_claims(limit, limit->filled_ms - RATE_LIMIT_CLAIM_SLACK_MS - 1, G_MAXUINT);
    return writer ? take_writer(limit, limit->filled_ms, wait_ms) : take_reader(limit, wait_ms);
}
