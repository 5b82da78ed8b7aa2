/* json_pack: small documents from a format. Pure, any thread. */
#include "base/json_internal.h"

typedef struct {
    JsonBuilder *builder;
    const char *format, *at; /* the whole and what is left of it */
    va_list values;
} Pack;

static char peek(Pack *pack) {
    while (*pack->at == ' ' || *pack->at == ',')
        pack->at++;
    return *pack->at;
}

static void expect(Pack *pack, char wanted) {
    if (peek(pack) != wanted)
        g_error("json_pack: expected '%c' at offset %td of \"%s\"", wanted, pack->at - pack->format, pack->format);
    pack->at++;
}

static void pack_value(Pack *pack, const char *key);

static void pack_object(Pack *pack, const char *key) {
    json_begin_object(pack->builder, key);
    while (peek(pack) != '}') {
        expect(pack, 's');
        const char *name = va_arg(pack->values, const char *);
        expect(pack, ':');
        pack_value(pack, name);
    }
    expect(pack, '}');
    json_end_object(pack->builder);
}

static void pack_array(Pack *pack, const char *key) {
    json_begin_array(pack->builder, key);
    while (peek(pack) != ']')
        pack_value(pack, NULL);
    expect(pack, ']');
    json_end_array(pack->builder);
}

static void pack_value(Pack *pack, const char *key) {
    const char type = peek(pack);
    if (type != '\0')
        pack->at++;
    switch (type) {
    case '{':
        pack_object(pack, key);
        return;
    case '[':
        pack_array(pack, key);
        return;
    case 's':
        json_add_string(pack->builder, key, va_arg(pack->values, const char *));
        return;
    case 'i':
        json_add_int(pack->builder, key, va_arg(pack->values, gint64));
        return;
    case 'd':
        json_add_double(pack->builder, key, va_arg(pack->values, double));
        return;
    case 'b':
        json_add_bool(pack->builder, key, va_arg(pack->values, gboolean));
        return;
    case 'v':
        json_add_value(pack->builder, key, va_arg(pack->values, const JsonValue *));
        return;
    case 'j':
        json_add_json(pack->builder, key, va_arg(pack->values, const Json *));
        return;
    case 'n':
        json_add_null(pack->builder, key);
        return;
    default:
        g_error("json_pack: no value at offset %td of \"%s\"", pack->at - pack->format, pack->format);
    }
}

Json *json_pack(const char *format, ...) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    Pack pack = {.builder = builder, .format = format, .at = format};
    va_start(pack.values, format);
    pack_value(&pack, NULL);
    va_end(pack.values);
    if (peek(&pack) != '\0')
        g_error("json_pack: more than one value in \"%s\"", format);
    return json_builder_end(builder);
}
