/* Reading packer's output: lines "time,target,type,data…" with commas and line ends escaped; anything else stays as it is. Pure. */
#include "bake/log.h"
#include <string.h>

#define REASON_LINES 5
#define REASON_BYTES 2000
#define MASK_MIN 4 /* a shorter text is no secret, and would be found everywhere */

/* ---- machine-readable lines ---- */

typedef struct {
    char **fields; /* strv: time, target, type, data … */
    guint n;
} Line;

static gboolean line_parse(const char *text, gsize length, Line *into) {
    g_autofree char *copy = g_strndup(text, length);
    gsize digits = strspn(copy, "0123456789");
    if (digits == 0 || copy[digits] != ',')
        return FALSE;
    into->fields = g_strsplit(copy, ",", -1);
    into->n = g_strv_length(into->fields);
    if (into->n >= 3)
        return TRUE;
    g_strfreev(into->fields);
    return FALSE;
}

static void append_unescaped(GString *into, const char *text) {
    static const struct { const char *from, *to; } ESCAPES[] = {{"%!(PACKER_COMMA)", ","}, {"\\n", "\n"}, {"\\r", ""}};
    while (*text != '\0') {
        guint i = 0;
        while (i < G_N_ELEMENTS(ESCAPES) && !g_str_has_prefix(text, ESCAPES[i].from))
            i++;
        if (i == G_N_ELEMENTS(ESCAPES)) {
            g_string_append_c(into, *text++);
            continue;
        }
        g_string_append(into, ESCAPES[i].to);
        text += strlen(ESCAPES[i].from);
    }
}

/* Calls visit for each complete line. */
typedef void (*LineVisit)(const char *line, gsize length, gpointer data);
static void each_line(const char *output, LineVisit visit, gpointer data) {
    for (const char *end; (end = strchr(output, '\n')) != NULL; output = end + 1)
        visit(output, (gsize)(end - output), data);
}

/* ---- the text ---- */

static void add_text(const char *line, gsize length, gpointer data) {
    GString *text = data;
    Line parsed;
    if (!line_parse(line, length, &parsed)) {
        g_string_append_len(text, line, (gssize)length);
        g_string_append_c(text, '\n');
        return;
    }
    if (strcmp(parsed.fields[2], "ui") == 0 && parsed.n >= 5) {
        for (guint i = 4; i < parsed.n; i++) {
            if (i > 4)
                g_string_append_c(text, ',');
            append_unescaped(text, parsed.fields[i]);
        }
        if (text->len == 0 || text->str[text->len - 1] != '\n')
            g_string_append_c(text, '\n');
    }
    g_strfreev(parsed.fields);
}

char *bake_log_text(const char *output, char **masks) {
    GString *text = g_string_new(NULL);
    each_line(output, add_text, text);
    for (char **mask = masks; mask != NULL && *mask != NULL; mask++)
        if (strlen(*mask) >= MASK_MIN)
            g_string_replace(text, *mask, "***", 0);
    return g_string_free(text, FALSE);
}

/* ---- images ---- */

typedef struct {
    GPtrArray *images; /* of owned "region:ami" */
    const char *region;
    char *scraped; /* last word of the last line that names the region */
} Images;

static void take_image(const char *line, gsize length, gpointer data) {
    Images *images = data;
    Line parsed;
    if (!line_parse(line, length, &parsed))
        return;
    if (strcmp(parsed.fields[2], "artifact") == 0 && parsed.n >= 6 && strcmp(parsed.fields[4], "id") == 0) {
        g_autoptr(GString) ids = g_string_new(NULL);
        append_unescaped(ids, parsed.fields[5]);
        g_auto(GStrv) parts = g_strsplit(ids->str, ",", -1);
        for (guint i = 0; parts[i] != NULL; i++)
            if (g_regex_match_simple("^[a-z0-9-]+:ami-[a-z0-9]+$", parts[i], 0, 0))
                g_ptr_array_add(images->images, g_strdup(parts[i]));
    }
    g_strfreev(parsed.fields);
}

static void scrape_image(const char *line, gsize length, gpointer data) {
    Images *images = data;
    g_autofree char *copy = g_strndup(line, length);
    g_autofree char *mark = g_strconcat(images->region, ":", NULL);
    if (strstr(copy, mark) == NULL)
        return;
    const char *word = strrchr(g_strchomp(copy), ' ');
    word = word != NULL ? word + 1 : copy;
    if (!g_str_has_prefix(word, "ami-"))
        return;
    g_free(images->scraped);
    images->scraped = g_strdup(word);
}

static Json *images_json(const Images *images) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (guint i = 0; i < images->images->len; i++) {
        g_auto(GStrv) parts = g_strsplit(images->images->pdata[i], ":", 2);
        json_begin_object(builder, NULL);
        json_add_string(builder, "location", parts[0]);
        json_add_string(builder, "reference", parts[1]);
        json_end_object(builder);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

Json *bake_log_images(const char *output, const char *region) {
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    Images images = {list, region, NULL};
    each_line(output, take_image, &images);
    if (list->len == 0) {
        g_autofree char *text = bake_log_text(output, NULL);
        each_line(text, scrape_image, &images);
        if (images.scraped != NULL)
            g_ptr_array_add(list, g_strconcat(region, ":", images.scraped, NULL));
        g_free(images.scraped);
    }
    return images_json(&images);
}

char *bake_log_image_name(const char *text) {
    /* "Creating AMI NAME from instance i-…", "Creating unencrypted AMI NAME …", "Creating the AMI: NAME" */
    g_autoptr(GRegex)
        regex = g_regex_new("amazon-\\w+[^\\n]*: Creating (?:unencrypted |encrypted )?(?:the AMI: |AMI )(\\S+)", G_REGEX_DEFAULT, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    return g_regex_match(regex, text, 0, &match) ? g_match_info_fetch(match, 1) : NULL;
}

/* ---- the reason of a failure ---- */

static gboolean tells_error(const char *line) {
    static const char *const WORDS[] = {"rror", "E:", "ailed", "imeout", "not found", "nable to", "enied", "exit code", "nvalid"};
    for (guint i = 0; i < G_N_ELEMENTS(WORDS); i++)
        if (strstr(line, WORDS[i]) != NULL)
            return TRUE;
    return FALSE;
}

char *bake_log_reason(const char *text) {
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    guint n = g_strv_length(lines), taken = 0;
    g_autoptr(GString) reason = g_string_new(NULL);
    for (int errors_only = 1; errors_only >= 0 && taken == 0; errors_only--)
        for (guint i = n; i > 0 && taken < REASON_LINES; i--) {
            const char *line = g_strstrip(lines[i - 1]);
            if (line[0] == '\0' || (errors_only && !tells_error(line)))
                continue;
            g_string_prepend(reason, taken > 0 ? "\n" : "");
            g_string_prepend(reason, line);
            taken++;
        }
    if (reason->len > REASON_BYTES)
        g_string_erase(reason, 0, (gssize)(reason->len - REASON_BYTES));
    return g_utf8_make_valid(reason->str, (gssize)reason->len);
}
