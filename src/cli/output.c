/* Tables, JSON and YAML on standard output. */
#include "cli/output.h"
#include "base/clock.h"
#include "base/yaml.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define GAP 2

gboolean output_is_table(const Invocation *call) {
    const char *output = invocation_option(call, "output");
    return output == NULL || strcmp(output, "table") == 0;
}

void output_problem(const char *message) {
    g_autofree char *clean = output_clean(message);
    fprintf(stderr, "%s\n", clean);
}

/* ---- texts ---- */
char *output_clean(const char *text) {
    GString *clean = g_string_new(NULL);
    for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        if (c == '\n' || c == '\t')
            g_string_append_c(clean, ' ');
        else if (g_unichar_iscntrl(c))
            g_string_append(clean, "\xef\xbf\xbd");
        else
            g_string_append_unichar(clean, c);
    }
    return g_string_free(clean, FALSE);
}

char *output_time(gint64 ms) {
    if (ms <= 0)
        return g_strdup("");
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(ms / 1000);
    return time != NULL ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : g_strdup("");
}

char *output_duration(gint64 start_ms, gint64 end_ms) {
    if (start_ms <= 0)
        return g_strdup("");
    return clock_duration_text(MAX((end_ms > 0 ? end_ms : clock_now_ms()) - start_ms, 0));
}

static char *text_of(const JsonValue *value) {
    if (!json_is_array(value)) {
        char *text = json_as_text(value);
        return text != NULL ? text : g_strdup("");
    }
    GString *text = g_string_new(NULL);
    for (JsonIter i = json_iter(value); json_next(&i);) {
        g_autofree char *part = json_as_text(i.value);
        if (part != NULL)
            g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", part);
    }
    return g_string_free(text, FALSE);
}

static char *cell(const JsonValue *row, const Column *column) {
    g_autofree char *made = NULL;
    if (column->make != NULL) {
        made = column->make(row);
    } else {
        g_auto(GStrv) names = g_strsplit(column->path, ".", -1);
        const JsonValue *value = row;
        for (gsize i = 0; names[i] != NULL; i++)
            value = json_get(value, names[i]);
        made = text_of(value);
    }
    return output_clean(made != NULL ? made : "");
}

/* Columns of a terminal that a text takes. */
static gsize width_of(const char *text) {
    gsize width = 0;
    for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        width += g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
    }
    return width;
}

/* ---- tables ---- */
static gsize count(const Column *columns) {
    gsize n = 0;
    while (columns[n].title != NULL)
        n++;
    return n;
}

/* Cells of all rows, the titles first; of char *. */
static GPtrArray *cells_of(const JsonValue *list, const Column *columns) {
    GPtrArray *cells = g_ptr_array_new_with_free_func(g_free);
    for (const Column *column = columns; column->title != NULL; column++)
        g_ptr_array_add(cells, g_strdup(column->title));
    for (JsonIter i = json_iter(list); json_next(&i);)
        for (const Column *column = columns; column->title != NULL; column++)
            g_ptr_array_add(cells, cell(i.value, column));
    return cells;
}

static void print_cell(const char *text, gsize width) {
    fputs(text, stdout);
    for (gsize i = width_of(text); i < width; i++)
        putchar(' ');
}

static void print_table(const JsonValue *list, const Column *columns) {
    g_autoptr(GPtrArray) cells = cells_of(list, columns);
    gsize n = count(columns);
    g_autofree gsize *widths = g_new0(gsize, n);
    for (gsize i = 0; i < cells->len; i++)
        widths[i % n] = MAX(widths[i % n], width_of(cells->pdata[i]));
    for (gsize row = 0; row < cells->len; row += n) {
        gsize last = n - 1;
        while (last > 0 && ((const char *)cells->pdata[row + last])[0] == '\0')
            last--;
        for (gsize i = 0; i < last; i++)
            print_cell(cells->pdata[row + i], widths[i] + GAP);
        puts(cells->pdata[row + last]);
    }
}

static void print_lines(const JsonValue *value, const Column *columns) {
    gsize width = 0;
    for (const Column *column = columns; column->title != NULL; column++)
        width = MAX(width, width_of(column->title));
    for (const Column *column = columns; column->title != NULL; column++) {
        g_autofree char *text = cell(value, column);
        if (text[0] == '\0')
            continue;
        print_cell(column->title, width + GAP);
        puts(text);
    }
}

/* ---- for programs ---- */
static int print_document(const Invocation *call, const JsonValue *value, GError **error) {
    gboolean yaml = strcmp(invocation_option(call, "output"), "yaml") == 0;
    g_autofree char *text = yaml ? yaml_write(value, error) : json_write_pretty(value, NULL);
    if (text == NULL)
        return 1;
    fputs(text, stdout);
    if (!g_str_has_suffix(text, "\n"))
        putchar('\n');
    return 0;
}

int output_list(const Invocation *call, const JsonValue *list, const Column *columns, GError **error) {
    if (!output_is_table(call))
        return print_document(call, list, error);
    print_table(list, columns);
    return 0;
}

int output_one(const Invocation *call, const JsonValue *value, const Column *columns, GError **error) {
    if (!output_is_table(call))
        return print_document(call, value, error);
    print_lines(value, columns);
    return 0;
}

void output_done(const Invocation *call, const char *format, ...) {
    if (!output_is_table(call))
        return;
    va_list values;
    va_start(values, format);
    g_autofree char *text = g_strdup_vprintf(format, values);
    va_end(values);
    g_autofree char *clean = output_clean(text);
    puts(clean);
}
