/* Saving what files hold (saving.h). */
#include "cli/saving.h"
#include "cli/output.h"
#include <stdio.h>

typedef struct {
    Invocation *call;
    Client *client;
    SaveOne save;
    guint tried, failed;
    GError *held; /* the last failure: told before the next thing is tried, or as the command's own */
    ErrorCode first;
} Saving;

static void tell_held(Saving *saving) {
    if (saving->held != NULL)
        output_problem(saving->held->message);
    g_clear_error(&saving->held);
}

static void note_failure(Saving *saving, GError *error) {
    if (saving->failed++ == 0)
        saving->first = error_code(error);
    saving->held = error;
}

static void save_value(Saving *saving, const Document *document, const JsonValue *value) {
    GError *error = NULL;
    tell_held(saving);
    saving->tried++;
    if (!saving->save(saving->call, saving->client, document, value, &error))
        note_failure(saving, error);
}

static void save_document(Saving *saving, const char *path) {
    GError *error = NULL;
    g_autoptr(Document) document = document_read(path, &error);
    if (document == NULL) {
        tell_held(saving);
        saving->tried++;
        note_failure(saving, error);
        return;
    }
    const JsonValue *root = json_root(document->json);
    if (!json_is_array(root))
        save_value(saving, document, root);
    for (JsonIter i = json_iter(json_is_array(root) ? root : NULL); json_next(&i);)
        save_value(saving, document, i.value);
}

int save_files(Invocation *call, SaveOne save, const char *what, GError **error) {
    g_autoptr(Client) client = client_new(call, error);
    Saving saving = {.call = call, .client = client, .save = save};
    if (client == NULL)
        return 1;
    for (const char *const *path = invocation_arguments(call, "FILE"); *path != NULL; path++)
        save_document(&saving, *path);
    if (saving.failed == 0)
        return 0;
    if (saving.tried == 1) {
        g_propagate_error(error, saving.held);
        return 1;
    }
    tell_held(&saving);
    error_set(error, saving.first, "%u of %u %s could not be saved", saving.failed, saving.tried, what);
    return 1;
}
