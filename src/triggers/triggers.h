/* Events that start pipelines, and why they did or did not (triggers.md 1).
 *
 * An event is stored before it is acknowledged, then looked at: every pipeline with a trigger that it might mean is considered,
 * and each gets a decision, started or not, with a reason. What was acknowledged is handled also after a crash; what comes twice
 * (the same id, or the same delivery id of its sender) starts once, because the execution's id is made from the event's. Any thread. */
#pragma once
#include "engine/engine.h"
#include "stages/services.h"
#include "store/trigger_events.h"

#define TRIGGER_EVENT_ID_MAX 128                  /* characters of an id that a caller gives */
#define TRIGGER_EVENT_BODY_MAX (32 * 1024 * 1024) /* bytes of an envelope */
#define TRIGGER_EVENT_KEPT_MAX (64 * 1024)        /* bytes of an envelope that are kept after it was handled */
#define TRIGGER_DECISIONS_MAX 2000                /* decisions kept of one event, those that started first; the rest is counted */
#define TRIGGER_EVENTS_BUSY_MAX 64                /* events looked at at once; more wait in the store */

typedef struct {
    Store *store;
    Engine *engine;
    Services *services;
    Config *config;
    /* Whether runAsUser (or "anonymous") may start pipelines of the application. NULL: permissions are off, everything runs as
     * anonymous. */
    gboolean (*may_execute)(const char *user, const char *application, gpointer data, GError **error);
    gpointer data;
} TriggersOptions;

/* Reads what the pipelines' triggers are. ERR_INVALID: the configuration. */
Triggers *triggers_new(const TriggersOptions *options, GError **error);
void triggers_start(Triggers *triggers);                 /* after the engine: open events are handled */
void triggers_look(Triggers *triggers);                  /* an event may have been stored that it was not told of */
void triggers_stop(Triggers *triggers, gint64 grace_ms); /* before the engine: what is not handled stays open */
void triggers_free(Triggers *triggers);
gboolean triggers_reload(Triggers *triggers, Config *config, GError **error); /* changes nothing on error */
extern const ConfigSection *const triggers_config_sections[];                 /* NULL-terminated */

/* ---- events ---- */
typedef struct {
    const char *id;       /* NULL: one is made. The same id again is the same event */
    const char *delivery; /* what the sender repeats when it sends again, or NULL; one of a kind within (type, source) */
    gint64 created_ms;    /* 0: now */
    /* {details: {type, source?, requestHeaders? …}, content?, payload?, rawContent?} as triggers.md 1.2 */
    const JsonValue *envelope;
} TriggerEvent;

/* Returns the event's id once it is stored; it is handled soon after. *repeated (may be NULL): it was there already, the id is the
 * first one's; when that one has started nothing it is looked at again. ERR_INVALID without details.type; ERR_LIMIT;
 * ERR_UNAVAILABLE. Caller frees. */
char *triggers_post_event(Triggers *triggers, const TriggerEvent *event, gboolean *repeated, GError **error);

/* Whether a trigger of this type can be meant by an event, or is one that people start by hand. Pure. */
gboolean triggers_type_exists(const char *type);

/* For EngineOptions.ended: adds the event of this end to the unit when a pipeline waits for it. */
void triggers_execution_ended(Triggers *triggers, StoreUnit *unit, const Execution *execution);

/* ---- decisions ---- */
typedef enum {
    DECISION_STARTED,         /* also when the execution was recorded as failed at its start */
    DECISION_FAILED_AT_START, /* an execution was recorded, and failed before its first stage */
    DECISION_PIPELINE_DISABLED,
    DECISION_TRIGGER_DISABLED,
    DECISION_TRIGGER_INVALID, /* a key that it needs is missing */
    DECISION_KEY_DIFFERS,     /* source, project, account … */
    DECISION_CONSTRAINT,      /* a payload or attribute constraint */
    DECISION_SIGNATURE,
    DECISION_ARTIFACT,
    DECISION_NOT_PERMITTED,
    DECISION_QUIET_PERIOD,
    DECISION_DUPLICATE,       /* another trigger of this pipeline started it for this event */
    DECISION_STARTS_DISABLED, /* orca.enabled: false */
    DECISION_REFUSED,         /* the engine did not take it */
    DECISION_UNAVAILABLE,     /* it was tried again and again */
    DECISION_MISSED,          /* its time was over */
} DecisionReason;
const char *decision_reason_name(DecisionReason reason); /* "CONSTRAINT" */

typedef struct {
    DecisionReason reason;
    char *message;      /* a sentence; owned */
    char *execution_id; /* owned, or NULL */
} TriggerDecision;
void trigger_decision_clear(TriggerDecision *decision);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TriggerDecision, trigger_decision_clear)

/* ---- starting ---- */
typedef struct {
    const JsonValue *pipeline;  /* as it is stored */
    const JsonValue *trigger;   /* of the execution: type, id, … */
    const JsonValue *artifacts; /* received ones, an array, or NULL */
    const char *run_as;         /* whom permissions are asked for, or NULL */
    const char *event_id;
    gint64 event_ms; /* when the event was, the same at a repeat; the id's time */
    guint ordinal;   /* the how-manieth start of this pipeline by this event: a repeat gives the same execution */
} TriggerStart;
/* The common way in: quiet period, master switch, runAsUser, a deterministic execution id, then the engine. Answers FALSE only
 * with ERR_UNAVAILABLE (nothing is decided, try again); everything else is a decision. Waits for the commit. */
gboolean triggers_start_pipeline(Triggers *triggers, const TriggerStart *start, TriggerDecision *into, GError **error);
/* Stores an event that was decided elsewhere (a fire that was missed, a manual start). */
gboolean triggers_record(Triggers *triggers, const TriggerEvent *event, const TriggerDecisionRecord *decisions, gsize n, GError **error);

/* ---- the triggers that there are ---- */
typedef struct {
    const char *pipeline_id, *pipeline_name, *application;
    gboolean pipeline_disabled, enabled;
    guint index;              /* in the pipeline's triggers */
    const char *id;           /* derived: stable while the trigger's significant fields are the same (triggers.md 1.5) */
    const JsonValue *trigger; /* as stored */
    const char *problem;      /* why no event can ever mean it, a sentence, or NULL */
} TriggerView;
typedef gboolean (*TriggerEach)(const TriggerView *view, gpointer data); /* FALSE stops */
/* Those of a type ("cron"), of one pipeline or (pipeline_id NULL) of all; type NULL, of one pipeline only: all that it has, also those of
 * types that are not known, in their order. Sees every save that was answered before. */
void triggers_each(Triggers *triggers, const char *type, const char *pipeline_id, TriggerEach each, gpointer data);
/* Why the template of the pipeline gives it no triggers, a sentence, or NULL. Caller frees. */
char *triggers_pipeline_problem(Triggers *triggers, const char *pipeline_id);
/* changed is called soon after pipelines were saved or deleted, with the id of each, on a worker. At most
 * TRIGGER_WATCHERS_MAX; set up before triggers_start. */
#define TRIGGER_WATCHERS_MAX 4
typedef void (*TriggersChanged)(const char *pipeline_id, gpointer data);
void triggers_watch(Triggers *triggers, TriggersChanged changed, gpointer data);
/* {enabled, inQuietPeriod, startTime, endTime} (triggers.md 1.8). Caller owns. */
Json *triggers_quiet_period(Triggers *triggers, gint64 now_ms);
