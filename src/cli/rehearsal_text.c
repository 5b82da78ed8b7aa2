/* Lines of a rehearsal: one per entry of its timeline, then what was assumed and what the clouds came to. Main thread. */
#include "cli/rehearsal_text.h"
#include "base/clock.h"
#include "cli/output.h"
#include <stdio.h>
#include <string.h>

static void print_line(const char *format, ...) G_GNUC_PRINTF(1, 2);
static void print_line(const char *format, ...) {
    va_list values;
    va_start(values, format);
    g_autofree char *text = g_strdup_vprintf(format, values);
    va_end(values);
    g_autofree char *clean = output_clean(text);
    puts(clean);
}

static const char *text_of(const JsonValue *object, const char *key) {
    const char *text = json_get_string(object, key);
    return text != NULL ? text : "";
}

/* "1d 02:03:04"; caller frees. */
static char *offset_text(gint64 ms) {
    gint64 seconds = ms / 1000, days = seconds / 86400;
    g_autofree char *clock = g_strdup_printf("%02d:%02d:%02d", (int)(seconds / 3600 % 24), (int)(seconds / 60 % 60), (int)(seconds % 60));
    return days > 0 ? g_strdup_printf("%" G_GINT64_FORMAT "d %s", days, clock) : g_steal_pointer(&clock);
}

/* "2/3/4" (min/desired/max), "disabled" behind it; "-": there is no group. Caller frees. */
static char *state_text(const JsonValue *state) {
    if (state == NULL)
        return g_strdup("-");
    return g_strdup_printf("%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT "%s", json_get_int(state, "min", 0),
                           json_get_int(state, "desired", 0), json_get_int(state, "max", 0),
                           json_is_true(json_get(state, "disabled")) ? " disabled" : "");
}

/* ---- the timeline ---- */

/* Stages of other pipelines, which it starts, are told with their pipeline. */
static void print_stage(const char *offset, const JsonValue *entry, const char *pipeline) {
    const char *parent = json_get_string(entry, "parent"), *message = json_get_string(entry, "message");
    gboolean other = g_strcmp0(text_of(entry, "execution"), pipeline) != 0;
    print_line("%12s  %-15s %s%s%s%s%s%s%s", offset, text_of(entry, "status"), other ? text_of(entry, "execution") : "", other ? ": " : "",
               parent != NULL ? parent : "", parent != NULL ? " > " : "", text_of(entry, "stage"), message != NULL ? ": " : "",
               message != NULL ? message : "");
}

static void print_group(const char *offset, const JsonValue *entry) {
    g_autofree char *from = state_text(json_get(entry, "from")), *to = state_text(json_get(entry, "to"));
    print_line("%12s  %-15s %s in %s/%s %s: %s -> %s", offset, "", text_of(entry, "serverGroup"), text_of(entry, "account"),
               text_of(entry, "region"), text_of(entry, "change"), from, to);
}

static void print_timeline(const JsonValue *report) {
    const char *pipeline = text_of(report, "pipeline");
    for (JsonIter i = json_iter(json_get(report, "timeline")); json_next(&i);) {
        g_autofree char *offset = offset_text(json_get_int(i.value, "at", 0));
        if (json_get(i.value, "serverGroup") != NULL)
            print_group(offset, i.value);
        else
            print_stage(offset, i.value, pipeline);
    }
}

/* ---- what it came to ---- */

void rehearsal_print_assumptions(const JsonValue *assumptions) {
    if (json_length(assumptions) > 0)
        print_line("Assumed:");
    for (JsonIter i = json_iter(assumptions); json_next(&i);)
        print_line("  %s (%s): %s, %s", text_of(i.value, "stage"), text_of(i.value, "type"), text_of(i.value, "assumed"),
                   text_of(i.value, "because"));
}

void rehearsal_print_changes(const JsonValue *clouds) {
    const JsonValue *groups = json_get(clouds, "serverGroups"), *balancers = json_get(clouds, "loadBalancers");
    print_line("%s", json_length(groups) + json_length(balancers) > 0 ? "Clouds (min/desired/max):" : "Nothing changes in the clouds.");
    for (JsonIter i = json_iter(groups); json_next(&i);) {
        g_autofree char *before = state_text(json_get(i.value, "before")), *after = state_text(json_get(i.value, "after"));
        print_line("  %s in %s/%s %s: %s -> %s", text_of(i.value, "name"), text_of(i.value, "account"), text_of(i.value, "region"),
                   text_of(i.value, "change"), before, after);
    }
    for (JsonIter i = json_iter(balancers); json_next(&i);)
        print_line("  %s %s in %s/%s %s", text_of(i.value, "kind"), text_of(i.value, "name"), text_of(i.value, "account"),
                   text_of(i.value, "region"), text_of(i.value, "change"));
}

static void print_unused(const JsonValue *names) {
    for (JsonIter i = json_iter(names); json_next(&i);)
        print_line("Assumption %s met no stage whose outside is unknown.", json_string(i.value));
}

static void print_waits(const JsonValue *waits) {
    for (JsonIter i = json_iter(waits); json_next(&i);)
        print_line("It waits: %s", text_of(i.value, "reason"));
}

void rehearsal_print(const JsonValue *report) {
    g_autofree char *duration = clock_duration_text(json_get_int(report, "duration", 0));
    print_timeline(report);
    rehearsal_print_assumptions(json_get(report, "assumptions"));
    print_unused(json_get(report, "unusedAssumptions"));
    rehearsal_print_changes(json_get(report, "clouds"));
    print_waits(json_get(report, "waitsFor"));
    print_line("%s of %s: %s after %s of simulated time, seed %" G_GINT64_FORMAT, text_of(report, "pipeline"),
               text_of(report, "application"), text_of(report, "status"), duration, json_get_int(report, "seed", 0));
}

/* ---- plans ---- */

static const JsonValue *deployment_of(const JsonValue *plan, const char *ref_id) {
    for (JsonIter i = json_iter(json_get(plan, "deployments")); json_next(&i);)
        if (g_strcmp0(json_get_string(i.value, "refId"), ref_id) == 0)
            return i.value;
    return NULL;
}

static const char *failure_of(const JsonValue *plan, const JsonValue *stage) {
    const char *found = NULL;
    for (JsonIter i = json_iter(json_get(plan, "timeline")); json_next(&i);)
        if (g_strcmp0(json_get_string(i.value, "refId"), json_get_string(stage, "refId")) == 0 && json_get(i.value, "message") != NULL)
            found = json_get_string(i.value, "message");
    return found;
}

static void print_planned_stage(const JsonValue *plan, const JsonValue *stage) {
    const char *why = json_get_string(stage, "notTaken"), *failure = failure_of(plan, stage);
    print_line("  %s (%s): %s%s", text_of(stage, "name"), text_of(stage, "type"), why != NULL ? "not taken, " : "",
               why != NULL ? why : text_of(stage, "status"));
    if (failure != NULL)
        print_line("    %s", failure);
    for (JsonIter i = json_iter(json_get(deployment_of(plan, json_get_string(stage, "refId")), "serverGroups")); json_next(&i);) {
        g_autofree char *from = state_text(json_get(i.value, "from")), *to = state_text(json_get(i.value, "to"));
        print_line("    %s in %s/%s %s: %s -> %s", text_of(i.value, "serverGroup"), text_of(i.value, "account"), text_of(i.value, "region"),
                   text_of(i.value, "change"), from, to);
    }
}

static void print_images(const JsonValue *images) {
    if (json_length(images) > 0)
        print_line("Images:");
    for (JsonIter i = json_iter(images); json_next(&i);) {
        const char *name = json_get_string(i.value, "imageName");
        print_line("  %s: %s in %s", text_of(i.value, "stage"), name != NULL ? name : text_of(i.value, "imageId"),
                   text_of(i.value, "region"));
    }
}

static void print_guards(const JsonValue *guards) {
    if (json_length(guards) > 0)
        print_line("Traffic guards:");
    for (JsonIter i = json_iter(guards); json_next(&i);) {
        const JsonValue *guard = json_get(i.value, "guard");
        print_line("  %s/%s %s%s%s: %s", text_of(guard, "account"), text_of(guard, "location"), text_of(guard, "stack"),
                   text_of(guard, "detail")[0] != '\0' ? "-" : "", text_of(guard, "detail"), text_of(i.value, "verdict"));
    }
}

static void print_missing(const JsonValue *missing) {
    for (JsonIter i = json_iter(missing); json_next(&i);)
        print_line("Not permitted to you: %s on account %s", text_of(i.value, "permission"), text_of(i.value, "account"));
}

void rehearsal_print_plan(const JsonValue *plan) {
    g_autofree char *duration = clock_duration_text(json_get_int(plan, "duration", 0));
    print_line("Stages (min/desired/max):");
    for (JsonIter i = json_iter(json_get(plan, "stages")); json_next(&i);)
        print_planned_stage(plan, i.value);
    print_images(json_get(plan, "images"));
    rehearsal_print_changes(json_get(plan, "clouds"));
    print_guards(json_get(plan, "trafficGuards"));
    print_missing(json_get(plan, "missingPermissions"));
    rehearsal_print_assumptions(json_get(plan, "assumptions"));
    print_unused(json_get(plan, "unusedAssumptions"));
    print_waits(json_get(plan, "waitsFor"));
    print_line("%s of %s would be %s after %s", text_of(plan, "pipeline"), text_of(plan, "application"), text_of(plan, "status"), duration);
}
