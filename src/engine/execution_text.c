/* Executions of lists: the API's JSON joined from the stored texts, without parsing them. Pure; any thread.
 *
 * It rests on what execution_json.c and record.c write: no white space, members in a fixed order, and quotes inside of strings
 * always escaped, so that a key with its quotes is found by searching for it. What is not of the usual shape is left to the
 * reader (execution_from_loaded). */
#include "engine/record.h"
#include <string.h>

#define CONTEXT_BEGIN ",\"context\":{"
#define TASKS_END "],\"requisiteStageRefIds\":["
#define STRIPPED ",\"context\":{},\"outputs\":{},\"tasks\":[" /* up to TASKS_END */

/* Its parts lie in the order of their rows, and nothing of them has to be looked into. */
static gboolean is_usual(const LoadedExecution *loaded, gboolean expand) {
    const ExecutionRecord *record = &loaded->record;
    if (!record->state || !g_str_has_prefix(record->state, STATE_USUAL) || !record->body || !g_str_has_prefix(record->body, "{\""))
        return FALSE;
    if (!expand && strstr(record->body, "\"parentExecution\":"))
        return FALSE;
    for (guint i = 0; i < loaded->stages->len; i++) {
        const char *text = g_array_index(loaded->stages, StageRecord, i).body;
        if (!text || strstr(text, "\"syntheticStageOwner\":"))
            return FALSE; /* it belongs beside its parent */
        if (!expand && (strstr(text, "\"group\":") || !strstr(text, CONTEXT_BEGIN) || !strstr(text, TASKS_END)))
            return FALSE;
    }
    return TRUE;
}

static void append_head(GString *text, const ExecutionRecord *record) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    execution_head_write(record, builder);
    json_add_bool(builder, "canceled", FALSE);
    json_end_object(builder);
    gsize length = 0;
    g_autofree char *object = json_builder_write(builder, &length);
    g_string_append_len(text, object, (gssize)length - 1);
}

/* The first place of a context is the stage's own: only scalars come before it. The last place behind tasks is the stage's own as
 * well: what follows holds no such key. */
static void append_stripped(GString *text, const char *stage) {
    const char *context = strstr(stage, CONTEXT_BEGIN), *tail = g_strrstr(context, TASKS_END);
    g_string_append_len(text, stage, context - stage);
    g_string_append(text, STRIPPED);
    g_string_append(text, tail);
}

char *execution_text_join(const LoadedExecution *loaded, gboolean expand, gsize *length) {
    if (!is_usual(loaded, expand))
        return NULL;
    const ExecutionRecord *record = &loaded->record;
    gsize body = strlen(record->body), most = body + 512;
    for (guint i = 0; i < loaded->stages->len; i++)
        most += strlen(g_array_index(loaded->stages, StageRecord, i).body) + 1;
    GString *text = g_string_sized_new(most);
    append_head(text, record);
    g_string_append_c(text, ',');
    g_string_append_len(text, record->body + 1, (gssize)body - 2);
    g_string_append(text, ",\"stages\":[");
    for (guint i = 0; i < loaded->stages->len; i++) {
        const char *stage = g_array_index(loaded->stages, StageRecord, i).body;
        if (i > 0)
            g_string_append_c(text, ',');
        if (expand)
            g_string_append(text, stage);
        else
            append_stripped(text, stage);
    }
    g_string_append(text, "]}");
    *length = text->len;
    return g_string_free(text, FALSE);
}
