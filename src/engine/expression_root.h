/* What an expression in an execution can name: the root of one evaluation. For expressions.c alone. */
#pragma once
#include "engine/core.h"
#include "expr/expr.h"

typedef struct ExpressionRoot ExpressionRoot;

typedef struct {
    ExpressionRoot *root;
    const Stage *stage;
} StageHandle;

struct ExpressionRoot {
    ExprOptions options;
    const Execution *execution;
    const Stage *stage;     /* whose context it is; NULL: none */
    const JsonValue *names; /* go before all others, or NULL */
    const EngineSettings *settings;
    StageHandle *handles; /* one per stage of the list, made when somebody asks for stages */
    GPtrArray *documents; /* of Json: made for this evaluation */
};
void expression_root_init(ExpressionRoot *root, const Execution *execution, const Stage *stage, const JsonValue *names,
                          const EngineSettings *settings, gboolean allow_io, gint64 now_ms);
void expression_root_clear(ExpressionRoot *root);

/* The execution, a stage and a status as expressions see them. */
const ExprValue *expression_execution(ExprContext *context, ExpressionRoot *root);
const ExprValue *expression_stage(ExprContext *context, ExpressionRoot *root, const Stage *stage);

/* The functions about executions; ends with an entry without name. */
extern const ExprFunction expression_functions[];
