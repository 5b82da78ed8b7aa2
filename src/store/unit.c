/* Units: what is committed whole or not at all. A unit belongs to the thread that fills it, then to the committer. */
#include "base/error.h"
#include "store/internal.h"
#include <string.h>

StoreValue store_value_text(const char *text) {
    if (text == NULL)
        return SV_NULL;
    return (StoreValue){STORE_TEXT, 0, text, strlen(text)};
}

StoreUnit *store_unit_new(void) {
    return g_new0(StoreUnit, 1);
}

void store_unit_free(StoreUnit *unit) {
    if (unit == NULL)
        return;
    for (UnitCommand *command = unit->first, *next; command != NULL; command = next) {
        next = command->next;
        g_free(command);
    }
    for (UnitHook *hook = unit->hooks, *next; hook != NULL; hook = next) {
        next = hook->next;
        if (hook->free != NULL)
            hook->free(hook->data);
        g_free(hook);
    }
    for (ChangeRecord *change = unit->changes, *next; change != NULL; change = next) {
        next = change->next;
        g_free(change);
    }
    for (ChangeRecord *document = unit->documents, *next; document != NULL; document = next) {
        next = document->next;
        g_free(document);
    }
    g_clear_error(&unit->error);
    g_free(unit);
}

/* One allocation: command, values, their data, the text of the conflict. */
static UnitCommand *command_new(const StoreStatement *statement, const StoreValue *values, gsize n, const char *conflict, gsize *bytes) {
    gsize head = sizeof(UnitCommand) + n * sizeof(StoreValue);
    gsize size = head + (conflict != NULL ? strlen(conflict) + 1 : 0);
    for (gsize i = 0; i < n; i++)
        size += values[i].length;
    UnitCommand *command = g_malloc(size);
    *command = (UnitCommand){.statement = statement, .n = n};
    char *data = (char *)command + head;
    for (gsize i = 0; i < n; i++) {
        command->values[i] = values[i];
        if (values[i].type != STORE_TEXT && values[i].type != STORE_BYTES)
            continue;
        if (values[i].length > 0)
            memcpy(data, values[i].data, values[i].length);
        command->values[i].data = data;
        data += values[i].length;
    }
    if (conflict != NULL)
        command->conflict = memcpy(data, conflict, strlen(conflict) + 1);
    *bytes = size;
    return command;
}

void unit_add(StoreUnit *unit, const StoreStatement *statement, const StoreValue *values, gsize n, const UnitOptions *options) {
    g_assert(n <= STORE_VALUES_MAX);
    gsize bytes = 0;
    UnitCommand *command = command_new(statement, values, n, options->conflict, &bytes);
    command->unless_before = options->unless_before;
    command->returned = options->returned;
    command->returned_data = options->returned_data;
    if (unit->last == NULL)
        unit->first = command;
    else
        unit->last->next = command;
    unit->last = command;
    unit->bytes += bytes;
}

void store_unit_add(StoreUnit *unit, const StoreStatement *statement, const StoreValue *values, gsize n) {
    unit_add(unit, statement, values, n, &(UnitOptions){0});
}

void store_unit_require(StoreUnit *unit, const StoreStatement *statement, const StoreValue *values, gsize n, const char *conflict) {
    unit_add(unit, statement, values, n, &(UnitOptions){.conflict = conflict});
}

void unit_hook(StoreUnit *unit, UnitCommitted committed, gpointer data, GDestroyNotify free) {
    UnitHook *hook = g_new0(UnitHook, 1);
    *hook = (UnitHook){.committed = committed, .data = data, .free = free};
    if (unit->last_hook == NULL)
        unit->hooks = hook;
    else
        unit->last_hook->next = hook;
    unit->last_hook = hook;
}

void store_unit_change(StoreUnit *unit, const StoreChange *change) {
    ChangeRecord *record = change_record_new(change);
    if (unit->last_change == NULL)
        unit->changes = record;
    else
        unit->last_change->next = record;
    unit->last_change = record;
    unit->bytes += record->bytes;
}

void unit_document(StoreUnit *unit, const char *kind, const char *id) {
    ChangeRecord *record = change_record_new(&(StoreChange){.kind = kind, .id = id});
    record->next = unit->documents;
    unit->documents = record;
    unit->bytes += record->bytes;
}

gboolean unit_run(const StoreUnit *unit, StoreConnection *connection, GError **error) {
    guint64 changed = 0;
    for (const UnitCommand *command = unit->first; command != NULL; command = command->next) {
        if (command->unless_before && changed > 0)
            continue;
        if (!connection->driver->run(connection, command->statement, command->values, command->n, command->returned, command->returned_data,
                                     &changed, error))
            return FALSE;
        if (changed == 0 && command->conflict != NULL) {
            error_set(error, ERR_CONFLICT, "%s", command->conflict);
            return FALSE;
        }
    }
    return TRUE;
}
