/* Any text as a template over a context with every kind of value: it renders, or says why not, within its limits. */
#include "templates/jinja.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static const char context_text[] = "{\"app\":\"shop\",\"n\":4,\"ratio\":0.75,\"on\":true,\"nothing\":null,\"text\":\"gr\\u00fc\\u00dfe\","
                                   "\"list\":[\"a\",3,{\"x\":1}],\"map\":{\"k\":{\"v\":[1,2]}},\"big\":9007199254740993}";

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    static Json *context;
    if (context == NULL)
        context = json_parse(context_text, -1, NULL);
    if (size > 20000)
        return 0;
    g_autofree char *text = g_utf8_make_valid((const char *)data, (gssize)size);
    const JinjaOptions options = {.steps_max = 20000, .output_max = 100000};
    g_autoptr(GError) error = NULL;
    g_autofree char *rendered = jinja_render(text, json_root(context), &options, &error);
    g_assert((rendered == NULL) == (error != NULL));
    return 0;
}
