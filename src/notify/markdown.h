/* Markdown to HTML, as much of it as people write into messages: paragraphs, headings, lists, quotes, code, emphasis, links. Pure. */
#pragma once
#include <glib.h>

/* Never fails: what is no mark is text. HTML in the text is escaped. Caller frees. */
char *markdown_to_html(const char *text);
