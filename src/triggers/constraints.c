/* Constraints on payloads and attributes (triggers.md 11.2): key to regular expression. Pure. */
#include "base/json_path.h"
#include "base/pattern.h"
#include "triggers/internal.h"
#include <string.h>

#define SHOWN_MAX 120 /* characters of a value in a sentence */

/* ---- texts as Java prints them ---- */
static void append_text(GString *into, const JsonValue *value);

static void append_members(GString *into, const JsonValue *container, gboolean named) {
    g_string_append_c(into, named ? '{' : '[');
    const char *between = "";
    for (JsonIter i = json_iter(container); json_next(&i); between = ", ") {
        g_string_append(into, between);
        if (named)
            g_string_append_printf(into, "%s=", i.key);
        append_text(into, i.value);
    }
    g_string_append_c(into, named ? '}' : ']');
}

/* Calls itself at most JSON_DEPTH_MAX deep. */
static void append_text(GString *into, const JsonValue *value) {
    g_autofree char *text = json_as_text(value);
    if (text != NULL)
        g_string_append(into, text);
    else if (json_is_object(value) || json_is_array(value))
        append_members(into, value, json_is_object(value));
    else
        g_string_append(into, "null");
}

char *constraint_text(const JsonValue *value) {
    if (value == NULL || json_is_null(value))
        return NULL;
    GString *text = g_string_new(NULL);
    append_text(text, value);
    return g_string_free(text, FALSE);
}

static char *shown(const char *text) {
    glong length = g_utf8_strlen(text, -1);
    if (length <= SHOWN_MAX)
        return g_strdup(text);
    g_autofree char *part = g_utf8_substring(text, 0, SHOWN_MAX);
    return g_strconcat(part, "…", NULL);
}

/* ---- one constraint ---- */
typedef struct {
    const char *key, *pattern; /* pattern NULL: presence is enough */
    const char *what;          /* "payload" */
    TriggerDecision *why;
} Constraint;

static gboolean found_in(const Constraint *constraint, const char *text) {
    g_autoptr(GError) error = NULL;
    if (constraint->pattern == NULL || pattern_matches(constraint->pattern, text, PATTERN_FIND, &error))
        return TRUE;
    g_autofree char *value = shown(text);
    if (error != NULL)
        decision_set(constraint->why, DECISION_CONSTRAINT, "The constraint on %s key \"%s\" cannot be checked: %s.", constraint->what,
                     constraint->key, error->message);
    else
        decision_set(constraint->why, DECISION_CONSTRAINT, "The constraint on %s key \"%s\" does not hold: \"%s\" does not match %s.",
                     constraint->what, constraint->key, value, constraint->pattern);
    return FALSE;
}

static gboolean value_holds(const Constraint *constraint, const JsonValue *value) {
    g_autofree char *text = json_as_text(value);
    if (text != NULL)
        return found_in(constraint, text);
    for (JsonIter i = json_iter(json_is_array(value) ? value : NULL); json_next(&i);)
        if (json_is_string(i.value) && found_in(constraint, json_string(i.value)))
            return TRUE;
    if (constraint->why->message == NULL)
        decision_set(constraint->why, DECISION_CONSTRAINT,
                     "The constraint on %s key \"%s\" does not hold: there is neither a text nor a list of texts.", constraint->what,
                     constraint->key);
    return FALSE;
}

static gboolean path_holds(const Constraint *constraint, const JsonValue *payload) {
    const char *key = constraint->key;
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) found = json_path_find(key, payload, &error);
    if (found != NULL && !json_is_null(json_root(found)))
        return value_holds(constraint, json_root(found));
    decision_set(constraint->why, DECISION_CONSTRAINT, "The constraint on %s key \"%s\" does not hold: the event has no such value%s%s.",
                 constraint->what, key, error != NULL && error_code(error) != ERR_NOT_FOUND ? ": " : "",
                 error != NULL && error_code(error) != ERR_NOT_FOUND ? error->message : "");
    return FALSE;
}

static gboolean holds(const Constraint *constraint, const JsonValue *payload, gboolean paths) {
    const JsonValue *value = json_get(payload, constraint->key);
    g_autofree char *text = constraint_text(value);
    if (text != NULL)
        return found_in(constraint, text);
    if (paths)
        return path_holds(constraint, payload);
    decision_set(constraint->why, DECISION_CONSTRAINT, "The constraint on %s key \"%s\" does not hold: the event has no such value.",
                 constraint->what, constraint->key);
    return FALSE;
}

gboolean constraints_hold(const JsonValue *constraints, const JsonValue *payload, gboolean paths, const char *what, TriggerDecision *why) {
    for (JsonIter i = json_iter(json_is_object(constraints) ? constraints : NULL); json_next(&i);) {
        g_autofree char *pattern = constraint_text(i.value);
        Constraint constraint = {i.key, pattern, what, why};
        if (!holds(&constraint, payload, paths))
            return FALSE;
        g_clear_pointer(&why->message, g_free); /* of a list's elements that did not match */
    }
    return TRUE;
}
