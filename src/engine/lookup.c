/* What a stage sees: its own context, the outputs of its ancestors, its children, its user. Pure; any thread. */
#include "engine/edit.h"
#include "engine/graph.h"
#include "engine/stage.h"
#include <string.h>

static gboolean collect_stage(const Stage *stage, gpointer data) {
    g_ptr_array_add(data, (gpointer)stage);
    return FALSE;
}

GPtrArray *stage_ancestors(const Execution *execution, const Stage *stage) {
    GPtrArray *found = g_ptr_array_new();
    stage_walk_ancestors(execution, stage, collect_stage, found);
    return found;
}

typedef struct {
    const Stage *self;
    const char *key;
    const JsonValue *value;
    GPtrArray *all; /* or NULL: the first is enough */
} KeySearch;

static gboolean search_outputs(const Stage *stage, gpointer data) {
    KeySearch *search = data;
    if (stage == search->self && !search->all)
        return FALSE; /* its own outputs are no fallback for its own context */
    const JsonValue *value = json_get(json_root(stage->outputs), search->key);
    if (!value)
        return FALSE;
    search->value = value;
    if (search->all)
        g_ptr_array_add(search->all, (gpointer)value);
    return !search->all;
}

const JsonValue *stage_get(const Execution *execution, const Stage *stage, const char *key) {
    const JsonValue *own = json_get(json_root(stage->context), key);
    if (own)
        return own;
    KeySearch search = {stage, key, NULL, NULL};
    stage_walk_ancestors(execution, stage, search_outputs, &search);
    return search.value;
}

GPtrArray *stage_get_all(const Execution *execution, const Stage *stage, const char *key) {
    KeySearch search = {stage, key, NULL, g_ptr_array_new()};
    const JsonValue *own = json_get(json_root(stage->context), key);
    if (own)
        g_ptr_array_add(search.all, (gpointer)own);
    stage_walk_ancestors(execution, stage, search_outputs, &search);
    if (strcmp(key, ARTIFACTS) == 0 || strcmp(key, RESOLVED_ARTIFACTS) == 0) {
        const JsonValue *last = json_get(json_root(execution->trigger), key);
        if (last)
            g_ptr_array_add(search.all, (gpointer)last);
    }
    return search.all;
}

typedef struct {
    GPtrArray *found;
    StageOwner side;
} SideSearch;

static gboolean collect_side(const Stage *stage, gpointer data) {
    SideSearch *search = data;
    if (search->side == OWNER_NONE || stage->owner == search->side)
        g_ptr_array_add(search->found, (gpointer)stage);
    return FALSE;
}

GPtrArray *stage_synthetics(const Execution *execution, const Stage *stage, StageOwner side) {
    SideSearch search = {g_ptr_array_new(), side};
    stage_walk_children(execution, stage, collect_side, &search);
    return search.found;
}

const JsonValue *stage_judgment_roles(const Stage *stage) {
    if (strcmp(stage->type, JUDGMENT_TYPE) != 0)
        return NULL;
    const JsonValue *older = json_get(json_root(stage->context), "requiredJudgmentRoles");
    return json_length(older) > 0 ? older : json_get(json_root(stage->context), "selectedStageRoles");
}

/* The nearest judgment that passes the judge on decides; only a "continue" counts. data: who judged, or NULL. */
static gboolean find_judge(const Stage *stage, gpointer data) {
    const JsonValue *context = json_root(stage->context);
    if (strcmp(stage->type, JUDGMENT_TYPE) != 0 || stage->status == STATUS_SKIPPED ||
        !json_is_true(json_get(context, "propagateAuthenticationContext")))
        return FALSE;
    const char *answer = json_get_string(context, "judgmentStatus");
    if (answer && g_ascii_strcasecmp(answer, "continue") == 0)
        *(const JsonValue **)data = json_root(stage->last_modified);
    return TRUE;
}

/* {user, allowedAccounts} of the one as whom the stage runs, or NULL. */
static const JsonValue *stage_identity(const Execution *execution, const Stage *stage) {
    const JsonValue *judge = NULL;
    if (execution_has_judgments(execution))
        stage_walk_ancestors(execution, stage, find_judge, &judge);
    return json_get_string(judge, "user") ? judge : json_root(execution->authentication);
}

const char *stage_user(const Execution *execution, const Stage *stage) {
    const char *user = json_get_string(stage_identity(execution, stage), "user");
    return user ? user : "anonymous";
}

const JsonValue *stage_accounts(const Execution *execution, const Stage *stage) {
    return json_get(stage_identity(execution, stage), "allowedAccounts");
}

gboolean execution_parameters_are_strategy(const Execution *execution) {
    const JsonValue *trigger = json_root(execution->trigger);
    return json_is_true(json_get(trigger, "strategy")) || json_is_true(json_dig(trigger, "parameters", "strategy", NULL));
}
