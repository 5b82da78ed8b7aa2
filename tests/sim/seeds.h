/* What the simulations' command lines have in common: which seeds, and whether to say what happens. */
#pragma once
#include <glib.h>

typedef struct {
    guint64 first, last;
    gboolean trace;
} Seeds;
/* [--seeds A..B | --seed N] [--trace]; without: 1 to usual, with GENNAKER_TEST_LONG to many. FALSE: said how it is used. */
gboolean seeds_read(Seeds *seeds, int argc, char **argv, guint64 usual, guint64 many);
/* Whether so many were asked for that everything has to have been tried: at least so many. */
gboolean seeds_are_many(const Seeds *seeds, guint64 least);
/* One row of the report; TRUE when it is more than nothing. */
gboolean seeds_print_counter(const char *name, guint64 count);
