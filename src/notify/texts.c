/* The texts of notifications (notifications.md 3 and 4). Pure. */
#include "notify/notification.h"
#include <string.h>

/* ---- pieces ---- */
char *notification_html(const char *text) {
    g_autoptr(GString) html = g_string_new(NULL);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '&')
            g_string_append(html, "&amp;");
        else if (*c == '<')
            g_string_append(html, "&lt;");
        else if (*c == '>')
            g_string_append(html, "&gt;");
        else if (*c == '"')
            g_string_append(html, "&quot;");
        else
            g_string_append_c(html, *c);
    }
    return g_string_free(g_steal_pointer(&html), FALSE);
}

/* A name in the style's own spelling. */
static void append_name(GString *into, NotificationStyle style, const char *name) {
    g_autofree char *escaped = style != STYLE_PLAIN ? notification_html(name) : NULL;
    g_string_append(into, escaped != NULL ? escaped : name);
}

static void append_link(GString *into, NotificationStyle style, const char *url, const char *text) {
    if (url == NULL || style == STYLE_PLAIN) {
        append_name(into, style, text);
        return;
    }
    g_autofree char *address = notification_html(url);
    g_string_append_printf(into, style == STYLE_SLACK ? "<%s|" : "<a href=\"%s\">", address);
    append_name(into, style, text);
    g_string_append(into, style == STYLE_SLACK ? ">" : "</a>");
}

static char *capitalized(const char *text) {
    g_autofree char *rest = g_strdup(*text != '\0' ? g_utf8_next_char(text) : "");
    g_autofree char *first = g_utf8_strup(text, rest == NULL || *text == '\0' ? 0 : g_utf8_next_char(text) - text);
    return g_strconcat(first, rest, NULL);
}

static void append_replaced(GString *into, const char *text, const char *name, const char *value) {
    g_auto(GStrv) parts = g_strsplit(text, name, -1);
    g_autofree char *joined = g_strjoinv(value, parts);
    g_string_assign(into, joined);
}

char *notification_fill(const Notification *notification, const char *text) {
    g_autoptr(GString) filled = g_string_new(NULL);
    append_replaced(filled, text, "{{executionId}}", notification->execution_id);
    g_autofree char *once = g_strdup(filled->str);
    append_replaced(filled, once, "{{link}}", notification->link != NULL ? notification->link : "");
    return g_string_free(g_steal_pointer(&filled), FALSE);
}

static const char *kind_of(const Notification *notification) {
    return notification->of_task ? "task" : "pipeline";
}

/* ---- of entries ---- */
static void append_happened(const Notification *notification, GString *into) {
    const char *status = notification->status;
    g_string_append_printf(into, "%s %s %s", kind_of(notification), strcmp(status, "starting") == 0 ? "is" : "has",
                           strcmp(status, "complete") == 0 ? "completed successfully" : status);
}

static void append_build(const Notification *notification, GString *into, NotificationStyle style) {
    g_autofree char *number = notification_build_number(notification);
    if (number == NULL)
        return;
    g_string_append(into, "build ");
    append_link(into, style, json_get_string(notification->build, "url"), number);
    g_string_append_c(into, ' ');
}

static void append_standard(const Notification *notification, GString *into, NotificationStyle style) {
    g_autofree char *application = capitalized(notification->application);
    if (notification->stage_name != NULL) {
        g_string_append(into, "Stage ");
        append_name(into, style, notification->stage_name);
        g_string_append(into, " for ");
    }
    append_name(into, style, application);
    g_string_append(into, "'s ");
    append_link(into, style, notification->link, notification->execution_name);
    g_string_append_c(into, ' ');
    append_build(notification, into, style);
    append_happened(notification, into);
}

/* What the entry adds for this event, or NULL. */
static const char *added_text(const Notification *notification) {
    g_autofree char *key = g_strdup_printf("%s.%s", notification->level, notification->status);
    const char *text = json_get_string(json_get(json_get(notification->entry, "message"), key), "text");
    return text != NULL && *text != '\0' ? text : NULL;
}

static char *text_of_event(const Notification *notification, NotificationStyle style) {
    const char *custom = notification_own(notification, "customMessage"), *added = added_text(notification);
    g_autoptr(GString) text = g_string_new(NULL);
    if (custom != NULL)
        return notification_fill(notification, custom);
    append_standard(notification, text, style);
    if (added != NULL)
        g_string_append_printf(text, "%s%s", style == STYLE_HTML ? "<br/><br/>" : "\n\n", added);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *subject_of_event(const Notification *notification) {
    g_autoptr(GString) text = g_string_new(NULL);
    if (notification->stage_name != NULL)
        g_string_append_printf(text, "Stage %s for ", notification->stage_name);
    g_string_append_printf(text, "%s's %s ", notification->application,
                           notification->of_task ? notification->execution_id : notification->execution_name);
    append_build(notification, text, STYLE_PLAIN);
    append_happened(notification, text);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* ---- of requests: a group of templates each ---- */
static const struct {
    const char *group, *outcome; /* what is said of the stage; "by" follows who judged, when it is known */
    gboolean judged;
} GROUPS[] = {
    {"manualJudgment", "is awaiting manual judgment", FALSE},
    {"manualJudgmentContinue", "was judged to continue", TRUE},
    {"manualJudgmentStop", "was judged to stop", TRUE},
};

static gssize group_of(const Notification *notification) {
    const char *group = json_get_string(notification->request, "templateGroup");
    for (gsize i = 0; i < G_N_ELEMENTS(GROUPS); i++)
        if (g_strcmp0(group, GROUPS[i].group) == 0)
            return (gssize)i;
    return -1;
}

static void append_judgement(const Notification *notification, gsize group, GString *into, NotificationStyle style) {
    const char *judge = notification_own(notification, "judgedBy");
    g_autofree char *number = notification_build_number(notification);
    g_string_append(into, "Stage ");
    append_name(into, style, notification->stage_name != NULL ? notification->stage_name : "");
    g_string_append(into, " for ");
    append_name(into, style, notification->application);
    g_string_append(into, "'s ");
    append_link(into, style, notification->link, notification->execution_name);
    g_string_append(into, " pipeline ");
    if (number != NULL)
        g_string_append_printf(into, "build %s ", number);
    g_string_append(into, GROUPS[group].outcome);
    if (GROUPS[group].judged && judge != NULL) {
        g_string_append(into, " by ");
        append_name(into, style, judge);
    }
}

static const char *first_own(const Notification *notification, const char *const *keys) {
    for (; *keys != NULL; keys++)
        if (notification_own(notification, *keys) != NULL)
            return notification_own(notification, *keys);
    return NULL;
}

static void append_part(GString *into, NotificationStyle style, const char *heading, const char *text) {
    const char *gap = style == STYLE_HTML ? "<br/><br/>" : "\n\n", *line = style == STYLE_HTML ? "<br/>" : "\n";
    if (text == NULL)
        return;
    g_string_append(into, gap);
    if (heading != NULL)
        g_string_append_printf(into, "%s%s", heading, line);
    g_string_append(into, text); /* people write it with the marks of their channel */
}

static void append_choices(const Notification *notification, GString *into, NotificationStyle style) {
    g_autoptr(GString) choices = g_string_new(NULL);
    const JsonValue *context = json_get(notification->request, "additionalContext");
    for (JsonIter i = json_iter(json_get(context, "judgmentInputs")); json_next(&i);) {
        const char *value = json_is_string(i.value) ? json_string(i.value) : json_get_string(i.value, "value");
        if (value != NULL)
            g_string_append_printf(choices, "%s%s", choices->len > 0 ? ", " : "", value);
    }
    append_part(into, style, "Choices:", choices->len > 0 ? choices->str : NULL);
}

static char *text_of_judgement(const Notification *notification, gsize group, NotificationStyle style) {
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GString) more = g_string_new(NULL);
    append_judgement(notification, group, text, style);
    append_part(text, style, NULL, notification_own(notification, "message"));
    append_part(text, style, "Instructions:", notification_own(notification, "instructions"));
    if (GROUPS[group].judged)
        append_part(text, style, "Choice:", notification_own(notification, "judgmentInput"));
    else
        append_choices(notification, text, style);
    if (notification->link != NULL) {
        append_link(more, style, notification->link, style == STYLE_PLAIN ? notification->link : "this execution");
        append_part(text, style, NULL, "For more details, visit ");
        g_string_append(text, more->str);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *text_of_request(const Notification *notification, NotificationStyle style) {
    static const char *const BODIES[] = {"customBody", "body", "message", "text", NULL};
    const char *own = notification_own(notification, "customBody");
    gssize group = group_of(notification);
    if (group >= 0 && own == NULL)
        return text_of_judgement(notification, (gsize)group, style);
    const char *text = first_own(notification, BODIES);
    return text != NULL ? notification_fill(notification, text) : notification_subject(notification);
}

static char *subject_of_request(const Notification *notification) {
    static const char *const SUBJECTS[] = {"customSubject", "subject", "message", "body", "text", NULL};
    gssize group = group_of(notification);
    const char *own = notification_own(notification, "customSubject");
    if (group >= 0 && own == NULL) {
        g_autoptr(GString) text = g_string_new(NULL);
        append_judgement(notification, (gsize)group, text, STYLE_PLAIN);
        return g_string_free(g_steal_pointer(&text), FALSE);
    }
    own = first_own(notification, SUBJECTS);
    return own != NULL ? notification_fill(notification, own) : g_strdup_printf("Notification for %s", notification->application);
}

/* ---- all ---- */
char *notification_title(const Notification *notification) {
    if (notification->request != NULL)
        return notification_subject(notification);
    g_autofree char *level = capitalized(strcmp(notification->level, "orchestration") == 0 ? "task" : notification->level);
    g_autofree char *application = g_utf8_strup(notification->application, -1);
    return g_strdup_printf("%s %s for %s", level, notification->status, application);
}

char *notification_subject(const Notification *notification) {
    if (notification->request != NULL)
        return subject_of_request(notification);
    const char *custom = notification_own(notification, "customSubject");
    return custom != NULL ? notification_fill(notification, custom) : subject_of_event(notification);
}

char *notification_text(const Notification *notification, NotificationStyle style) {
    return notification->request != NULL ? text_of_request(notification, style) : text_of_event(notification, style);
}
