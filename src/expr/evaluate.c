/* Walks the tree of an expression. Its nesting is bounded by the parser, its work by expr_charge.
 *
 * Two things are known at each node: the active value, at which plain names are looked up (the root, or the element inside a
 * selection or projection), and the element, at which arguments of methods look theirs up. What stands in the brackets of an
 * index is looked up at the root. */
#include "expr/class.h"
#include "expr/operate.h"

typedef struct {
    const ExprValue *active, *element;
} Scope;

static const ExprValue *evaluate(ExprContext *context, const Scope *scope, const Node *node);

static int evaluate_boolean(ExprContext *context, const Scope *scope, const Node *node) {
    const ExprValue *value = evaluate(context, scope, node);
    return value ? expr_convert_to_boolean(context, value) : -1;
}

/* The values of a node's children from `first` on; NULL after raising. At least one place, so that it is not NULL for none. */
static const ExprValue **evaluate_all(ExprContext *context, const Scope *scope, const Node *first, guint *n) {
    *n = 0;
    for (const Node *child = first; child; child = child->next)
        (*n)++;
    const ExprValue **values = expr_alloc(context, sizeof(ExprValue *) * (*n + 1));
    guint at = 0;
    for (const Node *child = first; child; child = child->next)
        if (!(values[at++] = evaluate(context, scope, child)))
            return NULL;
    return values;
}

/* ---- names ---- */

static const ExprValue *evaluate_variable(ExprContext *context, const Scope *scope, const Node *node) {
    if (strcmp(node->name, "this") == 0)
        return scope->active;
    if (strcmp(node->name, "root") == 0)
        return context->root;
    const ExprValue *value = context->variables ? expr_map_find_text(context, context->variables, node->name, strlen(node->name)) : NULL;
    return value || context->failed ? value : expr_null();
}

static const ExprFunction *find_function(const ExprFunction *functions, const char *name) {
    for (const ExprFunction *function = functions; function && function->name; function++)
        if (strcmp(function->name, name) == 0)
            return function;
    return NULL;
}

static const ExprValue *call_function(ExprContext *context, const ExprFunction *function, const ExprValue *const *arguments, guint n) {
    if (function->hidden_execution && n > 0) {
        if (arguments[0]->type == EXPR_NULL)
            return expr_raise(context, EXCEPTION_NULL_POINTER, "There is no execution that #%s could be asked about", function->name);
        arguments++;
        n--;
    } else if (function->hidden_execution) {
        n = G_MAXUINT; /* only possible where the rewriting was suppressed by the text itself */
    }
    if (n < function->min_arguments || n > function->max_arguments || n == G_MAXUINT)
        return expr_raise(context, EXCEPTION_EVALUATION, "EL1033E: Incorrect number of arguments for function '%s': expected %u, was %u",
                          function->name, function->min_arguments, n == G_MAXUINT ? 0 : n);
    if (function->kind == EXPR_IO && !context->options->allow_io) {
        context->needs_io = TRUE;
        return expr_raise(context, EXCEPTION_FUNCTION, "#%s reads from elsewhere, which is not possible here", function->name);
    }
    g_autoptr(GError) error = NULL;
    const ExprValue *value = function->call(context, arguments, n, context->options->data, &error);
    if (value && !error)
        return value;
    return expr_raise(context, EXCEPTION_FUNCTION, "%s", error ? error->message : "the function gave no value");
}

static const ExprValue *evaluate_function(ExprContext *context, const Scope *scope, const Node *node) {
    const ExprFunction *function = find_function(context->options->functions, node->name);
    if (!function)
        function = find_function(expr_functions, node->name);
    if (!function)
        return expr_raise(context, EXCEPTION_EVALUATION, "EL1006E: Function '%s' could not be found", node->name);
    guint n;
    const ExprValue **arguments = evaluate_all(context, scope, node->children, &n);
    return arguments ? call_function(context, function, arguments, n) : NULL;
}

static const ExprValue *evaluate_method(ExprContext *context, const Scope *scope, const ExprValue *target, const Node *node) {
    const Scope of_arguments = {scope->element, scope->element};
    guint n;
    const ExprValue **arguments = evaluate_all(context, &of_arguments, node->children, &n);
    if (!arguments)
        return NULL;
    if (target->type == EXPR_NULL)
        return node->safe ? target
                          : expr_raise(context, EXCEPTION_EVALUATION,
                                       "EL1011E: Method call: Attempted to call method %s() on null context object", node->name);
    return expr_call_method(context, target, node->name, arguments, n);
}

/* ---- brackets ---- */

static const ExprValue *evaluate_index(ExprContext *context, const Scope *scope, const ExprValue *target, const Node *node) {
    if (target->type == EXPR_NULL && node->safe)
        return target;
    const Node *inner = node->children;
    if (target->type == EXPR_MAP && inner->kind == NODE_PROPERTY) /* a plain name is the key itself */
        return expr_index(context, target, expr_text_value(context, inner->name, strlen(inner->name)));
    const Scope at_root = {context->root, scope->element};
    const ExprValue *index = evaluate(context, &at_root, inner);
    return index ? expr_index(context, target, index) : NULL;
}

/* 1 chosen, 0 not, -1 after raising. */
static int is_chosen(ExprContext *context, const ExprValue *element, const Node *criterion) {
    const Scope inner = {element, element};
    const ExprValue *chosen = evaluate(context, &inner, criterion);
    if (!chosen)
        return -1;
    if (chosen->type == EXPR_BOOL)
        return chosen->boolean;
    expr_raise(context, EXCEPTION_EVALUATION, "EL1042E: The result of the selection criteria is not boolean but '%s'",
               expr_class_name(chosen));
    return -1;
}

static const ExprValue *map_of_entries(ExprContext *context, const ExprItems *entries) {
    ExprMap *map = expr_map_new(context, entries->count);
    for (guint i = 0; i < entries->count; i++)
        expr_map_append(context, map, entries->at[i]->entry.key, entries->at[i]->entry.value);
    return expr_map_value(context, map);
}

static const ExprValue *selected(ExprContext *context, const ExprValue *target, const Node *node, const ExprItems *chosen) {
    if (node->operation != TOKEN_SELECT && chosen->count == 0)
        return expr_null();
    if (target->type == EXPR_MAP)
        return map_of_entries(context, chosen);
    if (node->operation != TOKEN_SELECT)
        return chosen->at[0];
    ExprItems *items = expr_items_new(context, chosen->count);
    for (guint i = 0; i < chosen->count; i++)
        expr_items_add(context, items, chosen->at[i]);
    if (target->type == EXPR_ARRAY)
        items->element = target->items->element;
    return expr_items_value(context, target->type == EXPR_ARRAY ? EXPR_ARRAY : EXPR_LIST, items);
}

static const ExprValue *evaluate_selection(ExprContext *context, const ExprValue *target, const Node *node) {
    if (target->type == EXPR_NULL && node->safe)
        return target;
    const ExprItems *elements = expr_elements(context, target, "EL1039E: Selection");
    if (!elements)
        return NULL;
    ExprItems *chosen = expr_items_new(context, 0);
    for (guint i = 0; i < elements->count; i++) {
        const int choice = is_chosen(context, elements->at[i], node->children);
        if (choice < 0)
            return NULL;
        if (!choice)
            continue;
        if (node->operation == TOKEN_SELECT_LAST)
            chosen->count = 0;
        expr_items_add(context, chosen, elements->at[i]);
        if (node->operation == TOKEN_SELECT_FIRST)
            break;
    }
    return selected(context, target, node, chosen);
}

static const ExprValue *evaluate_projection(ExprContext *context, const ExprValue *target, const Node *node) {
    if (target->type == EXPR_NULL && node->safe)
        return target;
    const ExprItems *elements = expr_elements(context, target, "EL1038E: Projection");
    if (!elements)
        return NULL;
    ExprItems *items = expr_items_new(context, elements->count);
    for (guint i = 0; i < elements->count; i++) {
        const Scope inner = {elements->at[i], elements->at[i]};
        const ExprValue *value = evaluate(context, &inner, node->children);
        if (!value)
            return NULL;
        expr_items_add(context, items, value);
    }
    return expr_items_value(context, target->type == EXPR_ARRAY ? EXPR_ARRAY : EXPR_LIST, items);
}

/* ---- steps ---- */

static const ExprValue *evaluate_step(ExprContext *context, const Scope *scope, const ExprValue *target, const Node *node) {
    switch (node->kind) {
    case NODE_PROPERTY:
        return target->type == EXPR_NULL && node->safe ? target : expr_property(context, target, node->name);
    case NODE_METHOD:
        return evaluate_method(context, scope, target, node);
    case NODE_INDEX:
        return evaluate_index(context, scope, target, node);
    case NODE_SELECT:
        return evaluate_selection(context, target, node);
    case NODE_PROJECT:
        return evaluate_projection(context, target, node);
    default: {
        const Scope inner = {target, scope->element};
        return evaluate(context, &inner, node);
    }
    }
}

/* The value of the node, and of all its steps but the last `leave`. */
static const ExprValue *evaluate_steps(ExprContext *context, const Scope *scope, const Node *node, guint leave) {
    const Node *step = node->children;
    const ExprValue *value = evaluate(context, scope, step);
    for (guint left = node->count - 1 - leave; value && left > 0; left--) {
        step = step->next;
        value = expr_charge(context, 1) ? evaluate_step(context, scope, value, step) : NULL;
        if (context->options->trace && (left > 1 || !value)) /* the last one is told as the whole */
            expr_trace_note(context, step, scope->active, value);
    }
    return value;
}

/* ---- literals of lists and maps ---- */

static gboolean is_constant(const Node *node) {
    if (node->kind != NODE_LIST && node->kind != NODE_MAP)
        return node->kind == NODE_LITERAL || (node->kind == NODE_NEGATE && node->children->kind == NODE_LITERAL);
    guint at = 0;
    for (const Node *child = node->children; child; child = child->next, at++) {
        const gboolean plain_key = node->kind == NODE_MAP && at % 2 == 0 && child->kind == NODE_PROPERTY;
        if (!plain_key && !is_constant(child))
            return FALSE;
    }
    return TRUE;
}

static const ExprValue *evaluate_list(ExprContext *context, const Scope *scope, const Node *node) {
    guint n;
    const ExprValue **values = evaluate_all(context, scope, node->children, &n);
    if (!values)
        return NULL;
    const ExprValue *list = expr_list(context, values, n);
    list->items->fixed = is_constant(node);
    return list;
}

static const ExprValue *evaluate_map(ExprContext *context, const Scope *scope, const Node *node) {
    ExprMap *map = expr_map_new(context, node->count / 2);
    for (const Node *key = node->children; key; key = key->next->next) {
        const ExprValue *name = key->kind == NODE_PROPERTY ? expr_text_value(context, key->name, strlen(key->name))
                                                           : evaluate(context, scope, key);
        const ExprValue *value = name ? evaluate(context, scope, key->next) : NULL;
        if (!value)
            return NULL;
        expr_map_put(context, map, name, value);
    }
    map->fixed = is_constant(node);
    return context->failed ? NULL : expr_map_value(context, map);
}

static const ExprValue *evaluate_new(ExprContext *context, const Scope *scope, const Node *node) {
    const ExprClass *class = expr_class_find(node->name);
    if (!class)
        return expr_raise(context, EXCEPTION_EVALUATION, "EL1005E: Type cannot be found '%s'", node->name);
    guint n;
    const ExprValue **arguments = evaluate_all(context, scope, node->children, &n);
    return arguments ? expr_call_constructor(context, class, arguments, n) : NULL;
}

static const ExprValue *evaluate_new_array(ExprContext *context, const Scope *scope, const Node *node) {
    if (node->count != 1)
        return expr_raise(context, EXCEPTION_EVALUATION, "EL1060E: Arrays of more than one dimension are not supported");
    guint n;
    const ExprValue **values = evaluate_all(context, scope, node->children, &n);
    return values ? expr_new_array(context, node->name, values[0], n > 1 ? values + 1 : NULL, n - 1) : NULL;
}

/* ---- assignment ---- */

/* Where a node's value is kept: a container and a key. FALSE after raising. */
static gboolean find_place(ExprContext *context, const Scope *scope, const Node *node, const ExprValue **container, const ExprValue **key) {
    const Node *last = node->kind == NODE_STEPS ? node->last : node;
    *container = node->kind == NODE_STEPS ? evaluate_steps(context, scope, node, 1) : scope->active;
    if (!*container)
        return FALSE;
    if (last->kind == NODE_VARIABLE) {
        if (!context->variables)
            context->variables = expr_map_new(context, 0);
        *container = expr_map_value(context, context->variables);
    } else if (last->kind != NODE_PROPERTY && last->kind != NODE_INDEX) {
        expr_raise(context, EXCEPTION_EVALUATION, "EL1067E: This is not a place to which a value can be assigned");
        return FALSE;
    }
    const Node *name = last->kind == NODE_INDEX ? last->children : last;
    const Scope at_root = {context->root, scope->element};
    if (last->kind == NODE_INDEX && !((*container)->type == EXPR_MAP && name->kind == NODE_PROPERTY))
        *key = evaluate(context, &at_root, name);
    else
        *key = expr_text_value(context, name->name, strlen(name->name));
    return *key != NULL;
}

static const ExprValue *evaluate_assignment(ExprContext *context, const Scope *scope, const Node *node) {
    const ExprValue *container, *key;
    if (!find_place(context, scope, node->children, &container, &key))
        return NULL;
    const ExprValue *value = evaluate(context, scope, node->children->next);
    return value && expr_set(context, container, key, value) ? value : NULL;
}

static const ExprValue *evaluate_step_by_one(ExprContext *context, const Scope *scope, const Node *node) {
    const ExprValue *container, *key;
    if (!find_place(context, scope, node->children, &container, &key))
        return NULL;
    const ExprValue *before = evaluate(context, scope, node->children);
    if (!before)
        return NULL;
    if (!expr_is_number(before))
        return expr_raise(context, EXCEPTION_EVALUATION, "EL1066E: '%s' cannot be counted up or down", expr_class_name(before));
    const ExprValue *after = expr_arithmetic(context, node->operation == TOKEN_INCREMENT ? ARITHMETIC_ADD : ARITHMETIC_SUBTRACT, before,
                                             expr_int(context, 1));
    return after && expr_set(context, container, key, after) ? (node->safe ? before : after) : NULL;
}

/* ---- operators ---- */

static const ExprValue *evaluate_operators(ExprContext *context, const Scope *scope, const Node *node) {
    const Node *operand = node->children;
    const ExprValue *value = evaluate(context, scope, operand);
    while (value && (operand = operand->next)) {
        const ExprValue *right = evaluate(context, scope, operand);
        value = right ? expr_operate(context, operand->joint, value, right) : NULL;
    }
    return value;
}

static const ExprValue *evaluate_logical(ExprContext *context, const Scope *scope, const Node *node) {
    const gboolean ends_at = node->kind == NODE_OR;
    for (const Node *operand = node->children; operand; operand = operand->next) {
        const int truth = evaluate_boolean(context, scope, operand);
        if (truth < 0)
            return NULL;
        if (truth == ends_at)
            return expr_bool(ends_at);
    }
    return expr_bool(!ends_at);
}

static const ExprValue *evaluate_sign(ExprContext *context, const Scope *scope, const Node *node) {
    const ExprValue *value = evaluate(context, scope, node->children);
    if (!value)
        return NULL;
    if (!expr_is_number(value))
        return expr_raise(context, EXCEPTION_EVALUATION,
                          "EL1030E: The operator '%s' is not supported between objects of type '%s' and 'null'",
                          node->kind == NODE_NEGATE ? "SUBTRACT" : "ADD", expr_class_name(value));
    return node->kind == NODE_NEGATE ? expr_negate(context, value) : value;
}

static const ExprValue *evaluate_ternary(ExprContext *context, const Scope *scope, const Node *node) {
    const int truth = evaluate_boolean(context, scope, node->children);
    if (truth < 0)
        return NULL;
    return evaluate(context, scope, truth ? node->children->next : node->last);
}

static const ExprValue *evaluate_elvis(ExprContext *context, const Scope *scope, const Node *node) {
    const ExprValue *value = evaluate(context, scope, node->children);
    const gboolean missing = value && (value->type == EXPR_NULL || (value->type == EXPR_STRING && value->string.length == 0));
    return missing ? evaluate(context, scope, node->last) : value;
}

static const ExprValue *evaluate_not(ExprContext *context, const Scope *scope, const Node *node) {
    const int truth = evaluate_boolean(context, scope, node->children);
    return truth < 0 ? NULL : expr_bool(!truth);
}

static const ExprValue *evaluate_node(ExprContext *context, const Scope *scope, const Node *node) {
    if (!expr_charge(context, 1))
        return NULL;
    switch (node->kind) {
    case NODE_LITERAL:
        return node->value;
    case NODE_PROPERTY:
    case NODE_METHOD:
    case NODE_INDEX:
    case NODE_SELECT:
    case NODE_PROJECT:
        return evaluate_step(context, scope, scope->active, node);
    case NODE_VARIABLE:
        return evaluate_variable(context, scope, node);
    case NODE_FUNCTION:
        return evaluate_function(context, scope, node);
    case NODE_TYPE:
        return node->count ? expr_raise(context, EXCEPTION_EVALUATION, "EL1005E: Type cannot be found '%s[]'", node->name)
                           : expr_type_value(context, node->name);
    case NODE_NEW:
        return evaluate_new(context, scope, node);
    case NODE_NEW_ARRAY:
        return evaluate_new_array(context, scope, node);
    case NODE_BEAN:
        return expr_raise(context, EXCEPTION_EVALUATION,
                          "EL1057E: No bean resolver registered in the context to resolve access to bean '%s'", node->name);
    case NODE_LIST:
        return evaluate_list(context, scope, node);
    case NODE_MAP:
        return evaluate_map(context, scope, node);
    case NODE_STEPS:
        return evaluate_steps(context, scope, node, 0);
    case NODE_OPERATORS:
        return evaluate_operators(context, scope, node);
    case NODE_OR:
    case NODE_AND:
        return evaluate_logical(context, scope, node);
    case NODE_NOT:
        return evaluate_not(context, scope, node);
    case NODE_NEGATE:
    case NODE_POSITIVE:
        return evaluate_sign(context, scope, node);
    case NODE_TERNARY:
        return evaluate_ternary(context, scope, node);
    case NODE_ELVIS:
        return evaluate_elvis(context, scope, node);
    case NODE_ASSIGN:
        return evaluate_assignment(context, scope, node);
    case NODE_STEP_BY_ONE:
        return evaluate_step_by_one(context, scope, node);
    }
    return NULL;
}

static const ExprValue *evaluate(ExprContext *context, const Scope *scope, const Node *node) {
    if (!context->options->trace)
        return evaluate_node(context, scope, node);
    context->trace_depth++;
    const ExprValue *value = evaluate_node(context, scope, node);
    context->trace_depth--;
    if (node->kind != NODE_LITERAL)
        expr_trace_note(context, node, scope->active, value);
    return value;
}

const ExprValue *expr_run(ExprContext *context, const char *text, const Node *node) {
    const Scope scope = {context->root, context->root};
    context->source = text;
    const ExprValue *value = evaluate(context, &scope, node);
    return context->failed ? NULL : value;
}
