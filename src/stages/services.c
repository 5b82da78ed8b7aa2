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

Principal *services_principal_of(Services *services, const char *user) {
    if (services->principal_of != NULL)
        return services->principal_of(user, services->principal_data);
    Principal *open = g_new0(Principal, 1);
    open->user = g_strdup(user != NULL ? user : "anonymous");
    open->roles = (const char *const *)g_new0(char *, 1);
    open->anonymous = user == NULL;
    return open;
}

void services_principal_free(Principal *principal) {
    if (principal == NULL)
        return;
    g_free((char *)principal->user);
    g_strfreev((char **)principal->roles);
    g_free(principal);
}
