/* Checking cron expressions (api.md 13, triggers.md 5.5). */
#include "api/internal.h"
#include "triggers/quartz.h"

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

#define CRON_ROUTE(route_path, text)                                                                                                       \
    {                                                                                                                                      \
        .method = "GET", .path = (route_path), .handler = cron_validate_get, .needs = NEEDS(ON_SERVER, ACCESS_SIGNED_IN),                  \
        .query = cron_query, .query_size = sizeof(CronQuery), .help = (text)                                                               \
    }

static const Route routes[] = {
    CRON_ROUTE("/cron/validate", "Whether a cron expression is valid: {valid, description} or {valid, message}. Always 200."),
    CRON_ROUTE("/cronTasks/validate", "The same as /cron/validate."),
    {0},
};
const RouteTable cron_routes = {"Cron", routes};
