/* What cron assumes where nothing is configured. */
#pragma once

#define CRON_ZONE_DEFAULT "America/Los_Angeles" /* Spinnaker's */
