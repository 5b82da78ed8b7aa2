/* Inside the engine: actors, their runs, and what they share. For this room alone.
 *
 * Locks, outermost first: engine->lock (the table of actors, memory, gates), actor->lock (its mailbox, runs, snapshot). No call
 * to the store, a task or a caller is made under either. */
#pragma once
#include "base/runtime.h"
#include "engine/concurrency.h"
#include "engine/core.h"
#include "engine/edit.h"
#include "engine/engine.h"
#include "engine/record.h"
#include "engine/runtime_threads.h"

#define STEP_LETTERS_MAX 16  /* letters of one execution handled in one commit */
#define COMMIT_RETRY_MS 1000 /* after a commit that failed */
#define MAILBOX_MAX 4096     /* letters from outside that wait for one execution: ERR_LIMIT */

typedef struct Actor Actor;
typedef struct Run Run;
typedef struct Family Family;

/* A message on its way to an execution, and who wants to know how it went. */
typedef struct {
    Message *message;
    Run *run;         /* the run that it is about, or NULL; owned reference */
    RuntimeDone done; /* called once, or NULL */
    gpointer data;
    gint64 inbox;      /* its row, removed with the commit; 0: none */
    gboolean internal; /* must not be lost: handled again when the commit failed */
    gboolean erase;    /* no message: the whole execution is deleted */
    GError *error;     /* it was refused */
} Letter;

typedef enum { RUN_ASLEEP, RUN_BUSY, RUN_ANSWERED } RunState;

/* What a stage waits for or a worker does. */
struct Run {
    gint ref_count;
    Actor *actor; /* reference */
    RunKind kind;
    RunState state;
    char *stage_id, *task_id; /* shared texts */
    guint attempt, runs;
    gint64 since_ms, at_ms; /* since when; until when it sleeps */
    guint64 timer;          /* 0: none */
    gboolean woken;         /* while it was busy: its answer is looked at again at once */
    Cancel *cancel;
    Execution *snapshot; /* while busy */
    char *problem;       /* what went wrong in its last run, for people; NULL: nothing */
};

struct Actor {
    gint ref_count;
    Engine *engine;
    char *id;
    GMutex lock;
    Execution *execution; /* the last committed snapshot; NULL: not in memory */
    GQueue mailbox;       /* of Letter */
    gboolean busy;        /* queued, in a step, or waiting for a commit */
    gboolean listed;      /* in the engine's table */
    char *family;         /* the root it is counted under, or NULL; under engine->lock */
    gboolean known;       /* it is this server's: begun, or recovered, here; under engine->lock. Asked only when the store is shared */
    gboolean handed_over; /* what was to be done about it was given to another replica; whoever works on it owns this */
    gint64 owner;         /* of one that is inserted: the replica that works on it */
    gboolean committing;  /* the store may know more than execution does, and listeners may have been told */
    gboolean unsure;      /* what is stored may not be what we knew: the next step finds out (actor_conclude.c) */
    gboolean counted;     /* in engine->running; under engine->lock */
    Execution *doubtful;  /* a new execution of which nobody knows whether it was stored; NULL: none */
    GPtrArray *runs;      /* of Run */
    /* The step in progress; whoever works on it owns it. */
    Execution *draft;
    gboolean insert; /* it is not in the store yet */
    GPtrArray *letters;
    Effects effects;
    GError *commit_error;
    /* Under engine->lock. */
    GList recent;
    gsize bytes; /* counted in engine->loaded_bytes */
};

typedef enum {
    ENGINE_RUNS,
    ENGINE_STOPS,   /* no letter from outside, no run begins */
    ENGINE_GAVE_UP, /* runs were told to end; what they answer does not count */
} EngineStopping;

struct Engine {
    Store *store;
    Services *services;
    const StageTypes *types;
    void (*ended)(StoreUnit *unit, const Execution *execution, gpointer data); /* or NULL */
    gpointer ended_data;
    gboolean (*is_open)(gpointer data); /* or NULL */
    gpointer is_open_data;
    const SubmissionStep *submission_steps;
    EngineObserver observers[ENGINE_OBSERVERS_MAX + 1]; /* ends with {} */
    Runtime *runtime;
    gboolean own_runtime;
    GMutex lock;
    GCond rest;               /* an actor came to rest */
    EngineSettings *settings; /* swapped whole */
    GHashTable *actors;       /* id to Actor (reference) */
    GHashTable *gates;        /* config id to ConcurrencyGate */
    GHashTable *families;     /* root id to Family */
    GHashTable *inbox;        /* numbers of rows that are on their way */
    GHashTable *watches;      /* id of an execution to those who wait for its end (watches.c) */
    GQueue recent;            /* of Actor, most recently used first */
    gboolean shared;          /* with other servers: replicas.c */
    GHashTable *own_gates;    /* config ids whose gate is this server's */
    GHashTable *requests;     /* gint64 to Letter: handed to other replicas, not answered yet */
    gint64 last_request;
    gboolean steward;     /* atomic; messages to executions that have ended are this server's */
    GHashTable *buffered; /* id to gint64, when it was built: wait for the promoter (qos.c) */
    gboolean promoting;   /* the promoter's timer runs */
    guint running;        /* executions that are RUNNING */
    gsize loaded_bytes, loaded_bytes_max;
    guint busy_actors; /* under lock */
    gboolean started, was_started;
    gint stopping;                                           /* atomic; EngineStopping */
    gint busy_runs;                                          /* atomic */
    guint64 stages_completed, executions_completed, commits; /* under lock */
};

/* ---- engine.c ---- */
gboolean engine_is_open(const Engine *engine); /* nobody signs in */
void engine_run_ended(Engine *engine);
/* Calls with the letter and waits until it is answered. */
typedef void (*WaitedCall)(gpointer argument, Letter *letter);
gboolean engine_wait(Engine *engine, WaitedCall call, gpointer argument, Letter *letter, GError **error);
/* Hands a letter to an execution and waits until it is answered. */
gboolean engine_post_and_wait(Engine *engine, const char *id, Letter *letter, GError **error);

/* ---- actor.c ---- */
void letter_answer(Letter *letter, const GError *error);   /* its own error goes before; frees it */
Actor *actor_find_or_make(Engine *engine, const char *id); /* borrowed; engine->lock is held */
gboolean actor_put_letter(Actor *actor, Letter *letter);   /* actor->lock is held; TRUE: the actor has to be scheduled */
/* Gives the actor back: to its next letters, to rest, or, when nothing is left to do for it (gone: or of it), to nothing. Takes the
 * step's reference. */
void actor_rest(Actor *actor, gboolean gone);
void actor_count_running(Actor *actor, gboolean runs); /* engine->lock is held */
Actor *actor_ref(Actor *actor);
void actor_unref(Actor *actor);
Letter *letter_new(Message *message); /* takes it */
void letter_drop(Letter *letter);     /* frees it without an answer */
/* Hands a letter to an execution; takes it. The actor is made when there is none. */
void engine_post(Engine *engine, const char *id, Letter *letter);
void actor_post(Actor *actor, Letter *letter); /* the same for an actor at hand */
/* The actor of an execution that is in memory or unfinished; reference, or NULL. */
Actor *engine_find_actor(Engine *engine, const char *id);
/* A new execution: its draft (taken) has begun, effects (taken) and all; the letter is answered when it is stored. FALSE when
 * there is an actor of that id already (nothing was taken). owner: the replica that will work on it. */
gboolean engine_insert(Engine *engine, Execution *draft, gint64 owner, Effects *effects, Letter *letter);
/* Makes an actor for an unfinished execution that waits, not loaded. */
void engine_list(Engine *engine, const char *id);
void letter_answer(Letter *letter, const GError *error); /* and frees it */

/* ---- actor_step.c ---- */
gboolean actor_step(gpointer actor); /* owns the caller's reference, until the actor rests */

/* ---- actor_commit.c ---- */
void actor_commit(Actor *actor);                         /* what the draft says; actor_conclude follows */
void actor_commit_erase(Actor *actor);                   /* that it is no more */
GError *actor_why_not_erase(const Execution *execution); /* NULL: it may be */

/* ---- actor_conclude.c ---- */
gboolean actor_conclude(gpointer actor); /* after a commit */
void actor_conclude_good(Actor *actor, gboolean committed_step);
/* A step that could not be carried out: whoever asked from outside is told, the rest is handled again. */
void actor_retry_later(Actor *actor, const GError *error);
void actor_answer_letters(Actor *actor, const GError *error);
void actor_forget_insert(Actor *actor, const Execution *draft); /* it was not stored */

/* ---- repeat.c ---- */
/* TRUE: the executionId a caller gave names an execution. *first is its id (caller frees) when it is of the same pipeline or task:
 * then this is that start, repeated. Else ERR_CONFLICT. */
gboolean submit_is_repeated(Engine *engine, ExecutionType type, const JsonValue *config, char **first, GError **error);
/* The same after a start that met another of the same id, whose commit is waited for. */
gboolean submit_is_repeated_now(Engine *engine, ExecutionType type, const JsonValue *config, char **first, GError **error);

/* ---- runs.c ---- */
Run *run_ref(Run *run);
void run_unref(Run *run);
/* After a commit (or a step without one): runs that the letters were about are over, effects begin. actor->lock is held;
 * cancels (of Cancel) are to be set, letters (of Letter) to be posted by the caller when it is not. */
void actor_begin_effects(Actor *actor, const Effects *effects, GPtrArray *cancels, GPtrArray *letters);
void actor_forget_runs(Actor *actor); /* all sleepers; actor->lock is held */
/* Whatever sleeps for the stage (NULL: for all) is due now. */
void actor_wake(Actor *actor, const char *stage_id);

/* ---- gates.c ---- */
/* Whether an execution that wants to start may; GATE_START takes its place. */
GateAnswer engine_ask_gate(Engine *engine, const Execution *execution);
/* The same for one that has ended; *took: it had no place before. */
GateAnswer engine_ask_gate_again(Engine *engine, const Execution *execution, gboolean *took);
void engine_leave_gate(Engine *engine, const Execution *execution); /* it was not started after all */
void engine_tell_gate(Engine *engine, const Execution *before,
                      const Execution *execution); /* after a commit; before NULL: whatever the gate believed */
gboolean execution_has_limit(const Execution *execution);
/* Who of the same pipeline runs (caller frees; NULL: there is no limit), and how many of those that wait came earlier. */
char **engine_rivals(Engine *engine, const Execution *execution, guint *ahead);
/* At start: what runs, what waits, and then whoever may go on; purges: config ids of which only the newest is kept. */
void engine_count_running(Engine *engine, const char *config_id, const char *id);
void engine_park(Engine *engine, const Execution *execution);
void engine_open_gates(Engine *engine, GHashTable *purges);

/* ---- qos.c ---- */
gboolean engine_must_buffer(Engine *engine, const Execution *draft);
void engine_tell_qos(Engine *engine, const char *id, gint64 build_ms, Status status); /* after a commit, and at start */
void engine_arm_promoter(Engine *engine);

/* ---- submit.c ---- */
/* What an execution goes on with: the message that lets it start (kind) now, or when its turn comes, or its end. Caller owns. */
Message *engine_first_message(Engine *engine, const Execution *draft, MessageKind kind);

/* ---- watches.c ---- */
#define WATCHES_MAX 1000 /* stages told of the end of one execution; others look once a minute */
GHashTable *engine_watches_new(void);
void engine_tell_watchers(Engine *engine, const char *watched_id);

/* ---- recover.c ---- */
gboolean engine_recover(Engine *engine, GError **error);
/* Posts what lies in an execution's inbox (NULL: in all). */
void engine_deliver_inbox(Engine *engine, const char *id);

/* Those of ids (a set, or NULL: all) that are unfinished go on here. */
gboolean engine_recover_some(Engine *engine, GHashTable *ids, GError **error);
/* Where an answer to a message goes that another replica put into an inbox. */
typedef struct {
    gint64 replica, request;
} ReplyTo;

/* ---- replicas.c ---- */
void engine_replicas_init(Engine *engine);
void engine_replicas_clear(Engine *engine);
gboolean engine_is_own(Engine *engine, const char *id); /* there is an actor, and the execution is this server's */
/* The replica that has the gate of the execution's pipeline: this one (or 0) when it has no limit. -1 with *error. */
gint64 engine_gate_owner(Engine *engine, const Execution *execution, GError **error);
/* The letters of the step go to whoever owns the execution: rows of its inbox. Takes the step's letters. to: whom to tell, 0: all. */
void actor_hand_over(Actor *actor, gint64 to);
/* Puts a letter (taken) into the inbox of an execution and tells the others; told: how. */
void engine_forward(Engine *engine, const char *id, Letter *letter, gint64 replica);
/* The row that lets an execution begin at the replica that has its gate. */
void engine_add_adoption(StoreUnit *unit, const char *id, gint64 owner);
void engine_tell_adoption(Engine *engine, const char *id, gint64 owner);
void engine_tell_wake(Engine *engine, const char *id, const char *stage_id);
void engine_tell_inbox(Engine *engine, const char *id);
void engine_tell_ended(Engine *engine, const char *id);
void engine_reply(Engine *engine, const ReplyTo *to, const GError *error);
/* What a row of an inbox asks beside its message. */
typedef struct {
    ReplyTo reply; /* replica 0: none */
    gint64 adopt;  /* the replica that lets the new execution begin; 0: it is none */
} InboxNote;
InboxNote engine_read_note(const JsonValue *body);
/* FALSE: it is not this server's to deliver (now). *message may be another afterwards; *refused: there is nothing to deliver. May block. */
gboolean engine_may_deliver(Engine *engine, const char *id, const InboxNote *note, Message **message, GError **refused);

/* ---- families.c ---- */
/* The execution as it is now, NULL: gone. It counts as long as it is unfinished and was started by another. */
void actor_count_family(Actor *actor, const Execution *execution);
void actor_count_family_locked(Actor *actor, const Execution *execution, gboolean starts); /* engine->lock is held */
