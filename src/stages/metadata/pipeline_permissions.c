/* Managed service accounts (pipeline_permissions.h). */
#include "stages/metadata/pipeline_permissions.h"
#include "stages/metadata/stored_documents.h"
#include <string.h>

#define MANAGED "@managed-service-account"
#define SHARED "@shared-managed-service-account"
#define ROLES_MAX 1000

typedef struct {
    gboolean managed, shared;
} PermissionSettings;

static const Param params[] = {
    {.name = "useManagedServiceAccounts",
     .type = PARAM_BOOL,
     .offset = offsetof(PermissionSettings, managed),
     .otherwise = "false",
     .help = "Whether a pipeline's roles become a service account, as which its triggers run it; needs sign-in."},
    {.name = "useSharedManagedServiceAccounts",
     .type = PARAM_BOOL,
     .offset = offsetof(PermissionSettings, shared),
     .otherwise = "false",
     .help = "Whether pipelines of the same roles share such an account."},
    {0},
};
static const ConfigSection section = {SERVICE_ORCA, "tasks", params, "Service accounts of pipelines."};
const ConfigSection *const permission_config_sections[] = {&section, NULL};

static PermissionSettings settings_of(Services *services) {
    g_autoptr(Config) config = services_config(services);
    PermissionSettings settings = {0};
    config_read(config, &section, &settings, NULL); /* was checked when it was loaded */
    return settings;
}

gboolean pipeline_permissions_on(Services *services) {
    return settings_of(services).managed;
}

/* ---- roles ---- */
static int compare_texts(gconstpointer a, gconstpointer b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In lower case, sorted, each once; NULL with *error. Caller frees. */
static char **roles_of(const JsonValue *pipeline, GError **error) {
    const JsonValue *given = json_get(pipeline, "roles");
    g_autoptr(GPtrArray) roles = g_ptr_array_new();
    if ((given != NULL && !json_is_null(given) && !json_is_array(given)) || json_length(given) > ROLES_MAX) {
        error_set(error, ERR_INVALID, "roles: expected a list of at most %d names", ROLES_MAX);
        return NULL;
    }
    for (JsonIter i = json_iter(given); json_next(&i);) {
        char *role = json_is_string(i.value) ? g_utf8_strdown(json_string(i.value), -1) : g_strdup("");
        if (*g_strstrip(role) == '\0')
            g_free(role);
        else
            g_ptr_array_add(roles, role);
    }
    g_ptr_array_sort(roles, compare_texts);
    for (guint i = roles->len; i-- > 1;)
        if (strcmp(roles->pdata[i], roles->pdata[i - 1]) == 0)
            g_free(g_ptr_array_remove_index(roles, i));
    g_ptr_array_add(roles, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&roles), FALSE);
}

static gboolean has_role(const Principal *principal, const char *role) {
    for (gsize i = 0; principal->roles != NULL && principal->roles[i] != NULL; i++)
        if (g_ascii_strcasecmp(principal->roles[i], role) == 0)
            return TRUE;
    return principal->admin;
}

/* ---- the account ---- */
static char *account_name(Services *services, const JsonValue *pipeline, const char *id, char **roles) {
    const char *own = json_get_string(pipeline, "serviceAccount");
    if (own != NULL && *own != '\0')
        return g_strdup(own);
    if (settings_of(services).shared) {
        g_autofree char *all = g_strjoinv(",", roles);
        g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, all, -1);
        return g_strconcat(sum, SHARED, NULL);
    }
    g_autofree char *lower = g_utf8_strdown(id, -1);
    return g_strconcat(lower, MANAGED, NULL);
}

static gboolean has_exactly(const JsonValue *account, char **roles) {
    g_autoptr(Json) wanted = json_from_strings((const char *const *)roles);
    return json_equal(json_get(account, "memberOf"), json_root(wanted));
}

typedef struct {
    const char *name;
    char **roles;
} Members;

static Json *with_members(const JsonValue *stored, gpointer data, GError **error) {
    const Members *members = data;
    (void)error;
    g_autoptr(Json) list = json_from_strings((const char *const *)members->roles);
    g_autoptr(Json) own = json_pack("{s:s, s:j}", "name", members->name, "memberOf", list);
    return json_merge(stored, json_root(own));
}

static gboolean save_account(Services *services, const char *name, char **roles, const Principal *principal, gint64 now_ms,
                             GError **error) {
    g_autofree char *lower = g_utf8_strdown(name, -1);
    const StoredDocument document = {
        .kind = SERVICE_ACCOUNT_KIND, .id = lower, .what = "Service account", .user = principal->user, .now_ms = now_ms};
    g_autoptr(Json) standing = stored_document_load(services->store, &document, NULL);
    if (standing != NULL && has_exactly(json_root(standing), roles))
        return TRUE;
    for (gsize i = 0; roles[i] != NULL; i++)
        if (!has_role(principal, roles[i])) {
            error_set(error, ERR_FORBIDDEN, "User '%s' is not authorized with all roles for pipeline", principal->user);
            return FALSE;
        }
    Members members = {name, roles};
    g_autoptr(Json) saved = stored_document_change(services->store, &document, with_members, &members, error);
    return saved != NULL;
}

gboolean pipeline_permissions_update(Services *services, const JsonValue *pipeline, const char *id, const Principal *principal,
                                     gint64 now_ms, char **account, GError **error) {
    *account = NULL;
    if (!principal->authorized) {
        error_set(error, ERR_INVALID,
                  "updatePipelinePermissions: nobody has to sign in here, so nobody has roles: configure users, or turn "
                  "tasks.useManagedServiceAccounts off");
        return FALSE;
    }
    if (!json_is_object(pipeline) || json_get(pipeline, "roles") == NULL)
        return TRUE;
    g_auto(GStrv) roles = roles_of(pipeline, error);
    if (roles == NULL)
        return FALSE;
    g_autofree char *name = account_name(services, pipeline, id, roles);
    if (roles[0] != NULL && !save_account(services, name, roles, principal, now_ms, error))
        return FALSE;
    *account = g_steal_pointer(&name);
    return TRUE;
}

/* ---- triggers ---- */
static gboolean is_managed(const char *user) {
    return g_str_has_suffix(user, MANAGED) || g_str_has_suffix(user, SHARED);
}

static Json *trigger_with(const JsonValue *trigger, const char *account, gboolean remove) {
    static const char *const RUN_AS[] = {"runAsUser", NULL};
    const char *user = json_get_string(trigger, RUN_AS[0]);
    gboolean free_to_set = user == NULL || *user == '\0' || is_managed(user);
    if (!json_is_object(trigger))
        return json_copy(trigger);
    if (remove)
        return g_strcmp0(user, account) == 0 ? json_without(trigger, RUN_AS) : json_copy(trigger);
    return free_to_set ? json_with_string(trigger, RUN_AS[0], account) : json_copy(trigger);
}

Json *pipeline_with_run_as(const JsonValue *pipeline, const char *account) {
    const JsonValue *triggers = json_get(pipeline, "triggers");
    gboolean remove = json_length(json_get(pipeline, "roles")) == 0;
    if (!json_is_array(triggers))
        return json_copy(pipeline);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_array(builder, NULL);
    for (JsonIter i = json_iter(triggers); json_next(&i);) {
        g_autoptr(Json) trigger = trigger_with(i.value, account, remove);
        json_add_json(builder, NULL, trigger);
    }
    json_end_array(builder);
    g_autoptr(Json) all = json_builder_end(builder);
    return json_with(pipeline, "triggers", json_root(all));
}

/* ---- the end ---- */
void pipeline_permissions_forget(StoreUnit *unit, const char *pipeline_id) {
    g_autofree char *lower = g_utf8_strdown(pipeline_id, -1);
    g_autofree char *name = g_strconcat(lower, MANAGED, NULL);
    store_object_delete(unit, SERVICE_ACCOUNT_KIND, name, -1);
}

typedef struct {
    const Principal *principal;
    JsonBuilder *builder;
} Usable;

static gboolean add_usable(const StoreObject *object, gpointer data) {
    const Usable *usable = data;
    const JsonValue *roles = json_get(json_root(object->body), "memberOf");
    gboolean may = json_length(roles) > 0;
    for (JsonIter i = json_iter(roles); may && json_next(&i);)
        may = json_is_string(i.value) && has_role(usable->principal, json_string(i.value));
    if (may)
        json_add_string(usable->builder, NULL, json_get_string(json_root(object->body), "name"));
    return TRUE;
}

Json *service_accounts_of(Store *store, const Principal *principal, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    Usable usable = {principal, builder};
    json_begin_array(builder, NULL);
    if (!store_objects_each(store, SERVICE_ACCOUNT_KIND, NULL, NULL, add_usable, &usable, error))
        return NULL;
    json_end_array(builder);
    return json_builder_end(builder);
}
