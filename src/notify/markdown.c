/* Markdown to HTML: line by line into blocks, each line's inside into spans. Pure. */
#include "notify/markdown.h"
#include "notify/notification.h"
#include <string.h>

typedef enum { BLOCK_NONE, BLOCK_PARAGRAPH, BLOCK_LIST, BLOCK_NUMBERED, BLOCK_QUOTE, BLOCK_CODE } Block;

static const char *const OPENING[] = {"", "<p>", "<ul>", "<ol>", "<blockquote>", "<pre><code>"};
static const char *const CLOSING[] = {"", "</p>\n", "</ul>\n", "</ol>\n", "</blockquote>\n", "</code></pre>\n"};

static void append_escaped(GString *html, const char *text, gsize length) {
    g_autofree char *part = g_strndup(text, length);
    g_autofree char *escaped = notification_html(part);
    g_string_append(html, escaped);
}

/* ---- inside a line ---- */
static const struct { const char *mark, *tag; } SPANS[] = {{"**", "strong"}, {"__", "strong"}, {"*", "em"}, {"_", "em"}, {"`", "code"}};

/* What a mark at c opens: how many bytes it is with its end, 0 when it is only text. */
static gsize append_span(GString *html, const char *c) {
    for (gsize i = 0; i < G_N_ELEMENTS(SPANS); i++) {
        gsize width = strlen(SPANS[i].mark);
        if (strncmp(c, SPANS[i].mark, width) != 0)
            continue;
        const char *end = c[width] != '\0' && !g_ascii_isspace(c[width]) ? strstr(c + width, SPANS[i].mark) : NULL;
        if (end == NULL || end == c + width)
            return 0;
        g_string_append_printf(html, "<%s>", SPANS[i].tag);
        append_escaped(html, c + width, (gsize)(end - c) - width);
        g_string_append_printf(html, "</%s>", SPANS[i].tag);
        return (gsize)(end - c) + width;
    }
    return 0;
}

static gboolean is_web_link(const char *url) {
    return g_str_has_prefix(url, "http://") || g_str_has_prefix(url, "https://") || g_str_has_prefix(url, "mailto:");
}

/* [text](url) */
static gsize append_link(GString *html, const char *c) {
    const char *middle = strstr(c, "]("), *end = middle != NULL ? strchr(middle, ')') : NULL;
    if (end == NULL || !is_web_link(middle + 2))
        return 0;
    g_string_append(html, "<a href=\"");
    append_escaped(html, middle + 2, (gsize)(end - middle) - 2);
    g_string_append(html, "\">");
    append_escaped(html, c + 1, (gsize)(middle - c) - 1);
    g_string_append(html, "</a>");
    return (gsize)(end - c) + 1;
}

static void append_line(GString *html, const char *line) {
    while (*line != '\0') {
        gsize plain = strcspn(line, "*_`[");
        append_escaped(html, line, plain);
        line += plain;
        if (*line == '\0')
            return;
        gboolean inside_word = *line == '_' && plain > 0 && g_ascii_isalnum(line[-1]);
        gsize taken = *line == '[' ? append_link(html, line) : inside_word ? 0 : append_span(html, line);
        if (taken == 0) {
            append_escaped(html, line, 1);
            taken = 1;
        }
        line += taken;
    }
}

/* ---- lines ---- */
static Block block_of(const char *line, const char **inside) {
    gsize digits = strspn(line, "0123456789");
    *inside = line;
    if (*line == '\0')
        return BLOCK_NONE;
    if ((*line == '*' || *line == '-' || *line == '+') && line[1] == ' ') {
        *inside = line + 2;
        return BLOCK_LIST;
    }
    if (digits > 0 && line[digits] == '.' && line[digits + 1] == ' ') {
        *inside = line + digits + 2;
        return BLOCK_NUMBERED;
    }
    if (*line == '>') {
        *inside = line + 1 + (line[1] == ' ');
        return BLOCK_QUOTE;
    }
    return BLOCK_PARAGRAPH;
}

static void change_block(GString *html, Block *open, Block next) {
    if (*open == next)
        return;
    g_string_append(html, CLOSING[*open]);
    g_string_append(html, OPENING[next]);
    *open = next;
}

static gboolean append_heading(GString *html, const char *line, Block *open) {
    gsize level = strspn(line, "#");
    if (level == 0 || level > 6 || line[level] != ' ')
        return FALSE;
    change_block(html, open, BLOCK_NONE);
    g_string_append_printf(html, "<h%" G_GSIZE_FORMAT ">", level);
    append_line(html, line + level + 1);
    g_string_append_printf(html, "</h%" G_GSIZE_FORMAT ">\n", level);
    return TRUE;
}

static void append_text(GString *html, const char *line, Block *open) {
    const char *inside = NULL;
    Block block = block_of(line, &inside);
    gboolean goes_on = *open == block, item = block == BLOCK_LIST || block == BLOCK_NUMBERED;
    change_block(html, open, block);
    if (block == BLOCK_NONE)
        return;
    if (goes_on && !item)
        g_string_append(html, "<br/>\n");
    g_string_append(html, item ? "<li>" : "");
    append_line(html, inside);
    g_string_append(html, item ? "</li>\n" : "");
}

char *markdown_to_html(const char *text) {
    g_autoptr(GString) html = g_string_new(NULL);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    Block open = BLOCK_NONE;
    for (char **line = lines; *line != NULL; line++) {
        g_strchomp(*line);
        if (g_str_has_prefix(*line, "```")) {
            change_block(html, &open, open == BLOCK_CODE ? BLOCK_NONE : BLOCK_CODE);
        } else if (open == BLOCK_CODE) {
            append_escaped(html, *line, strlen(*line));
            g_string_append_c(html, '\n');
        } else {
            const char *start = *line + strspn(*line, " ");
            if (!append_heading(html, start, &open))
                append_text(html, start, &open);
        }
    }
    change_block(html, &open, BLOCK_NONE);
    return g_string_free(g_steal_pointer(&html), FALSE);
}
