/* Remembered facts about replaced server groups (replaced.h). */
#include "stages/deploy/replaced.h"
#include <stddef.h>

static const struct {
    const char *key;
    gsize offset;
    gboolean is_list;
} FACTS[] = {
    {"imageId", offsetof(ServerGroup, image_id), FALSE},          {"instanceType", offsetof(ServerGroup, instance_type), FALSE},
    {"launchName", offsetof(ServerGroup, launch_name), FALSE},    {"loadBalancers", offsetof(ServerGroup, load_balancers), TRUE},
    {"targetGroups", offsetof(ServerGroup, target_groups), TRUE}, {"securityGroups", offsetof(ServerGroup, security_groups), TRUE},
};

static gint by_text(gconstpointer a, gconstpointer b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* One fact as text; lists in alphabetical order, for clouds list them in any. Caller frees. */
static char *fact_text(const ServerGroup *group, gsize fact) {
    const void *member = (const char *)group + FACTS[fact].offset;
    if (!FACTS[fact].is_list)
        return g_strdup(*(char *const *)member);
    char *const *list = *(char **const *)member;
    g_autoptr(GPtrArray) sorted = g_ptr_array_new();
    for (guint i = 0; list != NULL && list[i] != NULL; i++)
        g_ptr_array_add(sorted, list[i]);
    g_ptr_array_sort(sorted, by_text);
    g_ptr_array_add(sorted, NULL);
    return g_strjoinv(", ", (char **)sorted->pdata);
}

Json *replaced_facts(const ServerGroup *group) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "serverGroupName", group->name);
    for (gsize i = 0; i < G_N_ELEMENTS(FACTS); i++) {
        g_autofree char *text = fact_text(group, i);
        if (text != NULL)
            json_add_string(builder, FACTS[i].key, text);
    }
    g_autoptr(Json) capacity = deploy_capacity_json(&group->capacity);
    json_add_json(builder, "capacity", capacity);
    json_end_object(builder);
    return json_builder_end(builder);
}

static const char *or_none(const char *text) {
    return text != NULL && *text != '\0' ? text : "none";
}

char *replaced_difference(const JsonValue *facts, const ServerGroup *now) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(FACTS); i++) {
        const char *before = json_get_string(facts, FACTS[i].key);
        g_autofree char *after = fact_text(now, i);
        if (before != NULL && g_strcmp0(before, after) != 0)
            g_string_append_printf(text, "%s%s %s, now %s", text->len > 0 ? "; " : "", FACTS[i].key, or_none(before), or_none(after));
    }
    return text->len > 0 ? g_strdup(text->str) : NULL;
}

static gboolean made_in(const Stage *stage, const char *region) {
    return json_length(json_dig(deploy_context(stage), "deploy.server.groups", region, NULL)) > 0;
}

const Stage *replaced_by(const Execution *execution, const char *account, const char *region, const char *cluster) {
    static const char *const TYPES[] = {"createServerGroup", "cloneServerGroup", "copyLastAsg", NULL};
    const Stage *last = NULL;
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *stage = execution->stages->pdata[i];
        if (!g_strv_contains(TYPES, stage->type) || !made_in(stage, region))
            continue;
        g_autofree char *its = deploy_cluster(execution, stage);
        if (g_strcmp0(its, cluster) == 0 && g_strcmp0(deploy_account(execution, stage), account) == 0)
            last = stage;
    }
    return last;
}
