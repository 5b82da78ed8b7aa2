/* The names of all objects in memory, in the order of lists, and the bodies used last. Any thread; changed by commits only. */
#pragma once
#include "store/internal.h"
#include "store/objects.h"

/* One version of one object without its body: immutable, reference-counted. */
typedef struct {
    const char *kind, *id, *application, *name, *updated_by; /* in the same allocation */
    gint64 version, created_ms, updated_ms;
    char text[];
} ObjectEntry;
ObjectEntry *object_entry_new(const StoreObject *object); /* body not read */
ObjectEntry *object_entry_ref(ObjectEntry *entry);
void object_entry_unref(ObjectEntry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ObjectEntry, object_entry_unref)

/* NULL when there is none; caller owns a reference. */
ObjectEntry *object_index_find(ObjectIndex *index, const char *kind, const char *id);
/* References of all that match (NULL: any), ordered by application, name, id. */
GPtrArray *object_index_list(ObjectIndex *index, const char *kind, const char *application, const char *name);
/* Puts a version in the place of any other of this object, with its body when it is at hand. */
void object_index_put(ObjectIndex *index, ObjectEntry *entry, Json *body);
void object_index_remove(ObjectIndex *index, const char *kind, const char *id);

/* The body of just this version when it is cached; caller owns a reference. */
Json *object_cache_get(ObjectIndex *index, ObjectEntry *entry);
void object_cache_put(ObjectIndex *index, ObjectEntry *entry, Json *body);
gsize object_cache_bytes(ObjectIndex *index);
