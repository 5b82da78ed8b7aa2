/* A rehearsal read as a plan, private to this room. */
#pragma once
#include "rehearse/plan.h"

Json *plan_report(const Rehearsal *rehearsal, const PlanOptions *options); /* caller owns */
