/* Rendering: the run over the blocks, and what bounds it. */
#include "templates/jinja_internal.h"
#include <string.h>

/* ---- bounds and memory ---- */
void jinja_fail(Jinja *jinja, ErrorCode code, const char *format, ...) {
    if (jinja->error != NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    error_set(&jinja->error, code, "line %u: %s", jinja->line, text);
}

gboolean jinja_step(Jinja *jinja, guint64 steps) {
    jinja->steps += steps;
    if (jinja->steps > jinja->steps_max)
        jinja_fail(jinja, ERR_LIMIT, "the template needs more than %" G_GUINT64_FORMAT " steps", jinja->steps_max);
    return jinja->error == NULL;
}

gboolean jinja_enter(Jinja *jinja) {
    if (jinja->error != NULL)
        return FALSE;
    if (jinja->depth >= JINJA_DEPTH_MAX) {
        jinja_fail(jinja, ERR_LIMIT, "more than %d levels inside each other", JINJA_DEPTH_MAX);
        return FALSE;
    }
    jinja->depth++;
    return TRUE;
}

gpointer jinja_alloc(Jinja *jinja, gsize size) {
    gpointer memory = g_malloc0(size);
    g_ptr_array_add(jinja->memory, memory);
    return memory;
}

const char *jinja_text(Jinja *jinja, const char *text, gsize length) {
    char *copy = jinja_alloc(jinja, length + 1);
    memcpy(copy, text, length);
    return copy;
}

const JsonValue *jinja_keep(Jinja *jinja, Json *json) {
    if (json == NULL)
        return NULL;
    g_ptr_array_add(jinja->documents, json);
    jinja->used += json_memory(json);
    if (jinja->used > JINJA_MEMORY_MAX)
        jinja_fail(jinja, ERR_LIMIT, "the template needs more than %d bytes of memory", JINJA_MEMORY_MAX);
    return json_root(json);
}

/* ---- blocks ---- */
static void render_blocks(Jinja *jinja, const JinjaBlock *block);

static void write_out(Jinja *jinja, const char *text) {
    if (jinja->output->len + strlen(text) > jinja->output_max)
        jinja_fail(jinja, ERR_LIMIT, "the template makes more than %" G_GSIZE_FORMAT " bytes", jinja->output_max);
    else
        g_string_append(jinja->output, text);
}

static void define(Jinja *jinja, const char *name, const JsonValue *value) {
    g_hash_table_insert(jinja->scopes->pdata[jinja->scopes->len - 1], (gpointer)name, (gpointer)value);
}

static void render_turn(Jinja *jinja, const JinjaBlock *block, const JsonIter *turn, gsize length) {
    const JsonValue *pair = json_is_array(turn->value) && turn->key == NULL && block->second != NULL ? turn->value : NULL;
    const JsonValue *key = turn->key != NULL ? jinja_keep(jinja, json_from_string(turn->key)) : json_at(pair, 0);
    gint64 index = (gint64)turn->index;
    define(jinja, block->text, block->second != NULL || turn->key != NULL ? key : turn->value);
    if (block->second != NULL)
        define(jinja, block->second, pair != NULL ? json_at(pair, 1) : turn->value);
    define(jinja, "loop",
           jinja_keep(jinja, json_pack("{s:i, s:i, s:b, s:b, s:i}", "index", index + 1, "index0", index, "first", index == 0, "last",
                                       turn->index + 1 == length, "length", (gint64)length)));
    render_blocks(jinja, block->body);
}

static void render_for(Jinja *jinja, const JinjaBlock *block) {
    const JsonValue *list = jinja_evaluate(jinja, block->expression);
    if (jinja->error != NULL)
        return;
    if (json_length(list) == 0) {
        render_blocks(jinja, block->otherwise);
        return;
    }
    g_ptr_array_add(jinja->scopes, g_hash_table_new(g_str_hash, g_str_equal));
    for (JsonIter i = json_iter(list); jinja_step(jinja, 1) && json_next(&i);)
        render_turn(jinja, block, &i, json_length(list));
    g_ptr_array_set_size(jinja->scopes, (gint)jinja->scopes->len - 1);
}

/* Everything there is a name for, an object. */
static const JsonValue *whole_scope(Jinja *jinja) {
    g_autoptr(Json) all = jinja->context != NULL ? json_copy(jinja->context) : json_empty_object();
    for (guint s = 0; s < jinja->scopes->len; s++) {
        GHashTableIter iter;
        gpointer name = NULL, value = NULL;
        g_hash_table_iter_init(&iter, jinja->scopes->pdata[s]);
        while (g_hash_table_iter_next(&iter, &name, &value)) {
            Json *next = json_with(json_root(all), name, value);
            json_unref(all);
            all = next;
        }
    }
    return jinja_keep(jinja, g_steal_pointer(&all));
}

static void render_tag(Jinja *jinja, const JinjaBlock *block) {
    const JsonValue *arguments = jinja_evaluate(jinja, block->expression);
    const JsonValue *scope = jinja->error == NULL ? whole_scope(jinja) : NULL;
    g_autoptr(GError) failure = NULL;
    if (jinja->error != NULL)
        return;
    g_autofree char *text = block->tag->render(arguments, scope, jinja->options->data, &failure);
    if (text == NULL)
        jinja_fail(jinja, error_code(failure), "%s: %s", block->text, failure->message);
    else
        write_out(jinja, text);
}

static void render_if(Jinja *jinja, const JinjaBlock *block) {
    gboolean yes = jinja_is_true(jinja_evaluate(jinja, block->expression));
    if (jinja->error == NULL)
        render_blocks(jinja, yes ? block->body : block->otherwise);
}

static void render_output(Jinja *jinja, const JinjaBlock *block) {
    g_autofree char *text = jinja_as_text(jinja_evaluate(jinja, block->expression));
    if (jinja->error == NULL)
        write_out(jinja, text);
}

static void render_set(Jinja *jinja, const JinjaBlock *block) {
    const JsonValue *value = jinja_evaluate(jinja, block->expression);
    if (jinja->error == NULL)
        define(jinja, block->text, value);
}

static void render_text(Jinja *jinja, const JinjaBlock *block) {
    write_out(jinja, block->text);
}

static void render_blocks(Jinja *jinja, const JinjaBlock *block) {
    static void (*const KINDS[])(Jinja * jinja, const JinjaBlock *block) = {
        [BLOCK_TEXT] = render_text, [BLOCK_OUTPUT] = render_output, [BLOCK_IF] = render_if,
        [BLOCK_FOR] = render_for,   [BLOCK_SET] = render_set,       [BLOCK_TAG] = render_tag,
    };
    for (; block != NULL && jinja->error == NULL; block = block->next) {
        jinja->line = block->line;
        KINDS[block->kind](jinja, block);
    }
}

gboolean jinja_applies_to(const char *text) {
    return strstr(text, "{{") != NULL || strstr(text, "{%") != NULL || strstr(text, "{#") != NULL;
}

char *jinja_render(const char *template, const JsonValue *context, const JinjaOptions *options, GError **error) {
    static const JinjaOptions NONE = {0};
    if (strlen(template) > JINJA_TEMPLATE_MAX) {
        error_set(error, ERR_LIMIT, "the template is longer than %d bytes", JINJA_TEMPLATE_MAX);
        return NULL;
    }
    Jinja jinja = {.options = options != NULL ? options : &NONE, .context = context};
    jinja.output_max = jinja.options->output_max > 0 ? jinja.options->output_max : JINJA_OUTPUT_MAX;
    jinja.steps_max = jinja.options->steps_max > 0 ? jinja.options->steps_max : JINJA_STEPS_MAX;
    jinja.memory = g_ptr_array_new_with_free_func(g_free);
    jinja.documents = g_ptr_array_new_with_free_func((GDestroyNotify)json_unref);
    jinja.scopes = g_ptr_array_new_with_free_func((GDestroyNotify)g_hash_table_unref);
    jinja.output = g_string_new(NULL);
    g_ptr_array_add(jinja.scopes, g_hash_table_new(g_str_hash, g_str_equal));
    const JinjaBlock *blocks = jinja_parse(&jinja, template);
    render_blocks(&jinja, blocks);
    g_ptr_array_unref(jinja.scopes);
    g_ptr_array_unref(jinja.documents);
    g_ptr_array_unref(jinja.memory);
    char *text = g_string_free(jinja.output, jinja.error != NULL);
    if (jinja.error != NULL)
        g_propagate_error(error, jinja.error);
    return text;
}
