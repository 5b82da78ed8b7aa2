/* UUID, Random, URLEncoder. */
#include "expr/class.h"
#include <openssl/evp.h>

#define ARGUMENTS ExprContext *context, const ExprValue *self, const ExprValue *const *arguments, guint n
#define UNUSED_N (void)n
#define UNUSED_ARGUMENTS ((void)arguments, (void)n)

/* ---- Random: java.util.Random's generator ---- */

#define RANDOM_MULTIPLIER G_GUINT64_CONSTANT(0x5DEECE66D)
#define RANDOM_MASK ((G_GUINT64_CONSTANT(1) << 48) - 1)

static const ExprValue *random_from(ExprContext *context, guint64 seed) {
    guint64 *state = EXPR_NEW(context, guint64);
    *state = (seed ^ RANDOM_MULTIPLIER) & RANDOM_MASK;
    ExprValue *value = EXPR_NEW(context, ExprValue);
    value->type = EXPR_OBJECT;
    value->object.class = &expr_class_random;
    value->object.instance = state;
    return value;
}

static gint32 next_bits(const ExprValue *self, guint bits) {
    guint64 *state = (guint64 *)self->object.instance;
    *state = (*state * RANDOM_MULTIPLIER + 0xB) & RANDOM_MASK;
    return (gint32)(*state >> (48 - bits));
}

static const ExprValue *random_new(ARGUMENTS) {
    (void)self;
    return random_from(context, n == 1 ? (guint64)arguments[0]->integer : context->options->random);
}

static const ExprValue *random_next_int(ARGUMENTS) {
    if (n == 0)
        return expr_integer(context, EXPR_INT, next_bits(self, 32));
    const gint32 bound = (gint32)arguments[0]->integer;
    if (bound <= 0)
        return expr_raise(context, EXCEPTION_ARGUMENT, "bound must be positive");
    if ((bound & -bound) == bound)
        return expr_integer(context, EXPR_INT, (gint32)(((gint64)bound * next_bits(self, 31)) >> 31));
    gint32 bits, value;
    do {
        bits = next_bits(self, 31);
        value = bits % bound;
    } while ((gint64)bits - value + (bound - 1) > G_MAXINT32 && expr_charge(context, 1));
    return context->failed ? NULL : expr_integer(context, EXPR_INT, value);
}

static const ExprValue *random_next_long(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    const gint32 high = next_bits(self, 32), low = next_bits(self, 32);
    return expr_integer(context, EXPR_LONG, (gint64)(((guint64)(gint64)high << 32) + (guint64)(gint64)low));
}

static const ExprValue *random_next_double(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    const gint32 high = next_bits(self, 26), low = next_bits(self, 27);
    return expr_double(context, (double)(((gint64)high << 27) + low) * 0x1p-53);
}

static const ExprValue *random_next_boolean(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    (void)context;
    return expr_bool(next_bits(self, 1) != 0);
}

static const ExprMethod random_methods[] = {
    {"nextBoolean", "", random_next_boolean}, {"nextDouble", "", random_next_double}, {"nextInt", "", random_next_int},
    {"nextInt", "i", random_next_int},        {"nextLong", "", random_next_long},     {NULL, NULL, NULL},
};
static const ExprMethod random_constructors[] = {{"new", "", random_new}, {"new", "l", random_new}, {NULL, NULL, NULL}};
const ExprClass expr_class_random = {.name = "java.util.Random",
                                     .nameable = TRUE,
                                     .methods = random_methods,
                                     .constructors = random_constructors,
                                     .parent = &expr_class_object};

/* ---- UUID ---- */

static void uuid_text(ExprContext *context, const ExprValue *self, GString *into) {
    (void)context;
    const guint64 high = (guint64)self->object.first, low = (guint64)self->object.second;
    g_string_append_printf(into, "%08x-%04x-%04x-%04x-%012" G_GINT64_MODIFIER "x", (guint)(high >> 32), (guint)(high >> 16 & 0xFFFF),
                           (guint)(high & 0xFFFF), (guint)(low >> 48), low & G_GUINT64_CONSTANT(0xFFFFFFFFFFFF));
}

static guint64 mixed(guint64 *state) {
    guint64 z = (*state += G_GUINT64_CONSTANT(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static const ExprValue *uuid_of_bits(ExprContext *context, guint64 high, guint64 low, guint version) {
    high = (high & ~G_GUINT64_CONSTANT(0xF000)) | (guint64)version << 12;
    low = (low & (G_MAXUINT64 >> 2)) | G_GUINT64_CONSTANT(0x8000000000000000);
    return expr_new_object(context, &expr_class_uuid, (gint64)high, (gint64)low);
}

/* From the evaluation's random number, another one each time. */
static const ExprValue *uuid_random(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    (void)self;
    guint64 state = context->options->random + context->steps;
    const guint64 high = mixed(&state), low = mixed(&state);
    return uuid_of_bits(context, high, low, 4);
}

static gboolean read_hex_groups(const char *text, guint64 groups[static 5]) {
    g_auto(GStrv) parts = g_strsplit(text, "-", -1);
    if (g_strv_length(parts) != 5)
        return FALSE;
    for (guint i = 0; i < 5; i++)
        if (strlen(parts[i]) > 12 || !g_ascii_string_to_unsigned(parts[i], 16, 0, G_MAXUINT64, &groups[i], NULL))
            return FALSE;
    return TRUE;
}

static const ExprValue *uuid_from_string(ARGUMENTS) {
    UNUSED_N;
    (void)self;
    guint64 groups[5];
    const char *text = arguments[0]->type == EXPR_STRING ? arguments[0]->string.text : "null";
    if (strlen(text) > 36 || !read_hex_groups(text, groups))
        return expr_raise(context, EXCEPTION_ARGUMENT, "Invalid UUID string: %.50s", text);
    const guint64 high = groups[0] << 32 | (groups[1] & 0xFFFF) << 16 | (groups[2] & 0xFFFF);
    const guint64 low = groups[3] << 48 | (groups[4] & G_GUINT64_CONSTANT(0xFFFFFFFFFFFF));
    return expr_new_object(context, &expr_class_uuid, (gint64)high, (gint64)low);
}

static guint64 big_endian(const guchar *bytes) {
    guint64 number = 0;
    for (guint i = 0; i < 8; i++)
        number = number << 8 | bytes[i];
    return number;
}

static const ExprValue *uuid_of_name(ARGUMENTS) {
    UNUSED_N;
    (void)self;
    if (arguments[0]->type == EXPR_NULL)
        return expr_raise(context, EXCEPTION_NULL_POINTER, "The bytes are null");
    const ExprItems *items = expr_items(context, arguments[0]);
    g_autofree guchar *bytes = g_malloc(items->count + 1);
    for (guint i = 0; i < items->count; i++)
        bytes[i] = (guchar)items->at[i]->integer;
    guchar digest[EVP_MAX_MD_SIZE];
    guint size = 0;
    if (!EVP_Digest(bytes, items->count, digest, &size, EVP_md5(), NULL) || size != 16)
        return expr_raise(context, EXCEPTION_UNSUPPORTED, "MD5 is not available");
    return uuid_of_bits(context, big_endian(digest), big_endian(digest + 8), 3);
}

static const ExprValue *uuid_new(ARGUMENTS) {
    UNUSED_N;
    (void)self;
    return expr_new_object(context, &expr_class_uuid, arguments[0]->integer, arguments[1]->integer);
}

static const ExprValue *uuid_most(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_integer(context, EXPR_LONG, self->object.first);
}

static const ExprValue *uuid_least(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_integer(context, EXPR_LONG, self->object.second);
}

static const ExprValue *uuid_version(ARGUMENTS) {
    UNUSED_ARGUMENTS;
    return expr_int(context, self->object.first >> 12 & 0xF);
}

static const ExprValue *uuid_compare_to(ARGUMENTS) {
    UNUSED_N;
    int order;
    return expr_compare(context, self, arguments[0], &order) ? expr_int(context, order) : NULL;
}

static const ExprMethod uuid_methods[] = {
    {"compareTo", "u", uuid_compare_to},
    {"getLeastSignificantBits", "", uuid_least},
    {"getMostSignificantBits", "", uuid_most},
    {"version", "", uuid_version},
    {NULL, NULL, NULL},
};
static const ExprMethod uuid_statics[] = {
    {"fromString", "s", uuid_from_string}, {"nameUUIDFromBytes", "y", uuid_of_name}, {"randomUUID", "", uuid_random}, {NULL, NULL, NULL}};
static const ExprMethod uuid_constructors[] = {{"new", "ll", uuid_new}, {NULL, NULL, NULL}};
const ExprClass expr_class_uuid = {
    .name = "java.util.UUID",
    .nameable = TRUE,
    .methods = uuid_methods,
    .statics = uuid_statics,
    .constructors = uuid_constructors,
    .parent = &expr_class_object,
    .text = uuid_text,
    .is_text = TRUE,
    .comparable = TRUE,
};

/* ---- URLEncoder: form encoding ---- */

static const ExprValue *url_encode(ARGUMENTS) {
    (void)self;
    for (guint i = 0; i < n; i++)
        if (arguments[i]->type == EXPR_NULL)
            return expr_raise(context, EXCEPTION_NULL_POINTER, "An argument of the method is null");
    if (n == 2 && g_ascii_strcasecmp(arguments[1]->string.text, "UTF-8") != 0 && g_ascii_strcasecmp(arguments[1]->string.text, "UTF8") != 0)
        return expr_raise(context, EXCEPTION_ARGUMENT, "%.50s: the only character set here is UTF-8", arguments[1]->string.text);
    g_autoptr(GString) text = g_string_new(NULL);
    for (gsize i = 0; i < arguments[0]->string.length; i++) {
        const char c = arguments[0]->string.text[i];
        if (g_ascii_isalnum(c) || (c && strchr(".-*_", c)))
            g_string_append_c(text, c);
        else if (c == ' ')
            g_string_append_c(text, '+');
        else
            g_string_append_printf(text, "%%%02X", (guint)(guchar)c);
    }
    return expr_text_copy(context, text->str, text->len);
}

static const ExprMethod url_encoder_statics[] = {{"encode", "s", url_encode}, {"encode", "ss", url_encode}, {NULL, NULL, NULL}};
const ExprClass expr_class_url_encoder = {
    .name = "java.net.URLEncoder", .nameable = TRUE, .statics = url_encoder_statics, .parent = &expr_class_object};
