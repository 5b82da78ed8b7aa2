/* Turns of those who save: what names the same thing is checked and committed one after the other, all else at once, so that many saves
 * share a commit. Any thread; waits. */
#pragma once
#include <glib.h>

typedef struct {
    char *keys[2];
} SaveTurn;
/* Waits until nobody else has one of the keys. */
SaveTurn save_turn_take(const char *first, const char *second);
void save_turn_give(SaveTurn *turn);
