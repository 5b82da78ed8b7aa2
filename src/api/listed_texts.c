/* A bounded cache of texts. One lock; every operation is a look-up and a few pointers. */
#include "api/listed_texts.h"

#define ENTRY_OVERHEAD 256 /* bytes of an entry beside its text, about */

typedef struct {
    char *id;
    guint shape;
    gint64 version;
    GBytes *text;
    GList recent; /* its data is the entry */
} Entry;

struct ListedTexts {
    GMutex lock;
    GHashTable *entries; /* of Entry, by id and shape */
    GQueue recent;       /* most recently used first */
    gsize bytes;
};

static guint entry_hash(gconstpointer data) {
    const Entry *entry = data;
    return g_str_hash(entry->id) ^ entry->shape;
}

static gboolean entry_equal(gconstpointer a, gconstpointer b) {
    const Entry *left = a, *right = b;
    return left->shape == right->shape && g_str_equal(left->id, right->id);
}

static void entry_free(gpointer data) {
    Entry *entry = data;
    g_free(entry->id);
    g_bytes_unref(entry->text);
    g_free(entry);
}

ListedTexts *listed_texts_new(void) {
    ListedTexts *texts = g_new0(ListedTexts, 1);
    g_mutex_init(&texts->lock);
    texts->entries = g_hash_table_new_full(entry_hash, entry_equal, NULL, entry_free);
    g_queue_init(&texts->recent);
    return texts;
}

void listed_texts_free(ListedTexts *texts) {
    if (texts == NULL)
        return;
    g_hash_table_unref(texts->entries);
    g_mutex_clear(&texts->lock);
    g_free(texts);
}

static gsize entry_bytes(const Entry *entry) {
    return g_bytes_get_size(entry->text) + ENTRY_OVERHEAD;
}

/* With the lock held. */
static void drop(ListedTexts *texts, Entry *entry) {
    texts->bytes -= entry_bytes(entry);
    g_queue_unlink(&texts->recent, &entry->recent);
    g_hash_table_remove(texts->entries, entry);
}

GBytes *listed_texts_get(ListedTexts *texts, const char *id, gint64 version, guint shape) {
    const Entry wanted = {.id = (char *)id, .shape = shape};
    GBytes *text = NULL;
    g_mutex_lock(&texts->lock);
    Entry *entry = g_hash_table_lookup(texts->entries, &wanted);
    if (entry != NULL && entry->version == version) {
        text = g_bytes_ref(entry->text);
        g_queue_unlink(&texts->recent, &entry->recent);
        g_queue_push_head_link(&texts->recent, &entry->recent);
    }
    g_mutex_unlock(&texts->lock);
    return text;
}

void listed_texts_put(ListedTexts *texts, const char *id, gint64 version, guint shape, GBytes *text) {
    if (g_bytes_get_size(text) > LISTED_TEXT_BYTES_MAX)
        return;
    Entry *entry = g_new0(Entry, 1);
    *entry = (Entry){.id = g_strdup(id), .shape = shape, .version = version, .text = g_bytes_ref(text)};
    entry->recent.data = entry;
    g_mutex_lock(&texts->lock);
    Entry *before = g_hash_table_lookup(texts->entries, entry);
    if (before != NULL)
        drop(texts, before);
    g_hash_table_add(texts->entries, entry);
    g_queue_push_head_link(&texts->recent, &entry->recent);
    texts->bytes += entry_bytes(entry);
    while (texts->bytes > LISTED_TEXTS_BYTES_MAX)
        drop(texts, g_queue_peek_tail(&texts->recent));
    g_mutex_unlock(&texts->lock);
}
