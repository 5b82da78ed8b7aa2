/* How long logs of bakes are kept: by the age of the file, whatever its bake. Any thread. */
#include "bake/files.h"
#include "bake/internal.h"
#include "base/log.h"
#include <glib/gstdio.h>

static gboolean is_old(const char *folder, gint64 before_s) {
    g_autofree char *log = g_build_filename(folder, "log", NULL);
    GStatBuf info;
    return g_stat(log, &info) == 0 && info.st_mtim.tv_sec < before_s;
}

void bakery_drop_old_logs(Bakery *bakery, gint64 now_ms) {
    g_autoptr(GDir) dir = g_dir_open(bakery->folder, 0, NULL);
    gint64 before_s = now_ms / 1000 - (gint64)BAKE_LOGS_KEPT_DAYS * 24 * 3600;
    guint dropped = 0;
    for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *folder = g_build_filename(bakery->folder, name, NULL);
        if (!is_old(folder, before_s))
            continue;
        bake_folder_remove(folder);
        dropped++;
    }
    if (dropped > 0)
        log_info("bake", "dropped the logs of %u bakes that are older than %d days", dropped, BAKE_LOGS_KEPT_DAYS);
}
