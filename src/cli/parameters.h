/* What a pipeline is started with, out of a command's options. Main thread. */
#pragma once
#include "cli/command.h"

/* The trigger by --parameter NAME=VALUE…, --trigger FILE and --dry-run, those that the command has. Caller owns. ERR_INVALID, or what kept the file from being read. */
Json *trigger_from_options(const Invocation *call, GError **error);
