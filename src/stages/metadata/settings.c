/* Settings of stages that change what is stored (settings.h). */
#include "stages/metadata/settings.h"
#include "base/error.h"
#include <stddef.h>
#include <string.h>

typedef struct {
    char *base_url;
} Repository;

#define REPOSITORY(variable, prefix_, address, what)                                                                                       \
    static const Param variable##_params[] = {                                                                                             \
        {.name = "baseUrl",                                                                                                                \
         .type = PARAM_STRING,                                                                                                             \
         .offset = offsetof(Repository, base_url),                                                                                         \
         .otherwise = "\"" address "\"",                                                                                                   \
         .help = "Address of its API, from which importDeliveryConfig stages read manifests."},                                            \
        {0},                                                                                                                               \
    };                                                                                                                                     \
    static const ConfigSection variable##_section = {SERVICE_IGOR, prefix_, variable##_params, what}
REPOSITORY(github, "github", "https://api.github.com", "GitHub's repositories.");
REPOSITORY(gitlab, "gitlab", "https://gitlab.com", "GitLab's repositories.");
REPOSITORY(bitbucket, "bitbucket", "https://api.bitbucket.org/2.0", "Bitbucket's repositories.");

const ConfigSection *const metadata_config_sections[] = {&github_section, &gitlab_section, &bitbucket_section, NULL};

char *repository_base_url(Config *config, const char *type, GError **error) {
    for (gsize i = 0; metadata_config_sections[i] != NULL; i++) {
        Repository repository = {0};
        if (strcmp(metadata_config_sections[i]->prefix, type) != 0)
            continue;
        if (!config_read(config, metadata_config_sections[i], &repository, error))
            return NULL;
        gsize length = strlen(repository.base_url);
        while (length > 0 && repository.base_url[length - 1] == '/')
            repository.base_url[--length] = '\0';
        return repository.base_url;
    }
    error_set(error, ERR_INTERNAL, "no repositories of type %s", type);
    return NULL;
}
