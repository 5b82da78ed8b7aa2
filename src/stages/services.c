/* The configuration that stages see, and as whom they act. Any thread. */
#include "stages/services.h"
#include "stages/stages.h"

Config *services_config(Services *services) {
    g_mutex_lock(&services->lock);
    Config *config = config_ref(services->config);
    g_mutex_unlock(&services->lock);
    return config;
}

void services_set_config(Services *services, Config *config) {
    g_mutex_lock(&services->lock);
    Config *old = services->config;
    services->config = config_ref(config);
    g_mutex_unlock(&services->lock);
    config_unref(old);
}

Principal services_principal(const char *user) {
    static const char *const NO_ROLES[] = {NULL};
    return (Principal){.user = user != NULL ? user : "anonymous", .roles = NO_ROLES, .anonymous = user == NULL};
}
