/* The files of one try of a bake: templates, variables, and packer's command (bake.md 3, 5). Any thread.
 *
 * Below the try's folder lies `files/`: a link to everything in the user's folder of templates, and our own templates where the user
 * has none of that name. It is what templates get as `configDir`. */
#pragma once
#include "bake/child_folder.h"
#include "bake/settings.h"

#define BAKE_OPERATION_TAG "gennaker:operation"
#define BAKE_USER_FILES_MAX 1000            /* entries of the user's folder of templates */
#define BAKE_TEMPLATE_MAX (4 * 1024 * 1024) /* bytes of a template that is read for its variables; a larger one gets them all */

typedef struct {
    char *template, *var_file; /* names; var_file may be NULL */
    Json *variables;
} BakeFiles;

/* Fills the folder; argv and environ (strv, caller frees) are what to run. ERR_NOT_FOUND: no such template. */
gboolean bake_files_prepare(const char *folder, const BakeSettings *settings, const BakeFiles *files, const char *operation_id,
                            char ***argv, char ***environ_, GError **error);
/* Removes all but what the child wrote. */
void bake_files_tidy(const char *folder);

/* Names of the variables that a template declares, or NULL when it cannot be read. Set of owned names; caller unrefs. */
GHashTable *bake_template_variables(const char *name, const char *text);
/* The JSON template with the tag on the instances of its Amazon builders, NULL when there is nothing to add. */
Json *bake_template_tagged(const JsonValue *template, const char *operation_id);
/* Removes a folder and what is in it, without following links. */
void bake_folder_remove(const char *folder);
