/* The default data folder. */
#include "cli/folder.h"
#include <glib.h>

char *data_folder_otherwise(void) {
    return g_build_filename(g_get_user_data_dir(), "gennaker", NULL);
}
