/* The engine as the rest of the program sees it: submit, act, read. Everything durable goes through the store; every function
 * that changes something returns after its commit. Any thread. */
#pragma once
#include "base/config.h"
#include "base/principal.h"
#include "base/runtime.h"
#include "engine/execution.h"
#include "engine/stage.h"
#include "store/store.h"

typedef struct Engine Engine;

#define NESTED_EXECUTIONS_MAX 1000                  /* unfinished ones below one that nobody else started: ERR_LIMIT */
#define NESTED_STARTS_MAX 5000                      /* ever started below one, since the program began: ERR_LIMIT */
#define NESTED_PIPELINES_MAX 100                    /* executions started by each other, the first one counted: ERR_LIMIT */
#define ENGINE_LOADED_BYTES_MAX (128 * 1024 * 1024) /* idle executions beyond it are dropped, least recently used first */

#define REQUEST_DIGEST_KEY "_request" /* of a trigger: SHA-256 of the request that a key of its caller stands for */

/* What a step on the way from what was submitted to an execution may know (engine.md 6). */
typedef struct {
    const JsonValue *stored; /* the pipeline as it is saved, or NULL */
    const Principal *principal;
    gint64 now_ms;
    gboolean planning;          /* nothing is started: the pipeline is shown as it would be */
    gboolean resolve_artifacts; /* also when planning */
} Submission;

/* One such step, between the trigger's defaults and the building of the execution: returns the pipeline with its changes (caller
 * owns), NULL when there are none. An error ends the start and is recorded as a failed execution, of the pipeline that was returned with it,
 * or NULL: of the one that was given. The pipeline has a trigger with parameters. May do I/O; on the thread of whoever starts. */
typedef struct {
    const char *name;
    Json *(*prepare)(Services *services, const JsonValue *pipeline, const Submission *submission, GError **error);
} SubmissionStep;

/* An in-process listener: told of every commit of an execution while it is made (before NULL: the execution is new); what it adds to the
 * unit is stored with the change or not at all. On a step worker or a starter's thread; quick, and calls nothing of the engine. */
typedef struct {
    void (*changed)(StoreUnit *unit, const Execution *before, const Execution *after, gint64 now_ms, gpointer data);
    gpointer data;
} EngineObserver;
#define ENGINE_OBSERVERS_MAX 8

typedef struct {
    Store *store;
    const StageTypes *types;
    Services *services;                     /* handed to tasks and submission steps */
    const SubmissionStep *submission_steps; /* in this order; ends with {}; NULL: none */
    Config *config;
    struct Runtime *runtime; /* NULL: threads of its own; else the caller's, who keeps it */
    /* Told of every execution that ends, while its last commit is made: what is added to the unit is stored with the end, or not at
     * all. On a step worker; quick, and calls nothing of the engine. NULL: nobody. */
    void (*ended)(StoreUnit *unit, const Execution *execution, gpointer data);
    gpointer ended_data;
    const EngineObserver *observers; /* copied; ends with {}; NULL: none */
    /* Whether nobody signs in, so that anyone may give a judgement whatever roles it asks for. Quick, any thread. NULL: people do. */
    gboolean (*is_open)(gpointer data);
    gpointer is_open_data;
    guint io_workers;       /* 0: 128 on demand */
    gsize loaded_bytes_max; /* executions kept in memory; 0: ENGINE_LOADED_BYTES_MAX */
} EngineOptions;

/* Opens and recovers: everything unfinished goes on. ERR_… of the store. */
Engine *engine_new(const EngineOptions *options, GError **error);
/* ---- several servers on one store (store/replicas.h): what its ReplicaEvents are for ---- */
void engine_claimed(Engine *engine, const char *const *ids, guint n);
void engine_told(Engine *engine, const char *text);
void engine_set_steward(Engine *engine);
void engine_start(Engine *engine);                     /* workers and timer begin */
gboolean engine_stop(Engine *engine, gint64 grace_ms); /* tasks in progress may end; waits at most grace */
void engine_free(Engine *engine);
/* Work in progress keeps what it began with. FALSE with ERR_INVALID: nothing changed. */
gboolean engine_set_config(Engine *engine, Config *config, GError **error);
/* What the configuration says to the engine now (engine/core.h), for expressions_evaluate; caller owns a reference. */
struct EngineSettings *engine_settings(Engine *engine);
/* Time, workers and timers of the program, for what works beside the engine: stopped with it. Borrowed. */
Runtime *engine_runtime(Engine *engine);
/* The sections of the configuration that the engine reads; ends with NULL. */
extern const ConfigSection *const engine_config_sections[];

/* Starts a pipeline from its configuration JSON with "trigger" inside. With an "executionId" that an execution of the same
 * pipeline has already this is that start, repeated: the id of that execution. stored_config: the pipeline as saved, or
 * NULL when it is not stored. Returns the execution id (caller frees) also when a failed execution was recorded and *error is
 * set (*failed_id). ERR_INVALID: bad graph, unknown type, disabled …; ERR_UNAVAILABLE: back-pressure. */
char *engine_start_pipeline(Engine *engine, const JsonValue *pipeline, const JsonValue *stored_config, const Principal *principal,
                            char **failed_id, GError **error);
/* What the pipeline would be started as: trigger, parameters and all submission steps, nothing stored. Caller owns. ERR_INVALID. */
Json *engine_plan_pipeline(Engine *engine, const JsonValue *pipeline, const JsonValue *stored_config, const Principal *principal,
                           gboolean resolve_artifacts, GError **error);
/* Starts an orchestration {application, description, job:[stages], trigger}. */
char *engine_start_orchestration(Engine *engine, const JsonValue *orchestration, const Principal *principal, GError **error);

/* Records a start that failed elsewhere (POST /fail). Returns its id, NULL when that failed too; caller frees. */
char *engine_record_failure(Engine *engine, const JsonValue *pipeline, const Principal *principal, const char *message);

/* What validation says of a pipeline before it is started or saved: list of messages (empty: fine); caller frees the strv. */
char **engine_validate_pipeline(Engine *engine, const JsonValue *pipeline);

/* Whether the members of a pipeline or a task that is to be started have the types they have to have; null counts as absent. ERR_INVALID
 * names those that have not. */
gboolean engine_check_types(const JsonValue *pipeline, GError **error);

gboolean engine_cancel(Engine *engine, const char *id, const char *user, const char *reason, GError **error);
/* An administrator's last resort: everything active becomes CANCELED here and now, whatever its tasks do. */
gboolean engine_force_cancel(Engine *engine, const char *id, const char *user, const char *reason, GError **error);
gboolean engine_pause(Engine *engine, const char *id, const char *user, GError **error);
gboolean engine_resume(Engine *engine, const char *id, const char *user, GError **error);
gboolean engine_restart_stage(Engine *engine, const char *id, const char *stage_id, const JsonValue *body, const char *user,
                              GError **error);
gboolean engine_patch_stage(Engine *engine, const char *id, const char *stage_id, const JsonValue *changes, const Principal *principal,
                            GError **error);
gboolean engine_delete(Engine *engine, const char *id, GError **error); /* ERR_CONFLICT while running */

/* Lets go on what waits for its turn at the pipeline configuration and may run now; purge: only the newest is kept. How many executions
 * were started or cancelled. */
guint engine_kick_waiting(Engine *engine, const char *config_id, gboolean purge);
/* Whether another execution may be started below this root (NULL: it is one itself); ERR_LIMIT names the limit. */
gboolean engine_family_has_room(Engine *engine, const char *root_id, GError **error);
/* Makes running tasks of a stage (NULL: of all stages) due now (an operation ended, a child changed). Callable from any thread; cheap; a lost wake is
 * only a later poll. */
void engine_wake_stage(Engine *engine, const char *execution_id, const char *stage_id);

/* Wakes the stage when the watched execution ends; does nothing when that has ended: watch first, then look. */
void engine_watch(Engine *engine, const char *watched_id, const char *execution_id, const char *stage_id);

/* The latest committed snapshot; from memory or the store. Caller owns a reference. ERR_NOT_FOUND. */
Execution *engine_load(Engine *engine, const char *id, GError **error);

/* Why an execution, and each stage and task of it that is not done, waits: array of {stageId, taskId, since, reason}. */
Json *engine_why(Engine *engine, const Execution *execution, gint64 now_ms);

typedef struct {
    guint64 running, waiting, tasks_busy, tasks_queued, stages_completed, executions_completed, commits, loaded_bytes;
} EngineStatistics;
void engine_statistics(Engine *engine, EngineStatistics *into);
