/* What the steps of an operation see: its request, facts, results and progress lines (cloud.h).
 *
 * Runs on the thread of the run; only lines are shared with readers, under the run's lock. */
#include "base/ids.h"
#include "clouds/operations.h"

Operation *operation_new(OperationRun *run, guint index, const CloudOperation *definition, Account *account, Json *request) {
    Operation *operation = g_new0(Operation, 1);
    operation->run = run;
    operation->index = index;
    operation->definition = definition;
    operation->account = account_ref(account);
    operation->request = request;
    operation->facts = json_empty_object();
    operation->result = json_empty_object();
    operation->kept = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    return operation;
}

void operation_free(Operation *operation) {
    if (operation->params)
        params_clear(operation->definition->params, operation->params);
    g_free(operation->params);
    json_unref(operation->request);
    json_unref(operation->facts);
    json_unref(operation->result);
    g_ptr_array_unref(operation->kept);
    account_unref(operation->account);
    g_free(operation);
}

gboolean operation_read_params(Operation *operation, GError **error) {
    const CloudOperation *definition = operation->definition;
    if (!definition->params || operation->params)
        return TRUE;
    g_autofree void *params = g_malloc0(definition->params_size);
    if (!params_read(definition->params, json_root(operation->request), params, error))
        return FALSE;
    operation->params = g_steal_pointer(&params);
    return TRUE;
}

Account *operation_account(Operation *operation) {
    return operation->account;
}

const void *operation_params(Operation *operation) {
    return operation->params;
}

const JsonValue *operation_request(Operation *operation) {
    return json_root(operation->request);
}

const char *operation_id(Operation *operation) {
    return operation->run->id;
}

const char *operation_execution(Operation *operation) {
    return operation->run->execution_id;
}

Cancel *operation_cancel(Operation *operation) {
    return operation->run->in_write ? operation->run->write_cancel : operation->run->cancel;
}

Inventory *operation_inventory(Operation *operation) {
    return clouds_inventory(operation->run->clouds);
}

Clouds *operation_clouds(Operation *operation) {
    return operation->run->clouds;
}

gint64 operation_now_ms(Operation *operation) {
    return clouds_now_ms(operation->run->clouds);
}

gint64 operation_started_ms(Operation *operation) {
    return operation->run->created_ms;
}

/* ---- facts and results ---- */

static void replace_document(Operation *operation, Json **document, Json *by) {
    g_mutex_lock(&operation->run->lock);
    g_ptr_array_add(operation->kept, *document);
    *document = by;
    g_mutex_unlock(&operation->run->lock);
}

const JsonValue *operation_fact(Operation *operation, const char *key) {
    return json_get(json_root(operation->facts), key);
}

const char *operation_fact_string(Operation *operation, const char *key) {
    return json_string(operation_fact(operation, key));
}

void operation_fact_set(Operation *operation, const char *key, const JsonValue *value) {
    replace_document(operation, &operation->facts, json_with(json_root(operation->facts), key, value));
}

void operation_fact_set_string(Operation *operation, const char *key, const char *text) {
    replace_document(operation, &operation->facts, json_with_string(json_root(operation->facts), key, text));
}

void operation_result_set(Operation *operation, const char *key, const JsonValue *value) {
    operation->has_result = TRUE;
    replace_document(operation, &operation->result, json_with(json_root(operation->result), key, value));
}

const JsonValue *operation_earlier_result(Operation *operation, const char *operation_name, guint index) {
    for (guint i = operation->index; i-- > 0;) {
        const Operation *earlier = operation->run->operations->pdata[i];
        if (strcmp(earlier->definition->name, operation_name))
            continue;
        if (index-- == 0)
            return json_root(earlier->result);
    }
    return NULL;
}

char *operation_token(Operation *operation, const char *step, guint item) {
    g_autofree char *position = g_strdup_printf("%u.%u", operation->index, item);
    return id_from_parts(operation->run->id, step, position, NULL);
}

void operation_line(Operation *operation, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    operation_run_line(operation->run, operation->definition->name, text);
}
