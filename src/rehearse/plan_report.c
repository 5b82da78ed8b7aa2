/* A plan is the report of a rehearsal, told by stages: which run and with what, which do not and why, and what becomes of the clouds in each.
 * Pure, but for the accounts' permissions. */
#include "rehearse/plan_report.h"
#include "clouds/naming.h"
#include "rehearse/internal.h"
#include "stages/metadata/applications.h"
#include <string.h>

/* ---- stages ---- */

static const Stage *unfinished_requisite(const Execution *execution, const Stage *stage) {
    for (char **ref = stage->requisites; *ref != NULL; ref++) {
        const Stage *before = execution_stage_by_ref(execution, *ref);
        if (before != NULL && (!status_info(before->status)->complete || status_info(before->status)->halt))
            return before;
    }
    return NULL;
}

/* Why a stage does not run; NULL: it does. Caller frees. */
static char *why_not(const Execution *execution, const Stage *stage) {
    if (stage->status == STATUS_SKIPPED && stage->tasks->len == 0) {
        const char *expression = json_string(json_dig(json_root(stage->context), "stageEnabled", "expression", NULL));
        return expression != NULL ? g_strdup_printf("its condition does not hold: %s", expression) : g_strdup("it is skipped");
    }
    if (stage->start_ms != 0)
        return NULL;
    const Stage *before = unfinished_requisite(execution, stage);
    if (before != NULL)
        return g_strdup_printf("stage %s before it is %s", before->name, status_info(before->status)->name);
    return g_strdup_printf("the execution is %s", status_info(execution->status)->name);
}

static void add_stage(JsonBuilder *builder, const Execution *execution, const Stage *stage) {
    g_autofree char *why = why_not(execution, stage);
    json_begin_object(builder, NULL);
    json_add_string(builder, "refId", stage->ref_id);
    json_add_string(builder, "name", stage->name);
    json_add_string(builder, "type", stage->type);
    json_add_bool(builder, "runs", why == NULL);
    json_add_string(builder, "notTaken", why);
    json_add_string(builder, "status", status_info(stage->status)->name);
    if (why == NULL) {
        json_add_int(builder, "startsAfter", stage->start_ms - execution->build_ms);
        json_add_json(builder, "context", stage->context);
        json_add_json(builder, "outputs", stage->outputs);
    }
    json_end_object(builder);
}

static void add_stages(JsonBuilder *builder, const Execution *execution) {
    json_begin_array(builder, "stages");
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = g_ptr_array_index(execution->stages, i);
        if (stage->owner == OWNER_NONE)
            add_stage(builder, execution, stage);
    }
    json_end_array(builder);
}

/* ---- images and artifacts ---- */

static void add_images(JsonBuilder *builder, const Execution *execution) {
    json_begin_array(builder, "images");
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = g_ptr_array_index(execution->stages, i);
        if (stage->owner != OWNER_NONE)
            continue;
        for (JsonIter each = json_iter(json_get(json_root(stage->outputs), "deploymentDetails")); json_next(&each);) {
            json_begin_object(builder, NULL);
            json_add_string(builder, "stage", stage->name);
            json_add_members(builder, each.value);
            json_end_object(builder);
        }
    }
    json_end_array(builder);
}

static void add_artifacts(JsonBuilder *builder, const Execution *execution) {
    const JsonValue *resolved = json_get(json_root(execution->trigger), RESOLVED_ARTIFACTS);
    json_begin_array(builder, "artifacts");
    for (JsonIter i = json_iter(resolved); json_next(&i);) {
        const JsonValue *bound = json_get(i.value, "boundArtifact");
        if (bound != NULL)
            json_add_value(builder, NULL, bound);
    }
    json_end_array(builder);
}

/* ---- deployments: what changed while a stage ran ---- */

static gboolean is_during(const JsonValue *entry, const Stage *stage, gint64 began_ms) {
    gint64 at_ms = began_ms + json_get_int(entry, "at", 0);
    return stage->start_ms != 0 && at_ms >= stage->start_ms && (stage->end_ms == 0 || at_ms <= stage->end_ms);
}

/* Whether a document has the text as a value or a key, at any depth. */
static gboolean mentions(const JsonValue *value, const char *text) {
    if (json_is_string(value))
        return strcmp(json_string(value), text) == 0;
    for (JsonIter i = json_iter(json_is_object(value) || json_is_array(value) ? value : NULL); json_next(&i);)
        if (g_strcmp0(i.key, text) == 0 || mentions(i.value, text))
            return TRUE;
    return FALSE;
}

/* Of stages that ran at the time the first that speaks of account and region; one that ran alone need not. */
static const Stage *stage_of(const Execution *execution, const JsonValue *entry, gint64 began_ms) {
    const Stage *only = NULL;
    guint count = 0;
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = g_ptr_array_index(execution->stages, i);
        if (stage->owner != OWNER_NONE || !is_during(entry, stage, began_ms))
            continue;
        const JsonValue *context = json_root(stage->context);
        if (mentions(context, json_get_string(entry, "account")) && mentions(context, json_get_string(entry, "region")))
            return stage;
        only = stage;
        count++;
    }
    return count == 1 ? only : NULL;
}

static void add_group_entries(JsonBuilder *builder, const Execution *execution, const Stage *stage, const JsonValue *timeline,
                              gint64 began_ms) {
    json_begin_array(builder, "serverGroups");
    for (JsonIter i = json_iter(timeline); json_next(&i);) {
        if (json_get(i.value, "serverGroup") == NULL || stage_of(execution, i.value, began_ms) != stage)
            continue;
        json_add_value(builder, NULL, i.value);
    }
    json_end_array(builder);
}

static gboolean changes_groups(const Execution *execution, const Stage *stage, const JsonValue *timeline, gint64 began_ms) {
    for (JsonIter i = json_iter(timeline); json_next(&i);)
        if (json_get(i.value, "serverGroup") != NULL && stage_of(execution, i.value, began_ms) == stage)
            return TRUE;
    return FALSE;
}

static void add_deployments(JsonBuilder *builder, const Execution *execution, const JsonValue *timeline, gint64 began_ms) {
    json_begin_array(builder, "deployments");
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = g_ptr_array_index(execution->stages, i);
        if (stage->owner != OWNER_NONE || !changes_groups(execution, stage, timeline, began_ms))
            continue;
        json_begin_object(builder, NULL);
        json_add_string(builder, "stage", stage->name);
        json_add_string(builder, "refId", stage->ref_id);
        add_group_entries(builder, execution, stage, timeline, began_ms);
        json_end_object(builder);
    }
    json_end_array(builder);
}

/* ---- traffic guards ---- */

static gboolean is_any(const char *pattern) {
    return g_strcmp0(pattern, "*") == 0;
}

static gboolean fits(const char *pattern, const char *text) {
    return is_any(pattern) || g_strcmp0(pattern, text) == 0;
}

static gboolean fits_part(const char *pattern, const char *text) {
    return is_any(pattern) || g_strcmp0(pattern != NULL ? pattern : "", text != NULL ? text : "") == 0;
}

static gboolean covers(const JsonValue *guard, const JsonValue *group) {
    Moniker moniker = {0};
    naming_parse(json_get_string(group, "name"), &moniker);
    gboolean covered = fits(json_get_string(guard, "account"), json_get_string(group, "account")) &&
                       fits(json_get_string(guard, "location"), json_get_string(group, "region")) &&
                       fits_part(json_get_string(guard, "stack"), moniker.stack) &&
                       fits_part(json_get_string(guard, "detail"), moniker.detail);
    moniker_clear(&moniker);
    return covered;
}

static gboolean covers_one(const JsonValue *guard, const JsonValue *groups) {
    for (JsonIter i = json_iter(groups); json_next(&i);)
        if (covers(guard, i.value))
            return TRUE;
    return FALSE;
}

static gboolean is_about(const char *message, const char *pattern) {
    return pattern == NULL || is_any(pattern) || strstr(message, pattern) != NULL;
}

/* What the guard said when it stopped a stage; NULL: it did not. Borrowed. */
static const char *refusal_of(const JsonValue *guard, const JsonValue *timeline) {
    for (JsonIter i = json_iter(timeline); json_next(&i);) {
        const char *message = json_get_string(i.value, "message");
        if (message != NULL && strstr(message, "traffic guards enabled") != NULL && is_about(message, json_get_string(guard, "account")) &&
            is_about(message, json_get_string(guard, "location")) && is_about(message, json_get_string(guard, "stack")))
            return message;
    }
    return NULL;
}

/* Those that had something to say: of clusters that change, or that would have. */
static void add_guards(JsonBuilder *builder, const Rehearsal *rehearsal, const JsonValue *timeline, const JsonValue *groups) {
    g_autoptr(Json) application = application_load(rehearsal->services.store, rehearsal->execution->application, NULL);
    json_begin_array(builder, "trafficGuards");
    for (JsonIter i = json_iter(json_get(json_root(application), "trafficGuards")); json_next(&i);) {
        const char *refused = refusal_of(i.value, timeline);
        if (!json_get_bool(i.value, "enabled", TRUE) || (refused == NULL && !covers_one(i.value, groups)))
            continue;
        json_begin_object(builder, NULL);
        json_add_value(builder, "guard", i.value);
        json_add_string(builder, "verdict", refused != NULL ? "refused" : "holds");
        json_add_string(builder, "message", refused);
        json_end_object(builder);
    }
    json_end_array(builder);
}

/* ---- permissions ---- */

static gboolean may_write(const Principal *principal, const JsonValue *roles) {
    if (!principal->authorized || principal->admin || json_length(roles) == 0)
        return TRUE;
    for (JsonIter i = json_iter(roles); json_next(&i);)
        if (json_string(i.value) != NULL && g_strv_contains(principal->roles, json_string(i.value)))
            return TRUE;
    return FALSE;
}

static void add_missing(JsonBuilder *builder, const PlanOptions *options, const char *name) {
    g_autoptr(Account) account = clouds_account(options->services->clouds, name, NULL);
    const JsonValue *roles = account != NULL && account->permissions != NULL ? json_get(json_root(account->permissions), "WRITE") : NULL;
    if (account == NULL || may_write(options->principal, roles))
        return;
    json_begin_object(builder, NULL);
    json_add_string(builder, "account", name);
    json_add_string(builder, "permission", "WRITE");
    json_add_value(builder, "roles", roles);
    json_end_object(builder);
}

static void add_permissions(JsonBuilder *builder, const PlanOptions *options, const JsonValue *groups) {
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    json_begin_array(builder, "missingPermissions");
    for (JsonIter i = json_iter(groups); json_next(&i);) {
        const char *account = json_get_string(i.value, "account");
        if (account != NULL && g_hash_table_add(seen, (gpointer)account))
            add_missing(builder, options, account);
    }
    json_end_array(builder);
}

Json *plan_report(const Rehearsal *rehearsal, const PlanOptions *options) {
    g_autoptr(Json) report = rehearsal_report(rehearsal);
    const Execution *execution = rehearsal->execution;
    const JsonValue *root = json_root(report), *timeline = json_get(root, "timeline");
    const JsonValue *groups = json_dig(root, "clouds", "serverGroups", NULL);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "application", execution->application);
    json_add_string(builder, "pipeline", execution->name);
    json_add_members(builder, root);
    add_stages(builder, execution);
    add_images(builder, execution);
    add_artifacts(builder, execution);
    add_deployments(builder, execution, timeline, rehearsal->began_ms);
    add_guards(builder, rehearsal, timeline, groups);
    add_permissions(builder, options, groups);
    json_end_object(builder);
    return json_builder_end(builder);
}
