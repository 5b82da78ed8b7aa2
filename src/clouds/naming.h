/* Names of server groups and what they say (aws.md 17): app[-stack[-detail]]-v000. Pure; any thread. */
#pragma once
#include "base/error.h"
#include "clouds/records.h"

#define NAMING_SEQUENCE_MAX 1000 /* sequences are 0 … 999 */
#define NAMING_CANDIDATES_MAX 6  /* names that are tried before an operation gives up */

/* Splits a name; every part NULL (sequence -1) when it does not fit the rules. Free with moniker_clear. */
void naming_parse(const char *name, Moniker *into);
void moniker_clear(Moniker *moniker);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Moniker, moniker_clear)
/* Where the "v" of a name's push suffix (-v and 3 to 6 digits) stands, or NULL. */
const char *naming_push(const char *name);

/* app[-stack[-detail]] without checks; NULL and "" parts are left out; caller frees. */
char *naming_cluster(const char *app, const char *stack, const char *detail);
/* <cluster>-v000; ERR_INVALID for a sequence outside 0 … 999 or characters that do not fit. */
char *naming_server_group(const char *cluster, gint64 sequence, GError **error);
/* ERR_INVALID when a part holds characters that it may not hold, or there is no app. */
gboolean naming_check(const char *app, const char *stack, const char *detail, GError **error);
/* The same cluster with the next number, without looking what exists: 999 → 000, none → 000. NULL when it cannot be parsed. */
char *naming_successor(const char *name);

typedef struct {
    const char *name;
    gint64 created_ms;
} NamedGroup;
/* The next candidate after the newest group by creation time, number + 1 modulo 1000, skipping held numbers: aws.md 17 "Next name".
 * tried: how many candidates were refused already (each the previous number + 1). groups: those of the cluster and region that exist.
 * ERR_LIMIT when all numbers are taken. Caller frees. */
char *naming_next(const char *cluster, const NamedGroup *groups, gsize n, guint tried, GError **error);

/* What a user may not use as part of a name: it ends like a push number, or holds a token that looks like a label. */
gboolean naming_is_reserved(const char *text);

/* Labels at the end of a cluster's name: -c0de is countries "de". */
enum {
    NAMING_LABEL_COUNTRIES,
    NAMING_LABEL_DEV_PHASE,
    NAMING_LABEL_HARDWARE,
    NAMING_LABEL_PARTNERS,
    NAMING_LABEL_REVISION,
    NAMING_LABEL_USED_BY,
    NAMING_LABEL_RED_BLACK_SWAP,
    NAMING_LABEL_ZONE,
    NAMING_LABELS,
};
extern const char *const naming_label_names[NAMING_LABELS + 1]; /* "countries", …, NULL */
/* Fills in what each label says, NULL for those that are not there; caller frees the texts. */
void naming_labels(const char *name, char *into[NAMING_LABELS]);
/* A cluster's name with labels (each may be NULL); checked: ERR_INVALID for what does not fit or is reserved. Caller frees. */
char *naming_group_name(const char *app, const char *stack, const char *detail, const char *const labels[NAMING_LABELS], gboolean checked,
                        GError **error);

/* Shards at the head of a detail: x1eu-x2blue. Calls each with id and value; returns what is left of the detail (in it), and in
 * *warnings how many ids came twice or further back. */
typedef void (*NamingShard)(const char *id, const char *value, gpointer data);
const char *naming_shards(const char *detail, NamingShard each, gpointer data, guint *warnings);
