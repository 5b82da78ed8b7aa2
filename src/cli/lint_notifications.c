/* Notifications for `lint`: entries of which nothing would be sent. Main thread. */
#include "cli/lint.h"
#include "notify/send.h"
#include <string.h>

static const char *const EVENTS[] = {"pipeline.starting",
                                     "pipeline.complete",
                                     "pipeline.failed",
                                     "stage.starting",
                                     "stage.complete",
                                     "stage.failed",
                                     "manualJudgment",
                                     "manualJudgmentContinue",
                                     "manualJudgmentStop",
                                     "orchestration.starting",
                                     "orchestration.complete",
                                     "orchestration.failed",
                                     NULL};

static void lint_when(Lint *lint, const Document *document, const JsonValue *entry, const char *name, gboolean judgement) {
    const JsonValue *when = json_get(entry, "when");
    g_autofree char *expected = g_strjoinv(", ", (char **)EVENTS);
    if (json_length(when) == 0 && !json_is_string(when) && !judgement)
        lint_say(lint, document->name, document_line(document, entry), LINT_NO_MEANING, name, "when is missing: nothing is ever sent");
    for (JsonIter i = json_iter(json_is_array(when) ? when : NULL); json_next(&i);) {
        const char *event = json_string(i.value);
        if (event != NULL && (strstr(event, "${") != NULL || g_strv_contains(EVENTS, event)))
            continue;
        g_autofree char *shown = json_as_text(i.value);
        g_autofree char *message = g_strdup_printf("when: %s never happens; there are %s", shown != NULL ? shown : "?", expected);
        lint_say(lint, document->name, document_line(document, i.value), LINT_UNKNOWN, name, message);
    }
}

static void lint_type(Lint *lint, const Document *document, const JsonValue *entry, const char *name) {
    const char *given = json_get_string(entry, "type");
    const NotificationType *type = notification_type_find(given);
    guint line = document_line(document, entry);
    if (given == NULL)
        lint_say(lint, document->name, line, LINT_WRONG, name, "type is missing");
    else if (type == NULL && strstr(given, "${") == NULL)
        lint_say(lint, document->name, line, LINT_UNKNOWN, name, "no notifications of this type exist: nothing is sent");
    else if (type != NULL && type->never != NULL) {
        g_autofree char *message = g_strdup_printf("nothing is sent: %s", type->never);
        lint_say(lint, document->name, line, type->comes ? LINT_NOT_YET : LINT_NO_MEANING, name, message);
    } else if (type != NULL && type->address_help != NULL && json_get(entry, "address") == NULL)
        lint_say(lint, document->name, line, LINT_WRONG, name, "address is missing");
}

void lint_notifications(Lint *lint, const Document *document, const JsonValue *list, const char *of, gboolean judgement) {
    for (JsonIter i = json_iter(json_is_array(list) ? list : NULL); json_next(&i);) {
        const char *type = json_get_string(i.value, "type");
        g_autofree char *name = g_strdup_printf("%s%snotification %" G_GSIZE_FORMAT "%s%s", of != NULL ? of : "", of != NULL ? ", " : "",
                                                i.index + 1, type != NULL ? ", " : "", type != NULL ? type : "");
        lint_type(lint, document, i.value, name);
        lint_when(lint, document, i.value, name, judgement);
    }
}
