/* Reading JSON and YAML files with the places of their values. */
#include "cli/document.h"
#include "base/yaml.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

static char *read_stdin(gsize *length, GError **error) {
    GString *text = g_string_new(NULL);
    char piece[65536];
    for (ssize_t n; (n = read(STDIN_FILENO, piece, sizeof piece)) != 0 && text->len <= JSON_TEXT_MAX;) {
        if (n > 0)
            g_string_append_len(text, piece, n);
        else if (errno != EINTR)
            break;
    }
    if (text->len > JSON_TEXT_MAX) {
        error_set(error, ERR_LIMIT, "standard input: more than %d bytes", JSON_TEXT_MAX);
        g_string_free(text, TRUE);
        return NULL;
    }
    *length = text->len;
    return g_string_free(text, FALSE);
}

static gboolean looks_like_json(const char *text) {
    text += strspn(text, " \t\r\n");
    return *text == '{' || *text == '[';
}

Document *document_read(const char *path, GError **error) {
    g_autoptr(Document) document = g_new0(Document, 1);
    g_autofree char *text = NULL;
    gsize length = 0;
    gboolean from_stdin = strcmp(path, "-") == 0;
    document->name = g_strdup(from_stdin ? "standard input" : path);
    if (from_stdin)
        text = read_stdin(&length, error);
    else
        g_file_get_contents(path, &text, &length, error);
    if (text == NULL)
        return NULL;
    if (looks_like_json(text)) {
        document->json = json_parse_limited(text, (gssize)length, JSON_TEXT_MAX, error);
        document->lines = json_lines(text, length);
        if (document->json == NULL)
            g_prefix_error(error, "%s: ", document->name);
    } else {
        document->json = yaml_read(document->name, text, length, &document->lines, error);
    }
    return document->json != NULL ? g_steal_pointer(&document) : NULL;
}

void document_free(Document *document) {
    if (document == NULL)
        return;
    g_free(document->name);
    json_unref(document->json);
    if (document->lines != NULL)
        g_array_unref(document->lines);
    g_free(document);
}

guint document_line(const Document *document, const JsonValue *value) {
    gsize position = json_position(document->json, value);
    return position < document->lines->len ? g_array_index(document->lines, guint, position) : 0;
}
