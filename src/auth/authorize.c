/* The rule of authorization (authorize.h). */
#include "auth/authorize.h"
#include <string.h>

typedef struct {
    const JsonValue *config, *resources;
    GHashTable *roles; /* of the user, trimmed, in lower case */
    const char *name, *authorization;
} Question;

/* ---- roles ---- */
/* Trimmed, in lower case; NULL when nothing is left. Caller frees. */
static char *role_of(const JsonValue *value) {
    const char *text = json_string(value);
    g_autofree char *lower = text != NULL ? g_utf8_strdown(text, -1) : NULL;
    return lower != NULL && *g_strstrip(lower) != '\0' ? g_steal_pointer(&lower) : NULL;
}

static gboolean has_role(const Question *question, const JsonValue *value) {
    g_autofree char *role = role_of(value);
    return role != NULL && g_hash_table_contains(question->roles, role);
}

static gboolean has_any(const Question *question, const JsonValue *list) {
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (has_role(question, i.value))
            return TRUE;
    return FALSE;
}

static gboolean has_all(const Question *question, const JsonValue *list) {
    for (JsonIter i = json_iter(list); json_next(&i);)
        if (!has_role(question, i.value))
            return FALSE;
    return TRUE;
}

static gboolean names_any_role(const JsonValue *list) {
    for (JsonIter i = json_iter(list); json_next(&i);) {
        g_autofree char *role = role_of(i.value);
        if (role != NULL)
            return TRUE;
    }
    return FALSE;
}

/* ---- permissions: what several sources grant together ---- */
typedef struct {
    gboolean restricted, granted, executes,
        falls_back; /* executes: some source has a list EXECUTE; falls_back: the list in its place grants */
} Grants;

static const char *const AUTHORIZATIONS[] = {"READ", "WRITE", "EXECUTE", "CREATE"};

/* create: whether a list CREATE counts, which is so only in prefixes. */
static void add_source(const Question *question, const JsonValue *permissions, gboolean create, Grants *grants) {
    const char *fallback = json_get_string(question->config, "executeFallback");
    for (gsize i = 0; i < G_N_ELEMENTS(AUTHORIZATIONS); i++) {
        const char *each = AUTHORIZATIONS[i];
        const JsonValue *list = json_get(permissions, each);
        if (!names_any_role(list) || (!create && strcmp(each, "CREATE") == 0))
            continue;
        grants->restricted = TRUE;
        grants->executes = grants->executes || strcmp(each, "EXECUTE") == 0;
        if (!has_any(question, list))
            continue;
        grants->granted = grants->granted || g_ascii_strcasecmp(each, question->authorization) == 0;
        grants->falls_back = grants->falls_back || g_ascii_strcasecmp(each, fallback != NULL ? fallback : "READ") == 0;
    }
}

/* requiredGroupMembership stands for READ and WRITE where permissions say nothing. */
static void add_resource(const Question *question, const JsonValue *resource, Grants *grants) {
    Grants own = {0};
    const JsonValue *legacy = json_get(resource, "requiredGroupMembership");
    add_source(question, json_get(resource, "permissions"), FALSE, &own);
    if (!own.restricted && names_any_role(legacy)) {
        g_autoptr(Json) both = json_pack("{s:v, s:v}", "READ", legacy, "WRITE", legacy);
        add_source(question, json_root(both), FALSE, &own);
    }
    grants->restricted |= own.restricted;
    grants->granted |= own.granted;
    grants->executes |= own.executes;
    grants->falls_back |= own.falls_back;
}

static gboolean prefix_fits(const char *prefix, const char *name) {
    gsize length = prefix != NULL ? strlen(prefix) : 0;
    if (length > 0 && prefix[length - 1] == '*')
        return g_ascii_strncasecmp(prefix, name, length - 1) == 0;
    return length > 0 && g_ascii_strcasecmp(prefix, name) == 0;
}

/* An exact name is more specific than any prefix. */
static gsize specificity(const char *prefix) {
    gsize length = strlen(prefix);
    return prefix[length - 1] == '*' ? length : length + 1 + G_MAXUINT16;
}

static void add_prefixes(const Question *question, Grants *grants) {
    gboolean one = g_strcmp0(json_get_string(question->config, "resolutionStrategy"), "MOST_SPECIFIC") == 0;
    const JsonValue *best = NULL;
    for (JsonIter i = json_iter(json_get(question->config, "applicationPrefixes")); json_next(&i);) {
        const char *prefix = json_get_string(i.value, "prefix");
        if (!prefix_fits(prefix, question->name))
            continue;
        if (!one)
            add_source(question, json_get(i.value, "permissions"), TRUE, grants);
        else if (best == NULL || specificity(prefix) > specificity(json_get_string(best, "prefix")))
            best = i.value;
    }
    if (best != NULL)
        add_source(question, json_get(best, "permissions"), TRUE, grants);
}

static gboolean is_granted(const Question *question, const Grants *grants, gboolean with_fallback) {
    if (!grants->restricted || grants->granted)
        return TRUE;
    return with_fallback && !grants->executes && grants->falls_back && g_ascii_strcasecmp(question->authorization, "EXECUTE") == 0;
}

/* ---- resources ---- */
static const JsonValue *find_resource(const Question *question, const char *list) {
    for (JsonIter i = json_iter(json_get(question->resources, list)); json_next(&i);) {
        const char *name = json_get_string(i.value, "name");
        if (name != NULL && g_ascii_strcasecmp(name, question->name) == 0)
            return i.value;
    }
    return NULL;
}

static gboolean may_create(const Question *question) {
    Grants grants = {0};
    if (!json_get_bool(question->config, "restrictApplicationCreation", FALSE))
        return TRUE;
    add_prefixes(question, &grants);
    return is_granted(question, &grants, FALSE);
}

static gboolean application_allows(const Question *question) {
    if (g_ascii_strcasecmp(question->authorization, "CREATE") == 0)
        return may_create(question);
    const JsonValue *application = find_resource(question, "applications");
    Grants grants = {0};
    if (application == NULL)
        return json_get_bool(question->config, "allowAccessToUnknownApplications", FALSE);
    add_resource(question, application, &grants);
    add_prefixes(question, &grants);
    return is_granted(question, &grants, TRUE);
}

static gboolean listed_allows(const Question *question, const char *list) {
    const JsonValue *resource = find_resource(question, list);
    Grants grants = {0};
    if (resource == NULL)
        return FALSE;
    add_resource(question, resource, &grants);
    return is_granted(question, &grants, FALSE);
}

static gboolean account_allows(const Question *question) {
    return listed_allows(question, "accounts");
}

static gboolean build_service_allows(const Question *question) {
    return listed_allows(question, "buildServices");
}

static gboolean service_account_allows(const Question *question) {
    const JsonValue *roles = json_get(find_resource(question, "serviceAccounts"), "memberOf");
    if (!names_any_role(roles))
        return FALSE;
    return json_get_bool(question->config, "serviceAccountOrMode", FALSE) ? has_any(question, roles) : has_all(question, roles);
}

static const struct {
    const char *type; /* singular; a plural is understood */
    gboolean without_authorization;
    gboolean (*allows)(const Question *question);
} TYPES[] = {
    {"APPLICATION", FALSE, application_allows},
    {"ACCOUNT", FALSE, account_allows},
    {"BUILD_SERVICE", FALSE, build_service_allows},
    {"SERVICE_ACCOUNT", TRUE, service_account_allows},
};

static gboolean is_type(const char *given, const char *type) {
    gsize length = strlen(type);
    return g_ascii_strncasecmp(given, type, length) == 0 && (given[length] == '\0' || g_ascii_strcasecmp(given + length, "s") == 0);
}

static gboolean allows(const Question *question, const char *type, gboolean admin) {
    gsize at = 0;
    while (at < G_N_ELEMENTS(TYPES) && !is_type(type, TYPES[at].type))
        at++;
    gboolean known = at < G_N_ELEMENTS(TYPES);
    if (question->authorization == NULL && (!known || !TYPES[at].without_authorization))
        return FALSE;
    return admin || (known && TYPES[at].allows(question));
}

gboolean authorize(const JsonValue *config, const JsonValue *user, const JsonValue *resources, const JsonValue *check) {
    const char *type = json_get_string(check, "type");
    if (!json_get_bool(config, "enabled", TRUE))
        return TRUE;
    g_autoptr(GHashTable) roles = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (JsonIter i = json_iter(json_get(user, "roles")); json_next(&i);) {
        char *role = role_of(i.value);
        if (role != NULL)
            g_hash_table_add(roles, role);
    }
    Question question = {config, resources, roles, json_get_string(check, "name"), json_get_string(check, "authorization")};
    if (type == NULL || question.name == NULL || !json_get_bool(user, "known", TRUE))
        return FALSE;
    return allows(&question, type, has_any(&question, json_get(config, "adminRoles")));
}
