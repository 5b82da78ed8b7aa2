/* Everything of one store into another, whatever databases they are: table by table in pages by their primary keys, each page a
 * transaction. On the caller's thread; both stores have to be the caller's alone. */
#include "base/error.h"
#include "store/internal.h"
#include <string.h>

#define MOVE_ROWS 500
#define MOVE_BYTES (16 * 1024 * 1024)

/* One table on its way. */
typedef struct {
    const StoreTable *table;
    StoreConnection *from, *to;
    const StoreStatement *first, *next, *insert;
    GPtrArray *rows; /* of GArray of StoreValue: a page */
    gsize bytes;
    gboolean full; /* the page ended before the rows that were asked for */
    guint64 moved;
} Moving;

/* ---- texts ---- */
static char *list_of(const GPtrArray *names) {
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < names->len; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", (const char *)g_ptr_array_index(names, i));
    return g_string_free(text, FALSE);
}

static char *numbers_of(guint n) {
    GString *text = g_string_new(NULL);
    for (guint i = 1; i <= n; i++)
        g_string_append_printf(text, "%s$%u", i > 1 ? ", " : "", i);
    return g_string_free(text, FALSE);
}

/* Connections know a statement by its address: one for each text, for as long as the process lives. Takes sql. */
static const StoreStatement *statement_of(const char *name, char *sql) {
    static GMutex lock;
    static GHashTable *all;
    g_mutex_lock(&lock);
    if (all == NULL)
        all = g_hash_table_new(g_str_hash, g_str_equal);
    StoreStatement *statement = g_hash_table_lookup(all, sql);
    if (statement == NULL) {
        statement = g_new(StoreStatement, 1);
        *statement = (StoreStatement){name, sql};
        g_hash_table_insert(all, sql, statement);
    } else {
        g_free(sql);
    }
    g_mutex_unlock(&lock);
    return statement;
}

static void statements_init(Moving *moving) {
    const StoreTable *table = moving->table;
    g_autofree char *columns = list_of(table->columns), *key = list_of(table->key), *key_numbers = numbers_of(table->key->len),
                    *all_numbers = numbers_of(table->columns->len);
    moving->first = statement_of("move.read",
                                 g_strdup_printf("SELECT %s FROM %s ORDER BY %s LIMIT %d", columns, table->name, key, MOVE_ROWS));
    moving->next = statement_of("move.read_on", g_strdup_printf("SELECT %s FROM %s WHERE (%s) > (%s) ORDER BY %s LIMIT %d", columns,
                                                                table->name, key, key_numbers, key, MOVE_ROWS));
    moving->insert = statement_of("move.write", g_strdup_printf("INSERT INTO %s (%s) VALUES (%s)", table->name, columns, all_numbers));
}

/* ---- a page ---- */
static void row_free(gpointer data) {
    GArray *row = data;
    for (guint i = 0; i < row->len; i++)
        g_free((gpointer)g_array_index(row, StoreValue, i).data);
    g_array_unref(row);
}

static StoreValue value_of(const StoreRow *row, guint column, gsize *bytes) {
    StoreValue value = {.type = row->driver->row_type(row, column)};
    const void *data = NULL;
    if (value.type == STORE_INT)
        value.number = row->driver->row_int(row, column);
    if (value.type == STORE_TEXT || value.type == STORE_BYTES)
        data = row->driver->row_bytes(row, column, &value.length);
    if (value.type == STORE_TEXT || value.type == STORE_BYTES) {
        char *copy = g_malloc(value.length + 1);
        if (value.length > 0)
            memcpy(copy, data, value.length);
        copy[value.length] = '\0';
        value.data = copy;
    }
    *bytes += value.length + sizeof value;
    return value;
}

static gboolean row_each(const StoreRow *row, gpointer data) {
    Moving *moving = data;
    GArray *values = g_array_new(FALSE, FALSE, sizeof(StoreValue));
    for (guint i = 0; i < row->columns; i++) {
        StoreValue value = value_of(row, i, &moving->bytes);
        g_array_append_val(values, value);
    }
    g_ptr_array_add(moving->rows, values);
    moving->full = moving->bytes >= MOVE_BYTES;
    return !moving->full;
}

/* The key of the last row that was read, in the key's order. */
static void key_of_last(const Moving *moving, StoreValue *key) {
    const GArray *last = g_ptr_array_index(moving->rows, moving->rows->len - 1);
    for (guint i = 0; i < moving->table->key->len; i++)
        for (guint column = 0; column < moving->table->columns->len; column++)
            if (strcmp(g_ptr_array_index(moving->table->key, i), g_ptr_array_index(moving->table->columns, column)) == 0)
                key[i] = g_array_index(last, StoreValue, column);
}

static gboolean page_read(Moving *moving, GError **error) {
    StoreValue key[STORE_VALUES_MAX];
    guint n = 0;
    g_autoptr(GPtrArray) before = moving->rows; /* what key borrows from */
    if (before != NULL && before->len > 0) {
        key_of_last(moving, key);
        n = moving->table->key->len;
    }
    moving->rows = g_ptr_array_new_with_free_func(row_free);
    moving->bytes = 0;
    moving->full = FALSE;
    return moving->from->driver->run(moving->from, n > 0 ? moving->next : moving->first, key, n, row_each, moving, NULL, error);
}

static gboolean page_write(Moving *moving, GError **error) {
    const StoreDriver *driver = moving->to->driver;
    gboolean ok = driver->begin(moving->to, error);
    for (guint i = 0; ok && i < moving->rows->len; i++) {
        const GArray *row = g_ptr_array_index(moving->rows, i);
        ok = driver->run(moving->to, moving->insert, (const StoreValue *)(const void *)row->data, row->len, NULL, NULL, NULL, error);
    }
    ok = ok && driver->commit(moving->to, error);
    driver->rollback(moving->to);
    moving->moved += ok ? moving->rows->len : 0;
    return ok;
}

static gboolean table_move(const StoreTable *table, StoreConnection *from, StoreConnection *to, guint64 *moved, GError **error) {
    Moving moving = {.table = table, .from = from, .to = to};
    g_assert(table->columns->len <= STORE_VALUES_MAX && table->key->len > 0);
    statements_init(&moving);
    gboolean ok;
    do {
        ok = page_read(&moving, error) && page_write(&moving, error);
    } while (ok && (moving.rows->len == MOVE_ROWS || moving.full));
    g_ptr_array_unref(moving.rows);
    if (!ok)
        g_prefix_error(error, "table %s: ", table->name);
    *moved = moving.moved;
    return ok;
}

/* ---- all of it ---- */
static gboolean number_each(const StoreRow *row, gpointer data) {
    *(gint64 *)data = store_row_int(row, 0);
    return FALSE;
}

static const StoreStatement COUNT_ALL = {"move.count", "SELECT (SELECT count(*) FROM executions) + (SELECT count(*) FROM objects)"};
static const StoreStatement EMPTY_COUNTERS = {"move.empty", "DELETE FROM counters"};

static gboolean is_empty(const Store *to, GError **error) {
    gint64 n = 0;
    if (!to->driver->run(to->writer, &COUNT_ALL, NULL, 0, number_each, &n, NULL, error))
        return FALSE;
    if (n > 0)
        error_set(error, ERR_CONFLICT, "the store %s is not empty: %" G_GINT64_FORMAT " executions and documents are in it", to->file, n);
    return n == 0;
}

gboolean store_move(Store *from, Store *to, StoreMoved told, gpointer data, GError **error) {
    if (!is_empty(to, error) || !to->driver->run(to->writer, &EMPTY_COUNTERS, NULL, 0, NULL, NULL, NULL, error))
        return FALSE;
    g_autoptr(GPtrArray) tables = schema_tables(migrations_all());
    from->driver->set_deadline(from->writer, 0);
    for (guint i = 0; i < tables->len; i++) {
        const StoreTable *table = g_ptr_array_index(tables, i);
        guint64 moved = 0;
        if (!table_move(table, from->writer, to->writer, &moved, error))
            return FALSE;
        if (told != NULL)
            told(table->name, moved, data);
    }
    return TRUE;
}
