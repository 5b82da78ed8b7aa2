/* What a cloud once told about an account (its id, its regions), kept so that a start does not wait for the cloud. Any thread. */
#pragma once
#include "clouds/cloud.h"

#define LOOKUP_FRESH_MS (24 * 3600 * G_GINT64_CONSTANT(1000)) /* younger answers are used without asking again */

/* What was told under this key (a digest of all that the question depends on), or NULL; caller owns. */
Json *clouds_lookup_recall(Clouds *clouds, const Account *account, const char *key, gint64 *age_ms);
void clouds_lookup_remember(Clouds *clouds, const Account *account, const char *key, const JsonValue *told);
