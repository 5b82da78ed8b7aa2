/* Which instances a rolling push replaces (deploy-strategies.md 3). */
#pragma once
#include "stages/deploy/scope.h"

/* Ids in the order in which they go. termination: relaunchAllInstances, or the first totalRelaunches, of all or of `instances`; order oldest
 * (default) or newest. instances: of const Instance. Pure; caller unrefs. */
Json *rolling_push_candidates(const GPtrArray *instances, const JsonValue *termination);
