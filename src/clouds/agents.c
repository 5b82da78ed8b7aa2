/* Agents: one per account, region and kind of read, run by a few threads, each of which takes what is due next.
 *
 * Owns the agents and their pace. An agent is never run twice at once. A read that fails marks its leaves and is tried again at a
 * growing distance; what was known stays. The first read is due at once; later ones are spread by up to a tenth of the pace. */
#include "clouds/agents.h"
#include "base/clock.h"
#include "base/log.h"
#include <malloc.h>

#define GIVE_BACK_MS 10000 /* at most this often */

typedef struct {
    guint busy;
    gboolean failing; /* its last read failed: one thread until one succeeds */
} AccountLoad;

typedef struct {
    Account *account;
    AccountLoad *load;
    char *region;
    const InventoryAgent *definition;
    gint64 poll_ms, due_ms; /* due_ms on clock_elapsed_ms */
    guint failures;
    gboolean running, again, retired;
    Cancel *cancel;
} Agent;

struct Agents {
    Inventory *inventory;
    Runtime *runtime;
    GMutex lock;
    GCond changed;
    GPtrArray *all;    /* of Agent; retired ones only while they run */
    GHashTable *loads; /* account's name → AccountLoad */
    GThread *threads[AGENT_THREADS];
    gboolean started, stopping;
    gboolean has_read; /* since memory was last given back */
    gint64 gave_back_ms;
};

static const Param inventory_params[] = {
    {.name = "pollSeconds",
     .type = PARAM_SECONDS,
     .offset = offsetof(InventorySettings, poll_ms),
     .otherwise = "30",
     .min = 100,
     .max = 86400000,
     .help = "How often the inventory of each account and region is read."},
    {0},
};
const ConfigSection inventory_config_section = {SERVICE_GENNAKER, "inventory", inventory_params, "What is known of the clouds."};
const ConfigSection *const clouds_config_sections[] = {&inventory_config_section, NULL};

static void agent_free(gpointer memory) {
    Agent *agent = memory;
    account_unref(agent->account);
    g_free(agent->region);
    cancel_unref(agent->cancel);
    g_free(agent);
}

Agents *agents_new(Inventory *inventory, Runtime *runtime) {
    Agents *agents = g_new0(Agents, 1);
    agents->inventory = inventory;
    agents->runtime = runtime;
    agents->all = g_ptr_array_new_with_free_func(agent_free);
    agents->loads = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_mutex_init(&agents->lock);
    g_cond_init(&agents->changed);
    return agents;
}

void agents_free(Agents *agents) {
    if (!agents)
        return;
    g_ptr_array_unref(agents->all);
    g_hash_table_unref(agents->loads);
    g_cond_clear(&agents->changed);
    g_mutex_clear(&agents->lock);
    g_free(agents);
}

/* ---- who is next: with the lock held ---- */

static AccountLoad *load_of(Agents *agents, const char *account) {
    AccountLoad *load = g_hash_table_lookup(agents->loads, account);
    if (!load) {
        load = g_new0(AccountLoad, 1);
        g_hash_table_insert(agents->loads, g_strdup(account), load);
    }
    return load;
}

static gboolean has_a_thread_left(const AccountLoad *load) {
    return load->busy < (load->failing ? 1 : AGENT_THREADS_PER_ACCOUNT);
}

static Agent *next_due(const Agents *agents, gint64 now_ms, gint64 *next_ms) {
    Agent *first = NULL;
    *next_ms = now_ms + 60000;
    for (guint i = 0; i < agents->all->len; i++) {
        Agent *agent = agents->all->pdata[i];
        if (agent->running || agent->retired)
            continue;
        if (agent->due_ms > now_ms)
            *next_ms = MIN(*next_ms, agent->due_ms);
        else if ((!first || agent->due_ms < first->due_ms) && has_a_thread_left(agent->load))
            first = agent;
    }
    return first;
}

static gboolean account_is_known(const Agents *agents, const char *account) {
    for (guint i = 0; i < agents->all->len; i++)
        if (!strcmp(((const Agent *)agents->all->pdata[i])->account->name, account))
            return TRUE;
    return FALSE;
}

/* ---- one read ---- */

static gint64 distance_ms(const Agent *agent) {
    gint64 poll_ms = agent->poll_ms, limit_ms = MAX(poll_ms, AGENT_BACKOFF_MAX_MS);
    for (guint i = 1; i < agent->failures && poll_ms < limit_ms; i++)
        poll_ms *= 2;
    return MIN(poll_ms, limit_ms) + g_random_int_range(0, (gint32)(agent->poll_ms / 10) + 1);
}

static void note_failure(Agents *agents, const Agent *agent, const GError *error) {
    LogLevel level = agent->failures ? LOG_DEBUG : LOG_WARNING; /* said once; what is wrong now is in the leaves */
    log_write(level, "inventory", "%s/%s/%s: %s", agent->account->name, agent->region, agent->definition->name, error->message);
    for (guint i = 0; agent->definition->kinds[i]; i++)
        inventory_failed(agents->inventory, agent->account->name, agent->definition->kinds[i], agent->region, error,
                         agents->runtime->now_ms(agents->runtime));
}

/* Without the lock; the agent is marked as running, so nobody else changes it. */
static gboolean read_agent(Agents *agents, Agent *agent) {
    LOG_FIELD("account", agent->account->name);
    LOG_FIELD("region", agent->region);
    AgentContext context = {agent->account, agent->region, agents->inventory, agent->cancel, agents->runtime->now_ms(agents->runtime)};
    g_autoptr(GError) error = NULL;
    if (agent->definition->run(&context, &error))
        return TRUE;
    if (!cancel_is_set(agent->cancel))
        note_failure(agents, agent, error);
    return FALSE;
}

static void settle_agent(Agents *agents, Agent *agent, gboolean read) {
    agent->running = FALSE;
    agent->load->busy--;
    agent->load->failing = !read;
    agent->failures = read ? 0 : agent->failures + 1;
    agent->due_ms = clock_elapsed_ms() + (agent->again ? 0 : distance_ms(agent));
    agent->again = FALSE;
    g_cond_broadcast(&agents->changed);
    if (!agent->retired)
        return;
    g_autofree char *account = g_strdup(agent->account->name);
    g_ptr_array_remove(agents->all, agent);
    if (!account_is_known(agents, account))
        inventory_forget_account(agents->inventory, account);
}

/* Lists of a whole region need many times the memory of what is kept of them; the allocator would hold on to it. With the lock held, which is
 * let go meanwhile: TRUE says that it was. */
static gboolean give_back_memory(Agents *agents, gint64 now_ms) {
    if (!agents->has_read || now_ms - agents->gave_back_ms < GIVE_BACK_MS)
        return FALSE;
    agents->has_read = FALSE;
    agents->gave_back_ms = now_ms;
    g_mutex_unlock(&agents->lock);
    malloc_trim(0);
    g_mutex_lock(&agents->lock);
    return TRUE;
}

static gpointer agents_thread(gpointer data) {
    Agents *agents = data;
    g_mutex_lock(&agents->lock);
    while (!agents->stopping) {
        gint64 now_ms = clock_elapsed_ms(), next_ms;
        Agent *agent = next_due(agents, now_ms, &next_ms);
        if (!agent) {
            if (give_back_memory(agents, now_ms))
                continue;
            g_cond_wait_until(&agents->changed, &agents->lock, g_get_monotonic_time() + (next_ms - now_ms) * 1000);
            continue;
        }
        agent->running = TRUE;
        agent->load->busy++;
        g_mutex_unlock(&agents->lock);
        gboolean read = read_agent(agents, agent);
        g_mutex_lock(&agents->lock);
        agents->has_read = TRUE;
        settle_agent(agents, agent, read);
    }
    g_mutex_unlock(&agents->lock);
    return NULL;
}

/* ---- which agents there are ---- */

static Agent *find_agent(const Agents *agents, const Account *account, const char *region, const InventoryAgent *definition) {
    for (guint i = 0; i < agents->all->len; i++) {
        Agent *agent = agents->all->pdata[i];
        if (!agent->retired && agent->definition == definition && !strcmp(agent->region, region) &&
            !strcmp(agent->account->name, account->name))
            return agent;
    }
    return NULL;
}

static void add_agent(Agents *agents, Account *account, const char *region, const InventoryAgent *definition, gint64 poll_ms) {
    Agent *agent = g_new0(Agent, 1);
    const Agent *before = find_agent(agents, account, region, definition);
    agent->account = account_ref(account);
    agent->load = load_of(agents, account->name);
    agent->region = g_strdup(region);
    agent->definition = definition;
    agent->poll_ms = definition->poll_ms == AGENT_POLL_MS ? poll_ms : definition->poll_ms;
    agent->due_ms = before ? MIN(before->due_ms, clock_elapsed_ms() + agent->poll_ms) : clock_elapsed_ms();
    agent->cancel = cancel_new();
    g_ptr_array_add(agents->all, agent);
    for (guint i = 0; definition->kinds[i]; i++)
        inventory_begin_region(agents->inventory, account->name, definition->kinds[i], region);
}

static void add_account(Agents *agents, Account *account, gint64 poll_ms) {
    for (char **region = account->regions; region && *region; region++)
        for (const InventoryAgent *definition = account->cloud->agents; definition && definition->name; definition++)
            add_agent(agents, account, *region, definition, poll_ms);
}

/* Those of before a change: ended; an idle one leaves now, a running one when its read is over. */
static void retire(Agents *agents, guint before) {
    for (guint i = before; i-- > 0;) {
        Agent *agent = agents->all->pdata[i];
        agent->retired = TRUE;
        cancel_set(agent->cancel);
        if (!agent->running)
            g_ptr_array_remove_index(agents->all, i);
    }
}

static void forget_unknown(Agents *agents, const GPtrArray *names) {
    for (guint i = 0; i < names->len; i++)
        if (!account_is_known(agents, names->pdata[i]))
            inventory_forget_account(agents->inventory, names->pdata[i]);
}

void agents_set_accounts(Agents *agents, const GPtrArray *accounts, gint64 poll_ms) {
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_mutex_lock(&agents->lock);
    guint before = agents->all->len;
    for (guint i = 0; i < before; i++)
        g_ptr_array_add(names, g_strdup(((const Agent *)agents->all->pdata[i])->account->name));
    for (guint i = 0; i < accounts->len; i++)
        add_account(agents, accounts->pdata[i], poll_ms);
    retire(agents, before);
    forget_unknown(agents, names);
    g_cond_broadcast(&agents->changed);
    g_mutex_unlock(&agents->lock);
}

void agents_start(Agents *agents) {
    g_mutex_lock(&agents->lock);
    agents->started = TRUE;
    g_mutex_unlock(&agents->lock);
    for (guint i = 0; i < AGENT_THREADS; i++)
        agents->threads[i] = g_thread_new("inventory", agents_thread, agents);
}

void agents_read_now(Agents *agents, const char *account) {
    g_mutex_lock(&agents->lock);
    for (guint i = 0; i < agents->all->len; i++) {
        Agent *agent = agents->all->pdata[i];
        if (account && strcmp(agent->account->name, account))
            continue;
        agent->again = agent->running;
        agent->due_ms = clock_elapsed_ms();
    }
    g_cond_broadcast(&agents->changed);
    g_mutex_unlock(&agents->lock);
}

void agents_read_all(Agents *agents) {
    for (guint i = 0; i < agents->all->len; i++)
        read_agent(agents, agents->all->pdata[i]);
}

void agents_stop(Agents *agents) {
    g_mutex_lock(&agents->lock);
    agents->stopping = TRUE;
    for (guint i = 0; i < agents->all->len; i++)
        cancel_set(((Agent *)agents->all->pdata[i])->cancel);
    g_cond_broadcast(&agents->changed);
    gboolean started = agents->started;
    g_mutex_unlock(&agents->lock);
    for (guint i = 0; started && i < AGENT_THREADS; i++)
        g_thread_join(agents->threads[i]);
}
