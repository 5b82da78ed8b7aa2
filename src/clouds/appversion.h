/* "orders-1.4.2-h88.3fa9c1/orders-build/88": the tag by which an image says what is in it (bake.md 4). Pure; any thread. */
#pragma once
#include <glib.h>

typedef struct {
    char *package, *version, *build, *commit, *job; /* what it does not name is NULL */
} AppVersion;
gboolean appversion_parse(const char *text, AppVersion *into);
void appversion_clear(AppVersion *version);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AppVersion, appversion_clear)
