/* Notifications as documents, opened. The texts are in texts.c. Pure. */
#include "notify/notification.h"
#include "engine/graph.h"
#include <string.h>

/* ---- making ---- */
static void add_trigger(JsonBuilder *builder, const JsonValue *trigger) {
    static const char *const KEPT[] = {"type", "source", "project", "slug", "hash", "branch", "buildNumber", "user"};
    static const char *const BUILD[] = {"name", "number", "url", "scm"};
    const JsonValue *build = json_get(trigger, "buildInfo");
    json_begin_object(builder, "trigger");
    for (gsize i = 0; i < G_N_ELEMENTS(KEPT); i++)
        json_add_value(builder, KEPT[i], json_get(trigger, KEPT[i]));
    if (json_is_object(build)) {
        json_begin_object(builder, "buildInfo");
        for (gsize i = 0; i < G_N_ELEMENTS(BUILD); i++)
            json_add_value(builder, BUILD[i], json_get(build, BUILD[i]));
        json_end_object(builder);
    }
    json_end_object(builder);
}

static void add_execution(JsonBuilder *builder, const Execution *execution) {
    json_begin_object(builder, "execution");
    json_add_string(builder, "type", execution_type_name(execution->type));
    json_add_string(builder, "id", execution->id);
    json_add_string(builder, "application", execution->application);
    json_add_string(builder, "name", execution->name);
    json_add_string(builder, "description", execution->description);
    add_trigger(builder, json_root(execution->trigger));
    json_end_object(builder);
}

/* Where it stands among the stages that people see. */
static gint64 index_of(const Execution *execution, const Stage *stage) {
    gint64 index = 0;
    for (guint i = 0; i < execution->stages->len; i++) {
        const Stage *other = execution_stage_at(execution, i);
        if (other == stage)
            break;
        index += other->owner == OWNER_NONE;
    }
    return index;
}

static void add_stage(JsonBuilder *builder, const Execution *execution, const Stage *stage) {
    static const char *const KEPT[] = {"customMessage", "customSubject", "customBody"};
    json_begin_object(builder, "stage");
    json_add_string(builder, "name", stage->name);
    json_add_int(builder, "index", index_of(execution, stage));
    for (gsize i = 0; i < G_N_ELEMENTS(KEPT); i++)
        json_add_value(builder, KEPT[i], json_get(json_root(stage->context), KEPT[i]));
    json_end_object(builder);
}

Json *notification_of_event(const char *key, const JsonValue *entry, const Execution *execution, const Stage *stage, const char *status,
                            gint64 now_ms) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    const char *level = stage != NULL ? "stage" : execution->type == EXECUTION_PIPELINE ? "pipeline" : "orchestration";
    json_begin_object(builder, NULL);
    json_add_string(builder, "key", key);
    json_add_string(builder, "type", json_get_string(entry, "type"));
    json_add_int(builder, "created", now_ms);
    json_add_value(builder, "entry", entry);
    json_add_string(builder, "level", level);
    json_add_string(builder, "status", status);
    add_execution(builder, execution);
    if (stage != NULL)
        add_stage(builder, execution, stage);
    json_end_object(builder);
    return json_builder_end(builder);
}

Json *notification_of_request(const char *key, const char *type, const JsonValue *request, const char *const *to, const char *const *cc,
                              gint64 now_ms) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    json_add_string(builder, "key", key);
    json_add_string(builder, "type", type);
    json_add_int(builder, "created", now_ms);
    json_add_strings(builder, "to", to);
    json_add_strings(builder, "cc", cc);
    json_add_value(builder, "request", request);
    json_end_object(builder);
    return json_builder_end(builder);
}

Json *notification_execution(const Execution *execution) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_begin_object(builder, NULL);
    add_execution(builder, execution);
    json_end_object(builder);
    g_autoptr(Json) whole = json_builder_end(builder);
    return json_copy(json_get(json_root(whole), "execution"));
}

/* ---- opening ---- */
static char **one_text(const char *text) {
    char **list = g_new0(char *, 2);
    if (text != NULL && *text != '\0')
        list[0] = g_strstrip(g_strdup(text));
    return list;
}

static char **texts_of(const JsonValue *list) {
    GPtrArray *texts = g_ptr_array_new();
    for (JsonIter i = json_iter(json_is_array(list) ? list : NULL); json_next(&i);)
        if (json_string(i.value) != NULL)
            g_ptr_array_add(texts, g_strdup(json_string(i.value)));
    g_ptr_array_add(texts, NULL);
    return (char **)g_ptr_array_free(texts, FALSE);
}

static const char *text_or_empty(const JsonValue *object, const char *key) {
    const char *text = json_get_string(object, key);
    return text != NULL ? text : "";
}

static char *link_of(const Notification *notification, const char *base_url) {
    if (*notification->application == '\0' || *notification->execution_id == '\0')
        return NULL;
    return g_strdup_printf("%s/#/applications/%s/%s/%s", base_url, notification->application,
                           notification->of_task ? "tasks" : "executions/details", notification->execution_id);
}

static void open_event(Notification *into, const JsonValue *document) {
    const JsonValue *execution = json_get(document, "execution");
    into->stage = json_get(document, "stage");
    into->to = one_text(json_get_string(into->entry, "address"));
    into->cc = one_text(json_get_string(into->entry, "cc"));
    into->level = text_or_empty(document, "level");
    into->status = text_or_empty(document, "status");
    into->application = text_or_empty(execution, "application");
    into->execution_id = text_or_empty(execution, "id");
    into->description = json_get_string(execution, "description");
    into->execution_name = json_get_string(execution, "name");
    if (into->execution_name == NULL)
        into->execution_name = into->description != NULL ? into->description : "";
    into->stage_name = json_get_string(into->stage, "name");
    into->stage_index = json_get_int(into->stage, "index", 0);
    into->of_task = g_strcmp0(json_get_string(execution, "type"), execution_type_name(EXECUTION_ORCHESTRATION)) == 0;
    into->trigger = json_get(execution, "trigger");
}

static void open_request(Notification *into, const JsonValue *document) {
    const JsonValue *source = json_get(into->request, "source"), *context = json_get(into->request, "additionalContext");
    const JsonValue *execution = json_get(context, "execution");
    const char *type = json_get_string(source, "executionType");
    into->to = texts_of(json_get(document, "to"));
    into->cc = texts_of(json_get(document, "cc"));
    into->application = json_get_string(source, "application") != NULL ? json_get_string(source, "application") : "";
    into->execution_id = text_or_empty(source, "executionId");
    into->execution_name = text_or_empty(execution, "name");
    into->stage_name = json_get_string(context, "stageName");
    into->of_task = type != NULL && g_ascii_strcasecmp(type, execution_type_name(EXECUTION_ORCHESTRATION)) == 0;
    into->trigger = json_get(execution, "trigger");
}

void notification_open(Notification *notification, const JsonValue *document, const char *base_url) {
    *notification = (Notification){
        .key = text_or_empty(document, "key"),
        .type = text_or_empty(document, "type"),
        .created_ms = json_get_int(document, "created", 0),
        .entry = json_get(document, "entry"),
        .request = json_get(document, "request"),
    };
    if (notification->request != NULL)
        open_request(notification, document);
    else
        open_event(notification, document);
    notification->build = json_get(notification->trigger, "buildInfo");
    notification->link = link_of(notification, base_url);
}

void notification_clear(Notification *notification) {
    g_strfreev(notification->to);
    g_strfreev(notification->cc);
    g_free(notification->link);
    *notification = (Notification){0};
}

const char *notification_own(const Notification *notification, const char *key) {
    const char *text = json_get_string(notification->entry, key);
    if (text == NULL)
        text = json_get_string(notification->stage, key);
    if (text == NULL)
        text = json_get_string(json_get(notification->request, "additionalContext"), key);
    return text != NULL && *text != '\0' ? text : NULL;
}

char *notification_build_number(const Notification *notification) {
    const JsonValue *number = json_get(notification->build, "number");
    gint64 whole = json_int(number, G_MININT64);
    if (whole != G_MININT64)
        return g_strdup_printf("#%" G_GINT64_FORMAT, whole);
    g_autofree char *text = json_as_text(number);
    return text != NULL ? g_strconcat("#", text, NULL) : NULL;
}
