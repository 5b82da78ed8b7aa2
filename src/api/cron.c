/* Checking cron expressions (api.md 13, triggers.md 5.5). */
#include "triggers/cron.h"
#include "api/internal.h"
#include "base/clock.h"

#define NO_DESCRIPTION "No description available for fuzzy cron expressions"

typedef struct {
    char *expression;
} CronQuery;
static const Param cron_query[] = {
    {.name = "expression",
     .type = PARAM_STRING,
     .offset = offsetof(CronQuery, expression),
     .required = TRUE,
     .help = "Six or seven fields as Quartz has them: seconds minutes hours day-of-month month day-of-week [year]."},
    {0},
};

static Json *cron_validate_get(ApiCall *call, GError **error) {
    const char *expression = ((const CronQuery *)call->query)->expression;
    g_autoptr(GError) wrong = NULL;
    g_autoptr(Quartz) quartz = quartz_parse(expression, NULL, &wrong);
    (void)error;
    if (quartz == NULL)
        return json_pack("{s:b, s:s}", "valid", FALSE, "message", wrong->message);
    g_autofree char *description = quartz_is_fuzzy(expression) ? g_strdup(NO_DESCRIPTION) : quartz_explain(quartz);
    return json_pack("{s:b, s:s}", "valid", TRUE, "description", description);
}

/* ---- what is scheduled ---- */
#define SCHEDULED_MAX 10000

typedef struct {
    JsonBuilder *builder;
    guint left;
} Listing;

static gboolean add_scheduled(const CronTrigger *trigger, const Quartz *quartz, gint64 next_ms, gpointer data) {
    Listing *listing = data;
    JsonBuilder *builder = listing->builder;
    g_autofree char *description = quartz_explain(quartz);
    g_autofree char *next = clock_iso8601(next_ms);
    json_begin_object(builder, NULL);
    json_add_string(builder, "id", trigger->trigger_id);
    json_add_string(builder, "application", trigger->application);
    json_add_string(builder, "pipelineId", trigger->pipeline_id);
    json_add_string(builder, "pipelineName", trigger->pipeline_name);
    json_add_string(builder, "cronExpression", trigger->expression);
    json_add_string(builder, "description", description);
    json_add_string(builder, "nextFireTime", next);
    json_end_object(builder);
    return --listing->left > 0;
}

static Json *scheduled_get(ApiCall *call, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    (void)error;
    json_begin_object(builder, NULL);
    json_begin_array(builder, "pipeline");
    cron_each(call->services->cron, NULL, add_scheduled, &(Listing){builder, SCHEDULED_MAX});
    json_end_array(builder);
    json_begin_array(builder, "manuallyCreated");
    json_end_array(builder);
    json_end_object(builder);
    return json_builder_end(builder);
}

#define CRON_ROUTE(route_path, text)                                                                                                       \
    {                                                                                                                                      \
        .method = "GET", .path = (route_path), .handler = cron_validate_get, .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),                  \
        .query = cron_query, .query_size = sizeof(CronQuery), .help = (text)                                                               \
    }

static const Route routes[] = {
    CRON_ROUTE("/cron/validate", "Whether a cron expression is valid: {valid, description} or {valid, message}. Always 200."),
    CRON_ROUTE("/cronTasks/validate", "The same as /cron/validate."),
    {.method = "GET",
     .path = "/scheduledActions",
     .handler = scheduled_get,
     .needs = NEEDS(ON_SERVER, ACCESS_ADMIN),
     .help = "Cron triggers in the order in which they are due: {pipeline, manuallyCreated}. At most 10000."},
    {0},
};
const RouteTable cron_routes = {"Cron", routes};
