/* Which tables there are, read from the migrations, so that nothing has to be said twice. A migration writes a column per line, its name
 * first; the primary key stands at the column or in a line of its own. */
#include "store/internal.h"
#include <string.h>

static void table_free(gpointer data) {
    StoreTable *table = data;
    g_free(table->name);
    g_ptr_array_unref(table->columns);
    g_ptr_array_unref(table->key);
    g_free(table);
}

static StoreTable *table_find(GPtrArray *tables, const char *name) {
    for (guint i = 0; i < tables->len; i++) {
        StoreTable *table = g_ptr_array_index(tables, i);
        if (strcmp(table->name, name) == 0)
            return table;
    }
    return NULL;
}

static char *first_word(const char *text) {
    text += strspn(text, " (");
    return g_strndup(text, strcspn(text, " (,"));
}

/* "PRIMARY KEY (a, b)" */
static void read_key(StoreTable *table, const char *line) {
    const char *open = strchr(line, '('), *close = open != NULL ? strchr(open, ')') : NULL;
    if (close == NULL)
        return;
    g_autofree char *inside = g_strndup(open + 1, (gsize)(close - open - 1));
    g_auto(GStrv) names = g_strsplit(inside, ",", -1);
    for (char **name = names; *name != NULL; name++)
        g_ptr_array_add(table->key, g_strdup(g_strstrip(*name)));
}

static void read_column(StoreTable *table, const char *line) {
    char *name = first_word(line);
    g_ptr_array_add(table->columns, name);
    if (strstr(line, "PRIMARY KEY") != NULL)
        g_ptr_array_add(table->key, g_strdup(name));
}

static StoreTable *table_begin(GPtrArray *tables, const char *line) {
    StoreTable *table = g_new0(StoreTable, 1);
    table->name = first_word(line);
    table->columns = g_ptr_array_new_with_free_func(g_free);
    table->key = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(tables, table);
    return table;
}

/* "ALTER TABLE name ADD COLUMN column …" */
static void read_addition(GPtrArray *tables, const char *line) {
    g_autofree char *name = first_word(line);
    StoreTable *table = table_find(tables, name);
    const char *column = strstr(line, "ADD COLUMN ");
    if (table != NULL && column != NULL)
        read_column(table, column + strlen("ADD COLUMN "));
}

static void read_script(GPtrArray *tables, const char *sql) {
    static const char create[] = "CREATE TABLE ", alter[] = "ALTER TABLE ";
    g_auto(GStrv) lines = g_strsplit(sql, "\n", -1);
    StoreTable *open = NULL;
    for (char **each = lines; *each != NULL; each++) {
        const char *line = *each;
        if (g_str_has_prefix(line, create))
            open = table_begin(tables, line + strlen(create));
        else if (g_str_has_prefix(line, alter))
            read_addition(tables, line + strlen(alter));
        else if (line[0] == ')')
            open = NULL;
        else if (open != NULL && g_str_has_prefix(line, "  PRIMARY KEY"))
            read_key(open, line);
        else if (open != NULL && g_str_has_prefix(line, "  ") && g_ascii_isalpha(line[2]))
            read_column(open, line);
    }
}

GPtrArray *schema_tables(const Migration *migrations) {
    GPtrArray *tables = g_ptr_array_new_with_free_func(table_free);
    for (const Migration *migration = migrations; migration->sql != NULL; migration++)
        read_script(tables, migration->sql);
    return tables;
}
