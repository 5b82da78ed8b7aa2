/* All that the rest of the program knows of a cloud: one `const Cloud` per room under clouds/, listed in clouds/clouds.c's caller
 * (main). Stages and the API use the functions at the end and never name a cloud. */
#pragma once
#include "base/cancel.h"
#include "base/config.h"
#include "base/principal.h"
#include "base/runtime.h"
#include "clouds/records.h"
#include "inventory/inventory.h"
#include "net/http_client.h"
#include "store/store.h"

typedef struct Clouds Clouds;
typedef struct Cloud Cloud;

/* An account: the common part; each cloud embeds it as the first member of its own. Immutable, reference-counted; work in
 * progress keeps the one it began with. */
typedef struct Account {
    const Cloud *cloud;
    char *name, *environment, *type; /* type: accountType */
    char **regions;                  /* strv */
    char **primary_health_names;     /* platform health provider: {"Amazon"} */
    Json *permissions;               /* {READ: [], WRITE: [], EXECUTE: []} or NULL */
    Json *details;                   /* what GET /credentials/{name} adds for this cloud (no secrets) */
    gint ref_count;                  /* 1 when opened */
} Account;
Account *account_ref(Account *account);
void account_unref(Account *account);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Account, account_unref)

/* What is wrong with an account of the configuration, or with all of a cloud. */
typedef struct {
    const Cloud *cloud;
    char *account;     /* NULL: the cloud's settings */
    char *text;        /* with file and line where they are known */
    gboolean left_out; /* the account is not used */
    gboolean mistake;  /* the configuration is wrong by itself, whatever the cloud says: a reload with it is refused */
} AccountProblem;
void account_problem_add(GPtrArray *problems, AccountProblem problem); /* copies the texts */
GPtrArray *account_problems_new(void);
/* Whether the account works in the region (one without a list of regions: in any). ERR_INVALID lists those it has. */
gboolean account_has_region(const Account *account, const char *region, GError **error);

/* ---- inventory agents ---------------------------------------------------------------------------------------- */
typedef struct {
    Account *account;
    const char *region;
    Inventory *inventory;
    Cancel *cancel;
    gint64 began_ms;
} AgentContext;
typedef struct {
    const char *name;                                       /* "ClusterCachingAgent" as upstream calls it */
    const char *const *kinds;                               /* leaves it fills; NULL-terminated */
    gint64 poll_ms;                                         /* default; gennaker.inventory.pollSeconds overrides those of 30 s */
    gboolean (*run)(AgentContext *context, GError **error); /* one complete read → inventory_replace */
} InventoryAgent;

/* ---- operations ---------------------------------------------------------------------------------------------- */
#define OPERATION_TRIES_MIN 8 /* tries of a write whose outcome is unknown (ERR_TIMEOUT): a minute and a half */
#define OPERATIONS_BUSY_PER_ACCOUNT 8
typedef struct Operation Operation; /* one running operation: facts, progress, account */
typedef enum { LOOK_NOT_DONE, LOOK_DONE, LOOK_SKIP /* nothing to do */, LOOK_FOREIGN /* *error shows both */, LOOK_ERROR } LookResult;
typedef enum {
    REPEAT_NONE_GIVEN = 0,
    REPEAT_TOKEN,
    REPEAT_NAME,
    REPEAT_LOOK,
    REPEAT_IDEMPOTENT,
    REPEAT_READ /* no write at all */
} RepeatRule;

typedef struct {
    const char *name;
    /* For a step that is done once per item (a load balancer, a batch of instances): how many; NULL: once. Pure on facts. */
    guint (*count)(Operation *operation);
    /* Is it done already? Asked before each act, and again after an act without outcome (crash, ERR_TIMEOUT). Reads only. NULL:
     * never looked (TOKEN, IDEMPOTENT, or a NAME whose "already exists" act understands). */
    LookResult (*look)(Operation *operation, guint item, GError **error);
    /* At most one outward write. Facts it sets are the checkpoint. */
    gboolean (*act)(Operation *operation, guint item, GError **error);
    RepeatRule repeat; /* how a second run is harmless; an entry without is refused at start-up and in the tests */
    gint64 settle_ms;  /* how long "not done" is not believed after an intent without outcome (consistency delay) */
    /* Tries of act on retry_on; 0: 1. ERR_UNAVAILABLE (it certainly was not done), and ERR_TIMEOUT of a read, are tried until a cancel
     * ends it; ERR_TIMEOUT of a write OPERATION_TRIES_MIN times at least. */
    guint tries;
    gint64 try_delay_ms;
    gboolean try_doubling;
    gboolean (*retry_on)(const GError *error); /* other errors worth a retry ("not yet visible"); NULL: none */
    gboolean failure_is_reported_only;         /* the operation goes on; the line says so */
} OperationStep;

typedef struct CloudOperation {
    const char *name;           /* "createServerGroup" */
    const char *const *aliases; /* NULL-terminated or NULL */
    const char *help;
    const Param *params;
    gsize params_size;
    /* aws.md 4: the request names server groups; they are in `asgs: [{serverGroupName, region}]` whichever form was posted. */
    gboolean takes_server_groups;
    /* aws.md 4: `credentials` is the owner, `account` the one that receives: it is handed on as `targetAccount`. */
    gboolean account_is_target;
    /* Everything that is wrong with the request, before anything runs: adds texts to errors. May read the inventory. */
    void (*validate)(Operation *operation, GPtrArray *errors);
    const OperationStep *steps;           /* ends with an entry without name */
    void (*finish)(Operation *operation); /* results from facts: operation_result_set; refresh of the inventory; or NULL */
} CloudOperation;

Account *operation_account(Operation *operation);
const void *operation_params(Operation *operation);
const JsonValue *operation_request(Operation *operation); /* the description as posted, normalised */
const char *operation_id(Operation *operation);
const char *operation_execution(Operation *operation); /* or NULL */
Cancel *operation_cancel(Operation *operation);        /* for the call in hand: a write is let finish, a read is not */
Inventory *operation_inventory(Operation *operation);
gint64 operation_now_ms(Operation *operation);
gint64 operation_started_ms(Operation *operation); /* durable: the same after a restart */
/* Facts: durable with the checkpoint of the step that set them. Names chosen, tokens, ids the cloud gave. What is returned lives
 * until the step ends. */
const JsonValue *operation_fact(Operation *operation, const char *key);
const char *operation_fact_string(Operation *operation, const char *key);
void operation_fact_set(Operation *operation, const char *key, const JsonValue *value);
void operation_fact_set_string(Operation *operation, const char *key, const char *text);
/* Stable token of a step and item: the same in every repeat. Caller frees. */
char *operation_token(Operation *operation, const char *step, guint item);
/* Results of earlier operations in the same request (allowLaunch → createServerGroup): newest first; NULL: no more. */
const JsonValue *operation_earlier_result(Operation *operation, const char *operation_name, guint index);
void operation_line(Operation *operation, const char *format, ...) G_GNUC_PRINTF(2, 3);   /* progress for people */
void operation_result_set(Operation *operation, const char *key, const JsonValue *value); /* resultObjects */
Clouds *operation_clouds(Operation *operation);

/* Whoever may still refuse a write when it is about to be made, long after the operation was accepted: traffic guards. One per program,
 * set before clouds_start. The description's member `writeCheck` is for it alone. */
typedef struct {
    /* Before the first item of each step that writes, and before each repetition. ERR_UNAVAILABLE: asked again later; anything else
     * fails the operation before the write. Thread of the run. */
    gboolean (*check)(Operation *operation, gpointer data, GError **error);
    void (*ended)(const char *operation_id, gpointer data); /* the run is over, whatever became of it */
    GDestroyNotify free_data;
    gpointer data;
} CloudsWriteCheck;
void clouds_set_write_check(Clouds *clouds, CloudsWriteCheck check);
const CloudsWriteCheck *clouds_write_check(Clouds *clouds);

/* The groups of a request that takes them (`asgs`). */
guint operation_groups(Operation *operation);
const char *operation_group_name(Operation *operation, guint item);
const char *operation_group_region(Operation *operation, guint item);
/* A value below facts that belongs to one group: fact "<key>.<item>". */
const JsonValue *operation_group_fact(Operation *operation, const char *key, guint item);
void operation_group_fact_set(Operation *operation, const char *key, guint item, const JsonValue *value);
/* How many entries a fact that is a list has. */
guint operation_fact_length(Operation *operation, const char *key);

/* ---- views ---------------------------------------------------------------------------------------------------- */
/* JSON as Gate serves it (api.md 9, 10). All read a snapshot; NULL members: not in this cloud. */
typedef struct {
    Json *(*server_group)(const InventorySnapshot *snapshot, const InventoryObject *group, gboolean summary, gint64 now_ms);
    Json *(*instance)(const InventorySnapshot *snapshot, const InventoryObject *instance, gint64 now_ms);
    Json *(*load_balancer)(const InventorySnapshot *snapshot, const InventoryObject *balancer, gint64 now_ms);
    Json *(*security_group)(const InventorySnapshot *snapshot, const InventoryObject *group);
    Json *(*network)(const InventorySnapshot *snapshot, const InventoryObject *network);
    Json *(*subnet)(const InventorySnapshot *snapshot, const InventoryObject *subnet);
    Json *(*key_pair)(const InventorySnapshot *snapshot, const InventoryObject *key_pair);
    Json *(*instance_type)(const InventorySnapshot *snapshot, const InventoryObject *type);
    Json *(*image)(const InventorySnapshot *snapshot, const InventoryObject *image);
    /* GET /images/find: list as aws.md 3; query members q, account, region, tag:k. ERR_INVALID as there. */
    Json *(*images_find)(Clouds *clouds, const JsonValue *query, GError **error);
} CloudViews;

struct Cloud {
    const char *id;              /* "aws" */
    const char *platform_health; /* "Amazon" */
    const char *image_key;       /* where createServerGroup expects the image ("amiName"); NULL: imageId */
    /* deploy-strategies.md 1: a deployment with the source's capacity is pinned until it is over, then min is restored. */
    gboolean snapshots_source_capacity;
    const ConfigSection *const *sections; /* configuration it reads; NULL-terminated */
    /* All accounts of the configuration. A bad account is reported in `problems` (AccountProblem) and left out; the others load. */
    GPtrArray *(*open)(Config *config, Clouds *clouds, GPtrArray *problems); /* of Account *, freed by account_unref */
    void (*account_free)(Account *account);
    const InventoryAgent *agents;            /* ends with an entry without name */
    const CloudOperation *const *operations; /* NULL-terminated */
    const CloudViews *views;
    /* Live reads for tasks that need the truth; they publish what they saw: a server group with its instances and all their
     * health. FALSE with ERR_NOT_FOUND when it is gone (and removed from the inventory). */
    gboolean (*refresh_server_group)(Account *account, const char *region, const char *name, Inventory *inventory, Cancel *cancel,
                                     GError **error);
    gboolean (*refresh_image)(Account *account, const char *region, const char *id_or_name, Inventory *inventory, Cancel *cancel,
                              GError **error);
    gboolean (*refresh_cluster)(Account *account, const char *region, const char *cluster, Inventory *inventory, Cancel *cancel,
                                GError **error);
    /* Ends what a child process left under the tag gennaker:operation=<id> (builder instances): returns how many. */
    gint (*end_leftovers)(Account *account, const char *region, const char *operation_id, Cancel *cancel, GError **error);
    /* A cloud that makes images by itself, without packer; request as to the bakery. {id, resource_id, state, result, error}; while it is
     * RUNNING `endsAt` says when it will be over (ms), and once it is COMPLETED `details` are {id, regions, ami, image_name, base_ami,
     * artifact}. The request_id makes a repeat harmless. NULL: images come from the bakery. */
    Json *(*bake)(Clouds *clouds, const char *region, const JsonValue *request, GError **error);
    Json *(*bake_look)(Clouds *clouds, const char *id, GError **error); /* the same of one that was begun; ERR_NOT_FOUND */
    /* Provider part of server-group stages that is no neutral rule: operations to send before createServerGroup (AWS:
     * allowLaunchDescription per region). Adds single-key objects to the request. NULL: none. */
    gboolean (*prepare_create)(Clouds *clouds, Account *account, const JsonValue *description, JsonBuilder *operations, GError **error);
    /* For a cloud without an operation cloneServerGroup: the description of a createServerGroup, in which everything that the given one
     * leaves open is what its source group has, read live. NULL with *error; caller unrefs. */
    Json *(*prepare_clone)(Clouds *clouds, Account *account, const JsonValue *description, Cancel *cancel, GError **error);
};

/* ---- for stages, API, main ------------------------------------------------------------------------------------- */
typedef struct {
    const Cloud *const *clouds; /* NULL-terminated */
    Store *store;
    HttpClient *http;
    Config *config;
    /* An operation ended or progressed: wake the stage. Any thread. */
    void (*operation_ended)(const char *execution_id, const char *stage_id, gpointer data);
    gpointer data;
    Runtime *runtime; /* borrowed, never NULL: the engine's; begins after clouds_new and ends between clouds_stop and clouds_free */
} CloudsOptions;
/* An account that cannot be opened is logged and left out. Finds what is wrong with the clouds' tables: ERR_INTERNAL. */
extern const ConfigSection *const clouds_config_sections[]; /* what all clouds share; NULL-terminated */
Clouds *clouds_new(const CloudsOptions *options, GError **error);
void clouds_take_up(Clouds *clouds, GHashTable *executions); /* operations of these executions (ids), which were another server's, go on */
void clouds_start(Clouds *clouds);                           /* inventory agents begin, unfinished operations go on */
void clouds_start_operations(Clouds *clouds);                /* only these: no thread, nothing is polled; for simulations */
void clouds_stop(Clouds *clouds, gint64 grace_ms);
void clouds_free(Clouds *clouds);
/* Reads everything, then swaps; what is wrong with accounts is logged, and clouds_problems. ERR_INVALID with all mistakes in the
 * configuration of accounts: nothing changed. */
gboolean clouds_reload(Clouds *clouds, Config *config, GError **error);
GPtrArray *clouds_problems(Clouds *clouds); /* of AccountProblem *, as of the last (re)load; caller unrefs, no changes */
Config *clouds_config(Clouds *clouds);
HttpClient *clouds_http(Clouds *clouds);
/* Time, workers and timers: what belongs to a cloud asks the time here, but for what a real service is told (signatures, expiry of
 * credentials), which goes by the clock of the machine. */
Runtime *clouds_runtime(Clouds *clouds);
gint64 clouds_now_ms(Clouds *clouds);
Inventory *clouds_inventory(Clouds *clouds);
Store *clouds_store(Clouds *clouds);
/* What a cloud keeps for all its accounts as long as the registry lives. */
typedef struct {
    gpointer (*make)(Clouds *clouds); /* at the first call; must not ask for the same name */
    void (*stop)(gpointer kept);      /* in clouds_stop: no timer, nothing on its way afterwards */
    void (*release)(gpointer kept);   /* in clouds_free, before the inventory goes; the runtime is gone by then */
} CloudsKept;
gpointer clouds_keep(Clouds *clouds, const char *name, const CloudsKept *how); /* the one of that name; any thread */

GPtrArray *clouds_accounts(Clouds *clouds);                                /* of Account *, references held */
Account *clouds_account(Clouds *clouds, const char *name, GError **error); /* ERR_NOT_FOUND lists the known ones */
const Cloud *clouds_find(Clouds *clouds, const char *id);
gpointer clouds_owner(Clouds *clouds);                              /* data of its options */
const Cloud *const *clouds_list(Clouds *clouds);                    /* all, with or without accounts; NULL-terminated */
gboolean cloud_has_operation(const Cloud *cloud, const char *name); /* by name or alias */

/* Reads everything once, here and now, on this thread: for simulations, where no agents run. */
void clouds_read_all(Clouds *clouds);
/* Reads an account's inventory now (NULL: of all accounts); returns at once. */
void clouds_read_now(Clouds *clouds, const char *account);
/* Told of each change of the inventory: any thread, only queue. id NULL: much of the leaf. */
typedef void (*CloudsWatch)(const char *account, const char *kind, const char *region, const char *id, gpointer data);
guint clouds_watch(Clouds *clouds, CloudsWatch watch, gpointer data);
void clouds_unwatch(Clouds *clouds, guint id); /* afterwards watch does not run */

/* Server groups of a cluster, oldest first; region NULL: all. Elements are InventoryObject references with ServerGroup records. */
GPtrArray *clouds_cluster(const InventorySnapshot *snapshot, const char *account, const char *cluster, const char *region);
const ServerGroup *clouds_server_group(const InventorySnapshot *snapshot, const char *account, const char *region, const char *name);
/* Its instances that are known, in the group's order, each with its own health and that of KIND_HEALTH (records there: Health). The
 * array (caller unrefs) owns the const Instance * in it. */
GPtrArray *clouds_instances(const InventorySnapshot *snapshot, const ServerGroup *group);

/* Starts an operation request (array of single-key objects, as POST /{provider}/ops) under an id: an existing one with that id is
 * left as it is. ERR_INVALID with all validation errors; ERR_NOT_FOUND for accounts. Returns after the commit. */
gboolean clouds_operation_start(Clouds *clouds, const char *id, const char *execution_id, const char *stage_id, const char *cloud,
                                const JsonValue *request, const Principal *principal, GError **error);
/* The kato task as served: {id, status:{completed, failed, retryable}, history, resultObjects, outputs}. ERR_NOT_FOUND. */
Json *clouds_operation_json(Clouds *clouds, const char *id, GError **error);
void clouds_operation_cancel(Clouds *clouds, const char *id);
/* Reads a server group live and publishes it; see Cloud.refresh_server_group. */
gboolean clouds_refresh_server_group(Clouds *clouds, const char *account, const char *region, const char *name, Cancel *cancel,
                                     GError **error);
gboolean clouds_refresh_image(Clouds *clouds, const char *account, const char *region, const char *id_or_name, Cancel *cancel,
                              GError **error);
gboolean clouds_refresh_cluster(Clouds *clouds, const char *account, const char *region, const char *cluster, Cancel *cancel,
                                GError **error);
