/* Names of packages, images and application versions (bake.md 4). Pure; any thread. */
#pragma once
#include "clouds/appversion.h"

/* Parts that a package's name does not have are NULL. */
typedef struct {
    char *name, *version, *release, *arch;
} BakePackage;
/* type: deb, rpm or nupkg in any case; anything else is read as deb. text: one package as CI calls its file, without the ending. */
void bake_package_parse(const char *type, const char *text, BakePackage *into);
void bake_package_clear(BakePackage *package);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BakePackage, bake_package_clear)

/* What the installer is told: "orders=1.4.2-h88"; the bare name without a version. Caller frees. */
char *bake_package_install(const char *type, const BakePackage *package);
/* The same for several, parted by white space, in their order. */
char *bake_packages_install(const char *type, const char *packages);

/* [name or first package, its architecture or "all", suffix, base system] joined by "-"; NULL and "" are left out. Caller frees. */
char *bake_image_name(const char *name, const BakePackage *first, const char *suffix, const char *base_os);

/* "orders-1.4.2-h88.3fa9c1/orders-build/88" from the first package and what is known of the build, or NULL when the outcome would not be
 * read as an application version. Caller frees. */
char *bake_appversion(const char *type, const BakePackage *first, const char *build_number, const char *commit, const char *job);
