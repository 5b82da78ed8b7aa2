/* Read-only connections, opened when they are needed and kept. A borrowed one belongs to the borrowing thread. */
#include "base/clock.h"
#include "base/error.h"
#include "store/internal.h"

#define READERS_MAX 16

struct Readers {
    GMutex mutex;
    GCond returned;
    GPtrArray *free; /* of StoreConnection *; the last returned is the first borrowed, so that the others' memory rests */
    guint opened;
};

Readers *readers_new(void) {
    Readers *readers = g_new0(Readers, 1);
    g_mutex_init(&readers->mutex);
    g_cond_init(&readers->returned);
    readers->free = g_ptr_array_new();
    return readers;
}

void readers_free(Readers *readers) {
    if (readers == NULL)
        return;
    g_assert(readers->free->len == readers->opened);
    for (guint i = 0; i < readers->free->len; i++) {
        StoreConnection *connection = g_ptr_array_index(readers->free, i);
        connection->driver->close(connection);
    }
    g_ptr_array_unref(readers->free);
    g_mutex_clear(&readers->mutex);
    g_cond_clear(&readers->returned);
    g_free(readers);
}

/* A free connection; or NULL with *open TRUE: the caller opens one; or NULL: none became free in time. */
static StoreConnection *connection_take(Readers *readers, gboolean *open) {
    gint64 until_us = g_get_monotonic_time() + STORE_READ_MS * 1000;
    StoreConnection *connection = NULL;
    g_mutex_lock(&readers->mutex);
    while (readers->free->len == 0 && readers->opened >= READERS_MAX && g_cond_wait_until(&readers->returned, &readers->mutex, until_us)) {}
    if (readers->free->len > 0) {
        connection = g_ptr_array_steal_index(readers->free, readers->free->len - 1);
    } else if (readers->opened < READERS_MAX) {
        readers->opened++;
        *open = TRUE;
    }
    g_mutex_unlock(&readers->mutex);
    return connection;
}

static void connection_give_back(Readers *readers, StoreConnection *connection) {
    g_mutex_lock(&readers->mutex);
    if (connection != NULL)
        g_ptr_array_add(readers->free, connection);
    else
        readers->opened--;
    g_cond_signal(&readers->returned);
    g_mutex_unlock(&readers->mutex);
}

Reader *reader_borrow(Store *store, GError **error) {
    gboolean open = FALSE;
    StoreConnection *connection = connection_take(store->readers, &open);
    if (connection == NULL && !open) {
        error_set(error, ERR_UNAVAILABLE, "reading the store %s: all %d connections were busy for %d ms; try again", store->file,
                  READERS_MAX, STORE_READ_MS);
        return NULL;
    }
    if (connection == NULL) {
        connection = store->driver->open(
            &(ConnectionOptions){
                .file = store->target, .role = CONNECTION_READER, .durable = !store->temporary, .read_only = store->read_only},
            error);
        if (connection == NULL) {
            connection_give_back(store->readers, NULL);
            return NULL;
        }
    }
    connection->driver->set_deadline(connection, clock_elapsed_ms() + STORE_READ_MS);
    Reader *reader = g_new(Reader, 1);
    *reader = (Reader){.store = store, .connection = connection};
    return reader;
}

void reader_return(Reader *reader) {
    if (reader == NULL)
        return;
    reader_end(reader);
    connection_give_back(reader->store->readers, reader->connection);
    g_free(reader);
}

gboolean reader_begin(Reader *reader, GError **error) {
    reader->connection->driver->set_deadline(reader->connection, clock_elapsed_ms() + STORE_READ_MS);
    return reader->connection->driver->begin(reader->connection, error);
}

void reader_end(Reader *reader) {
    reader->connection->driver->set_deadline(reader->connection, 0); /* ending takes no time */
    reader->connection->driver->rollback(reader->connection);
}

gboolean reader_run(Reader *reader, const StoreStatement *statement, const StoreValue *values, gsize n, StoreEach each, gpointer data,
                    GError **error) {
    return reader->connection->driver->run(reader->connection, statement, values, n, each, data, NULL, error);
}

gboolean store_query(Store *store, const StoreStatement *statement, const StoreValue *values, gsize n, StoreEach each, gpointer data,
                     GError **error) {
    g_autoptr(Reader) reader = reader_borrow(store, error);
    return reader != NULL && reader_run(reader, statement, values, n, each, data, error);
}

gint64 store_row_int(const StoreRow *row, guint column) {
    g_assert(column < row->columns);
    return row->driver->row_int(row, column);
}

const char *store_row_text(const StoreRow *row, guint column) {
    g_assert(column < row->columns);
    return row->driver->row_text(row, column);
}

const void *store_row_bytes(const StoreRow *row, guint column, gsize *length) {
    g_assert(column < row->columns);
    return row->driver->row_bytes(row, column, length);
}
