/* Texts are UTF-8 in memory, while lengths and positions in expressions count UTF-16 units, as Java does. */
#include "expr/class.h"

static guint sequence_bytes(unsigned char first) {
    return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

/* Walks at most `units` units; returns the byte offset, *walked the units. */
static gsize walk(const ExprValue *text, gsize units, gsize *walked) {
    const char *bytes = text->string.text;
    const gsize length = text->string.length;
    gsize at = 0, count = 0;
    while (at < length && count < units) {
        const guint step = sequence_bytes((unsigned char)bytes[at]);
        count += step == 4 ? 2 : 1;
        at = MIN(at + step, length);
    }
    *walked = count;
    return at;
}

gsize expr_text_units(const ExprValue *text) {
    gsize units;
    walk(text, G_MAXSIZE, &units);
    return units;
}

gsize expr_text_offset(const ExprValue *text, gsize unit) {
    gsize walked;
    return walk(text, unit, &walked);
}

gsize expr_text_units_before(const ExprValue *text, gsize offset) {
    return expr_text_units(&(const ExprValue){.type = EXPR_STRING, .string = {text->string.text, offset}});
}

gunichar2 expr_text_unit(const ExprValue *text, gsize unit) {
    gsize walked;
    const gsize before = walk(text, unit, &walked);
    if (walked > unit) { /* the second half of the pair that was just passed */
        const char *previous = g_utf8_find_prev_char(text->string.text, text->string.text + before);
        return (gunichar2)(0xDC00 + ((g_utf8_get_char(previous) - 0x10000) & 0x3FF));
    }
    const gunichar character = g_utf8_get_char(text->string.text + before);
    return (gunichar2)(character < 0x10000 ? character : 0xD800 + ((character - 0x10000) >> 10));
}

void expr_append_unit(GString *into, gunichar2 unit) {
    g_string_append_unichar(into, unit >= 0xD800 && unit < 0xE000 ? 0xFFFD : unit);
}
