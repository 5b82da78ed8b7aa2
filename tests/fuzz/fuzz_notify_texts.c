/* What people write into messages, and what is said to come from Slack: HTML that is well-formed, or a refusal. */
#include "notify/markdown.h"
#include "notify/slack_callback.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* No mark of the text becomes a tag that was not made here. */
static void check_html(const char *html) {
    static const char *const MADE[] = {"p>",  "ul>",  "ol>", "li>",           "blockquote>",      "pre>", "code>", "strong>",
                                       "em>", "br/>", "a>",  "a href=\"http", "a href=\"mailto:", "h1>",  "h2>",   "h3>",
                                       "h4>", "h5>",  "h6>"};
    for (const char *tag = strchr(html, '<'); tag != NULL; tag = strchr(tag + 1, '<')) {
        const char *name = tag + 1 + (tag[1] == '/');
        gboolean known = FALSE;
        for (gsize i = 0; i < G_N_ELEMENTS(MADE); i++)
            known = known || g_str_has_prefix(name, MADE[i]);
        g_assert_true(known);
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    if (size > NOTIFICATION_BYTES_MAX)
        return 0;
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autofree char *html = markdown_to_html(text);
    check_html(html);
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) payload = slack_callback_payload(text, &error);
    g_assert_true(!payload != !error);
    g_autoptr(Json) action = payload != NULL ? slack_callback_action(json_root(payload), "u", NULL) : NULL;
    g_autoptr(Json) message G_GNUC_UNUSED = action != NULL ? slack_callback_message(json_root(payload), json_root(action)) : NULL;
    return 0;
}
