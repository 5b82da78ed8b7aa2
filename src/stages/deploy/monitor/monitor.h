/* Deployment monitors: services that are told of a deployment and say whether it may go on (deploy-strategies.md 3, monitored). */
#pragma once
#include "stages/deploy/deployment.h"

/* ---- the configuration (settings.c) ---- */
typedef struct {
    char *id, *name, *base_url;
    gboolean fail_on_error; /* what an error of the monitor does to the deployment */
    gint64 max_minutes;     /* how long it may take to answer one evaluation */
} Monitor;
void monitor_clear(Monitor *monitor);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Monitor, monitor_clear)
extern const ConfigSection monitor_section;
gboolean monitor_is_enabled(Config *config);
/* The monitor of that id. ERR_INVALID: there is none (the message lists those there are), or its entry is wrong. */
gboolean monitor_find(Config *config, const char *id, Monitor *into, GError **error);
/* Every entry of the list is what it has to be, no id is there twice. */
gboolean monitor_check_config(Config *config, GError **error);

/* ---- the protocol (protocol.c) ---- */
typedef enum { DIRECTIVE_CONTINUE, DIRECTIVE_WAIT, DIRECTIVE_ABORT, DIRECTIVE_COMPLETE } Directive;
/* What an answer says; *reason (or NULL) why, as text; caller frees. ERR_INVALID: no directive, or one that is not known. Pure. */
gboolean monitor_answer_read(const JsonValue *answer, Directive *directive, char **reason, GError **error);
/* What it is told of a stage that asks. Caller unrefs. Pure. */
Json *monitor_request(const Execution *execution, const Stage *stage);
/* One POST of the request; the answer, or NULL with error (ERR_REMOTE: an answer that is none). Caller unrefs. */
Json *monitor_call(TaskContext *context, const Monitor *monitor, const char *path, const Json *request, GError **error);

/* ---- stage types (stages.c) ---- */
#define STAGE_MONITOR_STARTING "notifyDeployStarting"
#define STAGE_MONITOR_EVALUATE "evaluateDeploymentHealth"
#define STAGE_MONITOR_COMPLETED "notifyDeployCompleted"
extern const StageType stage_notify_deploy_starting, stage_evaluate_deployment_health, stage_notify_deploy_completed;

#define MONITOR_HTTP_TRIES 3                           /* repetitions of a call that failed, before that is an error */
#define MONITOR_POLL_MS (60 * G_GINT64_CONSTANT(1000)) /* between two questions */
#define MONITOR_ANSWER_MAX (1024 * 1024)               /* bytes of an answer */
#define MONITOR_MINUTES_MAX (7 * 24 * 60)              /* maxAnalysisMinutes at most */
#define MONITOR_DEFAULT_MINUTES "30"
