/* java.util.Date and java.text.SimpleDateFormat, in the evaluation's time zone, with English names. */
#include "expr/calendar.h"

#define ARGUMENTS ExprContext *context, const ExprValue *self, const ExprValue *const *arguments, guint n
#define UNUSED_SELF ((void)self, (void)n)
#define UNUSED_N (void)n
#define UNUSED_ARGUMENTS ((void)arguments, (void)n)

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const weekdays[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

static const ExprValue *date_value(ExprContext *context, gint64 ms) {
    return expr_new_object(context, &expr_class_date, ms, 0);
}

static const ExprValue *null_argument(ExprContext *context) {
    return expr_raise(context, EXCEPTION_NULL_POINTER, "An argument of the method is null");
}

/* ---- a moment taken apart ---- */

typedef struct {
    Civil civil;
    gint64 day, hour, minute, second, milli, offset;
} Fields;

static Fields fields_of(ExprContext *context, gint64 ms) {
    const gint64 seconds = calendar_floor_div(ms, 1000), offset = calendar_zone_offset(context, seconds);
    const gint64 local = seconds + offset, day = calendar_floor_div(local, SECONDS_PER_DAY),
                 of_day = calendar_floor_mod(local, SECONDS_PER_DAY);
    return (Fields){calendar_civil(day), day, of_day / 3600, of_day / 60 % 60, of_day % 60, calendar_floor_mod(ms, 1000), offset};
}

static void append_zone_name(ExprContext *context, GString *into, gint64 ms) {
    const char *name = context->options->time_zone;
    g_autoptr(GTimeZone) zone = name ? g_time_zone_new_identifier(name) : g_time_zone_new_utc();
    const gint interval = zone ? g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, calendar_floor_div(ms, 1000)) : -1;
    g_string_append(into, interval < 0 ? "UTC" : g_time_zone_get_abbreviation(zone, interval));
}

static void append_offset(GString *into, gint64 offset, const char *separator) {
    g_string_append_printf(into, "%c%02d%s%02d", offset < 0 ? '-' : '+', (int)(ABS(offset) / 3600), separator,
                           (int)(ABS(offset) / 60 % 60));
}

/* ---- Date ---- */

static void date_text(ExprContext *context, const ExprValue *self, GString *into) {
    const Fields fields = fields_of(context, self->object.first);
    g_string_append_printf(into, "%.3s %.3s %02d %02d:%02d:%02d ", weekdays[calendar_floor_mod(fields.day + 3, 7)],
                           months[fields.civil.month - 1], fields.civil.day, (int)fields.hour, (int)fields.minute, (int)fields.second);
    append_zone_name(context, into, self->object.first);
    g_string_append_printf(into, " %" G_GINT64_FORMAT, fields.civil.year);
}

static const ExprValue *date_new(ARGUMENTS) {
    (void)self;
    return date_value(context, n == 1 ? arguments[0]->integer : context->options->now_ms);
}

static const ExprValue *date_from(ARGUMENTS) {
    UNUSED_SELF;
    if (arguments[0]->type == EXPR_NULL)
        return null_argument(context);
    gint64 ms;
    if (__builtin_mul_overflow(arguments[0]->object.first, (gint64)1000, &ms))
        return expr_raise(context, EXCEPTION_ARGUMENT, "long overflow");
    return date_value(context, ms + arguments[0]->object.second / 1000000);
}

static const ExprValue *date_get_time(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_integer(context, EXPR_LONG, self->object.first);
}

static const ExprValue *date_before(ARGUMENTS) {
    UNUSED_N;
    return arguments[0]->type == EXPR_NULL ? null_argument(context) : expr_bool(self->object.first < arguments[0]->object.first);
}

static const ExprValue *date_after(ARGUMENTS) {
    UNUSED_N;
    return arguments[0]->type == EXPR_NULL ? null_argument(context) : expr_bool(self->object.first > arguments[0]->object.first);
}

static const ExprValue *date_compare_to(ARGUMENTS) {
    UNUSED_N;
    if (arguments[0]->type == EXPR_NULL)
        return null_argument(context);
    const gint64 other = arguments[0]->object.first;
    return expr_int(context, (self->object.first > other) - (self->object.first < other));
}

static const ExprValue *date_to_instant(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_new_object(context, &expr_class_instant, calendar_floor_div(self->object.first, 1000),
                           calendar_floor_mod(self->object.first, 1000) * 1000000);
}

/* The old getters; they count years from 1900, months from 0, days of the week from Sunday. */
#define DATE_FIELD(name, expression)                                                                                                       \
    static const ExprValue *name(ARGUMENTS) {                                                                                              \
        UNUSED_ARGUMENTS;                                                                                                                  \
        const Fields fields = fields_of(context, self->object.first);                                                                      \
        return context->failed ? NULL : expr_int(context, expression);                                                                     \
    }
DATE_FIELD(date_get_year, fields.civil.year - 1900)
DATE_FIELD(date_get_month, fields.civil.month - 1)
DATE_FIELD(date_get_date, fields.civil.day)
DATE_FIELD(date_get_day, calendar_floor_mod(fields.day + 4, 7))
DATE_FIELD(date_get_hours, fields.hour)
DATE_FIELD(date_get_minutes, fields.minute)
DATE_FIELD(date_get_seconds, fields.second)

static const ExprMethod date_methods[] = {
    {"getDate", "", date_get_date},
    {"getDay", "", date_get_day},
    {"getHours", "", date_get_hours},
    {"getMinutes", "", date_get_minutes},
    {"getMonth", "", date_get_month},
    {"getSeconds", "", date_get_seconds},
    {"getYear", "", date_get_year},
    {"after", "J", date_after},
    {"before", "J", date_before},
    {"compareTo", "J", date_compare_to},
    {"getTime", "", date_get_time},
    {"toInstant", "", date_to_instant},
    {NULL, NULL, NULL},
};
static const ExprMethod date_statics[] = {{"from", "P", date_from}, {NULL, NULL, NULL}};
static const ExprMethod date_constructors[] = {{"new", "", date_new}, {"new", "l", date_new}, {NULL, NULL, NULL}};
const ExprClass expr_class_date = {
    .name = "java.util.Date",
    .nameable = TRUE,
    .methods = date_methods,
    .statics = date_statics,
    .constructors = date_constructors,
    .parent = &expr_class_object,
    .text = date_text,
    .is_text = TRUE,
    .comparable = TRUE,
};

/* ---- SimpleDateFormat ---- */

typedef struct {
    const char *pattern;
    gboolean strict;
} Format;

static void append_week(GString *into, const Fields *fields, guint width) {
    /* Weeks begin on Sunday, the first one holds January 1st. */
    const gint64 january = calendar_days(fields->civil.year, 1, 1), first = calendar_floor_mod(january + 4, 7);
    g_string_append_printf(into, "%0*d", (int)MIN(width, 100), (int)((fields->day - january + first) / 7 + 1));
}

static void append_year(GString *into, guint width, gint64 year) {
    if (width == 2)
        g_string_append_printf(into, "%02d", (int)calendar_floor_mod(year, 100));
    else
        g_string_append_printf(into, "%0*" G_GINT64_FORMAT, (int)MIN(width, 100), year);
}

static void append_month(GString *into, guint width, int month) {
    if (width >= 3)
        g_string_append_len(into, months[month - 1], width >= 4 ? -1 : 3);
    else
        g_string_append_printf(into, "%0*d", (int)width, month);
}

static void append_iso_zone(GString *into, guint width, gint64 offset) {
    if (offset == 0)
        g_string_append_c(into, 'Z');
    else if (width == 1)
        g_string_append_printf(into, "%c%02d", offset < 0 ? '-' : '+', (int)(ABS(offset) / 3600));
    else
        append_offset(into, offset, width == 3 ? ":" : "");
}

static void append_number(GString *into, char letter, guint width, const Fields *fields) {
    const struct {
        char letter;
        gint64 number;
    } numbers[] = {
        {'d', fields->civil.day},
        {'D', fields->day - calendar_days(fields->civil.year, 1, 1) + 1},
        {'u', calendar_floor_mod(fields->day + 3, 7) + 1},
        {'H', fields->hour},
        {'k', fields->hour == 0 ? 24 : fields->hour},
        {'K', fields->hour % 12},
        {'h', fields->hour % 12 == 0 ? 12 : fields->hour % 12},
        {'m', fields->minute},
        {'s', fields->second},
        {'S', fields->milli},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (numbers[i].letter == letter)
            g_string_append_printf(into, "%0*" G_GINT64_FORMAT, (int)MIN(width, 100), numbers[i].number);
}

/* One run of a letter. */
static void append_field(ExprContext *context, GString *into, char letter, guint width, const Fields *fields, gint64 ms) {
    switch (letter) {
    case 'y':
    case 'Y':
        append_year(into, width, fields->civil.year);
        break;
    case 'M':
    case 'L':
        append_month(into, width, fields->civil.month);
        break;
    case 'E':
        g_string_append_len(into, weekdays[calendar_floor_mod(fields->day + 3, 7)], width >= 4 ? -1 : 3);
        break;
    case 'a':
        g_string_append(into, fields->hour < 12 ? "AM" : "PM");
        break;
    case 'G':
        g_string_append(into, fields->civil.year > 0 ? "AD" : "BC");
        break;
    case 'w':
        append_week(into, fields, width);
        break;
    case 'z':
        append_zone_name(context, into, ms);
        break;
    case 'Z':
        append_offset(into, fields->offset, "");
        break;
    case 'X':
        append_iso_zone(into, width, fields->offset);
        break;
    default:
        append_number(into, letter, width, fields);
        break;
    }
}

/* A piece of a pattern: a run of one letter, or literal text. */
typedef struct {
    char letter; /* '\0': literal */
    guint width;
    GString *literal;
} Piece;

/* *at stands in a quoted text, after its first quote; '' is a quote. FALSE without an end. */
static gboolean take_quoted(const char **at, GString *literal) {
    if (**at == '\'') {
        g_string_append_c(literal, *(*at)++);
        return TRUE;
    }
    while (**at) {
        if (**at == '\'' && (*at)[1] != '\'') {
            (*at)++;
            return TRUE;
        }
        if (**at == '\'')
            (*at)++;
        g_string_append_c(literal, *(*at)++);
    }
    return FALSE;
}

/* The next piece; FALSE when a quote has no end. At the end of the pattern the literal is empty and the letter '\0'. */
static gboolean take_piece(const char **at, Piece *into) {
    into->letter = '\0';
    into->width = 0;
    g_string_truncate(into->literal, 0);
    if (g_ascii_isalpha(**at)) {
        into->letter = **at;
        for (; **at == into->letter; (*at)++)
            into->width++;
        return TRUE;
    }
    while (**at && !g_ascii_isalpha(**at)) {
        if (**at != '\'') {
            g_string_append_c(into->literal, *(*at)++);
            continue;
        }
        (*at)++;
        if (!take_quoted(at, into->literal))
            return FALSE;
    }
    return TRUE;
}

static const ExprValue *check_pattern(ExprContext *context, const char *pattern) {
    g_autoptr(GString) literal = g_string_new(NULL);
    Piece piece = {.literal = literal};
    for (const char *at = pattern; *at;) {
        if (!take_piece(&at, &piece))
            return expr_raise(context, EXCEPTION_ARGUMENT, "Unterminated quote in the pattern \"%.50s\"", pattern);
        if (piece.letter && !strchr("yuYMLEaGwzZXdDHkKhmsS", piece.letter))
            return expr_raise(context, EXCEPTION_ARGUMENT, "Illegal pattern character '%c'", piece.letter);
    }
    return expr_null();
}

static const ExprValue *format_new(ARGUMENTS) {
    UNUSED_SELF;
    if (arguments[0]->type == EXPR_NULL)
        return null_argument(context);
    if (!check_pattern(context, arguments[0]->string.text))
        return NULL;
    Format *format = EXPR_NEW(context, Format);
    format->pattern = arguments[0]->string.text;
    ExprValue *value = EXPR_NEW(context, ExprValue);
    value->type = EXPR_OBJECT;
    value->object.class = &expr_class_date_format;
    value->object.instance = format;
    return value;
}

static const ExprValue *format_format(ARGUMENTS) {
    UNUSED_N;
    if (arguments[0]->type == EXPR_NULL)
        return null_argument(context);
    const gint64 ms = arguments[0]->object.first;
    const Format *format = self->object.instance;
    const Fields fields = fields_of(context, ms);
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GString) literal = g_string_new(NULL);
    Piece piece = {.literal = literal};
    for (const char *at = format->pattern; *at && take_piece(&at, &piece);) {
        if (piece.letter)
            append_field(context, text, piece.letter, piece.width, &fields, ms);
        g_string_append_len(text, literal->str, (gssize)literal->len);
    }
    return context->failed ? NULL : expr_text_copy(context, text->str, text->len);
}

/* ---- reading a date ---- */

typedef struct {
    gint64 year, month, day, hour, minute, second, milli;
    gboolean has_offset, half_day, afternoon;
    gint64 offset;
} Parsed;

static gboolean read_digits(const char **at, guint max, gint64 *into) {
    guint count = 0;
    *into = 0;
    for (; g_ascii_isdigit(**at) && count < max; (*at)++, count++)
        *into = *into * 10 + (**at - '0');
    return count > 0;
}

static gboolean read_name(const char **at, const char *const *names, gsize count, gint64 *into) {
    for (gsize i = 0; i < count; i++) {
        const gboolean full = g_ascii_strncasecmp(*at, names[i], strlen(names[i])) == 0;
        if (!full && g_ascii_strncasecmp(*at, names[i], 3) != 0)
            continue;
        *at += full ? strlen(names[i]) : 3;
        *into = (gint64)i + 1;
        return TRUE;
    }
    return FALSE;
}

static gboolean read_zone(const char **at, Parsed *into) {
    into->has_offset = TRUE;
    into->offset = 0;
    static const char *const utc[] = {"UTC", "GMT", "Z"};
    gboolean named = FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(utc) && !named; i++) {
        named = g_str_has_prefix(*at, utc[i]);
        *at += named ? strlen(utc[i]) : 0;
    }
    const int sign = **at == '+' ? 1 : **at == '-' ? -1 : 0;
    if (!sign)
        return named;
    (*at)++;
    gint64 hours, minutes = 0;
    if (!read_digits(at, 2, &hours))
        return FALSE;
    if (**at == ':')
        (*at)++;
    read_digits(at, 2, &minutes);
    into->offset = sign * (hours * 3600 + minutes * 60);
    return TRUE;
}

/* Two-digit years lie within 80 years before and 20 after now. */
static gint64 full_year(ExprContext *context, gint64 year) {
    const gint64 now = calendar_civil(calendar_floor_div(context->options->now_ms, (gint64)1000 * SECONDS_PER_DAY)).year;
    const gint64 guess = now - now % 100 + year;
    return guess > now + 20 ? guess - 100 : guess <= now - 80 ? guess + 100 : guess;
}

static gboolean read_field(ExprContext *context, const char **at, const Piece *piece, gboolean followed_by_field, Parsed *into) {
    gint64 ignored;
    const guint max = followed_by_field ? piece->width : 9; /* fields that touch take just their width */
    const char *start = *at;
    switch (piece->letter) {
    case 'y':
    case 'Y':
        if (!read_digits(at, max, &into->year))
            return FALSE;
        if (piece->width <= 2 && *at - start == 2)
            into->year = full_year(context, into->year);
        return TRUE;
    case 'M':
    case 'L':
        return piece->width >= 3 ? read_name(at, months, G_N_ELEMENTS(months), &into->month) : read_digits(at, max, &into->month);
    case 'd':
        return read_digits(at, max, &into->day);
    case 'D':
        into->month = 1;
        return read_digits(at, max, &into->day);
    case 'h':
    case 'K':
        into->half_day = TRUE;
        G_GNUC_FALLTHROUGH;
    case 'H':
    case 'k':
        return read_digits(at, max, &into->hour);
    case 'm':
        return read_digits(at, max, &into->minute);
    case 's':
        return read_digits(at, max, &into->second);
    case 'S':
        return read_digits(at, max, &into->milli);
    case 'a':
        into->afternoon = g_ascii_strncasecmp(*at, "PM", 2) == 0;
        if (!into->afternoon && g_ascii_strncasecmp(*at, "AM", 2) != 0)
            return FALSE;
        *at += 2;
        return TRUE;
    case 'E':
        return read_name(at, weekdays, G_N_ELEMENTS(weekdays), &ignored);
    case 'z':
    case 'Z':
    case 'X':
        return read_zone(at, into);
    default:
        return read_digits(at, max, &ignored);
    }
}

static gboolean read_date(ExprContext *context, const Format *format, const char *text, Parsed *into) {
    g_autoptr(GString) literal = g_string_new(NULL);
    Piece piece = {.literal = literal};
    for (const char *at = format->pattern; *at && take_piece(&at, &piece);) {
        if (piece.letter && !read_field(context, &text, &piece, g_ascii_isalpha(*at), into))
            return FALSE;
        if (!g_str_has_prefix(text, literal->str))
            return FALSE;
        text += literal->len;
    }
    return TRUE;
}

static gboolean is_within(const Parsed *parsed) {
    return parsed->month >= 1 && parsed->month <= 12 && parsed->day >= 1 &&
           parsed->day <= calendar_month_length(parsed->year, (int)parsed->month) && parsed->hour <= 24 && parsed->minute < 60 &&
           parsed->second < 60;
}

static const ExprValue *format_parse(ARGUMENTS) {
    UNUSED_N;
    if (arguments[0]->type == EXPR_NULL)
        return null_argument(context);
    const Format *format = self->object.instance;
    Parsed parsed = {.year = 1970, .month = 1, .day = 1};
    if (!read_date(context, format, arguments[0]->string.text, &parsed) || (format->strict && !is_within(&parsed)))
        return expr_raise(context, EXCEPTION_ARGUMENT, "Unparseable date: \"%.50s\"", arguments[0]->string.text);
    if (parsed.half_day)
        parsed.hour = parsed.hour % 12 + (parsed.afternoon ? 12 : 0);
    /* Lenient: what is too large counts on, as February 30th is March 2nd. */
    const gint64 month = parsed.month - 1, year = parsed.year + calendar_floor_div(month, 12);
    const gint64 day = calendar_days(year, (int)calendar_floor_mod(month, 12) + 1, 1) + parsed.day - 1;
    gint64 local = day * SECONDS_PER_DAY + parsed.hour * 3600 + parsed.minute * 60 + parsed.second, offset = parsed.offset;
    if (!parsed.has_offset && !calendar_zone_offset_local(context, local, &offset))
        return NULL;
    gint64 ms;
    if (__builtin_mul_overflow(local - offset, (gint64)1000, &ms) || __builtin_add_overflow(ms, parsed.milli, &ms))
        return expr_raise(context, EXCEPTION_ARGUMENT, "Unparseable date: \"%.50s\"", arguments[0]->string.text);
    return date_value(context, ms);
}

static const ExprValue *format_to_pattern(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_string(context, ((const Format *)self->object.instance)->pattern);
}

static const ExprValue *format_apply_pattern(ARGUMENTS) {
    UNUSED_N;
    if (arguments[0]->type == EXPR_NULL)
        return null_argument(context);
    if (!check_pattern(context, arguments[0]->string.text))
        return NULL;
    ((Format *)self->object.instance)->pattern = arguments[0]->string.text;
    return expr_null();
}

static const ExprValue *format_set_lenient(ARGUMENTS) {
    UNUSED_N;
    (void)context;
    ((Format *)self->object.instance)->strict = !arguments[0]->boolean;
    return expr_null();
}

static const ExprMethod format_methods[] = {
    {"applyPattern", "s", format_apply_pattern}, {"format", "J", format_format},       {"parse", "s", format_parse},
    {"setLenient", "b", format_set_lenient},     {"toPattern", "", format_to_pattern}, {NULL, NULL, NULL},
};
static const ExprMethod format_constructors[] = {{"new", "s", format_new}, {NULL, NULL, NULL}};
const ExprClass expr_class_date_format = {.name = "java.text.SimpleDateFormat",
                                          .nameable = TRUE,
                                          .methods = format_methods,
                                          .constructors = format_constructors,
                                          .parent = &expr_class_object};
