/* What packer wrote (`-machine-readable`), as people read it, and what it made. Pure; any thread. */
#pragma once
#include "base/json.h"

/* The log's text of the complete lines of packer's output; caller frees. masks: strv of secrets, replaced by "***"; or NULL. */
char *bake_log_text(const char *output, char **masks);

/* [{location, reference}] of the images that packer says it made; empty when it names none. */
Json *bake_log_images(const char *output, const char *region);
/* The image's name as the log gives it, or NULL; caller frees. text: of bake_log_text. */
char *bake_log_image_name(const char *text);
/* The last lines that tell of an error, for a message; never NULL; caller frees. */
char *bake_log_reason(const char *text);
