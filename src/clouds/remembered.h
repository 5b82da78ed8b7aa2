/* What was known of the clouds outlives the process: leaves of the inventory as store objects, written when their content changed, read at the
 * next start, where their age shows until they are read anew. */
#pragma once
#include "base/runtime.h"
#include "inventory/inventory.h"
#include "store/store.h"

#define REMEMBERED_SAVE_MS (60 * 1000)         /* how often changed leaves are written */
#define REMEMBERED_LEAF_MAX (16 * 1024 * 1024) /* bytes of a leaf; a larger one is read anew after a start */

typedef struct Remembered Remembered;
Remembered *remembered_new(Store *store, Inventory *inventory, Runtime *runtime);
/* Puts what is remembered of these accounts (of Account *) into the inventory, and forgets the others. Before agents start. */
void remembered_load(Remembered *remembered, const GPtrArray *accounts);
void remembered_start(Remembered *remembered); /* its thread begins */
void remembered_stop(Remembered *remembered);  /* writes what changed, joins the thread */
void remembered_free(Remembered *remembered);
