/* Service accounts that are made for pipelines with `roles` (security.md 3.7): an account that is a member of just these roles, as which the triggers
 * run the pipeline. Store objects of kind "serviceAccount", id = name in lower case: {name, memberOf}. Any thread. */
#pragma once
#include "base/principal.h"
#include "stages/services.h"
#include "store/objects.h"

#define SERVICE_ACCOUNT_KIND "serviceAccount"

extern const ConfigSection *const permission_config_sections[];

/* tasks.useManagedServiceAccounts */
gboolean pipeline_permissions_on(Services *services);
/* For a pipeline with `roles` (a member of it, also when empty): saves its account, unless there are no roles. *account: its name, or NULL when
 * there is nothing to do; caller frees. The principal must have all the roles. ERR_FORBIDDEN; ERR_INVALID when sign-in is not required, or for
 * roles that are no list of names. id: the pipeline's. */
gboolean pipeline_permissions_update(Services *services, const JsonValue *pipeline, const char *id, const Principal *principal,
                                     gint64 now_ms, char **account, GError **error);
/* The pipeline with its triggers run as the account, or no longer as it when it has no roles; triggers that run as somebody else stay. Caller owns. */
Json *pipeline_with_run_as(const JsonValue *pipeline, const char *account);
/* Adds the deletion of a pipeline's own account to a unit. */
void pipeline_permissions_forget(StoreUnit *unit, const char *pipeline_id);
/* Names of the accounts that somebody may run pipelines as: those of whose roles he has all. A list; caller owns. */
Json *service_accounts_of(Store *store, const Principal *principal, GError **error);
