/* `cron next`: when a cron expression is due. Offline, main thread. */
#include "base/clock.h"
#include "cli/command.h"
#include "cli/output.h"
#include "triggers/cron_defaults.h"
#include "triggers/quartz.h"
#include <stdio.h>

#define NEXT_COUNT 10
#define NEXT_COUNT_MAX 1000

static const Column next_columns[] = {
    {.title = "LOCAL", .path = "local"},
    {.title = "UTC", .path = "utc"},
    {0},
};

static GTimeZone *find_zone(const char *name, GError **error) {
    GTimeZone *zone = g_time_zone_new_identifier(name);
    if (zone == NULL)
        error_set(error, ERR_INVALID, "--timezone %s: there is no such time zone on this machine (names are like Europe/Berlin)", name);
    return zone;
}

static void add_time(JsonBuilder *builder, GTimeZone *zone, gint64 at) {
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(at / 1000);
    g_autoptr(GDateTime) there = g_date_time_to_timezone(utc, zone);
    g_autofree char *utc_text = g_date_time_format(utc, "%Y-%m-%dT%H:%M:%SZ");
    g_autofree char *local_text = g_date_time_format(there, "%a %Y-%m-%d %H:%M:%S %Z");
    json_begin_object(builder, NULL);
    json_add_string(builder, "utc", utc_text);
    json_add_string(builder, "local", local_text);
    json_end_object(builder);
}

static Json *find_times(const Quartz *quartz, GTimeZone *zone, gint64 after, gint64 count) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (gint64 at = after; count > 0; count--) {
        at = quartz_next(quartz, zone, at);
        if (at < 0)
            break;
        add_time(builder, zone, at);
    }
    json_end_array(builder);
    return json_builder_end(builder);
}

static gboolean read_after(const Invocation *call, gint64 *after, GError **error) {
    const char *text = invocation_option(call, "after");
    *after = text != NULL ? clock_parse_iso8601(text) : clock_now_ms();
    if (*after >= 0)
        return TRUE;
    error_set(error, ERR_INVALID, "--after %s: expected a time like 2026-03-01T12:00:00Z", text);
    return FALSE;
}

static int run_next(Invocation *call, GError **error) {
    const char *zone_name = invocation_option(call, "timezone") != NULL ? invocation_option(call, "timezone") : CRON_ZONE_DEFAULT;
    gint64 count, after;
    if (!invocation_number(call, "count", 1, NEXT_COUNT_MAX, NEXT_COUNT, &count, error) || !read_after(call, &after, error))
        return 1;
    g_autoptr(Quartz) quartz = quartz_parse(invocation_argument(call, "EXPRESSION"), invocation_option(call, "trigger-id"), error);
    GTimeZone *zone = quartz != NULL ? find_zone(zone_name, error) : NULL;
    if (zone == NULL)
        return 1;
    g_autofree char *description = quartz_explain(quartz);
    g_autoptr(Json) times = find_times(quartz, zone, after, count);
    g_time_zone_unref(zone);
    g_autoptr(Json) whole = json_pack("{s:s, s:s, s:s, s:j}", "expression", invocation_argument(call, "EXPRESSION"), "description",
                                      description, "timezone", zone_name, "times", times);
    if (!output_is_table(call))
        return output_one(call, json_root(whole), NULL, error);
    printf("%s (%s)\n", description, zone_name);
    if (json_length(json_root(times)) > 0)
        return output_list(call, json_root(times), next_columns, error);
    puts("It is never due again.");
    return 0;
}

static const Option next_options[] = {
    {"timezone", 0, "ZONE", FALSE, "Time zone of the fields (default: " CRON_ZONE_DEFAULT ", as scheduler.cron.timezone)"},
    {"count", 'n', "NUMBER", FALSE, "How many times (default: " G_STRINGIFY(NEXT_COUNT) ")"},
    {"after", 0, "TIME", FALSE, "Times after this one, ISO 8601 with zone (default: now)"},
    {"trigger-id", 0, "ID", FALSE, "Id of the trigger that H in the expression is made from"},
    {"output", 'o', "table|json|yaml", FALSE, "How to print it (default: table)"},
    {0},
};

const Command cron_commands[] = {
    {.group = "cron",
     .verb = "next",
     .arguments = "EXPRESSION",
     .options = next_options,
     .local = TRUE,
     .run = run_next,
     .help = "Says what a cron expression of a trigger means and when it is due next: Quartz syntax, seconds first.",
     .example = "gennaker cron next '0 0 10 ? * MON-FRI' --timezone Europe/Berlin --count 3"},
    {0},
};
