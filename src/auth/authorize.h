/* Who may do what to what: the rule alone, from what is configured, stored and asked (security.md 3). Pure; any thread. */
#pragma once
#include "base/json.h"

/* config: {enabled, adminRoles, allowAccessToUnknownApplications, restrictApplicationCreation, executeFallback, serviceAccountOrMode,
 * applicationPrefixes: [{prefix, permissions}], resolutionStrategy}; user: {name, roles, known}; resources: {applications, accounts,
 * buildServices: [{name, permissions, requiredGroupMembership}], serviceAccounts: [{name, memberOf}]}; check: {type, name, authorization}. */
gboolean authorize(const JsonValue *config, const JsonValue *user, const JsonValue *resources, const JsonValue *check);
