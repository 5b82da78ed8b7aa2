/* GET /applications/{application}/executions/search: executions by what started them (api.md 6). */
#include "api/execution_lists.h"
#include "api/internal.h"
#include "base/pattern.h"
#include "engine/record.h"
#include <string.h>

#define SEARCH_SIZE_MAX 5000
#define SEARCH_SCAN_MAX EXECUTIONS_LIST_MAX     /* executions looked at */
#define SEARCH_WORK_MAX (10 * PATTERN_WORK_MAX) /* steps of all patterns of one request together; about 200 ms */

typedef struct {
    char **trigger_types, *pipeline_name, *event_id, *trigger, **statuses;
    gint64 from_ms, to_ms, start, size;
    gboolean reverse, expand;
} SearchQuery;
static const Param search_query[] = {
    {.name = "triggerTypes", .type = PARAM_STRINGS, .offset = offsetof(SearchQuery, trigger_types), .help = "Kinds of trigger; *: any."},
    {.name = "pipelineName", .type = PARAM_STRING, .offset = offsetof(SearchQuery, pipeline_name), .help = "Exact name."},
    {.name = "eventId", .type = PARAM_STRING, .offset = offsetof(SearchQuery, event_id), .help = "The trigger's event id."},
    {.name = "trigger",
     .type = PARAM_STRING,
     .offset = offsetof(SearchQuery, trigger),
     .help = "base64 of a JSON object that the trigger must contain; texts may be patterns, whose work is bounded."},
    {.name = "triggerTimeStartBoundary",
     .type = PARAM_INT,
     .offset = offsetof(SearchQuery, from_ms),
     .help = "Built at this time (ms) or later."},
    {.name = "triggerTimeEndBoundary",
     .type = PARAM_INT,
     .offset = offsetof(SearchQuery, to_ms),
     .otherwise = "9223372036854775807",
     .help = "Built at this time (ms) or earlier."},
    {.name = "statuses", .type = PARAM_STRINGS, .offset = offsetof(SearchQuery, statuses), .help = "Only those in one of these states."},
    {.name = "startIndex", .type = PARAM_INT, .offset = offsetof(SearchQuery, start), .help = "How many matches to leave out."},
    {.name = "size", .type = PARAM_INT, .offset = offsetof(SearchQuery, size), .otherwise = "10", .help = "How many to answer."},
    {.name = "reverse", .type = PARAM_BOOL, .offset = offsetof(SearchQuery, reverse), .help = "Oldest first."},
    {.name = "expand", .type = PARAM_BOOL, .offset = offsetof(SearchQuery, expand), .help = "With contexts, outputs and tasks."},
    {0},
};

static gboolean check_bounds(const SearchQuery *query, GError **error) {
    const struct {
        const char *name;
        gint64 value, least;
    } bounds[] = {{"triggerTimeStartBoundary", query->from_ms, 0},
                  {"triggerTimeEndBoundary", query->to_ms, 0},
                  {"startIndex", query->start, 0},
                  {"size", query->size, 1}};
    for (gsize i = 0; i < G_N_ELEMENTS(bounds); i++)
        if (bounds[i].value < bounds[i].least) {
            error_set(error, ERR_INVALID, "%s must be %s 0: %" G_GINT64_FORMAT, bounds[i].name, bounds[i].least == 0 ? ">=" : ">",
                      bounds[i].value);
            return FALSE;
        }
    if (query->from_ms > query->to_ms) {
        error_set(error, ERR_INVALID,
                  "triggerTimeStartBoundary must be <= triggerTimeEndBoundary: triggerTimeStartBoundary: %" G_GINT64_FORMAT
                  ", triggerTimeEndBoundary: %" G_GINT64_FORMAT,
                  query->from_ms, query->to_ms);
        return FALSE;
    }
    if (query->size > SEARCH_SIZE_MAX) {
        error_set(error, ERR_LIMIT, "size must be at most %d: %" G_GINT64_FORMAT, SEARCH_SIZE_MAX, query->size);
        return FALSE;
    }
    return execution_statuses_check(query->statuses, error);
}

/* ---- does a trigger contain what is asked for ---- */
/* The patterns of one request, each compiled once, and the work that all its matches together may still take. */
typedef struct {
    GHashTable *compiled; /* text to Pattern; NULL: it is none */
    guint64 work;
    gboolean is_exhausted;
} Matcher;

static Pattern *matcher_pattern(Matcher *matcher, const char *text) {
    gpointer known = NULL;
    if (g_hash_table_lookup_extended(matcher->compiled, text, NULL, &known))
        return known;
    Pattern *pattern = pattern_new(text, NULL);
    g_hash_table_insert(matcher->compiled, g_strdup(text), pattern);
    return pattern;
}

static gboolean text_matches(Matcher *matcher, const char *wanted, const char *text) {
    if (g_ascii_strcasecmp(wanted, text) == 0)
        return TRUE;
    Pattern *pattern = matcher_pattern(matcher, wanted);
    if (pattern == NULL || matcher->is_exhausted)
        return FALSE;
    g_autoptr(GError) failure = NULL;
    gboolean matches = pattern_run(pattern, text, PATTERN_FULL, &matcher->work, &failure);
    matcher->is_exhausted = failure != NULL && matcher->work == 0;
    return matches;
}

static gboolean value_contains(Matcher *matcher, const JsonValue *whole, const JsonValue *part);

static gboolean object_contains(Matcher *matcher, const JsonValue *whole, const JsonValue *part) {
    for (JsonIter i = json_iter(part); json_next(&i);)
        if (!value_contains(matcher, json_get(whole, i.key), i.value))
            return FALSE;
    return TRUE;
}

/* Each element of part has one of its own in whole; taken in order, as Orca does. */
static gboolean list_contains(Matcher *matcher, const JsonValue *whole, const JsonValue *part) {
    gsize n = json_length(whole);
    g_autofree gboolean *taken = g_new0(gboolean, n + 1);
    for (JsonIter i = json_iter(part); json_next(&i);) {
        gsize at = 0;
        while (at < n && (taken[at] || !value_contains(matcher, json_at(whole, at), i.value)))
            at++;
        if (at == n)
            return FALSE;
        taken[at] = TRUE;
    }
    return TRUE;
}

/* Calls itself as deep as the document is; json_parse_limited bounds that. */
static gboolean value_contains(Matcher *matcher, const JsonValue *whole, const JsonValue *part) {
    if (json_is_object(part))
        return json_is_object(whole) && object_contains(matcher, whole, part);
    if (json_is_array(part))
        return json_is_array(whole) && list_contains(matcher, whole, part);
    if (json_is_string(part) && json_is_string(whole))
        return text_matches(matcher, json_string(part), json_string(whole));
    return whole != NULL && json_equal(whole, part);
}

/* ---- the search ---- */
typedef struct {
    ApiCall *call;
    const SearchQuery *query;
    const JsonValue *wanted; /* of the trigger, or NULL */
    Matcher matcher;
    ExecutionList *list;
    gint64 matches;
    GError *error;
} Search;

static gboolean trigger_fits(Search *search, const JsonValue *trigger) {
    const SearchQuery *query = search->query;
    const char *const *types = (const char *const *)query->trigger_types;
    const char *type = json_get_string(trigger, "type");
    if (types != NULL && !g_strv_contains(types, "*") && (type == NULL || !g_strv_contains(types, type)))
        return FALSE;
    if (query->event_id != NULL && g_strcmp0(json_get_string(trigger, "eventId"), query->event_id) != 0)
        return FALSE;
    return search->wanted == NULL || value_contains(&search->matcher, trigger, search->wanted);
}

static gboolean is_full(const Search *search) {
    return execution_list_length(search->list) >= (gsize)search->query->size;
}

/* Where the trigger does not matter. */
static gboolean take(const ExecutionRecord *record, gpointer data) {
    Search *search = data;
    if (!api_may(search->call, MAY_READ, "application", record->application) || search->matches++ < search->query->start)
        return TRUE;
    return execution_list_add_record(search->list, record, &search->error) && !is_full(search);
}

static gboolean look_at(const LoadedExecution *loaded, gpointer data) {
    Search *search = data;
    if (!api_may(search->call, MAY_READ, "application", loaded->record.application))
        return TRUE;
    g_autoptr(Execution) execution = execution_from_loaded(loaded, &search->error);
    if (execution == NULL)
        return FALSE;
    gboolean fits = trigger_fits(search, json_root(execution->trigger));
    if (search->matcher.is_exhausted)
        return FALSE;
    if (!fits || search->matches++ < search->query->start)
        return TRUE;
    return execution_list_add(search->list, execution, &search->error) && !is_full(search);
}

static gboolean read_wanted(const SearchQuery *query, Json **wanted, GError **error) {
    if (query->trigger == NULL)
        return TRUE;
    gsize length = 0;
    g_autofree guchar *text = g_base64_decode(query->trigger, &length);
    *wanted = json_parse_limited((const char *)text, (gssize)length, PATH_LENGTH_MAX, NULL);
    if (*wanted != NULL && json_is_object(json_root(*wanted)))
        return TRUE;
    error_set(error, ERR_INVALID, "Failed to parse encoded trigger: base64 of a JSON object is wanted");
    return FALSE;
}

static Json *search_get(ApiCall *call, GError **error) {
    const SearchQuery *query = call->query;
    const char *application = api_path(call, "application");
    g_autoptr(Json) wanted = NULL;
    if (!check_bounds(query, error) || !read_wanted(query, &wanted, error))
        return NULL;
    const char *const applications[] = {application, NULL};
    const char *const names[] = {query->pipeline_name, NULL};
    gboolean everywhere = strcmp(application, "*") == 0;
    const ExecutionFilter filter = {
        .type = "PIPELINE",
        .applications = everywhere ? NULL : applications,
        .names = query->pipeline_name != NULL && !everywhere ? names : NULL,
        .statuses = (const char *const *)query->statuses,
        .built_from_ms = query->from_ms,
        .built_to_ms = query->to_ms == G_MAXINT64 ? 0 : query->to_ms,
        .limit = SEARCH_SCAN_MAX,
        .oldest_first = query->reverse,
    };
    g_autoptr(ExecutionList) list = api_execution_list(call, query->expand ? LIST_EXPANDED : LIST_EXECUTIONS);
    Search search = {.call = call, .query = query, .wanted = json_root(wanted), .list = list};
    gboolean by_trigger = query->trigger_types != NULL || query->event_id != NULL || wanted != NULL;
    g_autoptr(GHashTable) compiled = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)pattern_free);
    search.matcher = (Matcher){.compiled = compiled, .work = SEARCH_WORK_MAX};
    if (by_trigger ? !store_executions_list_whole(call->services->store, &filter, look_at, &search, error)
                   : !store_executions_list(call->services->store, &filter, take, &search, error))
        return NULL;
    if (search.matcher.is_exhausted)
        error_set(&search.error, ERR_INVALID,
                  "the patterns of the trigger searched for take more than %d steps (SEARCH_WORK_MAX): narrow the "
                  "search, or write simpler patterns",
                  SEARCH_WORK_MAX);
    if (search.error != NULL) {
        g_propagate_error(error, search.error);
        return NULL;
    }
    api_answer_text(call, 200, JSON_CONTENT_TYPE, execution_list_text(list, 0, 0));
    return NULL;
}

static const Route routes[] = {
    {.method = "GET",
     .path = "/applications/{application}/executions/search",
     .handler = search_get,
     .needs = NEEDS(ON_APPLICATION, ACCESS_READ),
     .query = search_query,
     .query_size = sizeof(SearchQuery),
     .help = "Executions by their trigger, newest first; application *: of all applications. Looks at the newest 5,000 that fit the rest."},
    {0},
};
const RouteTable execution_search_routes = {"Searching executions", routes};
