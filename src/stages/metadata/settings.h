/* Settings of stages that change what is stored. Any thread. */
#pragma once
#include "base/config.h"

extern const ConfigSection *const metadata_config_sections[];

/* The address of the API of github, gitlab or bitbucket, without a slash at its end; caller frees. */
char *repository_base_url(Config *config, const char *type, GError **error);
