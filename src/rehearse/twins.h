/* The clouds of rehearsals, private to this room: for each cloud of the program one that looks like it and acts nowhere but in the simulated
 * world of its registry. */
#pragma once
#include "clouds/cloud.h"

/* An account of a twin. */
typedef struct {
    const Cloud *cloud; /* whose twin has it */
    char *name, *environment, *type;
    char **regions;    /* strv */
    Json *permissions; /* or NULL */
} Place;
void place_free(gpointer place);

typedef struct Twins Twins;
/* clouds: the program's; NULL-terminated. places: of Place, taken. configured: the simulated cloud opens the accounts of the configuration
 * itself, with all that is said of it there. */
Twins *twins_new(const Cloud *const *clouds, GPtrArray *places, gboolean configured);
void twins_free(Twins *twins);
const Cloud *const *twins_list(const Twins *twins); /* NULL-terminated; lives as long as the twins */
/* The twins of a registry: the rehearsal's, which owns it. */
Twins *twins_of(Clouds *clouds);

/* Puts what is known of the clouds into their twins as it is: groups (those of which no instance is healthy never become so), load balancers,
 * target groups, firewalls, images. */
void twins_fill(Clouds *twins, Clouds *real, gint64 now_ms);
