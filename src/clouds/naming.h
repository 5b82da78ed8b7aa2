/* Names of server groups and what they say (aws.md 17): app[-stack[-detail]]-v000. Pure; any thread. */
#pragma once
#include "base/error.h"
#include "clouds/records.h"

#define NAMING_SEQUENCE_MAX 1000 /* sequences are 0 … 999 */

/* Splits a name; every part NULL (sequence -1) when it does not fit the rules. Free with moniker_clear. */
void naming_parse(const char *name, Moniker *into);
void moniker_clear(Moniker *moniker);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Moniker, moniker_clear)

/* app[-stack[-detail]] without checks; NULL and "" parts are left out; caller frees. */
char *naming_cluster(const char *app, const char *stack, const char *detail);
/* <cluster>-v000; ERR_INVALID for a sequence outside 0 … 999 or characters that do not fit. */
char *naming_server_group(const char *cluster, gint64 sequence, GError **error);

typedef struct {
    const char *name;
    gint64 created_ms;
} NamedGroup;
/* The next candidate after the newest group by creation time, number + 1 modulo 1000, skipping held numbers: aws.md 17 "Next name".
 * tried: how many candidates were refused already (each the previous number + 1). groups: those of the cluster and region that exist.
 * ERR_LIMIT when all numbers are taken. Caller frees. */
char *naming_next(const char *cluster, const NamedGroup *groups, gsize n, guint tried, GError **error);
