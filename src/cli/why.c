/* `gennaker why ID`: why an event started pipelines or did not, what starts a pipeline, what started an execution and what it waits for. */
#include "cli/client.h"
#include "cli/output.h"
#include <string.h>

/* ---- sentences ---- */
static void print_line(const char *format, ...) G_GNUC_PRINTF(1, 2);
static void print_line(const char *format, ...) {
    va_list values;
    va_start(values, format);
    g_autofree char *text = g_strdup_vprintf(format, values);
    va_end(values);
    g_autofree char *clean = output_clean(text);
    g_print("%s\n", clean);
}

static const char *text_of(const JsonValue *object, const char *key) {
    const char *text = json_get_string(object, key);
    return text != NULL ? text : "";
}

static char *event_name(const JsonValue *event) {
    const char *source = json_get_string(event, "source");
    g_autofree char *time = output_time(json_get_int(event, "createdTime", 0));
    return g_strdup_printf("%s%s%s event %s of %s", text_of(event, "type"), source != NULL ? "/" : "", source != NULL ? source : "",
                           text_of(event, "id"), time);
}

static void print_decisions(const JsonValue *decisions, gboolean with_pipeline) {
    for (JsonIter i = json_iter(decisions); json_next(&i);) {
        gint64 index = json_get_int(i.value, "triggerIndex", -1);
        g_autofree char *trigger = index >= 0 ? g_strdup_printf("trigger %" G_GINT64_FORMAT, index + 1) : g_strdup("no trigger");
        g_autofree char *who = with_pipeline
                                   ? g_strdup_printf("%s / %s, %s", text_of(i.value, "application"), text_of(i.value, "pipeline"), trigger)
                                   : g_strdup(trigger);
        print_line("  %-17s %s: %s", text_of(i.value, "reason"), who, text_of(i.value, "message"));
    }
}

static void print_event(const JsonValue *event) {
    g_autofree char *name = event_name(event);
    gint64 repeats = json_get_int(event, "repeats", 0), left_out = json_get_int(event, "leftOut", 0);
    print_line("%s", name);
    if (strcmp(text_of(event, "state"), "OPEN") == 0)
        print_line("It is stored and waits to be looked at.");
    else
        print_line("It started %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " pipelines that it might have meant.",
                   json_get_int(event, "started", 0), json_get_int(event, "considered", 0));
    if (repeats > 0)
        print_line("It came %" G_GINT64_FORMAT " times more; that starts nothing twice.", repeats);
    if (json_get_string(event, "note") != NULL)
        print_line("%s", text_of(event, "note"));
    print_decisions(json_get(event, "decisions"), TRUE);
    if (left_out > 0)
        print_line("  … and %" G_GINT64_FORMAT " decisions that were not kept", left_out);
}

static void print_pipeline(const JsonValue *pipeline) {
    const JsonValue *triggers = json_get(pipeline, "triggers"), *events = json_get(pipeline, "events");
    print_line("Pipeline %s of %s (%s)%s", text_of(pipeline, "name"), text_of(pipeline, "application"), text_of(pipeline, "id"),
               json_get_bool(pipeline, "disabled", FALSE) ? ": it is disabled, no event starts it" : "");
    const char *problem = json_get_string(pipeline, "problem");
    if (problem != NULL)
        print_line("%s", problem);
    else if (json_length(triggers) == 0)
        print_line("It has no triggers: only people and other pipelines' stages start it.");
    for (JsonIter i = json_iter(triggers); json_next(&i);) {
        g_autofree char *settings = json_write(json_get(i.value, "trigger"), NULL);
        print_line("  trigger %" G_GINT64_FORMAT " (%s) %s", json_get_int(i.value, "index", 0) + 1,
                   json_get_bool(i.value, "active", FALSE) ? "active" : "off", settings);
        if (json_get_string(i.value, "problem") != NULL)
            print_line("    %s", text_of(i.value, "problem"));
        const JsonValue *fires = json_get(i.value, "nextFires");
        for (JsonIter f = json_iter(fires); json_next(&f);) {
            g_autofree char *time = output_time(json_int(f.value, 0));
            print_line("    fires at %s", time);
        }
    }
    if (json_length(events) == 0)
        print_line("No event considered it so far.");
    for (JsonIter i = json_iter(events); json_next(&i);) {
        g_autofree char *name = event_name(i.value);
        print_line("%s", name);
        print_decisions(json_get(i.value, "decisions"), FALSE);
    }
}

static void print_execution(const JsonValue *answer) {
    const JsonValue *execution = json_get(answer, "execution"), *events = json_get(answer, "startedBy"), *waits = json_get(answer, "why");
    const char *user = json_string(json_dig(execution, "trigger", "user", NULL));
    print_line("Execution %s of %s (%s) is %s.", text_of(execution, "id"), text_of(execution, "name"), text_of(execution, "application"),
               text_of(execution, "status"));
    if (json_length(events) == 0)
        print_line("It was started by %s (trigger %s).", user != NULL ? user : "nobody known",
                   text_of(json_get(execution, "trigger"), "type"));
    for (JsonIter i = json_iter(events); json_next(&i);) {
        g_autofree char *name = event_name(i.value);
        print_line("It was started by %s:", name);
        print_decisions(json_get(i.value, "decisions"), FALSE);
    }
    for (JsonIter i = json_iter(waits); json_next(&i);) {
        g_autofree char *since = output_time(json_get_int(i.value, "since", 0));
        print_line("  %s%s%s%s", *since != '\0' ? "since " : "", since, *since != '\0' ? ": " : "", text_of(i.value, "reason"));
    }
    for (JsonIter i = json_iter(json_get(answer, "unsentNotifications")); json_next(&i);)
        print_line("  %s", text_of(i.value, "reason"));
}

/* ---- which of the three it is ---- */
static Json *asked_execution(Client *client, const char *id, GError **error) {
    g_autoptr(Json) execution = client_get(client, error, "/pipelines/{}", id, NULL);
    g_autoptr(Json) events = execution != NULL ? client_get(client, error, "/triggers/executions/{}", id, NULL) : NULL;
    g_autoptr(Json) waits = events != NULL ? client_get(client, error, "/pipelines/{}/why", id, NULL) : NULL;
    if (waits == NULL)
        return NULL;
    static const char *const LARGE[] = {"stages", NULL};
    g_autoptr(Json) narrow = json_without(json_root(execution), LARGE);
    g_autoptr(Json) unsent = client_get(client, NULL, "/pipelines/{}/notifications", id, NULL);
    return json_pack("{s:j, s:j, s:j, s:j}", "execution", narrow, "startedBy", events, "why", waits, "unsentNotifications", unsent);
}

static Json *asked_event(Client *client, const char *id, GError **error) {
    return client_get(client, error, "/triggers/events/{}", id, NULL);
}

/* By id, or as application/name. */
static Json *asked_pipeline(Client *client, const char *text, GError **error) {
    const char *slash = strchr(text, '/');
    if (slash == NULL)
        return client_get(client, error, "/triggers/pipelines/{}", text, NULL);
    g_autofree char *application = g_strndup(text, (gsize)(slash - text));
    g_autoptr(Json) pipeline = client_get(client, error, "/applications/{}/pipelineConfigs/{}", application, slash + 1, NULL);
    const char *id = json_get_string(json_root(pipeline), "id");
    return id != NULL ? client_get(client, error, "/triggers/pipelines/{}", id, NULL) : NULL;
}

static const struct {
    Json *(*ask)(Client *client, const char *id, GError **error);
    void (*print)(const JsonValue *answer);
} KINDS[] = {{asked_event, print_event}, {asked_pipeline, print_pipeline}, {asked_execution, print_execution}};

static int run_why(Invocation *call, GError **error) {
    const char *id = invocation_argument(call, "ID");
    if (*id == '\0') {
        error_set(error, ERR_INVALID, "ID is empty: an event, a pipeline (its id, or APPLICATION/NAME) or an execution is needed");
        return 2;
    }
    g_autoptr(Client) client = client_new(call, error);
    for (gsize i = 0; client != NULL && i < G_N_ELEMENTS(KINDS); i++) {
        g_autoptr(GError) failure = NULL;
        g_autoptr(Json) answer = KINDS[i].ask(client, id, &failure);
        if (answer != NULL) {
            if (!output_is_table(call))
                return output_one(call, json_root(answer), NULL, error);
            KINDS[i].print(json_root(answer));
            return 0;
        }
        if (failure != NULL && error_code(failure) != ERR_NOT_FOUND) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return 1;
        }
    }
    if (client != NULL)
        error_set(error, ERR_NOT_FOUND, "%s is neither an event, nor a pipeline (its id, or APPLICATION/NAME), nor an execution", id);
    return 1;
}

const Command why_commands[] = {
    {.verb = "why",
     .arguments = "ID",
     .run = run_why,
     .help = "Why an event started pipelines or did not; what starts a pipeline (its id, or APPLICATION/NAME); what started an execution "
             "and what it waits for.",
     .example = "gennaker why 01HV2Y5K8Q3T9ZJ6W4N1C7XBMD"},
    {0},
};
