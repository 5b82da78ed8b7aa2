/* Lists of executions, newest or oldest first. Any thread.
 *
 * A filter becomes ranges of indexes (one per application or configuration, and per status when they are finished ones), each read
 * in pages from where the last page ended and merged by build time. So a list costs what it answers, whatever is stored. Filters
 * that no index serves are applied to the rows of these ranges, and what is looked at is bounded. */
#include "base/error.h"
#include "store/execution_rows.h"
#include <string.h>

#define PAGE_MIN 16
#define PAGE_MAX 500

typedef enum { SCOPE_TYPE, SCOPE_APPLICATION, SCOPE_CONFIG, SCOPE_PARENT, SCOPES } Scope;
typedef enum { SHARE_ALL, SHARE_UNFINISHED, SHARE_FINISHED_WITH_STATUS, SHARES } Share;

/* $1 type, $2 and $3 where the last page ended, $4 the other end, $5 rows, $6 value of the scope, $7 status. */
#define NEWEST(condition)                                                                                                                  \
    "SELECT " EXECUTION_COLUMNS " FROM executions e WHERE e.type = $1 AND " condition                                                      \
    "(e.build_ms, e.key) < ($2, $3) AND e.build_ms >= $4 ORDER BY e.build_ms DESC, e.key DESC LIMIT $5"
#define OLDEST(condition)                                                                                                                  \
    "SELECT " EXECUTION_COLUMNS " FROM executions e WHERE e.type = $1 AND " condition                                                      \
    "(e.build_ms, e.key) > ($2, $3) AND e.build_ms <= $4 ORDER BY e.build_ms, e.key LIMIT $5"
#define BOTH(name, condition)                                                                                                              \
    {                                                                                                                                      \
        {"executions.list_" name, NEWEST(condition)}, {                                                                                    \
            "executions.list_oldest_" name, OLDEST(condition)                                                                              \
        }                                                                                                                                  \
    }

static const StoreStatement STATEMENTS[SCOPES][SHARES][2] = {
    [SCOPE_TYPE] = {[SHARE_ALL] = BOTH("all", ""), [SHARE_UNFINISHED] = BOTH("unfinished", "e.finished = 0 AND ")},
    [SCOPE_APPLICATION] = {[SHARE_ALL] = BOTH("application", "e.application = $6 AND "),
                           [SHARE_UNFINISHED] = BOTH("application_unfinished", "e.application = $6 AND e.finished = 0 AND "),
                           [SHARE_FINISHED_WITH_STATUS] = BOTH("application_status",
                                                               "e.application = $6 AND e.finished = 1 AND e.status = $7 AND ")},
    [SCOPE_CONFIG] = {[SHARE_ALL] = BOTH("config", "e.config_id = $6 AND "),
                      [SHARE_UNFINISHED] = BOTH("config_unfinished", "e.config_id = $6 AND e.finished = 0 AND "),
                      [SHARE_FINISHED_WITH_STATUS] = BOTH("config_status", "e.config_id = $6 AND e.finished = 1 AND e.status = $7 AND ")},
    [SCOPE_PARENT] = {[SHARE_ALL] = BOTH("parent", "e.parent_id = $6 AND ")},
};

const StoreStatement *execution_list_statements(gsize *n) {
    *n = sizeof STATEMENTS / sizeof STATEMENTS[0][0][0];
    return &STATEMENTS[0][0][0];
}

/* One range of an index, and the page of it that is being merged. */
typedef struct {
    Scope scope;
    Share share;
    const char *value, *status;
    GStringChunk *memory;
    GArray *page; /* of ExecutionRecord */
    guint next;   /* in page */
    gint64 last_ms, last_key;
    gboolean ended;
} Range;

typedef struct {
    Store *store;
    const ExecutionFilter *filter;
    GPtrArray *ranges; /* of Range * */
    guint page_rows;
    guint looked_at;
} Listing;

static void range_free(gpointer data) {
    Range *range = data;
    g_string_chunk_free(range->memory);
    g_array_unref(range->page);
    g_free(range);
}

static void range_add(Listing *listing, Scope scope, Share share, const char *value, const char *status) {
    const ExecutionFilter *filter = listing->filter;
    Range *range = g_new0(Range, 1);
    *range = (Range){.scope = scope,
                     .share = share,
                     .value = value,
                     .status = status,
                     .memory = g_string_chunk_new(1024),
                     .page = g_array_new(FALSE, FALSE, sizeof(ExecutionRecord)),
                     .last_key = filter->oldest_first ? -1 : G_MAXINT64};
    gint64 newest_ms = filter->built_to_ms != 0 ? filter->built_to_ms : G_MAXINT64;
    range->last_ms = filter->oldest_first ? filter->built_from_ms : newest_ms;
    if (filter->oldest_first && filter->after_key != 0) {
        range->last_ms = MAX(filter->after_ms, filter->built_from_ms);
        range->last_key = filter->after_key;
    }
    g_ptr_array_add(listing->ranges, range);
}

/* ---- what the ranges are ----------------------------------------------------------------------------------------- */

static gboolean is_unfinished_status(const char *status) {
    static const char *const names[] = {"NOT_STARTED", "RUNNING", "PAUSED", "SUSPENDED", "BUFFERED", "REDIRECT", NULL};
    return g_strv_contains(names, status);
}

/* The ranges of one value of a scope: with statuses, one for all unfinished, and one for each that is finished. */
static void ranges_of_value(Listing *listing, Scope scope, const char *value) {
    const ExecutionFilter *filter = listing->filter;
    if (scope == SCOPE_PARENT) {
        range_add(listing, scope, SHARE_ALL, value, NULL);
        return;
    }
    gboolean unfinished = filter->unfinished_only, split = FALSE;
    for (const char *const *status = filter->statuses; !unfinished && status != NULL && *status != NULL; status++)
        split |= !is_unfinished_status(*status);
    if (unfinished || (filter->statuses != NULL && !split)) {
        range_add(listing, scope, SHARE_UNFINISHED, value, NULL);
        return;
    }
    if (filter->statuses == NULL || scope == SCOPE_TYPE) {
        range_add(listing, scope, SHARE_ALL, value, NULL);
        return;
    }
    range_add(listing, scope, SHARE_UNFINISHED, value, NULL);
    for (const char *const *status = filter->statuses; *status != NULL; status++)
        range_add(listing, scope, SHARE_FINISHED_WITH_STATUS, value, *status);
}

static gboolean ranges_of_values(Listing *listing, Scope scope, const char *const *values, GError **error) {
    gsize each = listing->filter->statuses != NULL ? g_strv_length((char **)listing->filter->statuses) + 1 : 1;
    gsize n = g_strv_length((char **)values);
    if (n * each > EXECUTIONS_RANGES_MAX) {
        error_set(error, ERR_LIMIT,
                  "list executions: %zu applications or pipelines at once, with %zu statuses, are too many (at most %d in all)", n,
                  each - 1, EXECUTIONS_RANGES_MAX);
        return FALSE;
    }
    for (gsize i = 0; i < n; i++) {
        if (!g_strv_contains(values + i + 1, values[i])) /* the last of equal ones */
            ranges_of_value(listing, scope, values[i]);
    }
    return TRUE;
}

/* The narrowest scope decides; the other conditions are looked at row by row. */
static gboolean ranges_add(Listing *listing, GError **error) {
    const ExecutionFilter *filter = listing->filter;
    if (filter->parent_id != NULL)
        ranges_of_value(listing, SCOPE_PARENT, filter->parent_id);
    else if (filter->config_ids != NULL)
        return ranges_of_values(listing, SCOPE_CONFIG, filter->config_ids, error);
    else if (filter->applications != NULL)
        return ranges_of_values(listing, SCOPE_APPLICATION, filter->applications, error);
    else
        ranges_of_value(listing, SCOPE_TYPE, NULL);
    return TRUE;
}

static gboolean is_wanted_text(const char *const *wanted, const char *text) {
    return wanted == NULL || (text != NULL && g_strv_contains(wanted, text));
}

static gboolean is_wanted(const ExecutionFilter *filter, const ExecutionRecord *record) {
    return is_wanted_text(filter->statuses, record->status) && is_wanted_text(filter->names, record->name) &&
           is_wanted_text(filter->applications, record->application) && is_wanted_text(filter->config_ids, record->config_id) &&
           (filter->parent_id == NULL || g_strcmp0(filter->parent_id, record->parent_id) == 0) &&
           (!filter->unfinished_only || !record->finished);
}

/* ---- reading and merging ----------------------------------------------------------------------------------------- */

static gboolean row_each(const StoreRow *row, gpointer data) {
    Range *range = data;
    ExecutionRecord record;
    execution_row_read(row, range->memory, &record);
    g_array_append_val(range->page, record);
    return TRUE;
}

static gboolean range_page(Listing *listing, Range *range, GError **error) {
    const ExecutionFilter *filter = listing->filter;
    gint64 far_end = filter->oldest_first ? (filter->built_to_ms != 0 ? filter->built_to_ms : G_MAXINT64) : filter->built_from_ms;
    StoreValue values[] = {SV_TEXT(filter->type),      SV_INT(range->last_ms), SV_INT(range->last_key), SV_INT(far_end),
                           SV_INT(listing->page_rows), SV_TEXT(range->value),  SV_TEXT(range->status)};
    gsize n = range->status != NULL ? 7 : range->value != NULL ? 6 : 5;
    g_array_set_size(range->page, 0);
    g_string_chunk_clear(range->memory);
    range->next = 0;
    const StoreStatement *statement = &STATEMENTS[range->scope][range->share][filter->oldest_first ? 1 : 0];
    if (!store_query(listing->store, statement, values, n, row_each, range, error))
        return FALSE;
    listing->looked_at += range->page->len;
    if (range->page->len > 0) {
        const ExecutionRecord *last = &g_array_index(range->page, ExecutionRecord, range->page->len - 1);
        range->last_ms = last->build_ms;
        range->last_key = last->key;
    }
    range->ended = range->page->len < listing->page_rows;
    return TRUE;
}

/* Makes range->next a row that is wanted, or leaves it behind the last when there is none. */
static gboolean range_advance(Listing *listing, Range *range, GError **error) {
    for (;;) {
        for (; range->next < range->page->len; range->next++) {
            if (is_wanted(listing->filter, &g_array_index(range->page, ExecutionRecord, range->next)))
                return TRUE;
        }
        if (range->ended)
            return TRUE;
        if (listing->looked_at >= EXECUTIONS_SCAN_MAX) {
            error_set(error, ERR_LIMIT, "list executions: more than %d would have to be looked at; ask for a shorter time or fewer pages",
                      EXECUTIONS_SCAN_MAX);
            return FALSE;
        }
        if (!range_page(listing, range, error))
            return FALSE;
    }
}

static gboolean comes_before(const ExecutionFilter *filter, const ExecutionRecord *a, const ExecutionRecord *b) {
    gboolean older = a->build_ms != b->build_ms ? a->build_ms < b->build_ms : a->key < b->key;
    return older == (filter->oldest_first != 0);
}

static Range *range_first(const Listing *listing) {
    Range *first = NULL;
    for (guint i = 0; i < listing->ranges->len; i++) {
        Range *range = g_ptr_array_index(listing->ranges, i);
        if (range->next < range->page->len &&
            (first == NULL || comes_before(listing->filter, &g_array_index(range->page, ExecutionRecord, range->next),
                                           &g_array_index(first->page, ExecutionRecord, first->next))))
            first = range;
    }
    return first;
}

static gboolean listing_run(Listing *listing, ExecutionEach each, gpointer data, GError **error) {
    const ExecutionFilter *filter = listing->filter;
    guint limit = filter->limit != 0 ? MIN(filter->limit, EXECUTIONS_LIST_MAX) : EXECUTIONS_LIST_MAX;
    guint share = (filter->offset + limit) / MAX(listing->ranges->len, 1) + 1;
    listing->page_rows = filter->names != NULL ? PAGE_MAX : CLAMP(share, PAGE_MIN, PAGE_MAX);
    for (guint i = 0; i < listing->ranges->len; i++) {
        if (!range_advance(listing, g_ptr_array_index(listing->ranges, i), error))
            return FALSE;
    }
    for (guint seen = 0; seen < filter->offset + limit; seen++) {
        Range *range = range_first(listing);
        if (range == NULL)
            return TRUE;
        if (seen >= filter->offset && !each(&g_array_index(range->page, ExecutionRecord, range->next), data))
            return TRUE;
        range->next++;
        if (seen + 1 < filter->offset + limit && !range_advance(listing, range, error))
            return FALSE;
    }
    return TRUE;
}

gboolean store_executions_list(Store *store, const ExecutionFilter *filter, ExecutionEach each, gpointer data, GError **error) {
    if (filter->offset > EXECUTIONS_SCAN_MAX) {
        error_set(error, ERR_LIMIT, "list executions: %u cannot be skipped, at most %d", filter->offset, EXECUTIONS_SCAN_MAX);
        return FALSE;
    }
    g_autoptr(GPtrArray) ranges = g_ptr_array_new_with_free_func(range_free);
    Listing listing = {.store = store, .filter = filter, .ranges = ranges};
    return ranges_add(&listing, error) && listing_run(&listing, each, data, error);
}

/* ---- whole ------------------------------------------------------------------------------------------------------- */

typedef struct {
    Store *store;
    ExecutionEachWhole each;
    gpointer data;
    GError *error;
} Whole;

/* Each execution is read in one view of the database; one that was deleted since the row was read is left out. */
static gboolean whole_each(const ExecutionRecord *record, gpointer data) {
    Whole *whole = data;
    LoadedExecution loaded;
    if (!execution_load_key(whole->store, record->key, &loaded, &whole->error)) {
        if (error_code(whole->error) != ERR_NOT_FOUND)
            return FALSE;
        g_clear_error(&whole->error);
        return TRUE;
    }
    gboolean more = whole->each(&loaded, whole->data);
    loaded_execution_clear(&loaded);
    return more;
}

gboolean store_executions_list_whole(Store *store, const ExecutionFilter *filter, ExecutionEachWhole each, gpointer data, GError **error) {
    Whole whole = {.store = store, .each = each, .data = data};
    if (!store_executions_list(store, filter, whole_each, &whole, error))
        return FALSE;
    if (whole.error == NULL)
        return TRUE;
    g_propagate_error(error, whole.error);
    return FALSE;
}
