/* Saving what files hold: one thing each, or a list. Main thread. */
#pragma once
#include "cli/client.h"
#include "cli/document.h"

/* Saves one value of a document and says so (output_done); FALSE with *error, which names the document. */
typedef gboolean (*SaveOne)(Invocation *call, Client *client, const Document *document, const JsonValue *value, GError **error);
/* Everything in the command's FILE…, one after the other. What cannot be saved does not keep the rest from being saved: each failure is told at once,
 * and the exit code is that of the first. what: "pipelines", for the last message. */
int save_files(Invocation *call, SaveOne save, const char *what, GError **error);
