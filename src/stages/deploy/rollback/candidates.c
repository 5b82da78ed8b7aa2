/* Which group is rolled back, and to which (rollback.h). Pure. */
#include "stages/deploy/rollback/rollback.h"

static const char *const TYPE_NAMES[] = {"EXPLICIT", "PREVIOUS_IMAGE", "TEST"};

const char *rollback_type_name(RollbackType type) {
    return TYPE_NAMES[type];
}

gboolean rollback_type_parse(const char *name, RollbackType *into, GError **error) {
    for (guint i = 0; name != NULL && i < G_N_ELEMENTS(TYPE_NAMES); i++)
        if (g_ascii_strcasecmp(name, TYPE_NAMES[i]) == 0) {
            *into = (RollbackType)i;
            return TRUE;
        }
    error_set(error, ERR_INVALID, "rollbackServerGroup: rollbackType: %s: expected EXPLICIT, PREVIOUS_IMAGE or TEST",
              name != NULL ? name : "missing");
    return FALSE;
}

static const ServerGroup *group_at(const GPtrArray *groups, guint index) {
    return ((const InventoryObject *)groups->pdata[index])->record;
}

gboolean rollback_is_possible(const GPtrArray *groups) {
    return groups->len >= 2 && rollback_newest_enabled(groups) != NULL;
}

const ServerGroup *rollback_newest_enabled(const GPtrArray *groups) {
    const ServerGroup *newest = NULL;
    for (guint i = 0; i < groups->len; i++)
        if (!group_at(groups, i)->disabled && (newest == NULL || group_at(groups, i)->created_ms >= newest->created_ms))
            newest = group_at(groups, i);
    return newest;
}

/* Of what was tagged, as far as it says it: an image is known by its id or by its name. */
static gboolean has_image(const ServerGroup *group, const char *id, const char *name) {
    return (id != NULL && g_strcmp0(group->image_id, id) == 0) || (name != NULL && g_strcmp0(group->image_name, name) == 0);
}

/* The newest other one that may be gone back to; of_image: only those of the tagged image. */
static const ServerGroup *newest_other(const RollbackQuestion *question, const ServerGroup *bad, const RollbackAnswer *tagged,
                                       gboolean of_image) {
    const ServerGroup *newest = NULL;
    for (guint i = 0; i < question->groups->len; i++) {
        const ServerGroup *group = group_at(question->groups, i);
        if (group == bad || (question->only_enabled && group->disabled) ||
            (of_image && !has_image(group, tagged->image_id, tagged->image_name)))
            continue;
        if (newest == NULL || group->created_ms >= newest->created_ms)
            newest = group;
    }
    return newest;
}

static const ServerGroup *named(const GPtrArray *groups, const char *name) {
    for (guint i = 0; i < groups->len; i++)
        if (strcmp(group_at(groups, i)->name, name) == 0)
            return group_at(groups, i);
    return NULL;
}

static gboolean choose_original(const RollbackQuestion *question, RollbackAnswer *into, GError **error) {
    into->type = ROLLBACK_EXPLICIT;
    into->restore = named(question->groups, question->original);
    if (into->restore == NULL || into->restore == into->bad) {
        error_set(error, ERR_NOT_FOUND, "rollback of %s: %s, which it is to go back to, %s", into->bad->name, question->original,
                  into->restore == NULL ? "is gone" : "is the very same");
        return FALSE;
    }
    into->image_id = into->restore->image_id;
    into->image_name = into->restore->image_name;
    return TRUE;
}

gboolean rollback_choose(const RollbackQuestion *question, RollbackAnswer *into, GError **error) {
    *into = (RollbackAnswer){.bad = rollback_newest_enabled(question->groups)};
    if (into->bad == NULL) {
        error_set(error, ERR_NOT_FOUND, "rollback: the cluster has no enabled server group");
        return FALSE;
    }
    if (question->original != NULL)
        return choose_original(question, into, error);
    into->image_id = json_get_string(question->metadata, "imageId");
    into->image_name = json_get_string(question->metadata, "imageName");
    gboolean tagged = into->image_id != NULL || into->image_name != NULL;
    into->restore = newest_other(question, into->bad, into, tagged);
    into->type = into->restore != NULL ? ROLLBACK_EXPLICIT : ROLLBACK_PREVIOUS_IMAGE;
    if (into->restore == NULL && !tagged) {
        error_set(error, ERR_NOT_FOUND, "rollback of %s: there is no other %sserver group to go back to, and its image before is not known",
                  into->bad->name, question->only_enabled ? "enabled " : "");
        return FALSE;
    }
    if (!tagged) {
        into->image_id = into->restore->image_id;
        into->image_name = into->restore->image_name;
    }
    return TRUE;
}

gint64 rollback_healthy_percentage(gint64 desired) {
    return desired < 10 ? 100 : desired < 20 ? 90 : 95;
}
