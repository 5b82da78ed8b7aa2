/* Reading the clocks of the machine and texts of times. Any thread. */
#include "base/clock.h"
#include <time.h>

static gint64 read_clock(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (gint64)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

gint64 clock_now_ms(void) {
    return read_clock(CLOCK_REALTIME);
}

gint64 clock_elapsed_ms(void) {
    return read_clock(CLOCK_BOOTTIME);
}

char *clock_iso8601(gint64 ms) {
    gint64 seconds = ms / 1000, rest = ms % 1000;
    if (rest < 0) {
        seconds--;
        rest += 1000;
    }
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);
    if (time == NULL) /* before the year 1 or after 9999 */
        return g_strdup_printf("%" G_GINT64_FORMAT " ms", ms);
    g_autofree char *text = g_date_time_format(time, "%Y-%m-%dT%H:%M:%S");
    return g_strdup_printf("%s.%03dZ", text, (int)rest);
}

gint64 clock_parse_iso8601(const char *text) {
    if (text == NULL)
        return -1;
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, NULL);
    if (time == NULL)
        return -1;
    /* GLib reads the fraction as a double, which may lie a microsecond below */
    return g_date_time_to_unix(time) * 1000 + (g_date_time_get_microsecond(time) + 1) / 1000;
}

char *clock_duration_text(gint64 ms) {
    const char *sign = ms < 0 ? "-" : "";
    const guint64 size = ms < 0 ? -(guint64)ms : (guint64)ms;
    if (size < 1000)
        return g_strdup_printf("%s%d ms", sign, (int)size);
    if (size < 60 * 1000)
        return g_strdup_printf("%s%d.%d s", sign, (int)(size / 1000), (int)(size % 1000 / 100));
    const guint64 seconds = size / 1000, minutes = seconds / 60, hours = minutes / 60;
    if (hours == 0)
        return g_strdup_printf("%s%d min %02d s", sign, (int)minutes, (int)(seconds % 60));
    if (hours < 24)
        return g_strdup_printf("%s%d h %02d min", sign, (int)hours, (int)(minutes % 60));
    return g_strdup_printf("%s%" G_GUINT64_FORMAT " d %02d h", sign, hours / 24, (int)(hours % 24));
}
