/* Planning: the tasks of a stage and the synthetic stages around it. Part of the pure core.
 *
 * Ids of synthetic stages follow from the execution, the parent's id, its attempt and the refId, so that planning needs no randomness and
 * planning the same again gives the same. */
#include "base/ids.h"
#include "engine/dry_run.h"
#include "engine/expressions.h"
#include "engine/step.h"
#include "engine/window.h"
#include "store/executions.h"
#include <string.h>

struct PlannedStage {
    StagePlan *plan;
    char *type, *name;
    Json *context;
    GPtrArray *after; /* of PlannedStage: what it waits for */
    char *ref_id;
};

struct StagePlan {
    GPtrArray *stages;  /* of PlannedStage */
    PlannedStage *last; /* of the chain of plan_append */
};

static void planned_stage_free(gpointer data) {
    PlannedStage *planned = data;
    g_free(planned->type);
    g_free(planned->name);
    g_free(planned->ref_id);
    json_unref(planned->context);
    g_ptr_array_unref(planned->after);
    g_free(planned);
}

PlannedStage *plan_add(StagePlan *plan, const char *type, const char *name, const JsonValue *context) {
    PlannedStage *planned = g_new0(PlannedStage, 1);
    planned->plan = plan;
    planned->type = g_strdup(type ? type : ""); /* known to nobody: the child fails when it is planned */
    planned->name = g_strdup(name ? name : planned->type);
    planned->context = json_is_object(context) ? json_without_nulls(context) : json_empty_object();
    planned->after = g_ptr_array_new();
    g_ptr_array_add(plan->stages, planned);
    return planned;
}

void plan_depends(PlannedStage *stage, PlannedStage *on) {
    g_assert(stage->plan == on->plan && stage != on);
    g_ptr_array_add(stage->after, on);
}

PlannedStage *plan_append(StagePlan *plan, const char *type, const char *name, const JsonValue *context) {
    PlannedStage *planned = plan_add(plan, type, name, context);
    if (plan->last)
        plan_depends(planned, plan->last);
    plan->last = planned;
    return planned;
}

/* ---- types and tasks ---- */
const StageType *stage_type_of(const EngineSettings *settings, const Stage *stage) {
    const char *alias = json_get_string(json_root(stage->context), "alias");
    return stage_types_find(settings->types, alias ? alias : stage->type);
}

static const TaskDefinition *find_definition(const TaskDefinition *tasks, const char *name) {
    for (; tasks && tasks->name; tasks++)
        if (strcmp(tasks->name, name) == 0)
            return tasks;
    return NULL;
}

const TaskDefinition *task_definition_of(const StageType *type, const Execution *execution, const Stage *stage, const TaskState *task) {
    const TaskDefinition *found = find_definition(type->tasks, task->name);
    if (!found)
        found = find_definition(type->closing_tasks, task->name);
    if (!found)
        found = find_definition(dry_run_tasks, task->name);
    if (found || !type->build_tasks)
        return found;
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    type->build_tasks(execution, stage, list, NULL);
    for (guint i = 0; i < list->len && !found; i++) {
        const TaskDefinition *each = g_ptr_array_index(list, i);
        found = strcmp(each->name, task->name) == 0 ? each : NULL;
    }
    return found;
}

static void add_task(Stage *stage, const TaskDefinition *definition) {
    g_autofree char *id = g_strdup_printf("%u", stage->tasks->len + 1);
    g_autofree char *class = definition->implementing_class ? NULL : g_strconcat("gennaker.", definition->name, NULL);
    TaskState *task = task_state_new(id, definition->name, class ? class : definition->implementing_class);
    task->loop_start = definition->loop_start;
    task->loop_end = definition->loop_end;
    g_ptr_array_add(stage->tasks, task);
}

static void collect_tasks(const TaskDefinition *tasks, GPtrArray *list) {
    for (; tasks && tasks->name; tasks++)
        g_ptr_array_add(list, (gpointer)tasks);
}

gboolean step_build_tasks(Step *step, const char *stage_id, GError **error) {
    Stage *stage = step_edit(step, stage_id);
    const StageType *type = stage_type_of(step->settings, stage);
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    g_autoptr(GError) failure = NULL;
    gboolean dry = dry_run_replaces(type, step->execution, stage);
    if (dry)
        collect_tasks(dry_run_tasks, list);
    else if (type->build_tasks)
        type->build_tasks(step->execution, stage, list, &failure);
    else
        collect_tasks(type->tasks, list);
    if (failure) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    if (!dry && json_length(json_get(json_root(stage->context), EXPECTED_ARTIFACTS)) > 0)
        collect_tasks(type->closing_tasks, list);
    g_ptr_array_set_size(stage->tasks, 0);
    for (guint i = 0; i < list->len; i++)
        add_task(stage, g_ptr_array_index(list, i));
    if (list->len > 0) {
        ((TaskState *)g_ptr_array_index(stage->tasks, 0))->stage_start = TRUE;
        ((TaskState *)g_ptr_array_index(stage->tasks, list->len - 1))->stage_end = TRUE;
    }
    return TRUE;
}

/* ---- putting a plan into the execution ---- */
/* refIds go on behind the highest number that a synthetic stage of this side ever had in the list. */
static guint highest_number(Step *step, const Stage *parent, StageOwner side) {
    g_autoptr(GPtrArray) children = stage_synthetics(step->execution, parent, side);
    guint highest = 0;
    gsize prefix = strlen(parent->ref_id) + 1;
    for (guint i = 0; i < children->len; i++) {
        const Stage *child = g_ptr_array_index(children, i);
        if (strlen(child->ref_id) > prefix)
            highest = MAX(highest, (guint)g_ascii_strtoull(child->ref_id + prefix, NULL, 10));
    }
    return highest;
}

static Stage *synthetic_new(Step *step, const Stage *parent, StageOwner side, const PlannedStage *planned) {
    static const char *const window_keys[] = {WINDOW_KEY, WINDOW_SETTINGS_KEY, NULL};
    Stage *stage = stage_new();
    g_autofree char *attempt = g_strdup_printf("%u", parent->attempt);
    g_autofree char *digits = id_from_parts(step->execution->id, parent->id, attempt, planned->ref_id, NULL);
    g_autofree char *id = id_ulid_from(step->now_ms, digits);
    stage->id = text_new(id);
    stage->ref_id = text_new(planned->ref_id);
    stage->type = text_new(planned->type);
    stage->name = text_new(planned->name);
    stage->parent_id = text_ref(parent->id);
    stage->owner = side;
    gboolean window = strcmp(planned->type, stage_execution_window.type) == 0;
    stage_set_context(stage, window ? json_ref(planned->context) : json_without(json_root(planned->context), window_keys));
    g_autoptr(GPtrArray) requisites = g_ptr_array_new();
    for (guint i = 0; i < planned->after->len; i++)
        g_ptr_array_add(requisites, ((PlannedStage *)g_ptr_array_index(planned->after, i))->ref_id);
    g_ptr_array_add(requisites, NULL);
    stage_set_requisites(stage, (const char *const *)requisites->pdata);
    return stage;
}

/* Before-stages go in front of their parent, after-stages behind it and behind those that are already there. */
static guint place_for(Step *step, const Stage *parent, StageOwner side) {
    guint at = stage_place(step->execution, parent);
    if (side == OWNER_BEFORE)
        return at;
    g_autoptr(GPtrArray) after = stage_synthetics(step->execution, parent, OWNER_AFTER);
    if (after->len == 0)
        return at + 1;
    const Stage *last = g_ptr_array_index(after, after->len - 1);
    guint end = stage_place(step->execution, last) + 1;
    while (end < step->execution->stages->len && g_str_has_prefix(execution_stage_at(step->execution, end)->ref_id, last->ref_id))
        end++; /* the last one's own after-stages */
    return end;
}

static gboolean insert_plan(Step *step, const char *parent_id, StageOwner side, guint number, const StagePlan *plan, GError **error) {
    Execution *execution = step->execution;
    const Stage *parent = execution_stage(execution, parent_id);
    if (execution->next_position + plan->stages->len > STORE_STAGES_MAX) {
        error_set(error, ERR_LIMIT, "Stage \"%s\": an execution has at most %d stages (STORE_STAGES_MAX)", parent->name, STORE_STAGES_MAX);
        return FALSE;
    }
    for (guint i = 0; i < plan->stages->len; i++) {
        PlannedStage *planned = g_ptr_array_index(plan->stages, i);
        planned->ref_id = g_strdup_printf("%s%c%u", parent->ref_id, side == OWNER_BEFORE ? '<' : '>', ++number);
    }
    guint at = place_for(step, parent, side);
    for (guint i = 0; i < plan->stages->len; i++)
        execution_insert_stage(execution, at + i, synthetic_new(step, parent, side, g_ptr_array_index(plan->stages, i)));
    execution_reindex(execution);
    return TRUE;
}

static void plan_init(StagePlan *plan) {
    *plan = (StagePlan){.stages = g_ptr_array_new_with_free_func(planned_stage_free)};
}

/* ---- before ---- */
/* The window comes first; whatever has no dependency of its own waits for it. */
static void add_window(const Stage *stage, StagePlan *plan) {
    static const char *const left_out[] = {WINDOW_KEY, "stageTimeoutMs", "alias", NULL};
    g_autoptr(Json) context = json_without(json_root(stage->context), left_out);
    PlannedStage *window = plan_add(plan, stage_execution_window.type, stage_execution_window.type, json_root(context));
    g_ptr_array_steal_index(plan->stages, plan->stages->len - 1);
    for (guint i = 0; i < plan->stages->len; i++) {
        PlannedStage *planned = g_ptr_array_index(plan->stages, i);
        if (planned->after->len == 0)
            plan_depends(planned, window);
    }
    g_ptr_array_insert(plan->stages, 0, window);
}

gboolean step_plan_before(Step *step, const char *stage_id, GError **error) {
    const Stage *stage = execution_stage(step->execution, stage_id);
    const StageType *type = stage_type_of(step->settings, stage);
    StagePlan plan;
    plan_init(&plan);
    g_autoptr(GPtrArray) owner G_GNUC_UNUSED = plan.stages;
    g_autoptr(GError) failure = NULL;
    if (type->plan_before)
        type->plan_before(step->execution, stage, &plan, &failure);
    if (failure) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    if (type != &stage_execution_window && json_is_true(json_get(json_root(stage->context), WINDOW_KEY)))
        add_window(stage, &plan);
    if (plan.stages->len == 0)
        return TRUE;
    if (!insert_plan(step, stage_id, OWNER_BEFORE, highest_number(step, stage, OWNER_BEFORE), &plan, error))
        return FALSE;
    g_autoptr(GPtrArray) children = stage_synthetics(step->execution, execution_stage(step->execution, stage_id), OWNER_BEFORE);
    for (guint i = 0; i < children->len; i++)
        step_process_context(step, ((const Stage *)g_ptr_array_index(children, i))->id);
    return TRUE;
}

/* ---- after, on failure ---- */
/* Runs a planner; NULL with *error when it fails or the type is unknown. */
static gboolean run_planner(Step *step, const Stage *stage, StagePlanner planner, StagePlan *plan, GError **error) {
    g_autoptr(GError) failure = NULL;
    if (planner)
        planner(step->execution, stage, plan, &failure);
    if (!failure)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static const StageType *known_type(Step *step, const Stage *stage, GError **error) {
    const StageType *type = stage_type_of(step->settings, stage);
    if (!type)
        error_set(error, ERR_INVALID, "No stage type \"%s\" exists (stage \"%s\")", stage->type, stage->name);
    return type;
}

gboolean step_plan_after(Step *step, const char *stage_id, GError **error) {
    const Stage *stage = execution_stage(step->execution, stage_id);
    const StageType *type = known_type(step, stage, error);
    if (!type)
        return FALSE;
    StagePlan plan;
    plan_init(&plan);
    g_autoptr(GPtrArray) owner G_GNUC_UNUSED = plan.stages;
    if (!run_planner(step, stage, type->plan_after, &plan, error))
        return FALSE;
    return plan.stages->len == 0 || insert_plan(step, stage_id, OWNER_AFTER, highest_number(step, stage, OWNER_AFTER), &plan, error);
}

static gboolean is_planned_name(const StagePlan *plan, const char *name) {
    for (guint i = 0; i < plan->stages->len; i++)
        if (strcmp(((PlannedStage *)g_ptr_array_index(plan->stages, i))->name, name) == 0)
            return TRUE;
    return FALSE;
}

/* On-failure stages are run once: those of the plan's names that are there already are under way, or have been. */
static PlanOutcome planned_before(const GPtrArray *children, const StagePlan *plan) {
    gboolean been = FALSE;
    for (guint i = 0; i < children->len; i++) {
        const Stage *child = g_ptr_array_index(children, i);
        if (!is_planned_name(plan, child->name))
            continue;
        if (child->status == STATUS_RUNNING || child->status == STATUS_PAUSED)
            return PLAN_UNDER_WAY;
        been = been || status_info(child->status)->complete;
    }
    return been ? PLAN_NOTHING : PLAN_ADDED;
}

/* Takes away the synthetic stages that were planned and never started, with theirs. */
static void remove_not_started(Step *step, const char *stage_id) {
    g_autoptr(GPtrArray) children = stage_synthetics(step->execution, execution_stage(step->execution, stage_id), OWNER_NONE);
    for (guint i = 0; i < children->len; i++) {
        const Stage *child = g_ptr_array_index(children, i);
        if (child->status == STATUS_NOT_STARTED)
            execution_remove_stage(step->execution, child);
    }
    execution_reindex(step->execution);
}

PlanOutcome step_plan_on_failure(Step *step, const char *stage_id, GError **error) {
    const Stage *stage = execution_stage(step->execution, stage_id);
    const StageType *type = known_type(step, stage, error);
    StagePlan plan;
    plan_init(&plan);
    g_autoptr(GPtrArray) owner G_GNUC_UNUSED = plan.stages;
    if (!type || !run_planner(step, stage, type->plan_on_failure, &plan, error) || plan.stages->len == 0)
        return PLAN_NOTHING;
    g_autoptr(GPtrArray) after = stage_synthetics(step->execution, stage, OWNER_AFTER);
    PlanOutcome before = planned_before(after, &plan);
    if (before != PLAN_ADDED)
        return before;
    for (guint i = 1; i < plan.stages->len; i++) { /* always one after another */
        PlannedStage *each = g_ptr_array_index(plan.stages, i);
        g_ptr_array_set_size(each->after, 0);
        plan_depends(each, g_ptr_array_index(plan.stages, i - 1));
    }
    guint number = highest_number(step, stage, OWNER_AFTER);
    remove_not_started(step, stage_id);
    return insert_plan(step, stage_id, OWNER_AFTER, number, &plan, error) ? PLAN_ADDED : PLAN_NOTHING;
}
