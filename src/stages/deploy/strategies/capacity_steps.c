/* Strategies that make the new group empty and move capacity to it step by step: their common stages (strategies.h). Pure, but for
 * strategy_start_empty, which runs in a worker. */
#include "stages/deploy/replaced.h"
#include "stages/deploy/strategies/strategies.h"

#define PERCENTAGES_MAX 100

/* ---- before ---- */

/* What is stored already (a restart) stays, unless somebody gave another size since. */
static void save_capacity(TaskContext *context, const JsonValue *description) {
    const JsonValue *capacity = json_get(description, "capacity");
    gboolean saved = json_is_object(json_get(description, "savedCapacity"));
    gboolean emptied = deploy_number(json_get(capacity, "max"), -1) == 0;
    if (json_is_object(capacity) && !(saved && emptied))
        task_set_context(context, "savedCapacity", capacity);
}

gboolean strategy_start_empty(TaskContext *context, const JsonValue *description, GError **error) {
    (void)error;
    static const Capacity NOTHING = {0, 0, 0};
    save_capacity(context, description);
    g_autoptr(Json) empty = deploy_capacity_json(&NOTHING);
    g_autoptr(Json) zero = json_from_int(0);
    g_autoptr(Json) off = json_from_bool(FALSE);
    task_set_context_json(context, "capacity", empty);
    task_set_context_json(context, "targetSize", zero);
    task_set_context_json(context, "useSourceCapacity", off);
    return TRUE;
}

GArray *strategy_percentages(const JsonValue *list, const char *key, GError **error) {
    g_autoptr(GArray) steps = g_array_new(FALSE, FALSE, sizeof(gint64));
    gint64 last = 0;
    for (JsonIter i = json_iter(json_is_array(list) ? list : NULL); json_next(&i);) {
        gint64 before = last;
        last = deploy_number(i.value, -1);
        if (last < 1 || last > 100 || steps->len >= PERCENTAGES_MAX || last <= before) { /* less than before: what serves would shrink */
            g_autofree char *given = json_write(list, NULL);
            error_set(error, ERR_INVALID, "%s: %s: expected at most %d percentages from 1 to 100, each greater than the one before", key,
                      given, PERCENTAGES_MAX);
            return NULL;
        }
        g_array_append_val(steps, last);
    }
    if (last != 100) {
        last = 100;
        g_array_append_val(steps, last);
    }
    return g_steal_pointer(&steps);
}

/* ---- stages ---- */

gboolean strategy_size_is_known(const Stage *stage, GError **error) {
    const JsonValue *context = deploy_context(stage);
    if (strategy_source(stage) != NULL || json_is_object(json_get(context, "savedCapacity")))
        return TRUE;
    error_set(error, ERR_INVALID, "strategy %s: capacity: required, since there is no server group whose size could be taken",
              json_get_string(context, "strategy"));
    return FALSE;
}

void strategy_append_determine(StagePlan *plan, const Json *base, const GroupName *deployed) {
    /* Somebody else's group may be newer by now: it is this deployment's that grows. */
    g_autoptr(Json) more = json_pack("{s:s, s:s}", "target", "current_asg_dynamic", DEPLOY_KNOWN_TARGET, deployed->name);
    strategy_append(plan, "determineTargetServerGroup", "Determine Deployed Server Group", base, more);
}

/* {serverGroupName, asgName, region, account, cloudProvider}: whose size is taken. */
static Json *size_source(const Json *base, const JsonValue *source) {
    const char *name = strategy_source_name(source);
    const JsonValue *root = json_root(base), *account = json_get(source, "account"), *region = json_get(source, "region");
    return json_pack("{s:s, s:s, s:v, s:v, s:v, s:v}", "serverGroupName", name, "asgName", name, "region",
                     region != NULL ? region : json_get(root, "region"), "account",
                     account != NULL ? account : json_get(root, "credentials"), "credentials",
                     account != NULL ? account : json_get(root, "credentials"), "cloudProvider", json_get(root, "cloudProvider"));
}

/* A stage that works on the source itself: where that is, which need not be where the new one goes. */
static Json *on_source(const Json *base, const JsonValue *source) {
    const JsonValue *region = json_get(source, "region"), *account = json_get(source, "account");
    const char *name = strategy_source_name(source);
    g_autoptr(Json)
        more = json_pack("{s:s, s:s, s:v, s:v}", "serverGroupName", name, "asgName", name, "region", region, "credentials", account);
    g_autoptr(Json) present = json_without_nulls(json_root(more));
    return json_merge(json_root(base), json_root(present));
}

static void append_on_source(const Stage *stage, StagePlan *plan, const Json *base, const char *verb, const char *flag, const Json *more) {
    const JsonValue *source = strategy_source(stage);
    g_autoptr(Json) place = on_source(base, source);
    g_autoptr(Json) from = size_source(base, source);
    g_autoptr(Json)
        own = json_pack("{s:s, s:j, s:b, s:b}", "action", "scale_to_server_group", "source", from, flag, TRUE, "useNameAsLabel", TRUE);
    g_autoptr(Json) whole = json_merge(json_root(own), more != NULL ? json_root(more) : NULL);
    g_autofree char *name = g_strdup_printf("%s %s", verb, strategy_source_name(source));
    strategy_append(plan, "pinServerGroup", name, place, whole);
}

void strategy_append_pin(const Stage *stage, StagePlan *plan, const Json *base) {
    if (strategy_source(stage) != NULL)
        append_on_source(stage, plan, base, "Pin", "pinMinimumCapacity", NULL);
}

/* What the source had before anything was pinned: as the deployment found it. What a resize recorded will not do: a stage long before this
 * one may have done so. NULL: not known. Borrowed. */
static const JsonValue *found_capacity(const Stage *stage) {
    const JsonValue *facts = json_get(deploy_context(stage), REPLACED_KEY);
    const char *name = json_get_string(facts, "serverGroupName");
    return name != NULL && g_strcmp0(name, strategy_source_name(strategy_source(stage))) == 0 ? json_get(facts, "capacity") : NULL;
}

/* What the pin recorded of the source, under that key; NULL: it was not pinned. Borrowed. */
static const JsonValue *recorded_by_pin(const Execution *execution, const Stage *stage, const char *key) {
    g_autoptr(GPtrArray) children = stage_synthetics(execution, stage, OWNER_AFTER);
    for (guint i = 0; i < children->len; i++) {
        const JsonValue *recorded = json_get(json_root(((const Stage *)children->pdata[i])->outputs), key);
        if (recorded != NULL)
            return recorded;
    }
    return NULL;
}

void strategy_append_unpin(const Execution *execution, const Stage *stage, StagePlan *plan, const Json *base, gint64 timeout_ms) {
    const JsonValue *source = strategy_source(stage);
    if (source == NULL)
        return;
    g_autofree char *key = g_strconcat("originalCapacity.", strategy_source_name(source), NULL);
    g_autoptr(Json) timeout = timeout_ms > 0 ? json_from_int(timeout_ms) : NULL;
    const JsonValue *original = found_capacity(stage);
    if (original == NULL && timeout_ms > 0) /* on failure: it stands beside the one that pinned, and does not see its outputs */
        original = recorded_by_pin(execution, stage, key);
    g_autoptr(Json) more = json_pack("{s:v, s:v}", "stageTimeoutMs", timeout != NULL ? json_root(timeout) : NULL, key, original);
    g_autoptr(Json) present = json_without_nulls(json_root(more));
    append_on_source(stage, plan, base, "Unpin", "unpinMinimumCapacity", present);
}

/* The size that was given. The group began empty: what it is unpinned to is not what it was. */
static Json *saved_size(const Stage *stage) {
    const JsonValue *saved = json_get(deploy_context(stage), "savedCapacity");
    GroupName *deployed = strategy_deployed(stage);
    g_autofree char *original = g_strconcat("originalCapacity.", deployed->name, NULL);
    group_name_free(deployed);
    return json_pack("{s:s, s:v, s:v}", "action", "scale_exact", "capacity", saved, original, saved);
}

static Json *source_size(const Stage *stage, const Json *base, const JsonValue *source) {
    g_autofree char *original = g_strconcat("originalCapacity.", strategy_source_name(source), NULL);
    g_autoptr(Json) from = size_source(base, source);
    g_autoptr(Json) size = json_pack("{s:s, s:j, s:v}", "action", "scale_to_server_group", "source", from, original, found_capacity(stage));
    return json_without_nulls(json_root(size));
}

/* The size of the new group: so many percent of what it is to have, held there or let go. Caller unrefs. */
static Json *new_size(const Stage *stage, const Json *base, gint64 percentage, gboolean pinned) {
    const JsonValue *context = deploy_context(stage), *source = strategy_source(stage);
    g_autoptr(Json) common = json_pack("{s:i, s:b, s:b, s:b, s:v}", "scalePct", percentage, "pinCapacity", pinned, "pinMinimumCapacity",
                                       pinned, "unpinMinimumCapacity", !pinned, "targetHealthyDeployPercentage",
                                       json_get(context, "targetHealthyDeployPercentage"));
    g_autoptr(Json) size = source != NULL ? source_size(stage, base, source) : saved_size(stage);
    return json_merge(json_root(common), json_root(size));
}

void strategy_append_grow(const Stage *stage, StagePlan *plan, const Json *base, gint64 percentage, gboolean pinned) {
    g_autoptr(Json) size = new_size(stage, base, percentage, pinned);
    g_autoptr(Json) more = json_with_string(json_root(size), "target", "current_asg_dynamic");
    g_autofree char *name = g_strdup_printf("Grow to %" G_GINT64_FORMAT "%% of Desired Size", percentage);
    strategy_append(plan, "resizeServerGroup", name, base, more);
}

void strategy_append_unpin_deployed(const Stage *stage, StagePlan *plan, const Json *base, const GroupName *deployed) {
    g_autoptr(Json) size = new_size(stage, base, 100, FALSE);
    g_autoptr(Json) named = json_pack("{s:s, s:s}", "serverGroupName", deployed->name, "asgName", deployed->name);
    g_autoptr(Json) more = json_merge(json_root(size), json_root(named));
    g_autofree char *name = g_strconcat("Unpin ", deployed->name, NULL);
    strategy_append(plan, "pinServerGroup", name, base, more);
}

void strategy_append_disable(const Stage *stage, StagePlan *plan, const Json *base, gint64 percentage) {
    const JsonValue *source = strategy_source(stage);
    if (source == NULL)
        return;
    g_autoptr(Json) place = on_source(base, source);
    g_autoptr(Json) more = json_pack("{s:i, s:b}", "desiredPercentage", percentage, "useNameAsLabel", TRUE);
    g_autofree char *name = g_strdup_printf("Disable %" G_GINT64_FORMAT "%% of Traffic on %s", percentage, strategy_source_name(source));
    strategy_append(plan, "disableServerGroup", name, place, more);
}
