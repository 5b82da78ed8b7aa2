/* "Create and wait": requests whose answer is due when an execution ends. No reader thread waits: the store's changes wake one
 * thread of this file, which loads the execution and lets the answer be made. */
#pragma once
#include "api/answer.h"

#define WAITS_MAX 1000      /* requests that wait at once; more get 503 */
#define WAIT_MOST_MS 32000  /* then the answer is made from the state seen last: api.md 1 */
#define WAIT_BULK_MS 600000 /* for saves of many at once */

typedef struct Waits Waits;
Waits *waits_new(Services *services);
void waits_stop(Waits *waits); /* answers what waits from the state it has; from now on none may wait */
void waits_free(Waits *waits);

/* Makes the answer; on the thread of the waits. */
typedef void (*WaitEnd)(const Answer *answer, Services *services, const Execution *execution, gpointer data);
/* Hands the call's answer over until the execution is complete or most_ms have passed. data is freed with free_data (or NULL) after
 * end, or at once on error (ERR_UNAVAILABLE: too many wait). */
gboolean waits_add(Waits *waits, ApiCall *call, const char *execution_id, gint64 most_ms, WaitEnd end, gpointer data,
                   GDestroyNotify free_data, GError **error);
