/* What the files of config_lint share. Only for src/base/config*.c. */
#pragma once
#include "base/config.h"

typedef struct {
    int services;     /* or-ed ConfigService */
    const char *path; /* it and all below */
    const char *reason;
    gboolean not_yet; /* it will have a meaning */
} ConfigMeaningless;
extern const ConfigMeaningless config_meaningless[]; /* ended by a NULL path */

/* One parameter of a section, at its whole path. */
typedef struct {
    const ConfigSection *section;
    const Param *param;
    char *path;      /* as it is documented */
    char *canonical; /* config_canonical(path) */
} ConfigKnown;
