/* What the files of this room share. */
#pragma once
#include "triggers/triggers.h"

/* ---- settings.c: what the configuration says; immutable, swapped whole ---- */
typedef struct {
    gint ref_count;
    Config *config;
    gboolean starts_enabled; /* orca.enabled */
    gint64 attempts, retry_ms;
    gboolean quiet_enabled; /* both dates can be read */
    gint64 quiet_start_ms, quiet_end_ms;
    char **suppressed;     /* types of triggers; NULL: none */
    char *git_secret;      /* trigger.git.shared-secret, or NULL */
    GHashTable *templates; /* source of webhooks to the text that makes artifacts of a body; NULL: none */
} TriggerSettings;
TriggerSettings *trigger_settings_new(Config *config, GError **error);
TriggerSettings *trigger_settings_ref(TriggerSettings *settings);
void trigger_settings_unref(TriggerSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TriggerSettings, trigger_settings_unref)
gboolean trigger_settings_are_quiet(const TriggerSettings *settings, gint64 now_ms);

/* ---- event.c: an event as it is handled ---- */
typedef struct {
    char *id, *type, *source; /* source may be NULL */
    char *delivery;           /* with type and source in front; or NULL */
    gint64 number, created_ms;
    Json *envelope;
} Event;
Event *event_new(const TriggerEvent *event, gint64 now_ms, GError **error);
Event *event_from_record(const TriggerEventRecord *record, GError **error);
void event_free(Event *event);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Event, event_free)
/* The envelope as it is kept after the event was handled: without secrets and raw content, NULL when it is too large. Caller frees. */
char *event_text_to_keep(const Event *event);
const JsonValue *event_content(const Event *event);
const JsonValue *event_payload(const Event *event);
/* A value at a path like "content.project.name". */
const JsonValue *event_at(const Event *event, const char *path);
/* First value of a request header, without regard to case, or NULL. */
const char *event_header(const Event *event, const char *name);
/* All values: an array or NULL. */
const JsonValue *event_header_values(const Event *event, const char *name);

/* ---- handlers.c: what kinds of events there are, and what they mean for a trigger ---- */
typedef struct {
    const Event *event;
    const JsonValue *trigger, *pipeline; /* pipeline may be NULL */
    const TriggerSettings *settings;
    const JsonValue *build_properties; /* of a build's property file, or NULL */
} Match;
#define MATCH_KEYS_MAX 3
#define EVENT_EXECUTION_ENDED "executionEnded"
typedef struct {
    const char *trigger; /* member of the trigger */
    const char *event;   /* path in the envelope */
    gboolean fold;       /* compared without case */
} MatchKey;
typedef struct {
    const char *event_type;            /* compared without case */
    const char *const *trigger_types;  /* compared exactly; NULL-terminated */
    MatchKey keys[MATCH_KEYS_MAX + 1]; /* members that have to be there and equal what the event says: candidates are found by them */
    gboolean own_check;                /* neither EXECUTE nor artifacts are checked */
    gboolean once;                     /* several triggers of a pipeline start it once */
    /* Why the event cannot start anything, a sentence; NULL: it can. Caller frees. */
    char *(*ignore)(const Event *event);
    /* Whether a trigger whose keys are equal is meant. FALSE: *why says why not. NULL: it is. */
    gboolean (*matches)(const Match *match, TriggerDecision *why);
    /* Changes to the stored trigger for the execution: members to set; those that are null are dropped. NULL: nothing but eventId. */
    void (*add)(const Match *match, JsonBuilder *builder);
    /* All members of the execution's trigger, instead of the stored ones and add. */
    void (*build)(const Match *match, JsonBuilder *builder);
    /* What only the pipeline as it is stored and the received artifacts tell: the trigger with that, caller owns. NULL: nothing. */
    Json *(*complete)(const JsonValue *run_time, const JsonValue *pipeline, const JsonValue *artifacts);
    /* Received artifacts: an array that the caller owns, or NULL. */
    Json *(*artifacts)(const Match *match);
} TriggerHandler;
extern const TriggerHandler *const trigger_handlers[]; /* NULL-terminated */
const TriggerHandler *trigger_handler_of_event(const char *event_type);
const TriggerHandler *trigger_handler_of_trigger(const char *trigger_type);
extern const TriggerHandler trigger_webhook, trigger_cdevents, trigger_git, trigger_build, trigger_docker, trigger_helm_oci, trigger_helm,
    trigger_artifactory, trigger_nexus, trigger_pubsub, trigger_plugin, trigger_cron, trigger_pipeline;
/* Why this trigger is not meant, also when its keys differ. Pure. */
gboolean trigger_matches(const TriggerHandler *handler, const Match *match, TriggerDecision *why);
/* The trigger of the execution (known keys only). Caller owns. */
Json *trigger_build_run_time(const TriggerHandler *handler, const Match *match, const char *trigger_id);
/* Why no event can ever mean the trigger, a sentence, or NULL; handler NULL: its type is not known. Caller frees. */
char *trigger_problem(const TriggerHandler *handler, const JsonValue *trigger);
/* A decision with a formatted sentence. */
void decision_set(TriggerDecision *decision, DecisionReason reason, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* ---- constraints.c ---- */
/* triggers.md 11.2; paths: also JSON paths as keys. FALSE: *why names key and value. */
gboolean constraints_hold(const JsonValue *constraints, const JsonValue *payload, gboolean paths, const char *what, TriggerDecision *why);
/* A value's text as a regular expression sees it; caller frees. NULL for null. */
char *constraint_text(const JsonValue *value);

/* ---- signature.c ---- */
/* Whether the sender knew the secret (triggers.md 6.1, GitHub, GitLab and Bitbucket). */
/* What is kept of a token: its digest. Caller frees. */
char *signature_token_digest(const char *token);
gboolean signature_is_good(const Event *event, const char *secret, TriggerDecision *why);

/* ---- semver.c ---- */
#define SEMVER_RANGE_MAX 1000 /* bytes of a range */
/* Whether a version lies in an npm range; FALSE for what is neither. */
gboolean semver_in_range(const char *version, const char *range);

/* ---- index.c: the triggers that there are, by what events name ---- */
typedef struct {
    guint index;                   /* in the pipeline's triggers */
    char *id;                      /* derived */
    const TriggerHandler *handler; /* NULL: of a type that no event means */
    char *key;                     /* of the index; NULL: a member that it needs is missing, no event finds it */
    Json *trigger;                 /* as stored, with the derived id */
    gboolean enabled;
} IndexedTrigger;
typedef struct {
    gatomicrefcount ref_count;
    char *id, *name, *application; /* name never NULL */
    gboolean disabled, templated;
    char *problem;    /* why its template gives it no triggers, a sentence; NULL: it does */
    GArray *triggers; /* of IndexedTrigger, those of known types */
    GArray *others;   /* of IndexedTrigger, the rest: shown, never started by */
} IndexedPipeline;    /* immutable */
IndexedPipeline *indexed_pipeline_ref(IndexedPipeline *pipeline);
void indexed_pipeline_unref(IndexedPipeline *pipeline);
typedef struct TriggerIndex TriggerIndex;
TriggerIndex *trigger_index_new(Store *store, GError **error);
void trigger_index_free(TriggerIndex *index);
/* Told of a change before it is answered; cheap. */
void trigger_index_invalidate(TriggerIndex *index, const char *pipeline_id);
/* A template changed: whatever is made from one is read again. */
void trigger_index_invalidate_templated(TriggerIndex *index);
/* Reads again what changed. */
void trigger_index_refresh(TriggerIndex *index);
/* Ids of pipelines that were read again since this was asked last; of char *, owned. */
GPtrArray *trigger_index_take_refreshed(TriggerIndex *index);
/* Pipelines with a trigger that the event may mean, by application and name; of IndexedPipeline (references). */
GPtrArray *trigger_index_find(TriggerIndex *index, const char *key);
IndexedPipeline *trigger_index_pipeline(TriggerIndex *index, const char *pipeline_id); /* reference or NULL */
/* Those with a trigger of the type; of IndexedPipeline (references). */
GPtrArray *trigger_index_of_type(TriggerIndex *index, const char *type);
/* What triggers of the handler wait for, at most NEAREST_SCAN_MAX of them: one text per key as people write it; of char *, owned. */
#define NEAREST_SCAN_MAX 5000
GPtrArray *trigger_index_keys(TriggerIndex *index, const TriggerHandler *handler);
gboolean trigger_index_has(TriggerIndex *index, const char *key);
/* The key of the index for a trigger, and for what an event names; NULL when something is missing. Caller frees. */
char *trigger_key_of_trigger(const TriggerHandler *handler, const JsonValue *trigger);
char *trigger_key_of_event(const TriggerHandler *handler, const Event *event);
/* A UUID from the fields of the trigger that make it what it is (triggers.md 1.5). Caller frees. */
char *trigger_derive_id(const JsonValue *pipeline, const JsonValue *trigger);

/* ---- triggers.c ---- */
#define TRIGGERS_LANE "triggers" /* what its work counts as: at most 8 at once */
#define EVENT_KIND "event"       /* of changes in the store */
#define EVENT_HANDLED "HANDLED"

struct Triggers {
    Store *store;
    Engine *engine;
    Services *services;
    Runtime *runtime;
    gboolean (*may_execute)(const char *user, const char *application, gpointer data, GError **error);
    gpointer data;
    TriggerIndex *index;
    guint listener;
    GMutex lock;
    GCond rest;
    TriggerSettings *settings; /* swapped whole */
    /* The pump. */
    gboolean started, stopping, pumping, again;
    gint64 looked_at;   /* number of the last open event that was taken */
    guint jobs;         /* on the runtime's lanes */
    GHashTable *events; /* EventRun, those in work */
    GHashTable *rates;  /* "type/source" of webhooks to RateLimit */
    /* Watchers. */
    struct {
        TriggersChanged changed;
        gpointer data;
    } watchers[TRIGGER_WATCHERS_MAX];
    guint n_watchers;
    gboolean telling;
};
TriggerSettings *triggers_settings(Triggers *triggers); /* a reference */
gint64 triggers_now(const Triggers *triggers);
/* Runs work on an I/O lane, counted, unless it stops: FALSE, nothing will run. */
gboolean triggers_run(Triggers *triggers, RuntimeWork work, gpointer data);
gboolean triggers_are_stopping(Triggers *triggers);
void triggers_job_ended(Triggers *triggers); /* what such work calls last */

/* ---- pump.c: from the store's open events to those in work ---- */
void pump_kick(Triggers *triggers);

/* ---- handle.c: one event (triggers.md 1.3) ---- */
typedef struct EventRun EventRun;
/* Takes the event; it is in work until its decisions are stored. */
void event_run_start(Triggers *triggers, Event *event);
void event_run_drop(EventRun *run); /* frees one that stopped: the event stays open */

/* triggers.md 1.3 (7): at least one received artifact is one that the trigger lists. */
gboolean trigger_artifacts_match(const JsonValue *trigger, const JsonValue *expected, const JsonValue *received, TriggerDecision *why);

/* ---- start.c ---- */
/* as_stored: expressions in expectedArtifacts stay as they are. */
gboolean start_pipeline(Triggers *triggers, const TriggerStart *start, gboolean as_stored, TriggerDecision *into, GError **error);
