/* The trace of a resolution (trace.h). Pure. */
#include "artifacts/trace.h"
#include <string.h>

#define REFUSALS_TOLD 3

struct ArtifactTrace {
    JsonBuilder *all;        /* entries so far; an open array */
    JsonBuilder *candidates; /* of the current entry; an open array */
    const JsonValue *expected;
    GString *refusals;
    guint refused, left_out; /* of the current entry */
    guint total;             /* candidates written */
};

ArtifactTrace *artifact_trace_new(void) {
    ArtifactTrace *trace = g_new0(ArtifactTrace, 1);
    trace->all = json_builder_new();
    trace->candidates = json_builder_new();
    trace->refusals = g_string_new(NULL);
    json_begin_array(trace->all, NULL);
    return trace;
}

void artifact_trace_free(ArtifactTrace *trace) {
    json_builder_free(trace->all);
    json_builder_free(trace->candidates);
    g_string_free(trace->refusals, TRUE);
    g_free(trace);
}

static void add_shown(JsonBuilder *builder, const char *key, const JsonValue *artifact) {
    static const char *const FIELDS[] = {"type", "name", "version", "location", "reference"};
    json_begin_object(builder, key);
    for (guint i = 0; i < G_N_ELEMENTS(FIELDS); i++) {
        const char *text = json_get_string(artifact, FIELDS[i]);
        g_autofree char *shown = text != NULL ? artifact_shown(text) : NULL;
        json_add_string(builder, FIELDS[i], shown);
    }
    json_end_object(builder);
}

void artifact_trace_begin(ArtifactTrace *trace, const JsonValue *expected) {
    trace->expected = expected;
    trace->refused = trace->left_out = 0;
    g_string_truncate(trace->refusals, 0);
    json_begin_array(trace->candidates, NULL);
}

static void tell_refusal(ArtifactTrace *trace, const char *source, const JsonValue *artifact, const char *why) {
    if (trace->refused > REFUSALS_TOLD)
        return;
    if (trace->refused == REFUSALS_TOLD) {
        g_string_append(trace->refusals, "; …");
        return;
    }
    g_autofree char *label = artifact_label(artifact);
    g_string_append_printf(trace->refusals, "%s%s (%s): %s", trace->refused > 0 ? "; " : "", label, source, why);
}

void artifact_trace_candidate(ArtifactTrace *trace, const char *source, const JsonValue *artifact, const char *field, const char *why) {
    if (why != NULL) {
        tell_refusal(trace, source, artifact, why);
        trace->refused++;
    }
    if (trace->total >= ARTIFACT_TRACE_CANDIDATES_MAX || (why != NULL && trace->refused > ARTIFACT_TRACE_REFUSED_MAX)) {
        trace->left_out++;
        return;
    }
    trace->total++;
    json_begin_object(trace->candidates, NULL);
    json_add_string(trace->candidates, "source", source);
    add_shown(trace->candidates, "artifact", artifact);
    json_add_bool(trace->candidates, "matches", why == NULL);
    json_add_string(trace->candidates, "field", field);
    json_add_string(trace->candidates, "reason", why);
    json_end_object(trace->candidates);
}

char *artifact_trace_refusals(const ArtifactTrace *trace) {
    return g_strdup(trace->refusals->str);
}

void artifact_trace_end(ArtifactTrace *trace, const char *outcome, const JsonValue *bound, const char *sentence) {
    json_end_array(trace->candidates);
    g_autoptr(Json) candidates = json_builder_end(trace->candidates);
    g_autofree char *id = json_as_text(json_get(trace->expected, "id"));
    json_begin_object(trace->all, NULL);
    json_add_string(trace->all, "id", id != NULL ? id : "");
    json_add_string(trace->all, "displayName", json_get_string(trace->expected, "displayName"));
    json_add_bool(trace->all, "considered", strcmp(outcome, "ignored") != 0);
    json_add_string(trace->all, "outcome", outcome);
    json_add_string(trace->all, "sentence", sentence);
    add_shown(trace->all, "expected", json_get(trace->expected, "matchArtifact"));
    if (bound != NULL)
        add_shown(trace->all, "artifact", bound);
    json_add_json(trace->all, "candidates", candidates);
    json_add_int(trace->all, "leftOut", trace->left_out);
    json_end_object(trace->all);
}

Json *artifact_trace_finish(ArtifactTrace *trace, guint received, const char *prior_id, guint prior) {
    json_end_array(trace->all);
    g_autoptr(Json) expected = json_builder_end(trace->all);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_int(builder, "received", received);
    if (prior_id != NULL) {
        json_begin_object(builder, "prior");
        json_add_string(builder, "execution", prior_id);
        json_add_int(builder, "artifacts", prior);
        json_end_object(builder);
    }
    json_add_json(builder, "expected", expected);
    json_end_object(builder);
    return json_builder_end(builder);
}
