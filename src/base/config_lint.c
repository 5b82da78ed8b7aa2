/* `gennaker lint` for configuration: every key is understood, without meaning here, unknown or wrong. Reads an immutable Config;
 * any thread. */
#include "base/config_lint.h"
#include "base/config_internal.h"
#include "base/error.h"
#include <string.h>

typedef struct {
    const Config *config;
    GPtrArray *known;    /* of ConfigKnown */
    GPtrArray *findings; /* of ConfigFinding */
    GHashTable *seen;    /* "file:line:key" of findings: of each key one is given, the gravest, although each service meets it */
} Lint;

static void known_free(gpointer data) {
    ConfigKnown *known = data;
    g_free(known->path);
    g_free(known->canonical);
    g_free(known);
}

static void add_finding(Lint *lint, ConfigFindingLevel level, ConfigPlace place, const char *path, char *message) {
    const char *file = place.file < lint->config->files->len ? lint->config->files->pdata[place.file] : "";
    g_autofree char *owned = message;
    g_autofree char *key = g_strconcat(place.scope == CONFIG_SCOPE_GENNAKER ? "gennaker." : "", path, NULL);
    g_autofree char *canonical = config_canonical(key);
    if (!g_hash_table_add(lint->seen, g_strdup_printf("%s:%u:%s", file, place.line, canonical)))
        return;
    g_ptr_array_add(lint->findings, config_finding_new(level, file, place.line, key, g_steal_pointer(&owned)));
}

/* ---- what is known ---- */

static void add_known(Lint *lint, const ConfigSection *section, const Param *param, const char *prefix, const char *name) {
    ConfigKnown *known = g_new(ConfigKnown, 1);
    known->section = section;
    known->param = param;
    known->path = g_strconcat(prefix, name, NULL);
    known->canonical = config_canonical(known->path);
    g_ptr_array_add(lint->known, known);
}

static void add_known_params(Lint *lint, const ConfigSection *section, const Param *params, const char *prefix) {
    for (const Param *param = params; param->type != PARAM_END; param++) {
        if (param->type == PARAM_OBJECT) {
            g_autofree char *inner = g_strconcat(prefix, param->name, ".", NULL);
            add_known_params(lint, section, param->members, inner);
            continue;
        }
        add_known(lint, section, param, prefix, param->name);
        for (const char *const *alias = param->aliases; alias != NULL && *alias != NULL; alias++)
            add_known(lint, section, param, prefix, *alias);
    }
}

static gboolean concerns(int services, guint scope) {
    const ConfigService service = config_scopes[scope].service;
    if (service == SERVICE_GENNAKER)
        return (services & SERVICE_GENNAKER) != 0;
    if (services == SERVICE_ANY)
        return TRUE;
    return service == SERVICE_ANY ? services != SERVICE_GENNAKER : (services & (int)service) != 0;
}

typedef enum { NOT_MATCHED, MATCHED_ABOVE /* something known lies below the path */, MATCHED } Match;

/* Whether path is known's path, or leads to it. */
static Match match(const char *path, const char *known) {
    const gsize length = strlen(path);
    if (strncmp(path, known, length) != 0)
        return NOT_MATCHED;
    return known[length] == '\0' ? MATCHED : known[length] == '.' ? MATCHED_ABOVE : NOT_MATCHED;
}

static Match find_known(const Lint *lint, guint scope, const char *canonical, const ConfigKnown **found) {
    Match best = NOT_MATCHED;
    for (guint i = 0; i < lint->known->len && best != MATCHED; i++) {
        const ConfigKnown *known = lint->known->pdata[i];
        const Match this = concerns((int)known->section->service, scope) ? match(canonical, known->canonical) : NOT_MATCHED;
        if (this > best) {
            best = this;
            *found = known;
        }
    }
    return best;
}

static Match find_meaningless(guint scope, const char *canonical, const ConfigMeaningless **found) {
    Match best = NOT_MATCHED;
    for (const ConfigMeaningless *entry = config_meaningless; entry->path != NULL; entry++) {
        g_autofree char *path = config_canonical(entry->path);
        const Match this = concerns(entry->services, scope) ? match(canonical, path) : NOT_MATCHED;
        if (this > best) {
            best = this;
            *found = entry;
        }
    }
    return best;
}

/* Names that are known where the last name of path stands. */
static const char *suggest(const Lint *lint, guint scope, const char *path, GPtrArray *names) {
    const char *dot = strrchr(path, '.');
    g_autofree char *above = dot == NULL ? g_strdup("") : g_strndup(path, (gsize)(dot - path + 1));
    g_autofree char *prefix = config_canonical(above);
    for (guint i = 0; i < lint->known->len; i++) {
        const ConfigKnown *known = lint->known->pdata[i];
        if (!concerns((int)known->section->service, scope) || !g_str_has_prefix(known->canonical, prefix))
            continue;
        guint level = 0;
        for (const char *c = prefix; *c != '\0'; c++)
            level += *c == '.';
        g_auto(GStrv) parts = g_strsplit(known->path, ".", -1);
        g_ptr_array_add(names, g_strdup(parts[level]));
    }
    return config_suggest(dot == NULL ? path : dot + 1, names);
}

/* The file in which a key of this path would be read, or NULL. */
static const char *elsewhere(const Lint *lint, const char *canonical) {
    for (guint i = 0; i < lint->known->len; i++) {
        const ConfigKnown *known = lint->known->pdata[i];
        if (match(canonical, known->canonical) == NOT_MATCHED)
            continue;
        for (guint scope = 1; scope < CONFIG_SCOPES; scope++)
            if (concerns((int)known->section->service, scope))
                return config_scopes[scope].name;
    }
    return NULL;
}

static char *unknown_message(const char *suggestion, const char *service) {
    if (service != NULL)
        return g_strdup_printf("unknown key here: it is read from %s.yml", service);
    return suggestion == NULL ? g_strdup("unknown key") : g_strdup_printf("unknown key: did you mean %s?", suggestion);
}

/* ---- values ---- */

static gsize extent(const Param *params) {
    gsize bytes = 0;
    for (const Param *param = params; param->type != PARAM_END; param++)
        bytes = MAX(bytes, param->offset + (param->type == PARAM_OBJECT ? extent(param->members) : sizeof(gint64)));
    return bytes;
}

static void check_params(Lint *lint, const Param *params, const JsonValue *object, const char *path);

static void check_element(Lint *lint, const Param *members, const JsonValue *element, const char *path) {
    ConfigPlace place = {0};
    config_place(lint->config, element, &place);
    if (!json_is_object(element)) {
        add_finding(lint, CONFIG_WRONG, place, path, g_strdup("expected keys and values"));
        return;
    }
    const ParamsReading reading = config_reading(lint->config, "");
    g_autofree char *prefix = g_strconcat(path, ".", NULL);
    for (JsonIter i = json_iter(element); json_next(&i);) {
        if (params_knows(&reading, members, i.key))
            continue;
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        for (const Param *param = members; param->type != PARAM_END; param++)
            g_ptr_array_add(names, (gpointer)param->name);
        g_autofree char *key = g_strconcat(prefix, i.key, NULL);
        config_key_place(lint->config, i.value, &place);
        add_finding(lint, CONFIG_UNKNOWN, place, key, unknown_message(config_suggest(i.key, names), NULL));
    }
    check_params(lint, members, element, prefix);
}

static void check_elements(Lint *lint, const Param *param, const JsonValue *value, const char *path) {
    if (!json_is_array(value)) {
        check_element(lint, param->members, value, path);
        return;
    }
    for (JsonIter i = json_iter(value); json_next(&i);) {
        g_autofree char *element = g_strdup_printf("%s[%" G_GSIZE_FORMAT "]", path, i.index);
        check_element(lint, param->members, i.value, element);
    }
}

/* Reads one parameter alone, so that each problem has its own line. */
static void check_param(Lint *lint, const Param *param, const JsonValue *object, const char *path) {
    ParamsReading reading = config_reading(lint->config, "");
    reading.where = NULL;
    const JsonValue *value = params_find(&reading, param, object);
    g_autofree char *key = g_strconcat(path, param->name, NULL);
    ConfigPlace place = {0};
    config_place(lint->config, value == NULL ? object : value, &place);
    if (param->type == PARAM_OBJECT && json_is_object(value)) {
        g_autofree char *inner = g_strconcat(key, ".", NULL);
        check_params(lint, param->members, value, inner);
        return;
    }
    const Param alone[] = {*param, {0}};
    g_autofree void *scratch = g_malloc0(extent(alone));
    g_autoptr(GError) error = NULL;
    if (!params_read_with(&reading, alone, object, scratch, &error)) {
        const gsize name = strlen(param->name);
        const gboolean named = strncmp(error->message, param->name, name) == 0 && error->message[name] == ':';
        add_finding(lint, CONFIG_WRONG, place, key, g_strdup(error->message + (named ? name + 2 : 0)));
    }
    params_clear(alone, scratch);
    const char *unresolved = param->type == PARAM_JSON ? NULL : config_unresolved(lint->config, value);
    if (unresolved != NULL)
        add_finding(
            lint, CONFIG_WRONG, place, key,
            g_strdup_printf("${%s} has no value: set the environment variable, or write a default: ${%s:default}", unresolved, unresolved));
    if (param->type == PARAM_JSON && param->members != NULL && value != NULL)
        check_elements(lint, param, value, key);
}

static void check_params(Lint *lint, const Param *params, const JsonValue *object, const char *path) {
    for (const Param *param = params; param->type != PARAM_END; param++)
        check_param(lint, param, object, path);
}

static void check_section(Lint *lint, const ConfigSection *section) {
    const gboolean rootless = section->prefix == NULL || *section->prefix == '\0';
    const JsonValue *value = config_get(lint->config, section->service, section->prefix);
    if (value == NULL)
        return;
    g_autofree char *path = rootless ? g_strdup("") : g_strconcat(section->prefix, ".", NULL);
    if (json_is_object(value)) {
        check_params(lint, section->params, value, path);
        return;
    }
    ConfigPlace place = {0};
    config_place(lint->config, value, &place);
    add_finding(lint, CONFIG_WRONG, place, section->prefix, g_strdup("expected keys and values"));
}

/* ---- keys ---- */

static void add_meaningless(Lint *lint, const ConfigMeaningless *entry, ConfigPlace place, const char *path) {
    add_finding(lint, entry->not_yet ? CONFIG_NOT_YET : CONFIG_NO_MEANING, place, path, g_strdup(entry->reason));
}

static void walk(Lint *lint, const JsonValue *object, const char *above);

static void judge_key(Lint *lint, const char *path, const JsonValue *value) {
    ConfigPlace place = {0};
    config_key_place(lint->config, value, &place);
    g_autofree char *canonical = config_canonical(path);
    const ConfigKnown *known = NULL;
    const ConfigMeaningless *without = NULL;
    const Match as_known = find_known(lint, place.scope, canonical, &known);
    if (as_known == MATCHED) {
        add_finding(lint, CONFIG_UNDERSTOOD, place, path, g_strdup(known->param->help == NULL ? "" : known->param->help));
        return;
    }
    const Match as_meaningless = find_meaningless(place.scope, canonical, &without);
    if (json_is_object(value) && (as_known == MATCHED_ABOVE || as_meaningless == MATCHED_ABOVE)) {
        walk(lint, value, path);
    } else if (as_meaningless == MATCHED) {
        add_meaningless(lint, without, place, path);
    } else if (as_known == MATCHED_ABOVE && !json_is_null(value)) {
        add_finding(lint, CONFIG_WRONG, place, path, g_strdup("expected keys and values"));
    } else if (as_known == NOT_MATCHED) {
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        add_finding(lint, CONFIG_UNKNOWN, place, path,
                    unknown_message(suggest(lint, place.scope, path, names), elsewhere(lint, canonical)));
    }
}

/* Whether a key above path is without meaning: what is known below it is looked for, the rest is as meaningless. */
static const ConfigMeaningless *meaningless_above(guint scope, const char *path) {
    g_auto(GStrv) parts = g_strsplit(path, ".", -1);
    g_autoptr(GString) at = g_string_new(NULL);
    const ConfigMeaningless *found = NULL;
    for (char **part = parts; part[0] != NULL && part[1] != NULL; part++) {
        g_string_append_printf(at, "%s%s", at->len == 0 ? "" : ".", *part);
        g_autofree char *canonical = config_canonical(at->str);
        if (find_meaningless(scope, canonical, &found) == MATCHED)
            return found;
    }
    return NULL;
}

static void walk(Lint *lint, const JsonValue *object, const char *above) {
    for (JsonIter i = json_iter(object); json_next(&i);) {
        g_autofree char *path = *above == '\0' ? g_strdup(i.key) : g_strconcat(above, ".", i.key, NULL);
        ConfigPlace place = {0};
        config_key_place(lint->config, i.value, &place);
        const ConfigKnown *known = NULL;
        g_autofree char *canonical = config_canonical(path);
        const ConfigMeaningless *without = meaningless_above(place.scope, path);
        if (without != NULL && find_known(lint, place.scope, canonical, &known) == NOT_MATCHED)
            add_meaningless(lint, without, place, path);
        else
            judge_key(lint, path, i.value);
    }
}

static gint compare_findings(gconstpointer left, gconstpointer right) {
    const ConfigFinding *a = *(ConfigFinding *const *)left, *b = *(ConfigFinding *const *)right;
    const int files = strcmp(a->file, b->file);
    if (files != 0)
        return files;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return strcmp(a->key, b->key);
}

GPtrArray *config_lint(const Config *config, const ConfigSection *const *sections) {
    g_autoptr(GPtrArray) known = g_ptr_array_new_with_free_func(known_free);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Lint lint = {config, known, g_ptr_array_new_with_free_func(config_finding_free), seen};
    for (guint i = 0; i < config->notes->len; i++) {
        const ConfigFinding *note = config->notes->pdata[i];
        g_ptr_array_add(lint.findings, config_finding_new(note->level, note->file, note->line, note->key, g_strdup(note->message)));
    }
    for (const ConfigSection *const *section = sections; *section != NULL; section++) {
        const char *prefix = (*section)->prefix;
        g_autofree char *path = prefix == NULL || *prefix == '\0' ? g_strdup("") : g_strconcat(prefix, ".", NULL);
        add_known_params(&lint, *section, (*section)->params, path);
    }
    for (const ConfigSection *const *section = sections; *section != NULL; section++)
        check_section(&lint, *section);
    for (guint scope = 0; scope < CONFIG_SCOPES; scope++)
        walk(&lint, json_root(config->documents[scope].json), "");
    g_ptr_array_sort(lint.findings, compare_findings);
    return lint.findings;
}

gboolean config_check(const Config *config, const ConfigSection *const *sections, GError **error) {
    g_autoptr(GPtrArray) known = g_ptr_array_new(), findings = g_ptr_array_new_with_free_func(config_finding_free);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Lint lint = {config, known, findings, seen};
    for (const ConfigSection *const *section = sections; *section != NULL; section++)
        check_section(&lint, *section);
    for (guint i = 0; i < findings->len; i++) {
        const ConfigFinding *finding = findings->pdata[i];
        if (finding->level != CONFIG_WRONG)
            continue;
        error_set(error, ERR_INVALID, "%s:%u: %s: %s", finding->file, finding->line, finding->key, finding->message);
        return FALSE;
    }
    return TRUE;
}
