/* What the configuration says of deployments. */
#pragma once
#include "stages/stages.h"

typedef struct {
    gint64 disable_cluster_min_ms;      /* how long a disabled cluster is waited for at least */
    gboolean resolve_missing_locations; /* findImage: where the cluster is missing, look for its image by name */
    double guard_min_ratio;             /* traffic guards: the share of instances up that must be left */
} DeploySettings;
/* The values now. A value that makes no sense counts as absent. */
DeploySettings deploy_settings(Services *services);

extern const ConfigSection *const deploy_config_sections[]; /* NULL-terminated */
