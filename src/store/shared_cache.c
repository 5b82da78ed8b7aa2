/* Parent executions that were read lately. One document stands for all executions that have it, as long as somebody does: what is
 * forgotten here lives on with them. Any thread. */
#include "store/internal.h"

typedef struct {
    char *hash;
    Json *json;
    GList link;
} Entry;

struct SharedCache {
    GMutex lock;
    GHashTable *entries; /* hash to Entry */
    GQueue recent;       /* of Entry, most recently used first */
    gsize bytes;
};

static void entry_free(gpointer data) {
    Entry *entry = data;
    json_unref(entry->json);
    g_free(entry->hash);
    g_free(entry);
}

SharedCache *shared_cache_new(void) {
    SharedCache *cache = g_new0(SharedCache, 1);
    g_mutex_init(&cache->lock);
    cache->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free);
    return cache;
}

void shared_cache_free(SharedCache *cache) {
    if (cache == NULL)
        return;
    g_hash_table_unref(cache->entries);
    g_mutex_clear(&cache->lock);
    g_free(cache);
}

Json *shared_cache_get(SharedCache *cache, const char *hash) {
    g_mutex_lock(&cache->lock);
    Entry *entry = g_hash_table_lookup(cache->entries, hash);
    if (entry != NULL) {
        g_queue_unlink(&cache->recent, &entry->link);
        g_queue_push_head_link(&cache->recent, &entry->link);
    }
    Json *json = entry != NULL ? json_ref(entry->json) : NULL;
    g_mutex_unlock(&cache->lock);
    return json;
}

/* cache->lock is held. */
static void forget_oldest(SharedCache *cache) {
    Entry *entry = g_queue_peek_tail(&cache->recent);
    g_queue_unlink(&cache->recent, &entry->link);
    cache->bytes -= json_memory_own(entry->json);
    g_hash_table_remove(cache->entries, entry->hash);
}

void shared_cache_put(SharedCache *cache, const char *hash, Json *json) {
    g_mutex_lock(&cache->lock);
    if (!g_hash_table_contains(cache->entries, hash)) {
        Entry *entry = g_new0(Entry, 1);
        *entry = (Entry){.hash = g_strdup(hash), .json = json_ref(json), .link = {.data = entry}};
        g_hash_table_insert(cache->entries, entry->hash, entry);
        g_queue_push_head_link(&cache->recent, &entry->link);
        cache->bytes += json_memory_own(json);
    }
    while (cache->bytes > SHARED_CACHE_BYTES_MAX && cache->recent.length > 0)
        forget_oldest(cache);
    g_mutex_unlock(&cache->lock);
}
