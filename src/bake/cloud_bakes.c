/* Clouds that make images by themselves, without packer (Cloud.bake). Any thread. */
#include "bake/internal.h"

const Cloud *bakery_cloud_that_bakes(Bakery *bakery, const char *cloud) {
    const Cloud *found = bakery->clouds != NULL ? clouds_find(bakery->clouds, cloud) : NULL;
    return found != NULL && found->bake != NULL ? found : NULL;
}

Json *bakery_look_at_clouds(Bakery *bakery, const char *id) {
    for (const Cloud *const *cloud = bakery->clouds != NULL ? clouds_list(bakery->clouds) : NULL; cloud != NULL && *cloud != NULL;
         cloud++) {
        Json *seen = (*cloud)->bake_look != NULL ? (*cloud)->bake_look(bakery->clouds, id, NULL) : NULL;
        if (seen != NULL)
            return seen;
    }
    return NULL;
}
