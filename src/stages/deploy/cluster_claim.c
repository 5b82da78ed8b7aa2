/* Who deploys a cluster now (cluster_claim.h). A claim is an object of the store that names execution, stage and attempt; it is worth
 * something only while that stage is on its way. So nothing has to free it, a crash keeps it, and a claim that came too late (its stage
 * was cancelled meanwhile) binds nobody. It changes hands by a conditional write. */
#include "stages/deploy/cluster_claim.h"
#include "engine/graph.h"
#include "stages/deploy/scope.h"
#include "store/objects.h"

typedef struct {
    gboolean found;
    gint64 version, attempt, since_ms;
    char *execution_id, *stage_id;
} Claim;

static void claim_clear(Claim *claim) {
    g_free(claim->execution_id);
    g_free(claim->stage_id);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Claim, claim_clear)

static gboolean claim_load(Store *store, const char *id, Claim *into, GError **error) {
    StoreObject object = {0};
    g_autoptr(GError) failed = NULL;
    if (!store_object_load(store, CLUSTER_CLAIM_KIND, id, &object, &failed)) {
        gboolean free_yet = error_code(failed) == ERR_NOT_FOUND;
        if (!free_yet)
            g_propagate_error(error, g_steal_pointer(&failed));
        return free_yet;
    }
    const JsonValue *body = json_root(object.body);
    *into = (Claim){TRUE,
                    object.version,
                    json_get_int(body, "attempt", 0),
                    json_get_int(body, "since", 0),
                    g_strdup(json_get_string(body, "executionId")),
                    g_strdup(json_get_string(body, "stageId"))};
    store_object_clear(&object);
    return TRUE;
}

/* ---- is the holder still at it? ---- */

static gboolean is_under_way(const Stage *stage) {
    gboolean complete = status_info(stage->status)->complete;
    return stage->canceling || (!complete && stage->status != STATUS_NOT_STARTED);
}

static gboolean is_under_way_any(const Stage *stage, gpointer data) {
    gboolean *any = data;
    *any = *any || is_under_way(stage);
    return *any;
}

/* The stage, or something inside it: a cancellation ends a stage before what runs in it. */
static gboolean holder_lives(const Execution *execution, const Claim *claim) {
    const Stage *stage = execution_stage(execution, claim->stage_id);
    if (stage == NULL || stage->attempt != claim->attempt)
        return FALSE; /* restarted since: it claims again when its turn comes */
    gboolean any = FALSE;
    stage_walk_family(execution, stage, is_under_way_any, &any);
    return any;
}

/* ---- inside the holder? ---- */

static gboolean stage_is_inside(const Execution *execution, const Stage *stage, const char *outer_id) {
    for (; stage != NULL; stage = stage_parent(execution, stage))
        if (strcmp(stage->id, outer_id) == 0)
            return TRUE;
    return FALSE;
}

/* The stage, or the one that started its execution, or the one that started that …, is a part of the stage that holds the claim. */
static gboolean is_inside(TaskContext *context, const Stage *deployment, const Claim *claim) {
    g_autoptr(Execution) execution = execution_ref((Execution *)context->execution);
    const Stage *stage = deployment;
    for (guint depth = 0; depth < NESTED_PIPELINES_MAX && stage != NULL; depth++) {
        if (g_strcmp0(execution->id, claim->execution_id) == 0)
            return stage_is_inside(execution, stage, claim->stage_id);
        if (execution->parent_id == NULL || execution->parent_stage_id == NULL)
            return FALSE;
        Execution *parent = engine_load(context->services->engine, execution->parent_id, NULL);
        stage = parent != NULL ? execution_stage(parent, execution->parent_stage_id) : NULL;
        if (stage == NULL) {
            execution_unref(parent);
            return FALSE;
        }
        execution_unref(execution);
        execution = parent;
    }
    return FALSE;
}

/* ---- taking it ---- */

static ClaimAnswer take(TaskContext *context, const Stage *deployment, const char *id, const Claim *before, gint64 *since_ms,
                        GError **error) {
    g_autoptr(GError) failed = NULL;
    g_autoptr(Json) body = json_pack("{s:s, s:s, s:i, s:i}", "executionId", context->execution->id, "stageId", deployment->id, "attempt",
                                     (gint64)deployment->attempt, "since", context->now_ms);
    StoreObject object = {.kind = CLUSTER_CLAIM_KIND,
                          .id = id,
                          .created_ms = context->now_ms,
                          .updated_ms = context->now_ms,
                          .updated_by = context->user,
                          .body = body};
    StoreUnit *unit = store_unit_new();
    store_object_save(unit, &object, before->found ? before->version : 0, FALSE);
    *since_ms = context->now_ms;
    if (store_commit(context->services->store, unit, &failed))
        return CLAIM_HELD;
    if (error_code(failed) == ERR_CONFLICT)
        return CLAIM_WAITS; /* somebody else was faster: the next look says who */
    g_propagate_error(error, g_steal_pointer(&failed));
    return CLAIM_FAILED;
}

static gboolean is_own(const TaskContext *context, const Stage *deployment, const Claim *claim) {
    return g_strcmp0(claim->execution_id, context->execution->id) == 0 && g_strcmp0(claim->stage_id, deployment->id) == 0 &&
           claim->attempt == (gint64)deployment->attempt;
}

/* The holder, or NULL when the claim is free; *error: it could not be found out. */
static Execution *load_holder(TaskContext *context, const Claim *claim, GError **error) {
    if (!claim->found || claim->execution_id == NULL || claim->stage_id == NULL)
        return NULL;
    g_autoptr(GError) failed = NULL;
    engine_watch(context->services->engine, claim->execution_id, context->execution->id, context->stage->id); /* before the look */
    g_autoptr(Execution) holder = engine_load(context->services->engine, claim->execution_id, &failed);
    if (holder != NULL)
        return holder_lives(holder, claim) ? g_steal_pointer(&holder) : NULL;
    if (error_code(failed) != ERR_NOT_FOUND)
        g_propagate_error(error, g_steal_pointer(&failed));
    return NULL;
}

static ClaimAnswer claim_cluster(TaskContext *context, const Stage *deployment, const char *id, gint64 *since_ms, GError **error) {
    g_auto(Claim) claim = {0};
    g_autoptr(GError) failed = NULL;
    if (!claim_load(context->services->store, id, &claim, error))
        return CLAIM_FAILED;
    *since_ms = claim.since_ms;
    if (claim.found && is_own(context, deployment, &claim))
        return CLAIM_HELD;
    g_autoptr(Execution) holder = load_holder(context, &claim, &failed);
    if (failed != NULL) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return CLAIM_FAILED;
    }
    if (holder == NULL)
        return take(context, deployment, id, &claim, since_ms, error);
    *since_ms = context->now_ms;
    if (is_inside(context, deployment, &claim))
        return CLAIM_HELD;
    g_auto(GStrv) parts = g_strsplit(id, "/", 3);
    task_progress(context, "waits for deployment %s of cluster %s in %s (account %s), by %s", claim.execution_id, parts[2], parts[1],
                  parts[0], holder->name != NULL ? holder->name : holder->application);
    return CLAIM_WAITS;
}

ClaimAnswer cluster_claim(TaskContext *context, const Stage *deployment, gint64 *since_ms, GError **error) {
    g_autofree char *location = deploy_location(context->execution, deployment);
    g_autofree char *cluster = deploy_cluster(context->execution, deployment);
    const char *account = deploy_account(context->execution, deployment);
    *since_ms = context->now_ms;
    if (location == NULL || cluster == NULL || account == NULL)
        return CLAIM_HELD;
    g_autofree char *id = g_strjoin("/", account, location, cluster, NULL);
    return claim_cluster(context, deployment, id, since_ms, error);
}

const Stage *cluster_claim_deployment(const Execution *execution, const Stage *stage) {
    static const char *const TYPES[] = {"createServerGroup", "cloneServerGroup", "copyLastAsg", NULL};
    const Stage *parent = stage_parent(execution, stage);
    return parent != NULL && g_strv_contains(TYPES, parent->type) ? parent : NULL;
}
