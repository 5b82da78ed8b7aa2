/* The registry: which clouds and accounts there are, what is known of them, and their operations (cloud.h).
 *
 * Owns the inventory, the agents, the runs, and the list of accounts, which is swapped whole. Any thread; the lock is held only to
 * take a reference or to swap. */
#include "base/log.h"
#include "clouds/agents.h"
#include "clouds/operations.h"
#include "clouds/remembered.h"

typedef struct {
    char *name;
    gpointer value;
    const CloudsKept *how;
} Kept;

typedef struct {
    guint id;
    CloudsWatch watch;
    gpointer data;
} Watcher;

struct Clouds {
    const Cloud *const *clouds;
    Store *store;
    HttpClient *http;
    Runtime *runtime;
    gpointer owner;
    Inventory *inventory;
    Agents *agents;
    Operations *operations;
    Remembered *remembered;
    CloudsWriteCheck write_check; /* set before clouds_start */
    GMutex lock;
    Config *config;
    GPtrArray *accounts; /* of Account, by name; never changed once here */
    GPtrArray *problems; /* of AccountProblem; the same */
    GRWLock watch_lock;
    GArray *watchers; /* of Watcher */
    guint last_watcher;
    GMutex kept_lock;
    GPtrArray *kept; /* of Kept */
};

/* ---- accounts ---- */

Account *account_ref(Account *account) {
    g_atomic_int_inc(&account->ref_count);
    return account;
}

void account_unref(Account *account) {
    if (account && g_atomic_int_dec_and_test(&account->ref_count))
        account->cloud->account_free(account);
}

gboolean account_has_region(const Account *account, const char *region, GError **error) {
    if (!account->regions || !account->regions[0] || g_strv_contains((const char *const *)account->regions, region))
        return TRUE;
    g_autofree char *known = g_strjoinv(", ", account->regions);
    error_set(error, ERR_INVALID, "region %s is not configured for account %s (configured: %s)", region, account->name, known);
    return FALSE;
}

static void inventory_changed(const char *account, const char *kind, const char *region, const char *id, gpointer data) {
    Clouds *clouds = data;
    g_autofree char *name = g_strjoin("/", account, kind, region, id, NULL);
    StoreChange change = {.kind = "inventory", .id = name};
    if (clouds->store)
        store_publish(clouds->store, &change);
    g_rw_lock_reader_lock(&clouds->watch_lock);
    for (guint i = 0; i < clouds->watchers->len; i++) {
        const Watcher *watcher = &g_array_index(clouds->watchers, Watcher, i);
        watcher->watch(account, kind, region, id, watcher->data);
    }
    g_rw_lock_reader_unlock(&clouds->watch_lock);
}

static int account_order(gconstpointer left, gconstpointer right) {
    const Account *a = *(const Account *const *)left, *b = *(const Account *const *)right;
    return strcmp(a->name, b->name);
}

static void problem_free(gpointer memory) {
    AccountProblem *problem = memory;
    g_free(problem->account);
    g_free(problem->text);
    g_free(problem);
}

GPtrArray *account_problems_new(void) {
    return g_ptr_array_new_with_free_func(problem_free);
}

void account_problem_add(GPtrArray *problems, AccountProblem problem) {
    AccountProblem *copy = g_new0(AccountProblem, 1);
    *copy = problem;
    copy->account = g_strdup(problem.account);
    copy->text = g_strdup(problem.text);
    g_ptr_array_add(problems, copy);
}

static gboolean has_account(const GPtrArray *accounts, const char *name) {
    for (guint i = 0; i < accounts->len; i++)
        if (!strcmp(((const Account *)accounts->pdata[i])->name, name))
            return TRUE;
    return FALSE;
}

static GPtrArray *open_accounts(Clouds *clouds, Config *config, GPtrArray *problems) {
    GPtrArray *accounts = g_ptr_array_new_with_free_func((GDestroyNotify)account_unref);
    for (const Cloud *const *cloud = clouds->clouds; cloud && *cloud; cloud++) {
        GPtrArray *opened = (*cloud)->open(config, clouds, problems);
        for (guint i = 0; opened && i < opened->len; i++) {
            Account *account = opened->pdata[i];
            if (has_account(accounts, account->name))
                account_problem_add(problems,
                                    (AccountProblem){*cloud, account->name, (char *)"the name is used by another cloud too", TRUE, TRUE});
            else
                g_ptr_array_add(accounts, account_ref(account));
        }
        if (opened)
            g_ptr_array_unref(opened);
    }
    g_ptr_array_sort(accounts, account_order);
    return accounts;
}

/* All mistakes in one text; NULL: none. */
static char *mistakes_of(const GPtrArray *problems) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < problems->len; i++) {
        const AccountProblem *problem = problems->pdata[i];
        if (problem->mistake)
            g_string_append_printf(text, "%s%s", text->len ? "; " : "", problem->text);
    }
    return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

/* With strict, mistakes are refused; else the accounts that have them are left out. */
static gboolean read_accounts(Clouds *clouds, Config *config, gboolean strict, GError **error) {
    InventorySettings settings = {0};
    if (!config_read(config, &inventory_config_section, &settings, error))
        return FALSE;
    g_autoptr(GPtrArray) problems = account_problems_new();
    GPtrArray *accounts = open_accounts(clouds, config, problems);
    g_autofree char *mistakes = strict ? mistakes_of(problems) : NULL;
    if (mistakes) {
        error_set(error, ERR_INVALID, "%s", mistakes);
        g_ptr_array_unref(accounts);
        return FALSE;
    }
    for (guint i = 0; i < problems->len; i++)
        log_warning("clouds", "%s", ((const AccountProblem *)problems->pdata[i])->text);
    g_mutex_lock(&clouds->lock);
    GPtrArray *before = clouds->accounts, *problems_before = clouds->problems;
    clouds->problems = g_ptr_array_ref(problems);
    Config *config_before = clouds->config;
    clouds->accounts = accounts;
    clouds->config = config_ref(config);
    g_mutex_unlock(&clouds->lock);
    agents_set_accounts(clouds->agents, accounts, settings.poll_ms);
    if (before)
        g_ptr_array_unref(before);
    if (problems_before)
        g_ptr_array_unref(problems_before);
    config_unref(config_before);
    return TRUE;
}

gboolean clouds_reload(Clouds *clouds, Config *config, GError **error) {
    return read_accounts(clouds, config, TRUE, error);
}

GPtrArray *clouds_problems(Clouds *clouds) {
    g_mutex_lock(&clouds->lock);
    GPtrArray *problems = g_ptr_array_ref(clouds->problems);
    g_mutex_unlock(&clouds->lock);
    return problems;
}

GPtrArray *clouds_accounts(Clouds *clouds) {
    g_mutex_lock(&clouds->lock);
    GPtrArray *accounts = g_ptr_array_ref(clouds->accounts);
    g_mutex_unlock(&clouds->lock);
    return accounts;
}

Account *clouds_account(Clouds *clouds, const char *name, GError **error) {
    g_autoptr(GPtrArray) accounts = clouds_accounts(clouds);
    g_autoptr(GPtrArray) known = g_ptr_array_new();
    for (guint i = 0; i < accounts->len; i++) {
        Account *account = accounts->pdata[i];
        if (!g_strcmp0(account->name, name))
            return account_ref(account);
        g_ptr_array_add(known, account->name);
    }
    g_ptr_array_add(known, NULL);
    g_autofree char *names = g_strjoinv(", ", (char **)known->pdata);
    error_set(error, ERR_NOT_FOUND, "account %s is not configured (configured: %s)", name ? name : "(none)", *names ? names : "none");
    return NULL;
}

const Cloud *clouds_find(Clouds *clouds, const char *id) {
    for (const Cloud *const *cloud = clouds->clouds; cloud && *cloud; cloud++)
        if (!g_strcmp0((*cloud)->id, id))
            return *cloud;
    return NULL;
}

const Cloud *const *clouds_list(Clouds *clouds) {
    return clouds->clouds;
}

/* ---- what clouds keep ---- */

static void kept_free(gpointer memory) {
    Kept *kept = memory;
    kept->how->release(kept->value);
    g_free(kept->name);
    g_free(kept);
}

gpointer clouds_keep(Clouds *clouds, const char *name, const CloudsKept *how) {
    g_mutex_lock(&clouds->kept_lock);
    Kept *kept = NULL;
    for (guint i = 0; i < clouds->kept->len && kept == NULL; i++)
        if (strcmp(((const Kept *)clouds->kept->pdata[i])->name, name) == 0)
            kept = clouds->kept->pdata[i];
    if (kept == NULL) {
        kept = g_new0(Kept, 1);
        *kept = (Kept){g_strdup(name), how->make(clouds), how};
        g_ptr_array_add(clouds->kept, kept);
    }
    gpointer value = kept->value;
    g_mutex_unlock(&clouds->kept_lock);
    return value;
}

static void stop_kept(Clouds *clouds) {
    g_mutex_lock(&clouds->kept_lock);
    for (guint i = 0; i < clouds->kept->len; i++) {
        const Kept *kept = clouds->kept->pdata[i];
        kept->how->stop(kept->value);
    }
    g_mutex_unlock(&clouds->kept_lock);
}

gpointer clouds_owner(Clouds *clouds) {
    return clouds->owner;
}

/* ---- life ---- */

static gboolean check_tables(const Cloud *const *clouds, GError **error) {
    for (const Cloud *const *cloud = clouds; cloud && *cloud; cloud++) {
        g_autofree char *problem = operation_definitions_problem(*cloud);
        if (problem) {
            error_set(error, ERR_INTERNAL, "%s", problem);
            return FALSE;
        }
    }
    return TRUE;
}

Clouds *clouds_new(const CloudsOptions *options, GError **error) {
    g_assert(options->runtime != NULL);
    if (!check_tables(options->clouds, error))
        return NULL;
    Clouds *clouds = g_new0(Clouds, 1);
    clouds->clouds = options->clouds;
    clouds->store = options->store;
    clouds->http = options->http;
    clouds->runtime = options->runtime;
    clouds->owner = options->data;
    clouds->accounts = g_ptr_array_new_with_free_func((GDestroyNotify)account_unref); /* none yet: a cloud may ask while it opens its own */
    g_mutex_init(&clouds->lock);
    g_rw_lock_init(&clouds->watch_lock);
    g_mutex_init(&clouds->kept_lock);
    clouds->kept = g_ptr_array_new_with_free_func(kept_free);
    clouds->watchers = g_array_new(FALSE, FALSE, sizeof(Watcher));
    clouds->inventory = inventory_new(inventory_changed, clouds);
    clouds->agents = agents_new(clouds->inventory, clouds->runtime);
    clouds->operations = operations_new(clouds, options);
    if (!read_accounts(clouds, options->config, FALSE, error)) {
        clouds_free(clouds);
        return NULL;
    }
    clouds->remembered = remembered_new(clouds->store, clouds->inventory, clouds->runtime);
    remembered_load(clouds->remembered, clouds->accounts);
    return clouds;
}

void clouds_set_write_check(Clouds *clouds, CloudsWriteCheck check) {
    clouds->write_check = check;
}

const CloudsWriteCheck *clouds_write_check(Clouds *clouds) {
    return &clouds->write_check;
}

void clouds_start(Clouds *clouds) {
    remembered_start(clouds->remembered);
    agents_start(clouds->agents);
    operations_start(clouds->operations);
}

void clouds_start_operations(Clouds *clouds) {
    operations_start(clouds->operations);
}

void clouds_take_up(Clouds *clouds, GHashTable *executions) {
    operations_take_up(clouds->operations, executions);
}

void clouds_stop(Clouds *clouds, gint64 grace_ms) {
    agents_stop(clouds->agents);
    operations_stop(clouds->operations, grace_ms);
    stop_kept(clouds);
    remembered_stop(clouds->remembered);
}

void clouds_free(Clouds *clouds) {
    if (!clouds)
        return;
    operations_free(clouds->operations);
    if (clouds->write_check.free_data)
        clouds->write_check.free_data(clouds->write_check.data);
    agents_free(clouds->agents);
    g_ptr_array_unref(clouds->kept);
    remembered_free(clouds->remembered);
    inventory_free(clouds->inventory);
    if (clouds->accounts)
        g_ptr_array_unref(clouds->accounts);
    if (clouds->problems)
        g_ptr_array_unref(clouds->problems);
    config_unref(clouds->config);
    g_array_unref(clouds->watchers);
    g_rw_lock_clear(&clouds->watch_lock);
    g_mutex_clear(&clouds->kept_lock);
    g_mutex_clear(&clouds->lock);
    g_free(clouds);
}

Config *clouds_config(Clouds *clouds) {
    g_mutex_lock(&clouds->lock);
    Config *config = config_ref(clouds->config);
    g_mutex_unlock(&clouds->lock);
    return config;
}

HttpClient *clouds_http(Clouds *clouds) {
    return clouds->http;
}

Runtime *clouds_runtime(Clouds *clouds) {
    return clouds->runtime;
}

gint64 clouds_now_ms(Clouds *clouds) {
    return clouds->runtime->now_ms(clouds->runtime);
}

Inventory *clouds_inventory(Clouds *clouds) {
    return clouds->inventory;
}

Store *clouds_store(Clouds *clouds) {
    return clouds->store;
}

/* ---- inventory ---- */

void clouds_read_now(Clouds *clouds, const char *account) {
    agents_read_now(clouds->agents, account);
}

void clouds_read_all(Clouds *clouds) {
    agents_read_all(clouds->agents);
}

guint clouds_watch(Clouds *clouds, CloudsWatch watch, gpointer data) {
    g_rw_lock_writer_lock(&clouds->watch_lock);
    Watcher watcher = {++clouds->last_watcher, watch, data};
    g_array_append_val(clouds->watchers, watcher);
    g_rw_lock_writer_unlock(&clouds->watch_lock);
    return watcher.id;
}

void clouds_unwatch(Clouds *clouds, guint id) {
    g_rw_lock_writer_lock(&clouds->watch_lock);
    for (guint i = 0; i < clouds->watchers->len; i++)
        if (g_array_index(clouds->watchers, Watcher, i).id == id)
            g_array_remove_index(clouds->watchers, i--);
    g_rw_lock_writer_unlock(&clouds->watch_lock);
}

/* ---- operations ---- */

gboolean clouds_operation_start(Clouds *clouds, const char *id, const char *execution_id, const char *stage_id, const char *cloud,
                                const JsonValue *request, const Principal *principal, GError **error) {
    return operations_begin(clouds->operations, id, execution_id, stage_id, cloud, request, principal, error);
}

Json *clouds_operation_json(Clouds *clouds, const char *id, GError **error) {
    return operations_json(clouds->operations, id, error);
}

void clouds_operation_cancel(Clouds *clouds, const char *id) {
    operations_cancel(clouds->operations, id);
}
