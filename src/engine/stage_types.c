/* Looking up stage types. Pure; any thread. */
#include "engine/window.h"
#include <string.h>

static gboolean is_called(const StageType *type, const char *name) {
    if (strcmp(type->type, name) == 0)
        return TRUE;
    for (const char *const *alias = type->aliases; alias && *alias; alias++)
        if (strcmp(*alias, name) == 0)
            return TRUE;
    return FALSE;
}

const StageType *stage_types_find(const StageTypes *types, const char *type) {
    if (!type)
        return NULL;
    if (is_called(&stage_execution_window, type))
        return &stage_execution_window;
    for (const StageType *const *each = types ? types->types : NULL; each && *each; each++)
        if (is_called(*each, type))
            return *each;
    return NULL;
}
