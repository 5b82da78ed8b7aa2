/* `simulate`: pipelines out of files on simulated clouds. Thread: the caller's. */
#pragma once
#include "rehearse/rehearse.h"

typedef struct {
    Config *config;                    /* simulated accounts that it has are there; else those that the pipelines name */
    const Cloud *const *clouds;        /* of the program; twins stand for them; NULL-terminated */
    const JsonValue *const *pipelines; /* all that may start each other; NULL-terminated */
    const char *const *faults;         /* rules of the simulated cloud as texts; NULL-terminated */
    const char *const *assumptions;    /* NULL-terminated */
    const JsonValue *trigger;          /* of the pipeline that is run */
    guint64 seed;
    gint64 now_ms;
} Simulation;

/* Runs one of the pipelines. The report of the rehearsal with pipeline and application in it; caller owns. ERR_…: it could not be run. */
Json *simulate(const Simulation *simulation, const JsonValue *pipeline, GError **error);
