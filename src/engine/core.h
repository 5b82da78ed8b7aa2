/* The pure core: one message in, a changed draft and a list of effects out. No I/O, no clock, no threads, no randomness: all
 * of that is the runner's (runner.c) or a simulation's. */
#pragma once
#include "base/config.h"
#include "engine/message.h"

/* ---- what the core is told about the installation ---- */
typedef enum { QOS_ACTIVE_EXECUTIONS, QOS_KILL_SWITCH } QosSupplier;
typedef struct {
    gboolean enabled, learning, kill_switch, promoter;
    int supplier; /* QosSupplier: what says that starts have to wait */
    gint64 threshold, promote_ms, promote;
} QosSettings;

typedef struct EngineSettings {
    const StageTypes *types;
    Config *config;              /* reference */
    char *window_zone;           /* execution windows' time zone, for messages */
    GTimeZone *window_time_zone; /* NULL: unknown, every window fails and says so */
    gint64 global_backoff_ms;    /* tasks.global.backOffPeriod */
    char *spel_override;         /* expression.spel-version-override or NULL */
    char *default_application;
    gboolean include_allowed_accounts;
    gint64 parked_max; /* executions that wait for their turn per pipeline */
    QosSettings qos;
    gboolean dry_runs;    /* dryrun.enabled */
    gboolean block_tasks; /* executions.blockOrchestrationExecutions */
    Json *allowed_tasks;  /* executions.allowedOrchestrationExecutions or NULL */
    gint ref_count;
} EngineSettings;
/* ERR_INVALID names file and line of what is wrong. */
EngineSettings *engine_settings_new(const StageTypes *types, Config *config, GError **error);
EngineSettings *engine_settings_ref(EngineSettings *settings);
void engine_settings_unref(EngineSettings *settings);

/* ---- what the core wants done, after the draft is committed ---- */
typedef enum {
    EFFECT_RUN,   /* a worker runs `run` of the stage now */
    EFFECT_SLEEP, /* RUN_TASK, RUN_PREPARE: the message RUN_TASK or PREPARE_STAGE comes back at at_ms, or when woken */
    EFFECT_WAKE,  /* what sleeps for the stage (NULL: for all) is due now; cancel: what runs is told to give up */
    EFFECT_SEND,  /* a message for another execution, stored with this commit */
} EffectKind;

typedef struct {
    EffectKind kind;
    RunKind run;
    char *stage_id, *task_id; /* shared texts */
    guint attempt;
    gint64 at_ms;
    gboolean cancel;
    char *recipient;  /* execution id */
    Message *message; /* EFFECT_SEND */
} Effect;

typedef struct {
    GArray *list;     /* of Effect, in order */
    GPtrArray *notes; /* char *: for the log (a stale result was dropped …) */
    gboolean more;    /* the draft holds pending messages: send CONTINUE_EXECUTION after the commit */
    GError *error;    /* the message was refused; it changed nothing */
    guint stages_completed;
} Effects;
void effects_init(Effects *effects);
void effects_clear(Effects *effects);

/* Messages handled in one step; what is left is pending in the draft. */
#define STAGE_BYTES_MAX (64 * 1024 * 1024) /* of a stage's context and outputs in memory: what would exceed it is not taken */
#define STEP_MESSAGES_MAX 256
/* A run of a task is asked to end by then. */
#define TASK_RUN_MAX_MS (10 * 60 * 1000)
/* A cancel routine or a cancel hook is asked to end by then. */
#define CANCEL_RUN_MAX_MS (2 * 60 * 1000)
/* Looking things up before a stage is planned is tried so often, so far apart. */
#define PREPARE_ATTEMPTS_MAX 40
#define PREPARE_RETRY_MS 15000
/* After a restart of the program what slept is due again within this time. */
#define RECOVERY_SPREAD_MS 60000

void engine_apply(Execution *draft, const Message *message, gint64 now_ms, const EngineSettings *settings, Effects *effects);

/* How long until a RUNNING task is run again; pure. */
gint64 task_backoff_ms(const EngineSettings *settings, const Execution *execution, const Stage *stage, const TaskState *task,
                       const TaskDefinition *definition, gint64 now_ms);
/* What the progress of a stage begins with whose task could not be done now: the reason follows. */
#define RETRY_WORDS "retries after: "
/* The stage's type, or NULL: by context key alias, else by type. */
const StageType *stage_type_of(const EngineSettings *settings, const Stage *stage);
/* A task's definition, or NULL when its type has none of that name. */
const TaskDefinition *task_definition_of(const StageType *type, const Execution *execution, const Stage *stage, const TaskState *task);
/* The stage or a parent of it was skipped by hand, and its top-level stage has not ended: that is skipped next. */
gboolean stage_is_skipped_by_hand(const Execution *execution, const Stage *stage);
