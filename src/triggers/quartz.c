/* The parser of Quartz expressions: fields, lists, ranges, steps, names, L, W, # and ?. */
#include "triggers/quartz_fields.h"
#include <string.h>

const QuartzRange quartz_ranges[QUARTZ_YEAR] = {
    [QUARTZ_SECOND] = {"Minute and Second values must be between 0 and 59", 0, 59, 59},
    [QUARTZ_MINUTE] = {"Minute and Second values must be between 0 and 59", 0, 59, 59},
    [QUARTZ_HOUR] = {"Hour values must be between 0 and 23", 0, 23, 23},
    [QUARTZ_DAY] = {"Day of month values must be between 1 and 31", 1, 31, 31},
    [QUARTZ_MONTH] = {"Month values must be between 1 and 12", 1, 12, 12},
    [QUARTZ_WEEKDAY] = {"Day-of-Week values must be between 1 and 7", 1, 7, 7},
};
static const char *const field_names[] = {"seconds", "minutes", "hours", "day-of-month", "month", "day-of-week", "year"};
const char *const quartz_months[13] = {NULL, "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
const char *const quartz_weekdays[8] = {NULL, "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

#define NUMBER_DIGITS_MAX 6

typedef struct {
    Quartz *into;
    QuartzField field;
    const char *at; /* in the item */
    gboolean alone; /* the item is the whole field */
    GError **error;
} Parser;

static gboolean fail(const Parser *parser, const char *what) {
    error_set(parser->error, ERR_INVALID, "%s (in the %s field \"%s\")", what, field_names[parser->field],
              parser->into->texts[parser->field]);
    return FALSE;
}

/* ---- values ---- */
static gboolean read_number(Parser *parser, gint64 *into) {
    guint digits = 0;
    for (*into = 0; g_ascii_isdigit(*parser->at); parser->at++, digits++) {
        if (digits >= NUMBER_DIGITS_MAX)
            return fail(parser, "A number is too large");
        *into = *into * 10 + (*parser->at - '0');
    }
    return digits > 0 || fail(parser, *parser->at != '\0' ? "Illegal characters for this position" : "A number is missing at the end");
}

/* A name by its first three letters; what follows of a longer one is passed over. */
static gboolean read_name(Parser *parser, gint64 *into) {
    const char *const *names = parser->field == QUARTZ_MONTH ? quartz_months : quartz_weekdays;
    int most = quartz_ranges[parser->field].most;
    for (int i = 1; i <= most; i++) {
        if (strncmp(parser->at, names[i], 3) != 0)
            continue;
        *into = i;
        parser->at += 3;
        if (strcmp(parser->at, "L") != 0) /* FRIL is the last Friday */
            while (g_ascii_isalpha(*parser->at))
                parser->at++;
        return TRUE;
    }
    g_autofree char *text = g_strdup_printf("Invalid %s value: '%.3s'", parser->field == QUARTZ_MONTH ? "Month" : "Day-of-Week",
                                            parser->at);
    return fail(parser, text);
}

static gboolean read_value(Parser *parser, gint64 *into) {
    gboolean named = parser->field == QUARTZ_MONTH || parser->field == QUARTZ_WEEKDAY;
    if (!(named && g_ascii_isalpha(*parser->at) ? read_name(parser, into) : read_number(parser, into)))
        return FALSE;
    if (parser->field == QUARTZ_YEAR)
        return TRUE;
    const QuartzRange *range = &quartz_ranges[parser->field];
    return (*into >= range->least && *into <= range->most) || fail(parser, range->name);
}

/* Behind a slash. 0 counts as no step. */
static gboolean read_step(Parser *parser, gint64 *step) {
    *step = 0;
    if (*parser->at != '/')
        return TRUE;
    parser->at++;
    if (!g_ascii_isdigit(*parser->at))
        return fail(parser, "'/' must be followed by an integer.");
    if (!read_number(parser, step))
        return FALSE;
    if (parser->field == QUARTZ_YEAR || *step <= quartz_ranges[parser->field].step_max)
        return TRUE;
    g_autofree char *text = g_strdup_printf("Increment > %d : %" G_GINT64_FORMAT, quartz_ranges[parser->field].step_max, *step);
    return fail(parser, text);
}

/* From a to b in steps; b below a goes round. */
static void add_values(Parser *parser, gint64 from, gint64 to, gint64 step) {
    const QuartzRange *range = &quartz_ranges[parser->field];
    gint64 size = range->most - range->least + 1;
    if (to < from)
        to += size;
    for (gint64 i = from; i <= to; i += MAX(step, 1))
        parser->into->values[parser->field] |= 1ULL << ((i - range->least) % size + range->least);
}

static gboolean add(Parser *parser, gint64 from, gint64 to, gint64 step) {
    Quartz *into = parser->into;
    if (parser->field != QUARTZ_YEAR) {
        add_values(parser, from, to, step);
        return TRUE;
    }
    if (to < from)
        return fail(parser, "Start year must be less than stop year");
    if (into->n_years >= QUARTZ_YEARS_MAX)
        return fail(parser, "There are too many years");
    into->years[into->n_years++] = (QuartzYears){from, to, MAX(step, 1)};
    return TRUE;
}

/* ---- items ---- */
static gboolean at_end(const Parser *parser) {
    return *parser->at == '\0' || fail(parser, "Illegal characters for this position");
}

/* "*", "*\/5" and "/5". */
static gboolean parse_all(Parser *parser) {
    gint64 step = 0;
    if (*parser->at == '*')
        parser->at++;
    if (!read_step(parser, &step) || !at_end(parser))
        return FALSE;
    if (parser->field == QUARTZ_YEAR)
        return add(parser, 1970, G_MAXINT32, step);
    return add(parser, quartz_ranges[parser->field].least, quartz_ranges[parser->field].most, step);
}

/* "L", "L-3", "LW", "L-3W" of the month; "L" of the week. */
static gboolean parse_last(Parser *parser) {
    gint64 days = 0;
    parser->at++;
    if (parser->field == QUARTZ_WEEKDAY) {
        add_values(parser, 7, 7, 1);
        return at_end(parser);
    }
    if (*parser->at == '-') {
        parser->at++;
        if (!read_number(parser, &days))
            return FALSE;
        if (days > 30)
            return fail(parser, "Offset from last day must be <= 30");
    }
    gboolean weekday = *parser->at == 'W';
    parser->at += weekday;
    *(weekday ? &parser->into->from_last_weekday : &parser->into->from_last) |= 1U << days;
    return at_end(parser);
}

static gboolean parse_nearest(Parser *parser, gint64 day) {
    parser->at++;
    parser->into->nearest |= 1U << day;
    return at_end(parser);
}

static gboolean parse_last_weekday(Parser *parser, gint64 day) {
    parser->at++;
    if (!parser->alone)
        return fail(parser, "Support for specifying 'L' with other days of the week is not implemented");
    parser->into->last_of_month = (guint)day;
    return at_end(parser);
}

static gboolean parse_nth(Parser *parser, gint64 day) {
    gint64 nth;
    parser->at++;
    if (parser->into->nth_day != 0)
        return fail(parser, "Support for specifying multiple \"nth\" days is not implemented.");
    if (!read_number(parser, &nth) || !at_end(parser))
        return FALSE;
    if (nth < 1 || nth > 5)
        return fail(parser, "A numeric value between 1 and 5 must follow the '#' option");
    parser->into->nth_day = (guint)day;
    parser->into->nth = (guint)nth;
    return TRUE;
}

/* What begins with a value: "5", "5-7", "5-7/2", "5/2", "15W", "6L", "6#3". */
static gboolean parse_values(Parser *parser) {
    gint64 from, to, step;
    if (!read_value(parser, &from))
        return FALSE;
    if (*parser->at == 'W' && parser->field == QUARTZ_DAY)
        return parse_nearest(parser, from);
    if (*parser->at == 'L' && parser->field == QUARTZ_WEEKDAY)
        return parse_last_weekday(parser, from);
    if (*parser->at == '#' && parser->field == QUARTZ_WEEKDAY)
        return parse_nth(parser, from);
    to = from;
    gboolean ranged = *parser->at == '-';
    if (ranged) {
        parser->at++;
        if (!read_value(parser, &to))
            return FALSE;
    }
    if (!read_step(parser, &step) || !at_end(parser))
        return FALSE;
    if (!ranged && step > 0)
        to = parser->field == QUARTZ_YEAR ? G_MAXINT32 : quartz_ranges[parser->field].most;
    return add(parser, from, to, step);
}

static gboolean parse_item(Parser *parser) {
    gboolean day = parser->field == QUARTZ_DAY || parser->field == QUARTZ_WEEKDAY;
    if (*parser->at == '?')
        return fail(parser, day ? "Illegal character after '?'" : "'?' can only be specified for Day-of-Month or Day-of-Week.");
    if (*parser->at == '*' || *parser->at == '/')
        return parse_all(parser);
    if (*parser->at == 'L' && day)
        return parse_last(parser);
    return parse_values(parser);
}

static gboolean parse_field(Parser *parser) {
    const char *text = parser->into->texts[parser->field];
    gboolean found = FALSE;
    g_auto(GStrv) items = g_strsplit(text, ",", -1);
    guint n = 0;
    for (char **item = items; *item != NULL; item++)
        n += **item != '\0';
    for (char **item = items; *item != NULL; item++) {
        if (**item == '\0')
            continue; /* a stray comma */
        parser->at = *item;
        parser->alone = n == 1;
        found = TRUE;
        if (!parse_item(parser))
            return FALSE;
    }
    return found || fail(parser, "There is no value");
}

/* ---- the expression ---- */
static gboolean is_hash_field(guint field) {
    return field <= QUARTZ_HOUR;
}

/* Java's hash of the id's UTF-16 units. */
static gint32 java_hash(const char *text) {
    glong length = 0;
    guint32 hash = 0;
    g_autofree gunichar2 *units = g_utf8_to_utf16(text, -1, NULL, &length, NULL);
    for (glong i = 0; units != NULL && i < length; i++)
        hash = hash * 31 + units[i];
    return (gint32)hash;
}

static char *without_hash(const char *text, guint field, const char *trigger_id) {
    if (!is_hash_field(field) || strchr(text, 'H') == NULL)
        return g_ascii_strup(text, -1);
    gint32 number = java_hash(trigger_id != NULL ? trigger_id : "") % (field == QUARTZ_HOUR ? 24 : 60);
    g_autofree char *digits = g_strdup_printf("%d", number < 0 ? -number : number);
    g_auto(GStrv) parts = g_strsplit(text, "H", -1);
    g_autofree char *joined = g_strjoinv(digits, parts);
    return g_ascii_strup(joined, -1);
}

/* Splits at blanks. */
static gboolean split(Quartz *quartz, const char *expression, const char *trigger_id, GError **error) {
    guint n = 0;
    g_auto(GStrv) words = g_strsplit_set(expression, " \t\r\n", -1);
    for (char **word = words; *word != NULL; word++) {
        if (**word == '\0')
            continue;
        if (n == QUARTZ_FIELDS) {
            error_set(error, ERR_INVALID, "Expression has too many terms: there are at most seven fields, the last one is the year");
            return FALSE;
        }
        quartz->texts[n] = without_hash(*word, n, trigger_id);
        n++;
    }
    if (n >= QUARTZ_YEAR)
        return TRUE;
    error_set(error, ERR_INVALID,
              "Unexpected end of expression: there are %u fields, and six are needed: seconds minutes hours day-of-month month day-of-week",
              n);
    return FALSE;
}

static gboolean parse_fields(Quartz *quartz, GError **error) {
    gboolean no_day = strcmp(quartz->texts[QUARTZ_DAY], "?") == 0, no_weekday = strcmp(quartz->texts[QUARTZ_WEEKDAY], "?") == 0;
    for (guint i = 0; i < QUARTZ_FIELDS; i++) {
        Parser parser = {quartz, i, NULL, FALSE, error};
        if (quartz->texts[i] == NULL || (i == QUARTZ_DAY && no_day) || (i == QUARTZ_WEEKDAY && no_weekday))
            continue;
        if (!parse_field(&parser))
            return FALSE;
    }
    quartz->by_weekday = no_day;
    if (no_day != no_weekday)
        return TRUE;
    error_set(
        error, ERR_INVALID, "%s",
        no_day ? "'?' can only be specified for Day-of-Month -OR- Day-of-Week."
               : "Support for specifying both a day-of-week AND a day-of-month parameter is not implemented: one of them has to be '?'.");
    return FALSE;
}

Quartz *quartz_parse(const char *expression, const char *trigger_id, GError **error) {
    if (expression == NULL || strlen(expression) > QUARTZ_LENGTH_MAX) {
        error_set(error, expression == NULL ? ERR_INVALID : ERR_LIMIT, "%s",
                  expression == NULL ? "There is no cron expression"
                                     : "A cron expression has at most " G_STRINGIFY(QUARTZ_LENGTH_MAX) " bytes");
        return NULL;
    }
    g_autoptr(Quartz) quartz = g_new0(Quartz, 1);
    if (!split(quartz, expression, trigger_id, error) || !parse_fields(quartz, error))
        return NULL;
    return g_steal_pointer(&quartz);
}

void quartz_free(Quartz *quartz) {
    if (quartz == NULL)
        return;
    for (guint i = 0; i < QUARTZ_FIELDS; i++)
        g_free(quartz->texts[i]);
    g_free(quartz);
}

gboolean quartz_is_fuzzy(const char *expression) {
    guint n = 0;
    g_auto(GStrv) words = g_strsplit_set(expression, " \t\r\n", -1);
    for (char **word = words; *word != NULL && is_hash_field(n); word++) {
        if (**word != '\0' && strchr(*word, 'H') != NULL)
            return TRUE;
        n += **word != '\0';
    }
    return FALSE;
}
