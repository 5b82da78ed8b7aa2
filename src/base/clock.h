/* Time. Wall-clock and durations are 64-bit milliseconds. Pure code gets "now" as an argument and never calls these. */
#pragma once
#include <glib.h>

gint64 clock_now_ms(void);     /* since the epoch */
gint64 clock_elapsed_ms(void); /* CLOCK_BOOTTIME: for durations and leases inside this process */
/* "2026-11-24T12:00:00.123Z"; caller frees. */
char *clock_iso8601(gint64 ms);
/* Parses ISO-8601 with zone; -1 when it is none. */
gint64 clock_parse_iso8601(const char *text);
/* "1 h 02 min", "3.2 s", "120 ms" for people; caller frees. */
char *clock_duration_text(gint64 ms);
