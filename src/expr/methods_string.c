/* What can be called on texts and on the type String. Positions and lengths count UTF-16 units. */
#include "expr/class.h"

#define ARGUMENTS ExprContext *context, const ExprValue *self, const ExprValue *const *arguments, guint n
#define UNUSED_N (void)n
#define UNUSED_ARGUMENTS ((void)arguments, (void)n)

/* ---- helpers ---- */

static const ExprValue *null_argument(ExprContext *context) {
    return expr_raise(context, EXCEPTION_NULL_POINTER, "An argument of the method is null");
}

static gboolean any_null(const ExprValue *const *arguments, guint n) {
    for (guint i = 0; i < n; i++)
        if (arguments[i]->type == EXPR_NULL)
            return TRUE;
    return FALSE;
}

static const ExprValue *slice(ExprContext *context, const ExprValue *text, gsize from, gsize to) {
    return expr_text_copy(context, text->string.text + from, to - from);
}

/* Byte offset of the first occurrence at or after `from`, or -1. */
static gssize find(const ExprValue *text, const ExprValue *what, gsize from) {
    if (from > text->string.length)
        return -1;
    const char *at = what->string.length == 0
                         ? text->string.text + from
                         : memmem(text->string.text + from, text->string.length - from, what->string.text, what->string.length);
    return at ? at - text->string.text : -1;
}

static gssize find_last(const ExprValue *text, const ExprValue *what, gsize from) {
    if (what->string.length > text->string.length)
        return -1;
    for (gsize at = MIN(from, text->string.length - what->string.length) + 1; at-- > 0;)
        if (memcmp(text->string.text + at, what->string.text, what->string.length) == 0)
            return (gssize)at;
    return -1;
}

static const ExprValue *as_unit_position(ExprContext *context, const ExprValue *text, gssize offset) {
    return expr_int(context, offset < 0 ? -1 : (gint64)expr_text_units_before(text, (gsize)offset));
}

static const ExprValue *text_of_code_point(ExprContext *context, gint64 character) {
    char bytes[8] = {0};
    if (character < 0 || character > 0x10FFFF)
        return NULL;
    const int length = g_unichar_to_utf8((gunichar)character, bytes);
    return expr_text_copy(context, bytes, (gsize)length);
}

static const ExprValue *out_of_bounds(ExprContext *context, gint64 index, gsize length) {
    return expr_raise(context, EXCEPTION_STRING_INDEX, "Index %" G_GINT64_FORMAT " out of bounds for length %" G_GSIZE_FORMAT, index,
                      length);
}

/* Java's white space for strip and isBlank: as Unicode has it, without the no-break ones. */
static gboolean is_white(gunichar character) {
    if (character < 0x80)
        return (character >= 9 && character <= 13) || (character >= 28 && character <= 32);
    return g_unichar_isspace(character) && character != 0xA0 && character != 0x2007 && character != 0x202F && character != 0x85;
}

/* ---- positions ---- */

static const ExprValue *string_length(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_int(context, (gint64)expr_text_units(self));
}

static const ExprValue *string_is_empty(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    (void)context;
    return expr_bool(self->string.length == 0);
}

static const ExprValue *string_char_at(ARGUMENTS) {
    UNUSED_N;
    const gsize units = expr_text_units(self);
    const gint64 at = arguments[0]->integer;
    if (at < 0 || (gsize)at >= units)
        return out_of_bounds(context, at, units);
    return expr_integer(context, EXPR_CHAR, expr_text_unit(self, (gsize)at));
}

static const ExprValue *string_code_point_at(ARGUMENTS) {
    UNUSED_N;
    const gsize units = expr_text_units(self);
    const gint64 at = arguments[0]->integer;
    if (at < 0 || (gsize)at >= units)
        return out_of_bounds(context, at, units);
    const gunichar2 unit = expr_text_unit(self, (gsize)at);
    const gboolean pair = unit >= 0xD800 && unit < 0xDC00;
    return expr_int(context, pair ? (gint64)g_utf8_get_char(self->string.text + expr_text_offset(self, (gsize)at)) : unit);
}

static const ExprValue *string_substring(ARGUMENTS) {
    const gsize units = expr_text_units(self);
    const gint64 from = arguments[0]->integer, to = n == 2 ? arguments[1]->integer : (gint64)units;
    if (from < 0 || to > (gint64)units || from > to)
        return expr_raise(context, EXCEPTION_STRING_INDEX, "begin %" G_GINT64_FORMAT ", end %" G_GINT64_FORMAT ", length %" G_GSIZE_FORMAT,
                          from, to, units);
    return slice(context, self, expr_text_offset(self, (gsize)from), expr_text_offset(self, (gsize)to));
}

static const ExprValue *index_from(ExprContext *context, const ExprValue *self, const ExprValue *what, gint64 from) {
    if (!what || what->type == EXPR_NULL)
        return what ? null_argument(context) : expr_int(context, -1);
    const gsize start = from <= 0 ? 0 : expr_text_offset(self, (gsize)from);
    return as_unit_position(context, self, find(self, what, start));
}

static const ExprValue *string_index_of(ARGUMENTS) {
    return index_from(context, self, arguments[0], n == 2 ? arguments[1]->integer : 0);
}

static const ExprValue *string_index_of_character(ARGUMENTS) {
    return index_from(context, self, text_of_code_point(context, arguments[0]->integer), n == 2 ? arguments[1]->integer : 0);
}

static const ExprValue *last_index_from(ExprContext *context, const ExprValue *self, const ExprValue *what, gint64 from) {
    if (!what || what->type == EXPR_NULL)
        return what ? null_argument(context) : expr_int(context, -1);
    /* Comparing at every place: the worst case of find_last. */
    if (!expr_charge_text(context, self->string.length / 64 * MIN(what->string.length, self->string.length)))
        return NULL;
    return as_unit_position(context, self, from < 0 ? -1 : find_last(self, what, expr_text_offset(self, (gsize)from)));
}

static const ExprValue *string_last_index_of(ARGUMENTS) {
    return last_index_from(context, self, arguments[0], n == 2 ? arguments[1]->integer : G_MAXINT32);
}

static const ExprValue *string_last_index_of_character(ARGUMENTS) {
    return last_index_from(context, self, text_of_code_point(context, arguments[0]->integer), n == 2 ? arguments[1]->integer : G_MAXINT32);
}

/* ---- comparing ---- */

static const ExprValue *string_contains(ARGUMENTS) {
    if (any_null(arguments, n))
        return null_argument(context);
    return expr_bool(find(self, arguments[0], 0) >= 0);
}

static const ExprValue *string_starts_with(ARGUMENTS) {
    if (any_null(arguments, n))
        return null_argument(context);
    const gint64 from = n == 2 ? arguments[1]->integer : 0;
    if (from < 0 || from > (gint64)expr_text_units(self))
        return expr_bool(FALSE);
    return expr_bool(g_str_has_prefix(self->string.text + expr_text_offset(self, (gsize)from), arguments[0]->string.text));
}

static const ExprValue *string_ends_with(ARGUMENTS) {
    if (any_null(arguments, n))
        return null_argument(context);
    return expr_bool(g_str_has_suffix(self->string.text, arguments[0]->string.text));
}

/* Characters compared as Java does: by their upper case, then by the lower case of that. */
static gunichar folded(gunichar character) {
    return g_unichar_tolower(g_unichar_toupper(character));
}

static int compare_folded(const ExprValue *a, const ExprValue *b) {
    const char *left = a->string.text, *right = b->string.text;
    const char *left_end = left + a->string.length, *right_end = right + b->string.length;
    while (left < left_end && right < right_end) {
        const gunichar x = folded(g_utf8_get_char(left)), y = folded(g_utf8_get_char(right));
        if (x != y)
            return (int)x - (int)y;
        left = g_utf8_next_char(left);
        right = g_utf8_next_char(right);
    }
    return (int)(g_utf8_strlen(left, left_end - left) - g_utf8_strlen(right, right_end - right));
}

static const ExprValue *string_equals_ignore_case(ARGUMENTS) {
    UNUSED_N;
    (void)context;
    return expr_bool(arguments[0]->type == EXPR_STRING && compare_folded(self, arguments[0]) == 0);
}

/* Java answers with the difference of the first units that differ, else of the lengths. */
static gint64 compare_units(const ExprValue *a, const ExprValue *b) {
    const gsize left = expr_text_units(a), right = expr_text_units(b);
    const char *x = a->string.text, *y = b->string.text;
    while (*x && *x == *y) {
        x++;
        y++;
    }
    gsize units = expr_text_units_before(a, MIN((gsize)(x - a->string.text), a->string.length));
    units = units > 0 ? units - 1 : 0; /* the bytes may have parted inside a character */
    for (; units < left && units < right; units++) {
        const gint64 difference = (gint64)expr_text_unit(a, units) - expr_text_unit(b, units);
        if (difference)
            return difference;
    }
    return (gint64)left - (gint64)right;
}

static const ExprValue *string_compare_to(ARGUMENTS) {
    if (any_null(arguments, n))
        return null_argument(context);
    return expr_int(context, compare_units(self, arguments[0]));
}

static const ExprValue *string_compare_to_ignore_case(ARGUMENTS) {
    if (any_null(arguments, n))
        return null_argument(context);
    return expr_int(context, compare_folded(self, arguments[0]));
}

static const ExprValue *string_region_matches(ARGUMENTS) {
    const gboolean folding = n == 5 && arguments[0]->boolean;
    const ExprValue *const *rest = arguments + (n == 5);
    if (any_null(arguments, n))
        return null_argument(context);
    const ExprValue *other = rest[1];
    const gint64 at = rest[0]->integer, other_at = rest[2]->integer, length = rest[3]->integer;
    const gint64 units = (gint64)expr_text_units(self), other_units = (gint64)expr_text_units(other);
    if (at < 0 || other_at < 0 || at + length > units || other_at + length > other_units)
        return expr_bool(FALSE);
    if (length <= 0)
        return expr_bool(TRUE);
    const ExprValue *left = slice(context, self, expr_text_offset(self, (gsize)at), expr_text_offset(self, (gsize)(at + length)));
    const ExprValue *right = left ? slice(context, other, expr_text_offset(other, (gsize)other_at),
                                          expr_text_offset(other, (gsize)(other_at + length)))
                                  : NULL;
    if (!right)
        return NULL;
    return expr_bool(folding ? compare_folded(left, right) == 0 : expr_compare_text(left, right) == 0);
}

static const ExprValue *string_equals(ARGUMENTS) {
    UNUSED_N;
    return expr_bool(expr_equals(context, self, arguments[0]));
}

/* ---- changing ---- */

static const ExprValue *string_concat(ARGUMENTS) {
    if (any_null(arguments, n))
        return null_argument(context);
    const gsize length = self->string.length;
    char *text = expr_new_text(context, length + arguments[0]->string.length);
    if (!text)
        return NULL;
    memcpy(text, self->string.text, length);
    memcpy(text + length, arguments[0]->string.text, arguments[0]->string.length);
    return expr_text_value(context, text, length + arguments[0]->string.length);
}

static const ExprValue *string_to_lower_case(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    g_autofree char *lower = g_utf8_strdown(self->string.text, (gssize)self->string.length);
    return expr_string(context, lower);
}

static const ExprValue *string_to_upper_case(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    g_autofree char *upper = g_utf8_strup(self->string.text, (gssize)self->string.length);
    return expr_string(context, upper);
}

static const ExprValue *without_ends(ExprContext *context, const ExprValue *self, gboolean leading, gboolean trailing,
                                     gboolean (*is_dropped)(gunichar)) {
    const char *from = self->string.text, *end = from + self->string.length;
    while (leading && from < end && is_dropped(g_utf8_get_char(from)))
        from = g_utf8_next_char(from);
    while (trailing && end > from && is_dropped(g_utf8_get_char(g_utf8_prev_char(end))))
        end = g_utf8_prev_char(end);
    return expr_text_copy(context, from, (gsize)(end - from));
}

static gboolean is_trimmed(gunichar character) {
    return character <= ' ';
}

static const ExprValue *string_trim(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return without_ends(context, self, TRUE, TRUE, is_trimmed);
}

static const ExprValue *string_strip(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return without_ends(context, self, TRUE, TRUE, is_white);
}

static const ExprValue *string_strip_leading(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return without_ends(context, self, TRUE, FALSE, is_white);
}

static const ExprValue *string_strip_trailing(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return without_ends(context, self, FALSE, TRUE, is_white);
}

static const ExprValue *string_is_blank(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    const ExprValue *rest = without_ends(context, self, TRUE, FALSE, is_white);
    return rest ? expr_bool(rest->string.length == 0) : NULL;
}

static const ExprValue *string_repeat(ARGUMENTS) {
    UNUSED_N;
    const gint64 times = arguments[0]->integer;
    if (times < 0)
        return expr_raise(context, EXCEPTION_ARGUMENT, "count is negative: %" G_GINT64_FORMAT, times);
    const gsize length = self->string.length;
    char *text = expr_new_text(context, length * (gsize)times);
    if (!text)
        return NULL;
    for (gsize i = 0; length && i < (gsize)times; i++)
        memcpy(text + i * length, self->string.text, length);
    return expr_text_value(context, text, length * (gsize)times);
}

static const ExprValue *replace_literally(ExprContext *context, const ExprValue *self, const ExprValue *what, const ExprValue *with) {
    g_autoptr(GString) text = g_string_new(NULL);
    gsize at = 0;
    const gsize length = self->string.length;
    while (at <= length && text->len <= EXPR_TEXT_MAX) {
        const gssize found = find(self, what, at);
        if (found < 0)
            break;
        g_string_append_len(text, self->string.text + at, found - (gssize)at);
        g_string_append_len(text, with->string.text, (gssize)with->string.length);
        at = (gsize)found + what->string.length;
        if (what->string.length == 0) { /* between all characters, and at both ends */
            if (at == length)
                return expr_text_copy(context, text->str, text->len);
            const gsize next = (gsize)(g_utf8_next_char(self->string.text + at) - self->string.text);
            g_string_append_len(text, self->string.text + at, (gssize)(next - at));
            at = next;
        }
    }
    if (at < length)
        g_string_append_len(text, self->string.text + at, (gssize)(length - at));
    return expr_text_copy(context, text->str, text->len);
}

static const ExprValue *string_replace(ARGUMENTS) {
    if (any_null(arguments, n))
        return null_argument(context);
    return replace_literally(context, self, arguments[0], arguments[1]);
}

static const ExprValue *string_replace_character(ARGUMENTS) {
    UNUSED_N;
    const ExprValue *what = text_of_code_point(context, arguments[0]->integer), *with = text_of_code_point(context, arguments[1]->integer);
    return what && with ? replace_literally(context, self, what, with) : NULL;
}

static const ExprValue *string_indent(ARGUMENTS) {
    UNUSED_N;
    const gint64 by = arguments[0]->integer;
    if (self->string.length == 0)
        return self;
    g_autoptr(GString) text = g_string_new(NULL);
    g_auto(GStrv) lines = g_strsplit(self->string.text, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (!line[1] && !**line)
            break;
        const char *from = *line;
        for (gint64 i = 0; i > by && is_white(g_utf8_get_char(from)) && *from; i--)
            from = g_utf8_next_char(from);
        if (by > EXPR_TEXT_MAX || text->len > EXPR_TEXT_MAX)
            return expr_raise(context, EXCEPTION_LIMIT, "The text would have more than %d bytes (EXPR_TEXT_MAX)", EXPR_TEXT_MAX);
        for (gint64 i = 0; i < by; i++)
            g_string_append_c(text, ' ');
        g_string_append(text, from);
        g_string_append_c(text, '\n');
    }
    return expr_text_copy(context, text->str, text->len);
}

/* The white space that all lines with something in them, and the last one, have in common. */
static gsize common_indent(char **lines) {
    gsize common = G_MAXSIZE;
    for (char **line = lines; *line; line++) {
        gsize white = 0;
        const char *at = *line;
        for (; *at && is_white(g_utf8_get_char(at)); at = g_utf8_next_char(at))
            white++;
        if (*at || !line[1])
            common = MIN(common, white);
    }
    return common;
}

static const ExprValue *string_strip_indent(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    g_auto(GStrv) lines = g_strsplit(self->string.text, "\n", -1);
    const gsize common = common_indent(lines);
    g_autoptr(GString) text = g_string_new(NULL);
    for (char **line = lines; *line; line++) {
        const char *from = *line;
        for (gsize i = 0; i < common && *from && is_white(g_utf8_get_char(from)); i++)
            from = g_utf8_next_char(from);
        g_autofree char *rest = g_strchomp(g_strdup(from));
        g_string_append_printf(text, "%s%s", rest, line[1] ? "\n" : "");
    }
    return expr_text_copy(context, text->str, text->len);
}

/* One escape after the backslash at *at; FALSE for an unknown one. */
static gboolean append_escape(GString *text, const char **at) {
    static const char from[] = "btnfrs\\'\"", to[] = "\b\t\n\f\r \\'\"";
    const char c = *(*at)++;
    const char *known = c ? strchr(from, c) : NULL;
    if (known) {
        g_string_append_c(text, to[known - from]);
    } else if (c >= '0' && c <= '7') {
        guint code = (guint)(c - '0');
        const guint most = c <= '3' ? 2 : 1;
        for (guint i = 0; i < most && **at >= '0' && **at <= '7'; i++)
            code = code * 8 + (guint)(*(*at)++ - '0');
        g_string_append_unichar(text, code);
    } else if (c == '\r' && **at == '\n') {
        (*at)++;
    } else if (c != '\n' && c != '\r') {
        return FALSE;
    }
    return TRUE;
}

static const ExprValue *string_translate_escapes(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    g_autoptr(GString) text = g_string_new(NULL);
    for (const char *at = self->string.text; *at;) {
        if (*at != '\\')
            g_string_append_c(text, *at++);
        else if (at++, !append_escape(text, &at))
            return expr_raise(context, EXCEPTION_ARGUMENT, "Invalid escape sequence in \"%s\"", self->string.text);
    }
    return expr_text_copy(context, text->str, text->len);
}

static const ExprValue *string_itself(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    (void)context;
    return self;
}

/* ---- regular expressions ---- */

static const ExprValue *string_matches(ARGUMENTS) {
    if (any_null(arguments, n))
        return null_argument(context);
    g_autoptr(ExprPattern) pattern = expr_pattern_new(context, arguments[0]);
    const int matches = pattern ? expr_pattern_matches_whole(context, pattern, self) : -1;
    return matches < 0 ? NULL : expr_bool(matches);
}

static const ExprValue *replace_by_pattern(ExprContext *context, const ExprValue *self, const ExprValue *const *arguments, gboolean all) {
    if (any_null(arguments, 2))
        return null_argument(context);
    g_autoptr(ExprPattern) pattern = expr_pattern_new(context, arguments[0]);
    return pattern ? expr_pattern_replace(context, pattern, self, arguments[1], all) : NULL;
}

static const ExprValue *string_replace_all(ARGUMENTS) {
    UNUSED_N;
    return replace_by_pattern(context, self, arguments, TRUE);
}

static const ExprValue *string_replace_first(ARGUMENTS) {
    UNUSED_N;
    return replace_by_pattern(context, self, arguments, FALSE);
}

static const ExprValue *string_split(ARGUMENTS) {
    if (any_null(arguments, n))
        return null_argument(context);
    g_autoptr(ExprPattern) pattern = expr_pattern_new(context, arguments[0]);
    return pattern ? expr_pattern_split(context, pattern, self, n == 2 ? arguments[1]->integer : 0) : NULL;
}

/* ---- arrays ---- */

static const ExprValue *string_get_bytes(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    if (!expr_charge(context, self->string.length))
        return NULL;
    ExprItems *bytes = expr_items_new(context, (guint)self->string.length);
    bytes->element = 'B';
    for (gsize i = 0; i < self->string.length; i++)
        expr_items_add(context, bytes, expr_int(context, (gint8)self->string.text[i]));
    return expr_items_value(context, EXPR_ARRAY, bytes);
}

static const ExprValue *string_to_char_array(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    if (!expr_charge(context, self->string.length))
        return NULL;
    ExprItems *units = expr_items_new(context, (guint)self->string.length);
    units->element = 'C';
    const char *end = self->string.text + self->string.length;
    for (const char *at = self->string.text; at < end; at = g_utf8_next_char(at)) {
        const gunichar c = g_utf8_get_char(at);
        expr_items_add(context, units, expr_integer(context, EXPR_CHAR, c < 0x10000 ? c : 0xD800 + ((c - 0x10000) >> 10)));
        if (c >= 0x10000)
            expr_items_add(context, units, expr_integer(context, EXPR_CHAR, 0xDC00 + ((c - 0x10000) & 0x3FF)));
    }
    return expr_items_value(context, EXPR_ARRAY, units);
}

/* ---- the type's own ---- */

static const ExprValue *string_formatted(ARGUMENTS) {
    return expr_format(context, self, arguments, n);
}

static const ExprValue *string_format(ARGUMENTS) {
    (void)self;
    if (arguments[0]->type == EXPR_NULL)
        return null_argument(context);
    return expr_format(context, arguments[0], arguments + 1, n - 1);
}

static gboolean append_with_separator(ExprContext *context, GString *into, const ExprValue *separator, const ExprValue *value,
                                      gboolean first) {
    if (!first)
        g_string_append_len(into, separator->string.text, (gssize)separator->string.length);
    return expr_append_text(context, into, value);
}

static const ExprValue *string_join(ARGUMENTS) {
    (void)self;
    if (arguments[0]->type == EXPR_NULL)
        return null_argument(context);
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 1; i < n; i++)
        if (!append_with_separator(context, text, arguments[0], arguments[i], i == 1))
            return NULL;
    return expr_text_copy(context, text->str, text->len);
}

static const ExprValue *string_join_list(ARGUMENTS) {
    (void)self;
    if (any_null(arguments, n))
        return null_argument(context);
    const ExprItems *items = expr_items(context, arguments[1]);
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < items->count; i++) {
        const ExprValue *element = items->at[i];
        if (element->type != EXPR_STRING && element->type != EXPR_NULL && !(element->type == EXPR_OBJECT && element->object.foreign))
            return expr_raise(context, EXCEPTION_EVALUATION, "class %s cannot be cast to class java.lang.CharSequence",
                              expr_class_name(element));
        if (!append_with_separator(context, text, arguments[0], element, i == 0))
            return NULL;
    }
    return expr_text_copy(context, text->str, text->len);
}

static const ExprValue *string_value_of(ARGUMENTS) {
    (void)self;
    UNUSED_N;
    return expr_java_text(context, arguments[0]);
}

static const ExprValue *string_of_characters(ARGUMENTS) {
    (void)self;
    if (any_null(arguments, n))
        return null_argument(context);
    const ExprItems *units = expr_items(context, arguments[0]);
    g_autofree gunichar2 *utf16 = g_new0(gunichar2, units->count + 1);
    for (guint i = 0; i < units->count; i++)
        utf16[i] = (gunichar2)units->at[i]->integer;
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < units->count; i++) {
        const gboolean pair = i + 1 < units->count && utf16[i] >= 0xD800 && utf16[i] < 0xDC00 && utf16[i + 1] >= 0xDC00 &&
                              utf16[i + 1] < 0xE000;
        if (pair) {
            g_string_append_unichar(text, (gunichar)(0x10000 + ((utf16[i] - 0xD800) << 10) + (utf16[i + 1] - 0xDC00)));
            i++;
        } else {
            expr_append_unit(text, utf16[i]);
        }
    }
    return expr_text_copy(context, text->str, text->len);
}

static const ExprValue *string_of_bytes(ARGUMENTS) {
    (void)self;
    if (any_null(arguments, n))
        return null_argument(context);
    const ExprItems *bytes = expr_items(context, arguments[0]);
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < bytes->count; i++)
        g_string_append_c(text, (char)bytes->at[i]->integer);
    g_autofree char *valid = g_utf8_make_valid(text->str, (gssize)text->len);
    return expr_string(context, valid);
}

static const ExprValue *string_new_empty(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    (void)self;
    return expr_text_value(context, "", 0);
}

static const ExprValue *string_new(ARGUMENTS) {
    (void)self;
    return any_null(arguments, n) ? null_argument(context) : arguments[0];
}

static const ExprMethod methods[] = {
    {"charAt", "i", string_char_at},
    {"codePointAt", "i", string_code_point_at},
    {"compareTo", "s", string_compare_to},
    {"compareToIgnoreCase", "s", string_compare_to_ignore_case},
    {"concat", "s", string_concat},
    {"contains", "q", string_contains},
    {"contentEquals", "q", string_equals},
    {"endsWith", "s", string_ends_with},
    {"equalsIgnoreCase", "s", string_equals_ignore_case},
    {"formatted", "o*", string_formatted},
    {"getBytes", "", string_get_bytes},
    {"getBytes", "s", string_get_bytes},
    {"indent", "i", string_indent},
    {"indexOf", "s", string_index_of},
    {"indexOf", "i", string_index_of_character},
    {"indexOf", "si", string_index_of},
    {"indexOf", "ii", string_index_of_character},
    {"intern", "", string_itself},
    {"isBlank", "", string_is_blank},
    {"isEmpty", "", string_is_empty},
    {"lastIndexOf", "s", string_last_index_of},
    {"lastIndexOf", "i", string_last_index_of_character},
    {"lastIndexOf", "si", string_last_index_of},
    {"lastIndexOf", "ii", string_last_index_of_character},
    {"length", "", string_length},
    {"matches", "s", string_matches},
    {"regionMatches", "isii", string_region_matches},
    {"regionMatches", "bisii", string_region_matches},
    {"repeat", "i", string_repeat},
    {"replace", "qq", string_replace},
    {"replace", "cc", string_replace_character},
    {"replaceAll", "ss", string_replace_all},
    {"replaceFirst", "ss", string_replace_first},
    {"split", "s", string_split},
    {"split", "si", string_split},
    {"startsWith", "s", string_starts_with},
    {"startsWith", "si", string_starts_with},
    {"strip", "", string_strip},
    {"stripIndent", "", string_strip_indent},
    {"stripLeading", "", string_strip_leading},
    {"stripTrailing", "", string_strip_trailing},
    {"substring", "i", string_substring},
    {"substring", "ii", string_substring},
    {"toCharArray", "", string_to_char_array},
    {"toLowerCase", "", string_to_lower_case},
    {"toUpperCase", "", string_to_upper_case},
    {"translateEscapes", "", string_translate_escapes},
    {"trim", "", string_trim},
    {NULL, NULL, NULL},
};

static const ExprMethod statics[] = {
    {"format", "so*", string_format},
    {"join", "qI", string_join_list},
    {"join", "qq*", string_join},
    {"valueOf", "h", string_of_characters},
    {"valueOf", "o", string_value_of},
    {"copyValueOf", "h", string_of_characters},
    {NULL, NULL, NULL},
};

static const ExprMethod constructors[] = {
    {"new", "", string_new_empty},
    {"new", "h", string_of_characters},
    {"new", "y", string_of_bytes},
    {"new", "s", string_new},
    {NULL, NULL, NULL},
};

const ExprClass expr_class_string = {
    .name = "java.lang.String",
    .nameable = TRUE,
    .methods = methods,
    .statics = statics,
    .constructors = constructors,
    .parent = &expr_class_object,
    .is_text = TRUE,
};
