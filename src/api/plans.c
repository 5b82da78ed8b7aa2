/* What a pipeline would do, before it does it: a rehearsal on twins of the clouds as they are (src/rehearse). Nothing is started or written. */
#include "api/internal.h"
#include "api/starting.h"
#include "rehearse/plan.h"

#define PLANS_AT_ONCE_MAX 3 /* of the readers, so that others are answered meanwhile */

typedef struct {
    char **assume;
    gint64 seed;
} PlanQuery;
static const Param plan_query[] = {
    {.name = "assume",
     .type = PARAM_STRINGS,
     .offset = offsetof(PlanQuery, assume),
     .help = "NAME=ANSWER: how a stage with an outside ends, by its name, refId or type (SUCCEEDED, FAILED, …; judgement=stop)."},
    {.name = "seed",
     .type = PARAM_INT,
     .offset = offsetof(PlanQuery, seed),
     .otherwise = "1",
     .min = 0,
     .max = G_MAXUINT32,
     .help = "Decides the order of what happens at the same time."},
    {0},
};

static Json *plan(ApiCall *call, const JsonValue *pipeline, GError **error) {
    const PlanQuery *query = call->query;
    PlanOptions options = {.services = call->services,
                           .principal = call->principal,
                           .assumptions = (const char *const *)query->assume,
                           .seed = (guint64)query->seed};
    static gint running;
    if (g_atomic_int_add(&running, 1) >= PLANS_AT_ONCE_MAX) {
        g_atomic_int_add(&running, -1);
        error_set(error, ERR_UNAVAILABLE, "plan pipeline %s: %d plans are being made (PLANS_AT_ONCE_MAX); try again in a moment",
                  json_get_string(pipeline, "name"), PLANS_AT_ONCE_MAX);
        return NULL;
    }
    Json *planned = plan_pipeline(&options, pipeline, error);
    g_atomic_int_add(&running, -1);
    if (planned == NULL)
        g_prefix_error(error, "plan pipeline %s: ", json_get_string(pipeline, "name"));
    return planned;
}

static Json *plan_given_post(ApiCall *call, GError **error) {
    if (!json_is_object(call->body)) {
        error_set(error, ERR_INVALID, "plan pipeline: the body is a pipeline configuration");
        return NULL;
    }
    g_autoptr(Json) trigger = start_make_trigger(call, json_get(call->body, "trigger"), NULL);
    g_autoptr(Json) pipeline = start_with_trigger(call->body, json_root(trigger));
    return plan(call, json_root(pipeline), error);
}

static Json *plan_saved_post(ApiCall *call, GError **error) {
    g_autoptr(Json) pipeline = start_saved(call, MAY_READ, NULL, error);
    return pipeline != NULL ? plan(call, json_root(pipeline), error) : NULL;
}

#define PLAN_HELP                                                                                                                          \
    " It is a run of the real engine and stages on simulated twins of the clouds as they are; nothing is started or written: stages with " \
    "their evaluated contexts, branches not taken and why, images, artifacts, server groups before and after, guards, assumptions."

static const Route routes[] = {
    {.method = "POST",
     .path = "/pipelines/plan",
     .handler = plan_given_post,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .query = plan_query,
     .query_size = sizeof(PlanQuery),
     .body = BODY_JSON,
     .help = "What the pipeline in the body would do." PLAN_HELP},
    {.method = "POST",
     .path = "/pipelines/{pipelineConfigId}/plan",
     .handler = plan_saved_post,
     .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),
     .query = plan_query,
     .query_size = sizeof(PlanQuery),
     .body = BODY_OPTIONAL_JSON,
     .help = "What a saved pipeline would do; the body is a trigger." PLAN_HELP},
    {0},
};
const RouteTable plan_routes = {"Plans", routes};
