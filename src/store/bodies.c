/* Documents as they lie in the database. Any thread: the work is done by whoever fills a unit or reads.
 *
 * A stored text is the text itself, or a zstd frame; a JSON document never begins with the first byte of a frame. */
#include "store/bodies.h"
#include <string.h>
#include <zstd.h>

#define ZSTD_LEVEL 1 /* bodies are written more often than read */
#define ZSTD_FIRST_BYTE 0x28
#define SHARED_KEY "$shared"
#define HASH_LENGTH 64

/* ---- compression ------------------------------------------------------------------------------------------------- */

Body body_pack(const char *text, gsize length) {
    Body body = {.data = text, .length = length};
    if (length <= BODY_PLAIN_MAX)
        return body;
    gsize room = ZSTD_compressBound(length);
    void *compressed = g_malloc(room);
    gsize size = ZSTD_compress(compressed, room, text, length, ZSTD_LEVEL);
    if (ZSTD_isError(size) || size > length - length / 8) {
        g_free(compressed);
        return body;
    }
    return (Body){.data = compressed, .length = size, .owned = compressed};
}

void body_clear(Body *body) {
    g_free(body->owned);
    *body = (Body){0};
}

static gboolean is_compressed(const void *bytes, gsize length) {
    return length > 0 && *(const guint8 *)bytes == ZSTD_FIRST_BYTE;
}

/* The length of the text, or -1 with an error. */
static gssize unpacked_length(const void *bytes, gsize length, GError **error) {
    if (!is_compressed(bytes, length))
        return (gssize)length;
    unsigned long long size = ZSTD_getFrameContentSize(bytes, length);
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > BODY_TEXT_MAX) {
        error_set(error, ERR_INVALID, "a stored document is damaged: restore the store from a backup");
        return -1;
    }
    return (gssize)size;
}

static gboolean unpack_to(char *into, gsize size, const void *bytes, gsize length, GError **error) {
    if (!is_compressed(bytes, length)) {
        if (length > 0)
            memcpy(into, bytes, length);
        return TRUE;
    }
    gsize got = ZSTD_decompress(into, size, bytes, length);
    if (!ZSTD_isError(got) && got == size)
        return TRUE;
    error_set(error, ERR_INVALID, "a stored document is damaged (%s): restore the store from a backup",
              ZSTD_isError(got) ? ZSTD_getErrorName(got) : "too short");
    return FALSE;
}

char *body_unpack(const void *bytes, gsize length, GError **error) {
    if (bytes == NULL)
        return NULL;
    gssize size = unpacked_length(bytes, length, error);
    if (size < 0)
        return NULL;
    g_autofree char *text = g_malloc((gsize)size + 1);
    text[size] = '\0';
    return unpack_to(text, (gsize)size, bytes, length, error) ? g_steal_pointer(&text) : NULL;
}

gboolean body_unpack_into(GStringChunk *memory, const void *bytes, gsize length, const char **text, GError **error) {
    *text = NULL;
    if (bytes == NULL)
        return TRUE;
    if (!is_compressed(bytes, length)) {
        *text = g_string_chunk_insert_len(memory, bytes, (gssize)length);
        return TRUE;
    }
    g_autofree char *unpacked = body_unpack(bytes, length, error);
    if (unpacked != NULL)
        *text = g_string_chunk_insert(memory, unpacked);
    return unpacked != NULL;
}

/* ---- shared values ----------------------------------------------------------------------------------------------- */

static const StoreStatement VALUE_PUT = {"shared.put",
                                         "INSERT INTO shared_values (hash, body) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING"};
static const StoreStatement USE_PUT = {"shared.use", "INSERT INTO shared_uses (execution_key, hash) VALUES ($1, $2) "
                                                     "ON CONFLICT (execution_key, hash) DO NOTHING"};
static const StoreStatement VALUE_GET = {"shared.get", "SELECT body FROM shared_values WHERE hash = $1"};
static const StoreStatement VALUES_FORGET = {
    "shared.forget_values", "DELETE FROM shared_values WHERE hash IN (SELECT u.hash FROM shared_uses u WHERE u.execution_key = $1 AND "
                            "NOT EXISTS (SELECT 1 FROM shared_uses o WHERE o.hash = u.hash AND o.execution_key <> $1))"};
static const StoreStatement USES_FORGET = {"shared.forget_uses", "DELETE FROM shared_uses WHERE execution_key = $1"};

typedef struct {
    StoreUnit *unit;
    gint64 execution_key;
    GString *hashes;
    guint depth; /* documents within documents */
} TakeOut;

static Json *object_take_out(TakeOut *out, const JsonValue *object);

/* Puts a marker under key in place of the value. */
static void value_take_out(TakeOut *out, JsonBuilder *builder, const char *key, const char *text, gsize length) {
    g_autofree char *hash = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, length);
    g_auto(Body) body = body_pack(text, length);
    store_unit_add(out->unit, &VALUE_PUT, (StoreValue[]){SV_TEXT(hash), SV_BYTES(body.data, body.length)}, 2);
    store_unit_add(out->unit, &USE_PUT, (StoreValue[]){SV_INT(out->execution_key), SV_TEXT(hash)}, 2);
    if (out->hashes->len > 0)
        g_string_append_c(out->hashes, ' ');
    g_string_append(out->hashes, hash);
    json_begin_object(builder, key);
    json_add_string(builder, SHARED_KEY, hash);
    json_end_object(builder);
}

static gboolean is_parent_execution(const char *key, const JsonValue *value) {
    return g_str_equal(key, "parentExecution") && json_is_object(value);
}

static void member_take_out(TakeOut *out, JsonBuilder *builder, const char *key, const JsonValue *value, gboolean look_inside) {
    g_autoptr(Json) without = NULL;
    gboolean always = is_parent_execution(key, value) && out->depth < SHARED_DEPTH_MAX;
    if (always) {
        out->depth++;
        without = object_take_out(out, value);
        out->depth--;
        value = json_root(without);
    } else if (look_inside && json_is_object(value)) {
        json_begin_object(builder, key);
        for (JsonIter i = json_iter(value); json_next(&i);)
            member_take_out(out, builder, i.key, i.value, FALSE);
        json_end_object(builder);
        return;
    }
    gsize length = 0;
    gboolean container = json_is_object(value) || json_is_array(value);
    g_autofree char *text = container || json_string_length(value) >= SHARED_VALUE_MIN ? json_write(value, &length) : NULL;
    if (text != NULL && (always || length >= SHARED_VALUE_MIN))
        value_take_out(out, builder, key, text, length);
    else
        json_add_value(builder, key, value);
}

static Json *object_take_out(TakeOut *out, const JsonValue *object) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (JsonIter i = json_iter(object); json_next(&i);)
        member_take_out(out, builder, i.key, i.value, TRUE);
    json_end_object(builder);
    return json_builder_end(builder);
}

char *shared_take_out(StoreUnit *unit, gint64 execution_key, const char *text, gsize length, char **shared) {
    *shared = NULL;
    if (length < SHARED_VALUE_MIN && strstr(text, "\"parentExecution\"") == NULL)
        return NULL;
    g_autoptr(Json) json = json_parse(text, (gssize)length, NULL);
    return shared_take_out_of(unit, execution_key, json_root(json), shared); /* what is no object is kept as it is */
}

char *shared_take_out_of(StoreUnit *unit, gint64 execution_key, const JsonValue *document, char **shared) {
    *shared = NULL;
    if (!json_is_object(document))
        return NULL;
    g_autoptr(GString) hashes = g_string_new(NULL);
    TakeOut out = {.unit = unit, .execution_key = execution_key, .hashes = hashes};
    g_autoptr(Json) without = object_take_out(&out, document);
    if (hashes->len == 0)
        return NULL;
    *shared = g_strdup(hashes->str);
    return json_write(json_root(without), NULL);
}

typedef struct {
    char *text;
    GError *error;
} ValueGot;

static gboolean value_each(const StoreRow *row, gpointer data) {
    ValueGot *got = data;
    gsize length = 0;
    const void *bytes = store_row_bytes(row, 0, &length);
    got->text = body_unpack(bytes, length, &got->error);
    return FALSE;
}

typedef struct {
    Store *store; /* whose documents are shared in memory; NULL: nothing is */
    Reader *reader;
    const char *shared; /* hashes of this document and all within it */
    guint depth;
} PutBack;

static Json *object_put_back(PutBack *back, const JsonValue *object, GError **error);

static Json *value_put_back(PutBack *back, const char *hash, GError **error);

/* A parent execution: read once for all that have it. */
static Json *parent_put_back(PutBack *back, const char *hash, GError **error) {
    Json *known = shared_cache_get(back->store->shared, hash);
    if (known != NULL)
        return known;
    g_autoptr(Json) whole = value_put_back(back, hash, error);
    if (whole == NULL)
        return NULL;
    Json *shared = json_shared(json_root(whole));
    shared_cache_put(back->store->shared, hash, shared);
    return shared;
}

/* The document behind a marker, whole. */
static Json *value_put_back(PutBack *back, const char *hash, GError **error) {
    ValueGot got = {0};
    if (!reader_run(back->reader, &VALUE_GET, (StoreValue[]){SV_TEXT(hash)}, 1, value_each, &got, error))
        return NULL;
    g_autofree char *text = got.text;
    if (got.error != NULL) {
        g_propagate_error(error, got.error);
        return NULL;
    }
    if (text == NULL || back->depth > SHARED_DEPTH_MAX) {
        error_set(error, ERR_INVALID, "a stored document is damaged (its part %s is missing): restore the store from a backup", hash);
        return NULL;
    }
    g_autoptr(Json) json = json_parse(text, -1, error);
    if (json == NULL || !json_is_object(json_root(json)) || strstr(text, "\"" SHARED_KEY "\"") == NULL)
        return g_steal_pointer(&json);
    back->depth++;
    Json *whole = object_put_back(back, json_root(json), error);
    back->depth--;
    return whole;
}

/* The hash when the value is a marker of ours. */
static const char *marker_hash(const PutBack *back, const JsonValue *value) {
    const char *hash = json_length(value) == 1 ? json_get_string(value, SHARED_KEY) : NULL;
    return hash != NULL && strlen(hash) == HASH_LENGTH && strstr(back->shared, hash) != NULL ? hash : NULL;
}

static gboolean member_put_back(PutBack *back, JsonBuilder *builder, const char *key, const JsonValue *value, gboolean look_inside,
                                GError **error) {
    const char *hash = marker_hash(back, value);
    if (hash != NULL) {
        gboolean parent = back->store != NULL && g_str_equal(key, "parentExecution");
        g_autoptr(Json) whole = parent ? parent_put_back(back, hash, error) : value_put_back(back, hash, error);
        if (whole != NULL)
            json_add_json(builder, key, whole);
        return whole != NULL;
    }
    if (!look_inside || !json_is_object(value)) {
        json_add_value(builder, key, value);
        return TRUE;
    }
    json_begin_object(builder, key);
    for (JsonIter i = json_iter(value); json_next(&i);) {
        if (!member_put_back(back, builder, i.key, i.value, FALSE, error))
            return FALSE;
    }
    json_end_object(builder);
    return TRUE;
}

static Json *object_put_back(PutBack *back, const JsonValue *object, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    for (JsonIter i = json_iter(object); json_next(&i);) {
        if (!member_put_back(back, builder, i.key, i.value, TRUE, error))
            return NULL;
    }
    json_end_object(builder);
    return json_builder_end(builder);
}

char *shared_put_back(Reader *reader, const char *text, const char *shared, GError **error) {
    PutBack back = {.reader = reader, .shared = shared};
    g_autoptr(Json) json = json_parse(text, -1, error);
    g_autoptr(Json) whole = json != NULL ? object_put_back(&back, json_root(json), error) : NULL;
    return whole != NULL ? json_write(json_root(whole), NULL) : NULL;
}

Json *shared_put_back_document(Store *store, Reader *reader, const char *text, const char *shared, GError **error) {
    PutBack back = {.store = store, .reader = reader, .shared = shared};
    g_autoptr(Json) json = json_parse(text, -1, error);
    return json != NULL ? object_put_back(&back, json_root(json), error) : NULL;
}

void shared_forget(StoreUnit *unit, gint64 execution_key) {
    StoreValue key[] = {SV_INT(execution_key)};
    store_unit_add(unit, &VALUES_FORGET, key, 1);
    store_unit_add(unit, &USES_FORGET, key, 1);
}
