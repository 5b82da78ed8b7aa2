/* Bakes as rows: store objects of kind "bake", changed by compare-and-set; kind "bakeKey" leads from a key to the newest bake of it.
 *
 * The object's name says what is left to do: RUNNING, CLEANING (over, but builders may be left), or DONE; so a start finds the
 * unfinished ones without reading the others. Any thread. */
#pragma once
#include "bake/recipe.h"
#include "store/objects.h"

#define BAKE_KIND "bake"
#define BAKE_KEY_KIND "bakeKey"
#define BAKE_RUNNING "RUNNING"
#define BAKE_CLEANING "CLEANING"
#define BAKE_DONE "DONE"
#define BAKE_CAS_TRIES 20
#define BAKE_WAITERS_MAX 100 /* stages woken at the end of one bake; more find it by asking */

typedef struct {
    char *id;
    gint64 version, created_ms;
    char *phase; /* the object's name */
    Json *body;
} BakeRecord;
void bake_record_clear(BakeRecord *record);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BakeRecord, bake_record_clear)

/* ERR_NOT_FOUND. The caller clears. */
gboolean bake_record_load(Store *store, const char *id, BakeRecord *into, GError **error);
/* The newest bake of a key; NULL without an error set when there is none. *version: of the key's row, 0 when there is none. */
char *bake_record_of_key(Store *store, const char *key, gint64 *version, GError **error);

/* The key leads nowhere from now on. ERR_CONFLICT: it has another version. */
gboolean bake_record_forget_key(Store *store, const char *key, gint64 version, GError **error);

typedef struct {
    const char *id, *key, *region, *execution_id, *stage_id;
    const JsonValue *request;
    const BakeRecipe *recipe;
    gint64 now_ms;
} BakeNew;
/* The row and its key's in one commit. ERR_CONFLICT: somebody else was first (key_version no longer holds). */
gboolean bake_record_create(Store *store, const BakeNew *bake, gint64 key_version, GError **error);

/* Changes a row: change gets the newest body and answers the members to set (NULL: leave it), and may set *phase to a constant. Done
 * again when somebody else was first. The new record is in *after (may be NULL). */
typedef Json *(*BakeChange)(const BakeRecord *record, const char **phase, gpointer data);
gboolean bake_record_change(Store *store, const char *id, gint64 now_ms, BakeChange change, gpointer data, BakeRecord *after,
                            GError **error);

gboolean bake_record_runs(const BakeRecord *record);
gboolean bake_record_succeeded(const BakeRecord *record);
Json *bake_record_status(const BakeRecord *record);                      /* BakeStatus (bake.md 1) */
Json *bake_record_details(const BakeRecord *record, const char *region); /* Bake, as seen in a region */
/* What a bake has made: `details` of its body. images: [{location, reference}]. */
Json *bake_record_make_details(const BakeRecord *record, const JsonValue *images, const char *image_name);
