/* Quartz expressions: any text is an expression or an error; what is due next is later, and found in bounded time. */
#include "triggers/quartz.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(Quartz) quartz = quartz_parse(text, "0f8f7c1e", &error);
    g_assert_true(!quartz != !error);
    if (quartz == NULL)
        return 0;
    GTimeZone *zone = g_time_zone_new_identifier("America/New_York");
    gint64 at = G_GINT64_CONSTANT(1793500000000);
    for (int i = 0; i < 3 && at >= 0; i++) {
        gint64 next = quartz_next(quartz, zone, at);
        g_assert_true(next == -1 || next > at);
        at = next;
    }
    g_autofree char *explained = quartz_explain(quartz);
    g_assert_true(*explained != '\0');
    g_time_zone_unref(zone);
    return 0;
}
