/* The runner of operations on a cloud that exists only here: an outside with things, tokens and faults.
 *
 * A crash is a stop that lets nobody finish: the run ends between intent and outcome, and a new registry on the same store goes on. */
#include "base/clock.h"
#include "clouds/operations.h"
#include "engine/runtime_simulated.h"
#include "engine/runtime_threads.h"

/* ---- the outside ---- */

static struct {
    GMutex lock;
    GHashTable *things; /* name → who made it */
    GPtrArray *calls;   /* of char *: every call that reached the outside */
    gint lose_answers;  /* this many writes are carried out and their answer is lost */
    gint refuse;        /* this many writes are refused, nothing done */
    gint hang;          /* this many writes are carried out and never answered */
    gint hang_before;   /* this many never reach it */
    gint slow;          /* this many writes take a while and are answered */
    gint not_yet_visible;
    gint unreachable; /* this many looks do not reach it */
    gint busy, busiest;
    guint ended;
} outside;

static void outside_reset(void) {
    g_clear_pointer(&outside.things, g_hash_table_unref);
    g_clear_pointer(&outside.calls, g_ptr_array_unref);
    outside.things = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    outside.calls = g_ptr_array_new_with_free_func(g_free);
    outside.lose_answers = outside.refuse = outside.hang = outside.hang_before = outside.not_yet_visible = outside.slow =
        outside.unreachable = 0;
    outside.busy = outside.busiest = 0;
    outside.ended = 0;
}

static gboolean take(gint *count) {
    if (*count <= 0)
        return FALSE;
    (*count)--;
    return TRUE;
}

static char *outside_calls(void) {
    g_mutex_lock(&outside.lock);
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < outside.calls->len; i++)
        g_string_append_printf(text, "%s%s", i ? " " : "", (const char *)outside.calls->pdata[i]);
    g_mutex_unlock(&outside.lock);
    return g_strdup(text->str);
}
#define assert_calls(expected)                                                                                                             \
    do {                                                                                                                                   \
        g_autofree char *calls_ = outside_calls();                                                                                         \
        g_assert_cmpstr(calls_, ==, expected);                                                                                             \
    } while (0)

/* A write: TRUE when it was answered. */
static gboolean outside_write(Operation *operation, const char *call, const char *name, GError **error) {
    g_mutex_lock(&outside.lock);
    outside.busy++;
    outside.busiest = MAX(outside.busiest, outside.busy);
    gboolean refused = take(&outside.refuse), never = take(&outside.hang_before), hang = !refused && (never || take(&outside.hang));
    gboolean lost = !refused && !hang && take(&outside.lose_answers), slow = !refused && take(&outside.slow);
    if (!refused && !never) {
        g_ptr_array_add(outside.calls, g_strdup_printf("%s:%s", call, name));
        g_hash_table_insert(outside.things, g_strdup(name), g_strdup(operation_id(operation)));
    }
    g_mutex_unlock(&outside.lock);
    if (hang)
        cancel_wait(operation_cancel(operation), 60000);
    if (slow && cancel_wait(operation_cancel(operation), 300))
        g_error("a cancel reached a write that was under way");
    g_mutex_lock(&outside.lock);
    outside.busy--;
    g_mutex_unlock(&outside.lock);
    if (hang)
        error_set(error, ERR_CANCELLED, "%s %s: given up", call, name);
    else if (refused)
        error_set(error, ERR_UNAVAILABLE, "%s %s: throttled", call, name);
    else if (lost)
        error_set(error, ERR_TIMEOUT, "%s %s: no answer", call, name);
    return !refused && !hang && !lost;
}

static LookResult outside_look(Operation *operation, const char *name, GError **error) {
    g_mutex_lock(&outside.lock);
    gboolean unreachable = take(&outside.unreachable);
    if (unreachable)
        error_set(error, ERR_UNAVAILABLE, "look at %s: not reached", name);
    const char *owner = take(&outside.not_yet_visible) ? NULL : g_hash_table_lookup(outside.things, name);
    LookResult result = unreachable                              ? LOOK_ERROR
                        : !owner                                 ? LOOK_NOT_DONE
                        : strcmp(owner, operation_id(operation)) ? LOOK_FOREIGN
                                                                 : LOOK_DONE;
    if (result == LOOK_FOREIGN)
        error_set(error, ERR_CONFLICT, "create %s: it exists and was made by %s", name, owner);
    g_mutex_unlock(&outside.lock);
    return result;
}

/* ---- the cloud ---- */

typedef struct {
    char *name;
    gint64 items, lines;
} MakeParams;
static const Param make_params[] = {
    {.name = "name", .type = PARAM_STRING, .offset = offsetof(MakeParams, name), .required = TRUE},
    {.name = "items", .type = PARAM_INT, .offset = offsetof(MakeParams, items), .otherwise = "1"},
    {.name = "lines", .type = PARAM_INT, .offset = offsetof(MakeParams, lines)},
    {0},
};

static char *item_name(Operation *operation, guint item) {
    const MakeParams *params = operation_params(operation);
    return params->items == 1 ? g_strdup(params->name) : g_strdup_printf("%s%u", params->name, item);
}

static guint item_count(Operation *operation) {
    return (guint)((const MakeParams *)operation_params(operation))->items;
}

static gboolean choose(Operation *operation, guint item, GError **error) {
    (void)item, (void)error;
    const MakeParams *params = operation_params(operation);
    g_autofree char *token = operation_token(operation, "choose", 0);
    operation_fact_set_string(operation, "token", token);
    for (gint64 i = 0; i < params->lines; i++)
        operation_line(operation, "line %" G_GINT64_FORMAT, i);
    return TRUE;
}

static LookResult make_look(Operation *operation, guint item, GError **error) {
    g_autofree char *name = item_name(operation, item);
    return outside_look(operation, name, error);
}

static gboolean make_act(Operation *operation, guint item, GError **error) {
    g_autofree char *name = item_name(operation, item);
    operation_line(operation, "Making %s", name);
    return outside_write(operation, "make", name, error);
}

static gboolean tag_act(Operation *operation, guint item, GError **error) {
    (void)item;
    return outside_write(operation, "tag", "tag", error);
}

static void make_finish(Operation *operation) {
    const JsonValue *earlier = operation_earlier_result(operation, "make", 0);
    operation_result_set(operation, "token", operation_fact(operation, "token"));
    operation_result_set(operation, "after", json_get(earlier, "token") ? json_get(earlier, "token") : operation_fact(operation, "token"));
}

static void make_validate(Operation *operation, GPtrArray *errors) {
    const MakeParams *params = operation_params(operation);
    if (g_str_has_prefix(params->name, "bad"))
        g_ptr_array_add(errors, g_strdup_printf("name: %s is bad", params->name));
}

static const OperationStep make_steps[] = {
    {.name = "choose", .act = choose, .repeat = REPEAT_READ},
    {.name = "make", .count = item_count, .look = make_look, .act = make_act, .repeat = REPEAT_LOOK, .settle_ms = 1500},
    {.name = "tag", .act = tag_act, .repeat = REPEAT_IDEMPOTENT},
    {0},
};
static const char *const make_aliases[] = {"makeDescription", NULL};
static const CloudOperation make_operation = {.name = "make",
                                              .aliases = make_aliases,
                                              .params = make_params,
                                              .params_size = sizeof(MakeParams),
                                              .validate = make_validate,
                                              .steps = make_steps,
                                              .finish = make_finish};

static gboolean refuse_act(Operation *operation, guint item, GError **error) {
    (void)item;
    g_mutex_lock(&outside.lock);
    g_ptr_array_add(outside.calls, g_strdup("refuse"));
    g_mutex_unlock(&outside.lock);
    error_set(error, ERR_REMOTE, "refused %s", json_get_string(operation_request(operation), "name"));
    return FALSE;
}

static gboolean always(const GError *error) {
    return error_code(error) == ERR_REMOTE;
}

static const OperationStep try_steps[] = {
    {.name = "report", .act = refuse_act, .repeat = REPEAT_IDEMPOTENT, .failure_is_reported_only = TRUE},
    {.name = "try", .act = refuse_act, .repeat = REPEAT_IDEMPOTENT, .tries = 3, .try_delay_ms = 1, .retry_on = always},
    {.name = "never", .act = tag_act, .repeat = REPEAT_IDEMPOTENT},
    {0},
};
static const CloudOperation try_operation = {.name = "try", .takes_server_groups = TRUE, .steps = try_steps};
static const CloudOperation target_operation = {.name = "target", .account_is_target = TRUE, .steps = make_steps + 2};
static const CloudOperation *const test_operations[] = {&make_operation, &try_operation, &target_operation, NULL};

static const Cloud test_cloud;

static Account *account_new(const char *name) {
    Account *account = g_new0(Account, 1);
    account->cloud = &test_cloud;
    account->name = g_strdup(name);
    account->regions = g_strsplit("here,there", ",", -1);
    account->ref_count = 1;
    return account;
}

static void account_free(Account *account) {
    g_free(account->name);
    g_strfreev(account->regions);
    g_free(account);
}

static GPtrArray *test_open(Config *config, Clouds *clouds, GPtrArray *problems) {
    (void)config, (void)clouds, (void)problems;
    GPtrArray *accounts = g_ptr_array_new_with_free_func((GDestroyNotify)account_unref);
    g_ptr_array_add(accounts, account_new("one"));
    g_ptr_array_add(accounts, account_new("two"));
    return accounts;
}

static const Cloud test_cloud = {.id = "test", .open = test_open, .account_free = account_free, .operations = test_operations};
static const Cloud *const test_clouds[] = {&test_cloud, NULL};

/* ---- the house around it ---- */

typedef struct {
    Store *store;
    Config *config;
    Clouds *clouds;
    Runtime *runtime;
    guint workers; /* 0: the usual */
} House;

static void note_end(const char *execution_id, const char *stage_id, gpointer data) {
    (void)data;
    g_assert_cmpstr(execution_id, ==, "execution");
    g_assert_cmpstr(stage_id, ==, "stage");
    g_mutex_lock(&outside.lock);
    outside.ended++;
    g_mutex_unlock(&outside.lock);
}

static void house_start(House *house) {
    g_autoptr(GError) error = NULL;
    house->runtime = runtime_threads_new(house->store, house->workers);
    CloudsOptions options = {test_clouds, house->store, NULL, house->config, note_end, NULL, house->runtime};
    house->clouds = clouds_new(&options, &error);
    g_assert_no_error(error);
    runtime_threads_start(house->runtime);
    clouds_start(house->clouds);
}

static void house_build_with(House *house, guint workers) {
    g_autoptr(GError) error = NULL;
    outside_reset();
    house->workers = workers;
    house->store = store_open(&(StoreOptions){0}, &error);
    g_assert_no_error(error);
    house->config = config_load(NULL, &error);
    g_assert_no_error(error);
    house_start(house);
}

static void house_build(House *house) {
    house_build_with(house, 0);
}

static void house_crash(House *house) {
    clouds_stop(house->clouds, 0);
    g_assert_true(runtime_threads_stop(house->runtime, 5000));
    clouds_free(house->clouds);
    runtime_threads_free(house->runtime);
}

static void house_leave(House *house) {
    house_crash(house);
    config_unref(house->config);
    store_close(house->store);
}

static gboolean start(House *house, const char *id, const char *request, GError **error) {
    g_autoptr(Json) json = json_parse(request, -1, NULL);
    g_assert_nonnull(json);
    return clouds_operation_start(house->clouds, id, "execution", "stage", "test", json_root(json), NULL, error);
}

static void start_ok(House *house, const char *id, const char *request) {
    g_autoptr(GError) error = NULL;
    start(house, id, request, &error);
    g_assert_no_error(error);
}

static Json *wait_for_end(House *house, const char *id) {
    for (guint i = 0; i < 2000; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Json) json = clouds_operation_json(house->clouds, id, &error);
        g_assert_no_error(error);
        if (json_get_bool(json_dig(json_root(json), "status", NULL), "completed", FALSE))
            return g_steal_pointer(&json);
        g_usleep(10000);
    }
    g_assert_not_reached();
}

static void assert_end(House *house, const char *id, gboolean failed, const char *words) {
    g_autoptr(Json) json = wait_for_end(house, id);
    g_autofree char *text = json_write(json_root(json), NULL);
    g_assert_cmpint(json_get_bool(json_dig(json_root(json), "status", NULL), "failed", !failed), ==, failed);
    if (!strstr(text, words))
        g_error("\"%s\" is not in %s", words, text);
}

static void wait_for_calls(guint count) {
    for (guint i = 0; i < 2000; i++) {
        g_mutex_lock(&outside.lock);
        gboolean reached = outside.calls->len >= count;
        g_mutex_unlock(&outside.lock);
        if (reached)
            return;
        g_usleep(5000);
    }
    g_assert_not_reached();
}

#define MAKE_A "[{\"make\":{\"credentials\":\"one\",\"name\":\"a\"}}]"

/* ---- tests ---- */

static void test_runs_in_order_and_once(void) {
    House house;
    house_build(&house);
    const char
        *request = "[{\"makeDescription\":{\"account\":\"one\",\"name\":\"a\"}},{\"make\":{\"credentials\":\"two\",\"name\":\"b\"}}]";
    start_ok(&house, "op", request);
    start_ok(&house, "op", request);
    g_autoptr(Json) json = wait_for_end(&house, "op");
    start_ok(&house, "op", request);
    assert_calls("make:a tag:tag make:b tag:tag");
    const JsonValue *root = json_root(json), *results = json_get(root, "resultObjects");
    g_assert_cmpstr(json_get_string(root, "id"), ==, "op");
    g_assert_false(json_get_bool(json_get(root, "status"), "failed", TRUE));
    g_assert_cmpuint(json_length(results), ==, 2);
    g_assert_cmpstr(json_get_string(json_at(results, 1), "after"), ==, json_get_string(json_at(results, 0), "token"));
    g_assert_cmpstr(json_get_string(json_at(json_get(root, "history"), 1), "status"), ==, "Making a");
    g_assert_cmpuint(outside.ended, ==, 1);
    house_leave(&house);
}

static void test_crash_after_the_write(void) {
    House house;
    house_build(&house);
    outside.hang = 1;
    start_ok(&house, "op", MAKE_A);
    wait_for_calls(1);
    house_crash(&house);
    house_start(&house);
    assert_end(&house, "op", FALSE, "\"token\":");
    assert_calls("make:a tag:tag");
    house_leave(&house);
}

static void test_crash_before_the_write(void) {
    House house;
    house_build(&house);
    outside.hang_before = 1;
    gint64 began_ms = clock_elapsed_ms();
    start_ok(&house, "op", MAKE_A);
    while (outside.busiest == 0)
        g_usleep(1000);
    house_crash(&house);
    house_start(&house);
    assert_end(&house, "op", FALSE, "\"token\":");
    g_assert_cmpint(clock_elapsed_ms() - began_ms, >=, 1500);
    assert_calls("make:a tag:tag");
    house_leave(&house);
}

static void test_lost_answer_is_looked_up(void) {
    House house;
    house_build(&house);
    outside.lose_answers = 1;
    outside.not_yet_visible = 2; /* the first look, and the one after the write: not settled yet */
    start_ok(&house, "op", MAKE_A);
    assert_end(&house, "op", FALSE, "no answer");
    assert_calls("make:a tag:tag");
    house_leave(&house);
}

static void test_refused_is_tried_again(void) {
    House house;
    house_build(&house);
    outside.refuse = 1;
    start_ok(&house, "op", MAKE_A);
    assert_end(&house, "op", FALSE, "make: retries in 1.0 s after: make a: throttled");
    assert_calls("make:a tag:tag");
    house_leave(&house);
}

/* Longer than any count of tries: until it is back. */
static void test_outage_is_waited_out(void) {
    House house;
    house_build(&house);
    outside.unreachable = 4;
    outside.refuse = 3;
    start_ok(&house, "op", MAKE_A);
    assert_end(&house, "op", FALSE, "make: retries in 4.0 s after: look at a: not reached");
    assert_calls("make:a tag:tag");
    house_leave(&house);
}

/* Who started it has a timeout, and cancels. */
static void test_outage_is_ended_by_cancel(void) {
    House house;
    house_build(&house);
    outside.unreachable = G_MAXINT;
    start_ok(&house, "op", MAKE_A);
    while (g_atomic_int_get(&outside.unreachable) > G_MAXINT - 2)
        g_usleep(10000);
    clouds_operation_cancel(house.clouds, "op");
    assert_end(&house, "op", TRUE, "Cancelled before its next step");
    assert_calls("");
    house_leave(&house);
}

static void test_foreign_fails_and_says_both(void) {
    House house;
    house_build(&house);
    g_hash_table_insert(outside.things, g_strdup("a"), g_strdup("somebody"));
    start_ok(&house, "op", MAKE_A);
    assert_end(&house, "op", TRUE, "create a: it exists and was made by somebody");
    assert_calls("");
    house_leave(&house);
}

static void test_items_continue_where_they_were(void) {
    House house;
    house_build(&house);
    start_ok(&house, "first", "[{\"make\":{\"credentials\":\"one\",\"name\":\"x\",\"items\":3}}]");
    assert_end(&house, "first", FALSE, "Making x2");
    outside.hang = 1;
    start_ok(&house, "second", "[{\"make\":{\"credentials\":\"one\",\"name\":\"y\",\"items\":3}}]");
    wait_for_calls(5);
    house_crash(&house);
    house_start(&house);
    assert_end(&house, "second", FALSE, "Making y2");
    assert_calls("make:x0 make:x1 make:x2 tag:tag make:y0 make:y1 make:y2 tag:tag");
    start_ok(&house, "none", "[{\"make\":{\"credentials\":\"one\",\"name\":\"z\",\"items\":0}}]");
    assert_end(&house, "none", FALSE, "\"token\":");
    house_leave(&house);
}

static void test_tries_and_reported_only(void) {
    House house;
    house_build(&house);
    start_ok(&house, "op",
             "[{\"try\":{\"credentials\":\"one\",\"name\":\"t\",\"asgName\":\"g\",\"region\":\"here\"}},"
             "{\"make\":{\"credentials\":\"one\",\"name\":\"a\"}}]");
    assert_end(&house, "op", TRUE, "report failed, the operation goes on: refused t");
    assert_end(&house, "op", TRUE, "{\"type\":\"EXCEPTION\",\"operation\":\"try\",\"cause\":\"REMOTE\",\"message\":\"refused t\"}");
    assert_calls("refuse refuse refuse refuse");
    house_leave(&house);
}

static void assert_refused(House *house, const char *request, ErrorCode code, const char *words) {
    g_autoptr(GError) error = NULL;
    g_assert_false(start(house, "refused", request, &error));
    g_assert_cmpint(error_code(error), ==, code);
    if (!strstr(error->message, words))
        g_error("\"%s\" is not in \"%s\"", words, error->message);
    g_autoptr(GError) absent = NULL;
    g_assert_null(clouds_operation_json(house->clouds, "refused", &absent));
    g_assert_cmpint(error_code(absent), ==, ERR_NOT_FOUND);
}

static void test_validation_comes_first(void) {
    House house;
    house_build(&house);
    assert_refused(&house, "[]", ERR_INVALID, "1 to 256");
    assert_refused(&house, "{}", ERR_INVALID, "single-key");
    assert_refused(&house, "[{\"make\":1}]", ERR_INVALID, "operation 1");
    assert_refused(&house, "[{\"make\":{\"name\":\"a\"}}]", ERR_INVALID, "credentials: required");
    assert_refused(&house, "[{\"make\":{\"credentials\":\"x\"}}]", ERR_NOT_FOUND, "configured: one, two");
    assert_refused(&house, "[{\"fly\":{\"credentials\":\"one\"}}]", ERR_INVALID, "no such operation of test");
    assert_refused(
        &house, "[{\"make\":{\"credentials\":\"one\",\"name\":\"bad\",\"region\":\"mars\"}},{\"make\":{\"credentials\":\"one\"}}]",
        ERR_INVALID,
        "make: region mars is not configured for account one (configured: here, there); make: name: bad is bad; make: name: required");
    assert_refused(&house, "[{\"try\":{\"credentials\":\"one\",\"serverGroupName\":\"g\",\"regions\":[\"here\",\"mars\"]}}]", ERR_INVALID,
                   "try: region mars");
    assert_calls("");
    house_leave(&house);
}

static void assert_normal(const CloudOperation *definition, const char *posted, const char *normal) {
    g_autoptr(GPtrArray) errors = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(Json) description = json_parse(posted, -1, NULL);
    g_autoptr(Json) expected = json_parse(normal, -1, NULL);
    g_autoptr(Json) request = operation_request_normalise(definition, json_root(description), errors);
    if (!json_equal(json_root(request), json_root(expected))) {
        g_autofree char *text = json_write(json_root(request), NULL);
        g_error("%s became %s", posted, text);
    }
}

static void test_normal_form(void) {
    assert_normal(&make_operation, "{\"account\":\"a\"}", "{\"account\":\"a\",\"credentials\":\"a\"}");
    assert_normal(&make_operation, "{\"account\":\"a\",\"credentials\":\"b\"}", "{\"account\":\"b\",\"credentials\":\"b\"}");
    assert_normal(&target_operation, "{\"account\":\"a\",\"credentials\":\"b\"}",
                  "{\"account\":\"b\",\"credentials\":\"b\",\"targetAccount\":\"a\"}");
    assert_normal(&try_operation, "{\"account\":\"a\",\"asgName\":\"g\",\"regions\":[\"x\",\"y\"]}",
                  "{\"account\":\"a\",\"credentials\":\"a\",\"asgName\":\"g\",\"regions\":[\"x\",\"y\"],"
                  "\"asgs\":[{\"serverGroupName\":\"g\",\"region\":\"x\"},{\"serverGroupName\":\"g\",\"region\":\"y\"}]}");
    assert_normal(&try_operation, "{\"account\":\"a\",\"asgs\":[{\"asgName\":\"g\",\"region\":\"x\"}]}",
                  "{\"account\":\"a\",\"credentials\":\"a\",\"asgs\":[{\"serverGroupName\":\"g\",\"region\":\"x\"}]}");
}

static void test_lines_have_a_limit(void) {
    House house;
    house_build(&house);
    start_ok(&house, "op", "[{\"make\":{\"credentials\":\"one\",\"name\":\"a\",\"lines\":5000}}]");
    assert_end(&house, "op", FALSE, "the rest is left out");
    g_autoptr(Json) json = wait_for_end(&house, "op");
    g_assert_cmpuint(json_length(json_get(json_root(json), "history")), ==, OPERATION_LINES_MAX);
    house_leave(&house);
}

static gpointer cancel_later(gpointer data) {
    House *house = data;
    clouds_operation_cancel(house->clouds, "op");
    return NULL;
}

static void test_cancel_begins_no_further_step(void) {
    House house;
    house_build(&house);
    outside.refuse = 100; /* its tries take seconds: the cancel ends the wait between them */
    start_ok(&house, "op", MAKE_A);
    while (outside.busiest == 0)
        g_usleep(1000);
    g_thread_join(g_thread_new("cancel", cancel_later, &house));
    assert_end(&house, "op", TRUE, "Cancelled before its next step");
    assert_calls("");
    start_ok(&house, "op", MAKE_A);
    assert_calls("");
    house_leave(&house);
}

static void test_cancel_lets_a_write_finish(void) {
    House house;
    house_build(&house);
    outside.slow = 1;
    start_ok(&house, "op", MAKE_A);
    wait_for_calls(1);
    clouds_operation_cancel(house.clouds, "op");
    assert_end(&house, "op", TRUE, "Cancelled before its next step");
    assert_calls("make:a");
    /* An answer that was lost just then is looked up. */
    outside.slow = outside.lose_answers = 1;
    start_ok(&house, "other", "[{\"make\":{\"credentials\":\"one\",\"name\":\"b\"}}]");
    wait_for_calls(2);
    clouds_operation_cancel(house.clouds, "other");
    assert_end(&house, "other", TRUE, "make had no answer when the operation was cancelled: it was done");
    house_leave(&house);
}

static void test_at_most_eight_of_an_account(void) {
    House house;
    house_build(&house);
    outside.hang = 1000;
    for (guint i = 0; i < 12; i++) {
        g_autofree char *id = g_strdup_printf("op%u", i);
        start_ok(&house, id, MAKE_A);
        if (i == 0)
            wait_for_calls(1); /* the others find it foreign, so give each its own */
        g_autofree char *own = g_strdup_printf("own%u", i);
        g_autofree char *request = g_strdup_printf("[{\"make\":{\"credentials\":\"two\",\"name\":\"%s\"}}]", own);
        start_ok(&house, own, request);
    }
    wait_for_calls(1 + OPERATIONS_BUSY_PER_ACCOUNT);
    g_usleep(100000);
    g_assert_cmpint(outside.busiest, ==, 1 + OPERATIONS_BUSY_PER_ACCOUNT);
    outside.hang = 0;
    house_crash(&house);
    house_start(&house);
    for (guint i = 0; i < 12; i++) {
        g_autofree char *own = g_strdup_printf("own%u", i);
        assert_end(&house, own, FALSE, "\"token\":");
    }
    g_assert_cmpuint(g_hash_table_size(outside.things), ==, 14);
    house_leave(&house);
}

/* With one worker in all: what waits lets the others go on, and a cancel finds it. */
static void test_what_waits_has_no_worker(void) {
    House house;
    house_build_with(&house, 1);
    outside.unreachable = 1000;
    start_ok(&house, "waits", MAKE_A);
    for (guint i = 0; i < 2000 && g_atomic_int_get(&outside.unreachable) == 1000; i++)
        g_usleep(1000);
    g_atomic_int_set(&outside.unreachable, 0);
    start_ok(&house, "other", "[{\"make\":{\"credentials\":\"one\",\"name\":\"b\"}}]");
    assert_end(&house, "other", FALSE, "Orchestration completed.");
    assert_end(&house, "waits", FALSE, "make: retries in");
    assert_calls("make:b tag:tag make:a tag:tag");
    house_leave(&house);
}

/* On simulated time: a service that is away for half an hour, and a write that shows late, without a thread and without waiting. */
static void test_on_simulated_time(void) {
    g_autoptr(GError) error = NULL;
    outside_reset();
    g_autoptr(GRand) random = g_rand_new_with_seed(1);
    House house = {.config = config_load(NULL, &error), .store = store_open(&(StoreOptions){.no_threads = TRUE}, &error)};
    g_assert_no_error(error);
    house.runtime = runtime_simulated_new(&(SimulatedOptions){.store = house.store, .random = random, .now_ms = 1700000000000});
    CloudsOptions options = {test_clouds, house.store, NULL, house.config, note_end, NULL, house.runtime};
    house.clouds = clouds_new(&options, &error);
    g_assert_no_error(error);
    clouds_start_operations(house.clouds);
    outside.unreachable = 230;
    outside.lose_answers = 1;
    start_ok(&house, "op", MAKE_A);
    while (runtime_simulated_step(house.runtime))
        ;
    assert_end(&house, "op", FALSE, "retries in 8.0 s after: look at a: not reached");
    assert_calls("make:a tag:tag");
    g_assert_cmpint(clouds_now_ms(house.clouds), >, 1700000000000 + 30 * 60000);
    clouds_stop(house.clouds, 0);
    runtime_simulated_free(house.runtime);
    clouds_free(house.clouds);
    config_unref(house.config);
    store_close(house.store);
}

static void test_tables_are_checked(void) {
    static const OperationStep careless[] = {{.name = "write", .act = tag_act}, {0}};
    static const CloudOperation operation = {.name = "careless", .steps = careless};
    static const CloudOperation *const operations[] = {&operation, NULL};
    static const Cloud cloud = {.id = "test", .operations = operations};
    g_autofree char *problem = operation_definitions_problem(&cloud);
    g_assert_cmpstr(problem, ==, "cloud test, operation careless: step write does not say how a repeat is harmless");
    g_assert_null(operation_definitions_problem(&test_cloud));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/operations/runs-in-order-and-once", test_runs_in_order_and_once);
    g_test_add_func("/operations/crash-after-the-write", test_crash_after_the_write);
    g_test_add_func("/operations/crash-before-the-write", test_crash_before_the_write);
    g_test_add_func("/operations/lost-answer-is-looked-up", test_lost_answer_is_looked_up);
    g_test_add_func("/operations/refused-is-tried-again", test_refused_is_tried_again);
    g_test_add_func("/operations/outage-is-waited-out", test_outage_is_waited_out);
    g_test_add_func("/operations/outage-is-ended-by-cancel", test_outage_is_ended_by_cancel);
    g_test_add_func("/operations/foreign-fails-and-says-both", test_foreign_fails_and_says_both);
    g_test_add_func("/operations/items-continue-where-they-were", test_items_continue_where_they_were);
    g_test_add_func("/operations/tries-and-reported-only", test_tries_and_reported_only);
    g_test_add_func("/operations/validation-comes-first", test_validation_comes_first);
    g_test_add_func("/operations/normal-form", test_normal_form);
    g_test_add_func("/operations/lines-have-a-limit", test_lines_have_a_limit);
    g_test_add_func("/operations/cancel-begins-no-further-step", test_cancel_begins_no_further_step);
    g_test_add_func("/operations/cancel-lets-a-write-finish", test_cancel_lets_a_write_finish);
    g_test_add_func("/operations/at-most-eight-of-an-account", test_at_most_eight_of_an_account);
    g_test_add_func("/operations/what-waits-has-no-worker", test_what_waits_has_no_worker);
    g_test_add_func("/operations/on-simulated-time", test_on_simulated_time);
    g_test_add_func("/operations/tables-are-checked", test_tables_are_checked);
    int result = g_test_run();
    g_hash_table_unref(outside.things);
    g_ptr_array_unref(outside.calls);
    return result;
}
