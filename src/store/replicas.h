/* Several servers on one database. A replica is one run of a server: a row with a number that is never used again, and a lease, which
 * the replica renews every REPLICA_RENEW_MS and which is valid REPLICA_LEASE_MS from before the renewal was sent (CLOCK_BOOTTIME).
 * Others see by their own clock that a row's beat stands still, mark the replica as gone and take over what it owned, in one commit. The
 * mark is the fence: no commit of a replica that is gone succeeds. What a replica owns it keeps as long as it lives.
 *
 * A store that is not shared has one server, number 0, whose lease never ends. */
#pragma once
#include "store/store.h"

#define REPLICA_RENEW_MS 2000
#define REPLICA_LEASE_MS 6000
#define REPLICA_GONE_MS 6500    /* a beat that stood still for so long: the lease has ended for its owner, too */
#define REPLICA_TICK_MS 1000    /* how often others are looked at */
#define REPLICA_CALL_MS 20000   /* the longest that a call may take that began before its lease ended */
#define REPLICA_TEXT_MAX 7000   /* bytes of what one replica tells others */
#define REPLICA_RELAY_MAX 65536 /* changes that wait to be told to others; above it they are told to read everything again */
#define REPLICA_KEYS (1 << 20)  /* execution keys that a replica takes at once */

gboolean store_is_shared(const Store *store);
gint64 store_replica(const Store *store); /* this server's number; 0: it is alone */
/* Before something is written outside: FALSE when another replica may own by now what this one thinks it owns. Any thread. */
gboolean store_lease_is_valid(const Store *store);

/* How long what a replica that died had sent may still be on its way, from now, by the last one that was taken over from; 0: nothing is. Whoever
 * finds an intent without an outcome waits for that before it looks or repeats. Any thread. */
gint64 store_calls_end_in_ms(const Store *store);
/* Waits until the lease is valid, at most so long. Before something is written outside; any thread that may block. */
gboolean store_lease_wait(Store *store, gint64 most_ms);

/* What a server is told; on the thread of the lease or the committer's: only queue work. */
typedef struct {
    /* These unfinished executions are this replica's now: n ids. */
    void (*claimed)(const char *const *ids, guint n, gpointer data);
    void (*told)(const char *text, gpointer data); /* by another replica (store_tell) */
    void (*steward)(gpointer data);                /* the duties that one replica has are this one's from now on; once */
    void (*look)(gpointer data);                   /* now and then, at the steward's: something may have been missed */
    void (*lost)(gpointer data);                   /* another replica took over: this process must start anew; once */
    gpointer data;
} ReplicaEvents;
/* From now on what other replicas leave behind is taken over. Only when the store is shared. */
void store_replica_begin(Store *store, const ReplicaEvents *events);
/* The last act before store_close, when nothing is written any more: what it owns is free for others at once. */
void store_replica_leave(Store *store);
/* Tells all other replicas: at most REPLICA_TEXT_MAX bytes, at most once, soon. Any thread. Whoever must not miss it looks now and then. */
void store_tell(Store *store, const char *text);
/* Who owns the name; this replica when nobody did. 0 with *error. Not on the committer's thread. */
gint64 store_own(Store *store, const char *name, GError **error);
/* An unfinished execution is this replica's from this commit on. */
void store_execution_own(StoreUnit *unit, gint64 key, gint64 owner);
