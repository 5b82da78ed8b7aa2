/* How the rooms are put together: opened in the order of DESIGN's table, closed in reverse. Main thread. */
#pragma once
#include "api/api.h"
#include "bake/bakery.h"
#include "stages/services.h"

typedef struct {
    const char *config_path; /* file or folder; NULL: none */
    const char *folder;      /* data */
    const char *address;
    guint16 port;
    const char *program; /* path of this binary, for its own children */
    /* Another server that shares the store took over from this one: the process has to start anew at once. Any thread; or NULL. */
    void (*lost)(gpointer data);
    gpointer lost_data;
} CompositionOptions;

typedef struct Composition Composition;
/* ERR_… of whatever could not be opened; nothing is left open then. */
Composition *composition_open(const CompositionOptions *options, GError **error);
guint16 composition_port(const Composition *composition);
Auth *composition_auth(const Composition *composition);
/* Reads the configuration again and swaps it everywhere, or changes nothing and says why. Any thread, one at a time. */
gboolean composition_reload(Composition *composition, GError **error);
void composition_close(Composition *composition, gint64 grace_ms);

/* Puts expression functions with I/O into the table; they read these services from now on, NULL: none. Main thread, before anything is evaluated. */
void composition_add_functions(Services *services);

/* All clouds of the program; NULL-terminated. */
const Cloud *const *composition_clouds(void);
/* The sections of all rooms, for lint and documentation; NULL-terminated. */
const ConfigSection *const *composition_config_sections(void);
